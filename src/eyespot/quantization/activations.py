"""Intermediate tensors of a file while images run through it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eyespot.artifacts.layers import LayerError
from eyespot.errors import BadFileError
from eyespot.progress import track
from eyespot.tflite import run as running
from eyespot.tflite import schema
from eyespot.tflite.read import File

MEANS = 50  # so many images' means are enough to correct biases

Range = tuple[float, float]
Observed = tuple[dict[str, Range], list[NDArray[np.float64]]]


def observe(file: File, tensors: NDArray[Any], means: int = MEANS) -> Observed:
    """Run input tensors (n, h, w, c) through a file once.

    Returns each activation's minimum and maximum by name, zero included, and for each layer the mean of each
    channel in the first `means` images, (images, channels).
    """
    named, written = indices(file), [layer.outputs[0] for layer in layers(file)]
    ranges = dict.fromkeys(named, (0.0, 0.0))
    rows: list[list[NDArray[np.float64]]] = [[] for _ in written]
    for image, activations in enumerate(watch(file, named.values(), tensors)):
        values = dict(zip(named.values(), activations, strict=True))
        for name, index in named.items():
            low, high = ranges[name]
            ranges[name] = min(low, float(values[index].min())), max(high, float(values[index].max()))
        for row, index in zip(rows, written if image < means else (), strict=image < means):
            row.append(channel_means(values[index]))
    return ranges, [np.array(each, np.float64) for each in rows]


def merged(parts: Iterable[Observed]) -> tuple[dict[str, Range], list[NDArray[np.float64]]]:
    """Of what `observe` finds in parts of the images: the ranges, and each layer's means over images, (channels,)."""
    ranges, rows = zip(*parts, strict=True)
    whole = {name: (min(each[name][0] for each in ranges), max(each[name][1] for each in ranges)) for name in ranges[0]}
    joined = (np.concatenate([each for each in layer if len(each)]) for layer in zip(*rows, strict=True))
    return whole, [sum(each) / len(each) for each in joined]


def explain(int8: File, float32: File, pixels: NDArray[np.uint8]) -> tuple[LayerError, ...]:
    """The layers of both files compared on the same images (n, h, w, c), worst first."""
    spec, compared = running.contract_of(float32).preprocessing, layers(int8)
    runs = [
        watch(file, [layer.outputs[0] for layer in layers(file)], running.stored(pixels, spec, file.input))
        for file in (int8, float32)
    ]
    scales = [scale_of(int8, layer.outputs[0]) for layer in compared]
    signal, noise = np.zeros(len(compared)), np.zeros(len(compared))
    seen = np.zeros((len(compared), 256), bool)
    for images in track(zip(*runs, strict=True), len(pixels), "explain"):
        for i, (levels, values) in enumerate(zip(*images, strict=True)):
            scale, zero_point = scales[i]
            signal[i] += np.square(values, dtype=np.float64).sum()
            noise[i] += np.square(values - (levels.astype(np.float32) - zero_point) * scale).sum()
            seen[i, np.unique(levels).astype(int) + 128] = True
    ratios = 10 * np.log10(np.maximum(signal, 1e-30) / np.maximum(noise, 1e-30))
    errors = (
        LayerError(
            layer=i, operator=schema.operator_name(int8.model, layer), signal_to_noise=float(ratios[i]),
            scale=scales[i][0], range_used=float(seen[i].mean()),
        )
        for i, layer in enumerate(compared)
    )  # fmt: skip
    return tuple(sorted(errors, key=lambda error: error.signal_to_noise))


def watch(file: File, indices: Collection[int], tensors: Iterable[Any]) -> Iterator[Iterator[NDArray[Any]]]:
    """Run input tensors (h, w, c); for each, yield the values of the tensors at `indices`, as stored."""
    opened = running.interpreter(file, "xnnpack", keep_all=True)
    run = running.as_function(file, opened)
    for tensor in tensors:
        run(tensor)
        yield map(opened.get_tensor, indices)


def channel_means(values: NDArray[Any]) -> NDArray[np.float64]:
    """Mean of each channel (the last axis), as stored."""
    return np.mean(values.reshape(-1, values.shape[-1]), 0, dtype=np.float64)


def indices(file: File) -> dict[str, int]:
    """Indices of the graph's input and of every operator's output, by tensor name.

    BadFileError for two of one name: ranges go by name.
    """
    graph = file.graph
    written = [*graph.inputs, *(output for operator in graph.operators for output in operator.outputs)]
    named = [((graph.tensors[i].name or b"").decode(errors="replace"), int(i)) for i in written]
    found = dict(named)
    if double := [name for name, index in named if found[name] != index]:
        raise BadFileError(f"{file.path}: two tensors are called {double[0][:80]!r}; convert it again")
    return found


def scale_of(file: File, index: int) -> tuple[float, int]:
    """Scale and zero point of an activation of an int8 file."""
    quantization = file.graph.tensors[index].quantization
    return float(quantization.scale[0]), int(quantization.zeroPoint[0])


def layers(file: File) -> list[Any]:
    """The operators with constant weights and a constant bias, in order of execution."""
    operators = (o for o in file.graph.operators if schema.operator_name(file.model, o) in schema.WEIGHTED)
    return [operator for operator in operators if len(constants(file, operator)) == 2]


def constants(file: File, layer: Any) -> list[NDArray[Any]]:
    """The weights and the bias of a layer."""
    inputs = (file.graph.tensors[i] for i in layer.inputs[1:3] if i >= 0)
    return [values for each in inputs if (values := schema.constant(file.model, each)) is not None]
