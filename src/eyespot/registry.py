"""From a name to a card, a file or a folder. The one place that knows where things lie."""

from __future__ import annotations

import importlib
import os
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import platformdirs

from eyespot.artifact import write
from eyespot.cards import Contract, Dataset, Model
from eyespot.datasets import DATASETS
from eyespot.errors import BadFileError, MissingDataError, UnknownNameError
from eyespot.models import MODELS

if TYPE_CHECKING:
    from eyespot.datasets.split import Split

PACKAGE = Path(__file__).resolve().parent
ZOO = PACKAGE / "zoo"
RESULTS = PACKAGE / "results"
OWN_DATA = "trained-on.txt"  # beside files that were trained on other data than their card's

Card = TypeVar("Card", Model, Dataset)


def data_root() -> Path:
    """`$EYESPOT_DATA`, or the platform's folder for a user's data."""
    named = os.environ.get("EYESPOT_DATA")
    return Path(named) if named else Path(platformdirs.user_data_dir("eyespot", appauthor=False))


def _one(kind: str, cards: Iterable[Card], name: str) -> Card:
    known = {card.name: card for card in cards}
    if name not in known:
        raise UnknownNameError(kind, name, known)
    return known[name]


def model(name: str) -> Model:
    """The card of a model. UnknownNameError names the near ones."""
    return _one("model", MODELS, name)


def dataset(name: str) -> Dataset:
    """The card of a data set: one of ours by its name, or else a folder of the user's by its path.

    UnknownNameError names the near ones.
    """
    if is_named(name) or not Path(name).is_dir():
        return _one("data set or folder", DATASETS, name)
    found: Dataset = imported("eyespot.datasets.folder").card(Path(name))
    return found


def is_named(name: str) -> bool:
    """Whether a data set of ours is called so."""
    return any(name == card.name for card in DATASETS)


def imported(path: str) -> Any:
    """What "module:name" or "module" names; cards hold such strings so that listing imports nothing."""
    module, _, name = path.partition(":")
    found = importlib.import_module(module)
    return getattr(found, name) if name else found


def find(name: str | Path) -> Path:
    """The file that MODEL means: a model's int8 or float32 file, a path, or a folder's int8 file.

    UnknownNameError for a name that no model has, MissingDataError for a file that is not there.
    """
    text = str(name)
    base, _, precision = text.partition(":")
    if any(base == card.name for card in MODELS):
        return _present(home(base) / f"{precision or 'int8'}.tflite", f"build it with: eyespot make {base}")
    path = Path(text)
    if path.is_dir():
        return _present(path / "int8.tflite", f"eyespot quantize {path}")
    if path.suffix == ".tflite":
        return _present(path, "give the path of a .tflite file")
    raise UnknownNameError("model", text, (card.name for card in MODELS))


def ships(name: str) -> bool:
    """Whether a model's files come with the package; otherwise the user's machine builds them."""
    return (ZOO / name / "int8.tflite").exists()


def home(name: str) -> Path:
    """Where a model's files lie: in the package, or built from published weights under the data root."""
    return ZOO / name if ships(name) else data_root() / "models" / name


def _present(path: Path, remedy: str) -> Path:
    if not path.is_file():
        raise MissingDataError(f"{path}: no such file; {remedy}")
    return path


def open_split(card: Dataset, split: str) -> Split:
    """A split of a data set, as its reader opens it; its images counted.

    UnknownNameError for a split that the card does not have, MissingDataError where it is not at hand,
    BadFileError where it is not what the card says.
    """
    if split not in card.splits:
        raise UnknownNameError(f"split of {card.name}", split, card.splits)
    opened: Split = imported(card.reader).read(card, folder(card), split)
    expected = card.splits[split]
    if expected is not None and len(opened) != expected:
        raise BadFileError(
            f"{folder(card)}: {split} has {len(opened):,} images, expected {expected:,}; put back what is "
            "missing, or move the folder away and fetch it again"
        )
    return opened


def folder(card: Dataset) -> Path:
    """Where a data set lies, or will."""
    return card.root or data_root() / card.name


def data_of(file: Path, contract: Contract) -> Dataset:
    """The data set of a file: the one noted beside it, whose test part then counts, or else its card's.

    MissingDataError for a noted folder that is gone.
    """
    note = file.parent / OWN_DATA
    if not note.is_file():
        return dataset(model(contract.model).data)
    name = note.read_bytes().decode("utf-8", "replace").strip()
    if not (is_named(name) or (Path(name).is_absolute() and Path(name).is_dir())):
        raise MissingDataError(f"{note}: names {name!r}, which is no folder here; give it anew with --data")
    card = dataset(name)
    return replace(card, test="test") if card.root else card


def hand_on_data(source: Path, folder: Path) -> None:
    """Files that are made of those in `source` have the same data set."""
    if (source / OWN_DATA).is_file() and source.resolve() != folder.resolve():
        write(folder / OWN_DATA, (source / OWN_DATA).read_text("utf-8"))


def contract(name: str) -> Contract:
    """The contract that the card of a model states."""
    card = model(name)
    return Contract(model=name, input=card.input, classes=dataset(card.data).classes)
