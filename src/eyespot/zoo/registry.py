"""From a name to a card or a model file."""

from __future__ import annotations

import os
import pkgutil
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from eyespot.artifacts import places
from eyespot.artifacts.model_folder import ModelFolder
from eyespot.errors import BadFileError, MissingDataError, UnknownNameError
from eyespot.escaping import file_name
from eyespot.preprocessing.spec import Contract
from eyespot.zoo.cards import Dataset, Model, Weights
from eyespot.zoo.datasets import DATASETS
from eyespot.zoo.models import MODELS

if TYPE_CHECKING:
    from eyespot.tflite.read import File

PRECISIONS = ("int8", "float32")

Card = TypeVar("Card", Model, Dataset, Weights)


def pick(kind: str, cards: Iterable[Card], name: str) -> Card:
    """The card of that name. UnknownNameError names the near ones, and what `kind` of card is missing."""
    known = {card.name: card for card in cards}
    if name not in known:
        raise UnknownNameError(kind, name, known)
    return known[name]


def model(name: str) -> Model:
    """The card of a model. UnknownNameError if there is none."""
    return pick("model", MODELS, name)


def dataset(name: str) -> Dataset:
    """The card of one of our data sets. UnknownNameError if there is none."""
    return pick("data set", DATASETS, name)


def is_named(name: str) -> bool:
    """Whether this is the name of one of our data sets."""
    return any(name == card.name for card in DATASETS)


def imported(path: str) -> Any:
    """The object that "module:name" names, or the "module"; with such strings, cards import nothing."""
    return pkgutil.resolve_name(path)


def find(model: str | Path, precision: str = "int8") -> Path:
    """The file that MODEL means: a model's, a folder's or a path; NAME:float32 names the precision.

    UnknownNameError for a name that no model has, MissingDataError for a file that does not exist.
    """
    names, text = [card.name for card in MODELS], str(model)
    base, _, suffix = text.rpartition(":")
    if suffix not in PRECISIONS:
        if base and not Path(text).exists() and (base in names or Path(base).is_dir()):
            raise UnknownNameError(f"precision ({' or '.join(PRECISIONS)})", suffix, PRECISIONS)
        base, suffix = text, precision
    if base in names:
        path, remedy = home(base) / f"{suffix}.tflite", f"build it with: eyespot make {base}"
    elif Path(base).is_dir():
        path = Path(base) / f"{suffix}.tflite"
        remedy = f"eyespot quantize {base}" if suffix == "int8" else f"eyespot convert MODEL --out {base}"
    elif Path(text).suffix.lower() == ".tflite":
        path, remedy = Path(text), "give the path of a .tflite file"
    elif Path(text).is_file():
        raise BadFileError(f"{text}: expected a .tflite file; convert it first, or rename it if it is one")
    elif set(text) & {"/", os.sep}:
        raise MissingDataError(f"{text}: no such folder; give one that `eyespot train` or `make` wrote")
    else:
        raise UnknownNameError("model", base, names)
    if not path.is_file():
        raise MissingDataError(f"{path}: no such file; {remedy}")
    return path


def open_model(model: str | Path, precision: str = "int8") -> tuple[ModelFolder, File]:
    """The file that MODEL means, of any task, and the folder that holds it. Errors as `find`, `read_any`."""
    path = find(model, precision)
    folder = ModelFolder(path.parent)
    return folder, folder.file(path.name)


def ships(name: str) -> bool:
    """Whether a model's files come with the package; if not, the user's machine builds them."""
    return (places.ZOO / file_name(name) / "int8.tflite").exists()


def home(name: str) -> Path:
    """Where a model's files lie: in the package, or built from published weights under the data root."""
    folder = places.ZOO if ships(name) else places.data_root() / "models"
    return folder / file_name(name)


def contract(name: str) -> Contract:
    """The contract that the card of a model states."""
    card = model(name)
    return Contract(model=name, preprocessing=card.preprocessing, classes=dataset(card.data).classes)
