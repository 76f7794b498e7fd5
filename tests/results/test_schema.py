import subprocess
import sys
from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pytest

from saddlebench.results.casting import to_arrow, to_frame
from saddlebench.results.schema import STATUSES, TABLES, SchemaError, measure_direction, validate


def test_names_are_unique_and_every_column_says_what_it_means():
    for declared in TABLES.values():
        assert len({column.name for column in declared}) == len(declared)
        assert all(column.meaning and (column.better in (None, "lower", "higher")) for column in declared)


def test_validation_fills_in_casts_and_orders(make):
    frame = pd.DataFrame([make.run(seconds=None, gradients=200, peak_memory_bytes=5)]).iloc[:, ::-1]
    valid = validate("runs", frame)
    assert list(valid.columns) == [column.name for column in TABLES["runs"]]
    assert valid.loc[0, "cost"] == 206.0
    assert valid.loc[0, "game_parameters"] == '{"size":2}'
    assert valid[["seconds", "suite"]].isna().to_numpy().all()
    assert valid.loc[0, "started_at"] == pd.Timestamp("2026-03-01 12:00:00.25", tz="UTC")


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("rows", [0, 1])
def test_dtypes_are_the_declared_ones_with_and_without_rows(make, table, rows):
    makers = {"runs": make.run(), "trace": make.trace(length=1), "spectrum": make.spectrum(), "machines": make.machine()}
    given = to_arrow(table, makers[table])
    frame = to_frame(table, given.slice(0, rows))
    for column in TABLES[table]:
        if column.kind in ("text", "json"):
            assert pd.api.types.is_string_dtype(frame[column.name]) or frame[column.name].dtype == object
        else:
            assert str(frame[column.name].dtype) == column.pandas, column.name


def test_validating_twice_changes_nothing(make):
    once = validate("spectrum", pd.DataFrame(make.spectrum()))
    pd.testing.assert_frame_equal(validate("spectrum", once), once)
    runs = validate("runs", pd.DataFrame([make.run(), make.run("c1", status="error", reason="it broke")]))
    pd.testing.assert_frame_equal(validate("runs", runs), runs)


@pytest.mark.parametrize(
    ("change", "column"),
    [
        ({"surprise": 1}, "surprise"),
        ({"status": "finished"}, "status"),
        ({"track": "best"}, "track"),
        ({"seed": 1.5}, "seed"),
        ({"seed": "one"}, "seed"),
        ({"seed": True}, "seed"),
        ({"seed": 2**70}, "seed"),
        ({"seed": None}, "seed"),
        ({"game": 3}, "game"),
        ({"gradients": "many"}, "gradients"),
        ({"gradients": float("nan")}, "gradients"),
        ({"budget": "100 steps"}, "budget"),
        ({"budget": '{"steps": NaN}'}, "budget"),
        ({"budget": {1: 2}}, "budget"),
        ({"started_at": "yesterday"}, "started_at"),
        ({"cost": 7.0}, "cost"),
        ({"seconds": 1.0, "runs_in_program": 2}, "seconds"),
    ],
)
def test_a_violation_is_an_error_that_names_table_and_column(make, change, column):
    with pytest.raises(SchemaError, match=f"runs: .*'{column}'"):
        to_arrow("runs", [make.run(**change)])
    if column != "budget":
        with pytest.raises(SchemaError, match=f"runs: .*'{column}'"):
            validate("runs", pd.DataFrame([make.run("c1"), make.run(**change)]))


def test_a_missing_column_is_named_and_a_nullable_one_may_be_missing(make):
    row = make.run()
    del row["dtype"]
    with pytest.raises(SchemaError, match=r"runs: column 'dtype' is missing"):
        validate("runs", pd.DataFrame([row]))
    without = pd.DataFrame(make.trace()).drop(columns="value")
    assert validate("trace", without)["value"].isna().to_list() == [True] * 5


def test_unequal_columns_and_unknown_tables_are_refused(make):
    with pytest.raises(SchemaError, match="'value' has 4 rows, 'step' has 5"):
        to_arrow("trace", make.trace(value=np.zeros(4)))
    with pytest.raises(SchemaError, match="unknown table 'traces'"):
        to_arrow("traces", [])


@pytest.mark.parametrize("point", ["equilibrium", "step:1000"])
def test_points_follow_their_pattern(make, point):
    assert to_arrow("spectrum", make.spectrum(point=point))["point"].to_pylist() == [point, point]
    with pytest.raises(SchemaError, match="'point' holds"):
        to_arrow("spectrum", make.spectrum(point=f"{point} "))


def test_every_status_is_accepted_and_lists_dicts_and_frames_agree(make):
    rows = [make.run(f"c{number}", status=status) for number, status in enumerate(STATUSES)]
    from_dicts = to_arrow("runs", rows)
    assert from_dicts.equals(to_arrow("runs", pd.DataFrame(rows)))
    assert from_dicts.equals(to_arrow("runs", {name: [row[name] for row in rows] for name in rows[0]}))


def test_measures_of_a_diverged_run_become_null_in_json_and_nan_in_the_trace(make):
    row = make.run(final_measures={"modes_covered": float("nan"), "fd_lenet": [1.0, float("inf")]})
    assert to_arrow("runs", [row])["final_measures"].to_pylist() == ['{"fd_lenet":[1.0,null],"modes_covered":null}']
    values = to_frame("trace", to_arrow("trace", make.trace(length=3, value=[1.0, float("inf"), float("nan")])))["value"]
    np.testing.assert_array_equal(values.to_numpy(), [1.0, np.inf, np.nan])


def test_numpy_arrays_of_other_widths_and_categories_are_cast(make):
    table = make.trace(
        length=2,
        step=np.array([1, 2], dtype=np.uint8),
        value=np.array([1, 2], dtype=np.float32),
        measure=pd.Series(["gap", "distance"], dtype="category"),
    )
    frame = to_frame("trace", to_arrow("trace", table))
    assert frame["value"].tolist() == [1.0, 2.0]
    assert frame["measure"].tolist() == ["gap", "distance"]


def test_naive_times_are_utc(make):
    naive, aware = (datetime(2026, 1, 1, 3, tzinfo=zone) for zone in (None, UTC))
    assert to_arrow("runs", [make.run(started_at=naive)]).equals(to_arrow("runs", [make.run(started_at=aware)]))


def test_directions_of_measures():
    assert measure_direction("fd_lite0_pca64") == "lower"
    assert measure_direction("modes_covered") == "higher"
    assert measure_direction("parameter_norm") is None
    assert [measure_direction(name) for name in ("target_accuracy", "paired_error", "oracle_nll")] == ["higher", "lower", "lower"]


def test_the_schema_alone_imports_neither_pandas_nor_torch():
    code = "import sys, saddlebench.results.schema; print(sorted({'pandas', 'torch', 'pyarrow'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"
