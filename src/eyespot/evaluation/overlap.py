"""Law 4: images that trained or calibrated a file never measure it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from eyespot.errors import RefusedError
from eyespot.tflite.read import File


def refuse_overlap(file: File, used: Mapping[bytes, str], digests: Sequence[bytes]) -> None:
    """RefusedError if images trained or calibrated the file, which `used_images` says."""
    counts = Counter(used[each] for each in digests if each in used)
    for use, images in counts.most_common(1):
        raise RefusedError(
            f"{file.path}: {images} of the {len(digests)} images {use} it; evaluate on others, such as "
            "a folder's own --split test"
        )
