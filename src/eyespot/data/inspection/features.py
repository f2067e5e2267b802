"""The features of a network: what its last layer gets."""

from __future__ import annotations

from dataclasses import replace
from math import prod

from eyespot.data.look import Extractor
from eyespot.errors import RefusedError
from eyespot.tflite import schema
from eyespot.tflite.read import File, parse
from eyespot.tflite.run import contract_of, levels, run_once
from eyespot.zoo import registry

BEST, SHIPPED = ("efficientnet-lite0", "mobilenet-v2"), "tiny-resnet"
LAYERS = {"CONV_2D", "FULLY_CONNECTED"}
WIDEST = 4096  # features


def default() -> str:
    """The model to use if none is asked for: the best one that was built on this machine, else one that ships."""
    built = (name for name in BEST if (registry.home(name) / "int8.tflite").is_file())
    return next(built, SHIPPED)


def extractor(file: File) -> Extractor:
    """A classifier without its last layer; pictures are not cropped but for their central square.

    RefusedError for a file that carries no contract or has more than 4,096 features. Errors as `contract_of`.
    """
    if file.contract is None:
        raise RefusedError(f"{file.path}: carries no contract; name another model, such as --model {SHIPPED}")
    contract, cut = contract_of(file), _without_last_layer(file)
    spec, width = contract.preprocessing, prod(cut.output.shape)
    if width > WIDEST:
        raise RefusedError(
            f"{file.path}: its last layer takes {width:,} numbers, expected at most {WIDEST:,}; "
            f"name another model, such as --model {SHIPPED}"
        )
    run_once(cut)
    return Extractor(
        name=f"{contract.model}:{file.precision}", file=cut.content, table=levels(spec, file.input),
        preprocessing=replace(spec, crop=spec.crop and 1.0), width=width,
    )  # fmt: skip


def _without_last_layer(file: File) -> File:
    """The file up to the input of its last convolution or dense layer."""
    model = schema.unpack(file.data)
    [graph] = model.subgraphs[:1]
    names = [schema.operator_name(model, operator) for operator in graph.operators]
    last = max((i for i, name in enumerate(names) if name in LAYERS), default=0)
    if not last:
        raise RefusedError(f"{file.path}: has no layers before the last; name another model, such as --model {SHIPPED}")
    graph.outputs = [graph.operators[last].inputs[0]]
    graph.operators = graph.operators[:last]
    model.signatureDefs = None
    return parse(schema.pack(model), file.path)
