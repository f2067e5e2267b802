"""The images that a model file has used: those that trained it and those that calibrated it.

Sidecars hold the digests of the calibration images, and the digest of the list of training images.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from eyespot.artifacts import places
from eyespot.artifacts.atomic import digest
from eyespot.artifacts.model_folder import Artifact, ModelFolder, read_sidecar
from eyespot.errors import BadFileError, MissingDataError, RefusedError

if TYPE_CHECKING:
    from eyespot.tflite.read import File

LONGEST = 120_000_000  # bytes of a list, of 10 million images
LIST = "training-images.bin"  # beside the weights: the `split.image_list` of the training images


def used_images(folder: ModelFolder, file: File) -> dict[bytes, str]:
    """Digests of the images that "trained" or "calibrated" a file of a folder, as far as known.

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
    trained = [images[i + 4 : i + 12] for images in lists for i in range(0, len(images), 12)]
    return dict.fromkeys(calibrated, "calibrated") | dict.fromkeys(trained, "trained")


def refuse_overlap(file: File, used: Mapping[bytes, str], digests: Sequence[bytes]) -> None:
    """RefusedError if images trained or calibrated the file, which `used_images` says."""
    counts = Counter(used[each] for each in digests if each in used)
    for use, images in counts.most_common(1):
        raise RefusedError(
            f"{file.path}: {images} of the {len(digests)} images {use} it; evaluate on others, such as "
            "a folder's own --split test"
        )


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


def _lists(file: File, links: list[Artifact]) -> list[bytes]:
    """The list beside the file, and those of the shipped weights that it was made from."""
    beside = file.path.with_name(LIST)
    if beside.is_file() and beside.stat().st_size > LONGEST:
        raise BadFileError(f"{beside}: expected a list of at most {LONGEST:,} bytes. Copy it from the trained model")
    own = [beside.read_bytes()] if beside.is_file() else []
    for expected in (link.facts["training_images"] for link in links if "training_images" in link.facts):
        if not isinstance(expected, str):
            raise BadFileError(f"{file.path}: its sidecar names no image digests as used now; train again")
        if expected not in map(digest, own):
            raise MissingDataError(
                f"{beside}: expected the images that trained {file.path.name} (sha256 {expected[:12]}...), "
                f"found {'others' if own else 'no list'}. Copy it from the folder of the trained model"
            )
    shipped = [each.read_bytes() for each in places.ZOO.glob(f"*/{LIST}")]
    return own + [images for images in shipped if digest(images) in {link.inputs.get("train") for link in links}]
