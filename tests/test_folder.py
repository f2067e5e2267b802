"""Folders of the user's: class folders, and images with a labels.csv."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from eyespot.data import catalogue
from eyespot.data.layouts import lists
from eyespot.data.layouts.classes import read_classes
from eyespot.data.split import Split
from eyespot.errors import BadFileError, EyespotError, RefusedError, UnknownNameError
from eyespot.preprocessing.synthetic import CLASSES, picture
from eyespot.verbs.evaluate import evaluate
from pictures import write_folder

PROPERTY = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def opened(path: Path) -> Split:
    return catalogue.open_split(catalogue.dataset(str(path)), "all")


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    write_folder(tmp_path / "photos", 12)
    return tmp_path / "photos"


@pytest.fixture
def labelled(tmp_path: Path) -> Path:
    """A folder with a labels.csv of three images."""
    folder = tmp_path / "labelled"
    folder.mkdir()
    for i in range(3):
        Image.fromarray(picture(i, 16, 16, 3)).save(folder / f"{i}.png")
    (folder / "labels.csv").write_text("file,class_index,author\n2.png,1,me\n0.png,0,me\n1.png,5,me\n")
    return folder


def test_class_folders(photos: Path) -> None:
    card = catalogue.dataset(str(photos))
    assert card.classes == tuple(sorted(CLASSES))
    assert (card.splits["all"], card.test, card.root) == (12, "all", photos)
    split = opened(photos)
    assert [split.classes[i] for i in split.labels] == [CLASSES[i % 4] for i in range(12)]
    for i in range(12):
        assert np.array_equal(split.read(i), picture(i, 32, 32, 3))


def test_class_folders_in_an_order_of_their_own(photos: Path) -> None:
    (photos / "classes.txt").write_text("\ufeff" + "\r\n".join(CLASSES) + "\r\n", encoding="utf-8")
    card = catalogue.dataset(str(photos))
    assert card.classes == CLASSES
    assert opened(photos).labels.tolist() == [i % 4 for i in range(12)]


def test_what_a_file_manager_leaves_behind_is_skipped_and_counted(photos: Path) -> None:
    for name in (".DS_Store", "Thumbs.db", "desktop.ini", "._00000.png"):
        (photos / "disc" / name).write_bytes(b"")
    for name in (".git", "__MACOSX"):
        (photos / name).mkdir()
        (photos / name / "1.png").touch()
    assert len(opened(photos)) == 12
    assert catalogue.dataset(str(photos)).skipped == 6


def test_texts_beside_images_are_skipped_and_counted(photos: Path) -> None:
    for name in ("notes.txt", "README", "boxes.xml", "1.JSON"):
        (photos / "disc" / name).touch()
    (photos / "LICENSE").touch()
    assert len(opened(photos)) == 12
    assert catalogue.dataset(str(photos)).skipped == 5


def test_a_data_set_of_ours_wins_over_a_folder_of_its_name(photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(photos.parent)
    photos.rename("cifar-10")
    assert catalogue.dataset("cifar-10").root is None
    assert catalogue.dataset("./cifar-10").root == Path("cifar-10")


def test_no_such_folder(photos: Path) -> None:
    with pytest.raises(UnknownNameError, match="no data set or folder is called 'nowhere'"):
        catalogue.dataset("nowhere")
    (photos / "file").touch()
    with pytest.raises(UnknownNameError):
        catalogue.dataset(str(photos / "file"))


def test_a_class_folder_without_images(photos: Path) -> None:
    (photos / "empty").mkdir()
    with pytest.raises(BadFileError, match="empty: a class folder without images"):
        opened(photos)


def test_a_folder_around_the_class_folders(photos: Path) -> None:
    with pytest.raises(BadFileError, match=rf"found only 'photos', .*\. Give that one: {photos}"):
        opened(photos.parent)
    (photos.parent / "cat").mkdir()
    with pytest.raises(BadFileError, match="cat: a class folder without images; add some or remove the folder"):
        opened(photos.parent)
    shutil.copytree(photos, photos.parent / "cat", dirs_exist_ok=True)
    with pytest.raises(BadFileError, match=r"cat: 4 of 4 entries are not images \('cross', ...\); move them elsewhere"):
        opened(photos.parent)


def test_a_folder_without_anything(tmp_path: Path) -> None:
    with pytest.raises(BadFileError, match=r"expected a folder for each class or labels\.csv, found neither"):
        opened(tmp_path)


def test_files_that_are_not_images_by_name(photos: Path) -> None:
    (photos / "disc" / "film.mp4").touch()
    (photos / "disc" / "raw").mkdir()
    with pytest.raises(BadFileError, match=r"disc: 2 of 5 entries are not images \('film\.mp4', ...\)"):
        opened(photos)


def test_a_pipe_is_no_image(photos: Path) -> None:
    """To read it would wait for ever."""
    os.mkfifo(photos / "disc" / "pipe.png")
    with pytest.raises(BadFileError, match=r"disc: 1 of 4 entries are not images \('pipe\.png', ...\)"):
        opened(photos)


@pytest.mark.parametrize("name", ["caf\udce9", "a\nb", "\x1b[31m"])
def test_a_class_folder_whose_name_is_not_a_line_of_utf_8(photos: Path, name: str) -> None:
    (photos / "disc").rename(photos / name)
    with pytest.raises(BadFileError, match=re.escape(f"the class name {name!r} is not a line of UTF-8; rename it")):
        opened(photos)


def test_a_folder_whose_name_is_not_utf_8(photos: Path) -> None:
    """Its title goes into the sidecars of what is trained on it."""
    assert catalogue.dataset(str(photos.rename(photos.with_name("caf\udce9")))).title == r"caf\udce9"


def test_a_file_that_is_not_an_image_inside(photos: Path) -> None:
    (photos / "disc" / "00000.png").write_bytes(b"not a PNG")
    split = opened(photos)
    split.read(1)
    with pytest.raises(BadFileError, match=r"00000\.png: does not decode as an image"):
        split.read(0)


@pytest.mark.parametrize("names", [("Cat", "cat"), ("caf\u00e9", "cafe\u0301"), ("STRASSE", "straße")])
def test_two_classes_of_the_same_name(names: tuple[str, str], photos: Path) -> None:
    (photos / "classes.txt").write_text("\n".join(names), encoding="utf-8")
    with pytest.raises(BadFileError, match="two classes of the same name"):
        read_classes(photos / "classes.txt")
    (photos / "classes.txt").unlink()
    for name in names:
        write_folder(photos / name, 1)
    if len(list(photos.iterdir())) == 6:  # where the system tells the two apart
        with pytest.raises(BadFileError, match="two classes of the same name"):
            opened(photos)


def test_classes_txt_and_folders_differ(photos: Path) -> None:
    (photos / "classes.txt").write_text("disc\nsquare\nsphere\ntriangle\n")
    with pytest.raises(BadFileError, match=r"classes\.txt and the class folders differ in cross, sphere"):
        opened(photos)


def test_a_labels_csv(labelled: Path) -> None:
    split = opened(labelled)
    assert split.classes == ()
    assert split.labels.tolist() == [1, 0, 5]
    assert np.array_equal(split.read(0), picture(2, 16, 16, 3))
    (labelled / "classes.txt").write_text("a\nb\nc\nd\ne\nf\n")
    assert opened(labelled).classes == ("a", "b", "c", "d", "e", "f")


def test_a_labels_csv_beside_a_folder_of_images(labelled: Path) -> None:
    (labelled / "images").mkdir()
    for path in labelled.glob("*.png"):
        path.rename(labelled / "images" / path.name)
    assert opened(labelled).labels.tolist() == [1, 0, 5]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("file,class_index\n0.png,6\n", r"line 2: the label 6 is out of range 0\.\.5"),
        ("file,class_index\n0.png,0\n1.png,-1\n", "line 3: the label '-1' is not a whole number from 0"),
        ("file,class_index\n0.png,cat\n", "line 2: the label 'cat' is not a whole number"),
        ("file,class_index\n0.png,99999999999999999999\n", "line 2: the label '99999"),
        ("file,class_index\n0.png\n", "line 2: expected 2 columns as in line 1, found 1"),
        ("file,class_index\n0.png,\n", "line 2: expected a file and a label, found '0.png' and ''"),
        (
            "name,label\n0.png,1\n",
            r"line 1: expected the columns file \(or filename, .*\) and label .* found 'name, label'",
        ),
        ("0.png,1\n", r"line 1: expected the columns .*; found '0\.png,1'\. Add a heading"),
        ("file|label\n0.png|1\n", r"line 1: expected the columns .*; found 'file\|label'\. Add a heading"),
        ("file,class_index\n", "names no files"),
        ("", "line 1: expected the columns file .* found ''. Add a heading"),
        (
            "file,class_index\n0.png,0\n0.png,1\n",
            r"line 3: lists '0\.png' again, with different labels \(before: .*line 2\)",
        ),
        ("file,class_index\n0.png,0\n./0.png,0\n", r"line 3: lists '0\.png' again, with the same label"),
        ("file,class_index,class_index\n0.png,0,1\n", "line 1: .* once each; found 'class_index, class_index'"),
        ("file,class_index\n0.png,0\n7.png,1\n8.png,1\n", r"2 of 3 files are not in .* \('7\.png', \.\.\.\)"),
        ("file,class_index\n\udcff.png,0\n", "is not a CSV file in UTF-8"),
    ],
)
def test_a_labels_csv_that_is_wrong(text: str, said: str, labelled: Path) -> None:
    (labelled / "classes.txt").write_text("a\nb\nc\nd\ne\nf\n")
    (labelled / "labels.csv").write_text(text, encoding="utf-8", errors="surrogateescape")
    with pytest.raises(BadFileError, match=said) as caught:
        opened(labelled)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["../0.png", "/etc/passwd", "a/../../0.png", "C:0.png", "C:/0.png", "..\\0.png"])
def test_a_labels_csv_names_files_inside_its_folder_only(name: str, labelled: Path) -> None:
    (labelled / "labels.csv").write_text(f"file,class_index\n{name},0\n")
    with pytest.raises(BadFileError, match=r"line 2: .* leaves the folder"):
        catalogue.dataset(str(labelled))


def test_lists_that_are_too_long(labelled: Path) -> None:
    with (labelled / "classes.txt").open("wb") as file:
        file.truncate(2 << 20)
    with pytest.raises(BadFileError, match="2,097,152 bytes, expected at most"):
        read_classes(labelled / "classes.txt")
    with (labelled / "labels.csv").open("wb") as file:
        file.truncate(1 << 30)
    with pytest.raises(BadFileError, match=r"labels\.csv: 1,073,741,824 bytes"):
        lists.read(labelled / "labels.csv")


def test_a_class_name_that_is_too_long(labelled: Path) -> None:
    (labelled / "classes.txt").write_text("x" * 1_000_000)
    with pytest.raises(BadFileError, match="has over 255 characters") as caught:
        read_classes(labelled / "classes.txt")
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize("target", ["nowhere", "loop.png"])
def test_links_that_lead_nowhere(target: str, photos: Path) -> None:
    (photos / "disc" / "loop.png").symlink_to(target)
    with pytest.raises(BadFileError, match=r"not images \('loop\.png'"):
        opened(photos)


def test_labels_beyond_the_classes_of_a_model(labelled: Path, data_root: Path) -> None:
    (labelled / "labels.csv").write_text("file,class_index\n0.png,10\n")
    model = str(data_root / "published" / "pretrainedResnet_quant.tflite")
    with pytest.raises(RefusedError, match="has the label 10; the file has 10 classes"):
        evaluate(model, contract="tiny-resnet", data=str(labelled))


def test_classes_txt_that_is_wrong(labelled: Path) -> None:
    (labelled / "classes.txt").write_text("\n \n")
    with pytest.raises(BadFileError, match="names no classes"):
        opened(labelled)
    (labelled / "classes.txt").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(BadFileError, match="is not text in UTF-8"):
        opened(labelled)


@PROPERTY
@given(data=st.one_of(st.binary(max_size=60), st.text(max_size=40).map(lambda s: s.encode("utf-8", "replace"))))
def test_any_classes_txt_gives_names_or_one_line(data: bytes, tmp_path: Path) -> None:
    (tmp_path / "classes.txt").write_bytes(data)
    try:
        names = read_classes(tmp_path / "classes.txt")
    except EyespotError as error:
        assert len(str(error).splitlines()) == 1
    else:
        assert names
        assert len({name.casefold() for name in names}) == len(names)
        assert all(name.strip() == name != "" for name in names)


CELLS = st.one_of(st.sampled_from(["a.png", "b.png", "0", "3", "-1", "", '"', "c/../a.png"]), st.text(max_size=8))
LINES = st.lists(st.lists(CELLS, max_size=3).map(",".join), max_size=4).map("\n".join)


@PROPERTY
@given(text=LINES.map("file,class_index\n".__add__) | LINES)
def test_any_labels_csv_gives_rows_or_one_line(text: str, tmp_path: Path) -> None:
    shutil.rmtree(tmp_path / "c", ignore_errors=True)
    for name in ("a.png", "b.png"):
        (tmp_path / name).touch()
    (tmp_path / "labels.csv").write_text(text, encoding="utf-8", errors="replace", newline="")
    try:
        rows = lists.read(tmp_path / "labels.csv")
    except EyespotError as error:
        assert len(str(error).splitlines()) == 1
    else:
        assert rows
        assert all((tmp_path / row.file).is_file() and row.label for row in rows)
