"""A user's folder: its layout (`data.layouts`), its card and its images.

    photos/cat/*.jpg, photos/dog/*.jpg           class folders, sorted by name or as classes.txt lists them
    photos/train/cat/*.jpg, photos/test/...      with parts; those that are missing are made of train
    photos/labels.csv, metadata.csv or .jsonl    a list of images and their classes
    photos/data.yaml, instances.json             boxes: YOLO and COCO, as photos:CLASS or photos:CLASS:AREA

The split `all` has all images. The parts of a folder that gives none exist once `data.manifest` has decided
which image is in which.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from eyespot.data.files import OURS, entries, only_images, open_files
from eyespot.data.layouts import boxes, classes, coco, folders, lists, yolo
from eyespot.data.layouts.boxes import Contains
from eyespot.data.layouts.rows import Found
from eyespot.data.manifest import PARTS
from eyespot.data.split import Split
from eyespot.errors import BadFileError
from eyespot.escaping import terminal
from eyespot.zoo.cards import Dataset, LabelledFile

ALL = "all"


def card(path: Path, contains: Contains | None = None) -> Dataset:
    """The card of a folder and its present images. BadFileError for another layout than above."""
    listed = path / classes.CLASSES
    own = classes.read_classes(listed) if listed.is_file() else ()
    found = _found(path, own, contains)
    names, files = classes.number(path, found.rows, found.classes or own)
    given = Counter(each.part for each in files if each.part)
    whole = given.keys() == set(PARTS)  # otherwise what is missing is made of train
    splits = {part: count for part, count in given.items() if whole or part != "train"}
    suffix = boxes.suffix(contains)
    return Dataset(
        name=f"{path}{suffix}", title=terminal(path.resolve().name + suffix), classes=names,
        splits={ALL: len(files)} | splits, source="a folder of yours", terms="Your own.", download=None,
        reader=__name__, test="test" if "test" in given else ALL, root=path, files=tuple(files),
        layout=found.layout, skipped=found.skipped,
    )  # fmt: skip


def _found(path: Path, own: tuple[str, ...], contains: Contains | None) -> Found:
    """The images of a folder, by the first layout that fits."""
    inside = entries(path)
    if export := yolo.find(path, inside) or coco.find(path, inside):
        return boxes.classify(path, export, contains)
    if contains:
        raise BadFileError(
            f"{path}: has no boxes (YOLO's data.yaml or COCO's JSON), so {contains.name!r} names nothing. "
            f"Give the folder alone: {path}"
        )
    if listed := lists.find(path, inside.folders):
        return Found("list", lists.read(listed), skipped=inside.skipped - (listed.name not in OURS))
    return folders.read(path, inside, own)


def unsorted(path: Path) -> tuple[Dataset, Split]:
    """Images without classes, for calibration only; their labels are 0."""
    found = only_images(path)
    card = Dataset(
        name=str(path), title=terminal(path.resolve().name), classes=("",), splits={ALL: len(found.images)},
        source="a folder of yours", terms="Your own.", download=None, reader=__name__, test=ALL, root=path,
        files=tuple(LabelledFile(name, 0) for name in found.images), layout="images", skipped=found.skipped,
    )  # fmt: skip
    return card, read(card, path, ALL)


def is_unsorted(path: Path) -> bool:
    """Whether a folder contains images without classes."""
    if not path.is_dir():
        return False
    found = entries(path)
    return bool(found.images) and not lists.find(path, found.folders) and not coco.find(path, found)


def read(card: Dataset, root: Path, split: str) -> Split:
    """Open all of it or one part, images as (height, width, 3)."""
    return open_files(card, split, root, [each for each in card.files if split in {ALL, each.part}])
