"""The readers: made-up data for what can go wrong, real data (where at hand) for what must be right."""

from __future__ import annotations

import csv
import hashlib
import tracemalloc
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from eyespot.data import catalogue, imagenette, vww
from eyespot.data.split import data_digest, image_digest, is_blank, usable
from eyespot.errors import BadFileError, MissingDataError, UnknownNameError
from eyespot.preprocessing import synthetic
from eyespot.zoo import registry
from eyespot.zoo.datasets import DATASETS, IMAGENET_CLASSES, IMAGENET_IDS

Real = Callable[[str], Path]


def save(path: Path, pixels: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels.squeeze()).save(path)


# --- all data sets


@pytest.mark.parametrize("card", DATASETS, ids=lambda card: card.name)
def test_a_card_is_whole(card, no_data: Path) -> None:
    assert card.test in card.splits
    assert len(set(card.classes)) == len(card.classes)
    with pytest.raises(MissingDataError, match=f"eyespot fetch {card.name}"):
        catalogue.open_split(card, card.test)
    with pytest.raises(UnknownNameError, match=f"no split of {card.name} is called 'tset'"):
        catalogue.open_split(card, "tset")
    reader = registry.imported(card.reader)
    assert all(callable(getattr(reader, name)) for name in ("read", "parts", "verify"))


@pytest.mark.parametrize(
    ("name", "split", "shape", "digest"),
    [
        ("cifar-10", "test", (32, 32, 3), "e1f4857ec0f18f28a8fbd87e27b493a4b1735bfd3fd670a5643b38fa36442ec2"),
        ("vww", "test", (96, 96, 3), "cd8c76decf0c857a3359a424215cd3f1d31b32b1fb43166614b0fca9ff5e2dd0"),
    ],
)
def test_real_pixels_and_labels(name: str, split: str, shape: tuple[int, ...], digest: str, real_data: Real) -> None:
    """Formats without a decoder in between have one digest on every machine."""
    real_data(name)
    opened = catalogue.open_split(catalogue.dataset(name), split)
    assert opened.read(0).shape == shape
    assert data_digest(opened.labels, map(image_digest, opened)) == digest


# --- fer2013


def test_fer2013_real(real_data: Real) -> None:
    root, card = real_data("fer2013"), catalogue.dataset("fer2013")
    splits = {name: catalogue.open_split(card, name) for name in card.splits}
    assert {name: len(split) for name, split in splits.items()} == {
        "train": 28709,
        "validation": 3589,
        "test": 3589,
    }
    assert np.bincount(splits["test"].labels).tolist() == [491, 55, 528, 879, 594, 416, 626]
    assert splits["test"].read(0).shape == (48, 48, 1)
    assert registry.imported(card.reader).verify(card, root) == "sha256 of 35,887 files"


@pytest.mark.slow
def test_fer2013_training_images_that_are_dropped(real_data: Real) -> None:
    real_data("fer2013")
    card = catalogue.dataset("fer2013")
    held_out = {image_digest(i) for name in ("validation", "test") for i in catalogue.open_split(card, name)}
    digests, blank = [], set()
    for i, image in enumerate(catalogue.open_split(card, "train")):
        digests.append(image_digest(image))
        if is_blank(image):
            blank.add(i)
    kept, dropped = usable(digests, blank, held_out)
    assert dropped == {"blank": 11, "in validation or test": 692}
    assert len(kept) == 28709 - 11 - 692


def test_fer2013_split_by_name_and_classes_in_the_cards_order(no_data: Path) -> None:
    card = replace(catalogue.dataset("fer2013"), splits={"train": 7, "validation": 7, "test": 7})
    for label, name in enumerate(card.classes):
        for folder, prefix in (("train", "Training"), ("test", "PublicTest"), ("test", "PrivateTest")):
            pixels = np.full((48, 48), label * 10 + len(prefix), np.uint8)
            save(no_data / "fer2013" / folder / name / f"{prefix}_{9 - label}.jpg", pixels)
    for split, added in (("train", 8), ("validation", 10), ("test", 11)):
        opened = catalogue.open_split(card, split)
        assert opened.labels.tolist() == [6, 5, 4, 3, 2, 1, 0]  # by file name across the classes
        values = [int(image[24, 24, 0]) for image in opened]
        assert values == pytest.approx([label * 10 + added for label in opened.labels], abs=2)
    (no_data / "fer2013" / "test" / "sad" / "PublicTest_5.jpg").unlink()
    with pytest.raises(BadFileError, match="validation has 6 images, expected 7"):
        catalogue.open_split(card, "validation")


# --- visual wake words


def vww_test(root: Path, text: str, *names: str) -> None:
    (root / "vww" / "vww01").mkdir(parents=True)
    (root / "vww" / "vww01" / "y_labels.csv").write_text(text)
    for name in names:
        (root / "vww" / "vww01" / name).write_bytes(bytes(vww.BYTES))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a.bin,2,2\n", r"line 1: expected file, 2, and a label of 0 or 1; found \['a.bin', '2', '2'\]"),
        ("a.bin,2,1\nb.bin\n", "line 2: expected file"),
        ("/etc/passwd,2,1\n", "line 1: expected file"),
        ("../a.bin,2,1\n", "line 1: expected file"),
        ("x" * 300 + ",2,1\n", "line 1: expected file"),
        ("a.bin,2,\x1f1\nb.bin\n", "line 2: expected file"),  # which strip() removes and int() refuses
        ("x" * 200_000 + ",2,1\n", "field larger than field limit"),
        ("a.bin,2,1\nb.bin,2,0\n", r"1 of 2 files are missing \(b.bin"),
        ("a.bin,2,1\n", "test has 1 images, expected 1,000"),
    ],
)
def test_vww_labels_that_are_wrong(text: str, said: str, no_data: Path) -> None:
    vww_test(no_data, text, "a.bin")
    with pytest.raises(BadFileError, match=said):
        catalogue.open_split(catalogue.dataset("vww"), "test")


def test_vww_truncated_image(no_data: Path) -> None:
    vww_test(no_data, "a.bin,2,1\n", "a.bin")
    (no_data / "vww" / "vww01" / "a.bin").write_bytes(b"123")
    split = catalogue.open_split(replace(catalogue.dataset("vww"), splits={"test": 1}), "test")
    with pytest.raises(BadFileError, match=r"a\.bin: 3 bytes, expected 27,648"):
        split.read(0)


def test_vww_training_images_never_stand_in_vww01(no_data: Path) -> None:
    tests = list(vww.test_labels())[:50]
    for number in [*tests, *range(1, 2000, 7)]:
        path = no_data / "vww" / "vw_coco2014_96" / vww.FOLDERS[number % 2] / f"COCO_val2014_{number:012}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    card = catalogue.dataset("vww")
    train, validation = (catalogue.open_split(card, name) for name in ("train", "validation"))
    others = set(range(1, 2000, 7)) - set(vww.test_labels())
    assert len(train) + len(validation) == len(others)
    assert 0.05 < len(validation) / len(others) < 0.15
    assert train.classes == ("no person", "person")


def test_vww01_list_is_the_published_one(real_data: Real) -> None:
    with (real_data("vww") / "vww01" / "y_labels.csv").open(newline="") as file:
        published = {int(name.removesuffix(".bin")): int(label) for name, _, label in csv.reader(file)}
    assert list(published.items()) == list(vww.test_labels().items())


# --- ImageNet


def test_imagenet_classes() -> None:
    assert len(IMAGENET_IDS) == len(IMAGENET_CLASSES) == 1000
    assert list(IMAGENET_IDS) == sorted(set(IMAGENET_IDS))
    assert not [name for name, n in Counter(map(str.casefold, IMAGENET_CLASSES)).items() if n > 1]
    known = {0: "tench", 207: "golden retriever", 281: "tabby", 388: "giant panda", 517: "crane (n03126707)"}
    assert {i: IMAGENET_CLASSES[i] for i in known} == known


def test_imagenet_order_is_that_of_labelled_photographs(real_data: Real) -> None:
    with (real_data("imagenet-like") / "labels.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        name = IMAGENET_CLASSES[int(row["class_index"])].partition(" (n")[0]
        assert name in row["label"].split(", ")


def test_imagenet_like_real(real_data: Real) -> None:
    root, card = real_data("imagenet-like"), catalogue.dataset("imagenet-like")
    calibration, test = (catalogue.open_split(card, name) for name in ("calibration", "test"))
    assert (len(calibration), len(test)) == (100, 200)
    assert calibration.labels[:3].tolist() == [388, 576, 326]
    assert calibration.read(0).shape == (299, 299, 3)
    assert not {image_digest(i) for i in calibration} & {image_digest(i) for i in test}
    assert registry.imported(card.reader).verify(card, root) == "sha256 of 301 files"


@pytest.mark.slow
def test_imagenet_order_is_that_of_a_published_model(real_data: Real) -> None:
    """MobileNetV2 as Google published it (background first) is right on four of five photographs."""
    from ai_edge_litert.interpreter import Interpreter

    from eyespot.preprocessing.image import fit
    from eyespot.preprocessing.spec import Preprocessing

    real_data("imagenet-like")
    path = real_data("published") / "mobilenet_v2_1.0_224_quant.tflite"
    interpreter = Interpreter(str(path), num_threads=1)
    interpreter.allocate_tensors()
    spec = Preprocessing(height=224, width=224, crop=0.875)
    split, right = catalogue.open_split(catalogue.dataset("imagenet-like"), "test"), 0
    for label, image in zip(split.labels, split, strict=True):
        interpreter.set_tensor(interpreter.get_input_details()[0]["index"], fit(image, spec)[None])
        interpreter.invoke()
        right += interpreter.get_tensor(interpreter.get_output_details()[0]["index"])[0].argmax() - 1 == label
    assert right >= 160


# --- what all share


def test_images_are_read_one_at_a_time(tmp_path: Path) -> None:
    for i in range(40):
        save(tmp_path / "ab"[i % 2] / f"{i}.png", np.zeros((300, 300, 3), np.uint8))
    split = catalogue.open_split(catalogue.dataset(str(tmp_path)), "all")
    split.read(0)  # Pillow's own start-up
    tracemalloc.start()
    digests = [image_digest(image) for image in split]
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(digests) == 40
    assert peak < 6 * 300 * 300 * 3


def test_what_may_train() -> None:
    pictures = [synthetic.picture(i, 8, 8, 3) for i in range(3)]
    images = [
        *pictures,
        np.full((8, 8, 3), 7, np.uint8),
        pictures[0],
        np.full((8, 8, 3), [1, 2, 3], np.uint8),
    ]
    assert [i for i, image in enumerate(images) if is_blank(image)] == [3, 5]
    kept, dropped = usable(map(image_digest, images), {3, 5}, {image_digest(pictures[1]), b"another"})
    assert kept == [0, 2, 4]
    assert dropped == {"blank": 2, "in validation or test": 1}


def test_synthetic_pictures_are_the_same_everywhere() -> None:
    whole = hashlib.sha256()
    for i in range(8):
        for channels in (1, 3):
            image = synthetic.picture(i, 24, 32, channels, seed=1)
            assert image.shape == (24, 32, channels)
            whole.update(image.tobytes())
    assert whole.hexdigest() == "3e6808b6c096541c8a9195f5adcd3cb8c8431fdae562be7317e50f0ddb29e404"
    assert not np.array_equal(synthetic.picture(0, 24, 32, 3, seed=1), synthetic.picture(0, 24, 32, 3, seed=2))


def test_imagenette_is_told_apart_by_file_names(no_data: Path) -> None:
    """fast.ai's own folders mix ImageNet's validation and training images."""
    root, card = no_data / "imagenette", catalogue.dataset("imagenette")
    names = {"train/n01440764": "ILSVRC2012_val_00000293", "val/n01440764": "n01440764_1009"}
    for folder in (f"{part}/{name}" for part in ("train", "val") for name in imagenette.IDS):
        name = names.get(folder, "ILSVRC2012_val_00000001" if folder.startswith("val") else "n02102040_2")
        save(root / "imagenette2-320" / folder / f"{name}.JPEG", np.zeros((4, 4, 3), np.uint8))
    splits = {name: registry.imported(card.reader).read(card, root, name) for name in ("train", "test")}
    assert {name: len(split) for name, split in splits.items()} == {"train": 10, "test": 10}
    assert splits["test"].path(9).parts[-3:] == ("train", "n01440764", "ILSVRC2012_val_00000293.JPEG")
    assert splits["train"].labels.tolist() == [0, *imagenette.CLASSES[1:]]
    for path in root.rglob("n0*.JPEG"):
        path.unlink()
        save(path.with_name("ILSVRC2012_val_00000002.JPEG"), np.zeros((4, 4, 3), np.uint8))
    with pytest.raises(MissingDataError, match="no image of ImageNet's train set; get all with: eyespot fetch"):
        catalogue.open_split(card, "train")


def test_imagenette_has_the_validation_images_of_ten_classes(real_data):
    real_data("imagenette")
    split = catalogue.open_split(catalogue.dataset("imagenette"), "test")
    assert len(split) == 500
    assert np.bincount(split.labels)[[0, 217, 482, 491, 497, 566, 569, 571, 574, 701]].tolist() == [50] * 10
    assert all(split.path(i).name.startswith("ILSVRC2012_val_") for i in range(500))
