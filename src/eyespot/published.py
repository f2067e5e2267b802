"""Published weights: found under the data root, or downloaded from the publisher; verified either way."""

from __future__ import annotations

from pathlib import Path

from eyespot import artifact, registry
from eyespot.cards import Weights
from eyespot.download import download
from eyespot.errors import BadFileError


def locate(weights: Weights) -> Path:
    """The verified file, downloaded where `$EYESPOT_DATA/published` lacks it.

    BadFileError where the file there has another digest, MissingDataError where the download fails.
    """
    path = registry.data_root() / "published" / weights.file
    if not path.exists():
        return download(weights.download, path, f"put a copy there yourself: {path}")
    if not artifact.matches(path, weights.download.digest):
        raise BadFileError(
            f"{path}: is not the published file (expected {weights.download.digest}); delete it and repeat"
        )
    return path
