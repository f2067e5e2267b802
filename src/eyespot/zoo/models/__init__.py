"""The model cards (`*.toml`), in the order of the Model List. To add a model, add its card."""

from __future__ import annotations

from pathlib import Path

from eyespot import decoding
from eyespot.zoo.cards import Model

_FILES = Path(__file__).parent.glob("*.toml")
_CARDS = [decoding.read(Model, path, "Correct the card", name=path.stem) for path in _FILES]
MODELS = tuple(sorted(_CARDS, key=lambda card: card.position))
