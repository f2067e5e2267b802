"""Downloads that resume, and are verified before they get their final name."""

from __future__ import annotations

import http.client
import urllib.error
import urllib.request
from pathlib import Path

from eyespot.artifacts import atomic
from eyespot.errors import BadFileError, EyespotError, MissingDataError
from eyespot.progress import track
from eyespot.zoo.cards import Download

CHUNK = 1 << 18
TIMEOUT = 30


def download(source: Download, path: Path, remedy: str) -> Path:
    """Fetch `source` to `path`; `path.part` from an earlier try is continued.

    `remedy` is what the user can do if the download fails; errors end with it. MissingDataError if the
    server does not answer or asks for an account, BadFileError if the file has another digest,
    EyespotError if the connection or the disk fails.
    """
    part = path.with_name(path.name + ".part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _fetch(source, part)
    except urllib.error.HTTPError as error:
        reason = "asks for an account" if error.code in {401, 403} else "download failed"
        raise MissingDataError(f"{source.url}: {reason} ({error.code} {error.reason}); {remedy}") from error
    except urllib.error.URLError as error:
        raise MissingDataError(f"{source.url}: no answer ({error.reason}); {remedy}") from error
    except (OSError, http.client.HTTPException) as error:
        raise EyespotError(f"{part}: download stopped ({error}); repeat to continue") from error
    _validator(part).unlink(missing_ok=True)
    if source.digest and not atomic.matches(part, source.digest):
        part.unlink()
        raise BadFileError(f"{source.url}: is not the expected file ({source.digest}); deleted, try again")
    return part.replace(path)


def _fetch(source: Download, part: Path) -> None:
    """Append the missing bytes to `part`; write it anew if the server has no ranges or another version."""
    have = part.stat().st_size if part.exists() else 0
    version = _validator(part).read_text("utf-8") if _validator(part).exists() else ""
    if not (version or source.digest):  # nothing would reveal that the rest is of another file
        have = 0
    headers = {"Range": f"bytes={have}-"} if have else {}
    headers |= {"If-Range": version} if have and version else {}
    request = urllib.request.Request(source.url, headers=headers)  # noqa: S310
    try:
        response = urllib.request.urlopen(request, timeout=TIMEOUT)  # noqa: S310
    except urllib.error.HTTPError as error:
        if have and error.code == 416:  # the part is complete
            return
        raise
    with response:
        _receive(source, part, response, have)


def _receive(source: Download, part: Path, response: http.client.HTTPResponse, have: int) -> None:
    """Write the response to `part`, and the version of the file for If-Range."""
    length = response.headers.get("Content-Length")
    if length is None and not source.digest and not response.chunked:
        raise ConnectionError("the server does not say how long the file is, and no digest is known")
    version = response.headers.get("ETag") or response.headers.get("Last-Modified") or ""
    resumed = response.status == 206
    if resumed and not response.headers.get("Content-Range", "").startswith(f"bytes {have}-"):
        part.unlink()
        raise ConnectionError("the server sent another part than was asked for")
    _validator(part).write_text("" if version.startswith("W/") else version, "utf-8")
    left = int(length or 0)
    chunks = iter(lambda: response.read(CHUNK), b"")
    with part.open("ab" if resumed else "wb") as file:
        for chunk in track(chunks, left // CHUNK + 1, Path(source.url).name):
            left -= file.write(chunk)
    if left > 0:  # the part is kept, to continue from
        raise ConnectionError(f"{left:,} bytes short")


def _validator(part: Path) -> Path:
    """The file with the ETag or the date of the download in `part`."""
    return part.with_name(part.name + ".version")
