"""The contracts of games and optimizers, as checks that say in plain words what is broken.

The tests run them over the catalogues, `saddlebench check FILE.py:CLASS` over a class of one's own.
"""

from typing import Any

from saddlebench.bench.build import build
from saddlebench.bench.contracts.finding import Finding, run_checks
from saddlebench.bench.contracts.form import FORM_CHECKS
from saddlebench.bench.contracts.game_derivatives import DERIVATIVE_CHECKS
from saddlebench.bench.contracts.game_solutions import SOLUTION_CHECKS
from saddlebench.bench.contracts.game_values import VALUE_CHECKS
from saddlebench.bench.contracts.optimizer_spectrum import SPECTRUM_CHECKS
from saddlebench.bench.contracts.optimizer_steps import STEP_CHECKS
from saddlebench.bench.contracts.search_space import SEARCH_CHECKS
from saddlebench.games.game import Game

OPTIMIZER_CHECKS = (*FORM_CHECKS, *SEARCH_CHECKS, *SPECTRUM_CHECKS, *STEP_CHECKS)
GAME_CHECKS = (*FORM_CHECKS, *VALUE_CHECKS, *DERIVATIVE_CHECKS, *SOLUTION_CHECKS)


def check_optimizer(subject: Any) -> list[Finding]:
    """What every check says of an optimizer: a class (its defaults), an instance, a name or a file, as `build` takes them.

    Raises:
        InputError: there is nothing to check: no such class, or it cannot be made with its defaults.
    """
    return run_checks(OPTIMIZER_CHECKS, build("optimizer", subject))


def check_game(subject: Any) -> list[Finding]:
    """What every check says of a game: a class (its `small` setting), an instance, a name or a file, as `build` takes them.

    Raises:
        InputError: as `check_optimizer`.
    """
    game = build("game", subject)
    return run_checks(GAME_CHECKS, game if isinstance(subject, Game) else type(game).small())
