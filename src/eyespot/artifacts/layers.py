"""What int8 costs each layer of a file: the nouns, and where `quantize --explain` keeps them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from eyespot import decoding
from eyespot.artifacts import measurements
from eyespot.artifacts.atomic import write_json
from eyespot.nouns import Noun
from eyespot.quantity import Count, Share

BESIDE = "layers.json"  # in the folder of the int8 file


@dataclass(frozen=True, kw_only=True)
class LayerError:
    """A layer's output in int8 against float32: signal-to-noise ratio in dB, the step between levels.

    `layer` counts convolutions and dense layers in the order of execution. `range_used` is the share of the
    256 levels that occurred.
    """

    layer: Count
    operator: str
    signal_to_noise: float
    scale: float
    range_used: Share


@dataclass(frozen=True, kw_only=True, repr=False)
class Layers(Noun):
    """The layers of an int8 file, named by its sha256, measured on the `images` that calibrated it."""

    model: str
    artifact: str
    float32: str
    images: Count
    data_digest: str
    tools: Mapping[str, str]
    layers: tuple[LayerError, ...]


def keep(layers: Layers, folder: Path) -> Path:
    """Write them beside the int8 file."""
    return write_json(folder / BESIDE, asdict(layers))


def of_file(artifact: str, model: str, folder: Path) -> Layers | None:
    """Those of the int8 file of that sha256: beside it, or else shipped. BadFileError for a damaged file."""
    beside = folder / BESIDE
    kept = [decoding.read(Layers, beside, "Run eyespot quantize --explain again")] if beside.is_file() else []
    found = [*kept, *measurements.found(Layers, model, BESIDE)]
    return next((each for each in found if each.artifact == artifact), None)
