"""A model's own files, built from published weights if they do not ship."""

from __future__ import annotations

from eyespot.artifacts.model_folder import FLOAT32, INT8, ModelFolder
from eyespot.conversion.engine import convert
from eyespot.errors import MissingDataError
from eyespot.quantization.engine import quantize
from eyespot.zoo import registry
from eyespot.zoo.cards import Model


def build(card: Model, weights: str | None = None, calibration: str | None = None) -> ModelFolder:
    """The folder of a model's files, built if they do not exist or `weights` or `calibration` are named.

    MissingDataError if the model neither ships nor has published weights. Errors as `convert`, `quantize`.
    """
    folder = ModelFolder(registry.home(card.name))
    exists = (folder.path / INT8).exists() and not (weights or calibration)
    if exists or registry.ships(card.name):
        return folder
    if not card.weights:
        raise MissingDataError(
            f"{card.name}: does not ship, nobody publishes it. Use eyespot train {card.name}."
        )
    convert(card, weights or card.weights[0].name, folder)
    quantize(folder, folder.file(FLOAT32), calibration, card.quantization, folder)
    return folder
