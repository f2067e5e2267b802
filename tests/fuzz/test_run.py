"""The runner finds what it is for."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("atheris")
import run


@pytest.mark.slow
@pytest.mark.parametrize(
    ("fault", "finding"),
    [
        ("", None),
        ("raise", "crash-"),
        ("abort", "crash-"),
        ("hang", "timeout-"),
        ("memory", "crash-"),
        ("memory in a refusal", "crash-"),
        ("exit", "exit code 3"),
    ],
)
def test_what_counts_as_a_finding(fault, finding, monkeypatch, tmp_path):
    monkeypatch.setenv("FAULT", fault)
    result = run.fuzz("_faulty", 0.1)
    first = [Path(each).name[: len(finding or "")] for each in result.findings[:1]]  # a fast machine finds it twice
    assert first == ([finding] if finding else [])
    assert result.inputs > 0 or fault == "exit"
