"""saddlebench: a benchmark suite of differentiable games × game optimizers.

>>> import saddlebench
>>> result = saddlebench.run(games="bilinear", optimizers=["extragradient", "optimistic-gradient"], seeds=3, steps=200)
>>> result.runs  # a pandas table: one row a run

The names below are imported when they are first used, because torch takes seconds to import.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from saddlebench._version import __version__

if TYPE_CHECKING:
    from saddlebench.bench.agreement import spectra
    from saddlebench.bench.api import run, spectral_radius
    from saddlebench.bench.batched_spectrum import spectral_radii
    from saddlebench.bench.stability_map import stability_map
    from saddlebench.games import GAMES
    from saddlebench.optimizers import OPTIMIZERS

__all__ = ["GAMES", "OPTIMIZERS", "__version__", "run", "spectra", "spectral_radii", "spectral_radius", "stability_map"]

_HOME = {
    "run": "saddlebench.bench.api",
    "spectra": "saddlebench.bench.agreement",
    "spectral_radius": "saddlebench.bench.api",
    "spectral_radii": "saddlebench.bench.batched_spectrum",
    "stability_map": "saddlebench.bench.stability_map",
    "GAMES": "saddlebench.games",
    "OPTIMIZERS": "saddlebench.optimizers",
}


def __getattr__(name: str) -> Any:
    """Import a public name on first use (PEP 562)."""
    if name not in _HOME:
        raise AttributeError(f"module 'saddlebench' has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
