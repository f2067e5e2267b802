"""What int8 costs, and what helps: `quantize`, `--rescue` and quantization-aware training."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402

from eyespot.artifacts.model_folder import FLOAT32, INT8, ModelFolder  # noqa: E402
from eyespot.cli import main  # noqa: E402
from eyespot.conversion.clean import finish, leave_out_softmax, repair  # noqa: E402
from eyespot.conversion.pytorch import to_tflite  # noqa: E402
from eyespot.data import manifest  # noqa: E402
from eyespot.data.used import LIST  # noqa: E402
from eyespot.errors import MissingDataError, RefusedError  # noqa: E402
from eyespot.networks.inverted_residual import SqueezeExcite  # noqa: E402
from eyespot.networks.layers import SameConv2d, flatten, global_average, initialise  # noqa: E402
from eyespot.preprocessing.spec import Contract, Preprocessing  # noqa: E402
from eyespot.preprocessing.synthetic import CLASSES, picture  # noqa: E402
from eyespot.quantization import activations  # noqa: E402
from eyespot.quantization.rescue import train_int8  # noqa: E402
from eyespot.tflite import run, schema  # noqa: E402
from eyespot.tflite.read import File  # noqa: E402
from eyespot.training import qat  # noqa: E402
from eyespot.training.augment import ready  # noqa: E402
from eyespot.training.checkpoint import Run  # noqa: E402
from eyespot.training.data import Data  # noqa: E402
from eyespot.verbs.evaluate import evaluate  # noqa: E402
from eyespot.verbs.quantize import quantize  # noqa: E402
from eyespot.verbs.train import train  # noqa: E402
from eyespot.zoo.cards import Quantization  # noqa: E402
from pictures import write_folder  # noqa: E402
from quantizing import quantized  # noqa: E402

CONTRACT = Contract(
    model="tiny-resnet", preprocessing=Preprocessing(height=16, width=16, mean=(128.0,), std=(64.0,)),
    classes=tuple("abcd"),
)  # fmt: skip
PIXELS = np.stack([picture(i, 16, 16, 3) for i in range(64)])
LABELS = torch.arange(64) % 4


class Every(nn.Module):
    """All operators that can be trained: both convolutions, ADD, MUL, LOGISTIC, both pools, RESHAPE, dense."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.deep = SameConv2d(3, 8, 3, 2), SameConv2d(8, 8, 3, groups=8)
        self.se, self.point = SqueezeExcite(8, 4), nn.Conv2d(8, 8, 1)
        self.hidden, self.last = nn.Linear(8 * 16, 16), nn.Linear(16, 4)

    def forward(self, x):
        x = nn.functional.relu6(self.stem(x))
        x = x + self.point(self.se(self.deep(x).relu()))
        x = nn.functional.max_pool2d(x, 2)
        return self.last(self.hidden(flatten(x)).relu())


def packed(data: bytes) -> File:
    return File(path=Path("packed.tflite"), data=data, model=schema.unpack(data))


def files(network) -> tuple[File, File]:
    """The float32 and the int8 file of a network."""
    initialise(network, 0)
    for layer in network.modules():
        if getattr(layer, "bias", None) is not None:  # the converter drops zeros
            nn.init.constant_(layer.bias, 0.1)
    float32 = packed(finish(repair(to_tflite(network, CONTRACT.preprocessing)), CONTRACT, {}))
    return float32, packed(finish(quantized(float32, PIXELS, Quantization()), CONTRACT, {}))


@pytest.fixture(scope="module")
def pair():
    return files(Every())


@pytest.fixture
def data():
    images = torch.from_numpy(PIXELS)
    return Data(images=images, labels=LABELS, validation_images=images, validation_labels=LABELS)


def course(seed: int = 0) -> Run:
    recipe = replace(qat.RECIPE, epochs=4, batch=16)
    return Run(model="x", data="", seed=seed, recipe=recipe, preprocessing=CONTRACT.preprocessing, start="x")


def shares(file: File) -> np.ndarray:
    """The class probabilities of all images."""
    answer, tensors = run.open_runner(file, "reference"), run.stored(PIXELS, CONTRACT.preprocessing, file.input)
    return np.stack([run.to_float(answer(each), file.output) for each in tensors])


def test_the_network_rounds_as_the_int8_file_does(pair):
    _, int8 = pair
    with torch.inference_mode():
        x = ready(torch.from_numpy(PIXELS).permute(0, 3, 1, 2), CONTRACT.preprocessing)
        simulated = qat.Levels(*pair).eval()(x).softmax(1).numpy()
    assert set(int8.operators) >= {"ADD", "MUL", "LOGISTIC", "MAX_POOL_2D", "AVERAGE_POOL_2D", "DEPTHWISE_CONV_2D"}
    assert np.abs(simulated - shares(int8)).mean() < 0.003  # a step of the softmax is 0.004


def test_training_keeps_all_but_weights_and_biases(pair, data, tmp_path):
    float32, int8 = pair
    learned = packed(finish(qat.learn(float32, int8, data, course(), tmp_path), CONTRACT, {}))
    assert learned.operators == int8.operators
    assert learned.contract == int8.contract
    for before, after in zip(activations.layers(int8), activations.layers(learned), strict=True):
        for places in zip([*before.inputs, *before.outputs], [*after.inputs, *after.outputs], strict=True):
            old, new = (f.graph.tensors[i].quantization for f, i in zip((int8, learned), places, strict=True))
            assert np.array_equal(old.scale, new.scale)
            assert np.array_equal(old.zeroPoint, new.zeroPoint)
    rows = np.arange(len(PIXELS))
    losses = [-np.log(shares(file)[rows, LABELS.numpy()] + 1e-3).mean() for file in (int8, learned)]
    assert losses[1] < losses[0]


def test_a_learned_file_gives_the_same_bits_on_microcontrollers(pair, data, tmp_path):
    float32, int8 = pair
    learned = packed(finish(qat.learn(float32, int8, data, course(), tmp_path), CONTRACT, {}))
    tensors = run.stored(PIXELS, CONTRACT.preprocessing, learned.input)
    reference, tflm = (run.open_runner(learned, kernels) for kernels in ("reference", "tflm"))
    assert np.array_equal([reference(t) for t in tensors], [tflm(t) for t in tensors])


@pytest.mark.slow
def test_a_seed_decides_the_bytes(pair, data, tmp_path):
    made = [
        schema.pack(qat.learn(*pair, data, course(seed), tmp_path / name))
        for name, seed in (("a", 0), ("b", 0), ("c", 1))
    ]
    assert made[0] == made[1] != made[2]


def test_a_file_without_its_softmax_learns_the_same(pair, data, tmp_path):
    float32, int8 = pair
    model = schema.unpack(int8.data)
    leave_out_softmax(model, int8.path)
    logits = packed(finish(model, replace(CONTRACT, logits=True), {}))
    assert "SOFTMAX" not in logits.operators
    found = [qat.learn(float32, each, data, course(), tmp_path / each.sha256[:8]) for each in (int8, logits)]
    for with_softmax, without in zip(*(each.subgraphs[0].operators for each in found), strict=False):
        pairs = zip(with_softmax.inputs[1:], without.inputs[1:], strict=True)
        for one, other in pairs:
            arrays = [schema.constant(m, m.subgraphs[0].tensors[i]) for m, i in zip(found, (one, other), strict=True)]
            assert np.array_equal(*arrays)


def test_operators_without_a_rule_are_refused(tmp_path, data):
    class Slices(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.stem, self.last = nn.Conv2d(3, 8, 3), nn.Linear(8, 4)

        def forward(self, x):
            a, b = self.stem(x).split(4, 1)
            return self.last(flatten(global_average(torch.cat([b, a], 1))))

    with pytest.raises(RefusedError, match=r"does not know this form of (SLICE|SPLIT)"):
        qat.learn(*files(Slices()), data, course(), tmp_path)


# --- the command, on a network whose int8 file is bad


def spoil(folder: Path) -> None:
    """Stretch channels of the float32 file before a ReLU and shrink them behind it: the network stays the same."""
    models = ModelFolder(folder)
    file, record = models.file(FLOAT32), models.record(FLOAT32)
    model, gain = schema.unpack(file.data), np.ones(16, np.float32)
    gain[:4] = 400
    first, second = [o for o in model.subgraphs[0].operators if schema.operator_name(model, o) == "CONV_2D"][1:3]
    for place, factor in (
        (first.inputs[1], gain[:, None, None, None]),
        (first.inputs[2], gain),
        (second.inputs[1], 1 / gain),
    ):
        tensor = model.subgraphs[0].tensors[place]
        schema.set_constant(model, tensor, schema.constant(model, tensor) * factor)
    models.save(
        FLOAT32, finish(model, file.contract, {}), verb="convert", model=record.model, arguments=record.arguments,
        inputs=record.inputs, tools=record.tools, facts={"training_images": record.facts["training_images"]},
    )  # fmt: skip


@pytest.fixture(scope="module")
def spoilt(tmp_path_factory):
    """A folder that `train` wrote from 200 pictures, with a network that ranges cannot follow."""
    folder = tmp_path_factory.mktemp("spoilt")
    write_folder(folder / "photos", 200)
    train("tiny-resnet", data=str(folder / "photos"), out=folder / "mine", threads=1)
    spoil(folder / "mine")
    return folder / "mine"


@pytest.fixture
def mine(spoilt, tmp_path):
    return shutil.copytree(spoilt, tmp_path / "mine")


@pytest.mark.slow
def test_quantize_says_what_int8_costs_and_what_helps(mine, capsys):
    assert main(["quantize", str(mine), "--json"]) == 0
    made = json.loads(capsys.readouterr().out)
    found, parts = made["validation"], [part for *_, part in manifest.load(mine).rows]
    float32, int8 = (evaluate(str(mine / name), split="validation") for name in (FLOAT32, INT8))
    assert found["n"] == parts.count("validation") == float32.n
    assert (found["float32"]["correct"], found["int8"]["correct"]) == (float32.correct, int8.correct)
    assert found["difference"] == pytest.approx(int8.top1 - float32.top1)
    assert found["low"] < found["difference"] < found["high"]
    assert made["following"] == f"eyespot quantize {mine} --rescue"
    assert made["artifact"]["facts"]["validation"] == found
    assert made["calibration"]["n"] == len(made["artifact"]["facts"]["calibration_images"])


@pytest.mark.slow
def test_the_terminal_shows_accuracies_first_and_no_empty_heading(mine, capsys):
    assert main(["quantize", str(mine)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[1].startswith("float32, photos validation")
    assert lines[2].startswith("int8, photos validation")
    assert "points; the same class for" in lines[3]
    assert any(line.startswith("int8 loses more than 1 point; next: eyespot quantize") for line in lines)
    assert "layers" not in " ".join(lines)


@pytest.mark.slow
def test_rescue_tries_in_order_and_takes_what_helps(mine, capsys):
    before = quantize(str(mine))
    operators = ModelFolder(mine).file(INT8).operators
    made = quantize(str(mine), rescue=True)
    names = [step.name.split(" ")[0] for step in made.steps]
    assert names == ["percentile", "minmax", "mse", "compensated", "more", "quantization-aware"]
    [taken] = [step for step in made.steps if step.taken]
    assert taken.validation == made.validation
    assert taken is made.steps[-1] or all(step.loses or step.not_tried for step in made.steps)
    assert made.validation.int8.correct >= before.validation.int8.correct
    assert not made.following
    after, float32 = (ModelFolder(mine).file(name) for name in (INT8, FLOAT32))
    assert after.operators == operators
    assert replace(after.contract, confidence=None) == replace(float32.contract, confidence=None)
    assert after.contract.confidence.rows[0].answered == made.validation.n  # the confidence is the file's own
    assert {each.name for each in mine.iterdir() if each.is_dir()} == set()
    assert evaluate(str(mine)).split == "test"  # none of its images chose


@pytest.mark.slow
def test_rescue_with_logits_trains_a_file_without_a_softmax(mine):
    made = quantize(str(mine), rescue=True, logits=True)
    trained = made.steps[-1]
    assert (trained.name, trained.not_tried) == ("quantization-aware training", "")
    int8 = ModelFolder(mine).file(INT8)
    assert "SOFTMAX" not in int8.operators
    assert int8.contract.logits
    assert ("training" in made.artifact.arguments) == trained.taken
    assert evaluate(str(mine), split="validation").correct == made.validation.int8.correct


@pytest.mark.slow
def test_without_the_list_of_training_images_nothing_is_trained(mine):
    (mine / LIST).unlink()
    made = quantize(str(mine), rescue=True)
    assert "training-images.bin" in made.steps[-1].not_tried
    assert sum(step.taken for step in made.steps) == 1


def test_rescue_without_validation_images_is_refused(no_data, tmp_path):
    write_folder(tmp_path, 6)
    (tmp_path / CLASSES[0]).rename(tmp_path / "photos")  # pictures without classes
    made = quantize("tiny-resnet", calibration=str(tmp_path / "photos"), out=tmp_path / "out")
    assert made.validation is None
    assert "cifar-10" in made.not_measured
    with pytest.raises(MissingDataError, match="cifar-10"):
        quantize("tiny-resnet", calibration=str(tmp_path / "photos"), out=tmp_path / "out", rescue=True)


@pytest.mark.slow
def test_train_int8_takes_the_better_file(mine):
    made = train_int8(mine, Quantization())
    first, second = made.steps
    assert second.name == "quantization-aware training"
    assert made.validation.int8.correct == max(first.validation.int8.correct, second.validation.int8.correct)
    assert made.artifact == ModelFolder(mine).record(INT8)


@pytest.mark.slow
def test_train_int8_writes_both_files(tmp_path):
    photos, mine = tmp_path / "photos", tmp_path / "mine"
    write_folder(photos, 80)
    words = ["tiny-resnet", "--data", photos, "--out", mine, "--layers", "last", "--threads", "1", "--int8", "--json"]
    made = json.loads(subprocess.check_output([sys.executable, "-m", "eyespot", "train", *words]))
    assert made["inspection"]["images"] == 80
    assert [step["name"] for step in made["int8"]["steps"]][1:] == ["quantization-aware training"]
    assert ModelFolder(mine).record(INT8).sha256 == made["int8"]["artifact"]["sha256"]


@pytest.mark.slow
def test_a_killed_rescue_continues_to_the_same_bytes(mine):
    other = shutil.copytree(mine, mine.parent / "other")
    command = [sys.executable, "-m", "eyespot", "quantize", str(mine), "--rescue"]
    process = subprocess.Popen(command)
    while process.poll() is None and not list(mine.glob("qat-checkpoint/*/checkpoint.safetensors")):
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not (mine / INT8).exists()
    for folder in (mine, other):
        subprocess.run([*command[:4], str(folder), "--rescue"], check=True)
    assert (mine / INT8).read_bytes() == (other / INT8).read_bytes()
    assert not (mine / "qat-checkpoint").exists()
