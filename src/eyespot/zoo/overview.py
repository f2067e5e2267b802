"""Everything that is known of one model: its card, files, measurements and verdicts."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from eyespot.artifacts import measurements
from eyespot.artifacts.measurements import Compatibility, Evaluation
from eyespot.artifacts.model_folder import ModelFolder
from eyespot.artifacts.sidecars import Artifact
from eyespot.nouns import Noun
from eyespot.tflite.read import Tensor
from eyespot.zoo import registry, results
from eyespot.zoo.cards import Model


@dataclass(frozen=True, kw_only=True, repr=False)
class FileFacts(Noun):
    """A model file, and the chain of artifacts that it was made from."""

    path: Path
    bytes: int
    sha256: str
    operations: int
    operators: tuple[str, ...]
    input: Tensor
    output: Tensor
    chain: tuple[Artifact, ...]


@dataclass(frozen=True, kw_only=True, repr=False)
class Shown(Noun):
    """A model's card, its files on this machine, and what was measured of them."""

    card: Model
    files: tuple[FileFacts, ...]
    evaluations: tuple[Evaluation, ...]
    compatibility: tuple[Compatibility, ...]


def overview(model: str) -> Shown:
    """UnknownNameError for an unknown model, BadFileError if a sidecar does not match its file."""
    card = registry.model(model)
    folder = ModelFolder(registry.home(model))
    return Shown(
        card=card,
        files=tuple(_facts(folder, path.name) for path in sorted(folder.path.glob("*.tflite"))),
        evaluations=measurements.evaluations(model),
        compatibility=results.compatibility(model),
    )


def _facts(folder: ModelFolder, name: str) -> FileFacts:
    file = folder.file(name)
    return FileFacts(
        path=file.path,
        bytes=len(file.data),
        sha256=file.sha256,
        operations=file.operations,
        operators=file.operators,
        input=file.input,
        output=file.output,
        chain=folder.chain(name),
    )
