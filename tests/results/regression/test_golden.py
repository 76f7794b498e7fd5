"""The committed golden table: its cells are those of the suite, and a part of it is made anew."""

import numpy as np
import pytest

import saddlebench
from saddlebench.bench.suites.load import find
from saddlebench.results.regression.golden import FILE, changes, golden_rows, read_golden, write_golden
from saddlebench.results.store import Tables


def test_every_analytic_game_is_in_the_suite():
    named = set(find("golden").blocks[0].games)
    assert named == {name for name, cls in saddlebench.GAMES.items() if cls.dtype == "float64"}


def test_the_table_is_small_and_holds_the_suite():
    golden = read_golden()
    assert FILE.stat().st_size < 1e6
    assert set(golden["game"]) == set(find("golden").blocks[0].games)
    assert set(golden["cell"]) <= {cell.key for cell in find("golden").cells()}
    assert {"distance", "gap", "field_norm", "gradients", "products", "spectral_radius"} <= set(golden["quantity"])


@pytest.mark.parametrize("game", ["bilinear", "rock-paper-scissors"])
def test_a_part_comes_out_as_committed(game):
    block = find("golden").blocks[0]
    made = saddlebench.run(game, block.optimizers, seeds=block.seeds, **block.settings)
    rows = golden_rows(Tables(made.runs, made.trace, made.spectrum, made.machines))
    golden = read_golden()
    difference = changes(golden[golden["game"] == game], rows)
    assert difference[difference["change"] != "new"].empty, difference
    assert len(rows) > 400


def test_changed_missing_and_new_values_are_told_apart(tmp_path):
    golden = read_golden()
    path = tmp_path / "golden.parquet"
    write_golden(golden, path)
    assert changes(golden, read_golden(path)).empty
    other = golden.copy()
    radii = np.flatnonzero(other["quantity"] == "spectral_radius")
    other.loc[radii[0], "value"] *= 1 + 1e-6
    other.loc[radii[1], "value"] *= 1 + 1e-12  # rounding
    found = changes(golden.drop(index=radii[2]), other.drop(index=radii[3]))
    assert sorted(found["change"]) == ["changed", "missing", "new"]
