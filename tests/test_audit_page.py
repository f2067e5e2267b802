"""The audit: its numbers follow from its counts, its files are those of the cards or the zoo."""

from __future__ import annotations

import json

import pytest

from eyespot.preprocessing.pipeline import parse
from eyespot.quantity import wilson
from eyespot.reports import audit
from eyespot.zoo import provenance
from eyespot.zoo.models import MODELS

PAGE = json.loads(audit.PATH.read_text("utf-8"))


@pytest.mark.parametrize("row", PAGE["rows"], ids=lambda row: f"{row['file']}-{row['n']}-{row['words']}")
def test_a_row_counts_right(row):
    best = next(r for r in PAGE["rows"] if (r["file"], r["data"]) == (row["file"], row["data"]))
    assert best["role"] == "right"
    assert (row["low"], row["high"]) == pytest.approx(wilson(row["correct"], row["n"]))
    assert row["cost"] == pytest.approx((best["correct"] - row["correct"]) / row["n"])
    low, high = row["interval"]
    assert low <= row["cost"] <= high
    assert parse(row["words"].removeprefix("jpeg,"))


def test_every_row_of_the_page_is_audited_and_quoted():
    listed = {card.name for card in MODELS if any(r.publisher == "NXP" for r in card.references)}
    assert {quote["model"] for quote in PAGE["quotes"]} == listed
    assert {row["model"] for row in PAGE["rows"]} == listed - {"mnasnet"}
    assert "1.5" in PAGE["release"]


def test_published_files_are_those_of_the_cards():
    digests = {w.file: w.download.digest for card in MODELS for w in card.weights}
    for row in PAGE["rows"]:
        if row["file"] in digests:
            assert digests[row["file"]] == f"sha256:{row['sha256']}"
        elif row["file"].startswith("eyespot"):
            assert row["sha256"] in provenance.digests(row["model"], row["precision"])


def test_the_example_output_of_visual_wake_words_is_that_of_swapped_channels():
    quote = next(q["quote"] for q in PAGE["quotes"] if "0.69140625" in q["quote"])
    found = {e["words"][:3]: e["output"] for e in PAGE["examples"] if e["model"] == "visual-wake-word"}
    assert quote == f"Output tensor: [[{' '.join(map(str, found['bgr']))}]]"
    assert found["rgb"] != found["bgr"]
