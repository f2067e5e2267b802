"""JSON from outside: no name twice in an object, no numbers but finite ones."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection
from typing import Any

from eyespot.errors import BadFileError

LONGEST = 200  # characters of a reason
VALUES = 100_000_000  # commas and brackets; COCO's training set has 60 million, and each takes up to 32 bytes


def loads(data: bytes, where: str, without: Collection[str] = ()) -> Any:
    """A JSON document; values called `without` are left out, which saves memory. BadFileError if it is broken."""

    def pairs(found: list[tuple[str, Any]]) -> dict[str, Any]:
        if len(found) > len(result := dict(found)):
            name, _ = Counter(name for name, _ in found).most_common(1)[0]
            raise ValueError(f"the name {name[:80]!r} is in one object twice")
        return {name: value for name, value in result.items() if name not in without} if without else result

    def refuse(word: str) -> None:
        raise ValueError(f"{word} is no number")

    try:
        if sum(map(data.count, (b",", b"[", b"{"))) > VALUES:
            raise ValueError(f"more than {VALUES:,} values")
        return json.loads(data.decode("utf-8-sig"), object_pairs_hook=pairs, parse_constant=refuse)
    except (ValueError, RecursionError) as error:
        raise BadFileError(f"{where}: broken JSON ({str(error)[:LONGEST]}). Export it again") from error
