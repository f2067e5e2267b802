"""The sections of a model card on what the files answer: Markdown of measurements."""

from __future__ import annotations

from collections.abc import Sequence

from eyespot.artifacts.measurements import Accuracy, Evaluation
from eyespot.artifacts.model_folder import Artifact
from eyespot.artifacts.reliability import Reliability
from eyespot.escaping import markdown, markdown_code
from eyespot.quantity import wilson
from eyespot.reports import words
from eyespot.reports.page.figures import change, counted
from eyespot.zoo import provenance

SHOWN = 20  # classes, the worst first


def accuracy(accuracies: Sequence[Accuracy], files: Sequence[Artifact]) -> str:
    """Top-1 on images as they are, with its origin and its command, and what is known of the images."""
    clean = [each for each in accuracies if not each.evaluation.under]
    if untrained := next(filter(None, map(provenance.untrained, files)), ""):
        return f"{markdown(words.not_measured(untrained)).capitalize()}.\n"
    if not clean:
        return "Not measured; `eyespot evaluate` measures it where the data set is at hand.\n"
    rows = []
    for each in clean:
        e = each.evaluation
        data, command = markdown(words.images(e)), markdown_code(e.command)
        rows.append((markdown(e.precision), words.accuracy(e), data, e.kernels, each.origin, command))
    known = "".join(f"- {markdown(line)}\n" for line in _known([each.evaluation for each in clean], files))
    table = words.table(("File", "Top-1 [95 %]", "Data", "Kernels", "Origin", "Command"), rows)
    return f"{table}\n{known}" if known else table


def _known(evaluations: Sequence[Evaluation], files: Sequence[Artifact]) -> list[str]:
    """Whether weights stand in for others, and what is known of test images that are training images too."""
    if not any(file.arguments.get("weights") == "train" for file in files):
        weights = next(filter(None, map(provenance.stand_in, files)), "")
        replaced = (
            [f"The weights {weights} stand in for the publisher's; the accuracies are theirs."] if weights else []
        )
        return [*replaced, f"The {words.UNKNOWN}."]
    return [
        f"{e.precision} on {words.images(e)}, {e.kernels}: {line}" for e in evaluations for line in words.hygiene(e)
    ]


def main(accuracies: Sequence[Accuracy]) -> Evaluation | None:
    """The accuracy of the int8 file on the most images as they are, with LiteRT's own kernels."""
    found = (each.evaluation for each in accuracies)
    clean = [e for e in found if (e.precision, e.kernels, e.under) == ("int8", "xnnpack", None)]
    return max(clean, key=lambda e: e.n, default=None)


def per_class(e: Evaluation | None, classes: Sequence[str]) -> str:
    """How many images of each class get their class, the worst classes first."""
    if e is None:
        return ""
    worst = sorted(counted(e).items(), key=lambda each: (each[1][1] / each[1][0], each[0]))
    rows = []
    for i, (n, hits) in worst[:SHOWN]:
        low, high = wilson(hits, n)
        rows.append((markdown(classes[i]), f"{hits / n:.3f} [{low:.3f}, {high:.3f}]", f"{hits:,} of {n:,}"))
    more = f"\n{len(worst) - SHOWN:,} more classes are better.\n" if len(worst) > SHOWN else ""
    about = f"{markdown(e.precision)} on {markdown(words.images(e))}, the worst class first.\n\n"
    return about + words.table(("Class", "Accuracy [95 %]", "Correct"), rows) + more


def robustness(e: Evaluation | None, accuracies: Sequence[Accuracy]) -> str:
    """What damage to the same images costs the same file."""
    damaged = [
        d
        for each in accuracies
        if e and (d := each.evaluation).under and (d.artifact, d.data_digest) == (e.artifact, e.data_digest)
    ]
    if e is None or not damaged:
        return ""
    rows = [
        (f"{d.under}", f"{d.top1:.4f} [{d.low:.3f}, {d.high:.3f}]", _points(d, e), markdown_code(d.command))
        for d in sorted(damaged, key=lambda d: d.top1)
    ]
    about = f"Top-1 of the {markdown(e.precision)} file on {markdown(words.images(e))}, n = {e.n:,}, as they are: "
    columns = ("Images damaged by", "Top-1 [95 %]", "Change in points [95 %]", "Command")
    return f"{about}{e.top1:.4f}.\n\n{words.table(columns, rows)}"


def _points(damaged: Evaluation, clean: Evaluation) -> str:
    middle, low, high = (100 * each for each in change(damaged, clean)[:3])
    return f"{middle:+.1f} [{low:+.1f}, {high:+.1f}]"


def confidence(found: Sequence[Reliability]) -> str:
    """The calibration error as the file is, and at a temperature."""
    if not found:
        return ""
    rows = [
        (
            markdown(r.precision), markdown(f"{r.data} {r.split}"), f"{r.n:,}", f"{r.error:.4f}",
            *((f"{r.fitted.error:.4f}", f"{r.fitted.temperature:g}", f"{r.fitted.n:,}") if r.fitted else ("", "", "")),
            markdown_code(r.command),
        )
        for r in found
    ]  # fmt: skip
    about = (
        "Expected calibration error: by how much the confidence in the first class differs from top-1 (15 bins), as "
        "the file is, and at a temperature fitted on validation images, where there are any.\n\n"
    )
    columns = ("File", "Data", "n", "Error", "At a temperature", "Temperature", "Validation images", "Command")
    return about + words.table(columns, rows)
