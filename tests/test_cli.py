"""The command as a user meets it: one line of error, exit codes, JSON."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from ai_edge_litert.schema_py_generated import BuiltinOperator
from PIL import Image

import eyespot
from commands import fails, run
from eyespot.artifacts import places
from eyespot.preprocessing.synthetic import picture
from eyespot.reports.terminal import show
from eyespot.tflite import schema


@pytest.fixture
def photos(tmp_path):
    folder = tmp_path / "photos"
    folder.mkdir()
    for i in range(3):
        Image.fromarray(picture(i, 40, 50, 3)).save(folder / f"{i}.png")
    return folder


def test_list(capsys):
    code, out, _ = run(capsys, "list")
    assert code == 0
    assert "tiny-resnet" in out


def test_json_is_one_document_field_for_field(capsys):
    code, out, err = run(capsys, "list", "--json")
    assert (code, err) == (0, "")
    rows = json.loads(out)
    assert rows[0].keys() >= {"name", "parameters", "top1", "n"}


def test_show(capsys):
    _, out, _ = run(capsys, "show", "tiny-resnet", "--json")
    shown = json.loads(out)
    assert shown["card"]["name"] == "tiny-resnet"
    assert {link["verb"] for file in shown["files"] for link in file["chain"]} >= {"convert", "quantize"}
    assert run(capsys, "show", "tiny-resnet")[0] == 0


@pytest.mark.parametrize("name", ["tiny-resnt", "tiny_resnet", "Tiny-ResNet"])
def test_a_misspelt_model_is_not_chosen(capsys, name):
    assert "did you mean tiny-resnet" in fails(capsys, "show", name)
    assert "did you mean tiny-resnet" in fails(capsys, "evaluate", name)


def test_an_unknown_device(capsys):
    assert "did you mean imx93" in fails(capsys, "check", "tiny-resnet", "--device", "imx933")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["predcit"], "no command is called 'predcit'; did you mean predict?; see: eyespot --help"),
        (["nonsense"], "report, show, site, train, verify; see: eyespot --help"),
        (["evaluate"], "requires an argument; see: eyespot evaluate --help"),
        (["evaluate", "tiny-resnet", "--foo"], "Unknown option: --foo; see: eyespot evaluate --help"),
        (["evaluate", "tiny-resnet", "--kernels", "x"], "xnnpack"),
        (["predict", "tiny-resnet", "x.png", "--top", "-1"], "top: expected 1 or more, found -1"),
        (["evaluate", "tiny-resnet", "--processes", "99999"], "processes: expected at most 1,024, found 99,999"),
        (["train", "tiny-resnet", "--threads", "9" * 30], "threads: expected at most 1,024"),
        (["predict", "tiny-resnet", "x.png", "--top", "0"], "see: eyespot predict --help"),
        (["list", "--ram", "1,5M"], "'1,5M': invalid size; write 256k, 1M or 300000"),
    ],
)
def test_wrong_usage_is_exit_code_2(capsys, words, message):
    code, out, err = run(capsys, *words)
    assert (code, out) == (2, "")
    assert err.count("\n") == 1
    assert message in err


def shell(command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a shell command in which `eyespot` is this source's."""
    script = f'eyespot() {{ "{sys.executable}" -m eyespot "$@"; }}; {command}'
    path = os.environ | {"PYTHONPATH": str(places.PACKAGE.parent)} | environment
    return subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=False, env=path)


@pytest.mark.parametrize(
    ("command", "code", "err"),
    [
        ("eyespot list >&-", 1, "eyespot: standard output is closed; send it to a file or to /dev/null\n"),
        ("eyespot list >&- 2>&-", 1, ""),
        ("eyespot list 2>&- >/dev/null", 0, ""),
        ("eyespot list --json > /dev/full", 1, "eyespot: output: No space left on device\n"),
        ("eyespot list --json | true", 0, ""),
        ("eyespot list --json | head -1", 0, ""),
    ],
)
def test_output_that_takes_nothing(command, code, err):
    done = shell(command)
    assert (done.returncode, done.stderr) == (code, err)


@pytest.mark.parametrize(
    ("module", "error", "message"),
    [
        ("cyclopts", "KeyboardInterrupt", "eyespot: stopped\n"),  # while modules load
        ("matplotlib", "KeyboardInterrupt", "eyespot: stopped; nothing is left half-written\n"),
        ("matplotlib", "MemoryError", "eyespot: not enough memory; close other programs and repeat\n"),
    ],
)
def test_ctrl_c_and_lack_of_memory_are_one_line(tmp_path, module, error, message):
    (tmp_path / f"{module}.py").write_text(f"raise {error}")
    path = os.pathsep.join([str(tmp_path), str(places.PACKAGE.parent)])
    done = shell(f"eyespot list --plot '{tmp_path}/x.png'", PYTHONPATH=path)
    assert (done.returncode, done.stderr) == (1, message)


def test_names_that_the_terminal_cannot_write(photos):
    (photos / "0.png").rename(photos / "grün \udcff.png")
    done = shell(f"eyespot predict tiny-resnet '{photos}'", PYTHONIOENCODING="ascii")
    assert (done.returncode, done.stderr) == (0, "")
    assert r"gr\xfcn \udcff.png: " in done.stdout
    done = shell(f"eyespot predict tiny-resnet '{photos}' --json", PYTHONIOENCODING="ascii")
    assert rf"{photos}/grün \udcff.png" in [each["source"] for each in json.loads(done.stdout)]  # readers refuse halves


def test_predict_files_folders_and_globs(capsys, photos):
    code, out, _ = run(capsys, "predict", "tiny-resnet", photos, f"{photos}/[01].png", "--top", 2, "--json")
    found = json.loads(out)
    assert code == 0
    assert [Path(p["source"]).name for p in found] == ["0.png", "1.png", "2.png", "0.png", "1.png"]
    assert all(len(p["classes"]) == 2 for p in found)
    assert found[0] == found[3]


def test_predict_in_a_table(capsys, photos):
    _, out, _ = run(capsys, "predict", "tiny-resnet", photos / "0.png")
    assert "0.png" in out
    assert "%" in out


def test_a_file_that_crashes_litert(capsys, photos, tmp_path):
    model = schema.unpack((places.ZOO / "tiny-resnet/int8.tflite").read_bytes())
    code = model.operatorCodes[model.subgraphs[0].operators[0].opcodeIndex]
    code.builtinCode = code.deprecatedBuiltinCode = BuiltinOperator.SPLIT  # with the inputs of a convolution
    (tmp_path / "x.tflite").write_bytes(schema.pack(model))
    assert "x.tflite: LiteRT crashed: SIGSEGV" in fails(capsys, "predict", tmp_path / "x.tflite", photos)


def test_markup_in_names_is_printed_as_it_is(capsys, tmp_path):
    classes = (("frog [green]", 0.5), (":cat:", 0.25))
    show(eyespot.Prediction(source="[/x].png", answer="frog [green]", classes=classes))
    assert capsys.readouterr().out == "[/x].png: frog [green] 50.0 %, :cat: 25.0 %\n"
    code, out, _ = run(capsys, "export", "tiny-resnet", "--to", "folder", "--out", tmp_path / "w[/x]")
    assert code == 0
    assert "w[/x]" in out


def test_predict_bad_images(capsys, photos):
    (photos / "broken.jpg").write_bytes(b"no picture")
    assert "broken.jpg: does not decode" in fails(capsys, "predict", "tiny-resnet", photos)
    assert "no images there" in fails(capsys, "predict", "tiny-resnet", photos / "none*.png")


@pytest.mark.parametrize("content", [b"", b"no model at all", bytes(4) + b"TFL3" + bytes(50)])
@pytest.mark.parametrize("verb", ["evaluate", "check", "export", "compile"])
def test_a_file_that_is_no_model(capsys, tmp_path, verb, content):
    path = tmp_path / "x.tflite"
    path.write_bytes(content)
    more = ["--device", "imx93"] if verb == "compile" else []
    assert str(path) in fails(capsys, verb, path, *more)


def test_missing_data_says_how_to_get_it(capsys, no_data):
    assert "eyespot fetch cifar-10" in fails(capsys, "evaluate", "tiny-resnet")
    assert "eyespot fetch cifar-10" in fails(capsys, "quantize", "tiny-resnet")


def test_truncated_data(capsys, no_data):
    folder = no_data / "cifar-10/cifar-10-batches-bin"
    folder.mkdir(parents=True)
    (folder / "test_batch.bin").write_bytes(bytes(5000))
    assert "test_batch.bin: 5,000 bytes, expected 30,730,000" in fails(capsys, "evaluate", "tiny-resnet")


def test_a_sidecar_that_does_not_match(capsys, tmp_path):
    for name in ("float32.tflite", "float32.tflite.json", "int8.tflite", "int8.tflite.json"):
        shutil.copy(places.ZOO / "tiny-resnet" / name, tmp_path)
    with (tmp_path / "int8.tflite").open("ab") as file:
        file.write(b"\0")
    told = fails(capsys, "make", tmp_path, "--out", tmp_path / "made")
    assert "its sidecar expects sha256" in told
    assert not (tmp_path / "made").exists()


def test_unknown_published_weights(capsys, tmp_path):
    assert "mlperf-tiny" in fails(capsys, "convert", "tiny-resnet", "--weights", "mlperf", "--out", tmp_path)


def test_convert_before_train(capsys, tmp_path):
    assert "make it with: eyespot train tiny-resnet" in fails(capsys, "convert", "tiny-resnet", "--out", tmp_path)


def test_report_is_markdown(capsys):
    code, out, _ = run(capsys, "report")
    assert code == 0
    assert out.startswith("| Model name | Architecture |")
