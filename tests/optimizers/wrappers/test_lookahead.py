"""Lookahead over any optimizer: its special cases, its nested form, its spectra against theory."""

import itertools

import pytest
import torch

import saddlebench
from saddlebench.bench.build import build, parameters_of
from saddlebench.bench.contracts.arenas import Arena
from saddlebench.bench.contracts.playing import advance, begin, difference, seeds_of
from saddlebench.results.theory import predicted_radius

BASES = {
    "simultaneous-gradient": {"step_size": 0.3},
    "alternating-gradient": {"step_size": 0.3},
    "extragradient": {"step_size": 0.3},
    "proximal-point": {"step_size": 0.3},
}


def lookahead(base, **parameters):
    return build("optimizer", {"lookahead-minmax": {"base": base, **parameters}})


@pytest.mark.parametrize("base", ["simultaneous-gradient", "alternating-heavy-ball", "extra-adam"])
def test_alpha_1_is_the_base_and_alpha_0_comes_back_every_cycle(base):
    game, plain = Arena(), build("optimizer", base)
    start = begin(game, plain, seeds_of(3))
    whole, back = lookahead(base, alpha=1.0, inner_steps=3), lookahead(base, alpha=0.0, inner_steps=3)
    wanted = advance(game, plain, start, 12).w
    assert difference(advance(game, whole, begin(game, whole, seeds_of(3)), 12).w, wanted) <= 1e-14
    assert difference(advance(game, back, begin(game, back, seeds_of(3)), 12).w, start.w) == 0


def test_the_players_jump_together_and_the_slow_profile_follows():
    game, base = Arena(), build("optimizer", "simultaneous-gradient")
    method = lookahead("simultaneous-gradient", inner_steps=4, alpha=0.3)
    play = begin(game, method, seeds_of(2))
    for _ in range(3):
        slow = play.w
        fast = advance(game, base, begin(game, base, seeds_of(2), slow), 4).w
        play = advance(game, method, play, 4)
        assert difference(play.w, tuple(0.7 * s + 0.3 * f for s, f in zip(slow, fast, strict=True))) <= 1e-14


@pytest.mark.parametrize("base", BASES)
@pytest.mark.parametrize("matrix", [[[1.0]], [[1.0, 0.0], [0.0, 0.25]]], ids=["xy", "two values"])
def test_the_spectrum_is_that_of_the_closed_form(base, matrix):
    game, parameters = {"bilinear": {"matrix": matrix}}, {"inner_steps": 5, "alpha": 0.4, "base": {base: BASES[base]}}
    predicted = predicted_radius("bilinear", {"matrix": matrix}, "lookahead-minmax", parameters)
    assert saddlebench.spectral_radius(game, {"lookahead-minmax": parameters}) == pytest.approx(predicted, rel=1e-8)


def test_nested_lookahead_counts_the_cycles_of_its_base_and_its_spectrum_nests():
    inner = {"lookahead-minmax": {"inner_steps": 3, "alpha": 0.5, "base": {"simultaneous-gradient": {"step_size": 0.3}}}}
    method = lookahead(inner, inner_steps=4, alpha=0.6)
    assert method.period == 12
    ring = 1 - 0.5 + 0.5 * (1 + 0.3j) ** 3
    wanted = abs(1 - 0.6 + 0.6 * ring**4)
    assert saddlebench.spectral_radius("bilinear", method) == pytest.approx(wanted, rel=1e-9)
    assert predicted_radius("bilinear", {}, "lookahead-minmax", parameters_of(method)) == pytest.approx(wanted, rel=1e-12)


def test_over_momentum_the_radius_is_the_rate_of_the_trajectory():
    method = lookahead({"heavy-ball": {"step_size": 0.3, "momentum": 0.3}}, inner_steps=5)
    game = build("game", "bilinear")
    play = advance(game, method, begin(game, method, seeds_of(1)), 5 * 40)
    norms = []
    for _ in range(40):
        play = advance(game, method, play, 5)
        norms.append(torch.cat(play.w, -1).norm().log().item())
    slopes = [b - a for a, b in itertools.pairwise(norms)]
    radius = saddlebench.spectral_radius("bilinear", method)
    assert sum(slopes) / len(slopes) == pytest.approx(torch.tensor(radius).log().item(), abs=0.02)
