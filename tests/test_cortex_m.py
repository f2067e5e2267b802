"""The C export on an emulated Cortex-M4 and M55: preprocessing, golden check, classes, decision, softmax, counts."""

from __future__ import annotations

import os
import shutil
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from eyespot.devices.host import HostMeasurements
from eyespot.evaluation.confidence import probabilities
from eyespot.exports.c import render, softmax, values, write_c
from eyespot.exports.camera import FORMATS, Camera
from eyespot.preprocessing.spec import Confidence, Row
from eyespot.tflite.read import read
from eyespot.zoo import registry

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))
import cortex_m
from cortex_m import BOARDS

MOST_INSTRUCTIONS, MOST_RAM = 2_500_000, 4096  # of 320x240 RGB565 to 32x32 on a Cortex-M4
NAMES = ("caf\u00e9", 'a "b" \\ ??/', "\u732b", *"cdefghi")

DECIDE = """
#include "emulated.h"
#include "model.h"
static const int8_t outputs[][X_CLASSES] = {@outputs@};
int main(void) {
    float confidence;
    unsigned i;
    for (i = 0; i < X_CLASSES; i++) put(x_classes[i]), put("\\n");
    for (i = 0; i < sizeof outputs / sizeof outputs[0]; i++) {
        const int answer = x_decide(outputs[i], 0.4f, &confidence);
        put_number((uint32_t)(answer + 1)), put(" "), put_number((uint32_t)(1e6f * confidence)), put("\\n");
    }
    return 0;
}
"""


@pytest.fixture(scope="module", autouse=True)
def tools():
    if missing := [tool for tool in cortex_m.TOOLS if not shutil.which(tool)]:
        absent = pytest.fail if os.environ.get("CI") == "true" else pytest.skip
        absent(f"not installed: {', '.join(missing)}")


@pytest.fixture(scope="module")
def measured():
    host = HostMeasurements(file=read(registry.find("tiny-resnet")))
    assert host.arena
    return host


@pytest.fixture(params=BOARDS)
def board(request):
    return BOARDS[request.param]


@pytest.mark.parametrize("format_", FORMATS)
def test_the_preprocessing_is_right_and_its_count_validated(board, measured, tmp_path, format_):
    write_c(measured, measured.file.contract, tmp_path, camera=Camera(width=320, height=240, format=format_))
    loop, frame = cortex_m.measure(board, tmp_path, "tiny-resnet", tmp_path)
    assert loop == pytest.approx(2 * cortex_m.LOOP, rel=1e-3)
    if format_ == "rgb565":
        assert frame < MOST_INSTRUCTIONS
        assert cortex_m.ram(board, tmp_path) < MOST_RAM


@pytest.mark.parametrize("kind", ["plain", "calibrated", "softmax"])
def test_classes_and_decisions_are_pythons(board, measured, tmp_path, kind):
    file, sure = measured.file, Confidence(temperature=1.7, rows=(Row(0.0, 9, 8),))
    contract = replace(file.contract, model="x", classes=NAMES, confidence=sure if kind == "calibrated" else None)
    write_c(measured, contract, tmp_path)
    outputs = np.random.default_rng(0).integers(-128, 128, (40, 10), np.int8)
    outputs[:10] = np.eye(10, dtype=int) * 100 - 128
    expected = probabilities(outputs, file.output, contract)
    if kind == "softmax":
        logits = replace(file.output, scale=0.11, zero_point=5)
        filled = values(file, contract, 0)
        text = render("decide.c", filled | {"probability": softmax(logits, 1.7, filled)})
        (tmp_path / "decide.c").write_text(text + "\n")
        powers = np.exp((outputs - 5.0) * 0.11 / 1.7)
        expected = powers / powers.sum(1, keepdims=True)
    rows = ", ".join(f"{{{', '.join(map(str, row))}}}" for row in outputs)
    (tmp_path / "main.c").write_text(DECIDE.replace("@outputs@", rows))
    sources = [tmp_path / name for name in ("main.c", "model.c", "decide.c")]
    lines = cortex_m.emulate(board, cortex_m.build(board, sources, tmp_path, f"-I{tmp_path}"))
    assert lines[:10] == list(NAMES)
    for line, output, shares in zip(lines[10:], outputs, expected, strict=True):
        answer, millionths = map(int, line.split())
        most = output.argmax() if kind == "softmax" else shares.argmax()
        assert millionths / 1e6 == pytest.approx(shares[most], abs=2e-6)
        assert answer == (most + 1 if shares[most] >= 0.4 else 0)


def test_a_wrong_preprocessing_is_found(measured, tmp_path):
    write_c(measured, measured.file.contract, tmp_path, camera=Camera.parse("320x240:rgb565"))
    source = tmp_path / "preprocess.c"
    source.write_text(source.read_text().replace("word >> 11", "word >> 10 & 31"))
    with pytest.raises(AssertionError, match="the preprocessing is wrong"):
        cortex_m.measure(BOARDS["cortex-m4"], tmp_path, "tiny-resnet", tmp_path)
