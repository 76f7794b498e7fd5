import math

import numpy as np
import pandas as pd
import pytest

from saddlebench.results.papers.negative_momentum import claimed_rate, judge, pairs, rate_remarks, table
from saddlebench.results.papers.published import read_claims
from saddlebench.results.store import Store, read

CLAIMS = read_claims("negative-momentum")


def circle(angle):
    return [np.exp(1j * angle), np.exp(-1j * angle)]


@pytest.mark.parametrize(
    ("eigenvalues", "status", "rate", "expected"),
    [
        ([0.9, 0.5], "converged", 0.9, (True, True, False, False)),
        ([1 - 1e-5], "budget", 0.99999, (True, True, False, False)),
        ([1 - 1e-5], "budget", 1.0001, (True, False, False, True)),  # the spectrum alone is not believed
        ([1 + 1e-5], "cycling", 1.00001, (False, False, False, False)),  # slow, and not bounded
        ([1 + 1e-5], "budget", 0.999, (False, False, False, True)),
        ([*circle(0.3), 0.0], "cycling", 1.0, (True, False, False, False)),
        ([*circle(0.3), 0.0], "diverged", 1.1, (False, False, False, True)),
        ([*circle(math.pi)], "budget", 1.0005, (False, False, True, False)),  # defective: grows linearly
        ([*circle(0.3), *circle(0.3)], "cycling", 1.0, (True, False, True, False)),  # semisimple: two blocks
    ],
)
def test_one_run_is_judged_by_spectrum_and_trajectory(eigenvalues, status, rate, expected):
    one = judge(np.array(eigenvalues, dtype=complex), {"status": status, "measured_rate": rate})
    assert (one.bounded, one.converges, one.by_trajectory, one.contradicted) == expected


@pytest.fixture
def results(make, tmp_path):
    """Pairs as a store holds them, their spectrum by the closed form (z − 1)²(z − β_x)(z − β_y) + η²z³ = 0 at σ = 1."""

    def written(cells, **changes):
        with Store(tmp_path / "there") as store:
            for k, (step, momenta, status, rate) in enumerate(cells):
                x, y = momenta
                p = np.polymul(np.poly([1, 1]), np.poly([x, y])) + np.array([0, step**2, 0, 0, 0])
                roots = np.roots(p)
                facts = {"optimizer": "alternating-heavy-ball", "game_parameters": {"matrix": [[1.0]]}, "measured_rate": rate}
                settings = {"step_size": step, "momentum": list(momenta), "schedule": None}
                run = make.run(f"c{k}", **{**facts, "optimizer_parameters": settings, "status": status, **changes})
                found = {"re": roots.real, "im": roots.imag, "modulus": np.abs(roots)}
                found |= {"index": list(range(len(roots))), "mass": [[0.5, 0.5]] * len(roots)}
                store.append(runs=[run], spectrum=make.spectrum(f"c{k}", **found))
        return read(tmp_path / "there")

    return written


def test_a_row_is_about_the_step_sizes_of_its_range(results):
    tables = results([(0.5, (-0.5, -0.5), "converged", 0.96), (1.2, (-0.5, -0.5), "diverged", 1.2), (0.5, (0, 0), "cycling", 1.0)])
    rows = {(r.claim.row, r.claim.column): r for r in table(CLAIMS, tables.runs, tables.spectrum)}
    negative, zero = rows["alternating", "β < 0"], rows["alternating", "β = 0"]
    assert (negative.bounded, negative.converges, negative.agrees) == (True, True, True)
    assert [[p.step for p in part] for part in (negative.inside, negative.outside)] == [[0.5], [1.2]]
    assert (zero.bounded, zero.converges, zero.agrees) == (True, False, True)
    assert rows["simultaneous", "β > 0"].agrees is None  # not run


def test_a_row_of_which_some_pairs_hold_does_not_agree(results):
    tables = results([(0.5, (-0.5, -0.5), "converged", 0.96), (0.6, (-0.5, -0.5), "budget", 1.01)])
    (row,) = [r for r in table(CLAIMS, tables.runs, tables.spectrum) if r.inside]
    assert (row.bounded, row.converges, row.agrees) == (True, None, False)


def test_the_edge_scales_with_the_singular_value(results):
    tables = results([(0.5, (0, 0), "cycling", 1.0)], game_parameters={"matrix": [[5.0, 0.0], [0.0, 2.0]]})
    (pair,) = pairs(tables.runs, tables.spectrum)
    assert (pair.step, pair.condition) == (2.5, 2.5)
    drawn = results([(0.5, (0, 0), "cycling", 1.0)], game_parameters={"matrix": None, "shape": [3, 3], "condition_number": 4.0})
    (pair,) = pairs(drawn.runs, drawn.spectrum)
    assert (pair.step, pair.condition) == (0.5, 4.0)


def test_other_games_schedules_and_failures_are_left_out(results):
    cell = [(0.5, (0, 0), "cycling", 1.0)]
    for change in ({"game": "quadratic"}, {"optimizer": "adam"}, {"status": "error", "reason": "it broke"}):
        tables = results(cell, **change)
        assert pairs(tables.runs, tables.spectrum) == []
    settings = {"step_size": 0.5, "momentum": [0, 0], "schedule": [1, 0]}
    tables = results(cell, optimizer_parameters=settings)
    assert pairs(tables.runs, tables.spectrum) == []
    assert pairs(tables.runs, pd.DataFrame(tables.spectrum.iloc[:0])) == []


def test_the_rate_of_theorem_6_fails_for_equal_momenta_at_the_largest_step(results):
    cells = [(1.0, (-0.5, -0.5), "cycling", 1.0), (1.0, (-0.5, 0.0), "converged", 0.87)]
    tables = results(cells)
    both = {p.momenta: p for p in pairs(tables.runs, tables.spectrum)}
    equal, single = both[-0.5, -0.5], both[-0.5, 0.0]
    assert claimed_rate(equal) == claimed_rate(single) == 1 - 1 / 16
    assert equal.radius == pytest.approx(1, abs=1e-12)
    assert single.radius == pytest.approx(0.8721753570, abs=1e-9)
    remarks = rate_remarks(table(CLAIMS, tables.runs, tables.spectrum))
    assert [text[-8:] for text in remarks] == ["it fails", "it holds"]
