"""The layouts of users' folders: each one gives the same pictures, classes and parts, or says what is wrong."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from eyespot.artifacts.model_folder import ModelFolder
from eyespot.cli import main
from eyespot.data import catalogue, folder, manifest
from eyespot.data.layouts import boxes, coco, lists, strict_json, yolo
from eyespot.data.manifest import PARTS
from eyespot.data.split import image_digest
from eyespot.errors import BadArgumentError, BadFileError, EyespotError, UnknownNameError
from eyespot.preprocessing.image import decode
from eyespot.preprocessing.synthetic import CLASSES
from eyespot.verbs.evaluate import evaluate
from eyespot.verbs.quantize import quantize
from eyespot.verbs.train import train
from eyespot.zoo import registry
from eyespot.zoo.cards import Dataset
from eyespot.zoo.datasets import IMAGENET_CLASSES, IMAGENET_IDS
from layout_files import BOXES, WITH_PARTS, Picture, class_folders, image_folder, metadata_csv, pictures, save, write

IMAGES = pictures(40)
CONTRACT = registry.contract("tiny-resnet")


def content(card: Dataset, split: str) -> set[tuple[str, str]]:
    """The digests of a split's pixels with their classes."""
    opened = catalogue.open_split(card, split)
    digests = (hashlib.sha256(image.tobytes()).hexdigest() for image in opened)
    return {(digest, opened.classes[label]) for digest, label in zip(digests, opened.labels, strict=True)}


def expected(part: str, label: Callable[[Picture], str] = lambda each: each.label) -> set[tuple[str, str]]:
    return {(hashlib.sha256(each.pixels.tobytes()).hexdigest(), label(each)) for each in IMAGES if each.part == part}


def dataset(path: Path, suffix: str = "") -> Dataset:
    return catalogue.dataset(f"{path}{suffix}")


def refused(path: Path, suffix: str = "") -> str:
    """The line that says what is wrong with a folder."""
    with pytest.raises(EyespotError) as caught:
        dataset(path, suffix)
    assert len(str(caught.value).splitlines()) == 1
    return str(caught.value)


# --- every layout


@pytest.mark.parametrize("name", WITH_PARTS)
def test_each_layout_gives_the_same_pictures_classes_and_parts(name: str, tmp_path: Path) -> None:
    WITH_PARTS[name](tmp_path / "photos", IMAGES)
    card = dataset(tmp_path / "photos")
    assert card.classes == tuple(sorted(CLASSES))
    assert (card.test, card.skipped) == ("test", 0)
    assert card.splits == {"all": 40, "train": 24, "validation": 8, "test": 8}
    for part in PARTS:
        assert content(card, part) == expected(part)


@pytest.mark.parametrize("name", BOXES)
def test_each_export_with_boxes_gives_two_classes(name: str, tmp_path: Path) -> None:
    BOXES[name](tmp_path / "photos", IMAGES)
    card = dataset(tmp_path / "photos", ":disc")
    assert card.classes == ("no disc", "disc")
    assert card.name == f"{tmp_path}/photos:disc"
    assert (card.title, card.test, card.skipped) == ("photos:disc", "test", 0)
    for part in PARTS:
        assert content(card, part) == expected(part, lambda each: "disc" if each.label == "disc" else "no disc")
    small = dataset(tmp_path / "photos", ":disc:64.1")
    assert {each.label for each in small.files} == {0}
    assert small.title == "photos:disc:64.1"
    assert dataset(tmp_path / "photos", ":disc:0.5%") == card


def test_litter_is_skipped_and_counted_in_all_parts(tmp_path: Path) -> None:
    image_folder({"train": "train", "validation": "val", "test": "test"})(tmp_path, IMAGES)
    for place in (tmp_path, tmp_path / "train", tmp_path / "val" / "disc"):
        (place / "__MACOSX").mkdir()
        for name in (".DS_Store", "Thumbs.db", "desktop.ini", "notes.txt"):
            (place / name).touch()
    card = dataset(tmp_path)
    assert card.skipped == 15
    assert len(card.files) == 40


# --- the parts


@pytest.mark.parametrize("given", [("test",), ("validation",), ()])
def test_parts_that_are_missing_are_made_of_train(given: tuple[str, ...], tmp_path: Path) -> None:
    images = pictures(120, ("train", "train", *given)) if given else pictures(120)
    if given:
        image_folder({part: part for part in PARTS})(tmp_path, images)
    else:
        class_folders(tmp_path, images)
    card = dataset(tmp_path)
    assert card.splits.keys() - {"all"} == set(given), "train is divided further, so it is none yet"
    divided = manifest.decide(card).divided(card)
    parts = {each.file.rpartition("/")[2]: each.part for each in divided.files}
    assert set(parts.values()) == set(PARTS)
    for each in images:
        if each.part in given:
            assert parts[each.name] == each.part
        elif given:
            assert parts[each.name] not in given
    assert {(each.part, each.label) for each in divided.files} == {(part, i) for part in PARTS for i in range(4)}


def test_a_part_that_is_asked_for_is_made_and_one_that_is_given_is_taken(tmp_path: Path) -> None:
    image_folder({"train": "train", "test": "test"})(tmp_path / "photos", pictures(80, ("train", "test")))
    file, data = tmp_path / "int8.tflite", str(tmp_path / "photos")
    assert catalogue.data_for(file, CONTRACT, data).splits.keys() == {"all", "test"}
    assert catalogue.data_for(file, CONTRACT, data, "test").splits.keys() == {"all", "test"}
    divided = catalogue.data_for(file, CONTRACT, data, "train")
    assert divided.splits["train"] + divided.splits["validation"] == 40
    assert all(each.part != "test" for each in divided.files if each.file.startswith("train/"))


def test_200_folders_have_every_class_in_every_part(tmp_path: Path) -> None:
    """Whichever parts are given."""
    for seed in range(200):
        made = [part for part in PARTS if part == "train" or seed >> PARTS.index(part) & 1]
        images = [
            (label, hashlib.sha256(f"{seed} {label} {i}".encode()).hexdigest()) for label in range(4) for i in range(5)
        ]
        parts = manifest.assign(images, {}, made)
        assert all({parts[d] for each, d in images if each == label} == set(made) for label in range(4))


def test_a_picture_in_two_given_parts_stays_there_and_makes_no_third(tmp_path: Path) -> None:
    """`train` drops it from the images that train, and says so."""
    image_folder({"train": "train", "test": "test"})(tmp_path, pictures(80, ("train", "test")))
    for path in sorted((tmp_path / "test").rglob("*.png"))[:20]:
        shutil.copy(path, tmp_path / "train" / path.parent.name / f"copy{path.name}")
    rows = manifest.decide(dataset(tmp_path)).rows
    digests = {digest for _, digest, _, part in rows if part == "test"}
    assert {part for file, digest, _, part in rows if digest in digests and file.startswith("train/")} == {"train"}
    assert not digests & {digest for _, digest, _, part in rows if part == "validation"}


def test_images_keep_their_part_when_others_are_added(tmp_path: Path) -> None:
    write_parts = image_folder({"train": "train", "test": "test"})
    write_parts(tmp_path, pictures(80, ("train", "test")))
    before = manifest.decide(dataset(tmp_path))
    write_parts(tmp_path, pictures(240, ("train", "test")))
    after = {row[0]: row[3] for row in manifest.decide(dataset(tmp_path), before).rows}
    assert len(after) == 240
    assert all(after[file] == part for file, _, _, part in before.rows)


def test_a_manifest_of_boxes_leads_back_to_them(tmp_path: Path) -> None:
    BOXES["YOLO"](tmp_path / "photos", IMAGES)
    card = dataset(tmp_path / "photos", ":disc:5")
    manifest.save(manifest.decide(card), tmp_path)
    found = catalogue.data_for(tmp_path / "int8.tflite", CONTRACT)
    assert (found.name, found.classes, found.files) == (card.name, card.classes, card.files)


def test_nothing_to_train_on_is_one_line(tmp_path: Path) -> None:
    image_folder({"test": "test"})(tmp_path, pictures(8, ("test",)))
    with pytest.raises(BadFileError, match=r"has no images to train on, only for test\. Add some"):
        manifest.decide(dataset(tmp_path))


def test_a_part_may_lack_a_class(tmp_path: Path) -> None:
    """`inspect` says so."""
    images = [each for each in IMAGES if (each.label, each.part) not in {("disc", "test"), ("cross", "validation")}]
    WITH_PARTS["ImageFolder"](tmp_path, images)
    card = dataset(tmp_path)
    assert card.classes == tuple(sorted(CLASSES))
    assert set(catalogue.open_split(card, "test").labels) == {0, 2, 3}


# --- from a folder to an accuracy


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Trained and quantized on a folder that gives train and test, with 3 test images in train too."""
    pytest.importorskip("torch")
    root = tmp_path_factory.mktemp("trained")
    image_folder({"train": "train", "test": "test"})(root / "photos", pictures(200, ("train", "train", "test")))
    for path in sorted((root / "photos" / "test").rglob("*.png"))[:3]:
        shutil.copy(path, root / "photos" / "train" / path.parent.name / f"copy{path.name}")
    training = train("tiny-resnet", data=str(root / "photos"), out=root / "mine", threads=1)
    assert training.dropped["in validation or test"] == 3
    quantize(str(root / "mine"))
    return root


@pytest.mark.slow
def test_given_test_images_test_and_nothing_else(trained: Path) -> None:
    given = sorted((trained / "photos" / "test").rglob("*.png"))
    by_part = {part: {row[0] for row in manifest.load(trained / "mine").rows if row[3] == part} for part in PARTS}
    assert by_part["test"] == {path.relative_to(trained / "photos").as_posix() for path in given}
    assert by_part["validation"]
    for data in (None, str(trained / "photos")):
        measured = evaluate(str(trained / "mine"), data=data)
        assert (measured.split, measured.n) == ("test", len(given))
        assert measured.top1 > 0.8
    facts = ModelFolder(trained / "mine").record("int8.tflite").facts
    tests = {image_digest(decode(path, 3)).hex() for path in given}
    assert facts["calibration"] == "photos train"
    assert not tests & set(facts["calibration_images"])


@pytest.mark.slow
def test_published_weights_calibrate_on_the_training_images_of_a_folder(trained: Path, tmp_path: Path) -> None:
    quantize("tiny-resnet", calibration=str(trained / "photos"), out=tmp_path)
    used = set(ModelFolder(tmp_path).record("int8.tflite").facts["calibration_images"])
    held_out = {image_digest(decode(path, 3)).hex() for path in (trained / "photos" / "test").rglob("*.png")}
    assert used
    assert not used & held_out


@pytest.mark.slow
def test_a_network_that_says_whether_a_picture_contains_something(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    BOXES["YOLO"](tmp_path / "photos", pictures(120))
    data = f"{tmp_path}/photos:disc:5"
    main(["train", "tiny-resnet", "--data", data, "--out", str(tmp_path / "mine"), "--threads", "1"])
    main(["quantize", str(tmp_path / "mine")])
    measured = evaluate(str(tmp_path / "mine"))
    assert (measured.data, measured.split, measured.n) == (data, "test", 24)
    assert measured.per_class.keys() == {"disc", "no disc"}
    assert measured.top1 > 0.8


@pytest.mark.slow
def test_pictures_in_folders_of_wordnet_ids(tmp_path: Path, real_data: Callable[[str], Path]) -> None:
    """A model of ImageNet on 10 of its classes: as on the data set, but not called by its name."""
    real_data("imagenette")
    float32, photos = tmp_path / "mobilenet-v2", tmp_path / "photos"
    main(["convert", "mobilenet-v2", "--weights", "tf-slim-quantised", "--out", str(float32)])
    opened = catalogue.open_split(registry.dataset("imagenette"), "test")
    for i in range(0, len(opened), 25):
        path = opened.path(i)
        (photos / path.parent.name).mkdir(parents=True, exist_ok=True)
        (photos / path.parent.name / path.name).symlink_to(path)
    measured = evaluate(str(float32 / "float32.tflite"), data=str(photos))
    assert (measured.data, measured.n, len(measured.per_class)) == (str(photos), 20, len(list(photos.iterdir())))
    assert measured.top1 > 0.4
    assert measured.per_class.keys() <= set(IMAGENET_CLASSES)


# --- ImageNet's classes


def test_wordnet_ids_are_imagenets_classes_for_a_model_that_has_them(tmp_path: Path) -> None:
    class_folders(tmp_path, [each._replace(label=IMAGENET_IDS[701 if i % 2 else 0]) for i, each in enumerate(IMAGES)])
    own = catalogue.data_for(tmp_path / "x.tflite", CONTRACT, str(tmp_path))
    assert own.classes == (IMAGENET_IDS[0], IMAGENET_IDS[701])
    for split in (None, "train"):
        card = catalogue.data_for(tmp_path / "x.tflite", registry.contract("mobilenet-v2"), str(tmp_path), split)
        opened = catalogue.open_split(card, split or "all")
        assert (opened.data, opened.classes) == (str(tmp_path), IMAGENET_CLASSES)
        assert set(opened.labels) == {0, 701}


def test_a_folder_with_the_name_of_a_data_set_is_not_called_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    class_folders(Path("imagenet"), IMAGES)
    assert catalogue.open_split(dataset(Path("./imagenet"), "/"), "all").data == "./imagenet"


# --- what is wrong


def emptied(path: Path) -> Path:
    shutil.rmtree(path)
    return path


@pytest.mark.parametrize("name", WITH_PARTS)
def test_a_missing_file_is_one_line(name: str, tmp_path: Path) -> None:
    WITH_PARTS[name](tmp_path, IMAGES)
    next(tmp_path.rglob("00003.png")).unlink()
    if name.startswith("ImageFolder"):
        assert len(dataset(tmp_path).files) == 39
    else:
        assert ": 1 of " in refused(tmp_path)
        assert "files are not in" in refused(tmp_path)


@pytest.mark.parametrize("name", WITH_PARTS)
def test_classes_that_differ_in_case_only(name: str, tmp_path: Path) -> None:
    images = [each._replace(label="DISC") if each.label == "disc" and each.part == "test" else each for each in IMAGES]
    WITH_PARTS[name](tmp_path, images)
    assert "two classes of the same name, 'DISC' and 'disc'; rename one" in refused(tmp_path)


@pytest.mark.parametrize("name", ["labels.csv", "CSV", "metadata.jsonl"])
def test_a_label_that_classes_txt_lacks(name: str, tmp_path: Path) -> None:
    WITH_PARTS[name](tmp_path, IMAGES)
    write(tmp_path / "classes.txt", "cross\ndisc\nsquare\n")
    line = refused(tmp_path)
    assert "label 3 is out of range 0..2 of classes.txt" in line or "the label 'triangle' is not in classes.txt" in line
    assert ": line " in line


def test_classes_txt_gives_parts_their_order(tmp_path: Path) -> None:
    WITH_PARTS["metadata.jsonl"](tmp_path, IMAGES)
    write(tmp_path / "classes.txt", "\n".join(reversed(CLASSES)))
    assert dataset(tmp_path).classes == tuple(reversed(CLASSES))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda root: (root / "val2").mkdir(), "val2: is no part, but beside parts. Sort its images"),
        (lambda root: shutil.copytree(root / "val", root / "valid"), "val and valid are both the validation part"),
        (lambda root: emptied(root / "val" / "disc").mkdir(), "disc: a class folder without images; add some"),
        (lambda root: emptied(root / "val").mkdir(), "val: the validation part is empty. Add class folders"),
        (lambda root: save(emptied(root / "val") / "1.png", IMAGES[0]), "val: has images without classes. Sort"),
        (lambda root: shutil.move(root / "val" / "disc", root / "val" / "2" / "x"), "2: 1 of 1 entries are not images"),
    ],
)  # fmt: skip
def test_an_image_folder_that_is_wrong(change: Callable[[Path], object], said: str, tmp_path: Path) -> None:
    WITH_PARTS["ImageFolder"](tmp_path, IMAGES)
    change(tmp_path)
    assert said in refused(tmp_path)


def test_parts_without_classes(tmp_path: Path) -> None:
    for part in ("train", "test"):
        save(tmp_path / part / "1.png", IMAGES[0])
    assert "test: has images without classes. Sort its images into class folders" in refused(tmp_path)


def test_classes_may_be_called_as_parts(tmp_path: Path) -> None:
    class_folders(
        tmp_path,
        [each._replace(label={"disc": "train", "cross": "test"}.get(each.label, each.label)) for each in IMAGES],
    )
    card = dataset(tmp_path)
    assert card.classes == ("square", "test", "train", "triangle")
    assert card.splits == {"all": 40}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("file,label\n1.png,a\n2.png,b\n", None),
        ("File;LABEL;x\n1.png;a;\n\n2.png;b;\n", None),
        ("\ufefffilename\tclass\n1.png\ta\n2.png\tb\n", None),
        ("path,label,split\n1.png,a,train\n2.png,b,Valid\n", None),
        ("path,label,split\n1.png,a,train\n2.png,b,\n", "line 3: expected the split train, validation or test, f"),
        ("path,label,split\n1.png,a,train\n2.png,b,holdout\n", "line 3: expected the split train, validation or test"),
        ("path,label,split,split\n1.png,a,train,test\n", "line 1: expected the columns"),
        ("name,kind\n1.png,a\n", "line 1: expected the columns file (or filename, file_name, path, image) and"),
        ("file,kind\n1.png,a\n", "line 1: expected the columns file"),
        ("label,class,file\na,b,1.png\n", "once each; found 'label, class'. Rename them"),
        ("file,label\n1.png,a\n1.png,b\n", "line 3: lists '1.png' again, with different labels"),
        ("file,label\n1.png,a\n../2.png,b\n", "line 3: '../2.png' leaves the folder"),
        ("file,label\n1.png,a\n3.png,b\n", "line 3: 1 of 2 files are not in"),
        ("file,label\n1.png,a\n2.png,\n", "line 3: expected a file and a label, found '2.png' and ''"),
        ("file,label\n1.png,\x1b[31m\n2.png,b\n", "the class name '\\x1b[31m' is not a line of UTF-8"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("name", ["labels.csv", "metadata.csv", "mine.csv"])
def test_a_list_of_images(text: str, said: str | None, name: str, tmp_path: Path) -> None:
    for image in ("1.png", "2.png"):
        save(tmp_path / image, IMAGES[0])
    write(tmp_path / name, text)
    if said:
        assert f"{said}" in refused(tmp_path)
    else:
        assert dataset(tmp_path).classes == ("a", "b")
    assert not folder.is_unsorted(tmp_path), "images with classes never calibrate as unsorted ones"


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('{"file_name": "2.png", "label": 3}', None),
        ('{"file_name": "2.png"}', "line 3: expected the columns file"),
        ('{"file_name": "2.png", "label": true}', "line 3: expected text or a whole number, found 'True'"),
        ('{"file_name": "2.png", "label": "1", "label": "2"}', "line 3: broken JSON (the name 'label' is in"),
        ('{"file_name": "2.png", "label": NaN}', "line 3: broken JSON (NaN is no number)"),
        ('{"file_name": "2.png", ', "line 3: broken JSON (Expecting"),
        ("[" * 100_000, "line 3: broken JSON"),
        ("[1]", "line 3: expected an object such as"),
        ("{}", "line 3: expected the columns file"),
        ('{"file_name": "/etc/passwd", "label": "x"}', "line 3: '/etc/passwd' leaves the folder"),
        ('{"file_name": "1.png", "label": 7}', "line 3: lists '1.png' again, with different labels"),
    ],
)  # fmt: skip
def test_metadata_jsonl(line: str, said: str | None, tmp_path: Path) -> None:
    for image in ("1.png", "2.png"):
        save(tmp_path / image, IMAGES[0])
    write(tmp_path / "metadata.jsonl", '{"file_name": "1.png", "label": 0}\n\n' + line)
    if said:
        assert said in refused(tmp_path)
    else:
        assert [each.label for each in dataset(tmp_path).files] == [0, 3]


def test_parts_are_those_of_the_folders_if_all_files_are_in_one(tmp_path: Path) -> None:
    files = ("images/train/1.png", "images/test/2.png", "images/cat/3.png")
    for name in files:
        save(tmp_path / name, IMAGES[0])
    for count, parts in ((2, ["train", "test"]), (3, ["", "", ""])):
        write(
            tmp_path / "labels.csv",
            "\n".join(["file,label", *(f"{name},a{i}" for i, name in enumerate(files[:count]))]),
        )
        assert [each.part for each in dataset(tmp_path).files] == parts


def test_copies_of_a_whole_part_make_no_other(tmp_path: Path) -> None:
    images = [each._replace(part="test") for each in IMAGES] + [each._replace(part="validation") for each in IMAGES]
    WITH_PARTS["ImageFolder"](tmp_path, [*images, *pictures(80, ("train",))[40:]])
    parts = Counter((file.partition("/")[0], part) for file, _, _, part in manifest.decide(dataset(tmp_path)).rows)
    assert parts == {("train", "train"): 40, ("val", "validation"): 40, ("test", "test"): 40}


def test_two_lists(tmp_path: Path) -> None:
    metadata_csv(tmp_path, IMAGES)
    shutil.copy(tmp_path / "metadata.csv", tmp_path / "labels.csv")
    assert "two lists of images, labels.csv and metadata.csv. Keep one" in refused(tmp_path)


def test_a_csv_that_is_no_list_beside_class_folders(tmp_path: Path) -> None:
    class_folders(tmp_path, IMAGES)
    write(tmp_path / "noisy.csv", "path,noise_1\n1.png,a\n")
    assert dataset(tmp_path).layout == "class folders"
    assert dataset(tmp_path).skipped == 1


def test_a_list_that_is_too_long(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with (tmp_path / "metadata.jsonl").open("wb") as file:
        file.truncate(1 << 30)
    assert "1,073,741,824 bytes, expected at most" in refused(tmp_path)


# --- boxes


def test_boxes_without_a_class_name_the_way(tmp_path: Path) -> None:
    BOXES["COCO"](tmp_path, IMAGES)
    line = refused(tmp_path)
    assert f"has boxes (COCO). Name the class that a picture contains, such as {tmp_path}:cross" in line
    with pytest.raises(UnknownNameError, match=r"no class of boxes in .* is called 'disk'; did you mean disc"):
        dataset(tmp_path, ":disk")
    with pytest.raises(BadArgumentError, match="expected an area of 0 to 100 %, found 101"):
        dataset(tmp_path, ":disc:101")
    assert not folder.is_unsorted(tmp_path / "train")


def test_the_classes_of_visual_wake_words(tmp_path: Path) -> None:
    """So that an export tests the model as it is."""
    BOXES["COCO"](tmp_path, [each._replace(label="person") if each.label == "disc" else each for each in IMAGES])
    assert dataset(tmp_path, ":person").classes == registry.contract("visual-wake-word").classes


def test_a_folder_without_boxes(tmp_path: Path) -> None:
    class_folders(tmp_path, IMAGES)
    assert "has no boxes (YOLO's data.yaml or COCO's JSON), so 'disc' names nothing." in refused(tmp_path, ":disc")
    with pytest.raises(UnknownNameError):
        dataset(tmp_path / "nowhere", ":disc")


def test_a_folder_with_a_colon(tmp_path: Path) -> None:
    class_folders(tmp_path / "a:5", IMAGES)
    assert dataset(tmp_path / "a:5").name == f"{tmp_path}/a:5"
    assert boxes.parse(f"{tmp_path}/a:5:traffic light:3%") == (tmp_path / "a:5", ("traffic light", 3.0))


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", {}),
        ("0 .5 .5 .2 .3\n\n0 0.5 0.5 0.1 0.1\r\n1 .1 .1 .1 .1", {"a": 0.06, "b": 0.01}),
        ("0 0 0 1 0 1 1", {"a": 1.0}),  # a polygon
        ("0 0 0 1.0005 0.5", {"a": 0.50025}),
        ("0 .5 .5 .2", "line 1: expected class, x, y, width and height, found '0 .5 .5 .2'"),
        ("0 .5 .5 .2 .2 .9", "line 1: expected class, x, y, width and height"),
        ("cat .5 .5 .2 .2", "line 1: expected class, x, y, width and height, found 'cat"),
        ("0 0 0 0 0\n2 .5 .5 .2 .2", "line 2: the class 2 has no name; there are 2 names"),
        ("0.5 .5 .5 .2 .2", "line 1: the class 0.5 has no name"),
        ("nan .5 .5 .2 .2", "line 1: the class nan has no name"),
        ("0 .5 .5 1.2 .2", "line 1: expected shares of the image, 0 to 1, found 1.2"),
        ("0 .5 -.5 .2 .2", "line 1: expected shares of the image, 0 to 1, found -0.5"),
        ("0 nan .5 .2 .2", "line 1: expected shares of the image, 0 to 1, found nan"),
        ("0 320 240 64 48", "line 1: expected shares of the image, 0 to 1, found 320"),
    ],
)
def test_a_label_file_of_yolo(text: str, found: object, tmp_path: Path) -> None:
    write(tmp_path / "1.txt", text)
    try:
        result: object = yolo.boxes(tmp_path / "1.txt", {0: "a", 1: "b"})
    except BadFileError as error:
        assert isinstance(found, str)
        assert found in str(error)
    else:
        assert result == pytest.approx(found)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda root: (root / "data.yaml").unlink(), "but 0 .yaml files; expected one, data.yaml with the"),
        (lambda root: write(root / "b.yml", "names: [a]"), "but 2 .yaml files; expected one, data.yaml with the"),
        (lambda root: write(root / "data.yaml", "nc: 3"), "data.yaml: expected names, a list of class names"),
        (lambda root: write(root / "data.yaml", "names: {"), "data.yaml: expected names, a list of class names"),
        (lambda root: write(root / "data.yaml", "names: []"), "data.yaml: names no classes"),
        (lambda root: write(root / "data.yaml", "x" * 70_000), "70,000 bytes, expected at most 65,536"),
        (lambda root: write(root / "train/labels/x.txt", ""), "x.txt: 1 of 25 label files have no image in"),
        (lambda root: write(root / "test/labels/00016.txt", "9 0 0 0 0"), "00016.txt: line 1: the class 9 has no name"),
        (lambda root: shutil.rmtree(root / "val/labels"), "val/labels: cannot be read (No such file or directory)"),
        (lambda root: shutil.rmtree(root / "val/images") or (root / "val/images").mkdir(), "val/images: has no images"),
        (lambda root: write(root / "val/images/film.mp4", ""), "'film.mp4' is no image"),
    ],
)  # fmt: skip
def test_a_yolo_export_that_is_wrong(change: Callable[[Path], object], said: str, tmp_path: Path) -> None:
    BOXES["YOLO"](tmp_path, IMAGES)
    change(tmp_path)
    assert said in refused(tmp_path, ":disc")


def test_a_yolo_image_without_labels_has_no_boxes(tmp_path: Path) -> None:
    BOXES["YOLO"](tmp_path, IMAGES)
    write(tmp_path / "train/labels/classes.txt", "as some tools write\n")
    for path in (tmp_path / "train/labels").glob("0*.txt"):
        path.unlink()
    assert Counter(each.label for each in dataset(tmp_path, ":disc").files if each.part == "train") == {0: 24}


def _annotations(**changes: object) -> str:
    whole = {
        "images": [{"id": 1, "file_name": "1.png", "width": 10, "height": 10}],
        "annotations": [{"image_id": 1, "category_id": 1, "bbox": [0, 0, 5, 5]}],
        "categories": [{"id": 1, "name": "cat"}],
    }
    return json.dumps(whole | changes)


BOX = {"image_id": 1, "category_id": 1, "bbox": [0, 0, 5, 5]}
IMAGE = {"id": 1, "file_name": "1.png", "width": 10, "height": 10}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (_annotations(), None),
        (_annotations(annotations=[]), None),
        (_annotations()[:-5], "broken JSON (Unterminated string"),
        ('{"images": [], ' + _annotations()[1:], "broken JSON (the name 'images' is in one object twice)"),
        (_annotations(images=[]), "has no images or no categories"),
        (_annotations(images=[IMAGE | {"file_name": "../1.png"}]), "'../1.png' leaves the folder"),
        (_annotations(images=[IMAGE | {"file_name": "2.png"}]), "1 of 1 images are not in"),
        (_annotations(images=[IMAGE | {"width": 0}]), "has a width or height beyond 1..1000000"),
        (_annotations(images=[IMAGE | {"width": 10**400}]), "has a width or height beyond"),
        (_annotations(images=[IMAGE | {"width": "10"}]), "Expected `int`, got `str` - at `$.images[0].width`"),
        (_annotations(images=[IMAGE, IMAGE]), "two images or two categories have the same id"),
        (_annotations(images=[IMAGE, IMAGE | {"id": 2}]), "lists '1.png' again, with different labels"),
        (_annotations(annotations=[BOX | {"category_id": 7}]), "annotations[0]: refers to an image or a category that"),
        (_annotations(annotations=[BOX | {"image_id": 7}]), "annotations[0]: refers to an image or a category that"),
        (_annotations(annotations=[BOX | {"bbox": [8, 0, 5, 5]}]), "the box [8.0, 0.0, 5.0, 5.0] lies outside"),
        (_annotations(annotations=[BOX | {"bbox": [5, 5, -1, 5]}]), "lies outside its image of 10 x 10"),
        (_annotations(annotations=[BOX | {"bbox": [0, 0, 5]}]), "$.annotations[0].bbox"),
        (_annotations(annotations=[BOX]).replace("[0, 0, 5, 5]", "[0, 0, 1e999, 5]"), "lies outside its image"),
    ],
)  # fmt: skip
def test_a_coco_file(text: str, said: str | None, tmp_path: Path) -> None:
    save(tmp_path / "1.png", IMAGES[0])
    write(tmp_path / "coco.json", text)
    if said:
        assert said in refused(tmp_path, ":cat")
    else:
        assert [each.label for each in dataset(tmp_path, ":cat:25").files] == [int("bbox" in text)]


def test_large_json_is_not_read(tmp_path: Path) -> None:
    class_folders(tmp_path, IMAGES)
    with (tmp_path / "coco.json").open("wb") as file:
        file.truncate(coco.LARGEST + 1)
    assert "536,870,913 bytes, expected at most" in refused(tmp_path)


def test_json_with_too_many_values_is_not_parsed() -> None:
    with pytest.raises(BadFileError, match=r"broken JSON \(more than 100,000,000 values\)"):
        strict_json.loads(b"," * (strict_json.VALUES + 1), "x.json")


def test_json_of_another_kind_is_skipped(tmp_path: Path) -> None:
    class_folders(tmp_path, IMAGES)
    write(tmp_path / "info.json", '{"images": 3}')
    write(tmp_path / "broken.json", "{")
    assert dataset(tmp_path).skipped == 2
    assert lists.find(tmp_path) is None
