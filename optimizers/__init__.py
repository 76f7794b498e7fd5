"""How it is played: one file a method. `OPTIMIZERS` maps canonical names to classes."""

from pathlib import Path

from saddlebench.catalogue import Catalogue

OPTIMIZERS = Catalogue("optimizer", __name__, Path(__file__).parent, "saddlebench.optimizers")
