"""export --to hub: the folder, its metadata as the Hub's own library reads it, and an upload to a stand-in."""

from __future__ import annotations

import shutil
import subprocess
import sys

import pytest
import yaml
from huggingface_hub import ModelCard, constants, parse_eval_result_entries

import eyespot
from commands import fails, run
from eyespot.artifacts import places
from eyespot.artifacts.atomic import digest_file
from eyespot.artifacts.model_folder import read_sidecar, sidecar
from eyespot.zoo import provenance
from hub_server import COMMIT, TOKEN, serving

FILES = {"README.md", "classify.py", "contract.json", "float32.tflite", "float32.tflite.json", "int8.tflite",
         "int8.tflite.json", "labels.txt"}  # fmt: skip


@pytest.fixture
def written(no_data, tmp_path):
    return eyespot.export("tiny-resnet", to="hub", out=tmp_path / "hub")


def test_the_folder_is_whole(written):
    names = {path.name for path in written.folder.iterdir()}
    assert names == {*FILES, ".eval_results"}
    assert {path.relative_to(written.folder).parts[0] for path in written.files} == names
    for name in ("int8.tflite", "float32.tflite"):
        assert digest_file(written.folder / name) == read_sidecar(written.folder / name).sha256


def test_the_hubs_library_reads_the_metadata(written):
    card = ModelCard.load(written.folder / "README.md")
    data = card.data
    assert (data.license, data.library_name, data.pipeline_tag) == ("apache-2.0", "tflite", "image-classification")
    assert (data.datasets, data.metrics) == (["uoft-cs/cifar10"], ["accuracy"])
    measured = {
        "int8": provenance.accuracy("tiny-resnet", "int8"),
        "float32": provenance.accuracy("tiny-resnet", "float32"),
    }
    assert {result.metric_name: result.metric_value for result in data.eval_results} == {
        f"top-1, {precision}": e.top1 for precision, e in measured.items()
    }
    for result, e in zip(data.eval_results, measured.values(), strict=True):
        assert (result.dataset_type, result.dataset_split) == ("uoft-cs/cifar10", "test")
        assert result.dataset_args == {"sha256": e.data_digest}
        assert (result.metric_args["n"], result.metric_args["command"]) == (e.n, e.command)
    assert "# tiny-resnet" in card.text
    assert "## Accuracy" in card.text
    assert "classify.py" in card.text


def test_the_hubs_library_reads_the_results(written):
    entries = {
        path.name: parse_eval_result_entries(yaml.safe_load(path.read_text()))
        for path in (written.folder / ".eval_results").iterdir()
    }
    assert entries.keys() == {"cifar-10.int8.yaml", "cifar-10.float32.yaml"}
    [entry] = entries["cifar-10.int8.yaml"]
    e = provenance.accuracy("tiny-resnet", "int8")
    assert (entry.dataset_id, entry.value, entry.dataset_revision) == ("uoft-cs/cifar10", e.top1, None)
    for fact in (e.artifact, e.data_digest, e.command, f"n = {e.n}"):
        assert fact in entry.notes


def test_the_same_model_gives_the_same_bytes(written, tmp_path):
    again = eyespot.export("tiny-resnet", to="hub", out=tmp_path / "again")
    for path in written.files:
        assert (again.folder / path.relative_to(written.folder)).read_bytes() == path.read_bytes()


def test_classify_runs_there(written):
    golden = eyespot.verify("tiny-resnet")
    assert golden.stages
    done = subprocess.run(
        [sys.executable, "classify.py", "--help"], cwd=written.folder, check=False, capture_output=True
    )
    assert done.returncode == 0


def copied(folder, fact):
    """tiny-resnet's files with another fact in their sidecars."""
    folder.mkdir()
    for path in (places.ZOO / "tiny-resnet").glob("*.tflite*"):
        shutil.copy(path, folder / path.name)
    for name in ("int8.tflite", "float32.tflite"):
        path = sidecar(folder / name)
        path.write_text(path.read_text().replace('"facts": {', f'"facts": {{{fact}, '))
    return folder


@pytest.fixture
def mine(tmp_path):
    """A folder whose weights your own pictures trained."""
    return copied(tmp_path / "flowers: mine", f'"training_images": "{"0" * 64}"')


def test_your_own_model_has_your_name_and_no_licence(mine, no_data, tmp_path):
    card = ModelCard.load(eyespot.export(str(mine), to="hub", out=tmp_path / "hub").folder / "README.md")
    assert "license" not in card.data.to_dict()
    assert "datasets" not in card.data.to_dict()
    assert "# flowers: mine" in card.text
    assert "Fine-tuned from tiny-resnet" in card.text


def test_what_is_not_for_others(no_data, capsys, tmp_path):
    folder = copied(tmp_path / "random", '"stand_in": "random"')
    assert "stand-in weights" in fails(capsys, "export", folder, "--to", "hub", "--out", tmp_path / "x")
    assert not (tmp_path / "x").exists() or not list((tmp_path / "x").glob("*.tflite"))


# --- the upload


@pytest.fixture
def hub(monkeypatch):
    """A stand-in; what it does not show is said in its module."""
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_PROGRESS_BARS", True)
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    with serving(monkeypatch) as opened:
        yield opened


def test_push_uploads_what_was_written_and_nothing_else(hub, no_data, tmp_path):
    out = tmp_path / "hub"
    out.mkdir()
    (out / "secret.txt").write_text("not for others")
    done = eyespot.export("tiny-resnet", to="hub", push="you/tiny-resnet", out=out)
    assert done.url == f"{hub.address}/you/tiny-resnet/commit/{COMMIT}"
    there = hub.repositories["you/tiny-resnet"]
    assert there.keys() == {path.relative_to(out).as_posix() for path in done.files}
    assert all((out / name).read_bytes() == data for name, data in there.items())


def push(capsys, tmp_path, repository: str = "you/x") -> str:
    return fails(capsys, "export", "tiny-resnet", "--to", "hub", "--push", repository, "--out", tmp_path / "hub")


def test_push_without_an_account(hub, no_data, capsys, monkeypatch, tmp_path):
    monkeypatch.setenv("HF_TOKEN", "hf_" + "b" * 34)
    said = push(capsys, tmp_path)
    assert "the Hub refuses (401" in said
    assert "hf auth login" in said
    monkeypatch.delenv("HF_TOKEN")
    monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(tmp_path / "none"))
    assert "you are not logged in to the Hugging Face Hub; run: hf auth login" in push(capsys, tmp_path)


def test_push_without_a_network(hub, no_data, capsys, monkeypatch, tmp_path):
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:1")
    assert "http://127.0.0.1:1: the upload failed" in push(capsys, tmp_path)
    assert (tmp_path / "hub/README.md").exists()


def test_push_without_the_extra(hub, no_data, capsys, monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    assert "this needs huggingface-hub, which is not installed" in push(capsys, tmp_path)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--to", "hub", "--push", "mine"), "push: expected OWNER/NAME"),
        (("--to", "hub", "--push", "../mine"), "push: expected OWNER/NAME"),
        (("--to", "c", "--push", "you/mine"), "push: goes with --to hub"),
    ],
)
def test_wrong_usage(capsys, no_data, words, message):
    code, out, err = run(capsys, "export", "tiny-resnet", *words)
    assert (code, out) == (2, "")
    assert message in err
