"""The images that a model file has used: those that trained it and those that calibrated it.

Sidecars hold the digests of the calibration images, and the digest of the list of training images.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from eyespot.artifacts import places
from eyespot.artifacts.atomic import digest
from eyespot.artifacts.model_folder import Artifact, ModelFolder, read_sidecar
from eyespot.errors import BadFileError, MissingDataError, RefusedError

if TYPE_CHECKING:
    from eyespot.tflite.read import File

LIST = "training-images.bin"  # beside the weights: the `split.image_list` of the training images


def used_images(folder: ModelFolder, file: File) -> dict[bytes, str]:
    """Digests of the images that "trained" or "calibrated" a file of a folder, as far as known.

    The file is identified by its sidecar, by its bytes if it is a copy of a shipped one, or by the digests
    inside it. A list of training images beside it counts with or without a sidecar. MissingDataError if
    that list is missing or has changed, BadFileError if a sidecar is damaged.
    """
    links = _links(folder, file)
    lists = _lists(file, links)
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
    from eyespot.tflite.contract import content

    shipped = [read_sidecar(each.with_suffix("")) for each in places.ZOO.glob("*/*.json")]
    links = list(folder.chain(file.path.name))
    links = links or [each for each in shipped if each.sha256 == file.sha256]
    inside = content(file.model)
    inputs = links[-1].inputs if links else inside and inside.provenance.get("inputs")
    while isinstance(inputs, dict) and (sources := [s for s in shipped if s.sha256 in inputs.values()]):
        links.append(sources[0])
        inputs = sources[0].inputs
    return links


def _lists(file: File, links: list[Artifact]) -> list[bytes]:
    """The list beside the file, and those of the shipped weights that it was made from."""
    beside = file.path.with_name(LIST)
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
