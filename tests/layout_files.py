"""The same pictures in every layout of a user's folder, as other tools write them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from eyespot.preprocessing.synthetic import CLASSES, picture


class Picture(NamedTuple):
    """A picture of a class, in a part."""

    name: str
    label: str
    part: str
    pixels: NDArray[np.uint8]


Writer = Callable[[Path, Sequence[Picture]], None]
SHORT = {"train": "train", "validation": "val", "test": "test"}


def pictures(images: int, parts: Sequence[str] = ("train", "train", "train", "validation", "test")) -> list[Picture]:
    """Generated pictures; each class has them in all parts."""
    return [
        Picture(f"{i:05}.png", CLASSES[i % 4], parts[i // 4 % len(parts)], picture(i, 32, 32, 3)) for i in range(images)
    ]


def save(path: Path, image: Picture) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(image.pixels).save(path / image.name if path.is_dir() else path)


def write(path: Path, text: str, encoding: str = "utf-8") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding, newline="")


def class_folders(folder: Path, images: Sequence[Picture]) -> None:
    for each in images:
        save(folder / each.label / each.name, each)


def image_folder(names: dict[str, str]) -> Writer:
    def write_parts(folder: Path, images: Sequence[Picture]) -> None:
        for each in images:
            save(folder / names[each.part] / each.label / each.name, each)

    return write_parts


def listed(name: str, heading: str, delimiter: str = ",", encoding: str = "utf-8", images: str = "") -> Writer:
    """A CSV file; `heading` has the names of the columns for file, label and split, in any order of these."""

    def write_list(folder: Path, pictures: Sequence[Picture]) -> None:
        lines = [heading]
        for each in pictures:
            save(folder / images / each.name, each)
            cells = {"split": SHORT[each.part], "label": each.label, "class": each.label}
            lines.append(delimiter.join(cells.get(column, each.name) for column in heading.split(delimiter)))
        write(folder / name, "\r\n".join(lines) + "\r\n", encoding)

    return write_list


def labels_csv(folder: Path, images: Sequence[Picture]) -> None:
    """Numbers, their names in classes.txt, the parts by folders of the images."""
    classes = sorted({each.label for each in images})
    lines = ["file,class_index"]
    for each in images:
        save(folder / each.part / each.name, each)
        lines.append(f"{each.part}/{each.name},{classes.index(each.label)}")
    write(folder / "labels.csv", "\n".join(lines))
    write(folder / "classes.txt", "\n".join(classes))


def metadata_jsonl(folder: Path, images: Sequence[Picture]) -> None:
    for part in sorted({each.part for each in images}):
        own = [each for each in images if each.part == part]
        for each in own:
            save(folder / part / each.name, each)
        rows = (json.dumps({"file_name": each.name, "label": each.label, "text": {"a": [1]}}) for each in own)
        write(folder / part / "metadata.jsonl", "\n".join(rows))


def metadata_csv(folder: Path, images: Sequence[Picture]) -> None:
    rows = [f"{each.part}/{each.name},{each.label}" for each in images]
    for each in images:
        save(folder / each.part / each.name, each)
    write(folder / "metadata.csv", "\n".join(["file_name,label", *rows]))


WITH_PARTS: dict[str, Writer] = {
    "ImageFolder": image_folder(SHORT),
    "ImageFolder, validation": image_folder({"train": "train", "validation": "validation", "test": "test"}),
    "ImageFolder, valid": image_folder({"train": "Train", "validation": "Valid", "test": "Test"}),
    "labels.csv": labels_csv,
    "CSV": listed("pictures.csv", "filename,label,split", images="images"),
    "CSV, semicolons": listed("labels.csv", "split;class;path", ";", "utf-8-sig"),
    "CSV, tabs": listed("labels.csv", "image\tsplit\tlabel\tauthor", "\t"),
    "metadata.csv": metadata_csv,
    "metadata.jsonl": metadata_jsonl,
}


def yolo(inside: bool, flow: bool = True) -> Writer:
    """With part/images or images/part; each picture has a box of its class that covers 64 % of it."""

    def write_yolo(folder: Path, images: Sequence[Picture]) -> None:
        classes = sorted({each.label for each in images})
        rows = "".join(f"\n  {i}: {name}" for i, name in enumerate(classes))
        write(
            folder / "data.yaml",
            f"train: ../train\nnames: {json.dumps(classes) if flow else rows}\nnc: {len(classes)}\n",
        )
        for each in images:
            part = SHORT[each.part]
            for kind, name in (("images", each.name), ("labels", f"{Path(each.name).stem}.txt")):
                path = folder / (f"{part}/{kind}" if inside else f"{kind}/{part}") / name
                if kind == "images":
                    save(path, each)
                else:
                    write(path, f"{classes.index(each.label)} 0.5 0.5 0.8 0.8\n")

    return write_yolo


def coco(images: Sequence[Picture]) -> dict[str, Any]:
    """The annotations of pictures; each has a box of its class that covers 64 % of it."""
    classes = sorted({each.label for each in images})
    sides = [each.pixels.shape[:2] for each in images]
    return {
        "info": {"description": "made"},
        "images": [
            {"id": i, "file_name": each.name, "width": w, "height": h, "license": 1}
            for i, (each, (h, w)) in enumerate(zip(images, sides, strict=True))
        ],
        "annotations": [
            {
                "id": i, "image_id": i, "category_id": 10 + classes.index(each.label), "iscrowd": 0,
                "bbox": [0.1 * w, 0.1 * h, 0.8 * w, 0.8 * h], "segmentation": [[0.0, 0.0, 1.0, 1.0]],
            }
            for i, (each, (h, w)) in enumerate(zip(images, sides, strict=True))
        ],
        "categories": [{"id": 10 + i, "name": name, "supercategory": "shape"} for i, name in enumerate(classes)],
    }  # fmt: skip


def _parts(images: Sequence[Picture]) -> Iterator[tuple[str, list[Picture]]]:
    for part in sorted({each.part for each in images}):
        yield part, [each for each in images if each.part == part]


def coco_parts(folder: Path, images: Sequence[Picture]) -> None:
    """As Roboflow writes it."""
    for part, own in _parts(images):
        for each in own:
            save(folder / SHORT[part] / each.name, each)
        write(folder / SHORT[part] / "_annotations.coco.json", json.dumps(coco(own)))


def coco_2017(folder: Path, images: Sequence[Picture]) -> None:
    """As COCO's own archives lie, with the captions that come with them."""
    for part, own in _parts(images):
        for each in own:
            save(folder / "images" / f"{SHORT[part]}2017" / each.name, each)
        write(folder / "annotations" / f"instances_{SHORT[part]}2017.json", json.dumps(coco(own)))
        captions = {"images": [], "annotations": [{"image_id": 1, "caption": "a shape"}]}
        write(folder / "annotations" / f"captions_{SHORT[part]}2017.json", json.dumps(captions))


BOXES: dict[str, Writer] = {
    "YOLO": yolo(inside=True),
    "YOLO, images/train": yolo(inside=False, flow=False),
    "COCO": coco_parts,
    "COCO 2017": coco_2017,
}
