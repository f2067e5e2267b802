"""The doctor: what a file wants, and what each mistake costs."""

import json
from dataclasses import replace
from itertools import permutations

import numpy as np
import pytest
from PIL import Image

import eyespot
import isolated_functions
from eyespot import cli, isolation
from eyespot.artifacts import places
from eyespot.errors import BadArgumentError, MissingDataError, RefusedError, UnfitError
from eyespot.evaluation.doctor.labels import NEVER, assign, labellings
from eyespot.evaluation.trials import sample
from eyespot.quantity import at_least, paired
from eyespot.tflite import schema
from eyespot.tflite.read import read
from eyespot.tflite.run import open_runner

SHIPPED = places.ZOO / "tiny-resnet" / "int8.tflite"
NOISE = np.random.default_rng(0).integers(-128, 128, (32, 32, 3)).astype(np.int8)


def bare(path, change=None):
    """Our tiny-resnet without its contract, as a foreign file."""
    model = schema.unpack(SHIPPED.read_bytes())
    model.metadata = [each for each in model.metadata if each.name != b"eyespot"]
    if change:
        change(model)
    path.write_bytes(schema.pack(model))
    return path


def scrambled(model):
    generator = np.random.default_rng(0)
    for tensor in model.subgraphs[0].tensors:
        values = schema.constant(model, tensor)
        if values is not None and values.size > 16:
            schema.set_constant(model, tensor, generator.permutation(values.ravel()).reshape(values.shape))


@pytest.fixture(scope="module")
def pictures(tmp_path_factory, real_data):
    """400 images of CIFAR-10's test split in class folders, whose names sort in reversed order."""
    real_data("cifar-10")
    from eyespot.data import catalogue

    split, folder = catalogue.open_split(catalogue.dataset("cifar-10"), "test"), tmp_path_factory.mktemp("pictures")
    for i in sample(split.labels, 400, 0)[0]:
        target = folder / f"{9 - split.labels[i]} {split.classes[split.labels[i]]}" / f"{i}.png"
        target.parent.mkdir(exist_ok=True)
        Image.fromarray(split.read(i)).save(target)
    return folder


@pytest.fixture(scope="module")
def foreign(tmp_path_factory):
    return bare(tmp_path_factory.mktemp("foreign") / "foreign.tflite")


@pytest.fixture(scope="module")
def learned(foreign, pictures):
    """Its diagnosis; the chart and the file with the contract lie beside it."""
    return eyespot.doctor(
        foreign, data=str(pictures), images=400, using="bgr,-128..127", chart=foreign.with_name("costs.png"),
        write=foreign.with_name("named.tflite"),
    )  # fmt: skip


def costs(diagnosis):
    return {each.change: each.cost for each in diagnosis.mistakes}


def test_it_finds_what_a_foreign_file_wants_and_in_which_order_its_classes_are(learned):
    found = learned.found
    assert (found.order, found.range, found.crop, found.resize) == ("rgb", "0..255", "squash", "bilinear")
    assert found.label_permutation == tuple(range(9, -1, -1))
    assert found.certainty >= 0.95
    assert found.n == 200
    assert found.interval[0] < found.top1 < found.interval[1]
    assert learned.contract == "none"


def test_it_prices_mistakes_on_the_half_that_chose_nothing(learned, foreign, pictures):
    from eyespot.data import catalogue

    split = catalogue.open_split(catalogue.dataset(str(pictures)), "all")
    images, half = sample(split.labels, 400, 0)
    run = open_runner(read(foreign).content, "xnnpack")

    def top1(feed):
        answers = [9 - run(feed(split.read(i)) ^ -128).argmax() for i in images[half:]]
        return 100 * np.mean(answers == split.labels[images[half:]])

    price = top1(lambda image: image.view(np.int8)) - top1(lambda image: image[..., ::-1].view(np.int8))
    assert costs(learned)["bgr"] == pytest.approx(price)
    assert price > 5
    assert all(each.interval[0] <= each.cost <= each.interval[1] for each in learned.mistakes)


def test_it_prices_the_users_own_pipeline(learned):
    assert learned.using.change == "bgr,-128..127,squash,bilinear"
    assert learned.using.cost >= costs(learned)["bgr"]
    assert {"bgr", "-128..127"} <= set(costs(learned))


def test_pictures_of_the_right_size_are_identical_tensors(learned):
    same = {each.change for each in learned.indistinguishable if each.identical}
    assert same >= {"crop", "letterbox", "nearest", "bicubic", "lanczos", "area", "opencv"}
    assert not same & set(costs(learned))


def test_it_confirms_the_contract_of_a_file_of_ours(real_data):
    real_data("cifar-10")
    found = eyespot.doctor("tiny-resnet", images=100)
    assert found.contract == "confirmed"
    assert found.found.label_offset == 0
    assert found.found.label_permutation == ()


@pytest.mark.slow
def test_it_contradicts_a_wrong_contract(tmp_path, real_data):
    from eyespot.tflite import contract

    real_data("cifar-10")
    file = read(SHIPPED)
    wrong = replace(file.contract, preprocessing=replace(file.contract.preprocessing, order="bgr"))
    contract.write(file.model, wrong, {})
    (tmp_path / "wrong.tflite").write_bytes(schema.pack(file.model))
    found = eyespot.doctor(tmp_path / "wrong.tflite", data="cifar-10")
    assert found.contract == "contradicted"
    assert found.found.order == "rgb"


@pytest.mark.slow
def test_it_names_no_winner_for_random_weights(tmp_path, pictures):
    found = eyespot.doctor(bare(tmp_path / "random.tflite", scrambled), data=str(pictures), images=200)
    assert found.found is None
    assert not found.mistakes
    with pytest.raises(UnfitError, match="no preprocessing works") as caught:
        eyespot.doctor(tmp_path / "random.tflite", data=str(pictures), images=100, write=tmp_path / "out.tflite")
    assert caught.value.result.found is None
    assert not (tmp_path / "out.tflite").exists()


def test_it_writes_its_finding_into_the_file(tmp_path, learned, foreign, pictures):
    out = foreign.with_name("named.tflite")
    written = read(out)
    assert written.contract.preprocessing == read(SHIPPED).contract.preprocessing
    assert [name[2:] for name in written.contract.classes] == list(read(SHIPPED).contract.classes)
    for kernels in ("xnnpack", "reference"):
        before, after = (open_runner(each.content, kernels)(NOISE) for each in (read(foreign), written))
        assert np.array_equal(before, after)
    with pytest.raises(UnfitError, match="carries a contract already") as caught:
        eyespot.doctor(out, data=str(pictures), images=100, write=tmp_path / "again.tflite")
    assert caught.value.result.contract == "confirmed"


@pytest.mark.slow
def test_microcontrollers_and_vela_read_what_it_wrote(learned, foreign):
    pytest.importorskip("tflite_micro")
    files, outputs = (foreign, foreign.with_name("named.tflite")), []
    for path in files:
        with isolation.Pool(1) as pool:
            outputs += list(pool.open(isolated_functions.open_tflm_file, str(path))([NOISE]))
    assert np.array_equal(*outputs)
    before, after = map(_vela, files)
    assert before == after


def _vela(path):
    findings = eyespot.check(path, device="imx93")[0].findings
    found = [each.quantities for each in findings if "vela" in each.tool]
    assert found
    return found


@pytest.mark.slow
def test_the_command_shows_a_table_or_json(capsys, foreign, pictures):
    words = ["doctor", str(foreign), "--data", str(pictures), "--images", "100", "--using", "bgr"]
    assert cli.main(words) == 0
    shown = capsys.readouterr().out
    assert "foreign.tflite wants rgb,0..255,squash,bilinear" in shown
    assert "your pipeline, bgr,0..255,squash,bilinear, costs" in shown
    assert "next: eyespot doctor" in shown
    assert cli.main([*words, "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["found"]["order"] == "rgb"
    assert {"change", "cost", "interval"} == set(document["mistakes"][0])


def test_the_chart_is_a_picture(learned, foreign):
    with Image.open(foreign.with_name("costs.png")) as image:
        assert image.format == "PNG"
        assert min(image.size) > 300


def test_what_it_refuses(tmp_path, foreign, pictures):
    from eyespot.tflite import contract

    file = read(SHIPPED)
    gray = replace(file.contract.preprocessing, order="gray")
    contract.write(file.model, replace(file.contract, preprocessing=gray), {})
    (tmp_path / "gray.tflite").write_bytes(schema.pack(file.model))
    with pytest.raises(RefusedError, match="the contract of tiny-resnet says"):
        eyespot.doctor(tmp_path / "gray.tflite", data=str(pictures))
    with pytest.raises(BadArgumentError, match="the file takes float32"):
        eyespot.doctor("tiny-resnet:float32", data=str(pictures), using="shifted")
    with pytest.raises(BadArgumentError, match="--data FOLDER"):
        eyespot.doctor(foreign)
    with pytest.raises(BadArgumentError, match="contradict each other"):
        eyespot.doctor(foreign, data=str(pictures), using="rgb,bgr")
    with pytest.raises(MissingDataError, match="10 images; a diagnosis needs 20"):
        eyespot.doctor(foreign, data=str(pictures), images=10)
    with pytest.raises(RefusedError, match=r"ends in \.png"):
        eyespot.doctor(foreign, data=str(pictures), images=60, chart=tmp_path / "costs.pdf")


def test_a_sample_has_all_classes_in_both_halves_and_in_each_beginning():
    labels = np.repeat(np.arange(10), 50)
    images, half = sample(labels, 100, 3)
    assert len(set(images)) == 100
    for part in (images[:half], images[half:], images[:10]):
        assert np.bincount(labels[part], minlength=10).tolist() == [len(part) // 10] * 10
    assert images != sample(labels, 100, 4)[0]
    longer, same = sample(labels, 100, 3, more=1000)
    assert (longer[:100], same, sorted(longer)) == (images, half, list(range(500)))


def test_labels_by_name_by_number_and_with_a_background():
    labels = np.arange(4).repeat(2)
    named = labellings(labels, ("a", "b", "c", "d"), ("D", "c", "b", "a", "e"), 5)
    assert (named[0].name, named[0].outputs) == ("by name", (3, 2, 1, 0))
    offset = next(each for each in named if each.name == "label offset 1")
    assert offset.outputs == (1, 2, 3, 4)
    assert offset.shifted(1, 5).outputs == (2, 3, 4, NEVER)
    few_outputs = labellings(labels, ("a", "b", "c", "d"), (), 2)
    assert [each.name for each in few_outputs] == ["learned"]


def test_the_best_assignment_is_the_best():
    generator = np.random.default_rng(0)
    for _ in range(50):
        rows = int(generator.integers(1, 6))
        costs = generator.integers(-9, 9, (rows, rows + int(generator.integers(0, 3))))
        chosen = assign(costs)
        best = min(sum(costs[range(rows), p]) for p in permutations(range(costs.shape[1]), rows))
        assert costs[range(rows), chosen].sum() == best
        assert len(set(chosen)) == rows


def test_tails_and_intervals():
    assert at_least(8, 10, 0.5) == pytest.approx(56 / 1024)
    assert at_least(0, 0, 0.5) == 1
    low, high = paired(12, 4, 100)
    assert low < 0.08 < high
    assert (low, high) == pytest.approx((-0.00166, 0.15852), abs=1e-5)  # (13 - 5) / 102 -+ z * 0.040863


@pytest.mark.slow
def test_by_default_a_small_network_is_judged_on_all_images_that_chose_nothing(foreign, pictures):
    found = eyespot.doctor(foreign, data=str(pictures))
    assert (found.images, found.found.n) == (400, 250)


@pytest.mark.slow
def test_pictures_with_exif_are_also_tried_as_stored(tmp_path, foreign, pictures):
    exif = Image.Exif()
    exif[0x0112] = 6
    for path in pictures.glob("*/*.png"):
        target = tmp_path / path.relative_to(pictures)
        target.parent.mkdir(exist_ok=True)
        with Image.open(path) as image:
            image.transpose(Image.Transpose.ROTATE_90).save(target, exif=exif)  # upright again by the tag
    found = eyespot.doctor(foreign, data=str(tmp_path), images=200)
    assert costs(found)["exif-ignored"] > 20
    assert "exif-ignored" not in found.found.words


def test_a_background_class_gets_a_name(tmp_path):
    from eyespot.evaluation.doctor.inscribe import named

    found = eyespot.Found(
        words="rgb", order="rgb", range="0..255", cast="quantized", resize="bilinear", crop="squash", label_offset=1,
        label_permutation=(), certainty=1.0, top1=1.0, interval=(0.9, 1.0), n=100,
    )  # fmt: skip
    assert named(found, ("a", "b"), 3, tmp_path) == ("background", "a", "b")
    for classes, outputs in ((("a", "b"), 4), (("a", "background"), 3)):
        with pytest.raises(RefusedError, match=f"the data names 2 of {outputs} outputs"):
            named(found, classes, outputs, tmp_path)
