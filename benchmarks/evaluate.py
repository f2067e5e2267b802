"""evaluate against LiteRT alone, on tiny-resnet's int8 file and CIFAR-10's 10,000 test images, in turns.

    EYESPOT_DATA=... python benchmarks/evaluate.py [ROUNDS] [KERNELS]

KERNELS is xnnpack, or reference, which takes a hundred times as long.

(a) Images/s on all cores once started, against bare `invoke()` calls in as many processes.
(b) Seconds of the whole command, start and end of Python included, against a plain script in one process.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

from bare import open_bare
from eyespot.data import catalogue
from eyespot.evaluation import engine, workers
from eyespot.evaluation.job import Job, open_job
from eyespot.tflite.kernels import Kernels
from eyespot.tflite.read import read
from eyespot.zoo import registry

IMAGES = 10_000
PLAIN = """
import sys
import numpy as np
from ai_edge_litert.interpreter import Interpreter, OpResolverType

model, batch, kernels = sys.argv[1:]
resolver = OpResolverType.BUILTIN_REF if kernels == "reference" else OpResolverType.AUTO
interpreter = Interpreter(model, num_threads=1, experimental_op_resolver_type=resolver)
interpreter.allocate_tensors()
[source], [result] = interpreter.get_input_details(), interpreter.get_output_details()
records = np.fromfile(batch, np.uint8).reshape(-1, 3073)
correct = 0
for record in records:
    image = record[1:].reshape(3, 32, 32).transpose(1, 2, 0)
    interpreter.set_tensor(source["index"], (image.astype(np.int16) - 128).astype(np.int8)[None])
    interpreter.invoke()
    correct += interpreter.get_tensor(result["index"])[0].argmax() == record[0]
print(correct / len(records))
"""


def seconds(work: Callable[[], object]) -> float:
    """Wall time of one call."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def started(job: Job, rounds: int) -> None:
    """Print (a)."""
    with workers.start() as pool, workers.start() as others:
        ours, bare = pool.open(open_job, job), others.open(open_bare, job)
        spans = list(engine.spans(IMAGES, 341, len(pool)))

        def turn() -> tuple[float, float]:
            return seconds(lambda: list(ours(spans))), seconds(lambda: list(bare(spans)))

        turn()  # started and warm
        pairs = [turn() for _ in range(rounds)]
    rates = [IMAGES / median(side) for side in zip(*pairs, strict=True)]
    ratio = median(bare / ours for ours, bare in pairs)
    print(f"evaluate {rates[0]:,.0f} images/s, invoke {rates[1]:,.0f}/s; ratio {ratio:.3f} ({rounds} turns)")


def whole(model: Path, batch: Path, kernels: Kernels, rounds: int) -> None:
    """Print (b)."""

    def run(*arguments: str | Path) -> Callable[[], object]:
        return lambda: subprocess.run([sys.executable, *arguments], capture_output=True, check=True)

    ours = run("-m", "eyespot", "evaluate", "tiny-resnet", "--kernels", kernels)
    plain = run("-c", PLAIN, model, batch, kernels)
    pairs = [(seconds(ours), seconds(plain)) for _ in range(rounds)]
    times = [median(side) for side in zip(*pairs, strict=True)]
    ratio = median(plain / ours for ours, plain in pairs)
    print(f"evaluate {times[0]:.2f} s, a plain script {times[1]:.2f} s; ratio {ratio:.2f} ({rounds} turns)")


def main(rounds: int, kernels: Kernels) -> None:
    """Print both."""
    file, data = read(registry.find("tiny-resnet")), catalogue.dataset("cifar-10")
    job = engine.prepare(file, registry.contract("tiny-resnet"), data, "test", kernels)
    started(job, rounds)
    whole(file.path, catalogue.folder(data) / "cifar-10-batches-bin" / "test_batch.bin", kernels, rounds)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 7, "reference" if "reference" in sys.argv else "xnnpack")
