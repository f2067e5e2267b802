"""manifest.csv: which part of a user's folder each image is in, decided once and kept beside the outputs.

    data,/home/me/photos
    file,sha256,class,part
    cat/1.jpg,5f3a...,cat,train

The one owner of that question: an image is trained on, validated on, or kept for the test, and stays so.
"""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from eyespot.artifacts.atomic import digest_file, write
from eyespot.errors import BadFileError
from eyespot.progress import track
from eyespot.zoo.cards import Dataset

NAME, OLD_NAME = "manifest.csv", "trained-on.txt"  # version 0.1.0 noted the folder alone
HEADER = ["file", "sha256", "class", "part"]
PARTS = ("train", "validation", "test")
TRAIN, VALIDATION = 205, 230  # of 256 first bytes of a digest: below the first 80 %, from the second 10 %

Part = Literal["train", "validation", "test"]
Sha256 = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]
Row = tuple[str, Sha256, str, Part]


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """`data` is the name of a data set, or a folder's absolute path with a row for each image in it."""

    data: str
    rows: tuple[Row, ...] = ()

    def missing(self, card: Dataset) -> list[str]:
        """The files that the manifest names and the folder lacks."""
        return sorted({file for file, *_ in self.rows} - {each.file for each in card.files})

    def divided(self, card: Dataset) -> Dataset:
        """The card of the folder, with the part of each image; images that were added have none yet."""
        parts = {file: part for file, _, _, part in self.rows}
        files = tuple(each._replace(part=parts.get(each.file, "")) for each in card.files)
        counts = Counter(each.part for each in files)
        splits = {**card.splits, **{part: counts[part] for part in PARTS}}
        return replace(card, files=files, splits=splits, test="test")


def decide(card: Dataset, earlier: Manifest | None = None) -> Manifest:
    """Decide the parts of a folder's images; those in an `earlier` manifest stay where they are.

    Opens each image once. BadFileError for one that cannot be read.
    """
    digests = [_digest(card, each.file) for each in track(card.files, len(card.files), "compare images")]
    kept = {digest: part for _, digest, _, part in (earlier.rows if earlier else ())}
    parts = assign(((each.label, digest) for each, digest in zip(card.files, digests, strict=True)), kept)
    names = card.classes or tuple(map(str, range(1 + max(each.label for each in card.files))))
    rows = ((f.file, d, names[f.label], parts[d]) for f, d in zip(card.files, digests, strict=True))
    return Manifest(data=str(Path(card.name).absolute()), rows=tuple(rows))


def assign(images: Iterable[tuple[int, str]], kept: Mapping[str, Part]) -> dict[str, Part]:
    """A part for each digest of (label, digest) images, so that equal images are in one part.

    The digest's first byte decides. A class that lacks a part then gets the image with the highest digest
    of its largest part, unless that image is `kept` elsewhere or stands in other classes too.
    """
    members: dict[int, set[str]] = {}
    for label, digest in images:
        members.setdefault(label, set()).add(digest)
    times = Counter(digest for digests in members.values() for digest in digests)
    parts = {digest: kept.get(digest) or _by_digest(digest) for digest in times}
    for digests in members.values():
        free = [digest for digest in digests if digest not in kept and times[digest] == 1]
        for part in ("test", "validation", "train"):
            counts = Counter(parts[digest] for digest in digests)
            spare = [(counts[parts[digest]], digest) for digest in free if counts[parts[digest]] > 1]
            if spare and not counts[part]:
                parts[max(spare)[1]] = part
    return parts


def _by_digest(digest: str) -> Part:
    first = int(digest[:2], 16)
    return "train" if first < TRAIN else "validation" if first < VALIDATION else "test"


def _digest(card: Dataset, file: str) -> str:
    path = (card.root or Path()) / file
    try:
        return digest_file(path)
    except OSError as error:
        raise BadFileError(f"{path}: cannot be read ({error.strerror}); mend or remove it") from error


def save(manifest: Manifest, folder: Path) -> None:
    """Write it into a folder of outputs."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([("data", manifest.data), HEADER, *manifest.rows])
    write(folder / NAME, text.getvalue().encode("utf-8", "surrogateescape"))


def load(folder: Path) -> Manifest | None:
    """The manifest in a folder of outputs, None without one. BadFileError for a damaged one."""
    path, old = folder / NAME, folder / OLD_NAME
    if not path.is_file():
        return Manifest(data=old.read_text("utf-8", "replace").strip()) if old.is_file() else None
    try:
        with path.open(encoding="utf-8", errors="surrogateescape", newline="") as file:
            (word, data), header, *rows = csv.reader(file)
        if (word, header) != ("data", HEADER):
            raise ValueError(f"expected data, then the columns {', '.join(HEADER)}")
        return Manifest(data=data, rows=msgspec.convert(rows, tuple[Row, ...]))
    except (ValueError, csv.Error, msgspec.ValidationError) as error:
        raise BadFileError(f"{path}: damaged ({error}); delete it and train again") from error
