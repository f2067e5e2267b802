"""Batch norm that a network has while it is trained, and not afterwards.

A network that was published without batch norm trains far better with it. In evaluation mode a norm is
linear, so it folds into the layer before it: the network that is converted is the published one.
"""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval, fuse_linear_bn_eval


class Normed(nn.Module):
    """A convolution or dense layer and the batch norm behind it."""

    def __init__(self, layer: nn.Conv2d | nn.Linear) -> None:
        super().__init__()
        self.layer = layer
        convolution = isinstance(layer, nn.Conv2d)
        self.norm: Any = (
            nn.BatchNorm2d(layer.out_channels) if convolution else nn.BatchNorm1d(layer.out_features)
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.norm(self.layer(x))

    def folded(self) -> nn.Module:
        """The layer alone, giving what both gave in evaluation mode."""
        fuse = fuse_conv_bn_eval if isinstance(self.layer, nn.Conv2d) else fuse_linear_bn_eval
        return fuse(self.layer.eval(), self.norm.eval())


def add_norms(network: nn.Module) -> nn.Module:
    """Put a norm behind every convolution and dense layer but the last, in place."""
    layers = [(p, name, m) for p in network.modules() for name, m in p.named_children() if _is_layer(m)]
    for parent, name, layer in layers[:-1]:
        setattr(parent, name, Normed(layer))
    return network


def fold_norms(network: nn.Module) -> nn.Module:
    """Fold every norm that `add_norms` put there into its layer, in place."""
    normed = [(p, n, m) for p in network.modules() for n, m in p.named_children() if isinstance(m, Normed)]
    for parent, name, module in normed:
        setattr(parent, name, module.folded())
    return network


def _is_layer(module: nn.Module) -> bool:
    return isinstance(module, nn.Conv2d | nn.Linear)
