"""The data.yaml of a YOLO export, then after a zero byte the label file of one image."""

from __future__ import annotations

from collections.abc import Iterator

from eyespot.data import folder
from eyespot.data.layouts.boxes import Contains
from fuzzing import file, refusals


def seeds() -> Iterator[bytes]:
    yield b"train: ../train/images\nnc: 2\nnames: ['cat', 'dog']\n\0" + b"0 .5 .5 .2 .2\n1 0.1 0.1 0.1 0.1\n"
    yield b"path: /x\nnames:\n  0: cat\n  1: dog\n\0" + b"0 0 0 1 0 1 1 0.5 0.5\n"
    yield b"names:\n- cat\n- &a dog\n- *a\n\0" + b"1 1 1 1 1\r\n"
    yield b"a: &a [x, x]\nb: &b [*a, *a]\nc: &c [*b, *b]\nnames: [*c, *c]\n\0"


def one(data: bytes) -> None:
    """A picture has one of two classes."""
    names, _, boxes = data.partition(b"\0")
    path = file(names, "yolo/data.yaml").parent
    file(b"", "yolo/images/1.png")
    file(boxes, "yolo/labels/1.txt")
    with refusals():
        card = folder.card(path, Contains("cat", 5.0))
        assert card.classes == ("no cat", "cat")
        assert [(each.file, each.label in {0, 1}) for each in card.files] == [("images/1.png", True)]
