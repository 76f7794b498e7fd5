"""`saddlebench tune`: its options. What they do is in `saddlebench.bench.cli.tuning`, which imports torch."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from saddlebench.bench.cli.forms import argument, examples, option
from saddlebench.bench.cli.options import Assignment, assignments, settings_of
from saddlebench.bench.cli.output import starting
from saddlebench.bench.cli.run import Dtype
from saddlebench.bench.suites.values import seeds_of
from saddlebench.errors import InputError

_EXAMPLES = examples(
    "saddlebench tune bilinear extragradient alternating-heavy-ball --trials 50",
    "saddlebench tune bilinear extragradient --dry-run                 what is searched, and how much is run",
    "saddlebench tune gaussian-ring adam consensus --cost 2000 --trials 20 --objective high_quality_fraction",
    "saddlebench tune quadratic consensus --set optimizer.gamma=1       searches the other parameters",
)
_WHAT, _HOW, _WHERE = "What is searched", "Budget and judgement", "Where"
_FIRST_SEED = 1000  # of the trials: away from 0, 1, …, on which everything else is run and the winner is rerun

_SET_HELP = "optimizer.NAME=VALUE (then not searched), game.NAME=VALUE or settings.NAME=VALUE."
_SEEDS_HELP = f"Of each trial: how many ({_FIRST_SEED}, …), or which. Default: 3."
_RERUN_HELP = "Of winner and defaults: how many (0, 1, …), or which. None may be a trial's. Default: 10."
_OBJECTIVE_HELP = (
    "A measure at the end of the budget. Default: the distance to equilibrium, or else the gap, or else what the game is judged by."
)
_OUT_HELP = "Directory of winners and defaults; trials go to DIR/trials. Default: tuned-GAME, where `run` puts its results."


@dataclass(frozen=True)
class Request:
    """What a user asks to be tuned, checked as far as no catalogue class is needed.

    Attributes:
        game: its text.
        optimizers: their texts.
        given: what ``--set`` says.
        trials: how many of each optimizer.
        seeds: of the trials.
        rerun_seeds: of winners and defaults.
        settings: of `saddlebench.bench.settings.Settings`.
        objective: a measure, or "auto".
        answer: which answer is judged.
    """

    game: str
    optimizers: list[str]
    given: list[Assignment]
    trials: int
    seeds: list[int]
    rerun_seeds: list[int]
    settings: dict[str, Any]
    objective: str
    answer: str
    device: str
    dtype: str | None
    threads: int | None
    out: Path | None
    dry_run: bool


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("tune", epilog=_EXAMPLES)(tune)


def tune(
    game: Annotated[str, argument("A name, ./file.py:Class, or JSON with parameters.")],
    optimizers: Annotated[list[str], argument("Likewise, one or more.")],
    trials: Annotated[int, option("--trials", panel=_WHAT, text="Of each optimizer. Default: 50.", min=1, metavar="N")] = 50,
    set_: Annotated[list[str] | None, option("--set", panel=_WHAT, text=_SET_HELP, metavar="P=V")] = None,
    dry_run: Annotated[bool, option("--dry-run", panel=_WHAT, text="Say what is searched; write nothing.")] = False,
    seeds: Annotated[str | None, option("--seeds", panel=_HOW, text=_SEEDS_HELP, metavar="N|LIST")] = None,
    rerun_seeds: Annotated[str, option("--rerun-seeds", panel=_HOW, text=_RERUN_HELP, metavar="N|LIST")] = "10",
    steps: Annotated[int | None, option("--steps", panel=_HOW, text="Budget in steps. Default: the game's.", metavar="N")] = None,
    cost: Annotated[float | None, option("--cost", panel=_HOW, text="Budget in gradients + 2 products.", metavar="C")] = None,
    objective: Annotated[str, option("--objective", panel=_HOW, text=_OBJECTIVE_HELP, metavar="MEASURE")] = "auto",
    answer: Annotated[str, option("--answer", panel=_HOW, text="last (default) or average.", metavar="A")] = "last",
    device: Annotated[str, typer.Option(help="auto: a GPU where there is one.", rich_help_panel=_WHERE)] = "auto",
    dtype: Annotated[Dtype | None, option("--dtype", panel=_WHERE, text="Default: the game's own.")] = None,
    threads: Annotated[int | None, option("--threads", panel=_WHERE, text="Threads of torch.", min=1, metavar="N")] = None,
    out: Annotated[Path | None, option("--out", "-o", panel=_WHERE, text=_OUT_HELP, metavar="DIR")] = None,
) -> None:
    """Search hyperparameters of optimizers on one game, and rerun the winners beside the defaults on fresh seeds.

    Trials are quasi-random points of each optimizer's own search space, the same for every game; more trials go on with the same
    sequence, and the same command goes on where an earlier one stopped. A trial is judged by the median over its seeds, a diverged
    run counts as infinitely bad, and ties go to the cheaper one. The winners' rows have the track `tuned`.
    """
    given = assignments(set_ or (), ())
    own: dict[str, Any] = {"steps": steps, "cost": cost}
    tried = _tuning_seeds(seeds)
    fresh = seeds_of(rerun_seeds, "--rerun-seeds")
    if shared := sorted(set(tried) & set(fresh)):
        raise InputError(f"seed {shared[0]} is in --seeds and --rerun-seeds: a winner is shown on seeds that did not choose it")
    if answer not in ("last", "average"):
        raise InputError(f"--answer {answer}: last or average")
    request = Request(
        game=game,
        optimizers=optimizers,
        given=given,
        trials=trials,
        seeds=tried,
        rerun_seeds=fresh,
        settings={name: value for name, value in own.items() if value is not None} | settings_of(given),
        objective=objective,
        answer=answer,
        device=device,
        dtype=dtype and dtype.value,
        threads=threads,
        out=out,
        dry_run=dry_run,
    )
    with starting():
        from saddlebench.bench.cli.tuning import execute

    raise typer.Exit(execute(request))


def _tuning_seeds(text: str | None) -> list[int]:
    found = seeds_of("3" if text is None else text)
    return [_FIRST_SEED + seed for seed in found] if text is None or "," not in text else found
