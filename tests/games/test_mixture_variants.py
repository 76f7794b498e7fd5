"""The mixtures of the papers, and the parameters of `PenalisedGAN` on them."""

import pytest
import torch

import saddlebench as sb
from saddlebench.bench.build import build
from saddlebench.bench.oracle import Counts, Oracle
from saddlebench.bench.trees import map_tensors

SEEDS = torch.tensor([1, 5, 9])
TINY = {"width": 4, "depth": 1, "latent": 2, "batch": 6, "std": 0.1, "activation": "tanh"}
PENALTIES = {
    "wgan-gp": {"loss": "wasserstein", "gradient_penalty": 10.0},
    "dragan": {"dragan": 10.0},
    "r1 and r2, every other step": {"r1": 2.0, "r2": 3.0, "penalty_every": 2},
    "instance noise": {"instance_noise": 0.5, "instance_noise_steps": 10},
}
PAPERS = {
    "Gulrajani et al., 25 modes": (
        {"gaussian-grid": {"loss": "wasserstein", "gradient_penalty": 0.1}},
        {"alternating-gradient": {"step_size": 1e-4, "schedule": [1, 1, 1, 1, 1, 0], "rule": {"adam": {"betas": [0.5, 0.9]}}}},
    ),
    "Wang et al., 3 modes on a line": (
        {"gaussian-line": {"batch": 128}},
        {
            "follow-the-ridge": {
                "step_size": 2e-4,
                "damping": 1.0,
                "adaptive": True,
                "iterations": 5,
                "rule": {"weight-decay": {"rule": {"adam": {"betas": [0.0, 0.999]}}, "weight_decay": [0.0, 1e-4]}},
            }
        },
    ),
    "Metz et al., 8 modes": (
        {"gaussian-ring": {"radius": 2.0, "std": 0.02, "depth": 2, "discriminator_depth": 1, "initialisation": "orthogonal"}},
        {"unrolled": {"step_size": 1e-4, "inner_step_size": 1e-4, "rule": {"adam": {"betas": [0.5, 0.999]}}, "inner_rule": "adam"}},
    ),
}


@pytest.mark.parametrize("game", ["gaussian-ring", "gaussian-line", "gaussian-grid"])
@pytest.mark.parametrize("penalty", PENALTIES)
def test_the_field_equals_finite_differences(game, penalty):
    game = build("game", {game: {**TINY, **PENALTIES[penalty]}})
    sample = map_tensors(lambda x: x.double() if x.is_floating_point() else x, game.sample(SEEDS, 2, 0))
    w = tuple(x.double() for x in game.initial(SEEDS))
    for i in range(2):

        def loss(x, i=i):
            return game.loss_of(i, (x, w[1]) if i == 0 else (w[0], x), sample, ())

        x = w[i].clone().requires_grad_()
        (gradient,) = torch.autograd.grad(loss(x).sum(), x)
        for k in range(0, w[i].shape[1], 5):
            nudge = 1e-5 * torch.eye(w[i].shape[1], dtype=torch.float64)[k]
            torch.testing.assert_close(gradient[:, k], (loss(w[i] + nudge) - loss(w[i] - nudge)) / 2e-5, rtol=1e-5, atol=1e-8)


def test_penalties_are_paid_by_the_discriminator_at_their_steps_and_noise_fades():
    plain, lazy = (build("game", {"gaussian-ring": {**TINY, **more}}) for more in ({}, {"r1": 2.0, "penalty_every": 2}))
    w = plain.initial(SEEDS)
    for step in (2, 3):
        (g, d), (lazy_g, lazy_d) = (game.losses(w, game.sample(SEEDS, step, 0), ()) for game in (plain, lazy))
        assert torch.equal(g, lazy_g)
        assert bool((lazy_d > d).all()) == (step == 2)
        assert torch.equal(d, lazy_d) == (step == 3)
    noisy = build("game", {"gaussian-ring": {**TINY, **PENALTIES["instance noise"]}})
    assert noisy.sample(SEEDS, 5, 0).blur.std() == pytest.approx(0.25, rel=0.2)
    assert noisy.sample(SEEDS, 10, 0).blur is None


def test_a_gradient_penalty_draws_the_critics_slope_to_one():
    game = build("game", {"gaussian-ring": {"width": 16, "depth": 2, "batch": 64, "loss": "wasserstein", "gradient_penalty": 10.0}})
    method = build("optimizer", {"adam": {"step_size": 5e-3, "betas": [0.5, 0.9]}})
    w = game.initial(SEEDS)
    state = method.init(Oracle.at_step(game, SEEDS, 0, (), Counts(2)), w)

    def paid(w):
        sample = game.sample(SEEDS, 0, 0)
        free = build("game", {"gaussian-ring": {"width": 16, "depth": 2, "batch": 64, "loss": "wasserstein"}})
        return game.losses(w, sample, ())[1] - free.losses(w, sample._replace(draws=(), due=()), ())[1]

    before = paid(w)
    for step in range(100):
        w, state = method.step(Oracle.at_step(game, SEEDS, step, (), Counts(2)), w, state)
    assert bool((paid(w) < 0.1 * before).all()), (before, paid(w))


def test_clipped_weights_stay_within_their_box_from_the_start():
    game = build("game", {"gaussian-ring": {**TINY, "loss": "wasserstein", "clip": 0.01}})
    assert game.initial(SEEDS)[1].abs().max() == pytest.approx(0.01)
    w, method = game.initial(SEEDS), build("optimizer", {"rmsprop": {"step_size": 5e-3}})
    w, _ = method.step(oracle := Oracle.at_step(game, SEEDS, 0, (), Counts(2)), w, method.init(oracle, w))
    assert w[1].abs().max() == pytest.approx(0.01)
    assert w[0].abs().max() > 0.1


def test_a_line_has_one_dimension_and_the_papers_means():
    game = build("game", "gaussian-line")
    assert game.means().tolist() == [[-4.0], [0.0], [4.0]]
    assert game.sample(SEEDS, 0, 0).real.shape == (3, 512, 1)
    nearest = (game.sample(SEEDS, 0, 0).real - game.means().T).abs().min(-1).values
    assert nearest.square().mean().sqrt() == pytest.approx(0.1, rel=0.05)


@pytest.mark.parametrize("paper", PAPERS)
def test_the_papers_settings_run(paper):
    game, optimizer = PAPERS[paper]
    runs = sb.run(game, optimizer, seeds=1, steps=3, checkpoints=2).runs
    assert runs["status"].tolist() == ["completed"], runs["reason"].tolist()
