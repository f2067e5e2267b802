"""The training loop, on generated pictures."""

from __future__ import annotations

import csv
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from unittest.mock import patch

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from safetensors.torch import save  # noqa: E402

from eyespot.errors import BadFileError  # noqa: E402
from eyespot.networks.layers import count_parameters, initialise  # noqa: E402
from eyespot.networks.resnet8 import ResNet8  # noqa: E402
from eyespot.preprocessing.synthetic import picture  # noqa: E402
from eyespot.reports import training as review  # noqa: E402
from eyespot.training import checkpoint, course, distil, loop, norms  # noqa: E402
from eyespot.training.data import Data, Loaded  # noqa: E402
from eyespot.zoo import registry  # noqa: E402
from eyespot.zoo.cards import Augmentation, Teacher  # noqa: E402

CARD = registry.model("tiny-resnet")
RECIPE = replace(CARD.recipe, epochs=3, batch=16, averaging=0.5, teacher=None)
RUN = checkpoint.Run(model="tiny-resnet", data="0" * 64, seed=1, recipe=RECIPE)


@pytest.fixture(scope="module")
def data():
    images = torch.from_numpy(np.stack([picture(i, 32, 32, 3) for i in range(96)]))
    labels = torch.arange(96) % 4
    return Data(
        images=images[:64], labels=labels[:64], validation_images=images[64:], validation_labels=labels[64:]
    )


class KilledError(Exception):
    pass


def keep(epochs):
    """A report that leaves the history in `epochs`."""
    return lambda history, _: epochs.__setitem__(slice(None), history)


def fit(data, folder, *, run=RUN, kill_after=None):
    """Train; raise KilledError in the middle of the epoch after `kill_after`."""
    torch.set_num_threads(1)
    network = ResNet8(10)
    epochs = []

    def track(items, total, title):
        for i, item in enumerate(items):
            if kill_after is not None and len(epochs) == kill_after and i == 2:
                raise KilledError
            yield item

    with patch.object(loop, "track", track):
        trained = loop.fit(network, data, run, CARD.preprocessing, folder, keep(epochs))
    assert trained.history == tuple(epochs)
    return trained.network.state_dict(), epochs


def same(first, second) -> bool:
    return all(torch.equal(first[name], second[name]) for name in first) and first.keys() == second.keys()


@pytest.mark.parametrize("kill_after", [0, 1, 2])
def test_killed_and_resumed_ends_with_the_same_weights(data, tmp_path, kill_after):
    straight, told = fit(data, tmp_path / "straight")
    with pytest.raises(KilledError):
        fit(data, tmp_path / "killed", kill_after=kill_after)
    resumed, again = fit(data, tmp_path / "killed")
    assert same(straight, resumed)
    assert [(e.epoch, e.loss, e.validation_top1) for e in told] == [
        (e.epoch, e.loss, e.validation_top1) for e in again
    ]


def test_a_finished_run_is_not_repeated(data, tmp_path):
    first, _ = fit(data, tmp_path)
    second, epochs = fit(data, tmp_path, kill_after=99)
    assert same(first, second)
    assert len(epochs) == RECIPE.epochs


def test_norms_fold_away():
    """Same answers in evaluation mode, and the published network's parameters alone."""
    card = registry.model("deepface-emotion")
    network = registry.imported(card.network)()
    initialise(network, 0)
    norms.add_norms(network)
    assert count_parameters(network) > card.parameters
    bare = [n for n, m in network.named_modules() if isinstance(m, torch.nn.Linear | torch.nn.Conv2d)]
    assert [n for n in bare if not n.endswith(".layer")] == ["dense3"]  # the logits alone have none
    x = torch.rand(8, 1, 48, 48) * 4 - 2
    network.train()
    for _ in range(3):
        network(x)  # running statistics other than 0 and 1
    with torch.no_grad():
        before = network.eval()(x)
        norms.fold_norms(network)
        after = network.eval()(x)
    assert count_parameters(network) == card.parameters
    assert torch.allclose(before, after, atol=1e-4)


@pytest.mark.parametrize("kill_after", [None, 1])
def test_dropout_and_norms_resume_bit_exactly(data, tmp_path, kill_after):
    gray = replace(
        data, images=data.images[:, 8:24, 8:24, :1].repeat_interleave(3, 1).repeat_interleave(3, 2)
    )
    gray = replace(gray, validation_images=gray.images[:8], validation_labels=gray.labels[:8])
    card = registry.model("deepface-emotion")
    run = replace(RUN, model=card.name, recipe=replace(card.recipe, epochs=2, batch=16))

    def finish(folder, kill=None):
        network = registry.imported(card.network)()
        epochs = []

        def track(items, total, title):
            for i, item in enumerate(items):
                if kill == len(epochs) and i == 1:
                    raise KilledError
                yield item

        with patch.object(loop, "track", track):
            return loop.fit(network, gray, run, card.preprocessing, folder, keep(epochs)).network.state_dict()

    if kill_after is not None:
        with pytest.raises(KilledError):
            finish(tmp_path / "a", kill_after)
    assert same(finish(tmp_path / "a"), finish(tmp_path / "b"))


def test_seeds_matter(data, tmp_path):
    first, _ = fit(data, tmp_path / "1", run=replace(RUN, recipe=replace(RECIPE, epochs=1)))
    second, _ = fit(data, tmp_path / "2", run=replace(RUN, seed=2, recipe=replace(RECIPE, epochs=1)))
    assert not same(first, second)


def test_training_learns(data, tmp_path):
    seen = replace(data, validation_images=data.images, validation_labels=data.labels)
    recipe = replace(RECIPE, epochs=12, augmentation=Augmentation(shift=1, flip=True))
    _, epochs = fit(seen, tmp_path, run=replace(RUN, recipe=recipe))
    assert epochs[-1].loss < 0.5 * epochs[0].loss
    assert epochs[-1].validation_top1 > 0.6


@pytest.mark.parametrize(
    ("change", "told"),
    [({"model": "mobilenet-v1"}, "model tiny-resnet"), ({"seed": 7}, "seed 1"), ({"data": "1"}, "data 0000")],
)
def test_a_checkpoint_of_another_run_is_refused(data, tmp_path, change, told):
    short = replace(RUN, recipe=replace(RECIPE, epochs=1))
    fit(data, tmp_path, run=short)
    before = (tmp_path / checkpoint.NAME).read_bytes()
    with pytest.raises(BadFileError, match=f"is of another run: {told}"):
        fit(data, tmp_path, run=replace(short, **change))
    assert (tmp_path / checkpoint.NAME).read_bytes() == before


@pytest.mark.parametrize("content", [b"", b"hello", b"\x10" + bytes(30), save({"a": torch.zeros(1)})])
def test_a_damaged_checkpoint_is_one_line(data, tmp_path, content):
    (tmp_path / checkpoint.NAME).write_bytes(content)
    with pytest.raises(BadFileError, match="is not a whole checkpoint"):
        fit(data, tmp_path)


def test_learning_rate_rises_to_the_peak_and_falls_to_zero():
    rates = [loop.learning_rate(step, 100, RECIPE) for step in range(101)]
    top = round(RECIPE.warmup * 100)
    assert rates[0] == 0
    assert rates[-1] == 0
    assert max(rates) == rates[top] == RECIPE.peak
    assert rates[:top] == sorted(rates[:top])
    assert rates[top:] == sorted(rates[top:], reverse=True)


def test_csv_and_curves(tmp_path):
    from PIL import Image

    history = [
        checkpoint.Epoch(epoch=i, learning_rate=0.1, loss=1 / i, validation_top1=0.5, images_per_second=9.0)
        for i in (1, 2)
    ]
    review.write_history(history, tmp_path)
    with (tmp_path / "run.csv").open() as file:
        assert [row["loss"] for row in csv.DictReader(file)] == ["1.0", "0.5"]
    with Image.open(tmp_path / "curves.png") as drawn:
        assert drawn.size == (960, 420)


@pytest.mark.parametrize("classes", [2, 5, 40])
def test_confusion_and_mistakes_are_pictures(data, tmp_path, classes):
    from PIL import Image

    labels = np.arange(64) % classes
    shares = np.eye(classes, dtype=np.float32)[(labels + (np.arange(64) % 3 == 0)) % classes]
    names = tuple(f"class {i}" for i in range(classes))
    review.draw_confusion(tmp_path / "confusion.png", labels, shares, names)
    review.draw_mistakes(tmp_path / "mistakes.png", data.images.numpy(), labels, shares, names)
    for name in ("confusion.png", "mistakes.png"):
        with Image.open(tmp_path / name) as drawn:
            assert min(drawn.size) > 400
            assert len(drawn.convert("RGB").getcolors(1 << 20)) > 50


GENTLE = replace(RECIPE, epochs=2, peak=0.02)
TEACHER = Teacher(
    network="eyespot.networks.wide:Wide", recipe=GENTLE, temperature=4.0, weight=0.9, views=2, members=2
)
TAUGHT = replace(GENTLE, epochs=5, teacher=TEACHER)


def by_recipe(data, folder, *, kill_after=None, recipe=TAUGHT, teacher=None):
    """Teachers and student; raise KilledError after so many epochs of all together."""
    torch.set_num_threads(1)
    loaded = Loaded(data=data, digests=(), digest="0" * 64, validation_digest="", dropped={})
    told = []

    def report(history, where):
        if (where.name, history[-1].epoch) not in told:
            told.append((where.name, history[-1].epoch))
        if len(told) == kill_after:
            raise KilledError

    trained = course.by_recipe(CARD, loaded, recipe, folder, report, seed=3, teacher=teacher)
    return trained.network.state_dict(), told


@pytest.mark.parametrize("kill_after", [1, 3, 6])
def test_teacher_and_student_resume_with_the_same_weights(data, tmp_path, kill_after):
    straight, told = by_recipe(data, tmp_path / "straight")
    assert told == [("0", 1), ("0", 2), ("1", 1), ("1", 2), *(("straight", i) for i in range(1, 6))]
    with pytest.raises(KilledError):
        by_recipe(data, tmp_path / "killed", kill_after=kill_after)
    resumed, _ = by_recipe(data, tmp_path / "killed")
    assert same(straight, resumed)


def test_a_teacher_of_an_earlier_run_will_do(data, tmp_path):
    first, _ = by_recipe(data, tmp_path / "first")
    second, _ = by_recipe(data, tmp_path / "second", teacher=tmp_path / "first")
    assert same(first, second)
    assert not (tmp_path / "second" / "teacher").exists()
    assert len(list((tmp_path / "first" / "teacher").glob("answers-*"))) == 2  # one for each view


def test_a_teacher_answers_with_its_members_mean(data, tmp_path):
    members = [ResNet8(10), ResNet8(10)]
    for seed, member in enumerate(members):
        initialise(member, seed)
    recipe = replace(TAUGHT, bfloat16=False)
    alone, other, both = (
        distil.taught(some, data.images, replace(RUN, recipe=recipe), CARD.preprocessing, tmp_path)(0)
        for some in (members[:1], members[1:], members)
    )
    assert not torch.allclose(alone, other, rtol=0.1)
    assert torch.allclose(both.float(), (alone.float() + other.float()) / 2, rtol=1e-3, atol=1.0)


def test_a_student_learns_its_teachers_answers(data, tmp_path):
    """With the labels shuffled and all weight on the teacher, only the teacher can have taught it."""
    logits = 12 * torch.nn.functional.one_hot(data.labels, 10).float()
    recipe = replace(
        TAUGHT, epochs=12, augmentation=Augmentation(), teacher=replace(TAUGHT.teacher, weight=1.0, views=1)
    )
    shuffled = replace(
        data, labels=data.labels.roll(1), validation_images=data.images, validation_labels=data.labels
    )
    network = ResNet8(10)
    epochs = []
    run = replace(RUN, recipe=recipe)
    loop.fit(network, shuffled, run, CARD.preprocessing, tmp_path, keep(epochs), lambda _: logits)
    assert epochs[-1].validation_top1 > 0.6


def test_balanced_classes_weigh_the_same():
    weights = loop.balance(torch.tensor([0, 0, 0, 1, 2, 2]), 3)
    assert (weights * torch.tensor([3, 1, 2])).tolist() == pytest.approx([2, 2, 2])


def test_gradients_are_clipped_to_a_share_of_each_tensor():
    layer = torch.nn.Linear(3, 2)
    torch.nn.init.zeros_(layer.bias)
    layer.weight.grad, layer.bias.grad = 1000 * torch.ones(2, 3), torch.tensor([1e-9, 0.0])
    loop.clip_gradients(layer, 0.02)
    assert layer.weight.grad.norm() == pytest.approx(0.02 * float(layer.weight.detach().norm()))
    assert layer.bias.grad.tolist() == pytest.approx([1e-9, 0.0])  # short enough


def test_frozen_norms_keep_their_statistics(data, tmp_path):
    recipe = replace(RECIPE, epochs=1, frozen_norms=True)
    trained, _ = fit(data, tmp_path, run=replace(RUN, recipe=recipe))
    assert torch.equal(trained["norm.running_mean"], torch.zeros(16))
    assert not torch.equal(trained["norm.weight"], torch.ones(16))


def test_parameters_are_counted_as_keras_does():
    assert count_parameters(ResNet8()) == CARD.parameters


# A shell starts background jobs with SIGINT ignored, and what they start inherits that.
HEEDING_CTRL_C = (
    "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler); "
    "from eyespot.cli import main; sys.exit(main(sys.argv[1:]))"
)


@pytest.mark.slow
def test_ctrl_c_is_one_line_and_leaves_nothing_half_written(data_root, tmp_path):
    words = ["train", "tiny-resnet", "--threads", "1", "--out", str(tmp_path)]
    running = subprocess.Popen(
        [sys.executable, "-c", HEEDING_CTRL_C, *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    time.sleep(15)
    running.send_signal(signal.SIGINT)
    out, err = running.communicate(timeout=60)
    assert running.returncode == 1
    assert out == ""
    assert err.count("\n") == 1
    assert "stopped" in err
    assert not [name for name in os.listdir(tmp_path) if name.startswith(".")]


def test_norms_unfold_to_the_same_answers():
    """The shipped file's norms are folded; unfolded they have statistics and weights of a usual size."""
    from eyespot.weights.tflite_weights import load_layers

    network = ResNet8(10)
    load_layers(network, registry.find("tiny-resnet:float32"))
    x = torch.from_numpy(np.stack([picture(i, 32, 32, 3) for i in range(32)])).permute(0, 3, 1, 2).float()
    with torch.no_grad():
        before = network.eval()(x)
        norms.unfold_norms(network, x)
        after = network.eval()(x)
    assert torch.allclose(before, after, atol=1e-3, rtol=1e-3)
    first = network.conv.weight.detach()
    assert float(first.square().mean().sqrt()) == pytest.approx((2 / 27) ** 0.5, rel=1e-3)
    assert float(network.norm.running_var.min()) > 0
