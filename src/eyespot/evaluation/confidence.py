"""How sure an answer must be: calibrated probabilities, and thresholds for a wanted precision."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from eyespot.errors import BadArgumentError, MissingDataError, RefusedError
from eyespot.evaluation.prediction import Threshold
from eyespot.preprocessing.spec import COLDEST, HOTTEST, Confidence, Contract, Row
from eyespot.quantity import wilson
from eyespot.tflite.run import to_float

if TYPE_CHECKING:
    from eyespot.tflite.read import Tensor

FLOOR = float(np.finfo(np.float32).tiny)  # of a float32 probability, which may have underflowed to 0
WEIGHT = 2.0  # images that the prior on the temperature counts for
STEPS = 24  # of a bisection
SILENT = (0.01, 0.02, 0.03, 0.05, 0.07, 0.1, 0.13, 0.16, 0.2, 0.25, 0.3, 0.35, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95)
DIGITS = 4  # of a threshold


def floor(tensor: Tensor, contract: Contract) -> float:
    """What a probability of 0 stands for, by the output tensor of a file and its contract.

    A quantized 0 is any value below half a step, on average a quarter of one. All classes together share it,
    because most of them are 0 where one is nearly 1. The softmax of logits is not quantized.
    """
    return FLOOR if tensor.dtype == "float32" or contract.logits else tensor.scale / (4 * len(contract.classes))


def calibrated(shares: NDArray[Any], temperature: float, least: float = FLOOR) -> NDArray[np.float64]:
    """Probabilities (..., classes) at a temperature; those below `least`, such as 0, count as `least`."""
    raised = powers(shares, temperature, least)
    return raised / raised.sum(-1, keepdims=True)


def powers(shares: NDArray[Any], temperature: float, least: float = FLOOR) -> NDArray[np.float64]:
    """Probabilities (..., n) to the power of 1 / temperature, divided by the largest power."""
    logits = np.log(np.maximum(shares.astype(np.float64), least)) / temperature
    return np.exp(logits - logits.max(-1, keepdims=True))


def probabilities(output: NDArray[Any], tensor: Tensor, contract: Contract) -> NDArray[np.float32]:
    """Stored output values (..., classes) to probabilities: calibrated ones, or without a temperature as they are."""
    shares = to_float(output, tensor, logits=contract.logits)
    if contract.confidence is None:
        return shares
    return calibrated(shares, contract.confidence.temperature, floor(tensor, contract)).astype(np.float32)


def fit(shares: NDArray[Any], labels: NDArray[np.int64], least: float = FLOOR) -> Confidence:
    """The temperature, and the table of thresholds, of a file's probabilities (n, classes) for labelled images.

    The temperature minimises the negative log-likelihood (Guo et al., On Calibration of Modern Neural Networks,
    ICML 2017), with a gamma prior on its inverse, whose mode is 1 and which weighs `WEIGHT` images: a few images,
    all answered correctly, would else make every answer certain. The sum is convex in the inverse, so that
    bisection finds its minimum.
    """
    logs = np.log(np.maximum(shares.astype(np.float64), least))
    correct = logs[np.arange(len(labels)), labels].sum()
    low, high = 1 / HOTTEST, 1 / COLDEST
    for _ in range(STEPS):
        inverse = (low + high) / 2
        slope = (calibrated(shares, 1 / inverse, least) * logs).sum() - correct + WEIGHT * (1 - 1 / inverse)
        low, high = (low, inverse) if slope > 0 else (inverse, high)
    temperature = min(HOTTEST, max(COLDEST, float(f"{1 / low:.3g}")))  # so that kernels of other processors agree
    found = calibrated(shares, temperature, least)
    return Confidence(temperature=temperature, rows=_rows(found.max(1), found.argmax(1) == labels))


def _rows(confidences: NDArray[np.float64], right: NDArray[np.bool_]) -> tuple[Row, ...]:
    """Thresholds, rounded downwards, that leave about the shares `SILENT` of the images without an answer."""
    marks = np.quantile(confidences, SILENT, method="lower")
    rows: dict[int, Row] = {}
    for threshold in (0.0, *np.unique(np.floor(marks * 10**DIGITS) / 10**DIGITS)):
        answered = confidences >= threshold
        row = Row(float(threshold), int(answered.sum()), int(right[answered].sum()))
        rows.setdefault(row.answered, row)
    return tuple(rows.values())


def choose(
    contract: Contract, path: Path, confidence: float | None = None, precision: float | None = None
) -> Threshold | None:
    """The threshold that is asked for: a confidence, or the least one of the contract's with a precision; or None.

    Of the file at `path`. BadArgumentError for both or for no share, MissingDataError without a table,
    RefusedError if no threshold has that precision.
    """
    for name, value in (("min_confidence", confidence), ("min_precision", precision)):
        if value is not None and not 0 < value <= 1:
            raise BadArgumentError(f"{name}: expected a share above 0, at most 1, such as 0.9, found {value:g}")
    if confidence is not None and precision is not None:
        raise BadArgumentError("min_confidence and min_precision: expected one of them, found both")
    if confidence is not None:
        return Threshold(confidence=confidence)
    return None if precision is None else _for_precision(contract, path, precision)


def _for_precision(contract: Contract, path: Path, precision: float) -> Threshold:
    if contract.confidence is None:
        raise MissingDataError(
            f"{path}: expected a table of thresholds for --min-precision, found none. Train and quantize on your own "
            "pictures, whose validation part gives one; or use --min-confidence"
        )
    rows = contract.confidence.rows
    reaching = [row for row in rows if row.correct >= precision * row.answered]
    if not reaching:
        best = max(rows, key=lambda row: row.correct / row.answered)
        raise RefusedError(
            f"{path}: expected a precision of {precision:g}, found at most {best.correct / best.answered:.3f} "
            f"({best.correct:,} of {best.answered:,} answers; {rows[0].answered:,} validation images). Ask for less, "
            "or train on more images"
        )
    row = reaching[0]
    low, high = wilson(row.correct, row.answered)
    return Threshold(
        confidence=row.threshold, precision=row.correct / row.answered, low=low, high=high, answered=row.answered,
        coverage=row.answered / rows[0].answered, n=rows[0].answered,
    )  # fmt: skip
