"""Law 4: images that trained or calibrated a file never measure it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from eyespot.errors import RefusedError
from eyespot.tflite.read import File


def refuse_overlap(file: File, used: Mapping[bytes, str], digests: Sequence[bytes]) -> None:
    """RefusedError if images trained or calibrated the file, which `used_images` says."""
    for did in ("trained", "calibrated"):
        if common := sum(used.get(digest) == did for digest in digests):
            raise RefusedError(
                f"{file.path}: {common} of the {len(digests)} images {did} it; evaluate on others, such as "
                "a folder's own --split test"
            )
