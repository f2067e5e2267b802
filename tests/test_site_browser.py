"""The site in Chromium: nothing on the console, nothing from another machine, no violation of accessibility."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

import pytest

import pages
from eyespot.devices import shipped
from eyespot.verbs.site import write_site
from eyespot.zoo import listing, provenance
from eyespot.zoo.models import MODELS

pytestmark = pytest.mark.slow
pytest.importorskip("altair")
pytest.importorskip("playwright")

KINDS = ("index.html", "models/tiny-resnet.html", "models/mobilenet-v2.html", "devices.html", "devices/mcxn947.html",
         "audit.html")  # fmt: skip
ROWS = "[...document.querySelectorAll('#models tbody tr')]"
SHOWN = f"{ROWS}.filter((row) => !row.hidden).map((row) => row.dataset.model)"
POINT = "svg .mark-symbol path"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of the whole zoo, as it ships."""
    pages.need_modules()
    folder = tmp_path_factory.mktemp("site")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EYESPOT_DATA", str(folder / "data"))
        write_site(out=folder / "site", runtime=pages.RUNTIME)
    with pages.served(folder / "site") as address:
        yield address


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with pages.chromium() as opened:
        yield opened


@pytest.mark.parametrize(("kind", "scheme", "width"), [*product(KINDS, ("light", "dark"), (360, 1600))], ids=str)
def test_it_is_accessible(site: str, browser: Any, kind: str, scheme: str, width: int) -> None:
    view = {"width": width, "height": 900}
    with pages.opened(browser, site + kind, color_scheme=scheme, viewport=view) as page:
        page.wait_for_load_state("networkidle")
        for folded in ("false", "true"):
            page.evaluate(f"document.querySelectorAll('details').forEach((each) => {{ each.open = {folded}; }})")
            assert pages.violations(page) == []
        assert page.evaluate("[...document.images].every((each) => each.complete && each.naturalWidth)")


def test_the_list_is_sorted_by_what_was_clicked(site: str, browser: Any) -> None:
    with pages.opened(browser, f"{site}index.html") as page:
        assert page.evaluate(SHOWN) == [card.name for card in MODELS]
        head = page.locator("#models th", has_text="Top-1 int8")
        head.get_by_role("button").click()
        known = {each.name: each for each in listing.models()}
        order = page.evaluate(f"{ROWS}.map((row) => row.dataset.top1 ?? '')")
        measured = [float(each) for each in order if each]
        assert measured == sorted(measured, reverse=True)
        assert order == [each for each in order if each] + [""] * order.count("")  # the others last
        assert head.get_attribute("aria-sort") == "descending"
        head.get_by_role("button").press("Enter")
        assert head.get_attribute("aria-sort") == "ascending"
        assert page.evaluate(f"{ROWS}[0].dataset.top1") == str(min(measured))
        page.locator("#models th", has_text="File int8").get_by_role("button").press("Space")
        sizes = [known[name].int8_bytes for name in page.evaluate(SHOWN)]
        assert sizes == sorted(sizes)
        assert page.locator("#models th[aria-sort]").count() == 1


def test_the_list_is_filtered_by_keyboard(site: str, browser: Any) -> None:
    with pages.opened(browser, f"{site}index.html") as page:
        page.get_by_label("RAM, at most kB").focus()
        page.keyboard.type("256")
        page.keyboard.press("Tab")
        page.keyboard.type("300")
        page.keyboard.press("Tab")
        page.keyboard.type("80")
        fitting = {m.name for m in listing.choose(listing.models(), ram=256_000, flash=300_000, min_accuracy=0.8)}
        assert set(page.evaluate(SHOWN)) == fitting
        assert page.locator("#count").inner_text() == f"{len(fitting)} of {len(MODELS)} models"
        assert page.locator(".cards article:visible").count() == len(fitting)
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")  # Clear
        assert page.locator("#count").inner_text() == f"{len(MODELS)} models"


@pytest.mark.parametrize("device", [card.name for card in shipped()][:4])
def test_the_list_shows_the_verdicts_on_a_device(site: str, browser: Any, device: str) -> None:
    with pages.opened(browser, f"{site}index.html") as page:
        page.get_by_label("Runs on").select_option(device)
        checked = {m.name: [c for c in provenance.compatibility(m.name) if c.device == device] for m in MODELS}
        runs = {name for name, found in checked.items() if found and found[0].runs.status in {"ok", "partial"}}
        assert set(page.evaluate(SHOWN)) == runs
        assert page.locator(f"#models tr:visible [data-on={device}]:visible").count() == len(runs)
        assert page.locator("#models .any:visible").count() == 0


def test_plots_are_drawn_and_answer(site: str, browser: Any) -> None:
    with pages.opened(browser, f"{site}index.html", viewport={"width": 1280, "height": 900}) as page:
        page.locator(f"#plot-latency {POINT}").first.wait_for()
        assert page.locator(".vega svg").count() == 3
        opacity = "[...document.querySelectorAll('#plot-ram .mark-symbol path')].map((e) => e.getAttribute('opacity'))"
        page.get_by_role("button", name="CIFAR-10").click()
        page.wait_for_timeout(300)
        assert page.evaluate(opacity).count("1") == sum(card.data == "cifar-10" for card in MODELS)
        page.get_by_role("button", name="CIFAR-10").click()
        before = page.locator("#plot-latency svg").inner_html()
        page.locator("#latency-device").select_option("NXP i.MX RT1170 (estimate)")
        page.wait_for_timeout(300)
        assert page.locator("#plot-latency svg").inner_html() != before
        light = page.locator("#plot-ram svg").inner_html()
        page.emulate_media(color_scheme="dark")
        page.wait_for_timeout(500)
        assert page.locator("#plot-ram svg").inner_html() != light
        page.locator(f"#plot-ram {POINT}").first.hover()
        page.locator("#vg-tooltip-element.visible").wait_for()
        page.locator(f"#plot-ram {POINT}").first.click()
        page.wait_for_url("**/models/*.html")


def test_without_scripts_it_is_a_plain_table(site: str, browser: Any) -> None:
    with pages.opened(browser, f"{site}index.html", java_script_enabled=False) as page:
        assert page.locator("#models tbody tr:visible").count() == len(MODELS)
        assert page.locator("#filters:visible").count() == 0


def test_a_page_opens_as_a_file(site: str, browser: Any, tmp_path: Path, no_data: Path) -> None:
    """The scripts are beside the pages: a site needs no server, its playground aside."""
    made = write_site(["tiny-resnet", "visual-wake-word"], out=tmp_path / "out")
    with pages.opened(browser, made.index.as_uri()) as page:
        page.locator(f"#plot-ram {POINT}").first.wait_for()
        page.locator("#models th").first.get_by_role("button").click()
        assert page.locator("#models th[aria-sort]").count() == 1


def test_the_first_picture_is_there_within_a_second(site: str, browser: Any) -> None:
    for kind in KINDS:
        with pages.opened(browser, site + kind) as page:
            page.wait_for_load_state("networkidle")
            paint = page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime")
            assert paint < 1000, kind
