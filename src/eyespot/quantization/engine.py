"""From a float32 file to the int8 file of a folder."""

from __future__ import annotations

import shlex
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eyespot import isolation
from eyespot.artifacts import layers, places
from eyespot.artifacts.layers import LayerError, Layers
from eyespot.artifacts.lock import held, is_held
from eyespot.artifacts.model_folder import FLOAT32, INT8, Artifact, ModelFolder, handed_on, tools
from eyespot.conversion.clean import finish, leave_out_softmax, repair
from eyespot.conversion.engine import convert
from eyespot.data import catalogue
from eyespot.data.split import Split
from eyespot.errors import BadFileError, MissingDataError, RefusedError
from eyespot.evaluation import workers
from eyespot.evaluation.validation import with_confidence
from eyespot.nouns import Noun
from eyespot.quantization import activations, statistics
from eyespot.quantization.bias import correct
from eyespot.quantization.calibration import LIMITS, Chosen, choose_images, open_images
from eyespot.quantization.comparison import Comparison, Validation, compare_calibration, open_validation
from eyespot.quantization.dense import align
from eyespot.quantization.ranges import quantize_static
from eyespot.quantization.rounding import compensate
from eyespot.quantization.statistics import Statistics
from eyespot.tflite import run as running
from eyespot.tflite.kernels import Content
from eyespot.tflite.read import File, parse
from eyespot.zoo import provenance, registry
from eyespot.zoo.cards import Dataset, Quantization

MOST_LOST = 0.01  # of top-1
ENOUGH = 500  # validation images that show such a loss; with fewer, calibration images count as well


@dataclass(frozen=True, kw_only=True, repr=False)
class Step(Noun):
    """One way to int8, and what it costs; `not_tried` says why it was not tried.

    With fewer than ENOUGH validation images the files are also compared on the calibration images.
    """

    name: str
    validation: Comparison | None = None
    calibration: Comparison | None = None
    not_tried: str = ""
    taken: bool = False

    @property
    def loss(self) -> float:
        """How much top-1 int8 loses, on the images where it loses most; 0 if it is not measured."""
        return max((-each.difference for each in (self.validation, self.calibration) if each), default=0.0)

    @property
    def loses(self) -> bool:
        """Whether int8 loses more than MOST_LOST."""
        return self.loss > MOST_LOST + 1e-9


@dataclass(frozen=True, kw_only=True, repr=False)
class Quantized(Noun):
    """The int8 file, and top-1 of both files; `not_measured` says why that is missing.

    `steps` are the ways that were tried, in order. If int8 loses more than MOST_LOST, `following` is the command
    that helps. `layers` holds each layer's error, worst first, with `explain`.
    """

    validation: Comparison | None
    not_measured: str
    calibration: Comparison | None
    following: str
    steps: tuple[Step, ...]
    folder: Path
    artifact: Artifact
    layers: tuple[LayerError, ...]


@dataclass(frozen=True, kw_only=True)
class Task:
    """A float32 `file` of `source`, the images that may calibrate it, and the folder of the int8 file.

    Calibration and validation images run on the `cluster`, or here if it is None. With `logits` the int8 file leaves
    out the last softmax.
    """

    source: ModelFolder
    file: File
    asked: str | None
    data: Dataset
    split: Split
    folder: ModelFolder
    cluster: str | None = None
    logits: bool = False


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """An int8 file in memory, and how it was made; `record` goes into its sidecar."""

    name: str
    how: Quantization
    chosen: Chosen
    record: dict[str, Any]
    int8: File
    tools: tuple[str, ...] = ()


def quantize(task: Task, how: Quantization, *, explain: bool = False) -> Quantized:
    """Write int8.tflite to the folder of a task. RefusedError for `logits` of a file that ends in no softmax."""
    attempt = tried(task, how)
    step, reason = Step(name=attempt.name), ""
    try:
        step = judged(task, attempt, validation_of(task))
    except (MissingDataError, RefusedError) as error:
        reason = str(error)
    return save(task, attempt, (replace(step, taken=True),), reason, explain=explain)


def open_task(
    source: ModelFolder,
    file: File,
    calibration: str | None,
    folder: ModelFolder,
    *,
    cluster: str | None = None,
    logits: bool = False,
) -> Task:
    """The task with the images that `calibration` names, as `eyespot quantize` takes it; errors as `open_images`."""
    data, split = open_images(file, calibration)
    return Task(
        source=source, file=file, asked=calibration, data=data, split=split, folder=folder, cluster=cluster,
        logits=logits,
    )  # fmt: skip


def tried(task: Task, how: Quantization) -> Attempt:
    """Quantize in memory."""
    contract = running.contract_of(task.file)
    chosen = choose_images(task.data, task.split, how.images, contract.preprocessing, contract.model)
    inputs = {"float32": task.file.sha256, "calibration": chosen.digest}
    arguments = asdict(how) | ({"logits": True} if task.logits else {})
    if not how.compensated:
        del arguments["compensated"]  # files keep the bytes that they had before there was a choice
    record: dict[str, Any] = {"verb": "quantize", "model": contract.model, "arguments": arguments, "inputs": inputs}
    with workers.start_on(task.cluster) as pool:
        measured = statistics.measure(task.file, chosen.pixels, how.ranges, pool)
    data = isolation.run(_int8, task.file.content, chosen.pixels, measured, how, record, **LIMITS)
    weights = "compensated weights, " if how.compensated else ""
    name = f"{weights}{how.ranges} ranges, {len(chosen.pixels):,} images"
    int8 = parse(data, task.folder.path / INT8)
    return Attempt(name=name, how=how, chosen=chosen, record=record, int8=int8)


def validation_of(task: Task) -> Validation:
    """The images that judge an attempt. RefusedError for untrained weights, else as `open_validation`."""
    origin = task.source.record(task.file.path.name)
    if origin and provenance.untrained(origin):
        raise RefusedError(f"{task.file.path}: has stand-in weights, whose accuracy means nothing")
    return open_validation(task.file, task.data, task.cluster)


def judged(task: Task, attempt: Attempt, validation: Validation) -> Step:
    """What an attempt costs. MissingDataError if all validation images calibrated it."""
    checked = validation.compare(attempt.int8, attempt.chosen.images)
    few = checked.n < ENOUGH
    calibration = compare_calibration(task.file, attempt.int8, attempt.chosen) if few else None
    return Step(name=attempt.name, validation=checked, calibration=calibration)


def save(task: Task, attempt: Attempt, steps: tuple[Step, ...], reason: str, *, explain: bool = False) -> Quantized:
    """Write an attempt to the folder, where `steps` are all that were judged; `reason` is `not_measured`."""
    source, folder, [step] = task.source, task.folder, [each for each in steps if each.taken]
    origin = source.record(task.file.path.name)
    facts = {**handed_on(origin.facts if origin else {}), **attempt.chosen.facts}
    if step.validation:
        facts["validation"] = asdict(step.validation)
    used = tools("litert-quantizer", "ai-edge-litert", *attempt.tools)
    int8 = with_confidence(attempt.int8.data, attempt.int8.path, source.path)
    artifact = folder.save(INT8, int8, **attempt.record, tools=used, facts=facts)
    catalogue.hand_on_data(source.path, folder.path)
    return Quantized(
        validation=step.validation, not_measured=reason, calibration=step.calibration, steps=steps,
        following=_rescue(task) if step.loses and len(steps) == 1 else "",
        folder=folder.path, artifact=artifact,
        layers=_explained(task, attempt, artifact) if explain else (),
    )  # fmt: skip


def _explained(task: Task, attempt: Attempt, artifact: Artifact) -> tuple[LayerError, ...]:
    """What int8 costs each layer, kept beside the file."""
    int8, pixels = task.folder.file(INT8), attempt.chosen.pixels
    found = isolation.run(activations.explain, int8, task.file, pixels, **LIMITS)
    kept = Layers(
        model=artifact.model, artifact=artifact.sha256, float32=task.file.sha256, images=len(pixels),
        data_digest=attempt.chosen.digest, tools=artifact.tools, layers=found,
    )  # fmt: skip
    layers.keep(kept, task.folder.path)
    return found


def _rescue(task: Task) -> str:
    """The command that quantizes the same file with `--rescue`."""
    source, folder = task.source.path, task.folder.path
    shipped = source.is_relative_to(places.ZOO)
    path = source if task.file.path.name == FLOAT32 else task.file.path
    words = ["eyespot", "quantize", source.name if shipped else str(path), "--rescue"]
    words += ["--calibration", task.asked] if task.asked else []
    words += ["--logits"] if task.logits else []
    return shlex.join(words + (["--out", str(folder)] if folder.resolve() != source.resolve() else []))


def _int8(
    file: Content, pixels: NDArray[np.uint8], measured: Statistics, how: Quantization, record: dict[str, Any]
) -> bytes:
    """The int8 file's bytes, in a worker: LiteRT can crash on a file that others made."""
    source = parse(file.data, file.path)
    model, contract = quantized(source, pixels, measured, how), running.contract_of(source)
    logits = record["arguments"].get("logits", False)
    if logits:
        leave_out_softmax(model, source.path)
    return finish(model, replace(contract, logits=logits), record)


def build(model: str, weights: str | None = None, calibration: str | None = None) -> ModelFolder:
    """The folder of a model's files, built if it is not whole or `weights` or `calibration` are named.

    MissingDataError if the model neither ships nor has published weights. Errors as `convert`, `quantize`.
    """
    card, home, asked = registry.model(model), registry.home(model), weights or calibration
    folder = ModelFolder(home)
    if registry.ships(model) or (not (asked or is_held(home)) and _is_whole(folder)):
        return folder
    if not card.weights:
        raise MissingDataError(f"{model}: does not ship, nobody publishes it. Use eyespot train {model}.")
    with held(home):
        folder = ModelFolder(home)
        if asked or not _is_whole(folder):  # another process may have built it meanwhile
            convert(card, weights or card.weights[0].name, folder)
            quantize(open_task(folder, folder.file(FLOAT32), calibration, folder), card.quantization)
        return folder


def _is_whole(folder: ModelFolder) -> bool:
    """Whether a build of both files has ended: a kill may leave a file without its sidecar, or with another's."""
    try:
        return bool(folder.pair())
    except (BadFileError, MissingDataError):
        return False


def quantized(file: File, pixels: NDArray[np.uint8], measured: Statistics, how: Quantization) -> Any:
    """The int8 object form of a float32 file, ready for `finish`; pixels (n, h, w, c) are those that were measured."""
    data = quantize_static(file.data, measured.ranges)
    int8 = File(path=file.path, data=data, model=repair(data))
    align(int8, file)
    spec = running.contract_of(file).preprocessing
    if how.compensated:
        compensate(int8, file, running.stored(pixels[: activations.MEANS], spec, file.input))
    if how.bias_correction:
        correct(int8, measured.means, running.stored(pixels, spec, int8.input))
    return int8.model
