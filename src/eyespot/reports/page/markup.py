"""HTML elements. Whatever is not Markup already is text, and shown as it is."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from eyespot.escaping import html

VOID = {"img", "input", "link", "meta", "rect", "circle", "line", "polyline"}  # elements without content


class Markup(str):
    """HTML that is ours."""

    __slots__ = ()


def text(value: object) -> Markup:
    """A value as it stands between tags; control and direction characters become escapes."""
    return value if isinstance(value, Markup) else Markup(html(str(value)))


def join(parts: Iterable[object], between: str = "") -> Markup:
    """Parts one after another."""
    return Markup(between.join(map(text, parts)))


def tag(name: str, /, *content: object, **attributes: object) -> Markup:
    """An element; `class_` is the attribute class, `aria_label` aria-label. Attributes that are None are left out."""
    shown = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{html(str(value))}"'
        for key, value in attributes.items()
        if value is not None
    )
    return Markup(f"<{name}{shown}/>" if name in VOID else f"<{name}{shown}>{join(content)}</{name}>")


def name(value: object) -> Markup:
    """A name from outside, whose direction does not change that of the text around it."""
    return tag("bdi", value)


def code(value: object) -> Markup:
    """A command, a digest or a file name."""
    return tag("code", value)


def table(caption: str, columns: Sequence[object], rows: Iterable[Sequence[object]], kind: str = "") -> Markup:
    """A table whose first column heads its rows; a wide one scrolls within its own box."""
    head = tag("tr", *(tag("th", column, scope="col") for column in columns))
    body = (tag("tr", tag("th", row[0], scope="row"), *(tag("td", cell) for cell in row[1:])) for row in rows)
    made = tag(
        "table", tag("caption", caption), tag("thead", head), tag("tbody", join(body, "\n")), class_=kind or None
    )
    return tag("div", made, class_="scroll", tabindex="0", role="region", aria_label=caption)


def folded(summary: object, *content: object) -> Markup:
    """Details that are shown when they are asked for."""
    return tag("details", tag("summary", summary), *content)
