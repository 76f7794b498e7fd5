"""What `saddlebench run` does once its options are read: plan, run, summarise, say how to go on."""

import shlex
import sys
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import torch

from saddlebench.bench.api import place_of
from saddlebench.bench.artefacts import save_samples
from saddlebench.bench.build import build_all, name_of
from saddlebench.bench.cells import Cell, cross, groups
from saddlebench.bench.checkpoints import Checkpoints
from saddlebench.bench.cli.defaults import name_with_parameters
from saddlebench.bench.cli.options import specs
from saddlebench.bench.cli.output import Format, Row, counted, print_table, say
from saddlebench.bench.cli.places import results_root
from saddlebench.bench.cli.progress import progress
from saddlebench.bench.cli.run import Request
from saddlebench.bench.cli.showing import print_summary, say_failures
from saddlebench.bench.context import resolve_device
from saddlebench.bench.distributed import LostRankError, Ranks, joined, local_device
from saddlebench.bench.interrupts import Interrupted, Interrupts, ShieldedSink
from saddlebench.bench.runner import Place, Runner
from saddlebench.bench.settings import Settings
from saddlebench.bench.workers.crew import FAILED, Crew, carry_out, done_of, finished_in, shared_work
from saddlebench.bench.workers.work import Work
from saddlebench.errors import InputError
from saddlebench.results.folder import MARKER
from saddlebench.results.journal import Key
from saddlebench.results.store import Store, read
from saddlebench.results.summary import newest

_ASSUMED_TFLOPS = 100  # of a current device in training, a third to a half of what its maker says
_LARGE = 10**6  # parameters from which on a user should know what a step needs


@dataclass(frozen=True)
class Plan:
    """Cells and the directory they go to."""

    cells: list[Cell]
    out: Path


def execute(request: Request) -> int:
    """Run what was asked and return the exit code."""
    if request.threads is not None:
        torch.set_num_threads(request.threads)
    suite = request.suite
    place = place_of(
        request.device,
        request.dtype or (suite.dtype if suite else None),
        request.timeout if request.timeout is not None or suite is None else suite.timeout,
    )
    crew = None if request.crew is None else Crew(**request.crew)
    if crew is not None:
        place = replace(place, threads=crew.threads, workers=crew.workers or 1)
    ranks = joined()
    if ranks is not None and crew is not None:
        raise InputError("under torchrun all processes share each run: --workers and --executor are for one process")
    if ranks is not None:
        place = replace(place, device=resolve_device(local_device(request.device)), ranks=ranks)
    plan = planned(request)
    if ranks is not None and any(cell.pairing.settings.seconds for cell in plan.cells):
        raise InputError("a budget in seconds is for one process: give steps or a cost")
    if ranks is not None and not ranks.first:
        return 0 if request.dry_run else _follow(plan, place, ranks)
    if request.dry_run:
        return _dry_run(plan, Runner(_Nowhere(), place), request)
    ran = False
    fresh = not plan.out.exists()
    pictures: list[Path] = []
    try:
        with Interrupts() as interrupts, Store(plan.out) as store:
            # Workers' rows come from other threads, which no signal interrupts.
            sink = ShieldedSink(store, interrupts) if crew is None else store
            checkpoints = Checkpoints(store.path, not request.force, interrupts)
            runner = Runner(sink, place, artefacts=save_samples(store.path, pictures), checkpoints=checkpoints)
            try:
                if ranks is None:
                    work = shared_work(plan.cells, runner, store, partial(_finished, store, plan, runner, request, crew))
                else:
                    work = Work(runner.todo(plan.cells, _finished(store, plan, runner, request, crew)))
                    ranks.told([group[0].key for group in work.waiting])
                ran = bool(work.waiting)
                pictures += _run(runner, work, crew, store, interrupts, plan)
                with interrupts.shield():
                    store.compact()
            except Interrupted:
                _say_interrupted(plan, len(_kept(store, plan, runner, crew)), request)
                raise
    except LostRankError as lost:
        say(f"saddlebench: {lost}; the same command goes on from the last checkpoint")
        return 1
    except (Interrupted, InputError) as ended:
        if fresh:
            _take_back(plan.out)
        if isinstance(ended, InputError):
            raise
        return ended.exit_code
    return _report(plan, ran, pictures)


def _follow(plan: Plan, place: Place, ranks: Ranks) -> int:
    """Evaluate this process's share of the cells that the first one runs, records and tells of."""
    runner = Runner(_Nowhere(), place, checkpoints=Checkpoints(plan.out))
    wanted = set(ranks.told(None))
    try:
        runner.run([group for group in groups(plan.cells) if group[0].key in wanted])
    except LostRankError as lost:
        say(f"saddlebench: {lost}")
        return 1
    return 0


def planned(request: Request) -> Plan:
    """The cells that a request stands for.

    Raises:
        InputError: bad input.
    """
    if request.suite is not None:
        suite = request.suite
        cells = suite.cells(request.seeds, request.settings, ready=not request.dry_run)
        return Plan(cells, (request.out.expanduser() if request.out else results_root() / suite.name).absolute())
    games = build_all("game", specs("game", request.games, request.given))
    optimizers = build_all("optimizer", specs("optimizer", request.optimizers, request.given))
    seeds = [0, 1, 2] if request.seeds is None else request.seeds
    crossed = cross(games, optimizers, seeds, Settings.of(**request.settings), ready=not request.dry_run)
    cells = {cell.key: cell for cell in crossed}
    name = f"{_joint_name(games)}--{_joint_name(optimizers)}"
    return Plan(list(cells.values()), (request.out.expanduser() if request.out else results_root() / name).absolute())


def _joint_name(instances: list[Any]) -> str:
    first, *others = dict.fromkeys(name_of(instance) for instance in instances)
    return f"{first}+{len(others)}" if others else first


def _finished(store: Store, plan: Plan, runner: Runner, request: Request, crew: Crew | None) -> Collection[Key]:
    """The keys that need not be run."""
    return finished_in(store, plan.cells, runner, request.force, request.retry, crew is not None and crew.anywhere)


def _kept(store: Store, plan: Plan, runner: Runner, crew: Crew | None) -> list[Cell]:
    """The cells that are in the store."""
    known = finished_in(store, plan.cells, runner, anywhere=crew is not None and crew.anywhere)
    return [cell for cell in plan.cells if (cell.key, runner.context(cell)[1]) in known]


def _run(runner: Runner, work: Work, crew: Crew | None, store: Store, interrupts: Interrupts, plan: Plan) -> list[Path]:
    groups, asked, out = work.waiting, len(plan.cells), plan.out
    cells = sum(len(group) for group in groups)
    if not groups:
        say(f"nothing to do: {counted(asked, 'cell')} asked for, all in {out} (--force runs them anew)")
        return []
    kept = f"; {asked - cells} of {asked} are there already" if asked > cells else ""
    say(f"{counted(cells, 'cell')} in {counted(len(groups), 'group')}{kept}, into {out}")
    with progress(cells, interrupts.check) as shown:
        runner.progress = shown
        return carry_out(work, runner, crew, store, interrupts)


def _dry_run(plan: Plan, runner: Runner, request: Request) -> int:
    keys: dict[tuple[str, str], str] = {}
    if plan.out.exists():
        runs = read(plan.out, ("runs",)).runs
        keys = dict(zip(zip(runs["cell"], runs["context"], strict=True), runs["status"], strict=True))
    work = runner.todo(plan.cells, done_of(keys, request.force, request.retry))
    rows = _planned_rows(work)
    if rows:
        columns = [c for c in rows[0] if any(row[c] is not None for row in rows)]
        print_table(rows, columns, Format.table)
    for told in _outlook(rows, work):
        say(told)
    cells = sum(len(group) for group in work)
    groups = counted(len(work), "group")
    say(f"{cells} of {counted(len(plan.cells), 'cell')} in {groups} would be run, into {plan.out}; nothing was run or written")
    return 0


def _outlook(rows: list[Row], work: list[list[Cell]]) -> Iterator[str]:
    """What large networks need in all, and what is not there yet."""
    if all_of_it := sum(row["tflop_a_step"] * row["steps"] * row["cells"] for row in rows if row["tflop_a_step"]):
        days = all_of_it / _ASSUMED_TFLOPS / 86400
        yield f"large networks: {all_of_it / 1e6:.3g} exaflop in all, {days:.3g} days of one device at {_ASSUMED_TFLOPS} TFLOP/s"
        yield "peak_gb: of one process with the whole batch; under torchrun each has a part of it. Evaluation comes on top"
    for game in {id(group[0].pairing.game): group[0].pairing.game for group in work}.values():
        try:
            game.ready()
        except InputError as error:
            yield f"not yet: {error}"


def _needs(group: list[Cell], note: str | None) -> Row:
    """Parameters, memory and work of a step of a group of large networks, by a trace without memory (seconds to minutes)."""
    game = group[0].pairing.game
    columns = ("parameters", "kept_gb", "peak_gb", "tflop_a_step")
    if note or sum(game.sizes) < _LARGE:
        return dict.fromkeys(columns)
    from saddlebench.bench.estimate import estimate

    names = " on ".join(name_of(part) for part in (group[0].pairing.optimizer, game))
    say(f"a step of {names} is traced for its memory and work: seconds, minutes for batches of thousands")
    found = estimate(game, group[0].pairing.optimizer, len(group))
    numbers = (found.kept_bytes / 1e9, found.peak_bytes / 1e9, found.flops / 1e12)
    sizes = " + ".join(f"{size / 1e6:.1f} M" for size in found.parameters)
    return dict(zip(columns, (sizes, *(float(f"{x:.3g}") for x in numbers)), strict=True))


def _planned_rows(work: list[list[Cell]]) -> list[Row]:
    """A row per game, optimizer and steps: how many cells, and in how many groups they step together."""
    found: dict[Any, list[list[Cell]]] = {}
    for group in work:
        first = group[0].pairing
        game = name_with_parameters("game", first.identity)
        large = sum(first.game.sizes) >= _LARGE  # what they need is told of each setting
        method = name_with_parameters("optimizer", first.identity) if large else name_of(first.optimizer)
        key = game, method, first.settings.steps, first.not_applicable
        found.setdefault(key, []).append(group)
    return [
        {
            "game": game,
            "optimizer": optimizer,
            "settings": len({name_with_parameters("optimizer", cell.pairing.identity) for group in together for cell in group}),
            "seeds": len({cell.seed for group in together for cell in group}),
            "cells": sum(map(len, together)),
            "groups": len(together),
            "steps": None if note else steps,
            "note": note,
            **_needs(together[0], note),
        }
        for (game, optimizer, steps, note), together in found.items()
    ]


def _report(plan: Plan, ran: bool, pictures: list[Path]) -> int:
    """The summary of the asked cells, where they are, what to try next."""
    runs: Any = read(plan.out, ("runs",)).runs
    order = {cell.key: number for number, cell in enumerate(plan.cells)}  # workers finish in another one
    runs = newest(runs[runs["cell"].isin(order)]).sort_values("cell", key=lambda cells: cells.map(order))
    print_summary(runs)
    folder = shlex.quote(_name_or_path(plan.out))
    say_failures(runs, folder)
    if ran:
        written = sorted(path.name for path in plan.out.glob("*.parquet"))
        say(f"\nwritten: {plan.out}/{{{','.join(written)}}}")
        if pictures:
            more = f" and {len(pictures) - 1} more pictures beside it" if len(pictures) > 1 else ""
            say(f"         {pictures[0]}{more}")
    say(f"next:    saddlebench show {folder} --format md")
    return 1 if runs["status"].isin(FAILED).any() else 0


def _name_or_path(out: Path) -> str:
    return out.name if out.parent == results_root() else str(out)


def _say_interrupted(plan: Plan, kept: int, request: Request) -> None:
    flying = "go on from their last checkpoint" if any(plan.out.glob("checkpoints/*/*.safetensors")) else "are not"
    say(f"interrupted: {kept} of {len(plan.cells)} cells are kept in {plan.out}; those in flight {flying}")
    command = shlex.join(["saddlebench", *sys.argv[1:]])
    say(f"to begin anew: {command}" if request.force else f"to go on: {command}")


def _take_back(out: Path) -> None:
    """Remove the directory that this command made, where nothing came of it: bad input writes nothing."""
    if out.is_dir() and [path.name for path in out.iterdir()] == [MARKER]:
        (out / MARKER).unlink()
        out.rmdir()


class _Nowhere:
    """The sink of a dry run, and of processes that do not write."""

    def append(self, runs: Any = None, trace: Any = None, spectrum: Any = None, machines: Any = None) -> None:
        """Take nothing."""
