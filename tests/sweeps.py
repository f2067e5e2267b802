"""What the tests of sweeps need."""

from __future__ import annotations

import os
from importlib.util import find_spec

import pytest

ABSENT = [name for name in ("ray", "pandas", "pyarrow", "torch") if find_spec(name) is None]

needs_tune = pytest.mark.skipif(
    bool(ABSENT) and os.environ.get("CI") != "true",
    reason=f"no {', '.join(ABSENT)}: pip install --constraint constraints.txt '.[ray,train]'",
)
