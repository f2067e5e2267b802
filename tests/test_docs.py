"""The documents: their commands, what they print, their links, and the site that is built from them."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from functools import cache
from html.parser import HTMLParser
from urllib.parse import unquote, urlsplit

import pytest
from cyclopts import CycloptsError, MissingArgumentError

from eyespot.artifacts import places
from eyespot.cli import VERBS, build

ROOT = places.PACKAGE.parents[1]
sys.path.append(str(ROOT / "docs"))

from outputs import MARKS, PAGES, VARIES, alike, blocks, words  # noqa: E402

EVERY = sorted(str(path.relative_to(ROOT)) for path in (ROOT / "docs").rglob("*.md"))
WRITTEN = ["README.md", "CONTRIBUTING.md", *EVERY]
SHELLS = {"sh", "console"}
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
EXTERNAL = {
    "bash",
    "cd",
    "flash",
    "hf",
    "ln",
    "npm",
    "pipx",
    "python",
    "python3",
    "ray",
    "scp",
    "tensorboard",
    "uv",
    ".",
}  # not of eyespot


def commands(page: str) -> list[list[str]]:
    """The words of each command in the blocks of a page."""
    found = []
    for block in blocks((ROOT / page).read_text("utf-8")):
        if block.language not in SHELLS:
            continue
        text = block.text.replace("\\\n", " ")
        lines = [line for line, _ in block.commands()] if block.language == "console" else text.splitlines()
        for line in lines:
            tokens = shlex.split(line, comments=True)
            found += _split(tokens)
    return found


def _split(tokens: list[str]) -> list[list[str]]:
    """The commands of a line."""
    parts: list[list[str]] = [[]]
    for token in tokens:
        if token in {"&&", "|", ";"}:
            parts.append([])
        elif token not in {"&"}:
            parts[-1].append(token)
    return [part for part in parts if part]


@cache
def targets() -> set[str]:
    return set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text("utf-8"), re.M))


def parsed(tokens: list[str]) -> None:
    """The words after `eyespot`, as the real command line reads them. A usage error raises."""
    assert tokens, "a command"
    if tokens[0].startswith("--"):
        assert tokens[0] in {"--help", "--install-completion", "--version"}
        return
    assert tokens[0] in VERBS, tokens
    tokens = [token for token in tokens if token not in {"--json", "--help"}]
    build(tokens[0]).parse_args(tokens, exit_on_error=False, print_error=False)


def is_right(tokens: list[str]) -> None:
    """A command of a page: eyespot's are parsed; of others, what is ours in them exists."""
    program, *rest = tokens
    if "eyespot" in tokens[:6]:  # also behind `torchrun ... -m`
        parsed(tokens[tokens.index("eyespot") + 1 :])
    elif program == "make":
        assert rest[0] in targets(), tokens
    elif program == "python" and rest[0] != "-m":
        assert (ROOT / rest[0]).is_file(), tokens
    elif program == "pip":
        for extra in re.findall(r"\.\[([\w,]+)\]", " ".join(rest)):
            assert set(extra.split(",")) <= set(PROJECT["optional-dependencies"]), tokens
    else:
        assert program in EXTERNAL, tokens


@pytest.mark.parametrize("page", WRITTEN)
def test_commands_exist(page):
    """Every command of every page is one that the command line takes: its name and its options.

    Here commands are parsed, not run. Those of `console` blocks are run by
    `test_console_blocks_show_what_the_commands_print`; those of `sh` blocks are not: they would train for hours, need
    other data, a board, a cluster or the network, or are variants of commands that are run.
    """
    for tokens in commands(page):
        is_right(tokens)


@pytest.mark.parametrize("page", WRITTEN)
def test_commands_in_sentences_exist(page):
    """The same for `eyespot ...` within a sentence, which may leave out what is required."""
    text = re.sub(r"^```.*?^```$", "", (ROOT / page).read_text("utf-8"), flags=re.M | re.S)
    for command in re.findall(r"`eyespot ([a-z][^`]*)`", " ".join(text.split())):
        try:
            parsed([token for token in shlex.split(command.replace("...", "")) if token])
        except MissingArgumentError:
            pass
        except CycloptsError as error:
            pytest.fail(f"{command}: {error}")


@pytest.mark.parametrize("page", WRITTEN)
def test_blocks_are_marked(page):
    """A block's title is one of those that say why its commands are not run, or that numbers differ.

    Each page with a `console` block is run.
    """
    found = blocks((ROOT / page).read_text("utf-8"))
    assert {block.title for block in found} <= {"", VARIES, *MARKS}
    assert (ROOT / page).read_text("utf-8").count("\n```") == 2 * len(found), "a block without a language"
    if any(block.language == "console" for block in found):
        assert page in PAGES


@pytest.mark.slow
def test_console_blocks_show_what_the_commands_print(real_data):
    """Where this fails because an output has changed: make outputs."""
    for name in ("cifar-10", "imagenet-like", "imagenette", "published"):
        real_data(name)
    command = [sys.executable, "docs/outputs.py", "--check"]
    source = {"PYTHONPATH": str(places.PACKAGE.parent), "EYESPOT_DATA": str(places.data_root())}
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT, env=os.environ | source)
    assert done.returncode == 0, done.stdout + done.stderr


def test_words_ignore_numbers_only():
    assert words("top-1  0.8912 [0.885, 0.897]\n") == words("top-1 0.9 [0.1, 0.95]")
    assert words("sha256 a06f89b22f458d6b") == words("sha256 1f9b6b4d98dbc611")
    assert words("arena 55,840") != words("flash 55,840")
    assert alike("a b c d e f g h i 1", "a b c d e f g h i 2")
    assert not alike("a b c", "a b d")


def test_the_contract_shown_is_that_of_the_file():
    [shown] = [b.text for b in blocks((ROOT / "docs/contract.md").read_text("utf-8")) if b.language == "json"]
    content = (places.ZOO / "tiny-resnet/int8.tflite").read_bytes()
    assert json.dumps(json.loads(shown), separators=(",", ":")).encode() in content


def test_the_readme_says_what_each_extra_costs():
    text = (ROOT / "README.md").read_text("utf-8")
    listed = re.findall(r"^\| `(\w+)` \|.* MB more.*\|$|^\| `(\w+)` \|.* GB .*\|$", text, re.M)
    assert {one or other for one, other in listed} == set(PROJECT["optional-dependencies"]) - {"dev"}


@pytest.mark.parametrize("page", WRITTEN)
def test_links_lead_somewhere(page):
    """Links within the repository, as GitHub shows the pages."""
    text = re.sub(r"^```.*?^```$", "", (ROOT / page).read_text("utf-8"), flags=re.M | re.S)
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if not urlsplit(target).scheme and not target.startswith("#"):
            assert ((ROOT / page).parent / urlsplit(target).path).exists(), target


def test_every_page_is_in_the_navigation():
    config = tomllib.loads((ROOT / "zensical.toml").read_text("utf-8"))
    listed = re.findall(r"'([\w/-]+\.md)'", str(config["project"]["nav"]))
    assert sorted(f"docs/{name}" for name in listed) == EVERY


class _Page(HTMLParser):
    """What a page of the site refers to, and the names that others can refer to."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.loaded: list[str] = []
        self.names: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        self.names |= {values[name] for name in ("id", "name") if name in values}
        if "href" in values:
            (self.links if tag == "a" else self.loaded).append(values["href"])
        if "src" in values:
            self.loaded.append(values["src"])


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The site, as `make site-docs` builds it: without a warning. Its pages by their paths."""
    pytest.importorskip("zensical")
    folder = tmp_path_factory.mktemp("site")
    shutil.copy(ROOT / "zensical.toml", folder)
    shutil.copytree(ROOT / "docs", folder / "docs")
    command = [sys.executable, "-m", "zensical", "build", "--strict", "--clean"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder)
    assert done.returncode == 0, done.stdout + done.stderr
    pages = (folder / "build/site-docs").rglob("*.html")
    return {path: _Page(path.read_text("utf-8")) for path in pages if path.name != "404.html"}


def test_the_site_has_every_page_and_no_script_of_ours(site):
    folder = min(site, key=lambda path: len(path.parts)).parent
    names = {str(path).rpartition("/site-docs/")[2] for path in site}
    assert {name.removeprefix("docs/").replace(".md", ".html") for name in EVERY} <= names
    assert not [*folder.rglob("*.py"), *folder.rglob("faults.json")]


def test_no_link_of_the_site_is_dead(site):
    for path, page in site.items():
        for link in page.links:
            parts = urlsplit(link)
            if parts.scheme:
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            assert target.is_file(), f"{path.name}: {link}"
            if parts.fragment and target in site:
                assert unquote(parts.fragment) in site[target].names, f"{path.name}: {link}"


def test_the_site_loads_nothing_from_elsewhere(site):
    for path, page in site.items():
        elsewhere = [each for each in page.loaded if urlsplit(each).scheme in {"http", "https"} or each[:2] == "//"]
        assert not elsewhere, path
    drawn = [path for path in site if 'class="mermaid"' in path.read_text("utf-8")]
    assert not drawn, "the theme loads mermaid from a CDN"
