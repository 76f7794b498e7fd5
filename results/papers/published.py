"""Numbers and marks printed in papers, read from results/published: one row each, with its source and how it was verified."""

import csv
import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parents[1] / "published"


@dataclass(frozen=True)
class Published:
    """One published number with its protocol; what the source does not state is None.

    Attributes:
        row: the method, as the paper names it.
        column: the variant: architecture, loss, averaging, or whose reproduction it is.
        measure: ``"fid"`` or ``"inception_score"``, the name under which the same thing would be measured here.
        value: the number; None: it exists, but could not be verified.
        std: its standard deviation over seeds or splits.
        n_seeds: runs behind it.
        n_real: real samples behind an FID.
        n_fake: generated samples.
        ref_split: which real samples: ``"train"`` or ``"test"``.
        extractor: the feature network.
        resizer: how images reached its size.
        which_ckpt: ``"best"`` or ``"last"`` checkpoint; ``"best fid"``: the one chosen by another measure.
        protocol: data set and whatever else sets the number apart.
        source: where it is printed.
        verified: how it came here.
    """

    row: str
    column: str
    measure: str
    value: float | None
    std: float | None
    n_seeds: int | None
    n_real: int | None
    n_fake: int | None
    ref_split: str | None
    extractor: str | None
    resizer: str | None
    which_ckpt: str | None
    protocol: str
    source: str
    verified: str


@dataclass(frozen=True)
class Claim:
    """A row of marks: are the iterates bounded, do they converge?"""

    row: str
    column: str
    bounded: bool
    converges: bool
    theorem: str
    source: str
    verified: str


COLUMNS = tuple(f.name for f in dataclasses.fields(Published))
CLAIM_COLUMNS = tuple(f.name for f in dataclasses.fields(Claim))
_REQUIRED = ("row", "column", "measure", "protocol", "source", "verified")
_REALS = ("value", "std")
_WHOLES = ("n_seeds", "n_real", "n_fake")
_MARKS = {"true": True, "false": False}


def read_numbers(name: str) -> list[Published]:
    """The numbers of ``results/published/NAME.csv``.

    Raises:
        ValueError: a wrong header, a number that is none, a row without source or verification; named with file and line.
    """
    rows = []
    for where, raw in _read(name, COLUMNS):
        try:
            kinds = {**dict.fromkeys(_REALS, float), **dict.fromkeys(_WHOLES, int)}
            values: dict[str, Any] = {c: kinds.get(c, str)(text) if text else None for c, text in raw.items()}
            rows.append(Published(**values))
        except ValueError as error:
            raise ValueError(f"{where}: {error}") from error
    return rows


def read_claims(name: str) -> list[Claim]:
    """The marks of ``results/published/NAME.csv``.

    Raises:
        ValueError: as `read_numbers`, or a mark that is neither true nor false.
    """
    rows = []
    for where, raw in _read(name, CLAIM_COLUMNS):
        if raw["bounded"] not in _MARKS or raw["converges"] not in _MARKS:
            raise ValueError(f"{where}: bounded and converges are true or false")
        marks = {c: _MARKS[raw[c]] for c in ("bounded", "converges")}
        rows.append(Claim(**{**raw, **marks}))  # pyright: ignore[reportArgumentType] - the marks are no texts any more
    return rows


def _read(name: str, columns: tuple[str, ...]) -> Iterator[tuple[str, dict[str, str]]]:
    path = FOLDER / f"{name}.csv"
    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file)
        if tuple(reader.fieldnames or ()) != columns:
            raise ValueError(f"{path.name}: its columns are not {', '.join(columns)}")
        for raw in reader:
            where = f"{path.name}:{reader.line_num}"
            if None in raw or None in raw.values():
                raise ValueError(f"{where}: not {len(columns)} fields")
            missing = [c for c in _REQUIRED if c in raw and not raw[c].strip()]
            if missing:
                raise ValueError(f"{where}: no {' and no '.join(missing)}")
            yield where, raw
