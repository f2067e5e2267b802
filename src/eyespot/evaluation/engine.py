"""A file's accuracy on a split, measured in isolated workers."""

from __future__ import annotations

import itertools
import shlex
from collections.abc import Iterator
from math import prod

import numpy as np

from eyespot.artifacts import model_folder
from eyespot.artifacts.measurements import Evaluation
from eyespot.artifacts.model_folder import ModelFolder
from eyespot.data import catalogue
from eyespot.data.near import near
from eyespot.data.split import Split, data_digest
from eyespot.data.used import refuse_overlap, used_images
from eyespot.errors import MissingDataError, RefusedError
from eyespot.evaluation.job import Answers, Job, Span, open_job
from eyespot.evaluation.metrics import accuracy, unrepeated
from eyespot.evaluation.workers import Workers
from eyespot.preprocessing.damage import OF_COLOURS
from eyespot.preprocessing.spec import Contract, Damage
from eyespot.progress import track
from eyespot.tflite.kernels import PACKAGES, Kernels
from eyespot.tflite.read import File
from eyespot.tflite.run import levels
from eyespot.zoo import provenance
from eyespot.zoo.cards import Dataset

VALUES = 1 << 20  # of all input tensors of a request


def evaluate(
    folder: ModelFolder,
    file: File,
    contract: Contract,
    data: Dataset,
    split: str,
    *,
    pool: Workers,
    kernels: Kernels = "xnnpack",
    under: Damage | None = None,
    images: int | None = None,
) -> Evaluation:
    """Measure top-1 on the first `images` of a split, all by default, in the pool of `workers.start`.

    RefusedError if the classes differ, `under` does nothing or the images made the file; MissingDataError
    without images; BadFileError if the kernels refuse the file; ToolDiedError if they end without an answer.
    """
    opened = catalogue.open_split(data, split)
    check_classes(contract, opened)
    if under in OF_COLOURS and contract.preprocessing.channels == 1:
        raise RefusedError(f"{file.path}: takes gray images, to which {under} does nothing")
    labels = opened.labels[:images]
    job = prepare(file, contract, data, split, kernels, under)
    results = classify(job, len(labels), pool)
    used = used_images(folder, file)  # while the workers run it
    answers, digests, hashes = collect(results)
    refuse_overlap(file, used, opened, digests)
    return Evaluation(
        model=contract.model,
        precision=file.precision,
        artifact=file.sha256,
        data=opened.data,
        split=opened.name,
        data_digest=data_digest(labels, digests),
        kernels=kernels,
        tools=model_folder.tools(PACKAGES[kernels]),
        command=f"eyespot evaluate {_name(file, contract)} --data {shlex.quote(opened.data)} "
        f"--split {opened.name} --kernels {kernels}"
        + (f" --under {under}" if under else "")
        + ("" if len(labels) == len(opened) else f" --images {len(labels)}"),
        under=under,
        **accuracy(answers, labels, contract.classes),
        training_images=used.trained,
        near_duplicates=None if under or used.hashes is None else near(hashes, used.hashes),
        unrepeated=unrepeated(answers[:, 0] == labels, digests, data),
    )


def prepare(
    file: File,
    contract: Contract,
    data: Dataset,
    split: str,
    kernels: Kernels = "xnnpack",
    under: Damage | None = None,
) -> Job:
    """What workers need to run a file on a split."""
    spec = contract.preprocessing
    return Job(
        file=file.content, table=levels(spec, file.input), preprocessing=spec, classes=len(contract.classes),
        data=data, root=catalogue.folder(data).absolute(), split=split, kernels=kernels, under=under,
    )  # fmt: skip


def classify(job: Job, images: int, pool: Workers) -> Iterator[Answers]:
    """The ranked classes (n, 5) of a split's first images, their digests and `hashes`, in parts; see `collect`.

    The workers begin at once. Only the answers cross the process border, so memory does not grow with the
    images. Errors as `evaluate`.
    """
    path, most = job.file.path, max(1, VALUES // prod(job.preprocessing.shape))
    parts = list(spans(images, most, len(pool)))
    results = pool.open(open_job, job, name=f"{path}: {job.kernels}")(parts)
    return iter(track(results, len(parts), f"evaluate {path.name}"))


def collect(results: Iterator[Answers]) -> Answers:
    """All parts together."""
    answers, digests, hashes = zip(*results, strict=True)
    return np.concatenate(answers), list(itertools.chain(*digests)), np.concatenate(hashes)


def spans(images: int, most: int, processes: int) -> Iterator[Span]:
    """(start, stop) of requests for `most` images, fewer at the end so that all workers end together."""
    start = 0
    while start < images:
        share = (images - start) // (4 * processes)
        stop = min(images, start + max(1, most // 16, min(most, share)))
        yield start, stop
        start = stop


def check_classes(contract: Contract, split: Split) -> None:
    """RefusedError unless the file's classes are those of the split, in the same order."""
    if not len(split):
        raise MissingDataError(f"{split.data}: no image falls into its {split.name} part; add some")
    if not split.classes:  # only the classes' numbers are known: the file must have a class for each
        if (highest := split.labels.max()) >= len(contract.classes):
            raise RefusedError(f"{split.data} has the label {highest}; the file has {len(contract.classes)} classes")
    elif contract.classes != split.classes:
        raise RefusedError(
            f"{split.data} has the classes {', '.join(split.classes[:3])}, ...; "
            f"the file has {', '.join(contract.classes[:3])}, ..., so accuracy means nothing"
        )


def _name(file: File, contract: Contract) -> str:
    """How anybody else names this file, and what it means."""
    return provenance.name_of(file, contract.model) + ("" if file.contract else f" --contract {contract.model}")
