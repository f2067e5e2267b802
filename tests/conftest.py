"""What several test modules share."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from eyespot import registry


@pytest.fixture(scope="session")
def data_root() -> Path:
    """Where the data lie. A test that needs them is skipped without; in CI that is a failure."""
    root = registry.data_root()
    if not (root / "published").is_dir():
        absent = pytest.fail if os.environ.get("CI") == "true" else pytest.skip
        absent(f"no data under {root}: EYESPOT_DATA names the folder")
    return root
