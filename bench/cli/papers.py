"""`saddlebench paper`: the papers there are, or the published numbers of one beside measured ones."""

from typing import Annotated

import typer

from saddlebench.bench.cli.forms import PaperFormatOption, argument, examples
from saddlebench.bench.cli.output import PaperFormat, print_table, say

_EXAMPLES = examples(
    "saddlebench paper                             the papers there are",
    "saddlebench paper negative-momentum           six rows, measured in seconds beside the published ones",
    "saddlebench paper cifar10-fid results/runs/night --format latex",
)
_PATH_HELP = "A directory of results, or its name. Default: the paper's own, which for negative-momentum is filled first."


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("paper", epilog=_EXAMPLES)(paper)


def paper(
    name: Annotated[str | None, argument("A paper. Left out: the papers there are.")] = None,
    path: Annotated[str | None, argument(_PATH_HELP)] = None,
    form: PaperFormatOption = PaperFormat.table,
) -> None:
    """Print a paper's published numbers beside measured ones, with sources and protocols.

    What no cell has measured is named with the command that would. A published FID stands only beside a measured `fid` of the same
    protocol, never beside a distance of other features (fd_lenet, fd_lite0_pca64).
    """
    from saddlebench.results.papers import find

    if name is None:
        _list(form)
        return
    chosen = find(name)
    if chosen.claims:
        from saddlebench.bench.cli.paper_marks import print_marks

        print_marks(chosen, path, form)
    else:
        from saddlebench.bench.cli.paper_numbers import print_numbers

        print_numbers(chosen, path, form)


def _list(form: PaperFormat) -> None:
    from saddlebench.results.papers import PAPERS
    from saddlebench.results.papers.published import read_claims

    rows = []
    for one in PAPERS.values():
        count = len(read_claims(one.files[0])) if one.claims else sum(row.value is not None for row in one.published())
        rows.append({"name": one.name, "published": count, "title": one.title})
    print_table(rows, ["name", "published", "title"], form)
    if form is PaperFormat.table:
        say("one of them: saddlebench paper NAME")
