"""Papers whose published numbers are kept as data (results/published), to be printed beside measured ones.

A paper is its files of published numbers and a small table that says which cells measure the same thing; nothing else knows it.
"""

from dataclasses import dataclass, field

from saddlebench.errors import unknown
from saddlebench.results.papers.matching import Match, Matches
from saddlebench.results.papers.published import Published, read_numbers
from saddlebench.results.papers.tables import CIFAR10, GIDEL2019, IMAGENET128, LOGAN

__all__ = ["PAPERS", "Match", "Paper", "find"]


@dataclass(frozen=True)
class Paper:
    """A paper, or a table put together from several.

    Attributes:
        name: as `saddlebench paper` takes it.
        title: what its numbers are.
        files: files of results/published, by name.
        matches: (row, column) of a published number → the cells that measure the same.
        suite: the suite that fills its measured columns; None: single commands do.
        claims: its rows are not numbers but marks (bounded, converges).
    """

    name: str
    title: str
    files: tuple[str, ...]
    matches: Matches = field(default_factory=dict)
    suite: str | None = None
    claims: bool = False

    def published(self) -> list[Published]:
        """Its published numbers, in the order of the files; a paper of marks has none (`published.read_claims` reads those)."""
        return [row for name in self.files for row in read_numbers(name)]


PAPERS = {
    paper.name: paper
    for paper in (
        Paper(
            "negative-momentum",
            "Gidel et al., AISTATS 2019: what is bounded, what converges on a bilinear game",
            ("negative-momentum",),
            suite="negative-momentum-theory",
            claims=True,
        ),
        Paper("gidel2019-vip", "Gidel et al., ICLR 2019: inception scores on CIFAR-10", ("gidel2019-vip",), GIDEL2019),
        Paper("logan", "Wu et al. 2019: LOGAN on ImageNet, FID and inception score", ("logan",), LOGAN, "imagenet-biggan"),
        Paper("cifar10-fid", "FID and inception score on CIFAR-10, by protocol", ("cifar10-fid",), CIFAR10),
        Paper(
            "imagenet128", "FID and inception score on ImageNet 128 × 128", ("imagenet128", "logan"), IMAGENET128, "imagenet-biggan"
        ),
    )
}


def find(name: str) -> Paper:
    """The paper of that name.

    Raises:
        InputError: there is none; the nearest names are suggested.
    """
    if name not in PAPERS:
        raise unknown("paper", name, PAPERS)
    return PAPERS[name]
