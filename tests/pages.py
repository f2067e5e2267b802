"""Pages in a real browser: Debian's Chromium through Playwright, with a web server on this machine."""

from __future__ import annotations

import contextlib
import os
import shutil
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

MODULES = Path(__file__).parent / "web" / "node_modules"
RUNTIME = MODULES / "@litertjs" / "core"
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def need_modules() -> None:
    """Skip the test without what tests/web/package.json names; in CI that is a failure."""
    if not (MODULES / "axe-core").is_dir() or not RUNTIME.is_dir():
        absent = pytest.fail if os.environ.get("CI") == "true" else pytest.skip
        absent(f"no {MODULES}: make tests/web/node_modules")


class _Handler(SimpleHTTPRequestHandler):
    def log_message(self, *_: Any) -> None: ...


@contextlib.contextmanager
def served(folder: Path) -> Iterator[str]:
    """The address of a folder while the block runs."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Handler, directory=str(folder))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


@contextlib.contextmanager
def chromium(*flags: str) -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        path = shutil.which("chromium")
        assert path, "chromium is not installed: apt-get install chromium"
        browser = playwright.chromium.launch(executable_path=path, args=[*FLAGS, *flags])
        yield browser
        browser.close()


@contextlib.contextmanager
def opened(browser: Any, address: str, **options: Any) -> Iterator[Any]:
    """A page that must write nothing on the console, and ask for nothing from another machine."""
    context = browser.new_context(**options)
    page = context.new_page()
    wrong: list[str] = []
    origin = "/".join(address.split("/")[:3])
    page.on("console", lambda message: wrong.append(f"{message.type}: {message.text}"))
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("request", lambda each: None if each.url.startswith((origin, "blob:", "data:")) else wrong.append(each.url))
    page.goto(address)
    yield page
    context.close()
    assert not wrong


def violations(page: Any) -> list[str]:
    """What axe-core finds wrong, and whether the page scrolls sideways."""
    page.evaluate((MODULES / "axe-core" / "axe.min.js").read_text("utf-8"))
    found = page.evaluate("axe.run().then(({violations}) => violations.map((v) => v.id + ': ' + v.nodes[0].html))")
    wide = page.evaluate("document.documentElement.scrollWidth > innerWidth")
    return [*found, *(["it scrolls sideways"] if wide else [])]
