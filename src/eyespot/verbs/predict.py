"""predict: the classes of the user's own pictures."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter

from eyespot.arguments import positive, verb
from eyespot.evaluation.confidence import choose
from eyespot.evaluation.predict import Pictures, classify
from eyespot.evaluation.prediction import Prediction
from eyespot.tflite.run import contract_of
from eyespot.zoo import registry

Images = Annotated[Pictures, Parameter(n_tokens=-1, converter=lambda _, tokens: [t.value for t in tokens])]


@verb
def predict(
    model: str,
    images: Images,
    *,
    top: int = 5,
    min_confidence: float | None = None,
    min_precision: float | None = None,
    contract: str | None = None,
) -> tuple[Prediction, ...]:
    """Classify image files, all images of folders, or globs.

    In Python `images` may also be a PIL image, an array (height, width[, 1 or 3]) of uint8, or a list.

    Probabilities are calibrated if the file carries a temperature, as those made from your own pictures do.

    Example: eyespot predict tiny-resnet photos/ "more/*.jpg" --top 3 --min-confidence 0.8

    Args:
        model: A model (its int8 file), MODEL:float32, a .tflite file or a folder.
        images: Files, folders or patterns.
        top: How many classes to show.
        min_confidence: Answer "none of these" where the most probable class is less probable than this, 0 to 1.
        min_precision: The same, with the lowest confidence of which so many answers were correct on validation
            images, 0 to 1.
        contract: For a file that carries none: the model whose input and classes it shares.
    """
    positive(top=top)
    _, file = registry.open_model(model)
    agreed = contract_of(file, registry.contract(contract) if contract else None)
    threshold = choose(agreed, file.path, min_confidence, min_precision)
    return classify(file, agreed, images, top, threshold)
