"""The JSON file of a COCO export."""

from __future__ import annotations

import json
from collections.abc import Iterator

from eyespot.data import folder
from eyespot.data.layouts.boxes import Contains
from fuzzing import file, refusals
from json_mutation import mutate as mutate


def seeds() -> Iterator[bytes]:
    image = {"id": 1, "file_name": "1.png", "width": 10, "height": 10}
    box = {"image_id": 1, "category_id": 3, "bbox": [0, 0, 5.5, 5]}
    categories = [{"id": 3, "name": "cat"}, {"id": 4, "name": "dog", "supercategory": "animal"}]
    yield json.dumps({"images": [image], "annotations": [box], "categories": categories}).encode()
    yield json.dumps({"images": [image, image | {"id": 2}], "annotations": [], "categories": categories}).encode()
    more = {"segmentation": [[0, 0, 1, 1]], "info": {"year": 2017}}
    yield json.dumps(
        {"categories": categories, "annotations": [box | more, box], "images": [image | {"id": "1"}]} | more
    ).encode()


def one(data: bytes) -> None:
    """A picture has one of two classes."""
    path = file(data, "coco/coco.json").parent
    file(b"", "coco/1.png")
    with refusals():
        card = folder.card(path, Contains("cat", 5.0))
        assert card.classes == ("no cat", "cat")
        assert [(each.file, each.label in {0, 1}) for each in card.files] == [("1.png", True)]
