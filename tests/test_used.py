"""Which images a model file is known to have used."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from eyespot.artifacts import places
from eyespot.artifacts.model_folder import ModelFolder
from eyespot.data import catalogue
from eyespot.data.split import Split, image_digest, image_list, without
from eyespot.data.used import LIST, used_images
from eyespot.errors import BadFileError, MissingDataError, RefusedError
from eyespot.preprocessing.synthetic import picture
from eyespot.tflite import contract, schema
from eyespot.tflite.read import read
from eyespot.verbs.evaluate import evaluate
from eyespot.zoo import registry

TRAINED = {"tiny-resnet": 45_000, "deepface-emotion": 28_006}


def of(path):
    """What a file has used."""
    folder = ModelFolder(path.parent)
    return used_images(folder, folder.file(path.name)).images


def test_a_split_without_some_images_keeps_the_others() -> None:
    images = [picture(i, 4, 4, 3) for i in range(6)]
    split = Split(
        data="own", name="validation", classes=(), labels=np.arange(6), read=images.__getitem__,
        path=lambda i: Path(f"{i}.png"),
    )  # fmt: skip
    rest = without(split, {image_digest(images[1]), image_digest(images[4])})
    assert rest.labels.tolist() == [0, 2, 3, 5]
    assert [rest.title(i) for i in range(len(rest))] == ["0.png", "2.png", "3.png", "5.png"]
    assert all(np.array_equal(image, images[label]) for image, label in zip(rest, rest.labels, strict=True))


@pytest.mark.parametrize("model", TRAINED)
def test_the_shipped_lists_are_those_that_the_sidecars_name(model: str) -> None:
    images = (places.ZOO / model / LIST).read_bytes()
    assert len(images) == 12 * TRAINED[model]
    weights = ModelFolder(places.ZOO / model).record("weights.safetensors")
    assert weights is not None
    assert hashlib.sha256(images).hexdigest() == weights.inputs["train"]


def test_the_images_of_a_shipped_model_are_known(real_data: Callable[[str], Path]) -> None:
    real_data("cifar-10")
    used = of(registry.find("tiny-resnet"))
    train, test = (catalogue.open_split(catalogue.dataset("cifar-10"), name) for name in ("train", "test"))
    assert all(used[image_digest(train.read(i))] == "trained" for i in range(0, 45_000, 500))
    assert not any(image_digest(test.read(i)) in used for i in range(0, 10_000, 500))


def test_training_images_that_are_brought_as_a_folder_are_refused(
    real_data: Callable[[str], Path], tmp_path: Path
) -> None:
    real_data("cifar-10")
    train = catalogue.open_split(catalogue.dataset("cifar-10"), "train")
    for i in range(60):
        path = tmp_path / "photos" / train.classes[train.labels[i]] / f"{i}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(train.read(i)).save(path)
    shutil.copy(registry.find("tiny-resnet"), tmp_path / "copy.tflite")
    for model in ("tiny-resnet", str(tmp_path / "copy.tflite")):
        with pytest.raises(RefusedError, match="60 of the 60 images trained it"):
            evaluate(model, data=str(tmp_path / "photos"), processes=1)


@pytest.mark.parametrize("precision", ["int8", "float32"])
def test_a_copy_of_a_shipped_file_is_known_by_its_bytes(precision: str, tmp_path: Path) -> None:
    path = registry.find(f"tiny-resnet:{precision}")
    shutil.copy(path, tmp_path / "model.tflite")
    assert of(tmp_path / "model.tflite") == of(path)
    shutil.copy(path, tmp_path)
    shutil.copy(f"{path}.json", tmp_path)
    assert of(tmp_path / path.name) == of(path)


def test_a_file_of_shipped_weights_is_known_without_its_sidecar(tmp_path: Path) -> None:
    """By the digest inside it of the float32 file that it was made from."""
    file = read(registry.find("tiny-resnet"))
    other = replace(file, path=tmp_path / "other.tflite", data=file.data + b"another file")
    assert other.sha256 != file.sha256
    assert list(used_images(ModelFolder(other.path.parent), other).images.values()) == ["trained"] * len(
        of(registry.find("tiny-resnet:float32"))
    )


def test_published_weights_have_used_what_calibrated_them(tmp_path: Path) -> None:
    path = places.ZOO / "mobilenet-v2" / "int8.tflite.json"
    facts = json.loads(path.read_text())["facts"]
    for name in ("int8.tflite", "int8.tflite.json"):
        shutil.copy(registry.find("tiny-resnet").with_name(name), tmp_path)
    record = json.loads((tmp_path / "int8.tflite.json").read_text())
    (tmp_path / "int8.tflite.json").write_text(json.dumps({**record, "facts": facts, "inputs": {}}))
    used = of(tmp_path / "int8.tflite")
    assert used == {bytes.fromhex(each): "calibrated" for each in facts["calibration_images"]}


# --- a user's own


IMAGES = image_list([0, 1], [b"12345678", b"abcdefgh"])
OWN = {b"12345678": "trained", b"abcdefgh": "trained"}


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """A float32 file that names the images which trained it, as `train` leaves it."""
    shutil.copy(registry.find("tiny-resnet"), tmp_path / "int8.tflite")
    path = tmp_path / "int8.tflite"
    path.write_bytes(path.read_bytes() + b"another file")
    note(path, hashlib.sha256(IMAGES).hexdigest())
    (tmp_path / LIST).write_bytes(IMAGES)
    return path


def note(path: Path, training_images: object) -> None:
    record = json.loads(registry.find("tiny-resnet").with_name("int8.tflite.json").read_text())
    record |= {"sha256": hashlib.sha256(path.read_bytes()).hexdigest(), "inputs": {}}
    path.with_name("int8.tflite.json").write_text(json.dumps(record | {"facts": {"training_images": training_images}}))


def test_own_images_are_those_of_the_list(own: Path) -> None:
    assert of(own) == OWN


def test_without_a_sidecar_the_list_beside_the_file_counts(own: Path) -> None:
    own.with_name("int8.tflite.json").unlink()
    assert OWN.items() <= of(own).items()
    own.with_name(LIST).unlink()
    assert not OWN.keys() & of(own).keys()


def lone(folder: Path, verb: str, weights: str = "train") -> Path:
    """A file of the user's own network without sidecar and list: its own metadata say that it was made here."""
    form = schema.unpack(registry.find("tiny-resnet").read_bytes())
    record = {"verb": verb, "arguments": {"weights": weights}, "inputs": {"weights": "0" * 64}}
    contract.write(form, registry.contract("tiny-resnet"), record)
    (folder / "lone.tflite").write_bytes(schema.pack(form))
    return folder / "lone.tflite"


@pytest.mark.parametrize("verb", ["convert", "quantize"])
def test_a_file_of_ours_that_lost_its_records_is_one_line(verb: str, tmp_path: Path) -> None:
    path = lone(tmp_path, verb)
    with pytest.raises(MissingDataError, match=r"expected lone\.tflite\.json and training-images\.bin beside it"):
        of(path)
    (tmp_path / LIST).write_bytes(IMAGES)
    assert of(path) == OWN


def test_a_file_of_ours_is_known_by_the_sidecars_of_what_it_was_made_from(own: Path) -> None:
    """The int8 file lost its sidecar, the float32 file has its own."""
    float32 = own.rename(own.with_name("float32.tflite"))
    own.with_name("int8.tflite.json").rename(own.with_name("float32.tflite.json"))
    form = schema.unpack(float32.read_bytes())
    record = {"verb": "quantize", "inputs": {"float32": hashlib.sha256(float32.read_bytes()).hexdigest()}}
    contract.write(form, registry.contract("tiny-resnet"), record)
    own.write_bytes(schema.pack(form))
    assert of(own) == OWN
    own.with_name(LIST).unlink()
    with pytest.raises(MissingDataError, match="found no list"):
        of(own)


def test_published_weights_have_no_images_on_record(tmp_path: Path) -> None:
    assert of(lone(tmp_path, "convert", "mlperf-tiny")) == {}


def test_a_list_that_is_gone_or_changed_is_one_line(own: Path) -> None:
    own.with_name(LIST).write_bytes(IMAGES[:12])
    with pytest.raises(MissingDataError, match=r"training-images\.bin: expected the images .*, found others"):
        of(own)
    own.with_name(LIST).unlink()
    with pytest.raises(MissingDataError, match=r"training-images\.bin: expected the images .*, found no list"):
        of(own)


def test_a_list_without_end_is_one_line(own: Path) -> None:
    with own.with_name(LIST).open("ab") as file:
        file.truncate(40 << 30)
    with pytest.raises(BadFileError, match=r"training-images\.bin: expected a list of at most 120,000,000 bytes"):
        of(own)


@pytest.mark.parametrize("wrong", [["xyz"], [1], 7, {"a": 1}, [b"12345678".hex(), b"abcdefgh".hex()]])
def test_a_sidecar_without_digests_is_one_line(wrong: object, own: Path) -> None:
    note(own, wrong)
    with pytest.raises(BadFileError, match="names no image digests"):
        of(own)


def test_weights_that_began_with_shipped_ones_have_used_their_images_too(own: Path) -> None:
    sidecar = own.with_name("int8.tflite.json")
    record = json.loads(sidecar.read_text())
    record["inputs"] = {"weights": read(registry.find("tiny-resnet:float32")).sha256}
    sidecar.write_text(json.dumps(record))
    used = of(own)
    assert OWN.items() <= used.items()
    assert len(used) > 40_000


def test_what_is_known_of_the_data_is_handed_on_and_forgotten(own: Path, tmp_path: Path) -> None:
    (own.parent / "manifest.csv").write_text("data,fer2013\nfile,sha256,class,part\n")
    catalogue.hand_on_data(own.parent, tmp_path / "board")
    assert (tmp_path / "board" / LIST).read_bytes() == IMAGES
    assert (tmp_path / "board" / "manifest.csv").is_file()
    catalogue.hand_on_data(places.ZOO / "tiny-resnet", tmp_path / "other")
    assert not (tmp_path / "other").exists(), "a shipped file is known by its bytes"
    catalogue.forget_data(tmp_path / "board")
    assert not list((tmp_path / "board").iterdir())
