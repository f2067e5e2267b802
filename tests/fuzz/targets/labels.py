"""labels.csv, classes.txt and manifest.csv; the first byte decides which of them the input is."""

from __future__ import annotations

from collections.abc import Iterator

from eyespot.data import folder, manifest
from eyespot.data.layouts.classes import read_classes
from fuzzing import file, refusals

NAMES = ("labels.csv", "classes.txt", "manifest.csv")


def seeds() -> Iterator[bytes]:
    yield b"\0file,class_index\n1.png,0\n2.png,1\n"
    yield b'\0\xef\xbb\xbfclass_index,file,author\r\n0,"1.png","me, and\nyou"\r\n'
    yield b"\0file,class_index\n../1.png,0\n/etc/passwd,1\nC:\\x.png,2\n"
    yield "\1cat\ndog\r\nÄpfel\n".encode()
    row = b"1.png," + b"0" * 64 + b",cat,train\n"
    yield b"\2data,cifar-10\nfile,sha256,class,part\n" + row
    yield b"\2data,/photos\nfile,sha256,class,part\n" + row + row.replace(b"1.png", b"2.png")


def one(data: bytes) -> None:
    kind = data[0] % len(NAMES) if data else 0
    path = file(data[1:], NAMES[kind])
    for name in ("1.png", "2.png"):
        file(b"", name)
    for name in set(NAMES) - {path.name}:
        (path.parent / name).unlink(missing_ok=True)
    with refusals():
        if kind == 0:
            card = folder.card(path.parent)
            assert all(".." not in each.file.split("/") and not each.file.startswith("/") for each in card.files)
        elif kind == 1:
            assert read_classes(path)
        else:
            assert manifest.load(path.parent)
