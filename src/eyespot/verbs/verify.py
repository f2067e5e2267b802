"""verify: golden vectors, stage by stage, here and on the board."""

from __future__ import annotations

from pathlib import Path

from eyespot.arguments import verb
from eyespot.exports.verification.golden import generated, read_golden
from eyespot.exports.verification.stages import verify_here, verify_port
from eyespot.exports.verification.verified import Verified
from eyespot.tflite.run import contract_of
from eyespot.zoo import registry


@verb
def verify(model: str, *, dumps: Path | None = None, contract: str | None = None) -> Verified:
    """Check a port against golden vectors, stage by stage.

    The stages are picture, pixels, tensor and output. Without dumps every program on this machine is checked:
    eyespot, the C source, LiteRT's two sets of kernels, TensorFlow Lite for Microcontrollers, classify.py. With
    dumps from your board, your port is checked, and each tensor that differs is explained. The exit code is 1
    if a stage differs by more than its tolerance.

    Example: eyespot verify build/tiny-resnet --dumps from-the-board/

    Args:
        model: A folder that `make` wrote, with its golden vectors; for a model or a .tflite file they are
            generated.
        dumps: A folder with your port's N.input.bin and N.output.bin for some golden pictures: raw bytes, .npy,
            or printed numbers.
        contract: For a file that carries none: the model whose input and classes it shares.
    """
    _, file = registry.open_model(model)
    agreed = contract_of(file, registry.contract(contract) if contract else None)
    folder = file.path.parent / "golden"
    is_made = Path(model).is_dir() and (folder / "golden.json").exists()
    golden, origin = (read_golden(folder, file), str(folder)) if is_made else (generated(file, agreed), "generated")
    if dumps:
        return verify_port(file, agreed, golden, origin, dumps)
    return verify_here(file, agreed, golden, origin)
