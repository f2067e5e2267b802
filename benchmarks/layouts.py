"""The same pictures in every layout of a user's folder: the same classes, the same test accuracy.

python benchmarks/layouts.py [MODEL [WEIGHTS]]   $EYESPOT_DATA names the data

5 x 200 pictures of CIFAR-10 with a given split, in each layout; a network trained once on one of them is
evaluated on all. Then ImageNet's pictures in folders of WordNet ids, and 200 random folders of 4 x 5 pictures.
"""

from __future__ import annotations

import sys
import tempfile
from collections import Counter
from pathlib import Path

import numpy as np
from PIL import Image

from eyespot import evaluate, quantize, train
from eyespot.artifacts.measurements import Evaluation
from eyespot.data import catalogue, manifest

sys.path.append(str(Path(__file__).parents[1] / "tests"))
from layout_files import BOXES, WITH_PARTS, Picture, Writer, image_folder  # type: ignore[import-not-found]

CLASSES = ("airplane", "automobile", "bird", "cat", "deer")
PARTS = 140 * ["train"] + 20 * ["validation"] + 40 * ["test"]
ANY = "airplane"


def pictures() -> list[Picture]:
    """The first 200 pictures of each class, in the order of a shuffled list."""
    opened = catalogue.open_split(catalogue.dataset("cifar-10"), "train")
    found = [
        Picture(f"{i}.png", name, part, opened.read(int(i)))
        for label, name in enumerate(CLASSES)
        for i, part in zip((opened.labels == label).nonzero()[0], PARTS, strict=False)
    ]
    return [found[i] for i in np.random.default_rng(0).permutation(len(found))]


def compare(layouts: dict[str, Writer], place: Path, suffix: str, model: str, weights: str | None) -> bool:
    """Train on the first layout, evaluate on all; whether all agree, in the classes and in each class's answers.

    `suffix` is that of layouts with boxes.
    """
    images, found = pictures(), dict[str, Evaluation]()
    for name, writer in layouts.items():
        data = f"{place / name}{suffix if name in BOXES else ''}"
        writer(place / name, images)
        if not found:
            train(model, data=data, out=place / "mine", weights=weights)
            quantize(str(place / "mine"))
        found[name] = evaluate(str(place / "mine"), data=data)
        e = found[name]
        classes = catalogue.dataset(data).classes
        print(f"{name}{suffix}: {len(classes)} classes, {e.split} {e.top1:.4f} [{e.low:.3f}, {e.high:.3f}], n = {e.n}")
    return len({(e.n, e.correct, e.confusion, tuple(e.per_class)) for e in found.values()}) == 1


def without_boxes(folder: Path, images: list[Picture]) -> None:
    """Class folders of the two classes that boxes give."""
    named = [each._replace(label=ANY if each.label == ANY else f"no {ANY}") for each in images]
    image_folder({part: part for part in manifest.PARTS})(folder, named)
    (folder / "classes.txt").write_text(f"no {ANY}\n{ANY}\n")


def wordnet(place: Path, model: str) -> bool:
    """Whether a copy of Imagenette's pictures in folders of WordNet ids has the accuracy of the data set."""
    opened = catalogue.open_split(catalogue.dataset("imagenette"), "test")
    for path in (opened.path(i) for i in range(len(opened)) if opened.path):
        (place / path.parent.name).mkdir(parents=True, exist_ok=True)
        (place / path.parent.name / path.name).symlink_to(path)
    pair = [evaluate(model, data=data) for data in ("imagenette", str(place))]
    for e in pair:
        print(f"{model} on {e.data}: {e.top1:.4f} [{e.low:.3f}, {e.high:.3f}], n = {e.n}")
    return pair[0].confusion == pair[1].confusion


def stratified(place: Path, folders: int = 200) -> bool:
    """Whether each of many random folders has every class in every part."""
    random, complete = np.random.default_rng(0), 0
    for number in range(folders):
        root = place / str(number)
        for name in "abcd":
            (root / name).mkdir(parents=True)
            for i in range(5):
                Image.fromarray(random.integers(0, 256, (4, 4, 3), np.uint8)).save(root / name / f"{i}.png")
        rows = manifest.decide(catalogue.dataset(str(root))).rows
        complete += len(Counter((name, part) for _, _, name, part in rows)) == 4 * 3
    print(f"{complete} of {folders} random folders of 4 x 5 pictures have every class in every part")
    return complete == folders


def main(model: str = "visual-wake-word", weights: str = "", imagenet: str = "mobilenet-v2") -> None:
    """Print all, and fail unless all layouts agree."""
    with tempfile.TemporaryDirectory() as name:
        place, first = Path(name), weights or None
        same = [
            compare(WITH_PARTS, place / "parts", "", model, first),
            compare({**BOXES, "class folders": without_boxes}, place / "boxes", f":{ANY}", model, first),
            wordnet(place / "wordnet", imagenet),
            stratified(place / "random"),
        ]
    print("all agree" if all(same) else f"they differ: {same}")
    sys.exit(not all(same))


if __name__ == "__main__":
    main(*sys.argv[1:])
