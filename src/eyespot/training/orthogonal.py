"""Orthogonal steps for convolutions: Muon, for networks whose convolutions have a batch norm behind them.

A gradient's step goes mostly into the few directions with large singular values. Here all singular values of a
step are about 1, so the rare directions are learned too. Source: Jordan et al., Muon, 2024
(https://kellerjordan.github.io/posts/muon/), with the fixed lengths of its use on CIFAR-10.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

NEWTON_SCHULZ = (3.4445, -4.7750, 2.0315)  # Jordan's coefficients: singular values of 0.001..1 go to about 1
ITERATIONS = 3


class Orthogonal(torch.optim.SGD):
    """SGD whose steps of convolutions are orthogonal.

    A convolution's weights keep their length. At the first learning rate a step has the `share` of it.
    """

    def __init__(self, network: nn.Module, share: float, **settings: Any) -> None:
        super().__init__(network.parameters(), **settings)
        whole = (each for each in network.modules() if isinstance(each, nn.Conv2d) and each.groups == 1)
        self._share, self._weights = share, [each.weight for each in whole]

    def __getstate__(self) -> dict[str, Any]:
        return super().__getstate__() | {"_share": self._share, "_weights": self._weights}  # PyTorch leaves them out

    def step(self, closure: Callable[[], float] | None = None) -> Any:
        """Update all parameters; `closure` is SGD's."""
        group = self.param_groups[0]
        share = self._share * group["lr"] / self.defaults["lr"]
        with torch.no_grad():
            for weight in self._weights:
                self._turn(weight, share, group["momentum"])
        return super().step(closure)

    def _turn(self, weight: Tensor, share: float, momentum: float) -> None:
        """Move a weight and take its gradient away, so that SGD leaves it."""
        if weight.grad is None:
            return
        state = self.state[weight]
        if not state:
            state["momentum_buffer"] = torch.zeros_like(weight)
        mean = state["momentum_buffer"]
        mean.lerp_(weight.grad, 1 - momentum)
        step = orthogonal(weight.grad.lerp(mean, momentum).flatten(1)).view_as(weight)
        length = weight.norm()
        weight.sub_(step * (share * length / step.norm().clamp(min=1e-12)))
        weight.mul_(length / weight.norm())
        weight.grad = None


def orthogonal(matrix: Tensor) -> Tensor:
    """About U V of the singular value decomposition U S V of (m, n), by Newton and Schulz's iteration."""
    a, b, c = NEWTON_SCHULZ
    x = matrix.T if len(matrix) > matrix.shape[1] else matrix
    x = x / x.norm().clamp(min=1e-12)
    for _ in range(ITERATIONS):
        square = x @ x.T
        x = a * x + (b * square + c * square @ square) @ x
    return x.T if len(matrix) > matrix.shape[1] else x
