"""What a run of `eyespot train NAME` took, from its run.csv and those of its teacher.

    python benchmarks/training_cost.py RUN_FOLDER CORES MACHINE [TEACHER_FOLDER [CORES]]

CORES is on how many cores it ran, the mean over its time if that changed. Writes measurements/training/NAME.json of
the package, which the model's card shows if these weights ship. Each line of run.csv says how many images a second an
epoch trained on, the teacher's answers included; validation is not counted.
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from eyespot.artifacts import places
from eyespot.artifacts.atomic import write_json
from eyespot.artifacts.model_folder import WEIGHTS, read_sidecar
from eyespot.artifacts.training_cost import TrainingCost
from eyespot.data.used import LIST
from eyespot.quantity import Quantity


def seconds(folder: Path, images: int, recipe: dict[str, Any]) -> float:
    """The time of all epochs of a run."""
    trained = (images // recipe["batch"] or 1) * recipe["batch"]
    with (folder / "run.csv").open(encoding="utf-8", newline="") as file:
        return sum(trained / float(row["images_per_second"]) for row in csv.DictReader(file))


def runs(
    folder: Path, cores: float, teacher: Path, of_teacher: float, recipe: dict[str, Any]
) -> Iterator[tuple[Path, float, dict[str, Any]]]:
    """The student's folder and those of its teacher's members, with their cores and recipes."""
    yield folder, cores, recipe
    if recipe["teacher"]:
        for member in sorted((teacher / "teacher").glob("*/run.csv")):
            yield member.parent, of_teacher, recipe["teacher"]["recipe"]


def main(folder: Path, cores: float, machine: str, teacher: Path, of_teacher: float) -> None:
    """Write the cost."""
    record, images = read_sidecar(folder / WEIGHTS), (folder / LIST).stat().st_size // 12
    counted = list(runs(folder, cores, teacher, of_teacher, record.arguments["recipe"]))
    hours = sum(on * seconds(run, images, recipe) for run, on, recipe in counted) / 3600
    source = f"python benchmarks/training_cost.py, {len(counted)} run{'s' * (len(counted) > 1)}"
    time = Quantity(value=round(hours, 2), unit="core hours", kind="measured", source=source)
    cost = TrainingCost(model=record.model, weights=record.sha256, machine=machine, time=time)
    print(write_json(places.MEASUREMENTS / "training" / f"{record.model}.json", asdict(cost)))


if __name__ == "__main__":
    given = Path(sys.argv[1])
    on = float(sys.argv[2])
    teacher = Path(sys.argv[4]) if sys.argv[4:] else given
    main(given, on, sys.argv[3], teacher, float(sys.argv[5]) if sys.argv[5:] else on)
