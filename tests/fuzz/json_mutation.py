"""Mutations of JSON as a tree, as those of its bytes rarely stay JSON."""

from __future__ import annotations

import json
import random
from typing import Any

WORDS = [
    None, True, 0, 1, -1, 0.5, 1.5, -0.0, 1e400, -1e400, float("nan"), 1e-320, 2**31, 2**63, 2**64, 10**400, [], {},
    [[]], "", "a", "a\nb", "\x85", "\ud800", "\x1b[31m", "x" * 5000, "../x", "/etc", "0" * 64, "int8", "ok", "rgb",
]  # fmt: skip


def mutate(data: bytes, most: int, seed: int) -> bytes | None:
    """Another input of at most so many bytes, one value of which differs; None to change bytes instead."""
    chance = random.Random(seed)
    try:
        tree = json.loads(data)
    except (ValueError, RecursionError):
        return None
    if chance.random() < 0.2:
        return None
    changed = json.dumps(_changed(tree, chance), ensure_ascii=chance.random() < 0.5).encode(errors="surrogatepass")
    return changed if len(changed) <= most else None


def _changed(tree: Any, chance: random.Random) -> Any:
    if not tree or not isinstance(tree, dict | list) or chance.random() < 0.05:
        return _near(tree, chance)
    place = chance.choice(list(tree) if isinstance(tree, dict) else range(len(tree)))
    what = chance.random()
    if what < 0.1:
        del tree[place]
    elif what < 0.2 and isinstance(tree, dict):
        tree[chance.choice([*tree, "x"])] = tree[place]
    elif what < 0.2:
        tree.insert(place, tree[place])
    else:
        tree[place] = _changed(tree[place], chance)
    return tree


def _near(value: Any, chance: random.Random) -> Any:
    """Another value, often of the same type."""
    if isinstance(value, int | float) and chance.random() < 0.5:
        return chance.choice([value + 1, value - 1, -value, value * 2, value * 0.5 if abs(value) < 1e300 else value])
    if isinstance(value, str) and chance.random() < 0.3:
        return value + chance.choice([each for each in WORDS if isinstance(each, str)])
    return chance.choice(WORDS)
