"""Which images a model file has used: those that trained it and those that calibrated it.

Sidecars hold the digests of the images that calibrated, and the digest of the list of those that trained.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from eyespot.artifacts import places
from eyespot.artifacts.atomic import digest
from eyespot.artifacts.model_folder import ModelFolder
from eyespot.artifacts.sidecars import Artifact, read_sidecar
from eyespot.errors import BadFileError, MissingDataError

if TYPE_CHECKING:
    from eyespot.tflite.read import File

LIST = "training-images.bin"  # beside the weights: what `split.image_list` makes, 12 bytes an image


def used_images(folder: ModelFolder, file: File) -> dict[bytes, str]:
    """Digests of the images that "trained" or "calibrated" a file of a folder, as far as is known.

    The file is known by its sidecar, or by its bytes if it is a copy of a shipped one, or by the digests
    inside it. A list of training images beside it counts, with or without a sidecar. MissingDataError if
    that list is gone or has changed, BadFileError if a sidecar is damaged.
    """
    links = _links(folder, file)
    try:
        used = dict.fromkeys(_in_facts(links, "calibration_images"), "calibrated")
        used |= dict.fromkeys(_in_facts(links, "training_images"), "trained")  # written by version 0.1.0
    except (ValueError, TypeError) as error:
        raise BadFileError(f"{file.path}: a sidecar names no image digests ({error}); delete it") from error
    for images in _lists(file, links):
        used |= {images[i + 4 : i + 12]: "trained" for i in range(0, len(images), 12)}
    return used


def _links(folder: ModelFolder, file: File) -> list[Artifact]:
    """What the file was made from, by its sidecars or what it says itself, and then by shipped sidecars."""
    from eyespot.tflite.contract import content

    shipped = [read_sidecar(each.with_suffix("")) for each in places.ZOO.glob("*/*.json")]
    links = list(folder.chain(file.path.name))
    links = links or [each for each in shipped if each.sha256 == file.sha256]
    inside = content(file.model)
    inputs = links[-1].inputs if links else inside and inside.provenance.get("inputs")
    while isinstance(inputs, dict) and (found := [s for s in shipped if s.sha256 in inputs.values()]):
        links.append(found[0])
        inputs = found[0].inputs
    return links


def _in_facts(links: list[Artifact], name: str) -> Iterator[bytes]:
    for link in links:
        if not isinstance(link.facts.get(name), str):
            yield from map(bytes.fromhex, link.facts.get(name, ()))


def _lists(file: File, links: list[Artifact]) -> list[bytes]:
    """The list beside the file, and those of the shipped weights that it was made from."""
    beside = file.path.with_name(LIST)
    lists = {digest(data): data for data in [beside.read_bytes()]} if beside.is_file() else {}
    for link in links:
        needed = link.facts.get("training_images")
        if isinstance(needed, str) and needed not in lists:
            raise MissingDataError(
                f"{beside}: expected the images that trained {file.path.name} (sha256 {needed[:12]}...), "
                f"found {'others' if lists else 'no list'}. Copy it from the folder of the trained model"
            )
    shipped = [each.read_bytes() for each in places.ZOO.glob(f"*/{LIST}")]
    trained = {link.inputs.get("train") for link in links}
    return [*lists.values(), *(images for images in shipped if digest(images) in trained)]
