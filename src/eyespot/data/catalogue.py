"""From a name or a folder to a data set, its splits and its place."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from eyespot.artifacts import places
from eyespot.artifacts.atomic import write
from eyespot.data.folder import card as user_card
from eyespot.errors import BadFileError, MissingDataError, UnknownNameError
from eyespot.preprocessing.spec import Contract
from eyespot.zoo import registry
from eyespot.zoo.cards import Dataset
from eyespot.zoo.datasets import DATASETS

if TYPE_CHECKING:
    from eyespot.data.split import Split

OWN_DATA = "trained-on.txt"  # beside files that were trained on other data than their card's


def dataset(name: str) -> Dataset:
    """The card of a data set: one of ours by its name, or else a folder of the user's by its path.

    UnknownNameError names the near ones.
    """
    if registry.is_named(name):
        return registry.dataset(name)
    if not Path(name).is_dir():
        raise UnknownNameError("data set or folder", name, (card.name for card in DATASETS))
    return user_card(Path(name))


def open_split(card: Dataset, split: str) -> Split:
    """A split of a data set, as its reader opens it; its images counted.

    UnknownNameError for a split that the card does not have, MissingDataError where it is not at hand,
    BadFileError where it is not what the card says.
    """
    if split not in card.splits:
        raise UnknownNameError(f"split of {card.name}", split, card.splits)
    opened: Split = registry.imported(card.reader).read(card, folder(card), split)
    expected = card.splits[split]
    if expected is not None and len(opened) != expected:
        raise BadFileError(
            f"{folder(card)}: {split} has {len(opened):,} images, expected {expected:,}; put back what is "
            "missing, or move the folder away and fetch it again"
        )
    return opened


def folder(card: Dataset) -> Path:
    """Where a data set lies, or will."""
    return card.root or places.data_root() / card.name


def data_of(file: Path, contract: Contract) -> Dataset:
    """The data set of a file: the one noted beside it, whose test part then counts, or else its card's.

    MissingDataError for a noted folder that is gone.
    """
    note = file.parent / OWN_DATA
    if not note.is_file():
        return dataset(registry.model(contract.model).data)
    name = note.read_bytes().decode("utf-8", "replace").strip()
    if not (registry.is_named(name) or (Path(name).is_absolute() and Path(name).is_dir())):
        raise MissingDataError(f"{note}: names {name!r}, which is no folder here; give it anew with --data")
    card = dataset(name)
    return replace(card, test="test") if card.root else card


def hand_on_data(source: Path, folder: Path) -> None:
    """Files that are made of those in `source` have the same data set."""
    if (source / OWN_DATA).is_file() and source.resolve() != folder.resolve():
        write(folder / OWN_DATA, (source / OWN_DATA).read_text("utf-8"))
