"""Writing what the doctor found into a file that carries no contract."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from eyespot.artifacts.model_folder import Artifact, ModelFolder, handed_on, tools
from eyespot.errors import RefusedError, UnknownNameError
from eyespot.evaluation.diagnosis import Diagnosis, Found
from eyespot.preprocessing.pipeline import Pipeline, parse, preprocessing_of
from eyespot.preprocessing.spec import Contract
from eyespot.tflite import contract, schema
from eyespot.tflite.read import File

BACKGROUND = "background"
MINOR = frozenset({"fit", "crop", "filter", "damage", "upright"})  # where the best guess is good enough


def inscribe(folder: ModelFolder, file: File, diagnosis: Diagnosis, classes: Sequence[str], path: Path) -> Artifact:
    """Write a copy of a file with the finding as its contract, and a sidecar.

    RefusedError if it has a contract, if nothing was found or something else may be right, and if a contract
    cannot say what was found or the outputs' names are not known.
    """
    found = diagnosis.found
    if file.contract:
        raise RefusedError(f"{file.path}: carries a contract already ({diagnosis.contract}). Nothing is written")
    if found is None:
        raise RefusedError(f"{file.path}: no preprocessing works, so there is no contract to write")
    doubts = [each.change for each in diagnosis.indistinguishable if not each.identical and not _minor(each.change)]
    if doubts:
        raise RefusedError(f"{path}: not written: {', '.join(doubts)} may be right too. Use more --images")
    try:
        spec = preprocessing_of(Pipeline(**parse(found.words)), file.input)
    except ValueError as error:
        advice = "Resize your pictures yourself, or say it on your own"
        raise RefusedError(f"{path}: not written: {error}. {advice}") from error
    names = named(found, classes, file.output.shape[-1], path)
    agreed = Contract(model=path.stem, preprocessing=spec, classes=names)
    arguments = {"data": diagnosis.data, "split": diagnosis.split, "images": diagnosis.images}
    record = {"verb": "doctor", "model": agreed.model, "arguments": arguments, "inputs": {"file": file.sha256}}
    model = schema.unpack(file.data)
    contract.write(model, agreed, record)
    before = folder.record(file.path.name)
    facts = {**handed_on(before.facts if before else {}), "found": found.as_dict()}
    return ModelFolder(path.parent).save(path.name, schema.pack(model), **record, tools=tools(), facts=facts)


def _minor(change: str) -> bool:
    """Whether a change concerns only how pictures are resized or damaged, or what is out of range."""
    try:
        return change == "wrapped" or set(parse(change.partition(" = ")[0])) <= MINOR
    except UnknownNameError:  # labels
        return False


def named(found: Found, classes: Sequence[str], outputs: int, path: Path) -> tuple[str, ...]:
    """The outputs' names in their order; the first is `background` if all others are the data's classes."""
    places = found.label_permutation or [label + found.label_offset for label in range(len(classes))]
    names = dict(zip(places, classes, strict=True)) if classes else {}
    if found.label_offset == 1 and outputs == len(classes) + 1 and BACKGROUND not in classes:
        names[0] = BACKGROUND
    if sorted(names) != list(range(outputs)):
        known = f"the data names {len(set(names) & set(range(outputs)))} of {outputs} outputs"
        raise RefusedError(f"{path}: not written: {known}. Use data with all classes")
    return tuple(names[i] for i in range(outputs))
