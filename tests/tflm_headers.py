"""Headers that stand where TFLM's would: an interpreter that always says class 1."""

from __future__ import annotations

from pathlib import Path

from eyespot.exports.c import resolver_name
from eyespot.tflite.read import read
from eyespot.zoo import registry

TFLM = {
    "tensorflow/lite/schema/schema_generated.h": (
        "#pragma once\nnamespace tflite {\nstruct Model { const void *data; };\n"
        "inline const Model *GetModel(const void *data) { static Model m; m.data = data; return &m; }\n}\n"
    ),
    "tensorflow/lite/micro/micro_mutable_op_resolver.h": (
        "#pragma once\nnamespace tflite {\ntemplate <int N> struct MicroMutableOpResolver {\n"
        "@calls@};\n}\n"
    ),
    "tensorflow/lite/micro/micro_time.h": (
        "#pragma once\n#include <cstdint>\nnamespace tflite {\n"
        "inline uint32_t ticks_per_second() { return 1000; }\n"
        "inline uint32_t GetCurrentTimeTicks() { static uint32_t ticks = 1; return ticks += 3; }\n}\n"
    ),
    "tensorflow/lite/micro/micro_interpreter.h": (
        "#pragma once\n#include <cstddef>\n#include <cstdint>\n"
        '#include "tensorflow/lite/schema/schema_generated.h"\n'
        "enum TfLiteStatus { kTfLiteOk, kTfLiteError };\n"
        "struct TfLiteTensor { struct { int8_t *int8; } data; };\n"
        "namespace tflite {\nstruct MicroInterpreter {\n"
        "  int8_t in[200000], out[2000]; TfLiteTensor tensor;\n"
        "  template <class R>\n"
        "  MicroInterpreter(const Model *, R &, uint8_t *, size_t) : in(), out(), tensor() {}\n"
        "  TfLiteStatus AllocateTensors() { return kTfLiteOk; }\n"
        "  TfLiteStatus Invoke() { out[1] = 100; return kTfLiteOk; }\n"
        "  size_t arena_used_bytes() const { return 1000; }\n"
        "  TfLiteTensor *input(int) { tensor.data.int8 = in; return &tensor; }\n"
        "  TfLiteTensor *output(int) { tensor.data.int8 = out; return &tensor; }\n};\n}\n"
    ),
}  # fmt: skip


def write_headers(folder: Path) -> Path:
    """Write them, for tiny-resnet's operators."""
    operators = set(read(registry.find("tiny-resnet")).operators)
    calls = " ".join(f"void Add{resolver_name(operator)}() {{}}" for operator in operators)
    for name, text in TFLM.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text.replace("@calls@", calls))
    return folder
