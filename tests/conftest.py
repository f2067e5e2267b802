"""What several test modules share."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from eyespot.artifacts import places

signal.signal(signal.SIGINT, signal.default_int_handler)  # a background job ignores it, and so would its children


@pytest.fixture(scope="session")
def data_root() -> Path:
    """Where the data lie. A test that needs them is skipped without; in CI that is a failure."""
    root = places.data_root()
    if not (root / "published").is_dir():
        absent = pytest.fail if os.environ.get("CI") == "true" else pytest.skip
        absent(f"no data under {root}: EYESPOT_DATA names the folder")
    return root


@pytest.fixture
def no_data(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """An empty data root."""
    monkeypatch.setenv("EYESPOT_DATA", str(tmp_path / "data"))
    return tmp_path / "data"


@pytest.fixture(scope="session")
def real_data() -> Callable[[str], Path]:
    """The folder of a real data set, by its name; absence as in `data_root`."""

    def find(name: str) -> Path:
        folder = places.data_root() / name
        if not folder.is_dir():
            (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(f"no data: {folder}")
        return folder

    return find
