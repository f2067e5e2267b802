"""Sidecars: the JSON beside a file that says what the file was made from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from eyespot import decoding
from eyespot.artifacts.atomic import digest, digest_file, write, write_json
from eyespot.errors import BadFileError, MissingDataError
from eyespot.nouns import Noun

HANDED_ON = ("stand_in", "training_images")  # facts that are true of whatever is made of a file


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
    return {name: version(name) for name in ("eyespot", *packages)}


def save(path: Path, data: bytes, **fields: Any) -> Artifact:
    """Write a file and its sidecar; `fields` are Artifact's other ones."""
    write(path, data)
    return record(path, digest(data), **fields)


def record(path: Path, sha256: str = "", **fields: Any) -> Artifact:
    """Write the sidecar of a file that is there; its digest is computed if it is not given."""
    artifact = Artifact(file=path.name, sha256=sha256 or digest_file(path), **fields)
    write_json(sidecar(path), asdict(artifact))
    return artifact


def load(path: Path) -> Artifact:
    """Read the sidecar of `path` and compare it with the file, where the file is present.

    MissingDataError without a sidecar, BadFileError where it is not one or the file has other bytes.
    """
    told = read_sidecar(path)
    if path.exists() and (found := digest_file(path)) != told.sha256:
        raise BadFileError(
            f"{path}: its sidecar {sidecar(path).name} is of another file (sha256 {told.sha256[:12]}..., "
            f"found {found[:12]}...); make the file again or delete the sidecar"
        )
    return told


def read_sidecar(path: Path) -> Artifact:
    """Read the sidecar of `path` without looking at the file itself; errors as `load`."""
    try:
        return decoding.read(Artifact, sidecar(path), "Make the file again or delete the sidecar")
    except FileNotFoundError as error:
        raise MissingDataError(
            f"{path}: has no sidecar {sidecar(path).name}, so nothing is known of it"
        ) from error


def chain(path: Path) -> tuple[Artifact, ...]:
    """The artifacts that `path` was made from, itself first, as far as sidecars beside it tell.

    Each link is followed by digest; files that are present are hashed. BadFileError where one differs.
    """
    links = [load(path)]
    beside = [load(p.with_suffix("")) for p in sorted(path.parent.glob("*.json")) if is_sidecar(p)]
    while found := [a for a in beside if a.sha256 in links[-1].inputs.values()]:
        links.append(found[0])
    return tuple(links)


def discard(path: Path) -> None:
    """Remove a file and its sidecar, where they are there: what they were made from is no more."""
    for each in (path, sidecar(path)):
        each.unlink(missing_ok=True)


def is_sidecar(path: Path) -> bool:
    """Whether a JSON file is named as a sidecar is: after another file (`x.tflite.json`)."""
    return Path(path.stem).suffix in {".tflite", ".safetensors"}
