"""Published .tflite files, used as they are."""

from __future__ import annotations

import shutil

import numpy as np
import pytest

from eyespot.artifacts import places
from eyespot.conversion.clean import adopt, finish, repair
from eyespot.preprocessing.spec import Contract, Preprocessing
from eyespot.preprocessing.synthetic import picture
from eyespot.tflite import run
from eyespot.tflite.read import parse, read
from eyespot.verbs.convert import convert
from eyespot.zoo import registry

QUANTISED = "mobilenet_v1_0.25_128_quant.tflite"


def adopted(path, side, classes):
    contract = Contract(
        model="visual-wake-word",
        preprocessing=Preprocessing(height=side, width=side),
        classes=tuple(f"class number {i}" for i in range(classes)),
    )
    model = repair(path.read_bytes())
    adopt(model)
    return parse(finish(model, contract, {}), path)


def test_answers_stay_the_same(data_root):
    path = data_root / "published/vww_96_float.tflite"
    ours, theirs = adopted(path, 96, 2), read(path)
    images = [picture(i, 96, 96, 3).astype(np.float32) / 255 for i in range(3)]
    answers = [[run.open_runner(file, "xnnpack")(image) for image in images] for file in (ours, theirs)]
    assert np.array_equal(*answers)
    assert len(ours.data) < len(theirs.data)


def test_what_was_lacking_is_there(data_root):
    path = data_root / "published/vww_96_float.tflite"
    assert read(path).model.signatureDefs == []
    ours = adopted(path, 96, 2)
    assert [s.signatureKey for s in ours.model.signatureDefs] == [b"serving_default"]
    assert all(t.shapeSignature is None for t in ours.graph.tensors)


@pytest.mark.parametrize("kernels", ["reference", "xnnpack"])
def test_the_background_class_is_dropped(data_root, kernels):
    path = data_root / "published" / QUANTISED
    ours, theirs = adopted(path, 128, 1000), read(path)
    assert ours.output.shape == (1, 1000)
    for i in range(3):
        image = picture(i, 128, 128, 3)
        with_background, without = (run.open_runner(f, kernels)(image) for f in (theirs, ours))
        assert np.abs(with_background[1:].astype(int) - without).max() <= 6  # the softmax shares out anew


def test_a_file_without_background_keeps_its_classes():
    file = read(registry.find("tiny-resnet:float32"))
    adopt(file.model)
    assert file.output.shape == (1, 10)


def test_a_kill_leaves_no_int8_file_of_other_weights(data_root, tmp_path):
    """A kill after float32.tflite was replaced and before int8.tflite was removed: the same command removes it."""
    shutil.copy(places.ZOO / "tiny-resnet" / "int8.tflite", tmp_path)
    shutil.copy(places.ZOO / "tiny-resnet" / "int8.tflite.json", tmp_path)
    for _ in range(2):
        convert("visual-wake-word", weights="mlperf-tiny-tflite", out=tmp_path)
        assert sorted(path.name for path in tmp_path.iterdir()) == ["float32.tflite", "float32.tflite.json"]
        shutil.copy(places.ZOO / "tiny-resnet" / "int8.tflite.json", tmp_path)
    convert("visual-wake-word", weights="mlperf-tiny-tflite", out=tmp_path)
    assert not (tmp_path / "int8.tflite.json").exists()
