"""Every fuzz target: its saved corpus, random mutations of it, and a while of coverage-guided fuzzing."""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import fuzzing

SECONDS = 30 if os.environ.get("CI") == "true" else 1


@pytest.mark.parametrize("name", fuzzing.NAMES)
def test_saved_inputs(name):
    for data in fuzzing.inputs(name):
        fuzzing.load(name).one(data)


EDITS = st.tuples(st.integers(0, 2**16), st.integers(0, 8), st.binary(max_size=8))  # place, bytes that go, that come


@pytest.mark.filterwarnings("ignore:Generating overly large repr")  # of archives
@pytest.mark.parametrize("name", fuzzing.NAMES)
def test_mutations(name):
    """Without guidance, so that it also runs where Atheris does not."""
    one, saved = fuzzing.load(name).one, list(fuzzing.inputs(name))

    @settings(max_examples=50, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(st.sampled_from(saved), st.lists(EDITS, min_size=1, max_size=4))
    def judge(data, edits):
        for place, length, new in edits:
            at = place % (len(data) + 1)
            data = data[:at] + new + data[at + length :]
        one(data)

    judge()


@pytest.mark.slow
@pytest.mark.parametrize("name", fuzzing.NAMES)
def test_fuzzing(name):
    pytest.importorskip("atheris")
    import run

    result = run.fuzz(name, SECONDS)
    log, _, traceback = (run.FOUND / name / "log.txt").read_text("utf-8").partition("Traceback")
    assert not result.findings, traceback[:5000] or log[-5000:]
    assert result.inputs
