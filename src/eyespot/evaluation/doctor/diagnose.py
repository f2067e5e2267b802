"""A diagnosis from beginning to end."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from eyespot.data import catalogue, imagenet
from eyespot.errors import BadArgumentError, MissingDataError
from eyespot.evaluation.diagnosis import Diagnosis, Found
from eyespot.evaluation.doctor.costs import costs
from eyespot.evaluation.doctor.labels import labellings
from eyespot.evaluation.doctor.search import LEVEL, Hypothesis, Search
from eyespot.evaluation.trials import Trials, open_trials, sample
from eyespot.isolation import Pool
from eyespot.preprocessing.pipeline import pipeline_of, words
from eyespot.quantity import at_least, wilson
from eyespot.tflite.read import File, check_classifier
from eyespot.tflite.run import contract_of
from eyespot.zoo.cards import Dataset

FEWEST, IMAGES = 20, 300
MULTIPLY_ADDS = 800e9  # of all images for one pipeline: 10,000 images of CIFAR-10 for a wide ResNet-8
SKILL = 0.1  # of the way from the majority's share to 1 that top-1 must go
LEARNED_SKILL = 0.35  # if the labels are learned, as some outputs always go with some classes
NEXT = {  # by what was found
    "none": "{} --write OUT.tflite writes this into the file",
    "confirmed": "{} --using bgr,0..1,squash says what a pipeline of yours costs",
    "contradicted": "the file's own contract is wrong: ask its maker, or make it again",
    "nothing": "check that the data has the classes of the file, and that its weights are trained",
}


def diagnose(
    file: File, data: Dataset, split: str, *, pool: Pool, using: Mapping[str, Any] | None = None,
    images: int | None = None, seed: int = 0,
) -> tuple[Diagnosis, tuple[str, ...]]:  # fmt: skip
    """Find what a file wants on some images of a split, evenly from all classes; also the data's class names.

    Half of the `images` choose; the other half gives top-1 and the costs. By default 150 choose, or 1,500
    where the file's own contract is in doubt. As many others as a small network answers in a minute or two give
    the rest.
    `using` are the fields of the user's own pipeline (see `pipeline.parse`). MissingDataError for too few
    images, BadArgumentError for a pipeline that the file cannot take, BadFileError if LiteRT refuses the file.
    """
    opened = catalogue.open_split(data, split)
    more = 0 if images else max(0, round(MULTIPLY_ADDS / max(1, file.operations / 2)) - IMAGES)
    chosen, half = sample(opened.labels, images or IMAGES, seed, more)
    if len(chosen) < FEWEST:
        raise MissingDataError(f"{data.name}: {len(chosen)} images; a diagnosis needs {FEWEST} or more. Add some")
    job = (file.content, file.input.shape[1:], data, catalogue.folder(data), split)
    trials = Trials(pool.open(open_trials, *job, name=str(file.path)), file.input, chosen)
    own = pipeline_of(file.contract.preprocessing) if file.contract else None
    search = Search(file, trials, opened.labels[chosen], half, own)
    names = file.contract.classes if file.contract else ()
    leader = search.find(labellings(search.labels, opened.classes, names, file.output.shape[-1]), using)
    trials.measure([leader.pipeline], search.half, len(chosen), "doctor: top-1")
    nothing = Diagnosis(
        model=file.path.name, data=opened.data, split=opened.name, images=len(chosen), tries=search.tries,
        majority=float(np.bincount(search.labels[search.half :]).max() / (len(chosen) - search.half)),
        best=float(search.right(leader).mean()), contract="not judged" if own else "none", found=None, using=None,
        mistakes=(), indistinguishable=(), next=NEXT["nothing"],
    )  # fmt: skip
    return (_priced(search, leader, using, nothing) if _works(search, leader, nothing) else nothing), opened.classes


def data_for(file: File, data: str | None, split: str | None) -> Dataset:
    """The data to judge a file on: `data`, or what its contract names. BadArgumentError if neither is there.

    BadFileError for a file that is no classifier, RefusedError if its contract does not fit its tensors.
    """
    check_classifier(file)
    if file.contract:
        return catalogue.data_for(file.path, contract_of(file), data, split)
    if data is None:
        raise BadArgumentError(f"{file.path}: carries no contract, so name labelled pictures: --data FOLDER")
    return imagenet.numbered(catalogue.dataset(data))


def _works(search: Search, leader: Hypothesis, nothing: Diagnosis) -> bool:
    """Whether the second half's top-1 is beyond what always answering the commonest class gives."""
    right, majority = search.right(leader), nothing.majority
    least = LEARNED_SKILL if leader.labelling.name == "permutation" else SKILL
    enough = nothing.best >= majority + least * (1 - majority)
    return majority < 1 and enough and at_least(int(right.sum()), len(right), majority) < LEVEL / 5


def _priced(search: Search, leader: Hypothesis, using: Mapping[str, Any] | None, nothing: Diagnosis) -> Diagnosis:
    """The diagnosis of a file for which something works."""
    user, mistakes, alike = costs(search, leader, using)
    contract = "none" if search.own is None else "confirmed" if search.own == leader.pipeline else "contradicted"
    return replace(
        nothing, contract=contract, found=_found(search, leader), using=user, mistakes=mistakes,
        indistinguishable=alike, next=NEXT[contract].format(f"eyespot doctor {nothing.model} --data {nothing.data}"),
    )  # fmt: skip


def _found(search: Search, leader: Hypothesis) -> Found:
    way, labelling, right = leader.pipeline, leader.labelling, search.right(leader)
    k, n = int(right.sum()), len(right)
    return Found(
        words=words(way), order=way.order, range=way.range, cast=way.cast, resize=way.filter, crop=way.fitting,
        label_offset=labelling.offset or 0,
        label_permutation=() if labelling.offset is not None else tuple(max(-1, o) for o in labelling.outputs),
        certainty=1 - search.tries * search.worst if search.worst else 0.0,
        top1=k / n, interval=wilson(k, n), n=n,
    )  # fmt: skip
