"""A YOLO export: data.yaml with the class names, and for each image a text file with its boxes.

    photos/data.yaml                          names: [cat, dog]
    photos/images/1.jpg, photos/labels/1.txt  class x y width height, as shares of the image; or a polygon

Parts are images/train with labels/train, or train/images with train/labels. Paths in data.yaml are not followed,
as they often name the machine that wrote them. An image without a text file has no boxes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import msgspec

from eyespot.data.files import ROWS, Entries, check_size, entries
from eyespot.data.layouts.boxes import Boxed, Export
from eyespot.data.layouts.rows import part_of
from eyespot.errors import BadFileError

IMAGES, LABELS = "images", "labels"
LARGEST_YAML, LARGEST_TXT = 64 << 10, 1 << 20  # bytes
CLASSES = "classes.txt"  # which labelling tools write among the labels
DIGITS = "0123456789"
SLACK = 1e-3  # beyond 0..1, from rounding

Place = tuple[str, str, str]  # folder of images, folder of labels, part


class Names(msgspec.Struct):
    """What is read of a data.yaml."""

    names: list[str] | dict[int, str]


def find(path: Path, found: Entries) -> Export | None:
    """The export in a folder with these entries, None for another layout. BadFileError for a damaged one."""
    places = list(_places(path, found.folders))
    if not any((path / labels).is_dir() for _, labels, _ in places):
        return None
    names = _names(path)
    pictures, skipped = list[Boxed](), found.skipped - 1  # data.yaml
    for place in places:
        images = entries(path / place[0])
        if images.others or images.folders:
            raise BadFileError(
                f"{path / place[0]}: {[*images.others, *images.folders][0]!r} is no image. Move it elsewhere"
            )
        if not images.images:
            raise BadFileError(f"{path / place[0]}: has no images. Add some, or remove it")
        skipped += images.skipped
        pictures += _pictures(path, place, images.images, names)
    if len(pictures) > ROWS:
        raise BadFileError(f"{path}: more than {ROWS:,} images. Divide the folder")
    return Export("YOLO", list(names.values()), pictures, skipped)


def _places(path: Path, folders: Sequence[str]) -> Iterator[Place]:
    """Where images and labels are."""
    for folder in folders:
        if folder == IMAGES:
            inside = entries(path / IMAGES)
            if inside.images or not inside.folders:
                yield IMAGES, LABELS, ""
            for name in inside.folders:
                yield f"{IMAGES}/{name}", f"{LABELS}/{name}", part_of(name.rstrip(DIGITS))  # train2017
        elif part_of(folder) and (path / folder / IMAGES).is_dir():
            yield f"{folder}/{IMAGES}", f"{folder}/{LABELS}", part_of(folder)


def _names(path: Path) -> Mapping[int, str]:
    """The class names by number."""
    found = sorted({*path.glob("[!.]*.yaml"), *path.glob("[!.]*.yml")})
    if len(found) != 1:
        raise BadFileError(
            f"{path}: has labels beside images, but {len(found)} .yaml files; expected one, data.yaml with the "
            "class names. Add it, or move the others elsewhere"
        )
    check_size(found[0], LARGEST_YAML)
    try:
        names = msgspec.yaml.decode(found[0].read_bytes(), type=Names, strict=False).names
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        reason = " ".join(str(error).split())[:200]
        raise BadFileError(f"{found[0]}: expected names, a list of class names ({reason}). Correct it") from error
    named = dict(enumerate(names)) if isinstance(names, list) else names
    if not named:
        raise BadFileError(f"{found[0]}: names no classes. Add them")
    return named


def _pictures(path: Path, place: Place, images: Sequence[str], names: Mapping[int, str]) -> Iterator[Boxed]:
    """The images of a place. BadFileError for labels without an image."""
    folder, labels, part = place
    texts = {name for name in _texts(path / labels) if name != CLASSES}
    for name in images:
        text = f"{Path(name).stem}.txt"
        largest = boxes(path / labels / text, names) if text in texts else {}
        yield Boxed(f"{folder}/{name}", part, str(path / labels / text), largest)
    if lost := sorted(texts - {f"{Path(name).stem}.txt" for name in images}):
        raise BadFileError(
            f"{path / labels / lost[0]}: {len(lost)} of {len(texts)} label files have no image in {path / folder}. "
            "Add the images, or delete these files"
        )


def _texts(folder: Path) -> Iterator[str]:
    try:
        return (each.name for each in sorted(folder.iterdir()) if each.suffix == ".txt" and each.name[0] != ".")
    except OSError as error:
        raise BadFileError(f"{folder}: cannot be read ({error.strerror}). Put the labels there") from error


def boxes(path: Path, names: Mapping[int, str]) -> dict[str, float]:
    """For each class in a label file, the share of the image that the largest box covers.

    BadFileError names the line that is no box, lies outside the image, or has a class that `names` lacks.
    """
    check_size(path, LARGEST_TXT)
    largest: dict[str, float] = {}
    for line, text in enumerate(path.read_bytes().splitlines(), start=1):
        if words := text.split():
            name, area = _box(f"{path}: line {line}", words, names)
            largest[name] = max(area, largest.get(name, 0.0))
    return largest


def _box(where: str, words: Sequence[bytes], names: Mapping[int, str]) -> tuple[str, float]:
    """The class of a line, and the area of its box."""
    try:
        kind, *values = [float(word) for word in words]
    except ValueError:
        kind, values = -1.0, []
    if len(values) != 4 and (len(values) < 6 or len(values) % 2):
        found = b" ".join(words)[:60].decode(errors="replace")
        raise BadFileError(f"{where}: expected class, x, y, width and height, found {found!r}. Correct it")
    if kind not in names:
        raise BadFileError(f"{where}: the class {kind:g} has no name; there are {len(names)} names. Correct it")
    if outside := [value for value in values if not -SLACK <= value <= 1 + SLACK]:
        raise BadFileError(f"{where}: expected shares of the image, 0 to 1, found {outside[0]:g}. Correct it")
    if len(values) == 4:
        return names[int(kind)], values[2] * values[3]
    x, y = values[::2], values[1::2]
    return names[int(kind)], (max(x) - min(x)) * (max(y) - min(y))
