"""Methods on the simplex, linearised at an interior equilibrium: on the sum-zero plane they are the plain methods
again.

Projection is the identity there. The entropic step x⁺ ∝ x·exp(−ηg) multiplies a gradient with the probability 1/n of
every action at the uniform strategy, so its step size is η/n.
"""

from saddlebench.results.theory.formula import Formula, Spectrum, formula
from saddlebench.results.theory.linear import extragradient, optimistic, simultaneous
from saddlebench.results.theory.linearisation import Array, Linearisation
from saddlebench.results.theory.settings import Settings


def _entropic(spectrum: Spectrum) -> Spectrum:
    def weighted(game: Linearisation, settings: Settings) -> Array:
        step_x, step_y = settings.pair("step_size")
        return spectrum(game, settings.replace(step_size=(game.weight * step_x, game.weight * step_y)))

    return weighted


FORMULAS: dict[str, Formula] = {
    "multiplicative-weights": formula(
        "max|1 − ηλ/n|; rock-paper-scissors √(1 + η²/3)", "step_size", _entropic(simultaneous), domains="simplex"
    ),
    "optimistic-multiplicative-weights": formula(
        "max|z|: z² − (1 − (1+κ)ηλ/n)z − κηλ/n = 0; OGDA with h = η/√3 in rock-paper-scissors",
        "step_size optimism",
        _entropic(optimistic),
        memory=True,
        domains="simplex",
    ),
    "projected-gradient": formula(
        "max|1 − ηλ|; rock-paper-scissors √(1 + 3η²)", "step_size", simultaneous, domains="simplex unconstrained"
    ),
    "projected-extragradient": formula(
        "max|1 − ηλ + ηγλ²|; rock-paper-scissors √(1 − 3η² + 9η⁴)",
        "step_size extrapolation_step",
        extragradient,
        domains="simplex unconstrained",
    ),
}
