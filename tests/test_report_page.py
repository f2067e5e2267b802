"""The page about one model: what is in it, that names stay text, and how a browser shows it."""

from __future__ import annotations

import csv
import json
import os
import shutil
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest

import browser
from eyespot.artifacts import measurements, places
from eyespot.artifacts.atomic import write_json
from eyespot.artifacts.measurements import Evaluation
from eyespot.artifacts.model_folder import ModelFolder, sidecar
from eyespot.cli import main
from eyespot.data import manifest
from eyespot.data.manifest import Manifest
from eyespot.errors import BadArgumentError, BadFileError, MissingDataError, RefusedError
from eyespot.evaluation.metrics import accuracy, difference
from eyespot.preprocessing.spec import Confidence, Contract, Row
from eyespot.quantity import paired, wilson
from eyespot.reports.page.document import SECTIONS, document
from eyespot.reports.page.figures import change
from eyespot.reports.page.gather import Subject, gather
from eyespot.reports.page.trained import SHOWN
from eyespot.verbs.evaluate import evaluate
from eyespot.verbs.report import report
from eyespot.zoo import provenance
from markup import VOID, Parsed
from pictures import write_folder

HOSTILE = (
    "<script>alert(1)</script>",
    "\u202egnp.evil",
    "\"quoted\" & 'single'",
    "שלום",
    "</table><img src=x onerror=alert(1)>",
    "a\tb\x1b[31m",
)
WORDS = (
    "html head title style body header nav main section footer h1 h2 h3 p a strong bdi code span div dl dt dd ul ol li "
    "table caption thead tbody tr th td details summary figure figcaption svg g text"
)
ELEMENTS = VOID - {"input"} | set(WORDS.split())
COLUMNS = ["file", "class", "predicted", "probability"]


class Alone(Parsed):
    """A page that loads nothing, of the elements that the report has."""

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        assert tag in ELEMENTS, tag
        super().handle_starttag(tag, attributes)
        for name, value in attributes:
            assert name not in {"src", "href", "srcset"} or (value or "").startswith(("data:image/", "#"))


def evaluation(answers: np.ndarray, labels: np.ndarray, classes: tuple[str, ...], **fields: str) -> Evaluation:
    made = accuracy(np.stack([answers] * 5, 1), labels, classes)
    known = {"model": "tiny-resnet", "precision": "int8", "data": "/home/somebody/pictures <b>", "split": "test"}
    rest = {"artifact": "0" * 64, "data_digest": "1" * 64, "kernels": "xnnpack", "command": "eyespot evaluate x"}
    return Evaluation(**known | rest | fields, tools={"eyespot": "0"}, training_images=1, **made)


def with_classes(subject: Subject, count: int, names: tuple[str, ...] = ()) -> Subject:
    """The subject as if its files had that many classes, the first ones of these names."""
    generator, labels = np.random.default_rng(count), np.repeat(np.arange(count), 20)
    classes = (*names, *(f"class number {i}" for i in range(len(names), count)))
    parts = []
    for part in subject.parts:
        guess = np.clip(labels + generator.integers(-2, 3, len(labels)), 0, count - 1)
        answers = np.where(generator.random(len(labels)) < generator.random(count)[labels], labels, guess)
        fields = {"precision": part.precision, "artifact": part.sha256}
        clean = evaluation(answers, labels, classes, **fields)
        parts.append(replace(part, evaluations=(clean, replace(clean, under="blur"))))
    assert subject.contract
    contract = Contract(model="tiny-resnet", preprocessing=subject.contract.preprocessing, classes=classes)
    return replace(subject, contract=contract, parts=tuple(parts))


@pytest.fixture
def mine(tmp_path: Path, no_data: Path) -> Path:
    """A folder as `train` and `make` leave it, of shipped files; its pictures have hostile names."""
    folder, pictures = tmp_path / "mine", tmp_path / "pictures"
    folder.mkdir()
    for path in (places.ZOO / "tiny-resnet").glob("*.tflite*"):
        shutil.copy(path, folder)
    write_folder(pictures, 40)
    files = sorted(each.relative_to(pictures).as_posix() for each in pictures.rglob("*.png"))
    named = [f"{Path(file).parent}/{HOSTILE[i % 3]}.png".replace("</", "<") for i, file in enumerate(files[:3])]
    for file, name in zip(files, named, strict=False):
        (pictures / file).rename(pictures / name)
    files[:3] = named
    rows = tuple((file, "0" * 64, file.split("/")[0], "validation") for file in files)
    manifest.save(Manifest(data=str(pictures), rows=rows), folder)
    write_rows(
        folder / "mistakes.csv", COLUMNS, [(file, "cat", HOSTILE[0], 0.5 + i / 100) for i, file in enumerate(files)]
    )
    epochs = [(epoch, 2 / epoch, 0.5 + epoch / 20) for epoch in range(1, 6)]
    write_rows(folder / "run.csv", ["epoch", "loss", "validation_top1"], epochs)
    write_json(folder / "check.json", [asdict(each) for each in provenance.compatibility("tiny-resnet")])
    return folder


def write_rows(path: Path, header: list[str], rows: list[tuple]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([header, *rows])


# --- what is in it


def test_a_shipped_model_has_all_that_is_known(no_data: Path, tmp_path: Path) -> None:
    made = report("tiny-resnet", html=tmp_path / "page.html")
    text = " ".join(Alone((tmp_path / "page.html").read_text("utf-8")).texts)
    assert made.left_out == ()
    assert made.bytes == (tmp_path / "page.html").stat().st_size < 100_000
    clean = provenance.accuracy("tiny-resnet", "int8")
    assert clean
    for said in (f"{100 * clean.top1:.1f} %", "n = 10,000", "NXP i.MX 93", "partly on NPU", "bytes in the wrong order",
                 "pixel − 128", "airplane", "eyespot quantize", clean.command, "NXP eIQ Model Zoo"):  # fmt: skip
        assert said in text, said


def test_a_folder_has_every_section_but_published_figures_and_latency(mine: Path) -> None:
    made = report(str(mine), html=True)
    page = made.path.read_text("utf-8")
    assert made.path == mine / "report.html"
    assert made.left_out == ()
    headings = [part.split("<")[0] for part in page.split("<h2>")[1:]]
    assert headings == [title for title in SECTIONS if title not in {"Published figures", "Latency"}]
    assert page.count("data:image/png") == SHOWN  # pictures of 32 x 32 stay as they are
    assert "loss from 2 to 0.4" in page
    assert "40 mistakes on 40 validation images" in page


def test_the_same_inputs_give_the_same_bytes_wherever_they_are(mine: Path, tmp_path: Path) -> None:
    report(str(mine), html=tmp_path / "a.html")
    shutil.copytree(mine, tmp_path / "elsewhere/mine")
    report(str(tmp_path / "elsewhere/mine"), html=tmp_path / "b.html")
    assert (tmp_path / "a.html").read_bytes() == (tmp_path / "b.html").read_bytes()
    assert str(tmp_path) not in (tmp_path / "a.html").read_text("utf-8")


def test_what_a_folder_lacks_is_left_out_and_said(mine: Path) -> None:
    for name in ("run.csv", "mistakes.csv", "manifest.csv", "check.json", "int8.tflite", "int8.tflite.json"):
        (mine / name).unlink()
    made = report(str(mine), html=True)
    assert made.left_out[0] == "the int8 file: eyespot quantize mine/"
    assert {each.split(":")[0] for each in made.left_out[1:]} == {"robustness", "devices", "training curves"}
    page = made.path.read_text("utf-8")
    assert "Not in this report" in page
    assert 'id="mistakes"' not in page


def test_checks_and_accuracies_of_other_files_are_left_out(mine: Path) -> None:
    checked = json.loads((mine / "check.json").read_text())
    write_json(mine / "check.json", [each | {"file": "f" * 64} for each in checked])
    (mine / "int8.tflite.json").unlink()  # it is no longer one that we measured
    path = mine / "int8.tflite"
    path.write_bytes(path.read_bytes() + b"\0" * 16)
    measurements.keep(evaluation(np.array([0]), np.array([0]), ("cat",)), mine)
    subject = gather(str(mine))
    assert subject.compatibility == ()
    assert subject.main.clean is None


def test_stand_in_weights_have_no_accuracy(mine: Path) -> None:
    for name in ("int8.tflite", "float32.tflite"):
        path = sidecar(mine / name)
        record = json.loads(path.read_text())
        write_json(path, record | {"facts": record["facts"] | {"stand_in": "noise"}})
    page = document(gather(str(mine)))
    assert "made of stand-in weights (noise): its accuracy means nothing" in page
    assert 'id="confusion"' not in page


def test_a_file_alone_says_what_it_wants(tmp_path: Path, no_data: Path) -> None:
    shutil.copy(places.ZOO / "tiny-resnet/int8.tflite", tmp_path / "found.tflite")
    made = report(str(tmp_path), html=True)
    assert made.left_out == ()  # the digest says that it is one that we measured
    text = " ".join(Alone(made.path.read_text("utf-8")).texts)
    assert "found.tflite" in text
    assert "32 × 32 pixels" in text
    assert "89." in text
    shutil.copy(tmp_path / "found.tflite", tmp_path / "other.tflite")
    with pytest.raises(RefusedError, match=r"has 2 \.tflite files \(found\.tflite, \.\.\.\); name one"):
        report(str(tmp_path), html=True)
    assert report(str(tmp_path / "found.tflite"), html=True).path == tmp_path / "found.html"


def test_drawn_sheets_stand_in_for_lists(mine: Path) -> None:
    (mine / "mistakes.csv").unlink()
    shutil.copy(next((mine.parent / "pictures").rglob("*.png")), mine / "mistakes.png")
    assert "Validation pictures that the trained network calls wrongly" in document(gather(str(mine)))


# --- differences


def test_the_difference_is_paired_where_both_say_which_images_are_right() -> None:
    generator, labels = np.random.default_rng(0), np.zeros(200, int)
    ours, theirs = (evaluation((generator.random(200) < 0.2).astype(int), labels, ("a", "b")) for _ in range(2))
    a, b = (
        np.unpackbits(np.frombuffer(__import__("base64").b64decode(e.right), np.uint8))[:200] for e in (ours, theirs)
    )
    won, lost = int((a > b).sum()), int((a < b).sum())
    assert difference(ours, theirs) == ((won - lost) / 200, *paired(won, lost, 200))
    assert change(ours, theirs) == (*difference(ours, theirs), True)
    assert difference(ours, replace(theirs, data_digest="2" * 64)) is None
    same = replace(ours, right=None)
    middle, low, high, exact = change(same, same)
    assert not exact
    assert middle == 0
    assert low < difference(ours, ours)[1] < 0 < high


@pytest.mark.parametrize("right", ["AA==", "/w==", "8A==AA==", "not base64"])
def test_the_answers_of_each_image_follow_from_the_counts(right: str) -> None:
    four = evaluation(np.array([0, 0, 0, 1]), np.zeros(4, int), ("a", "b"))
    assert four.right == "4A=="
    with pytest.raises(ValueError, match=r"right|base64|padding"):
        replace(four, right=right)


def test_what_quantize_found_on_validation_images_is_told(mine: Path) -> None:
    path = sidecar(mine / "int8.tflite")
    record = json.loads(path.read_text())
    eight, nine = (
        {"n": 10, "correct": k, "top1": k / 10} | dict(zip(("low", "high"), wilson(k, 10), strict=True)) for k in (8, 9)
    )
    low, high = paired(0, 1, 10)
    found = {"n": 10, "float32": nine, "int8": eight, "difference": -0.1, "low": low, "high": high, "same": 0.9}
    for validation in (found, {"n": "many"}):
        write_json(path, record | {"facts": record["facts"] | {"validation": validation}})
        said = "on 10 validation images (float32 90.0 %, int8 80.0 %)" in document(gather(str(mine)))
        assert said == (validation is found)


def test_what_a_confidence_is_worth(mine: Path) -> None:
    subject = gather(str(mine))
    assert subject.contract
    rows = (Row(0.0, 40, 30), Row(0.9, 20, 19))
    contract = replace(subject.contract, confidence=Confidence(temperature=1.5, rows=rows))
    text = " ".join(Alone(document(replace(subject, contract=contract))).texts)
    assert "at temperature 1.5" in text
    assert "90.0 % 20 of 40 95.0 %" in " ".join(text.split())


# --- names and numbers from outside


def test_hostile_names_are_text(mine: Path) -> None:
    subject = replace(with_classes(gather(str(mine)), len(HOSTILE), HOSTILE), name=HOSTILE[4])
    parsed = Alone(document(subject))
    shown = "".join(parsed.texts)
    for name in (HOSTILE[0], "\\u202egnp.evil", *HOSTILE[2:5], "a\\tb\\x1b[31m"):
        assert name in shown
    assert "\u202e" not in shown
    assert "/home/somebody" not in shown
    assert parsed.elements[: parsed.elements.index("body")].count("title") == 1


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("run.csv", "epoch,loss\n1,0.5\n2,many\n", r"run\.csv: line 3: could not convert string to float: 'many'"),
        ("run.csv", "epoch,loss\n1,nan\n", r"run\.csv: line 2: expected a number, found nan"),
        ("run.csv", "epoch,loss\n1\n", r"run\.csv: line 2: zip"),
        ("run.csv", "loss\n1\n", r"run\.csv: line 2: expected the column 'epoch'"),
        ("mistakes.csv", "file,class\na.png,cat\n", r"mistakes\.csv: line 2: not enough values"),
        ("check.json", "[]]", r"check\.json: .*Make the folder again"),
        ("manifest.csv", "data,x\nfile\n", r"manifest\.csv: damaged"),
        ("measurements/a.json", "{}", r"a\.json: .*measure again"),
    ],
)
def test_damaged_records_end_in_one_line(mine: Path, name: str, text: str, said: str) -> None:
    (mine / name).parent.mkdir(exist_ok=True)
    (mine / name).write_text(text)
    with pytest.raises(BadFileError, match=said):
        report(str(mine), html=True)
    assert not (mine / "report.html").exists()


def test_pictures_that_are_gone_or_broken_cost_only_themselves(mine: Path) -> None:
    first, second, *_ = sorted((mine.parent / "pictures").rglob("*.png"), reverse=True)
    first.unlink()
    second.write_text("no picture")
    page = document(gather(str(mine)))
    assert page.count("no picture at hand") == 2
    assert page.count("data:image/png") == SHOWN - 2
    shutil.rmtree(mine.parent / "pictures")
    assert "data:image/png" not in document(gather(str(mine)))


def test_arguments_that_do_not_fit(mine: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report", "--html", str(mine)]) == 2
    assert "name a model first, as in: eyespot report mine/ --html" in capsys.readouterr().err
    with pytest.raises(BadArgumentError, match="add --html"):
        report(str(mine))
    with pytest.raises(MissingDataError, match=r"expected int8\.tflite or float32\.tflite, found neither"):
        report(str(mine.parent / "pictures"), html=True)
    assert main(["report", str(mine), "--html", str(tmp_path / "x.html"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["path"] == str(tmp_path / "x.html")


# --- in a browser


@pytest.fixture(scope="module")
def chromium():
    if not browser.program():
        absent = pytest.fail if os.environ.get("CI") == "true" else pytest.skip
        absent("chromium is not installed: apt-get install chromium")
    with browser.opened() as tab:
        yield tab


CHECKS = (Path(__file__).parent / "report_page.js").read_text("utf-8")


@pytest.mark.slow
@pytest.mark.parametrize("count", [0, 2, 12, 100])
def test_a_browser_shows_it(count: int, mine: Path, tmp_path: Path, chromium: browser.Browser) -> None:
    """Light and dark, wide and narrow: nothing sticks out, all is legible, nothing is loaded, nothing runs."""
    subject = gather(str(mine))
    path = tmp_path / "page.html"
    path.write_text(document(with_classes(subject, count, HOSTILE[:count]) if count else subject), "utf-8")
    grounds = []
    for dark in (False, True):
        for width in (1280, 360):
            chromium.open(path.as_uri(), width=width, dark=dark)
            for opened in ("false", "true"):
                chromium.value(f"document.querySelectorAll('details').forEach(each => each.open = {opened})")
                assert chromium.value(CHECKS) == [], (dark, width, opened)
            assert {each for each in chromium.requests if not each.startswith("data:")} == {path.as_uri()}
            assert chromium.refused == []
            assert chromium.value("[...document.images].every(each => each.complete && each.naturalWidth)")
            chromium.picture(tmp_path / "page.png")
        grounds.append(chromium.value("getComputedStyle(document.body).backgroundColor"))
    assert grounds[0] != grounds[1]
    assert chromium.value("document.title").startswith("mine")


@pytest.mark.slow
def test_its_policy_stops_what_is_smuggled_in(mine: Path, tmp_path: Path, chromium: browser.Browser) -> None:
    smuggled = "<script>document.title='run'</script><img src='http://127.0.0.1:9/x.png'><p style='color:red'>x</p>"
    path = tmp_path / "page.html"
    path.write_text(document(gather(str(mine))).replace("<main>", f"<main>{smuggled}"), "utf-8")
    chromium.open(path.as_uri(), width=1280)
    assert chromium.value("document.title") == "mine: eyespot report"
    assert len(chromium.refused) == 3


# --- the whole way


@pytest.mark.slow
def test_train_quantize_evaluate_make_report(tmp_path: Path, no_data: Path) -> None:
    pytest.importorskip("torch")
    photos, folder = tmp_path / "photos", tmp_path / "mine"
    write_folder(photos, 120)
    for words in (
        "train tiny-resnet --data {} --out {} --threads 1",
        "quantize {1}",
        "make {1}",
        "evaluate {1} --under jpeg",
    ):
        assert main(words.format(photos, folder).split()) == 0
    evaluate(str(folder), under="blur", images=5)  # a part is not kept
    subject = gather(str(folder))
    assert [e.under for e in subject.damaged] == ["jpeg"]
    assert subject.pair
    assert difference(*subject.pair)
    assert subject.main.clean
    assert subject.main.clean.low == wilson(subject.main.clean.correct, subject.main.clean.n)[0]
    made = report(str(folder), html=True)
    assert {each.split(":")[0] for each in made.left_out} <= {"training curves"}
    Alone(made.path.read_text("utf-8"))


@pytest.mark.slow
def test_a_measurement_that_cannot_be_kept_is_still_told(mine: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (mine / measurements.BESIDE).write_text("in its place")
    measurements.keep(evaluation(np.array([0]), np.array([0]), ("cat",)), mine)
    assert "The measurement is not kept." in capsys.readouterr().err
    assert ModelFolder(mine).record("int8.tflite")
