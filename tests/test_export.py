"""Exports: the C source compiled as strictly as C99 goes, and run."""

from __future__ import annotations

import ctypes
import json
import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from ai_edge_litert.schema_py_generated import BuiltinOperator

from eyespot.devices.host import HostMeasurements
from eyespot.errors import BadArgumentError, RefusedError
from eyespot.evaluation.confidence import probabilities
from eyespot.exports import c as source
from eyespot.exports.c import resolver_name
from eyespot.preprocessing.image import fit
from eyespot.preprocessing.spec import Confidence, Contract, Preprocessing, Row
from eyespot.preprocessing.synthetic import picture
from eyespot.tflite import schema
from eyespot.tflite.contract import rewritten
from eyespot.tflite.read import read
from eyespot.tflite.run import open_runner
from eyespot.tflite.tflm import measure_arena
from eyespot.verbs.export import export
from eyespot.zoo import registry
from tflm_headers import write_headers

STRICT = ["-std=c99", "-Wall", "-Wextra", "-Werror", "-pedantic"]


def compiled(folder: Path, names: list[str], out: Path) -> ctypes.CDLL:
    """The C files as a shared library."""
    sources = [str(folder / name) for name in names]
    subprocess.run(["gcc", *STRICT, "-O2", "-shared", "-fPIC", *sources, "-o", str(out)], check=True)
    return ctypes.CDLL(str(out))


@pytest.fixture(scope="module")
def measured():
    """tiny-resnet's int8 file, its arena measured once."""
    return HostMeasurements(file=read(registry.find("tiny-resnet")))


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    return export("tiny-resnet", to="c", out=tmp_path_factory.mktemp("c"))


@pytest.fixture(scope="module")
def library(exported, tmp_path_factory):
    names = ["model.c", "preprocess.c", "decide.c", "golden.c"]
    return compiled(exported.folder, names, tmp_path_factory.mktemp("so") / "tiny.so")


def test_files(exported):
    assert {path.name for path in exported.files} == set(source.FILES)
    assert all(path.read_text().isascii() for path in exported.files)


def test_the_c_source_holds_the_file(exported, tmp_path):
    main = tmp_path / "main.c"
    main.write_text(
        '#include "model.h"\n#include <stdio.h>\n'
        "int main(void) {\n"
        "    if ((uintptr_t)tiny_resnet_model % 16) return 1;\n"
        '    fprintf(stderr, "%d %d %d %.9g %d %s %d\\n", TINY_RESNET_WIDTH, TINY_RESNET_CHANNELS,\n'
        "            TINY_RESNET_CLASSES, TINY_RESNET_INPUT_SCALE, TINY_RESNET_INPUT_ZERO_POINT,\n"
        "            tiny_resnet_classes[9], TINY_RESNET_ARENA_BYTES);\n"
        "    return fwrite(tiny_resnet_model, tiny_resnet_model_size, 1, stdout) != 1;\n}\n"
    )
    sources = [str(main), str(exported.folder / "model.c")]
    subprocess.run(["gcc", *STRICT, f"-I{exported.folder}", *sources, "-o", tmp_path / "x"], check=True)
    done = subprocess.run([tmp_path / "x"], capture_output=True, check=True)
    assert done.stdout == registry.find("tiny-resnet").read_bytes()
    assert done.stderr.decode().split() == ["32", "3", "10", "1", "-128", "truck", str(exported.arena)]


def test_no_dynamic_memory(exported):
    text = "".join(path.read_text() for path in exported.files if path.suffix in {".c", ".h", ".cc"})
    assert not any(word in text for word in ("malloc", "calloc", "new ", "alloca("))


# --- the golden check

RUN = ctypes.CFUNCTYPE(None, ctypes.POINTER(ctypes.c_int8), ctypes.POINTER(ctypes.c_int8))


def verify(library: ctypes.CDLL, change: int = 0) -> int:
    """The C check, with LiteRT's reference kernels as the board; `change` is added to one output."""
    answer = open_runner(read(registry.find("tiny-resnet")), "reference")

    def board(given, output):
        tensor = np.ctypeslib.as_array(given, (32, 32, 3))
        values = answer(tensor.copy()).astype(np.int16)
        values[3] += change
        np.ctypeslib.as_array(output, (10,))[:] = values.clip(-128, 127)

    return library.tiny_resnet_verify(RUN(board))


def test_the_golden_check_passes_on_the_reference_kernels(library):
    assert verify(library) == 0


def test_the_golden_check_counts_pictures_that_differ(library):
    assert verify(library, change=1) == 4
    assert library.tiny_resnet_verify(RUN(lambda *_: None)) == 4, "a board that does nothing"


def test_the_golden_check_names_what_differs_first(exported, library, tmp_path):
    scratch, out = (ctypes.c_int32 * 10_000)(), (ctypes.c_int8 * 3072)()
    assert library.tiny_resnet_verify_input(scratch, out) == -1
    golden = np.array((ctypes.c_int8 * 3072).in_dll(library, "tiny_resnet_golden_inputs"))
    for name in ("model.h", "model.c", "preprocess.c"):
        shutil.copy(exported.folder / name, tmp_path)
    text = (exported.folder / "golden.c").read_text()
    black = re.sub(r"(golden_camera\[.*\] = )\{[^}]*\}", r"\1{0}", text)
    (tmp_path / "golden.c").write_text(black)
    other = compiled(tmp_path, ["model.c", "preprocess.c", "golden.c"], tmp_path / "black.so")
    assert other.tiny_resnet_verify_input(scratch, out) == np.flatnonzero(golden > -127)[0]

    answer = open_runner(read(registry.find("tiny-resnet")), "reference")

    def board(given, output):
        values = answer(np.ctypeslib.as_array(given, (32, 32, 3)).copy())
        values[3] ^= 1
        np.ctypeslib.as_array(output, (10,))[:] = values

    assert [library.tiny_resnet_verify_output(RUN(board), i) for i in range(4)] == [3] * 4


def test_golden_vectors_are_few_for_large_inputs(measured, tmp_path):
    source.write_c(measured, measured.file.contract, tmp_path, golden_bytes=7_000)
    assert "#define TINY_RESNET_GOLDEN 2\n" in (tmp_path / "model.h").read_text()


# --- preprocessing

CONTRACTS = {
    "tiny_resnet": Preprocessing(height=32, width=32),
    "cropped": Preprocessing(height=24, width=24, crop=0.875),
    "oblong": Preprocessing(height=17, width=40),
    "gray": Preprocessing(height=48, width=48, order="gray"),
    "one": Preprocessing(height=1, width=1, order="gray", crop=0.5),
}
SIZES = [
    *[(1, 1), (1, 7), (5, 3), (32, 32), (33, 31), (24, 24), (48, 48), (64, 64)],
    *[(97, 40), (120, 161), (240, 320), (500, 11)],
]


@pytest.fixture(scope="module", params=CONTRACTS)
def converter(request, tmp_path_factory):
    """The C functions for a contract, on numpy arrays."""
    spec, folder = CONTRACTS[request.param], tmp_path_factory.mktemp(request.param)
    contract = Contract(model=request.param, preprocessing=spec, classes=("a", "b"))
    filled = source.values(read(registry.find("tiny-resnet")), contract, 1000)
    filled |= {"golden": "1", "golden_camera": "", "golden_inputs": "", "golden_outputs": ""}
    filled |= source.generic(filled)
    name = request.param.upper()
    (folder / "model.h").write_text(source.render("model.h", filled) + "\n")
    (folder / "preprocess.c").write_text(
        source.render("preprocess.c", filled)
        + "\nint scratch_size(int w, int h);\n"
        + f"int scratch_size(int w, int h) {{ return {name}_SCRATCH(w, h); }}\n"
    )
    loaded = compiled(folder, ["preprocess.c"], folder / "x.so")

    def convert(pixels: np.ndarray, kind: str) -> np.ndarray:
        height, width = pixels.shape[:2]
        size = loaded.scratch_size(width, height)
        scratch = np.full(size + 1, 0x5A5A5A5A, np.int32)
        out = np.full((spec.height, spec.width, spec.channels), 99, np.int8)
        pointers = [array.ctypes.data_as(ctypes.c_void_p) for array in (pixels, scratch, out)]
        getattr(loaded, f"{request.param}_from_{kind}")(pointers[0], width, height, *pointers[1:])
        assert scratch[size] == 0x5A5A5A5A, "wrote beyond the scratch that the macro asks for"
        return out

    return spec, convert


@pytest.mark.parametrize("size", SIZES)
def test_rgb888_is_pythons_preprocessing(converter, size):
    spec, convert = converter
    pixels = np.random.default_rng(0).integers(0, 256, (*size, 3), np.uint8)
    expected = fit(pixels, spec).astype(int) - 128
    assert np.abs(convert(pixels, "rgb888") - expected).max() <= 1


@pytest.mark.parametrize("size", SIZES)
def test_rgb565_is_pythons_preprocessing_of_its_8_bits(converter, size):
    spec, convert = converter
    packed = np.random.default_rng(1).integers(0, 1 << 16, size, np.uint16)
    r, g, b = packed >> 11, (packed >> 5) & 63, packed & 31
    pixels = np.stack([r << 3 | r >> 2, g << 2 | g >> 4, b << 3 | b >> 2], -1).astype(np.uint8)
    expected = fit(pixels, spec).astype(int) - 128
    assert np.abs(convert(packed, "rgb565") - expected).max() <= 1


def test_extremes_do_not_wrap(converter):
    _, convert = converter
    for value in (0, 255):
        assert (convert(np.full((50, 70, 3), value, np.uint8), "rgb888") == value - 128).all()


def test_most_values_are_exactly_pythons(converter):
    spec, convert = converter
    pixels = picture(1, 90, 130, 3)
    assert (convert(pixels, "rgb888") != fit(pixels, spec).astype(int) - 128).mean() < 0.3


def test_a_picture_at_the_models_size_is_pixel_minus_128(library):
    pixels = picture(0, 32, 32, 3)
    scratch, out = np.zeros(10_000, np.int32), np.zeros((32, 32, 3), np.int8)
    pointers = [array.ctypes.data_as(ctypes.c_void_p) for array in (pixels, scratch, out)]
    library.tiny_resnet_from_rgb888(pointers[0], 32, 32, *pointers[1:])
    assert np.array_equal(out.astype(int), pixels.astype(int) - 128)


# --- the decision

SURE = Confidence(temperature=1.24, rows=(Row(0.0, 200, 170), Row(0.5, 150, 140), Row(0.8, 100, 98)))


@pytest.fixture(scope="module", params=[None, 0.05, 0.35, 1.24, 20.0], ids=str)
def decision(request, measured, tmp_path_factory):
    """tiny-resnet with a temperature, and what its C function says of an output: the class and its probability."""
    confidence = replace(SURE, temperature=request.param) if request.param else None
    folder = tmp_path_factory.mktemp("decide")
    contract = replace(measured.file.contract, confidence=confidence)
    source.write_c(measured, contract, folder, min_confidence=0.8)
    decide = compiled(folder, ["decide.c"], folder / "decide.so").tiny_resnet_decide
    decide.argtypes = [ctypes.c_void_p, ctypes.c_float, ctypes.POINTER(ctypes.c_float)]

    def answer(output: np.ndarray, least: float) -> tuple[int, float]:
        found = ctypes.c_float()
        return decide(output.ctypes.data_as(ctypes.c_void_p), least, found), found.value

    return contract, answer


def outputs(images: int) -> np.ndarray:
    """Softmaxes of all kinds, and any bytes: all equal, all 0."""
    chance = np.random.default_rng(0)
    logits = chance.standard_normal((images, 10)) * chance.uniform(0, 8, (images, 1))
    shares = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    soft = (np.round(shares * 256) - 128).clip(-128, 127).astype(np.int8)
    bytes_ = chance.integers(-128, 128, (images, 10), np.int8)
    equal = np.repeat(np.arange(-128, 128, dtype=np.int8)[:, None], 10, 1)
    return np.concatenate([soft, bytes_, equal])


@pytest.mark.parametrize("least", [0.0, 0.3, 0.5, 0.8, 0.9961, 1.0])
def test_c_decides_as_predict(decision, measured, least):
    contract, answer = decision
    for output in outputs(1000):
        shares = probabilities(output, measured.file.output, contract)
        found, sure = answer(output, least)
        assert sure == pytest.approx(shares.max(), rel=1e-5)
        if abs(shares.max() - least) > 1e-5:
            assert found == (output.argmax() if shares.max() >= least else -1)


def test_a_threshold_that_is_met_exactly_is_an_answer(measured, library):
    output = np.full(10, -128, np.int8)
    output[3] = 0
    found = ctypes.c_float()
    pointer = output.ctypes.data_as(ctypes.c_void_p)
    for least, expected in ((0.5, 3), (np.nextafter(np.float32(0.5), np.float32(1)), -1)):
        assert library.tiny_resnet_decide(pointer, ctypes.c_float(least), ctypes.byref(found)) == expected
    assert found.value == 0.5


def test_the_threshold_of_a_precision_is_exported(measured, tmp_path):
    file = measured.file
    (tmp_path / "own.tflite").write_bytes(rewritten(file.data, replace(file.contract, confidence=SURE)))
    made = export(str(tmp_path / "own.tflite"), min_precision=0.95, out=tmp_path / "c")
    assert (made.threshold.confidence, made.threshold.answered) == (0.8, 100)
    assert "#define TINY_RESNET_MIN_CONFIDENCE 0.8f\n" in (tmp_path / "c/model.h").read_text()
    assert "1.24" in (tmp_path / "c/decide.c").read_text()
    with pytest.raises(RefusedError, match=r"expected a precision of 0.99, found at most 0.980"):
        export(str(tmp_path / "own.tflite"), min_precision=0.99, out=tmp_path / "none")
    assert not (tmp_path / "none").exists()


def test_without_a_threshold_every_answer_is_given(exported):
    assert exported.threshold is None
    assert "#define TINY_RESNET_MIN_CONFIDENCE 0.0f\n" in (exported.folder / "model.h").read_text()
    assert "powers" not in (exported.folder / "decide.c").read_text()


# --- the example


@pytest.fixture
def tflm(tmp_path):
    return write_headers(tmp_path / "tflm")


def test_the_example_is_short(exported):
    lines = [len((exported.folder / name).read_text().splitlines()) for name in ("main.cc", "CMakeLists.txt")]
    assert sum(lines) < 110


@pytest.mark.parametrize("how", ["gcc", "cmake"])
def test_the_example_builds_and_runs(exported, tflm, tmp_path, how):
    if how == "cmake" and not shutil.which("cmake"):
        pytest.skip("no cmake on this machine")
    built = tmp_path / "build"
    built.mkdir()
    if how == "cmake":
        archive = tmp_path / "libtflm.a"
        subprocess.run(["ar", "rcs", archive], check=True)
        options = [f"-DTFLM={tflm}", f"-DTFLM_LIBRARY={archive}"]
        configure = ["cmake", "-S", exported.folder, "-B", built, *options]
        for command in (configure, ["cmake", "--build", built]):
            subprocess.run(command, check=True, capture_output=True)
    else:
        objects = []
        for name in ("model.c", "preprocess.c", "decide.c", "golden.c"):
            objects.append(built / f"{name}.o")
            subprocess.run(["gcc", *STRICT, "-c", exported.folder / name, "-o", objects[-1]], check=True)
        strict = ["-std=c++17", "-Wall", "-Wextra", "-Werror", f"-I{tflm}"]
        main = exported.folder / "main.cc"
        subprocess.run(["g++", *strict, main, *objects, "-o", built / "tiny_resnet"], check=True)
    done = subprocess.run([built / "tiny_resnet"], capture_output=True, text=True, check=True)
    start, frames = done.stdout.splitlines()[:6], done.stdout.splitlines()[6:]
    assert start == [
        f"arena: 1000 of {exported.arena} bytes",
        *(f"tensor to output: picture {i}, class 0 differs first" for i in range(4)),
        "4 of 4 golden pictures differ",
    ]
    assert frames == ["eyespot: preprocess 3000 us", "eyespot: invoke 3000 us", "automobile 89.1 %"] * 20


def test_the_example_of_a_camera_without_a_clock(tflm, tmp_path):
    made = export("tiny-resnet", name="my model", camera="40x30:rgb565", out=tmp_path / "c")
    clock = tflm / "tensorflow/lite/micro/micro_time.h"
    clock.write_text(clock.read_text().replace("return 1000;", "return 0;"))
    objects = [tmp_path / f"{name}.o" for name in ("model", "preprocess", "decide", "golden")]
    for each in objects:
        subprocess.run(["gcc", *STRICT, "-c", made.folder / f"{each.stem}.c", "-o", each], check=True)
    strict = ["-std=c++17", "-Wall", "-Wextra", "-Werror", f"-I{tflm}"]
    subprocess.run(["g++", *strict, made.folder / "main.cc", *objects, "-o", tmp_path / "x"], check=True)
    printed = subprocess.run([tmp_path / "x"], capture_output=True, text=True, check=True).stdout
    assert "value" not in printed, "the preprocessing is right"
    assert "no clock: README.md has the line for your SDK\n" in printed
    assert "eyespot:" not in printed
    assert (tmp_path / "c/README.md").read_text().startswith("# my model in C\n")


@pytest.mark.parametrize(
    ("operator", "name"),
    [
        ("CONV_2D", "Conv2D"),
        ("FULLY_CONNECTED", "FullyConnected"),
        ("AVERAGE_POOL_2D", "AveragePool2D"),
        ("ADD", "Add"),
        ("_MY__2D_", "My2D"),
    ],
)
def test_resolver_names(operator, name):
    assert resolver_name(operator) == name


def test_the_arena_asked_for_is_the_one_that_was_measured(exported):
    assert exported.arena == measure_arena(read(registry.find("tiny-resnet"))).total


# --- names


@pytest.mark.parametrize(
    ("name", "symbol"),
    [("front-door", "front_door"), ("x */ int evil; /*", "x_int_evil_"), ("caf\udce9", "caf_udce9_"), ("int", "int_")],
)
def test_names_of_symbols(name, symbol, tmp_path):
    made = export("tiny-resnet", name=name, out=tmp_path)
    header = (made.folder / "model.h").read_text()
    assert re.search(rf"extern const size_t {symbol}\w*_model_size;", header)
    assert "tiny" not in "".join(path.read_text() for path in made.files if path.suffix != ".md").lower()
    subprocess.run(["gcc", *STRICT, "-c", made.folder / "model.c", "-o", tmp_path / "x.o"], check=True)


def test_an_empty_name(tmp_path):
    with pytest.raises(BadArgumentError, match="name: expected a name, such as my-model"):
        export("tiny-resnet", name=" ", out=tmp_path / "c")


def test_two_models_of_your_own_have_the_names_of_their_folders(tmp_path, monkeypatch):
    """Else their symbols collide in one program."""
    monkeypatch.chdir(tmp_path)
    for name, facts in (
        ("front-door", {"training_images": "x"}),
        ("back-door", {"training_images": "x"}),
        ("copy", {}),
    ):
        shutil.copytree(registry.home("tiny-resnet"), name)
        path = Path(name) / "int8.tflite.json"
        record = json.loads(path.read_text())
        path.write_text(json.dumps(record | {"facts": record["facts"] | facts}))
    found = [export(name, out=Path("c") / name).folder / "model.h" for name in ("front-door", "back-door", "copy")]
    guards = [re.search("#ifndef (.*)_MODEL_H", path.read_text())[1] for path in found]
    assert guards == ["FRONT_DOOR", "BACK_DOOR", "TINY_RESNET"]
    assert export("front-door", to="folder").folder == Path("build/front-door/folder")


# --- what is refused


def test_float32_is_not_exported(tmp_path):
    with pytest.raises(RefusedError, match="expected an int8 file, found float32"):
        export("tiny-resnet:float32", out=tmp_path)


def test_a_file_that_takes_other_numbers_is_not_exported(tmp_path):
    """The C source writes pixel - 128 and nothing else."""
    model = schema.unpack(registry.find("tiny-resnet").read_bytes())
    model.subgraphs[0].tensors[model.subgraphs[0].inputs[0]].quantization.scale = np.array([0.5], np.float32)
    path = tmp_path / "other.tflite"
    path.write_bytes(schema.pack(model))
    with pytest.raises(RefusedError, match="expected an input of pixel - 128"):
        export(str(path), out=tmp_path / "c")
    assert not (tmp_path / "c").exists()


def test_operators_whose_names_are_the_files_own_are_not_exported(tmp_path):
    """TFLM reads such a name up to a NUL; the C source would hold all of it."""
    model = schema.unpack(registry.find("tiny-resnet").read_bytes())
    code = model.operatorCodes[model.subgraphs[0].operators[0].opcodeIndex]
    code.builtinCode = code.deprecatedBuiltinCode = BuiltinOperator.CUSTOM
    code.customCode = b"x\0(); evil("
    (tmp_path / "x.tflite").write_bytes(schema.pack(model))
    with pytest.raises(RefusedError, match="expected operators that TFLM registers, found custom:x"):
        export(str(tmp_path / "x.tflite"), out=tmp_path / "c")
    assert not (tmp_path / "c").exists()


@pytest.mark.parametrize("changed", [{"order": "bgr"}, {"resize": "bicubic"}, {"mean": (0.0, 1.0, 0.0)}])
def test_preprocessing_that_the_c_source_lacks_is_refused(measured, tmp_path, changed):
    contract = measured.file.contract
    contract = replace(contract, preprocessing=replace(contract.preprocessing, **changed))
    with pytest.raises(RefusedError, match=next(iter(changed.values())) if "mean" not in changed else "128"):
        source.write_c(measured, contract, tmp_path / "c")
    assert not (tmp_path / "c").exists()


def test_equal_means_of_all_channels_are_exported(measured, tmp_path):
    contract = measured.file.contract
    spec = replace(contract.preprocessing, mean=(0.0, 0.0, 0.0), std=(1.0, 1.0, 1.0))
    source.write_c(measured, replace(contract, preprocessing=spec), tmp_path)
