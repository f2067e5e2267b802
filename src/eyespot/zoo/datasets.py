"""The data set cards (`datasets.toml`). To add a data set, add its card and the module that reads it.

`imagenet_classes.csv` has one class per line in label order, sorted by WordNet id as in torchvision and
Keras. From timm 1.0.31, data/_info/imagenet_synsets.txt and imagenet_synset_to_lemma.txt (Apache-2.0). Each
class has its first WordNet name. If two classes share it (ignoring case), they use the second name, if any.
The two cranes have only one name, so the id is added to it.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from eyespot import decoding
from eyespot.zoo.cards import Dataset

_IMAGENET = Path(__file__).with_name("imagenet_classes.csv")
_LINES = _IMAGENET.read_text("utf-8").splitlines()
IMAGENET_IDS, IMAGENET_CLASSES = zip(*(line.split(",") for line in _LINES), strict=True)

_TABLES = Path(__file__).with_suffix(".toml")
_CARDS = decoding.read(dict[str, tuple[Dataset, ...]], _TABLES, "Correct the card")["datasets"]
DATASETS = tuple(
    replace(card, classes=IMAGENET_CLASSES) if card.classes == (_IMAGENET.name,) else card for card in _CARDS
)
