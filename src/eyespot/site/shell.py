"""What every page of the site has around its content, and where pages and files lie."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from eyespot.artifacts.model_folder import tools
from eyespot.reports.page.markup import Markup, tag
from eyespot.reports.page.shell import whole

SHEET = "assets/site.css"
PLACES = {"index.html": "Models", "devices.html": "Devices", "audit.html": "Audit"}  # the menu, as far as written
ALLOWED = {"img-src": "'self' data:", "script-src": "'self'"}  # nothing comes from another place, nothing is evaluated
EYE = (
    "M1 12C4 6.5 8 4 12 4s8 2.5 11 8c-3 5.5-7 8-11 8S4 17.5 1 12Z",
    "M12 7.5a4.5 4.5 0 1 0 0 9 4.5 4.5 0 0 0 0-9Z",
)


def page(
    title: str,
    *content: Markup,
    places: Sequence[str],
    current: str = "",
    root: str = "",
    scripts: Sequence[str] = (),
    allowed: Mapping[str, str] | None = None,
) -> str:
    """The HTML of a page, with what is around its content.

    `root` leads from its folder to the site's, from which SHEET and `scripts` have their addresses. `allowed` adds
    to its policy.
    """
    bar = tag("header", _logo(root), _menu(places, current, root), class_="bar")
    skip = tag("a", "Skip to the content", href="#content", class_="skip")
    main = tag("main", *content, id="content", tabindex="-1")
    return whole(
        f"{title} | eyespot", skip, bar, main, _footer(), sheet=root + SHEET,
        scripts=[f"{root}{each}" for each in scripts], allowed={**ALLOWED, **(allowed or {})},
    )  # fmt: skip


def _logo(root: str) -> Markup:
    paths = (tag("path", d=each) for each in EYE)
    return tag(
        "a", tag("svg", *paths, viewBox="0 0 24 24", aria_hidden="true"), "eyespot", href=f"{root}index.html",
        class_="logo",
    )  # fmt: skip


def _menu(places: Sequence[str], current: str, root: str) -> Markup:
    links = (
        tag("a", PLACES[each], href=f"{root}{each}", aria_current="page" if each == current else None)
        for each in places
    )
    return tag("nav", *links, class_="site", aria_label="Site")


def _footer() -> Markup:
    said = f"Written by eyespot {tools()['eyespot']} from measurements; nothing was measured for these pages."
    more = "Intervals are 95 % intervals. eyespot is independent of the makers of the devices."
    return tag("footer", tag("p", said), tag("p", more))
