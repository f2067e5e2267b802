"""What every page has around its content."""

from __future__ import annotations

import hashlib
from base64 import b64encode
from collections.abc import Mapping, Sequence
from pathlib import Path

from eyespot.reports.page.markup import Markup, tag

STYLE = Path(__file__).with_name("page.css")
ICON = (
    "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E%3Ccircle cx='8' cy='8' "
    "r='7' fill='%231d4ed8'/%3E%3Ccircle cx='8' cy='8' r='3' fill='white'/%3E%3C/svg%3E"
)


def whole(
    title: str, *content: Markup, style: str = "", sheet: str = "", scripts: Sequence[str] = (),
    allowed: Mapping[str, str] | None = None,
) -> str:  # fmt: skip
    """The HTML of a page with this content in its body.

    A browser loads nothing and runs nothing for it, unless `allowed` says what, as directives of its
    Content-Security-Policy. `style` comes after the style of every page; `sheet` is the address of a file that
    has both, `scripts` are addresses too.
    """
    look = _linked(sheet) if sheet else _written(STYLE.read_text("utf-8") + style)
    head = _head(title, look, scripts, allowed or {})
    return f"<!doctype html>\n{tag('html', head, tag('body', *content), lang='en')}\n"


def _linked(sheet: str) -> tuple[Markup, str]:
    """The element of a style in a file, and what the policy allows for it."""
    return tag("link", rel="stylesheet", href=sheet), "'self'"


def _written(style: str) -> tuple[Markup, str]:
    """The same of a style that stands in the page."""
    digest = b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return tag("style", Markup(style)), f"'sha256-{digest}'"


def _head(title: str, look: tuple[Markup, str], scripts: Sequence[str], allowed: Mapping[str, str]) -> Markup:
    style, styled = look
    directives = {
        "default-src": "'none'",
        "img-src": "data:",
        "style-src": styled,
        "base-uri": "'none'",
        "form-action": "'none'",
    }
    policy = "; ".join(f"{name} {sources}" for name, sources in {**directives, **allowed}.items())
    return tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=policy),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("meta", name="referrer", content="no-referrer"),
        tag("link", rel="icon", href=ICON),
        tag("title", title),
        style,
        *(tag("script", src=each, defer="") for each in scripts),
    )
