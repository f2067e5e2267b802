"""evaluate: a file's accuracy on a split."""

from __future__ import annotations

from eyespot.arguments import positive, verb
from eyespot.artifacts.measurements import Evaluation
from eyespot.data import catalogue
from eyespot.errors import MissingDataError, RefusedError
from eyespot.evaluation.engine import Job, check_classes, classify, refuse_overlap, summarise
from eyespot.preprocessing.damage import OF_COLOURS
from eyespot.preprocessing.spec import Damage
from eyespot.tflite import run as running
from eyespot.tflite.kernels import Kernels
from eyespot.tflite.read import read
from eyespot.zoo import registry

CHUNK = 100
PACKAGES = {"xnnpack": "ai-edge-litert", "reference": "ai-edge-litert", "tflm": "tflite-micro"}
TOP5_FROM = 21


@verb
def evaluate(
    model: str,
    *,
    data: str | None = None,
    split: str | None = None,
    kernels: Kernels = "xnnpack",
    under: Damage | None = None,
    images: int | None = None,
    processes: int | None = None,
    contract: str | None = None,
) -> Evaluation:
    """Measure top-1 on a data set, with its 95 % interval.

    Example: eyespot evaluate tiny-resnet --kernels reference

    Parameters
    ----------
    model
        A model (its int8 file), MODEL:float32, a .tflite file or a folder that `make` wrote.
    data
        A data set; the one in the model's card by default.
    split
        The data set's test split by default.
    kernels
        xnnpack as phones and Linux boards run it, reference or tflm as microcontrollers do.
    under
        Damage done to every image first, at the input's size: jpeg (quality 75), bgr, rgb565, blur (0.7
        pixels), darker or brighter (20 %).
    images
        Only this many, the first ones.
    processes
        To run in; one for each core by default.
    contract
        For a file that carries none: the model whose input and classes it shares.
    """
    positive(images=images, processes=processes)
    file = read(registry.find(model))
    fallback = registry.contract(contract) if contract else None
    agreed = running.contract_of(file, fallback)
    card = catalogue.dataset(data) if data else catalogue.data_of(file.path, agreed)
    opened = catalogue.open_split(card, split or card.test)
    if not len(opened):
        raise MissingDataError(f"{card.name}: no image falls into its {opened.name} part; add some")
    check_classes(agreed, opened)
    n = min(images or len(opened), len(opened))
    if under in OF_COLOURS and agreed.preprocessing.channels == 1:
        raise RefusedError(f"{file.path}: takes gray images, to which {under} does nothing")
    job = Job(path=file.path, data=card, split=opened.name, kernels=kernels, contract=agreed, under=under)
    ranked, digests = classify(job, n, processes)
    refuse_overlap(file, digests)
    return summarise(file, job, opened, ranked, digests)
