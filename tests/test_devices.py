"""Compilation and exports, by the real tools."""

from __future__ import annotations

import subprocess

import pytest

from eyespot import registry
from eyespot.artifact import load
from eyespot.errors import BadFileError, RefusedError
from eyespot.tflite.read import read
from eyespot.tflite.tflm import isolated, measure_arena
from eyespot.verbs.compile import compile_for
from eyespot.verbs.export import export, resolver_name


def test_compile_keeps_the_reports(tmp_path):
    made = compile_for("tiny-resnet", device="imx93", out=tmp_path)
    assert made.file.name == "int8_vela.tflite"
    assert load(made.file).inputs == {"int8": read(registry.find("tiny-resnet")).sha256}
    assert all(report.stat().st_size for report in made.reports)
    assert made.artifact.facts["cpu"] == 0


def test_compile_twice_gives_the_same_bytes(tmp_path):
    first, second = (compile_for("tiny-resnet", device="imx93", out=tmp_path / n).artifact for n in "ab")
    assert first == second


def test_compile_for_a_device_without_a_compiler():
    with pytest.raises(RefusedError, match="has no compiler here"):
        compile_for("tiny-resnet", device="imxrt1050")


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    return export("tiny-resnet", to="c", out=tmp_path_factory.mktemp("c"))


def test_the_c_source_compiles_strictly_and_holds_the_file(exported, tmp_path):
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
    strict = ["-std=c99", "-Wall", "-Wextra", "-Werror", "-pedantic"]
    sources = [str(main), str(exported.folder / "model.c")]
    subprocess.run(["gcc", *strict, f"-I{exported.folder}", *sources, "-o", tmp_path / "x"], check=True)
    done = subprocess.run([tmp_path / "x"], capture_output=True, check=True)
    assert done.stdout == registry.find("tiny-resnet").read_bytes()
    assert done.stderr.decode().split() == ["32", "3", "10", "1", "-128", "truck", str(exported.arena)]


def test_the_header_suits_cpp_with_a_resolver(exported, tmp_path):
    """A resolver that counts its calls stands where TFLM's would."""
    main = tmp_path / "main.cc"
    calls = " ".join(
        f"void Add{resolver_name(o)}() {{ ++n; }}" for o in set(read(registry.find("tiny-resnet")).operators)
    )
    main.write_text(
        f'#include "model.h"\nstruct R {{ int n = 0; {calls} }};\n'
        "int main() { R r; TINY_RESNET_ADD_OPERATORS(r); return r.n != TINY_RESNET_OPERATORS; }\n"
    )
    subprocess.run(
        ["g++", "-Wall", "-Werror", f"-I{exported.folder}", main, "-o", tmp_path / "x"], check=True
    )
    subprocess.run([tmp_path / "x"], check=True)


@pytest.mark.parametrize(
    ("operator", "name"),
    [
        ("CONV_2D", "Conv2D"),
        ("FULLY_CONNECTED", "FullyConnected"),
        ("AVERAGE_POOL_2D", "AveragePool2D"),
        ("ADD", "Add"),
    ],
)
def test_resolver_names(operator, name):
    assert resolver_name(operator) == name


def test_the_arena_asked_for_covers_what_was_measured(exported):
    measured = isolated(measure_arena, registry.find("tiny-resnet")).total
    assert measured < exported.arena < 1.06 * measured
    assert exported.arena % 16 == 0


def test_float32_is_not_exported(tmp_path):
    with pytest.raises(RefusedError, match="is float32"):
        export("tiny-resnet:float32", out=tmp_path)


def test_vela_on_a_damaged_file(tmp_path):
    path = tmp_path / "x.tflite"
    path.write_bytes(registry.find("tiny-resnet").read_bytes()[:40_000])
    with pytest.raises(BadFileError, match="damaged"):
        compile_for(str(path), device="imx93", out=tmp_path)
