"""Sample pictures, drawn by eyespot, so that no page needs anybody's photograph."""

from __future__ import annotations

import io
from base64 import b64encode
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from eyespot.preprocessing.image import fit, to_pillow
from eyespot.preprocessing.spec import Preprocessing
from eyespot.zoo.cards import Model

SIDE, FINER = 256, 4  # pixels of a drawing; how much finer it is drawn, for smooth edges
LARGEST = 160  # pixels of a picture on a page

Shape = tuple[str, tuple[float, ...], str]  # of ImageDraw, its coordinates from 0 to 100, its colour

SKY: tuple[Shape, ...] = (
    ("rectangle", (0, 0, 100, 100), "#8ec5f0"),
    ("rectangle", (0, 0, 100, 34), "#6fb1e8"),
    ("ellipse", (70, 8, 90, 28), "#ffe08a"),
)
GROUND: tuple[Shape, ...] = (
    ("ellipse", (-30, 62, 75, 150), "#5f9e5a"),
    ("ellipse", (30, 68, 150, 150), "#4c8a4e"),
)
DRAWINGS: dict[str, tuple[Shape, ...]] = {
    "airplane": (
        *SKY,
        ("ellipse", (6, 70, 40, 84), "#dcedfa"), ("ellipse", (58, 76, 98, 90), "#dcedfa"),
        ("polygon", (14, 34, 24, 34, 34, 50, 20, 52), "#c2413b"),
        ("ellipse", (14, 42, 88, 60), "#f4f6f8"),
        ("polygon", (44, 52, 60, 52, 46, 82, 36, 82), "#b9c4d0"),
        ("polygon", (48, 46, 58, 46, 48, 28, 42, 28), "#ced7e0"),
        ("ellipse", (76, 45, 84, 51), "#31465c"),
        *(("ellipse", (x, 48, x + 4, 52), "#31465c") for x in (38, 46, 54, 62)),
    ),
    "face": (
        ("rectangle", (0, 0, 100, 100), "#9fb0c2"),
        ("ellipse", (14, 82, 86, 140), "#4a6078"),
        ("ellipse", (20, 6, 80, 66), "#4b3425"),
        ("ellipse", (24, 14, 76, 90), "#e6b48e"),
        ("pieslice", (22, 8, 78, 50, 180, 360), "#4b3425"),
        ("ellipse", (34, 42, 44, 51), "#fdfdfd"), ("ellipse", (56, 42, 66, 51), "#fdfdfd"),
        ("ellipse", (37, 44, 42, 50), "#2b2320"), ("ellipse", (58, 44, 63, 50), "#2b2320"),
        ("polygon", (50, 48, 54, 63, 46, 63), "#cf9a74"),
        ("pieslice", (36, 58, 64, 80, 0, 180), "#8c2f35"), ("rectangle", (39, 68, 61, 71), "#fdfdfd"),
    ),
    "person": (
        *SKY, *GROUND,
        ("rectangle", (42, 30, 58, 66), "#c2413b"),
        ("polygon", (42, 32, 32, 58, 36, 60, 44, 42), "#a83530"),
        ("polygon", (58, 32, 68, 58, 64, 60, 56, 42), "#a83530"),
        ("rectangle", (42, 64, 49, 94), "#2f3f57"), ("rectangle", (51, 64, 58, 94), "#2f3f57"),
        ("ellipse", (42, 10, 58, 30), "#e0ab85"), ("pieslice", (41, 8, 59, 26, 180, 360), "#3a2a20"),
    ),
    "cat": (
        ("rectangle", (0, 0, 100, 100), "#cdbb9d"), ("rectangle", (0, 70, 100, 100), "#8f7358"),
        ("ellipse", (26, 58, 74, 120), "#d98f3f"),
        ("polygon", (24, 14, 46, 32, 26, 48), "#d98f3f"), ("polygon", (76, 14, 54, 32, 74, 48), "#d98f3f"),
        ("polygon", (28, 21, 40, 32, 29, 40), "#f3c7a2"), ("polygon", (72, 21, 60, 32, 71, 40), "#f3c7a2"),
        ("ellipse", (22, 24, 78, 74), "#e39b48"),
        ("ellipse", (33, 39, 45, 52), "#dff0a8"), ("ellipse", (55, 39, 67, 52), "#dff0a8"),
        ("ellipse", (37, 40, 41, 52), "#20261a"), ("ellipse", (59, 40, 63, 52), "#20261a"),
        ("ellipse", (38, 54, 62, 70), "#f7ead9"), ("polygon", (46, 55, 54, 55, 50, 60), "#b3524a"),
        *(("polygon", (50 + d * 10, 62, 50 + d * 36, y, 50 + d * 36, y + 0.8), "#fff8ee")
          for d in (-1, 1) for y in (58, 63, 68)),
    ),
    "mug": (
        ("rectangle", (0, 0, 100, 100), "#d7c7e0"), ("rectangle", (0, 72, 100, 100), "#9a7fae"),
        ("ellipse", (18, 76, 84, 90), "#84699a"),
        ("ellipse", (58, 36, 88, 70), "#f2efe6"), ("ellipse", (64, 43, 81, 63), "#d7c7e0"),
        ("rectangle", (24, 28, 68, 76), "#f2efe6"), ("ellipse", (24, 70, 68, 84), "#f2efe6"),
        ("ellipse", (24, 21, 68, 35), "#dcd6c6"), ("ellipse", (28, 23, 64, 33), "#5c3a26"),
        ("rectangle", (24, 48, 68, 56), "#2f6f8f"),
    ),
    "boat": (
        *SKY, ("rectangle", (0, 66, 100, 100), "#2f78a8"), ("ellipse", (-10, 62, 60, 74), "#2f78a8"),
        ("rectangle", (49, 14, 51, 70), "#5a4030"),
        ("polygon", (52, 16, 52, 62, 82, 62), "#fbfaf5"), ("polygon", (48, 22, 48, 62, 24, 62), "#e9533f"),
        ("polygon", (18, 68, 86, 68, 74, 82, 30, 82), "#7a4a2c"), ("rectangle", (18, 66, 86, 70), "#f4f1e8"),
    ),
    "hand": (
        ("rectangle", (0, 0, 100, 100), "#dfe3e6"), ("rectangle", (0, 84, 100, 100), "#c9d0d6"),
        ("polygon", (40, 70, 66, 70, 70, 100, 38, 100), "#d9a27c"),
        *(("rectangle", (x, top + 4, x + 8, 62), "#e0ab85") for x, top in ((34, 24), (44, 14), (54, 16), (64, 26))),
        *(("ellipse", (x, top, x + 8, top + 9), "#e0ab85") for x, top in ((34, 24), (44, 14), (54, 16), (64, 26))),
        ("polygon", (36, 76, 14, 52, 20, 46, 42, 62), "#e0ab85"), ("ellipse", (12, 44, 22, 54), "#e0ab85"),
        ("ellipse", (33, 48, 73, 86), "#e0ab85"),
    ),
    "house": (
        *SKY, *GROUND,
        ("rectangle", (28, 46, 72, 80), "#e9dcc3"), ("polygon", (22, 48, 50, 24, 78, 48), "#a4473b"),
        ("rectangle", (45, 60, 56, 80), "#6b4a32"), ("rectangle", (33, 54, 41, 63), "#4b6d8a"),
        ("rectangle", (60, 54, 68, 63), "#4b6d8a"),
    ),
}  # fmt: skip
OF_DATA: dict[str, tuple[str, ...]] = {
    "cifar-10": ("airplane",), "fer2013": ("face",), "vww": ("person",), "sign-digits": ("hand",),
    "imagenet": ("house", "mug", "cat", "boat"),
}  # fmt: skip


@cache
def drawn(subject: str) -> NDArray[np.uint8]:
    """A drawing as an image (SIDE, SIDE, 3)."""
    scale = SIDE * FINER / 100
    image = Image.new("RGB", (SIDE * FINER, SIDE * FINER))
    draw: Any = ImageDraw.Draw(image)
    for form, numbers, colour in DRAWINGS[subject]:
        angles = numbers[4:] if form == "pieslice" else ()
        corners = [number * scale for number in numbers[: len(numbers) - len(angles)]]
        getattr(draw, form)(corners, *angles, fill=colour)
    return np.asarray(image.resize((SIDE, SIDE), Image.Resampling.BOX))


def seen(card: Model | None, spec: Preprocessing) -> NDArray[np.uint8]:
    """What a network of that preprocessing gets of a drawing for the data of its card: RGB or gray, never BGR."""
    subjects = OF_DATA.get(card.data, ("house",)) if card else ("house",)
    pixels = fit(drawn(subjects[(card.position if card else 0) % len(subjects)]), spec)
    return pixels[..., ::-1] if spec.order == "bgr" else pixels


def address(pixels: NDArray[np.uint8]) -> str:
    """An image as a data URI; tiny ones keep every pixel."""
    picture, file = to_pillow(pixels), io.BytesIO()
    small = max(picture.size) <= LARGEST
    picture.save(file, "png" if small else "jpeg", **({"optimize": True} if small else {"quality": 85}))
    return f"data:image/{'png' if small else 'jpeg'};base64,{b64encode(file.getvalue()).decode()}"
