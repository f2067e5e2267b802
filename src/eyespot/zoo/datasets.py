"""The data set cards. Each names the module that reads it, so that listing imports none."""

from pathlib import Path

from eyespot.zoo.cards import Dataset, Download

# One class per line in label order, sorted by WordNet id as in torchvision and Keras. From timm 1.0.31,
# data/_info/imagenet_synsets.txt and imagenet_synset_to_lemma.txt (Apache-2.0). Each class has its first
# WordNet name. If two classes share it (ignoring case), they use the second name, if any. The two cranes
# have only one name, so the id is added to it.
_LINES = Path(__file__).with_name("imagenet_classes.csv").read_text("utf-8").splitlines()
IMAGENET_IDS, IMAGENET_CLASSES = zip(*(line.split(",") for line in _LINES), strict=True)

CIFAR_10 = Dataset(
    name="cifar-10",
    title="CIFAR-10",
    classes=("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"),
    splits={"train": 45_000, "validation": 5_000, "test": 10_000},
    source="Krizhevsky, Learning Multiple Layers of Features from Tiny Images, 2009; "
    "https://www.cs.toronto.edu/~kriz/cifar.html, binary version",
    terms="The publisher states no licence.",
    download=Download(
        url="https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",
        digest="md5:c32a1d4ab5d03f1284b67883e8d87530",
    ),
    reader="eyespot.data.cifar10",
    digest="5fdcf57d170bdbc7da569af1dabd64d7d3c7507e9e7aa861fc7b691d5355c232",  # of the six *.bin
)

FER2013 = Dataset(
    name="fer2013",
    title="FER2013",
    classes=("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral"),
    splits={"train": 28_709, "validation": 3_589, "test": 3_589},
    source="Goodfellow et al., Challenges in Representation Learning, 2013, arXiv:1307.0414; "
    "https://www.kaggle.com/datasets/msambare/fer2013; validation is PublicTest, test is PrivateTest",
    terms="Kaggle's terms. You may not redistribute it.",
    download=Download(url="https://www.kaggle.com/api/v1/datasets/download/msambare/fer2013", digest=""),
    reader="eyespot.data.fer2013",
    digest="ba23a043626a58bb104f5bf743f2127d5207f5adb6ab67f91f0f995381fa8f1e",  # of */*/*.jpg
)

VWW = Dataset(
    name="vww",
    title="Visual Wake Words",
    classes=("no person", "person"),
    splits={"train": None, "validation": None, "test": 1_000},
    source="Chowdhery et al., Visual Wake Words Dataset, 2019, arXiv:1906.05721; training and validation: "
    "Silicon Labs' vw_coco2014_96, made from COCO 2014; test: MLPerf Tiny's vww01",
    terms="Photographs from Flickr, each under its own terms. You may not redistribute them.",
    download=Download(
        url="https://www.silabs.com/public/files/github/machine_learning/benchmarks/datasets/vw_coco2014_96.tar.gz",
        digest="",
    ),
    reader="eyespot.data.vww",
    digest="6648685152323e20d967b976f773af56dafde3a23a0c52bd4a24f3c559b5df65",  # of vww01's *.bin, *.csv
)

IMAGENET = Dataset(
    name="imagenet",
    title="ImageNet (ILSVRC-2012)",
    classes=IMAGENET_CLASSES,
    splits={"train": None, "test": 50_000},
    source="Russakovsky et al., 2015, arXiv:1409.0575; https://image-net.org, which requires an account; "
    "test is the challenge's validation set",
    terms="Non-commercial research and education only. You may not redistribute it.",
    download=None,
    reader="eyespot.data.imagenet",
)

IMAGENET_LIKE = Dataset(
    name="imagenet-like",
    title="300 photographs with ImageNet labels",
    classes=IMAGENET_CLASSES,
    splits={"calibration": 100, "test": 200},
    source="The development set of the NIPS 2017 adversarial attacks and defences competition; "
    "easier than ImageNet, so accuracy on it is not ImageNet accuracy",
    terms="Each photograph is CC BY 2.0. labels.csv lists the authors and addresses.",
    download=None,
    reader="eyespot.data.imagenet_like",
    digest="1a9890ec089f36ad39f9c828f8db4109d7244eb5d4249b9bd970a4ec70f40413",  # of labels.csv, images/*.jpg
)

DATASETS = (CIFAR_10, FER2013, VWW, IMAGENET, IMAGENET_LIKE)
