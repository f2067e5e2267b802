"""CSV files with headings of any kind, and metadata.jsonl; the first byte decides which the input is."""

from __future__ import annotations

from collections.abc import Iterator

from eyespot.data import folder
from eyespot.errors import BadFileError
from fuzzing import file, refusals

NAMES = ("labels.csv", "metadata.csv", "mine.csv", "metadata.jsonl")


def seeds() -> Iterator[bytes]:
    yield b"\0file,label,split\n1.png,cat,train\n2.png,dog,val\ntest/3.png,dog,test\n"
    yield b'\1\xef\xbb\xbffile_name;class\r\n1.png;cat\r\n2.png;"a;b"\r\n'
    yield b"\2Path\tCLASS_INDEX\tlabel\n1.png\t0\ta\n2.png\t1\tb\n"
    yield b"\2filename,label\n../1.png,0\n/etc/passwd,1\nC:\\x.png,2\n"
    yield b'\3{"file_name": "1.png", "label": 0}\n{"file_name": "2.png", "label": "cat"}\n'
    yield b'\3{"file_name": "1.png", "label": 0, "label": 1}\n'


def one(data: bytes) -> None:
    """Images lie in the folder, with labels of the classes."""
    path = file(data[1:], f"list/{NAMES[data[0] % len(NAMES) if data else 0]}")
    for name in ("1.png", "2.png", "test/3.png"):
        file(b"", f"list/{name}")
    for name in set(NAMES) - {path.name}:
        (path.parent / name).unlink(missing_ok=True)
    with refusals():
        try:
            card = folder.card(path.parent)
        except BadFileError as error:
            assert len(str(error).splitlines()) == 1, "more than a line"
            raise
        assert all(path.parent in (path.parent / each.file).resolve().parents for each in card.files)
        assert all(each.part in {"", "train", "validation", "test"} for each in card.files)
        assert not card.classes or all(0 <= each.label < len(card.classes) for each in card.files)
