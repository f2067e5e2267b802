"""predict: the classes of the user's own pictures."""

from __future__ import annotations

from eyespot.evaluation.predict import classify
from eyespot.evaluation.prediction import Prediction
from eyespot.tflite.run import contract_of
from eyespot.zoo import registry


def predict(
    model: str, images: tuple[str, ...], *, top: int = 5, contract: str | None = None
) -> tuple[Prediction, ...]:
    """Classify image files, all images of folders, or globs.

    Example: eyespot predict tiny-resnet photos/ "more/*.jpg" --top 3

    Parameters
    ----------
    model
        A model (its int8 file), MODEL:float32, a .tflite file or a folder.
    images
        Files, folders or patterns.
    top
        How many classes to tell.
    contract
        For a file that carries none: the model whose input and classes it shares.
    """
    _, file = registry.open_model(model)
    agreed = contract_of(file, registry.contract(contract) if contract else None)
    return classify(file, agreed, images, top)
