"""compile: by vela, and by a stand-in for the converter that is NXP's own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

import pytest

from eyespot.artifacts import places
from eyespot.artifacts.model_folder import read_sidecar
from eyespot.errors import BadFileError, MissingDataError, RefusedError, ToolStartError
from eyespot.tflite.read import read
from eyespot.verbs.compile import compile_for
from eyespot.zoo import registry


def test_compile_keeps_the_reports(tmp_path):
    made = compile_for("tiny-resnet", device="imx93", out=tmp_path)
    assert made.file.name == "int8_vela.tflite"
    assert read_sidecar(made.file).inputs == {"int8": read(registry.find("tiny-resnet")).sha256}
    assert all(report.stat().st_size for report in made.reports)
    assert made.artifact.facts["cpu"] == 0


def test_compile_twice_gives_the_same_bytes(tmp_path):
    first, second = (compile_for("tiny-resnet", device="imx93", out=tmp_path / n).artifact for n in "ab")
    assert first == second


@pytest.mark.parametrize("name", ["-x", "m[1]", "ä b"])
def test_names_that_vela_does_not_take(tmp_path, monkeypatch, name):
    shutil.copy(registry.find("tiny-resnet"), tmp_path / f"{name}.tflite")
    monkeypatch.chdir(tmp_path)
    made = compile_for(f"{name}.tflite", device="imx93", out=tmp_path / "out")
    assert made.file.name == f"{name}_vela.tflite"
    assert {path.name for path in made.reports} == {
        f"{name}_summary_Ethos_U65_High_End.csv", f"{name}_per-layer.csv", "vela.log"
    }  # fmt: skip
    assert made.artifact.sha256 == read_sidecar(made.file).sha256


SHARED = """
import sys
from pathlib import Path
from eyespot.devices import device
from eyespot.devices.host import HostMeasurements, compile_file
from eyespot.devices.verdicts import check_file
from eyespot.tflite.read import read_any

path, out = map(Path, sys.argv[1:])
events = []
sys.addaudithook(lambda event, args: events.append((event, str(*args[:1]))))
host, card = HostMeasurements(file=read_any(path)), device("imx93")
check_file(host, [card])
check_file(host, [card])
compile_file(host, card, out)
print(events.count(("open", str(path))), sum(event == "subprocess.Popen" for event, _ in events))
"""


def test_check_and_compile_of_one_file_share_what_they_measure(tmp_path):
    """The file is read once; LiteRT and vela are run once, each in one worker."""
    argv = [sys.executable, "-c", SHARED, registry.find("tiny-resnet"), tmp_path]
    assert subprocess.check_output(argv, text=True) == "1 2\n"
    assert read_sidecar(tmp_path / "int8_vela.tflite").facts["cpu"] == 0


def test_compile_for_a_device_without_a_compiler():
    with pytest.raises(RefusedError, match="has no compiler here"):
        compile_for("tiny-resnet", device="imxrt1050")


def test_vela_on_a_damaged_file(tmp_path):
    path = tmp_path / "x.tflite"
    path.write_bytes(registry.find("tiny-resnet").read_bytes()[:40_000])
    with pytest.raises(BadFileError, match="damaged"):
        compile_for(str(path), device="imx93", out=tmp_path)


def test_a_float32_file_is_not_compiled(tmp_path):
    """vela exits with 0 and leaves everything to the CPU."""
    with pytest.raises(RefusedError, match="leaves all of it to the CPU"):
        compile_for("tiny-resnet:float32", device="imx93", out=tmp_path)
    assert not list(tmp_path.glob("*.json"))


# --- neutron-converter: a stand-in that does what is known of NXP's own

STAND_IN = """#!{python}
import sys
from pathlib import Path
from ai_edge_litert import schema_py_generated as generated
from eyespot.tflite import schema

words = dict(zip(sys.argv[1::2], sys.argv[2::2]))
assert words["--target"] == "mcxn94x", words
model = schema.unpack(Path(words["--input"]).read_bytes())
graph = model.subgraphs[0]
code = generated.OperatorCodeT()
code.builtinCode, code.deprecatedBuiltinCode, code.customCode = 32, 32, b"NeutronGraph"
model.operatorCodes.append(code)
npu = graph.operators[0]
npu.opcodeIndex, npu.outputs = len(model.operatorCodes) - 1, graph.operators[-2].outputs
npu.builtinOptions, npu.builtinOptionsType = None, 0
graph.operators = [npu, graph.operators[-1]]
Path(words["--output"]).write_bytes(schema.pack(model))
print("converted, 1 graph")
"""


def program(path, text: str):
    path.write_text(text)
    path.chmod(0o755)
    return path


@pytest.fixture
def converter(tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(places.PACKAGE.parent))
    return program(tmp_path / "neutron-converter", STAND_IN.format(python=sys.executable))


def test_neutron_converter_by_path(converter, tmp_path):
    made = compile_for("tiny-resnet", device="mcxn947", tool=converter, out=tmp_path / "out")
    assert made.file.name == "int8_npu.tflite"
    assert read(made.file).operators == ("custom:NeutronGraph", "SOFTMAX")
    assert made.artifact.facts == {"npu": 1, "cpu": 1}
    assert made.artifact.tools["neutron-converter"].startswith("sha256 ")
    assert [report.read_text() for report in made.reports] == ["converted, 1 graph\n"]
    assert read_sidecar(made.file).inputs == {"int8": read(registry.find("tiny-resnet")).sha256}


def test_neutron_converter_on_the_path(converter, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", f"{converter.parent}:{os.environ['PATH']}")
    assert compile_for("tiny-resnet", device="mcxn947", out=tmp_path / "out").file.exists()


SDK = """
from pathlib import Path
from types import SimpleNamespace
import json

class CompilationContext:
    targetOpts = None

neutron_library_utils = SimpleNamespace(isNeutronTarget=lambda name: name in ("imx95", "imxrt700"))
getNeutronTarget = str

def convertModel(data, context):
    Path("source").write_bytes(bytes(data))
    import subprocess, sys
    words = ["--input", "source", "--output", "made", "--target", "mcxn94x"]
    subprocess.run([STAND_IN, *words], check=True)
    return list(Path("made").read_bytes())

neutron_converter = SimpleNamespace(**globals())
"""


@pytest.fixture
def sdk(converter, tmp_path, monkeypatch):
    """A stand-in for eiq-neutron-sdk, with the calls that ExecuTorch's back end makes, and no converter on the PATH."""
    (tmp_path / "site").mkdir()
    (tmp_path / "site/eiq_neutron_sdk.py").write_text(f"STAND_IN = {str(converter)!r}\n" + SDK)
    folder = tmp_path / "site/eiq_neutron_sdk-3.2.0.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text("Metadata-Version: 2.1\nName: eiq-neutron-sdk\nVersion: 3.2.0\n")
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path / 'site'}:{places.PACKAGE.parent}")
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    monkeypatch.syspath_prepend(str(tmp_path / "site"))


@pytest.mark.parametrize("name", ["imx95", "imxrt700"])
def test_neutron_converter_of_nxps_package(name, sdk, tmp_path):
    made = compile_for("tiny-resnet", device=name, out=tmp_path / "out")
    assert made.artifact.facts == {"npu": 1, "cpu": 1}
    assert made.artifact.tools["eiq-neutron-sdk"] == "3.2.0"


def test_a_target_that_nxps_package_does_not_know(sdk, tmp_path):
    with pytest.raises(BadFileError, match="neutron-converter refuses it: it does not know the target mcxn94x"):
        compile_for("tiny-resnet", device="mcxn947", out=tmp_path / "out")


def test_an_ethos_u_of_the_users_choice(tmp_path):
    made = compile_for("tiny-resnet", device="ethos-u", vela="--accelerator-config ethos-u85-256", out=tmp_path)
    assert made.artifact.facts["cpu"] == 0
    assert made.artifact.arguments["options"][1] == "ethos-u85-256"


def test_without_neutron_converter(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MissingDataError, match=r"not on the PATH: NXP's eIQ Toolkit .* --tool PATH"):
        compile_for("tiny-resnet", device="mcxn947", out=tmp_path)


def test_a_tool_that_is_no_program(tmp_path):
    (tmp_path / "x").write_text("no program")
    for path in (tmp_path / "x", tmp_path / "none", tmp_path):
        with pytest.raises(MissingDataError, match="not an executable; give --tool the path of"):
            compile_for("tiny-resnet", device="mcxn947", tool=path, out=tmp_path)


def test_a_program_of_another_machine(tmp_path):
    with pytest.raises(ToolStartError, match="neutron-converter did not start: Exec format error"):
        compile_for("tiny-resnet", device="mcxn947", tool=program(tmp_path / "x", "\x7fELF?"), out=tmp_path)


@pytest.mark.parametrize("text", ["echo 'no such operator' >&2; exit 3", "echo 'no such operator'"])
def test_a_converter_that_fails(tmp_path, text):
    """By its exit code, or by writing nothing."""
    broken = program(tmp_path / "broken", f"#!/bin/sh\n{text}\n")
    with pytest.raises(BadFileError, match="neutron-converter refuses it: no such operator"):
        compile_for("tiny-resnet", device="mcxn947", tool=broken, out=tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_converter_that_puts_nothing_on_the_npu(tmp_path):
    lazy = program(tmp_path / "lazy", '#!/bin/sh\ncp "$2" "$4"\n')
    with pytest.raises(RefusedError, match="leaves all of it to the CPU"):
        compile_for("tiny-resnet", device="mcxn947", tool=lazy, out=tmp_path)


def test_vela_takes_no_tool(tmp_path):
    with pytest.raises(RefusedError, match="vela is a Python package"):
        compile_for("tiny-resnet", device="imx93", tool=tmp_path / "vela", out=tmp_path)
