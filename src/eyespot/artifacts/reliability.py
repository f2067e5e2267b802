"""How far confidences can be trusted: the noun, and the files that hold it, in `reliability` beside the evaluations."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from eyespot.artifacts import measurements
from eyespot.artifacts.atomic import write_json
from eyespot.escaping import file_name
from eyespot.nouns import Noun
from eyespot.quantity import Count, Share, Size

FOLDER = "reliability"


@dataclass(frozen=True, kw_only=True, repr=False)
class Fitted(Noun):
    """A temperature, the images that it was fitted on, and the calibration error that it leaves on the test images."""

    temperature: Size
    split: str
    n: Count
    error: Share


@dataclass(frozen=True, kw_only=True, repr=False)
class Reliability(Noun):
    """The calibration error of a file, named by its sha256, on the n images of a split.

    `error` is the expected calibration error of the probabilities in the output (15 bins of equal width; Guo et
    al., ICML 2017): by how much the confidence in the first class differs from top-1. `fitted` is the same at a
    temperature, None without validation images or if they may have trained the file.
    """

    model: str
    precision: str
    artifact: str
    data: str
    split: str
    data_digest: str
    n: Count
    error: Share
    fitted: Fitted | None
    tools: Mapping[str, str]
    command: str


def save(r: Reliability, folder: Path) -> Path:
    """Write it under a name that the same measurement gets again."""
    name = ".".join(map(file_name, (r.model, r.precision, r.data, r.split)))
    return write_json(folder / FOLDER / f"{name}.json", asdict(r))


def reliabilities(model: str, artifacts: Collection[str]) -> tuple[Reliability, ...]:
    """Those of a model's files with these digests, the user's own before the shipped ones."""
    found = measurements.found(Reliability, model, "*.json", FOLDER)
    return tuple(each for each in found if each.artifact in artifacts)
