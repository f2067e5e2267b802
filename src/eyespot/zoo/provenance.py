"""Where a model's files come from: chains of sidecars, from the file to the data or the publisher.

Files made of published weights do not ship, their sidecars do: so a shipped measurement says what it was
made on, and a file that is built on another machine is compared with it by digest.
"""

from __future__ import annotations

from pathlib import Path

from eyespot.artifacts import places
from eyespot.artifacts.sidecars import Artifact, chain, read_sidecar, sidecar
from eyespot.zoo import registry
from eyespot.zoo.cards import Model

Chain = tuple[Artifact, ...]


def chains(model: str, precision: str) -> tuple[Chain, ...]:
    """The chain of the file on this machine, then of the one behind the shipped measurements.

    BadFileError where a sidecar does not match its file.
    """
    return tuple(chain(path) for path in _paths(model, precision))


def record(model: str, precision: str) -> Artifact | None:
    """What is known of a model's file: of the one on this machine, or else of the one measured by us.

    The sidecar is spec at its word, as hashing files would make `eyespot list` slow.
    """
    return next((read_sidecar(path) for path in _paths(model, precision)), None)


def digests(model: str, precision: str) -> set[str]:
    """The sha256 of the file on this machine and of the one measured by us, by their sidecars."""
    return {read_sidecar(path).sha256 for path in _paths(model, precision)}


def _paths(model: str, precision: str) -> list[Path]:
    """Where there are sidecars of a model's file; the file itself may be absent."""
    folders = dict.fromkeys((registry.home(model), places.ZOO / model))
    paths = [folder / f"{precision}.tflite" for folder in folders]
    return [path for path in paths if sidecar(path).exists()]


def stand_in(found: Artifact) -> str:
    """What takes the place of a file's genuine weights, or ""."""
    return str(found.facts.get("stand_in", ""))


def broken(card: Model, links: Chain) -> str:
    """Why a chain does not verify, or "": it must end at our own training or at a publisher's file.

    Weights that are pinned by something else than a sha256 were verified when they were fetched.
    """
    last = links[-1]
    pinned = {w.name: w.download.digest for w in card.weights}
    expected = pinned.get(str(last.arguments.get("weights")))
    if last.verb == "train" or (expected is not None and not expected.startswith("sha256:")):
        return ""
    if expected and expected.removeprefix("sha256:") == last.inputs.get("weights"):
        return ""
    return f"the chain ends at {last.file}, made from unknown weights {last.inputs.get('weights', '')[:12]}"
