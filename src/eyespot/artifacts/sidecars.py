"""Sidecars: the JSON beside a file that says what the file was made from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from eyespot import decoding
from eyespot.artifacts.atomic import digest, write, write_json
from eyespot.nouns import Noun


@dataclass(frozen=True, kw_only=True, repr=False)
class Artifact(Noun):
    """A file and what its sidecar says of it. `inputs` are the digests of what it was made from."""

    file: str
    sha256: str
    verb: str
    model: str
    arguments: Mapping[str, Any]
    inputs: Mapping[str, str]
    tools: Mapping[str, str]
    facts: Mapping[str, Any]


def sidecar(path: Path) -> Path:
    """The JSON beside a file: `int8.tflite` -> `int8.tflite.json`."""
    return path.with_name(path.name + ".json")


def tools(*packages: str) -> dict[str, str]:
    """Versions of the packages that made something, eyespot's own among them."""
    from importlib.metadata import version  # it takes long

    return {name: version(name) for name in ("eyespot", *packages)}


def handed_on(facts: Mapping[str, Any]) -> dict[str, Any]:
    """The facts of a file that are also true of files made from it."""
    return {name: facts[name] for name in ("stand_in", "training_images") if name in facts}


def save(path: Path, data: bytes, **fields: Any) -> Artifact:
    """Write a file and its sidecar; `fields` are Artifact's other ones."""
    write(path, data)
    artifact = Artifact(file=path.name, sha256=digest(data), **fields)
    write_json(sidecar(path), asdict(artifact))
    return artifact


def read_sidecar(path: Path) -> Artifact:
    """Read the sidecar of `path` without looking at the file itself. BadFileError if it is damaged."""
    return decoding.read(Artifact, sidecar(path), "Make the file again or delete the sidecar")
