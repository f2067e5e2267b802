"""The whole chain on real data: CIFAR-10, the shipped weights and MLPerf Tiny's."""

from __future__ import annotations

import json

import numpy as np
import pytest

from eyespot.artifacts.model_folder import ModelFolder, read_sidecar
from eyespot.data import catalogue
from eyespot.errors import BadFileError, RefusedError
from eyespot.evaluation import engine, workers
from eyespot.tflite import run
from eyespot.tflite.read import read
from eyespot.verbs.convert import convert
from eyespot.verbs.evaluate import evaluate
from eyespot.verbs.quantize import quantize
from eyespot.zoo import provenance, registry


@pytest.fixture(scope="module")
def folder(data_root, tmp_path_factory):
    """The shipped float32 file, quantized here."""
    folder = tmp_path_factory.mktemp("quantized")
    ModelFolder(registry.home("tiny-resnet")).copy(folder)
    (folder / "int8.tflite").unlink()
    quantize(str(folder))
    return folder


@pytest.fixture(scope="module")
def mlperf(data_root, tmp_path_factory):
    """MLPerf Tiny's weights, imported, converted and quantized here."""
    pytest.importorskip("torch")
    folder = tmp_path_factory.mktemp("mlperf")
    convert("tiny-resnet", weights="mlperf-tiny", out=folder)
    quantize(str(folder))
    return folder


def predicted(path):
    """Predicted class of each of the first N test images."""
    with workers.start() as pool:
        job = engine.prepare(read(path), registry.contract("tiny-resnet"), catalogue.dataset("cifar-10"), "test")
        return engine.collect(engine.classify(job, 10_000, pool))[0][:, 0]


@pytest.mark.slow
def test_imported_weights_predict_as_the_publishers_file(mlperf, data_root):
    labels = catalogue.open_split(catalogue.dataset("cifar-10"), "test").labels
    published = predicted(data_root / "published/pretrainedResnet.tflite")
    float32, int8 = predicted(mlperf / "float32.tflite"), predicted(mlperf / "int8.tflite")
    assert (float32 == published).sum() >= 9_990
    assert (float32 == labels).mean() == pytest.approx(0.8719, abs=0.0005)
    assert (int8 == labels).mean() >= 0.8690
    assert (int8 == float32).mean() >= 0.97


@pytest.mark.slow
def test_files_of_imported_weights(mlperf):
    float32, int8 = read(mlperf / "float32.tflite"), read(mlperf / "int8.tflite")
    assert len(float32.data) <= 318_144
    assert len(int8.data) <= 98_496
    assert len(int8.operators) <= 15
    assert not set(int8.operators) & {"PAD", "TRANSPOSE", "QUANTIZE", "DEQUANTIZE"}
    assert read_sidecar(mlperf / "int8.tflite").inputs["float32"] == float32.sha256


def test_the_same_inputs_give_the_same_bytes(folder):
    """Accuracy aside, which kernels of another processor may give with an image more or less."""
    made, shipped = folder / "int8.tflite", registry.home("tiny-resnet") / "int8.tflite"
    assert made.read_bytes() == shipped.read_bytes()
    records = [json.loads(path.with_name("int8.tflite.json").read_text()) for path in (made, shipped)]
    accuracies = [record["facts"].pop("validation") for record in records]
    assert records[0] == records[1]
    assert accuracies[0].keys() == accuracies[1].keys()


def test_tflm_answers_as_the_reference_kernels(folder, data_root):
    file = read(folder / "int8.tflite")
    split = catalogue.open_split(catalogue.dataset("cifar-10"), "test")
    encode = run.encoder(file, file.contract)
    reference, tflm = (run.open_runner(file, kernels) for kernels in ("reference", "tflm"))
    tensors = [encode(split.read(i)) for i in range(40)]
    assert np.array_equal([reference(t) for t in tensors], [tflm(t) for t in tensors])


def test_evaluate_says_what_it_measured(folder):
    measured = evaluate(str(folder), images=40, kernels="tflm")
    assert (measured.n, measured.kernels, measured.data) == (40, "tflm", "cifar-10")
    assert measured.command.endswith("--kernels tflm --images 40")
    assert measured.artifact == read(folder / "int8.tflite").sha256
    assert measured.low < measured.top1 < measured.high
    assert measured.top5 is None


def test_the_number_of_processes_changes_nothing(folder):
    assert evaluate(str(folder), images=90, processes=1) == evaluate(str(folder), images=90, processes=3)


def test_training_images_are_refused_in_evaluation(folder):
    """Law 4, for a file made from shipped weights."""
    with pytest.raises(RefusedError, match=r"100 of the 100 images trained it"):
        evaluate(str(folder), split="train", images=100)


@pytest.mark.parametrize("precision", [pytest.param("float32", marks=pytest.mark.slow), "int8"])
def test_the_shipped_measurement_can_be_measured_again(precision, data_root):
    shipped = provenance.accuracy("tiny-resnet", precision)
    measured = evaluate(f"tiny-resnet:{precision}")
    assert measured.data_digest == shipped.data_digest
    assert abs(measured.correct - shipped.correct) <= 5  # XNNPACK's kernels differ between processors


def test_weights_of_another_model(data_root, tmp_path):
    pytest.importorskip("torch")
    from eyespot.networks.resnet8 import ResNet8
    from eyespot.weights.keras import load_layers

    with pytest.raises(BadFileError, match="weights of another model"):
        load_layers(ResNet8(), data_root / "published/vww_96.h5")
    whole = (data_root / "published/pretrainedResnet.h5").read_bytes()
    (tmp_path / "half.h5").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(BadFileError, match=r"half\.h5: is not a whole HDF5 file"):
        load_layers(ResNet8(), tmp_path / "half.h5")
