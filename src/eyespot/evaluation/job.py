"""What a worker does: it runs a file on a part of a split."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eyespot.data.near import Hashes, hashes
from eyespot.data.split import image_digest
from eyespot.preprocessing.spec import Damage, Preprocessing
from eyespot.tflite.kernels import Content, Kernels
from eyespot.tflite.run import checked, encoder_of, open_runner
from eyespot.zoo.cards import Dataset

Span = tuple[int, int]
Answers = tuple[NDArray[np.int64], list[bytes], Hashes]


@dataclass(frozen=True, kw_only=True)
class Job:
    """All that a worker gets: a file, the `levels` of its input, and a split of the data in `root`."""

    file: Content
    table: NDArray[Any]
    preprocessing: Preprocessing
    classes: int
    data: Dataset
    root: Path
    split: str
    kernels: Kernels = "xnnpack"
    under: Damage | None = None


def open_job(job: Job) -> Callable[[Span], Answers]:
    """A function from (start, stop) to the ranked classes of these images, (n, 5), their digests and `hashes`.

    BadFileError if the kernels refuse the file.
    """
    read = import_module(job.data.reader).read(job.data, job.root, job.split).read
    encode, run = encoder_of(job.preprocessing, job.table, job.under), open_runner(job.file, job.kernels)

    def work(span: Span) -> Answers:
        digests, outputs = [], np.empty((span[1] - span[0], job.classes))
        seen = np.empty((len(outputs), *job.preprocessing.shape), job.table.dtype)
        for row, i in enumerate(range(*span)):
            image = read(i)
            digests.append(image_digest(image))
            seen[row] = encode(image)
            outputs[row] = checked(job.file, run(seen[row]), job.classes)
        return ranked(outputs), digests, hashes(seen[:0] if job.under else seen)

    return work


def ranked(outputs: NDArray[np.float64]) -> NDArray[np.int64]:
    """The five largest of each row (n, classes): their indices (n, 5). Of equal ones the lower is first."""
    return np.argsort(-outputs, axis=1, kind="stable")[:, :5]
