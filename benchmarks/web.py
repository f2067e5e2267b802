"""How long a picture takes in the page of `eyespot export --to web`, in headless Chromium (bars: 5 ms, 200 ms).

The median of so many runs of LiteRT.js, on one thread; and of preprocessing, network and probabilities together.

python benchmarks/web.py [RUNS [MODEL ...]]; needs `make tests/web/node_modules`
"""

from __future__ import annotations

import os
import sys
import tempfile
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from statistics import median

from playwright.sync_api import sync_playwright

import eyespot

RUNTIME = Path(__file__).parents[1] / "tests" / "web" / "node_modules" / "@litertjs" / "core"
BARS = {"tiny-resnet": 5.0, "mobilenet-v2": 200.0}  # ms
FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking")
DONE = "[data-part=answer][aria-busy=false]"
TIMES = """async (runs) => {
  const playground = document.querySelector('.playground').playground, picture = playground.picture, found = [];
  const {probabilities} = await import('/playground/network.js');
  for (let i = 0; i < runs; i++) {
    const began = performance.now();
    picture.kept = undefined;
    const {scores, ms} = await playground.run(playground.encoded([]).stored);
    probabilities(scores, playground.contract);
    found.push([ms, performance.now() - began]);
  }
  return found;
}"""


class Quiet(SimpleHTTPRequestHandler):
    """Files of a folder, without a line for each."""

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def times(folder: Path, runs: int) -> list[tuple[float, float]]:
    """Milliseconds of the network alone, and of all, for a drawn picture of 340 x 256."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=[*FLAGS])
            page = browser.new_page()
            page.goto(f"http://127.0.0.1:{server.server_port}/")
            page.wait_for_selector("[data-part=status]", state="hidden")
            page.get_by_role("button", name="Sample: mug").click()
            page.wait_for_selector(DONE)
            found: list[tuple[float, float]] = page.evaluate(TIMES, runs)
            browser.close()
        server.shutdown()
    return found


def main(runs: int, models: list[str]) -> None:
    """A line for each model."""
    for model in models:
        with tempfile.TemporaryDirectory() as folder:
            eyespot.export(model, to="web", runtime=RUNTIME, out=Path(folder))
            network, whole = (median(each) for each in zip(*times(Path(folder), runs), strict=True))
        bar = f", bar {BARS[model]:g} ms" if model in BARS else ""
        load = os.getloadavg()[0]
        print(f"{model}: {network:.2f} ms{bar}; with preprocessing {whole:.2f} ms (median of {runs}, load {load:.1f})")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 50, sys.argv[2:] or [*BARS])
