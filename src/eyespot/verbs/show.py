"""show: everything that is known of one model."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from eyespot import registry, results
from eyespot.artifact import chain
from eyespot.cards import Artifact, Compatibility, Evaluation, Model
from eyespot.tflite.read import read


@dataclass(frozen=True, kw_only=True)
class FileFacts:
    """What a model file says of itself, and the chain of artifacts that it was made from."""

    path: Path
    bytes: int
    sha256: str
    operations: int
    operators: tuple[str, ...]
    input: str
    output: str
    chain: tuple[Artifact, ...]


@dataclass(frozen=True, kw_only=True)
class Shown:
    """A model's card, its files on this machine, and what was measured of them."""

    card: Model
    files: tuple[FileFacts, ...]
    evaluations: tuple[Evaluation, ...]
    compatibility: tuple[Compatibility, ...]


def show(model: str) -> Shown:
    """Show a model's card, its files with their provenance, and all measurements.

    Example: eyespot show tiny-resnet

    Parameters
    ----------
    model
        Name of a model.
    """
    card = registry.model(model)
    paths = sorted(registry.home(model).glob("*.tflite"))
    return Shown(
        card=card,
        files=tuple(_facts(path) for path in paths),
        evaluations=results.evaluations(model),
        compatibility=results.compatibility(model),
    )


def _facts(path: Path) -> FileFacts:
    file = read(path)
    return FileFacts(
        path=path,
        bytes=len(file.data),
        sha256=file.sha256,
        operations=file.operations,
        operators=file.operators,
        input=_tensor(file.input.dtype, file.input.shape, file.input.scale, file.input.zero_point),
        output=_tensor(file.output.dtype, file.output.shape, file.output.scale, file.output.zero_point),
        chain=chain(path),
    )


def _tensor(dtype: str, shape: tuple[int, ...], scale: float, zero_point: int) -> str:
    quantized = f", scale {scale:.6g}, zero point {zero_point}" if scale else ""
    return f"{dtype} {'x'.join(map(str, shape))}{quantized}"
