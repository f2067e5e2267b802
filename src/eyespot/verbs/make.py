"""make: one model to a folder that an engineer can take to the board."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path

from eyespot.arguments import verb
from eyespot.artifacts import atomic, lock, measurements
from eyespot.artifacts.model_folder import INT8, ModelFolder
from eyespot.data import catalogue
from eyespot.devices import device as device_card
from eyespot.devices.host import HostMeasurements
from eyespot.devices.verdicts import check_file
from eyespot.evaluation.model_files import accuracies
from eyespot.exports.board import write_forms
from eyespot.exports.c import named
from eyespot.nouns import Noun
from eyespot.quantization.engine import build
from eyespot.reports.model_card import model_card
from eyespot.tflite.run import contract_of


@dataclass(frozen=True, kw_only=True, repr=False)
class Made(Noun):
    """A finished folder: sizes in bytes by file, accuracies, compatibility, the TFLM arena to reserve.

    `left_out` says which optional package the C source or the compiled file would need.
    """

    folder: Path
    sizes: dict[str, int]
    accuracies: tuple[measurements.Accuracy, ...]
    compatibility: tuple[measurements.Compatibility, ...]
    arena: int | None
    left_out: tuple[str, ...]


@verb
def make(
    model: str,
    *,
    device: str = "imx93",
    weights: str | None = None,
    calibration: str | None = None,
    out: Path | None = None,
) -> Made:
    """Make the folder for a board: model, C source, checks, card.

    It holds model files, compiled file, C source, Linux folder, golden tensors, checks and card.

    A model that does not ship is built from its published weights first, and kept for the other
    commands. If you have the data set, accuracy is measured; if not, you get the shipped measurement,
    marked as such.

    Example: eyespot make tiny-resnet --device imx93 --out build/tiny-resnet

    Args:
        model: A model's name, or a folder that `quantize` wrote.
        device: The device to check and compile for.
        weights: Published weights to build it from (`eyespot show MODEL` lists them); the first by default.
        calibration: A data set or a folder of images that calibrate it, without classes or in a layout of
            docs/data.md; the model's own training images by default.
        out: Folder to write to; build/MODEL by default, or the given folder itself.
    """
    card, is_folder = device_card(device), Path(model).is_dir()
    source = ModelFolder(Path(model)) if is_folder else build(model, weights, calibration)
    folder = out or (source.path if is_folder else Path("build") / model)
    with lock.held(folder):
        records, int8 = source.pair(), source.file(INT8)
        contract, measured = contract_of(int8), HostMeasurements(file=int8)
        source.copy(folder)
        catalogue.hand_on_data(source.path, folder)
        compatibility = check_file(measured, [card])
        atomic.write_json(folder / "check.json", [asdict(each) for each in compatibility])
        arena, left_out = write_forms(measured, named(contract, source, int8), folder, card)
        known = accuracies(source, folder)
        atomic.write(folder / "card.md", model_card(contract, records, known, compatibility))
        return Made(
            folder=folder, sizes={each.file: len(source.file(each.file).data) for each in records},
            accuracies=known, compatibility=compatibility, arena=arena, left_out=left_out,
        )  # fmt: skip
