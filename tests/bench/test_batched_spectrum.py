"""Radii of many settings together against those of each alone, and against closed forms."""

from dataclasses import fields

import numpy as np
import pytest
import torch

import saddlebench
from saddlebench.bench import batched_spectrum
from saddlebench.bench.batched_spectrum import radii_at_equilibrium
from saddlebench.bench.build import build, parameters_of
from saddlebench.bench.spectrum import NoSpectrumError, at_equilibrium
from saddlebench.errors import InputError
from saddlebench.optimizers import OPTIMIZERS
from saddlebench.results.theory import predicted_radius

FLOATS = ("step_size", "momentum", "gamma", "extrapolation_step", "optimism", "alpha")
GAMES = {
    "bilinear": "bilinear",
    "with null directions": {"bilinear": {"shape": [3, 2], "condition_number": 3.0}},
    "quadratic": "quadratic",
    "dirac-gan": "dirac-gan",
    "on the simplex": "rock-paper-scissors",
    "in logits": {"rock-paper-scissors": {"form": "softmax"}},
}


@pytest.mark.parametrize("spec", GAMES.values(), ids=GAMES)
@pytest.mark.parametrize("name", sorted(OPTIMIZERS))
def test_together_as_alone(name, spec):
    rng = np.random.default_rng(3)
    game, known = build("game", spec), {f.name for f in fields(OPTIMIZERS[name])}
    drawn = [{key: rng.uniform(0.05, 0.4) for key in FLOATS if key in known} for _ in range(3)]
    optimizers = [build("optimizer", {name: parameters}) for parameters in drawn]
    found = radii_at_equilibrium(game, optimizers)
    for k, optimizer in enumerate(optimizers):
        reason, alone = None, None
        try:
            alone = at_equilibrium(game, optimizer)
        except NoSpectrumError as error:
            reason = str(error)
        assert found.reasons[k] == reason
        if alone is None:
            assert np.isnan([found.raw[k], found.transverse[k]]).all()
            continue
        assert (found.raw[k], found.transverse[k]) == pytest.approx((alone.radius, alone.radius_transverse), abs=1e-10)
        assert found.per_step[k] == pytest.approx(alone.radius_per_step, abs=1e-10)


def test_settings_of_several_skeletons_stand_in_the_order_given():
    specs = [
        "adam",
        {"lookahead-minmax": {"inner_steps": 3}},
        {"extragradient": {"step_size": [0.1, 0.3]}},
        {"lookahead-minmax": {"inner_steps": 2}},
        {"extragradient": {"step_size": 0.2}},
    ]
    optimizers = [build("optimizer", spec) for spec in specs]
    found = radii_at_equilibrium(build("game", "bilinear"), optimizers)
    assert found.period.tolist() == [1, 3, 1, 2, 1]
    assert [reason is None for reason in found.reasons] == [False, True, True, True, True]
    for optimizer, radius in list(zip(optimizers, found.transverse, strict=True))[1:]:
        name = type(optimizer).name
        assert radius == pytest.approx(predicted_radius("bilinear", {}, name, parameters_of(optimizer)), abs=1e-12)


def test_one_setting_that_overflows_costs_the_others_nothing():
    sizes = [0.1, 1e300, 0.2, 0.3, 0.4]  # the square of 1e300 is none
    optimizers = [build("optimizer", {"extragradient": {"step_size": size}}) for size in sizes]
    found = radii_at_equilibrium(build("game", "bilinear"), optimizers)
    with pytest.raises(NoSpectrumError) as alone:
        at_equilibrium(build("game", "bilinear"), optimizers[1])
    assert found.reasons == [None, str(alone.value), None, None, None]
    kept = [0, 2, 3, 4]
    expected = [np.sqrt((1 - sizes[k] ** 2) ** 2 + sizes[k] ** 2) for k in kept]
    assert found.transverse[kept] == pytest.approx(expected, abs=1e-12)


def test_batches_are_bounded_and_the_bound_changes_nothing(monkeypatch):
    game = build("game", "bilinear")
    optimizers = [build("optimizer", {"heavy-ball": {"step_size": 0.1 + 0.01 * k}}) for k in range(20)]
    whole = radii_at_equilibrium(game, optimizers)
    monkeypatch.setattr(batched_spectrum, "_NUMBERS", 3 * 4**2)
    assert radii_at_equilibrium(game, optimizers).raw == pytest.approx(whole.raw, abs=1e-14)
    monkeypatch.setattr(batched_spectrum, "DENSE_LIMIT", 3)  # each alone, however the single measurement does it
    assert radii_at_equilibrium(game, optimizers).raw == pytest.approx(whole.raw, abs=1e-14)


def test_a_game_without_a_known_equilibrium_says_so():
    found = radii_at_equilibrium(build("game", "gaussian-ring"), [build("optimizer", "extragradient")] * 2)
    assert found.reasons == ["no equilibrium of gaussian-ring is known: use --at checkpoint"] * 2


def test_the_python_interface_takes_what_run_takes():
    radii = saddlebench.spectral_radii("bilinear", {"extragradient": {"step_size": {"sweep": [0.1, 0.5]}}})
    assert radii == pytest.approx(
        [saddlebench.spectral_radius("bilinear", {"extragradient": {"step_size": s}}) for s in (0.1, 0.5)]
    )
    assert np.isnan(saddlebench.spectral_radii("bilinear", ["adam", "extragradient"])).tolist() == [True, False]
    with pytest.raises(InputError, match="did you mean 'extragradient'"):
        saddlebench.spectral_radii("bilinear", ["extragradeint"])


def test_nothing_is_left_to_chance():
    torch.manual_seed(0)
    before = torch.random.get_rng_state()
    radii_at_equilibrium(build("game", "bilinear"), [build("optimizer", "extragradient")] * 2)
    assert torch.equal(before, torch.random.get_rng_state())
