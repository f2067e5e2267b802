"""make: one model to a folder that an engineer can take to the board."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from eyespot.arguments import verb
from eyespot.artifacts import measurements
from eyespot.artifacts.atomic import replacing, write, write_json
from eyespot.artifacts.measurements import Accuracy, Compatibility
from eyespot.artifacts.sidecars import load, sidecar
from eyespot.data import catalogue
from eyespot.devices import device as device_card
from eyespot.errors import MissingDataError
from eyespot.exports.golden import write_golden
from eyespot.nouns import Noun
from eyespot.reports.model_card import model_card
from eyespot.tflite.read import File, read
from eyespot.tflite.run import contract_of
from eyespot.verbs.check import check
from eyespot.verbs.compile import compile_for
from eyespot.verbs.convert import convert
from eyespot.verbs.evaluate import evaluate
from eyespot.verbs.export import export
from eyespot.verbs.quantize import quantize
from eyespot.zoo import registry, results
from eyespot.zoo.cards import Model
from eyespot.zoo.provenance import stand_in

PRECISIONS = ("float32", "int8")
NOW = "measured now"
SHIPPED = "shipped measurement; the data set is not at hand"
OTHER = "measured on another build of the same recipe; the data set is not at hand"


@dataclass(frozen=True, kw_only=True, repr=False)
class Made(Noun):
    """A finished folder: sizes in bytes by file, accuracies, compatibility, the TFLM arena to reserve."""

    folder: Path
    sizes: dict[str, int]
    accuracies: tuple[Accuracy, ...]
    compatibility: tuple[Compatibility, ...]
    arena: int | None


@verb
def make(
    model: str,
    *,
    device: str = "imx93",
    weights: str | None = None,
    calibration: str | None = None,
    out: Path | None = None,
) -> Made:
    """Make the folder for a board: model files, compiled file, C source, golden tensors, checks, card.

    A model that does not ship is built from its published weights first, and kept for the other
    commands. Measures accuracy where the data set is at hand; otherwise tells the shipped measurement as
    such.

    Example: eyespot make tiny-resnet --device imx93 --out build/tiny-resnet

    Parameters
    ----------
    model
        A model's name, or a folder that `quantize` wrote.
    device
        The device to check and compile for.
    weights
        Published weights to build it from (`eyespot show MODEL` lists them); the first by default.
    calibration
        A data set or a folder of images that calibrate it; the model's own training images by default.
    out
        Folder to write to; build/MODEL by default, or the given folder itself.
    """
    card = device_card(device)
    given = Path(model).is_dir()
    source = Path(model) if given else _built(registry.model(model), weights, calibration)
    folder = out or (source if given else Path("build") / model)
    files = _copy(source, folder)
    int8 = str(folder / "int8.tflite")
    compatibility = check(int8, device=device)
    write_json(folder / "check.json", [asdict(c) for c in compatibility])
    if card.compiler and card.compiler.name == "vela":
        compile_for(int8, device=device, out=folder / device)
    exported = export(int8, to="c", out=folder / "c")
    write_golden(files["int8"], contract_of(files["int8"]), folder / "golden")
    made = Made(
        folder=folder,
        sizes={f"{name}.tflite": len(file.data) for name, file in files.items()},
        accuracies=tuple(_accuracies(files)),
        compatibility=compatibility,
        arena=exported.arena,
    )
    told = [(a.evaluation, a.origin) for a in made.accuracies]
    records = [load(file.path) for file in files.values()]
    write(folder / "card.md", model_card(contract_of(files["int8"]), records, told, compatibility))
    return made


def _built(card: Model, weights: str | None, calibration: str | None) -> Path:
    """Where the model's files lie, built from published weights where they do not yet, or anew if asked."""
    folder = registry.home(card.name)
    if registry.ships(card.name) or ((folder / "int8.tflite").exists() and not (weights or calibration)):
        return folder
    if not card.weights:
        raise MissingDataError(
            f"{card.name}: does not ship and nobody publishes it; eyespot train {card.name}"
        )
    convert(card.name, weights=weights or card.weights[0].name, out=folder)
    quantize(str(folder), calibration=calibration)
    return folder


def _copy(source: Path, folder: Path) -> dict[str, File]:
    """Bring both files and their sidecars; nothing is written where one is missing or does not match."""
    paths = [source / f"{name}.tflite" for name in PRECISIONS]
    for path in paths:
        if not path.exists():
            raise MissingDataError(f"{path}: no such file; make it with eyespot convert and eyespot quantize")
        load(path)
    if source.resolve() != folder.resolve():
        for path in (each for p in paths for each in (p, sidecar(p))):
            with replacing(folder / path.name) as partial:
                shutil.copyfile(path, partial)
        catalogue.hand_on_data(source, folder)
    return {path.stem: read(folder / path.name) for path in paths}


def _accuracies(files: dict[str, File]) -> Iterator[Accuracy]:
    """An accuracy for each file: measured now, else shipped for this file, else of another build."""
    for precision, file in files.items():
        contract = contract_of(file)
        if stand_in(load(file.path)):  # its accuracy means nothing
            continue
        try:
            yield Accuracy(evaluation=evaluate(str(file.path)), origin=NOW)
        except MissingDataError:
            measured = measurements.of_file(contract.model, file.sha256)
            found = next((e for e in measured if e.kernels == "xnnpack" and not e.under), None)
            own = "training_images" in load(file.path).facts
            other = None if own else results.accuracy(contract.model, precision)
            if found or other:
                yield Accuracy(evaluation=found or other, origin=SHIPPED if found else OTHER)  # type: ignore[arg-type]
