"""Rules: how one player's gradient becomes a move. `RULES` maps canonical names to classes."""

from pathlib import Path

from saddlebench.catalogue import Catalogue

RULES = Catalogue("rule", __name__, Path(__file__).parent, "saddlebench.rules")
