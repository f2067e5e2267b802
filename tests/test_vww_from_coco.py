"""Visual wake words made from COCO 2014, by tools/vww_from_coco.py."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from eyespot.data import catalogue, vww
from eyespot.errors import BadFileError, MissingDataError, RefusedError
from eyespot.preprocessing import synthetic

TOOL = Path(__file__).parents[1] / "tools" / "vww_from_coco.py"
spec = importlib.util.spec_from_file_location("vww_from_coco", TOOL)
assert spec
assert spec.loader
tool = importlib.util.module_from_spec(spec)
spec.loader.exec_module(tool)
from_coco = tool.from_coco


def coco(tmp_path: Path, persons: dict[int, list[dict[str, object]]]) -> tuple[Path, Path]:
    """A COCO of 100 x 80 images, number -> annotations of persons."""
    images, annotations = tmp_path / "images", tmp_path / "annotations"
    annotations.mkdir()
    listed = []
    for number in persons:
        name = f"COCO_val2014_{number:012}.jpg"
        listed.append({"id": number, "file_name": name, "width": 100, "height": 80})
        (images / "val2014").mkdir(parents=True, exist_ok=True)
        pixels = synthetic.picture(number, 80, 100, 1 if number == 2 else 3)
        Image.fromarray(pixels.squeeze()).save(images / "val2014" / name)
    found = [{"image_id": n, "category_id": 1, "iscrowd": 0, **p} for n, ps in persons.items() for p in ps]
    found.append({"image_id": 2, "category_id": 18, "iscrowd": 0, "bbox": [0, 0, 90, 70]})
    (annotations / "instances_val2014.json").write_text(json.dumps({"images": listed, "annotations": found}))
    return images, annotations


def test_vww_from_coco(tmp_path: Path) -> None:
    test = next(iter(vww.test_labels()))
    exactly, below = {"bbox": [0, 0, 20, 10]}, {"bbox": [0, 0, 19.9, 10]}
    crowd = {"bbox": [0, 0, 90, 70], "iscrowd": 1}
    persons = {1: [below, exactly], 2: [], 3: [below], 4: [crowd], 5: [crowd, exactly], test: [below]}
    images, annotations = coco(tmp_path, persons)
    from_coco(images, annotations, tmp_path / "out")
    made = {path.relative_to(tmp_path / "out").as_posix() for path in (tmp_path / "out").rglob("*.*")}
    assert made == {
        "vw_coco2014_96/person/COCO_val2014_000000000001.jpg",
        "vw_coco2014_96/non_person/COCO_val2014_000000000002.jpg",
        "vw_coco2014_96/person/COCO_val2014_000000000005.jpg",
        f"vww01/{test:012}.bin",
        "vww01/y_labels.csv",
    }
    assert (tmp_path / "out" / "vww01" / "y_labels.csv").read_text() == f"{test:012}.bin,2,{vww.test_labels()[test]}\n"
    card = replace(catalogue.dataset("vww"), root=tmp_path / "out", splits={"train": 0, "test": 1})
    for name in card.splits:
        assert catalogue.open_split(card, name).read(0).shape == (96, 96, 3)
    with pytest.raises(RefusedError, match="is there already"):
        from_coco(images, annotations, tmp_path / "out")


def test_vww_from_coco_that_is_not_coco(tmp_path: Path) -> None:
    images, annotations = coco(tmp_path, {1: []})
    (annotations / "instances_val2014.json").write_text("{}")
    with pytest.raises(BadFileError, match=r"is not a COCO instances file \(KeyError"):
        from_coco(images, annotations, tmp_path / "out")
    (annotations / "instances_val2014.json").unlink()
    with pytest.raises(MissingDataError, match=r"it is part of annotations_trainval2014\.zip"):
        from_coco(images, annotations, tmp_path / "out")
    with pytest.raises(MissingDataError, match="expected the folders train2014 and val2014"):
        from_coco(annotations, annotations, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_an_error_of_the_command_is_one_line(tmp_path: Path) -> None:
    words = [sys.executable, str(TOOL), str(tmp_path), str(tmp_path / "out")]
    done = subprocess.run(words, check=False, capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr == f"{tmp_path}: expected the folders train2014 and val2014, found neither\n"
