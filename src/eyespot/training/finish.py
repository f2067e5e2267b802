"""The files that a finished training writes to its folder."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from torch import nn

from eyespot.artifacts import model_folder
from eyespot.artifacts.atomic import digest, digest_file, write
from eyespot.artifacts.measurements import Subset
from eyespot.artifacts.model_folder import FLOAT32, INT8, WEIGHTS, Artifact, ModelFolder
from eyespot.conversion.clean import repair
from eyespot.conversion.engine import TORCH, TRAINED, save_float32
from eyespot.conversion.pytorch import to_tflite
from eyespot.data import catalogue, manifest
from eyespot.data.inspected import Inspection
from eyespot.data.manifest import Manifest
from eyespot.data.used import HASHES, LIST
from eyespot.evaluation.confidence import fit
from eyespot.preprocessing.spec import Contract
from eyespot.tflite.contract import encode, encode_confidence
from eyespot.training.checkpoint import Run
from eyespot.training.data import Data
from eyespot.training.judge import judged
from eyespot.training.loop import answers
from eyespot.training.outcome import Answers, Training
from eyespot.weights.state_dicts import to_safetensors


@dataclass(frozen=True, kw_only=True)
class Trained:
    """A trained network and what its sidecar says. `parts` and `inspection` are of the user's own data.

    `layers` are those that were trained, and `tried` top-1 on the validation images of each choice. `architecture`
    is that of timm whose weights it started from.
    """

    network: nn.Module
    run: Run
    data: Data
    classes: tuple[str, ...]
    arguments: Mapping[str, Any]
    parts: Manifest | None = None
    layers: str = "all"
    tried: Mapping[str, Subset] = field(default_factory=dict)
    inspection: Inspection | None = None
    architecture: str = ""


def save(trained: Trained, folder: Path) -> tuple[Training, Answers]:
    """Write the weights, the float32 file and the records of the data; count the correct answers."""
    data, run, network = trained.data, trained.run, trained.network
    found = Answers(
        image=lambda i: data.validation_images[i : i + 1][0].numpy(), labels=data.validation_labels.numpy(),
        shares=answers(network, data.validation_images, run.preprocessing).numpy(), classes=trained.classes,
        files=data.validation_files,
    )  # fmt: skip
    counted = judged(network, data, run.preprocessing, found)
    network.cpu()
    own = {"training_images": data.digest} if trained.parts else {}
    tried = {name: each.top1 for name, each in trained.tried.items()}
    facts = {"dropped": data.dropped, "validation_top1": counted["validation_top1"], "classes": trained.classes}
    facts |= {"layers": trained.layers, "tried": tried} if tried else {}
    facts |= {"architecture": trained.architecture} if trained.architecture else {}
    confidence = fit(found.shares, found.labels) if trained.parts else None  # files of our recipes keep their bytes
    weights = _save_weights(trained, folder, facts | own | encode_confidence(confidence))
    contract = Contract(
        model=run.model, preprocessing=run.preprocessing, classes=trained.classes, confidence=confidence
    )
    model, inputs = repair(to_tflite(trained.network, run.preprocessing)), {"weights": weights.sha256}
    float32 = save_float32(ModelFolder(folder), model, contract, TRAINED, inputs, own, TORCH)
    training = Training(
        folder=folder, weights=weights, float32=float32, dropped=data.dropped, layers=trained.layers,
        tried=trained.tried, inspection=trained.inspection, **counted,
    )  # fmt: skip
    return training, found


def _save_weights(trained: Trained, folder: Path, facts: dict[str, Any]) -> Artifact:
    """Write the weights, with the records of the data beside them.

    Files of other weights are deleted first, so that a kill never leaves them with the wrong records.
    """
    weights, path, run = to_safetensors(trained.network), folder / WEIGHTS, trained.run
    if not path.exists() or digest_file(path) != digest(weights):
        for name in (INT8, FLOAT32, WEIGHTS):
            ModelFolder(folder).discard(name)
    catalogue.forget_data(folder)
    write(folder / LIST, trained.data.used)
    write(folder / HASHES, trained.data.hashes)
    if trained.parts:
        manifest.save(trained.parts, folder)
    return model_folder.save(
        path, weights, verb="train", model=run.model, arguments=trained.arguments,
        inputs={"train": trained.data.digest} | ({"weights": run.start} if run.start else {}),
        tools=model_folder.tools("torch"), facts=facts | encode(run.preprocessing),
    )  # fmt: skip
