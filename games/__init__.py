"""What is played: one file a family of games. `GAMES` maps canonical names to classes."""

from pathlib import Path

from saddlebench.catalogue import Catalogue

GAMES = Catalogue("game", __name__, Path(__file__).parent, "saddlebench.games")
