"""Batch norm that a network has while it is trained, and not afterwards.

A network that was published without batch norm trains far better with it. In evaluation mode a norm is
linear, so it folds into the layer before it: the network that is converted is the published one. Weights
that were published folded are unfolded again before they are trained further.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval, fuse_linear_bn_eval

from eyespot.networks.layers import layers_and_norms, placed

TINY = 1e-8  # weights of a channel that is always off


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
    for parent, name, layer in placed(network, nn.Conv2d | nn.Linear)[:-1]:
        setattr(parent, name, Normed(layer))
    return network


def fold_norms(network: nn.Module) -> nn.Module:
    """Fold every norm that `add_norms` put there into its layer, in place."""
    for parent, name, module in placed(network, Normed):
        setattr(parent, name, module.folded())
    return network


def unfold_norms(network: nn.Module, x: Tensor) -> None:
    """Give norms that are identities the statistics of images x (n, c, h, w), in place.

    The network answers as before. But its weights get the size that training begins with (He et al.,
    arXiv:1502.01852) instead of what folding left, which for pixels 0..255 is so small that a step of
    usual length destroys them.
    """
    folded = [(layer, norm) for layer, norm in layers_and_norms(network) if norm and _is_identity(norm)]
    seen: dict[nn.Module, tuple[Tensor, Tensor]] = {}

    def note(layer: nn.Module, _: object, given: Tensor) -> None:
        seen[layer] = given.mean((0, 2, 3)), given.var((0, 2, 3))

    hooks = [layer.register_forward_hook(note) for layer, _ in folded]
    with torch.no_grad():
        network.eval()(x)
        for layer, norm in folded:
            _unfold(layer, norm, *seen[layer])
    for hook in hooks:
        hook.remove()


def _unfold(layer: Any, norm: nn.BatchNorm2d, mean: Tensor, var: Tensor) -> None:
    """Scale each channel's weights to He's size, and let the norm behind take it back."""
    size = layer.weight.square().mean((1, 2, 3)).sqrt()
    wanted = (2 / layer.weight[0].numel()) ** 0.5
    scale = torch.where(size > TINY, wanted / size, torch.ones_like(size))
    layer.weight *= scale[:, None, None, None]
    if layer.bias is not None:
        layer.bias *= scale
    norm.running_mean, norm.running_var = scale * mean, scale.square() * var
    norm.bias += mean
    norm.weight.copy_((norm.running_var + norm.eps).sqrt() / scale)


def _is_identity(norm: nn.BatchNorm2d) -> bool:
    """Whether a norm only adds its bias, as importers of folded weights leave it."""
    return bool((norm.running_mean == 0).all() and torch.allclose(norm.running_var + norm.eps, norm.weight))
