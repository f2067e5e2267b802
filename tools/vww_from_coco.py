"""Make both parts of Visual Wake Words from COCO 2014, for `eyespot fetch vww --from OUT`.

    python tools/vww_from_coco.py COCO OUT

COCO holds train2014 and val2014 (either may be absent) and annotations with instances_train2014.json and
instances_val2014.json. An image shows a person if the bounding box of one covers at least 2.5 % of it, and
none if no person is annotated; an image with smaller persons only, or with a crowd only, is left out. The
images of vww01, with their labels there, go to the test part alone.
"""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import Any

from eyespot.artifacts.atomic import write
from eyespot.data.vww import FOLDERS, SIDE, TEST, TRAIN, coco_number, test_labels
from eyespot.errors import BadFileError, EyespotError, MissingDataError, RefusedError
from eyespot.preprocessing.image import decode, fit
from eyespot.preprocessing.spec import Preprocessing
from eyespot.progress import track

PERSON = 1  # COCO's category
LEAST_AREA = 0.025  # of the image; vw_coco2014_96's threshold, the paper's own is 0.005


def from_coco(images: Path, annotations: Path, out: Path) -> None:
    """Write both parts to `out`, which appears when all is done. RefusedError if it exists already."""
    if out.exists():
        raise RefusedError(f"{out}: is there already; give a new folder")
    halves = [half for half in ("train2014", "val2014") if (images / half).is_dir()]
    if not halves:
        raise MissingDataError(f"{images}: expected the folders train2014 and val2014, found neither")
    partial = out.with_name(f".{out.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    for half in halves:
        _convert_half(images / half, annotations / f"instances_{half}.json", partial)
    rows = [(f"{n:012}.bin", label) for n, label in test_labels().items()]
    present = [f"{name},2,{label}\n" for name, label in rows if (partial / TEST / name).is_file()]
    write(partial / TEST / "y_labels.csv", "".join(present))
    partial.rename(out)


def _convert_half(images: Path, annotations: Path, out: Path) -> None:
    """Write the images of one of COCO's halves, 96 x 96."""
    from PIL import Image as Pillow

    spec, test = Preprocessing(height=SIDE, width=SIDE), test_labels()
    labels = _labels(annotations)
    for name, label in track(labels.items(), len(labels), f"convert {images.name}"):
        number = coco_number(name)
        if number not in test and label is None:
            continue
        pixels = fit(decode(images / name, 3), spec)
        if number in test:
            write(out / TEST / f"{number:012}.bin", pixels.tobytes())
        else:
            target = out / TRAIN / FOLDERS[label or 0] / name
            target.parent.mkdir(parents=True, exist_ok=True)
            Pillow.fromarray(pixels).save(target, quality=95, subsampling=0)


def _labels(annotations: Path) -> dict[str, int | None]:
    """File name -> label of every annotated image; None where its persons are too small or a crowd."""
    try:
        coco = json.loads(annotations.read_bytes())
        images = {image["id"]: image for image in coco["images"]}
        persons = [found for found in coco["annotations"] if found["category_id"] == PERSON]
        labels: dict[Any, int | None] = dict.fromkeys(images, 0)
        labels.update((found["image_id"], None) for found in persons)
        labels.update((found["image_id"], 1) for found in persons if _is_large(found, images[found["image_id"]]))
        return {image["file_name"]: labels[number] for number, image in images.items()}
    except FileNotFoundError as error:
        raise MissingDataError(f"{annotations}: no such file; it is part of annotations_trainval2014.zip") from error
    except (ValueError, KeyError, TypeError) as error:
        raise BadFileError(f"{annotations}: is not a COCO instances file ({type(error).__name__}: {error})") from error


def _is_large(found: Any, image: Any) -> bool:
    _, _, width, height = found["bbox"]
    return not found["iscrowd"] and bool(width * height >= LEAST_AREA * image["width"] * image["height"])


def main(coco: str, out: str) -> None:
    """Convert; an error is one line."""
    try:
        from_coco(Path(coco), Path(coco) / "annotations", Path(out))
    except EyespotError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])
