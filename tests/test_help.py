"""Help pages, and what the shell completes."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from commands import run
from eyespot.artifacts import places
from eyespot.cli import GROUPS, VERBS
from eyespot.devices import shipped
from eyespot.zoo.datasets import DATASETS

COMPLETIONS = ".local/share/bash-completion/completions/eyespot"


def page(capsys, monkeypatch, *words: str) -> str:
    """A help page, 80 columns wide."""
    monkeypatch.setenv("COLUMNS", "80")
    code, out, _ = run(capsys, *words, "--help")
    assert code == 0
    assert max(map(len, out.splitlines())) <= 80
    return out


def plain(text: str) -> str:
    return " ".join(text.replace("│", " ").split())


def test_commands_are_grouped_in_the_order_of_the_work(capsys, monkeypatch):
    out = page(capsys, monkeypatch)
    assert [line.split()[1] for line in out.splitlines() if line.split()[1:2] and line.split()[1] in VERBS] == [*VERBS]
    assert [title for title in GROUPS if f"╭─ {title} ─" in out] == [*GROUPS]
    assert "--install-completion" in out
    assert out.count("\n") <= 44, "a command a line"


@pytest.mark.parametrize("verb", VERBS)
def test_each_page_has_an_example_and_no_empty_defaults(capsys, monkeypatch, verb):
    out = page(capsys, monkeypatch, verb)
    assert f"Example: eyespot {verb} " in out or f"Example: eyespot {verb}\n" in out
    assert "[default: False]" not in out
    assert "INT|STR" not in out


@pytest.mark.parametrize(("verb", "option"), [("check", "--device"), ("evaluate", "--data"), ("make", "--weights")])
def test_names_are_those_of_the_cards(capsys, monkeypatch, verb, option):
    text = plain(page(capsys, monkeypatch, verb))
    names = {"--device": [card.name for card in shipped()], "--data": [card.name for card in DATASETS]}
    wanted = ", ".join(names.get(option, ["tf-slim", "tf-slim-quantised"]))
    assert f"[names: {wanted}" in text.partition(f" {option} ")[2]


def test_a_faulty_device_of_the_users_does_not_take_the_help_away(capsys, monkeypatch, no_data):
    (no_data / "devices").mkdir(parents=True)
    (no_data / "devices/mine.toml").write_text("nonsense")
    assert "imx93" in page(capsys, monkeypatch, "check")


def test_both_forms_of_a_switch_that_has_no_default_are_shown(capsys, monkeypatch):
    out = page(capsys, monkeypatch, "quantize")
    assert "--no-bias-correction" in out
    assert "--no-rescue" not in out


# --- completion


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A home in which `eyespot` is this source's, and its completion is installed."""
    folder = tmp_path_factory.mktemp("home")
    command = folder / "bin/eyespot"
    command.parent.mkdir()
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m eyespot "$@"\n')
    command.chmod(0o755)
    assert "works in a new shell" in shell(folder, "eyespot --install-completion bash")
    (folder / "photos").mkdir()
    (folder / "mine.tflite").touch()
    return folder


def shell(folder: Path, script: str) -> str:
    """What an interactive bash prints."""
    environment = {"HOME": str(folder), "PATH": f"{folder}/bin:{os.environ['PATH']}", "PS1": ""}
    environment |= {"PYTHONPATH": str(places.PACKAGE.parent), "EYESPOT_DATA": str(folder / "data")}
    command = [shutil.which("bash"), "-i", "-c", script]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def completed(home: Path, *words: str) -> list[str]:
    """What a Tab offers after these words."""
    listed = " ".join(f"'{word}'" for word in ("eyespot", *words))
    return shell(
        home, f'COMP_WORDS=({listed}); COMP_CWORD={len(words)}; _eyespot; printf "%s\\n" "${{COMPREPLY[@]}}"'
    ).split()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["tr"], ["train"]),
        (["show", "tiny"], ["tiny-resnet"]),
        (["show", "mi"], ["mine.tflite"]),
        (["check", "tiny-resnet", "--device", "imx9"], ["imx93", "imx95"]),
        (["train", "tiny-resnet", "--data", "imagenett"], ["imagenette"]),
        (["train", "tiny-resnet", "--data", "p"], ["photos/"]),
        (["train", "mobilenet-v2", "--weights", "tf"], ["tf-slim", "tf-slim-quantised"]),
        (["train", "mobilenet-v2", "--layers", ""], ["auto", "last", "all"]),
        (["train", "mobilenet-v2", "--se"], ["--seed"]),
    ],
)
def test_bash_completes(home, words, expected):
    assert completed(home, *words) == expected


@pytest.mark.slow
def test_a_new_bash_loads_it_itself(home):
    assert "-F _eyespot eyespot" in shell(home, "complete -p eyespot")


OTHERS = {"zsh": ".zsh/completions/_cyclopts_eyespot", "fish": ".config/fish/completions/eyespot.fish"}


@pytest.mark.slow
@pytest.mark.parametrize("name", OTHERS)
def test_other_shells_get_a_file(home, name):
    """That it asks eyespot for names; zsh 5.9 and fish 3.6 were tried by hand."""
    shell(home, f"eyespot --install-completion {name}")
    assert "__complete" in (home / OTHERS[name]).read_text()


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("fish"), reason="needs fish")
def test_fish_completes(home):
    shell(home, "eyespot --install-completion fish")
    said = shell(home, f"fish --no-config -c 'source {home / OTHERS['fish']}; complete -C \"eyespot show tiny\"'")
    assert said.split()[0] == "tiny-resnet"


def test_an_unknown_shell(capsys, monkeypatch):
    code, out, err = run(capsys, "--install-completion", "ksh")
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert '"bash", "zsh", "fish"' in err
