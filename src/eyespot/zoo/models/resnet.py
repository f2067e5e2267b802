"""Tiny ResNet: the residual network of MLPerf Tiny's image classification benchmark."""

from eyespot.preprocessing.spec import Preprocessing
from eyespot.zoo.cards import Augmentation, Download, Model, Quantization, Recipe, Reference, Teacher, Weights
from eyespot.zoo.models.publishers import MLPERF_TINY, nxp

TINY_RESNET = Model(
    name="tiny-resnet",
    title="Tiny ResNet",
    architecture="CNN",
    backbone="ResNet",
    network="eyespot.networks.resnet8:ResNet8",
    data="cifar-10",
    preprocessing=Preprocessing(height=32, width=32),
    recipe=Recipe(
        epochs=140,
        batch=128,
        peak=0.2,
        warmup=0.15,
        momentum=0.9,
        weight_decay=1e-4,
        averaging=0.999,
        label_smoothing=0.0,
        augmentation=Augmentation(shift=4, flip=True, jpeg=0.1),
        teacher=Teacher(
            network="eyespot.networks.wide:Wide",
            recipe=Recipe(
                epochs=14,
                batch=128,
                peak=0.1,
                warmup=0.25,
                momentum=0.9,
                weight_decay=5e-4,
                averaging=0.99,
                label_smoothing=0.0,
                augmentation=Augmentation(shift=4, flip=True),
            ),
            temperature=4.0,
            weight=0.6,
            views=8,
        ),
    ),
    quantization=Quantization(ranges="percentile"),  # on validation images: docs/quantization.md
    parameters=78_666,
    operations=25_000_000,
    weights=(
        Weights(
            name="mlperf-tiny",
            file="pretrainedResnet.h5",
            download=Download(
                url=f"{MLPERF_TINY}/image_classification/trained_models/pretrainedResnet.h5",
                digest="sha256:5f938a8eea605438cc7360aa13c987bc6d7bd0c8d931b2917361ae7ae4eeda2f",
            ),
            licence="Apache-2.0",
            importer="eyespot.weights.keras:load_layers",
        ),
    ),
    references=(
        *nxp(
            float32="0.87",
            int8="0.75",
            operations="25M",
            parameters="0.078",
            float32_size="0.31MB",
            int8_size="0.097MB",
            compatibility="MCX N947, i.MX 8M Plus, i.MX 93",
        ),
        Reference(
            publisher="MLPerf Tiny",
            quantity="top-1 float32",
            value="0.872",
            source="https://github.com/mlcommons/tiny/pull/116",
            date="2022-06-01",
        ),
        Reference(
            publisher="MLPerf Tiny",
            quantity="top-1 int8",
            value="0.870",
            source="https://github.com/mlcommons/tiny/pull/116",
            date="2022-06-01",
        ),
    ),
    paper="Banbury et al., MLPerf Tiny Benchmark, NeurIPS 2021 Datasets and Benchmarks, arXiv:2106.07597",
    licence="Apache-2.0",
    terms="We trained the weights; they are Apache-2.0. The publisher of the training data, CIFAR-10, states "
    "no licence.",
    differs="NXP reports 0.75 for int8. MLPerf Tiny's float32 and int8 files both have that accuracy on "
    "copies of CIFAR-10 that were compressed as JPEG. On CIFAR-10 itself, quantization costs tenths of a "
    "point.",
)
