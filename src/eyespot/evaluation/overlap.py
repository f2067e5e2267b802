"""Law 4: images that trained or calibrated a file never measure it."""

from __future__ import annotations

from eyespot.artifacts.model_folder import ModelFolder
from eyespot.errors import RefusedError
from eyespot.tflite.read import File


def refuse_overlap(file: File, digests: list[bytes]) -> None:
    """RefusedError if images trained or calibrated the file, BadFileError if a sidecar is of another file."""
    links = ModelFolder(file.path.parent).chain(file.path.name)
    for fact, did in (("training_images", "trained"), ("calibration_images", "calibrated")):
        used = {each for link in links for each in link.facts.get(fact, [])}
        if common := sum(digest.hex() in used for digest in digests):
            raise RefusedError(
                f"{file.path}: {common} of the {len(digests)} images {did} it; evaluate on others, such as "
                "a folder's own --split test"
            )
