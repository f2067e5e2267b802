"""What every page has around its content."""

from __future__ import annotations

import hashlib
from base64 import b64encode
from pathlib import Path

from eyespot.reports.page.markup import Markup, tag

STYLE = Path(__file__).with_name("page.css")
ICON = (
    "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E%3Ccircle cx='8' cy='8' "
    "r='7' fill='%231d4ed8'/%3E%3Ccircle cx='8' cy='8' r='3' fill='white'/%3E%3C/svg%3E"
)


def whole(title: str, *content: Markup) -> str:
    """The HTML of a page with this content in its body."""
    return f"<!doctype html>\n{tag('html', _head(title), tag('body', *content), lang='en')}\n"


def _head(title: str) -> Markup:
    """The head, with a policy under which a browser loads nothing and runs nothing."""
    style = STYLE.read_text("utf-8")
    digest = b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = f"default-src 'none'; img-src data:; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    return tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=policy),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("meta", name="referrer", content="no-referrer"),
        tag("link", rel="icon", href=ICON),
        tag("title", title),
        tag("style", Markup(style)),
    )
