"""Rounding each weight so that its layer's output errs least, instead of to the nearest level.

The error of an output is quadratic in the errors of the weights, with the covariance of what the layer reads (Nagel
et al., Up or Down? Adaptive Rounding for Post-Training Quantization, ICML 2020, arXiv:2004.10568). Weights are rounded
in turn, and those still to come take up the error (Frantar et al., GPTQ, ICLR 2023, arXiv:2210.17323). Means do not
count, because bias correction settles them.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from eyespot.progress import track
from eyespot.quantization.activations import MEANS, constants, layers, watch
from eyespot.quantization.dense import multiple
from eyespot.tflite import schema
from eyespot.tflite.read import File

Real = NDArray[np.float64]

LARGEST = 127
PATCHES = 64  # of an image, evenly spread
DAMPING = 0.05  # of the mean variance, added to each: few images do not show all that a layer will read
BLOCK = 64  # so many weights of a filter pass their errors on at a time
WIDEST = 4096  # weights of a filter; beyond, a covariance takes too long
SAME = 0  # the schema's padding


def compensate(int8: File, float32: File, tensors: NDArray[np.float32]) -> None:
    """Round the weights in an int8 file's model again, from the same layers of the float32 file; scales stay.

    `tensors` (n, h, w, c) are inputs of the float32 file, of which the first MEANS count. Layers stay as they are
    that share their weights or whose filters have more than WIDEST.
    """
    pairs = [pair for pair in zip(layers(int8), layers(float32), strict=True) if _may_change(float32, pair[1])]
    inputs = [Inputs(float32, real) for _, real in pairs]
    tensors = tensors[:MEANS]
    images = watch(float32, [int(real.inputs[0]) for _, real in pairs], track(tensors, len(tensors), "weights"))
    for image in images:
        for each, values in zip(inputs, image, strict=True):
            each.add(values)
    for (layer, real), each in zip(pairs, inputs, strict=True):
        _round(int8, layer, filters(float32, real, constants(float32, real)[0]), each.covariance())


def _may_change(file: File, layer: Any) -> bool:
    tensors = file.graph.tensors
    uses = Counter(tensors[i].buffer for o in file.graph.operators for i in o.inputs if i >= 0)
    width = filters(file, layer, constants(file, layer)[0]).shape[2]
    return uses[tensors[layer.inputs[1]].buffer] == 1 and width <= WIDEST


def _round(int8: File, layer: Any, weights: Real, covariance: Real) -> None:
    """Store the `weights` (groups, filters, n) of a layer, whose inputs have a `covariance` (groups, n, n)."""
    tensor, whole = int8.graph.tensors[layer.inputs[1]], multiple(int8, layer)
    scales = np.asarray(tensor.quantization.scale, np.float64) * whole
    unit = np.broadcast_to(scales, weights.shape[0] * weights.shape[1]).reshape(*weights.shape[:2], 1)
    levels = whole * round_in_turn(weights / unit, covariance, LARGEST // whole)
    if _is_depthwise(int8, layer):
        levels = levels.transpose(2, 0, 1)
    schema.set_whole_numbers(int8.model, tensor, levels.reshape(tensor.shape))


def round_in_turn(weights: Real, covariance: Real, most: int) -> Real:
    """Whole numbers of at most `most` for `weights` (groups, filters, n), in units of their steps.

    The inputs have a `covariance` (groups, n, n). Those that vary most come first, where most others can make up.
    """
    variances = np.einsum("gii->gi", covariance)
    order = np.argsort(-variances, axis=1, kind="stable")
    damping = DAMPING * variances.mean(1)
    damped = covariance + np.where(damping > 0, damping, 1.0)[:, None, None] * np.eye(covariance.shape[1])
    damped = np.take_along_axis(np.take_along_axis(damped, order[:, :, None], 1), order[:, None, :], 2)
    share = np.linalg.cholesky(np.linalg.inv(damped))  # [:, k, j]: of the error of j, over [:, j, j], that k takes up
    left = np.take_along_axis(weights, order[:, None, :], 2).transpose(0, 2, 1).copy()
    rounded, errors = np.empty_like(left), np.empty_like(left)
    for start in range(0, left.shape[1], BLOCK):
        end = min(start + BLOCK, left.shape[1])
        for j in range(start, end):
            rounded[:, j] = left[:, j].round().clip(-most, most)
            errors[:, j] = (left[:, j] - rounded[:, j]) / share[:, j, j, None]
            left[:, j + 1 : end] -= share[:, j + 1 : end, j, None] * errors[:, j, None]
        left[:, end:] -= share[:, end:, start:end] @ errors[:, start:end]
    return np.take_along_axis(rounded.transpose(0, 2, 1), np.argsort(order, axis=1)[:, None, :], 2)


def _is_depthwise(file: File, layer: Any) -> bool:
    return schema.operator_name(file.model, layer) == "DEPTHWISE_CONV_2D"


def filters(file: File, layer: Any, weights: NDArray[Any]) -> NDArray[Any]:
    """The weights of a layer as (groups of channels, filters, weights of a filter)."""
    channels = int(file.graph.tensors[layer.inputs[0]].shape[-1])
    if _is_depthwise(file, layer):
        return weights.reshape(-1, channels, weights.shape[3] // channels).transpose(1, 2, 0)
    groups = channels // weights.shape[3] if weights.ndim == 4 else 1
    return weights.reshape(groups, len(weights) // groups, -1)


class Inputs:
    """What a layer reads, as patches of the size of its filters: how the values in a patch vary together."""

    def __init__(self, file: File, layer: Any) -> None:
        weights = constants(file, layer)[0]
        groups, _, n = filters(file, layer, weights).shape
        self._layer, self._shape = layer, weights.shape
        self._channels = 1 if _is_depthwise(file, layer) else self._shape[-1]
        self._count, self._sums, self._products = 0, np.zeros((groups, n)), np.zeros((groups, n, n))

    def add(self, values: NDArray[np.float32]) -> None:
        """Add what the layer reads of an image (1, h, w, c) or (1, n), in double precision: threads change no level."""
        patches = self._patches(values[0]) if len(self._shape) == 4 else values.reshape(1, -1, self._shape[1])
        exact = patches.astype(np.float64)
        self._count += exact.shape[1]
        self._sums += exact.sum(1)
        self._products += exact.transpose(0, 2, 1) @ exact

    def covariance(self) -> Real:
        """(groups, n, n)."""
        means = self._sums / self._count
        return self._products / self._count - means[:, :, None] * means[:, None, :]

    def _patches(self, image: NDArray[np.float32]) -> NDArray[np.float32]:
        """Some of the patches (groups, patches, weights of a filter) of an image (h, w, c)."""
        options, size = self._layer.builtinOptions, self._shape[1:3]
        stride, apart = (options.strideH, options.strideW), (options.dilationHFactor, options.dilationWFactor)
        reach = [(n - 1) * a + 1 for n, a in zip(size, apart, strict=True)]
        if options.padding == SAME:
            sides = zip(image.shape[:2], reach, stride, strict=True)
            total = [max((-(-n // step) - 1) * step + r - n, 0) for n, r, step in sides]
            image = np.pad(image, [*((n // 2, n - n // 2) for n in total), (0, 0)])
        windows = sliding_window_view(image, reach, (0, 1))[:: stride[0], :: stride[1], :, :: apart[0], :: apart[1]]
        rows, columns = windows.shape[:2]
        chosen = np.linspace(0, rows * columns - 1, min(PATCHES, rows * columns)).astype(int)
        picked = windows[chosen // columns, chosen % columns].reshape(len(chosen), -1, self._channels, *size)
        return picked.transpose(1, 0, 3, 4, 2).reshape(picked.shape[1], len(chosen), -1)
