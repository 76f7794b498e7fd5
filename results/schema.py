"""The tables that results are kept in: every column's name, type, unit, direction and meaning, in this one module.

Four long-format tables: `runs` (a row per cell and context), `trace` (a row per checkpoint, answer and measure),
`spectrum` (a row per eigenvalue) and `machines`. A column added here is written, validated, stored and read; nothing
else lists columns. Raise `SCHEMA_VERSION` whenever files written before would be misread.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import pandas as pd

SCHEMA_VERSION = 1

STATUSES = ("converged", "cycling", "diverged", "completed", "budget", "timeout", "error", "not_applicable")
"""What a run may end as. `completed`: there was no target to judge by."""

TRACKS = ("defaults", "tuned")

TIERS = ("eager", "traced", "compiled")
"""How a step is made: as it is written, by its graph, in a compiled loop. Nothing where no step was made."""

Kind = Literal["text", "json", "int", "float", "bool", "time"]
Direction = Literal["lower", "higher"]


class SchemaError(ValueError):
    """A table does not fit its schema. The message names the table and the column."""


@dataclass(frozen=True)
class Column:
    """One column of a table.

    `kind` decides the type (`json` is text that holds canonical JSON, `time` a UTC timestamp), `better` the direction
    in which the quantity improves (None: neither). A nullable column may be left out when writing. A nullable float
    does not tell null from NaN: both read as NaN. `before` is what files written before the column was there mean.
    """

    name: str
    kind: Kind
    meaning: str
    unit: str = ""
    better: Direction | None = None
    nullable: bool = False
    choices: tuple[str, ...] = ()
    pattern: str = ""
    before: str = ""

    @property
    def pandas(self) -> str:
        """The dtype of the column in a DataFrame, as a name pandas knows (`Int64` can be missing)."""
        if self.kind == "int":
            return "Int64" if self.nullable else "int64"
        return {"text": "str", "json": "str", "float": "float64", "bool": "bool", "time": "datetime64[us, UTC]"}[self.kind]

    def allows(self, text: str) -> bool:
        """Whether `text` is one of the `choices`, or matches the `pattern` (always so where neither is declared)."""
        if self.pattern:
            return re.fullmatch(self.pattern, text) is not None
        return not self.choices or text in self.choices


def _maybe(name: str, kind: Kind, meaning: str, unit: str = "", better: Direction | None = None) -> Column:
    return Column(name, kind, meaning, unit, better, nullable=True)


_KEY = (
    Column("cell", "text", "hash of game, optimizer, their parameters, seed, budget and protocol"),
    Column("context", "text", "hash of where the cell was run: commit, dtype, device, machine, versions"),
)
_ANSWER = ("last", "average")

RUNS = (
    *_KEY,
    Column("game", "text", "the game's name in its catalogue"),
    Column("game_parameters", "json", "parameters of the game"),
    Column("optimizer", "text", "the optimizer's name in its catalogue"),
    Column("optimizer_parameters", "json", "hyperparameters of the optimizer"),
    Column("seed", "int", "seed of the initial profile and of every sample"),
    Column("budget", "json", "where the run had to end: steps, cost or seconds"),
    Column("protocol", "int", "version of the measuring protocol; others are not comparable"),
    _maybe("suite", "text", "the suite that asked for the run"),
    Column("track", "text", "whether hyperparameters are the defaults or were tuned", choices=TRACKS),
    Column("status", "text", "how the run ended", choices=STATUSES),
    _maybe("reason", "text", "why it ended so, in words (errors, what does not apply)"),
    Column("steps", "int", "steps made", "steps"),
    Column("gradients", "float", "gradients asked: the whole field counts 1, one player's 1/n", "fields", "lower"),
    Column("products", "float", "Jacobian-vector products asked: a full one counts 1, a block row 1/n", "products", "lower"),
    Column("cost", "float", "gradients + 2 products: the headline cost (filled in when left out)", "fields", "lower"),
    _maybe("seconds", "float", "time spent stepping; only of a run that ran alone", "s", "lower"),
    Column("program_seconds", "float", "time spent stepping by the batch that the run was part of", "s", "lower"),
    Column("runs_in_program", "int", "how many runs that batch stepped together", "runs"),
    Column("tier", "text", "how the batch stepped", nullable=True, choices=TIERS),
    _maybe("tier_reason", "text", "why not as was asked"),
    _maybe("compile_seconds", "float", "time the batch spent on tracing and compiling its step; in no other time", "s", "lower"),
    _maybe("peak_memory_bytes", "int", "peak memory: on a GPU of the batch, on a CPU of the process so far", "B", "lower"),
    _maybe("start_distance", "float", "distance to the equilibrium at the start"),
    _maybe("final_distance", "float", "distance to the equilibrium at the end", better="lower"),
    _maybe("best_distance", "float", "smallest distance to the equilibrium at any checkpoint", better="lower"),
    _maybe("final_gap", "float", "duality gap or exploitability at the end", better="lower"),
    _maybe("best_gap", "float", "smallest gap at any checkpoint", better="lower"),
    _maybe("final_field_norm", "float", "norm of the field at the end", better="lower"),
    _maybe("final_average_distance", "float", "final distance of the averaged answer", better="lower"),
    _maybe("final_average_gap", "float", "final gap of the averaged answer", better="lower"),
    _maybe("final_measures", "json", "last value of every other measure, by name"),
    _maybe("best_measures", "json", "best value of every other measure, by name"),
    _maybe("measured_rate", "float", "factor by which the distance shrank a step, fitted to the trace", "per step", "lower"),
    _maybe(
        "spectral_radius",
        "float",
        "largest modulus of the step map's eigenvalues (of a whole cycle)",
        "per cycle",
        "lower",
    ),
    _maybe(
        "spectral_radius_transverse",
        "float",
        "the same without the game's null directions",
        "per cycle",
        better="lower",
    ),
    _maybe("spectral_radius_period", "float", "spectral_radius^(1/k) of a cycle of k steps", "per step", "lower"),
    _maybe("predicted_radius", "float", "the radius by closed form, where there is one", "per cycle", "lower"),
    _maybe("spectrum_reason", "text", "why there is no spectrum"),
    _maybe("extractor", "text", "hash of the feature extractor behind the image measures"),
    _maybe("game_source", "text", "hash of the plug-in file that defines the game"),
    _maybe("optimizer_source", "text", "hash of the plug-in file that defines the optimizer"),
    Column("started_at", "time", "when the run was started", "UTC"),
    Column("commit", "text", "commit of the harness"),
    _maybe("dirty", "text", "hash of the uncommitted changes, none when clean"),
    Column("dtype", "text", "floating type of the profile"),
    Column("device", "text", "device that stepped the run"),
    Column("machine", "text", "id of the machine, a row of `machines`"),
    Column("torch_version", "text", "version of torch"),
    _maybe("driver", "text", "version of the device's driver"),
    Column("threads", "int", "threads that torch was given", "threads"),
)

TRACE = (
    *_KEY,
    Column("step", "int", "steps made at the checkpoint", "steps"),
    Column("gradients", "float", "gradients asked so far", "fields", "lower"),
    Column("products", "float", "products asked so far", "products", "lower"),
    _maybe("seconds", "float", "time spent stepping so far, by the batch if the run was part of one", "s", "lower"),
    _maybe("waited", "float", "what of the seconds was waited for a processor; of timed runs on Linux", "s"),
    _maybe("yardstick", "float", "seconds a fixed piece of work took at the checkpoint; of timed runs on a CPU", "s"),
    Column("answer", "text", "which of the optimizer's answers was measured", choices=_ANSWER),
    Column("measure", "text", "what was measured; `measure_direction` tells which way is better"),
    _maybe("value", "float", "the measured value (NaN once a run has diverged)"),
)

SPECTRUM = (
    *_KEY,
    Column("point", "text", "where the operator was linearised", pattern=r"equilibrium|step:\d+"),
    Column("operator", "text", "the step map, or the game's field v", choices=("step", "game"), before="step"),
    Column("index", "int", "number of the eigenvalue of its operator at its point, largest modulus first"),
    Column("re", "float", "real part"),
    Column("im", "float", "imaginary part"),
    Column("modulus", "float", "modulus", better="lower"),
    Column("mass", "json", "list, a number per player: how much of the eigenvector is the player's"),
    _maybe("gradient_share", "float", "share of the joint gradient along the eigenvector (bench/jacobian.py); none where v = 0"),
    _maybe("residual", "float", "norm of Jx − λx over that of x", better="lower"),
    Column("method", "text", "how the eigenvalue was found", choices=("dense", "arnoldi")),
    Column("transverse", "bool", "whether it is none of the game's declared null directions"),
)

MACHINES = (
    Column("machine", "text", "id of the machine"),
    Column("host", "text", "host name"),
    Column("platform", "text", "operating system and architecture"),
    Column("cpu", "text", "model of the processor"),
    Column("cores", "int", "cores the process may use", "cores"),
    Column("memory_bytes", "int", "main memory", "B"),
    _maybe("gpu", "text", "model of the graphics processor"),
    Column("python", "text", "version of Python"),
    Column("torch_version", "text", "version of torch"),
    _maybe("driver", "text", "version of the graphics driver"),
)

TABLES: Mapping[str, tuple[Column, ...]] = {
    "runs": RUNS,
    "trace": TRACE,
    "spectrum": SPECTRUM,
    "machines": MACHINES,
}

_LOWER = (
    "distance",
    "gap",
    "field_norm",
    "exploitability",
    "loss",
    "regret",
    "fd_",
    "fid",
    "kid",
    "copied_fraction",
    "wasserstein",
    "cost",
)
_HIGHER = (
    "modes_covered",
    "high_quality_fraction",
    "digits_present",
    "classes_present",
    "classifier_score",
    "inception_score",
    "downstream_accuracy",
    "precision",
    "recall",
    "density",
    "coverage",
    "score",
)
_LOWER_ENDINGS = ("_error", "_nll", "_distance", "_imbalance")
_HIGHER_ENDINGS = ("_accuracy", "_diversity", "_psnr", "_information")


def measure_direction(measure: str) -> Direction | None:
    """Which way a trace's measure improves: "lower", "higher", or None for one that is only watched.

    Names are matched by their first words, so that `fd_lite0_pca64` is known through `fd_`, or by their last ones:
    `target_accuracy`, `paired_error`.
    """
    if measure.startswith(_LOWER) or measure.endswith(_LOWER_ENDINGS):
        return "lower"
    return "higher" if measure.startswith(_HIGHER) or measure.endswith(_HIGHER_ENDINGS) else None


def columns(table: str) -> tuple[Column, ...]:
    """The columns of `table` in order. Raises SchemaError for an unknown table."""
    try:
        return TABLES[table]
    except KeyError:
        raise SchemaError(f"unknown table {table!r}: known are {', '.join(TABLES)}") from None


def validate(table: str, frame: "pd.DataFrame") -> "pd.DataFrame":
    """`frame` cast to the schema of `table`: its columns in order with their dtypes, nullable ones filled in.

    Raises SchemaError, naming the column, for unknown and missing columns, wrong types, nulls and values not allowed.
    """
    from saddlebench.results.casting import to_arrow, to_frame  # here, so that reading the schema needs no pandas

    return to_frame(table, to_arrow(table, frame))
