"""What the training of image GANs rests on: seeds together, parts of a batch, bfloat16, averages, buffers that follow each move."""

import json

import pytest
import torch

import saddlebench
from saddlebench.bench.build import build
from saddlebench.bench.oracle import Counts, Oracle
from saddlebench.bench.program import run_program
from saddlebench.bench.settings import Settings
from saddlebench.bench.trees import map_tensors
from saddlebench.games.data import available

TINY = {"latent": 4, "generator_width": 2, "discriminator_width": 2, "batch": 6, "metrics": "none", "initialisation": "xavier"}
ALONE = TINY | {"generator_norm": "none", "norm": "none"}  # no image sees another


def digits(**more):
    if not available("mnist"):
        pytest.skip("MNIST is not in the data cache")
    return build("game", {"mnist-dcgan": TINY | more})


def colours(**more):
    if not available("cifar10"):
        pytest.skip("CIFAR-10 is not in the data cache")
    return build("game", {"cifar10-resnet": TINY | more})


def oracle(game, seeds, step=0, dtype=torch.float32):
    w = tuple(x.to(dtype) for x in game.initial(seeds))
    return Oracle.at_step(game, seeds, step, game.buffers(w, seeds), Counts(2), dtype), w


def after(game, optimizer, seeds, steps, dtype=torch.float32):
    """The last state of a program."""
    settings = Settings(steps=steps, checkpoints=(0, steps))
    return run_program(game, build("optimizer", optimizer), torch.tensor(seeds), settings, dtype, (-1,)).kept[steps]


def relative(a, b):
    return max(((x - y).norm() / y.norm()).item() for x, y in zip(a, b, strict=True))


# A convolution's bias before batch norm has the gradient 0 but for rounding, and Adam takes whole steps along it: in float32 such
# biases, which change no image, differ. Float64 keeps them below Adam's ε.
@pytest.mark.parametrize(
    ("make", "more", "method", "dtype"),
    [
        (digits, {}, {"extragradient": {"step_size": 1e-4}}, torch.float32),
        (digits, {}, {"adam": {"step_size": 1e-3}}, torch.float64),
        (digits, {"norm": "spectral", "generator_norm": "none"}, {"adam": {"step_size": 1e-3}}, torch.float32),
        (colours, {}, {"adam": {"step_size": 1e-3}}, torch.float32),
        (colours, {}, {"extra-adam": {"step_size": 1e-3}}, torch.float32),
    ],
)
def test_three_seeds_at_once_are_three_alone(make, more, method, dtype):
    game = make(**more)
    together = after(game, method, [3, 1, 4], 10, dtype)
    for r, seed in enumerate([3, 1, 4]):
        alone = after(game, method, [seed], 10, dtype)
        assert relative([x[r : r + 1] for x in together.w], alone.w) < 1e-5


@pytest.mark.parametrize("more", [{}, {"norm": "spectral"}, {"gradient_penalty": 10.0, "flip": True}, {"instance_noise": 0.1}])
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 5e-6), (torch.float64, 1e-13)])
def test_a_gradient_in_parts_is_that_of_the_batch(more, dtype, tolerance):
    seeds = torch.tensor([0, 1])
    whole, w = oracle(digits(**(ALONE | more)), seeds, dtype=dtype)
    for parts in (2, 6):
        asked, _ = oracle(digits(**(ALONE | more), micro_batches=parts), seeds, dtype=dtype)
        assert relative(asked.field(w), whole.field(w)) < tolerance
        assert relative([asked.gradient(1, w)], [whole.gradient(1, w)]) < tolerance


def test_products_in_parts_are_those_of_the_batch():
    seeds = torch.tensor([0])
    (whole, w), (parts, _) = (oracle(digits(**ALONE, micro_batches=m), seeds, dtype=torch.float64) for m in (1, 3))
    u = tuple(torch.ones_like(x) for x in w)
    assert relative(parts.at(w).vjp(u), whole.at(w).vjp(u)) < 1e-12
    assert relative(parts.at(w).jvp(u), whole.at(w).jvp(u)) < 1e-12


def test_batch_norm_sees_its_part_alone():
    seeds = torch.tensor([0])
    (whole, w), (parts, _) = (oracle(digits(micro_batches=m), seeds) for m in (1, 2))
    assert relative(parts.field(w), whole.field(w)) > 1e-3


def test_bfloat16_is_of_convolutions_and_all_that_is_kept_is_float32():
    game, plain = digits(precision="bfloat16"), digits()
    seen = []
    conv2d = torch.nn.functional.conv2d

    def watched(*arguments, **settings):
        seen.append(conv2d(*arguments, **settings).dtype)
        return conv2d(*arguments, **settings)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("saddlebench.games.networks.layers.conv2d", watched)
        last = after(game, {"adam": {"step_size": 1e-3}}, [0], 3)
    assert set(seen) == {torch.bfloat16}
    kept = []
    map_tensors(kept.append, (last.w, last.state, last.buffers))
    assert {x.dtype for x in kept} == {torch.float32, torch.float64}  # the latter: powers of β
    assert all(x.numel() <= 1 for x in kept if x.dtype == torch.float64)
    (rough, w), (exact, _) = (oracle(g, torch.tensor([0])) for g in (game, plain))
    assert 1e-5 < relative(rough.losses(w), exact.losses(w)) < 0.02
    assert all(x.dtype == torch.float32 for x in rough.field(w))


def test_the_average_is_the_recursion_over_the_iterates():
    game, base, decay = digits(), {"adam": {"step_size": 1e-2}}, 0.7
    last = after(game, {"moving-average": {"base": base, "decay": decay}}, [0], 3)
    mean = game.initial(torch.tensor([0]))
    for step in (1, 2, 3):
        w = after(game, base, [0], step).w
        mean = tuple(decay * m + (1 - decay) * x for m, x in zip(mean, w, strict=True))
    assert relative(last.state.mean, mean) < 1e-6
    assert all(map(torch.equal, last.w, w))


def test_an_average_is_shown_with_moments_of_its_own_and_each_image_for_itself():
    game = digits(norm="spectral")
    last = after(game, {"moving-average": {"base": {"adam": {"step_size": 1e-2}}, "decay": 0.7}}, [0], 3)
    seeds, mean = torch.tensor([0]), last.state.mean
    many, few = (game.samples(mean, seeds, n, last.buffers) for n in (40, 3))
    torch.testing.assert_close(many[:, :3], few, rtol=0, atol=1e-5)
    latents = game.evaluation_latents(seeds, 40)
    permuted = game.from_latents(mean, latents.flip(1), seeds, last.buffers).flip(1)
    torch.testing.assert_close(permuted, many, rtol=0, atol=1e-5)
    assert (many - game.samples(last.w, seeds, 40, last.buffers)).abs().max() > 1e-4


def test_power_iteration_follows_each_committed_move():
    """Two moves of D, one of G, by hand: σ's vectors are frozen within a move and advance after it."""
    game, seeds, step_size = digits(norm="spectral"), torch.tensor([0]), 0.1
    method = {"alternating-gradient": {"step_size": step_size, "schedule": [1, 1, 0]}}
    last = after(game, method, [0], 2, torch.float64)
    w = tuple(x.double() for x in game.initial(seeds))
    buffers = game.buffers(w, seeds)
    for step in range(2):
        for draw, i in enumerate([1, 1, 0]):
            sample = game.sample(seeds, step, draw)
            leaves = tuple(x.requires_grad_() for x in w)
            (gradient,) = torch.autograd.grad(game.losses(leaves, sample, buffers)[i].sum(), leaves[i])
            w = tuple((x - step_size * gradient if j == i else x).detach() for j, x in enumerate(w))
            buffers = game.advance(w, buffers)
    assert relative(last.w, w) < 1e-12
    assert (last.buffers[1] - buffers[1]).abs().max() < 1e-12


def test_pictures_of_every_checkpoint_and_the_average_s_measures_stand_beside_the_last(mnist, tmp_path):
    del mnist  # the data set is here
    small = {"latent": 4, "generator_width": 2, "discriminator_width": 2, "batch": 6, "metrics": "n_fake=100"}
    slow = {"moving-average": {"decay": 0.9, "base": {"adam": {"step_size": 1e-2}}}}
    result = saddlebench.run({"mnist-dcgan": small}, slow, seeds=1, steps=4, checkpoints=[0, 2, 4], out=tmp_path)
    names = {path.stem.partition("-seed0")[2] for path in (tmp_path / "samples" / "mnist-dcgan").glob("*.png")}
    steps = {f"step00000{k}" for k in (0, 2, 4)}
    assert names == {"", *(f"-{s}" for s in steps), *(f"-average-{s}" for s in steps)}
    last = {(row.answer, row.measure): row.value for row in result.trace.itertuples() if row.step == 4}
    final = json.loads(result.runs["final_measures"].iloc[0])
    assert final["average_fd_lenet"] == last["average", "fd_lenet"] != last["last", "fd_lenet"] == final["fd_lenet"]
    assert "average_gradient_norm.generator" not in final
