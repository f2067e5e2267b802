"""The public names; `__init__.py` imports each when it is first used."""

from .artifacts.benchmarks import (
    Benchmark as Benchmark,
    Latency as Latency,
    Machine as Machine,
    OperatorTime as OperatorTime,
)
from .artifacts.measurements import (
    Compatibility as Compatibility,
    Evaluation as Evaluation,
    Finding as Finding,
)
from .artifacts.model_folder import Artifact as Artifact
from .data.inspected import (
    Broken as Broken,
    Copies as Copies,
    Doubt as Doubt,
    Inspection as Inspection,
)
from .devices import Device as Device
from .errors import (
    BadArgumentError as BadArgumentError,
    BadFileError as BadFileError,
    EyespotError as EyespotError,
    MissingDataError as MissingDataError,
    MissingExtraError as MissingExtraError,
    RefusedError as RefusedError,
    StoppedError as StoppedError,
    ToolCrashedError as ToolCrashedError,
    ToolDiedError as ToolDiedError,
    ToolMemoryError as ToolMemoryError,
    ToolStartError as ToolStartError,
    ToolTimeError as ToolTimeError,
    UnfitError as UnfitError,
    UnknownNameError as UnknownNameError,
)
from .evaluation.diagnosis import (
    Alternative as Alternative,
    Diagnosis as Diagnosis,
    Found as Found,
    Mistake as Mistake,
)
from .evaluation.prediction import Prediction as Prediction, Threshold as Threshold
from .preprocessing.spec import (
    Confidence as Confidence,
    Contract as Contract,
    Preprocessing as Preprocessing,
)
from .quantity import Quantity as Quantity
from .verbs.bench import bench as bench
from .verbs.check import check as check
from .verbs.compile import compile_for as compile_for
from .verbs.convert import convert as convert
from .verbs.doctor import doctor as doctor
from .verbs.evaluate import evaluate as evaluate
from .verbs.export import export as export
from .verbs.fetch import fetch as fetch
from .verbs.inspect import inspect as inspect
from .verbs.list import list_models as list_models
from .verbs.make import make as make
from .verbs.measure import measure as measure
from .verbs.predict import predict as predict
from .verbs.quantize import quantize as quantize
from .verbs.report import report as report
from .verbs.show import show as show
from .verbs.site import write_site as write_site
from .verbs.train import train as train
from .verbs.verify import verify as verify
from .zoo.cards import (
    Dataset as Dataset,
    Model as Model,
    Quantization as Quantization,
    Recipe as Recipe,
    Reference as Reference,
    Weights as Weights,
)

__version__: str
