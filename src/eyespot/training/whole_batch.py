"""A network that computes with a part of a batch what it would with the whole batch.

Two of its functions look at more than one image: batch norm while it trains, whose statistics are of all images
(PyTorch's SyncBatchNorm needs a GPU), and dropout, whose random numbers come one image after the other. Both are
replaced while the network runs; its modules and their state stay as they are.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.overrides import TorchFunctionMode

from eyespot.training import ranks


def whole_batch(n: int, rows: Tensor) -> contextlib.AbstractContextManager[Any]:
    """While it is entered, a network sees these rows of a batch of n images, but acts on all.

    Batch norm finds the other rows in the other processes.
    """
    return contextlib.nullcontext() if len(rows) == n else _WholeBatch(n, rows)


class _WholeBatch(TorchFunctionMode):
    def __init__(self, n: int, rows: Tensor) -> None:
        super().__init__()
        self._n, self._rows = n, rows

    def __torch_function__(
        self, function: Any, types: Sequence[type], args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        given = dict(kwargs or {})
        if function is F.batch_norm and given["training"]:
            return _normed(*args, **{name: each for name, each in given.items() if name != "training"})
        if function is F.dropout and given["training"]:
            return args[0] * F.dropout(args[0].new_ones(self._n, *args[0].shape[1:]), given["p"])[self._rows]
        return function(*args, **given)


class _Total(torch.autograd.Function):
    """`ranks.total`, also of the gradient."""

    @staticmethod
    def forward(_: Any, x: Tensor) -> Tensor:
        return ranks.total(x)

    @staticmethod
    def backward(_: Any, gradient: Tensor) -> Tensor:
        return ranks.total(gradient)


def _normed(
    x: Tensor, running_mean: Tensor, running_var: Tensor, *, weight: Tensor | None, bias: Tensor | None,
    momentum: float, eps: float,
) -> Tensor:  # fmt: skip
    """`F.batch_norm` of (n, c, ...) in training, float32 or bfloat16.

    Sums of squares are taken around the running mean, which all processes share, so that they do not cancel.
    """
    shape = (1, -1, *[1] * (x.ndim - 2))
    var, mean = torch.var_mean(x.float(), [0, *range(2, x.ndim)], correction=0)
    shift, count = mean - running_mean, torch.full_like(mean, x.numel() / x.shape[1])
    n, first, second = _Total.apply(count * torch.stack([torch.ones_like(mean), shift, var + shift.square()]))
    shift = first / n
    mean, var = running_mean + shift, second / n - shift.square()
    with torch.no_grad():
        moved = torch.stack([mean, var * n / (n - 1)])
    scale = (var + eps).rsqrt() * (1 if weight is None else weight)
    offset = (0 if bias is None else bias) - mean * scale
    y = x * scale.view(shape) + offset.view(shape)
    running_mean.lerp_(moved[0], momentum)
    running_var.lerp_(moved[1], momentum)
    return y.to(x.dtype)
