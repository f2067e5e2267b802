"""export: a file in the form that a board takes."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from eyespot.arguments import verb
from eyespot.artifacts.lock import held
from eyespot.devices.host import HostMeasurements
from eyespot.errors import BadArgumentError
from eyespot.escaping import file_name
from eyespot.evaluation.confidence import choose
from eyespot.exports.c import named, write_c
from eyespot.exports.camera import Camera
from eyespot.exports.exported import Exported
from eyespot.exports.folder import write_folder
from eyespot.exports.hub import check_push, upload
from eyespot.reports.hub import write_hub
from eyespot.site.playground.page import write_page
from eyespot.tflite.run import INSCRIBE, contract_of
from eyespot.zoo import registry


@verb
def export(
    model: str,
    *,
    to: Literal["c", "folder", "web", "hub"] = "c",
    name: str | None = None,
    camera: str | None = None,
    min_confidence: float | None = None,
    min_precision: float | None = None,
    runtime: Path | None = None,
    push: str | None = None,
    out: Path | None = None,
) -> Exported:
    """Write a file as C source, a folder for Linux, a web page, or for the Hub.

    Example: eyespot export tiny-resnet --camera 320x240:rgb565 --out firmware/model

    Args:
        model: A model (its int8 file), a .tflite file with a contract, or a folder.
        to: c: C99 with preprocessing, golden check and an example for TensorFlow Lite for Microcontrollers;
            folder: the file with labels, contract and classify.py, which needs numpy, Pillow and LiteRT;
            web: index.html, in which LiteRT.js runs the file on pictures and on the camera;
            hub: both files with what folder has and a model card for the Hugging Face Hub (docs/hub.md).
        name: What symbols and titles are called; by default the model, or the folder that you trained it in.
        camera: For c: the frames that the preprocessing takes, WIDTHxHEIGHT:FORMAT with rgb565, rgb565-swapped,
            rgb888, bgr888, yuyv or gray; it is then faster and needs no floating point. By default it takes RGB888
            and RGB565 of any size.
        min_confidence: By default the exported code answers "none of these" where the most probable class is less
            probable than this, 0 to 1.
        min_precision: The same, with the lowest confidence of which so many answers were correct on validation
            images, 0 to 1.
        runtime: For web: a folder of @litertjs/core, which is copied. By default browsers get LiteRT.js from a CDN.
        push: With hub: upload it to this repository, OWNER/NAME, as the user that `hf auth login` knows. A new
            repository is private.
        out: Folder to write to; build/NAME/c, or folder, web or hub in place of c, by default.
    """
    source, file = registry.open_model(model)
    contract = named(contract_of(file, remedy=INSCRIBE), source, file, name)
    frames = Camera.parse(camera) if camera else None
    if frames and to != "c":
        raise BadArgumentError("camera: for --to c; classify.py --camera and the page open one themselves")
    if runtime and to != "web":
        raise BadArgumentError("runtime: for --to web")
    check_push(push, to)
    threshold = choose(contract, file.path, min_confidence, min_precision)
    least = threshold.confidence if threshold else 0.0
    folder = out or Path("build") / file_name(contract.model) / to
    arena = url = None
    with held(folder):
        if to == "c":
            files, arena = write_c(HostMeasurements(file=file), contract, folder, camera=frames, min_confidence=least)
        elif to == "folder":
            files = write_folder(file, contract, folder, min_confidence=least)
        elif to == "web":
            files = write_page(file, contract, folder, runtime=runtime, min_confidence=least)
        else:
            files = write_hub(model, file, contract, folder, min_confidence=least)
            url = upload(folder, files, push) if push else None
        return Exported(folder=folder, files=files, arena=arena, threshold=threshold, url=url)
