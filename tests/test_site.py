"""The site: which pages there are, what stands in them, that names stay text, and how a browser shows it."""

from __future__ import annotations

import json
import re
import shutil
import signal
import subprocess
import sys
import urllib.request
from dataclasses import replace
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from eyespot.artifacts import benchmarks, layers, places
from eyespot.artifacts.atomic import digest_file
from eyespot.artifacts.benchmarks import Benchmark, Latency, Machine
from eyespot.artifacts.model_folder import sidecar
from eyespot.cli import main
from eyespot.devices import devices, shipped
from eyespot.errors import BadArgumentError, BadFileError, EyespotError, MissingDataError, UnknownNameError
from eyespot.escaping import file_name
from eyespot.reports import audit, words
from eyespot.reports.page.gather import gather
from eyespot.site import device, drawings, entry, model, plots
from eyespot.site.audit import audit_page
from eyespot.site.gallery import COLUMNS, gallery
from eyespot.verbs.site import write_site
from eyespot.zoo import provenance, registry
from eyespot.zoo.models import MODELS
from markup import Parsed

pytest.importorskip("altair")
pytest.importorskip("vl_convert")

HOSTILE = '</script><img src=x onerror=alert(1)> & \u202e"quoted"'
MOST = 30_000_000  # bytes of the whole zoo, without the runtime


class Page(Parsed):
    """A page of the site: also the fragments that it has, the addresses that it names, its scripts and models."""

    def __init__(self, path: Path) -> None:
        self.ids: list[str] = []
        self.addresses: list[str] = []
        self.scripts: list[str] = []
        self.rows: list[dict[str, str | None]] = []
        super().__init__(path.read_text("utf-8"))

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        super().handle_starttag(tag, attributes)
        found = dict(attributes)
        self.ids += [found["id"] or ""] if "id" in found else []
        self.addresses += [found[key] or "" for key in ("href", "src") if key in found]
        self.rows += [found] if tag == "tr" and "data-model" in found else []

    def handle_data(self, data: str) -> None:
        (self.scripts if self.open[-1:] == ["script"] else self.texts).append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.texts).split())


@pytest.fixture(scope="module")
def zoo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The whole zoo as it ships, without anything under the data root."""
    folder = tmp_path_factory.mktemp("zoo")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EYESPOT_DATA", str(folder / "data"))
        made = write_site(out=folder / "site")
    assert made.index == folder / "site/index.html"
    assert made.models == len(MODELS)
    assert made.bytes == sum(path.stat().st_size for path in (folder / "site").rglob("*") if path.is_file()) < MOST
    return folder / "site"


@pytest.fixture(scope="module")
def pages(zoo: Path) -> dict[str, Page]:
    return {path.relative_to(zoo).as_posix(): Page(path) for path in zoo.rglob("*.html")}


@pytest.fixture
def mine(tmp_path: Path, no_data: Path) -> Path:
    """A folder of the user's with a name that must stay text."""
    folder = tmp_path / "mine <b>"
    folder.mkdir()
    for path in (places.ZOO / "tiny-resnet").glob("*.tflite*"):
        shutil.copy(path, folder)
    return folder


# --- which pages there are


def test_every_model_and_device_has_a_page(pages: dict[str, Page]) -> None:
    expected = {"index.html", "devices.html", "audit.html"}
    expected |= {f"models/{card.name}.html" for card in MODELS} | {f"devices/{card.name}.html" for card in shipped()}
    assert set(pages) == expected


def test_all_links_resolve(zoo: Path, pages: dict[str, Page]) -> None:
    for name, page in pages.items():
        assert len(set(page.ids)) == len(page.ids), name
        for address in page.addresses:
            parts = urlsplit(address)
            assert parts.scheme in {"", "data"}, (name, address)
            if parts.scheme == "data":
                continue
            target = (zoo / name).parent / unquote(parts.path) if parts.path else zoo / name
            assert target.is_file(), (name, address)
            if parts.fragment:
                assert parts.fragment in pages[target.resolve().relative_to(zoo.resolve()).as_posix()].ids


def test_the_list_has_a_row_for_each_model(pages: dict[str, Page]) -> None:
    page = pages["index.html"]
    assert [row["data-model"] for row in page.rows] == [card.name for card in MODELS]
    for row, card in zip(page.rows, MODELS, strict=True):
        clean = provenance.accuracy(card.name, "int8")
        assert row.get("data-top1") == (str(clean.top1) if clean else row.get("data-top1"))
        runs = [c.device for c in provenance.compatibility(card.name) if c.runs.status in {"ok", "partial"}]
        assert row["data-device"] == " ".join(runs)
    assert all(each in page.text for each in COLUMNS)
    assert page.text.count("not measured") >= 1
    refused = any(gather(card.name).main.refused for card in MODELS)
    replaced = [e for card in MODELS if (e := gather(card.name).main.clean) and words.stand_in(e)]
    assert ("stand-in weights" in page.text) == bool(refused or replaced)
    for e in replaced:  # beside the accuracy on the card, in the list, and in the plots
        assert page.text.count(words.stand_in(e)[0]) >= 2
        assert words.stand_in(e)[0] in page.scripts[-1]


def test_plots_hold_what_is_measured(pages: dict[str, Page]) -> None:
    specs = [json.loads(text) for text in pages["index.html"].scripts if text.strip()]
    assert len(specs) == 3
    for spec in specs:
        rows = spec["data"]["values"]
        tiny = next(row for row in rows if row["model"] == "Tiny ResNet")
        clean = provenance.accuracy("tiny-resnet", "int8")
        assert clean
        assert tiny["top1"] == 100 * clean.top1
        assert tiny["origin"] == plots.MEASURED
        assert tiny["front"] == tiny["top1"]
        assert not [row for row in rows if row["origin"] != plots.MEASURED and row["front"]]
    assert "http" not in json.dumps([spec["data"] for spec in specs])


@pytest.mark.parametrize("card", MODELS, ids=lambda card: card.name)
def test_a_models_page_is_complete(pages: dict[str, Page], card) -> None:
    page = pages[f"models/{card.name}.html"]
    int8 = provenance.record(card.name, "int8")
    assert int8
    wanted = [
        "What it is for",
        "Float32 and int8",
        "Devices",
        "Layers",
        "What the file wants",
        "Downloads",
        "Provenance",
    ]
    wanted += ["Published figures"] if card.references else []
    assert [title for title in wanted if title not in page.text] == []
    for said in (card.purpose, card.paper.split(",")[0], int8.sha256, "NXP i.MX 93"):
        assert said in page.text
    if registry.ships(card.name):
        assert "Signal to noise" in page.text
        assert "try-it" in page.ids
    else:
        assert f"eyespot make {card.name}" in page.text
    if clean := provenance.accuracy(card.name, "int8"):
        assert f"n = {clean.n:,}" in page.text
        assert {"classes", "confusion", "robustness"} <= set(page.ids)


def test_downloads_are_the_shipped_files(zoo: Path) -> None:
    files = {path.parent.name: path for path in (zoo / "files").rglob("*.tflite")}
    assert set(files) == {card.name for card in MODELS if registry.ships(card.name)}
    for name, path in files.items():
        assert path.read_bytes() == (places.ZOO / name / "int8.tflite").read_bytes()


@pytest.mark.parametrize("card", shipped(), ids=lambda card: card.name)
def test_a_devices_page_says_why_not(pages: dict[str, Page], card) -> None:
    text = pages[f"devices/{card.name}.html"].text
    for each in MODELS:
        checked = next((c for c in provenance.compatibility(each.name) if c.device == card.name), None)
        assert each.title in text
        if checked and checked.runs.status == "fails":
            assert checked.runs.reason.split(" (")[0] in text
    assert card.source in text


def test_the_audit_shows_every_row_and_quote(pages: dict[str, Page]) -> None:
    text, known = pages["audit.html"].text, audit.read()
    for row in known.rows:
        assert f"{100 * row.top1:.1f} %" in text
        assert row.words in text
    for quote in known.quotes:
        assert " ".join(quote.quote.split()) in text
    for said in audit.INFERRED.values():
        assert said.split("`")[0] in text


def test_the_same_inputs_give_the_same_bytes(mine: Path, tmp_path: Path) -> None:
    for name in "ab":
        write_site([str(mine)], out=tmp_path / name)
    first, second = (sorted(path for path in (tmp_path / n).rglob("*") if path.is_file()) for n in "ab")
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]


# --- the user's own models


def test_a_folder_has_the_same_page(mine: Path, tmp_path: Path) -> None:
    made = write_site([str(mine), "tiny-resnet", str(mine)], out=tmp_path / "out")
    assert made.models == 3
    slug = file_name(mine.name)
    names = sorted(path.name for path in (tmp_path / "out/models").iterdir())
    assert names == sorted([f"{slug}.html", f"{slug}-2.html", "tiny-resnet.html"])
    page = Page(tmp_path / f"out/models/{slug}.html")
    assert "mine <b>" in page.text
    assert str(tmp_path) not in page.text
    assert {"devices", "layers", "downloads", "provenance", "try-it"} <= set(page.ids)
    assert not (tmp_path / "out/audit.html").exists()
    assert (tmp_path / "out/files" / slug / "int8.tflite").read_bytes() == (mine / "int8.tflite").read_bytes()


def test_what_is_not_measured_says_how(mine: Path, tmp_path: Path) -> None:
    path = mine / "int8.tflite"
    path.write_bytes(path.read_bytes() + bytes(16))  # no longer a file that we measured
    record = json.loads(sidecar(path).read_text())
    sidecar(path).write_text(json.dumps(record | {"sha256": digest_file(path)}))
    write_site([str(mine)], out=tmp_path / "out")
    text = Page(tmp_path / f"out/models/{file_name(mine.name)}.html").text
    for said in ("The accuracy: not measured. eyespot evaluate mine <b>/", "Devices: not measured. eyespot make",
                 "Signal to noise of each layer: not measured; eyespot quantize mine <b>/ --explain"):  # fmt: skip
        assert said in text
    index = Page(tmp_path / "out/index.html").text
    assert "Accuracy against its cost" not in index
    assert "not measured" in index


def test_measured_latencies_are_shown(mine: Path, tmp_path: Path) -> None:
    file = gather(str(mine)).main.sha256
    times = Latency(threads=2, first=9.0, warmup_runs=1, runs=30, mean=1.3, median=1.25, p90=1.5, tool="a tool 1")
    made = Benchmark(
        model="tiny-resnet", precision="int8", artifact=file, machine=Machine(name="<board>"), delegate="",
        latencies=(times,), profile=(), command="eyespot bench mine/",
    )  # fmt: skip
    benchmarks.keep(made)
    benchmarks.keep(replace(made, artifact="0" * 64))  # another file
    write_site([str(mine), "visual-wake-word"], out=tmp_path / "out")
    text = Page(tmp_path / f"out/models/{file_name(mine.name)}.html").text
    assert text.count("<board>") == 1
    assert "1.25 ms" in text
    rows = json.loads(Page(tmp_path / "out/index.html").scripts[-1] or "null")["data"]["values"]
    [row] = [row for row in rows if row["device"] == "<board> (measured)"]
    assert (row["least"], row["most"]) == (1.25, 1.25)


def test_hostile_names_are_text(mine: Path, tmp_path: Path) -> None:
    subject = replace(gather(str(mine)), name=HOSTILE)
    many = entry.entries([subject, gather("visual-wake-word"), gather("tiny-resnet")])
    texts = [
        gallery(many, devices(), ["index.html"]),
        model.model_page(many[0], [], {}),
        device.overview(many, devices(), []),
        device.device_page(devices()[0], many, []),
    ]
    for number, text in enumerate(texts):
        path = tmp_path / f"{number}.html"
        path.write_text(text, "utf-8")
        page = Page(path)
        assert "onerror" not in page.elements
        assert "\u202e" not in text
        assert "<img src=x" not in text
        assert "</script><img src=x onerror=alert(1)>" in page.text
    assert not set(many[0].slug) & set("/<>")


def test_links_survive_any_name(mine: Path, tmp_path: Path) -> None:
    folder = mine.rename(tmp_path / "100 % #1")
    write_site([str(folder)], out=tmp_path / "out")
    links = [each for each in Page(tmp_path / "out/index.html").addresses if each.startswith("models/")]
    assert links
    assert all((tmp_path / "out" / unquote(urlsplit(each).path)).is_file() for each in links)


# --- the pieces


def test_the_front_is_of_what_no_other_one_beats() -> None:
    many = entry.entries(map(gather, ("tiny-resnet", "deepface-emotion")))
    same = many[0].clean
    assert same
    worse = replace(many[1].subject, parts=(replace(many[1].subject.main, evaluations=(replace(same),)),))
    pair = (many[0], replace(many[1], subject=worse))
    assert entry.best(pair, {"tiny-resnet": 1.0, "deepface-emotion": 2.0}) == {"tiny-resnet"}
    assert entry.best(pair, {"tiny-resnet": 1.0, "deepface-emotion": 1.0}) == {"tiny-resnet", "deepface-emotion"}
    assert entry.best(many, {"tiny-resnet": 1.0, "deepface-emotion": 2.0}) == {"tiny-resnet", "deepface-emotion"}


def test_names_do_not_cover_points() -> None:
    rows = [{"model": "a" * 12, "cost": 10.0, "top1": 90.0}, {"model": "b" * 12, "cost": 11.0, "top1": 88.0},
            {"model": "c", "cost": 1000.0, "top1": 40.0}]  # fmt: skip
    placed = plots._placed(rows, plots.NARROW)
    assert [row["place"] for row in placed] == ["above", "right", "right"]
    crowd = [{"model": f"a network {i}", "cost": 10.0 + i / 100, "top1": 50.0} for i in range(9)]
    assert "" in {row["place"] for row in plots._placed([*rows, *crowd], plots.NARROW)}


def test_every_drawing_is_seen_as_the_contract_says() -> None:
    for card in MODELS:
        shape = drawings.seen(card, card.preprocessing).shape
        assert shape == card.preprocessing.shape
        assert drawings.address(drawings.seen(card, card.preprocessing)).startswith("data:image/")
    for subject in drawings.DRAWINGS:
        assert drawings.drawn(subject).std() > 20  # there is something on it


def test_layers_are_those_of_the_file(mine: Path) -> None:
    shipped_layers = gather("tiny-resnet").layers
    assert shipped_layers
    assert len(shipped_layers.layers) == 10
    layers.keep(replace(shipped_layers, images=7), mine)
    own = gather(str(mine)).layers
    assert own
    assert own.images == 7
    layers.keep(replace(shipped_layers, artifact="0" * 64), mine)
    assert gather(str(mine)).layers == shipped_layers  # that file is not here, this one was measured
    (mine / layers.BESIDE).write_text("[]")
    with pytest.raises(BadFileError, match=r"layers\.json: .*quantize --explain"):
        gather(str(mine))


def test_the_audit_alone_has_its_models() -> None:
    many = entry.entries([gather("tiny-resnet")])
    text = audit_page(audit.read(), many, [])
    assert "pretrainedResnet" in text
    assert "mobilenet_v1" not in text


# --- errors and the server


def test_wrong_arguments_end_in_a_line(tmp_path: Path, no_data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(UnknownNameError, match="tiny-resnet"):
        write_site(["tiny-resnt"], out=tmp_path / "out")
    with pytest.raises(MissingDataError, match="no such folder"):
        write_site(["nowhere/"], out=tmp_path / "out")
    with pytest.raises(BadArgumentError, match="port: expected 0 to 65535"):
        write_site(port=70_000)
    with pytest.raises(MissingDataError, match="npm install"):
        write_site(["tiny-resnet"], out=tmp_path / "out", runtime=tmp_path)
    (tmp_path / "taken").write_text("")
    with pytest.raises(EyespotError, match="taken"):
        write_site(["tiny-resnet"], out=tmp_path / "taken")
    assert main(["site", "tiny-resnet", "--out", str(tmp_path / "out"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["models"] == 1


def test_the_next_command_shows_it(tmp_path: Path, no_data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["site", "tiny-resnet", "--out", str(tmp_path / "my site")]) == 0
    out = capsys.readouterr().out
    assert out.endswith(f"next: eyespot site tiny-resnet --out '{tmp_path}/my site' --serve\n")


def test_it_is_served_until_ctrl_c(tmp_path: Path, no_data: Path) -> None:
    words = [sys.executable, "-m", "eyespot", "site", "tiny-resnet", "--out", str(tmp_path), "--serve", "--port", "0"]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stderr
    line = process.stderr.readline()
    address = re.search(r"http://127\.0\.0\.1:\d+/", line)
    assert address, line
    with urllib.request.urlopen(address[0], timeout=10) as answer:
        assert b"Tiny ResNet" in answer.read()
    taken = subprocess.run(
        [*words[:-1], address[0].split(":")[-1].strip("/")], capture_output=True, text=True, check=False
    )
    assert taken.returncode == 1
    assert "Give another one: --port" in taken.stderr
    process.send_signal(signal.SIGINT)
    out, rest = process.communicate(timeout=20)
    assert (process.returncode, rest) == (0, "eyespot: stopped\n")
    assert "index" in out
