"""A network of three layers that learns in a second, where the network does not matter."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import torch.nn.functional as F
from torch import Tensor, nn

from eyespot.artifacts.atomic import digest, write
from eyespot.networks.layers import SameConv2d, flatten, initialise
from eyespot.preprocessing.spec import Preprocessing
from eyespot.weights.state_dicts import to_safetensors
from eyespot.zoo import registry
from eyespot.zoo.cards import Augmentation, Download, Model, Recipe, Weights

RECIPE = Recipe(
    epochs=3, batch=16, peak=0.02, warmup=0.25, momentum=0.9, weight_decay=1e-4, averaging=0.5,
    label_smoothing=0.0, augmentation=Augmentation(shift=1, flip=True, exposure=0.1),
)  # fmt: skip


class Tiny(nn.Module):
    """Images (n, 3, 16, 16) of pixels 0..255 to logits. `runs` counts the batches of all of them."""

    runs = 0

    def __init__(self, classes: int = 10) -> None:
        super().__init__()
        self.conv = SameConv2d(3, 8, 5, 2)
        self.norm = nn.BatchNorm2d(8)
        self.deep = SameConv2d(8, 8, 3, 2)
        self.norm2 = nn.BatchNorm2d(8)
        self.dense = nn.Linear(4 * 4 * 8, classes)

    def forward(self, x: Tensor) -> Tensor:
        Tiny.runs += 1
        x = F.relu(self.norm(self.conv(x / 64 - 2)))
        return self.dense(flatten(F.relu(self.norm2(self.deep(x)))))


def teacher(channels: int, classes: int) -> Tiny:
    """As a recipe makes its teacher."""
    assert channels == 3
    return Tiny(classes)


def count_parameters(network: nn.Module) -> int:
    """As Keras counts them: trainable ones plus running means and variances of batch norm."""
    tensors = network.state_dict().items()
    return sum(tensor.numel() for name, tensor in tensors if not name.endswith("num_batches_tracked"))


CARD = replace(
    registry.model("tiny-resnet"),
    name="tiny",
    network=f"{__name__}:Tiny",
    preprocessing=Preprocessing(height=16, width=16),
    recipe=RECIPE,
    weights=(),
)


def published(data_root: Path, seed: int = 0) -> Model:
    """The card with weights that lie under the data root as if they had been downloaded."""
    network = Tiny()
    initialise(network, seed)
    data = to_safetensors(network)
    write(data_root / "published" / "tiny.safetensors", data)
    weights = Weights(
        name="tiny", file="tiny.safetensors", licence="",
        importer="eyespot.weights.state_dicts:load_safetensors",
        download=Download(url="http://127.0.0.1/tiny.safetensors", digest=f"sha256:{digest(data)}"),
    )  # fmt: skip
    return replace(CARD, weights=(weights,))
