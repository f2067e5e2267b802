"""A contact sheet: the pictures of a class with their file names."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw, ImageFont

from eyespot.artifacts.atomic import replacing
from eyespot.data.look import SHEET, Pixels
from eyespot.escaping import file_name, terminal

COLUMNS = 10
GAP, LINE, TITLE = 6, 14, 24  # pixels


def write(title: str, pictures: Sequence[tuple[str, Pixels]], folder: Path) -> Path:
    """Write the named thumbnails (96, 96, 3) of a class as PNG in `folder`, ten in a row."""
    columns, rows = min(COLUMNS, max(1, len(pictures))), -(-len(pictures) // COLUMNS)
    cell = SHEET + GAP, SHEET + LINE + GAP
    sheet = Image.new("RGB", (max(3, columns) * cell[0] + GAP, rows * cell[1] + TITLE + GAP), "white")
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(11)
    draw.text((GAP, GAP), _fitting(title, sheet.width - 2 * GAP, font), "black", font)
    for place, (name, pixels) in enumerate(pictures):
        x, y = place % COLUMNS * cell[0] + GAP, place // COLUMNS * cell[1] + TITLE + GAP
        sheet.paste(Image.fromarray(pixels), (x, y))
        draw.text((x, y + SHEET + 1), _fitting(name.rpartition("/")[2], SHEET, font), "black", font)
    path = folder / f"{file_name(title)}.png"
    with replacing(path) as partial:
        sheet.save(partial, "PNG", compress_level=1)
    return path


def _fitting(text: str, width: int, font: Any) -> str:
    """The end of a text, as much as fits."""
    text = terminal(text)[-200:]
    short = text
    while len(short) > 1 and font.getlength(short) > width:
        text = text[1:]
        short = f"…{text}"
    return short
