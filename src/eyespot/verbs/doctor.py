"""doctor: what a file wants to be fed, and what each mistake costs."""

from __future__ import annotations

from pathlib import Path

from eyespot.arguments import positive, verb
from eyespot.errors import BadArgumentError, RefusedError, UnfitError
from eyespot.evaluation import workers
from eyespot.evaluation.diagnosis import Diagnosis
from eyespot.evaluation.dumps.explanation import Explanation
from eyespot.zoo import registry


@verb
def doctor(
    model: str,
    *,
    data: str | None = None,
    split: str | None = None,
    using: str | None = None,
    images: int | None = None,
    seed: int = 0,
    write: Path | None = None,
    chart: Path | None = None,
    processes: int | None = None,
    tensor: Path | None = None,
    image: Path | None = None,
    contract: str | None = None,
) -> Diagnosis | Explanation:
    """Find out how pictures must be fed, and what each mistake costs.

    Half of the images find it, the other half gives top-1 and the costs. --tensor explains your own tensor.

    Example: eyespot doctor mine.tflite --data photos/ --using bgr,0..1,squash

    Args:
        model: A model (its int8 file), MODEL:float32, a folder or any .tflite classifier.
        data: A data set, or a folder of yours in a layout of docs/data.md; the one of the file's contract by default.
        split: The data set's test split by default.
        using: Your own pipeline, in words as in docs/doctor.md; what it costs.
        images: How many images to use, evenly from all classes; by default 300, or more if the network is small.
        seed: Which images.
        write: Write a copy of the file with the finding as its contract.
        chart: Write a bar chart of the costs (PNG).
        processes: To run in; one for each core by default.
        tensor: A dump of the input tensor on your board: raw bytes, .npy, or the numbers that it printed.
        image: The picture that the dump was made from; without it, a golden picture of `make` is recognised.
        contract: For a dump and a file that carries none: the model whose input it shares.
    """
    positive(images=images, processes=processes)
    if tensor or image or contract:
        return _of_dump(model, tensor, image, contract, data or split or using or write or chart)
    with workers.start(processes) as pool:
        from eyespot.evaluation import doctor as engine  # while they start
        from eyespot.preprocessing.pipeline import parse
        from eyespot.reports.diagnosis import draw

        stated = parse(using) if using is not None else None
        folder, file = registry.open_model(model)
        card = engine.data_for(file, data, split)
        diagnosis, classes = engine.diagnose(
            file, card, split or card.test, pool=pool, using=stated, images=images, seed=seed
        )
    if chart:
        draw(diagnosis, chart)
    if write:
        try:
            engine.inscribe(folder, file, diagnosis, classes, write)
        except RefusedError as error:
            raise UnfitError(str(error), diagnosis) from error
    return diagnosis


def _of_dump(model: str, tensor: Path | None, image: Path | None, contract: str | None, more: object) -> Explanation:
    from eyespot.evaluation.dumps.explain import explain_files

    if tensor is None or more:
        raise BadArgumentError("tensor goes with image and contract, and these two with tensor alone")
    fallback = registry.contract(contract) if contract else None
    return explain_files(registry.open_model(model)[1], fallback, tensor, image)
