"""`saddlebench plot truncation`: truncation curves."""

import math
from pathlib import Path
from typing import Annotated

import typer

from saddlebench.bench.cli.forms import FormatOption, argument, examples, option
from saddlebench.bench.cli.output import Format, Row, print_table, say, starting
from saddlebench.bench.cli.places import find_results
from saddlebench.bench.cli.plots.files import OutOption, check_out, write_figure
from saddlebench.errors import InputError, unknown

_EXAMPLES = examples(
    "saddlebench plot truncation biggan-tiny --answer average",
    "saddlebench plot truncation MODEL.safetensors --thresholds 0.1,0.5,1,inf --metrics 'n_fake=50000&also=fid' --format csv",
)
_THRESHOLDS = "0.2,0.4,0.6,0.8,1,1.5,inf"
_AXES = (("inception_score", "fid"), ("precision", "fd_lite0_pca64"))  # the first of which both were measured


def register(app: typer.Typer) -> None:
    """Add the kind."""
    app.command("truncation", epilog=_EXAMPLES)(truncation)


def truncation(
    path: Annotated[str, argument("A model (DIR/models/…), or results whose models are drawn, a line each.")],
    thresholds: Annotated[str, typer.Option("--thresholds", help="Of |z|, with commas; inf: none.", metavar="T,T")] = _THRESHOLDS,
    answer: Annotated[str, typer.Option("--answer", help="last, or the average that the optimizer kept.")] = "last",
    metrics: Annotated[
        str, option("--metrics", text="Settings of the image measures. Default: those of the run.", metavar="K=V&…")
    ] = "",
    x: Annotated[str | None, option("--x", text="A measure. Default: inception_score, else precision.", metavar="M")] = None,
    y: Annotated[str | None, option("--y", text="Another. Default: fid, else fd_lite0_pca64.", metavar="M")] = None,
    form: FormatOption = Format.table,
    out: OutOption = None,
) -> None:
    """Measure a generator's images over thresholds of truncation: a table, and a curve of one measure against another.

    Quality rises and variety falls as latents are drawn nearer to 0 (Brock et al. 2019). Weights are those of the answer, batch
    norm's moments standing ones.
    """
    check_out(out)
    asked = _numbers(thresholds)
    models, otherwise = _models(path)
    with starting():
        from saddlebench.bench.images.truncating import truncated_measures
        from saddlebench.bench.models import read_model
        from saddlebench.results.figures.truncation import truncation_figure

    rows: list[Row] = []
    for file in models:
        model = read_model(file)
        for t, measures in truncated_measures(model, asked, answer, metrics):
            say(f"{file.stem}, |z| ≤ {t:g}: {', '.join(f'{name} {value:.4g}' for name, value in measures.items())}")
            rows.append({"model": file.stem, "answer": answer, "threshold": t, **measures})
    names = [name for name in rows[0] if name not in ("model", "answer", "threshold")]
    known = [name for name in names if any(not math.isnan(row[name]) for row in rows)]
    default = next((pair for pair in _AXES if set(pair) <= set(known)), (known[0], known[-1]))
    across, up = x or default[0], y or default[1]
    for name in (across, up):
        if name not in names:
            raise unknown("measure of these models", name, names)
    print_table(rows, list(rows[0]), form)
    curves: dict[str, dict[float, tuple[float, float]]] = {}
    for row in rows:
        curves.setdefault(row["model"], {})[row["threshold"]] = row[across], row[up]
    file = write_figure(out, otherwise / f"truncation-{up}-{across}.svg", lambda file: truncation_figure(curves, file, across, up))
    say(f"figure: {file}")


def _numbers(text: str) -> list[float]:
    try:
        found = [float(part) for part in text.split(",")]
    except ValueError:
        found = []
    if not found or any(math.isnan(t) or t <= 0 for t in found):
        raise InputError(f"--thresholds {text}: expected positive numbers with commas between them, or inf")
    return list(dict.fromkeys(found))


def _models(path: str) -> tuple[list[Path], Path]:
    """The models, and the folder of a figure that is given none."""
    if path.endswith(".safetensors"):
        return [Path(path).expanduser()], Path.cwd()
    folder = find_results(path)
    found = sorted(file for name in ("biggan", "biggan-deep") for file in folder.glob(f"models/{name}/*.safetensors"))
    if not found:
        raise InputError(f"no truncation curve: {folder} has no models of biggan or biggan-deep")
    return found, folder / "figures"
