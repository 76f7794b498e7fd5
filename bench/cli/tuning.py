"""What `saddlebench tune` does once its options are read: trials, scores, the winners' rerun, what to do next."""

import shlex
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from saddlebench.bench.api import place_of
from saddlebench.bench.build import build, name_of, parameters_of
from saddlebench.bench.cells import Cell, Pairing
from saddlebench.bench.cli.defaults import name_with_parameters
from saddlebench.bench.cli.options import specs
from saddlebench.bench.cli.output import Format, Row, counted, print_table, say
from saddlebench.bench.cli.places import results_root
from saddlebench.bench.cli.progress import progress
from saddlebench.bench.cli.showing import print_summary, say_failures
from saddlebench.bench.cli.tune import Request
from saddlebench.bench.interrupts import Interrupted, Interrupts, ShieldedSink
from saddlebench.bench.runner import Place, Runner
from saddlebench.bench.settings import Settings
from saddlebench.bench.tuning.objective import Objective, Score, objective_of
from saddlebench.bench.tuning.study import Study, programs, ranked
from saddlebench.bench.tuning.trials import searched
from saddlebench.bench.tuning.winners import Winner, without_none, write_winners
from saddlebench.errors import InputError
from saddlebench.optimizers.search import text
from saddlebench.results.store import Store, read
from saddlebench.results.summary import newest

_SHOWN = 5  # best trials of each optimizer


@dataclass(frozen=True)
class Subject:
    """A study, and its game and optimizer as specs that a suite can hold."""

    study: Study
    game: Any
    optimizer: str
    given: dict[str, Any]

    @property
    def name(self) -> str:
        """The optimizer's name."""
        return name_of(self.study.optimizer)

    def winner(self, number: int) -> Winner:
        """A trial as a suite writes it."""
        settings, parameters = self.study.settings.identity(), parameters_of(self.study.trials[number])
        if "cost" in settings:
            del settings["steps"]  # as many as the cost allows
        return Winner(self.game, self.optimizer, without_none(parameters), without_none(self.given), settings)


def execute(request: Request) -> int:
    """Tune what was asked and return the exit code."""
    if request.threads is not None:
        torch.set_num_threads(request.threads)
    place = place_of(request.device, request.dtype)
    subjects = planned(request)
    first = subjects[0].study
    objective = objective_of(first.game, request.objective, request.answer, first.settings.converged)
    if request.dry_run:
        return _dry_run(subjects, objective, request)
    _say_untuned(subjects)
    if not any(subject.study.trials for subject in subjects):
        raise InputError("there is nothing to tune")
    out = (request.out.expanduser() if request.out else results_root() / _name(subjects)).absolute()
    try:
        with Interrupts() as interrupts:
            trials = [cell for subject in subjects for trial in subject.study.cells for cell in trial]
            Store(out).close()  # the directory is one of results, before a folder lies in it
            _fill(out / "trials", trials, place, interrupts, "trials")
            found = _scores(subjects, objective, out / "trials")
            best = [_best(scores) for scores in found]
            rerun = _rerun(subjects, best, request.rerun_seeds)
            _fill(out, rerun, place, interrupts, "reruns")
            winners = [subject.winner(k) for subject, k in zip(subjects, best, strict=True) if k is not None]
            suite = write_winners(out, _name(subjects), _command(), request.rerun_seeds, winners) if winners else None
    except Interrupted as ended:
        say(f"interrupted: what has ended is kept in {out}; to go on: {_command()}")
        return ended.exit_code
    return _report(subjects, objective, found, out, trials, rerun, suite)


def planned(request: Request) -> list[Subject]:
    """A subject an optimizer.

    Raises:
        InputError: bad input; an optimizer named twice.
    """
    [(game_name, game_given)] = _named("game", [request.game], request)
    game = build("game", {game_name: game_given})
    game.ready()
    settings = Settings.of(**request.settings).budget(game.default_steps)
    game_spec = {game_name: without_none(game_given)} if game_given else game_name
    subjects = []
    for name, given in _named("optimizer", request.optimizers, request):
        optimizer = build("optimizer", {name: given})
        study = Study(game, optimizer, searched(optimizer, given), settings, request.seeds, request.trials)
        subjects.append(Subject(study, game_spec, name, given))
    names = [subject.name for subject in subjects]
    if twice := [name for name in names if names.count(name) > 1]:
        raise InputError(f"{twice[0]} is named twice: tune its variants one after another, each with an --out of its own")
    return subjects


def _named(kind: str, texts: Sequence[str], request: Request) -> list[tuple[str, dict[str, Any]]]:
    """(name or file, parameters) of each text; files are made absolute, as the winners' suite lies elsewhere."""
    found = []
    for spec in specs(kind, texts, request.given):
        name, given = (spec, {}) if isinstance(spec, str) else next(iter(spec.items()))
        path, suffix, rest = name.partition(".py")
        found.append((f"{Path(path).expanduser().absolute()}{suffix}{rest}" if suffix else name, given))
    return found


def _say_untuned(subjects: Sequence[Subject]) -> None:
    for subject in subjects:
        if reason := subject.study.not_applicable:
            say(f"not tuned: {reason}")
        elif not subject.study.space:
            say(f"not tuned: {subject.name} has no hyperparameter that is searched; it is run as it is")


def _fill(folder: Path, cells: list[Cell], place: Place, interrupts: Interrupts, what: str) -> None:
    """Run the cells that the folder lacks."""
    with Store(folder) as store:
        runner = Runner(ShieldedSink(store, interrupts), place)
        work = programs(cells, store.keys(), lambda cell: runner.context(cell)[1])
        count = sum(map(len, work))
        kept = f"; {len(cells) - count} of {len(cells)} are there already" if count < len(cells) else ""
        say(f"{what}: {counted(count, 'run')} in {counted(len(work), 'program')}{kept}, into {folder}")
        if work:
            with progress(count, interrupts.check) as shown:
                runner.progress = shown
                runner.run(work)
            with interrupts.shield():
                store.compact()


def _scores(subjects: Sequence[Subject], objective: Objective, folder: Path) -> list[list[Score]]:
    tables = read(folder, ("runs", "trace"))
    runs: Any = newest(tables.runs)
    trace = tables.trace.merge(runs[["cell", "context"]], on=["cell", "context"])
    return [subject.study.scores(objective, runs, trace) for subject in subjects]


def _best(scores: list[Score]) -> int | None:
    order = ranked(scores)
    return order[0] if order and not scores[order[0]].censored else None


def _rerun(subjects: Sequence[Subject], best: Sequence[int | None], seeds: Sequence[int]) -> list[Cell]:
    return [
        cell
        for subject, number in zip(subjects, best, strict=True)
        for cell in subject.study.rerun(None if number is None else subject.study.trials[number], seeds)
    ]


def _report(
    subjects: Sequence[Subject],
    objective: Objective,
    found: list[list[Score]],
    out: Path,
    trials: list[Cell],
    rerun: list[Cell],
    suite: Path | None,
) -> int:
    """The best trials, the winners beside the defaults, where they are, what to try next."""
    study = subjects[0].study
    game = name_with_parameters("game", Pairing(study.game, study.optimizer, study.settings).identity)
    say(f"\nbest trials on {game} by the {objective}; {counted(len(study.seeds), 'seed')}:")
    rows = [row for subject, scores in zip(subjects, found, strict=True) for row in _trial_rows(subject, objective, scores)]
    columns = ["optimizer", "trial", objective.measure, "cost_to_tolerance"]
    print_table(rows, [c for c in columns if c != "cost_to_tolerance" or objective.relative], Format.table)
    for subject, scores in zip(subjects, found, strict=True):
        if scores and _best(scores) is None:
            say(f"no winner of {subject.name}: every trial was lost on most of its seeds")
    say(f"\nwinners and defaults on fresh seeds {_seeds(rerun)}:")
    print()
    runs: Any = newest(read(out, ("runs",)).runs)
    runs = runs[runs["cell"].isin([cell.key for cell in rerun])]
    print_summary(runs)
    folder = shlex.quote(out.name if out.parent == results_root() else str(out))
    say_failures(runs, folder)
    if objective.answer == "average":
        say(f"this table shows the last iterate; that of the average is final_average_{objective.measure} of the runs")
    say(f"\nagain:   {_command()}")
    if suite:
        say(f"winners: saddlebench run {shlex.quote(str(suite))}")
    say(f"next:    saddlebench show {folder} --format md; all trials: saddlebench show {shlex.quote(str(out / 'trials'))}")
    kept: Any = newest(read(out / "trials", ("runs",)).runs)
    statuses = {*runs["status"], *kept[kept["cell"].isin([cell.key for cell in trials])]["status"]}
    return 1 if statuses & {"error", "timeout"} else 0


def _trial_rows(subject: Subject, objective: Objective, scores: list[Score]) -> list[Row]:
    study = subject.study
    rows = []
    for number in ranked(scores)[:_SHOWN]:
        identity = Pairing(study.game, study.trials[number], study.settings).identity
        label, score = name_with_parameters("optimizer", identity), scores[number]
        rows.append({"optimizer": label, "trial": number, objective.measure: score.value, "cost_to_tolerance": score.cost})
    return rows


def _dry_run(subjects: Sequence[Subject], objective: Objective, request: Request) -> int:
    rows = [
        {
            "optimizer": subject.name,
            "parameter": ".".join(path),
            "range": text(spec),
            "default": _at(parameters_of(subject.study.optimizer), path),
        }
        for subject in subjects
        for path, spec in subject.study.space.items()
        if subject.study.not_applicable is None
    ]
    if rows:
        print_table(rows, ["optimizer", "parameter", "range", "default"], Format.table)
    _say_untuned(subjects)
    runs = sum(len(trial) for subject in subjects for trial in subject.study.cells)
    say(f"judged by the {objective}")
    fresh = counted(len(request.rerun_seeds), "seed")
    say(f"{counted(runs, 'run')} of trials, winners and defaults on {fresh}; nothing was run or written")
    return 0


def _at(values: Any, path: Sequence[str]) -> Any:
    """A parameter of a part is within ``{name of the part: parameters}``."""
    for k, name in enumerate(path):
        values = (next(iter(values.values())) if k else values)[name]
    return values


def _seeds(cells: Sequence[Cell]) -> str:
    seeds = sorted({cell.seed for cell in cells})
    return f"{seeds[0]} to {seeds[-1]}" if seeds == list(range(seeds[0], seeds[-1] + 1)) else ", ".join(map(str, seeds))


def _name(subjects: Sequence[Subject]) -> str:
    return f"tuned-{name_of(subjects[0].study.game)}"


def _command() -> str:
    return shlex.join(["saddlebench", *sys.argv[1:]])
