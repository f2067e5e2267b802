"""A network to float32 TensorFlow Lite, through litert-torch."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from eyespot.capture import captured
from eyespot.preprocessing.spec import Preprocessing


class Classifier(nn.Module):
    """A network with the softmax that it is trained without."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: Tensor) -> Tensor:
        return torch.softmax(self.network(x), -1)


def to_tflite(network: nn.Module, spec: Preprocessing) -> bytes:
    """Convert to a file of (1, h, w, c) float32 in, (1, classes) probabilities out."""
    with captured():
        import litert_torch

        _keep_pads_channel_last()
        example = torch.zeros(1, spec.height, spec.width, spec.channels)
        plain = Classifier(network).to(memory_format=torch.contiguous_format)  # else other bytes
        module = litert_torch.to_channel_last_io(plain.eval(), args=[0]).eval()
        converted: bytes = litert_torch.convert(module, (example,)).model_content()
        return converted


def _keep_pads_channel_last() -> None:
    """Teach litert-torch 0.10 the channel-last form of a constant pad (its private registry).

    Without it a pad that feeds a convolution beside a shortcut is left between TRANSPOSEs.
    """
    from litert_torch._convert.fx_passes.optimize_layout_transposes_pass import layout_rewrite

    for operator in (torch.ops.aten.constant_pad_nd.default, torch.ops.aten.pad.default):
        if operator not in layout_rewrite.rewriters:
            layout_rewrite.rewriters.register(operator)(_rewrite_pad)


def _rewrite_pad(node: Any) -> None:
    """Make a graph node pad channel-last tensors with zeros."""
    node.target, node.args, node.kwargs = _pad_channel_last, (node.args[0], list(node.args[1])), {}


def _pad_channel_last(x: Tensor, pad: list[int]) -> Tensor:
    return torch.nn.functional.pad(x, [0, 0, *pad])
