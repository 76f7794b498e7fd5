"""The verified sample of spectral radii, through `saddlebench.spectral_radius`, for the methods that are in the catalogue."""

import json
from pathlib import Path

import pytest

import saddlebench

CASES = json.loads((Path(__file__).parents[1] / "results" / "theory" / "spectral_cases.json").read_text())
NAMES = {
    "sim_gd": "simultaneous-gradient",
    "ttur_sim_gd": "simultaneous-gradient",
    "alt_gd": "alternating-gradient",
    "alternating_kD_kG": "alternating-gradient",
    "heavy_ball_sim": "heavy-ball",
    "heavy_ball_alt": "alternating-heavy-ball",
    "extragradient": "extragradient",
    "extragradient_two_steps": "extragradient",
    "past_extragradient": "past-extragradient",
    "ogda": "optimistic-gradient",
    "ogda_generalised": "optimistic-gradient",
    "consensus": "consensus",
    "sga": "symplectic-gradient",
    "cgd": "competitive-gradient",
    "lcgd": "linearised-competitive-gradient",
    "hamiltonian_gd": "hamiltonian-gradient",
    "jare": "jare",
    "gradnorm_generator_reg": "gradient-norm-regularized",
    "lookahead_la": "lookahead",
    "lola": "lola",
    "sos_fixed_p": "sos",
    "lss_ideal": "local-symplectic-surgery",
    "follow_the_ridge": "follow-the-ridge",
    "follow_the_ridge_momentum": "follow-the-ridge",
    "total_gradient_stackelberg": "total-gradient",
    "gdn": "gradient-descent-newton",
    "complete_newton": "complete-newton",
    "unrolled_sim": "unrolled",
    "unrolled_alt": "unrolled",
    "mwu": "multiplicative-weights",
    "optimistic_mwu": "optimistic-multiplicative-weights",
    "projected_gda": "projected-gradient",
    "projected_extragradient": "projected-extragradient",
    "nesterov_sim": "nesterov",
    "proximal_point": "proximal-point",
    "complex_momentum": "complex-momentum",
    "lookahead_minmax": "lookahead-minmax",
}

WEIGHTED = {"consensus", "symplectic-gradient", "jare", "gradient-norm-regularized", "lookahead", "lola", "sos"} | {
    "local-symplectic-surgery"
}


def game_of(case):
    """The case's game, or None where the catalogue has none."""
    game = case["game"]
    if game["type"] == "bilinear":
        return {"bilinear": {"matrix": game["A"]}}
    if game["type"] == "quadratic":
        return {"quadratic": {"p": game["P"], "matrix": game["A"], "q": game["Q"]}}
    if game["type"] == "matrix_game":
        return "rock-paper-scissors"
    if game["type"] == "dirac_gan":
        settings = {"r1": game.get("gamma", 0.0)} if "R1" in game["loss"] else {}
        return {"dirac-gan": {**settings, **({"instance_noise": game["sigma"]} if "noise" in game["loss"] else {})}}
    return None


def optimizer_of(case):
    """The case's optimizer in our names, or None where the catalogue has none."""
    given = case["hyperparameters"]
    step = given["eta"] if "eta" in given else [given.get("eta_x", 1.0), given.get("eta_y", given.get("eta_x", 1.0))]
    if case["optimizer"] == "complex_momentum":
        step = given["alpha"]
    if case["game"]["type"] == "dirac_gan" and "consensus" in case["game"]["loss"]:
        return {"consensus": {"step_size": step, "gamma": case["game"]["gamma"]}}
    name = NAMES.get(case["optimizer"])
    more = {}
    if "k_D" in given:
        more["schedule"] = [1] * given["k_D"] + [0] * given["k_G"]
    if "beta" in given:
        more["momentum"] = given["beta"]
    if "beta_x" in given:
        more["momentum"] = [given["beta_x"], given["beta_y"]]
    if "kappa" in given:
        more["optimism"] = given["kappa"]
    if name == "extragradient" and "gamma" in given:
        more["extrapolation_step"] = given["gamma"]
    if name == "unrolled":
        more |= {"inner_step_size": given["eta_unroll"], "inner_steps": given["K"]}
        more["alternating"] = case["optimizer"] == "unrolled_alt"
    if "p" in given:
        more["p"] = given["p"]
    if name in WEIGHTED:
        more["gamma"] = next(given[key] for key in ("gamma", "lam", "alpha") if key in given)
    if name == "complex-momentum":
        more |= {"momentum_modulus": given["beta_abs"], "momentum_argument": given["beta_arg"]}
    if name == "lookahead-minmax":
        base = {NAMES[given["base"]]: {"step_size": step}}
        return {name: {"inner_steps": given["k"], "alpha": given["alpha"], "base": base}}
    return name and {name: {"step_size": step, **more}}


COVERED = [case for case in CASES if game_of(case) is not None and optimizer_of(case) is not None]


def test_most_of_the_sample_concerns_methods_of_the_catalogue():
    assert len(COVERED) >= 66


@pytest.mark.parametrize("case", COVERED, ids=lambda case: f"{case['optimizer']}-{case['game']['type']}")
def test_the_measured_radius_is_the_verified_one(case):
    measured = saddlebench.spectral_radius(game_of(case), optimizer_of(case))
    expected = case["expected_spectral_radius"]
    absolute = None if expected else case["tol"]  # no eigenvalue solver finds those of a nilpotent matrix to rounding
    assert measured == pytest.approx(expected, rel=max(case["tol"], 1e-10), abs=absolute)
