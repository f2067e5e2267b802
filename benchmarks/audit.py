"""NXP's accuracies, and what the same files give with the right preprocessing and with that of NXP's examples.

    EYESPOT_DATA=... python benchmarks/audit.py [CHECKOUT]

Published files lie under $EYESPOT_DATA/published. CHECKOUT is NXP/eiq-model-zoo at release 1.5: then every
quote is looked up in its file, and example pictures are run. Writes the audit that ships
with the package, from which docs/generate.py makes docs/audit.md.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eyespot.artifacts import places
from eyespot.artifacts.atomic import write_json
from eyespot.artifacts.model_folder import tools
from eyespot.data import catalogue
from eyespot.evaluation import engine, workers
from eyespot.evaluation.trials import Trials, open_trials
from eyespot.isolation import Pool
from eyespot.preprocessing.image import decode
from eyespot.preprocessing.pipeline import Pipeline, parse, preprocessing_of
from eyespot.preprocessing.spec import Contract
from eyespot.preprocessing.tensors import stored
from eyespot.quantity import paired, wilson
from eyespot.reports.audit import PATH
from eyespot.tflite.read import File, read
from eyespot.tflite.run import open_runner
from eyespot.zoo import registry

FOLDER = "tasks/vision/classification"
RELEASE = "NXP eIQ Model Zoo 1.5, commit 94f810a, 2025-09-15"
RIGHT, EXAMPLE, SINGLE = "right", "example", "single mistake"


@dataclass(frozen=True, kw_only=True)
class Case:
    """A file on a data set: `fed` are (role, what it is, words of a pipeline), the right one first.

    The word jpeg stands for compression with quality 75. `offset` is the output of class 0.
    """

    model: str
    file: str
    data: tuple[str, ...]
    fed: tuple[tuple[str, str, str], ...]
    offset: int = 0


_SLIM = ("imagenette", "imagenet-like")
_V1 = "rgb,-1..1,crop0.875,bilinear"
_JPEG = "the images compressed as JPEG, quality 75"
CASES = (
    Case(
        model="deepface-emotion", file="", data=("fer2013",),
        fed=(
            (RIGHT, "the file's contract", "gray,mean=128,std=64"),
            (SINGLE, "every value one level lower, the most that truncation can do", "gray,mean=129,std=64"),
        ),
    ),
    Case(
        model="mobilenet-v1", file="mobilenet_v1_0.25_128_quant.tflite", data=_SLIM, offset=1,
        fed=(
            (RIGHT, "RGB, -1 to 1, central 87.5 %", _V1),
            (EXAMPLE, "BGR, no crop, truncated, white wraps to black",
             "bgr,mean=127.998046875,std=127.5,wrapped,squash,opencv"),
            (SINGLE, "BGR", f"bgr,{_V1.removeprefix('rgb,')}"),
            (SINGLE, "white wraps to black", f"{_V1},wrapped"),
            (SINGLE, "no crop", "rgb,-1..1,squash,bilinear"),
        ),
    ),
    Case(
        model="tiny-resnet", file="pretrainedResnet.tflite", data=("cifar-10",),
        fed=(
            (RIGHT, "RGB, 0 to 255", "rgb,0..255"), (EXAMPLE, "BGR", "bgr,0..255"),
            (SINGLE, _JPEG, "jpeg,rgb,0..255"), (EXAMPLE, f"BGR, {_JPEG}", "jpeg,bgr,0..255"),
        ),
    ),
    Case(
        model="tiny-resnet", file="pretrainedResnet_quant.tflite", data=("cifar-10",),
        fed=(
            (RIGHT, "RGB, pixel - 128", "rgb,shifted"), (EXAMPLE, "BGR", "bgr,shifted"),
            (SINGLE, _JPEG, "jpeg,rgb,shifted"), (EXAMPLE, f"BGR, {_JPEG}", "jpeg,bgr,shifted"),
        ),
    ),
    Case(
        model="visual-wake-word", file="vww_96_float.tflite", data=("vww",),
        fed=((RIGHT, "RGB, 0 to 1", "rgb,0..1"), (SINGLE, "BGR", "bgr,0..1")),
    ),
    Case(
        model="visual-wake-word", file="vww_96_int8.tflite", data=("vww",),
        fed=((RIGHT, "RGB, pixel - 128", "rgb,shifted"), (EXAMPLE, "BGR", "bgr,shifted,opencv")),
    ),
    Case(
        model="mobilenet-v2", file="mobilenet_v2_1.0_224_quant.tflite", data=_SLIM, offset=1,
        fed=(
            (RIGHT, "RGB, -1 to 1, central 87.5 %", _V1),
            (EXAMPLE, "0 to 1, no crop, bicubic", "rgb,0..1,squash,bicubic"),
            (SINGLE, "0 to 1", "rgb,0..1,crop0.875,bilinear"),
            (SINGLE, "no crop, bicubic", "rgb,-1..1,squash,bicubic"),
        ),
    ),
)  # fmt: skip

QUOTES = (  # model, file, NXP's words
    ("deepface-emotion", "deepface-emotion/README.md", "FaceNet512 TensorFlow Lite int8   | 56.8%"),
    ("deepface-emotion", "deepface-emotion/README.md", "It achieved a score of 92.1% on the training set and 57.4% on "
     "the test set according to [the source of the model](https://github.com/serengil/deepface/)."),
    ("deepface-emotion", "deepface-emotion/README.md",
     "100 random images from the training dataset are used as calibration for the quantization."),
    ("deepface-emotion", "deepface-emotion/recipe.sh", "IMAGES_PATH = 'test/*/*jpg'"),
    ("deepface-emotion", "deepface-emotion/example.py", "im = im.astype(np.uint8)"),
    ("mobilenet-v1", "mobilenetv1/README.md", "It achieved a score of 39.5% Top-1 accuracy on the test set"),
    ("mobilenet-v1", "mobilenetv1/example.py", "im = cv2.imread(args.image, 1)"),
    ("mobilenet-v1", "mobilenetv1/example.py", "im = im[None, ...] / 127.5 - 1.0"),
    ("mobilenet-v1", "mobilenetv1/example.py", "im = im.astype(np.uint8)"),
    ("tiny-resnet", "tiny-resnet/utils/example.py", "img = cv2.imread(inputPath, 1)"),
    ("tiny-resnet", "tiny-resnet/README.md", "Output tensor: [[0. 0. 0. 0.99609375 0. 0.00390625 0. 0. 0. 0.]]"),
    ("visual-wake-word", "visual-wake-word/utils/example.py", "img = cv2.imread(args.image, 1)"),
    ("visual-wake-word", "visual-wake-word/README.md", "Output tensor: [[0.30859375 0.69140625]]"),
    ("mobilenet-v2", "mobilenetv2/README.md", "It achieved a score of 71.8% Top-1 accuracy on the"),
    ("mobilenet-v2", "mobilenetv2/utils/generate_data.py", "tensor = np.array(image, dtype=np.float32) / 255."),
    ("mobilenet-v2", "mobilenetv2/utils/generate_data.py",
     "ds, ds_info = tfds.load('imagenet_v2/topimages', split='test', with_info=True)"),
    ("mobilenet-v2", "mobilenetv2/utils/example.py", "tensor = np.array(img, dtype=np.float32)"),
    ("mnasnet", "MNasNet/README.md", "It achieved a score of 75.2% top-1 accuracy on the test set according to [1]."),
    ("mnasnet", "MNasNet/utils/prepare_data.py", "imagenet_v2/topimages"),
)  # fmt: skip

EXAMPLES = (  # model, folder of example_input.jpg, file, words
    *(("visual-wake-word", "visual-wake-word", "vww_96_int8.tflite", f"{o},shifted,opencv") for o in ("bgr", "rgb")),
    *(("tiny-resnet", "tiny-resnet", "pretrainedResnet_quant.tflite", f"{o},shifted,opencv") for o in ("bgr", "rgb")),
)


def opened(case: Case) -> File:
    """The published file, or ours where none is at hand."""
    return read(places.data_root() / "published" / case.file if case.file else registry.find(case.model))


def measured(case: Case, data: str, pool: Pool) -> Iterator[dict[str, Any]]:
    """A row for each way to feed the file, with its cost against the right one."""
    file, card = opened(case), catalogue.dataset(data)
    split = catalogue.open_split(card, card.test)
    labels, best = split.labels + case.offset, None
    for role, what, text in case.fed:
        right = classes(file, data, text, pool) == labels
        best = right if best is None else best
        won, lost, n = int((best & ~right).sum()), int((right & ~best).sum()), len(right)
        low, high = wilson(int(right.sum()), n)
        yield {
            "model": case.model, "file": case.file or f"eyespot's {file.precision}", "sha256": file.sha256,
            "precision": file.precision, "data": card.title, "split": split.name, "role": role, "fed": what,
            "words": text, "n": n, "correct": int(right.sum()), "low": low, "high": high,
            "cost": (won - lost) / n, "interval": paired(won, lost, n),
        }  # fmt: skip


def classes(file: File, data: str, text: str, pool: Pool) -> NDArray[np.int64]:
    """The file's first answer to each test image that is fed as the words say."""
    card = catalogue.dataset(data)
    images = len(catalogue.open_split(card, card.test))
    pipeline = Pipeline(**parse(text.removeprefix("jpeg,")))
    if text.startswith("jpeg,"):
        spec = preprocessing_of(pipeline, file.input)
        contract = Contract(model="published", preprocessing=spec, classes=card.classes)
        asked = engine.prepare(file, contract, card, card.test, under="jpeg")
        return engine.collect(engine.classify(asked, images, pool))[0][:, 0]
    job = (file.content, file.input.shape[1:], card, catalogue.folder(card), card.test)
    trials = Trials(pool.open(open_trials, *job, name=str(file.path)), file.input, list(range(images)))
    trials.measure([pipeline], 0, images, f"{file.path.name}: {text}")
    answers: NDArray[np.int64] = trials[pipeline]["outputs"][:, 0]
    return answers


def examples(checkout: Path) -> Iterator[dict[str, Any]]:
    """What a published file gives for the example picture of a page."""
    for model, folder, name, text in EXAMPLES:
        file = read(places.data_root() / "published" / name)
        picture = decode(checkout / FOLDER / folder / "example_input.jpg", 3)
        tensor = stored(Pipeline(**parse(text)), picture, file.input)
        output = open_runner(file.content, "xnnpack")(tensor).astype(float)
        real = (output - file.output.zero_point) * file.output.scale
        yield {"model": model, "file": name, "words": text, "output": real.tolist()}


def missing(checkout: Path) -> list[str]:
    """Quotes that are not in their files."""
    return [q for _, name, q in QUOTES if q not in (checkout / FOLDER / name).read_text("utf-8")]


def main() -> int:
    """Check the quotes, measure, write."""
    checkout = Path(sys.argv[1]) if len(sys.argv) > 1 else None
    if checkout and (wrong := missing(checkout)):
        print("not in NXP's files:", *wrong, sep="\n", file=sys.stderr)
        return 1
    rows = []
    with workers.start() as pool:
        for case, data in [(each, data) for each in CASES for data in each.data]:
            for row in measured(case, data, pool):
                print(f"{row['file']} {row['data']}: {row['fed']}: {row['correct'] / row['n']:.4f}", flush=True)
                rows.append(row)
    quotes = [{"model": model, "file": f"{FOLDER}/{name}", "quote": quote} for model, name, quote in QUOTES]
    page = {"release": RELEASE, "rows": rows, "quotes": quotes, "examples": [*examples(checkout)] if checkout else []}
    write_json(PATH, page | {"tools": tools("ai-edge-litert")})
    return 0


if __name__ == "__main__":
    sys.exit(main())
