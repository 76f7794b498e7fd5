"""`saddlebench sample`: pictures from a model or a checkpoint, without its data set or its results."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from saddlebench.bench.cli.forms import argument, examples, option
from saddlebench.bench.cli.output import counted, say, starting
from saddlebench.errors import InputError

_EXAMPLES = examples(
    "saddlebench sample results/runs/digits/models/mnist-dcgan/adam-1f0c9a52-seed0.safetensors -n 64 -o grid.png",
    "saddlebench sample adam-1f0c9a52-seed0.safetensors --answer average --interpolate 6 --seed 7",
    "saddlebench sample adam-1f0c9a52-seed0.safetensors -n 32 --neighbours",
    "saddlebench sample adam-1f0c9a52-seed0.safetensors -n 24 --sheets --answer average",
)
_OUT_HELP = "PNG file; further pictures lie beside it. Default: the model's name, in this directory."


class Answer(StrEnum):
    """Which profile generates."""

    last = "last"
    average = "average"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("sample", epilog=_EXAMPLES)(sample)


def sample(
    checkpoint: Annotated[Path, argument("A model (DIR/models/…) or a checkpoint of a run in flight (DIR/checkpoints/…).")],
    n: Annotated[int, typer.Option("-n", help="How many; of more, the first are the same.", min=1, max=10000, metavar="N")] = 64,
    out: Annotated[Path | None, option("--out", "-o", text=_OUT_HELP, metavar="FILE")] = None,
    answer: Annotated[Answer, typer.Option(help="The last iterate, or the average that the optimizer kept.")] = Answer.last,
    seed: Annotated[int | None, option("--seed", text="Of the latents. Default: the run's.", min=0, metavar="S")] = None,
    interpolate: Annotated[
        int | None, option("--interpolate", text="A second picture: so many rows from latent to latent.", min=1, metavar="ROWS")
    ] = None,
    label: Annotated[
        int | None, option("--class", text="Of a conditional generator: this class alone.", min=0, metavar="K")
    ] = None,
    sheets: Annotated[
        bool, typer.Option("--sheets", help="Further pictures: a sheet of N images for every class, in the folder NAME-classes.")
    ] = False,
    neighbours: Annotated[
        bool, typer.Option("--neighbours", help="A further picture: each sample, right of it its nearest training image.")
    ] = False,
    game: Annotated[
        str | None, option("--game", text="Where the file of a game of your own lies now.", metavar="FILE.py:CLASS")
    ] = None,
) -> None:
    """Draw samples from a finished run's model as a grid of images, or a scatter plot of points.

    Needs neither the data set (but for --neighbours) nor the results. Rows of --interpolate go along great arcs (spherical
    interpolation) between pairs of latents. Distances of --neighbours are Euclidean, of pixels.
    """
    path = Path(f"{checkpoint.stem or 'samples'}.png") if out is None else out
    if path.suffix.lower() != ".png":
        raise InputError(f"--out {path}: pictures are PNG files, so the name must end in .png")
    with starting():
        from saddlebench.bench.drawing import STATIONS, Draws, save
        from saddlebench.bench.models import read_model

    model = read_model(checkpoint, game)
    if model.changed:
        say("the game's source has changed since the run: the samples may not be those of its training")
    draws = Draws(model, answer.value, seed, label)
    title = f"{model.label}, step {model.step}"
    shown = draws.samples(n)
    images = shown.dim() > 2
    if not images and (interpolate or neighbours):
        raise InputError("--interpolate and --neighbours are for images, and this game generates points")
    further, measures = {}, {}
    if interpolate:
        further["interpolation"] = draws.walks(interpolate)
    if neighbours:
        further["neighbours"], measures = draws.neighbours(shown)
    save(shown, path, title)
    say(f"{title}, seed {int(draws.seeds)}: {counted(n, 'sample')} in {path}")
    if sheets:
        folder = path.with_name(f"{path.stem}-classes")
        say(f"{counted(len(draws.sheets(n, folder)), 'sheet')} of {counted(n, 'image')} in {folder}")
    for name, pictures in further.items():
        beside = path.with_name(f"{path.stem}-{name}.png")
        save(pictures, beside, title)
        what = f"{interpolate} spherical walks of {STATIONS} images" if name == "interpolation" else "nearest training images"
        say(f"{what} in {beside}")
    if measures:
        say(
            f"median distance to the nearest training image: {measures['nearest_ratio']:.3g} of that between real ones; "
            f"{measures['copied_fraction']:.0%} of the samples are nearer than all but 1 % of real images"
        )
