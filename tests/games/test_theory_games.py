"""The games of the theory literature: spectra at their equilibria against closed forms, and the surprises they are known for."""

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


def jacobian(game, w=None):
    """J at the equilibrium, column by column."""
    seeds = SEED
    w = game.equilibrium(seeds) if w is None else w
    point = Oracle.at_step(game, seeds, 0, game.buffers(w, seeds), Counts(len(w)), torch.float64).at(w)
    unit = torch.eye(sum(game.sizes), dtype=torch.float64)
    return torch.stack([torch.cat(point.jvp(u[None].split(list(game.sizes), -1)), -1)[0] for u in unit], -1).detach().numpy()


def eigenvalues(spec, **kwargs):
    return np.sort_complex(np.linalg.eigvals(jacobian(build("game", spec), **kwargs)))


def series(result, measure="distance"):
    rows = result.trace[(result.trace.measure == measure) & (result.trace.answer == "last")]
    return rows.sort_values("step")["value"].to_numpy(dtype=float)


def flow(spec, start, time, h=0.02):
    """dw/dt = −v(w) by the classical Runge–Kutta method, every point."""
    game, w = build("game", spec), torch.tensor(start, dtype=torch.float64)

    def speed(w):
        return -torch.stack([v[0, 0] for v in Oracle.at_step(game, SEED, 0, (), Counts(2)).field(tuple(w[:, None, None]))])

    path = []
    for _ in range(round(time / abs(h))):
        a = speed(w)
        b = speed(w + h / 2 * a)
        c = speed(w + h / 2 * b)
        w = w + h / 6 * (a + 2 * b + 2 * c + speed(w + h * c))
        path.append(w.tolist())
    return np.array(path)


@pytest.mark.parametrize("spec", VARIANTS, ids=str)
def test_variants_keep_the_contract(spec):
    failed = [f for f in run_checks(GAME_CHECKS, build("game", spec)) if f.status == "failed"]
    assert not failed, failed


@pytest.mark.parametrize(
    ("spec", "expected", "tolerance"),
    [
        ({"four-player": {"epsilon": 0.01}}, [0.01 + s * 1j * c for c in (COT, 1 / COT) for s in (1, -1)], 1e-12),
        ({"four-player": {"epsilon": 0.0}}, [s * 1j * c for c in (COT, 1 / COT) for s in (1, -1)], 1e-12),
        ({"forsaken": {}}, [0.0447460 + 0.9080276j, 0.0447460 - 0.9080276j], 1e-7),
        ({"almost-bilinear": {}}, [-0.05 + 1j * math.sqrt(0.9975), -0.05 - 1j * math.sqrt(0.9975)], 1e-12),
        ({"weak-attractor": {}}, [1 + 10j, 1 - 10j], 1e-12),
        ({"weak-repellor": {}}, [-0.1 + 1j, -0.1 - 1j], 1e-12),
        ({"consensus-failure": {"kappa": 2.0}}, [-2, -2], 1e-12),
        ({"tandem": {}}, [4, 0], 1e-12),
        ({"ridge": {"function": "sine"}}, [6, 1], 1e-12),
        ({"gaussian-mean-gan": {}}, [1j, 1j, -1j, -1j], 1e-12),
        ({"covariance-gan": {"covariance": [[9.0]]}}, [6j, -6j], 1e-12),
        ({"two-gaussians": {}}, [0.25 + 1j * math.sqrt(3 / 16), 0.25 - 1j * math.sqrt(3 / 16), 0.5], 1e-9),
        ({"two-gaussians": {"loss": "wasserstein"}}, [1j, -1j], 1e-12),
    ],
    ids=str,
)
def test_eigenvalues_of_the_jacobian_are_the_known_ones(spec, expected, tolerance):
    found = list(eigenvalues(spec))
    for value in expected:
        nearest = min(found, key=lambda x: abs(x - value))
        assert abs(nearest - value) <= tolerance
        found.remove(nearest)
    assert not found


def test_the_covariance_gan_turns_transverse_to_its_manifold_and_rests_along_it():
    game = build("game", {"covariance-gan": {"covariance": [[2.0, 0.5], [0.5, 1.0]]}})
    s = np.linalg.eigvalsh(np.array([[2.0, 0.5], [0.5, 1.0]]))
    speeds = [math.sqrt(2 * (s[i] + s[j])) for i, j in ((0, 0), (0, 1), (1, 1))]
    found = np.sort(np.linalg.eigvals(jacobian(game)).imag)
    assert found == pytest.approx(np.sort([0, 0, *speeds, *(-x for x in speeds)]), abs=1e-7)


def test_hessians_of_the_ridge_functions():
    for function, hessian in {
        "f1": [[-6, 4], [4, -2]],
        "f2": [[6, 4], [4, 2]],
        "f3": [[-1, 0.6], [0.6, -0.2]],
    }.items():
        found = jacobian(build("game", {"ridge": {"function": function}})) * [[1, 1], [-1, -1]]  # y's row of J is −∇f_y
        assert found == pytest.approx(np.array(hessian), abs=1e-12)


@pytest.mark.parametrize(
    ("game", "step_size", "radius"),
    [
        ("weak-attractor", 0.01, 0.99504),
        ("weak-attractor", 0.032, 1.01952),
        ("weak-attractor", 0.1, 1.34536),
        ({"ridge": {"function": "f2"}}, 0.05, 0.9),
        ({"ridge": {"function": "f3"}}, 0.05, 1.02),
    ],
    ids=str,
)
def test_radii_of_simultaneous_gradient(game, step_size, radius):
    assert sb.spectral_radius(game, {"simultaneous-gradient": {"step_size": step_size}}) == pytest.approx(radius, abs=1e-5)


@pytest.mark.parametrize(("function", "radius"), [("f1", 0.9), ("f2", 1.1), ("f3", 0.99)])
def test_radii_of_follow_the_ridge(function, radius):
    """1 − η C and 1 + η f_yy, from the Hessian that the game gives: what any faithful implementation must measure."""
    j = jacobian(build("game", {"ridge": {"function": function}}))
    curvatures = j[0, 0] - j[0, 1] * j[1, 0] / j[1, 1], j[1, 1]
    assert max(abs(1 - 0.05 * c) for c in curvatures) == pytest.approx(radius, abs=1e-9)


@pytest.mark.parametrize(
    ("epsilon", "optimizer", "limit"), [(0.0, "optimistic-gradient", 0.2391), (0.0, "symplectic-gradient", 0.2929)]
)
def test_stability_limits_of_the_four_players(epsilon, optimizer, limit):
    inside, outside = (
        sb.spectral_radius({"four-player": {"epsilon": epsilon}}, {optimizer: {"step_size": limit + e}}) for e in (-1e-3, 1e-3)
    )
    assert inside < 1 < outside


def test_forsakens_critical_point_is_known_to_full_precision():
    game = build("game", "forsaken")
    w = game.equilibrium(SEED)
    assert [float(x) for x in w] == pytest.approx([0.0780266691, 0.4119338511], abs=1e-9)
    assert max(float(v.abs()) for v in Oracle.at_step(game, SEED, 0, (), Counts(2)).field(w)) < 1e-15
    radii = [sb.spectral_radius(game, {"projected-gradient": {"step_size": 0.10828 + e}}) for e in (-1e-4, 1e-4)]
    assert radii[0] < 1 < radii[1]


# Many watched points: the orbit jumps, and 200 of them meet too few of its peaks to see that two quarters are alike.
@pytest.mark.parametrize("optimizer", ["projected-gradient", "extragradient"])
def test_forsaken_cycles_from_afar_and_converges_from_within(optimizer):
    method, seen = {optimizer: {"step_size": 0.02}}, list(range(2000, 5000, 2))
    far = sb.run({"forsaken": {"start": [1.0, 0.0]}}, method, seeds=1, steps=5000, watched=1000, checkpoints=seen)
    assert far.runs.status.tolist() == ["cycling"]
    cycle = series(far)[1:]
    assert cycle.min() == pytest.approx(0.9226, abs=1e-3)
    assert cycle.max() == pytest.approx(1.9172, abs=0.02)
    near = sb.run({"forsaken": {"start": [0.1, 0.45]}}, {optimizer: {"step_size": 0.05}}, seeds=1, steps=15_000)
    assert near.runs.status.tolist() == ["converged"]


def test_the_cycles_of_forsakens_flow():
    rest = np.array([float(x) for x in build("game", "forsaken").equilibrium(SEED)])
    path = flow({"forsaken": {}}, (1.0, 0.0), 60)
    attracting = np.linalg.norm(path[1500:] - rest, axis=-1)
    assert [attracting.min(), attracting.max()] == pytest.approx([0.9226, 1.9172], abs=2e-3)
    assert np.abs(path).max() < 1.5  # the box is never met
    # backwards in time the repelling cycle attracts
    repelling = np.linalg.norm(flow({"forsaken": {}}, (0.1, 0.45), 300, -0.05)[-1000:] - rest, axis=-1)
    assert [repelling.min(), repelling.max()] == pytest.approx([0.121, 0.299], abs=2e-3)


def test_without_the_box_forsaken_is_the_same_game():
    bounded, free = (
        sb.run({"forsaken": {"start": [1.0, 0.0], "box": box}}, {name: {"step_size": 0.01}}, seeds=1, steps=500)
        for box, name in ((True, "projected-gradient"), (False, "simultaneous-gradient"))
    )
    assert series(bounded) == pytest.approx(series(free), abs=0)


@pytest.mark.parametrize("start", [(0.5, 0.0), (2.0, 0.0)])
def test_almost_bilinear_is_drawn_to_a_cycle_from_both_sides(start):
    radius = np.linalg.norm(flow({"almost-bilinear": {}}, start, 100)[-500:], axis=-1)
    assert [radius.min(), radius.max()] == pytest.approx([1.143, 1.168], abs=2e-3)


def test_symplectic_adjustment_falls_into_the_weak_repellor():
    def ends(optimizer, start):
        found = sb.run({"weak-repellor": {"start": start}}, optimizer, seeds=1, steps=3000)
        return found.runs.status[0]

    for gamma, status in ((0.5, "converged"), (0.05, "diverged")):  # ε = .1
        assert ends({"symplectic-gradient": {"step_size": 0.1, "gamma": gamma}}, [0.5, 0.5]) == status
    assert ends("simultaneous-gradient", [0.5, 0.5]) == "diverged"
    edge = (0.2 / 0.1) ** 0.25 / math.sqrt(1 + 0.1**2)
    aligned = {"symplectic-gradient": {"step_size": 0.01, "gamma": 1.0, "aligned": True}}
    assert ends(aligned, [0.99 * edge, 0.0]) == "converged"
    # outside it leaves, slowly at first
    path = series(sb.run({"weak-repellor": {"start": [1.01 * edge, 0.0]}}, aligned, seeds=1, steps=3000))
    assert path[-1] > 2 * edge


def test_consensus_climbs_to_the_maximum_unless_gamma_is_small():
    for gamma, status in ((0.4, "diverged"), (0.6, "converged")):  # κ = 2
        found = sb.run({"consensus-failure": {"kappa": 2.0}}, {"consensus": {"step_size": 0.5, "gamma": gamma}}, seeds=2, steps=400)
        assert found.runs.status.tolist() == [status] * 2


def test_simultaneous_gradient_converges_to_a_point_that_is_not_minimax():
    game = {"ridge": {"function": "f2", "start": [0.5, 0.5]}}
    found = sb.run(game, {"simultaneous-gradient": {"step_size": 0.05}}, seeds=1, steps=500)
    assert found.runs.status.tolist() == ["converged"]
    hessian = jacobian(build("game", {"ridge": {"function": "f2"}}))
    assert -hessian[1, 1] > 0  # y, who maximises, sits at a minimum


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
    # from a generic start: another point of the orbit, no equilibrium named
    free = {"covariance-gan": game["covariance-gan"] | {"start": "normal"}}
    found = sb.run(free, {"extragradient": {"step_size": 0.05}}, seeds=2, steps=3000)
    assert found.runs.status.tolist() == ["completed"] * 2
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
