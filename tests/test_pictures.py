"""Pictures that are decoded once, into a file."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from eyespot.data.split import Split  # noqa: E402
from eyespot.errors import BadFileError  # noqa: E402
from eyespot.preprocessing.image import fit  # noqa: E402
from eyespot.preprocessing.spec import Preprocessing  # noqa: E402
from eyespot.preprocessing.synthetic import picture  # noqa: E402
from eyespot.training.pictures import BLOCK, Pictures, decoded  # noqa: E402

SPEC = Preprocessing(height=8, width=8)
SIZES = (BLOCK + 40, 30, 20)


class Splits:
    """Three splits that count what is read; `fails` maps an image's number to what reading it raises."""

    def __init__(self, sizes=SIZES):
        self.read, self.fails = [], {}
        starts = np.cumsum([0, *sizes])
        self.splits = [self.split(int(start), size) for start, size in zip(starts, sizes, strict=False)]

    def split(self, start, size):
        def read(i):
            self.read.append(start + i)
            if error := self.fails.get(start + i):
                raise error
            return picture(start + i, 12, 16, 3)

        labels = np.zeros(size, np.int64)
        return Split(data="made", name=str(start), classes=("a",), labels=labels, read=read)


def test_batches_are_the_fitted_pictures(no_data):
    file, records = decoded("a", "1", Splits().splits, SPEC)
    assert len(records) == sum(SIZES)
    rows = np.array([5, 0, BLOCK + 60])
    some = Pictures(file=file, shape=SPEC.shape, rows=rows)
    expected = [fit(picture(i, 12, 16, 3), SPEC) for i in rows]
    assert (len(some), some[:].shape) == (3, (3, 8, 8, 3))
    assert np.array_equal(some[:].numpy(), expected)
    assert np.array_equal(some[torch.tensor([2, 1])].numpy(), [expected[2], expected[1]])
    assert len(file.bytes) == sum(SIZES[:2]) * 8 * 8 * 3, "the test images are not kept"


def test_each_picture_is_decoded_once(no_data):
    made = Splits()
    first = decoded("a", "1", made.splits, SPEC)
    again = decoded("a", "1", made.splits, SPEC)
    decoded("a", "1", made.splits, Preprocessing(height=8, width=8, mean=(3.0,)))
    assert sorted(made.read) == list(range(sum(SIZES)))
    assert np.array_equal(first[1], again[1])


@pytest.mark.parametrize(("source", "key", "spec"), [
    ("b", "1", SPEC), ("a", "2", SPEC), ("a", "1", Preprocessing(height=8, width=8, order="bgr")), ("a", "", SPEC),
])  # fmt: skip
def test_other_pictures_are_decoded(no_data, source, key, spec):
    decoded("a", key and "1", Splits().splits, SPEC)
    made = Splits()
    decoded(source, key, made.splits, spec)
    assert len(made.read) == sum(SIZES)


def test_a_training_keeps_its_pictures_while_others_replace_them(no_data):
    mapped, _ = decoded("a", "1", Splits().splits, SPEC)
    before = mapped.bytes[:]
    decoded("a", "2", Splits((5, 5, 5)).splits, SPEC)
    assert mapped.bytes[:] == before


def test_a_stopped_run_continues_with_the_same_bytes(no_data):
    straight = decoded("straight", "1", Splits().splits, SPEC)
    made = Splits()
    made.fails[BLOCK + 10] = KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt):
        decoded("stopped", "1", made.splits, SPEC)
    made.read.clear()
    made.fails.clear()
    resumed = decoded("stopped", "1", made.splits, SPEC)
    assert sorted(made.read) == list(range(BLOCK, sum(SIZES)))
    assert resumed[0].bytes[:] == straight[0].bytes[:]
    assert np.array_equal(resumed[1], straight[1])


@pytest.mark.parametrize("cut", [1, 8 * 8 * 3, 40 * 8 * 8 * 3])
@pytest.mark.parametrize("suffix", [".pixels", ".records"])
def test_what_is_cut_off_is_read_again(no_data, cut, suffix):
    file, records = decoded("a", "1", Splits().splits, SPEC)
    whole = file.bytes[:]
    (damaged,) = (no_data / "cache").glob(f"*{suffix}")
    damaged.write_bytes(damaged.read_bytes()[:-cut])
    again = decoded("a", "1", Splits().splits, SPEC)
    assert again[0].bytes[:] == whole
    assert np.array_equal(again[1], records)


def test_broken_pictures_are_named_together_and_nothing_is_kept(no_data):
    made = Splits()
    made.fails = {i: BadFileError(f"{i}.png: broken") for i in (3, BLOCK + 1, BLOCK + 50, BLOCK + 75)}
    with pytest.raises(BadFileError, match=r"4 of 346 images cannot be read: 3\.png: broken; .*; and 1 more; mend"):
        decoded("a", "1", made.splits, SPEC)
    assert not [path for path in (no_data / "cache").rglob("*") if path.is_file()]
