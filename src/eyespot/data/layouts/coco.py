"""A COCO export: a JSON file with images, annotations and categories, in the folder, in annotations/ or in a part.

    photos/annotations/instances_train2017.json   images in photos/train2017, photos/images/... or beside it
    photos/train/_annotations.coco.json           images beside it

A box's share of the image is that of its `bbox`; masks are not read.
"""

from __future__ import annotations

import os
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import msgspec

from eyespot.data.files import ROWS, Entries, check_size, is_inside
from eyespot.data.layouts import strict_json
from eyespot.data.layouts.boxes import Boxed, Export
from eyespot.data.layouts.rows import part_of
from eyespot.errors import BadFileError

LARGEST = 1 << 29  # bytes; COCO's training set has 450 MB
UNREAD = frozenset({"segmentation", "keypoints", "caption", "info", "licenses"})
MARKS = (b'"annotations"', b'"categories"', b'"images"')
SIDE = 1_000_000  # pixels
SLACK = 1.0  # pixels that a box may lie outside the image

Id = int | str


@dataclass(frozen=True)
class Picture:
    """An entry of `images`."""

    id: Id
    file_name: str
    width: int
    height: int


@dataclass(frozen=True)
class Box:
    """An entry of `annotations`: left, top, width and height in pixels."""

    image_id: Id
    category_id: Id
    bbox: tuple[float, float, float, float]


@dataclass(frozen=True)
class Category:
    """An entry of `categories`."""

    id: Id
    name: str


@dataclass(frozen=True)
class Annotations:
    """What is read of a JSON file."""

    images: list[Picture]
    annotations: list[Box]
    categories: list[Category]


def find(path: Path, found: Entries) -> Export | None:
    """The export in a folder with these entries, None for another layout. BadFileError for a damaged one."""
    names, pictures, skipped = dict[str, None](), list[Boxed](), found.skipped
    for file, part in _files(path, found.folders):
        content = read(file)
        skipped -= file.parent == path
        names |= dict.fromkeys(each.name for each in content.categories)
        folder = _folder(path, file, part, found.folders, content)
        pictures += _pictures(file, folder.relative_to(path), part, content)
    if not pictures:
        return None
    if len(pictures) > ROWS:
        raise BadFileError(f"{path}: more than {ROWS:,} images. Divide the folder")
    return Export("COCO", list(names), pictures, skipped)


def _files(path: Path, folders: Sequence[str]) -> Iterator[tuple[Path, str]]:
    """The annotations and their parts. If some are called instances, those; COCO has others beside them."""
    for name in ("", "annotations", *filter(part_of, folders)):
        found = [file for file in sorted((path / name).glob("[!.]*.json")) if file.is_file() and _is_annotations(file)]
        named = [file for file in found if file.name.startswith("instances")]
        for file in named or found:
            words = re.split("[^a-z]+", file.stem.casefold())  # instances_train2017
            yield file, part_of(name) or next(filter(None, map(part_of, words)), "")


def _is_annotations(file: Path) -> bool:
    """Whether a JSON file is of this format, broken or not."""
    check_size(file, LARGEST)
    data = file.read_bytes()
    return sum(mark in data for mark in MARKS) > 1 or "coco" in file.name


def read(path: Path) -> Annotations:
    """The content of a JSON file. BadFileError for a broken one, and for values of other types or out of range."""
    check_size(path, LARGEST)
    raw: Any = strict_json.loads(path.read_bytes(), str(path), UNREAD)
    try:
        content = msgspec.convert(raw, Annotations)
    except (msgspec.ValidationError, UnicodeEncodeError) as error:  # the latter for half a character
        raise BadFileError(f"{path}: {str(error)[:200]}. Export it again") from error
    if not content.images or not content.categories:
        raise BadFileError(f"{path}: has no images or no categories. Export it again")
    for each in content.images:
        if not is_inside(each.file_name) or not each.file_name:
            raise BadFileError(f"{path}: {each.file_name[:80]!r} leaves the folder. Name files by their path in it")
        if not (1 <= each.width <= SIDE and 1 <= each.height <= SIDE):
            raise BadFileError(
                f"{path}: {each.file_name[:80]!r} has a width or height beyond 1..{SIDE}. Export it again"
            )
    return content


def _folder(path: Path, file: Path, part: str, folders: Sequence[str], content: Annotations) -> Path:
    """Where the images are: the likeliest folder that has the first one. BadFileError if some are missing."""
    inner = [f"images/{each.name}" for each in sorted((path / "images").glob("[!.]*")) if each.is_dir()]
    others = [name for name in (*folders, *inner) if name != "annotations"]
    own = [name for name in others if part and part_of(name.rpartition("/")[2].rstrip("0123456789")) == part]
    places = [file.parent, *(path / name for name in (*own, "", "images", *(() if own else others)))]
    first = content.images[0].file_name
    folder = next((place for place in places if _is_file(place / first)), file.parent)
    missing = [each.file_name for each in content.images if not _is_file(folder / each.file_name)]
    if missing:
        raise BadFileError(
            f"{file}: {len(missing)} of {len(content.images)} images are not in {folder} ({missing[0][:80]!r}, ...). "
            "Put them there"
        )
    return folder


def _is_file(path: Path) -> bool:
    return os.path.isfile(path)  # noqa: PTH113 (impossible names too)


def _pictures(file: Path, folder: Path, part: str, content: Annotations) -> Iterator[Boxed]:
    """The images with their largest boxes. BadFileError for what refers to nothing, and for a box outside."""
    names = {each.id: each.name for each in content.categories}
    sizes = {each.id: (each.width, each.height) for each in content.images}
    if len(sizes) < len(content.images) or len(names) < len(content.categories):
        raise BadFileError(f"{file}: two images or two categories have the same id. Export it again")
    largest: dict[Id, dict[str, float]] = defaultdict(dict)
    for number, box in enumerate(content.annotations):
        where = f"{file}: annotations[{number}]"
        if box.image_id not in sizes or box.category_id not in names:
            raise BadFileError(f"{where}: refers to an image or a category that the file lacks. Export it again")
        width, height = sizes[box.image_id]
        x, y, w, h = box.bbox
        inside = -SLACK <= x <= x + w <= width + SLACK and -SLACK <= y <= y + h <= height + SLACK
        if not (inside and w >= 0 and h >= 0):
            raise BadFileError(
                f"{where}: the box {[*box.bbox]} lies outside its image of {width} x {height}. Correct it"
            )
        found, name = largest[box.image_id], names[box.category_id]
        found[name] = max(w * h / (width * height), found.get(name, 0.0))
    for each in content.images:
        name = (PurePosixPath(folder.as_posix()) / each.file_name).as_posix()
        yield Boxed(name, part, f"{file}: image {str(each.id)[:40]}", largest.get(each.id, {}))
