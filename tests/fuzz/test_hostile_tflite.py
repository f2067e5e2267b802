"""Files that mean harm, or that fuzzing found: each ends in one clear line, soon."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as g
from PIL import Image

import tflite_endless
import tflite_files
from eyespot import check, isolation, predict, quantize
from eyespot.errors import BadFileError
from eyespot.tflite import contract, schema
from eyespot.tflite.operators import operators
from eyespot.tflite.read import LARGEST, check_classifier, parse, read
from tflite_endless import ENDLESS, parse_endless

TFLITE = tflite_files.classifier()


def changed(change: Callable[[Any], object]) -> bytes:
    form = schema.unpack(TFLITE)
    change(form)
    return schema.pack(form)


def with_json(text: str | bytes) -> bytes:
    def change(form: Any) -> None:
        [entry] = form.metadata
        form.buffers[entry.buffer].data = np.frombuffer(text.encode() if isinstance(text, str) else text, np.uint8)

    return changed(change)


def said() -> dict[str, Any]:
    [entry] = (form := schema.unpack(TFLITE)).metadata
    content: dict[str, Any] = json.loads(bytes(form.buffers[entry.buffer].data))
    return content


def with_field(path: str, value: object) -> bytes:
    content = said()
    *way, last = path.split(".")
    place: Any = content
    for name in way:
        place = place[name]
    place[int(last) if last.isdecimal() else last] = value
    return with_json(json.dumps(content))


def refusal(data: bytes) -> str:
    with pytest.raises(BadFileError) as caught:
        parse(data, Path("x.tflite"))
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.slow
@pytest.mark.parametrize("name", [each.__name__ for each in ENDLESS])
def test_a_small_file_with_an_endless_object_form(name: str) -> None:
    """Unlimited, the first would make 25 million tables of 40 KB."""
    assert len(getattr(tflite_endless, name)(5000)) < 1 << 20
    try:
        assert int(isolation.run(parse_endless, name, 5000, seconds=10, memory=1 << 30)) <= 15_000
    except BadFileError as error:
        assert "x.tflite: is a damaged .tflite file" in str(error)


CONTRACTS = {
    "contract.classes": ["catdog", {"cat": 1, "dog": 2}, [1, 2], [None, None], ["cat", "cat"], ["cat", ""], []],
    "contract.classes.1": ["\ud800", None, [], "cat"],
    "contract.model": ["", "\ud800", 5, None],
    "contract.input.mean": [10**400, True, "1", None, [1], float("nan"), float("inf"), 1e10],
    "contract.input.std": [0, -1, 1e-320, float("-inf")],
    "contract.input.crop": [0, -0.5, 1.5, "1", True],
    "contract.input.height": [8.0, "8", 0, -8, 10**30, True],
    "contract.input.channels": [2, 3.0, True],
    "contract.input.more": [1],
    "contract.preprocessing": [{}],
    "contract": [[], {}, None],
    "version": [0, 3, True, 1.0],
    "provenance": [[], 1],
}  # fmt: skip


@pytest.mark.parametrize(("path", "value"), [(path, value) for path, values in CONTRACTS.items() for value in values])
def test_a_contract_that_says_something_else(path: str, value: object) -> None:
    assert "is a damaged .tflite file" in refusal(with_field(path, value))


@pytest.mark.parametrize(
    "text",
    ["", "[" * 100_000, b"\xff\xfe", json.dumps(said())[:-1] + ', "contract": {}}', '{"contract": 1e999}'],
)
def test_metadata_that_readers_understand_differently(text: str | bytes) -> None:
    assert "is a damaged .tflite file" in refusal(with_json(text))


def _set(place: Callable[[Any], Any], **fields: object) -> Callable[[Any], object]:
    return lambda form: [setattr(place(form), name, value) for name, value in fields.items()]


def _places(*values: int) -> Any:
    return np.array(values, np.int32)


GRAPHS: dict[str, Callable[[Any], object]] = {
    "input is tensor -1": _set(lambda f: f.subgraphs[0], inputs=_places(-1)),
    "output is tensor 99": _set(lambda f: f.subgraphs[0], outputs=_places(99)),
    "input of CONV_2D is tensor -2": _set(lambda f: f.subgraphs[0].operators[0], inputs=_places(-2, 6, 9)),
    "output of SOFTMAX is tensor -1": _set(lambda f: f.subgraphs[0].operators[4], outputs=_places(-1)),
    "IndexError": _set(lambda f: f.subgraphs[0].operators[0], opcodeIndex=9),
    "CONV_2D with NoneType": _set(lambda f: f.subgraphs[0].operators[0], builtinOptions=None, builtinOptionsType=0),
    "AVERAGE_POOL_2D with AddOptionsT": _set(
        lambda f: f.subgraphs[0].operators[2],
        builtinOptions=g.AddOptionsT(), builtinOptionsType=g.BuiltinOptions.AddOptions,
    ),
    "a tensor of 4 dimensions, the least -8": _set(lambda f: f.subgraphs[0].tensors[0], shape=_places(1, -8, 8, 1)),
    "a tensor of 33 dimensions": _set(lambda f: f.subgraphs[0].tensors[3], shape=np.ones(33, np.int32)),
}  # fmt: skip


@pytest.mark.parametrize("words", GRAPHS)
def test_a_graph_that_points_elsewhere(words: str) -> None:
    assert words in refusal(changed(GRAPHS[words]))


def test_a_zero_point_that_no_byte_holds() -> None:
    def change(form: Any) -> None:
        graph = form.subgraphs[0]
        for tensor in (graph.tensors[graph.inputs[0]], graph.tensors[graph.operators[0].inputs[1]]):
            tensor.quantization.zeroPoint = np.array([1 << 40], np.int64)

    file = parse(changed(change), Path("x.tflite"))
    with pytest.raises(BadFileError, match="a zero point beyond 8 bits"):
        operators(file)
    with pytest.raises(BadFileError, match="input of int8 with the zero point 1099511627776"):
        check_classifier(file)


def test_a_file_of_any_size_is_not_loaded(tmp_path: Path) -> None:
    with (tmp_path / "x.tflite").open("wb") as file:
        file.truncate(LARGEST + 1)
    with pytest.raises(BadFileError, match=r"200,000,001 bytes; at most"):
        read(tmp_path / "x.tflite")


def test_outputs_that_are_more_than_the_file_states(tmp_path: Path) -> None:
    """LiteRT computes shapes anew: here the dense layer has eight outputs."""

    def change(form: Any) -> None:
        dense = form.subgraphs[0].operators[3]
        for place, shape in zip(dense.inputs[1:], ((8, 2), (8,)), strict=True):
            tensor = form.subgraphs[0].tensors[place]
            schema.set_constant(form, tensor, np.ones(shape, schema.TYPES[tensor.type]))

    (tmp_path / "x.tflite").write_bytes(changed(change))
    with pytest.raises(BadFileError, match="states 2 classes and gives 8"):
        predict(str(tmp_path / "x.tflite"), np.zeros((8, 8), np.uint8))


def test_a_valid_file_is_predicted_and_checked(tmp_path: Path) -> None:
    path = tmp_path / "x.tflite"
    path.write_bytes(TFLITE)
    [prediction] = predict(str(path), np.zeros((8, 8), np.uint8))
    assert {name for name, _ in prediction.classes} == {"cat", "dog"}
    [found] = check(str(path), device="imxrt1050")
    assert found.runs.status == "ok"


def test_a_file_whose_tensors_have_one_name(tmp_path: Path) -> None:
    form = schema.unpack(tflite_files.classifier(tflite_files.FLOAT))
    contract.write(form, replace(tflite_files.CONTRACT, model="tiny-resnet"), {})
    (tmp_path / "x.tflite").write_bytes(schema.pack(form))
    for name in ("cat", "dog"):
        (tmp_path / "photos" / name).mkdir(parents=True)
        pixels = np.arange(64, dtype=np.uint8).reshape(8, 8) + ord(name[0])
        Image.fromarray(pixels).save(tmp_path / "photos" / name / "1.png")
    with pytest.raises(BadFileError, match=r"two tensors are called '.*'; convert it again") as caught:
        quantize(str(tmp_path / "x.tflite"), calibration=str(tmp_path / "photos"), images=1, out=tmp_path / "out")
    assert "\n" not in str(caught.value)
