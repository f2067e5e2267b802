"""manifest.csv: the part of each image of a user's folder, decided once and kept beside the outputs.

    data,/home/me/photos
    file,sha256,class,part
    cat/1.jpg,5f3a...,cat,train

An image trains, validates or tests, and does so for good. Nothing else decides it.
"""

from __future__ import annotations

import csv
import io
from bisect import bisect
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Annotated, Literal, cast

import msgspec

from eyespot.artifacts.atomic import digest as digest_of
from eyespot.artifacts.atomic import digest_file, write
from eyespot.data.files import ROWS, check_size, is_inside
from eyespot.errors import BadFileError
from eyespot.progress import track
from eyespot.zoo.cards import Dataset

Part = Literal["train", "validation", "test"]

NAME = "manifest.csv"
HEADER = ["file", "sha256", "class", "part"]
PARTS: tuple[Part, ...] = ("train", "validation", "test")
LIMITS = (205, 230)  # of a digest's first byte, 0..255: 80 % train, 10 % validate, 10 % test

Sha256 = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]
Row = tuple[str, Sha256, str, Part]


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """`data` is the name of a data set, or the absolute path of a folder, with a row for each image."""

    data: str
    rows: tuple[Row, ...] = ()

    @property
    def digest(self) -> str:
        """Changes with the images, their labels and their parts."""
        return digest_of(repr(self.rows).encode(errors="surrogateescape"))

    def missing(self, card: Dataset) -> list[str]:
        """The files of the manifest that the folder lacks."""
        return sorted({file for file, *_ in self.rows} - {each.file for each in card.files})

    def divided(self, card: Dataset) -> Dataset:
        """The card of the folder with the part of each image; one added since then has what the folder gives."""
        parts = {file: part for file, _, _, part in self.rows}
        files = tuple(each._replace(part=parts.get(each.file, each.part)) for each in card.files)
        counts = Counter(each.part for each in files)
        splits = dict(card.splits) | {part: counts[part] for part in PARTS}
        return replace(card, files=files, splits=splits, test="test")


def named(card: Dataset) -> str:
    """What `Manifest.data` says of a data set."""
    return str(Path(card.name).absolute()) if card.root else card.name


def decide(card: Dataset, earlier: Manifest | None = None) -> Manifest:
    """Decide the parts of a folder's images, opened once each; images in `earlier` keep theirs.

    Parts that the folder gives stay as they are; those that it lacks are made of the others' images. Of equal
    images in two given parts, training leaves out the copy (`split.usable`). BadFileError if none could train.
    """
    digests = []
    for each in track(card.files, len(card.files), "compare images"):
        path = (card.root or Path()) / each.file
        try:
            digests.append(digest_file(path))
        except OSError as error:
            raise BadFileError(f"{path}: cannot be read ({error.strerror}); mend or remove it") from error
    files = list(zip(card.files, digests, strict=True))
    given = {digest for each, digest in files if each.part in card.splits}
    free = [(each.label, digest) for each, digest in files if each.part not in card.splits]
    made = tuple(part for part in PARTS if part not in card.splits)
    if made and not free:
        parts_given = " and ".join(sorted({each.part for each in card.files}))
        raise BadFileError(f"{card.name}: has no images to train on, only for {parts_given}. Add some")
    kept = {digest: part for _, digest, _, part in (earlier.rows if earlier else ()) if part in made}
    kept |= dict.fromkeys(given, "train")  # a copy of a given image makes no other part
    parts = assign(free, kept, made)
    names = card.classes or tuple(map(str, range(1 + max(each.label for each in card.files))))
    rows = ((f.file, d, names[f.label], cast(Part, f.part if f.part in card.splits else parts[d])) for f, d in files)
    return Manifest(data=named(card), rows=tuple(rows))


def assign(
    images: Iterable[tuple[int, str]], kept: Mapping[str, Part], made: Sequence[Part] = PARTS
) -> dict[str, Part]:
    """A part of those `made` for each digest of (label, digest) images, so that equal images are in one part.

    The digest's first byte decides; train gets those of parts that are not made. A class that lacks a part
    then gets the image with the highest digest of its largest part, unless that image is `kept` elsewhere or
    is also in other classes.
    """
    members: dict[int, set[str]] = {}
    for label, digest in images:
        members.setdefault(label, set()).add(digest)
    times = Counter(digest for digests in members.values() for digest in digests)
    parts = {digest: kept.get(digest) or _first_part(digest, made) for digest in times}
    for digests in members.values():
        free = [digest for digest in digests if digest not in kept and times[digest] == 1]
        for part in reversed(made):
            counts = Counter(parts[digest] for digest in digests)
            spare = [(counts[parts[digest]], digest) for digest in free if counts[parts[digest]] > 1]
            if spare and not counts[part]:
                parts[max(spare)[1]] = part
    return parts


def _first_part(digest: str, made: Sequence[Part]) -> Part:
    part = PARTS[bisect(LIMITS, int(digest[:2], 16))]
    return part if part in made else "train"


def save(manifest: Manifest, folder: Path) -> None:
    """Write it to a folder of outputs."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([("data", manifest.data), HEADER, *manifest.rows])
    write(folder / NAME, text.getvalue().encode("utf-8", "surrogateescape"))


def load(folder: Path) -> Manifest | None:
    """The manifest in a folder of outputs, None without one. BadFileError for a damaged or an older one."""
    path, old = folder / NAME, folder / "trained-on.txt"
    if old.is_file():
        raise BadFileError(f"{old}: written by an earlier version; delete it and train again")
    if not path.is_file():
        return None
    check_size(path, ROWS << 8)
    try:
        with path.open(encoding="utf-8", errors="surrogateescape", newline="") as file:
            (word, data), header, *rows = islice(csv.reader(file), ROWS + 3)
        if (word, header) != ("data", HEADER):
            raise ValueError(f"expected data, then the columns {', '.join(HEADER)}")
        if len(rows) > ROWS:
            raise ValueError(f"more than {ROWS:,} rows")
        if outside := [name for name, *_ in rows if not is_inside(name)]:
            raise ValueError(f"{outside[0][:80]!r} leaves the folder")
        return Manifest(data=data, rows=msgspec.convert(rows, tuple[Row, ...]))
    except (ValueError, csv.Error, msgspec.ValidationError) as error:
        raise BadFileError(f"{path}: damaged ({error}); delete it and train again") from error
