"""`saddlebench run`: its options. What they do is in `saddlebench.bench.cli.running`, which imports torch."""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from saddlebench.bench.cli.forms import argument, examples, option
from saddlebench.bench.cli.options import Assignment, assignments, checkpoints_of, points_of, settings_of
from saddlebench.bench.cli.output import starting
from saddlebench.bench.cli.places import DEFAULT_HELP
from saddlebench.bench.suites.load import Suite, find
from saddlebench.bench.suites.part import part_of
from saddlebench.bench.suites.values import seeds_of
from saddlebench.errors import InputError

_EXAMPLES = examples(
    "saddlebench run quick",
    "saddlebench run ./night.toml --seeds 3 --dry-run",
    "saddlebench run quick --game bilinear --optimizer extragradient",
    "saddlebench run --game bilinear --optimizer extragradient --sweep optimizer.step_size=0.05,0.1 --seeds 10",
    'saddlebench run --game \'{"bilinear": {"matrix": [[1.0, 2.0]]}}\' --optimizer ./mine.py:Mine --spectrum equilibrium',
    "saddlebench run quick --workers 8 --timeout 600",
    "saddlebench run nightly --executor ray --address auto --gpus 0.25",
    "saddlebench run --game bilinear --optimizer adam --seeds 10000 --compile on",
    "saddlebench run --game gaussian-ring --optimizer alternating-gradient --set optimizer.rule.adam.betas=[0.5,0.9]",
)


_WHAT, _HOW, _WHERE, _RECORDS = "What is run", "Budget and measuring", "Where it is run", "Records"
_GAME_HELP = "A name, ./file.py:Class, or JSON with parameters (repeatable). With a suite: only its games of that name."
_SET_HELP = "optimizer.NAME=VALUE, game.NAME=VALUE or settings.NAME=VALUE (converged, diverged, …); VALUE is JSON or text."
_SECONDS_HELP = "Budget in seconds of stepping; runs are stepped alone."
_CHECKPOINTS_HELP = "How many, log-spaced (default 50), or which steps."
_SPECTRUM_HELP = "Spectra at: equilibrium, final, or a step (repeatable)."
_COMPILE_HELP = (
    "off: every step as it is written. trace: its graph is replayed (no compiler needed). on: steps are compiled into a loop "
    "(needs a C++ compiler; kept for the next time). auto: whichever pays. Default: the suite's, or off."
)
_TIMEOUT_HELP = "Wall seconds for runs that step together."
_THREADS_HELP = "Threads of torch; of each worker 1, if not said."
_WORKERS_HELP = "Run groups of cells in N processes, GPUs in turn; with Ray: at most N at once."
_EXECUTOR_HELP = "processes of this machine, or ray. Default: this very process."
_ADDRESS_HELP = "Of a Ray cluster. Default: the one this machine is part of, or a new one of it alone."
_GPUS_HELP = "GPUs that a group of cells takes of a Ray cluster: 0.5 lets two share one. Default: 1, if there are any."
_OUT_HELP = f"Directory of the results. Default: {DEFAULT_HELP}."

Texts = list[str] | None


class Compile(StrEnum):
    """How a step is made."""

    off = "off"
    trace = "trace"
    on = "on"
    auto = "auto"


class Dtype(StrEnum):
    """Floating types of the profile."""

    float32 = "float32"
    float64 = "float64"


class Workers(StrEnum):
    """What workers are."""

    processes = "processes"
    ray = "ray"


@dataclass(frozen=True)
class Request:
    """What a user asks to be run, checked as far as no catalogue class is needed.

    Attributes:
        suite: the suite, or None where games and optimizers are named.
        games: texts of ``--game``.
        optimizers: texts of ``--optimizer``.
        given: what ``--set`` and ``--sweep`` say.
        seeds: None: the suite's, or 3.
        settings: of `saddlebench.bench.settings.Settings`; over the suite's.
        crew: of `saddlebench.bench.workers.crew.Crew`; None: this process runs everything.
    """

    suite: Suite | None
    games: list[str]
    optimizers: list[str]
    given: list[Assignment]
    seeds: list[int] | None
    settings: dict[str, Any]
    device: str
    dtype: str | None
    threads: int | None
    crew: dict[str, Any] | None
    timeout: float | None
    out: Path | None
    force: bool
    retry: bool
    dry_run: bool


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("run", epilog=_EXAMPLES)(run)


def run(
    suite: Annotated[str | None, argument("A suite's name, or a TOML file.")] = None,
    game: Annotated[Texts, option("--game", panel=_WHAT, text=_GAME_HELP, metavar="G")] = None,
    optimizer: Annotated[Texts, option("--optimizer", panel=_WHAT, text="Likewise.", metavar="O")] = None,
    set_: Annotated[Texts, option("--set", panel=_WHAT, text=_SET_HELP, metavar="P=V")] = None,
    sweep: Annotated[Texts, option("--sweep", panel=_WHAT, text="The same with several values.", metavar="P=V,V")] = None,
    seeds: Annotated[
        str | None, option("--seeds", panel=_WHAT, text="How many, or which: 0,1,5. Default: 3.", metavar="N|LIST")
    ] = None,
    steps: Annotated[int | None, option("--steps", panel=_HOW, text="Budget in steps. Default: the game's.", metavar="N")] = None,
    cost: Annotated[float | None, option("--cost", panel=_HOW, text="Budget in gradients + 2 products.", metavar="C")] = None,
    seconds: Annotated[float | None, option("--seconds", panel=_HOW, text=_SECONDS_HELP, metavar="S")] = None,
    checkpoints: Annotated[str | None, option("--checkpoints", panel=_HOW, text=_CHECKPOINTS_HELP, metavar="N|LIST")] = None,
    spectrum: Annotated[Texts, option("--spectrum", panel=_HOW, text=_SPECTRUM_HELP, metavar="POINT")] = None,
    timing: Annotated[bool, option("--timing", panel=_HOW, text="Step every run alone, so that its seconds are its own.")] = False,
    device: Annotated[str, typer.Option(help="auto: a GPU where there is one.", rich_help_panel=_WHERE)] = "auto",
    dtype: Annotated[Dtype | None, option("--dtype", panel=_WHERE, text="Default: each game's own.")] = None,
    threads: Annotated[int | None, option("--threads", panel=_WHERE, text=_THREADS_HELP, min=1, metavar="N")] = None,
    workers: Annotated[int | None, option("--workers", panel=_WHERE, text=_WORKERS_HELP, min=1, metavar="N")] = None,
    executor: Annotated[Workers | None, option("--executor", panel=_WHERE, text=_EXECUTOR_HELP)] = None,
    address: Annotated[str | None, option("--address", panel=_WHERE, text=_ADDRESS_HELP, metavar="HOST:PORT")] = None,
    gpus: Annotated[float | None, option("--gpus", panel=_WHERE, text=_GPUS_HELP, min=0, metavar="G")] = None,
    compile_: Annotated[Compile | None, option("--compile", panel=_WHERE, text=_COMPILE_HELP)] = None,
    timeout: Annotated[float | None, option("--timeout", panel=_WHERE, text=_TIMEOUT_HELP, metavar="S")] = None,
    out: Annotated[Path | None, option("--out", "-o", panel=_RECORDS, text=_OUT_HELP, metavar="DIR")] = None,
    force: Annotated[bool, option("--force", panel=_RECORDS, text="Run anew what the directory already holds.")] = False,
    retry: Annotated[bool, option("--retry", panel=_RECORDS, text="Run anew what ended in an error or a timeout.")] = False,
    dry_run: Annotated[bool, option("--dry-run", panel=_RECORDS, text="Say what would be run; write nothing.")] = False,
) -> None:
    """Run a suite, or games × optimizers × seeds.

    Finished cells are kept in a directory and not run again: the same command goes on where an earlier one stopped.
    """
    given = assignments(set_ or (), sweep or ())
    own: dict[str, Any] = {
        "steps": steps,
        "cost": cost,
        "seconds": seconds,
        "checkpoints": None if checkpoints is None else checkpoints_of(checkpoints),
        "spectrum": points_of(spectrum) if spectrum else None,
        "timing": timing or None,
        "compile": compile_ and compile_.value,
    }
    if timeout is not None and not timeout > 0:
        raise InputError(f"--timeout {timeout:g}: a positive number of seconds")
    request = Request(
        suite=_suite(suite, game, optimizer, given),
        games=game or [],
        optimizers=optimizer or [],
        given=given,
        seeds=None if seeds is None else seeds_of(seeds),
        settings={name: value for name, value in own.items() if value is not None} | settings_of(given),
        device=device,
        dtype=dtype and dtype.value,
        threads=threads,
        crew=_crew(workers, executor, address, gpus, threads),
        timeout=timeout,
        out=out,
        force=force,
        retry=retry,
        dry_run=dry_run,
    )
    with starting():
        from saddlebench.bench.cli.running import execute

    raise typer.Exit(execute(request))


def _crew(
    workers: int | None, executor: Workers | None, address: str | None, gpus: float | None, threads: int | None
) -> dict[str, Any] | None:
    if workers is None and executor is None:
        if address is not None or gpus is not None:
            raise InputError("--address and --gpus go with --executor ray")
        return None
    kind = (executor or Workers.processes).value
    return {"workers": workers, "executor": kind, "address": address, "gpus": gpus, "threads": threads or 1}


def _suite(name: str | None, games: list[str] | None, optimizers: list[str] | None, given: list[Assignment]) -> Suite | None:
    if name is None:
        if not games or not optimizers:
            raise InputError("name a suite, or at least one --game and one --optimizer (saddlebench list suites, list games)")
        return None
    if any(one.owner != "settings" for one in given):
        raise InputError("a suite states its own games and optimizers: --set and --sweep of theirs go with --game and --optimizer")
    return part_of(find(name), games or [], optimizers or [])
