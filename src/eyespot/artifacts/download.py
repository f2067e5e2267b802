"""Downloads that resume and are verified before they get their name."""

from __future__ import annotations

import http.client
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from eyespot.artifacts import atomic
from eyespot.errors import BadFileError, EyespotError, MissingDataError
from eyespot.progress import track
from eyespot.zoo.cards import Download

CHUNK = 1 << 18
TIMEOUT = 30


def download(source: Download, path: Path, remedy: str) -> Path:
    """Fetch `source` to `path`, continuing from `path.part` where an earlier try stopped.

    `remedy` is what the user can do where the publisher does not deliver; errors end with it.
    MissingDataError where the publisher does not answer or wants an account, BadFileError where the
    digest is another, EyespotError where the connection or the disk gives out on the way.
    """
    part = path.with_name(path.name + ".part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _fetch(source.url, part)
    except urllib.error.HTTPError as error:
        wants = "wants an account" if error.code in {401, 403} else "does not deliver"
        raise MissingDataError(
            f"{source.url}: the publisher {wants} ({error.code} {error.reason}); {remedy}"
        ) from error
    except urllib.error.URLError as error:
        raise MissingDataError(f"{source.url}: no answer ({error.reason}); {remedy}") from error
    except (OSError, http.client.HTTPException) as error:
        raise EyespotError(f"{part}: download stopped ({error}); repeat to continue") from error
    if source.digest and not atomic.matches(part, source.digest):
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
            left -= file.write(chunk)
    if left > 0:  # what came is kept, to continue from
        raise ConnectionError(f"{left:,} bytes short")


def _chunks(response: IO[bytes]) -> Iterator[bytes]:
    while chunk := response.read(CHUNK):
        yield chunk
