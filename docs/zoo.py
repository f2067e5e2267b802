"""The Model List of README.md in six columns, and docs/model-list.md."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from eyespot.artifacts.measurements import Evaluation
    from eyespot.zoo.cards import Model

FACTS = ("Data set", "Accuracy, float32 / int8", "Size", "Arena", "Runs on")


def short_list(pages: str = "docs/models/") -> str:
    """The Model List in six columns: a model's name leads to its page."""
    from eyespot.reports.words import table
    from eyespot.zoo.models import MODELS

    rows = [(f"[{card.name}]({pages}{card.name}.md)", *facts(card)) for card in MODELS]
    return table(("Model", *FACTS), rows)


def facts(card: Model) -> tuple[str, ...]:
    """A model's cells in the columns FACTS."""
    from eyespot.zoo import provenance, registry
    from eyespot.zoo.listing import models as listed

    line = next(each for each in listed(None) if each.name == card.name)
    verdicts = provenance.compatibility(card.name)
    npu = ", ".join(c.device for c in verdicts if c.npu and c.npu.status == "ok")
    runs = sum(c.runs.status in {"ok", "partial"} for c in verdicts)
    return (
        registry.dataset(card.data).title,
        _accuracies(card),
        f"{line.int8_bytes / 1000:,.0f} kB" if line.int8_bytes else "not built",
        f"{line.arena / 1000:,.0f} kB" if line.arena else "not measured",
        f"{runs} of {len(verdicts)} devices\nwhole on the NPU: {npu or 'none'}" if verdicts else "not checked",
    )


def _accuracies(card: Model) -> str:
    """The measured accuracies of both files; on other images than the data set's own, named, with published ones."""
    from eyespot.reports.words import stand_in
    from eyespot.zoo import provenance, registry

    every = (
        [provenance.accuracy(card.name, p, data) for p in ("float32", "int8")] for data in provenance.alike(card.name)
    )
    measured = next((both for both in every if all(both)), ())
    lines = [" /\n".join(_top1(e) for e in measured if e)] if measured else ["not measured here"]
    for e in measured[:1]:
        elsewhere = "" if e.data == card.data else f" of {e.data}, which is not {registry.dataset(card.data).title}"
        lines += [f"n = {e.n:,}{elsewhere}", *stand_in(e)]
        if e.data == card.data:
            return "\n".join(lines)
    published = [
        f"{r.publisher} publishes {' / '.join(figures)}"
        for r in card.references
        if (figures := [value for what, value in r.figures.items() if what.startswith("top-1")])
        and r.publisher != "NXP"
    ]
    return "\n".join([*lines, *published])


def _top1(e: Evaluation) -> str:
    return f"{e.top1:.4f} [{e.low:.3f}, {e.high:.3f}]"


def page() -> str:
    """The zoo: six columns, and folded the full output of `eyespot report` with the source of every number."""
    from eyespot.reports.model_list import LEGEND
    from eyespot.verbs.report import report

    columns, _, sources = report().markdown.partition(LEGEND)
    return (
        "# The zoo\n\nAll models, with measured accuracy, size and devices. A name leads to the model's page.\n\n"
        f"{short_list('models/')}\n"
        "Accuracy is top-1 on the test images, float32 / int8, with its 95 % interval (Wilson); `imagenette` are 500 "
        "ImageNet validation images of 10 classes. `eyespot evaluate` measures an ImageNet model on your copy of it. "
        "Size and arena are those of the int8 file. [audit.md](audit.md) measures NXP's figures again, "
        "[vela.md](vela.md) compares our files with published ones.\n\n"
        "## All columns, and the source of every number\n\n"
        f"`eyespot report` prints both. {LEGEND}\n"
        f"{details('The columns of NXP, with its figures beside ours', columns)}\n"
        f"{details('The source of every number', sources.strip())}"
    )


def details(summary: str, content: str) -> str:
    """Content that a reader unfolds."""
    return f'<details markdown="1">\n<summary>{summary}</summary>\n\n{content.rstrip()}\n\n</details>\n'
