"""Quantization-aware training: the constants of an int8 file, learned with its rounding in the forward pass.

Jacob et al., Quantization and Training of Neural Networks for Efficient Integer-Arithmetic-Only Inference,
CVPR 2018. The network is the graph of the file itself, with batch norms folded and activations fused as the
devices run it. Scales and zero points stay those that calibration chose; gradients pass rounding unchanged,
and are zero where it clips. So the result differs from the file in its weights and biases alone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from ai_edge_litert import schema_py_generated as generated
from numpy.typing import NDArray
from torch import Tensor, nn

from eyespot.errors import RefusedError
from eyespot.networks.layers import flatten, same
from eyespot.tflite import schema
from eyespot.tflite.read import File
from eyespot.training.checkpoint import Run
from eyespot.training.data import Data
from eyespot.training.loop import fit
from eyespot.weights.tflite_weights import AXES
from eyespot.zoo.cards import Augmentation, Recipe

RECIPE = Recipe(
    epochs=8, batch=32, peak=0.01, warmup=0.1, momentum=0.9, weight_decay=0.0, averaging=0.9,
    label_smoothing=0.1, balanced=True,
    clip=0.02,  # folded weights: gradient scales differ a hundredfold
    bfloat16=False,  # too coarse for 256 levels
    augmentation=Augmentation(rotation=10.0, zoom=0.15, exposure=0.2, jpeg=0.2),
)  # fmt: skip
DENSE, WHOLE = "FULLY_CONNECTED", 127
WITHIN = 0.49  # of a step from the int8 file's level, so that a weight rounds to it
UNKNOWN = "quantization-aware training does not know"
SAME, VALID = 0, 1  # the schema's paddings
ACTIVATIONS: dict[int, Callable[[Tensor], Tensor]] = {  # the schema's fused ones
    0: nn.Identity(),
    1: torch.relu,
    3: partial(torch.clamp, min=0, max=6),
}
PLAIN: dict[str, Callable[..., Tensor]] = {"ADD": torch.add, "MUL": torch.mul, "LOGISTIC": torch.sigmoid}
POOLS: dict[str, Callable[..., Tensor]] = {"AVERAGE_POOL_2D": F.avg_pool2d, "MAX_POOL_2D": F.max_pool2d}


def learn(float32: File, int8: File, data: Data, run: Run, folder: Path) -> Any:
    """The object form of an int8 file with learned weights, ready for `finish`.

    Both files have the same operators, but the int8 file may leave out a last softmax; the weights start as near the
    float32 file's as they round to the int8 file's, the biases from the int8 file's. A repeated call with the same
    `run` continues from the checkpoint in `folder`. RefusedError for an operator that cannot be trained here.
    """
    network = fit(Levels(float32, int8), data, run, folder, lambda *_: None)
    model = schema.unpack(int8.data)
    for layer in network.layers:
        layer.store(model)
    return model


@dataclass(frozen=True, kw_only=True)
class Step:
    """An operator: its function, the tensors that it reads and writes, and what rounds the result.

    `spent` are the tensors that no later operator reads.
    """

    function: Callable[..., Tensor]
    inputs: tuple[int, ...]
    output: int
    activation: Callable[[Tensor], Tensor]
    scale: float
    zero_point: int
    spent: tuple[int, ...]

    def __call__(self, *x: Tensor) -> Tensor:
        y = self.activation(self.function(*x))
        return torch.fake_quantize_per_tensor_affine(y, self.scale, self.zero_point, -128, 127)


class Levels(nn.Module):
    """The graph of an int8 file up to its softmax, in real numbers that are rounded as the file rounds them.

    Images (n, c, h, w) float32 to logits (n, classes).
    """

    def __init__(self, float32: File, int8: File) -> None:
        super().__init__()
        self.layers = nn.ModuleList()
        self._source, self._steps = int(int8.graph.inputs[0]), list[Step]()
        operators = list(zip(float32.graph.operators, int8.graph.operators, strict=False))
        for place, (real, stored) in enumerate(operators):
            if schema.operator_name(int8.model, stored) == "SOFTMAX":
                break
            later = {int(i) for _, each in operators[place + 1 :] for i in each.inputs}
            self._steps.append(self._step(float32, int8, real, stored, later))
        places = [place for layer in self.layers for place in layer.places]
        if len(places) > len(set(places)):
            raise RefusedError(f"{float32.path}: {UNKNOWN} layers that share their weights")

    def forward(self, x: Tensor) -> Tensor:
        values = {self._source: x}
        for step in self._steps:
            values[step.output] = step(*(values[i] for i in step.inputs))
            for spent in step.spent:
                del values[spent]
        return values[self._steps[-1].output]

    def _step(self, float32: File, int8: File, real: Any, stored: Any, later: set[int]) -> Step:
        name, options = schema.operator_name(int8.model, stored), stored.builtinOptions
        inputs, function = tuple(int(i) for i in stored.inputs), _function(name, options)
        if name in AXES:
            inputs = inputs[:1]
            self.layers.append(function := Layer(name, float32, int8, real, stored))
        elif name == "RESHAPE":
            inputs = inputs[:1]
        fused = getattr(options, "fusedActivationFunction", 0)
        constant = any(schema.constant(int8.model, int8.graph.tensors[i]) is not None for i in inputs)
        if function is None or fused not in ACTIVATIONS or constant:
            raise RefusedError(f"{float32.path}: {UNKNOWN} this form of {name}")
        output = int8.graph.tensors[stored.outputs[0]].quantization
        return Step(
            function=function, inputs=inputs, output=int(stored.outputs[0]), activation=ACTIVATIONS[fused],
            scale=float(output.scale[0]), zero_point=int(output.zeroPoint[0]),
            spent=tuple(set(inputs) - later),
        )  # fmt: skip


def _function(name: str, options: Any) -> Callable[..., Tensor] | None:
    """What an operator without weights computes; None for another one."""
    if name in POOLS and options.padding == VALID:
        size, stride = (options.filterHeight, options.filterWidth), (options.strideH, options.strideW)
        return partial(POOLS[name], kernel_size=size, stride=stride)
    return _flat if name == "RESHAPE" else PLAIN.get(name)


def _flat(x: Tensor) -> Tensor:
    """(n, c, h, w) or (n, c) to (n, h*w*c)."""
    return flatten(x) if x.ndim == 4 else x


class Layer(nn.Module):
    """A convolution or dense layer of an int8 file, with real weights that are rounded when it runs."""

    def __init__(self, name: str, float32: File, int8: File, real: Any, stored: Any) -> None:
        super().__init__()
        self._name, self.places = name, tuple(int(i) for i in stored.inputs[1:3])
        weights = _constant(float32, real, 1).transpose(AXES[name])
        levels, biases = _constant(int8, stored, 1), _constant(int8, stored, 2)
        unit, step = (_scales(int8, i, len(weights)) for i in self.places)
        even = name == DENSE and not ((levels % 2).any() or (biases % 2).any())  # as `dense.align` makes them
        self._multiple = 2 if even else 1
        self._step, self._most = step * self._multiple, WHOLE // self._multiple
        whole = (unit * self._multiple).reshape(-1, *[1] * (weights.ndim - 1))
        nearest = levels.transpose(AXES[name]).astype(np.float64) / self._multiple
        weights = weights.clip((nearest - WITHIN) * whole, (nearest + WITHIN) * whole)
        self.weight = nn.Parameter(torch.tensor(np.ascontiguousarray(weights, np.float32)))
        self.bias = nn.Parameter(torch.tensor(biases * step, dtype=torch.float32))
        self.register_buffer("unit", torch.tensor(unit * self._multiple, dtype=torch.float32))
        self.register_buffer("zero", torch.zeros(len(weights), dtype=torch.int32))
        if name != DENSE:
            image = [int(n) for n in int8.graph.tensors[stored.inputs[0]].shape]
            self._place(stored.builtinOptions, image, weights.shape)

    def _place(self, options: Any, image: list[int], weights: tuple[int, ...]) -> None:
        """Zeros around the image (1, h, w, c), stride, dilation and groups of a convolution."""
        stride, dilation = (options.strideH, options.strideW), (options.dilationHFactor, options.dilationWFactor)
        reach = [(size - 1) * apart + 1 for size, apart in zip(weights[2:], dilation, strict=True)]
        sides = zip(image[1:3], reach, stride, strict=True)
        rows, columns = (same(*each) if options.padding == SAME else (0, 0) for each in sides)
        self._zeros = (*columns, *rows)
        self._how = {"stride": stride, "dilation": dilation, "groups": image[3] // weights[1]}

    def forward(self, x: Tensor) -> Tensor:
        weight = torch.fake_quantize_per_channel_affine(self.weight, self.unit, self.zero, 0, -self._most, self._most)
        if self._name == DENSE:
            return F.linear(_flat(x), weight, self.bias)
        left, right, top, bottom = self._zeros
        if (left, top) == (right, bottom):
            return F.conv2d(x, weight, self.bias, padding=(top, left), **self._how)
        return F.conv2d(F.pad(x, self._zeros), weight, self.bias, **self._how)

    def store(self, model: Any) -> None:
        """Write weights and biases into the object form of the int8 file, each to a buffer of its own."""
        weights, biases = (each.detach().cpu().double().numpy() for each in (self.weight, self.bias))
        unit = self.unit.cpu().double().numpy().reshape(-1, *[1] * (weights.ndim - 1))
        whole = np.round(weights / unit).clip(-self._most, self._most).transpose(np.argsort(AXES[self._name]))
        for place, values in zip(self.places, (whole, np.round(biases / self._step)), strict=True):
            tensor = model.subgraphs[0].tensors[place]
            tensor.buffer = len(model.buffers)
            model.buffers.append(generated.BufferT())
            schema.set_whole_numbers(model, tensor, self._multiple * values)


def _constant(file: File, layer: Any, place: int) -> NDArray[Any]:
    """The weights or biases of a layer, its input 1 or 2. RefusedError if it has none."""
    index = layer.inputs[place] if place < len(layer.inputs) else -1
    values = schema.constant(file.model, file.graph.tensors[index]) if index >= 0 else None
    if values is None:
        raise RefusedError(f"{file.path}: {UNKNOWN} a layer without constant weights and biases")
    return values


def _scales(file: File, index: int, channels: int) -> NDArray[np.float64]:
    """The scale of each channel of a constant, also where all have one."""
    return np.broadcast_to(np.asarray(file.graph.tensors[index].quantization.scale, np.float64), channels)
