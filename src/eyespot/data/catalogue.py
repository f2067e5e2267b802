"""From a name or a folder to a data set, its splits and its folder."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from eyespot.artifacts import places
from eyespot.artifacts.atomic import write
from eyespot.data import imagenet, manifest
from eyespot.data.folder import card as user_card
from eyespot.data.layouts import boxes
from eyespot.data.manifest import Manifest
from eyespot.data.used import HASHES, LIST
from eyespot.errors import BadFileError, MissingDataError, UnknownNameError
from eyespot.preprocessing.spec import Contract
from eyespot.zoo import registry
from eyespot.zoo.cards import Dataset
from eyespot.zoo.datasets import DATASETS, IMAGENET_CLASSES

if TYPE_CHECKING:
    from eyespot.data.split import Split

RECORDS = (manifest.NAME, LIST, HASHES)  # what is known of the data that trained a folder's weights


def dataset(name: str) -> Dataset:
    """The card of one of our data sets, or of a folder of the user's. UnknownNameError lists near names.

    A folder with boxes is FOLDER:CLASS or FOLDER:CLASS:AREA (see `data.layouts.boxes`).
    """
    if registry.is_named(name):
        return registry.dataset(name)
    path, contains = boxes.parse(name)
    if not path.is_dir():
        raise UnknownNameError("data set or folder", name, (card.name for card in DATASETS))
    card = user_card(path, contains)
    return replace(card, name=f"./{card.name}") if registry.is_named(card.name) else card


def open_split(card: Dataset, split: str) -> Split:
    """Open a split of a data set and check its number of images.

    UnknownNameError for a split that the card does not have, MissingDataError if it is not on this machine,
    BadFileError if it differs from the card.
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
    """The folder of a data set, which may not exist yet."""
    return card.root or places.data_root() / card.name


def data_for(file: Path, contract: Contract, data: str | None = None, split: str | None = None) -> Dataset:
    """The data set to evaluate or calibrate a model file on: `data`, or the file's own if None.

    Its own is the one in the manifest beside it, with the test part as the test, or that of its card. If
    `data` is a folder, its parts come from the manifest, or are decided now if `split` is one that the folder
    does not give (each image is opened once). For a model with ImageNet's classes, WordNet ids are its class
    numbers. MissingDataError if the manifest's folder is missing, BadFileError if images are.
    """
    card = _data_for(file, contract, data, split)
    return imagenet.numbered(card) if contract.classes == IMAGENET_CLASSES else card


def _data_for(file: Path, contract: Contract, data: str | None, split: str | None) -> Dataset:
    noted = manifest.load(file.parent)
    if data is None:
        path = file.parent / manifest.NAME
        return _noted(noted, path) if noted else dataset(registry.model(contract.model).data)
    card = dataset(data)
    if not (noted and noted.rows and not noted.missing(card)):
        made = card.root and split in manifest.PARTS and split not in card.splits
        noted = manifest.decide(card) if made else None
    return replace(noted.divided(card), test=card.test) if noted else card


def _noted(noted: Manifest, path: Path) -> Dataset:
    """The data set of a manifest at `path`; a folder with its parts."""
    if registry.is_named(noted.data):
        return dataset(noted.data)
    folder, _ = boxes.parse(noted.data)
    if not (folder.is_absolute() and folder.is_dir()):
        raise MissingDataError(
            f"{path}: names {noted.data!r}, which is no folder here. Move it back, or give its new place "
            "with --data or --calibration"
        )
    card = dataset(noted.data)
    if missing := noted.missing(card):
        raise BadFileError(
            f"{path}: {len(missing)} of its {len(noted.rows)} images are not in {noted.data} "
            f"({missing[0]}, ...). Put them back, or train again"
        )
    return noted.divided(card)


def hand_on_data(source: Path, folder: Path) -> None:
    """Copy the records of the training data to the folder of files that are made from those in `source`."""
    if source.resolve() == folder.resolve() or source.is_relative_to(places.ZOO):
        return
    for name in RECORDS:
        if (source / name).is_file():
            write(folder / name, (source / name).read_bytes())


def forget_data(folder: Path) -> None:
    """Remove the records of the training data, because the weights in the folder have changed."""
    for name in RECORDS:
        (folder / name).unlink(missing_ok=True)
