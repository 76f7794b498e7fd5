"""Methods that step along an adjusted field: on a scalar block, the eigenvalues of I − DG for the adjusted field's
Jacobian G.

J = [[μ_x, σ], [−σ, μ_y]], H_o = [[0, σ], [−σ, 0]] = the antisymmetric part of J.
"""

import numpy as np

from saddlebench.results.theory.formula import Formula, formula
from saddlebench.results.theory.linearisation import Array, Linearisation, NoClosedForm, Pair
from saddlebench.results.theory.settings import Settings


def consensus(game: Linearisation, settings: Settings) -> Array:
    """G = J + γJᵀJ; √((1 − η(μ + γ(μ² + σ²)))² + η²σ²) where μ_x = μ_y (Mescheder et al. 2017)."""
    blocks, gamma = game.blocks(), settings.number("gamma")
    step = game.common(settings.pair("step_size"))
    mu_x, mu_y, sigma = blocks.mu_x, blocks.mu_y, blocks.sigma
    cross = gamma * sigma * (mu_x - mu_y)
    own_x, own_y = mu_x + gamma * (mu_x**2 + sigma**2), mu_y + gamma * (mu_y**2 + sigma**2)
    return blocks.step(step, (own_x, sigma + cross, cross - sigma, own_y))


def _rotated(game: Linearisation, settings: Settings, weight: float) -> Array:
    """G = (I − lH_o)J; √((1 − η(μ + lσ²))² + η²σ²(1 − lμ)²) where μ_x = μ_y (Balduzzi et al. 2018)."""
    return _foreseen(game, settings, (weight, weight))


def _foreseen(game: Linearisation, settings: Settings, expected: Pair) -> Array:
    """G = (I − H_oA)J, A = diag(l_x, l_y), what each player is expected to step with."""
    blocks, step = game.blocks(), game.common(settings.pair("step_size"))
    l_x, l_y = blocks.of(game.common(expected))
    sigma = blocks.sigma
    cross_x, cross_y = sigma * (1 - l_y * blocks.mu_y), -sigma * (1 - l_x * blocks.mu_x)
    return blocks.step(step, (blocks.mu_x + l_y * sigma**2, cross_x, cross_y, blocks.mu_y + l_x * sigma**2))


def _expected(settings: Settings, factor: float = 1.0) -> Pair:
    """α, times a factor; η where α is not given."""
    x, y = settings.pair("gamma", settings.raw("step_size"))
    return factor * x, factor * y


def symplectic(game: Linearisation, settings: Settings) -> Array:
    """v + γAᵀv. Near the equilibrium the alignment is of fourth order in v, so aligned SGA takes the sign of ε > 0."""
    if settings.raw("aligned", False) and settings.number("epsilon", 0.1) <= 0:
        raise NoClosedForm("without ε > 0 the alignment's sign jumps at the equilibrium")
    return _rotated(game, settings, settings.number("gamma"))


def jare(game: Linearisation, settings: Settings) -> Array:
    """The cross terms of consensus (Nie & Patel 2019): SGA's Jacobian, because f_xy = −g_yxᵀ."""
    game.two_players()
    return _rotated(game, settings, settings.number("gamma"))


def lookahead(game: Linearisation, settings: Settings) -> Array:
    """(I − H_oA)v (Zhang & Lesser 2010)."""
    return _foreseen(game, settings, _expected(settings))


def lola(game: Linearisation, settings: Settings) -> Array:
    """(I − αH_o)v − αχ (Foerster et al. 2018; Letcher et al. 2019): SGA with l = 2α on a zero-sum game."""
    game.opposed()
    return _foreseen(game, settings, _expected(settings, 2))


def stable_opponent(game: Linearisation, settings: Settings) -> Array:
    """(I − αH_o)v − pαχ (Letcher et al. 2019): SGA with l = (1 + p)α on a zero-sum game.

    The adaptive p is at most ‖v‖² near the equilibrium, so there the term in χ is of third order and p = 0.
    """
    if (p := settings.number("p", 0.0)) != 0:
        game.opposed()
    return _foreseen(game, settings, _expected(settings, 1 + p))


def hamiltonian(game: Linearisation, settings: Settings) -> Array:
    """1 − η s² for the singular values s of J, of any game (gradient descent on ½‖v‖²)."""
    return 1 - game.hamiltonian(settings.pair("step_size"))


def gradient_norm(game: Linearisation, settings: Settings) -> Array:
    """x descends f + λ‖g_y‖² (Nagarajan & Kolter 2017): G = [[μ_x + 2λσ², σ(1 − 2λμ_y)], [−σ, μ_y]].

    Alternating, a cycle has the determinant (1 − η_xG_xx)(1 − η_yμ_y): |z|² = 1 − 2ηλσ² for a complex pair of a bilinear game.
    """
    game.two_players()
    blocks, weight = game.blocks(), 2 * settings.number("gamma")
    sigma = blocks.sigma
    own, cross = blocks.mu_x + weight * sigma**2, sigma * (1 - weight * blocks.mu_y)
    if settings.raw("alternating", False):
        x, y = blocks.of(settings.pair("step_size"))
        keep_x, keep_y = 1 - x * own, 1 - y * blocks.mu_y
        return blocks.roots(keep_x + keep_y - x * y * cross * sigma, keep_x * keep_y)
    return blocks.step(settings.pair("step_size"), (own, cross, -sigma, blocks.mu_y))


def local_symplectic_surgery(game: Linearisation, settings: Settings) -> Array:
    """G = ½(J + Jᵀ(JᵀJ + λI)⁻¹JᵀJ) (Mazumdar, Jordan, Sastry 2019); ½(J + Jᵀ) where λ = 0."""
    blocks, damping = game.blocks(), settings.number("gamma", 0.0)
    step = game.common(settings.pair("step_size"))
    mu_x, mu_y, sigma = blocks.mu_x, blocks.mu_y, blocks.sigma
    # K = JᵀJ and T = (K + λI)⁻¹K = I − λ(K + λI)⁻¹, both symmetric.
    k_x, k_y, k_xy = mu_x**2 + sigma**2, mu_y**2 + sigma**2, sigma * (mu_x - mu_y)
    determinant = (k_x + damping) * (k_y + damping) - k_xy**2
    if np.any(determinant == 0):
        raise NoClosedForm("JᵀJ + λI is singular")
    scale = damping / determinant
    t_x, t_y, t_xy = 1 - scale * (k_y + damping), 1 - scale * (k_x + damping), scale * k_xy
    field = (
        (mu_x + mu_x * t_x - sigma * t_xy) / 2,
        (sigma + mu_x * t_xy - sigma * t_y) / 2,
        (-sigma + sigma * t_x + mu_y * t_xy) / 2,
        (mu_y + sigma * t_xy + mu_y * t_y) / 2,
    )
    return blocks.step(step, field)


def competitive(game: Linearisation, settings: Settings) -> Array:
    """I − (I + DH_o)⁻¹DJ (Schäfer & Anandkumar 2019): trace (a_x + a_y)/(1 + s), determinant a_xa_y/(1 + s).

    a_i = 1 − η_iμ_i and s = η_xη_yσ², hence |1 − ημ|/√(1 + η²σ²) where μ_x = μ_y.
    """
    blocks = game.blocks()
    step_x, step_y = blocks.of(game.common(settings.pair("step_size")))
    keep_x, keep_y = 1 - step_x * blocks.mu_x, 1 - step_y * blocks.mu_y
    scale = 1 + step_x * step_y * blocks.sigma**2
    return blocks.roots((keep_x + keep_y) / scale, keep_x * keep_y / scale)


def linearised_competitive(game: Linearisation, settings: Settings) -> Array:
    """G = (I − H_oD)J (Schäfer & Anandkumar 2019): SGA with l = η, each player foreseeing the other's own step."""
    return _foreseen(game, settings, settings.pair("step_size"))


_ROTATED = "√((1 − η(μ + lσ²))² + η²σ²(1 − lμ)²), l = {}; I − D(I − lH_o)J a block where μ_x ≠ μ_y"
FORMULAS: dict[str, Formula] = {
    "consensus": formula(
        "√((1 − η(μ + γ(μ²+σ²)))² + η²σ²); I − D(J + γJᵀJ) a block where μ_x ≠ μ_y (Mescheder et al. 2017)",
        "step_size gamma",
        consensus,
    ),
    "symplectic-gradient": formula(_ROTATED.format("γ"), "step_size gamma aligned epsilon", symplectic),
    "jare": formula(_ROTATED.format("γ"), "step_size gamma", jare),
    "lookahead": formula(_ROTATED.format("α, α = η where it is not given"), "step_size gamma", lookahead),
    "lola": formula(_ROTATED.format("2α"), "step_size gamma", lola),
    "sos": formula(_ROTATED.format("(1 + p)α, p → 0 where it adapts"), "step_size gamma p alignment radius", stable_opponent),
    "hamiltonian-gradient": formula("max|1 − η s²|, s the singular values of J", "step_size", hamiltonian),
    "gradient-norm-regularized": formula(
        "|1 − eig(D[[μ_x+2λσ², σ(1−2λμ_y)], [−σ, μ_y]])|; bilinear |1 − η(λσ² ± √(λ²σ⁴−σ²))|, alternating √(1−2ηλσ²)",
        "step_size gamma alternating",
        gradient_norm,
    ),
    "local-symplectic-surgery": formula(
        "|1 − η eig(½(J + Jᵀ(JᵀJ+λI)⁻¹JᵀJ))|; |1 − ημ| where λ = 0", "step_size gamma", local_symplectic_surgery
    ),
    "competitive-gradient": formula(
        "max|z|: z² − (a_x+a_y)z/(1+s) + a_xa_y/(1+s) = 0, a = 1−ημ, s = η_xη_yσ²", "step_size", competitive
    ),
    "linearised-competitive-gradient": formula(_ROTATED.format("η"), "step_size", linearised_competitive),
}
