"""The data set cards (`datasets.toml`). To add a data set, add its card and the module that reads it.

`imagenet_classes.csv` has one class per line in label order, sorted by WordNet id as in torchvision and
Keras. From timm 1.0.31, data/_info/imagenet_synsets.txt and imagenet_synset_to_lemma.txt (Apache-2.0). Each
class has its first WordNet name. If two classes share it (ignoring case), they use the second name, if any.
The two cranes have only one name, so the id is added to it.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from eyespot import decoding
from eyespot.zoo.cards import Dataset

_CARDS, _IMAGENET = Path(__file__).with_suffix(".toml"), Path(__file__).with_name("imagenet_classes.csv")
_LINES = _IMAGENET.read_text("utf-8").splitlines()
IMAGENET_IDS, IMAGENET_CLASSES = zip(*(line.split(",") for line in _LINES), strict=True)


def _card(name: str, fields: dict[str, Any]) -> Dataset:
    classes = IMAGENET_CLASSES if fields["classes"] == _IMAGENET.name else fields["classes"]
    return decoding.decode(Dataset, fields | {"name": name, "classes": classes}, _CARDS, "Correct the card")


DATASETS = tuple(_card(*item) for item in tomllib.loads(_CARDS.read_text("utf-8")).items())
