"""The public names, and the command line as the functions' mirror."""

from __future__ import annotations

import inspect
import subprocess
import sys

import pytest

import eyespot
from eyespot.artifacts import places
from eyespot.cli import VERBS, _summary, build
from eyespot.zoo import registry

ROOT = places.PACKAGE.parents[1]
FRAMEWORKS = {
    "torch",
    "numpy",
    "ai_edge_litert",
    "litert_quantizer",
    "matplotlib",
    "PIL",
    "tflite_micro",
    "jax",
}


def function_of(verb: str):
    return registry.imported(f"eyespot.verbs.{verb}:{VERBS[verb]}")


def test_public_names_are_sorted_and_importable():
    assert list(eyespot.__all__) == sorted(eyespot.__all__)
    assert all(getattr(eyespot, name) for name in eyespot.__all__)
    assert set(eyespot.__all__) <= set(dir(eyespot))


def test_every_verb_is_public():
    assert {function_of(verb).__name__ for verb in VERBS} <= set(eyespot.__all__)


def test_unknown_attribute():
    with pytest.raises(AttributeError, match="trian"):
        _ = eyespot.trian


def modules_after(code: str) -> set[str]:
    script = f"import sys; {code}; print(*{{m.split('.')[0] for m in sys.modules}}, file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(done.stderr.split())


def test_import_loads_no_framework():
    assert not modules_after("import eyespot") & FRAMEWORKS


@pytest.mark.parametrize("words", [["--help"], ["list"], ["train", "--help"]])
def test_help_and_list_load_no_framework(words):
    loaded = modules_after(f"from eyespot.cli import main\ntry: main({words})\nexcept SystemExit: pass\npass")
    assert not loaded & {"torch", "ai_edge_litert", "litert_quantizer", "tflite_micro", "jax"}


@pytest.mark.parametrize("verb", VERBS)
def test_command_mirrors_function(verb):
    function = function_of(verb)
    parameters = list(inspect.signature(function).parameters.values())
    arguments = list(build(verb)[verb].assemble_argument_collection(parse_docstring=True))
    assert [a.field_info.name for a in arguments] == [p.name for p in parameters]
    for argument, parameter in zip(arguments, parameters, strict=True):
        assert argument.name == "--" + parameter.name.strip("_").replace("_", "-")
        assert argument.field_info.default == parameter.default
        assert argument.parameter.help, f"{verb} {argument.name} has no help"


@pytest.mark.parametrize("verb", VERBS)
def test_help_is_the_docstring(verb, capsys):
    described = inspect.getdoc(function_of(verb))
    assert _summary(verb) == described.splitlines()[0]
    assert f"Example: eyespot {verb}" in described


def test_generated_pages_are_current():
    command = [sys.executable, "docs/generate.py", "--check"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("verb", [name for name in VERBS if name not in {"compile", "list"}])
def test_verb_lives_in_a_file_of_its_name(verb):
    assert function_of(verb).__module__ == f"eyespot.verbs.{verb}"
    assert function_of(verb).__name__ == verb
