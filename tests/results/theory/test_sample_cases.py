"""Every case of the verified sample, with its own tolerance, through a table that translates its names into ours."""

import json
from pathlib import Path
from typing import Any

import pytest

from saddlebench.results.theory import explain, predicted_radius

CASES = json.loads((Path(__file__).parent / "spectral_cases.json").read_text())
OPTIMIZERS = {
    "sim_gd": "simultaneous-gradient",
    "ttur_sim_gd": "simultaneous-gradient",
    "alt_gd": "alternating-gradient",
    "alternating_kD_kG": "alternating-gradient",
    "heavy_ball_sim": "heavy-ball",
    "heavy_ball_alt": "alternating-heavy-ball",
    "nesterov_sim": "nesterov",
    "extragradient": "extragradient",
    "extragradient_two_steps": "extragradient",
    "ogda": "optimistic-gradient",
    "ogda_generalised": "optimistic-gradient",
    "past_extragradient": "past-extragradient",
    "proximal_point": "proximal-point",
    "cgd": "competitive-gradient",
    "lcgd": "linearised-competitive-gradient",
    "consensus": "consensus",
    "sga": "symplectic-gradient",
    "jare": "jare",
    "lookahead_la": "lookahead",
    "lola": "lola",
    "lola_shaping_only": "lookahead",  # v − αχ is LookAhead on a zero-sum game
    "sos_fixed_p": "sos",
    "hamiltonian_gd": "hamiltonian-gradient",
    "gradnorm_generator_reg": "gradient-norm-regularized",
    "lss_ideal": "local-symplectic-surgery",
    "follow_the_ridge": "follow-the-ridge",
    "follow_the_ridge_momentum": "follow-the-ridge",
    "total_gradient_stackelberg": "total-gradient",
    "gdn": "gradient-descent-newton",
    "complete_newton": "complete-newton",
    "unrolled_sim": "unrolled",
    "unrolled_alt": "unrolled",
    "lookahead_minmax": "lookahead-minmax",
    "complex_momentum": "complex-momentum",
    "mwu": "multiplicative-weights",
    "optimistic_mwu": "optimistic-multiplicative-weights",
    "projected_gda": "projected-gradient",
    "projected_extragradient": "projected-extragradient",
}
KEYS = {
    "eta": "step_size",
    "alpha": "gamma",
    "lam": "gamma",
    "gamma": "gamma",
    "kappa": "optimism",
    "beta": "momentum",
    "eta_unroll": "inner_step_size",
    "K": "inner_steps",
    "p": "p",
}


def translate_game(game: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    kind = game["type"]
    if kind == "bilinear":
        return "bilinear", {"matrix": game["A"]}
    if kind == "quadratic":
        return "quadratic", {"p": game["P"], "matrix": game["A"], "q": game["Q"]}
    if kind == "dirac_gan":
        variant = game["loss"].removeprefix("vanilla").removeprefix("+")
        parameters: dict[str, Any] = {"loss": "minimax"}
        if variant == "R1":
            parameters["r1"] = game["gamma"]
        elif variant == "instance_noise":
            parameters["instance_noise"] = game["sigma"]
        return "dirac-gan", parameters
    if kind == "matrix_game":
        return "rock-paper-scissors", {"form": "simplex"}
    assert kind == "four_player_balduzzi"
    return "four-player", {"epsilon": game["epsilon"]}


def translate_optimizer(case: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    name, given = case["optimizer"], dict(case["hyperparameters"])
    if case["game"].get("loss") == "vanilla+consensus":
        return "consensus", {"step_size": given["eta"], "gamma": case["game"]["gamma"]}
    if name == "extragradient_two_steps":
        return "extragradient", {"step_size": given["eta"], "extrapolation_step": given["gamma"]}
    if name == "alternating_kD_kG":
        schedule = [1] * given["k_D"] + [0] * given["k_G"]
        return "alternating-gradient", {"step_size": given["eta"], "schedule": schedule}
    if name == "lookahead_minmax":
        base = {OPTIMIZERS[given["base"]]: {"step_size": given["eta"]}}
        return "lookahead-minmax", {"inner_steps": given["k"], "alpha": given["alpha"], "base": base}
    if name == "complex_momentum":
        momentum = {"momentum_modulus": given["beta_abs"], "momentum_argument": given["beta_arg"]}
        return "complex-momentum", {"step_size": given["alpha"], **momentum}
    if name == "complete_newton":
        return "complete-newton", {}
    parameters: dict[str, Any] = {}
    for pair, key in (("eta", "step_size"), ("beta", "momentum")):
        if f"{pair}_x" in given:
            x = given.pop(f"{pair}_x")
            parameters[key] = [x, given.pop(f"{pair}_y", x)]
    if name == "unrolled_alt":
        parameters["alternating"] = True
    return OPTIMIZERS[name], parameters | {KEYS[key]: value for key, value in given.items()}


def label(case):
    return f"{case['optimizer']}-{case['game']['type']}"


@pytest.mark.parametrize("case", CASES, ids=label)
def test_sample_case(case):
    cell = (*translate_game(case["game"]), *translate_optimizer(case))
    assert predicted_radius(*cell) == pytest.approx(case["expected_spectral_radius"], rel=case["tol"], abs=1e-12)
    assert explain(*cell)


def test_every_sample_optimizer_is_used():
    assert {case["optimizer"] for case in CASES} <= set(OPTIMIZERS)
