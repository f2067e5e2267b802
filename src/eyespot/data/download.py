"""Downloads that resume, and are verified before they get their final name."""

from __future__ import annotations

import contextlib
import http.client
import os
import re
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from eyespot.artifacts import atomic
from eyespot.errors import BadFileError, EyespotError, MissingDataError, RefusedError
from eyespot.isolation.process import one_line
from eyespot.progress import track
from eyespot.zoo.cards import Download

CHUNK = 1 << 18
TIMEOUT = 30  # seconds without a byte
PATIENCE, SLOW = 60, 1_000  # after so many seconds, fewer bytes per second on average are too few
LIMIT = 8 << 30  # bytes


def download(source: Download, path: Path, remedy: str, patience: float = PATIENCE) -> Path:
    """Fetch `source` to `path`; `path.part` from an earlier try is continued.

    `remedy` is what the user can do if the download fails; errors end with it. After `patience` seconds a
    server must have sent 1,000 bytes per second. MissingDataError if the
    server does not answer or asks for an account, BadFileError if the file has another digest,
    RefusedError without encryption or a digest, EyespotError if the connection or the disk fails.
    """
    part = path.with_name(path.name + ".part")
    with _explained(source.url, str(part), remedy):
        path.parent.mkdir(parents=True, exist_ok=True)
        _fetch(source, part, patience)
    _validator(part).unlink(missing_ok=True)
    if source.digest and not atomic.matches(part, source.digest):
        part.unlink()
        raise BadFileError(f"{source.url}: is not the expected file ({source.digest}); deleted, try again")
    return part.replace(path)


def answer(url: str, most: int, remedy: str) -> bytes:
    """What a server answers, over https. Errors as `download`, and BadFileError for more than `most` bytes."""
    source = Download(url=url, digest="")
    with _explained(url, url, remedy):
        _check(source, url)
        with urllib.request.build_opener(_Redirects(source)).open(url, timeout=TIMEOUT) as response:
            data: bytes = response.read(most + 1)
    if len(data) > most:
        raise BadFileError(f"{url}: expected at most {most:,} bytes, found more")
    return data


@contextlib.contextmanager
def _explained(url: str, what: str, remedy: str) -> Iterator[None]:
    """The errors of `download` in place of the library's."""
    try:
        yield
    except urllib.error.HTTPError as error:
        error.close()
        reason = "asks for an account" if error.code in {401, 403} else "download failed"
        words = one_line(f"({error.code} {error.reason})")
        raise MissingDataError(f"{url}: {reason} {words}; {remedy}") from error
    except urllib.error.URLError as error:
        raise MissingDataError(f"{url}: no answer ({one_line(str(error.reason))}); {remedy}") from error
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise EyespotError(f"{what}: download stopped ({one_line(str(error))}); repeat to continue") from error


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows a redirect only to where the first request may go too."""

    def __init__(self, source: Download) -> None:
        self._source = source

    def redirect_request(self, request: Any, response: Any, *args: Any) -> urllib.request.Request | None:
        try:
            _check(self._source, args[-1])
        except RefusedError:
            response.close()
            raise
        return super().redirect_request(request, response, *args)


def _check(source: Download, url: str) -> None:
    """RefusedError for a URL that anybody on the way could answer, unless the file's digest is known."""
    scheme = url.partition(":")[0].lower()
    if scheme != "https" and not (scheme == "http" and source.digest):
        raise RefusedError(f"{source.url}: leads to {one_line(url)[:200]}, which is not https, and has no digest")


def _fetch(source: Download, part: Path, patience: float) -> None:
    """Append the missing bytes to `part`; write it anew if the server has no ranges or another version."""
    _check(source, source.url)
    have = part.stat().st_size if part.exists() else 0
    version = _strong(_validator(part).read_text("utf-8", errors="replace") if _validator(part).exists() else "")
    if not (version or source.digest):  # nothing would reveal that the rest is of another file
        have = 0
    headers = {"Range": f"bytes={have}-"} if have else {}
    headers |= {"If-Range": version} if have and version else {}
    request = urllib.request.Request(source.url, headers=headers)  # noqa: S310
    try:
        response = urllib.request.build_opener(_Redirects(source)).open(request, timeout=TIMEOUT)
    except urllib.error.HTTPError as error:
        error.close()
        if not have or error.code != 416:
            raise
        if not (source.digest and atomic.matches(part, source.digest)):  # else it is complete
            part.unlink()
            _fetch(source, part, patience)
        return
    with response:
        _receive(source, part, response, have, patience)


def _receive(source: Download, part: Path, response: http.client.HTTPResponse, have: int, patience: float) -> None:
    """Write the response to `part`, and the version of the file for If-Range."""
    left, have = response.length, have if response.status == 206 else 0
    if left is None and not source.digest and not response.chunked:
        raise ConnectionError("the server does not say how long the file is, and no digest is known")
    if response.status == 206 and not _continues(response, have):
        part.unlink(missing_ok=True)
        raise ConnectionError("the server sent another part than was asked for")
    if have + (left or 0) > LIMIT:
        raise ConnectionError(f"the file has more than {LIMIT:,} bytes")
    version = response.headers.get("ETag") or response.headers.get("Last-Modified") or ""
    _validator(part).write_text(_strong(version), "utf-8")
    total = None if left is None else left // CHUNK + 1
    with part.open("ab" if have else "wb") as file:
        for chunk in track(_chunks(response, patience), total, Path(source.url).name):
            have += file.write(chunk)
            if have > LIMIT:
                raise ConnectionError(f"the file has more than {LIMIT:,} bytes")
        os.fsync(file.fileno())
    if response.length:  # the part is kept, to continue from
        raise ConnectionError(f"{response.length:,} bytes short")


def _chunks(response: http.client.HTTPResponse, patience: float) -> Iterator[bytes]:
    """What the server sends, as it comes. TimeoutError if it is far too slow."""
    start, received = time.monotonic(), 0
    while chunk := response.read1(CHUNK):
        yield chunk
        received += len(chunk)
        if (seconds := time.monotonic() - start) > patience and received < SLOW * seconds:
            raise TimeoutError(f"{received:,} bytes in {seconds:.0f} seconds")


def _continues(response: http.client.HTTPResponse, have: int) -> bool:
    """Whether a response holds all bytes of a file from `have` on, by its own account."""
    stated = re.fullmatch(r"bytes (\d+)-(\d+)/(\d+|\*)", response.headers.get("Content-Range", ""), re.ASCII)
    if not stated:
        return False
    first, last, total = stated.groups()
    return int(first) == have and total in {"*", str(int(last) + 1)} and response.length in {None, int(last) + 1 - have}


def _strong(version: str) -> str:
    """A version that identifies every byte and can be sent back, or ""."""
    return version if version.isascii() and version.isprintable() and not version.startswith("W/") else ""


def _validator(part: Path) -> Path:
    """The file with the ETag or the date of the download in `part`."""
    return part.with_name(part.name + ".version")
