"""A small zoo, small data and the commands that write, each of which takes a second or two."""

from __future__ import annotations

import hashlib
import io
import os
import re
import shutil
import sys
import tarfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

TESTS = Path(__file__).parents[1]
PACKAGE = TESTS.parent / "src" / "eyespot"
RECORDS, RECORD = 20, 3073

CARD = """
position = 0
title = "Tiny"
architecture = "CNN"
backbone = "Tiny"
network = "tiny_network:Tiny"
data = "cifar-10"
parameters = 0
operations = 0
licence = ""
paper = ""
terms = ""
references = []

[preprocessing]
height = 16
width = 16

[recipe]
{recipe}
[recipe.augmentation]
shift = 1
flip = true

[recipe.teacher]
network = "tiny_network:teacher"
temperature = 4.0
weight = 0.5
views = 2
members = 2

[recipe.teacher.recipe]
{recipe}
[recipe.teacher.recipe.augmentation]
flip = true

[[weights]]
name = "tiny"
file = "tiny.safetensors"
download = {{ url = "http://127.0.0.1:1/tiny.safetensors", digest = "sha256:{weights}" }}
licence = ""
importer = "eyespot.weights.state_dicts:load_safetensors"
"""
RECIPE = """epochs = 2
batch = 16
peak = 0.02
warmup = 0.25
momentum = 0.9
weight_decay = 0.0001
averaging = 0.5
label_smoothing = 0.0
"""


@dataclass(frozen=True)
class Command:
    """A command line; before it, in an empty world, the commands of `after` have run; `without` is removed."""

    name: str
    words: str
    after: tuple[str, ...] = ()
    without: str = ""


TRAIN, QUANTIZE = "train tiny --data PHOTOS --out mine --threads 1", "quantize mine --images 20"
CONVERT = "convert tiny --weights tiny --out mine"
MAKE = "make tiny --device imx93 --out board"
COMMANDS = {
    each.name: each
    for each in (
        Command("train, recipe", "train tiny --out mine --threads 1"),
        Command("train, own folder", TRAIN),
        Command("train --layers all", f"{TRAIN} --layers all --epochs 2"),
        Command("train, other data", TRAIN.replace("PHOTOS", "OTHERS --force"), (TRAIN, QUANTIZE)),
        Command("convert", CONVERT),
        Command("convert, again", "convert tiny --weights random --out mine", (CONVERT, QUANTIZE)),
        Command("quantize", QUANTIZE, (CONVERT,)),
        Command("quantize, again", "quantize mine --images 10", (CONVERT, QUANTIZE)),
        Command("quantize --rescue", f"{QUANTIZE} --rescue", (TRAIN,)),
        Command("make", MAKE),
        Command("fetch, archive", "fetch cifar-10 --from ARCHIVE", without="cifar-10"),
        Command("fetch, folder", "fetch cifar-10 --from COPY", without="cifar-10"),
        Command("fetch, download", "fetch cifar-10", without="cifar-10"),
        Command("export --to c", "export mine --to c --out c", (TRAIN, QUANTIZE)),
        Command("export --to folder", "export mine --to folder --out linux", (TRAIN, QUANTIZE)),
        Command("compile", "compile mine --device imx93 --out imx93", (TRAIN, QUANTIZE)),
        Command("evaluate", "evaluate mine --processes 2", (TRAIN, QUANTIZE)),
        Command("measure", "measure tiny", (MAKE,)),
    )
}


@dataclass(frozen=True)
class World:
    """`work` is the current folder of the commands, `data` their data root, `temporary` their TMPDIR."""

    root: Path

    @property
    def folders(self) -> tuple[Path, Path, Path]:
        return self.work, self.data, self.temporary

    @property
    def work(self) -> Path:
        return self.root / "work"

    @property
    def data(self) -> Path:
        return self.root / "data"

    @property
    def temporary(self) -> Path:
        return self.root / "temporary"

    def words(self, line: str) -> list[str]:
        names = {"PHOTOS": "photos", "OTHERS": "others", "ARCHIVE": "cifar.tar.gz", "COPY": "cifar-10-batches-bin"}
        return [str(self.root / names[word]) if word in names else word for word in line.split()]

    def environment(self) -> dict[str, str]:
        paths = [str(self.root / "package"), str(TESTS)]
        return {
            **os.environ, "PYTHONPATH": os.pathsep.join(paths), "EYESPOT_DATA": str(self.data),
            "TMPDIR": str(self.temporary), "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1",
            "PYTHONDONTWRITEBYTECODE": "1",
        }  # fmt: skip


def small_cifar() -> dict[str, bytes]:
    """A CIFAR-10 of 20 images a file, as tests/test_fetch.py makes it."""
    numbers, files = np.random.default_rng(0), {}
    for name in (*(f"data_batch_{i}.bin" for i in range(1, 6)), "test_batch.bin"):
        records = numbers.integers(0, 256, (RECORDS, RECORD), np.uint8)
        records[:, 0] = np.arange(RECORDS) % 10
        files[name] = records.tobytes()
    return files


def build_package(root: Path, port: int) -> None:
    """The package with the card of a tiny network and a small CIFAR-10, which a server on `port` publishes."""
    ignored = shutil.ignore_patterns("*.tflite", "*.bin", "__pycache__", "measurements")
    shutil.copytree(PACKAGE, root / "package" / "eyespot", ignore=ignored)
    (root / "package" / "eyespot" / "measurements").mkdir()
    files = small_cifar()
    copy = root / "cifar-10-batches-bin"
    copy.mkdir()
    for name, data in files.items():
        (copy / name).write_bytes(data)
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        tar.add(copy, copy.name)
    (root / "cifar.tar.gz").write_bytes(packed.getvalue())
    sums = "".join(f"{hashlib.sha256(data).hexdigest()}  {name}\n" for name, data in sorted(files.items()))
    table = root / "package" / "eyespot" / "zoo" / "datasets.toml"
    text = table.read_text("utf-8")
    for pattern, value in (
        (r"splits = .*", f"splits = {{ train = 90, validation = 10, test = {RECORDS} }}"),
        (r'digest = ".*', f'digest = "{hashlib.sha256(sums.encode()).hexdigest()}"'),
        (r'url = ".*', f'url = "http://127.0.0.1:{port}/cifar.tar.gz"'),
        (r'digest = "md5:.*', f'digest = "sha256:{hashlib.sha256(packed.getvalue()).hexdigest()}"'),
    ):
        text = re.sub(pattern, value, text, count=1)
    table.write_text(text, "utf-8")


def build_data(world: World) -> None:
    """Pictures, and the card and the weights of the tiny network; needs the package of `build_package`."""
    sys.path[:0] = [str(world.root / "package"), str(TESTS)]
    from eyespot.artifacts.atomic import digest
    from eyespot.networks.layers import initialise
    from eyespot.weights.state_dicts import to_safetensors
    from pictures import write_folder
    from tiny_network import Tiny

    network = Tiny()
    initialise(network, 0)
    weights = to_safetensors(network)
    (world.root / "start" / "data" / "published").mkdir(parents=True)
    (world.root / "start" / "work").mkdir()
    (world.root / "start" / "data" / "published" / "tiny.safetensors").write_bytes(weights)
    shutil.copytree(
        world.root / "cifar-10-batches-bin", world.root / "start" / "data" / "cifar-10" / "cifar-10-batches-bin"
    )
    card = world.root / "package" / "eyespot" / "zoo" / "models" / "tiny.toml"
    card.write_text(CARD.format(recipe=RECIPE, weights=digest(weights)))
    write_folder(world.root / "photos", 80)
    write_folder(world.root / "others", 80, seed=1)
