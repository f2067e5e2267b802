"""Devices as data (`*.toml`, `rules/*.toml`) and what checks a file against them."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from eyespot import decoding
from eyespot.devices.card import Device
from eyespot.errors import UnknownNameError

FOLDER = Path(__file__).parent
REMEDY = "Correct the file; docs/devices-howto.md shows one"


@cache
def devices() -> tuple[Device, ...]:
    """All devices, by the position that their files give them."""
    return tuple(sorted(map(read_device, FOLDER.glob("*.toml")), key=lambda card: card.position))


def read_device(path: Path) -> Device:
    """The device that a .toml file describes, named after the file. BadFileError for a faulty one."""
    return decoding.read(Device, path, REMEDY, name=path.stem)


def device(name: str) -> Device:
    """A device by name. UnknownNameError names the near ones."""
    known = {card.name: card for card in devices()}
    if name not in known:
        raise UnknownNameError("device", name, known)
    return known[name]
