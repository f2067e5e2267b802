"""Devices as data (`*.toml`) and the tools that check a file against them."""

from __future__ import annotations

import tomllib
from pathlib import Path

from eyespot.cards import Device
from eyespot.errors import UnknownNameError

ORDER = ("imx93", "imx8mp", "mcxn947", "imxrt1170", "imxrt1050", "cortex-m", "linux-arm64")


def device(name: str) -> Device:
    """A device by name. UnknownNameError names the near ones."""
    if name not in ORDER:
        raise UnknownNameError("device", name, ORDER)
    fields = tomllib.loads((Path(__file__).parent / f"{name}.toml").read_text("utf-8"))
    return Device(name=name, **fields | {"compiler": tuple(fields.get("compiler", ()))})
