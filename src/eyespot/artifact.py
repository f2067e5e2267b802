"""Files that are whole or absent, and the sidecars that say where they come from."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, fields
from importlib.metadata import version
from pathlib import Path
from typing import Any

from eyespot.cards import Artifact
from eyespot.errors import BadFileError, EyespotError, MissingDataError

HANDED_ON = ("stand_in", "training_images")  # facts that are true of whatever is made of a file


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path` that takes its place when the block ends well.

    A kill at any moment leaves the old file or the new one, never a part. EyespotError where the disk
    is full or the folder cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".partial")
    except OSError as error:
        raise EyespotError(f"{path}: cannot be written: {error.strerror}") from error
    os.close(handle)
    partial = Path(name)
    try:
        yield partial
        with partial.open("rb+") as file:
            os.fsync(file.fileno())
        partial.chmod(0o644)
        partial.replace(path)
    except OSError as error:
        raise EyespotError(f"{path}: not written: {error.strerror}; free some space and repeat") from error
    finally:
        partial.unlink(missing_ok=True)


def write(path: Path, data: bytes | str) -> Path:
    """Write a whole file at once; text becomes UTF-8 with Unix line ends."""
    with replacing(path) as partial:
        partial.write_bytes(data.encode() if isinstance(data, str) else data)
    return path


def write_json(path: Path, value: object) -> Path:
    """Write JSON whose bytes depend on the value alone."""
    return write(path, json.dumps(value, indent=1, sort_keys=True, ensure_ascii=False) + "\n")


def digest(data: bytes) -> str:
    """Sha256 of `data`, as 64 hex digits."""
    return hashlib.sha256(data).hexdigest()


def digest_file(path: Path, algorithm: str = "sha256") -> str:
    """Digest of a file of any size, as hex digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, algorithm).hexdigest()


def sidecar(path: Path) -> Path:
    """The JSON beside a file: `int8.tflite` -> `int8.tflite.json`."""
    return path.with_name(path.name + ".json")


def tools(*packages: str) -> dict[str, str]:
    """Versions of the packages that made something, eyespot's own among them."""
    return {name: version(name) for name in ("eyespot", *packages)}


def save(path: Path, data: bytes, **fields: Any) -> Artifact:
    """Write a file and its sidecar; `fields` are Artifact's other ones."""
    write(path, data)
    return record(path, **fields)


def record(path: Path, **fields: Any) -> Artifact:
    """Write the sidecar of a file that is there."""
    made = Artifact(file=path.name, sha256=digest_file(path), **fields)
    write_json(sidecar(path), asdict(made))
    return made


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
        found = json.loads(sidecar(path).read_text("utf-8"))
        return Artifact(**{field.name: found[field.name] for field in fields(Artifact)})
    except FileNotFoundError as error:
        raise MissingDataError(
            f"{path}: has no sidecar {sidecar(path).name}, so nothing is known of it"
        ) from error
    except (ValueError, KeyError, TypeError) as error:
        raise BadFileError(f"{sidecar(path)}: is not a sidecar of eyespot's ({error})") from error


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


def matches(path: Path, expected: str) -> bool:
    """Whether a file has the digest that `expected` ("sha256:..." or "md5:...") names."""
    algorithm, _, value = expected.partition(":")
    return digest_file(path, algorithm) == value
