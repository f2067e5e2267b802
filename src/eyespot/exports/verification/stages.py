"""Checks golden vectors stage by stage: by every program on this machine, and the dumps of a port."""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import partial
from itertools import count
from math import prod
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from eyespot import isolation
from eyespot.errors import BadFileError, EyespotError, MissingDataError, MissingExtraError, RefusedError, UnfitError
from eyespot.evaluation.dumps.explain import explain
from eyespot.evaluation.dumps.explanation import Explanation
from eyespot.evaluation.dumps.read import read_dump, readings
from eyespot.exports.c import for_host
from eyespot.exports.folder import write_folder
from eyespot.exports.verification.golden import Golden, outputs
from eyespot.exports.verification.verified import Stage, Verified
from eyespot.preprocessing import synthetic
from eyespot.preprocessing.image import to_pillow
from eyespot.preprocessing.spec import Contract
from eyespot.tflite import run as running
from eyespot.tflite.kernels import Kernels
from eyespot.tflite.read import File, Tensor

Numbers = NDArray[Any]
Name = Literal["picture to pixels", "pixels to tensor", "tensor to output"]
Pairs = Iterable[tuple[int, Numbers, Numbers]]  # of one stage: a picture, what was found, what is expected
Dumps = dict[int, tuple[Path | None, Path | None]]  # by picture: its tensor, its output

PIXELS: Name
TENSOR: Name
OUTPUT: Name
PIXELS, TENSOR, OUTPUT = "picture to pixels", "pixels to tensor", "tensor to output"
STEP = 1 / 256  # of a float32 probability
ROUNDING = 32  # steps of an output: XNNPACK rounds other values between layers, which softmax magnifies
KERNELS: dict[Kernels, tuple[str, int]] = {
    "reference": ("LiteRT, reference", 0),
    "xnnpack": ("LiteRT, XNNPACK", ROUNDING),
    "tflm": ("TFLM", 0),
}
RESIZING = 1  # steps by which the C source's resize may differ, which has no floating point


def verify_here(file: File, contract: Contract, golden: Sequence[Golden], origin: str) -> Verified:
    """Check every stage with the programs of this machine. UnfitError if one differs by more than it may."""
    spec, encode = contract.preprocessing, running.encoder(file, contract)
    drawn = [synthetic.picture(index, *spec.shape) for index in range(len(golden))]
    camera = [synthetic.picture(index, spec.height * 3 // 2, spec.width * 2, 3) for index in range(len(golden))]
    small = [each.pixels for each in golden]
    stages = [
        _compared(PIXELS, "eyespot", list(zip(count(), small, drawn)), 0),
        _compared(TENSOR, "eyespot", [(i, encode(each.pixels), each.tensor) for i, each in enumerate(golden)], 0),
        _tried(TENSOR, "C source, golden", lambda: _c(file, contract, small), RESIZING),
        _tried(TENSOR, "C source, larger", lambda: _c(file, contract, camera), RESIZING),
    ]
    for kernels, (name, tolerance) in KERNELS.items():
        stages.append(_tried(OUTPUT, name, partial(_run, file, golden, kernels), tolerance))
    stages.append(_tried(OUTPUT, "classify.py", lambda: _classify(file, contract, golden), ROUNDING))
    return _judged(Verified(file=file.path.name, golden=origin, pictures=len(golden), stages=tuple(stages)))


def verify_port(file: File, contract: Contract, golden: Sequence[Golden], origin: str, dumps: Dumps) -> Verified:
    """Check a port's dumps by picture; an output against what the port's own tensor gives. UnfitError as above."""
    inputs, answers, explanations = [], [], []
    for index, (tensor, output) in sorted(dumps.items()):
        right = golden[index]
        if tensor:
            inputs.append((index, _dumped(tensor, file.input).reshape(right.tensor.shape), right.tensor))
            if not np.array_equal(inputs[-1][1], right.tensor):
                explanations.append(_explained(file, contract, tensor, right, index))
        if output:
            found = _dumped(output, replace(file.output, shape=(1, 1, right.output.size, 1)))
            answers.append((index, found, right.output))
    own = [(index, found) for index, found, _ in inputs]
    owned = dict(zip((i for i, _ in own), outputs(file, [each for _, each in own], "reference"), strict=True))
    answers = [(index, found, owned.get(index, right)) for index, found, right in answers]
    stages = ((TENSOR, inputs, 0), (OUTPUT, answers, ROUNDING))
    return _judged(Verified(
        file=file.path.name, golden=origin, pictures=len(dumps), explanations=tuple(explanations),
        stages=tuple(_compared(name, "your port", pairs, most) for name, pairs, most in stages if pairs),
    ))  # fmt: skip


def dumps_in(folder: Path, pictures: int) -> Dumps:
    """N.input.bin and N.output.bin of a folder, as far as it has them. MissingDataError if it has none."""
    found: Dumps = {}
    for index in range(pictures):
        pair = [folder / f"{index}.{kind}.bin" for kind in ("input", "output")]
        if any(path.is_file() for path in pair):
            found[index] = tuple(path if path.is_file() else None for path in pair)  # type: ignore[assignment]
    if not found:
        raise MissingDataError(f"{folder}: expected dumps named 0.input.bin and 0.output.bin, found none")
    return found


def _dumped(path: Path, tensor: Tensor) -> Numbers:
    """A dump as its tensor stores it, flat. BadFileError if its form is another one."""
    dump = read_dump(path)
    for each in readings(dump, tensor):
        if each.stored and not each.why:
            return each.numbers.astype(tensor.dtype)
    size = "bytes" if dump.form == "raw bytes" else "numbers"
    expected = f"expected the {prod(tensor.shape):,} values of {tensor.dtype}, found {dump.values.size:,} {size}"
    raise BadFileError(f"{path}: {expected}. Ask: eyespot doctor FILE --tensor {path}")


def _explained(file: File, contract: Contract, path: Path, golden: Golden, index: int) -> Explanation:
    return explain(file, contract, read_dump(path), golden.pixels, f"golden picture {index}").noun


def _judged(verified: Verified) -> Verified:
    wrong = [each for each in verified.stages if each.status == "differs"]
    if wrong:
        where = f"{wrong[0].stage}, {wrong[0].by}: {wrong[0].first}"
        raise UnfitError(
            f"{verified.file}: {len(wrong)} of {len(verified.stages)} stages differ; first {where}", verified
        )
    return verified


def _compared(stage: Name, by: str, pairs: Iterable[tuple[int, Numbers, Numbers]], tolerance: float) -> Stage:
    """A stage whose results are (picture, found, expected)."""
    values, differing, most, first = 0, 0, 0.0, ""
    for index, found, expected in pairs:
        unit = STEP if expected.dtype.kind == "f" else 1.0
        apart = np.abs(found.astype(np.float64) - expected).reshape(-1) / unit
        apart[~np.isfinite(apart)] = np.inf
        places = np.flatnonzero(apart > (1e-3 if unit == STEP else 0))
        if places.size and not first:
            at = np.unravel_index(places[0], expected.shape)
            place = f"({', '.join(map(str, at))})" if len(at) > 1 else str(at[0])
            numbers = f"expected {expected[at]:.6g}, found {found.reshape(expected.shape)[at]:.6g}"
            first = f"picture {index}, value {place}: {numbers}"
        values, differing = values + apart.size, differing + places.size
        most = max(most, float(apart.max()))
    status: Any = "equal" if not differing else "close" if most <= tolerance else "differs"
    return Stage(
        stage=stage,
        by=by,
        status=status,
        differing=differing,
        values=values,
        most=most,
        tolerance=tolerance,
        first=first,
    )


def _tried(stage: Name, by: str, work: Callable[[], Pairs], tolerance: float) -> Stage:
    """A stage whose program may be missing or refuse the file."""
    try:
        return _compared(stage, by, list(work()), tolerance)
    except (EyespotError, ModuleNotFoundError) as error:
        known = MissingExtraError.of(error) if isinstance(error, ModuleNotFoundError) else error
        return Stage(stage=stage, by=by, status="not run", reason=str(known))


def _run(file: File, golden: Sequence[Golden], kernels: Kernels) -> Pairs:
    found = outputs(file, [each.tensor for each in golden], kernels)
    return [(index, found[index], each.output) for index, each in enumerate(golden)]


def _c(file: File, contract: Contract, pictures: Sequence[NDArray[np.uint8]]) -> Pairs:
    """What the C source makes of pictures of one size, compiled for this machine, and what Python does."""
    compiler = shutil.which("gcc") or shutil.which("cc")
    if not compiler:
        raise RefusedError("this machine has no C compiler (gcc or cc)")
    encode, sources = running.encoder(file, contract), for_host(file, contract, *pictures[0].shape[:2])
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for each, text in sources.items():
            (folder / each).write_text(text, "utf-8")
        (folder / "pictures").write_bytes(b"".join(_rgb(each).tobytes() for each in pictures))
        _command([compiler, "-std=c99", "-O2", "host.c", "preprocess.c", "-o", "check"], folder)
        _command([str(folder / "check"), "pictures", "tensors"], folder)
        found = np.fromfile(folder / "tensors", np.int8).reshape(-1, *contract.preprocessing.shape)
    return [(index, each, encode(picture)) for index, (each, picture) in enumerate(zip(found, pictures, strict=True))]


def _rgb(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return picture if picture.shape[2] == 3 else np.repeat(picture, 3, axis=2)


def _command(argv: list[str], folder: Path) -> str:
    """What a program printed. RefusedError if it failed."""
    done = isolation.command(argv, cwd=folder)
    if done.returncode:
        raise RefusedError(f"{Path(argv[0]).name}: {done.stdout.strip()[-200:]}")
    return done.stdout


def _classify(file: File, contract: Contract, golden: Sequence[Golden]) -> Pairs:
    """What classify.py prints: the highest share in 1/1000, and whether it names the class."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_folder(replace(file, path=Path("model.tflite")), contract, folder)
        for index, each in enumerate(golden):
            to_pillow(each.pixels).save(folder / f"{index}.png", "PNG")
        names = [f"{index}.png" for index in range(len(golden))]
        lines = _command([sys.executable, "classify.py", *names], folder).splitlines()
    results = []
    for index, (line, each) in enumerate(zip(lines[-len(golden) :], golden, strict=True)):
        shares = running.to_float(each.output, file.output)
        label, _, percent = line.removeprefix(f"{index}.png: ").removesuffix(" %").rpartition(" ")
        found = np.zeros_like(shares)
        place = contract.classes.index(label) if label in contract.classes else 0
        found[place] = float(percent) / 100
        results.append((index, found[[place]], shares[[place]]))
    return results
