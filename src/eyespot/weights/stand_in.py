"""Random weights that replace published ones you do not have. Never used for accuracy figures."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from eyespot.networks.layers import initialise, to_real
from eyespot.preprocessing.spec import Preprocessing

BATCHES = 3


def fill_stand_in(network: nn.Module, spec: Preprocessing, *, seed: int = 0) -> None:
    """Fill a network with seeded random weights and plausible batch-norm statistics.

    The scale and shift of each norm vary by channel, as after training. Its mean and variance come from
    random smooth images with the preprocessing `spec`. So the file's ranges and int8 values are realistic.
    """
    initialise(network, seed)
    generator = torch.Generator().manual_seed(seed)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = None  # the mean over all batches
            nn.init.uniform_(module.weight, 0.5, 1.5, generator=generator)
            nn.init.normal_(module.bias, 0, 0.3, generator=generator)
        elif isinstance(module, nn.Linear):  # distinct probabilities: TFLM aborts on a flat softmax
            nn.init.normal_(module.weight, 0, 0.1, generator=generator)
    network.train()
    with torch.no_grad():
        for _ in range(BATCHES):
            network(smooth_images(16, spec, generator))
    network.eval()


def smooth_images(n: int, spec: Preprocessing, generator: torch.Generator) -> Tensor:
    """Interpolated coarse random colours: network inputs, (n, channels, height, width) float32."""
    coarse = 255 * torch.rand(n, spec.channels, 8, 8, generator=generator)
    return to_real(F.interpolate(coarse, (spec.height, spec.width), mode="bilinear"), spec)
