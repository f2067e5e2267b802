"""The images that a model file has used: those that trained it and those that calibrated it.

Sidecars hold the digests of the calibration images, and the digest of the list of training images.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from eyespot.artifacts import places
from eyespot.artifacts.atomic import digest
from eyespot.artifacts.model_folder import Artifact, ModelFolder, read_sidecar
from eyespot.data.near import Hashes
from eyespot.data.split import Split
from eyespot.errors import BadFileError, MissingDataError, OverlapError
from eyespot.nouns import Noun

if TYPE_CHECKING:
    from eyespot.tflite.read import File
    from eyespot.zoo.cards import Dataset

LONGEST = 120_000_000  # bytes of a list, of 10 million images
LIST = "training-images.bin"  # beside the weights: the `split.image_list` of the training images
HASHES = "training-hashes.bin"  # beside that list, for the same images: `near.hashes`, 8 bytes each
NAMED = 3  # images in an error's message


@dataclass(frozen=True, kw_only=True)
class Used:
    """`images` are digests of those that "trained" or "calibrated" a file.

    `trained` is how many trained it, None if that is unknown; `hashes` are theirs, None without them.
    """

    images: Mapping[bytes, str]
    trained: int | None
    hashes: Hashes | None


@dataclass(frozen=True, kw_only=True, repr=False)
class Overlap(Noun):
    """Images of a split that "trained" or "calibrated" a file, or are "test" images; by name or number."""

    file: str
    data: str
    split: str
    images: Mapping[str, str]


def used_images(folder: ModelFolder, file: File) -> Used:
    """The images that trained or calibrated a file of a folder, as far as known.

    The file is identified by its sidecar, by its bytes if it is a copy of a shipped one, or by the digests
    inside it. A list of training images beside it counts with or without a sidecar. MissingDataError if
    that list is missing or has changed, or if nothing says what a file of ours was made from; BadFileError
    if a sidecar is damaged.
    """
    links = _links(folder, file)
    lists = _lists(file, links)
    if not lists:
        _refuse_unknown_origin(file, links)
    try:
        calibrated = [bytes.fromhex(each) for link in links for each in link.facts.get("calibration_images", ())]
    except (ValueError, TypeError) as error:
        raise BadFileError(f"{file.path}: a sidecar names no image digests ({error}); delete it") from error
    trained = [each for images in lists.values() for each in _digests(images)]
    return Used(
        images=dict.fromkeys(calibrated, "calibrated") | dict.fromkeys(trained, "trained"),
        trained=len(trained) if lists else None,
        hashes=_hashes([path.with_name(HASHES) for path in lists], len(trained)),
    )


def _digests(images: bytes) -> list[bytes]:
    """The digests of a `split.image_list`, which has 4 bytes for the label and 8 for the digest of each image."""
    entries = np.frombuffer(images[: len(images) // 12 * 12], np.uint8).reshape(-1, 12)
    return entries[:, 4:].copy().view("V8")[:, 0].tolist()


def _hashes(paths: list[Path], images: int) -> Hashes | None:
    """The hashes of all training images; None if there are none, as beside older weights."""
    found = b"".join(path.read_bytes() for path in paths if path.is_file())
    return np.frombuffer(found, np.uint64) if paths and len(found) == 8 * images else None


def refuse_overlap(file: File, used: Used, split: Split, digests: Sequence[bytes]) -> None:
    """OverlapError if the first images of a split, of these digests, trained or calibrated the file."""
    images = {split.title(i): used.images[each] for i, each in enumerate(digests) if each in used.images}
    for use, count in Counter(images.values()).most_common(1):
        named = _named([name for name, each in images.items() if each == use])
        raise OverlapError(
            f"{file.path}: {count} of the {len(digests)} images {use} it ({named}); "
            "evaluate on others, such as a folder's own --split test",
            Overlap(file=file.path.name, data=split.data, split=split.name, images=images),
        )


def refuse_tests(data: Dataset, split: Split, names: Sequence[str], images: int, model: str) -> None:
    """OverlapError that names calibration images which are test images of a model's data set."""
    raise OverlapError(
        f"{data.name}: {len(names)} of the {images} calibration images are test images of {model} "
        f"({_named(names)}), which never calibrate. Take them out",
        Overlap(file=model, data=data.name, split=split.name, images=dict.fromkeys(names, "test")),
    )


def _named(names: Sequence[str]) -> str:
    return ", ".join(names[:NAMED]) + ", ..." * (len(names) > NAMED)


def _links(folder: ModelFolder, file: File) -> list[Artifact]:
    """What the file was made from: by its sidecars or its own metadata, and then by shipped sidecars."""
    shipped = [read_sidecar(each.with_suffix("")) for each in places.ZOO.glob("*/*.json")]
    links = list(folder.chain(file.path.name))
    links = links or [each for each in shipped if each.sha256 == file.sha256]
    known = shipped if links else [*folder.sidecars(), *shipped]
    inputs = links[-1].inputs if links else _provenance(file).get("inputs")
    while isinstance(inputs, dict):
        source = next((s for s in known if s.sha256 in inputs.values() and s not in links), None)
        if source is None:
            break
        links.append(source)
        inputs = source.inputs
    return links


def _provenance(file: File) -> Mapping[str, Any]:
    """What the file says of itself; {} for one that is not ours."""
    from eyespot.tflite.contract import content

    inside = content(file.model)
    return inside.provenance if inside else {}


def _refuse_unknown_origin(file: File, links: list[Artifact]) -> None:
    """MissingDataError if the images that trained or calibrated a file of ours are on record, but not here."""
    last = asdict(links[-1]) if links else _provenance(file)
    arguments = last.get("arguments")
    trained = isinstance(arguments, dict) and (last.get("verb"), arguments.get("weights")) == ("convert", "train")
    if trained or (not links and last.get("verb") == "quantize"):
        raise MissingDataError(
            f"{file.path}: expected {file.path.name}.json and {LIST} beside it, which say what images made it, found "
            f"{'the first only' if links else 'neither'}. Copy them from the folder where it was made, or make it again"
        )


def _lists(file: File, links: list[Artifact]) -> dict[Path, bytes]:
    """The list beside the file, and those of the shipped weights that it was made from, with their content."""
    beside = file.path.with_name(LIST)
    if beside.is_file() and beside.stat().st_size > LONGEST:
        raise BadFileError(f"{beside}: expected a list of at most {LONGEST:,} bytes. Copy it from the trained model")
    own = beside.read_bytes() if beside.is_file() else None
    known = None if own is None else digest(own)
    for expected in (link.facts["training_images"] for link in links if "training_images" in link.facts):
        if not isinstance(expected, str):
            raise BadFileError(f"{file.path}: its sidecar names no image digests as used now; train again")
        if expected != known:
            raise MissingDataError(
                f"{beside}: expected the images that trained {file.path.name} (sha256 {expected[:12]}...), "
                f"found {'no list' if own is None else 'others'}. Copy it from the folder of the trained model"
            )
    others = {link.inputs.get("train") for link in links} - {known, None}
    shipped = {path: path.read_bytes() for path in places.ZOO.glob(f"*/{LIST}")} if others else {}
    named = {path: images for path, images in shipped.items() if digest(images) in others}
    return ({} if own is None else {beside: own}) | named
