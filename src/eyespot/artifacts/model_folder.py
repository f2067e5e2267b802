"""The files of one model with their sidecars, the JSON that says what each file was made from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict

import msgspec

from eyespot import decoding
from eyespot.artifacts.atomic import digest, digest_file, replacing, write_json
from eyespot.errors import BadFileError, MissingDataError
from eyespot.nouns import Noun
from eyespot.quantity import Count

if TYPE_CHECKING:
    from eyespot.tflite.read import File

FLOAT32, INT8, WEIGHTS = "float32.tflite", "int8.tflite", "weights.safetensors"


class Facts(TypedDict, total=False):
    """The facts that are used; others are for people."""

    bytes: Count
    operations: Count
    calibration: str
    stand_in: str
    classes: tuple[str, ...]


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

    def __post_init__(self) -> None:
        """ValueError if a fact that is used has another type."""
        msgspec.convert(self.facts, Facts)


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
    artifact = Artifact(file=path.name, sha256=digest(data), **fields)
    _write(path, data, artifact)
    return artifact


def _write(path: Path, data: bytes, artifact: Artifact) -> None:
    """The sidecar comes first, as a file without one would look as if it were made from nothing."""
    with replacing(path) as partial:
        partial.write_bytes(data)
        write_json(sidecar(path), asdict(artifact))


def read_sidecar(path: Path) -> Artifact:
    """Read the sidecar of `path` without looking at the file itself. BadFileError if it is damaged."""
    return decoding.read(Artifact, sidecar(path), "Make the file again or delete the sidecar")


@dataclass(frozen=True)
class ModelFolder:
    """A folder with the files of one model and their sidecars. Files are called by name."""

    path: Path
    _files: dict[str, File] = field(default_factory=dict, repr=False, compare=False)
    _records: dict[str, Artifact] = field(default_factory=dict, repr=False, compare=False)

    def file(self, name: str) -> File:
        """A .tflite file of any task. Errors as `read_any`."""
        from eyespot.tflite.read import read_any

        if name not in self._files:
            self._files[name] = read_any(self.path / name)
        return self._files[name]

    def record(self, name: str) -> Artifact | None:
        """What a file's sidecar says, None without one; the file itself may be absent.

        BadFileError if the sidecar is damaged, or the file has other bytes than it says.
        """
        path, beside = self.path / name, sidecar(self.path / name)
        if name in self._records or not beside.exists():
            return self._records.get(name)
        record = read_sidecar(path)
        if path.exists():
            sha256 = self.file(name).sha256 if path.suffix == ".tflite" else digest_file(path)
            if sha256 != record.sha256:
                expected = f"its sidecar expects sha256 {record.sha256[:12]}..., found {sha256[:12]}..."
                raise BadFileError(f"{path}: {expected}. Make the file again, or delete {beside.name}.")
        self._records[name] = record
        return record

    def sidecars(self) -> list[Artifact]:
        """What the sidecars in the folder say. BadFileError if one is damaged."""
        kinds = ("*.tflite.json", "*.safetensors.json")
        beside = sorted(path for kind in kinds for path in self.path.glob(kind))
        return [replace(read_sidecar(path.with_suffix("")), file=path.stem) for path in beside]

    def chain(self, name: str) -> tuple[Artifact, ...]:
        """The artifacts that a file was made from, itself first, as far as sidecars here say; () without.

        Each link is followed by digest. Errors as `record`, for every link.
        """
        named = {each.sha256: each.file for each in self.sidecars()}
        links: list[Artifact] = []
        following: str | None = name
        while following and (link := self.record(following)) and link not in links:
            links.append(link)
            following = next((named[each] for each in link.inputs.values() if each in named), None)
        return tuple(links)

    def save(self, name: str, data: bytes, *, facts: dict[str, Any], **fields: Any) -> Artifact:
        """Write a .tflite file and its sidecar; `fields` are Artifact's other ones."""
        from eyespot.tflite.read import parse

        file = parse(data, self.path / name)
        own = {"bytes": len(data), "operations": file.operations, "operators": len(file.operators)}
        self._files[name] = file
        self._records[name] = save(file.path, data, facts=own | facts, **fields)
        return self._records[name]

    def pair(self) -> tuple[Artifact, ...]:
        """The records of float32.tflite and int8.tflite. MissingDataError unless both are complete."""
        records = []
        for name in (FLOAT32, INT8):
            path, record = self.path / name, self.record(name)
            if record is None or not path.is_file():
                lacking = path if record or not path.exists() else sidecar(path)
                raise MissingDataError(f"{lacking}: no such file; make it with eyespot convert and eyespot quantize")
            records.append(record)
        return tuple(records)

    def copy(self, folder: Path) -> None:
        """Write both files with their sidecars to another folder, as they were read."""
        for record in self.pair() if folder.resolve() != self.path.resolve() else ():
            _write(folder / record.file, self.file(record.file).data, record)

    def may_be_from(self, name: str, source: Artifact) -> bool:
        """Whether a file's sidecar names `source` or is absent; a kill before `discard` leaves one that does not."""
        path = self.path / name
        return not sidecar(path).exists() or source.sha256 in read_sidecar(path).inputs.values()

    def discard(self, name: str) -> None:
        """Remove a file and its sidecar, if they exist, because their source has changed."""
        self._files.pop(name, None)
        self._records.pop(name, None)
        for path in (self.path / name, sidecar(self.path / name)):
            path.unlink(missing_ok=True)
