"""Measuring a file's accuracy on a split, in worker processes."""

from __future__ import annotations

import contextlib
import itertools
import multiprocessing
import os
import shlex
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from eyespot.artifacts import atomic, sidecars
from eyespot.artifacts.measurements import Evaluation
from eyespot.data import catalogue
from eyespot.data.split import Split, data_digest, image_digest
from eyespot.data.used import used_images
from eyespot.errors import BadFileError, MissingDataError, RefusedError
from eyespot.preprocessing.damage import OF_COLOURS
from eyespot.preprocessing.spec import Contract, Damage
from eyespot.progress import track
from eyespot.quantity import wilson
from eyespot.tflite import run as running
from eyespot.tflite.kernels import Kernels
from eyespot.tflite.read import File, read
from eyespot.zoo import registry
from eyespot.zoo.cards import Dataset

if TYPE_CHECKING:
    from collections.abc import Callable

CHUNK = 100
PACKAGES = {"xnnpack": "ai-edge-litert", "reference": "ai-edge-litert", "tflm": "tflite-micro"}
TOP5_FROM = 21


@dataclass(frozen=True, kw_only=True)
class Job:
    """What a worker needs to open the same file and data as its parent."""

    path: Path
    data: Dataset
    split: str
    kernels: Kernels
    contract: Contract
    under: Damage | None = None


def classify(job: Job, n: int, processes: int | None = None) -> tuple[NDArray[np.int64], list[bytes]]:
    """The five (or fewer) most probable classes of the first n images, (n, 5), and the images' digests.

    Only these cross the process border, so memory does not grow with the images. BadFileError where
    the kernels abort.
    """
    starts = range(0, n, CHUNK)
    spans = [(start, min(start + CHUNK, n)) for start in starts]
    try:
        with pool(job, processes) as workers:
            found = list(track(workers.map(_classify_span, spans), len(spans), f"evaluate {job.path.name}"))
    except BrokenProcessPool as error:
        raise BadFileError(f"{job.path}: {job.kernels} aborted on this file") from error
    return np.concatenate([ranked for ranked, _ in found]), list(itertools.chain(*(d for _, d in found)))


def pool(job: Job, processes: int | None = None) -> ProcessPoolExecutor:
    """Workers that each have the file and the data open; single-threaded ones beat threads by far."""
    context = multiprocessing.get_context("spawn")
    return ProcessPoolExecutor(processes or os.cpu_count(), context, _open, (job,))


_worker: Callable[[int, int], tuple[NDArray[np.int64], list[bytes]]]


def _open(job: Job) -> None:
    """Prepare a worker process."""
    global _worker  # noqa: PLW0603 (a pool's initializer has no other place to leave things)
    file = read(job.path)
    split = catalogue.open_split(job.data, job.split)
    encode, run = running.encoder(file, job.contract, job.under), running.open_runner(file, job.kernels)

    def work(start: int, stop: int) -> tuple[NDArray[np.int64], list[bytes]]:
        outputs, digests = [], []
        for i in range(start, stop):
            image = split.read(i)
            outputs.append(run(encode(image)))
            digests.append(image_digest(image))
        return _ranked(np.stack(outputs)), digests

    _worker = work


def _classify_span(span: tuple[int, int]) -> tuple[NDArray[np.int64], list[bytes]]:
    return _worker(*span)


def _ranked(outputs: NDArray[Any]) -> NDArray[np.int64]:
    """Indices of the five largest outputs; among equal ones the lower index first, as argmax chooses."""
    return np.argsort(-outputs.astype(np.float64), axis=1, kind="stable")[:, :5]


@contextlib.contextmanager
def workers(processes: int | None = None) -> Iterator[int | None]:
    yield processes


def evaluate(
    file: File,
    contract: Contract,
    data: Dataset,
    split: str,
    *,
    pool: int | None,
    kernels: Kernels = "xnnpack",
    under: Damage | None = None,
    images: int | None = None,
) -> Evaluation:
    opened = catalogue.open_split(data, split)
    if not len(opened):
        raise MissingDataError(f"{data.name}: no image falls into its {opened.name} part; add some")
    check_classes(contract, opened)
    n = min(images or len(opened), len(opened))
    if under in OF_COLOURS and contract.preprocessing.channels == 1:
        raise RefusedError(f"{file.path}: takes gray images, to which {under} does nothing")
    job = Job(path=file.path, data=data, split=opened.name, kernels=kernels, contract=contract, under=under)
    ranked, digests = classify(job, n, pool)
    refuse_overlap(file, digests)
    return summarise(file, job, opened, ranked, digests)


def check_classes(contract: Contract, split: Split) -> None:
    """RefusedError unless the file's classes are those of the split, in the same order."""
    if not split.classes:  # numbers are all that is known of the images: the file must have a class for each
        if (highest := split.labels.max()) >= len(contract.classes):
            raise RefusedError(
                f"{split.data} has the label {highest}; the file has {len(contract.classes)} classes"
            )
    elif contract.classes != split.classes:
        raise RefusedError(
            f"{split.data} has the classes {', '.join(split.classes[:3])}, ...; "
            f"the file has {', '.join(contract.classes[:3])}, ..., so accuracy means nothing"
        )


def refuse_overlap(file: File, digests: list[bytes]) -> None:
    """RefusedError where images calibrated the file or trained it; sidecars must match their files."""
    used = used_images(file)
    for did in ("trained", "calibrated"):
        if common := sum(used.get(d) == did for d in digests):
            raise RefusedError(
                f"{file.path}: {common} of the {len(digests)} images {did} it; evaluate on others, such as "
                "a folder's own --split test"
            )


def summarise(
    file: File, job: Job, split: Split, ranked: NDArray[np.int64], digests: list[bytes]
) -> Evaluation:
    """The evaluation, from what `classify` returned."""
    n, labels = len(ranked), split.labels[: len(ranked)]
    classes = len(job.contract.classes)
    correct = int((ranked[:, 0] == labels).sum())
    confusion = np.zeros((classes, classes), int)
    np.add.at(confusion, (labels, ranked[:, 0]), 1)
    low, high = wilson(correct, n)
    return Evaluation(
        model=job.contract.model,
        precision=file.precision,
        artifact=file.sha256,
        data=split.data,
        split=split.name,
        data_digest=data_digest(labels, digests),
        n=n,
        correct=correct,
        top1=correct / n,
        low=low,
        high=high,
        top5=float((ranked == labels[:, None]).any(1).mean()) if classes >= TOP5_FROM else None,
        per_class={
            name: float(row[i] / row.sum())
            for i, (name, row) in enumerate(_rows(job.contract, confusion))
            if row.sum()
        },
        confusion=tuple((int(i), int(j), int(confusion[i, j])) for i, j in np.argwhere(confusion)),
        kernels=job.kernels,
        tools=sidecars.tools(PACKAGES[job.kernels]),
        command=f"eyespot evaluate {_name(file, job.contract)} --data {shlex.quote(split.data)} "
        f"--split {split.name} --kernels {job.kernels}"
        + (f" --under {job.under}" if job.under else "")
        + ("" if n == len(split) else f" --images {n}"),
        under=job.under,
    )


def _name(file: File, contract: Contract) -> str:
    """How anybody else names this file: as a model where it is the model's own, else by its own name."""
    shipped = registry.home(contract.model) / f"{file.precision}.tflite"
    if shipped.exists() and atomic.digest_file(shipped) == file.sha256:
        return f"{contract.model}:{file.precision}"
    return shlex.quote(file.path.name) + ("" if file.contract else f" --contract {contract.model}")


def _rows(contract: Contract, confusion: NDArray[Any]) -> Iterator[tuple[str, NDArray[Any]]]:
    return zip(contract.classes, confusion, strict=True)
