"""Where things lie: in the package, or under the data root."""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs

PACKAGE = Path(__file__).resolve().parents[1]
ZOO = PACKAGE / "zoo"
MEASUREMENTS = PACKAGE / "measurements"


def data_root() -> Path:
    """`$EYESPOT_DATA`, or the platform's folder for a user's data."""
    named = os.environ.get("EYESPOT_DATA")
    return Path(named) if named else Path(platformdirs.user_data_dir("eyespot", appauthor=False))
