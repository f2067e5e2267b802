"""evaluate: a file's accuracy on a split."""

from __future__ import annotations

from eyespot.arguments import CORES, positive, verb
from eyespot.artifacts import measurements, places
from eyespot.artifacts.measurements import Evaluation
from eyespot.errors import BadArgumentError
from eyespot.evaluation import workers
from eyespot.preprocessing.spec import Damage
from eyespot.tflite.kernels import Kernels


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
    cluster: str | None = None,
    contract: str | None = None,
) -> Evaluation:
    """Measure top-1 on a data set, with its 95 % interval.

    In a folder that `train` or `make` wrote, the measurement is kept for `eyespot report`.

    Example: eyespot evaluate tiny-resnet --kernels reference

    Args:
        model: A model (its int8 file), MODEL:float32, a .tflite file or a folder that `make` wrote.
        data: A data set, or a folder of yours in a layout of docs/data.md; the one in the model's card by default.
        split: The data set's test split by default.
        kernels: xnnpack as phones and Linux boards run it, reference or tflm as microcontrollers do.
        under: Damage done to every image first, at the input's size: jpeg (quality 75), bgr, rgb565,
            rgb565-swapped (its bytes in the wrong order), blur (0.7 pixels), darker or brighter (20 %).
        images: Only this many, the first ones.
        processes: To run in; one for each core by default.
        cluster: Run on all cores of this Ray cluster: auto for the one that this machine is in, or its HOST:PORT.
        contract: For a file that carries none: the model whose input and classes it shares.
    """
    positive(images=images)
    positive(CORES, processes=processes)
    if cluster is not None and processes:
        raise BadArgumentError("processes: expected none with cluster, whose cores all work")
    with workers.start_on(cluster, processes) as pool:
        from eyespot.data import catalogue  # while they start
        from eyespot.evaluation import engine
        from eyespot.tflite.run import contract_of
        from eyespot.zoo import registry

        folder, file = registry.open_model(model)
        agreed = contract_of(file, registry.contract(contract) if contract else None)
        card = catalogue.data_for(file.path, agreed, data, split)
        measured = engine.evaluate(
            folder, file, agreed, card, split or card.test, pool=pool, kernels=kernels, under=under,
            images=images,
        )  # fmt: skip
        if images is None and folder.record(file.path.name) and not folder.path.is_relative_to(places.ZOO):
            measurements.keep(measured, folder.path)
        return measured
