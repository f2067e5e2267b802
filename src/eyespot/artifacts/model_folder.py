"""The files of one model, which a command reads, hashes and parses once."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eyespot.artifacts import sidecars
from eyespot.artifacts.atomic import digest_file, write
from eyespot.artifacts.sidecars import Artifact
from eyespot.errors import BadFileError

if TYPE_CHECKING:
    from eyespot.tflite.read import File

FLOAT32, INT8, WEIGHTS = "float32.tflite", "int8.tflite", "weights.safetensors"


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
        path = self.path / name
        if name not in self._records and sidecars.sidecar(path).exists():
            record = sidecars.read_sidecar(path)
            if path.exists() and (found := self._sha256(name)) != record.sha256:
                raise BadFileError(
                    f"{path}: expected the file of its sidecar (sha256 {record.sha256[:12]}...), found another "
                    f"({found[:12]}...). Make the file again, or delete {sidecars.sidecar(path).name}."
                )
            self._records[name] = record
        return self._records.get(name)

    def chain(self, name: str) -> tuple[Artifact, ...]:
        """The artifacts that a file was made from, itself first, as far as sidecars here say; () without.

        Each link is followed by digest. Errors as `record`, for every link.
        """
        paths = [p.with_suffix("") for p in sorted(self.path.glob("*.json")) if sidecars.is_sidecar(p)]
        named = {sidecars.read_sidecar(path).sha256: path.name for path in paths}
        links: list[Artifact] = []
        following: str | None = name
        while following and (link := self.record(following)) and link not in links:
            links.append(link)
            following = next((named[each] for each in link.inputs.values() if each in named), None)
        return tuple(links)

    def save(self, name: str, data: bytes, *, facts: dict[str, Any], **fields: Any) -> Artifact:
        """Write a .tflite file and its sidecar; `fields` are Artifact's other ones."""
        from eyespot.tflite.read import parse

        file = parse(self.path / name, data)
        own = {"bytes": len(data), "operations": file.operations, "operators": len(file.operators)}
        self._files[name] = file
        self._records[name] = sidecars.save(file.path, data, facts=own | facts, **fields)
        return self._records[name]

    def copy(self, name: str, folder: Path) -> None:
        """Write a file with a sidecar, as it was read, to another folder."""
        record = self.record(name)
        assert record is not None, "nobody copies files that are not ours"  # noqa: S101
        write(folder / name, self.file(name).data)
        sidecars.write_sidecar(folder / name, record)

    def discard(self, name: str) -> None:
        """Remove a file and its sidecar, if they exist, because their source has changed."""
        self._files.pop(name, None)
        self._records.pop(name, None)
        for path in (self.path / name, sidecars.sidecar(self.path / name)):
            path.unlink(missing_ok=True)

    def _sha256(self, name: str) -> str:
        return self.file(name).sha256 if name.endswith(".tflite") else digest_file(self.path / name)
