"""Whole files or none, and sidecars that tell the truth."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eyespot import decoding
from eyespot.artifacts import atomic, model_folder
from eyespot.artifacts.model_folder import ModelFolder
from eyespot.errors import BadFileError, EyespotError, MissingDataError
from eyespot.zoo import registry

RECORD = {"verb": "convert", "model": "m", "arguments": {}, "inputs": {}, "tools": {}, "facts": {}}


def save(path: Path, data: bytes, **changed):
    return model_folder.save(path, data, **RECORD | changed)


def test_saved_is_read(tmp_path):
    saved = save(tmp_path / "a.safetensors", b"abc", facts={"n": 3})
    assert ModelFolder(tmp_path).record("a.safetensors") == saved
    assert saved.sha256 == atomic.digest(b"abc")


def test_same_values_same_bytes(tmp_path):
    for name in ("one", "two"):
        save(tmp_path / name / "a.tflite", b"abc", facts={"b": 1, "a": 2})
    first, second = ((tmp_path / name / "a.tflite.json").read_bytes() for name in ("one", "two"))
    assert first == second
    assert str(tmp_path).encode() not in first


@pytest.mark.parametrize("name", ["int8.tflite", "weights.safetensors"])
def test_a_changed_file_is_noticed(tmp_path, name):
    data = registry.find("tiny-resnet").read_bytes()
    save(tmp_path / name, data)
    (tmp_path / name).write_bytes(data + bytes(16))
    with pytest.raises(BadFileError, match=rf"{name}: its sidecar expects sha256 .*, found .*{name}\.json"):
        ModelFolder(tmp_path).record(name)


def test_missing_sidecar(tmp_path):
    assert ModelFolder(tmp_path).record("a.tflite") is None
    assert ModelFolder(tmp_path).chain("a.tflite") == ()


@settings(max_examples=30)
@given(st.one_of(st.binary(max_size=40), st.text(max_size=40).map(str.encode), st.just(b"{}"), st.just(b"[1]")))
def test_damaged_sidecar_is_one_line(tmp_path_factory, content):
    path = tmp_path_factory.getbasetemp() / "a.tflite"
    model_folder.sidecar(path).write_bytes(content)
    with pytest.raises(BadFileError, match=r"a\.tflite\.json: .*Make the file again or delete the sidecar"):
        model_folder.read_sidecar(path)


@pytest.mark.parametrize(
    "change",
    [
        {"sha256": None},
        {"arguments": []},
        {"inputs": {"weights": 1}},
        {"tools": "eyespot"},
        {"more": 1},
        {"a\nb\x85c" * 1000: 1},
        {"facts": {"bytes": "3"}},
        {"facts": {"operations": -1}},
        {"facts": {"classes": "cat"}},
    ],
)
def test_a_sidecar_with_another_type_is_one_short_line(tmp_path, change):
    save(tmp_path / "a.tflite", b"abc")
    path = model_folder.sidecar(tmp_path / "a.tflite")
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(BadFileError, match=r"a\.tflite\.json: ") as refused:
        model_folder.read_sidecar(tmp_path / "a.tflite")
    assert len(str(refused.value)) < 1000
    assert len(str(refused.value).splitlines()) == 1


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.json", b"[" * 1_000_000),
        ("a.json", b" " * 9_000_000),
        ("a.json", b'{"sha256": NaN}'),
        ("a.json", b'{"sha256": "\\ud800"}'),
        ("a.json", b"\xff"),
        ("a.toml", b"a=" + b"[" * 10_000),
        ("a.toml", b"a=" + b"{a=" * 10_000),
        ("a.toml", b"a" + b".a" * 100_000 + b"=1"),
        ("a.toml", b"a=" + b"1" * 5000),
        ("a.toml", b"\xff"),
    ],
)
def test_parsing_has_a_budget(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    start = time.monotonic()
    with pytest.raises(BadFileError, match=rf"{name}: .*\. Mend it$"):
        decoding.read(model_folder.Artifact, tmp_path / name, "Mend it")
    assert time.monotonic() - start < 10


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no FIFOs")
def test_only_regular_files_are_decoded(tmp_path):
    os.mkfifo(tmp_path / "a.json")
    (tmp_path / "b.json").mkdir()
    for name in ("a.json", "b.json"):
        with pytest.raises(BadFileError, match="expected a regular file of at most"):
            decoding.read(model_folder.Artifact, tmp_path / name, "Mend it")


def test_chain_follows_digests(tmp_path):
    weights = save(tmp_path / "weights.safetensors", b"w", verb="train", inputs={"train": "data"})
    (tmp_path / "weights.safetensors").unlink()  # the sidecar stands for an absent file
    save(tmp_path / "other.safetensors", b"o")
    float32 = save(tmp_path / "float32.safetensors", b"f", inputs={"weights": weights.sha256})
    int8 = save(tmp_path / "int8.safetensors", b"i", verb="quantize", inputs={"float32": float32.sha256})
    assert ModelFolder(tmp_path).chain("int8.safetensors") == (int8, float32, weights)


def test_chain_of_a_changed_link_is_refused(tmp_path):
    float32 = save(tmp_path / "float32.safetensors", b"f")
    save(tmp_path / "int8.safetensors", b"i", inputs={"float32": float32.sha256})
    (tmp_path / "float32.safetensors").write_bytes(b"g")
    with pytest.raises(BadFileError, match=r"float32\.safetensors: its sidecar expects"):
        ModelFolder(tmp_path).chain("int8.safetensors")


def test_a_circle_of_sidecars_ends(tmp_path):
    """Two files cannot name each other's digests, but sidecars of absent files can."""
    for name, other in (("a", "b"), ("b", "a")):
        record = RECORD | {"file": name, "sha256": name * 64, "inputs": {"weights": other * 64}}
        atomic.write_json(tmp_path / f"{name}.safetensors.json", record)
    assert [link.file for link in ModelFolder(tmp_path).chain("a.safetensors")] == ["a", "b"]


def test_a_folder_reads_each_file_once(tmp_path):
    path = tmp_path / "int8.tflite"
    save(path, registry.find("tiny-resnet").read_bytes())
    folder = ModelFolder(tmp_path)
    file = folder.file("int8.tflite")
    path.write_bytes(b"changed")
    assert folder.file("int8.tflite") is file
    assert folder.record("int8.tflite").sha256 == file.sha256
    folder.discard("int8.tflite")
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(MissingDataError, match=r"int8\.tflite: no such file"):
        folder.file("int8.tflite")


@pytest.mark.parametrize("lacking", ["float32.tflite", "int8.tflite", "int8.tflite.json"])
def test_nothing_is_copied_unless_both_files_are_complete(tmp_path, lacking):
    source = tmp_path / "source"
    ModelFolder(registry.home("tiny-resnet")).copy(source)
    assert len(list(source.iterdir())) == 4
    (source / lacking).unlink()
    with pytest.raises(MissingDataError, match=rf"{lacking}: no such file.*eyespot quantize"):
        ModelFolder(source).copy(tmp_path / "target")
    assert not (tmp_path / "target").exists()


def test_failure_keeps_the_old_file_and_leaves_nothing(tmp_path):
    path = atomic.write(tmp_path / "a", "old")
    with pytest.raises(RuntimeError), atomic.replacing(path) as partial:
        partial.write_text("half")
        raise RuntimeError
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["a"]


KILLED_AT_RENAME = """
import os, sys
from pathlib import Path
from eyespot.artifacts import model_folder
left = int(sys.argv[2])
def kill(event, _):
    global left
    left -= event == "os.rename"
    if left < 0:
        os._exit(9)
sys.addaudithook(kill)
empty = dict.fromkeys(("arguments", "inputs", "tools", "facts"), {})
model_folder.save(Path(sys.argv[1]) / "a.safetensors", b"new", verb="convert", model="m", **empty)
"""


@pytest.mark.parametrize(("renames", "files"), [(0, set()), (1, {"a.safetensors.json"})])
def test_a_kill_never_leaves_a_file_without_its_sidecar(tmp_path, renames, files):
    """Such a file would look as if nothing had trained it. Its rerun writes both."""
    command = [sys.executable, "-c", KILLED_AT_RENAME, str(tmp_path)]
    assert subprocess.run([*command, str(renames)], check=False).returncode == 9
    assert {name for name in os.listdir(tmp_path) if not name.endswith(".partial")} == files
    subprocess.run([*command, "9"], check=True)
    assert ModelFolder(tmp_path).record("a.safetensors")
    assert (tmp_path / "a.safetensors").read_bytes() == b"new"


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no limit on file size")
def test_full_disk_is_one_line_and_leaves_nothing(tmp_path):
    """A real limit on file size (EFBIG) stands for the full disk: same path, no root needed."""
    code = (
        "import resource, signal, sys; from pathlib import Path; from eyespot.artifacts.atomic import write\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
        "from eyespot.errors import EyespotError\n"
        "try: write(Path(sys.argv[1]), bytes(5000))\n"
        "except EyespotError as error: print(error)"
    )
    target = tmp_path / "big.bin"
    done = subprocess.run([sys.executable, "-c", code, target], capture_output=True, text=True, check=True)
    assert done.stdout.startswith(f"{target}: not written:")
    assert "Free some space" in done.stdout
    assert os.listdir(tmp_path) == []


def test_unwritable_folder(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(EyespotError, match=r"a: not written: File exists\. Move away what is in its place"):
        atomic.write(tmp_path / "file" / "a", "x")


@pytest.mark.parametrize("algorithm", ["sha256", "md5", "sha384"])
def test_matches(tmp_path, algorithm):
    path = atomic.write(tmp_path / "a", "x")
    assert atomic.matches(path, f"{algorithm}:{atomic.digest_file(path, algorithm)}")
    assert not atomic.matches(path, f"{algorithm}:00")


def test_json_is_sorted_utf8(tmp_path):
    path = atomic.write_json(tmp_path / "a.json", {"b": "ä", "a": [1]})
    assert path.read_bytes() == '{\n "a": [\n  1\n ],\n "b": "ä"\n}\n'.encode()
    assert json.loads(path.read_text("utf-8")) == {"b": "ä", "a": [1]}


def test_json_of_a_name_that_is_not_utf_8(tmp_path):
    path = atomic.write_json(tmp_path / "a.json", {"caf\udce9": ["\udce9"]})
    assert json.loads(path.read_text("utf-8")) == {r"caf\udce9": [r"\udce9"]}
