"""Methods in which the second player answers the first one's move: closed forms on scalar blocks."""

import numpy as np

from saddlebench.results.theory.formula import Formula, formula
from saddlebench.results.theory.linear import block_heavy_ball
from saddlebench.results.theory.linearisation import Array, Linearisation, NoClosedForm
from saddlebench.results.theory.settings import Settings


def alternating(game: Linearisation, settings: Settings) -> Array:
    """One cycle of x ← x − η_x f_x, y ← y − η_y g_y in the order of the schedule (x, y by default).

    A block's cycle is a product of shears with determinant (1 − η_xμ_x)^{k_x}(1 − η_yμ_y)^{k_y}. For the plain cycle
    the trace is (1 − η_xμ_x) + (1 − η_yμ_y) − η_xη_yσ²; for k_y:k_x steps on a bilinear game it is 2 − k_xk_yη_xη_yσ²
    (Gidel et al. 2019).
    """
    game.two_players()
    blocks = game.blocks()
    step = blocks.of(settings.pair("step_size"))
    keep = (1 - step[0] * blocks.mu_x, 1 - step[1] * blocks.mu_y)
    owners = (blocks.owner_x, blocks.owner_y)
    one, zero = np.ones_like(blocks.sigma), np.zeros_like(blocks.sigma)
    rows = [(one, zero), (zero, one)]
    determinant = one
    pull = (-step[0] * blocks.sigma, step[1] * blocks.sigma)
    for player in _schedule(settings):
        before = list(rows)
        for i in (0, 1):
            moves = owners[i] == player
            row = tuple(keep[i] * own + pull[i] * other for own, other in zip(before[i], before[1 - i], strict=True))
            rows[i] = (np.where(moves, row[0], before[i][0]), np.where(moves, row[1], before[i][1]))
            determinant = np.where(moves, determinant * keep[i], determinant)
    return blocks.roots(rows[0][0] + rows[1][1], determinant)


def _schedule(settings: Settings) -> list[int]:
    players = settings.array("schedule", (0, 1)).ravel()
    if not len(players) or not np.all(np.isin(players, (0, 1))):
        raise NoClosedForm("the schedule is not a list of the players 0 and 1")
    return [int(player) for player in players]


def alternating_heavy_ball(game: Linearisation, settings: Settings) -> Array:
    """p_x p_y + η_xη_yσ²z³, p_i = z² − (1 + β_i − η_iμ_i)z + β_i; bilinear: (z−1)²(z−β_x)(z−β_y) + η²σ²z³."""
    if sorted(_schedule(settings)) != [0, 1]:
        raise NoClosedForm("heavy ball is known where every player moves once a cycle")
    return block_heavy_ball(game, settings, power=3)


FORMULAS: dict[str, Formula] = {
    "alternating-gradient": formula(
        "max|z|: z² − ((1−η_xμ_x) + (1−η_yμ_y) − η_xη_yσ²)z + (1−η_xμ_x)(1−η_yμ_y) = 0 per cycle; a schedule multiplies its shears",
        "step_size schedule",
        alternating,
    ),
    "alternating-heavy-ball": formula(
        "max|z|: (z²−(1+β_x−η_xμ_x)z+β_x)(z²−(1+β_y−η_yμ_y)z+β_y) + η_xη_yσ²z³ = 0 (Gidel et al. 2019)",
        "step_size momentum schedule",
        alternating_heavy_ball,
        memory=True,
    ),
}
