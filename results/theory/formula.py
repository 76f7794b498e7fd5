"""What a closed form is: a text, the hyperparameters that it reads, and the eigenvalues that it gives."""

from collections.abc import Callable
from dataclasses import dataclass

from saddlebench.results.theory.linearisation import Array, Linearisation
from saddlebench.results.theory.settings import Settings

Spectrum = Callable[[Linearisation, Settings], Array]


@dataclass(frozen=True)
class Formula:
    """The spectrum of one optimizer's step map, up to zeros that its state adds."""

    text: str  # the formula and its source
    keys: frozenset[str]
    spectrum: Spectrum
    memory: bool = False  # the state holds more than the profile, so the eigenvalues are not those of a map on it
    domains: tuple[str, ...] = ("unconstrained",)


def formula(text: str, keys: str, spectrum: Spectrum, memory: bool = False, domains: str = "unconstrained") -> Formula:
    """A formula whose keys and domains are given as words."""
    return Formula(text, frozenset(keys.split()), spectrum, memory, tuple(domains.split()))
