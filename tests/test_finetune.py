"""Training on a folder of the user's own, and everything that is done with the result."""

from __future__ import annotations

import csv
import io
import json
import re
import shutil
from collections import Counter
from dataclasses import replace
from importlib.util import find_spec

import numpy as np
import pytest
from PIL import Image
from rich.console import Console

torch = pytest.importorskip("torch")

from commands import fails  # noqa: E402
from eyespot.artifacts.model_folder import FLOAT32, INT8, WEIGHTS, ModelFolder  # noqa: E402
from eyespot.cli import main  # noqa: E402
from eyespot.data import catalogue, manifest  # noqa: E402
from eyespot.data.used import LIST  # noqa: E402
from eyespot.errors import EyespotError, MissingDataError, RefusedError  # noqa: E402
from eyespot.preprocessing.image import decode, fit  # noqa: E402
from eyespot.preprocessing.synthetic import CLASSES, picture  # noqa: E402
from eyespot.reports.terminal import rendered  # noqa: E402
from eyespot.tflite.read import read  # noqa: E402
from eyespot.training import checkpoint, finetune, finish, last_layer  # noqa: E402
from eyespot.training.outcome import Epoch  # noqa: E402
from eyespot.training.tensorboard import EventWriter  # noqa: E402
from eyespot.verbs.check import check  # noqa: E402
from eyespot.verbs.convert import convert  # noqa: E402
from eyespot.verbs.evaluate import evaluate  # noqa: E402
from eyespot.verbs.export import export  # noqa: E402
from eyespot.verbs.make import make  # noqa: E402
from eyespot.verbs.predict import predict  # noqa: E402
from eyespot.verbs.quantize import quantize  # noqa: E402
from eyespot.verbs.train import train  # noqa: E402
from eyespot.zoo import registry  # noqa: E402
from opens import counting, opens  # noqa: E402
from pictures import write_folder  # noqa: E402
from tiny_network import Tiny, published  # noqa: E402

IMAGES = 200


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    folder = tmp_path_factory.mktemp("own") / "photos"
    write_folder(folder, IMAGES)
    return folder


@pytest.fixture(scope="module")
def counted(photos, tmp_path_factory):
    """Trained and quantized, by the two commands of the README, and how often `train` opened each image."""
    folder = tmp_path_factory.mktemp("mine")
    with counting(photos) as counts:
        trained = train("tiny-resnet", data=str(photos), out=folder, threads=1)
    quantize(str(folder))
    return trained, counts


@pytest.fixture(scope="module")
def mine(counted):
    return counted[0]


def parts(folder) -> dict[str, str]:
    """The part of each image, as the manifest in a folder of outputs says."""
    return {file: part for file, _, _, part in manifest.load(folder).rows}


# --- with a model of the zoo


@pytest.mark.slow
def test_it_learns_the_new_classes(mine):
    assert mine.validation_top1 > 0.8
    assert mine.low < mine.validation_top1 <= mine.high
    measured = evaluate(str(mine.folder))
    assert measured.split == "test"
    assert measured.top1 > 0.8
    assert set(measured.per_class) == set(CLASSES)


@pytest.mark.slow
def test_contract_and_class_names_are_inside(mine):
    for name in ("float32.tflite", "int8.tflite"):
        contract = read(mine.folder / name).contract
        assert contract.classes == tuple(sorted(CLASSES))
        assert (contract.model, contract.preprocessing) == (
            "tiny-resnet",
            registry.model("tiny-resnet").preprocessing,
        )


@pytest.mark.slow
def test_the_chain_leads_to_the_photos_and_to_the_first_weights(mine):
    links = ModelFolder(mine.folder).chain("int8.tflite")
    assert [link.verb for link in links] == ["quantize", "convert", "train"]
    assert links[-1].inputs["weights"] == read(registry.find("tiny-resnet:float32")).sha256
    assert str(mine.folder) not in json.dumps([dict(link.facts) for link in links])


@pytest.mark.slow
def test_every_image_has_one_part(mine, photos):
    counts = Counter(parts(mine.folder).values())
    assert counts.keys() == {"train", "validation", "test"}
    assert counts.total() == IMAGES
    assert len((mine.folder / LIST).read_bytes()) == 12 * counts["train"]
    assert mine.n == counts["validation"]
    assert ModelFolder(mine.folder).record("int8.tflite").facts["calibration"] == "photos train"


@pytest.mark.slow
def test_images_that_trained_are_refused(mine, photos, tmp_path):
    with pytest.raises(RefusedError, match=r"images trained it \(.*\.png, \.\.\.\); evaluate on others"):
        evaluate(str(mine.folder), data=str(photos))
    assert evaluate(str(mine.folder), data=str(photos), split="test").n > 10
    shutil.copytree(mine.folder, tmp_path / "bare", ignore=shutil.ignore_patterns("*.json"))
    with pytest.raises(RefusedError, match=r"images trained it"):  # the sidecars are gone
        evaluate(str(tmp_path / "bare"), data=str(photos))


def test_train_opens_each_image_at_most_twice(counted):
    assert len(counted[1]) == IMAGES
    assert max(counted[1].values()) <= 2


@pytest.mark.slow
def test_evaluate_opens_the_test_images_alone(mine, photos, tmp_path):
    words = ("-m", "eyespot", "evaluate", str(mine.folder))
    counts = opens(photos, tmp_path / "place", *words)
    assert set(counts) == {file for file, part in parts(mine.folder).items() if part == "test"}
    assert max(counts.values()) <= 2


@pytest.mark.slow
def test_the_pictures_are_there(mine):
    for name in ("confusion.png", "mistakes.png"):
        with Image.open(mine.folder / name) as drawn:
            assert min(drawn.size) > 400


@pytest.mark.slow
def test_all_that_a_zoo_model_can(mine, photos, tmp_path):
    """And what is made of it elsewhere still refuses the images that trained."""
    folder, board = str(mine.folder), tmp_path / "board"
    disc = photos / next(f for f, part in parts(mine.folder).items() if part == "test" and "disc" in f)
    assert {name for name, _ in predict(folder, (str(disc),))[0].classes} == set(CLASSES)
    assert check(folder, device="imx93")[0].npu.status == "ok"
    assert "disc" in (export(folder, to="c", out=tmp_path / "c").folder / "model.c").read_text()
    quantize(folder, out=tmp_path / "q")
    made = make(folder, out=board)
    assert {a.evaluation.split for a in made.accuracies} == {"test"}
    card = (board / "card.md").read_text()
    assert "on 4 custom classes" in card
    assert "Published figures" not in card
    assert "CIFAR-10 test" not in card
    for elsewhere in (tmp_path / "q", board):
        with pytest.raises(RefusedError, match="images trained it"):
            evaluate(str(elsewhere), data=str(photos))
        assert evaluate(str(elsewhere)).split == "test"


@pytest.mark.slow
def test_what_a_training_is_worth(mine, photos):
    """Per class, on training images, and against simpler models, of the same validation images."""
    assert sum(each.n for each in mine.per_class.values()) == mine.n == mine.linear.n
    assert sum(each.correct for each in mine.per_class.values()) == round(mine.n * mine.validation_top1)
    assert mine.training.n == Counter(parts(mine.folder).values())["train"]
    assert mine.prior.top1 < 0.5
    assert mine.linear.gain == pytest.approx(mine.validation_top1 - mine.linear.top1)
    assert mine.linear.low <= mine.linear.gain <= mine.linear.high
    assert mine.tried[mine.layers].top1 == pytest.approx(mine.validation_top1)


@pytest.mark.slow
def test_mistakes_name_their_files(mine, photos):
    with (mine.folder / "mistakes.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == round(mine.n * (1 - mine.validation_top1))
    validated = {file for file, part in parts(mine.folder).items() if part == "validation"}
    for row in rows:
        assert row["file"] in validated
        assert row["class"] == row["file"].partition("/")[0] != row["answer"]
        assert 0.25 < float(row["probability"]) <= 1


@pytest.mark.slow
def test_the_view_begins_with_accuracy_and_ends_with_what_is_next(mine):
    said = shown(mine)
    assert said.index("validation") < said.index("linear model") < said.index("disc") < said.index("sha256")
    assert f"{mine.validation_top1:.4f} [{mine.low:.3f}, {mine.high:.3f}], n = {mine.n}" in said
    assert said.rstrip().endswith(f"next: eyespot quantize {mine.folder}")


def shown(training) -> str:
    console = Console(width=200, record=True, file=io.StringIO())
    console.print(rendered(training))
    return console.export_text()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("gain", "low", "layers", "said"),
    [
        (-0.1, -0.2, "last", "Raw pixels do better: .* Try --layers all."),
        (0.0, -0.1, "all", "Raw pixels do as well: .* A better start: eyespot train mobilenet-v2"),
        (0.1, -0.1, "all", "may be no better than a linear model"),
        (0.1, 0.05, "all", None),
    ],
)
def test_a_network_that_does_not_beat_raw_pixels(mine, gain, low, layers, said):
    linear = replace(mine.linear, gain=gain, low=low, high=gain + 0.1)
    found = shown(replace(mine, linear=linear, layers=layers, tried={layers: mine.training}))
    assert re.search(said, found) if said else not re.search("[Rr]aw pixels", found)


@pytest.mark.slow
def test_a_folder_that_moved_is_one_line(mine, tmp_path):
    shutil.copytree(mine.folder, tmp_path / "copy")
    noted = (mine.folder / manifest.NAME).read_text()
    for name in ("/nowhere/photos", "", "photos"):
        moved = f"data,{name}\n{noted.partition(chr(10))[2]}"
        (tmp_path / "copy" / manifest.NAME).write_text(moved)
        with pytest.raises(MissingDataError, match=rf"manifest\.csv: names '{name}', .* with --data"):
            evaluate(str(tmp_path / "copy"))


@pytest.mark.slow
def test_a_folder_called_as_a_data_set(mine, photos, tmp_path, monkeypatch):
    """./cifar-10 is the folder, in the workers too."""
    shutil.copytree(photos, tmp_path / "cifar-10")
    monkeypatch.chdir(tmp_path)
    assert set(evaluate(str(mine.folder), data="./cifar-10", split="test").per_class) == set(CLASSES)


@pytest.mark.slow
def test_convert_takes_the_weights_with_their_own_classes(mine, tmp_path):
    converted = convert("tiny-resnet", weights=str(mine.folder / WEIGHTS), out=tmp_path)
    assert converted.sha256 == mine.float32.sha256


@pytest.mark.slow
def test_trained_anew_the_old_int8_file_is_gone(mine, photos, tmp_path, data_root):
    """It would answer with the old weights."""
    shutil.copytree(mine.folder, tmp_path / "mine")
    train("tiny-resnet", data=str(photos), out=tmp_path / "mine", threads=1)
    assert (tmp_path / "mine/int8.tflite").exists(), "the same weights again"
    train("tiny-resnet", data=str(photos), weights="mlperf-tiny", out=tmp_path / "mine", threads=1)
    assert not (tmp_path / "mine/int8.tflite").exists()
    assert not (tmp_path / "mine/int8.tflite.json").exists()


@pytest.mark.slow
def test_own_classes_called_like_the_models(photos, tmp_path):
    """The published figures are of other data, whatever the classes are called."""
    for old, new in (("disc", "no person"), ("cross", "person")):
        shutil.copytree(photos / old, tmp_path / "photos" / new)
    train("visual-wake-word", data=str(tmp_path / "photos"), out=tmp_path / "out", threads=1)
    quantize(str(tmp_path / "out"))
    card = (make(str(tmp_path / "out")).folder / "card.md").read_text()
    assert "on 2 custom classes" in card
    assert "Silicon Labs" not in card


@pytest.mark.slow
def test_crop_and_classes_come_with_the_weights(photos, tmp_path, data_root):
    """mobilenet-v1's own crop is 87.5 %; for own pictures it is all."""
    options = {"weights": "tf-slim-quantised", "threads": 1}
    trained = train("mobilenet-v1", data=str(photos), out=tmp_path / "out", **options)
    again = convert("mobilenet-v1", out=tmp_path / "out")
    assert again.sha256 == trained.float32.sha256
    assert read(tmp_path / "out/float32.tflite").contract.preprocessing.crop == 1.0


@pytest.mark.slow
@pytest.mark.parametrize("model", ["visual-wake-word", "mobilenet-v1"])
def test_other_models_begin_with_published_weights(model, photos, data_root, tmp_path):
    weights = {"mobilenet-v1": "tf-slim-quantised"}.get(model)
    trained = train(model, data=str(photos), weights=weights, layers="all", epochs=4, out=tmp_path, threads=1)
    assert trained.validation_top1 > 0.4  # drawn shapes; chance is 0.25
    assert read(tmp_path / "float32.tflite").output.shape == (1, 4)


# --- with a tiny network


@pytest.fixture
def tiny(no_data):
    return published(no_data)


def quiet(history, folder):
    """Report nothing."""


def learn(card, photos, folder, report=quiet, layers="last", **options):
    return finetune.train(card, folder, report, owner=catalogue.dataset(str(photos)), layers=layers, **options)


def same(first, second) -> bool:
    ours, theirs = first.network.state_dict(), second.network.state_dict()
    return ours.keys() == theirs.keys() and all(torch.equal(ours[name], theirs[name]) for name in ours)


@pytest.mark.slow
def test_features_are_computed_once(tiny, photos, tmp_path, no_data):
    """Batches that the network sees: of the features, and a few that are measured and that validate."""
    few = 3

    def batches(card=tiny):
        before = Tiny.runs
        return learn(card, photos, tmp_path), Tiny.runs - before

    first, needed = batches()
    assert needed > few
    again, needed = batches()
    assert same(first, again)
    assert needed == few
    (tmp_path / last_layer.CACHE).write_bytes(b"damaged")
    again, needed = batches()
    assert same(first, again)
    assert needed > few
    other, needed = batches(published(no_data, seed=1))
    assert not same(first, other), "features of other weights"
    assert needed > few


@pytest.mark.slow
def test_all_layers_train_on_and_resume(tiny, photos, tmp_path):
    """Killed after an epoch and repeated it ends with the weights of a run that went through."""

    def killed(history, folder):
        raise KeyboardInterrupt

    straight = learn(tiny, photos, tmp_path / "straight", layers="all", epochs=2)
    with pytest.raises(KeyboardInterrupt):
        learn(tiny, photos, tmp_path / "killed", killed, layers="all", epochs=2)
    assert same(straight, learn(tiny, photos, tmp_path / "killed", layers="all", epochs=2))


@pytest.mark.slow
def test_the_better_choice_stays(tiny, photos, tmp_path, capsys):
    """Both are tried, and said before; of equals the last layer alone stays."""
    auto = learn(tiny, photos, tmp_path / "auto", layers="auto", epochs=2)
    said = capsys.readouterr().err
    assert said.count("\n") == 2
    assert "reads 200 pictures of 4 classes" in said
    assert re.search(r"the last layer takes about \d+ s, then all layers about \d+ s \(2 epochs, ", said)
    alone = learn(tiny, photos, tmp_path / "last")
    whole = learn(tiny, photos, tmp_path / "all", layers="all", epochs=2)
    assert auto.tried == {**alone.tried, **whole.tried}
    assert same(auto, {"last": alone, "all": whole}[auto.layers])
    last, all_layers = (auto.tried[name].correct for name in ("last", "all"))
    assert auto.layers == ("all" if all_layers > last else "last")


def test_all_layers_are_not_tried_where_the_last_alone_makes_no_mistake(photos, tmp_path):
    trained = learn(registry.model("tiny-resnet"), photos, tmp_path, layers="auto")
    assert (trained.layers, list(trained.tried)) == ("last", ["last"])
    assert trained.tried["last"].top1 == 1


@pytest.mark.slow
def test_a_folder_with_other_data_is_refused(tiny, photos, tmp_path):
    write_folder(tmp_path / "others", 40, seed=1)
    out = tmp_path / "out"
    finish.save(learn(tiny, photos, out), out)
    before = (out / WEIGHTS).read_bytes()
    with pytest.raises(RefusedError, match=r"manifest\.csv: was trained on .*photos, not on .*others\. .* --force"):
        learn(tiny, tmp_path / "others", out)
    with pytest.raises(RefusedError, match=r"weights of tiny, not of tiny-resnet\. .* --force"):
        learn(registry.model("tiny-resnet"), photos, out)
    assert (out / WEIGHTS).read_bytes() == before
    assert learn(tiny, tmp_path / "others", out, force=True).parts.data == str(tmp_path / "others")


@pytest.mark.slow
def test_features_that_are_kept_change_no_weight(photos, tmp_path):
    """Killed between the features and the first checkpoint, or trained the last layer alone first."""
    card = registry.model("tiny-resnet")  # deep enough that another memory format shows
    straight = learn(card, photos, tmp_path, layers="all", epochs=1)
    (tmp_path / checkpoint.NAME).unlink()
    assert same(straight, learn(card, photos, tmp_path, layers="all", epochs=1))
    learn(card, photos, tmp_path / "frozen")
    assert same(straight, learn(card, photos, tmp_path / "frozen", layers="all", epochs=1))


@pytest.mark.slow
def test_a_validation_image_that_is_gone(tiny, photos, tmp_path):
    """The features that are kept are not those of the images that are left."""
    shutil.copytree(photos, tmp_path / "photos")
    first = learn(tiny, tmp_path / "photos", tmp_path / "out")
    gone = next(file for file, _, _, part in first.parts.rows if part == "validation")
    (tmp_path / "photos" / gone).unlink()
    again = learn(tiny, tmp_path / "photos", tmp_path / "out")
    assert len(again.data.validation_labels) == len(first.data.validation_labels) - 1


def test_images_that_are_added_leave_the_others_where_they_are(tiny, tmp_path):
    folder = tmp_path / "photos"
    write_folder(folder, 40)
    manifest.save(learn(tiny, folder, tmp_path).parts, tmp_path)
    before = parts(tmp_path)
    for i, name in enumerate(CLASSES * 10):
        Image.fromarray(picture(400 + i, 32, 32, 3)).save(folder / name / f"added{i}.png")
    after = {file: part for file, _, _, part in learn(tiny, folder, tmp_path).parts.rows}
    assert len(after) == 80
    assert before.items() <= after.items()


def test_the_same_picture_in_another_file_does_not_train(tiny, photos, tmp_path):
    """Saved anew its file's digest is another; the pixels tell."""
    copied = tmp_path / "photos"
    shutil.copytree(photos, copied)
    held_out = next(f for f, _, _, part in learn(tiny, photos, tmp_path / "a").parts.rows if part == "test")
    for i in range(8):
        with Image.open(copied / held_out) as image:
            image.save((copied / held_out).with_name(f"again{i}.png"), compress_level=i)
    trained = learn(tiny, copied, tmp_path / "b")
    doubles = [file for file, _, _, part in trained.parts.rows if "again" in file and part == "train"]
    assert doubles
    assert trained.data.dropped["in validation or test"] == len(doubles)


def test_images_of_all_kinds_train(tiny, tmp_path):
    """Gray, CMYK, 16-bit, palette and turned by EXIF; each is what `decode` makes of it."""
    write_folder(tmp_path / "kinds", 40)
    for number in range(12):
        base = Image.fromarray(picture(1000 + number, 40, 60, 3))
        folder = tmp_path / "kinds" / CLASSES[(1000 + number) % 4]
        base.convert("L").save(folder / f"gray{number}.png")
        base.convert("CMYK").save(folder / f"cmyk{number}.jpg")
        base.convert("P").save(folder / f"palette{number}.gif")
        deep = np.asarray(base.convert("L")).astype(np.uint16) * 257
        Image.fromarray(deep).save(folder / f"deep{number}.png")
        exif = Image.Exif()
        exif[0x0112] = 6
        base.save(folder / f"turned{number}.jpg", exif=exif)
    trained = learn(tiny, tmp_path / "kinds", tmp_path / "out")
    files = [tmp_path / "kinds" / file for file, _, _, part in trained.parts.rows if part == "train"]
    trains = {image.numpy().tobytes() for image in trained.data.images[:]}
    expected = [path.name for path in files if fit(decode(path, 3), tiny.preprocessing).tobytes() in trains]
    kinds = Counter(re.sub(r"\d+", "", name) for name in expected)
    assert len(expected) >= len(trained.data.images), "two of them may look the same"
    assert all(kinds[k] > 5 for k in ("gray.png", "cmyk.jpg", "palette.gif", "deep.png", "turned.jpg"))


def test_classes_that_differ_in_left_and_right(tiny, tmp_path):
    """Mirror images would teach that they are one."""
    for i in range(60):
        image = Image.new("RGB", (32, 32), (i * 4, 90, 120))
        image.paste((255, 255, 0), (2, 8, 12, 24))
        image.paste((20, 20, i * 4), (16, 3 + i % 9, 20, 9 + i % 9))
        for name, shown in (("left", image), ("right", image.transpose(Image.Transpose.FLIP_LEFT_RIGHT))):
            (tmp_path / "arrows" / name).mkdir(parents=True, exist_ok=True)
            shown.save(tmp_path / "arrows" / name / f"{i}.png")
    trained = learn(tiny, tmp_path / "arrows", tmp_path / "out")
    x = trained.data.validation_images[:].permute(0, 3, 1, 2).float().contiguous()
    called = trained.network(x).argmax(1)
    assert float((called == trained.data.validation_labels).float().mean()) > 0.9


def test_a_conversion_that_fails_leaves_no_file_of_other_weights(tiny, photos, tmp_path):
    """Nor does a kill: the old files go first, then come the manifest, the weights and the float32 file."""
    trained, left = learn(tiny, photos, tmp_path), [2]  # batches of validation and training images

    def fail(module, _):
        left[0] -= 1
        if left[0] < 0:
            raise RuntimeError("cannot be converted")

    for name in (WEIGHTS, FLOAT32, INT8, f"{INT8}.json"):
        (tmp_path / name).write_text("of other weights")
    trained.network.register_forward_pre_hook(fail)
    with pytest.raises(RuntimeError, match="cannot be converted"):
        finish.save(trained, tmp_path)
    assert not [name for name in (FLOAT32, INT8, f"{INT8}.json") if (tmp_path / name).exists()]
    assert manifest.load(tmp_path) == trained.parts
    assert ModelFolder(tmp_path).record(WEIGHTS).inputs["train"] == trained.data.digest


def test_all_of_the_square_is_taken_of_own_pictures():
    assert finetune.own_input(registry.model("mobilenet-v2").preprocessing).crop == 1.0
    assert finetune.own_input(registry.model("tiny-resnet").preprocessing).crop is None


@pytest.mark.slow
def test_a_checkpoint_of_other_weights(tiny, photos, tmp_path, no_data):
    learn(tiny, photos, tmp_path, layers="all", epochs=1)
    other = published(no_data, seed=1)
    with pytest.raises(RefusedError, match=r"is of another run: start .* with --force"):
        learn(other, photos, tmp_path, layers="all", epochs=1)
    for name in ("run.csv", "curves.png"):
        (tmp_path / name).write_text("of that run")
    forced = learn(other, photos, tmp_path, layers="all", epochs=1, force=True)
    assert not [name for name in ("run.csv", "curves.png") if (tmp_path / name).exists()]
    assert same(forced, learn(other, photos, tmp_path / "new", layers="all", epochs=1))


# --- bad folders, bad options


def refused(card, photos, folder) -> str:
    with pytest.raises(EyespotError) as caught:
        learn(card, photos, folder)
    assert "\n" not in str(caught.value)
    assert not folder.exists()
    return str(caught.value)


def test_a_folder_with_one_class(tiny, tmp_path):
    write_folder(tmp_path / "one", 12)
    for name in CLASSES[1:]:
        shutil.rmtree(tmp_path / "one" / name)
    said = refused(tiny, tmp_path / "one", tmp_path / "out")
    assert f"expected two classes or more, found {CLASSES[0]}" in said


def test_classes_with_one_image(tiny, tmp_path):
    write_folder(tmp_path / "few", 80)
    for path in sorted((tmp_path / "few" / "cross").iterdir())[1:]:
        path.unlink()
    assert "cross (1): a class needs 5 images" in refused(tiny, tmp_path / "few", tmp_path / "out")


def test_five_images_a_class_are_enough(tiny, tmp_path):
    write_folder(tmp_path / "least", 20)
    trained = learn(tiny, tmp_path / "least", tmp_path / "out")
    for labels in (trained.data.labels, trained.data.validation_labels):
        assert set(labels.tolist()) == {0, 1, 2, 3}


def test_what_to_mend_is_said_first(tiny, photos, tmp_path, capsys):
    """A class that validation and test lack is no error; copies are named with it."""
    shutil.copytree(photos, tmp_path / "photos")
    (tmp_path / "photos" / "same").mkdir()
    for i in range(6):
        shutil.copy(photos / "disc" / "00000.png", tmp_path / "photos" / "same" / f"{i}.png")
    found = learn(tiny, tmp_path / "photos", tmp_path / "out").inspection
    assert found.counts["same"] == {"train": 6, "validation": 0, "test": 0}
    said = capsys.readouterr().err.splitlines()
    assert [each.removeprefix("eyespot: photos: ") for each in said[1 : len(found.mend) + 1]] == list(found.mend)
    assert found.mend[0].startswith("Decide on one class for each picture; in several: 1 picture (same/0.png = ")
    assert "Add pictures to validation, which lacks classes (same)." in found.mend


def parted(photos, folder):
    """The pictures with given parts, one class of them in one part only."""
    for part, at in (("train", 0), ("val", 1), ("test", 2)):
        for path in sorted(photos.rglob("*.png"))[at::3]:
            (folder / part / path.parent.name).mkdir(parents=True, exist_ok=True)
            shutil.copy(path, folder / part / path.parent.name)
    return folder


@pytest.mark.parametrize("part", ["val", "test"])
def test_a_class_that_train_lacks_is_named(tiny, photos, tmp_path, part):
    folder = parted(photos, tmp_path / "photos")
    shutil.move(folder / part / "disc", folder / part / "only")
    assert "no image of only is left for the train part" in refused(tiny, folder, tmp_path / "out")


def test_copies_that_leave_validation_without_a_class_are_named(tiny, photos, tmp_path, capsys):
    folder = parted(photos, tmp_path / "photos")
    shutil.rmtree(folder / "val" / "disc")
    shutil.copytree(folder / "test" / "disc", folder / "val" / "disc")
    assert learn(tiny, folder, tmp_path / "out").inspection.copies[0].parts == ("validation", "test")
    assert "no image of disc is left for the validation part" in capsys.readouterr().err


def test_a_part_without_any_image_is_an_error(tiny, photos, tmp_path):
    folder = parted(photos, tmp_path / "photos")
    shutil.rmtree(folder / "val")
    shutil.copytree(folder / "test", folder / "val")
    assert "is left for the validation part" in refused(tiny, folder, tmp_path / "out")


def test_a_class_of_blank_images(tiny, photos, tmp_path):
    shutil.copytree(photos, tmp_path / "photos")
    (tmp_path / "photos" / "void").mkdir()
    for i in range(30):
        Image.new("RGB", (16, 16), (i, i, i)).save(tmp_path / "photos/void" / f"{i}.png")
    said = refused(tiny, tmp_path / "photos", tmp_path / "out")
    assert "no image of void is left for the train part" in said


def test_broken_files_are_named_together(tiny, tmp_path):
    folder = tmp_path / "photos"
    write_folder(folder, 80)
    for i, path in enumerate(sorted(folder.rglob("*.png"))[:7]):
        path.write_bytes(b"" if i % 2 else path.read_bytes()[:60])
    said = refused(tiny, folder, tmp_path / "out")
    assert "7 of 80 images cannot be read" in said
    assert "and 4 more" in said


def test_classes_without_names(tiny, tmp_path):
    (tmp_path / "listed").mkdir()
    for i in range(20):
        Image.fromarray(picture(i, 16, 16, 3)).save(tmp_path / "listed" / f"{i}.png")
    rows = "".join(f"{i}.png,{i % 2}\n" for i in range(20))
    (tmp_path / "listed" / "labels.csv").write_text("file,class_index\n" + rows)
    said = refused(tiny, tmp_path / "listed", tmp_path / "out")
    assert "none that has a name (classes.txt)" in said


def train_fails(capsys, *words):
    return fails(capsys, "train", "tiny-resnet", *words)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--layers", "all"], "--layers: goes with --data"),
        (["--device", "cuda"], "--device cuda: PyTorch "),
        (["--weights", "mlperf-tiny"], "--weights: goes with --data"),
        (["--seed", "-1"], "--seed -1: expected 0 to"),
        (["--teacher", "nowhere"], "nowhere: no run whose teacher was trained"),
        (["--data", "nowhere"], "no data set or folder is called 'nowhere'"),
    ],
)
def test_options_that_do_not_go_together(words, said, capsys):
    assert said in train_fails(capsys, *words)


@pytest.mark.parametrize("words", [["--epochs", "0"], ["--threads", "-1"]])
def test_numbers_below_one_are_usage(words, capsys):
    assert main(["train", "tiny-resnet", *words]) == 2
    assert "expected 1 or more" in capsys.readouterr().err


def test_options_of_own_data(photos, tmp_path, capsys):
    assert "goes with --layers all" in fails(
        capsys, "train", "tiny-resnet", "--data", photos, "--layers", "last", "--epochs", 3
    )
    assert "goes with a recipe that has a teacher" in fails(
        capsys, "train", "tiny-resnet", "--data", photos, "--teacher", photos
    )
    said = train_fails(capsys, "--data", photos, "--weights", "mlperf", "--out", tmp_path / "out")
    assert "did you mean mlperf-tiny?" in said


def test_a_model_without_a_recipe(capsys):
    assert main(["train", "mobilenet-v1"]) == 1
    assert "with --data FOLDER" in capsys.readouterr().err


def test_a_log_needs_its_package(photos, tmp_path, capsys):
    if find_spec("tensorboard"):
        pytest.skip("tensorboard is installed")
    said = train_fails(capsys, "--data", photos, "--out", tmp_path / "out", "--log", "tensorboard")
    assert "this needs tensorboard, which is not installed. " in said
    assert ".[tensorboard]" in said
    assert not (tmp_path / "out").exists()


def test_the_log_holds_each_epoch_once(tmp_path):
    """Also that of a run that was stopped and continued."""
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    history = [
        Epoch(epoch=i, learning_rate=0.1, loss=1 / i, validation_top1=0.5, images_per_second=9.0) for i in (1, 2, 3)
    ]
    EventWriter()(history[:1], tmp_path)
    resumed = EventWriter()
    resumed(history[:2], tmp_path)
    resumed(history, tmp_path)
    events = accumulator.EventAccumulator(str(tmp_path / "tensorboard"))
    events.Reload()
    assert [(each.step, each.value) for each in events.Scalars("loss")] == [
        (1, 1.0),
        (2, 0.5),
        (3, pytest.approx(1 / 3)),
    ]
