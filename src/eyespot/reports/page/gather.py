"""What is known of one model: from its folder, its files and the store of measurements. Nothing is measured."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from eyespot import decoding
from eyespot.artifacts import benchmarks, layers, measurements, places
from eyespot.artifacts.benchmarks import Benchmark
from eyespot.artifacts.layers import Layers
from eyespot.artifacts.measurements import Compatibility, Evaluation
from eyespot.artifacts.model_folder import FLOAT32, INT8, Artifact, ModelFolder, sidecar
from eyespot.artifacts.reliability import Reliability, reliabilities
from eyespot.artifacts.training_cost import TrainingCost, training_cost
from eyespot.errors import MissingDataError, RefusedError
from eyespot.escaping import file_name
from eyespot.preprocessing.spec import Contract
from eyespot.reports.page.trained import Trained, trained
from eyespot.tflite.read import File
from eyespot.tflite.run import contract_of
from eyespot.zoo import provenance, registry
from eyespot.zoo.cards import Model
from eyespot.zoo.models import MODELS

Origin = Literal["own", "built", "file"]  # in a folder of the user's, a model of ours, a file alone

CHECK, REPORT = "check.json", "report.html"


@dataclass(frozen=True, kw_only=True)
class Part:
    """One file: what it was made from, itself first, and its accuracies, the most telling first.

    `file` is None where it is not on this machine; what is known of it then stands in its sidecar. `refused`
    says why there are no accuracies, as of stand-in weights.
    """

    name: str
    precision: str
    sha256: str
    bytes: int | None
    operations: int | None
    file: File | None = None
    chain: tuple[Artifact, ...]
    evaluations: tuple[Evaluation, ...]
    refused: str = ""

    @property
    def clean(self) -> Evaluation | None:
        """The most telling accuracy on images as they are."""
        return next((e for e in self.evaluations if not e.under), None)


@dataclass(frozen=True, kw_only=True)
class Subject:
    """A model as the page shows it. `parts` are its files, the one that the page is about first.

    `card` is the model of ours that it is or comes from; `compatibility` is of a file in `parts`; `cost` is
    what training its weights took.
    """

    name: str
    origin: Origin
    parts: tuple[Part, ...]
    contract: Contract | None
    card: Model | None
    compatibility: tuple[Compatibility, ...]
    layers: Layers | None
    benchmarks: tuple[Benchmark, ...]
    reliabilities: tuple[Reliability, ...]
    cost: TrainingCost | None
    trained: Trained

    @property
    def main(self) -> Part:
        """The file that the page is about."""
        return self.parts[0]

    def part(self, precision: str) -> Part | None:
        """The file of that precision."""
        return next((part for part in self.parts if part.precision == precision), None)

    @property
    def pair(self) -> tuple[Evaluation, Evaluation] | None:
        """Accuracies of the int8 and the float32 file on the same images."""
        int8, float32 = self.part("int8"), self.part("float32")
        for ours in int8.evaluations if int8 else ():
            for theirs in float32.evaluations if float32 else ():
                if not (ours.under or theirs.under) and ours.data_digest == theirs.data_digest:
                    return ours, theirs
        return None

    @property
    def damaged(self) -> tuple[Evaluation, ...]:
        """Accuracies on damaged images, of the data and kernels of `main.clean`."""
        clean = self.main.clean
        return tuple(
            e
            for e in self.main.evaluations
            if clean and e.under and (e.data_digest, e.kernels) == (clean.data_digest, clean.kernels)
        )


def gather(model: str) -> Subject:
    """What is known of MODEL. Errors as `registry.find` and `ModelFolder`; BadFileError for damaged records."""
    named, (folder, names) = _named(model), _files(model)
    opened = [_opened(folder, name) for name in names]
    contract = _contract(opened[0].file, named)
    card = next((card for card in MODELS if contract and card.name == contract.model), None)
    parts = tuple(_measured(part, folder.path, card) for part in opened)
    digests = {part.sha256 for part in parts}
    made = {digest for part in parts for link in part.chain for digest in link.inputs.values()}
    origin: Origin = "built" if named else "own" if any(part.chain for part in parts) else "file"
    return Subject(
        name=named or (folder.path.resolve().name if origin == "own" else names[0]),
        origin=origin,
        parts=parts,
        contract=contract,
        card=card,
        compatibility=_compatibility(folder, parts, card),
        layers=layers.of_file(parts[0].sha256, card.name if card else "", folder.path),
        benchmarks=benchmarks.benchmarks(contract.model, {parts[0].sha256}) if contract else (),
        reliabilities=reliabilities(card.name, digests) if card else (),
        cost=training_cost(card.name, made) if card else None,
        trained=trained(folder.path) if origin == "own" else Trained(),
    )


def default_path(model: str) -> Path:
    """report.html in a folder of the user's, or build/MODEL/report.html; FILE.html for a file FILE.tflite."""
    if named := _named(model):
        return Path("build") / named / REPORT
    path = Path(model.removesuffix(":float32").removesuffix(":int8"))
    return path / REPORT if path.is_dir() else path.with_suffix(".html")


def _named(model: str) -> str:
    """The name of a model of ours, "" for a path."""
    base = model.partition(":")[0]
    return base if any(base == card.name for card in MODELS) else ""


def _files(model: str) -> tuple[ModelFolder, list[str]]:
    """The folder that MODEL means and its files that the page shows, the main one first."""
    path = Path(model)
    if path.is_dir() and not _named(model):
        names = [name for name in (INT8, FLOAT32) if (path / name).is_file()]
        names = names or sorted(each.name for each in path.glob("*.tflite"))
        if not names:
            raise MissingDataError(
                f"{path}: expected {INT8} or {FLOAT32}, found neither; give a folder that `eyespot train` wrote"
            )
        if names[0] not in {INT8, FLOAT32} and len(names) > 1:
            raise RefusedError(f"{path}: has {len(names)} .tflite files ({names[0]}, ...); name one of them")
        return ModelFolder(path), names
    path = _found(model)
    pair = [INT8, FLOAT32] if path.name in {INT8, FLOAT32} else []
    others = [name for name in pair if name != path.name and _known(path.with_name(name))]
    return ModelFolder(path.parent), [path.name, *others]


def _found(model: str) -> Path:
    """The file that MODEL means; one of ours may be absent if its sidecar ships. Errors as `registry.find`."""
    try:
        return registry.find(model)
    except MissingDataError:
        name, _, precision = model.partition(":")
        recorded = places.ZOO / file_name(name) / f"{precision or 'int8'}.tflite"
        if not _named(model) or not _known(recorded):
            raise
        return recorded


def _known(path: Path) -> bool:
    return path.is_file() or (path.is_relative_to(places.ZOO) and sidecar(path).is_file())


def _contract(file: File | None, named: str) -> Contract | None:
    """The contract inside the file, or that of the card of a model of ours that is not built here."""
    if file:
        return contract_of(file) if file.contract else None
    return registry.contract(named)


def _opened(folder: ModelFolder, name: str) -> Part:
    """A file and its chain; of a file that is not here, what its sidecar says."""
    path, chain = folder.path / name, folder.chain(name)
    if path.is_file():
        file = folder.file(name)
        size, operations, precision = len(file.data), file.operations, file.precision
        return Part(
            name=name, precision=precision, sha256=file.sha256, bytes=size, operations=operations, file=file,
            chain=chain, evaluations=(),
        )  # fmt: skip
    facts = chain[0].facts
    return Part(
        name=name, precision=path.stem, sha256=chain[0].sha256, bytes=facts.get("bytes"),
        operations=facts.get("operations"), chain=chain, evaluations=(),
    )  # fmt: skip


def _measured(part: Part, folder: Path, card: Model | None) -> Part:
    """A part with its accuracies."""
    if part.chain and (name := provenance.untrained(part.chain[0])):
        return replace(part, refused=f"made of stand-in weights ({name}): its accuracy means nothing")
    alike = {part.sha256}
    if card and alike & (built := provenance.digests(card.name, part.precision)):
        alike |= built  # another build of the same recipe
    found = [*measurements.beside(folder), *(measurements.evaluations(card.name) if card else ())]
    fitting = [e for e in found if e.artifact in alike and not provenance.made_from(part.chain, e.data_digest)]
    return replace(part, evaluations=_sorted(fitting, part.sha256, card))


def _sorted(found: Iterable[Evaluation], sha256: str, card: Model | None) -> tuple[Evaluation, ...]:
    """Each once: of this very file first, then of test images, of the model's own data and of the most images."""
    kernels = ("xnnpack", "reference", "tflm")

    def rank(e: Evaluation) -> tuple[object, ...]:
        others = card is None or e.data != card.data
        same = (e.artifact != sha256, e.split != "test", others, -e.n)
        return (*same, kernels.index(e.kernels), e.data, str(e.under))

    distinct = {(e.artifact, e.data_digest, e.kernels, e.under): e for e in reversed(list(found))}
    return tuple(sorted(distinct.values(), key=rank))


def _compatibility(folder: ModelFolder, parts: tuple[Part, ...], card: Model | None) -> tuple[Compatibility, ...]:
    """What `make` found out about a file here, or `check` and `measure` about one that ships."""
    path, ours = folder.path / CHECK, {part.sha256 for part in parts}
    beside = path.is_file() and decoding.read(tuple[Compatibility, ...], path, "Make the folder again: eyespot make")
    fitting = tuple(each for each in beside or () if each.file in ours)
    known = {each.device for each in fitting}
    shipped = provenance.compatibility(card.name) if card and _is_ours(card, ours) else ()
    return fitting + tuple(each for each in shipped if each.device not in known)


def _is_ours(card: Model, digests: set[str]) -> bool:
    return bool(digests & provenance.digests(card.name, "int8"))
