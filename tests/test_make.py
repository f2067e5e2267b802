"""The chains: a folder for the board, measurements, the Model List."""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from eyespot.artifacts import measurements, places
from eyespot.artifacts.atomic import write_json
from eyespot.artifacts.measurements import Evaluation
from eyespot.artifacts.model_folder import read_sidecar, sidecar
from eyespot.errors import BadFileError, MissingDataError
from eyespot.evaluation import model_files
from eyespot.exports.c import FILES
from eyespot.nouns import plain
from eyespot.quantity import wilson
from eyespot.reports.terminal import show
from eyespot.reports.words import accuracy, megabytes, table
from eyespot.tflite import run
from eyespot.tflite.read import read
from eyespot.verbs.make import make
from eyespot.verbs.measure import measure
from eyespot.verbs.report import report
from eyespot.verbs.show import show as show_model
from eyespot.zoo import provenance, registry
from opens import opens

NAMES = {"float32.tflite", "int8.tflite", "imx93", "c", "linux", "golden", "check.json", "card.md"}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The folder as somebody without data gets it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EYESPOT_DATA", str(tmp_path_factory.mktemp("none")))
        return make("tiny-resnet", device="imx93", out=tmp_path_factory.mktemp("made"))


def test_everything_for_the_board_is_there(made):
    folder = made.folder
    assert {p.name for p in folder.iterdir()} == NAMES | {"float32.tflite.json", "int8.tflite.json"}
    assert (folder / "imx93/int8_vela.tflite").stat().st_size
    assert {p.name for p in (folder / "c").iterdir()} == set(FILES)
    assert "libethosu_delegate.so" in (folder / "linux/README.md").read_text()
    assert (folder / "linux/int8.tflite").read_bytes() == (folder / "int8.tflite").read_bytes()
    assert made.sizes == {p.name: p.stat().st_size for p in folder.glob("*.tflite")}


def test_the_files_are_the_shipped_ones(made):
    for name in ("float32.tflite", "int8.tflite"):
        assert (made.folder / name).read_bytes() == (places.ZOO / "tiny-resnet" / name).read_bytes()
        assert read_sidecar(made.folder / name) == read_sidecar(places.ZOO / "tiny-resnet" / name)


def test_without_data_the_shipped_measurement_is_told_as_such(made):
    assert [a.origin for a in made.accuracies] == [model_files.SHIPPED, model_files.SHIPPED]
    assert "shipped measurement; the data set is not at hand" in (made.folder / "card.md").read_text()


def test_golden_tensors_are_what_the_file_answers(made):
    told = json.loads((made.folder / "golden/golden.json").read_text())
    file = read(made.folder / "int8.tflite")
    answer = run.open_runner(file, "reference")
    for i in range(told["pictures"]):
        given = np.fromfile(made.folder / f"golden/{i}.input.bin", np.int8).reshape(told["input"]["shape"])
        expected = np.fromfile(made.folder / f"golden/{i}.output.bin", np.int8)
        assert np.array_equal(answer(given[0]), expected)
        with Image.open(made.folder / f"golden/{i}.png") as picture:
            assert np.array_equal(np.asarray(picture).astype(int) - 128, given[0])


def test_check_json_holds_the_compatibility(made):
    assert json.loads((made.folder / "check.json").read_text()) == plain(made.compatibility)


def test_the_card_tells_the_contract_and_the_digests(made):
    card = (made.folder / "card.md").read_text()
    assert "`pixel - 128`" in card
    assert "airplane, automobile, bird" in card
    assert read(made.folder / "int8.tflite").sha256 in card


def test_made_is_shown(made, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")  # cells fold where the terminal is narrow
    show(made)
    out = capsys.readouterr().out
    assert "n = 10,000" in out
    assert "the data set is not at hand" in out


def test_the_int8_file_is_read_once_and_vela_runs_once(tmp_path, no_data):
    counts = opens(Path("/"), tmp_path / "hook", "-m", "eyespot", "make", "tiny-resnet", "--out", str(tmp_path))
    assert counts[str(registry.find("tiny-resnet").relative_to("/"))] == 1
    started = [count for name, count in counts.items() if re.search(r"ethosu/vela/.*__main__[^/]*$", name)]
    assert started == [1]
    assert not any(name.startswith(str(tmp_path / "int8.tflite")[1:]) for name in counts), "what it wrote"


@pytest.mark.slow
def test_with_data_too_each_file_is_read_once(tmp_path, real_data):
    real_data("cifar-10")
    words = ("-m", "eyespot", "make", "tiny-resnet", "--out", str(tmp_path))
    counts = opens(registry.home("tiny-resnet"), tmp_path / "hook", *words)
    assert (counts["int8.tflite"], counts["float32.tflite"]) == (1, 1)


def test_a_made_folder_is_a_model(made, no_data):
    assert registry.find(made.folder) == made.folder / "int8.tflite"
    again = make(str(made.folder), device="linux-arm64")
    assert again.folder == made.folder
    assert again.compatibility[0].device == "linux-arm64"


def test_another_build_is_told_apart(made, tmp_path, no_data):
    """The same recipe, other bytes: the shipped figure is shown, but not as this file's."""
    for name in ("float32", "int8"):
        shutil.copy(made.folder / f"{name}.tflite", tmp_path)
        record = read_sidecar(made.folder / f"{name}.tflite")
        with (tmp_path / f"{name}.tflite").open("ab") as file:
            file.write(bytes(16))
        changed = replace(record, sha256=read(tmp_path / f"{name}.tflite").sha256)
        sidecar(tmp_path / f"{name}.tflite").write_text(json.dumps(plain(changed)))
    other = make(str(tmp_path), device="linux-arm64", out=tmp_path / "out")
    assert {a.origin for a in other.accuracies} == {model_files.OTHER}


def test_a_folder_without_int8(tmp_path):
    shutil.copy(registry.find("tiny-resnet:float32"), tmp_path)
    shutil.copy(sidecar(registry.find("tiny-resnet:float32")), tmp_path)
    with pytest.raises(MissingDataError, match="eyespot quantize"):
        make(str(tmp_path))


@pytest.mark.slow
def test_with_data_it_measures_now(data_root, tmp_path):
    made = make("tiny-resnet", device="linux-arm64", out=tmp_path)
    assert {a.origin for a in made.accuracies} == {model_files.NOW}


def test_measure_without_data_says_what_was_left_out(no_data):
    done = measure("tiny-resnet")
    assert done.evaluations == ()
    assert "eyespot fetch cifar-10" in done.left_out[0]
    assert provenance.compatibility("tiny-resnet") == done.compatibility
    assert done.folder == no_data / "results"


LOW, HIGH = wilson(3, 4)
EVALUATION = Evaluation(
    model="tiny-resnet",
    precision="int8",
    artifact="0" * 64,
    data="cifar-10",
    split="test",
    data_digest="1" * 64,
    n=4,
    correct=3,
    top1=0.75,
    low=LOW,
    high=HIGH,
    top5=None,
    per_class={"cat": 0.75},
    confusion=((0, 0, 3), (0, 1, 1)),
    kernels="xnnpack",
    tools={"eyespot": "0"},
    command="eyespot evaluate x",
)


def test_results_survive_the_disk(no_data):
    measurements.save(EVALUATION, measurements.own())
    assert measurements.evaluations("tiny-resnet")[0] == EVALUATION
    assert [e for e in measurements.evaluations("tiny-resnet") if e.artifact == "0" * 64] == [EVALUATION]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("n", 0),
        ("n", 5),
        ("n", 10**30),
        ("correct", -3),
        ("correct", 2),
        ("top1", 0.8),
        ("top1", 1.5),
        ("top1", True),
        ("low", 0.2),
        ("high", 0.95),
        ("top5", 0.5),
        ("per_class", {}),
        ("per_class", {"cat": 0.5}),
        ("confusion", [[0, 0, 3], [0, -1, 1]]),
        ("confusion", [[0, 0, 3], [0, 1, 2]]),
        ("confusion", [[0, 0, 3], [0, 1, 1], [1, 0, 0]]),
        ("confusion", [[0, 0, 3], [0, 1]]),
        ("kernels", "other"),
        ("under", "snow"),
        ("precision", None),
        ("x" * 10_000, 1),
    ],
)
def test_a_damaged_measurement_is_refused(no_data, field, value):
    path = measurements.save(EVALUATION, measurements.own())
    write_json(path, json.loads(path.read_text()) | {field: value})
    with pytest.raises(BadFileError, match=r"\.json: .*Delete it and measure again$") as refused:
        measurements.evaluations("tiny-resnet")
    assert len(str(refused.value)) < 1000


@pytest.mark.parametrize(
    "quantities",
    [
        {"used": {"unit": "B", "kind": "measured"}},
        {"used": {"unit": "B", "kind": "measured", "value": -1}},
        {"used": {"unit": "B", "kind": "measured", "value": 1, "low": 2, "n": "3"}},
        {"npu": {"unit": "operators", "kind": "measured", "value": 1}},
        {"latency": {"unit": "ms", "kind": "estimate", "value": 0}},
        {"latency": {"unit": "ms", "kind": "estimate", "low": 2, "high": 1}},
        {"rate": {"unit": "x", "kind": "quoted", "low": 1, "high": 2}},
    ],
)
def test_a_damaged_finding_is_refused(no_data, quantities):
    [found, *_] = json.loads((places.MEASUREMENTS / "tiny-resnet.devices.json").read_bytes())
    found["findings"][0]["quantities"] = quantities
    write_json(measurements.own() / "tiny-resnet.devices.json", [found])
    with pytest.raises(BadFileError, match=r"devices\.json: .*Delete it and measure again$"):
        list(measurements.compatibilities("tiny-resnet"))


SHIPPED = [path for path in places.MEASUREMENTS.glob("*.*.json") if not path.name.endswith(".layers.json")]


@pytest.mark.parametrize("path", sorted(SHIPPED), ids=lambda path: path.stem)
def test_shipped_measurements_keep_their_bytes(path, tmp_path, no_data):
    name = path.name.partition(".")[0]
    if path.name.endswith(".devices.json"):
        (found,) = measurements.compatibilities(name)
        written = measurements.save_devices(name, found, tmp_path)
    else:
        (evaluation,) = measurements.named(path.name)
        written = measurements.save(evaluation, tmp_path)
    assert written.read_bytes() == path.read_bytes()


def test_the_users_own_measurement_comes_first_but_not_for_another_file(no_data):
    measurements.save(EVALUATION, measurements.own())
    shipped = provenance.accuracy("tiny-resnet", "int8")
    assert shipped.n == 10_000
    own = replace(EVALUATION, artifact=shipped.artifact)
    measurements.save(own, measurements.own())
    assert provenance.accuracy("tiny-resnet", "int8") == own


def test_the_figure_of_another_build_is_marked(no_data):
    """A model that was built on this machine, with other bytes than the file that we measured."""
    cell = {row["Model name"]: row["Acc INT8"] for row in report().rows}
    for name in ("int8", "float32"):
        shipped = sidecar(places.ZOO / "visual-wake-word" / f"{name}.tflite")
        changed = json.loads(shipped.read_text()) | {"sha256": "0" * 64}
        write_json(no_data / "models/visual-wake-word" / shipped.name, changed)
    mark = " (measured on another build of the same recipe)"
    changed = {row["Model name"]: row["Acc INT8"] for row in report().rows}
    title = registry.model("visual-wake-word").title
    assert mark not in cell[title]
    assert changed[title].replace(mark, "") == cell[title] != changed[title]


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"model": 1}'])
def test_a_damaged_result_is_one_line(no_data, content):
    path = measurements.save(EVALUATION, measurements.own())
    path.write_text(content)
    with pytest.raises(BadFileError, match="Delete it and measure again"):
        measurements.evaluations("tiny-resnet")


def place() -> int:
    """Tiny ResNet's row of the Model List."""
    return [row["Model name"] for row in report().rows].index("Tiny ResNet")


def test_the_model_list_has_the_pages_columns(no_data):
    row = report().rows[place()]
    columns = (
        "Architecture|Backbone|Training dataset|Acc FP32|Acc INT8|Robustness|Input size|OPS|MParams|FP32 size|INT8 size"
    )
    assert list(row) == ["Model name", *columns.split("|"), "Compatibility"]
    assert "n = 10,000" in row["Acc INT8"]
    assert "NXP: 0.75" in row["Acc INT8"]
    assert row["OPS"].startswith("25.0M")
    assert "imx93: runs ok, NPU ok" in row["Compatibility"]


def test_a_number_whose_chain_does_not_verify_is_refused(no_data):
    """A model built on this machine from other weights than those that its sidecar names."""
    shipped = read_sidecar(places.ZOO / "visual-wake-word/float32.tflite")
    measured = provenance.accuracy("visual-wake-word", "float32")
    title = registry.model("visual-wake-word").title
    for weights, refused in ((shipped.inputs["weights"], False), ("f" * 64, True)):
        record = replace(shipped, sha256="0" * 64, inputs={"weights": weights})
        write_json(no_data / "models/visual-wake-word/float32.tflite.json", asdict(record))
        measurements.save(replace(measured, artifact="0" * 64), measurements.own())
        cell = next(row["Acc FP32"] for row in report().rows if row["Model name"] == title)
        assert cell.startswith("refused: the chain ends at float32.tflite") == refused


def test_show_model_follows_the_chain(no_data):
    shown = show_model("tiny-resnet")
    assert [[link.verb for link in file.chain] for file in shown.files] == [
        ["quantize", "convert", "train"],
        ["convert", "train"],
    ]


def test_markdown():
    assert table(["a", "b"], [["x|y", "1\n2"]]) == "| a | b |\n| --- | --- |\n| x\\|y | 1<br>2 |\n"
    assert megabytes(87_200) == "0.087 MB"
    assert megabytes(None) == "not built"
    assert accuracy(EVALUATION) == "0.7500 [0.301, 0.954], n = 4"


@pytest.mark.parametrize(
    ("correct", "n", "low", "high"),
    [(8719, 10_000, 0.86521, 0.87831), (0, 10, 0, 0.27753), (10, 10, 0.72247, 1), (1, 2, 0.09453, 0.90547)],
)
def test_wilson(correct, n, low, high):
    """Expected values from statsmodels 0.14, proportion_confint(method="wilson")."""
    assert wilson(correct, n) == pytest.approx((low, high), abs=1e-5)


def test_wilson_stays_a_share():
    """Of 419 of 419, rounding gave an upper end above 1, which no measurement may hold."""
    for n in range(1, 1000):
        assert 0 <= wilson(0, n)[0] < 1e-9
        assert 1 - 1e-9 < wilson(n, n)[1] <= 1
