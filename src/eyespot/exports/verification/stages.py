"""Checks golden vectors stage by stage: by every program on this machine, and the dumps of a port."""

from __future__ import annotations

import json
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
from eyespot.evaluation.dumps.read import read_dump, readings
from eyespot.evaluation.predict import run
from eyespot.exports.c import for_host
from eyespot.exports.folder import write_folder
from eyespot.exports.verification.golden import Golden
from eyespot.exports.verification.verified import Name, Stage, Verified
from eyespot.preprocessing.image import to_pillow
from eyespot.preprocessing.spec import Contract
from eyespot.preprocessing.synthetic import picture
from eyespot.tflite import run as running
from eyespot.tflite.kernels import Kernels
from eyespot.tflite.read import File, Tensor

Numbers = NDArray[Any]
Pairs = Iterable[tuple[Numbers, Numbers]]  # of each picture: what was found, what is expected

STEP = 1 / 256  # of a float32 probability
ROUNDING = 32  # steps of an output: XNNPACK rounds other values between layers, which softmax magnifies
RESIZING = 1  # steps by which the C source's resize may differ, which has no floating point


def verify_here(file: File, contract: Contract, golden: Sequence[Golden], origin: str) -> Verified:
    """Check every stage with the programs of this machine. UnfitError if one differs by more than it may."""
    spec, encode = contract.preprocessing, running.encoder(file, contract)
    pixels = [each.pixels for each in golden]
    drawn = [picture(index, *spec.shape) for index in range(len(golden))]
    camera = [picture(index, spec.height * 3 // 2, spec.width * 2, 3) for index in range(len(golden))]
    programs: tuple[tuple[Name, str, int, Callable[[], Pairs]], ...] = (
        ("picture to pixels", "eyespot", 0, lambda: zip(pixels, drawn, strict=True)),
        ("pixels to tensor", "eyespot", 0, lambda: [(encode(each.pixels), each.tensor) for each in golden]),
        ("pixels to tensor", "C source, golden", RESIZING, partial(_c, file, contract, pixels)),
        ("pixels to tensor", "C source, larger", RESIZING, partial(_c, file, contract, camera)),
        ("tensor to output", "LiteRT, reference", 0, partial(_run, file, golden, "reference")),
        ("tensor to output", "LiteRT, XNNPACK", ROUNDING, partial(_run, file, golden, "xnnpack")),
        ("tensor to output", "TFLM", 0, partial(_run, file, golden, "tflm")),
        ("tensor to output", "classify.py", ROUNDING, partial(_classify, file, contract, golden)),
    )
    stages = tuple(_tried(*each) for each in programs)
    return _judged(Verified(file=file.path.name, golden=origin, pictures=len(golden), stages=stages))


def verify_port(file: File, contract: Contract, golden: Sequence[Golden], origin: str, folder: Path) -> Verified:
    """Check a port's N.input.bin and N.output.bin, an output against what the port's own tensor gives.

    MissingDataError if there is none, UnfitError as above.
    """

    def dumped(kind: str, tensor: Tensor) -> dict[int, Numbers]:
        paths = [folder / f"{index}.{kind}.bin" for index in range(len(golden))]
        return {index: _dumped(path, tensor) for index, path in enumerate(paths) if path.is_file()}

    tensors = {index: each.reshape(file.input.shape[1:]) for index, each in dumped("input", file.input).items()}
    outputs = dumped("output", replace(file.output, shape=(1, 1, prod(file.output.shape), 1)))
    if not tensors and not outputs:
        raise MissingDataError(f"{folder}: expected dumps named 0.input.bin and 0.output.bin, found none")
    own = dict(zip(tensors, run(file, tensors.values(), "reference"), strict=True))
    inputs = [(found, golden[index].tensor) for index, found in tensors.items()]
    answers = [(found, own.get(index, golden[index].output)) for index, found in outputs.items()]
    compared = (
        _compared("pixels to tensor", "your port", 0, inputs, tensors),
        _compared("tensor to output", "your port", ROUNDING, answers, outputs),
    )
    explanations = tuple(
        explain(file, contract, read_dump(folder / f"{i}.input.bin"), golden[i].pixels, f"golden picture {i}")
        for i, tensor in tensors.items()
        if not np.array_equal(tensor, golden[i].tensor)
    )
    return _judged(Verified(
        file=file.path.name, golden=origin, pictures=len({*tensors, *outputs}),
        stages=tuple(each for each in compared if each.values), explanations=explanations,
    ))  # fmt: skip


def _dumped(path: Path, tensor: Tensor) -> Numbers:
    """A dump as its tensor stores it, flat. BadFileError if its form is another one."""
    dump = read_dump(path)
    for each in readings(dump, tensor):
        if each.stored and not each.why:
            return each.numbers.astype(tensor.dtype)
    size = "bytes" if dump.form == "raw bytes" else "numbers"
    expected = f"expected the {prod(tensor.shape):,} values of {tensor.dtype}, found {dump.values.size:,} {size}"
    raise BadFileError(f"{path}: {expected}. Ask: eyespot doctor FILE --tensor {path}")


def _judged(verified: Verified) -> Verified:
    wrong = [each for each in verified.stages if each.status == "differs"]
    if wrong:
        where = f"{wrong[0].stage}, {wrong[0].by}: {wrong[0].first}"
        said = f"{len(wrong)} of {len(verified.stages)} stages differ; first {where}"
        raise UnfitError(f"{verified.file}: {said}", verified)
    return verified


def _tried(stage: Name, by: str, tolerance: int, work: Callable[[], Pairs]) -> Stage:
    """A stage whose program may be missing or refuse the file."""
    try:
        return _compared(stage, by, tolerance, work(), count())
    except (EyespotError, ModuleNotFoundError) as error:
        known = MissingExtraError.of(error) if isinstance(error, ModuleNotFoundError) else error
        return Stage(stage=stage, by=by, status="not run", reason=str(known))


def _compared(stage: Name, by: str, tolerance: int, pairs: Pairs, pictures: Iterable[int]) -> Stage:
    values, differing, most, first = 0, 0, 0.0, ""
    for (found, expected), index in zip(pairs, pictures, strict=False):
        real = expected.dtype.kind == "f"
        apart = np.abs(found.astype(np.float64) - expected).reshape(-1) / (STEP if real else 1)
        apart[~np.isfinite(apart)] = np.inf
        places = np.flatnonzero(apart > (1e-3 if real else 0))
        if places.size and not first:
            first = f"picture {index}, {_difference(found.reshape(expected.shape), expected, places[0])}"
        values, differing, most = values + apart.size, differing + places.size, max(most, float(apart.max()))
    status: Literal["equal", "close", "differs"] = "differs"
    if not differing or most <= tolerance:
        status = "close" if differing else "equal"
    measured = {"differing": differing, "values": values, "most": most, "tolerance": tolerance}
    return Stage(stage=stage, by=by, status=status, first=first, **measured)  # type: ignore[arg-type]


def _difference(found: Numbers, expected: Numbers, place: int) -> str:
    at = tuple(map(int, np.unravel_index(place, expected.shape)))
    return f"value {at if len(at) > 1 else at[0]}: expected {expected[at]:.6g}, found {found[at]:.6g}"


def _run(file: File, golden: Sequence[Golden], kernels: Kernels) -> Pairs:
    """What kernels answer, in a worker, as a file can crash them."""
    with isolation.Pool(1, name=f"{file.path}: {kernels}") as pool:
        found = list(pool.open(running.open_runner, file.content, kernels)([each.tensor for each in golden]))
    return zip(found, (each.output for each in golden), strict=True)


def _c(file: File, contract: Contract, pictures: Sequence[NDArray[np.uint8]]) -> Pairs:
    """What the C source makes of pictures of one size, compiled for this machine, and what Python does."""
    compiler = shutil.which("gcc") or shutil.which("cc")
    if not compiler:
        raise RefusedError("this machine has no C compiler (gcc or cc)")
    sources = for_host(file, contract, *pictures[0].shape[:2])
    rgb = [each if each.shape[2] == 3 else np.repeat(each, 3, axis=2) for each in pictures]
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        for name, text in sources.items():
            (folder / name).write_text(text + "\n", "utf-8")
        (folder / "pictures").write_bytes(np.stack(rgb).tobytes())
        _command([compiler, "-std=c99", "-O2", "host.c", "preprocess.c", "-o", "check"], folder)
        _command([str(folder / "check"), "pictures", "tensors"], folder)
        found = np.fromfile(folder / "tensors", np.int8).reshape(-1, *contract.preprocessing.shape)
    return zip(found, map(running.encoder(file, contract), pictures), strict=True)


def _classify(file: File, contract: Contract, golden: Sequence[Golden]) -> Pairs:
    """The probability of classify.py's first class, and the golden output's of it."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        write_folder(replace(file, path=Path("model.tflite")), contract, folder)
        names = [f"{index}.png" for index in range(len(golden))]
        for index, each in enumerate(golden):
            to_pillow(each.pixels).save(folder / names[index], "PNG")
        lines = _command([sys.executable, "classify.py", "--json", *names], folder).splitlines()[-len(golden) :]
    for line, each in zip(lines, golden, strict=True):
        label, share = json.loads(line)["classes"][0]
        found = running.to_float(each.output, file.output, logits=contract.logits)
        yield np.array([share]), np.array([dict(zip(contract.classes, found, strict=True)).get(label, 0.0)])


def _command(argv: list[str], folder: Path) -> str:
    """What a program printed. RefusedError if it failed."""
    done = isolation.command(argv, cwd=folder)
    if done.returncode:
        raise RefusedError(f"{Path(argv[0]).name}: {done.stdout.strip()[-200:]}")
    return done.stdout
