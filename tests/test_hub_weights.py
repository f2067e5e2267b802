"""train --weights hf:OWNER/NAME: timm's weights in our networks, from a stand-in for the Hub."""

from __future__ import annotations

import json
from typing import Any

import pytest
import torch
from safetensors.torch import save

import eyespot
from commands import fails
from eyespot.artifacts import places
from eyespot.artifacts.atomic import digest
from eyespot.artifacts.model_folder import read_sidecar
from eyespot.errors import BadArgumentError, BadFileError, MissingDataError, RefusedError
from eyespot.networks.layers import to_real
from eyespot.preprocessing.spec import Preprocessing
from eyespot.weights import hub as weights
from eyespot.weights.stand_in import fill_stand_in, smooth_images
from eyespot.weights.state_dicts import load_safetensors, to_safetensors
from eyespot.zoo import registry
from eyespot.zoo.models import MODELS
from hub_server import COMMIT, Hub, serving
from pictures import write_folder
from test_importers import timm  # noqa: F401 (a fixture)

ARCHITECTURES = [(card.name, name) for card in MODELS for name in card.timm]
SPEC = Preprocessing(height=224, width=224)
NAME = "someone/mobilenet.v2"


def build(model: str, architecture: str, classes: int = 1000) -> torch.nn.Module:
    return registry.imported(weights.network(registry.model(model), architecture))(classes)


def config(architecture: str, classes: int = 1000, **more: Any) -> bytes:
    return json.dumps({"architecture": architecture, "num_classes": classes, **more}).encode()


@pytest.fixture
def hub(tmp_path, monkeypatch, no_data):
    with serving(monkeypatch, tmp_path) as opened:
        yield opened


def offer(hub: Hub, data: bytes = b"weights", architecture: str = "mobilenetv2_100", **more: Any) -> str:
    """Put a repository on the Hub; what `--weights` names it."""
    hub.repositories[NAME] = {"config.json": config(architecture, **more), "model.safetensors": data}
    return f"hf:{NAME}"


# --- the same logits as timm


@pytest.mark.slow
@pytest.mark.parametrize(("model", "architecture"), ARCHITECTURES)
def test_logits_are_timms(model, architecture, timm, tmp_path):  # noqa: F811
    """timm's own network, with its own padding and normalisation, on the same pixels."""
    theirs = timm.create_model(architecture).eval()
    random = build(model, architecture)
    fill_stand_in(random, SPEC, seed=3)
    theirs.load_state_dict(random.state_dict())
    (tmp_path / "x.safetensors").write_bytes(save({n: t.contiguous() for n, t in theirs.state_dict().items()}))
    ours = build(model, architecture)
    load_safetensors(ours, tmp_path / "x.safetensors")
    pixels = smooth_images(2, SPEC, torch.Generator().manual_seed(4))
    card = registry.model(model).preprocessing
    mean, std = ((255 * torch.tensor(theirs.default_cfg[name]))[:, None, None] for name in ("mean", "std"))
    if architecture == "tf_efficientnet_lite0":  # its authors' (pixel - 127) / 128, which timm rounds to 127.5
        mean, std = torch.tensor(127.0), torch.tensor(128.0)
    with torch.no_grad():
        expected, found = theirs((pixels - mean) / std), ours.eval()(to_real(pixels, card))
    assert expected.std() > 0.5
    torch.testing.assert_close(found, expected, atol=1e-4, rtol=0)


# --- from the Hub to a file


def test_the_first_use_pins_the_commit(hub, no_data):
    name = offer(hub, b"some weights")
    path, pin = weights.locate(registry.model("mobilenet-v2"), name)
    assert path.read_bytes() == b"some weights"
    assert path.is_relative_to(no_data / "published/hub")
    assert pin.revision == COMMIT
    assert pin.sha256 == digest(b"some weights")
    asked = len(hub.asked)
    hub.repositories.clear()  # later uses need no network
    assert weights.locate(registry.model("mobilenet-v2"), name) == (path, pin)
    assert len(hub.asked) == asked
    path.write_bytes(b"other weights")
    with pytest.raises(BadFileError, match="expected sha256"):
        weights.locate(registry.model("mobilenet-v2"), name)


def test_another_file_of_the_repository(hub):
    offer(hub)
    hub.repositories[NAME]["fp32/best.safetensors"] = b"best"
    path, _ = weights.locate(registry.model("mobilenet-v2"), f"hf:{NAME}:fp32/best.safetensors")
    assert path.read_bytes() == b"best"


@pytest.mark.parametrize(
    "name",
    ["hf:", "hf:one", "hf:a/b/c", "hf:../b", "hf:a/..", "hf:a/b:model.bin", "hf:a/b:../x.safetensors",
     "hf:a/b:pytorch_model.pth", "hf:a/b:/x.safetensors", "hf:a/b?x", "hf:a/b:x.safetensors/", "hf:ä/b"],
)  # fmt: skip
def test_other_forms_are_refused(name, no_data):
    with pytest.raises(BadArgumentError, match="expected hf:OWNER/NAME"):
        weights.locate(registry.model("mobilenet-v2"), name)


def refused(kind: type[Exception], words: str, name: str, model: str = "mobilenet-v2") -> None:
    with pytest.raises(kind, match=words):
        weights.locate(registry.model(model), name)
    assert not list(places.data_root().rglob("*.safetensors"))


def test_weights_of_another_network(hub):
    refused(
        RefusedError,
        "has weights of resnet50; mobilenet-v2 takes those of mobilenetv2_100",
        offer(hub, architecture="resnet50"),
    )
    refused(RefusedError, "none of timm's", offer(hub), "tiny-resnet")


def test_another_normalisation(hub):
    own = {"mean": [0.5, 0.5, 0.5], "std": [0.5, 0.5, 0.5]}
    refused(RefusedError, r"mean \(0.5, 0.5, 0.5\)", offer(hub, pretrained_cfg=own))


def test_what_cannot_be_verified_or_is_too_large(hub):
    name = offer(hub)
    hub.stated["model.safetensors"] = None
    refused(RefusedError, "states no sha256", name)
    hub.stated["model.safetensors"] = {"sha256": "0" * 64, "size": 1 << 40}
    refused(RefusedError, "expected at most", name)
    hub.stated["model.safetensors"] = {"sha256": "0" * 64, "size": 7}
    refused(BadFileError, "is not the expected file", name)
    hub.stated["model.safetensors"] = {"sha256": "nonsense", "size": 7}
    refused(BadFileError, "expected what the Hub answers", name)


def test_a_repository_with_a_pickle_alone(hub):
    name = offer(hub)
    hub.repositories[NAME]["pytorch_model.bin"] = hub.repositories[NAME].pop("model.safetensors")
    refused(BadFileError, "expected a file model.safetensors, found no safetensors file", name)


@pytest.mark.parametrize("answer", [b"[" * 100_000, b"nonsense", b'{"architecture": 7}', b"\xff", b"x" * (9 << 20)])
def test_answers_that_are_none(hub, answer):
    name = offer(hub)
    hub.repositories[NAME]["config.json"] = answer
    refused(BadFileError, "expected", name)


def test_no_such_repository_and_no_network(hub, monkeypatch, capsys, tmp_path):
    refused(MissingDataError, "404", "hf:nobody/nothing")
    monkeypatch.setenv("HF_ENDPOINT", "https://127.0.0.1:1")
    refused(MissingDataError, "no answer", "hf:nobody/nothing")
    monkeypatch.setenv("HF_ENDPOINT", hub.address.replace("https", "http"))
    refused(RefusedError, "not https", "hf:nobody/nothing")
    write_folder(tmp_path / "pictures", 40)
    words = ("train", "mobilenet-v2", "--data", tmp_path / "pictures", "--weights", "hf:a/b", "--out", tmp_path / "o")
    assert "not https" in fails(capsys, *words)


# --- training from it


@pytest.mark.slow
def test_train_from_the_hub(hub, tmp_path):
    """timm's weights of 7 classes; the sidecar says from where, and which network takes what was trained."""
    made = build("mobilenet-v2", "mobilenetv2_100", 7)
    fill_stand_in(made, SPEC, seed=1)
    data = to_safetensors(made)
    write_folder(tmp_path / "pictures", 40)
    name, out = offer(hub, data, num_classes=7), tmp_path / "mine"
    eyespot.train("mobilenet-v2", data=tmp_path / "pictures", weights=name, layers="last", out=out)
    record = read_sidecar(out / "weights.safetensors")
    assert (record.arguments["weights"], record.arguments["revision"]) == (name, COMMIT)
    assert record.inputs["weights"] == digest(data)
    load_safetensors(build("mobilenet-v2", record.facts["architecture"], 4), out / "weights.safetensors")


def test_a_sidecar_cannot_name_any_network():
    assert weights.network(registry.model("mobilenet-v2"), "") == registry.model("mobilenet-v2").network
    with pytest.raises(BadFileError, match="no network for weights of 'os:system'"):
        weights.network(registry.model("mobilenet-v2"), "os:system")
