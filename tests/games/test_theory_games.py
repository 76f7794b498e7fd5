"""The games of the theory literature: variants, measures, where plain runs end (spectra and surprises: files beside this one)."""

import math

import numpy as np
import pytest
import torch

import saddlebench as sb
from saddlebench.bench.build import build
from saddlebench.bench.contracts import GAME_CHECKS
from saddlebench.bench.contracts.finding import run_checks
from saddlebench.bench.oracle import Counts, Oracle
from saddlebench.errors import InputError

SEED = torch.tensor([0])
COT = 1 / math.tan(math.pi / 8)

VARIANTS = [
    {"four-player": {"epsilon": 0.0}},
    {"forsaken": {"box": False}},
    {"ridge": {"function": "f2"}},
    {"ridge": {"function": "f3"}},
    {"ridge": {"function": "sine"}},
    {"torus": {"start": [1.0, 2.0]}},
    {"covariance-gan": {"size": 3}},
    {"covariance-gan": {"size": 2, "penalty": 0.5}},
    {"covariance-gan": {"covariance": [[2.0, 0.5], [0.5, 1.0]], "batch": 4, "start": "normal"}},
    {"gaussian-mean-gan": {"mean": [1.0], "batch": 5}},
    {"two-gaussians": {"loss": "non-saturating", "start": "zero"}},
    {"two-gaussians": {"loss": "wasserstein"}},
]


def series(result, measure="distance"):
    rows = result.trace[(result.trace.measure == measure) & (result.trace.answer == "last")]
    return rows.sort_values("step")["value"].to_numpy(dtype=float)


@pytest.mark.parametrize("spec", VARIANTS, ids=str)
def test_variants_keep_the_contract(spec):
    failed = [f for f in run_checks(GAME_CHECKS, build("game", spec)) if f.status == "failed"]
    assert not failed, failed


def test_tandem_runs_end_on_the_line():
    found = sb.run("tandem", "simultaneous-gradient", seeds=3, steps=100)
    assert found.runs.status.tolist() == ["converged"] * 3
    assert series(found, "sum")[-3:] == pytest.approx([1.0] * 3)
    assert sb.spectral_radius("tandem", {"simultaneous-gradient": {"step_size": 0.1}}) == pytest.approx(0.6)


def test_the_torus_gap_is_best_reply_against_best_reply():
    game = build("game", {"torus": {"phi": [0.3, -0.8]}})
    w = torch.tensor([[0.7]], dtype=torch.float64), torch.tensor([[-2.1]], dtype=torch.float64)
    line = torch.linspace(-math.pi, math.pi, 20_001, dtype=torch.float64)[:, None]
    first, second = game.losses((line, w[1].expand_as(line)), None, ())[0], game.losses((w[0].expand_as(line), line), None, ())[1]
    expected = sum(float(x) for x in game.losses(w, None, ())) - float(first.min()) - float(second.min())
    assert float(game.gap(w, ())) == pytest.approx(expected, abs=1e-6)


def test_both_equilibria_of_the_torus_are_reached_and_judged():
    found = sb.run("torus", {"simultaneous-gradient": {"step_size": 0.1}}, seeds=8, steps=2000)
    assert found.runs.status.tolist() == ["converged"] * 8


@pytest.mark.parametrize(
    ("logits", "loss", "cooperation"),
    [((40.0, 40.0), 1.0, 1.0), ((-40.0, -40.0), 2.0, 0.0)],
)
def test_prisoners_who_always_do_the_same(logits, loss, cooperation):
    game = build("game", "iterated-prisoners-dilemma")
    w = tuple(torch.full((1, 5), x, dtype=torch.float64) for x in logits)
    measures = game.measures(w, SEED, ())
    for name in game.players:
        assert float(measures[f"loss_a_round.{name}"]) == pytest.approx(loss)
        assert float(measures[f"cooperation.{name}"]) == pytest.approx(cooperation)


def test_prisoners_losses_are_the_discounted_sums_of_play():
    """Against the distribution of states rolled forward round by round."""
    game = build("game", "iterated-prisoners-dilemma")
    w = game.initial(SEED)
    x, y = (p.sigmoid()[0].numpy() for p in w)
    rewards = np.array([[-1, -1], [-3, 0], [0, -3], [-2, -2]])
    state = np.array([x[0] * y[0], x[0] * (1 - y[0]), (1 - x[0]) * y[0], (1 - x[0]) * (1 - y[0])])
    transition = np.stack([x[1:] * y[1:], x[1:] * (1 - y[1:]), (1 - x[1:]) * y[1:], (1 - x[1:]) * (1 - y[1:])], -1)
    total = np.zeros(2)
    for t in range(1000):
        total -= 0.96**t * (state @ rewards)
        state = state @ transition
    assert [float(v) for v in game.losses(w, None, ())] == pytest.approx(list(total), rel=1e-12)


def test_selfish_prisoners_learn_to_defect():
    found = sb.run("iterated-prisoners-dilemma", {"simultaneous-gradient": {"step_size": 1.0}}, seeds=5, steps=300)
    assert found.runs.status.tolist() == ["completed"] * 5
    last = found.trace[(found.trace.step == 300) & (found.trace.measure == "loss_a_round.first")]["value"]
    assert np.median(last) == pytest.approx(2.0, abs=0.01)


def test_moment_gans_end_at_the_moment():
    game = {"covariance-gan": {"covariance": [[2.0, 0.5], [0.5, 1.0]]}}
    found = sb.run(game, {"extragradient": {"step_size": 0.1}}, seeds=2, steps=2000)
    assert found.runs.status.tolist() == ["converged"] * 2
    assert series(found, "covariance_error")[-2:].max() < 1e-5
    # from a generic start: another point of the orbit, to which the distance is measured
    free = {"covariance-gan": game["covariance-gan"] | {"start": "normal"}}
    found = sb.run(free, {"extragradient": {"step_size": 0.05}}, seeds=2, steps=4000)
    assert found.runs.status.tolist() == ["converged"] * 2
    assert series(found, "covariance_error")[-2:].max() < 1e-4
    found = sb.run("gaussian-mean-gan", {"extragradient": {"step_size": 0.3}}, seeds=2, steps=500)
    assert found.runs.status.tolist() == ["converged"] * 2


def test_minibatches_of_the_moment_gans_are_right_on_average():
    for name in ("gaussian-mean-gan", {"covariance-gan": {"covariance": [[2.0, 0.5], [0.5, 1.0]]}}):
        exact, spec = build("game", name), {name: {}} if isinstance(name, str) else name
        key = next(iter(spec))
        noisy = build("game", {key: spec[key] | {"batch": 200_000}})
        w = exact.initial(SEED)
        for a, b in zip(exact.losses(w, None, ()), noisy.losses(w, noisy.sample(SEED, 0, 0), ()), strict=True):
            torch.testing.assert_close(a, b, rtol=0.02, atol=0.02)


def test_the_discriminator_of_two_gaussians_starts_at_its_optimum():
    for loss in ("minimax", "non-saturating"):
        game = build("game", {"two-gaussians": {"loss": loss, "distance": 3.0, "std": 0.7}})
        v = Oracle.at_step(game, SEED, 0, (), Counts(2)).field(game.initial(SEED))
        assert float(v[1].abs().max()) < 1e-12


def test_the_vanishing_gradient_as_a_curve():
    """JS saturates at log 2 and its slope vanishes like e^{−θ²/8}; W₁ teaches as much at every distance."""
    distances = [0.5, 1.0, 2.0, 4.0, 8.0, 12.0]
    firsts, measured = {}, {}
    for loss in ("minimax", "non-saturating", "wasserstein"):
        optimizer = "projected-gradient" if loss == "wasserstein" else "simultaneous-gradient"
        found = sb.run({"two-gaussians": {"loss": loss, "distance": {"sweep": distances}}}, optimizer, seeds=1, steps=1)
        start = found.trace[(found.trace.step == 0) & (found.trace.answer == "last")]
        table = start.pivot_table(index="cell", columns="measure", values="value", observed=True).sort_values("wasserstein")
        firsts[loss], measured[loss] = table["gradient_norm.generator"].to_numpy(), table
    divergence, slope = (measured["minimax"][x].to_numpy() for x in ("jensen_shannon", "jensen_shannon_slope"))
    assert firsts["wasserstein"] == pytest.approx(np.ones(6))
    assert firsts["minimax"] == pytest.approx(2 * slope, rel=1e-9)
    assert (np.diff(divergence) > 0).all()
    assert divergence[-1] == pytest.approx(math.log(2), abs=1e-7)
    assert firsts["minimax"][-1] == pytest.approx(math.exp(-(12**2) / 8), rel=0.5)
    assert (np.diff(firsts["non-saturating"]) > 0).all()
    # the slope is the derivative of the divergence
    near = [build("game", {"two-gaussians": {"distance": 2 + e}}) for e in (1e-4, -1e-4)]
    ahead, behind = (float(g.measures(g.initial(SEED), SEED, ())["jensen_shannon"]) for g in near)
    assert (ahead - behind) / 2e-4 == pytest.approx(slope[2], rel=1e-6)


def test_grids_of_the_papers():
    wgan = build("game", "gaussian-grid").means()
    assert wgan.shape == (25, 2)
    assert wgan.abs().max() == pytest.approx(4 / 2.828)
    sga = build("game", {"gaussian-grid": {"side": 4, "spacing": 1.0, "std": 0.02}}).means()
    assert sorted(set(sga[:, 0].tolist())) == sorted(set(sga[:, 1].tolist())) == [-1.5, -0.5, 0.5, 1.5]
    assert len(torch.unique(sga, dim=0)) == 16
    game = build("game", {"gaussian-grid": {"side": 3, "spacing": 3.0, "std": 0.1, "batch": 900}})
    nearest = (game.sample(SEED, 0, 0)[1][0, :, None] - game.means()).norm(dim=-1).argmin(-1)
    assert nearest.bincount().tolist() == [100] * 9


def test_the_tutorials_gan_has_one_hidden_layer_each():
    game = build("game", "tutorial-gan")
    assert [n.widths for n in game.networks] == [(4, 64, 2), (2, 64, 1)]
    assert sum(game.sizes) == 707
    metz = build("game", {"gaussian-ring": {"depth": 2, "discriminator_depth": 1, "width": 128, "latent": 256}})
    assert [n.widths for n in metz.networks] == [(256, 128, 128, 2), (2, 128, 1)]


@pytest.mark.parametrize(
    "spec",
    [
        {"iterated-prisoners-dilemma": {"start": [0.0]}},
        {"gaussian-mean-gan": {"start": [0.0]}},
        {"gaussian-mean-gan": {"mean": []}},
        {"covariance-gan": {"covariance": [[1.0, 2.0], [2.0, 1.0]]}},
        {"covariance-gan": {"covariance": [[1.0, 0.0]]}},
        {"ridge": {"function": "f4"}},
    ],
    ids=str,
)
def test_nonsense_is_refused(spec):
    with pytest.raises(InputError):
        build("game", spec)
