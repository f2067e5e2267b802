"""The names that a parameter takes, from the cards, in help pages and in the shell's completion."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from glob import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cyclopts.help import DefaultFormatter
from cyclopts.help.inline_text import InlineText
from rich.text import Text

from eyespot.errors import EyespotError

if TYPE_CHECKING:
    from cyclopts.completion._engine import CompletionContext
    from cyclopts.help import HelpEntry

THEME = {"cyclopts.choices": "dim", "cyclopts.default": "dim"}  # the default, a fixed gray, is faint on white
METAVARS = {"INT|STR": "SIZE", "BOOL|PATH": "[PATH]"}  # where the types say little


def _models() -> list[str]:
    from eyespot.zoo.models import MODELS

    return [card.name for card in MODELS]


def _data() -> list[str]:
    from eyespot.zoo.datasets import DATASETS

    return [card.name for card in DATASETS]


def _devices() -> list[str]:
    """All devices; those of the package where a file of the user's is faulty."""
    from eyespot import devices

    try:
        return [card.name for card in devices.devices()]
    except EyespotError:
        return [card.name for card in devices.shipped()]


def _weights(model: str = "") -> list[str]:
    """Published weights, of one model if it is named."""
    from eyespot.zoo.models import MODELS

    return list(dict.fromkeys(each.name for card in MODELS if model in {"", card.name} for each in card.weights))


NAMES: dict[str, Callable[[], list[str]]] = {
    "model": _models,
    "contract": _models,
    "device": _devices,
    "data": _data,
    "calibration": _data,
    "weights": _weights,
}
SUFFIXES: dict[str, tuple[str, ...]] = {  # of the files that fit as well; folders always do
    "model": (".tflite",), "device": (".toml",), "weights": (".safetensors",),
    "data": (), "calibration": (), "images": ("",), "out": (),
}  # fmt: skip


def complete(context: CompletionContext) -> Iterable[str]:
    """What the shell offers for the word that is being written: names, then files and folders."""
    argument = context.argument
    name = argument.field_info.name
    if choices := argument.get_choices():
        return choices
    names = NAMES[name]() if name in NAMES else []
    if name == "weights":
        names = _weights(context["model"].raw or "")
    takes_files = name in SUFFIXES or "Path" in str(argument.hint)
    return [*names, *(_files(context.incomplete, SUFFIXES.get(name, ("",))) if takes_files else ())]


def _files(begun: str, suffixes: tuple[str, ...]) -> list[str]:
    """Folders, and files with one of the suffixes, whose paths begin so."""
    parent, _, last = begun.rpartition("/")
    base = Path(f"{parent}/" if begun.startswith("/") else parent or ".")
    found = sorted(base.glob(f"{escape(last)}*")) if base.is_dir() else []
    shown = (each for each in found if last.startswith(".") or not each.name.startswith("."))
    kept = (each for each in shown if each.is_dir() or each.name.endswith(suffixes))
    return [f"{each}/" if each.is_dir() else str(each) for each in kept]


class HelpPage(DefaultFormatter):
    """cyclopts' help, with the names that a parameter takes, and without what a flag implies."""

    def __call__(self, console: Any, options: Any, panel: Any) -> None:
        """Print one panel."""
        entries = [_explained(each) for each in panel.entries] if panel.format == "parameter" else panel.entries
        super().__call__(console, options, panel.copy(entries=entries, theme=THEME))


def _explained(entry: HelpEntry) -> HelpEntry:
    entry = entry.copy(metavar=METAVARS.get(str(entry.metavar), entry.metavar))
    if entry.default in {"False", "()"}:
        entry = entry.copy(default=None, negative_names=())
    name = entry.positive_names[-1].removeprefix("--") if entry.positive_names else ""
    if name in NAMES and not entry.choices:
        described = InlineText(entry.description) if isinstance(entry.description, str) else entry.description
        described.append(Text(f"[names: {', '.join(NAMES[name]())}]", "cyclopts.choices"))
    return entry
