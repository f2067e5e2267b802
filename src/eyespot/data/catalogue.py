"""From a name or a folder to a data set, its splits and its place."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from eyespot.artifacts import places
from eyespot.artifacts.atomic import write
from eyespot.data import manifest
from eyespot.data.folder import card as user_card
from eyespot.data.manifest import Manifest
from eyespot.data.used import LIST
from eyespot.errors import BadFileError, MissingDataError, UnknownNameError
from eyespot.preprocessing.spec import Contract
from eyespot.zoo import registry
from eyespot.zoo.cards import Dataset
from eyespot.zoo.datasets import DATASETS

if TYPE_CHECKING:
    from eyespot.data.split import Split


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
    if expected and len(opened) != expected:
        raise BadFileError(
            f"{folder(card)}: {split} has {len(opened):,} images, expected {expected:,}; put back what is "
            "missing, or move the folder away and fetch it again"
        )
    return opened


def folder(card: Dataset) -> Path:
    """Where a data set lies, or will."""
    return card.root or places.data_root() / card.name


def data_for(file: Path, contract: Contract, data: str | None = None, split: str | None = None) -> Dataset:
    """The data set to evaluate or calibrate a model file on: `data`, or else the file's own.

    That is the one in the manifest beside it, whose test part then counts, or its card's. If `data` is a
    folder, its parts are those of the manifest, or are decided now if `split` is one of them: each image is
    opened once. MissingDataError if the folder in the manifest is gone, BadFileError if images in it are.
    """
    noted = manifest.load(file.parent)
    if data is None:
        own = registry.model(contract.model).data
        return _noted(noted, file.parent / manifest.NAME) if noted else dataset(own)
    card = dataset(data)
    if noted and noted.rows and not noted.missing(card):
        return replace(noted.divided(card), test=card.test)
    if card.root and split in manifest.PARTS:
        return replace(manifest.decide(card).divided(card), test=card.test)
    return card


def _noted(noted: Manifest, path: Path) -> Dataset:
    """The data set in a manifest at `path`, of a folder with its parts."""
    if registry.is_named(noted.data):
        return dataset(noted.data)
    if not (Path(noted.data).is_absolute() and Path(noted.data).is_dir()):
        raise MissingDataError(
            f"{path}: names {noted.data!r}, which is no folder here. Move it back, or name its new place "
            "with --data or --calibration"
        )
    card = dataset(noted.data)
    if lost := noted.missing(card):
        raise BadFileError(
            f"{path}: {len(lost)} of its {len(noted.rows)} images are not in {noted.data} ({lost[0]}, ...). "
            "Put them back, or train again"
        )
    return (noted if noted.rows else manifest.decide(card)).divided(card)


def hand_on_data(source: Path, folder: Path) -> None:
    """Copy what is known of the data to files that are made of those in `source`."""
    if source.resolve() == folder.resolve() or source.is_relative_to(places.ZOO):
        return
    for name in (manifest.NAME, manifest.OLD_NAME, LIST):
        if (source / name).is_file():
            write(folder / name, (source / name).read_bytes())


def forget_data(folder: Path) -> None:
    """Remove what is known of the data, because the weights in the folder are of others."""
    for name in (manifest.NAME, manifest.OLD_NAME, LIST):
        (folder / name).unlink(missing_ok=True)
