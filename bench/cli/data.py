"""`saddlebench data`: fetch and prepare data sets, and say which are there."""

from typing import Annotated

import typer

from saddlebench.bench.cli.forms import FormatOption, argument, examples
from saddlebench.bench.cli.output import Format, Row, emit, print_table, say
from saddlebench.bench.cli.preparing import PREPARE_EXAMPLES, VERIFY_EXAMPLES, packed_rows, prepare, verify


def register(app: typer.Typer) -> None:
    """Add the commands."""
    data = typer.Typer(
        help="Fetch or prepare data sets of image games, and list them.", no_args_is_help=True, rich_markup_mode="rich"
    )
    data.command(
        "fetch",
        epilog=examples("saddlebench data fetch mnist", "SADDLEBENCH_DATA=/big/disk saddlebench data fetch cifar10 fashion-mnist"),
    )(fetch)
    data.command("prepare", epilog=examples(*PREPARE_EXAMPLES))(prepare)
    data.command("verify", epilog=examples(*VERIFY_EXAMPLES))(verify)
    data.command("list", epilog=examples("saddlebench data list", "saddlebench data list --format json"))(list_)
    app.add_typer(data, name="data")


def fetch(
    names: Annotated[list[str], argument("Data sets, as `data list` names them.")],
    force: Annotated[bool, typer.Option("--force", help="Obtain them anew, even where the cache is right.")] = False,
) -> None:
    """Obtain data sets, verify their checksums, and put them into the cache ($SADDLEBENCH_DATA, or the user's cache directory)."""
    from saddlebench.games.data import DATASETS
    from saddlebench.games.data import fetch as obtain

    for name in names:
        _ = DATASETS[name]  # an unknown one is found before anything is fetched
    for name in names:
        said: list[str] = []

        def tell(text: str, said: list[str] = said) -> None:
            said.append(text)
            say(text)

        folder = obtain(name, force, progress=tell)
        if not said:
            say(f"{name}: there already, checksums right")
        emit(str(folder))


def list_(
    form: FormatOption = Format.table,
) -> None:
    """List the data sets, where each is or would be, and whether its checksums are right (of prepared ones `data verify` says)."""
    from saddlebench.games.data import DATASETS, status

    rows: list[Row] = [
        {
            "name": s["name"],
            "there": s["present"],
            "checksums": None if s["checksum"] is None else ("right" if s["checksum"] else "wrong"),
            "megabytes": round(s["bytes"] / 1e6, 1) if s["present"] else None,
            "where": s["where"],
        }
        for s in status()
    ]
    rows += packed_rows()
    print_table(rows, ["name", "there", "checksums", "megabytes", "where"], form)
    if form is Format.table and (missing := [str(s["name"]) for s in rows[: len(DATASETS)] if not s["there"]]):
        say(f"to fetch: saddlebench data fetch {' '.join(missing)}")
