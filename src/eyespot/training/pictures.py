"""Pictures decoded once, in a file from which batches are read: they need not fit into memory.

Two files under `$EYESPOT_DATA/cache` for each folder of pictures and size of a network's input: the pixels, and
a record of each picture. Both only grow, block by block, so that a stopped run continues.
"""

from __future__ import annotations

import mmap
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from eyespot.artifacts import places
from eyespot.artifacts.atomic import digest, not_written, write
from eyespot.artifacts.lock import held
from eyespot.data.near import hashes
from eyespot.data.split import Split, image_digest, is_blank
from eyespot.errors import BadFileError
from eyespot.preprocessing.image import fit
from eyespot.preprocessing.spec import Preprocessing
from eyespot.progress import track

RECORD = np.dtype([("digest", "S8"), ("hash", np.uint64), ("blank", np.bool_)])
KEY = 64  # characters of the digest with which the records begin
BLOCK = 256  # pictures that are decoded in parallel, then written

Records: TypeAlias = NDArray[np.void]
Decoded = tuple[bytes, bytes] | BadFileError  # pixels and record of a picture


@dataclass(frozen=True, kw_only=True)
class Mapped:
    """A mapped file. Pickled it is its path, so that other processes map it as well; `number` is its inode."""

    path: Path
    number: int
    bytes: mmap.mmap

    def __reduce__(self) -> tuple[Any, ...]:
        return mapped, (self.path, self.number)


@dataclass(frozen=True, kw_only=True)
class Pictures:
    """Some `rows` of a mapped file of pictures of one `shape` (h, w, c); each access reads those that it names."""

    file: Mapped
    shape: tuple[int, int, int]
    rows: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, indices: Tensor | slice) -> Tensor:
        """(n, h, w, c) uint8, copied; the pages of the file do not stay resident."""
        rows = self.rows[indices if isinstance(indices, slice) else indices.numpy()]
        copied = np.frombuffer(self.file.bytes, np.uint8).reshape(-1, *self.shape)[rows]
        if hasattr(mmap, "MADV_DONTNEED"):  # Windows has none
            self.file.bytes.madvise(mmap.MADV_DONTNEED)
        return torch.from_numpy(copied)


def decoded(source: str, key: str, splits: Sequence[Split], spec: Preprocessing) -> tuple[Mapped, Records]:
    """The file with the pixels of all splits but the last, in their order, and the records of all splits.

    `source` names the pictures, `key` changes with them; without a key nothing is kept from earlier calls.
    BadFileError names broken pictures of all splits at once.
    """
    import PIL

    place = places.data_root() / "cache" / digest(f"{source} {replace(spec, mean=(0.0,), std=(1.0,))}".encode())[:16]
    pixels, records = place.with_suffix(".pixels"), place.with_suffix(".records")
    with held(place.parent, f"{place.name}.lock"):
        try:
            _fill(pixels, records, digest(f"{key} {PIL.__version__}".encode()), splits, spec, keep=bool(key))
        except OSError as error:
            raise not_written(pixels, error) from error
        except BadFileError:
            pixels.unlink(missing_ok=True)
            records.unlink(missing_ok=True)
            raise
        return mapped(pixels), np.fromfile(records, RECORD, offset=KEY)


def mapped(path: Path, number: int | None = None) -> Mapped:
    """Map a file, which stays mapped if another run replaces it. BadFileError if that happened before."""
    try:
        with path.open("rb") as file:
            found = os.fstat(file.fileno()).st_ino
            if number not in {None, found}:
                raise BadFileError(f"{path}: another training replaced it; the same command continues")
            return Mapped(path=path, number=found, bytes=mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
    except FileNotFoundError as error:
        raise BadFileError(f"{path}: no such file; the machines of a training share $EYESPOT_DATA") from error


def _fill(pixels: Path, records: Path, key: str, splits: Sequence[Split], spec: Preprocessing, *, keep: bool) -> None:
    """Append what is missing. The pixels of a block are on the disk before its records are."""
    size, stored = int(np.prod(spec.shape)), sum(map(len, splits[:-1]))
    if not (keep and pixels.is_file() and records.is_file() and records.read_bytes()[:KEY] == key.encode()):
        write(pixels, b"")
        write(records, key)
    done = (records.stat().st_size - KEY) // RECORD.itemsize
    done = done if pixels.stat().st_size >= min(done, stored) * size else pixels.stat().st_size // size
    os.truncate(records, KEY + done * RECORD.itemsize)
    os.truncate(pixels, min(done, stored) * size)
    broken: list[str] = []
    with pixels.open("ab") as pixel_file, records.open("ab") as record_file:
        for block in _blocks(splits, spec, done):
            broken += [str(each) for each in block if isinstance(each, BadFileError)]
            whole = [] if broken else [each for each in block if not isinstance(each, BadFileError)]
            _append(pixel_file, b"".join(image for image, _ in whole[: max(0, stored - done)]))
            _append(record_file, b"".join(record for _, record in whole))
            done += len(whole)
    if broken:
        named = [*broken[:3], *([f"and {len(broken) - 3} more"] if len(broken) > 3 else [])]
        raise BadFileError(
            f"{len(broken)} of {sum(map(len, splits)):,} images cannot be read: {'; '.join(named)}; mend or remove them"
        )


def _append(file: Any, data: bytes) -> None:
    file.write(data)
    file.flush()
    os.fsync(file.fileno())


def _blocks(splits: Sequence[Split], spec: Preprocessing, done: int) -> Iterator[list[Decoded]]:
    """The pictures of all splits from number `done` on, in order, a block at a time."""
    numbered = [(split.read, i) for split in splits for i in range(len(split))][done:]

    def decode(each: tuple[Callable[[int], NDArray[np.uint8]], int]) -> Decoded:
        try:
            image = each[0](each[1])
        except BadFileError as error:
            return error
        fitted = fit(image, spec)
        record = np.array((image_digest(image), hashes(fitted[None])[0], is_blank(image)), RECORD)
        return fitted.tobytes(), record.tobytes()

    starts = range(0, len(numbered), BLOCK)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for start in track(starts, len(starts), "read images"):
            yield list(pool.map(decode, numbered[start : start + BLOCK]))
