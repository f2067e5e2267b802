"""A model in the browser: the same tensors and bits as Python's, mistakes included, in a page that anybody can use."""

from __future__ import annotations

import itertools
import json
from base64 import b64decode, b64encode
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ai_edge_litert.schema_py_generated import TensorType
from PIL import Image, PngImagePlugin

import pages
from eyespot.artifacts.atomic import digest
from eyespot.cli import main
from eyespot.errors import BadArgumentError, BadFileError, MissingDataError, RefusedError
from eyespot.evaluation.confidence import floor, probabilities
from eyespot.exports.web import for_web, page_contract
from eyespot.preprocessing.image import decode
from eyespot.preprocessing.pipeline import changed, parse, pipeline_of
from eyespot.preprocessing.spec import Confidence, Contract, Row
from eyespot.preprocessing.synthetic import GOLDEN, picture
from eyespot.preprocessing.tensors import levels, stored
from eyespot.site.playground.page import write_page
from eyespot.site.playground.runtime import FILES
from eyespot.tflite.read import parse as parse_file
from eyespot.tflite.run import open_runner
from eyespot.tflite.schema import pack, unpack
from eyespot.verbs.export import export
from eyespot.verbs.predict import predict
from eyespot.zoo import registry

HOSTILE = ("<img src=x onerror=alert(1)>", "\u202egnp.evil", "</script><b>", "a&amp;b", "שלום")
DROP = """async ([name, type, data]) => {
  const bytes = Uint8Array.from(atob(data), (c) => c.charCodeAt(0)), transfer = new DataTransfer();
  transfer.items.add(new File([bytes], name, {type}));
  document.querySelector('[data-part=drop]').dispatchEvent(new DragEvent('drop', {dataTransfer: transfer}));
}"""
RESULT = """() => {
  const {result: {stored, scores}, contract} = document.querySelector('.playground').playground;
  return [document.querySelector('[data-part=headline]').textContent, [...stored], [...scores]];
}"""
READY = "[data-part=status]"  # hidden
DONE = "[data-part=answer][aria-busy=false]"
ENCODE = """async ([pictures, ways, input]) => {
  const {encode} = await import('/playground/preprocess.js');
  return pictures.flatMap(([height, width, data]) => {
    const picture = {width, height, channels: 3, stride: 3, data: Uint8Array.from(atob(data), (c) => c.charCodeAt(0))};
    const tensors = ways.map((way) => new Uint8Array(encode(picture, way, input).stored.buffer));
    return tensors.map((each) => btoa(String.fromCharCode(...each)));
  });
}"""
NO_RELAXED_SIMD = """(() => {
  const instantiate = WebAssembly.instantiate;
  WebAssembly.instantiate = (code, ...rest) => (
    code.byteLength < 100 ? Promise.reject(new WebAssembly.CompileError()) : instantiate(code, ...rest)
  );
})()"""
PROBABILITIES = (
    "([scores, contract]) => import('/playground/network.js').then((m) => [...m.probabilities(scores, contract)])"
)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    pages.need_modules()
    with pages.chromium("--use-fake-device-for-media-stream") as opened:
        yield opened


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    pages.need_modules()
    out = tmp_path_factory.mktemp("web")
    export("tiny-resnet", to="web", runtime=pages.RUNTIME, out=out)
    return out


@pytest.fixture(scope="module")
def address(folder) -> Iterator[str]:
    with pages.served(folder) as address:
        yield address


@pytest.fixture
def page(browser, address) -> Iterator[Any]:
    with pages.opened(browser, address) as page:
        page.wait_for_selector(READY, state="hidden")
        yield page


def drop(page: Any, path: Path, kind: str = "") -> None:
    page.evaluate(DROP, [path.name, kind, b64encode(path.read_bytes()).decode()])


def result(page: Any, path: Path) -> tuple[str, list[float], list[float]]:
    """The headline, the input tensor and the output of a picture that is dropped."""
    page.evaluate("document.querySelector('[data-part=answer]').ariaBusy = 'true'")
    drop(page, path)
    page.wait_for_selector(DONE)
    return tuple(page.evaluate(RESULT))


def status(page: Any) -> str:
    page.wait_for_selector("[data-part=status]")
    return page.text_content("[data-part=status]")


def drawn(folder: Path, count: int) -> list[Path]:
    """Drawn pictures as PNG files of many sizes."""
    paths = [folder / f"{index:03}.png" for index in range(count)]
    for index, path in enumerate(paths):
        Image.fromarray(picture(index, 24 + index % 80, 20 + 7 * index % 120, 3, seed=3)).save(path)
    return paths


@pytest.mark.parametrize("name", ["tiny-resnet", "deepface-emotion", "tiny-resnet:float32"])
def test_the_file_for_the_web_computes_the_same(name):
    _, file = registry.open_model(name)
    web, random = for_web(file), np.random.default_rng(0)
    contract = file.contract.preprocessing
    own, other = (levels(pipeline_of(contract), each.input) for each in (file, web))
    run, run_web = (open_runner(each, "xnnpack") for each in (file, web))
    assert [each for each in web.operators if "QUANTIZE" not in each] == list(file.operators)
    assert web.contract == file.contract
    for _ in range(20):
        pixels = random.integers(0, 256, file.input.shape[1:])
        output = run(own[pixels])
        if file.output.scale:
            output = (output.astype(np.float32) - file.output.zero_point) * np.float32(file.output.scale)
        assert run_web(other[pixels]).tobytes() == output.tobytes()


def test_what_no_page_can_feed_is_refused():
    _, file = registry.open_model("tiny-resnet")
    model = unpack(file.data)
    model.subgraphs[0].tensors[model.subgraphs[0].inputs[0]].type = TensorType.INT16
    with pytest.raises(RefusedError, match=r"LiteRT\.js does not take an int16 input"):
        for_web(parse_file(pack(model), file.path))


def test_a_file_without_signature_runs(browser, tmp_path):
    _, file = registry.open_model("tiny-resnet")
    model = unpack(file.data)
    model.signatureDefs = None
    write_page(parse_file(pack(model), file.path), file.contract, tmp_path, runtime=pages.RUNTIME)
    with pages.served(tmp_path) as address, pages.opened(browser, address) as page:
        page.wait_for_selector(READY, state="hidden")
        same_as_python(page, drawn(tmp_path, 1))


@pytest.mark.parametrize("name", ["tiny-resnet", "deepface-emotion", "tiny-resnet:float32"])
def test_javascript_makes_the_same_tensors(page, name):
    """Of golden pictures and of noise, for every filter and mistake."""
    _, file = registry.open_model(name)
    web, random = for_web(file), np.random.default_rng(1)
    height, width = web.input.shape[1:3]
    noise = [random.integers(0, 256, (h, w, 3), np.uint8) for h, w in ((1, 1), (40, 97), (150, 50), (7, 300))]
    golden = [picture(index, height, width, 3) for index in range(GOLDEN)]
    right = pipeline_of(file.contract.preprocessing)
    words = ("undamaged", "bgr", "0..1", "rgb565-swapped", "crop", "crop0.875", "bgr,rgb565-swapped,crop0.75")
    ways = [
        changed(right, parse(f"{word},{each}"))
        for word in words
        for each in ("bilinear", "nearest", "lanczos", "bicubic")
    ]
    pictures = [(*image.shape[:2], b64encode(image.tobytes()).decode()) for image in golden + noise]
    told = [pictures, [fields(way, web.input) for way in ways], {"shape": web.input.shape, "dtype": web.input.dtype}]
    for (image, way), found in zip(itertools.product(golden + noise, ways), page.evaluate(ENCODE, told), strict=True):
        assert b64decode(found) == stored(way, image, web.input).tobytes(), (image.shape, way)


def fields(way: Any, tensor: Any) -> dict[str, Any]:
    names = ("order", "damage", "fit", "crop", "filter")
    return {name: getattr(way, name) for name in names} | {"levels": levels(way, tensor).tolist()}


def same_as_python(page: Any, paths: list[Path]) -> None:
    """The top class of `eyespot predict`, and the bits of LiteRT with XNNPACK, for each picture."""
    _, file = registry.open_model("tiny-resnet")
    web = for_web(file)
    run, way = open_runner(web, "xnnpack"), pipeline_of(web.contract.preprocessing)
    for path, expected in zip(paths, predict("tiny-resnet", paths), strict=True):
        headline, tensor, scores = result(page, path)
        fed = stored(way, decode(path, 3), web.input)
        assert tensor == fed.ravel().tolist(), path
        assert np.array(scores, np.float32).tobytes() == run(fed).tobytes(), path
        assert headline == expected.answer


def test_a_browser_without_relaxed_simd_gives_the_same_answer(browser, address):
    with pages.opened(browser, address) as page:
        page.add_init_script(NO_RELAXED_SIMD)
        page.reload()
        page.get_by_role("button", name="Sample: boat").click()
        page.wait_for_selector(DONE)
        loaded = page.evaluate("performance.getEntriesByType('resource').map((each) => each.name)")
        assert [each.rpartition("/")[2] for each in loaded if each.endswith(".wasm")] == [
            "litert_wasm_compat_internal.wasm"
        ]
        assert page.text_content("[data-part=headline]") == "ship"


@pytest.mark.slow
def test_200_drawn_pictures_get_the_answers_of_predict(page, tmp_path):
    same_as_python(page, drawn(tmp_path, 200))


@pytest.mark.slow
def test_200_small_photographs_get_the_answers_of_predict(page, real_data, tmp_path):
    batch = real_data("cifar-10") / "cifar-10-batches-bin" / "test_batch.bin"
    records = np.fromfile(batch, np.uint8, 200 * 3073).reshape(200, 3073)
    paths = [tmp_path / f"{index:03}.png" for index in range(200)]
    for path, record in zip(paths, records, strict=True):
        Image.fromarray(np.ascontiguousarray(record[1:].reshape(3, 32, 32).transpose(1, 2, 0))).save(path)
    same_as_python(page, paths)


@pytest.mark.slow
def test_photographs_in_jpeg_get_the_answers_of_predict(page, real_data):
    same_as_python(page, sorted(real_data("imagenette").rglob("*.JPEG"))[::12])


def test_a_switch_makes_the_tensor_of_its_mistake(page, tmp_path):
    _, file = registry.open_model("tiny-resnet")
    web = for_web(file)
    [path] = drawn(tmp_path, 1)
    result(page, path)
    switches = page.query_selector_all("input[role=switch]")
    right = pipeline_of(web.contract.preprocessing)
    for chosen in itertools.chain.from_iterable(
        itertools.combinations(switches, n) for n in range(1, len(switches) + 1)
    ):
        for each in switches:
            each.set_checked(each in chosen)
        words = [each.get_attribute("value") for each in chosen]
        page.wait_for_selector(DONE)
        way = changed(right, parse(",".join(words)))
        assert page.evaluate(RESULT)[1] == stored(way, decode(path, 3), web.input).ravel().tolist(), words


def test_a_mistake_shows_the_answer_that_it_gives(page, tmp_path):
    [path] = drawn(tmp_path, 1)
    result(page, path)
    alone = page.text_content("[data-mistake=bgr]")
    page.get_by_role("switch", name="Red and blue swapped").check()
    page.wait_for_selector(DONE)
    assert alone.rpartition(" ")[0] == page.text_content("[data-part=headline]")


def test_mistakes_that_contradict_each_other_are_not_on_together(browser, tmp_path):
    _, file = registry.open_model("tiny-resnet")
    contract = replace(file.contract, preprocessing=replace(file.contract.preprocessing, crop=0.875))
    write_page(file, contract, tmp_path, runtime=pages.RUNTIME)
    with pages.served(tmp_path) as address, pages.opened(browser, address) as page:
        page.check("[value=squash]")
        page.check("[value=crop]")
        assert not page.is_checked("[value=squash]")


@pytest.mark.parametrize("width", [360, 1600])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_everybody_can_use_it(browser, address, scheme, width):
    size = {"width": width, "height": 900}
    with pages.opened(browser, address, color_scheme=scheme, viewport=size) as page:
        page.wait_for_selector(READY, state="hidden")
        assert not pages.violations(page)
        page.get_by_role("button", name="Sample: mug").click()
        page.wait_for_selector(DONE)
        page.get_by_role("switch").first.check()
        page.wait_for_selector(DONE)
        assert not pages.violations(page)


def test_keys_alone_suffice(page):
    names = []
    for _ in range(12):
        page.keyboard.press("Tab")
        names.append(page.evaluate("document.activeElement.getAttribute('data-part') || document.activeElement.value"))
    assert names[:11] == ["file", "camera", *["sample"] * 7, "threshold", "bgr"]
    page.get_by_role("button", name="Sample: boat").press("Enter")
    page.wait_for_selector(DONE)
    before = page.text_content("[data-part=headline]")
    page.locator("[value='0..1']").press(" ")
    page.wait_for_selector(DONE)
    assert page.is_checked("[value='0..1']")
    assert before


def test_the_answer_is_read_out(page):
    assert page.get_attribute("[data-part=headline]", "aria-live") == "polite"
    assert page.get_attribute("[data-part=status]", "role") == "status"


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("broken.png", b"\x89PNG\r\n\x1a\n" + bytes(50), "broken.png: does not decode as a picture"),
        ("notes.txt", b"not a picture", "notes.txt: does not decode as a picture"),
        ("<b>.png", b"", "<b>.png: does not decode as a picture"),
    ],
    ids=["broken", "text", "empty"],
)
def test_what_is_no_picture_ends_in_a_line(page, tmp_path, name, content, said):
    (tmp_path / name).write_bytes(content)
    drop(page, tmp_path / name)
    assert status(page).startswith(said)


def test_a_huge_picture_ends_in_a_line_and_a_tiny_one_in_an_answer(page, tmp_path):
    Image.new("L", (9000, 9000)).save(tmp_path / "huge.png")
    Image.new("RGB", (1, 1), "red").save(tmp_path / "one.png")
    drop(page, tmp_path / "huge.png")
    assert status(page) == "huge.png: 9000 × 9000 pixels; at most 65 million are read. Make it smaller."
    same_as_python(page, [tmp_path / "one.png"])
    assert page.is_hidden("[data-part=status]")


def test_a_drop_without_a_file_ends_in_a_line(page):
    event = "new DragEvent('drop', {dataTransfer: new DataTransfer()})"
    page.evaluate(f"document.querySelector('[data-part=drop]').dispatchEvent({event})")
    assert status(page) == "Drop a picture file, not a link or text."


def test_pictures_are_upright_opaque_and_without_colour_management(page, tmp_path):
    image = Image.fromarray(picture(1, 60, 90, 3))
    exif = Image.Exif()
    exif[0x0112] = 6
    image.save(tmp_path / "turned.jpg", exif=exif, quality=95)
    clear = Image.fromarray(picture(2, 60, 90, 3)).convert("RGBA")
    clear.putalpha(Image.linear_gradient("L").resize((90, 60)))
    clear.save(tmp_path / "clear.png")
    _, file = registry.open_model("tiny-resnet")
    web = for_web(file)
    gamma = PngImagePlugin.PngInfo()
    gamma.add(b"gAMA", (20_000).to_bytes(4))
    image.save(tmp_path / "gamma.png", pnginfo=gamma)
    for name in ("turned.jpg", "gamma.png", "clear.png"):
        fed = stored(pipeline_of(web.contract.preprocessing), decode(tmp_path / name, 3), web.input)
        tensor = np.array(result(page, tmp_path / name)[1])
        assert abs(tensor - fed.ravel()).max() <= (1 if name == "clear.png" else 0), name


def test_the_camera_runs_until_it_is_stopped(browser, address):
    with pages.opened(browser, address, permissions=["camera"]) as page:
        page.get_by_role("button", name="Use the camera").click()
        page.wait_for_selector(".bars li")
        frames = {tuple(page.evaluate(RESULT)[1]) for _ in range(8) if not page.wait_for_timeout(20)}
        assert len(frames) > 2
        assert page.get_attribute("[data-part=headline]", "aria-live") == "off"
        page.get_by_role("button", name="Stop the camera").click()
        page.get_by_role("button", name="Use the camera").wait_for()


def test_a_camera_that_is_refused_ends_in_a_line(page):
    page.get_by_role("button", name="Use the camera").click()
    assert status(page) == "The camera was refused. Allow it beside the address of this page, and try again."


def test_names_are_text(browser, tmp_path):
    _, file = registry.open_model("tiny-resnet")
    contract = Contract(
        model=HOSTILE[0], preprocessing=file.contract.preprocessing, classes=(*HOSTILE, *file.contract.classes[5:])
    )
    write_page(file, contract, tmp_path, runtime=pages.RUNTIME)
    with pages.served(tmp_path) as address, pages.opened(browser, address) as page:
        page.get_by_role("button", name="Sample: mug").click()
        page.wait_for_selector(DONE)
        assert page.text_content("h1") == HOSTILE[0]
        shown = page.eval_on_selector_all(".bars .name", "(all) => all.map((each) => each.textContent)")
        assert set(shown) < set(contract.classes)
        assert set(shown) & set(HOSTILE)


@pytest.mark.parametrize("logits", [False, True])
@pytest.mark.parametrize("temperature", [None, 0.5, 3.0])
def test_probabilities_are_those_of_python(page, logits, temperature):
    _, file = registry.open_model("tiny-resnet:float32")
    confidence = temperature and Confidence(temperature=temperature, rows=(Row(0.0, 10, 9),))
    contract = replace(file.contract, logits=logits, confidence=confidence or None)
    scores = np.random.default_rng(0).dirichlet(np.full(10, 0.1)).astype(np.float32)
    told = {
        "logits": logits,
        "confidence": confidence and {"temperature": temperature},
        "floor": floor(file.output, contract),
    }
    found = page.evaluate(PROBABILITIES, [scores.tolist(), told])
    assert found == pytest.approx(probabilities(scores, file.output, contract).tolist(), abs=1e-6)


def test_an_answer_can_ask_for_confidence(browser, tmp_path):
    _, file = registry.open_model("tiny-resnet")
    rows = (Row(0.0, 200, 180), Row(0.9, 100, 98))
    contract = replace(file.contract, confidence=Confidence(temperature=2.0, rows=rows))
    write_page(file, contract, tmp_path, runtime=pages.RUNTIME, min_confidence=0.95)
    with pages.served(tmp_path) as address, pages.opened(browser, address) as page:
        page.get_by_role("button", name="Sample: mug").click()
        page.wait_for_selector(DONE)
        assert page.text_content("[data-part=headline]") == "None of these"
        assert "100 of 200 validation images had an answer, 98 of them" in page.text_content("[data-part=expected]")
        page.locator("[data-part=threshold]").fill("0")
        assert page.text_content("[data-part=headline]") == page.text_content(".bars .name")


def test_a_quantized_zero_counts_for_what_predict_says():
    _, file = registry.open_model("tiny-resnet")
    content = page_contract(file, for_web(file), file.contract)
    assert content["floor"] == floor(file.output, file.contract) == 1 / 256 / 40


def test_a_runtime_that_was_changed_does_not_run(browser, tmp_path):
    export("tiny-resnet", to="web", runtime=pages.RUNTIME, out=tmp_path)
    core = tmp_path / "playground" / "runtime" / FILES["core"][0]
    core.write_text(core.read_text("utf-8") + "\nalert(1)", "utf-8")
    with pages.served(tmp_path) as address, browser.new_context() as context:
        page = context.new_page()
        page.goto(address)
        page.get_by_role("button", name="Sample: mug").click()
        assert "is not the file that eyespot expects" in status(page)


def test_the_runtime_is_the_one_that_is_pinned(tmp_path):
    pages.need_modules()
    for place, expected in FILES.values():
        assert digest((pages.RUNTIME.parent / place).read_bytes()) == expected
    with pytest.raises(MissingDataError, match=r"no such file; npm install @litertjs/core@2\.5\.3 gives"):
        export("tiny-resnet", to="web", runtime=tmp_path / "absent", out=tmp_path / "out")
    (tmp_path / "core" / "dist").mkdir(parents=True)
    (tmp_path / "core" / "dist" / "index.js").write_text("// another one")
    with pytest.raises(BadFileError, match=r"is not the file of @litertjs/core 2\.5\.3"):
        export("tiny-resnet", to="web", runtime=tmp_path / "core", out=tmp_path / "out")


def test_by_default_the_runtime_comes_from_a_cdn(tmp_path):
    written = export("tiny-resnet", to="web", out=tmp_path)
    files = json.loads((tmp_path / "playground" / "runtime.json").read_text("utf-8"))
    assert all(each["url"].startswith("https://cdn.jsdelivr.net/npm/@litertjs/") for each in files.values())
    assert all("@2.5.3/" in each["url"] and each["integrity"].startswith("sha256-") for each in files.values())
    assert sum(path.stat().st_size for path in written.files) < 500_000
    assert "connect-src &#x27;self&#x27; https://cdn.jsdelivr.net" in (tmp_path / "index.html").read_text("utf-8")


def test_the_same_model_gives_the_same_bytes(tmp_path):
    first, second = (export("tiny-resnet", to="web", out=tmp_path / each) for each in "ab")
    assert [path.read_bytes() for path in first.files] == [path.read_bytes() for path in second.files]


def test_a_page_that_is_opened_as_a_file_says_what_it_needs(browser, folder):
    with browser.new_context() as context:
        page = context.new_page()
        page.goto((folder / "index.html").as_uri())
        assert "run python -m http.server" in status(page)


def test_arguments_go_with_their_form(tmp_path, capsys):
    with pytest.raises(BadArgumentError, match="runtime: for --to web"):
        export("tiny-resnet", to="c", runtime=tmp_path, out=tmp_path)
    with pytest.raises(BadArgumentError, match="camera: for --to c"):
        export("tiny-resnet", to="web", camera="320x240:rgb565", out=tmp_path)
    assert main(["export", "tiny-resnet", "--to", "web", "--out", str(tmp_path / "out")]) == 0
    assert "index.html" in capsys.readouterr().out
