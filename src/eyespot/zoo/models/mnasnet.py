"""MnasNet-A1, width 0.75."""

from eyespot.preprocessing.spec import Preprocessing
from eyespot.zoo.cards import Download, Model, Quantization, Reference, Weights
from eyespot.zoo.models.publishers import IMAGENET_TERMS, nxp

MNASNET = Model(
    name="mnasnet",
    title="MNasNet",
    architecture="CNN",
    backbone="custom",
    network="eyespot.networks.mnasnet:semnasnet_075",
    data="imagenet",
    preprocessing=Preprocessing(height=224, width=224, crop=0.875),
    recipe=None,
    quantization=Quantization(),
    parameters=2_939_110,
    operations=447_000_000,
    weights=(
        Weights(
            name="timm",
            file="semnasnet_075.rmsp_in1k.safetensors",
            download=Download(
                url="https://huggingface.co/timm/semnasnet_075.rmsp_in1k/resolve/"
                "7f0eeb7b4f7f87ddd1f33a1988a9a8ed3c78ef90/model.safetensors",
                digest="",
            ),
            licence="Apache-2.0",
            importer="eyespot.weights.state_dicts:load_safetensors",
        ),
    ),
    references=(
        *nxp(
            float32="0.77",
            int8="0.77",
            operations="447M",
            parameters="2.9M",
            float32_size="11.4MB",
            int8_size="3.3MB",
            compatibility="i.MX 8MP",
        ),
        Reference(
            publisher="TensorFlow TPU",
            quantity="top-1 float32, MnasNet-A1 0.75, weights of its authors",
            value="0.733",
            source="https://github.com/tensorflow/tpu/blob/master/models/official/mnasnet/README.md",
            date="2018",
        ),
    ),
    paper="Tan et al., MnasNet: Platform-Aware Neural Architecture Search for Mobile, CVPR 2019, "
    "arXiv:1807.11626",
    licence="Apache-2.0",
    terms=IMAGENET_TERMS,
    differs="0.77 cannot be this file's ImageNet accuracy. Its authors report 0.733 for width 0.75. They "
    "report 0.752, which NXP's page of the model quotes, for width 1.0. NXP's recipe loads an easier variant "
    "of ImageNet. NXP's OPS count symmetric padding. Ours are 4 % higher because we avoid PAD operators.",
)
