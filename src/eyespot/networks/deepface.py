"""The facial expression network of deepface.

Source: serengil/deepface, deepface/models/demography/Emotion.py. Unpadded convolutions and poolings,
then two dense layers of 1,024 units and the output layer.
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from eyespot.networks.layers import flatten

DROPOUT = 0.2


class DeepFace(nn.Module):
    """Images (n, 1, 48, 48) float32 to logits (n, classes)."""

    def __init__(self, classes: int = 7) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(1, 64, 5), nn.ReLU(), nn.MaxPool2d(5, 2),
            nn.Conv2d(64, 64, 3), nn.ReLU(), nn.Conv2d(64, 64, 3), nn.ReLU(), nn.AvgPool2d(3, 2),
            nn.Conv2d(64, 128, 3), nn.ReLU(), nn.Conv2d(128, 128, 3), nn.ReLU(), nn.AvgPool2d(3, 2),
        )  # fmt: skip
        self.dense1 = nn.Linear(128, 1024)
        self.dense2 = nn.Linear(1024, 1024)
        self.dense3 = nn.Linear(1024, classes)

    def forward(self, x: Tensor) -> Tensor:
        x = flatten(self.features(x))
        for dense in (self.dense1, self.dense2):
            x = F.dropout(F.relu(dense(x)), DROPOUT, self.training)
        return self.dense3(x)
