"""TF-slim's MobileNetV1 and MobileNetV2, and MLPerf Tiny's visual wake word network."""

from eyespot.preprocessing.spec import Preprocessing
from eyespot.zoo.cards import Download, Model, Quantization, Reference, Weights
from eyespot.zoo.models.publishers import CORAL, IMAGENET_TERMS, MLPERF_TINY, nxp

_TFLITE = "eyespot.weights.tflite_weights:load_layers"


def _tf_slim_input(size: int) -> Preprocessing:
    """TF-slim's central crop of 87.5 %. With (pixel - 128) / 128, int8 files take exactly pixel - 128."""
    return Preprocessing(height=size, width=size, crop=0.875, mean=(128.0,), std=(128.0,))


def _tf_slim(name: str, url: str, sha384: str) -> Weights:
    """The float file in the archive of a TF-slim checkpoint."""
    return Weights(
        name="tf-slim",
        file=f"{name}.tflite",
        download=Download(url=url, digest=f"sha384:{sha384}"),
        licence="Apache-2.0",
        importer=_TFLITE,
        member=f"{name}.tflite",
    )


def _coral(name: str, sha256: str) -> Weights:
    """TF-slim's quantised file from Coral's repository, dequantised: a stand-in for development."""
    return Weights(
        name="tf-slim-quantised",
        file=f"{name}_quant.tflite",
        download=Download(url=f"{CORAL}/{name}_quant.tflite", digest=f"sha256:{sha256}"),
        licence="Apache-2.0",
        importer=_TFLITE,
        stand_in=True,
    )


def _slim_accuracy(quantity: str, value: str, page: str, date: str) -> Reference:
    """A figure from TF-slim's tables: ImageNet validation, one crop."""
    source = f"https://github.com/tensorflow/models/blob/master/research/slim/nets/{page}"
    return Reference(publisher="TF-slim", quantity=quantity, value=value, source=source, date=date)


MOBILENET_V1 = Model(
    name="mobilenet-v1",
    title="MobileNet V1",
    architecture="CNN",
    backbone="MobileNet V1",
    network="eyespot.networks.mobilenet_v1:tf_slim",
    data="imagenet",
    preprocessing=_tf_slim_input(128),
    recipe=None,
    quantization=Quantization(),
    parameters=475_544,
    operations=27_100_000,
    weights=(
        _tf_slim(
            "mobilenet_v1_0.25_128",
            "http://download.tensorflow.org/models/mobilenet_v1_2018_08_02/mobilenet_v1_0.25_128.tgz",
            "274f37d5b52f2291d78e438a9d780b19a8f379a1bb83d649c27780ce38e33365ca331405b06f103edc1852e214235169",
        ),
        _coral("mobilenet_v1_0.25_128", "cb273c23ee76374b05b9583177e28aa19744858a7679c56a250e83d0333da785"),
    ),
    references=(
        *nxp(
            float32="0.41",
            int8="0.39",
            operations="28M",
            parameters="0.47",
            float32_size="1.88MB",
            int8_size="0.47MB",
            compatibility="i.MX 8M Plus, i.MX 93, i.MX RT1170, i.MX RT1050",
        ),
        _slim_accuracy("top-1 float32", "0.415", "mobilenet_v1.md", "2018-02-22"),
        _slim_accuracy("top-1 int8, trained for it", "0.399", "mobilenet_v1.md", "2018-02-22"),
    ),
    paper="Howard et al., MobileNets: Efficient Convolutional Neural Networks for Mobile Vision "
    "Applications, arXiv:1704.04861",
    licence="Apache-2.0",
    terms=IMAGENET_TERMS,
    differs="NXP quotes the publisher's figures. NXP's example, as written, reads BGR, lets white pixels "
    "wrap to black and takes no central crop. Each of these costs accuracy.",
)

VISUAL_WAKE_WORD = Model(
    name="visual-wake-word",
    title="Visual Wake Word",
    architecture="CNN",
    backbone="MobileNet V1",
    network="eyespot.networks.mobilenet_v1:visual_wake_word",
    data="vww",
    preprocessing=Preprocessing(height=96, width=96, std=(255.0,)),
    recipe=None,
    quantization=Quantization(ranges="percentile"),  # see docs/quantization.md
    parameters=221_794,
    operations=15_000_000,
    weights=(
        Weights(
            name="mlperf-tiny-tflite",
            file="vww_96_float.tflite",
            download=Download(
                url=f"{MLPERF_TINY}/visual_wake_words/trained_models/vww_96_float.tflite",
                digest="sha256:115bbc094d2119561320a21f01b6500a18bea8cc8589282ab007097bec8af38c",
            ),
            licence="Apache-2.0",
            importer=_TFLITE,
        ),
        Weights(
            name="mlperf-tiny",
            file="vww_96.h5",
            download=Download(
                url=f"{MLPERF_TINY}/visual_wake_words/trained_models/vww_96.h5",
                digest="sha256:af9111d50e6e85b2f2123345e0316ef1c384865ebf6b06340ddac7e66017450f",
            ),
            licence="Apache-2.0",
            importer="eyespot.weights.keras:load_layers",
        ),
    ),
    references=(
        *nxp(
            float32="0.75",
            int8="0.75",
            operations="15M",
            parameters="0.221",
            float32_size="0.846MB",
            int8_size="0.326MB",
            compatibility="MCX N947, i.MX 8M Plus, i.MX 93",
        ),
        Reference(
            publisher="MLPerf Tiny",
            quantity="top-1 int8, at least",
            value="0.80",
            source="mlcommons/tiny, benchmark/MLPerfTiny_Rules.adoc",
            date="2021",
        ),
        Reference(
            publisher="Silicon Labs MLTK",
            quantity="top-1 float32, same network and data, own weights",
            value="0.854",
            source="SiliconLabs/mltk, mltk/models/tinyml/visual_wake_words.py",
            date="2022",
        ),
        Reference(
            publisher="Silicon Labs MLTK",
            quantity="top-1 int8, same network and data, own weights",
            value="0.850",
            source="SiliconLabs/mltk, mltk/models/tinyml/visual_wake_words.py",
            date="2022",
        ),
    ),
    paper="Chowdhery et al., Visual Wake Words Dataset, arXiv:1906.05721; Banbury et al., MLPerf Tiny "
    "Benchmark, arXiv:2106.07597",
    licence="Apache-2.0",
    terms="Trained on COCO. Its annotations are CC BY 4.0. Its photographs are under the terms of Flickr and "
    "of their authors.",
    differs="NXP's published example output is what MLPerf Tiny's int8 file returns for the example picture "
    "in BGR. The network was trained on RGB. An accuracy of 0.75 is consistent with swapped channels.",
)

MOBILENET_V2 = Model(
    name="mobilenet-v2",
    title="Mobilenet V2",
    architecture="CNN",
    backbone="MobileNet V2",
    network="eyespot.networks.mobilenet_v2:mobilenet_v2",
    data="imagenet",
    preprocessing=_tf_slim_input(224),
    recipe=None,
    quantization=Quantization(),
    parameters=3_538_984,
    operations=608_000_000,
    weights=(
        _tf_slim(
            "mobilenet_v2_1.0_224",
            "https://storage.googleapis.com/mobilenet_v2/checkpoints/mobilenet_v2_1.0_224.tgz",
            "061da971be19c9fa185be494c7cd567ac8798bd14847f80c83afd9f4ffb2096343b4f5911fa227fe659c8d6684478822",
        ),
        _coral("mobilenet_v2_1.0_224", "7aad0c74c5e3c06e5eb3c827e13304fdd68a83da6087d92ee169c24ff9fd4776"),
    ),
    references=(
        *nxp(
            float32="0.66",
            int8="0.64",
            operations="608M",
            parameters="3.539",
            float32_size="13.7MB",
            int8_size="3.9MB",
            compatibility="i.MX 8MP, i.MX 93",
        ),
        _slim_accuracy("top-1 float32", "0.718", "mobilenet/README.md", "2018"),
    ),
    paper="Sandler et al., MobileNetV2: Inverted Residuals and Linear Bottlenecks, CVPR 2018, "
    "arXiv:1801.04381",
    licence="Apache-2.0",
    terms=IMAGENET_TERMS,
    differs="NXP's recipe normalises in three different ways (to [-1, 1], to [0, 1] and not at all). It "
    "calibrates on test images that the float model classifies correctly. NXP's page of the model says "
    "0.718, its list 0.66.",
)
