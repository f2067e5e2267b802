"""Near duplicates, overlap and repeated images: what is found, refused and said."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from eyespot.artifacts import measurements, places
from eyespot.artifacts.measurements import Subset
from eyespot.artifacts.model_folder import ModelFolder
from eyespot.cli import main
from eyespot.data import catalogue
from eyespot.data.near import NEAR, hashes, near
from eyespot.data.split import image_digest
from eyespot.data.used import HASHES, LIST
from eyespot.errors import BadFileError, OverlapError
from eyespot.preprocessing import damage
from eyespot.preprocessing.synthetic import picture
from eyespot.reports import words
from eyespot.verbs.evaluate import evaluate
from eyespot.verbs.quantize import quantize
from eyespot.verbs.report import report
from eyespot.zoo import provenance

PICTURES = np.stack([picture(i, 32, 32, 3) for i in range(60)])


def distance(some: np.ndarray, others: np.ndarray) -> np.ndarray:
    return np.bitwise_count(some ^ others)


@pytest.mark.parametrize("size", [(1, 1), (5, 7), (8, 9), (32, 32), (48, 48), (224, 224)])
def test_every_size_has_hashes(size: tuple[int, int]) -> None:
    for channels in (1, 3):
        found = hashes(np.stack([picture(i, *size, channels) for i in range(3)]))
        assert (found.shape, found.dtype) == ((3,), np.uint64)


def test_what_a_network_sees_has_one_hash_in_every_type_and_order() -> None:
    found = hashes(PICTURES)
    assert len(set(found.tolist())) == len(found)
    assert np.array_equal(hashes((PICTURES ^ 128).view(np.int8)), found)
    assert np.array_equal(hashes(PICTURES[..., ::-1]), found)
    assert distance(hashes((PICTURES.astype(np.float32) - 120) / 60), found).max() <= NEAR


@pytest.mark.parametrize("name", ["darker", "bgr"])
def test_copies_look_alike_and_other_pictures_do_not(name: str) -> None:
    copies = np.stack([damage.DAMAGES[name](image) for image in PICTURES])
    assert len(near(hashes(copies), hashes(PICTURES))) >= 50
    assert not near(hashes(copies[:30]), hashes(PICTURES[30:]))


@settings(deadline=None, max_examples=50)
@given(st.lists(st.integers(0, 2**64 - 1), max_size=200), st.integers(0, 2**32), st.integers(0, 200))
def test_near_is_what_a_search_of_all_pairs_finds(others: list[int], seed: int, n: int) -> None:
    rng, theirs = np.random.default_rng(seed), np.array(others, np.uint64)
    mine = rng.integers(0, 2**64, n, np.uint64)
    for i in range(n if others else 0):
        flips = rng.choice(64, rng.integers(0, NEAR + 3), replace=False)
        mine[i] = rng.choice(theirs) ^ np.bitwise_or.reduce(np.uint64(1) << flips.astype(np.uint64), initial=0)
    expected = tuple(i for i in range(n) if others and distance(theirs, mine[i]).min() <= NEAR)
    assert near(mine, theirs) == expected


# --- what evaluate says


def write_photos(folder: Path, split: str, change: Callable[[np.ndarray], np.ndarray], n: int = 60) -> Path:
    """Images of CIFAR-10 as a folder of classes."""
    opened = catalogue.open_split(catalogue.dataset("cifar-10"), split)
    for i in range(n):
        path = folder / opened.classes[opened.labels[i]] / f"{i}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(change(opened.read(i))).save(path)
    return folder


def test_copies_of_training_images_are_found(real_data: Callable[[str], Path], tmp_path: Path) -> None:
    real_data("cifar-10")
    photos = write_photos(tmp_path / "photos", "train", damage.jpeg)
    found = evaluate("tiny-resnet", data=str(photos), processes=1)
    assert found.training_images == 45_000
    assert found.near_duplicates is not None
    assert len(found.near_duplicates) >= 30  # two thirds of all, at this size
    assert f"{len(found.near_duplicates)} look like training images" in "".join(words.hygiene(found))
    assert evaluate("tiny-resnet", data=str(photos), processes=1, under="blur").near_duplicates is None


def test_one_is_in_the_singular(real_data: Callable[[str], Path], tmp_path: Path) -> None:
    real_data("cifar-10")
    found = evaluate("tiny-resnet", data=str(write_photos(tmp_path / "photos", "test", lambda x: x)), processes=1)
    assert words.hygiene(replace(found, near_duplicates=(1,))) == ["1 looks like a training image"]
    assert words.hygiene(replace(found, near_duplicates=(1, 2))) == ["2 look like training images"]


def test_a_refusal_names_all_images(real_data: Callable[[str], Path], tmp_path: Path, capsys) -> None:
    real_data("cifar-10")
    photos = write_photos(tmp_path / "photos", "train", lambda image: image)
    assert main(["evaluate", "tiny-resnet", "--data", str(photos), "--processes", "1", "--json"]) == 1
    out, err = capsys.readouterr()
    found = json.loads(out)
    assert set(found["images"].values()) == {"trained", "calibrated"} or set(found["images"].values()) == {"trained"}
    assert len(found["images"]) == 60
    assert next(iter(found["images"])) in err
    assert err.count("\n") == 1


def test_test_images_never_calibrate_in_another_guise(real_data: Callable[[str], Path], tmp_path: Path) -> None:
    real_data("cifar-10")
    photos = write_photos(tmp_path / "photos", "test", lambda image: image)
    with pytest.raises(OverlapError, match=r"(\d+) of the \1 calibration images are test images of tiny-resnet"):
        quantize("tiny-resnet", calibration=str(photos), out=tmp_path / "out")
    assert not (tmp_path / "out" / "int8.tflite").exists()


@pytest.mark.parametrize("model", ["tiny-resnet", "deepface-emotion"])
def test_each_shipped_list_has_its_hashes(model: str) -> None:
    folder = places.ZOO / model
    assert len((folder / HASHES).read_bytes()) * 12 == len((folder / LIST).read_bytes()) * 8


def test_a_file_without_hashes_is_not_compared(real_data: Callable[[str], Path], tmp_path: Path) -> None:
    real_data("cifar-10")
    from eyespot.data.used import used_images

    for name in ("int8.tflite", "int8.tflite.json", LIST):
        shutil.copy(places.ZOO / "tiny-resnet" / name, tmp_path)
    folder = ModelFolder(tmp_path)
    assert used_images(folder, folder.file("int8.tflite")).hashes is None
    shutil.copy(places.ZOO / "tiny-resnet" / HASHES, tmp_path)
    assert len(used_images(folder, folder.file("int8.tflite")).hashes) == 45_000


# --- repeated images


@pytest.mark.slow
def test_the_list_of_repeats_is_that_of_the_images(real_data: Callable[[str], Path]) -> None:
    real_data("fer2013")
    card = catalogue.dataset("fer2013")
    train, validation, test = (
        {image_digest(image) for image in catalogue.open_split(card, name)} for name in card.splits
    )
    assert card.repeated == (train | validation) & test


def test_the_shipped_figure_is_also_given_without_repeats(no_data: Path) -> None:
    for precision in ("int8", "float32"):
        e = provenance.accuracy("deepface-emotion", precision)
        assert e is not None
        assert e.unrepeated is not None
        assert (e.n, e.unrepeated.n, e.training_images) == (3_589, 3_275, 28_006)
        row = next(row for row in report().rows if row["Model name"] == "Deepface-emotion")
        assert "n = 3,275 without 314 repeats of other splits" in row["Acc INT8"]


def test_a_row_of_published_weights_says_that_overlap_is_unknown(no_data: Path) -> None:
    for row in report().rows:
        known = row["Model name"] in {"Tiny ResNet", "ResNet8 large", "Deepface-emotion", "Sign digits"}
        measured = "n = " in row["Acc INT8"]
        assert (words.UNKNOWN in row["Acc INT8"]) == (measured and not known)


def test_a_figure_on_the_images_that_trained_the_file_is_refused(no_data: Path) -> None:
    shipped = provenance.accuracy("tiny-resnet", "int8")
    trained = ModelFolder(places.ZOO / "tiny-resnet").record("weights.safetensors")
    assert shipped is not None
    assert trained is not None
    measurements.save(replace(shipped, data_digest=trained.inputs["train"]), measurements.own())
    row = next(row for row in report().rows if row["Model name"] == "Tiny ResNet")
    assert row["Acc INT8"].startswith("refused: the images trained it")


def test_a_subset_counts_right(tmp_path: Path) -> None:
    shipped = provenance.accuracy("deepface-emotion", "int8")
    assert shipped is not None
    assert shipped.unrepeated is not None
    for wrong in ({"correct": 3_302}, {"top1": 0.5}, {"n": 0}):
        with pytest.raises(ValueError, match="expected"):
            Subset(**(asdict(shipped.unrepeated) | wrong))
    path = measurements.save(shipped, tmp_path)
    content = json.loads(path.read_text())
    content["unrepeated"]["correct"] += 1
    path.write_text(json.dumps(content))
    from eyespot import decoding

    with pytest.raises(BadFileError, match="expected the shares"):
        decoding.read(measurements.Evaluation, path, "Delete it")
