"""Sections of the page on what the model answers."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil, sqrt

from eyespot.artifacts.measurements import Evaluation
from eyespot.quantity import wilson
from eyespot.reports import words
from eyespot.reports.page import charts
from eyespot.reports.page.figures import DAMAGES, between, change, compared, counted, data, percent, points, size
from eyespot.reports.page.gather import Part, Subject
from eyespot.reports.page.markup import Markup, folded, join, name, table, tag
from eyespot.reports.page.trained import CONFUSION, SHEET, Mistake

SQUARE = 100  # classes up to which there is a confusion matrix
NUMBERED = 20  # classes up to which it shows its numbers
FIRST = 25  # classes of a table, the rest folded
PAIRS = 10  # confusions that are listed


def training(s: Subject) -> Markup:
    """Loss and accuracies over the epochs, the accuracy at the end, and the images of each class."""
    history = s.trained.history
    loss = {key: points for key, points in history.items() if key == "loss"}
    shares = {
        key.removesuffix("_top1"): [(epoch, 100 * share) for epoch, share in points]
        for key, points in history.items()
        if key != "loss"
    }
    drawn = [charts.curves("Training loss", "epoch", loss)] if loss else []
    drawn += [charts.curves("Top-1", "epoch", shares, " %")] if shares else []
    cost = [tag("p", f"Training took {words.training(s.cost)}.")] if s.cost else []
    return join([*([tag("div", *drawn, class_="charts")] if drawn else []), _validated(s), *cost, _images(s)])


def _validated(s: Subject) -> Markup:
    """The accuracy that `train` noted; n from the manifest, without the images that it dropped."""
    facts = s.main.chain[-1].facts if s.main.chain else {}
    top1, dropped = facts.get("validation_top1"), facts.get("dropped", {})
    if not isinstance(top1, float) or not 0 <= top1 <= 1:
        return Markup("")
    n = sum(counts.get("validation", 0) for counts in s.trained.parts.values())
    n -= dropped.get("validation images in test", 0) if isinstance(dropped, dict) else 0
    sure = f" (95 %: {between(*wilson(round(top1 * n), n))}, n = {n:,})" if n > 0 else ""
    return tag("p", "Top-1 on validation images at the end: ", tag("strong", percent(top1)), f"{sure}.")


def _images(s: Subject) -> Markup:
    parts = ("train", "validation", "test")
    rows = [(name(label), *(f"{counts.get(part, 0):,}" for part in parts)) for label, counts in s.trained.parts.items()]
    title = join(["Images of ", name(s.trained.data), " by class"])
    return folded(title, table("Images of each part", ("Class", *parts), rows, "numbers")) if rows else Markup("")


def files(s: Subject) -> Markup:
    """Float32 beside int8: accuracies on one axis, and their difference."""
    shown = [(part, e) for part, e in _compared(s) if e]
    if not shown:
        return _quantized(s)
    lows, highs = [e.low for _, e in shown], [e.high for _, e in shown]
    room = 0.15 * (max(highs) - min(lows))
    start, stop = max(0.0, min(lows) - room), min(1.0, max(highs) + room)
    rows = [
        (
            part.precision, tag("strong", percent(e.top1)), charts.interval(e.low, e.top1, e.high, start, stop),
            between(e.low, e.high), f"{e.n:,}", data(e), e.kernels, size(part.bytes) if part.bytes else "",
        )
        for part, e in shown
    ]  # fmt: skip
    columns = ("File", "Top-1", between(start, stop), "95 % interval", "n", "Images", "Kernels", "Size")
    return join(
        [table("Accuracy of each file", columns, rows, "numbers"), _difference(s), _quantized(s), _calibrated(s)]
    )


def _compared(s: Subject) -> list[tuple[Part, Evaluation | None]]:
    """The accuracies to compare: of the same images if there are such."""
    if s.pair:
        return [(part, e) for e in s.pair if (part := s.part(e.precision))]
    return [(part, part.clean) for part in s.parts]


def _difference(s: Subject) -> Markup:
    if not s.pair:
        return Markup("")
    middle, low, high, paired = change(*s.pair)
    how = "paired" if paired else "as of two independent measurements, wider than a paired one"
    return _lost(f"On the images of {data(s.pair[0])}", middle, low, high, how)


def _calibrated(s: Subject) -> Markup:
    """How far the confidences of the files can be trusted."""
    return join(tag("p", f"{r.precision}: {words.calibration(r)}.") for r in s.reliabilities)


def _quantized(s: Subject) -> Markup:
    """What `quantize` found on validation images."""
    int8 = s.part("int8")
    known = compared(int8.chain[0].facts) if int8 and int8.chain and not int8.refused else None
    if not known:
        return Markup("")
    tops = f"float32 {percent(known['float32'].top1)}, int8 {percent(known['int8'].top1)}"
    where = f"When it was quantized, on {known['n']:,} validation images ({tops})"
    return _lost(where, known["difference"], known["low"], known["high"], "paired")


def _lost(where: str, middle: float, low: float, high: float, how: str) -> Markup:
    """The difference of int8 from float32 in a sentence."""
    sure = "it may be chance" if low <= 0 <= high else "int8 costs accuracy" if middle < 0 else "int8 is better"
    interval = f" (95 % interval {points(low)} to {points(high)}, {how}): {sure}."
    return tag("p", f"{where}, int8 minus float32: ", tag("strong", f"{points(middle)} points"), interval)


def classes(s: Subject) -> Markup:
    """Accuracy per class, the worst first."""
    e = s.main.clean
    if not e:
        return Markup("")
    worst = sorted(counted(e).items(), key=lambda each: (each[1][1] / each[1][0], each[0]))
    rows = [(_class(s, i), *_recall(n, hits)) for i, (n, hits) in worst]
    columns = ("Class", "Accuracy", "0–100 %", "95 % interval", "Correct")
    caption = f"{e.precision}, {data(e)}, the worst class first"
    first, rest = (table(caption, columns, part, "numbers") for part in (rows[:FIRST], rows[FIRST:]))
    return join([first, *([folded(f"{len(rows) - FIRST:,} more classes", rest)] if rows[FIRST:] else [])])


def _recall(n: int, hits: int) -> tuple[object, ...]:
    low, high = wilson(hits, n)
    share, drawn = tag("strong", percent(hits / n)), charts.interval(low, hits / n, high)
    return share, drawn, between(low, high), f"{hits:,} of {n:,}"


def confusion(s: Subject) -> Markup:
    """The matrix, and the commonest confusions in words; without an evaluation, the picture that `train` drew."""
    e = s.main.clean
    if not e:
        return _sheet(s, CONFUSION, "Confusion matrix of the trained network on validation images")
    occurring = sorted(counted(e))
    square = [_matrix(s, e, occurring)] if len(occurring) <= SQUARE else []
    said = f"{e.precision}, {data(e)}, n = {e.n:,}. A row for each class, a column for each answer." if square else ""
    return join([tag("p", said, class_="quiet"), tag("div", *square, _confused(s, e), class_="beside")])


def _matrix(s: Subject, e: Evaluation, occurring: Sequence[int]) -> Markup:
    """A row for each class, a column for each answer; the colours are shares of the row."""
    small, totals = len(occurring) > NUMBERED, counted(e)
    cells = {(i, j): times for i, j, times in e.confusion}
    outside = [j for _, j, _ in e.confusion if j not in totals]
    head = tag("tr", tag("td"), *(tag("th", tag("span", _class(s, j)), scope="col") for j in occurring),
               *([tag("th", tag("span", "other"), scope="col")] if outside else []))  # fmt: skip
    body = []
    for i in occurring:
        row = [_cell(s, i, j, cells.get((i, j), 0), totals[i][0], small=small) for j in occurring]
        other = sum(cells.get((i, j), 0) for j in set(outside))
        body.append(
            tag("tr", tag("th", _class(s, i), scope="row"), *row, *([tag("td", other or "")] if outside else []))
        )
    made = tag(
        "table", tag("thead", head), tag("tbody", join(body, "\n")), class_="matrix small" if small else "matrix"
    )
    return tag("div", made, class_="scroll", tabindex="0", role="region", aria_label="Confusion matrix")


def _cell(s: Subject, i: int, j: int, times: int, n: int, *, small: bool) -> Markup:
    """A count; the deeper its colour, the larger its share. Rare mistakes would be invisible in proportion."""
    if not times:
        return tag("td")
    share = times / n
    level = ceil(10 * (share if i == j else sqrt(share)))
    title = f"{_label(s, i)} called {_label(s, j)}: {times:,} of {n:,}" if small else None
    return tag("td", "" if small else f"{times:,}", class_=f"{'hit' if i == j else 'miss'} s{level}", title=title)


def _confused(s: Subject, e: Evaluation) -> Markup:
    wrong = sorted(((times, i, j) for i, j, times in e.confusion if i != j), key=lambda each: (-each[0], each))
    totals = counted(e)
    rows = [
        (_class(s, i), _class(s, j), f"{times:,} of {totals[i][0]:,}", percent(times / totals[i][0]))
        for times, i, j in wrong[:PAIRS]
    ]
    return (
        table("The commonest confusions", ("Class", "Called", "Images", "Share"), rows, "numbers")
        if rows
        else Markup("")
    )


def mistakes(s: Subject) -> Markup:
    """The mistakes on validation images that the network is surest of, or the sheet that `train` drew."""
    t = s.trained
    if SHEET in t.sheets or not t.mistakes:
        return _sheet(s, SHEET, "Validation pictures that the trained network calls wrongly")
    of = sum(counts.get("validation", 0) for counts in t.parts.values())
    shown = f"the {len(t.mistakes)} surest of " if t.wrong > len(t.mistakes) else ""
    said = f"Of the trained network: {shown}{t.wrong:,} mistakes on {of:,} validation images."
    return join([tag("p", said), tag("div", *map(_mistake, t.mistakes), class_="gallery")])


def _mistake(m: Mistake) -> Markup:
    drawn = tag("img", src=m.picture, alt=f"{m.file}: a {m.true} called {m.called}")
    missing = tag("span", "no picture at hand", class_="missing")
    said = (
        "called ",
        tag("strong", name(m.called)),
        f" ({100 * m.probability:.0f} %), is ",
        tag("strong", name(m.true)),
    )
    return tag("figure", drawn if m.picture else missing, tag("figcaption", *said, tag("code", name(m.file))))


def robustness(s: Subject) -> Markup:
    """Top-1 under each damage, beside that on the images as they are."""
    clean = s.main.clean
    if not (clean and s.damaged):
        return Markup("")
    rows: list[Sequence[object]] = [
        (
            "as they are",
            tag("strong", percent(clean.top1)),
            charts.bar(clean.top1, clean.top1),
            "",
            between(clean.low, clean.high),
        )
    ]
    rows += [
        (
            DAMAGES[e.under],
            tag("strong", percent(e.top1)),
            charts.bar(e.top1, clean.top1),
            _cost(e, clean),
            between(e.low, e.high),
        )
        for e in sorted(s.damaged, key=lambda each: each.top1)
        if e.under
    ]
    columns = ("Images", "Top-1", "0–100 %", "Change, points", "95 % interval")
    caption = f"{clean.precision}, {data(clean)}, n = {clean.n:,}, damaged at the size of the input"
    return table(caption, columns, rows, "numbers")


def _cost(e: Evaluation, clean: Evaluation) -> str:
    middle, low, high, paired = change(e, clean)
    return points(middle) + (f" [{points(low)}, {points(high)}]" if paired else "")


def _sheet(s: Subject, sheet: str, alt: str) -> Markup:
    found = s.trained.sheets.get(sheet)
    return tag("img", src=found, alt=alt, class_="sheet") if found else Markup("")


def _label(s: Subject, i: int) -> str:
    return s.contract.classes[i] if s.contract and i < len(s.contract.classes) else str(i)


def _class(s: Subject, i: int) -> Markup:
    return name(_label(s, i))
