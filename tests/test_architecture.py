"""The arrows of docs/architecture.md, and the sizes that keep it readable, read from the source."""

from __future__ import annotations

import ast
import graphlib
import io
import re
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[1] / "src" / "eyespot"

# From the bottom to the top; "" are the modules that stand alone.
FOUNDATION = ("", "isolation", "preprocessing", "tflite", "artifacts", "zoo")
PIPELINE = (
    "data",
    "evaluation",
    "networks",
    "weights",
    "conversion",
    "training",
    "quantization",
    "devices",
    "benchmarking",
    "exports",
)
LAYERS = (*FOUNDATION, *PIPELINE, "reports", "site", "verbs", "top")
TOP = {"__init__", "__main__", "cli"}
CHAINS = {"eyespot.verbs.make", "eyespot.verbs.measure"}  # the verbs that call other verbs
TORCH = {"networks", "weights", "conversion", "training"}
NAMED_BY_CARDS = {"data", "networks", "weights"}

MOST_LOOSE = 8
MOST_LINES = 26_500
MOST_FILE_LINES = 300
MOST_FUNCTION_LINES = 60
MOST_VERB_LINES = 59  # of code


@dataclass(frozen=True)
class Module:
    """A source file. `folder` is "" for a module that stands alone, "top" for the command line."""

    name: str
    folder: str
    text: str

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text)

    @property
    def lines(self) -> int:
        return len(self.text.splitlines())

    @cached_property
    def imports(self) -> set[str]:
        """What it imports, anywhere: `from a import b` is a.b."""
        found = set()
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                found |= {each.name for each in node.names}
            elif isinstance(node, ast.ImportFrom):
                assert not node.level, f"{self.name}: a relative import"
                found |= {f"{node.module}.{each.name}" for each in node.names}
        return found

    @cached_property
    def strings(self) -> set[str]:
        """The "eyespot.module" and "eyespot.module:function" strings in it."""
        constants = {str(node.value) for node in ast.walk(self.tree) if isinstance(node, ast.Constant)}
        return {each for each in constants if re.fullmatch(r"eyespot(\.\w+)+(:\w+)?", each)}


Tree = dict[str, Module]


def load(root: Path) -> Tree:
    """The modules of a package by name; `eyespot/data/__init__.py` is eyespot.data."""
    tree = {}
    for path in sorted(root.rglob("*.py")):
        parts = path.relative_to(root).with_suffix("").parts
        if parts[:2] == ("exports", "templates"):
            continue
        folder = "top" if parts[0] in TOP else parts[0] if len(parts) > 1 else ""
        assert folder in LAYERS, f"{path}: {folder} has no place in the architecture"
        name = ".".join(("eyespot", *parts)).removesuffix(".__init__")
        tree[name] = Module(name, folder, path.read_text("utf-8"))
    return tree


def edges(tree: Tree) -> Iterator[tuple[Module, Module]]:
    """(importer, imported), of the package's own modules. A card's strings are `card_strings`."""
    for module in tree.values():
        named = set() if module.folder == "zoo" else {each.partition(":")[0] for each in module.strings}
        for name in sorted(module.imports | named):
            known = name if name in tree else name.rpartition(".")[0]
            if known in tree and known != module.name:
                yield module, tree[known]


def upward_imports(tree: Tree) -> Iterator[str]:
    for importer, imported in edges(tree):
        if LAYERS.index(imported.folder) > LAYERS.index(importer.folder):
            yield f"{importer.name} imports {imported.name}, which lies above it"


def circles(tree: Tree) -> Iterator[str]:
    graph: dict[str, set[str]] = {}
    for importer, imported in edges(tree):
        graph.setdefault(importer.name, set()).add(imported.name)
    try:
        graphlib.TopologicalSorter(graph).prepare()
    except graphlib.CycleError as error:
        yield f"circle: {' <- '.join(error.args[1])}"


def imported_verbs(tree: Tree) -> Iterator[str]:
    for importer, imported in edges(tree):
        if imported.folder == "verbs" and importer.folder != "top" and importer.name not in CHAINS:
            yield f"{importer.name} imports the verb {imported.name}"


def card_strings(tree: Tree) -> Iterator[str]:
    for module in tree.values():
        for name, _, function in (each.partition(":") for each in module.strings):
            defined = {getattr(node, "name", "") for node in tree[name].tree.body} if name in tree else set()
            if name not in tree or (function and function not in defined):
                yield f"{module.name} names {name}:{function}, which does not exist"
            elif module.folder == "zoo" and tree[name].folder not in NAMED_BY_CARDS:
                yield f"{module.name} names {name}; a card names only {sorted(NAMED_BY_CARDS)}"


def torch_outside(tree: Tree) -> Iterator[str]:
    for module in tree.values():
        packages = {each.partition(".")[0] for each in module.imports}
        if packages & {"torch", "litert_torch"} and module.folder not in TORCH:
            yield f"{module.name} imports torch"


def long_verbs(tree: Tree) -> Iterator[str]:
    for module in tree.values():
        if module.folder == "verbs" and (lines := code_lines(module)) > MOST_VERB_LINES:
            yield f"{module.name} has {lines} lines of code; its engine belongs into the pipeline"


def code_lines(module: Module) -> int:
    """Lines that are not blank and not only a comment or a docstring."""
    skipped = {
        tokenize.COMMENT,
        tokenize.NL,
        tokenize.NEWLINE,
        tokenize.INDENT,
        tokenize.DEDENT,
        tokenize.ENDMARKER,
    }
    lines: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(module.text).readline):
        if token.type not in skipped:
            lines |= set(range(token.start[0], token.end[0] + 1))
    for node in ast.walk(module.tree):
        documented = isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        if documented and ast.get_docstring(node) is not None:
            lines -= set(range(node.body[0].lineno, node.body[0].end_lineno + 1))
    return len(lines)


def long_functions(tree: Tree) -> Iterator[str]:
    for module in tree.values():
        for node in ast.walk(module.tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lines = node.end_lineno - node.lineno + 1
                if lines > MOST_FUNCTION_LINES:
                    yield f"{module.name}.{node.name} has {lines} lines"


def long_files(tree: Tree) -> Iterator[str]:
    for module in tree.values():
        if module.lines > MOST_FILE_LINES:
            yield f"{module.name} has {module.lines} lines"


def loose_modules(tree: Tree) -> Iterator[str]:
    loose = [module.name for module in tree.values() if module.folder == ""]
    if len(loose) > MOST_LOOSE:
        yield f"{len(loose)} modules stand alone: {', '.join(loose)}"


def package_lines(tree: Tree) -> Iterator[str]:
    lines = sum(module.lines for module in tree.values())
    if lines > MOST_LINES:
        yield f"the package has {lines:,} lines, at most {MOST_LINES:,}"


RULES = {
    rule.__name__: rule
    for rule in (
        upward_imports,
        circles,
        imported_verbs,
        card_strings,
        torch_outside,
        long_verbs,
        long_functions,
        long_files,
        loose_modules,
        package_lines,
    )
}


@pytest.mark.parametrize("name", RULES)
def test_the_package_keeps(name):
    broken = list(RULES[name](load(SOURCE)))
    assert not broken, "\n".join(broken)


# An invented package that keeps every rule, and files that break one each when they are added.
DOCUMENTED = '"""Shows.\n' + "\n" * 100 + '"""\n'
SOUND = {
    "__init__.py": "",
    "cli.py": "def run():\n    from eyespot.verbs import show\n    return show\n",
    "errors.py": "",
    "data/__init__.py": "from eyespot.data.reader import read\n",
    "data/reader.py": "from eyespot import errors\n\n\ndef read(): ...\n",
    "networks/net.py": "import torch\n\n\nclass Net: ...\n",
    "verbs/show.py": DOCUMENTED + "# more\n" * 100 + "from eyespot.data import read\n",
    "verbs/make.py": "from eyespot.verbs.show import show\n",
    "zoo/cards.py": 'NETWORK = "eyespot.networks.net:Net"\nREADER = "eyespot.data.reader"\n',
}
FUNCTION = "def f():\n" + "    f()\n" * 60
BREAKS = {
    "upward_imports": {
        "tflite/read.py": "def f():\n    from eyespot.data.reader import read\n    return read\n",
        "networks/layers.py": "from eyespot.training import loop\n",
        "training/loop.py": "import eyespot.verbs.show\n",
        "data/fetch.py": "if TYPE_CHECKING:\n    import eyespot.zoo.cards, eyespot.verbs.show\n",
        "errors.py": "from eyespot import data\n",
        "artifacts/open.py": 'PRELOAD = "eyespot.data.reader"\n',
    },
    "circles": {
        "data/reader.py": "from eyespot.data import split\n",
        "data/split.py": "import eyespot.data\n",
    },
    "imported_verbs": {
        "reports/view.py": "from eyespot.verbs.show import show\n",
        "verbs/check.py": "from eyespot.verbs import show\n",
        "exports/c.py": 'VERB = "eyespot.verbs.show:show"\n',
    },
    "card_strings": {
        "zoo/a.py": 'NETWORK = "eyespot.networks.net:Nett"\n',
        "zoo/b.py": 'NETWORK = "eyespot.networks.nett"\n',
        "zoo/c.py": 'NETWORK = "eyespot.verbs.show"\n',
    },
    "torch_outside": {
        "verbs/train.py": "def f():\n    import torch.nn as nn\n    return nn\n",
        "data/tensors.py": "from torch import nn\n",
    },
    "long_verbs": {"verbs/check.py": "a = 1\n" * 60},
    "long_functions": {"data/fetch.py": FUNCTION},
    "long_files": {"data/fetch.py": "\n" * 301},
    "loose_modules": {f"loose{i}.py": "" for i in range(8)},
    "package_lines": {f"data/reader{i}.py": "\n" * 300 for i in range(MOST_LINES // 300 + 1)},
}
ONCE = {"circles", "loose_modules", "package_lines"}  # rules of the whole package


def write(root: Path, files: dict[str, str]) -> Tree:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    return load(root)


@pytest.mark.parametrize("name", RULES)
def test_a_sound_package_passes(name, tmp_path):
    assert not list(RULES[name](write(tmp_path, SOUND)))


@pytest.mark.parametrize("name", RULES)
def test_a_broken_package_fails(name, tmp_path):
    broken = list(RULES[name](write(tmp_path, SOUND | BREAKS[name])))
    assert len(broken) == (1 if name in ONCE else len(BREAKS[name])), broken


def test_an_unknown_folder_fails(tmp_path):
    with pytest.raises(AssertionError, match="utils has no place in the architecture"):
        write(tmp_path, {"utils/lists.py": ""})


def test_generated_code_is_not_counted(tmp_path):
    assert write(tmp_path, {"exports/templates/classify.py": "import torch\n" * 10_000}) == {}
