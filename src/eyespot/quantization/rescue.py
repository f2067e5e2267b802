"""What helps where int8 loses accuracy: other ranges, compensated weights, more images, quantization-aware training."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import get_args, get_type_hints

from eyespot.artifacts.atomic import digest
from eyespot.artifacts.model_folder import FLOAT32, ModelFolder
from eyespot.conversion.clean import finish
from eyespot.data.used import LIST
from eyespot.errors import MissingDataError, MissingExtraError, RefusedError
from eyespot.quantization.comparison import Validation
from eyespot.quantization.engine import Attempt, Quantized, Step, Task, judged, open_task, save, tried, validation_of
from eyespot.tflite import run as running
from eyespot.tflite.read import parse
from eyespot.zoo.cards import Quantization

MORE = 5  # times as many images calibrate
RANGES = get_args(get_type_hints(Quantization)["ranges"])
TRAINING, CHECKPOINT = "quantization-aware training", "qat-checkpoint"
SEED = 0

Tried = list[tuple[Step, Attempt]]


def rescue(task: Task, how: Quantization, *, explain: bool = False) -> Quantized:
    """As `engine.quantize`, but where int8 loses more than MOST_LOST, the other ways are tried in order.

    The first that does not is taken, or else the best on validation images. MissingDataError without those.
    A repeated call continues a training that was stopped.
    """
    validation = validation_of(task)
    steps, done = list[Step](), Tried()
    for name, make in _ways(task, how, validation, done):
        try:
            steps.append(_judge(task, validation, make(), done))
            if not steps[-1].loses:
                break
        except (MissingDataError, RefusedError) as error:
            if not done:  # nothing can be quantized
                raise
            steps.append(Step(name=name, not_tried=str(error)))
        except ModuleNotFoundError as error:
            steps.append(Step(name=name, not_tried=str(MissingExtraError.of(error))))
    return _keep(task, steps, *_best(done), explain=explain)


def train_int8(path: Path, how: Quantization) -> Quantized:
    """Quantize and train at once, whatever int8 loses; the folder gets the better file on validation images.

    Errors as `rescue`, and MissingDataError or RefusedError if it cannot be trained.
    """
    source = ModelFolder(path)
    task = open_task(source, source.file(FLOAT32), None, source)
    validation, done = validation_of(task), Tried()
    start = tried(task, how)
    steps = [_judge(task, validation, each, done) for each in (start, _trained(task, validation, start))]
    return _keep(task, steps, *max(done, key=_merit))


def _judge(task: Task, validation: Validation, attempt: Attempt, done: Tried) -> Step:
    """What an attempt costs; both are added to `done`."""
    done.append((judged(task, attempt, validation), attempt))
    return done[-1][0]


def _keep(task: Task, steps: list[Step], chosen: Step, attempt: Attempt, *, explain: bool = False) -> Quantized:
    """Write the chosen attempt; the checkpoint of a training has done its work."""
    marked = tuple(replace(each, taken=each is chosen) for each in steps)
    quantized = save(task, attempt, marked, "", explain=explain)
    shutil.rmtree(task.folder.path / CHECKPOINT, ignore_errors=True)
    return quantized


def _ways(
    task: Task, how: Quantization, validation: Validation, done: Tried
) -> Iterator[tuple[str, Callable[[], Attempt]]]:
    """The ways to int8 and their names; the later ones start from the best that is `done`."""
    for ranges in (how.ranges, *(each for each in RANGES if each != how.ranges)):
        yield f"{ranges} ranges", partial(tried, task, replace(how, ranges=ranges))
    yield "compensated weights", partial(tried, task, replace(_best(done)[1].how, compensated=True))
    yield "more images", partial(_more, task, _best(done)[1].how)
    yield TRAINING, partial(_trained, task, validation, _best(done)[1])


def _best(done: Tried) -> tuple[Step, Attempt]:
    """The first that loses no more than MOST_LOST, or else the best on validation images."""
    within = [each for each in done if not each[0].loses]
    return within[0] if within else max(done, key=_merit)


def _merit(outcome: tuple[Step, Attempt]) -> tuple[float, float, float]:
    """Top-1 on validation images; of equals, the least loss on any images, the most equal answers."""
    step, _ = outcome
    assert step.validation is not None  # noqa: S101 (all were judged on them)
    return step.validation.int8.top1, -step.loss, step.validation.same


def _more(task: Task, how: Quantization) -> Attempt:
    """Calibrate on more images. RefusedError if there are none."""
    if how.images >= len(task.split):
        raise RefusedError(f"all {len(task.split):,} {task.split.name} images calibrate it already")
    return tried(task, replace(how, images=how.images * MORE))


def _trained(task: Task, validation: Validation, start: Attempt) -> Attempt:
    """Train the constants of an int8 file, on the images that trained the network, and on no others.

    MissingDataError if nothing says which these were, RefusedError if the data has others now.
    """
    from eyespot.training import qat
    from eyespot.training.checkpoint import Run
    from eyespot.training.data import load

    contract, owner, noted = running.contract_of(task.file), validation.data, task.source.path / LIST
    if not noted.is_file() or "train" not in owner.splits:
        raise MissingDataError(f"the images that trained {task.file.path} are not known: no {LIST} beside it")
    data = load(owner, contract.preprocessing, "")
    if data.digest != digest(noted.read_bytes()):
        raise RefusedError(f"{owner.name} has other training images than those that trained {task.file.path}")
    run = Run(
        model=contract.model, data=data.digest, seed=SEED, recipe=qat.RECIPE,
        preprocessing=contract.preprocessing, start=start.int8.sha256,
    )  # fmt: skip
    place = task.folder.path / CHECKPOINT / digest(repr(run).encode())[:16]
    model = qat.learn(task.file, start.int8, data, run, place)
    arguments = start.record["arguments"] | {"training": asdict(qat.RECIPE), "seed": SEED}
    record = {**start.record, "arguments": arguments, "inputs": start.record["inputs"] | {"train": data.digest}}
    int8 = parse(finish(model, replace(contract, logits=task.logits), record), start.int8.path)
    return replace(start, name=TRAINING, record=record, int8=int8, tools=("torch",))
