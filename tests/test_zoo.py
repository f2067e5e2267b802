"""Every card against every promise: a new model is tested the moment it is listed."""

from __future__ import annotations

import re

import numpy as np
import pytest

from bars import ARENAS, FORBIDDEN, SIZES, VELA_CYCLES
from eyespot.artifacts import measurements, places
from eyespot.artifacts.model_folder import ModelFolder, read_sidecar
from eyespot.artifacts.reliability import reliabilities
from eyespot.artifacts.training_cost import training_cost
from eyespot.data import catalogue
from eyespot.data.used import HASHES, LIST
from eyespot.devices import devices
from eyespot.errors import MissingDataError, UnknownNameError
from eyespot.preprocessing.synthetic import picture
from eyespot.tflite import run
from eyespot.tflite.read import read
from eyespot.verbs.check import check
from eyespot.zoo import provenance, registry
from eyespot.zoo.datasets import DATASETS
from eyespot.zoo.models import MODELS

NAMES = tuple(card.name for card in devices())
OPERATORS = {"tiny-resnet": 15}

cards = pytest.mark.parametrize("card", MODELS, ids=lambda card: card.name)
SHIPPED = [card for card in MODELS if registry.ships(card.name)]
shipped = pytest.mark.parametrize("card", SHIPPED, ids=lambda card: card.name)
files = pytest.mark.parametrize(
    "file",
    [read(registry.find(f"{card.name}:{precision}")) for card in SHIPPED for precision in ("float32", "int8")],
    ids=lambda file: f"{file.path.parent.name}-{file.path.stem}",
)


def test_model_is_a_name_a_folder_or_a_path(tmp_path):
    home = registry.home("tiny-resnet")
    (tmp_path / "a:b").mkdir()
    copied = tmp_path / "a:b" / "c:d.tflite"
    copied.write_bytes((home / "int8.tflite").read_bytes())
    for text, path in {
        "tiny-resnet": home / "int8.tflite",
        "tiny-resnet:float32": home / "float32.tflite",
        f"{home}": home / "int8.tflite",
        f"{home}/:float32": home / "float32.tflite",
        f"{copied}": copied,
    }.items():
        folder, file = registry.open_model(text)
        assert (file.path, folder.path) == (path, path.parent)
        assert folder.file(path.name) is file
    assert registry.open_model("tiny-resnet", "float32")[1].precision == "float32"


@pytest.mark.parametrize(
    ("text", "kind", "message"),
    [
        ("mine/", MissingDataError, "mine/: no such folder"),
        ("here/mine", MissingDataError, "here/mine: no such folder"),
        ("mine/int8.tflite", MissingDataError, "mine/int8.tflite: no such file"),
        ("tiny-resnet:flaot32", UnknownNameError, r"precision \(int8 or float32\) is called 'flaot32'"),
        ("tiny-resnet:", UnknownNameError, r"precision \(int8 or float32\) is called ''"),
        ("tiny-resnt", UnknownNameError, "did you mean tiny-resnet"),
        (".", MissingDataError, r"int8.tflite: no such file; eyespot quantize \."),
        (".:float32", MissingDataError, r"float32.tflite: no such file; eyespot convert MODEL --out \."),
    ],
)
def test_a_model_that_is_not_there(text, kind, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(kind, match=message):
        registry.find(text)


def test_something_ships():
    assert SHIPPED


@cards
def test_names_and_sources(card):
    assert re.fullmatch(r"[a-z0-9-]+", card.name)
    assert catalogue.dataset(card.data) in DATASETS
    assert card.paper
    assert card.licence
    assert card.terms
    for reference in card.references:
        assert re.fullmatch(r"\d{4}(-\d{2}){0,2}", reference.date)
        assert reference.source


@cards
def test_published_weights_are_pinned(card):
    for weights in card.weights:
        source, revision = weights.download, re.search(r"/[0-9a-f]{40}/", weights.download.url)
        algorithm, _, value = source.digest.partition(":")
        assert len(value) == {"sha256": 64, "sha384": 96, "": 0}[algorithm]
        assert source.digest or revision or weights.package, "neither a digest nor a fixed revision"
        assert weights.licence
        assert ":" in weights.importer


@cards
def test_parameters(card):
    pytest.importorskip("torch")
    from tiny_network import count_parameters

    network = registry.imported(card.network)(len(catalogue.dataset(card.data).classes))
    assert count_parameters(network) == card.parameters


@files
def test_contract_is_the_cards(file):
    assert file.contract == registry.contract(file.path.parent.name)


@files
def test_operations(file):
    card = registry.model(file.path.parent.name)
    assert file.operations == pytest.approx(card.operations, rel=0.05)


@files
def test_operators(file):
    assert not set(file.operators) & FORBIDDEN
    assert len(file.operators) <= OPERATORS.get(file.path.parent.name, 1000)
    assert file.external_buffers == 0


@cards
def test_sizes(card, no_data):
    """Of the files that ship, and of those that were built from published weights."""
    for precision, most in zip(("float32", "int8"), SIZES[card.name], strict=True):
        record = provenance.record(card.name, precision)
        assert record.facts["bytes"] <= most
        assert record.facts["operations"] == pytest.approx(card.operations, rel=0.05)


@cards
def test_every_int8_file_was_compiled_with_no_operator_on_the_cpu(card, no_data):
    found = {c.device: c for c in provenance.compatibility(card.name)}
    assert tuple(found) == NAMES
    assert {c.file for c in found.values()} == {provenance.record(card.name, "int8").sha256}
    compiled = next(f for f in found["imx93"].findings if f.check == "npu operators")
    assert compiled.quantities["cpu"].value == 0 < compiled.quantities["npu"].value
    for c in found.values():
        assert c.runs.reason
        assert c.npu is None or c.npu.reason


@pytest.mark.parametrize("name", ARENAS)
def test_arenas_and_cycles_are_no_more_than_others(name, no_data):
    found = {c.device: c for c in provenance.compatibility(name)}
    arena = next(f for f in found["cortex-m"].findings if f.check == "arena")
    assert arena.quantities["used"].value <= ARENAS[name]
    latency = next(f for f in found["imx93"].findings if f.check == "npu latency")
    assert latency.quantities["cycles"].value <= VELA_CYCLES[name]


@files
def test_chain_verifies_down_to_the_data(file):
    links = ModelFolder(file.path.parent).chain(file.path.name)
    assert links[0] == read_sidecar(file.path)
    assert [link.verb for link in links][-2:] == ["convert", "train"]
    assert set(links[-1].inputs) == {"train"}


@shipped
def test_int8_takes_pixel_minus_128(card):
    file = read(registry.find(card.name))
    assert (file.input.dtype, file.output.dtype) == ("int8", "int8")
    assert run.levels(card.preprocessing, file.input).tolist() == list(range(-128, 128))


@shipped
def test_int8_follows_float32_on_generated_pictures(card):
    spec, shares = card.preprocessing, []
    pictures = [picture(i, spec.height, spec.width, spec.channels) for i in range(200)]
    for precision in ("float32", "int8"):
        file = read(registry.find(f"{card.name}:{precision}"))
        encode, answer = run.encoder(file, file.contract), run.open_runner(file, "xnnpack")
        shares.append(np.stack([run.to_float(answer(encode(p)), file.output) for p in pictures]))
    assert np.abs(shares[0] - shares[1]).mean() < 0.02


@shipped
def test_tflm_answers_as_the_reference_kernels(card):
    file = read(registry.find(card.name))
    encode, spec = run.encoder(file, file.contract), card.preprocessing
    reference, tflm = (run.open_runner(file, kernels) for kernels in ("reference", "tflm"))
    tensors = [encode(picture(i, spec.height, spec.width, spec.channels)) for i in range(20)]
    assert np.array_equal([reference(t) for t in tensors], [tflm(t) for t in tensors])


@shipped
def test_devices(card):
    found = {c.device: c for c in check(card.name)}
    assert found["imx93"].npu.status == "ok"
    assert found["linux-arm64"].runs.status == "ok"
    assert {name for name, c in found.items() if c.runs.status != "ok"} <= {"imxrt700"}  # 1 MiB for the file


@shipped
def test_shipped_measurements_are_of_the_shipped_files(card, no_data):
    digests = {read(p).sha256 for p in (places.ZOO / card.name).glob("*.tflite")}
    measured = measurements.evaluations(card.name)
    assert {(e.precision, e.kernels) for e in measured} >= {("float32", "xnnpack"), ("int8", "xnnpack")}
    assert {e.artifact for e in measured} <= digests
    assert {c.file for c in provenance.compatibility(card.name)} == {read(registry.find(card.name)).sha256}


@shipped
def test_measurements_add_up(card, no_data):
    for e in measurements.evaluations(card.name):
        assert e.n == sum(images for _, _, images in e.confusion) == catalogue.dataset(e.data).splits[e.split]
        assert e.correct == sum(images for i, j, images in e.confusion if i == j)
        assert e.top1 == e.correct / e.n
        assert e.low <= e.top1 <= e.high
        assert e.low < e.high
        assert sorted(e.per_class) == sorted(catalogue.dataset(e.data).classes)


@cards
def test_int8_costs_little(card, no_data):
    """0.003 where we trained it, half a point on 1,000 images or more, a point on 500, a point and a half on few."""
    pairs = [
        [provenance.accuracy(card.name, precision, data) for precision in ("float32", "int8")]
        for data in provenance.alike(card.name)
    ]
    pairs = [pair for pair in pairs if all(pair)]
    assert bool(pairs) != bool(provenance.untrained(provenance.record(card.name, "int8")))
    for float32, int8 in pairs:
        n = float32.n
        allowed = 0.003 if registry.ships(card.name) else 0.005 if n >= 1000 else 0.01 if n >= 500 else 0.015
        assert int8.top1 >= float32.top1 - allowed - 1e-9


@cards
def test_calibration_errors_are_of_the_measured_files(card, no_data):
    """On the same images as an accuracy, and at most 0.05 where a temperature can be fitted."""
    measured = {(e.artifact, e.data_digest): e.n for e in measurements.evaluations(card.name)}
    digests = {d for precision in registry.PRECISIONS for d in provenance.digests(card.name, precision)}
    found = reliabilities(card.name, digests)
    assert {(r.artifact, r.data_digest): r.n for r in found} == {key: measured[key] for key in measured}
    assert all(r.fitted.error <= 0.05 for r in found if r.fitted)
    assert all(bool(r.fitted) == registry.ships(card.name) for r in found)  # others may know our validation images


@shipped
def test_the_cost_of_training_is_of_the_shipped_weights(card, no_data):
    weights = read_sidecar(places.ZOO / card.name / "float32.tflite").inputs["weights"]
    cost = training_cost(card.name, {weights})
    assert cost.time.value > 0
    assert cost.machine


@pytest.mark.parametrize(
    ("name", "float32", "int8"),
    [
        ("tiny-resnet", 0.905, 0.903),
        ("resnet8-large", 0.930, 0.929),
        ("deepface-emotion", 0.675, 0.674),
    ],
)
def test_what_we_trained_reaches_its_bars(name, float32, int8, no_data):
    assert provenance.accuracy(name, "float32").top1 >= float32
    assert provenance.accuracy(name, "int8").top1 >= int8


def test_nothing_of_the_publishers_ships():
    suffixes = {".h5", ".pth", ".jpg", ".bin", ".npz", ".safetensors"}
    shipped = [path.name for path in places.PACKAGE.rglob("*") if path.suffix in suffixes]
    assert set(shipped) <= {LIST, HASHES, "fer2013-repeats.bin"}, "digests and hashes are ours"
