"""Names from outside, which may hold anything: as paths, C, CMake, Markdown, HTML and on the terminal."""

from __future__ import annotations

import json
import ntpath
import os
import random
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from html.parser import HTMLParser
from pathlib import Path, PurePosixPath, PureWindowsPath

import numpy as np
import pytest
from markdown_it import MarkdownIt
from PIL import Image

import eyespot
from eyespot.artifacts.measurements import evaluations, own, save
from eyespot.artifacts.model_folder import read_sidecar
from eyespot.cli import main
from eyespot.conversion.clean import finish
from eyespot.devices.host import HostMeasurements
from eyespot.errors import RefusedError
from eyespot.escaping import c_comment, c_name, file_name, html, is_line, markdown, markdown_code, terminal
from eyespot.exports import c as source
from eyespot.exports.camera import Camera
from eyespot.nouns import Noun
from eyespot.preprocessing.synthetic import picture
from eyespot.reports.plot import draw_answers
from eyespot.reports.terminal import show
from eyespot.reports.words import table
from eyespot.tflite.read import read
from eyespot.training.outcome import Answers
from eyespot.verbs.compile import compile_for
from eyespot.verbs.export import export
from eyespot.zoo import registry
from tflm_headers import write_headers

MARKER = "executed"  # a file that is there if a name was executed
STRICT = ["-Wall", "-Wextra", "-Werror", "-pedantic", "-trigraphs"]
PIECES = [
    *["*/", "/*", "//", "??/", "??/\n", "??!", "???", "\\", "\\\n", "\\n", "\\x41", '"', "'", "`", "\n", "\r", "\t"],
    *['"; system("touch executed"); "', "*/ int evil(void); /*", '\n#include "evil.h"\n', "#error", "%s%n", "\\u0041"],
    *["$(touch executed)", "`touch executed`", "; touch executed", "${CMAKE_COMMAND}", "$ENV{HOME}", "$<0:x>"],
    *["[[", "]]", ")\nexecute_process(COMMAND touch executed)\n#", "#[[", "|", "&&", "$name", "${title}", "$$"],
    *["<script>", "</td>", "<b>", "<!--", "-->", "<![CDATA[", "&amp;", "&#60;", "&lt", "<a@b.cc>", "<https://a.b>"],
    *["https://a.example/_b_", "www.a.example", "a@b.example", "![x](y)", "[x](y)", "[x]: y", "**", "__", "~~", "==="],
    *["# ", "- ", "1. ", "> ", "---", "\n\n    ", "|---|", "<br>", "$\\frac{1}{2}$", ":cat:", "[^1]"],
    *["[green]", "[/x]", "[/]", "\\[", "\x1b[31m", "\x1b]0;x\x07", "\x9b1m", "\b", "\x7f", "\u202e", "\u2066"],
    *["\u200b", "\u2028", "\u2029", "\x85", "\xa0", "\u3000", "\ufeff", "\ufffe", "\U0001f408", "e\u0301", "ß"],
    *["猫", "קול", "\U000e0041", "\x019", "\x1b7"],
    *["..", ".", "/", "\\..\\", "../../x", "/etc/x", "C:", "con", "NUL.txt", "aux ", "COM1", "~", "*", "?", "a" * 300],
    *["int", "int8", "test", "all", "class", "tiny-resnet", "9", "_", "-", "--", " ", "  ", "A", "frog", "\0"],
]  # fmt: skip


def hostile_names(count: int, seed: int = 0) -> list[str]:
    """Different names: every piece alone, then pieces and any characters, joined at random."""
    draw, names = random.Random(seed), dict.fromkeys(PIECES)
    while len(names) < count:
        anything = [
            chr(draw.choice([draw.randrange(0x80), draw.randrange(0x3000), draw.randrange(0xE000, 0x110000)]))
            for _ in "abc"
        ]
        parts = [draw.choice([draw.choice(PIECES), *anything]) for _ in range(draw.randint(1, 8))]
        names["".join(parts)] = None
    return list(names)


@pytest.fixture(scope="module", params=[200, pytest.param(10_000, marks=pytest.mark.slow)])
def names(request) -> list[str]:
    return hostile_names(request.param)


def run(*words: object, cwd: Path) -> bytes:
    """What a program prints that accepts its input without a word."""
    done = subprocess.run(list(map(str, words)), cwd=cwd, capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b""), done.stderr[-3000:].decode(errors="replace")
    assert not list(cwd.rglob(MARKER))
    return done.stdout


# --- paths


def test_a_file_name_is_one_component_of_every_systems_paths(names, tmp_path):
    reserved = getattr(ntpath, "isreserved", lambda name: PureWindowsPath(name).is_reserved())
    for name in map(file_name, names):
        assert PurePosixPath(name).name == PureWindowsPath(name).name == name
        assert not reserved(name)
        assert name.isprintable()
        assert len(name.encode()) <= 80
        (tmp_path / name).mkdir()  # fails for equal names
    assert len(list(tmp_path.iterdir())) == len(names)


@pytest.mark.parametrize("name", ["tiny-resnet", "-x", "m[1]", "ä b", "a.tflite", "imx93", "Console"])
def test_file_names_that_stay(name):
    assert file_name(name) == name


# --- C and CMake


SMALL = replace(read(registry.find("tiny-resnet")), data=bytes(4))  # its bytes take long to write


def rendered(template: str, model: str, classes: tuple[str, ...] = ("a", "b"), camera: str = "") -> str:
    """A file of the C export of tiny-resnet under another name."""
    contract = replace(SMALL.contract, model=model, classes=classes)
    filled = source.values(SMALL, contract, 1000)
    golden = {"golden": "1", "golden_camera": "0", "golden_inputs": "{0}", "golden_outputs": "{0}"}
    filled |= golden
    frames = Camera.parse(camera) if camera else None
    filled |= source.for_camera(filled, contract.preprocessing, frames) if frames else source.generic(filled)
    return source.render(template, filled) + "\n"


def test_class_names_come_back_from_c(names, tmp_path):
    classes = [name for name in names if "\0" not in name]
    for name in ("model.h", "model.c"):
        (tmp_path / name).write_text(rendered(name, "x", tuple(classes)))
    (tmp_path / "main.c").write_text(
        '#include <stdio.h>\n#include <string.h>\n#include "model.h"\nint main(void) {\n    int i;\n'
        "    for (i = 0; i < X_CLASSES; i++) fwrite(x_classes[i], strlen(x_classes[i]) + 1, 1, stdout);\n"
        "    return 0;\n}\n"
    )
    run("gcc", "-std=c99", *STRICT, "model.c", "main.c", "-o", "printed", cwd=tmp_path)
    assert run(tmp_path / "printed", cwd=tmp_path).decode().split("\0") == [*classes, ""]


def test_models_of_any_names_compile_together(names, tmp_path):
    """Each in its folder, one source for many, so that a comment that swallows or sets free a line shows."""
    for number, name in enumerate(names):
        (tmp_path / str(number)).mkdir()
        for template in ("model.h", "model.c", "golden.c"):
            (tmp_path / str(number) / template).write_text(rendered(template, name))
    identifiers = list(map(c_name, names))
    assert len({name.upper() for name in identifiers}) == len(names)
    for start in range(0, len(names), 500):
        numbers = range(start, min(start + 500, len(names)))
        text = "".join(f'#include "{n}/model.c"\n#include "{n}/golden.c"\n' for n in numbers)
        text += "".join(f"#if {identifiers[n].upper()}_CLASSES != 2\n#error\n#endif\n" for n in numbers)
        (tmp_path / "all.c").write_text(text)
        run("gcc", "-std=c99", *STRICT, "-fsyntax-only", "all.c", cwd=tmp_path)


def test_comments_of_any_text_end_where_they_should(names, tmp_path):
    lines = [
        f"/* {c_comment(name)}: x */\nint a{i};\n// {c_comment(name)} on\nint b{i};\n" for i, name in enumerate(names)
    ]
    used = ", ".join(f"&a{i}, &b{i}" for i in range(len(names)))
    (tmp_path / "x.cc").write_text("".join(lines) + f"int *all[] = {{{used}}};\n")
    run("g++", "-std=c++17", *STRICT, "-fsyntax-only", "x.cc", cwd=tmp_path)
    assert (tmp_path / "x.cc").read_bytes().isascii()
    assert "??" not in "".join(lines)


@pytest.mark.parametrize("camera", ["", "320x240:yuyv"])
@pytest.mark.parametrize("name", ["9", "??/\n", "*/ int evil(void); /*", "int8", "猫\u202e", "x\\\n", "a" * 300])
def test_whole_sources_of_any_name_compile(name, camera, tmp_path):
    for template in source.FILES:
        (tmp_path / template).write_text(rendered(template, name, camera=camera))
    sources = ["model.c", "preprocess.c", "decide.c", "golden.c"]
    run("gcc", "-std=c99", *STRICT, "-fsyntax-only", *sources, cwd=tmp_path)
    tflm = write_headers(tmp_path / "tflm")
    run("g++", "-std=c++17", *STRICT, f"-I{tflm}", "-fsyntax-only", "main.cc", cwd=tmp_path)


@pytest.mark.skipif(not shutil.which("cmake"), reason="no cmake on this machine")
def test_cmake_takes_any_name(names, tmp_path):
    sample = dict.fromkeys(["all", "test", *names[:: len(names) // 40]])
    text = "cmake_minimum_required(VERSION 3.16)\nproject(all_of_them LANGUAGES C CXX)\n"
    for number, name in enumerate(sample):
        folder = tmp_path / f"m{number}"
        folder.mkdir()
        for template in source.FILES:
            (folder / template).touch()
        (folder / "CMakeLists.txt").write_text(rendered("CMakeLists.txt", name))
        target = c_name(name)
        text += f"add_subdirectory(m{number})\nif(NOT TARGET {target} OR NOT TARGET {target}_model)\n"
        text += f'message(FATAL_ERROR "{number}")\nendif()\n'
    (tmp_path / "CMakeLists.txt").write_text(text)
    run("cmake", "-S", ".", "-B", "build", "-Wno-dev", cwd=tmp_path)


@pytest.mark.parametrize("name", ["tiny-resnet", "mobilenet-v1", "efficientnet-lite0", "my_model"])
def test_plain_identifiers_stay(name):
    assert c_name(name) == name.replace("-", "_")


# --- markup


class Seen(HTMLParser):
    """The elements of a page, and the text of each innermost one."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[str] = []
        self.texts: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag, _):
        self.elements.append(tag)
        self.texts.append("")

    def handle_data(self, data):
        if self.texts:
            self.texts[-1] += data

    def handle_comment(self, data):
        assert data == " ", "only the one that parts a mail address"


@dataclass(frozen=True, kw_only=True, repr=False)
class Named(Noun):
    name: str


def commonmark(text: str) -> Seen:
    return Seen(MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"]).render(text))


@pytest.mark.parametrize("form", [markdown, markdown_code])
def test_markdown_shows_names_as_they_are(names, form: Callable[[str], str]):
    cells = commonmark(table(["name", "again"], [(form(name), form(name)) for name in names]))
    inner = ["code"] if form is markdown_code else []
    row = ["tr", "td", *inner, "td", *inner]
    assert cells.elements == ["table", "thead", "tr", "th", "th", "tbody", *row * len(names)]
    texts = [text for tag, text in zip(cells.elements, cells.texts, strict=True) if tag == (inner or ["td"])[0]]
    assert [text.rstrip("\n") for text in texts] == [terminal(name) for name in names for _ in "12"]
    for name in names:
        line = commonmark(f"Classes in order: {form(name)}, {form(name)}.\n")
        assert line.elements == ["p", *inner * 2]


def test_plain_names_in_markdown_stay():
    for name in ("tiny-resnet", "great white shark, man-eater", "CONV_2D: a & b (3 x)", "1.5", "猫", "#1"):
        assert markdown(name) == name
        assert markdown_code(name) == f"`{name}`"


def test_html_shows_names_as_they_are(names):
    page = Seen("".join(f'<p title="{html(name)}">{html(name)}</p>' for name in names))
    assert page.elements == ["p"] * len(names)
    assert page.texts == list(map(terminal, names))
    for name in names:
        assert Seen(Named(name=name)._repr_html_()).elements == ["table", "tr", "th", "td"]


# --- the terminal


def test_a_terminal_shows_names_as_they_are(names, capsys):
    show(tuple(eyespot.Prediction(source=name, answer=name, classes=((name, 0.5),)) for name in names))
    lines = capsys.readouterr().out.split("\n")
    assert lines == [*(f"{terminal(name)}: {terminal(name)} 50.0 %" for name in names), ""]
    assert all(line.isprintable() for line in lines)


@pytest.mark.parametrize("name", ["frog [green]", "[/x]", ":cat:", "a\\", "猫"])
def test_names_that_a_terminal_shows_stay(name):
    assert terminal(name) == name


def test_lines():
    assert all(map(is_line, ["frog", "ein Hund", "zero\u200dwidth", "[/x]"]))
    assert not any(map(is_line, ["", "a\nb", "a\x00", "\x1b", "\x85", "\u2028", "caf\udce9"]))


@pytest.mark.parametrize("name", ["\x1b[31m", "[red]", "\u202e", "caf\udce9"])
def test_errors_show_names_as_they_are(name, capsys):
    assert main(["check", name]) == 1
    line = f"eyespot: no model is called {name!r}; there are: "
    assert capsys.readouterr().err.startswith(line)
    assert main(["check", f"./{name}"]) == 1
    assert capsys.readouterr().err.startswith(f"eyespot: ./{terminal(name)}: no such ")


def test_progress_shows_titles_as_they_are(capfd):
    code = "from eyespot.progress import track; print(*track([1], 1, 'w[/x] \\x1b[31m'))"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, check=True, env=os.environ | {"FORCE_COLOR": "1"}
    )
    assert b"w[/x] \\x1b[31m" in done.stderr


@pytest.mark.filterwarnings("error")
def test_plots_of_any_names(tmp_path):
    classes = ("$\\frac$", "猫", "\x1b[31m", "a\nb", "l" * 10_000, "caf\udce9")
    images, labels = np.zeros((6, 4, 4, 3), np.uint8), np.arange(6)
    answers = Answers(
        image=images.__getitem__, labels=labels, shares=np.eye(6, dtype=np.float32)[::-1], classes=classes
    )
    draw_answers(answers, tmp_path)
    assert {path.name for path in tmp_path.iterdir()} >= {"confusion.png", "mistakes.png"}


# --- whole commands


def hostile_file(path: Path, **changed: object) -> str:
    file = read(registry.find("tiny-resnet"))
    path.write_bytes(finish(file.model, replace(file.contract, **changed), {}))
    return str(path)


@pytest.mark.parametrize("model", ["../../../x", "/etc/x", "..", "a\0b", "[a*?]**", "l" * 5000, "x */\n#include <x>\n"])
def test_a_model_of_any_name_is_written_below_build(model, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = hostile_file(tmp_path / "m.tflite", model=model)
    made = [export(path), export(path, to="folder"), compile_for(path, device="imx93")]
    for each in made:
        (folder,) = {file.parent for file in (each.files if hasattr(each, "files") else [each.file])}
        assert folder.parents[1] == Path("build")
    assert {each.name for each in tmp_path.iterdir()} == {"m.tflite", "build"}
    assert evaluations(model) == ()


@pytest.mark.parametrize("name", ["-x", "m[1]", "[red]", "\x1b[31m", "a\nb", "caf\udce9"])
def test_files_of_any_name(name, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / f"{name}.tflite").write_bytes(registry.find("tiny-resnet").read_bytes())
    Image.fromarray(picture(0, 40, 50, 3)).save(f"{name}.png")
    assert main(["predict", f"./{name}.tflite", f"./{name}.png"]) == 0
    assert capsys.readouterr().out.startswith(f"{terminal(name)}.png: ")
    made = export(f"{name}.tflite", to="folder", out=tmp_path / "board")
    assert (made.folder / json.loads((made.folder / "contract.json").read_text())["file"]).is_file()
    compiled = compile_for(f"{name}.tflite", device="imx93", out=tmp_path / "npu")
    assert read_sidecar(compiled.file).file == compiled.file.name


@pytest.mark.parametrize("names", [("a\0b", "b"), ("a" * 4096, "b")])
def test_class_names_that_c_cannot_hold(names, tmp_path):
    measured = HostMeasurements(file=read(registry.find("tiny-resnet")))
    with pytest.raises(RefusedError, match="expected class names of C99"):
        source.write_c(measured, replace(measured.file.contract, classes=names), tmp_path / "c")
    assert not (tmp_path / "c").exists()


def test_a_measurement_of_any_names_is_found_again(no_data):
    (shipped,) = (each for each in evaluations("tiny-resnet") if each.kernels == "reference")
    hostile = replace(shipped, model="../[x]", data="/home/me/[pictures]", split="*")
    path = save(hostile, own())
    assert path.parent == own()
    assert evaluations("../[x]") == (hostile,)
    assert hostile not in evaluations("tiny-resnet")
