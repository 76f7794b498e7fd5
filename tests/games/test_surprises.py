"""What these games are known for, as a user meets it: through `saddlebench.run`, with default settings."""

import math

import numpy as np
import pytest

import saddlebench as sb


def played(game, optimizer, steps=None, **settings):
    """The one run of a deterministic start."""
    return sb.run(game, optimizer, seeds=1, **settings, **({} if steps is None else {"steps": steps}))


def status(*args, **kwargs):
    return played(*args, **kwargs).runs.status[0]


def series(result, measure="distance", answer="last"):
    rows = result.trace[(result.trace.measure == measure) & (result.trace.answer == answer)]
    return rows.sort_values("step")["value"].to_numpy(dtype=float)


@pytest.mark.parametrize("optimizer", ["projected-gradient", "extragradient"])
def test_forsaken_cycles_from_afar(optimizer):
    game, sizes = {"forsaken": {"start": [1.0, 0.0]}}, [0.01, 0.02, 0.03, 0.05, 0.08, 0.1]
    for steps in (None, 5000):
        budget = {} if steps is None else {"steps": steps}
        found = sb.run(game, {optimizer: {"step_size": {"sweep": sizes}}}, seeds=1, **budget)
        assert found.runs.status.tolist() == ["cycling"] * len(sizes), steps
    cycle = series(played(game, {optimizer: {"step_size": 0.02}}, 5000, checkpoints=list(range(2000, 5000, 2))))[1:]
    assert [cycle.min(), cycle.max()] == pytest.approx([0.9226, 1.9172], abs=0.02)


@pytest.mark.parametrize(("optimizer", "step_size"), [("projected-gradient", 0.05), ("extragradient", 0.1)])
def test_forsaken_converges_from_within(optimizer, step_size):
    assert status({"forsaken": {"start": [0.1, 0.45]}}, {optimizer: {"step_size": step_size}}, 15_000) == "converged"


def test_symplectic_adjustment_falls_into_the_weak_repellor():
    game = {"weak-repellor": {"start": [0.5, 0.5]}}
    assert status(game, "simultaneous-gradient", 3000) == "diverged"
    for gamma, expected in ((0.5, "converged"), (0.05, "diverged")):  # ε = .1
        assert status(game, {"symplectic-gradient": {"step_size": 0.1, "gamma": gamma}}, 3000) == expected


def test_the_aligned_adjustment_falls_in_within_a_radius():
    """(.2/ε)^¼/√(1 + ε²) = 1.1833 for ε = .1: inside, the alignment's bias decides its sign."""
    edge = (0.2 / 0.1) ** 0.25 / math.sqrt(1 + 0.1**2)
    assert edge == pytest.approx(1.1833, abs=1e-4)
    aligned = {"symplectic-gradient": {"step_size": 0.01, "gamma": 1.0, "aligned": True}}
    inside, outside = (played({"weak-repellor": {"start": [share * edge, 0.0]}}, aligned, 3000) for share in (0.99, 1.01))
    assert inside.runs.status[0] == "converged"
    assert outside.runs.status[0] != "converged"
    assert outside.runs.final_distance[0] > 2 * edge  # it leaves, slowly at first


def test_simultaneous_gradient_converges_where_follow_the_ridge_leaves():
    """f₂: y, who maximises, sits at a minimum. f₁: a local minimax point, and the other way round."""
    simultaneous, ridge = ({name: {"step_size": 0.05}} for name in ("simultaneous-gradient", "follow-the-ridge"))
    f1, f2 = ({"ridge": {"function": f, "start": [0.5, 0.5]}} for f in ("f1", "f2"))
    assert [status(f2, simultaneous, 500), status(f2, ridge, 500)] == ["converged", "diverged"]
    assert [status(f1, simultaneous, 500), status(f1, ridge, 500)] == ["diverged", "converged"]


def test_a_run_that_was_drawn_to_no_solution_says_so():
    wrong = {
        "weak-repellor": {"symplectic-gradient": {"step_size": 0.1}},
        "consensus-failure": {"consensus": {"step_size": 0.5, "gamma": 1.5}},
        "almost-bilinear": {"symplectic-gradient": {"step_size": 0.1}},
    }
    for game, optimizer in [*wrong.items(), ({"ridge": {"function": "f2"}}, {"simultaneous-gradient": {"step_size": 0.05}})]:
        run = sb.run(game, optimizer, seeds=1).runs.iloc[0]
        assert run.status == "converged", game
        assert "no solution" in run.reason, game
    right = sb.run({"ridge": {"function": "f1"}}, {"follow-the-ridge": {"step_size": 0.05}}, seeds=1).runs.iloc[0]
    assert right.status == "converged"
    assert not isinstance(right.reason, str)


def test_multiplicative_weights_spiral_out_while_their_average_converges():
    game = {"rock-paper-scissors": {"start": [[0.5, 0.3, 0.2], [0.3, 0.4, 0.3]]}}
    found = played(game, {"multiplicative-weights": {"step_size": 0.1}}, 3000, checkpoints=list(range(0, 3001, 10)))
    divergence = series(found, "divergence")
    assert (np.diff(divergence) > 0).all()
    # KL(x*‖x) + KL(y*‖y) at the start, by hand
    start = sum(math.log(1 / 3 / p) / 3 for p in (0.5, 0.3, 0.2, 0.3, 0.4, 0.3))
    assert divergence[0] == pytest.approx(start, rel=1e-12)
    last, average = series(found, "gap"), series(found, "gap", "average")
    assert last[-1] > 1.5 * last[0]
    assert average[-1] < min(0.05, last[-1] / 10)
    assert status(game, {"optimistic-multiplicative-weights": {"step_size": 0.5}}, 2000) == "converged"


@pytest.mark.parametrize("kappa", [0.5, 2.0])
def test_consensus_climbs_to_the_maximum_unless_gamma_is_small(kappa):
    for share, expected in ((0.8, "diverged"), (1.2, "converged")):
        method = {"consensus": {"step_size": 1 / kappa, "gamma": share / kappa}}
        found = sb.run({"consensus-failure": {"kappa": kappa}}, method, seeds=2, steps=400)
        assert found.runs.status.tolist() == [expected] * 2


def test_the_weak_attractor_needs_a_smaller_weight_than_its_text_says():
    """Letcher et al. 2019, §4.1, at η = .032: with λ = 1 SGA diverges (radius 2.232), with λ = .1 it converges (.7091)."""
    for gamma, radius, expected in ((1.0, 2.232, "diverged"), (0.1, 0.7091, "converged")):
        method = {"symplectic-gradient": {"step_size": 0.032, "gamma": gamma}}
        assert sb.spectral_radius("weak-attractor", method) == pytest.approx(radius, abs=5e-4)
        assert status("weak-attractor", method, 200) == expected
    for step_size, radius in ((0.01, 0.8945), (0.1, 0.9055)):
        method = {"symplectic-gradient": {"step_size": step_size, "gamma": 0.1}}
        assert sb.spectral_radius("weak-attractor", method) == pytest.approx(radius, abs=5e-5)
