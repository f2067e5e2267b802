"""Weights that somebody published for timm on the Hugging Face Hub: hf:OWNER/NAME, or hf:OWNER/NAME:FILE.

The first use asks the Hub for the newest commit, and keeps it with the digest that the Hub states. Later uses take
that commit, also without a network, until its folder under $EYESPOT_DATA/published is deleted. Only safetensors files
are read, so nothing in a file is executed.
"""

from __future__ import annotations

import os
import re
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, NamedTuple, TypeVar

import msgspec
from msgspec import Meta

from eyespot import decoding
from eyespot.artifacts import atomic, lock, places
from eyespot.data.download import answer, download
from eyespot.errors import BadArgumentError, BadFileError, RefusedError
from eyespot.escaping import file_name
from eyespot.zoo.cards import Download, Model

PREFIX, FILE, SUFFIX, ENDPOINT = "hf:", "model.safetensors", ".safetensors", "https://huggingface.co"
ANSWER = 8 << 20  # bytes of an answer in JSON
LARGEST = 1 << 30  # bytes of a file with weights
NAME = r"(?!\.+(?:/|:|$))[\w.-]{1,96}"
FORM = rf"(?a)({NAME}/{NAME})(?::({NAME}(?:/{NAME})*\.safetensors))?"
IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))  # timm's mean and std of pixels 0..1
INCEPTION = ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))

T = TypeVar("T")
Sha256 = Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]
Commit = Annotated[str, Meta(pattern="^[0-9a-f]{40}$")]
Classes = Annotated[int, Meta(ge=1, le=100_000)]


class Lfs(msgspec.Struct):
    """What the Hub says of a large file."""

    sha256: Sha256
    size: int


class Sibling(msgspec.Struct):
    """A file of a repository."""

    rfilename: str
    lfs: Lfs | None = None


class Repository(msgspec.Struct):
    """The Hub's answer about a repository."""

    sha: Commit
    siblings: list[Sibling]


class Normalisation(msgspec.Struct):
    """timm's input: per channel (pixel / 255 - mean) / std."""

    mean: tuple[float, float, float] | None = None
    std: tuple[float, float, float] | None = None


class Config(msgspec.Struct):
    """timm's config.json."""

    architecture: str
    num_classes: Classes
    pretrained_cfg: Normalisation = msgspec.field(default_factory=Normalisation)


@dataclass(frozen=True, kw_only=True)
class Pin:
    """What the first use found, kept beside the file: the commit, the file's digest, and what its network is."""

    revision: Commit
    sha256: Sha256
    architecture: str
    classes: Classes


class Found(NamedTuple):
    """The verified file, and what is known of it."""

    path: Path
    pin: Pin


def locate(card: Model, weights: str) -> Found:
    """The verified file that `hf:OWNER/NAME[:FILE]` names, downloaded if it is not here.

    BadArgumentError for another form; RefusedError for weights of another network than the card's, for other
    normalisation than timm's own, and for a file that is too large or whose digest the Hub does not state.
    MissingDataError if the download fails, BadFileError for an answer or a file that is not as expected.
    """
    match = re.fullmatch(FORM, weights.removeprefix(PREFIX))
    if not match:
        raise BadArgumentError(f"weights: expected hf:OWNER/NAME or hf:OWNER/NAME:FILE{SUFFIX}, found {weights!r}")
    repository, file = match[1], match[2] or FILE
    folder = places.data_root() / "published" / "hub" / Path(*map(file_name, repository.split("/")))
    path = folder / file_name(file)
    beside = path.with_name(f"{path.name}.json")
    with lock.held(folder):
        if beside.exists():
            pin = decoding.read(Pin, beside, "Delete it to ask the Hub again")
        else:
            pin = _ask(repository, file)
        _check(card, weights, pin.architecture)
        if not path.exists():
            url = f"{_endpoint()}/{repository}/resolve/{pin.revision}/{file}"
            download(Download(url=url, digest=f"sha256:{pin.sha256}"), path, f"put a copy there yourself: {path}")
        atomic.write_json(beside, asdict(pin))
    if not atomic.matches(path, f"sha256:{pin.sha256}"):
        raise BadFileError(f"{path}: expected sha256 {pin.sha256}, which the Hub stated. Delete it and repeat.")
    return Found(path, pin)


def _endpoint() -> str:
    """Where the Hub is, as its own tools are told."""
    return os.environ.get("HF_ENDPOINT", "").rstrip("/") or ENDPOINT


def _ask(repository: str, file: str) -> Pin:
    """The newest commit of a repository, the digest of a file there, and what the weights are of."""
    found = _answer(f"api/models/{repository}?blobs=true", Repository)
    of_file = next((each for each in found.siblings if each.rfilename == file), None)
    where = f"{_endpoint()}/{repository}"
    if of_file is None:
        others = [each.rfilename for each in found.siblings if each.rfilename.endswith(SUFFIX)][:5]
        raise BadFileError(f"{where}: expected a file {file}, found {', '.join(others) or 'no safetensors file'}")
    if of_file.lfs is None:
        raise RefusedError(f"{where}: the Hub states no sha256 of {file}, so nothing can verify it")
    if of_file.lfs.size > LARGEST:
        raise RefusedError(f"{where}: {file} has {of_file.lfs.size:,} bytes, expected at most {LARGEST:,}")
    config = _answer(f"{repository}/resolve/{found.sha}/config.json", Config)
    usual = INCEPTION if config.architecture.startswith("tf_") else IMAGENET
    own = config.pretrained_cfg
    if (own.mean or usual[0], own.std or usual[1]) != usual:
        raise RefusedError(
            f"{where}: was trained with mean {own.mean} and std {own.std}, expected {usual[0]}, {usual[1]}"
        )
    return Pin(
        revision=found.sha, sha256=of_file.lfs.sha256, architecture=config.architecture, classes=config.num_classes
    )  # fmt: skip


def _answer(path: str, kind: type[T]) -> T:
    """JSON from the Hub. BadFileError if it is not as expected."""
    url = f"{_endpoint()}/{path}"
    data = answer(url, ANSWER, "check OWNER/NAME and the network")
    try:
        return msgspec.json.decode(data, type=kind)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        reason = " ".join(str(error).split())[:200]
        raise BadFileError(f"{url}: expected what the Hub answers about a timm model, found {reason}") from error


def _check(card: Model, weights: str, architecture: str) -> None:
    if architecture not in card.timm:
        fits = ", ".join(card.timm) or "none of timm's"
        raise RefusedError(f"{weights}: has weights of {architecture}; {card.name} takes those of {fits}")


def network(card: Model, architecture: str) -> str:
    """Names what builds the network: the card's, or that of timm's architecture. BadFileError for another one."""
    if architecture and architecture not in card.timm:
        raise BadFileError(f"{card.name}: no network for weights of {architecture!r}. Train again.")
    return card.timm[architecture] if architecture else card.network
