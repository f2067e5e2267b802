"""The exported Linux folder against `eyespot predict`: classify.py, and a loop like MLPerf Tiny's tflite_test.py.

EYESPOT_DATA=... python benchmarks/linux_folder.py [MODEL [IMAGES]]
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from ai_edge_litert.interpreter import Interpreter
from PIL import Image

from eyespot.data import catalogue
from eyespot.preprocessing.image import to_pillow
from eyespot.verbs.export import export
from eyespot.verbs.predict import predict
from eyespot.zoo import registry


def write_images(model: str, images: int, folder: Path) -> list[str]:
    """Test images of a model's data set as PNG files; their paths."""
    data = catalogue.dataset(registry.model(model).data)
    split = catalogue.open_split(data, data.test)
    folder.mkdir()
    paths = [folder / f"{index:05}.png" for index in range(min(images, len(split.labels)))]
    for index, path in enumerate(paths):
        to_pillow(split.read(index)).save(path)
    return list(map(str, paths))


def bare(folder: Path, paths: list[str]) -> list[str]:
    """The class of each image that has the model's size, by nothing but the folder, numpy, Pillow and LiteRT."""
    contract = json.loads((folder / "contract.json").read_text("utf-8"))
    labels = (folder / "labels.txt").read_text("utf-8").splitlines()
    model = Interpreter(str(folder / contract["file"]))
    model.allocate_tensors()
    source, result = model.get_input_details()[0], model.get_output_details()[0]
    levels, found = np.array(contract["levels"], source["dtype"]), []
    for path in paths:
        pixels = np.asarray(Image.open(path)).reshape(source["shape"])
        model.set_tensor(source["index"], levels[pixels])
        model.invoke()
        found.append(labels[model.get_tensor(result["index"]).argmax()])
    return found


def compare(model: str, images: int, place: Path) -> dict[str, int]:
    """How many images the two programs answer otherwise than `predict`."""
    paths = write_images(model, images, place / "images")
    folder = export(model, to="folder", out=place / "board").folder
    expected = [each.answer for each in predict(model, paths)]
    words = [sys.executable, str(folder / "classify.py"), "--json", str(place / "images")]
    lines = subprocess.run(words, capture_output=True, text=True, check=True).stdout.splitlines()
    answers = {
        "classify.py": [json.loads(line)["answer"] for line in lines],
        "bare loop": bare(folder, paths),
    }
    return {name: sum(a != b for a, b in zip(found, expected, strict=True)) for name, found in answers.items()}


if __name__ == "__main__":
    name, count = (sys.argv[1:] + ["tiny-resnet", "1000"][len(sys.argv) - 1 :])[:2]
    with tempfile.TemporaryDirectory() as temporary:
        for program, differ in compare(name, int(count), Path(temporary)).items():
            print(f"{name}, {int(count):,} images, {program}: {differ} answered otherwise than by predict")
