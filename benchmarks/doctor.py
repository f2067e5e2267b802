"""What `eyespot doctor` finds, against what is known.

python benchmarks/doctor.py [PART ...]

Needs the published files and the data sets under $EYESPOT_DATA. Parts: known, own, random, wrong-data,
shuffled, direct, certainty, time; all by default. The certainty part takes about half an hour.
"""

from __future__ import annotations

import resource
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from ai_edge_litert.interpreter import Interpreter
from numpy.typing import NDArray
from PIL import Image

import eyespot
from eyespot.artifacts import places
from eyespot.data import catalogue
from eyespot.data.split import Split
from eyespot.evaluation import doctor as engine
from eyespot.evaluation import workers
from eyespot.evaluation.diagnosis import Diagnosis
from eyespot.evaluation.trials import Question, Reply, sample
from eyespot.isolation import Pool
from eyespot.preprocessing.pipeline import Pipeline
from eyespot.tflite import schema
from eyespot.tflite.read import File, read

PUBLISHED = places.data_root() / "published"
RESNETS = [f"pretrainedResnet{end}.tflite" for end in ("", "_quant", "_large_float", "_large_int8")]
MOBILENETS = ("mobilenet_v1_0.25_128_quant.tflite", "mobilenet_v2_1.0_224_quant.tflite")
KNOWN = [
    *((name, data, "rgb", "-1..1", 1) for name in MOBILENETS for data in ("imagenet-like", "imagenette")),
    *((name, "cifar-10", "rgb", "0..255", 0) for name in RESNETS),
    *((f"vww_96_{end}.tflite", "vww", "rgb", "0..1", 0) for end in ("float", "int8")),
]


def _doctor(path: Path, data: str | None = None, **options: Any) -> Diagnosis:
    found = eyespot.doctor(str(path), data=data, **options)
    assert isinstance(found, Diagnosis)  # without a dump
    return found


def known() -> None:
    """Order, range and label offset of published files; crop and squash on square pictures."""
    for name, data, *right in KNOWN:
        found = _doctor(PUBLISHED / name, data)
        print(f"{_agrees(found, right)}  {name} {data}: {_line(found)}", flush=True)


def own() -> None:
    """The files in the package and those that `make` wrote under the data root, on imagenette for ImageNet."""
    for path in sorted([*places.ZOO.glob("*/*.tflite"), *(places.data_root() / "models").glob("*/*.tflite")]):
        contract = read(path).contract
        assert contract
        found = _doctor(path, "imagenette" if len(contract.classes) == 1000 else None)
        print(f"{found.contract}  {path.parent.name}/{path.name}: {_line(found)}", flush=True)


def random() -> None:
    """Files whose weights are noise of the same spread, each from three seeds."""
    with tempfile.TemporaryDirectory() as folder:
        for name, data, *_ in KNOWN:
            for seed in range(3):
                path = _scrambled(PUBLISHED / name, Path(folder) / name, seed)
                print(f"{_silent(path, data)}  random weights {seed}, {name} {data}", flush=True)


def wrong_data() -> None:
    """Data of other classes."""
    first, quantized, _, large = RESNETS
    pairs = {
        first: ("fer2013", "sign-digits/Dataset"),
        quantized: ("sign-digits/Dataset", "imagenette"),
        large: ("vww",),
        MOBILENETS[0]: ("fer2013", "sign-digits/Dataset"),
        MOBILENETS[1]: ("sign-digits/Dataset",),
        "vww_96_int8.tflite": ("cifar-10",),
        "vww_96_float.tflite": ("fer2013",),
    }
    for name, data in ((name, data) for name, others in pairs.items() for data in others):
        folder = str(places.data_root() / data) if "/" in data else data
        print(f"{_silent(PUBLISHED / name, folder)}  {name} on {data}", flush=True)


def shuffled() -> None:
    """1,000 images of CIFAR-10 in class folders whose names sort in another order."""
    for seed in range(5):
        order = np.random.default_rng(seed).permutation(10)
        with tempfile.TemporaryDirectory() as folder:
            found = _doctor(PUBLISHED / RESNETS[1], data=_pictures(Path(folder), order, seed), images=1000)
        learned = found.found.label_permutation if found.found else ()
        print(f"{'ok' if learned == tuple(np.argsort(order)) else 'WRONG'}  {learned}", flush=True)


def direct() -> None:
    """BGR's price against LiteRT and numpy alone, on all images."""
    names = [*((name, "cifar-10") for name in RESNETS), *((f"vww_96_{end}.tflite", "vww") for end in ("float", "int8"))]
    for name, data in names:
        found, card = _doctor(PUBLISHED / name, data=data), catalogue.dataset(data)
        whole = _bgr(read(PUBLISHED / name), catalogue.open_split(card, card.test))
        price = next(each for each in found.mistakes if each.change == "bgr")
        near = "ok" if abs(price.cost - whole) <= 1 else "WRONG"
        print(f"{near}  {name}: {price.cost:.2f} {price.interval}, direct {whole:.2f}")


def _bgr(file: File, split: Split) -> float:
    interpreter = Interpreter(model_content=file.data)
    interpreter.allocate_tensors()
    source, result = interpreter.get_input_details()[0], interpreter.get_output_details()[0]["index"]
    scale, zero_point = source["quantization"]
    times = 1 / 255 if "vww" in file.path.name else 1

    def answer(image: NDArray[np.uint8]) -> int:
        tensor = image.astype(np.float32) * times
        if file.precision != "float32":
            tensor = (np.round(tensor / scale) + zero_point).clip(-128, 127).astype(np.int8)
        interpreter.set_tensor(source["index"], tensor[None])
        interpreter.invoke()
        return int(interpreter.get_tensor(result).argmax())

    images = ((i, split.read(i)) for i in range(len(split)))
    right = [[answer(each) == split.labels[i] for each in (image, image[..., ::-1])] for i, image in images]
    good, swapped = np.mean(right, axis=0)
    return float(100 * (good - swapped))


class Remembering(Pool):
    """A pool that asks about each image and pipeline once."""

    def open(self, function: Any, *args: Any, name: str = "") -> Any:  # type: ignore[override]
        """As `Pool.open`; the first job is the only one."""
        if not hasattr(self, "ask"):
            self.ask = super().open(function, *args, name=name)
            self.known: dict[tuple[int, Pipeline], tuple[NDArray[np.int64], int]] = {}
        return self.answer

    def answer(self, questions: Iterable[Question]) -> Iterator[Reply]:
        """The replies, in the order of the questions."""
        for images, ways in questions:
            if any((i, way) not in self.known for i in images for way, _ in ways):
                for answers, turns in self.ask([(images, ways)]):
                    for (way, _), row in zip(ways, answers, strict=True):
                        self.known |= {(i, way): (each, turn) for i, each, turn in zip(images, row, turns, strict=True)}
            found = [[self.known[i, way][0] for i in images] for way, _ in ways]
            yield np.array(found), np.array([self.known[i, ways[0][0]][1] for i in images])


def certainty(samples: int = 200) -> None:
    """Sub-samples of 200 images: how often a stated 95 % or more is wrong."""
    cases = [KNOWN[0], KNOWN[1], KNOWN[5], KNOWN[8], KNOWN[9]]
    counts = np.zeros(3, int)  # wrong, stated, without a winner
    with tempfile.TemporaryDirectory() as folder:
        for case, (name, data, *expected) in enumerate(cases):
            card = catalogue.dataset(_pictures(Path(folder), range(10), 0) if data == "cifar-10" else data)
            with Remembering(preload=workers.PRELOAD, memory=workers.MEMORY) as pool:
                for seed in range(case, samples, len(cases)):
                    file = read(PUBLISHED / name)
                    found, _ = engine.diagnose(file, card, card.test, pool=pool, images=200, seed=seed)
                    counts += _judged(found, expected, f"{name} {data} {seed}")
            print(f"{name} {data}: so far {counts[0]} wrong of {counts[1]}, {counts[2]} silent", flush=True)
    print(f"{'ok' if counts[0] <= 17 else 'WRONG'}  {counts[0]} of {counts[1]} stated certainties of 95 % are wrong")


def _judged(found: Diagnosis, expected: Sequence[Any], name: str) -> tuple[bool, bool, bool]:
    stated = bool(found.found and found.found.certainty >= 0.95)
    wrong = stated and _agrees(found, expected, allowed=True) != "ok"
    if wrong:
        print(f"WRONG  {name}: {_line(found)}", flush=True)
    return wrong, stated, found.found is None


def _pictures(folder: Path, order: Sequence[int] | NDArray[np.int64], seed: int) -> str:
    """1,000 images of CIFAR-10 in class folders called by numbers in this order."""
    split = catalogue.open_split(catalogue.dataset("cifar-10"), "test")
    for i in sample(split.labels, 1000, seed)[0]:
        target = folder / f"class {order[split.labels[i]]}" / f"{i}.png"
        target.parent.mkdir(exist_ok=True)
        Image.fromarray(split.read(i)).save(target)
    return str(folder)


def timing() -> None:
    """300 images, mobilenet-v2, two processes."""
    before, start = _processor(), time.perf_counter()
    _doctor(PUBLISHED / MOBILENETS[1], data="imagenette", processes=2)
    seconds, used = time.perf_counter() - start, _processor() - before
    print(f"{'ok' if seconds < 180 else 'WRONG'}  {seconds:.0f} s, processor {used:.0f} s")


def _processor() -> float:
    times = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(each.ru_utime + each.ru_stime for each in times)


def _scrambled(source: Path, target: Path, seed: int) -> Path:
    """A file with its weights in random order."""
    model, generator = schema.unpack(source.read_bytes()), np.random.default_rng(seed)
    for tensor in model.subgraphs[0].tensors:
        values = schema.constant(model, tensor)
        if values is not None and values.size > 16:
            schema.set_constant(model, tensor, generator.permutation(values.ravel()).reshape(values.shape))
    target.write_bytes(schema.pack(model))
    return target


def _silent(path: Path, data: str) -> str:
    found = _doctor(path, data=data)
    return "ok" if found.found is None else f"WRONG ({_line(found)})"


def _agrees(diagnosis: Diagnosis, expected: Sequence[Any], *, allowed: bool = False) -> str:
    """Say ok if the finding is right; with `allowed` also if it says that the right one cannot be excluded."""
    found, (order, numbers, offset) = diagnosis.found, expected
    if found is None:
        return "WRONG"
    open_ = {part for each in diagnosis.indistinguishable for part in each.change.split(" = ")} if allowed else set()
    named = {found.order, found.range, f"label offset {found.label_offset}", *open_}
    right = {order, numbers, f"label offset {offset}"} <= named and not found.label_permutation
    return "ok" if right else "WRONG"


def _line(diagnosis: Diagnosis) -> str:
    if diagnosis.found is None:
        return f"nothing works (best {diagnosis.best:.3f}, majority {diagnosis.majority:.3f})"
    bgr = [f"{each.cost:.1f}" for each in diagnosis.mistakes if each.change == "bgr"]
    alike = [each.change for each in diagnosis.indistinguishable]
    found = diagnosis.found
    return (
        f"{found.words} offset {found.label_offset} {found.label_permutation} certainty {found.certainty:.3f} "
        f"top-1 {found.top1:.3f} bgr {bgr} like {alike}"
    )


PARTS = {
    "known": known, "own": own, "random": random, "wrong-data": wrong_data, "shuffled": shuffled,
    "direct": direct, "certainty": certainty, "time": timing,
}  # fmt: skip

if __name__ == "__main__":
    for part in sys.argv[1:] or PARTS:
        print(f"# {part}", flush=True)
        PARTS[part]()
