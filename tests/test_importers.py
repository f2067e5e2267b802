"""Published weights in our networks: the same predictions as their source files, and clear errors."""

from __future__ import annotations

import csv
import os
import pickle
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import h5py
import numpy as np
import pytest
import torch
from ai_edge_litert import schema_py_generated as generated
from safetensors.torch import save_file
from torch import nn

import torchvision_stand_in
from eyespot.artifacts import atomic
from eyespot.errors import BadFileError, MissingExtraError
from eyespot.networks.inverted_residual import (
    efficientnet_lite0,
    efficientnet_lite1,
    efficientnet_lite2,
    mobilenet_v2,
    semnasnet_075,
)
from eyespot.networks.mobilenet_v1 import tf_slim, visual_wake_word
from eyespot.networks.resnet8 import ResNet8
from eyespot.preprocessing.image import decode, fit, to_real
from eyespot.preprocessing.spec import Preprocessing
from eyespot.tflite import run as running
from eyespot.tflite import schema
from eyespot.tflite.read import File, read
from eyespot.weights import keras, published, state_dicts, tflite_weights
from eyespot.weights.stand_in import fill_stand_in, smooth_images
from eyespot.zoo import registry
from eyespot.zoo.cards import Weights

Images = np.ndarray[Any, np.dtype[np.uint8]]


@pytest.fixture(scope="session")
def files(data_root: Path) -> Path:
    return data_root / "published"


@pytest.fixture(scope="session")
def people(data_root: Path) -> Images:
    """100 images of visual wake words, (100, 96, 96, 3)."""
    paths = sorted((data_root / "vww" / "vww01").glob("*.bin"))[::10]
    return np.stack([np.fromfile(path, np.uint8).reshape(96, 96, 3) for path in paths])


@pytest.fixture(scope="session")
def photographs(data_root: Path) -> tuple[list[Images], np.ndarray[Any, Any]]:
    """imagenet-like's test split: 200 images of 299 x 299, and their labels."""
    folder = data_root / "imagenet-like"
    with (folder / "labels.csv").open(encoding="utf-8") as file:
        rows = sorted(csv.DictReader(file), key=lambda row: row["file"])[100:]
    images = [decode(folder / "images" / row["file"], 3) for row in rows]
    return images, np.array([int(row["class_index"]) for row in rows])


def probabilities(network: nn.Module, images: list[Images] | Images, spec: Preprocessing) -> Any:
    """What a network makes of images: (n, classes)."""
    fitted = np.stack([fit(image, spec) for image in images]).astype(np.float32)
    x = torch.from_numpy(to_real(fitted, spec).astype(np.float32)).permute(0, 3, 1, 2)
    with torch.no_grad():
        return torch.cat([network.eval()(part) for part in x.split(50)]).softmax(-1).numpy()


def file_probabilities(path: Path, images: list[Images] | Images, spec: Preprocessing) -> Any:
    """What LiteRT makes of the same images with a file."""
    file = read(path)
    table, run = running.levels(spec, file.input), running.open_runner(file, "xnnpack")
    return np.stack([running.to_float(run(table[fit(image, spec)]), file.output) for image in images])


def agreement(a: Any, b: Any) -> float:
    return float((a.argmax(1) == b.argmax(1)).mean())


def loaded(network: nn.Module, load: Callable[[nn.Module, Path], None], path: Path) -> nn.Module:
    load(network, path)
    return network


# --- the same predictions as the source


@pytest.mark.slow
@pytest.mark.parametrize("name", ["vww_96.h5", "vww_96_float.tflite"])
def test_visual_wake_word_is_its_source(name: str, files: Path, people: Images) -> None:
    load = keras.load_layers if name.endswith(".h5") else tflite_weights.load_layers
    network = loaded(visual_wake_word(), load, files / name)
    spec = registry.model("visual-wake-word").preprocessing
    expected = file_probabilities(files / "vww_96_float.tflite", people, spec)
    np.testing.assert_allclose(probabilities(network, people, spec), expected, atol=1e-5)


def test_resnet8_is_the_same_from_either_format(files: Path) -> None:
    pixels = 255 * torch.rand(4, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    one = loaded(ResNet8(), keras.load_layers, files / "pretrainedResnet.h5").eval()
    other = loaded(ResNet8(), tflite_weights.load_layers, files / "pretrainedResnet.tflite").eval()
    with torch.no_grad():
        torch.testing.assert_close(one(pixels), other(pixels), atol=1e-3, rtol=1e-4)


@pytest.mark.slow
def test_per_channel_int8_is_its_source(files: Path, people: Images) -> None:
    path = files / "vww_96_int8.tflite"
    spec = registry.model("visual-wake-word").preprocessing
    network = loaded(visual_wake_word(), tflite_weights.load_layers, path)
    assert agreement(probabilities(network, people, spec), file_probabilities(path, people, spec)) >= 0.97


@pytest.mark.slow
@pytest.mark.parametrize(("name", "least"), [("mobilenet-v1", 0.88), ("mobilenet-v2", 0.95)])
def test_dequantised_mobilenets_agree(
    name: str, least: float, files: Path, photographs: tuple[list[Images], Any]
) -> None:
    card = registry.model(name)
    images, labels = photographs
    path = files / next(w.file for w in card.weights if w.stand_in)
    network = loaded(registry.imported(card.network)(), tflite_weights.load_layers, path)
    ours = probabilities(network, images, card.preprocessing)
    source = file_probabilities(path, images, card.preprocessing)[:, 1:]
    assert agreement(ours, source) >= least
    assert accuracy(ours, labels) == pytest.approx(accuracy(source, labels), abs=0.015)


def accuracy(outputs: Any, labels: Any) -> float:
    return float((outputs.argmax(1) == labels).mean())


@pytest.mark.slow
@pytest.mark.parametrize("number", [0, 1, 2])
def test_efficientnet_lite_classifies(number: int, photographs: tuple[list[Images], Any]) -> None:
    card = registry.model(f"efficientnet-lite{number}")
    network = registry.imported(card.network)()
    loaded(network, state_dicts.load_pth, published.locate(card.weights[0]))
    assert accuracy(probabilities(network, photographs[0], card.preprocessing), photographs[1]) >= 0.85


# --- the same logits as timm


@pytest.fixture(scope="session")
def timm() -> Any:
    """timm 1.0, installed with --no-deps, on a stand-in for torchvision."""
    torchvision_stand_in.install()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about timm's own insides
            import timm
    except ImportError:
        absent = pytest.fail if os.environ.get("CI") == "true" else pytest.skip
        absent("needs: pip install --no-deps 'timm==1.0.*'")
    return timm


PEERS = {
    "semnasnet_075": (semnasnet_075, {}),
    "mobilenetv2_100": (mobilenet_v2, {"pad_type": "same", "bn_eps": 1e-3}),
    "tf_efficientnet_lite0": (efficientnet_lite0, {}),
    "tf_efficientnet_lite1": (efficientnet_lite1, {}),
    "tf_efficientnet_lite2": (efficientnet_lite2, {}),
}


PIXELS = Preprocessing(height=224, width=224)


@pytest.mark.slow
@pytest.mark.parametrize("suffix", ["safetensors", "pth"])
@pytest.mark.parametrize("name", PEERS)
def test_logits_are_timms(name: str, suffix: str, timm: Any, tmp_path: Path) -> None:
    build, options = PEERS[name]
    theirs = timm.create_model(name, **options).eval()
    random = build()
    fill_stand_in(random, PIXELS, seed=3)
    theirs.load_state_dict(random.state_dict())
    path = tmp_path / f"weights.{suffix}"
    if suffix == "pth":
        torch.save(theirs.state_dict(), path)
    else:
        save_file(theirs.state_dict(), path)
    load = state_dicts.load_pth if suffix == "pth" else state_dicts.load_safetensors
    ours = loaded(build(), load, path).eval()
    x = smooth_images(2, PIXELS, torch.Generator().manual_seed(4))
    with torch.no_grad():
        expected, found = theirs(ours.front(x)), ours(x)
    assert expected.std() > 0.5
    torch.testing.assert_close(found, expected, atol=1e-4, rtol=0)


# --- one scale for the tensor, or one for each channel


def constant_file(values: np.ndarray[Any, Any], kind: int, **quantization: Any) -> File:
    """A file of one constant tensor."""
    tensor, buffer, q = generated.TensorT(), generated.BufferT(), generated.QuantizationParametersT()
    for name, value in quantization.items():
        setattr(q, name, value)
    tensor.name, tensor.type, tensor.buffer = b"w", kind, 0
    tensor.shape, tensor.quantization = values.shape, q if quantization else None
    buffer.data = np.frombuffer(values.tobytes(), np.uint8)
    model = SimpleNamespace(buffers=[buffer], subgraphs=[SimpleNamespace(tensors=[tensor])])
    return File(path=Path("x.tflite"), data=b"", model=model)


STORED = np.array([[1, 2], [3, 4]], np.int8)


def test_float_values_are_themselves() -> None:
    values = np.array([1.5, -2], np.float32)
    np.testing.assert_array_equal(tflite_weights.real_values(constant_file(values, 0), 0), values)


@pytest.mark.parametrize(
    ("quantization", "expected"),
    [
        ({"scale": [0.5], "zeroPoint": [1]}, [[0, 0.5], [1, 1.5]]),
        ({"scale": [0.5]}, [[0.5, 1], [1.5, 2]]),
        ({"scale": [1, 10], "zeroPoint": [0, 1], "quantizedDimension": 0}, [[1, 2], [20, 30]]),
        ({"scale": [1, 10], "zeroPoint": [0, 1], "quantizedDimension": 1}, [[1, 10], [3, 30]]),
    ],
)
def test_real_values(quantization: dict[str, Any], expected: list[list[float]]) -> None:
    file = constant_file(STORED, generated.TensorType.INT8, **quantization)
    np.testing.assert_allclose(tflite_weights.real_values(file, 0), expected)


@pytest.mark.parametrize(
    "quantization",
    [
        {},
        {"zeroPoint": [0]},
        {"scale": [1, 2, 3]},
        {"scale": [1, 2], "zeroPoint": [0]},
        {"scale": [1, 2], "quantizedDimension": 7},
    ],
)
def test_scales_that_do_not_fit(quantization: dict[str, Any]) -> None:
    file = constant_file(STORED, generated.TensorType.INT8, **quantization)
    with pytest.raises(BadFileError, match=r"x.tflite: tensor w: int8 with \d scales"):
        tflite_weights.real_values(file, 0)


def test_a_buffer_of_another_size() -> None:
    file = constant_file(STORED, generated.TensorType.INT32, scale=[1.0])
    with pytest.raises(BadFileError, match="does not hold what its type and shape say"):
        tflite_weights.real_values(file, 0)


# --- bad input: one line that names the file


def refuses(load: Callable[[nn.Module, Path], None], network: nn.Module, path: Path, reason: str) -> None:
    with pytest.raises(BadFileError, match=reason) as caught:
        load(network, path)
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("name", "build"), [("vww_96.h5", ResNet8), ("pretrainedResnet.h5", visual_wake_word)])
def test_keras_weights_of_another_model(name: str, build: Callable[[], nn.Module], files: Path) -> None:
    refuses(keras.load_layers, build(), files / name, "weights of another model")


def test_a_truncated_hdf5(files: Path, tmp_path: Path) -> None:
    path = tmp_path / "short.h5"
    path.write_bytes((files / "vww_96.h5").read_bytes()[:500_000])
    refuses(keras.load_layers, visual_wake_word(), path, "is not a whole HDF5 file")


def test_a_keras_layer_without_its_bias(files: Path, tmp_path: Path) -> None:
    path = tmp_path / "without.h5"
    path.write_bytes((files / "vww_96.h5").read_bytes())
    with h5py.File(path, "r+") as file:
        del file["model_weights/conv2d_3/conv2d_3/bias:0"]
    refuses(keras.load_layers, visual_wake_word(), path, "layer conv2d_3: bias is absent, expected 32")


@pytest.mark.parametrize(("name", "build"), [("mobilenet_v1_0.25_128_quant", mobilenet_v2), ("vww_96_float", tf_slim)])
def test_tflite_weights_of_another_model(name: str, build: Callable[[], nn.Module], files: Path) -> None:
    refuses(tflite_weights.load_layers, build(), files / f"{name}.tflite", "weights of another model")


def test_a_quantised_tflite_with_a_missing_scale(files: Path, tmp_path: Path) -> None:
    model = schema.unpack((files / "mobilenet_v1_0.25_128_quant.tflite").read_bytes())
    weights = model.subgraphs[0].operators[4].inputs[1]
    model.subgraphs[0].tensors[weights].quantization.scale = None
    path = tmp_path / "scaleless.tflite"
    path.write_bytes(schema.pack(model))
    refuses(tflite_weights.load_layers, tf_slim(), path, "uint8 with 0 scales")


class Malicious:
    def __reduce__(self) -> Any:
        return os.mkdir, ("executed",)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"not weights", "is not weights that torch.save wrote"),
        (b"", "is not weights that torch.save wrote"),
        (b"PK\x03\x04 cut short", "is not weights that torch.save wrote"),
        (pickle.dumps(Malicious()), "is not weights that torch.save wrote"),
    ],
)
def test_a_pth_that_is_not_one(content: bytes, reason: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "weights.pth"
    path.write_bytes(content)
    refuses(state_dicts.load_pth, ResNet8(), path, reason)
    assert not Path("executed").exists()


@pytest.mark.parametrize("content", [[1, 2], {"a": 1}, {1.5: torch.zeros(1)}])
def test_a_pth_without_a_state_dict(content: Any, tmp_path: Path) -> None:
    path = tmp_path / "weights.pth"
    torch.save(content, path)
    refuses(state_dicts.load_pth, ResNet8(), path, "expected a state dict")


def test_a_state_dict_of_another_model(tmp_path: Path) -> None:
    path = tmp_path / "weights"
    torch.save(visual_wake_word().state_dict(), path)
    refuses(state_dicts.load_pth, ResNet8(), path, "weights of another model")
    save_file(visual_wake_word().state_dict(), path)
    refuses(state_dicts.load_safetensors, ResNet8(), path, "weights of another model")


def test_truncated_safetensors(tmp_path: Path) -> None:
    path = tmp_path / "weights.safetensors"
    save_file(ResNet8().state_dict(), path)
    path.write_bytes(path.read_bytes()[:1000])
    refuses(state_dicts.load_safetensors, ResNet8(), path, "is not a whole safetensors file")


def linear_state(kind: torch.dtype) -> dict[str, torch.Tensor]:
    return {"weight": torch.eye(2).to(kind), "bias": torch.ones(2).to(kind)}


@pytest.mark.parametrize("save", [save_file, torch.save])
@pytest.mark.parametrize("kind", [torch.float64, torch.float16, torch.bfloat16, torch.float8_e4m3fn, torch.float8_e5m2])
def test_every_floating_point_type(kind: torch.dtype, save: Callable[..., None], tmp_path: Path) -> None:
    path = tmp_path / "weights"
    save(linear_state(kind), path)
    load = state_dicts.load_safetensors if save is save_file else state_dicts.load_pth
    layer = loaded(nn.Linear(2, 2), load, path)
    assert torch.equal(layer.weight, torch.eye(2))
    assert torch.equal(layer.bias, torch.ones(2))


@pytest.mark.parametrize("save", [save_file, torch.save])
@pytest.mark.parametrize("kind", [torch.int8, torch.bool, torch.complex64])
def test_types_that_are_not_weights(kind: torch.dtype, save: Callable[..., None], tmp_path: Path) -> None:
    path = tmp_path / "weights"
    save(linear_state(kind), path)
    load = state_dicts.load_safetensors if save is save_file else state_dicts.load_pth
    refuses(load, nn.Linear(2, 2), path, f"is {kind}, expected floating-point numbers")


@pytest.mark.parametrize("number", [torch.nan, torch.inf, -torch.inf])
def test_weights_that_are_not_finite(number: float, tmp_path: Path) -> None:
    path = tmp_path / "weights"
    save_file({"weight": torch.full((2, 2), number), "bias": torch.ones(2)}, path)
    refuses(state_dicts.load_safetensors, nn.Linear(2, 2), path, "weight holds numbers that are not finite")


@pytest.mark.parametrize(
    "pickled",
    [
        b"0.",  # pops from an empty stack: IndexError
        b"K.",  # cut short: struct.error
        b"}}K\x01s.",  # a dictionary as a key: TypeError
        b"ctorch\nFloatStorage\n)\x81.",
        b"K\x01Q.",  # a storage that is no tuple: AssertionError
    ],
)
def test_a_pickle_that_breaks_the_unpickler(pickled: bytes, tmp_path: Path) -> None:
    path, archive = tmp_path / "weights.pth", tmp_path / "whole.pth"
    torch.save({}, archive)
    with zipfile.ZipFile(archive) as whole, zipfile.ZipFile(path, "w") as broken:
        for name in whole.namelist():
            broken.writestr(name, b"\x80\x02" + pickled if name.endswith("data.pkl") else whole.read(name))
    refuses(state_dicts.load_pth, ResNet8(), path, "is not weights that torch.save wrote")


def hdf5(path: Path, name: str = "kernel:0", **options: Any) -> Path:
    with h5py.File(path, "w") as file:
        file.create_group("model_weights/dense/dense").create_dataset(name, **options)
    return path


def test_hdf5_of_strings(tmp_path: Path) -> None:
    refuses(keras.load_layers, nn.Linear(2, 3), hdf5(tmp_path / "a.h5", data=b"text"), "is not a whole HDF5 file")


def test_hdf5_of_whole_numbers(tmp_path: Path) -> None:
    path = hdf5(tmp_path / "a.h5", data=np.ones((2, 3), np.int8))
    refuses(keras.load_layers, nn.Linear(2, 3), path, "dense/kernel:0 is not floating-point numbers")


def test_hdf5_that_claims_a_petabyte(tmp_path: Path) -> None:
    path = hdf5(tmp_path / "a.h5", shape=(1 << 24, 1 << 24), chunks=(64, 64), dtype="f4")
    assert path.stat().st_size < 10_000
    refuses(keras.load_layers, nn.Linear(2, 3), path, "too large")


def test_hdf5_that_reads_another_file(tmp_path: Path) -> None:
    path = hdf5(tmp_path / "a.h5", shape=(2,), dtype="f4", external=[(__file__, 0, 8)])
    refuses(keras.load_layers, nn.Linear(2, 3), path, "in this file")


@pytest.mark.parametrize("name", [b"\xff", b"a/\x00"])
def test_hdf5_with_a_name_that_is_not_utf8(name: bytes, tmp_path: Path) -> None:
    path = hdf5(tmp_path / "a.h5", name="NAME", data=np.ones((2, 3), np.float32))
    path.write_bytes(path.read_bytes().replace(b"NAME", name.ljust(4, b"x")))
    refuses(keras.load_layers, nn.Linear(2, 3), path, "expected 1 dense layers, found 0|is not a whole HDF5")


# --- where published weights lie


def test_weights_of_a_package_that_is_not_installed() -> None:
    card = registry.model("efficientnet-lite0").weights[0]
    fields = {name: getattr(card, name) for name in Weights.__dataclass_fields__}
    with pytest.raises(MissingExtraError, match=r"\.\[weights\]"):
        published.locate(Weights(**fields | {"package": "no-such-package"}))


def test_weights_in_an_archive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import tarfile

    monkeypatch.setenv("EYESPOT_DATA", str(tmp_path))
    (tmp_path / "published").mkdir()
    (tmp_path / "a.tflite").write_bytes(b"the weights")
    archive = tmp_path / "published" / "a.tgz"
    with tarfile.open(archive, "w:gz") as opened:
        opened.add(tmp_path / "a.tflite", "./a.tflite")
    source = published.Download(url="https://x/a.tgz", digest=f"sha256:{atomic.digest_file(archive)}")
    weights = Weights(name="x", file="b.tflite", download=source, licence="", importer="", member="a.tflite")
    assert published.locate(weights).read_bytes() == b"the weights"
    archive.write_bytes(archive.read_bytes()[:20])
    with pytest.raises(BadFileError, match="expected the published file"):
        published.locate(weights)
