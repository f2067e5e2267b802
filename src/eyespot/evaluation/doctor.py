"""What a file wants to be fed, and what each mistake costs, on images with which nothing was chosen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from eyespot.data import catalogue
from eyespot.data.split import Split
from eyespot.errors import BadArgumentError, MissingDataError
from eyespot.evaluation import ways
from eyespot.evaluation.diagnosis import Alternative, Diagnosis, Found, Mistake
from eyespot.evaluation.labels import NEVER, labellings
from eyespot.evaluation.search import LEVEL, Hypothesis, Search
from eyespot.evaluation.trials import TrialJob, Trials, open_trials, sample
from eyespot.isolation import Pool
from eyespot.preprocessing.pipeline import Pipeline, pipeline_of, words
from eyespot.quantity import at_least, paired, wilson
from eyespot.tflite.read import File, check_classifier
from eyespot.tflite.run import contract_of
from eyespot.zoo.cards import Dataset
from eyespot.zoo.datasets import IMAGENET_CLASSES, IMAGENET_IDS

FEWEST = 20  # images
SKILL = 0.1  # of the way from the majority's share to 1 that top-1 must go
LEARNED_SKILL = 0.35  # if the labels are learned, as some outputs always go with some classes
NOTHING = "check that the data has the classes of the file, and that its weights are trained"


def diagnose(
    file: File, data: Dataset, split: str, *, pool: Pool, using: Mapping[str, Any] | None = None,
    images: int = 300, seed: int = 0,
) -> tuple[Diagnosis, tuple[str, ...]]:  # fmt: skip
    """Find what a file wants on some images of a split, evenly from all classes; also the data's class names.

    `using` are the fields of the user's own pipeline (see `pipeline.parse`). MissingDataError for too few
    images, BadArgumentError for a pipeline that the file cannot take, BadFileError if LiteRT refuses the file.
    """
    opened = _numbered(catalogue.open_split(data, split))
    chosen, half = sample(opened.labels, images, seed)
    if len(chosen) < FEWEST:
        raise MissingDataError(f"{data.name}: {len(chosen)} images; a diagnosis needs {FEWEST} or more. Add some")
    root, shape = catalogue.folder(data), file.input.shape[1:]
    job = TrialJob(file=file.content, shape=shape, data=data, root=root, split=split)
    trials = Trials(pool.open(open_trials, job, name=str(file.path)), file.input, chosen)
    own = pipeline_of(file.contract.preprocessing) if file.contract else None
    search = Search(file, trials, opened.labels[chosen], half, own)
    names = file.contract.classes if file.contract else ()
    leader = search.find(labellings(search.labels, opened.classes, names, _outputs(file)), using)
    trials.measure([leader.pipeline], half, len(chosen), "doctor: top-1")
    base = _summary(search, leader, opened)
    return (_priced(search, leader, using, base) if _works(search, leader) else base), opened.classes


def data_for(file: File, data: str | None, split: str | None) -> Dataset:
    """The data to judge a file on: `data`, or what its contract names. BadArgumentError if neither is there.

    BadFileError for a file that is no classifier, RefusedError if its contract does not fit its tensors.
    """
    check_classifier(file)
    if file.contract:
        return catalogue.data_for(file.path, contract_of(file), data, split)
    if data is None:
        raise BadArgumentError(f"{file.path}: carries no contract, so name labelled pictures: --data FOLDER")
    return catalogue.dataset(data)


def _numbered(split: Split) -> Split:
    """With ImageNet's class numbers, if the class folders are called by WordNet ids."""
    if not split.classes or not set(split.classes) <= set(IMAGENET_IDS):
        return split
    numbers = np.array([IMAGENET_IDS.index(name) for name in split.classes])
    return replace(split, classes=IMAGENET_CLASSES, labels=numbers[split.labels])


def _outputs(file: File) -> int:
    return file.output.shape[-1]


def _majority(search: Search) -> float:
    return float(np.bincount(search.labels[search.half :]).max() / (len(search.labels) - search.half))


def _works(search: Search, leader: Hypothesis) -> bool:
    """Whether the second half's top-1 is beyond what always answering the commonest class gives."""
    right, majority = search.right(leader), _majority(search)
    least = LEARNED_SKILL if leader.labelling.name == "permutation" else SKILL
    enough = right.mean() >= majority + least * (1 - majority)
    return majority < 1 and bool(enough) and at_least(int(right.sum()), len(right), majority) < LEVEL / 5


def _summary(search: Search, leader: Hypothesis, split: Split) -> Diagnosis:
    """The diagnosis of a file for which nothing works."""
    return Diagnosis(
        model=search.file.path.name, data=split.data, split=split.name, images=len(search.labels),
        tries=search.tries, majority=_majority(search), best=float(search.right(leader).mean()),
        contract="not judged" if search.own else "none", found=None, using=None, mistakes=(),
        indistinguishable=(), next=NOTHING,
    )  # fmt: skip


def _priced(search: Search, leader: Hypothesis, using: Mapping[str, Any] | None, base: Diagnosis) -> Diagnosis:
    """What works, the cost of every mistake, and what cannot be told apart on all images."""
    found, tensor = leader.pipeline, search.file.input
    user = search.stated(found, using) if using else None
    changes = ways.parts(found, using) if using else {}
    changes |= ways.singles(found, tensor, turned=search.turned) | ways.classics(found, tensor)
    asked = [found, *changes.values(), *([user] if user else [])]
    search.trials.measure(asked, 0, len(search.labels), "doctor: mistakes")
    same, different = _grouped(search, found, changes)
    rivals = {change: leader._replace(pipeline=way) for change, way in different.items()} | _misnumbered(search, leader)
    alike = [change for change, each in rivals.items() if not search.worse(leader, each)]
    open_ = [changes[change] for change in same] + [rivals[change].pipeline for change in alike] + [found]
    alike += _other_survivors(search, leader, open_, [found, *changes.values()])
    costs = [_cost(search, leader, change, each) for change, each in rivals.items()]
    return replace(
        base,
        contract="none" if search.own is None else "confirmed" if found == search.own else "contradicted",
        found=_stated(search, leader),
        using=_cost(search, leader, words(user), leader._replace(pipeline=user)) if user else None,
        mistakes=tuple(sorted(costs, key=lambda each: -each.cost)),
        indistinguishable=(
            *(Alternative(change=change, identical=True) for change in same),
            *(Alternative(change=change, identical=False) for change in alike),
        ),
        next=_next(search, found, base),
    )


def _grouped(search: Search, found: Pipeline, changes: Mapping[str, Pipeline]) -> tuple[list[str], dict[str, Pipeline]]:
    """The changes that change no tensor, and the others, named together where their tensors are equal."""
    same, groups = list[str](), dict[Pipeline, list[str]]()
    for change, way in changes.items():
        if search.trials.identical(way, found):
            same.append(change)
        else:
            first = next((other for other in groups if search.trials.identical(way, other)), way)
            if first is way or change not in ways.CLASSIC:
                groups.setdefault(first, []).append(change)
    return same, {" = ".join(names): way for way, names in groups.items()}


def _misnumbered(search: Search, leader: Hypothesis) -> dict[str, Hypothesis]:
    """The same tensors with labels that are off by one."""
    offset, found = _offset(leader), dict[str, Hypothesis]()
    for by in (-1, 1):
        name = f"labels {by:+d}" if offset is None else f"label offset {offset + by}"
        found[name] = leader._replace(labelling=leader.labelling.shifted(by, _outputs(search.file)))
    return found


def _offset(leader: Hypothesis) -> int | None:
    """How far all outputs lie from their labels, None if they differ."""
    offsets = {output - label for label, output in enumerate(leader.labelling.outputs) if output != NEVER}
    return offsets.pop() if len(offsets) == 1 else None


def _other_survivors(
    search: Search, leader: Hypothesis, open_: Sequence[Pipeline], judged: Sequence[Pipeline]
) -> list[str]:
    """Orders, ranges and labels that the first race left, unless single changes that are still `open_` say so."""
    found: dict[str, None] = {}
    for way, labelling in search.survivors:
        ordered = replace(leader.pipeline, order=way.order)
        ranged = replace(leader.pipeline, mean=way.mean, std=way.std, cast=way.cast)
        both = replace(ranged, order=way.order)
        if both not in judged and (ordered not in open_ or ranged not in open_):
            found[words(both)] = None
        if leader.labelling.name != "permutation" and not labelling.learned and labelling != leader.labelling:
            found[labelling.name] = None
    return list(found)


def _cost(search: Search, leader: Hypothesis, change: str, each: Hypothesis) -> Mistake:
    best, worse = search.right(leader), search.right(each)
    won, lost, n = int((best & ~worse).sum()), int((worse & ~best).sum()), len(best)
    low, high = paired(won, lost, n)
    return Mistake(change=change, cost=100 * (won - lost) / n, interval=(100 * low, 100 * high))


def _next(search: Search, found: Pipeline, base: Diagnosis) -> str:
    command = f"eyespot doctor {base.model} --data {base.data}"
    if search.own is None:
        return f"{command} --write OUT.tflite writes this into the file"
    if search.own != found:
        return "the file's own contract is wrong: ask its maker, or make it again"
    return f"{command} --using bgr,0..1,squash says what a pipeline of yours costs"


def _stated(search: Search, leader: Hypothesis) -> Found:
    right, way, offset = search.right(leader), leader.pipeline, _offset(leader)
    k, n = int(right.sum()), len(right)
    return Found(
        words=words(way), order=way.order, range=way.range, cast=way.cast, resize=way.filter, crop=way.fitting,
        label_offset=offset or 0,
        label_permutation=() if offset is not None else tuple(max(-1, o) for o in leader.labelling.outputs),
        certainty=1 - search.tries * search.worst if search.worst else 0.0,
        top1=k / n, interval=wilson(k, n), n=n,
    )  # fmt: skip
