"""Whole files or none, and sidecars that tell the truth."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eyespot.artifacts import atomic, sidecars
from eyespot.errors import BadFileError, EyespotError, MissingDataError

RECORD = {"verb": "convert", "model": "m", "arguments": {}, "inputs": {}, "tools": {}, "facts": {}}


def save(path: Path, data: bytes, **changed):
    return sidecars.save(path, data, **RECORD | changed)


def test_saved_is_loaded(tmp_path):
    made = save(tmp_path / "a.tflite", b"abc", facts={"n": 3})
    assert sidecars.load(tmp_path / "a.tflite") == made
    assert made.sha256 == atomic.digest(b"abc")


def test_same_values_same_bytes(tmp_path):
    for name in ("one", "two"):
        save(tmp_path / name / "a.tflite", b"abc", facts={"b": 1, "a": 2})
    first, second = ((tmp_path / name / "a.tflite.json").read_bytes() for name in ("one", "two"))
    assert first == second
    assert str(tmp_path).encode() not in first


def test_changed_file_is_noticed(tmp_path):
    path = tmp_path / "a.tflite"
    save(path, b"abc")
    path.write_bytes(b"abd")
    with pytest.raises(BadFileError, match=r"sidecar a.tflite.json is of another file"):
        sidecars.load(path)


def test_missing_sidecar(tmp_path):
    with pytest.raises(MissingDataError, match="has no sidecar"):
        sidecars.load(tmp_path / "a.tflite")


@given(
    st.one_of(st.binary(max_size=40), st.text(max_size=40).map(str.encode), st.just(b"{}"), st.just(b"[1]"))
)
def test_damaged_sidecar_is_one_line(tmp_path_factory, content):
    path = tmp_path_factory.mktemp("s") / "a.tflite"
    sidecars.sidecar(path).write_bytes(content)
    with pytest.raises(BadFileError, match="Make the file again or delete the sidecar"):
        sidecars.load(path)


def test_chain_follows_digests(tmp_path):
    weights = save(tmp_path / "weights.safetensors", b"w", verb="train", inputs={"train": "data"})
    (tmp_path / "weights.safetensors").unlink()  # an absent file is spec at its sidecar's word
    float32 = save(tmp_path / "float32.tflite", b"f", inputs={"weights": weights.sha256})
    int8 = save(tmp_path / "int8.tflite", b"i", verb="quantize", inputs={"float32": float32.sha256})
    assert sidecars.chain(tmp_path / "int8.tflite") == (int8, float32, weights)


def test_chain_of_a_changed_link_is_refused(tmp_path):
    float32 = save(tmp_path / "float32.tflite", b"f")
    save(tmp_path / "int8.tflite", b"i", inputs={"float32": float32.sha256})
    (tmp_path / "float32.tflite").write_bytes(b"g")
    with pytest.raises(BadFileError, match="is of another file"):
        sidecars.chain(tmp_path / "int8.tflite")


def test_failure_keeps_the_old_file_and_leaves_nothing(tmp_path):
    path = atomic.write(tmp_path / "a", "old")
    with pytest.raises(RuntimeError), atomic.replacing(path) as partial:
        partial.write_text("half")
        raise RuntimeError
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["a"]


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
    assert resource.getrlimit(resource.RLIMIT_FSIZE)
    target = tmp_path / "big.bin"
    done = subprocess.run([sys.executable, "-c", code, target], capture_output=True, text=True, check=True)
    assert done.stdout.startswith(f"{target}: not written:")
    assert "free some space" in done.stdout
    assert os.listdir(tmp_path) == []


def test_unwritable_folder(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(EyespotError, match="cannot be written"):
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
