"""The data set cards. Each names the module that reads it; listing imports none of them."""

from eyespot.cards import Dataset, Download

CIFAR_10 = Dataset(
    name="cifar-10",
    title="CIFAR-10",
    classes=("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"),
    splits={"train": 45_000, "validation": 5_000, "test": 10_000},
    source="Krizhevsky, Learning Multiple Layers of Features from Tiny Images, 2009; "
    "https://www.cs.toronto.edu/~kriz/cifar.html, binary version",
    terms="No explicit licence.",
    download=Download(
        url="https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",
        digest="md5:c32a1d4ab5d03f1284b67883e8d87530",
    ),
    reader="eyespot.datasets.cifar10",
)

DATASETS = (CIFAR_10,)
