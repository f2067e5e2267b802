"""The public names, and the command line as the functions' mirror."""

from __future__ import annotations

import inspect
import json
import shutil
import subprocess
import sys
from typing import get_args, get_type_hints

import numpy as np
import pytest
from PIL import Image

import eyespot
from eyespot.artifacts import places
from eyespot.cli import VERBS, _summary, build
from eyespot.nouns import Noun, Table
from eyespot.preprocessing.synthetic import picture
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


@pytest.mark.parametrize("module", ["eyespot.evaluation.job", "eyespot.evaluation.trials"])
def test_a_worker_loads_no_nouns(module):
    """Each worker of an evaluation imports this anew; what only its parent needs would slow every evaluation."""
    script = f"import sys, {module}; sys.exit('eyespot.artifacts.measurements' in sys.modules)"
    assert not subprocess.run([sys.executable, "-c", script], check=False).returncode


@pytest.mark.parametrize("verb", VERBS)
def test_every_argument_is_checked(verb):
    function = function_of(verb)
    parameters = inspect.signature(function).parameters.values()
    required = {each.name: "x" for each in parameters if each.default is each.empty}
    for each in parameters:
        with pytest.raises(eyespot.BadArgumentError, match=f"^{each.name}: expected .*, found <object"):
            function(**required | {each.name: object()})


@pytest.mark.parametrize(
    ("verb", "arguments", "message"),
    [
        ("evaluate", {"kernels": "bad"}, "kernels: expected xnnpack, reference or tflm, found 'bad'"),
        ("evaluate", {"images": "10"}, "images: expected int, found '10'"),
        ("evaluate", {"images": True}, "images: expected int, found True"),
        ("evaluate", {"images": 0}, "images: expected 1 or more, found 0"),
        ("evaluate", {"under": ["jpeg"]}, r"darker or brighter, found \['jpeg'\]"),
        ("check", {"strict": "yes"}, "strict: expected bool, found 'yes'"),
        ("check", {"ram": 1.5}, "ram: expected int or str, found 1.5"),
        ("check", {"ram": "1,5M"}, "'1,5M': invalid size"),
        ("export", {"to": "c++"}, r"to: expected c, folder, web or hub, found 'c\+\+'"),
        ("predict", {"images": 5}, "images: expected str, Path, Image, ndarray or Sequence, found 5"),
        ("predict", {"images": ["a", 5]}, "images: expected str, Path, Image or ndarray, found 5"),
        ("predict", {"images": "x.png", "top": 0}, "top: expected 1 or more, found 0"),
        ("predict", {"images": "a\0.png"}, r"images: expected .*, found 'a\\x00.png'"),
        ("export", {"out": "a\0"}, r"out: expected Path, found 'a\\x00'"),
        ("export", {"out": "\ud800"}, r"out: expected Path, found '\\ud800'"),
    ],
)
def test_wrong_arguments(verb, arguments, message):
    with pytest.raises(eyespot.BadArgumentError, match=message):
        function_of(verb)("tiny-resnet", **arguments)


def test_arguments_of_other_types_that_mean_the_same(tmp_path):
    out = eyespot.export(places.ZOO / "tiny-resnet/int8.tflite", to="folder", out=str(tmp_path / "out"))
    assert out.folder == tmp_path / "out"
    assert eyespot.list_models(ram="256k") == eyespot.list_models(ram=np.int64(262_144))
    assert len(eyespot.list_models(ram="256k")) < len(eyespot.list_models())


@pytest.mark.parametrize("verb", VERBS)
def test_every_result_is_a_noun(verb):
    result = get_type_hints(function_of(verb))["return"]
    assert issubclass((get_args(result) or [result])[0], Noun)


def test_nouns_print_briefly_and_convert():
    shown = eyespot.show("tiny-resnet")
    for noun in (shown, *shown.evaluations, *shown.compatibility):
        assert len(repr(noun)) < 1500
        assert "\n" not in repr(noun)
        assert repr(noun) == str(noun)
    first = shown.evaluations[0]
    assert f"confusion=({first.confusion[0]}, " in repr(first)
    assert shown.as_dict()["evaluations"][0]["confusion"][0] == list(first.confusion[0])
    assert json.loads(json.dumps(shown.as_dict())) == shown.as_dict()


def test_tables_in_a_notebook():
    predictions = Table([eyespot.Prediction(source="<b>.png", answer=None, classes=(("cat & dog", 1 / 3),))])
    fields = "source='<b>.png', answer=None, classes=(('cat & dog', 0.3333),), threshold=None"
    assert repr(predictions) == f"Prediction({fields})"
    assert predictions._repr_html_() == (
        "<table><tr><th>source</th><th>answer</th><th>classes</th><th>threshold</th></tr>"
        "<tr><td>&lt;b&gt;.png</td><td>None</td><td>((&#x27;cat &amp; dog&#x27;, 0.3333),)</td>"
        "<td>None</td></tr></table>"
    )
    assert predictions[0]._repr_html_().startswith("<table><tr><th>source</th><td>&lt;b&gt;.png</td></tr>")
    assert isinstance(eyespot.list_models(), Table)


@pytest.fixture
def photo(tmp_path):
    Image.fromarray(picture(0, 40, 50, 3)).save(tmp_path / "photo.png")
    return tmp_path / "photo.png"


def test_predict_takes_pictures_of_any_kind(photo):
    array, image = picture(0, 40, 50, 3), Image.open(photo)
    mixed = eyespot.predict("tiny-resnet", [photo, str(photo), image, array, photo.parent])
    assert [each.source for each in mixed] == [str(photo), str(photo), "image 2", "image 3", str(photo)]
    assert len({each.classes for each in mixed}) == 1
    for single in (photo, str(photo), image, array):
        assert eyespot.predict("tiny-resnet", single)[0].classes == mixed[0].classes


def test_predict_takes_gray_pictures():
    gray = picture(0, 40, 50, 1)
    alike = eyespot.predict("tiny-resnet", [gray, gray[..., 0], Image.fromarray(gray[..., 0])])
    assert len({each.classes for each in alike}) == 1
    colours = picture(0, 60, 60, 3)
    [array, image] = eyespot.predict("deepface-emotion", (colours, Image.fromarray(colours)), top=2)
    assert array.classes == image.classes
    assert len(array.classes) == 2


def test_a_file_of_the_user_runs_in_a_worker_with_the_same_result(photo, tmp_path):
    own = shutil.copy(places.ZOO / "tiny-resnet/int8.tflite", tmp_path / "own.tflite")
    assert eyespot.predict(own, [photo, photo]) == eyespot.predict("tiny-resnet", [photo, photo])


@pytest.mark.parametrize(
    ("shape", "dtype"), [((4, 4, 3), "float32"), ((4, 4, 4), "uint8"), ((4,), "uint8"), ((0, 4, 3), "uint8")]
)
def test_arrays_that_are_no_images(shape, dtype):
    with pytest.raises(eyespot.BadArgumentError, match=r"^image 0: expected \(height, width\), .*, found \("):
        eyespot.predict("tiny-resnet", np.zeros(shape, dtype))


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


@pytest.mark.parametrize("verb", [name for name in VERBS if name not in {"compile", "list", "site"}])
def test_verb_lives_in_a_file_of_its_name(verb):
    assert function_of(verb).__module__ == f"eyespot.verbs.{verb}"
    assert function_of(verb).__name__ == verb
