"""Batch norm that a network has only while it is trained.

A network that was published without batch norm trains far better with it. In evaluation mode a norm is
linear, so it folds into the layer before it, and the published network is converted. Weights that were
published folded are unfolded before they are trained further.
"""

from __future__ import annotations

import copy
from collections import OrderedDict
from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval, fuse_linear_bn_eval

from eyespot.networks.layers import Layer, layers_and_norms, placed

TINY = 1e-8  # the size of weights of a channel that is always off


class Normed(nn.Sequential):
    """A convolution or dense `layer` and the batch `norm` behind it."""


def add_norms(network: nn.Module) -> None:
    """Put a norm behind every convolution and dense layer but the last, in place."""
    for parent, name, layer in placed(network, nn.Conv2d | nn.Linear)[:-1]:
        convolution = isinstance(layer, nn.Conv2d)
        norm = nn.BatchNorm2d(layer.out_channels) if convolution else nn.BatchNorm1d(layer.out_features)
        setattr(parent, name, Normed(OrderedDict(layer=layer, norm=norm)))


def fold_norms(network: nn.Module) -> None:
    """Fold every norm of `add_norms` into its layer, in place."""
    for parent, name, module in placed(network, Normed):
        fuse = fuse_conv_bn_eval if isinstance(module.layer, nn.Conv2d) else fuse_linear_bn_eval
        setattr(parent, name, fuse(module.layer.eval(), module.norm.eval()))


def without_norms(network: nn.Module) -> nn.Module:
    """A copy in evaluation mode that computes the same faster: its norms are folded into their layers."""
    network = copy.deepcopy(network).eval()
    places = {module: (parent, name) for parent, name, module in placed(network, Layer | nn.BatchNorm2d)}
    for layer, norm in layers_and_norms(network):
        if norm:
            setattr(*places[layer], fuse_conv_bn_eval(layer, norm))
            setattr(*places[norm], nn.Identity())
    return network.to(memory_format=torch.channels_last)


def unfold_norms(network: nn.Module, parts: Iterable[Tensor]) -> None:
    """Give norms that are identities the statistics of images, parts of them (n, c, h, w) at a time, in place.

    The network computes the same. But its weights get the size of initial weights (He et al.,
    arXiv:1502.01852). Folding for pixels 0..255 leaves them so small that a usual step destroys them.
    """
    folded = [(layer, norm) for layer, norm in layers_and_norms(network) if norm and _is_identity(norm)]
    sums: dict[nn.Module, Tensor] = {}  # number, sum and sum of squares of each channel, (3, c)

    def note(layer: nn.Module, _: object, output: Tensor) -> None:
        x = output.transpose(0, 1).flatten(1).float()
        n = torch.full_like(x[:, 0], x.shape[1])
        sums[layer] = sums.get(layer, 0) + torch.stack([n, x.sum(1), x.square().sum(1)]).double()

    hooks = [layer.register_forward_hook(note) for layer, _ in folded]
    with torch.no_grad():
        for x in parts:
            network.eval()(x.to(next(network.parameters()).device))
        for layer, norm in folded:
            n, total, squares = sums[layer]
            mean = total / n
            _unfold(layer, norm, mean.float(), ((squares - n * mean.square()) / (n - 1)).float())
    for hook in hooks:
        hook.remove()


def _unfold(layer: Any, norm: nn.BatchNorm2d, mean: Tensor, var: Tensor) -> None:
    """Scale each channel's weights to He's size; the norm behind undoes it."""
    size = layer.weight.square().mean((1, 2, 3)).sqrt()
    he = (2 / layer.weight[0].numel()) ** 0.5
    scale = torch.where(size > TINY, he / size, torch.ones_like(size))
    layer.weight *= scale[:, None, None, None]
    if layer.bias is not None:
        layer.bias *= scale
    norm.running_mean, norm.running_var = scale * mean, scale.square() * var
    norm.bias += mean
    norm.weight.copy_((norm.running_var + norm.eps).sqrt() / scale)


def _is_identity(norm: nn.BatchNorm2d) -> bool:
    """Whether a norm only adds its bias, as importers of folded weights leave it."""
    return bool((norm.running_mean == 0).all() and torch.allclose(norm.running_var + norm.eps, norm.weight))
