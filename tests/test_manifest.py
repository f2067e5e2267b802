"""Which part of a user's folder an image is in, and the file that says so."""

from __future__ import annotations

import hashlib
import shutil
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eyespot.data import catalogue, manifest
from eyespot.data.manifest import PARTS, Manifest
from eyespot.errors import BadFileError
from eyespot.preprocessing.synthetic import CLASSES
from eyespot.zoo import registry
from pictures import write_folder


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    write_folder(tmp_path / "photos", 40)
    return tmp_path / "photos"


def decide(folder: Path, earlier: Manifest | None = None) -> Manifest:
    return manifest.decide(catalogue.dataset(str(folder)), earlier)


def parts_by_class(rows) -> dict[str, Counter[str]]:
    return {name: Counter(part for *_, found, part in rows if found == name) for *_, name, _ in rows}


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


@pytest.mark.parametrize("images", [5, 12])
def test_every_class_has_an_image_in_every_part(images: int) -> None:
    for folder in range(200):
        labelled = [(label, sha256(f"{folder} {label} {i}")) for label in range(4) for i in range(images)]
        parts = manifest.assign(labelled, {})
        assert all({parts[d] for label, d in labelled if label == wanted} == set(PARTS) for wanted in range(4))


DIGESTS = st.integers(0, 60).map(str).map(sha256)  # few, so that some are equal


@given(
    images=st.lists(st.tuples(st.integers(0, 3), DIGESTS)),
    kept=st.dictionaries(DIGESTS, st.sampled_from(PARTS)),
)
def test_any_images_get_one_part_each(images, kept) -> None:
    parts = manifest.assign(images, kept)
    assert parts.keys() == {digest for _, digest in images}
    assert all(parts[digest] == kept[digest] for digest in parts.keys() & kept.keys())
    assert parts == manifest.assign(sorted(images, reverse=True), kept), "whatever their order"
    for label in range(4):
        others = {digest for other, digest in images if other != label}
        own = {digest for found, digest in images if found == label} - others - kept.keys()
        if len(own) >= 3:
            assert {parts[digest] for found, digest in images if found == label} == set(PARTS)


def test_many_images_are_split_80_10_10() -> None:
    counts = Counter(manifest.assign([(0, sha256(str(i))) for i in range(10_000)], {}).values())
    assert counts["train"] == pytest.approx(8000, abs=150)
    assert counts["validation"] == pytest.approx(1000, abs=100)


def test_images_stay_in_their_part_when_others_are_added(photos: Path, tmp_path: Path) -> None:
    before = decide(photos)
    write_folder(tmp_path / "more", 80, seed=1)
    for name in CLASSES:
        for path in (tmp_path / "more" / name).iterdir():
            path.rename(photos / name / f"{path.stem}b.png")
    first, *_ = before.rows
    (photos / first[0]).rename(photos / first[2] / "renamed.png")
    after = decide(photos, before)
    assert len(after.rows) == 120
    parts = {digest: part for _, digest, _, part in after.rows}
    assert all(parts[digest] == part for _, digest, _, part in before.rows)
    alone = {digest: part for _, digest, _, part in decide(photos).rows}
    assert any(alone[digest] != part for _, digest, _, part in before.rows), "some were moved to fill a part"


def test_an_identical_picture_is_in_one_part(photos: Path) -> None:
    for i, path in enumerate(sorted(photos.rglob("*.png"))):
        shutil.copy(path, photos / CLASSES[i % 4] / f"copy{i}.png")
    parts: dict[str, set[str]] = {}
    for _, digest, _, part in decide(photos).rows:
        parts.setdefault(digest, set()).add(part)
    assert len(parts) == 40
    assert all(len(found) == 1 for found in parts.values())


def test_a_divided_card_opens_its_parts(photos: Path) -> None:
    card = catalogue.dataset(str(photos))
    assert set(card.splits) == {"all"}, "nothing is decided before it is asked for"
    noted = decide(photos)
    divided = noted.divided(card)
    (photos / "disc" / "new.png").write_bytes(b"added later")
    assert {part: len(catalogue.open_split(divided, part)) for part in PARTS} == Counter(row[3] for row in noted.rows)
    assert set(catalogue.open_split(divided, "test").labels) == {0, 1, 2, 3}
    assert len(catalogue.open_split(noted.divided(catalogue.dataset(str(photos))), "all")) == 41


def test_an_image_that_cannot_be_read_is_one_line(photos: Path) -> None:
    card = catalogue.dataset(str(photos))
    (photos / card.files[0].file).unlink()
    with pytest.raises(BadFileError, match=r"00000\.png: cannot be read \(No such file"):
        manifest.decide(card)


def test_what_is_saved_is_loaded(tmp_path: Path) -> None:
    names = ["a.png", "b,c.png", 'quo"te.png', "new\nline.png", "caf\u00e9.png", "latin\udce9.png"]
    rows = tuple((name, sha256(repr(name)), "cat", part) for name in names for part in PARTS)
    noted = Manifest(data="/home/me/my, photos", rows=rows)
    manifest.save(noted, tmp_path)
    assert manifest.load(tmp_path) == noted
    assert manifest.load(tmp_path / "nothing") is None


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text[:0],
        lambda text: "\xff\xfe" + text,
        lambda text: text.replace("file,sha256,class,part\n", ""),
        lambda text: text.partition("\n")[2],
        lambda text: text[:-40],
        lambda text: text.replace(",train", ",trane"),
        lambda text: text.replace(",train", ""),
        lambda text: text.replace(",train", ",train,1"),
        lambda text: text.replace("train\n", "train\n\n", 1),
        lambda text: text + '"',
    ],
)
def test_a_damaged_manifest_is_one_line(change, tmp_path: Path) -> None:
    rows = tuple((f"{i}.png", sha256(str(i)), "cat", "train") for i in range(3))
    manifest.save(Manifest(data="/photos", rows=rows), tmp_path)
    path = tmp_path / manifest.NAME
    path.write_text(change(path.read_text()), encoding="utf-8")
    with pytest.raises(BadFileError, match=r"manifest\.csv: damaged \(.*\); delete it and train again") as caught:
        manifest.load(tmp_path)
    assert "\n" not in str(caught.value)


# --- from a model's file to its data

CONTRACT = registry.contract("tiny-resnet")


def test_a_file_without_a_manifest_has_the_data_of_its_card(tmp_path: Path) -> None:
    assert catalogue.data_for(tmp_path / "int8.tflite", CONTRACT).name == "cifar-10"


def test_a_file_with_a_manifest_has_the_part_for_the_test(photos: Path, tmp_path: Path) -> None:
    noted = decide(photos)
    manifest.save(noted, tmp_path)
    card = catalogue.data_for(tmp_path / "int8.tflite", CONTRACT)
    assert (card.test, card.root) == ("test", photos)
    assert card == replace(catalogue.data_for(tmp_path / "int8.tflite", CONTRACT, str(photos)), test="test")
    manifest.save(Manifest(data="fer2013"), tmp_path)
    assert catalogue.data_for(tmp_path / "int8.tflite", CONTRACT) == registry.dataset("fer2013")


def test_a_folder_that_moved_keeps_its_parts(photos: Path, tmp_path: Path) -> None:
    """Also those that were decided otherwise than they would be now."""
    noted = decide(photos)
    swapped = {"train": "test", "test": "train", "validation": "validation"}
    noted = replace(noted, rows=tuple((*row[:3], swapped[row[3]]) for row in noted.rows))
    manifest.save(noted, tmp_path)
    photos.rename(tmp_path / "moved")
    card = catalogue.data_for(tmp_path / "int8.tflite", CONTRACT, str(tmp_path / "moved"), "test")
    assert {each.file: each.part for each in card.files} == {row[0]: row[3] for row in noted.rows}


def test_another_folder_is_divided_if_a_part_is_asked_for(photos: Path, tmp_path: Path) -> None:
    write_folder(tmp_path / "other", 20, seed=5)
    (tmp_path / "other" / "disc" / "00000.png").rename(tmp_path / "other" / "disc" / "x.png")
    manifest.save(decide(photos), tmp_path)
    file = tmp_path / "int8.tflite"
    assert set(catalogue.data_for(file, CONTRACT, str(tmp_path / "other")).splits) == {"all"}
    divided = catalogue.data_for(file, CONTRACT, str(tmp_path / "other"), "test")
    assert set(divided.splits) == {"all", *PARTS}
    assert divided.test == "all"


def test_images_that_are_gone_are_named(photos: Path, tmp_path: Path) -> None:
    manifest.save(decide(photos), tmp_path)
    (photos / "disc" / "00000.png").unlink()
    with pytest.raises(BadFileError, match=r"1 of its 40 images are not in .*photos \(disc/00000\.png, "):
        catalogue.data_for(tmp_path / "int8.tflite", CONTRACT)


def test_a_folder_of_an_earlier_version_is_one_line(photos: Path, tmp_path: Path) -> None:
    (tmp_path / "trained-on.txt").write_text(str(photos))
    with pytest.raises(BadFileError, match=r"trained-on\.txt: written by an earlier version; delete it and"):
        catalogue.data_for(tmp_path / "int8.tflite", CONTRACT)


def test_a_manifest_names_files_inside_its_folder_only(tmp_path: Path) -> None:
    row = ("../1.png", "0" * 64, "cat", "train")
    manifest.save(Manifest(data="/photos", rows=(row,)), tmp_path)
    with pytest.raises(BadFileError, match=r"damaged \('\.\./1\.png' leaves the folder\)"):
        manifest.load(tmp_path)
