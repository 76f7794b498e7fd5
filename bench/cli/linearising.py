"""What `saddlebench spectrum` does once its options are read."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from saddlebench.bench.agreement import RADIUS, RATE, compare
from saddlebench.bench.build import build_all, name_of
from saddlebench.bench.cells import Cell, Pairing, cross
from saddlebench.bench.cli.defaults import name_with_parameters
from saddlebench.bench.cli.options import Assignment, specs
from saddlebench.bench.cli.output import Row, counted, print_table, say
from saddlebench.bench.fixed_point import classify
from saddlebench.bench.jacobian import field_map, game_at_equilibrium, resting_profile
from saddlebench.bench.program import Point, run_program
from saddlebench.bench.settings import Settings
from saddlebench.bench.spectra import at_point, game_at_point
from saddlebench.bench.spectrum import NoSpectrumError, Spectrum, at_equilibrium
from saddlebench.bench.stacking import stack
from saddlebench.errors import InputError
from saddlebench.games.game import Game

_NAMES = ["game", "optimizer"]
_RADII = [*_NAMES, "radius", "raw_radius", "predicted", "rate", "tolerance", "agreement", "period", "reason"]
_EIGENVALUES = [*_NAMES, "point", "re", "im", "modulus", "mass", "gradient_share", "kind", "residual", "reason"]


@dataclass(frozen=True)
class Asked:
    """The options."""

    games: Sequence[str]
    optimizers: Sequence[str]
    given: Sequence[Assignment]
    steps: int | None
    seed: int
    checkpoint: bool
    eigenvalues: bool
    rate: bool
    form: str


def report(asked: Asked) -> int:
    """Print the spectra of steps and return the exit code: 2 where the only pair has none."""
    cells = cross(
        build_all("game", specs("game", asked.games, asked.given)),
        build_all("optimizer", specs("optimizer", asked.optimizers, asked.given)),
        [asked.seed],
        Settings.of(steps=asked.steps),
    )
    rows: list[Row] = []
    reasons, differing = [], []
    for cell in cells:
        row = _names(cell.pairing)
        try:
            found = list(_rows_of(cell, asked))
        except NoSpectrumError as error:
            if len(cells) == 1:
                raise InputError(str(error)) from error
            reasons.append(f"{row['optimizer']} on {row['game']}: {error}")
            rows += [] if asked.eigenvalues else [row if asked.form == "table" else {**row, "reason": str(error)}]
            continue
        rows += [{**row, **one} for one in found]
        differing += [row for one in found if one.get("agreement") not in (None, "ok")]
    _print(rows, _EIGENVALUES if asked.eigenvalues else _RADII, asked.form)
    if asked.form == "table":
        for reason in reasons:
            say(reason)
    if differing:
        say(f"{counted(len(differing), 'pair')} of numbers that should be one differ: see agreement ({RADIUS}, {RATE})")
    return 0


def _rows_of(cell: Cell, asked: Asked) -> Iterator[Row]:
    pairing = cell.pairing
    if asked.checkpoint:
        found, point = _after_steps(pairing, asked.seed), f"step {pairing.settings.steps}"
        yield from _eigenvalue_rows(point, found) if asked.eigenvalues else [_radii(found)]
    elif asked.eigenvalues:
        yield from _eigenvalue_rows("equilibrium", at_equilibrium(pairing.game, pairing.optimizer, asked.seed))
    else:
        yield compare(pairing, asked.seed, asked.rate).numbers


def report_of_game(asked: Asked) -> int:
    """Print the spectra of games' own Jacobians and return the exit code: 2 where the only game has none."""
    games = build_all("game", specs("game", asked.games, asked.given))
    named: list[tuple[Row, Any]]
    if asked.checkpoint:
        optimizers = build_all("optimizer", specs("optimizer", asked.optimizers, asked.given))
        pairings = [cell.pairing for cell in cross(games, optimizers, [asked.seed], Settings.of(steps=asked.steps))]
        named = [(_names(pairing), pairing) for pairing in pairings]
    else:
        still = cross(games, build_all("optimizer", "simultaneous-gradient"), [asked.seed], Settings())
        named = [({"game": _names(cell.pairing)["game"]}, cell.pairing.game) for cell in still]
    rows: list[Row] = []
    for row, one in named:
        try:
            if asked.checkpoint:
                found, kind, point = _game_after_steps(one, asked.seed), None, f"step {one.settings.steps}"
            else:
                found, kind, point = game_at_equilibrium(one, asked.seed), _kind(one, asked.seed), "equilibrium"
        except NoSpectrumError as error:
            if len(named) == 1:
                raise InputError(str(error)) from error
            rows.append({**row, "reason": str(error)})
            continue
        rows += [{**row, "kind": kind, **part} for part in _eigenvalue_rows(point, found)]
    _print(rows, _EIGENVALUES, asked.form)
    return 0


def _kind(game: Game, seed: int) -> str | None:
    """Of fixed point, where two players have one number each."""
    if game.sizes != (1, 1):
        return None
    return classify(field_map(game, *resting_profile(game, seed)).jacobian())


def _names(pairing: Pairing) -> dict[str, str]:
    return {kind: name_with_parameters(kind, pairing.identity) for kind in _NAMES}


def _print(rows: Sequence[Row], columns: Sequence[str], form: str) -> None:
    print_table(rows, [c for c in columns if form != "table" or any(r.get(c) is not None for r in rows)], form)


def _after_steps(pairing: Pairing, seed: int) -> Spectrum:
    seeds, point = _played(pairing, seed)
    return at_point(pairing.game, pairing.optimizer, seeds, point, 0)


def _game_after_steps(pairing: Pairing, seed: int) -> Spectrum:
    seeds, point = _played(pairing, seed)
    return game_at_point(pairing.game, seeds, point, 0)


def _played(pairing: Pairing, seed: int) -> tuple[torch.Tensor, Point]:
    """Where a run stands after its steps.

    Raises:
        NoSpectrumError: the optimizer does not apply, or the run has diverged by then.
    """
    game, steps = pairing.game, pairing.settings.steps
    assert steps is not None, "cross() fills the steps in"
    if pairing.not_applicable:
        raise NoSpectrumError(pairing.not_applicable)
    seeds = torch.tensor([seed])
    settings = Settings(steps=steps, checkpoints=(steps,), watched=1)
    history = run_program(game, stack([pairing.optimizer], seeds.device), seeds, settings, getattr(torch, game.dtype), (steps,))
    if steps not in history.kept:
        raise NoSpectrumError(f"{name_of(pairing.optimizer)} on {name_of(game)} has diverged by step {history.steps[-1]}")
    return seeds, history.kept[steps]


def _radii(found: Spectrum) -> Row:
    return {"radius": found.radius_transverse, "raw_radius": found.radius, "period": found.period}


def _eigenvalue_rows(point: str, found: Spectrum) -> list[Row]:
    none = [None] * len(found.eigenvalues)
    residuals = none if found.residuals is None else found.residuals.tolist()
    shares = none if found.gradient_share is None else found.gradient_share.tolist()
    return [
        {
            "point": point,
            "re": float(value.real),
            "im": float(value.imag),
            "modulus": float(abs(value)),
            "mass": [round(float(m), 6) for m in found.mass[k]],
            "gradient_share": shares[k],
            "residual": residuals[k],
        }
        for k, value in enumerate(found.eigenvalues)
    ]
