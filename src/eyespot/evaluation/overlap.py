"""Law 4: images that trained or calibrated a file never measure it."""

from __future__ import annotations

from collections import Counter

from eyespot.data.used import used_images
from eyespot.errors import RefusedError
from eyespot.tflite.read import File


def refuse_overlap(file: File, digests: list[bytes]) -> None:
    """RefusedError if images trained or calibrated the file. Errors as `used_images`."""
    used = used_images(file)
    counts = Counter(used[each] for each in digests if each in used)
    for use, images in counts.most_common(1):
        raise RefusedError(
            f"{file.path}: {images} of the {len(digests)} images {use} it; evaluate on others, such as "
            "a folder's own --split test"
        )
