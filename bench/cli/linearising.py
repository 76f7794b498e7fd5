"""What `saddlebench spectrum` does once its options are read."""

from collections.abc import Sequence
from typing import Any

import torch

from saddlebench.bench.build import build_all, name_of
from saddlebench.bench.cells import Pairing, cross
from saddlebench.bench.cli.defaults import name_with_parameters
from saddlebench.bench.cli.options import Assignment, specs
from saddlebench.bench.cli.output import Row, print_table, say
from saddlebench.bench.predictions import prediction
from saddlebench.bench.program import run_program
from saddlebench.bench.settings import Settings
from saddlebench.bench.spectra import at_point
from saddlebench.bench.spectrum import NoSpectrumError, Spectrum, at_equilibrium
from saddlebench.bench.stacking import stack
from saddlebench.errors import InputError

_RADII = ["game", "optimizer", "radius", "raw_radius", "predicted", "period", "reason"]
_EIGENVALUES = ["game", "optimizer", "point", "re", "im", "modulus", "mass", "residual"]


def report(
    games: Sequence[str],
    optimizers: Sequence[str],
    given: Sequence[Assignment],
    steps: int | None,
    seed: int,
    checkpoint: bool,
    eigenvalues: bool,
    form: str,
) -> int:
    """Print the spectra and return the exit code: 2 where the only pair has none."""
    cells = cross(
        build_all("game", specs("game", games, given)),
        build_all("optimizer", specs("optimizer", optimizers, given)),
        [seed],
        Settings.of(steps=steps),
    )
    rows: list[Row] = []
    reasons = []
    for cell in cells:
        pairing = cell.pairing
        row = {kind: name_with_parameters(kind, pairing.identity) for kind in ("game", "optimizer")}
        try:
            found = _after_steps(pairing, seed) if checkpoint else at_equilibrium(pairing.game, pairing.optimizer, seed)
        except NoSpectrumError as error:
            if len(cells) == 1:
                raise InputError(str(error)) from error
            reasons.append(f"{row['optimizer']} on {row['game']}: {error}")
            rows += [] if eigenvalues else [row if form == "table" else {**row, "reason": str(error)}]
            continue
        predicted = None if checkpoint else prediction(pairing)
        point = f"step {pairing.settings.steps}" if checkpoint else "equilibrium"
        rows += _eigenvalue_rows(row, point, found) if eigenvalues else [{**row, **_radii(found), "predicted": predicted}]
    columns = [c for c in (_EIGENVALUES if eigenvalues else _RADII) if form != "table" or any(r.get(c) is not None for r in rows)]
    print_table(rows, columns, form)
    if form == "table":
        for reason in reasons:
            say(reason)
    return 0


def _after_steps(pairing: Pairing, seed: int) -> Spectrum:
    """The spectrum where a run stands after its steps.

    Raises:
        NoSpectrumError: the pair has none, or the run has diverged by then.
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
    return at_point(game, pairing.optimizer, seeds, history.kept[steps], 0)


def _radii(found: Spectrum) -> dict[str, Any]:
    return {"radius": found.radius_transverse, "raw_radius": found.radius, "period": found.period}


def _eigenvalue_rows(row: Row, point: str, found: Spectrum) -> list[Row]:
    residuals = [None] * len(found.eigenvalues) if found.residuals is None else [float(r) for r in found.residuals]
    return [
        {
            **row,
            "point": point,
            "re": float(value.real),
            "im": float(value.imag),
            "modulus": float(abs(value)),
            "mass": [round(float(m), 6) for m in found.mass[k]],
            "residual": residuals[k],
        }
        for k, value in enumerate(found.eigenvalues)
    ]
