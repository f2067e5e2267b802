"""make: one model to a folder that an engineer can take to the board."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from eyespot import registry, results
from eyespot.artifact import load, replacing, sidecar, write, write_json
from eyespot.cards import Accuracy, Compatibility
from eyespot.devices import device as device_card
from eyespot.errors import MissingDataError
from eyespot.golden import write_golden
from eyespot.model_card import model_card
from eyespot.tflite.read import File, read
from eyespot.tflite.run import contract_of
from eyespot.verbs.check import check
from eyespot.verbs.compile import compile_for
from eyespot.verbs.evaluate import evaluate
from eyespot.verbs.export import export

PRECISIONS = ("float32", "int8")
NOW = "measured now"
SHIPPED = "shipped measurement; the data set is not at hand"
OTHER = "measured on another build of the same recipe; the data set is not at hand"


@dataclass(frozen=True, kw_only=True)
class Made:
    """A finished folder: sizes in bytes by file, accuracies, compatibility, the TFLM arena to reserve."""

    folder: Path
    sizes: dict[str, int]
    accuracies: tuple[Accuracy, ...]
    compatibility: tuple[Compatibility, ...]
    arena: int | None


def make(model: str, *, device: str = "imx93", out: Path | None = None) -> Made:
    """Make the folder for a board: model files, compiled file, C source, golden tensors, checks, card.

    Measures accuracy where the data set is at hand; otherwise tells the shipped measurement as such.

    Example: eyespot make tiny-resnet --device imx93 --out build/tiny-resnet

    Parameters
    ----------
    model
        A model's name, or a folder that `quantize` wrote.
    device
        The device to check and compile for.
    out
        Folder to write to; build/MODEL by default, or the given folder itself.
    """
    card = device_card(device)
    source = Path(model) if Path(model).is_dir() else registry.ZOO / registry.model(model).name
    folder = out or (source if Path(model).is_dir() else Path("build") / model)
    files = _copy(source, folder)
    int8 = str(folder / "int8.tflite")
    compatibility = check(int8, device=device)
    write_json(folder / "check.json", [asdict(c) for c in compatibility])
    if card.compiler and card.compiler.name == "vela":
        compile_for(int8, device=device, out=folder / device)
    exported = export(int8, to="c", out=folder / "c")
    write_golden(files["int8"], contract_of(files["int8"]), folder / "golden")
    accuracies = tuple(_accuracies(files))
    made = Made(
        folder=folder,
        sizes={f"{name}.tflite": len(file.data) for name, file in files.items()},
        accuracies=accuracies,
        compatibility=compatibility,
        arena=exported.arena,
    )
    told = [(a.evaluation, a.origin) for a in accuracies]
    write(
        folder / "card.md", model_card(contract_of(files["int8"]), list(files.values()), told, compatibility)
    )
    return made


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
    return {path.stem: read(folder / path.name) for path in paths}


def _accuracies(files: dict[str, File]) -> Iterator[Accuracy]:
    """An accuracy for each file: measured now, else shipped for this file, else of another build."""
    for precision, file in files.items():
        contract = contract_of(file)
        try:
            yield Accuracy(evaluation=evaluate(str(file.path)), origin=NOW)
        except MissingDataError:
            measured = results.of_file(contract.model, file.sha256)
            found = next((e for e in measured if e.kernels == "xnnpack"), None)
            other = results.accuracy(contract.model, precision)
            if found or other:
                yield Accuracy(evaluation=found or other, origin=SHIPPED if found else OTHER)  # type: ignore[arg-type]
