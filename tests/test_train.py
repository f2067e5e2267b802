"""The training loop, on generated pictures."""

from __future__ import annotations

import copy
import csv
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from safetensors import safe_open  # noqa: E402
from safetensors.torch import save  # noqa: E402

from eyespot.artifacts.atomic import digest_file  # noqa: E402
from eyespot.artifacts.model_folder import ModelFolder  # noqa: E402
from eyespot.data import manifest  # noqa: E402
from eyespot.errors import BadFileError, MissingDataError, RefusedError  # noqa: E402
from eyespot.networks.layers import initialise  # noqa: E402
from eyespot.networks.resnet8 import ResNet8  # noqa: E402
from eyespot.preprocessing.synthetic import picture  # noqa: E402
from eyespot.reports import plot as views  # noqa: E402
from eyespot.training import checkpoint, finish, loop, norms, recipe_run  # noqa: E402
from eyespot.training.data import Data  # noqa: E402
from eyespot.training.orthogonal import Orthogonal, orthogonal  # noqa: E402
from eyespot.training.outcome import Answers, Epoch  # noqa: E402
from eyespot.zoo import registry  # noqa: E402
from eyespot.zoo.cards import Augmentation, Teacher  # noqa: E402
from tiny_network import CARD, RECIPE, Tiny, count_parameters  # noqa: E402

RUN = checkpoint.Run(model="tiny", data="0" * 64, seed=1, recipe=RECIPE, preprocessing=CARD.preprocessing)


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def data():
    images = torch.from_numpy(np.stack([picture(i, 16, 16, 3) for i in range(96)]))
    labels = torch.arange(96) % 4
    return Data(images=images[:64], labels=labels[:64], validation_images=images[64:], validation_labels=labels[64:])


class KilledError(Exception):
    pass


def killed_after(network, batches):
    """Make a network raise KilledError after so many batches of training; its copies count along."""
    left = [batches]

    def count(module, _):
        if module.training:
            left[0] -= 1
        if left[0] < 0:
            raise KilledError

    network.register_forward_pre_hook(count)
    return network


def fit(data, folder, *, run=RUN, network=None):
    """Train; the weights and the history."""
    history = []
    trained = loop.fit(network or Tiny(), data, run, folder, lambda epochs, _: history.__setitem__(slice(None), epochs))
    return trained.state_dict(), history


def same(first, second) -> bool:
    return all(torch.equal(first[name], second[name]) for name in first) and first.keys() == second.keys()


@pytest.mark.parametrize("orthogonal", [None, 0.05])
@pytest.mark.parametrize("batches", [2, 6, 11])
def test_killed_and_resumed_ends_with_the_same_weights(data, tmp_path, batches, orthogonal):
    run = replace(RUN, recipe=replace(RECIPE, orthogonal=orthogonal))
    straight, epochs = fit(data, tmp_path / "straight", run=run)
    with pytest.raises(KilledError):
        fit(data, tmp_path / "killed", run=run, network=killed_after(Tiny(), batches))
    resumed, again = fit(data, tmp_path / "killed", run=run)
    assert same(straight, resumed)
    assert [(e.epoch, e.loss, e.validation_top1) for e in epochs] == [
        (e.epoch, e.loss, e.validation_top1) for e in again
    ]


def test_a_finished_run_is_not_repeated(data, tmp_path):
    first, _ = fit(data, tmp_path)
    second, epochs = fit(data, tmp_path, network=killed_after(Tiny(), 0))
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


class Dropping(Tiny):
    """With a dropout, whose random numbers must be the same after a resumption."""

    def forward(self, x):
        return super().forward(torch.nn.functional.dropout(x, 0.3, self.training))


def test_dropout_and_norms_resume_bit_exactly(data, tmp_path):
    run = replace(RUN, recipe=replace(RECIPE, norms=True, epochs=2))
    straight, _ = fit(data, tmp_path / "straight", run=run, network=Dropping())
    with pytest.raises(KilledError):
        fit(data, tmp_path / "killed", run=run, network=killed_after(Dropping(), 5))
    resumed, _ = fit(data, tmp_path / "killed", run=run, network=Dropping())
    assert same(straight, resumed)


def test_seeds_matter(data, tmp_path):
    first, _ = fit(data, tmp_path / "1", run=replace(RUN, recipe=replace(RECIPE, epochs=1)))
    second, _ = fit(data, tmp_path / "2", run=replace(RUN, seed=2, recipe=replace(RECIPE, epochs=1)))
    assert not same(first, second)


@pytest.mark.parametrize("orthogonal", [None, 0.05])
def test_training_learns(data, tmp_path, orthogonal):
    seen = replace(data, validation_images=data.images, validation_labels=data.labels)
    _, epochs = fit(seen, tmp_path, run=replace(RUN, recipe=replace(RECIPE, epochs=12, orthogonal=orthogonal)))
    assert epochs[-1].loss < 0.5 * epochs[0].loss
    assert epochs[-1].validation_top1 > 0.6


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"model": "mobilenet-v1"}, "model tiny"),
        ({"seed": 7}, "seed 1"),
        ({"data": "1"}, "data 0000"),
        ({"recipe": replace(RECIPE, epochs=2)}, "epochs 1"),
        ({"preprocessing": replace(CARD.preprocessing, order="bgr")}, r"order rgb \(expected bgr\)"),
        ({"preprocessing": replace(CARD.preprocessing, mean=(1.0,))}, r"mean \[0.0\] \(expected \[1.0\]\)"),
    ],
)
def test_a_checkpoint_of_another_run_is_refused(data, tmp_path, change, message):
    short = replace(RUN, recipe=replace(RECIPE, epochs=1))
    fit(data, tmp_path, run=short)
    before = (tmp_path / checkpoint.NAME).read_bytes()
    with pytest.raises(RefusedError, match=f"is of another run: {message}"):
        fit(data, tmp_path, run=replace(short, **change))
    assert (tmp_path / checkpoint.NAME).read_bytes() == before


@pytest.mark.parametrize("content", [b"", b"hello", b"\x10" + bytes(30), save({"a": torch.zeros(1)})])
def test_a_damaged_checkpoint_is_one_line(data, tmp_path, content):
    (tmp_path / checkpoint.NAME).write_bytes(content)
    with pytest.raises(BadFileError, match=r"checkpoint\.safetensors: damaged checkpoint .* Delete it"):
        fit(data, tmp_path)


@pytest.mark.parametrize("lost", ["network.conv.weight", "average.module.norm.bias", "run", "history"])
def test_a_checkpoint_that_lacks_something_is_one_line(data, tmp_path, lost):
    fit(data, tmp_path, run=replace(RUN, recipe=replace(RECIPE, epochs=1)))
    path = tmp_path / checkpoint.NAME
    with safe_open(path, "pt") as file:
        tensors = {name: file.get_tensor(name) for name in file.keys() if name != lost}  # noqa: SIM118
        metadata = json.loads(file.metadata()[checkpoint.ENTRY])
    kept = {name: text for name, text in metadata.items() if name not in {lost, "digest"}}
    path.write_bytes(checkpoint.packed(tensors, kept))
    with pytest.raises(BadFileError, match=rf"damaged checkpoint .*{lost.rpartition('.')[2]}") as caught:
        fit(data, tmp_path, run=replace(RUN, recipe=replace(RECIPE, epochs=1)))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("byte", [400, -1])
def test_a_checkpoint_with_one_other_bit_is_refused(data, tmp_path, byte):
    fit(data, tmp_path, run=replace(RUN, recipe=replace(RECIPE, epochs=1)))
    path = tmp_path / checkpoint.NAME
    content = bytearray(path.read_bytes())
    content[byte] ^= 1
    path.write_bytes(content)
    with pytest.raises(BadFileError, match="damaged checkpoint"):
        fit(data, tmp_path, run=replace(RUN, recipe=replace(RECIPE, epochs=1)))


def test_a_damaged_cache_is_computed_again(tmp_path):
    path, tensors = tmp_path / "features.safetensors", {"x": torch.arange(4.0)}
    for damage in (lambda data: data[:-1] + b"!", lambda data: data[:40], lambda _: b"", lambda data: data):
        checkpoint.cached(path, "k", lambda: tensors)
        path.write_bytes(damage(path.read_bytes()))
        assert torch.equal(checkpoint.cached(path, "k", lambda: tensors)["x"], tensors["x"])


def test_learning_rate_rises_to_the_peak_and_falls_and_is_never_zero():
    rates = [loop.learning_rate(step, 100, RECIPE) for step in range(100)]
    top = round(RECIPE.warmup * 100) - 1
    assert min(rates) > 0
    assert max(rates) == rates[top] == RECIPE.peak
    assert rates[:top] == sorted(rates[:top])
    assert rates[top:] == sorted(rates[top:], reverse=True)
    assert loop.learning_rate(0, 1, RECIPE) == RECIPE.peak


def test_the_first_step_already_trains(data, tmp_path):
    """Its rate was zero."""
    start = Tiny()
    initialise(start, RUN.seed)
    few = replace(data, images=data.images[:16], labels=data.labels[:16])
    trained, _ = fit(few, tmp_path, run=replace(RUN, recipe=replace(RECIPE, epochs=1)))
    assert not torch.equal(start.dense.weight, trained["dense.weight"])


def test_csv_and_curves(tmp_path):
    from PIL import Image

    history = [
        Epoch(epoch=i, learning_rate=0.1, loss=1 / i, validation_top1=0.5, images_per_second=9.0) for i in (1, 2)
    ]
    views.write_history(history, tmp_path)
    with (tmp_path / "run.csv").open() as file:
        assert [row["loss"] for row in csv.DictReader(file)] == ["1.0", "0.5"]
    with Image.open(tmp_path / "curves.png") as drawn:
        assert drawn.size == (960, 420)


@pytest.mark.parametrize("classes", [2, 40])
def test_confusion_and_mistakes_are_pictures(data, tmp_path, classes):
    """Whatever the classes are called: $ would begin a formula."""
    from PIL import Image

    labels = np.arange(64) % classes
    shares = np.eye(classes, dtype=np.float32)[(labels + (np.arange(64) % 3 == 0)) % classes]
    names = (r"$\frac$", "$", *(f"class_{i}^2" for i in range(classes - 2)))
    files = [f"a_long_$_folder/and_a_long_name_of_picture_{i}.png" for i in range(64)]
    answers = Answers(
        image=lambda i: data.images[i].numpy(), labels=labels, shares=shares, classes=names, files=files
    )  # fmt: skip
    views.draw_answers(answers, tmp_path)
    with (tmp_path / "mistakes.csv").open(newline="") as file:
        assert [row["file"] for row in csv.DictReader(file)] == files[::3]
    for name in ("confusion.png", "mistakes.png"):
        with Image.open(tmp_path / name) as drawn:
            assert min(drawn.size) > 400
            assert len(drawn.convert("RGB").getcolors(1 << 20)) > 50


GENTLE = replace(RECIPE, epochs=2, peak=0.02)
TEACHER = Teacher(network="tiny_network:teacher", recipe=GENTLE, temperature=4.0, weight=0.9, views=2, members=2)
TAUGHT = replace(GENTLE, epochs=5, teacher=TEACHER)


def by_recipe(data, folder, *, kill_after=None, teacher=None):
    """Teachers and student; raise KilledError after so many epochs of all together."""
    seen = []

    def report(history, where):
        if (where.name, history[-1].epoch) not in seen:
            seen.append((where.name, history[-1].epoch))
        if len(seen) == kill_after:
            raise KilledError

    run = replace(RUN, seed=3, recipe=TAUGHT)
    return recipe_run.by_recipe(CARD, data, run, folder, report, teacher).state_dict(), seen


@pytest.mark.parametrize("kill_after", [1, 3, 6])
def test_teacher_and_student_resume_with_the_same_weights(data, tmp_path, kill_after):
    straight, seen = by_recipe(data, tmp_path / "straight")
    assert seen == [("0", 1), ("0", 2), ("1", 1), ("1", 2), *(("straight", i) for i in range(1, 6))]
    with pytest.raises(KilledError):
        by_recipe(data, tmp_path / "killed", kill_after=kill_after)
    resumed, _ = by_recipe(data, tmp_path / "killed")
    assert same(straight, resumed)


def test_a_teacher_of_an_earlier_run_is_used_again(data, tmp_path):
    first, _ = by_recipe(data, tmp_path / "first")
    second, _ = by_recipe(data, tmp_path / "second", teacher=tmp_path / "first")
    assert same(first, second)
    assert not (tmp_path / "second" / "teacher").exists()
    assert len(list((tmp_path / "first" / "teacher").glob("answers-*"))) == 2  # one for each view


def test_a_teacher_that_was_not_trained_is_one_line(tmp_path):
    card, none = replace(CARD, recipe=TAUGHT), tmp_path / "none"
    with pytest.raises(MissingDataError, match=r"none: no run whose teacher was trained; expected .*0/check"):
        recipe_run.train(card, tmp_path, lambda *_: None, epochs=None, seed=0, teacher=none)


def test_a_teacher_answers_with_its_members_mean(data, tmp_path):
    members = [Tiny(), Tiny()]
    for seed, member in enumerate(members):
        initialise(member, seed)
    run = replace(RUN, recipe=replace(TAUGHT, bfloat16=False))
    alone, other, both = (
        recipe_run.taught(some, data.images, run, tmp_path)(0) for some in (members[:1], members[1:], members)
    )
    assert not torch.allclose(alone, other, rtol=0.1)
    assert torch.allclose(both.float(), (alone.float() + other.float()) / 2, rtol=1e-2, atol=1e-2)


def test_a_student_learns_its_teachers_answers(data, tmp_path):
    """With the labels shuffled and all weight on the teacher, only the teacher can have taught it."""
    logits = 12 * torch.nn.functional.one_hot(data.labels, 10).float()
    recipe = replace(TAUGHT, epochs=12, augmentation=Augmentation(), teacher=replace(TEACHER, weight=1.0, views=1))
    shuffled = replace(data, labels=data.labels.roll(1), validation_images=data.images, validation_labels=data.labels)
    history = []
    loop.fit(
        Tiny(), shuffled, replace(RUN, recipe=recipe), tmp_path,
        lambda epochs, _: history.append(epochs[-1]), lambda _: logits,
    )  # fmt: skip
    assert history[-1].validation_top1 > 0.6


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


@pytest.mark.parametrize("shape", [(16, 3, 3, 3), (8, 40, 3, 3), (16, 16, 1, 1), (64, 32, 3, 3)])
def test_a_step_of_a_convolution_is_orthogonal_and_keeps_its_length(shape):
    """Its singular values are about 1, whatever those of the gradient are. Its length is a share of theirs."""
    torch.manual_seed(0)
    layer = torch.nn.Conv2d(shape[1], shape[0], shape[2], bias=False)
    before, rank = layer.weight.detach().clone(), min(shape[0], layer.weight[0].numel())
    optimizer = Orthogonal(layer, 0.02, lr=0.1, momentum=0.9, nesterov=True)
    scales = torch.logspace(0, -2, rank)  # a gradient whose singular values fall to a hundredth
    u, v = (torch.linalg.qr(torch.randn(n, rank))[0] for n in (shape[0], layer.weight[0].numel()))
    layer.weight.grad = (u * scales @ v.T).view(shape)
    optimizer.param_groups[0]["lr"] = 0.05  # half the peak: half the step
    optimizer.step()
    assert layer.weight.detach().norm() == pytest.approx(float(before.norm()), rel=1e-5)
    step = (before - layer.weight.detach()).flatten(1)
    assert step.norm() == pytest.approx(0.01 * float(before.norm()), rel=0.02)
    found = orthogonal(u * scales @ v.T)
    values = torch.linalg.svdvals(found)[:rank]
    assert 0.5 < values.median() < 1.3
    assert values.max() < 1.3
    assert torch.nn.functional.cosine_similarity(found.flatten(), (u @ v.T).flatten(), 0) > 0.85


def test_depthwise_and_dense_layers_keep_their_steps():
    torch.manual_seed(0)
    network = torch.nn.Sequential(torch.nn.Conv2d(8, 8, 3, groups=8), torch.nn.Linear(3, 2))
    other = copy.deepcopy(network)
    settings = {"lr": 0.1, "momentum": 0.9, "weight_decay": 0.01, "nesterov": True}
    for each, optimizer in (
        (network, Orthogonal(network, 0.02, **settings)),
        (other, torch.optim.SGD(other.parameters(), **settings)),
    ):
        for parameter in each.parameters():
            parameter.grad = torch.ones_like(parameter)
        optimizer.step()
    assert same(network.state_dict(), other.state_dict())


def test_frozen_norms_keep_their_statistics(data, tmp_path):
    recipe = replace(RECIPE, epochs=1, frozen_norms=True)
    trained, _ = fit(data, tmp_path, run=replace(RUN, recipe=recipe))
    assert torch.equal(trained["norm.running_mean"], torch.zeros(8))
    assert not torch.equal(trained["norm.weight"], torch.ones(8))


def test_parameters_are_counted_as_keras_does():
    assert count_parameters(ResNet8()) == registry.model("tiny-resnet").parameters


@pytest.mark.slow
def test_a_recipe_trains_on_the_data_of_its_card(real_data, tmp_path):
    """And leaves the list of its training images, by which they are known later."""
    real_data("cifar-10")
    card = replace(CARD, recipe=replace(RECIPE, epochs=5, batch=500))
    manifest.save(manifest.Manifest(data=str(tmp_path / "photos")), tmp_path)
    with pytest.raises(RefusedError, match=r"was trained on .*photos, not on cifar-10.*--force"):
        recipe_run.train(card, tmp_path, lambda *_: None, epochs=1, seed=0, teacher=None)
    trained = recipe_run.train(card, tmp_path, lambda *_: None, epochs=1, seed=0, teacher=None, force=True)
    result, answers = finish.save(trained, tmp_path)
    assert (result.n, answers.shares.shape) == (5000, (5000, 10))
    assert 0.15 < result.validation_top1 < 0.8
    assert result.weights.arguments["recipe"]["epochs"] == 1
    shipped = ModelFolder(registry.home("tiny-resnet")).record("weights.safetensors")
    assert result.weights.inputs == shipped.inputs
    assert digest_file(tmp_path / "training-images.bin") == result.weights.inputs["train"]
    assert not (tmp_path / "manifest.csv").exists()
    assert "training_images" not in result.float32.facts


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
        norms.unfold_norms(network, x.split(5))
        after = network.eval()(x)
    assert torch.allclose(before, after, atol=1e-3, rtol=1e-3)
    sizes = network.conv.weight.detach().square().mean((1, 2, 3)).sqrt()
    on = sizes > norms.TINY  # training may switch a channel off
    assert on.sum() > 0.5 * len(on)
    assert sizes[on].tolist() == pytest.approx([(2 / 27) ** 0.5] * int(on.sum()), rel=1e-3)
    assert float(network.norm.running_var[on].min()) > 0
