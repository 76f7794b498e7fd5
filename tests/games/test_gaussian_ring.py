import math

import pytest
import torch
from torch import Tensor

from saddlebench.bench.build import build
from saddlebench.bench.oracle import Counts, Oracle
from saddlebench.bench.trees import map_tensors
from saddlebench.errors import InputError
from saddlebench.games.gaussian_ring import GaussianRing
from saddlebench.games.losses import LOSSES

SEEDS = torch.tensor([1, 5, 9])
TINY = {"width": 4, "depth": 1, "latent": 2, "batch": 6, "std": 0.1, "activation": "tanh"}


def at(game: GaussianRing, step: int = 0, dtype: torch.dtype = torch.float64) -> tuple[tuple[Tensor, ...], tuple[Tensor, ...]]:
    """A profile and a sample in float64."""
    return tuple(x.to(dtype) for x in game.initial(SEEDS)), map_tensors(lambda x: x.to(dtype), game.sample(SEEDS, step, 0))


def train(game: GaussianRing, optimizer: str, seeds: Tensor, steps: int) -> tuple[Tensor, ...]:
    method, w, counts = build("optimizer", optimizer), game.initial(seeds), Counts(2)
    state = method.init(Oracle.at_step(game, seeds, 0, (), counts), w)
    for step in range(steps):
        w, state = method.step(Oracle.at_step(game, seeds, step, (), counts), w, state)
    return w


class Constant(GaussianRing):
    """Generates the points that it is given as its parameters."""

    def samples(self, profile: tuple[Tensor, ...], seeds: Tensor, n: int, buffers: tuple[Tensor, ...] = ()) -> Tensor:
        return profile[0].view(len(seeds), n, 2)


def test_defaults_have_the_shapes_of_the_paper():
    game = GaussianRing()
    w, (z, x) = game.initial(SEEDS), game.sample(SEEDS, 0, 0)[:2]
    assert game.sizes == (16 * 17 + 3 * 16 * 17 + 17 * 2, 3 * 16 + 3 * 16 * 17 + 17) == tuple(p.shape[1] for p in w)
    assert z.shape == (3, 512, 16)
    assert x.shape == (3, 512, 2)
    assert z.dtype == x.dtype == w[0].dtype == torch.float32


def test_batches_hold_as_many_points_of_each_mode_with_the_right_spread():
    game = GaussianRing(batch=4096)
    x = game.sample(SEEDS, 3, 0).real
    offset = x.unsqueeze(2) - game.means()
    distance, nearest = offset.norm(dim=-1).min(-1)
    for run in nearest:
        assert run.bincount().tolist() == [512] * 8
    assert distance.square().mean().sqrt() == pytest.approx(math.sqrt(2) * 0.01, rel=0.02)
    assert game.means().norm(dim=-1).tolist() == pytest.approx([1.0] * 8)


def test_a_batch_that_modes_do_not_divide_is_balanced_over_steps():
    game = GaussianRing(batch=6, std=1e-3)
    points = torch.cat([game.sample(SEEDS[:1], step, 0)[1] for step in range(4)], 1)
    nearest = (points.unsqueeze(2) - game.means()).norm(dim=-1).argmin(-1)
    assert nearest[0].bincount().tolist() == [3] * 8


def test_samples_are_the_same_alone_and_differ_by_step_draw_and_seed():
    game = GaussianRing(**TINY)
    together = game.sample(SEEDS, 2, 1)[:2]
    for part, alone in zip(together, game.sample(SEEDS[1:2], 2, 1)[:2], strict=True):
        assert torch.equal(part[1:2], alone)
    for other in (game.sample(SEEDS, 3, 1), game.sample(SEEDS, 2, 0), game.sample(SEEDS + 1, 2, 1)):
        assert not any(torch.equal(a, b) for a, b in zip(together, other[:2], strict=True))


@pytest.mark.parametrize("loss", list(LOSSES))
def test_field_equals_finite_differences(loss):
    game = GaussianRing(**TINY, loss=loss)
    w, sample = at(game)
    for i in range(2):
        x = w[i].clone().requires_grad_()
        (gradient,) = torch.autograd.grad(game.losses((x, w[1]) if i == 0 else (w[0], x), sample, ())[i].sum(), x)
        for k in range(0, w[i].shape[1], 5):
            sides = []
            for sign in (1, -1):
                moved = w[i].clone()
                moved[:, k] += sign * 1e-5
                sides.append(game.losses((moved, w[1]) if i == 0 else (w[0], moved), sample, ())[i])
            torch.testing.assert_close(gradient[:, k], (sides[0] - sides[1]) / 2e-5, rtol=1e-5, atol=1e-8)


@pytest.mark.parametrize("loss", list(LOSSES))
def test_a_players_own_loss_is_that_of_all_losses_and_zero_sum_is_true(loss):
    game = GaussianRing(**TINY, loss=loss)
    w, sample = at(game)
    losses = game.losses(w, sample, ())
    for i in range(2):
        torch.testing.assert_close(game.loss_of(i, w, sample, ()), losses[i])
    assert torch.equal(losses[0], -losses[1]) == game.zero_sum


def test_products_with_the_jacobian_equal_differences_of_the_field():
    game = GaussianRing(**TINY)
    w, sample = at(game)
    u = tuple(torch.sin(torch.arange(x.numel(), dtype=torch.float64)).view_as(x) for x in w)

    def point(x):
        oracle = Oracle.at_step(game, SEEDS, 0, (), Counts(2))
        oracle.stream.samples[0] = sample
        return oracle.at(x)

    product = point(w).jvp(u)
    ahead, behind = (point(tuple(x + s * 1e-5 * d for x, d in zip(w, u, strict=True))).v for s in (1, -1))
    for p, a, b in zip(product, ahead, behind, strict=True):
        torch.testing.assert_close(p, (a - b) / 2e-5, rtol=1e-5, atol=1e-8)


@pytest.mark.parametrize("optimizer", ["adam", "extra-adam", "consensus", "alternating-gradient"])
def test_runs_together_equal_runs_alone(optimizer):
    game = GaussianRing(width=8, depth=2, batch=32, std=0.1)
    together = train(game, optimizer, SEEDS, 10)
    for run in range(len(SEEDS)):
        for part, alone in zip(together, train(game, optimizer, SEEDS[run : run + 1], 10), strict=True):
            torch.testing.assert_close(part[run : run + 1], alone, rtol=1e-5, atol=1e-5)


def test_a_float64_profile_gives_float64_losses():
    game = GaussianRing(**TINY)
    w = tuple(x.double() for x in game.initial(SEEDS))
    assert all(x.dtype == torch.float64 for x in game.losses(w, game.sample(SEEDS, 0, 0), ()))
    assert game.samples(w, SEEDS, 5).dtype == torch.float64


def test_measures_of_known_points():
    game = Constant(std=0.1)
    means = game.means()
    perfect = means.repeat(313, 1)[:2500]
    right = torch.tensor([1.0, 0.0])
    half = torch.cat((means[:4] + 0.29 * right, means[:1] + 0.31 * right, means[:3])).repeat(313, 1)[:2500]
    broken = torch.full((2500, 2), math.nan)
    profile = torch.stack((perfect, half, broken)).flatten(1)
    measures = game.measures((profile, profile), SEEDS, ())
    assert measures["modes_covered"].tolist() == [8, 4, 0]
    assert measures["high_quality_fraction"].tolist() == pytest.approx([1, 7 / 8, 0], abs=1e-3)
    # Of the second run's 8 points 3 fall to mode 0, 2 each to 1 and 2, 1 to 3.
    expected = sum(c / 8 * math.log(c) for c in (3, 2, 2, 1))
    assert measures["mode_kl"].tolist() == pytest.approx([0, expected, math.log(8)], abs=2e-3)


def test_evaluation_is_by_seed_and_any_number_of_runs():
    game = GaussianRing(**TINY)
    w = game.initial(SEEDS)
    points = game.samples(w, SEEDS, 10)
    assert points.shape == (3, 10, 2)
    torch.testing.assert_close(game.samples(w, SEEDS, 4), points[:, :4])
    alone = tuple(x[2:] for x in w)
    torch.testing.assert_close(game.samples(alone, SEEDS[2:], 10), points[2:])
    assert set(game.measures(alone, SEEDS[2:], ())) == {"modes_covered", "high_quality_fraction", "mode_kl"}


def test_replaced_latents_are_scored():
    game = GaussianRing(**TINY)
    w, sample = game.initial(SEEDS), game.sample(SEEDS, 0, 0)
    moved = game.with_latents(sample, game.latents(sample) + 1)
    assert not torch.equal(game.score(w, moved), game.score(w, sample))
    torch.testing.assert_close(game.score(w, sample), game.logits(w[1], game.generate(w[0], sample[0])))


def test_an_unknown_loss_is_refused():
    with pytest.raises(InputError, match="did you mean 'hinge'"):
        build("game", {"gaussian-ring": {"loss": "hnge"}})
