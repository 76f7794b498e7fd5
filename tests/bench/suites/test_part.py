import pytest

from saddlebench.bench.suites.load import find
from saddlebench.bench.suites.part import part_of
from saddlebench.errors import InputError


def test_a_part_has_the_cells_of_the_whole_that_were_asked_for():
    whole = find("quick")
    part = part_of(whole, ["bilinear", "dirac-gan"], ["extragradient", "adam"])
    asked = {
        cell.key
        for cell in whole.cells(seeds=[0], ready=False)
        if cell.pairing.game.name in ("bilinear", "dirac-gan") and cell.pairing.optimizer.name in ("extragradient", "adam")
    }
    assert {cell.key for cell in part.cells(seeds=[0], ready=False)} == asked
    assert len(asked) == 4
    assert part.name == whole.name, "its results belong to the whole's"


def test_nothing_named_is_everything():
    whole = find("quick")
    assert part_of(whole, [], []) == whole


def test_a_name_that_is_not_there():
    with pytest.raises(InputError, match="did you mean 'gaussian-ring'"):
        part_of(find("ring"), ["gausian-ring"], [])
