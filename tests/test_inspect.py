"""inspect: what is found in a folder, what is not, and what is said of it."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import hostile_reader
from eyespot import inspect
from eyespot.cli import main
from eyespot.data import catalogue, inspection
from eyespot.data.inspected import Copies
from eyespot.data.inspection import copies, labels, mend
from eyespot.data.look import SHEET
from eyespot.errors import BadArgumentError, BadFileError, MissingDataError, RefusedError, UnknownNameError
from eyespot.escaping import file_name
from eyespot.preprocessing.synthetic import CLASSES, picture
from eyespot.tflite import run as running
from eyespot.tflite import schema
from eyespot.zoo import registry
from pictures import write_folder

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))
import planted


@pytest.fixture
def photos(tmp_path: Path, no_data: Path) -> Path:
    """25 pictures of each of four classes."""
    write_folder(tmp_path / "photos", 100)
    return tmp_path / "photos"


def found(folder: Path) -> inspection.Inspection:
    return inspect(folder, processes=1)


def save(array: np.ndarray, path: Path, **options: int) -> None:
    Image.fromarray(array).save(path, **options)


# --- a folder


def test_a_sound_folder_needs_no_mending(photos: Path) -> None:
    i = found(photos)
    assert (i.data, i.images, i.skipped) == (str(photos), 100, 0)
    assert i.counts == {name: {"all": 25} for name in sorted(CLASSES)}
    assert (i.widths, i.heights, i.forms) == ((32, 32, 32), (32, 32, 32), {"PNG RGB": 100})
    assert (i.broken, i.blank, i.copies, i.notes) == ((),) * 4
    assert len(i.doubts) == len(i.mend) <= 1  # a network of photographs may take one drawing for another
    assert (i.imbalance, i.prior, i.features) == (1, 0.25, "tiny-resnet:int8")
    assert i.next == f"eyespot train mobilenet-v2 --data {photos}"


def test_sizes_modes_and_formats(photos: Path) -> None:
    save(picture(200, 90, 40, 3), photos / "disc" / "large.jpg")
    save(picture(201, 10, 70, 1)[..., 0], photos / "disc" / "gray.bmp")
    i = found(photos)
    assert (i.widths, i.heights) == ((32, 32, 70), (10, 32, 90))
    assert i.forms == {"PNG RGB": 100, "JPEG RGB": 1, "BMP L": 1}


def test_broken_files_are_named_and_stop_nothing(photos: Path) -> None:
    whole = (photos / "disc" / "00000.png").read_bytes()
    broken = {"empty.jpg": b"", "text.png": b"hello", "cut.png": whole[: len(whole) // 2], "head.gif": b"GIF89a"}
    for name, data in broken.items():
        (photos / "disc" / name).write_bytes(data)
    i = found(photos)
    assert {each.file for each in i.broken} == {f"disc/{name}" for name in broken}
    assert all("does not decode" in each.why and str(photos) not in each.why for each in i.broken)
    assert "0x" not in str([each.why for each in i.broken])
    assert (i.images, sum(i.forms.values())) == (104, 100)
    assert i.mend[0].startswith("Mend or remove 4 files that cannot be read (disc/cut.png, ")


def test_a_folder_of_broken_files_only(tmp_path: Path, no_data: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / "photos" / name).mkdir(parents=True)
        (tmp_path / "photos" / name / "1.png").write_bytes(b"")
    i = found(tmp_path / "photos")
    assert (len(i.broken), i.widths, i.copies, i.doubts) == (2, (0, 0, 0), (), ())


def test_a_picture_that_ends_its_worker_is_broken(photos: Path) -> None:
    shutil.copy(photos / "disc" / "00000.png", photos / "disc" / hostile_reader.KILLER)
    card = replace(catalogue.dataset(str(photos)), reader="hostile_reader")
    i = inspection.quick(card, processes=2)
    assert [each.file for each in i.broken] == [f"disc/{hostile_reader.KILLER}"]
    assert "crashed: SIGABRT" in i.broken[0].why
    assert sum(i.forms.values()) == 100


def test_blank_pictures(photos: Path) -> None:
    for i in range(3):
        save(np.full((32, 32, 3), 80 * i, np.uint8), photos / "disc" / f"blank{i}.png")
    i = found(photos)
    assert i.blank == tuple(f"disc/blank{n}.png" for n in range(3))
    assert not i.copies
    assert "Remove 3 files of one colour (disc/blank0.png, disc/blank1.png, disc/blank2.png)." in i.mend


def test_uneven_and_small_classes(photos: Path) -> None:
    for path in sorted((photos / "disc").iterdir())[3:]:
        path.unlink()
    i = found(photos)
    assert (i.commonest, i.prior, i.imbalance) == (
        "ring",
        pytest.approx(25 / 78),
        pytest.approx(25 / 3),
    ) or i.prior > 0.3
    assert any(each.startswith("Add pictures to classes with fewer than 20 (disc: 3)") for each in i.mend)
    assert any("always answering" in each for each in i.mend)
    assert i.notes == ("labels of disc were not checked: expected at least 5 different pictures",)


# --- copies


def test_exact_copies_in_one_class_and_in_two(photos: Path) -> None:
    save(picture(0, 32, 32, 3), photos / CLASSES[0] / "again.bmp")
    save(picture(1, 32, 32, 3), photos / CLASSES[0] / "other.png")
    exact = {each.files: each.classes for each in found(photos).copies if each.exact}
    assert exact == {
        (f"{CLASSES[0]}/00000.png", f"{CLASSES[0]}/again.bmp"): (CLASSES[0],),
        (f"{CLASSES[1]}/00001.png", f"{CLASSES[0]}/other.png"): (CLASSES[1], CLASSES[0]),
    }


def test_copies_across_parts_are_the_first_thing_to_mend(photos: Path, tmp_path: Path) -> None:
    (tmp_path / "parts" / "test" / "disc").mkdir(parents=True)
    photos.rename(tmp_path / "parts" / "train")
    shutil.copy(tmp_path / "parts" / "train" / "disc" / "00000.png", tmp_path / "parts" / "test" / "disc" / "a.png")
    (tmp_path / "parts" / "train" / "disc" / "Thumbs.db").write_bytes(b"")
    i = inspection.quick(catalogue.dataset(str(tmp_path / "parts")))
    assert [set(each.parts) for each in i.copies] == [{"train", "test"}]
    assert (i.counts["disc"], i.counts["cross"], i.skipped) == ({"train": 25, "test": 1}, {"train": 25, "test": 0}, 1)
    assert i.mend[0].startswith("Keep each picture in one part, or accuracy")
    assert "in several parts: 1 picture (" in i.mend[0]
    assert i.mend[1].startswith("Add pictures to test, which lacks classes (cross, square, triangle)")


def test_near_copies(photos: Path) -> None:
    first = picture(0, 32, 32, 3)
    save(first, photos / "disc" / "jpeg.jpg", quality=75)
    save(np.asarray(Image.fromarray(first).resize((34, 34))), photos / "disc" / "larger.png")
    save((first * 0.8).astype(np.uint8), photos / "disc" / "zdarker.png")
    [group] = found(photos).copies
    assert not group.exact
    assert set(group.files) == {f"disc/{name}" for name in ("00000.png", "jpeg.jpg", "larger.png", "zdarker.png")}


def test_near_copies_of_exact_copies_are_one_group(photos: Path) -> None:
    first = picture(0, 32, 32, 3)
    save(first, photos / "disc" / "again.png")
    save(first, photos / "disc" / "jpeg.jpg", quality=75)
    groups = {each.exact: each.files for each in found(photos).copies}
    assert groups == {
        True: ("disc/00000.png", "disc/again.png"),
        False: ("disc/00000.png", "disc/again.png", "disc/jpeg.jpg"),
    }


@pytest.mark.parametrize("n", [0, 1, 2, 9, 300])
def test_any_number_of_pictures_is_compared(n: int) -> None:
    same = np.repeat(np.random.default_rng(0).integers(0, 256, (1, 16, 16, 3), np.uint8), n, axis=0)
    assert [len(group) for group in copies.near(same)] == ([n] if n > 1 else [])


def test_other_pictures_are_no_copies() -> None:
    thumbnails = np.stack([picture(i, 16, 16, 3) for i in range(180)])
    ramp = np.linspace(100, 104, 16).astype(np.uint8)[None, None, :, None].repeat(20, 0).repeat(16, 1).repeat(3, 3)
    assert copies.near(np.concatenate([thumbnails, ramp])) == []


# --- labels


def features(wrong: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Features of five classes that overlap a little, labels, and which of them are wrong."""
    rng = np.random.default_rng(seed)
    labels = np.repeat(np.arange(5), 100)
    x = rng.normal(size=(500, 40)) + 1.3 * rng.normal(size=(5, 40))[labels]
    bad = rng.permutation(500)[:wrong]
    labels[bad] = (labels[bad] + rng.integers(1, 5, wrong)) % 5
    return x, labels, bad


def test_wrong_labels_are_probably_wrong_and_right_ones_are_not() -> None:
    x, given, bad = features(15)
    wrong, _ = labels.doubts(x, given, 5)
    doubted = labels.reported(wrong)
    assert wrong[doubted[0]] == wrong.max()
    assert len(doubted) == len(wrong) // labels.FIFTIETH
    assert set(doubted) <= set(bad.tolist())
    assert wrong.sum() == pytest.approx(15, abs=3)


def test_the_likeliest_other_class_is_the_right_one() -> None:
    x, given, bad = features(15)
    right = np.repeat(np.arange(5), 100)
    assert (labels.doubts(x, given, 5)[1][bad] == right[bad]).mean() >= 0.9


def test_right_labels_are_left_alone() -> None:
    x, given, _ = features(0)
    assert len(labels.reported(labels.doubts(x, given, 5)[0])) <= 1


def test_features_that_say_nothing_accuse_nobody() -> None:
    rng = np.random.default_rng(0)
    for x in (rng.normal(size=(200, 30)), np.zeros((200, 30))):
        assert labels.reported(labels.doubts(x, rng.integers(0, 3, 200), 3)[0]) == []


def test_features_are_what_the_last_layer_gets(no_data: Path) -> None:
    _, file = registry.open_model("tiny-resnet")
    extractor = inspection.extractor(file)
    spec = extractor.preprocessing
    tensor = running.encoder_of(spec, extractor.table)(picture(0, 32, 32, 3))
    whole = running.interpreter(file, "xnnpack", keep_all=True)
    running.as_function(file, whole)(tensor)
    before = whole.get_tensor(int(file.graph.operators[-2].inputs[0])).reshape(-1)
    cut = running.open_runner(extractor.file, "xnnpack")(tensor)
    assert (extractor.width, extractor.name) == (64, "tiny-resnet:int8") == (len(before), extractor.name)
    assert np.abs(cut.astype(int) - before).max() <= 1


def test_the_best_model_that_is_built_gives_the_features(no_data: Path) -> None:
    for name in ("tiny-resnet", "mobilenet-v2", "efficientnet-lite0"):
        if name != "tiny-resnet":
            (no_data / "models" / name).mkdir(parents=True)
            (no_data / "models" / name / "int8.tflite").touch()
        assert inspection.default() == name


def test_a_wrong_label_is_found_in_a_folder(tmp_path: Path, no_data: Path) -> None:
    write_folder(tmp_path, 400)
    (tmp_path / CLASSES[0] / "00004.png").rename(tmp_path / CLASSES[1] / "00004.png")
    doubts = {each.file: (each.label, each.likely) for each in found(tmp_path).doubts}
    assert doubts.get(f"{CLASSES[1]}/00004.png") == (CLASSES[1], CLASSES[0])


# --- sheets, the command line, bad input


def test_a_sheet_for_each_class(photos: Path, tmp_path: Path) -> None:
    odd = photos / "ä\\..<b>"
    (photos / "disc").rename(odd)
    for i in range(100):
        save(picture(i, 4, 4, 3), odd / f"small{i}.png")
    (odd / "broken.png").write_bytes(b"")
    save(picture(0, 1, 400, 3), odd / "flat.png")
    inspect(photos, sheets=tmp_path / "sheets", processes=1)
    rows = {}
    for path in (tmp_path / "sheets").iterdir():
        with Image.open(path) as sheet:
            rows[path.name] = sheet.height // SHEET
    assert rows == {"cross.png": 3, "square.png": 3, "triangle.png": 3, file_name("ä\\..<b>") + ".png": 12}


def test_quick_is_the_first_half(photos: Path) -> None:
    save(picture(0, 32, 32, 3), photos / "disc" / "again.bmp")
    i = inspection.quick(catalogue.dataset(str(photos)))
    assert (len(i.copies), i.doubts, i.features) == (1, (), "")
    assert i.notes == (f"near copies and labels were not checked; run: eyespot inspect {photos}",)


def test_the_command(photos: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (photos / "disc" / "bro\x1bken.png").write_bytes(b"")
    assert main(["inspect", str(photos), "--json", "--processes", "1"]) == 0
    noun = json.loads(capsys.readouterr().out)
    assert (noun["images"], noun["counts"]["disc"], len(noun["broken"])) == (101, {"all": 26}, 1)
    assert main(["inspect", str(photos), "--processes", "1"]) == 0
    out = capsys.readouterr().out
    assert "1. Mend or remove 1 file that cannot be read (disc/bro\\x1bken.png)." in out
    assert "\\n" not in out
    assert "\x1b" not in out
    assert out.rstrip().endswith(f"next: eyespot train mobilenet-v2 --data {photos}")


def test_bad_input_ends_in_one_line(tmp_path: Path, no_data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "empty").mkdir()
    save(picture(0, 32, 32, 3), tmp_path / "a.png")
    for name in ("nothing", "empty", "a.png"):
        assert main(["inspect", str(tmp_path / name)]) == 1
        out, err = capsys.readouterr()
        assert (out, err.count("\n")) == ("", 1)
        assert name in err


def test_bad_arguments(photos: Path, tmp_path: Path) -> None:
    (tmp_path / "no.tflite").write_bytes(b"TFL3")
    with pytest.raises(BadFileError, match=r"no\.tflite"):
        inspect(photos, model=tmp_path / "no.tflite")
    with pytest.raises(UnknownNameError, match="tiny-resnet"):
        inspect(photos, model="tiny-resne")
    with pytest.raises(MissingDataError, match="eyespot make mobilenet-v2"):
        inspect(photos, model="mobilenet-v2")
    with pytest.raises(BadArgumentError, match="processes"):
        inspect(photos, processes=0)


def test_a_file_without_a_contract_is_refused(photos: Path, tmp_path: Path) -> None:
    model = schema.unpack(registry.find("tiny-resnet").read_bytes())
    model.metadata = []
    (tmp_path / "bare.tflite").write_bytes(schema.pack(model))
    with pytest.raises(RefusedError, match="carries no contract; name another model"):
        inspect(photos, model=tmp_path / "bare.tflite")


def test_a_folder_of_one_class(photos: Path) -> None:
    for name in CLASSES[1:]:
        shutil.rmtree(photos / name)
    i = found(photos)
    assert i.mend[0] == "Add pictures of another class: a classifier needs two or more."
    assert i.notes == ("labels were not checked: fewer than two classes have enough pictures",)


def test_advice_comes_in_order_of_importance() -> None:
    same = Copies(exact=True, files=("a/1", "a/2"), parts=("all",), classes=("a",))
    counts = {"a": {"train": 90, "test": 10}, "b": {"train": 12, "test": 0}}
    clash, leak = replace(same, classes=("a", "b")), replace(same, parts=("train", "test"))
    first = [each.split(" ")[:3] for each in mend.advice(counts, [], ["a/9"], [same, clash, leak], [])]
    assert [" ".join(words) for words in first] == [
        "Keep each picture", "Decide on one", "Add pictures to", "Add pictures to", "Keep one of",
        "Remove 1 file", "Add pictures to",
    ]  # fmt: skip


def test_a_data_set_of_ours_in_all_its_parts(real_data: Callable[[str], Path]) -> None:
    real_data("imagenet-like")
    i = inspection.quick(catalogue.dataset("imagenet-like"))
    parts = next(iter(i.counts.values()))
    assert (set(parts), i.images, sum(i.forms.values())) == ({"calibration", "test"}, 300, 300)
    assert not i.broken


@pytest.mark.slow
def test_what_was_planted_is_found(real_data: Callable[[str], Path], tmp_path: Path) -> None:
    real_data("cifar-10")
    exact, near, wrong = planted.plant(tmp_path, 0)
    i = inspect(tmp_path)
    assert planted.found(i, exact=True) >= exact
    assert planted.found(i, exact=False) >= near
    assert len({each.file for each in i.doubts} & wrong) >= 10
