"""The images that a model file has used: which trained it and which calibrated it.

Sidecars name the images that calibrated, and by its digest the list of those that trained, training-images.bin.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from eyespot.artifacts import places
from eyespot.artifacts.atomic import digest, digest_file
from eyespot.artifacts.sidecars import Artifact, chain, read_sidecar, sidecar
from eyespot.data.split import LISTED
from eyespot.errors import BadFileError, MissingDataError

NAME = "training-images.bin"  # label and digest of each image, as `split.image_list` has them


def used_images(path: Path) -> dict[bytes, str]:
    """Digest of each image that is known to have "trained" or "calibrated" a model file.

    The file is known by its sidecar, or by its bytes if it is a copy of a shipped one. A list of training
    images beside it counts, with or without sidecar. BadFileError for a list that is another model's,
    MissingDataError for one that is gone.
    """
    links = _links(path)
    used = {}
    for link in links:
        ...
