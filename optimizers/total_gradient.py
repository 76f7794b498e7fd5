"""Total gradient descent: the leader knows how the follower will answer."""

from dataclasses import dataclass

from saddlebench.optimizers.leading import BestReply
from saddlebench.optimizers.optimizer import Oracle, Profile, State


@dataclass(frozen=True)
class TotalGradient(BestReply):
    """x⁺ = x − η_x (f_x − g_xy g_yy⁻¹ f_y), y⁺ = y − η_y g_y (Stackelberg gradient; TGDA).

    Fiez, Chasnov, Ratliff, ICML 2020; for GANs with g_yy + I (``damping=1``). Player 0 leads.
    """

    name = "total-gradient"
    paper = "Fiez et al. 2020"
    cost = "1 gradient + ½ product + ½ product an iteration (general-sum: ½ gradient more)"

    def step(self, oracle: Oracle, w: Profile, state: State) -> tuple[Profile, State]:
        """One linearisation, one solve."""
        point = oracle.at(w)
        return self.move_all(oracle, w, (self.total_gradient(oracle, point, self.damping), point.v[1]), state)
