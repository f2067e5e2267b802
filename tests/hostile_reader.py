"""A reader of pictures, one of which ends the process that reads it."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from eyespot.data import folder
from eyespot.data.split import Split
from eyespot.zoo.cards import Dataset

KILLER = "killer.png"


def read(card: Dataset, root: Path, split: str) -> Split:
    opened = folder.read(card, root, split)

    def decode(i: int) -> NDArray[np.uint8]:
        if card.files[i].file.endswith(KILLER):
            os.abort()
        return opened.read(i)

    return replace(opened, read=decode)
