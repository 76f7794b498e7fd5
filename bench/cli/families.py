"""The family of every game of the catalogue: the file that it is written in, which holds one family. Read without torch."""

from functools import lru_cache


@lru_cache(maxsize=1)
def game_families() -> dict[str, str]:
    """Game → family."""
    from saddlebench.games import GAMES

    return {name: entry.module.rpartition(".")[2].replace("_", "-") for name, entry in GAMES.entries.items()}
