"""A folder for a model repository on the Hugging Face Hub: card with metadata, results, files, contract."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml

from eyespot.artifacts.atomic import write
from eyespot.artifacts.measurements import Accuracy, Evaluation
from eyespot.artifacts.model_folder import sidecar
from eyespot.errors import RefusedError
from eyespot.escaping import file_name, markdown
from eyespot.exports.folder import write_folder
from eyespot.preprocessing.spec import Contract
from eyespot.reports.model_card import model_card
from eyespot.reports.page.gather import Subject, gather
from eyespot.tflite.read import File
from eyespot.zoo import registry
from eyespot.zoo.cards import Model
from eyespot.zoo.provenance import stand_in

LIBRARY, TASK = "tflite", "image-classification"
TAGS = ["tflite", "litert", "int8", "microcontroller", "embedded", "eyespot"]
THIS, OTHER = "measured on this file", "measured on another build of the same recipe"
USE = """## Use

`classify.py` needs `ai-edge-litert`, `numpy` and `Pillow`, and no eyespot:

```bash
python classify.py PICTURE
```

`contract.json` says how a picture becomes the input; `labels.txt` names the outputs. `eyespot export {file} --to c`
writes C source for a microcontroller.
"""


def write_hub(
    model: str, file: File, contract: Contract, folder: Path, *, min_confidence: float = 0.0
) -> tuple[Path, ...]:
    """Write the folder of MODEL, which is `file`, whose exports have this `contract`.

    It has the files of `write_folder`, both model files with sidecars, README.md with the Hub's metadata, and
    `.eval_results/DATA.PRECISION.yaml` for accuracies on data sets that the Hub has whole. RefusedError for
    stand-in weights and for a model that is not from the zoo.
    """
    s = gather(model)
    if s.card is None:
        raise RefusedError(f"{model}: expected a model of the zoo or one trained from it; the card says from where")
    if name := next(filter(None, (stand_in(part.chain[0]) for part in s.parts if part.chain)), ""):
        raise RefusedError(f"{model}: is made of stand-in weights ({name}), so it is not for others")
    written = list(write_folder(file, contract, folder, min_confidence=min_confidence))
    for each in (part.file for part in s.parts if part.file):
        written.append(write(folder / each.path.name, each.data))
        beside = sidecar(each.path)
        written += [write(folder / beside.name, beside.read_bytes())] if beside.is_file() else []
    written.append(write(folder / "README.md", _readme(s, s.card, contract)))
    written += [
        write(folder / ".eval_results" / f"{file_name(e.data)}.{file_name(e.precision)}.yaml", _dumped(_result(e)))
        for e in _measured(s)
        if _hub_name(e)
    ]
    return tuple(dict.fromkeys(written))


def _measured(s: Subject) -> Iterator[Evaluation]:
    """Of each file and data set the most telling accuracy on images as they are."""
    for part in s.parts:
        clean = {(e.data, e.split): e for e in reversed(part.evaluations) if not e.under}
        yield from reversed(clean.values())


def _hub_name(e: Evaluation) -> str:
    return registry.dataset(e.data).hub if registry.is_named(e.data) else ""


def _readme(s: Subject, card: Model, contract: Contract) -> str:
    """Metadata in YAML, how to use the files, and the model card."""
    ours = {part.sha256 for part in s.parts}
    accuracies = [Accuracy(evaluation=e, origin=THIS if e.artifact in ours else OTHER) for e in _measured(s)]
    records = [part.chain[0] for part in s.parts if part.chain]
    text = model_card(replace(contract, model=card.name), records, accuracies, s.compatibility).partition("\n")[2]
    about, _, sections = text.partition("\n## ")
    use = USE.format(file=s.main.name)
    head = f"---\n{_dumped(_metadata(s, card, contract))}---\n\n# {markdown(contract.model)}\n"
    return f"{head}{about}\n{use}\n## {sections}"


def _metadata(s: Subject, card: Model, contract: Contract) -> dict[str, Any]:
    """What the Hub reads. Weights that your pictures trained get no licence: only you can give one."""
    own = any("training_images" in link.facts for part in s.parts for link in part.chain)
    data = registry.dataset(card.data).hub
    results = [_indexed(e) for e in _measured(s)]
    return {
        **({} if own else {"license": card.licence.lower()}),
        "library_name": LIBRARY,
        "pipeline_tag": TASK,
        "tags": TAGS,
        **({"datasets": [data]} if data and not own else {}),
        "metrics": ["accuracy"],
        **({"model-index": [{"name": contract.model, "results": results}]} if results else {}),
    }


def _indexed(e: Evaluation) -> dict[str, Any]:
    """An accuracy as the card's metadata holds it."""
    facts = {"n": e.n, "low": e.low, "high": e.high, "kernels": e.kernels, "sha256": e.artifact, "command": e.command}
    return {
        "task": {"type": TASK},
        "dataset": {
            "type": _hub_name(e) or e.data,
            "name": registry.dataset(e.data).title if registry.is_named(e.data) else e.data,
            "split": e.split,
            "args": {"sha256": e.data_digest},
        },
        "metrics": [
            {"type": "accuracy", "value": e.top1, "name": f"top-1, {e.precision}", "args": facts}
        ],
    }  # fmt: skip


def _result(e: Evaluation) -> list[dict[str, Any]]:
    """An accuracy as `.eval_results` holds it. Its `revision` is a commit of the Hub's copy, which was not used."""
    notes = (
        f"top-1 of the {e.precision} file, sha256 {e.artifact}; {e.kernels} kernels; 95 % interval "
        f"{e.low:.4f} to {e.high:.4f}, n = {e.n}, {e.split} split; data sha256 {e.data_digest}; {e.command}"
    )
    return [{"dataset": {"id": _hub_name(e), "task_id": TASK}, "value": e.top1, "notes": notes}]


def _dumped(value: Any) -> str:
    return yaml.safe_dump(value, sort_keys=False, allow_unicode=True, width=120)
