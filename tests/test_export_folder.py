"""export --to folder: what a Linux board needs, in an environment with that alone."""

from __future__ import annotations

import ast
import importlib.util
import json
import subprocess
import sys
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from eyespot.conversion.clean import finish
from eyespot.errors import RefusedError
from eyespot.exports.folder import write_folder
from eyespot.preprocessing.image import decode, fit
from eyespot.preprocessing.spec import Confidence, Preprocessing, Row
from eyespot.preprocessing.synthetic import picture
from eyespot.tflite.contract import rewritten
from eyespot.tflite.read import read
from eyespot.tflite.run import contract_of
from eyespot.verbs.export import export
from eyespot.verbs.predict import predict
from eyespot.zoo import registry

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))
from linux_folder import compare

NEEDED = ("numpy", "numpy.libs", "PIL", "pillow.libs", "ai_edge_litert", "flatbuffers")


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    return export("tiny-resnet", to="folder", out=tmp_path_factory.mktemp("board"))


@pytest.fixture(scope="module")
def photos(tmp_path_factory) -> list[Path]:
    """Pictures of many kinds: sizes, gray, palette, transparent, 16 bits, turned by EXIF."""
    folder = tmp_path_factory.mktemp("photos")
    rgb = Image.fromarray(picture(0, 90, 131, 3))
    turned = Image.Exif()
    turned[0x0112] = 6
    rgb.save(folder / "turned.jpg", exif=turned)
    rgb.save(folder / "rgb.png")
    rgb.resize((7, 5)).save(folder / "small.png")
    rgb.convert("L").save(folder / "gray.png")
    rgb.convert("P").save(folder / "palette.png")
    clear = rgb.convert("RGBA")
    clear.putalpha(Image.fromarray(picture(1, 90, 131, 1).squeeze()))
    clear.save(folder / "clear.png")
    Image.fromarray((picture(2, 40, 40, 1).squeeze().astype(np.uint16)) * 257).save(folder / "deep.png")
    return sorted(folder.iterdir())


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Path:
    """A folder of packages that has numpy, Pillow and LiteRT, and what LiteRT itself imports."""
    folder = tmp_path_factory.mktemp("site")
    found = Path(importlib.util.find_spec("numpy").origin).parents[1]
    for name in NEEDED:
        if (found / name).exists():
            (folder / name).symlink_to(found / name)
    return folder


def alone(site: Path, code: str, *words: object) -> subprocess.CompletedProcess[str]:
    """Run Python without this environment: no site-packages, no PYTHON* variables, only `site`."""
    start = f"import sys; sys.path.append({str(site)!r}); {code}"
    command = [sys.executable, "-I", "-S", "-c", start, *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


RUN = "import runpy; del sys.argv[0]; runpy.run_path(sys.argv[0], run_name='__main__')"


def test_files(exported):
    assert {path.name for path in exported.files} == {
        "int8.tflite",
        "labels.txt",
        "contract.json",
        "classify.py",
        "README.md",
    }
    assert (exported.folder / "int8.tflite").read_bytes() == registry.find("tiny-resnet").read_bytes()
    labels = (exported.folder / "labels.txt").read_text().splitlines()
    told = json.loads((exported.folder / "contract.json").read_text())
    assert labels == told["classes"] == list(registry.contract("tiny-resnet").classes)
    assert told["levels"] == list(range(-128, 128))


def test_the_script_is_short_and_imports_little(exported):
    text = (exported.folder / "classify.py").read_text()
    assert len(text.splitlines()) < 120
    tree = ast.walk(ast.parse(text))
    names = [n.names[0].name if isinstance(n, ast.Import) else n.module for n in tree if hasattr(n, "names")]
    outside = {name.partition(".")[0] for name in names} - set(sys.stdlib_module_names)
    assert outside == {"numpy", "PIL", "ai_edge_litert", "tflite_runtime", "cv2"}


def test_it_runs_alone_and_says_what_predict_says(exported, photos, site):
    assert alone(site, "import eyespot").returncode, "eyespot must not be importable there"
    assert alone(site, "import rich").returncode
    done = alone(site, RUN, exported.folder / "classify.py", *photos)
    assert done.returncode == 0, done.stderr
    ours = predict("tiny-resnet", tuple(map(str, photos)), top=1)
    expected = [f"{p.source}: {p.classes[0][0]} {100 * p.classes[0][1]:.1f} %" for p in ours]
    assert done.stdout.splitlines() == expected


@pytest.mark.parametrize(
    "spec",
    [
        Preprocessing(height=32, width=32),
        Preprocessing(height=24, width=31, crop=0.875),
        Preprocessing(height=48, width=48, order="gray", crop=0.9),
        Preprocessing(height=30, width=30, order="bgr", resize="lanczos"),
    ],
    ids=["whole", "cropped", "gray", "bgr"],
)
def test_its_pixels_are_eyespots(exported, photos, spec):
    found = importlib.util.spec_from_file_location("classify", exported.folder / "classify.py")
    script = importlib.util.module_from_spec(found)
    found.loader.exec_module(script)
    told = asdict(spec)
    for path in photos:
        expected = fit(decode(path, spec.channels), spec)
        with Image.open(path) as image:
            assert np.array_equal(script.pixels(image, told), expected), path.name


def test_a_float32_file_is_exported_too(photos, site, tmp_path):
    made = export("tiny-resnet:float32", to="folder", out=tmp_path)
    done = alone(site, RUN, made.folder / "classify.py", photos[0])
    (ours,) = predict("tiny-resnet:float32", (str(photos[0]),), top=1)
    assert done.stdout == f"{photos[0]}: {ours.classes[0][0]} {100 * ours.classes[0][1]:.1f} %\n"


@pytest.mark.parametrize("name", ["tiny-resnet", "tiny-resnet:float32"])
def test_it_calibrates_and_refuses_as_predict_does(photos, site, tmp_path, name):
    file = read(registry.find(name))
    sure = Confidence(temperature=1.7, rows=(Row(0.0, 100, 80), Row(0.5, 60, 57)))
    own = tmp_path / "own.tflite"
    own.write_bytes(rewritten(file.data, replace(file.contract, confidence=sure)))
    made = export(str(own), to="folder", min_precision=0.95, out=tmp_path / "board")
    assert json.loads((made.folder / "contract.json").read_text())["min_confidence"] == made.threshold.confidence == 0.5
    for words, least in (((), 0.5), (("--min-confidence", "0.9"), 0.9), (("--min-confidence", "0"), 1e-9)):
        done = alone(site, RUN, made.folder / "classify.py", *photos, *words)
        ours = predict(str(own), tuple(map(str, photos)), top=1, min_confidence=least)
        named = [(p, f"{p.classes[0][0]} {100 * p.classes[0][1]:.1f} %") for p in ours]
        expected = [f"{p.source}: {line if p.answer else f'none of these ({line})'}" for p, line in named]
        assert done.stdout.splitlines() == expected, done.stderr


def test_each_channel_has_its_numbers(photos, site, tmp_path):
    """A float32 file that takes BGR, each channel with its own mean and standard deviation."""
    file = read(registry.find("tiny-resnet:float32"))
    spec = Preprocessing(height=32, width=32, order="bgr", mean=(9.0, 60.0, 120.0), std=(1.0, 2.0, 0.5))
    path = tmp_path / "other.tflite"
    path.write_bytes(finish(file.model, replace(file.contract, preprocessing=spec), {}))
    made = export(str(path), to="folder", out=tmp_path / "board")
    assert np.shape(json.loads((made.folder / "contract.json").read_text())["levels"]) == (256, 3)
    done = alone(site, RUN, made.folder / "classify.py", *photos)
    ours = predict(str(path), tuple(map(str, photos)), top=1)
    expected = [f"{p.source}: {p.classes[0][0]} {100 * p.classes[0][1]:.1f} %" for p in ours]
    assert done.stdout.splitlines() == expected


def test_labels_with_line_ends(tmp_path):
    file = read(registry.find("tiny-resnet"))
    contract = replace(contract_of(file), classes=("a\nb", *contract_of(file).classes[1:]))
    with pytest.raises(RefusedError, match=r"found 'a\\nb'. Rename it"):
        write_folder(file, contract, tmp_path)
    assert not list(tmp_path.iterdir())


# --- the options of classify.py


def classify(exported, site, *words: object, before: str = "pass") -> subprocess.CompletedProcess[str]:
    return alone(site, f"{before}; {RUN}", exported.folder / "classify.py", *words)


def test_folders_and_json(exported, photos, site):
    done = classify(exported, site, "--json", "--top", 3, photos[0].parent)
    ours = predict("tiny-resnet", str(photos[0].parent), top=3)
    found = [json.loads(line) for line in done.stdout.splitlines()]
    assert [(each["source"], each["answer"]) for each in found] == [(p.source, p.answer) for p in ours]
    for each, expected in zip(found, ours, strict=True):
        assert [name for name, _ in each["classes"]] == [name for name, _ in expected.classes]
        assert np.allclose([share for _, share in each["classes"]], [share for _, share in expected.classes])
    shown = classify(exported, site, "--top", 2, photos[0]).stdout
    assert shown == f"{photos[0]}: {', '.join(f'{n} {100 * s:.1f} %' for n, s in ours[0].classes[:2])}\n"


def test_times_have_the_first_inference_apart(exported, photos, site):
    done = classify(exported, site, "--time", "--threads", 2, *photos[:2])
    times = json.loads(done.stdout.splitlines()[-1])
    assert times["n"] == 19
    assert set(times["ms"]) == {"load", "first", "median", "slowest"}
    assert 0 < times["ms"]["median"] <= times["ms"]["slowest"]


DELEGATE = """
#include <stdint.h>
#include <stdio.h>
typedef struct { void *data; int (*prepare)(void *, void *); void *copies[3]; int64_t flags; void *builder; } delegate;
static int prepare(void *context, void *self) {
    (void)context; (void)self; fputs("delegate asked\\n", stderr);
    return 0;
}
void *tflite_plugin_create_delegate(char **keys, char **values, size_t count, void (*error)(const char *)) {
    static delegate made = {0, prepare, {0}, 0, 0};
    (void)keys; (void)values; (void)count; (void)error;
    return &made;
}
void tflite_plugin_destroy_delegate(void *made) { (void)made; }
"""


def test_a_delegate_is_loaded_and_asked(exported, photos, site, tmp_path):
    source, library = tmp_path / "delegate.c", tmp_path / "delegate.so"
    source.write_text(DELEGATE)
    subprocess.run(["gcc", "-shared", "-fPIC", source, "-o", library], check=True)
    done = classify(exported, site, "--delegate", library, photos[0])
    assert "delegate asked" in done.stderr
    assert done.stdout == classify(exported, site, photos[0]).stdout


CAMERA = """
import types, numpy as np
class VideoCapture:
    def __init__(self, device):
        print(repr(device))
        self.frames = iter([(True, np.full((48, 64, 3), (200, 30, 0), np.uint8))] * 2)
    def read(self):
        return next(self.frames, (False, None))
sys.modules["cv2"] = types.SimpleNamespace(VideoCapture=VideoCapture)
"""


def test_frames_of_a_camera_are_bgr(exported, site, tmp_path):
    """OpenCV itself is stood in for: this machine has no camera."""
    Image.new("RGB", (64, 48), (0, 30, 200)).save(tmp_path / "blue.png")
    same = classify(exported, site, tmp_path / "blue.png").stdout.partition(": ")[2]
    before = f"exec({CAMERA!r})"
    done = classify(exported, site, "--camera", "0", before=before)
    assert done.stdout == f"0\nframe 0: {same}frame 1: {same}"
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == "classify.py: 0: the camera gives no frame after 2 of them"
    assert classify(exported, site, "--camera", "/dev/video1", before=before).stdout.startswith("'/dev/video1'\n")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "expected images or a camera"),
        (("x.png", "--top", "0"), "1 or more for --top"),
        (("x.png", "--camera", "0"), "expected images or a camera"),
        (("x.png",), "classify.py: x.png: [Errno 2] No such file"),
        (("@empty",), "Is a directory"),
        (("@damaged.png",), "damaged.png: "),
        (("@text.png",), "cannot identify image file"),
        (("@fine.png", "--delegate", "/none.so"), "/none.so"),
        (("@fine.png", "--model", "/none.tflite"), "/none.tflite"),
        (("--camera", "0"), "No module named 'cv2'"),
    ],
)
def test_errors_are_one_line(words, said, exported, site, tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "text.png").write_text("hello")
    fine = tmp_path / "fine.png"
    Image.fromarray(picture(0, 90, 131, 3)).save(fine)
    (tmp_path / "damaged.png").write_bytes(fine.read_bytes()[:5000])
    done = classify(exported, site, *(str(tmp_path / w[1:]) if w.startswith("@") else w for w in words))
    assert done.returncode in {1, 2}
    assert done.stdout == ""
    assert said in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr


def test_help(exported, site):
    done = classify(exported, site, "--help")
    assert done.returncode == 0
    assert all(word in done.stdout for word in ("--camera", "--delegate", "--threads", "--time", "--json"))


# --- the notes on boards


@pytest.mark.parametrize(
    ("device", "note"),
    [
        ("imx93", "--delegate /usr/lib/libethosu_delegate.so"),
        ("imx95", "--delegate /usr/lib/libneutron_delegate.so"),
        ("imx8mp", 'VIV_VX_CACHE_BINARY_GRAPH_DIR="$PWD"'),
        ("linux-arm64", "--threads"),
        ("unheard-of", "python3 classify.py"),
    ],
)
def test_notes_that_a_board_needs(device, note, tmp_path):
    file = read(registry.find("tiny-resnet"))
    write_folder(file, replace(file.contract, model="front [door](x)"), tmp_path, device=device)
    text = (tmp_path / "README.md").read_text()
    assert note in text
    assert text.startswith("# front &#91;door&#93;(x) on Linux\n")
    assert text.count("not tested here on a board") == device.startswith("imx")


def test_a_bare_loop_over_the_folder_predicts_as_predict(real_data, tmp_path):
    real_data("cifar-10")
    assert compare("tiny-resnet", 100, tmp_path) == {"classify.py": 0, "bare loop": 0}
