"""y_labels.csv of MLPerf Tiny's accuracy set."""

from __future__ import annotations

from collections.abc import Iterator

from eyespot.data import vww
from eyespot.zoo import registry
from fuzzing import file, refusals

CARD = registry.dataset("vww")


def seeds() -> Iterator[bytes]:
    yield b"a.bin, 2, 1\nb.bin, 2, 0\n"
    yield b"/etc/passwd,2,1\n"
    yield b"../y_labels.csv,2,1\n"
    yield b'a.bin,2,"1"\n\n'


def one(data: bytes) -> None:
    """Images are files of the same folder."""
    path = file(data, "y_labels.csv")
    folder = path.with_name(vww.TEST)
    if not folder.exists():
        folder.symlink_to(path.parent)
    file(bytes(vww.BYTES), "a.bin")
    with refusals():
        opened = vww.read(CARD, path.parent, "test")
        assert set(opened.labels) <= {0, 1}
        for i in range(min(len(opened), 3)):
            assert not opened.read(i).any()
