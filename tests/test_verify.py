"""verify: golden vectors stage by stage, with this machine's programs and with a port's dumps."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from eyespot.artifacts import places
from eyespot.cli import main
from eyespot.errors import BadFileError, MissingDataError, UnfitError
from eyespot.exports.c import for_host
from eyespot.exports.folder import write_golden
from eyespot.exports.verification.verified import Verified
from eyespot.tflite.read import read
from eyespot.verbs.verify import verify
from eyespot.zoo import registry

HERE = ["eyespot", "eyespot", "C source, golden", "C source, larger", "LiteRT, reference", "LiteRT, XNNPACK"]


@pytest.fixture(scope="module")
def original(tmp_path_factory) -> Path:
    """A folder with tiny-resnet's int8 file and its golden vectors, as `make` writes them."""
    folder = tmp_path_factory.mktemp("made")
    for name in ("int8.tflite", "int8.tflite.json"):
        shutil.copy(places.ZOO / "tiny-resnet" / name, folder)
    file = read(registry.find("tiny-resnet"))
    write_golden(file, file.contract, folder / "golden")
    return folder


@pytest.fixture
def made(original, tmp_path) -> Path:
    """A copy to damage."""
    return Path(shutil.copytree(original, tmp_path / "made"))


def statuses(verified: Verified) -> dict[str, str]:
    return {f"{each.stage}: {each.by}": each.status for each in verified.stages}


def failed(*args, **options) -> Verified:
    with pytest.raises(UnfitError) as caught:
        verify(*args, **options)
    return caught.value.result


# --- on this machine


@pytest.mark.slow
def test_every_program_of_this_machine_agrees(made):
    verified = verify(str(made))
    assert (verified.golden, verified.pictures) == (str(made / "golden"), 4)
    assert [each.by for each in verified.stages] == [*HERE, "TFLM", "classify.py"]
    assert {each.status for each in verified.stages} <= {"equal", "close", "not run"}
    by = {each.by: each for each in verified.stages}
    assert by["LiteRT, reference"].most == 0
    assert 0 < by["LiteRT, XNNPACK"].most <= by["LiteRT, XNNPACK"].tolerance
    assert by["C source, larger"].most <= 1


@pytest.mark.slow
@pytest.mark.parametrize("model", ["deepface-emotion", "tiny-resnet:float32"])
def test_vectors_are_generated_for_a_model(model):
    verified = verify(model)
    assert verified.golden == "generated"
    by = {each.by: each for each in verified.stages}
    assert by["LiteRT, reference"].status == "equal"
    compiled = "not run" if model.endswith("float32") else "equal"
    assert by["C source, golden"].status == compiled
    assert ("expected an int8 file" in by["C source, golden"].reason) == (compiled == "not run")


@pytest.mark.slow
def test_a_published_file_with_another_files_contract(data_root):
    path = data_root / "published/vww_96_int8.tflite"
    verified = verify(str(path), contract="visual-wake-word")
    by = {each.by: each for each in verified.stages}
    assert by["LiteRT, reference"].status == "equal"
    assert by["LiteRT, XNNPACK"].status in {"equal", "close"}


def test_names_of_a_hostile_contract_are_not_compiled():
    file = read(registry.find("tiny-resnet"))
    names = ('"); } int evil(void) {', *file.contract.classes[1:])
    contract = replace(file.contract, model="x */ int evil; /*", classes=names)
    sources = for_host(file, contract, 40, 30)
    assert set(sources) == {"model.h", "preprocess.c", "host.c"}
    assert not any("evil" in text for text in sources.values())


@pytest.mark.slow
def test_without_a_compiler_the_c_source_is_not_run(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    verified = verify("tiny-resnet")
    stages = [each for each in verified.stages if each.by.startswith("C source")]
    assert {each.reason for each in stages} == {"this machine has no C compiler (gcc or cc)"}


@pytest.mark.slow
def test_changed_vectors_are_found_in_their_stage(made):
    tensor = bytearray((made / "golden/2.input.bin").read_bytes())
    tensor[5] ^= 64
    (made / "golden/2.input.bin").write_bytes(tensor)
    with pytest.raises(UnfitError, match="first pixels to tensor, eyespot: picture 2, value \\(0, 1, 2\\)") as caught:
        verify(str(made))
    found = statuses(caught.value.result)
    assert found["picture to pixels: eyespot"] == "equal"
    assert found["pixels to tensor: eyespot"] == "differs"


@pytest.mark.slow
def test_a_changed_picture_is_found_first(made):
    Image.fromarray(np.zeros((32, 32, 3), np.uint8)).save(made / "golden/1.png")
    found = statuses(failed(str(made)))
    assert found["picture to pixels: eyespot"] == found["pixels to tensor: eyespot"] == "differs"


@pytest.mark.slow
def test_a_changed_output_is_found_last(made):
    (made / "golden/0.output.bin").write_bytes(bytes(10))
    found = failed(str(made))
    assert statuses(found)["tensor to output: LiteRT, reference"] == "differs"
    stage = next(each for each in found.stages if each.by == "LiteRT, reference")
    assert (stage.values, stage.first[:20]) == (40, "picture 0, value 0: ")
    assert stage.most == 128


def damage_json(made: Path, **changed) -> None:
    path = made / "golden/golden.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changed))


DAMAGES = {
    "another file": (lambda made: damage_json(made, file="0" * 64), "expected vectors of int8.tflite"),
    "too many": (lambda made: damage_json(made, pictures=10**9), "expected 1 to 4 pictures, found 1000000000"),
    "no number": (lambda made: damage_json(made, pictures="4"), "expected `int`"),
    "short": (lambda made: (made / "golden/0.input.bin").write_bytes(b"x"), "expected 3,072 bytes of int8, found 1"),
    "absent": (lambda made: (made / "golden/3.output.bin").unlink(), "3.output.bin: no such file"),
    "size": (lambda made: Image.new("RGB", (5, 4)).save(made / "golden/0.png"), "expected 32 x 32 pixels, found 5 x 4"),
    "no picture": (lambda made: (made / "golden/0.png").write_bytes(b"x"), "does not decode"),
}


@pytest.mark.parametrize("name", DAMAGES)
def test_damaged_vectors_are_one_line(made, name):
    damage, message = DAMAGES[name]
    damage(made)
    with pytest.raises(BadFileError, match=message):
        verify(str(made))


# --- a port's dumps


@pytest.fixture
def port(original, tmp_path) -> Path:
    """Dumps of a board that does everything right."""
    folder = tmp_path / "port"
    folder.mkdir()
    for path in original.glob("golden/*.bin"):
        shutil.copy(path, folder)
    return folder


def test_a_right_port(made, port):
    verified = verify(str(made), dumps=port)
    assert statuses(verified) == {"pixels to tensor: your port": "equal", "tensor to output: your port": "equal"}
    assert not verified.explanations


def test_a_port_with_swapped_channels_is_explained_and_its_kernels_are_not_blamed(made, port):
    """Its output is what its own wrong tensor gives."""
    from eyespot.tflite.run import open_runner

    run = open_runner(read(made / "int8.tflite"), "reference")
    for index in range(4):
        path = port / f"{index}.input.bin"
        wrong = np.ascontiguousarray(np.fromfile(path, np.int8).reshape(32, 32, 3)[..., ::-1])
        path.write_bytes(wrong.tobytes())
        (port / f"{index}.output.bin").write_bytes(run(wrong).tobytes())
    verified = failed(str(made), dumps=port)
    assert statuses(verified) == {"pixels to tensor: your port": "differs", "tensor to output: your port": "equal"}
    assert [each.mistakes for each in verified.explanations] == [("red and blue are swapped",)] * 4
    assert verified.explanations[1].picture == "golden picture 1"


def test_a_port_whose_kernels_are_wrong(made, port):
    (port / "1.output.bin").write_bytes(bytes(10))
    verified = failed(str(made), dumps=port)
    assert statuses(verified) == {"pixels to tensor: your port": "equal", "tensor to output: your port": "differs"}


def test_printed_numbers_of_one_picture(made, port, tmp_path, capsys):
    tensor, output = (np.fromfile(port / f"2.{kind}.bin", np.int8) for kind in ("input", "output"))
    texts = {"input": ", ".join(map(str, tensor)), "output": f"scores: {' '.join(map(str, output))}\n"}
    for kind, text in texts.items():
        for folder, index in (("right", 2), ("wrong", 1)):
            (tmp_path / folder).mkdir(exist_ok=True)
            (tmp_path / folder / f"{index}.{kind}.bin").write_text(text)
    assert main(["verify", str(made), f"--dumps={tmp_path / 'right'}"]) == 0
    assert "equal" in capsys.readouterr().out
    assert main(["verify", str(made), f"--dumps={tmp_path / 'wrong'}"]) == 1
    shown = capsys.readouterr()
    assert "pixels to tensor, your port: picture 1" in shown.err
    assert "differs" in shown.out


def test_only_outputs_are_compared_with_the_golden_ones(made, port):
    for path in port.glob("*.input.bin"):
        path.unlink()
    assert statuses(verify(str(made), dumps=port)) == {"tensor to output: your port": "equal"}


def test_dumps_in_another_form_are_refused(made, port):
    (port / "0.input.bin").write_bytes(np.zeros(3072, np.float32).tobytes())
    with pytest.raises(BadFileError, match="the 3,072 values of int8, found 12,288 bytes"):
        verify(str(made), dumps=port)


def test_a_folder_without_dumps(made, tmp_path):
    with pytest.raises(MissingDataError, match="expected dumps named 0"):
        verify(str(made), dumps=tmp_path)
