"""Data sets whose images are files: finding them, pairing them with labels, reading them one at a time."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from eyespot.artifacts.atomic import digest_file
from eyespot.data.split import Split
from eyespot.errors import BadFileError, MissingDataError
from eyespot.preprocessing.image import SUFFIXES, decode
from eyespot.progress import track
from eyespot.zoo.cards import Dataset, LabelledFile

LITTER = frozenset(  # files and folders that systems create, besides hidden ones
    {
        "thumbs.db",
        "ehthumbs.db",
        "desktop.ini",
        "icon\r",
        "__macosx",
        "$recycle.bin",
        "system volume information",
        "@eadir",
    }
)
TEXTS = frozenset(
    {".csv", ".json", ".jsonl", ".md", ".txt", ".xml", ".yaml", ".yml"}
)  # suffixes of notes beside images
OURS = frozenset({"labels.csv", "metadata.csv", "metadata.jsonl", "classes.txt"})  # which eyespot reads

ROWS = 1_000_000  # images in a list; each line has 256 bytes at most on average


def holder(source: Path, *names: str) -> Path:
    """The folder that contains all `names`: `source` or one at most two levels below it, nearest first.

    Archives and users' copies differ in the folders around the data. BadFileError if there is none.
    """
    for depth in ("", "*", "*/*"):
        for folder in sorted(source.glob(depth)) if depth else [source]:
            if all((folder / name).exists() for name in names):
                return folder
    raise BadFileError(f"{source}: expected a folder with {' and '.join(names[:3])} in it, found none")


@dataclass(frozen=True)
class Entries:
    """Names in a folder, sorted. `others` are neither images nor folders; `skipped` counts litter and texts."""

    images: list[str]
    folders: list[str]
    others: list[str]
    skipped: int


def entries(folder: Path) -> Entries:
    """What is in a folder. BadFileError if it cannot be read."""
    try:
        names = sorted(os.listdir(folder))  # noqa: PTH208 (no object for each of a million images)
    except OSError as error:
        raise BadFileError(f"{folder}: cannot be read ({error.strerror}); change its permissions") from error
    images, folders, others, skipped = list[str](), list[str](), list[str](), 0
    for name in names:
        suffix, path = Path(name).suffix.lower(), f"{folder}/{name}"
        if name[0] == "." or name.lower() in LITTER:
            skipped += 1
        elif suffix in SUFFIXES and os.path.isfile(path):  # noqa: PTH113 (links in circles too)
            images.append(name)
        elif os.path.isdir(path):  # noqa: PTH112
            folders.append(name)
        elif suffix in TEXTS or name.upper() in {"README", "LICENSE"}:
            skipped += name not in OURS
        else:
            others.append(name)
    return Entries(images, folders, others, skipped)


def images_in(folder: Path, data: str) -> list[str]:
    """Names of the images in a folder of `data`. MissingDataError without it; errors as `only_images`."""
    if not folder.is_dir():
        raise MissingDataError(f"{folder}: no such folder; get it with: eyespot fetch {data}")
    return only_images(folder).images


def only_images(folder: Path) -> Entries:
    """What is in a class folder. BadFileError if it has no images, or folders and files other than texts."""
    found = entries(folder)
    if others := sorted({*found.folders, *found.others}):
        raise BadFileError(
            f"{folder}: {len(others)} of {len(found.images) + len(others)} entries are not images "
            f"({others[0]!r}, ...); move them elsewhere"
        )
    if not found.images:
        raise BadFileError(f"{folder}: a class folder without images; add some or remove the folder")
    return found


def in_folders(root: Path, folders: Sequence[str], data: str) -> list[LabelledFile]:
    """The images of one folder per class, by file name, so that the first ones are of several classes."""
    named = [(name, label) for label, folder in enumerate(folders) for name in images_in(root / folder, data)]
    return [LabelledFile(f"{folders[label]}/{name}", label) for name, label in sorted(named)]


def open_files(card: Dataset, split: str, root: Path, files: Sequence[LabelledFile], channels: int = 3) -> Split:
    """A split of image files under `root`, in their order."""
    labels = np.array([each.label for each in files], np.int64)
    return Split(
        data=card.name, name=split, classes=card.classes, labels=labels,
        read=lambda i: decode(root / files[i].file, channels), path=lambda i: root / files[i].file,
    )  # fmt: skip


def check_size(path: Path, most: int) -> None:
    """BadFileError for a text file that is larger than any list of images or classes."""
    if path.stat().st_size > most:
        raise BadFileError(f"{path}: {path.stat().st_size:,} bytes, expected at most {most:,}. Divide the folder")


def is_inside(name: str) -> bool:
    """Whether a path in a list, with forward slashes, stays in its folder on any system."""
    return not (name[:1] == "/" or name[1:2] == ":" or "\\" in name or "\0" in name or ".." in name.split("/"))


def verify_files(root: Path, card: Dataset, *patterns: str) -> str:
    """What was compared with the digest of the card. BadFileError if the matching files differ from it."""
    names = sorted(path.relative_to(root).as_posix() for pattern in patterns for path in root.glob(pattern))
    whole = hashlib.sha256()
    for name in track(names, len(names), f"verify {root.name}"):
        whole.update(f"{digest_file(root / name)}  {name}\n".encode())
    if (digest := whole.hexdigest()) != card.digest:
        raise BadFileError(
            f"{root}: its {len(names):,} files are not those of {card.name} (sha256 {digest[:12]}..., "
            f"expected {card.digest[:12]}...). Delete them and repeat: eyespot fetch {card.name}"
        )
    return f"sha256 of {len(names):,} files"
