"""Running a file: three sets of kernels behind one call."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from eyespot.capture import captured
from eyespot.errors import BadFileError, RefusedError
from eyespot.preprocessing import tensors
from eyespot.preprocessing.damage import DAMAGES
from eyespot.preprocessing.image import fit
from eyespot.preprocessing.pipeline import pipeline_of
from eyespot.preprocessing.spec import Contract, Damage, Preprocessing
from eyespot.preprocessing.tensors import Encode, look_up
from eyespot.tflite.kernels import Content, Kernels
from eyespot.tflite.probe import probe
from eyespot.tflite.tflm import Run as Run
from eyespot.tflite.tflm import open_tflm

if TYPE_CHECKING:  # workers run files without its schema, which takes long to import
    from eyespot.tflite.read import File, Tensor


INSCRIBE = "eyespot doctor FILE --data FOLDER --write COPY.tflite writes a copy with one"


def open_runner(file: Content, kernels: Kernels) -> Run:
    """A function from an input tensor (h, w, c) to the output vector, both as the file stores them.

    `xnnpack` is LiteRT as phones and Linux boards run it, `reference` LiteRT's plain kernels, the
    nearest to those of microcontrollers, `tflm` TensorFlow Lite for Microcontrollers (call it in a process of
    its own: it aborts on files that it does not take). BadFileError where the kernels refuse the file.
    """
    if kernels == "tflm":
        return open_tflm(file)
    return as_function(file, interpreter(file, kernels))


def interpreter(file: Content, kernels: Kernels, *, keep_all: bool = False) -> Any:
    """LiteRT's interpreter of a file, on one thread; `keep_all` keeps intermediate tensors readable."""
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    resolver = OpResolverType.BUILTIN_REF if kernels == "reference" else OpResolverType.AUTO
    if keep_all:  # XNNPACK keeps its intermediate tensors to itself
        resolver = OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
    try:
        with captured():
            opened = Interpreter(
                model_content=file.data,
                num_threads=1,
                experimental_op_resolver_type=resolver,
                experimental_preserve_all_tensors=keep_all,
            )
            opened.allocate_tensors()
    except (RuntimeError, ValueError) as error:
        raise _refused(file, error) from error
    return opened


def _refused(file: Content, error: Exception) -> BadFileError:
    return BadFileError(f"{file.path}: LiteRT does not run it: {' '.join(str(error).split())[:200]}")


def run_once(file: File) -> None:
    """Run a file of any task on a `probe`, isolated. BadFileError if LiteRT refuses it."""
    from eyespot import isolation

    memory = isolation.MEMORY + 8 * len(file.data)
    isolation.run(_run_once, file.content, seconds=300, memory=memory, name="LiteRT")


def _run_once(file: Content) -> None:
    opened = interpreter(file, "xnnpack")
    try:
        for detail in opened.get_input_details():
            opened.set_tensor(detail["index"], probe(detail["shape"], detail["dtype"]))
        opened.invoke()
    except (RuntimeError, ValueError) as error:
        raise _refused(file, error) from error


def as_function(file: Content, opened: Any) -> Run:
    """One image in, one vector out, on the `interpreter` of a file. BadFileError if LiteRT refuses."""
    source = opened.get_input_details()[0]["index"]
    result = opened.get_output_details()[0]["index"]
    set_tensor, invoke, get_tensor = opened.set_tensor, opened.invoke, opened.get_tensor

    def run(tensor: NDArray[Any]) -> NDArray[Any]:
        try:
            set_tensor(source, tensor[None])
            invoke()
            return get_tensor(result).reshape(-1)
        except (RuntimeError, ValueError) as error:
            raise _refused(file, error) from error

    return run


def checked(file: Content, output: NDArray[Any], classes: int) -> NDArray[Any]:
    """An output vector. BadFileError if it has another length than the file states, or holds NaN or infinity."""
    if len(output) != classes:
        raise BadFileError(f"{file.path}: states {classes} classes and gives {len(output)}; convert it again")
    if not np.isfinite(output).all():
        raise BadFileError(f"{file.path}: gives NaN or infinity instead of probabilities; train or convert it again")
    return output


def contract_of(file: File, fallback: Contract | None = None, remedy: str = "") -> Contract:
    """A classifier's own contract, or `fallback` if it carries none; RefusedError if that does not fit.

    `remedy` is what to do about a file without any, where a caller takes no `fallback`.

    Nothing is guessed: what a float tensor holds cannot be seen in the file. BadFileError for files of
    other tasks. A contract that makes black and white the same input does not fit either.
    """
    from eyespot.tflite.read import check_classifier

    check_classifier(file)
    contract = file.contract or fallback
    if contract is None:
        remedy = remedy or "name a model with the same one: --contract MODEL"
        raise RefusedError(f"{file.path}: carries no contract; {remedy}")
    spec = contract.preprocessing
    expected = (1, spec.height, spec.width, spec.channels)
    if file.input.shape != expected or file.output.shape[-1] != len(contract.classes):
        found = f"takes {file.input.shape} and gives {file.output.shape[-1]} classes"
        said = f"the contract of {contract.model} says {expected} and {len(contract.classes)}"
        raise RefusedError(f"{file.path}: {found}; {said}")
    table = levels(spec, file.input)
    if (table[0] == table[-1]).any():
        numbers = f"mean {spec.mean} and std {spec.std} make black and white the same {file.input.dtype} input"
        raise RefusedError(f"{file.path}: the contract's {numbers}. Correct them and quantize again")
    return contract


def levels(spec: Preprocessing, tensor: Tensor) -> NDArray[Any]:
    """`tensors.levels` by a contract: for int8 files of ours pixel - 128."""
    return tensors.levels(pipeline_of(spec), tensor)


def stored(pixels: NDArray[np.uint8], spec: Preprocessing, tensor: Tensor) -> NDArray[Any]:
    """Pixels (..., channels) in a file's channel order as its input tensor stores them."""
    return look_up(levels(spec, tensor))(pixels)


def encoder(file: File, contract: Contract) -> Encode:
    """A function from any (h, w, c) uint8 image to the file's input tensor (h, w, c)."""
    return encoder_of(contract.preprocessing, levels(contract.preprocessing, file.input))


def encoder_of(spec: Preprocessing, table: NDArray[Any], under: Damage | None = None) -> Encode:
    """`encoder`, for the `levels` of a file. With `under` the image that fits is damaged first."""
    encode = look_up(table)
    if under is None:
        return lambda image: encode(fit(image, spec))
    damage = DAMAGES[under]
    if spec.order == "bgr":  # damage is done to RGB
        rgb = replace(spec, order="rgb")
        return lambda image: encode(damage(fit(image, rgb))[..., ::-1])
    return lambda image: encode(damage(fit(image, spec)))


def to_float(output: NDArray[Any], tensor: Tensor, *, logits: bool = False) -> NDArray[np.float32]:
    """Stored output values (..., classes) to probabilities; of `logits` the softmax."""
    real = output.astype(np.float32)
    if tensor.dtype != "float32":
        real = ((real - tensor.zero_point) * tensor.scale).astype(np.float32)
    if not logits:
        return real
    raised = np.exp(real - real.max(-1, keepdims=True))
    return (raised / raised.sum(-1, keepdims=True)).astype(np.float32)
