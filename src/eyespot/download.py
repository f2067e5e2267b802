"""Downloads that resume and are verified before they get their name."""

from __future__ import annotations

import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from eyespot import artifact
from eyespot.cards import Download
from eyespot.errors import BadFileError, EyespotError, MissingDataError
from eyespot.progress import track

CHUNK = 1 << 18
TIMEOUT = 30


def download(source: Download, path: Path) -> Path:
    """Fetch `source` to `path`, continuing from `path.part` where an earlier try stopped.

    MissingDataError where the publisher does not answer, BadFileError where the digest is another.
    """
    part = path.with_name(path.name + ".part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _fetch(source.url, part)
    except urllib.error.URLError as error:
        raise MissingDataError(
            f"{source.url}: no answer ({error.reason}); with a copy of your own: eyespot fetch --from FILE_OR_FOLDER"
        ) from error
    except OSError as error:
        raise EyespotError(f"{part}: download stopped ({error}); repeat to continue") from error
    if source.digest and not artifact.matches(part, source.digest):
        part.unlink()
        raise BadFileError(f"{source.url}: is not the expected file ({source.digest}); deleted, try again")
    part.replace(path)
    return path


def _fetch(url: str, part: Path) -> None:
    """Append what is missing to `part`; servers that ignore ranges send all of it again."""
    have = part.stat().st_size if part.exists() else 0
    request = urllib.request.Request(url, headers={"Range": f"bytes={have}-"} if have else {})  # noqa: S310
    try:
        response = urllib.request.urlopen(request, timeout=TIMEOUT)  # noqa: S310
    except urllib.error.HTTPError as error:
        if have and error.code == 416:  # nothing is missing
            return
        raise
    with response, part.open("ab" if response.status == 206 else "wb") as file:
        left = int(response.headers.get("Content-Length", 0))
        for chunk in track(_chunks(response), left // CHUNK + 1, Path(url).name):
            file.write(chunk)


def _chunks(response: IO[bytes]) -> Iterator[bytes]:
    while chunk := response.read(CHUNK):
        yield chunk
