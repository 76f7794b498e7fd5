"""Methods whose update is a polynomial or rational function of DJ, D = diag(η_x, η_y).

Every function takes λ, an eigenvalue of DJ, so the step size is inside λ and a step size a player costs nothing more.
"""

from cmath import rect

import numpy as np

from saddlebench.results.theory.formula import Formula, formula
from saddlebench.results.theory.linearisation import Array, Linearisation, NoClosedForm, polynomial_roots
from saddlebench.results.theory.settings import Settings


def simultaneous(game: Linearisation, settings: Settings) -> Array:
    """1 − λ; on a bilinear game √(1 + η_xη_yσ²)."""
    return 1 - game.eigenvalues(settings.pair("step_size"))


def heavy_ball(game: Linearisation, settings: Settings) -> Array:
    """z² − (1 + β − λ)z + β (Polyak 1964; Gidel et al. 2019, Theorem 3).

    With a momentum a player: p_x p_y + η_xη_yσ²z² on a block, p_i = z² − (1 + β_i − η_iμ_i)z + β_i.
    """
    momentum = settings.pair("momentum")
    if momentum[0] == momentum[1]:
        beta = momentum[0]
        return game.characteristic_roots(settings.pair("step_size"), lambda x: (1.0, -(1 + beta - x), beta))
    return block_heavy_ball(game, settings, power=2)


def block_heavy_ball(game: Linearisation, settings: Settings, power: int) -> Array:
    """p_x p_y + η_xη_yσ²z^power: power 2 where both players move at once, 3 where the second sees the first's move."""
    game.two_players()
    blocks = game.blocks()
    (step_x, step_y), (beta_x, beta_y) = blocks.of(settings.pair("step_size")), blocks.of(settings.pair("momentum"))
    coupling = step_x * step_y * blocks.sigma**2
    linear_x, linear_y = -(1 + beta_x - step_x * blocks.mu_x), -(1 + beta_y - step_y * blocks.mu_y)
    cubic = linear_x + linear_y + (coupling if power == 3 else 0)
    square = beta_x + beta_y + linear_x * linear_y + (coupling if power == 2 else 0)
    quartics = (np.ones_like(cubic), cubic, square, linear_x * beta_y + linear_y * beta_x, beta_x * beta_y)
    momentum = settings.pair("momentum")
    alone = blocks.alone  # p_x² there: its roots are those of p_x, and a root finder would halve their digits
    return np.concatenate(
        [
            polynomial_roots(*(coefficient[~alone] for coefficient in quartics)),
            polynomial_roots(1.0, linear_x[alone], beta_x[alone]),
            [momentum[player] for player in game.null_owners()],  # the velocity along a null direction still fades
        ]
    )


def nesterov(game: Linearisation, settings: Settings) -> Array:
    """z² − (1 + β)(1 − λ)z + β(1 − λ) (Nesterov 1983)."""
    beta = settings.number("momentum")
    return game.characteristic_roots(settings.pair("step_size"), lambda x: (1.0, -(1 + beta) * (1 - x), beta * (1 - x)))


def extragradient(game: Linearisation, settings: Settings) -> Array:
    """1 − λ + (γ/η)λ² (Korpelevich 1976); on a bilinear game √((1 − ηγσ²)² + η²σ²).

    Where γ/η differs between the players: the eigenvalues of I − D(J − JΓJ) on a block.
    """
    step = settings.pair("step_size")
    ahead = settings.pair("extrapolation_step", step)
    if ahead[0] * step[1] == ahead[1] * step[0] and step[0]:
        eigenvalues = game.eigenvalues(step)
        return 1 - eigenvalues + ahead[0] / step[0] * eigenvalues**2
    game.two_players()
    blocks = game.blocks()
    mu_x, mu_y, sigma = blocks.mu_x, blocks.mu_y, blocks.sigma
    ahead_x, ahead_y = blocks.of(ahead)
    cross = sigma * (1 - ahead_x * mu_x - ahead_y * mu_y)
    own_x = mu_x - ahead_x * mu_x**2 + ahead_y * sigma**2
    return blocks.step(step, (own_x, cross, -cross, mu_y - ahead_y * mu_y**2 + ahead_x * sigma**2))


def optimistic(game: Linearisation, settings: Settings) -> Array:
    """z² − (1 − (1 + κ)λ)z − κλ; κ = 1 is OGDA (Popov 1980; Daskalakis et al. 2018)."""
    kappa = settings.number("optimism", 1.0)
    return game.characteristic_roots(settings.pair("step_size"), lambda x: (1.0, -(1 - (1 + kappa) * x), -kappa * x))


def proximal_point(game: Linearisation, settings: Settings) -> Array:
    """1/(1 + λ), the implicit step (Rockafellar 1976)."""
    denominator = 1 + game.eigenvalues(settings.pair("step_size"))
    if np.any(denominator == 0):
        raise NoClosedForm("I + DJ is singular: the implicit step is not defined")
    return 1 / denominator


def complex_momentum(game: Linearisation, settings: Settings) -> Array:
    """(z − 1)(z² − 2Re(β)z + |β|²) + λz(z − Re β) (Lorraine et al. 2022)."""
    modulus = settings.number("momentum_modulus")
    real = rect(modulus, settings.number("momentum_argument", 0.0)).real
    square = modulus**2
    return game.characteristic_roots(
        settings.pair("step_size"), lambda x: (1.0, -1 - 2 * real + x, square + 2 * real - real * x, -square)
    )


_OPTIMISTIC = "max|z|: z² − (1 − (1+κ)ηλ)z − κηλ = 0"
FORMULAS: dict[str, Formula] = {
    "simultaneous-gradient": formula("max|1 − ηλ|; on a bilinear game √(1 + η_xη_yσ²)", "step_size", simultaneous),
    "heavy-ball": formula("max|z|: z² − (1+β−ηλ)z + β = 0 (Gidel et al. 2019)", "step_size momentum", heavy_ball, memory=True),
    "nesterov": formula("max|z|: z² − (1+β)(1−ηλ)z + β(1−ηλ) = 0", "step_size momentum", nesterov, memory=True),
    "extragradient": formula(
        "max|1 − ηλ + ηγλ²| (Korpelevich 1976)",
        "step_size extrapolation_step",
        extragradient,
        domains="unconstrained simplex",
    ),
    "past-extragradient": formula(
        "max|z|: z² − (1 − 2ηλ)z − ηλ = 0, the spectrum of OGDA (Popov 1980)",
        "step_size",
        optimistic,
        memory=True,
        domains="unconstrained simplex",
    ),
    "optimistic-gradient": formula(_OPTIMISTIC, "step_size optimism", optimistic, memory=True),
    "proximal-point": formula("max 1/|1 + ηλ|", "step_size", proximal_point),
    "complex-momentum": formula(
        "max|z|: (z−1)(z² − 2Re(β)z + |β|²) + ηλz(z − Re β) = 0 (Lorraine et al. 2022)",
        "step_size momentum_modulus momentum_argument",
        complex_momentum,
        memory=True,
    ),
}
