"""Training on a folder of the user's own, and everything that is done with the result."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
from PIL import Image

torch = pytest.importorskip("torch")

from eyespot.artifacts.model_folder import ModelFolder  # noqa: E402
from eyespot.artifacts.sidecars import read_sidecar  # noqa: E402
from eyespot.cli import main  # noqa: E402
from eyespot.data import catalogue  # noqa: E402
from eyespot.data.folder import part_of  # noqa: E402
from eyespot.errors import BadFileError, MissingDataError, RefusedError  # noqa: E402
from eyespot.preprocessing.synthetic import CLASSES, picture, write_folder  # noqa: E402
from eyespot.reports import training as review  # noqa: E402
from eyespot.tflite.read import read  # noqa: E402
from eyespot.training import finetune  # noqa: E402
from eyespot.verbs.check import check  # noqa: E402
from eyespot.verbs.convert import convert  # noqa: E402
from eyespot.verbs.evaluate import evaluate  # noqa: E402
from eyespot.verbs.export import export  # noqa: E402
from eyespot.verbs.make import make  # noqa: E402
from eyespot.verbs.predict import predict  # noqa: E402
from eyespot.verbs.quantize import quantize  # noqa: E402
from eyespot.verbs.train import train  # noqa: E402
from eyespot.zoo import registry  # noqa: E402

IMAGES = 200


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    folder = tmp_path_factory.mktemp("own") / "photos"
    write_folder(folder, IMAGES)
    return folder


@pytest.fixture(scope="module")
def mine(photos, tmp_path_factory):
    """Trained and quantized, by the two commands of the README."""
    folder = tmp_path_factory.mktemp("mine")
    trained = train("tiny-resnet", data=str(photos), out=folder, threads=1)
    quantize(str(folder))
    return trained


def test_it_learns_the_new_classes(mine):
    assert mine.validation_top1 > 0.8
    assert mine.low < mine.validation_top1 <= mine.high
    measured = evaluate(str(mine.folder))
    assert measured.split == "test"
    assert measured.top1 > 0.8
    assert set(measured.per_class) == set(CLASSES)


def test_contract_and_class_names_are_inside(mine):
    for name in ("float32.tflite", "int8.tflite"):
        contract = read(mine.folder / name).contract
        assert contract.classes == tuple(sorted(CLASSES))
        assert (contract.model, contract.preprocessing) == (
            "tiny-resnet",
            registry.model("tiny-resnet").preprocessing,
        )


def test_the_chain_leads_to_the_photos_and_to_the_first_weights(mine):
    links = ModelFolder(mine.folder).chain("int8.tflite")
    assert [link.verb for link in links] == ["quantize", "convert", "train"]
    assert links[-1].inputs["weights"] == read(registry.find("tiny-resnet:float32")).sha256
    assert str(mine.folder) not in json.dumps([dict(link.facts) for link in links])


def test_every_split_is_apart(mine, photos):
    """By digest: no image that trained or calibrated is validated or tested on."""
    parts = {path: part_of(path) for path in photos.rglob("*.png")}
    assert {"train", "validation", "test"} == set(parts.values())
    assert len(read_sidecar(mine.folder / "weights.safetensors").facts["training_images"]) == list(
        parts.values()
    ).count("train")
    assert read_sidecar(mine.folder / "int8.tflite").facts["calibration"] == "photos train"


def test_images_that_trained_are_refused(mine, photos):
    with pytest.raises(RefusedError, match=r"images trained it; evaluate on others"):
        evaluate(str(mine.folder), data=str(photos))
    assert evaluate(str(mine.folder), data=str(photos), split="test").n > 10


def test_a_copy_of_an_image_stays_on_its_side(photos, tmp_path):
    path = next(iter(photos.rglob("*.png")))
    shutil.copy(path, tmp_path / "copy.png")
    assert part_of(tmp_path / "copy.png") == part_of(path)


def test_the_same_picture_in_another_file_does_not_train(photos, tmp_path):
    """Saved anew its file's digest is another; the pixels tell."""
    copied = tmp_path / "photos"
    shutil.copytree(photos, copied)
    held_out = next(path for path in sorted(copied.rglob("*.png")) if part_of(path) == "test")
    for i in range(8):
        again = held_out.with_name(f"again{i}.png")
        with Image.open(held_out) as image:
            image.save(again, compress_level=i)
    doubles = [p for p in held_out.parent.glob("again*") if part_of(p) == "train"]
    assert doubles
    made = train("tiny-resnet", data=str(copied), out=tmp_path / "out", threads=1)
    assert made.dropped["in validation or test"] == len(doubles)


def test_the_pictures_are_there(mine):
    for name in ("confusion.png", "mistakes.png"):
        with Image.open(mine.folder / name) as drawn:
            assert min(drawn.size) > 400


def test_all_that_a_zoo_model_can(mine, photos, tmp_path):
    folder = str(mine.folder)
    picture_of_a_disc = next(path for path in (photos / "disc").iterdir() if part_of(path) == "test")
    assert {name for name, _ in predict(folder, (str(picture_of_a_disc),))[0].classes} == set(CLASSES)
    assert check(folder, device="imx93")[0].npu.status == "ok"
    assert "disc" in (export(folder, to="c", out=tmp_path / "c").folder / "model.c").read_text()
    made = make(folder, out=tmp_path / "made")
    assert {a.evaluation.split for a in made.accuracies} == {"test"}
    card = (tmp_path / "made/card.md").read_text()
    assert "4 classes of its owner's" in card
    assert "What others say" not in card
    assert "CIFAR-10 test" not in card


def test_convert_takes_the_weights_with_their_own_classes(mine, tmp_path):
    made = convert("tiny-resnet", weights=str(mine.folder / "weights.safetensors"), out=tmp_path)
    assert made.sha256 == mine.float32.sha256


def test_a_folder_that_moved_is_one_line(mine, tmp_path):
    shutil.copytree(mine.folder, tmp_path / "copy")
    (tmp_path / "copy" / catalogue.OWN_DATA).write_text("/nowhere/photos")
    with pytest.raises(MissingDataError, match=r"/nowhere/photos.*--data"):
        evaluate(str(tmp_path / "copy"))
    for content in (b"", b"\xff\xfe", b"photos"):
        (tmp_path / "copy" / catalogue.OWN_DATA).write_bytes(content)
        with pytest.raises(MissingDataError, match=r"trained-on\.txt: names .* no folder here"):
            evaluate(str(tmp_path / "copy"))


def test_features_are_computed_once(mine, photos, tmp_path, monkeypatch, data_root):
    shutil.copy(mine.folder / finetune.CACHE, tmp_path)

    def computed(*args):
        raise AssertionError("computed again")

    monkeypatch.setattr(finetune, "_seen", computed)
    again = train("tiny-resnet", data=str(photos), out=tmp_path, threads=1)
    assert again.weights == mine.weights
    with pytest.raises(AssertionError):
        train("tiny-resnet", data=str(photos), weights="mlperf-tiny", out=tmp_path, threads=1)
    (tmp_path / finetune.CACHE).write_bytes(b"damaged")
    with pytest.raises(AssertionError):
        train("tiny-resnet", data=str(photos), out=tmp_path, threads=1)


def test_a_validation_image_that_is_gone(photos, tmp_path):
    """The features that are kept are not those of the images that are left."""
    shutil.copytree(photos, tmp_path / "photos")
    train("tiny-resnet", data=str(tmp_path / "photos"), out=tmp_path / "out", threads=1)
    next(p for p in sorted((tmp_path / "photos").rglob("*.png")) if part_of(p) == "validation").unlink()
    again = train("tiny-resnet", data=str(tmp_path / "photos"), out=tmp_path / "out", threads=1)
    assert again.n == 15


def test_trained_anew_the_old_int8_file_is_gone(mine, photos, tmp_path):
    """It would answer with the old weights."""
    shutil.copytree(mine.folder, tmp_path / "mine")
    train("tiny-resnet", data=str(photos), out=tmp_path / "mine", threads=1)
    assert (tmp_path / "mine/int8.tflite").exists(), "the same weights again"
    train("tiny-resnet", data=str(photos), weights="mlperf-tiny", out=tmp_path / "mine", threads=1)
    assert not (tmp_path / "mine/int8.tflite").exists()
    assert not (tmp_path / "mine/int8.tflite.json").exists()


def test_a_folder_called_as_a_data_set(mine, photos, tmp_path, monkeypatch):
    """./cifar-10 is the folder, in the workers too."""
    shutil.copytree(photos, tmp_path / "cifar-10")
    monkeypatch.chdir(tmp_path)
    assert set(evaluate(str(mine.folder), data="./cifar-10", split="test").per_class) == set(CLASSES)


def test_what_was_made_elsewhere_still_refuses_the_images_that_trained(mine, photos, tmp_path):
    quantize(str(mine.folder), out=tmp_path / "q")
    for folder in (tmp_path / "q", make(str(mine.folder), out=tmp_path / "board").folder):
        with pytest.raises(RefusedError, match="images trained it"):
            evaluate(str(folder), data=str(photos))
        assert evaluate(str(folder)).split == "test"


def test_own_classes_called_like_the_models(photos, tmp_path):
    """The published figures are of other data, whatever the classes are called."""
    for old, new in (("disc", "no person"), ("cross", "person")):
        shutil.copytree(photos / old, tmp_path / "photos" / new)
    train("visual-wake-word", data=str(tmp_path / "photos"), out=tmp_path / "out", threads=1)
    quantize(str(tmp_path / "out"))
    card = (make(str(tmp_path / "out")).folder / "card.md").read_text()
    assert "2 classes of its owner's" in card
    assert "Silicon Labs" not in card


def test_crop_and_classes_come_with_the_weights(photos, tmp_path, data_root):
    """mobilenet-v1's own crop is 87.5 %; for own pictures it is all."""
    options = {"weights": "tf-slim-quantised", "threads": 1}
    made = train("mobilenet-v1", data=str(photos), out=tmp_path / "out", **options)
    again = convert("mobilenet-v1", out=tmp_path / "out")
    assert again.sha256 == made.float32.sha256
    assert read(tmp_path / "out/float32.tflite").contract.preprocessing.crop == 1.0


def test_a_class_of_blank_images(photos, tmp_path, capsys):
    shutil.copytree(photos, tmp_path / "photos")
    (tmp_path / "photos" / "void").mkdir()
    for i in range(30):
        Image.new("RGB", (16, 16), (i, i, i)).save(tmp_path / "photos/void" / f"{i}.png")
    said = fails(capsys, "--data", tmp_path / "photos", "--out", tmp_path / "out")
    assert "no image of void is left to train on" in said


def test_all_layers_train_on_and_resume(photos, tmp_path, monkeypatch):
    """Killed after an epoch and repeated it ends with the weights of a run that went through."""
    options = {"data": str(photos), "unfreeze": True, "epochs": 2, "threads": 1}
    straight = train("tiny-resnet", out=tmp_path / "straight", **options)

    whole = review.write_history

    def killed(history, folder):
        raise KeyboardInterrupt

    monkeypatch.setattr(review, "write_history", killed)
    with pytest.raises(Exception, match="stopped; the same command continues"):
        train("tiny-resnet", out=tmp_path / "killed", **options)
    monkeypatch.setattr(review, "write_history", whole)
    resumed = train("tiny-resnet", out=tmp_path / "killed", **options)
    assert resumed.weights == straight.weights
    assert resumed.validation_top1 > 0.8


@pytest.mark.slow
@pytest.mark.parametrize("model", ["visual-wake-word", "mobilenet-v1"])
def test_other_models_begin_with_published_weights(model, photos, data_root, tmp_path):
    weights = {"mobilenet-v1": "tf-slim-quantised"}.get(model)
    options = {"data": str(photos), "weights": weights, "out": tmp_path, "threads": 2}
    made = train(model, **options)
    assert made.validation_top1 > 0.5  # people's features on drawn shapes; chance is 0.25
    assert read(tmp_path / "float32.tflite").output.shape == (1, 4)
    whole = train(model, unfreeze=True, epochs=4, **options)
    assert whole.validation_top1 > made.validation_top1 - 0.2  # destroyed it has 0.25; 16 images


# --- images of all kinds


def test_images_of_all_kinds_train(photos, tmp_path):
    """Gray, CMYK, 16-bit, palette and turned by EXIF; each is what `decode` makes of it."""
    kinds = tmp_path / "kinds"
    write_folder(kinds, 80)
    for number in range(12):
        base = Image.fromarray(picture(1000 + number, 40, 60, 3))
        folder = kinds / CLASSES[(1000 + number) % 4]
        base.convert("L").save(folder / f"gray{number}.png")
        base.convert("CMYK").save(folder / f"cmyk{number}.jpg")
        base.convert("P").save(folder / f"palette{number}.gif")
        deep = np.asarray(base.convert("L")).astype(np.uint16) * 257
        Image.fromarray(deep).save(folder / f"deep{number}.png")
        exif = Image.Exif()
        exif[0x0112] = 6
        base.save(folder / f"turned{number}.jpg", exif=exif)
    assert train("tiny-resnet", data=str(kinds), out=tmp_path / "out", threads=1).validation_top1 > 0.4


# --- bad folders, bad options


def fails(capsys, *words):
    assert main(["train", "tiny-resnet", *map(str, words)]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    return err


def test_a_folder_with_one_class(tmp_path, capsys):
    write_folder(tmp_path / "one", 12)
    for name in CLASSES[1:]:
        shutil.rmtree(tmp_path / "one" / name)
    said = fails(capsys, "--data", tmp_path / "one", "--out", tmp_path / "out")
    assert f"expected two classes or more, found {CLASSES[0]}" in said
    assert not (tmp_path / "out").exists()


def test_classes_with_one_image(tmp_path, capsys):
    write_folder(tmp_path / "few", 80)
    for path in sorted((tmp_path / "few" / "cross").iterdir())[1:]:
        path.unlink()
    assert "cross (1): a class needs 5 images" in fails(capsys, "--data", tmp_path / "few")


def test_broken_files_are_told_together(tmp_path, capsys):
    folder = tmp_path / "photos"
    write_folder(folder, 80)
    for i, path in enumerate(sorted(folder.rglob("*.png"))[:7]):
        path.write_bytes(b"" if i % 2 else path.read_bytes()[:60])
    said = fails(capsys, "--data", folder, "--out", tmp_path / "out")
    assert "7 of 80 images cannot be read" in said
    assert "and 4 more" in said
    assert not (tmp_path / "out").exists()


def test_classes_without_names(tmp_path, capsys):
    for i in range(20):
        Image.fromarray(picture(i, 16, 16, 3)).save(tmp_path / f"{i}.png")
    rows = "".join(f"{i}.png,{i % 2}\n" for i in range(20))
    (tmp_path / "labels.csv").write_text("file,class_index\n" + rows)
    assert "none that has a name (classes.txt)" in fails(capsys, "--data", tmp_path)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--unfreeze"], "--unfreeze: goes with --data"),
        (["--weights", "mlperf-tiny"], "--weights: goes with --data"),
        (["--seed", "-1"], "--seed -1: expected 0 to"),
        (["--teacher", "nowhere"], "nowhere: no run whose teacher was trained"),
        (["--data", "nowhere"], "no data set or folder is called 'nowhere'"),
    ],
)
def test_options_that_do_not_go_together(words, said, capsys):
    assert said in fails(capsys, *words)


@pytest.mark.parametrize("words", [["--epochs", "0"], ["--threads", "-1"]])
def test_numbers_below_one_are_usage(words, capsys):
    assert main(["train", "tiny-resnet", *words]) == 2
    assert "expected 1 or more" in capsys.readouterr().err


def test_epochs_of_the_last_layer(photos, capsys):
    assert "goes with --unfreeze" in fails(capsys, "--data", photos, "--epochs", 3)


def test_weights_that_nobody_published(photos, capsys):
    said = fails(capsys, "--data", photos, "--weights", "mlperf")
    assert "did you mean mlperf-tiny?" in said


def test_a_teacher_without_a_student(photos, capsys):
    assert "nothing is learnt from a teacher here" in fails(capsys, "--data", photos, "--teacher", photos)


def test_a_model_without_a_recipe(capsys):
    assert main(["train", "mobilenet-v1"]) == 1
    assert "with --data FOLDER" in capsys.readouterr().err


def test_a_checkpoint_of_another_model(photos, tmp_path, data_root):
    options = {"data": str(photos), "out": tmp_path, "unfreeze": True, "epochs": 1, "threads": 1}
    train("tiny-resnet", **options)
    before = (tmp_path / "weights.safetensors").read_bytes()
    with pytest.raises(BadFileError, match="is of another run: model tiny-resnet"):
        train("visual-wake-word", **options)
    assert (tmp_path / "weights.safetensors").read_bytes() == before


def test_classes_that_differ_in_left_and_right(tmp_path):
    """Mirror images would teach that they are one."""
    for i in range(60):
        image = Image.new("RGB", (32, 32), (i * 4, 90, 120))
        image.paste((255, 255, 0), (2, 8, 12, 24))
        image.paste((20, 20, i * 4), (16, 3 + i % 9, 20, 9 + i % 9))
        for name, shown in (("left", image), ("right", image.transpose(Image.Transpose.FLIP_LEFT_RIGHT))):
            (tmp_path / "arrows" / name).mkdir(parents=True, exist_ok=True)
            shown.save(tmp_path / "arrows" / name / f"{i}.png")
    made = train("tiny-resnet", data=str(tmp_path / "arrows"), out=tmp_path / "out", threads=1)
    assert made.validation_top1 > 0.9


def test_all_of_the_square_is_taken_of_own_pictures():
    assert finetune.own_input(registry.model("mobilenet-v2").preprocessing).crop == 1.0
    assert finetune.own_input(registry.model("tiny-resnet").preprocessing).crop is None
