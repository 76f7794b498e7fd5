"""What findings say where a check cannot answer plainly."""

from dataclasses import dataclass

from saddlebench.bench.contracts import check_game, check_optimizer
from saddlebench.bench.contracts.arenas import Arena, TinyGAN
from saddlebench.bench.contracts.finding import run_checks
from saddlebench.bench.contracts.form import is_a_frozen_dataclass
from saddlebench.optimizers.optimizer import Optimizer
from saddlebench.parameters import Positive, cast, pick


@dataclass(frozen=True)
class Plain(Optimizer):
    """w⁺ = w − ηv."""

    name = "plain"
    paper = "none"
    cost = "1 gradient"

    step_size: Positive = 0.1  # η

    def step(self, oracle, w, state):
        v = oracle.field(w)
        return tuple(x - cast(pick(self.step_size, i), x) * v[i] for i, x in enumerate(w)), state


def test_a_missing_docstring_is_not_mistaken_for_the_line_that_dataclass_writes():
    bare = dataclass(frozen=True)(type("Bare", (Plain,), {"name": "bare"}))
    assert str(bare.__doc__).startswith("Bare(step_size: ")
    found = {f.check: f for f in check_optimizer(bare)}
    assert "has no docstring" in found["docstring states the formula"].message


def test_a_thawed_dataclass_and_a_plain_class_are_told_apart():
    bare = type("Bare", (Plain,), {})
    [finding] = run_checks([is_a_frozen_dataclass], bare())
    assert "has no @dataclass(frozen=True) above it" in finding.message
    thawed = dataclass(type("Thawed", (Optimizer,), {"step": Plain.step}))
    [finding] = run_checks([is_a_frozen_dataclass], thawed())
    assert "is not frozen" in finding.message


def test_an_unforeseen_error_is_a_failed_check_that_names_the_line():
    @dataclass(frozen=True)
    class Breaks(Plain):
        """w⁺ = w + nothing."""

        name = "breaks"

        def step(self, oracle, w, state):
            raise KeyError("velocity")

    found = {f.check: f for f in check_optimizer(Breaks)}
    assert found["step is pure"].status == "failed"
    assert "KeyError: 'velocity' (test_findings.py:" in found["step is pure"].message


def test_a_method_that_fits_no_game_is_not_passed():
    @dataclass(frozen=True)
    class Picky(Plain):
        """w⁺ = w − ηv, nowhere."""

        name = "picky"

        def applies_to(self, game):
            return "it needs a game of seventeen players"

    found = {f.check: f for f in check_optimizer(Picky)}
    assert found["step is pure"].status == "not applicable"
    assert "seventeen players" in found["step is pure"].message


def test_a_method_for_gans_alone_is_checked_on_one():
    @dataclass(frozen=True)
    class ForGANs(Plain):
        """w⁺ = w − ηv, where there are latents."""

        name = "for-gans"

        def applies_to(self, game):
            return None if game.has_latents else "it optimises latents, and this game has none"

    found = {f.check: f for f in check_optimizer(ForGANs)}
    assert [f for f in found.values() if f.status == "failed"] == []
    assert found["jacobian equals finite differences"].status == "ok"
    assert found["batch equals runs alone on a network"].status == "ok"


def test_the_games_of_the_checks_keep_the_contract_themselves():
    games = [*(Arena(where=where, zero_sum=flag) for where in ("unconstrained", "simplex", "box") for flag in (True, False))]
    for game in (*games, Arena((2, 3, 2), zero_sum=False), Arena(dtype="float32"), TinyGAN(), TinyGAN("float64")):
        excused = {"nonsense is refused"}  # TinyGAN's dtype is for the checks alone
        assert [f for f in check_game(game) if f.status == "failed" and f.check not in excused] == [], game
