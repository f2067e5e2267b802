"""predict: the classes of the user's own pictures."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter

from eyespot.arguments import positive, verb
from eyespot.evaluation.predict import Pictures, classify
from eyespot.evaluation.prediction import Prediction
from eyespot.tflite.run import contract_of
from eyespot.zoo import registry

Images = Annotated[Pictures, Parameter(n_tokens=-1, converter=lambda _, tokens: [t.value for t in tokens])]


@verb
def predict(model: str, images: Images, *, top: int = 5, contract: str | None = None) -> tuple[Prediction, ...]:
    """Classify image files, all images of folders, or globs.

    In Python `images` may also be a PIL image, an array (height, width[, 1 or 3]) of uint8, or a list.

    Example: eyespot predict tiny-resnet photos/ "more/*.jpg" --top 3

    Args:
        model: A model (its int8 file), MODEL:float32, a .tflite file or a folder.
        images: Files, folders or patterns.
        top: How many classes to show.
        contract: For a file that carries none: the model whose input and classes it shares.
    """
    positive(top=top)
    _, file = registry.open_model(model)
    agreed = contract_of(file, registry.contract(contract) if contract else None)
    return classify(file, agreed, images, top)
