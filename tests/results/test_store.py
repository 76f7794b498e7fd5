"""The store as its users see it: what is appended is what is read, in every state of the directory."""

import json
import logging
import os
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from saddlebench.errors import InputError
from saddlebench.results.locking import on_network
from saddlebench.results.schema import SCHEMA_VERSION, TABLES, SchemaError, validate
from saddlebench.results.store import Store, StoreError, Tables, read


def fill(store, make, *cells, context="k0"):
    for cell in cells:
        store.append(
            runs=[make.run(cell, context)],
            trace=make.trace(cell, context),
            spectrum=make.spectrum(cell, context),
            machines=[make.machine()],
        )


def same(left: Tables, right: Tables):
    for table in TABLES:
        pd.testing.assert_frame_equal(getattr(left, table), getattr(right, table))


def test_every_table_comes_back_as_it_was_given_before_and_after_compaction(tmp_path, make):
    runs = pd.DataFrame([make.run("c0"), make.run("c1", status="error", reason="it broke", peak_memory_bytes=7)])
    trace = pd.concat([pd.DataFrame(make.trace("c0")), pd.DataFrame(make.trace("c1", value=[1.0, None, 3.0, 4.0, 5.0]))])
    trace = trace.reset_index(drop=True)
    spectrum, machines = pd.DataFrame(make.spectrum("c1")), pd.DataFrame([make.machine(gpu="some gpu")])
    expected = Tables(
        validate("runs", runs), validate("trace", trace), validate("spectrum", spectrum), validate("machines", machines)
    )
    with Store(tmp_path / "new" / "store") as store:
        store.append(runs, trace=trace, spectrum=spectrum, machines=machines)
        same(store.read(), expected)
        assert store.compact() == 1
        same(store.read(), expected)
        assert sorted(path.name for path in store.path.iterdir()) == [
            *("machines.parquet", "runs.parquet", "saddlebench-results.json", "spectrum.parquet", "trace.parquet"),
        ]
        assert store.compact() == 0
    assert store.notices == []
    assert read(store.path).notices == ()


def test_journal_and_parquet_read_as_one_table_and_only_the_tables_asked_for(tmp_path, make):
    with Store(tmp_path) as store:
        fill(store, make, "c0", "c1")
        store.compact()
        fill(store, make, "c2")
        tables = store.read(["runs"])
        assert tables.runs["cell"].tolist() == ["c0", "c1", "c2"]
        assert tables.trace.empty
        assert store.keys() == {(cell, "k0"): "converged" for cell in ("c0", "c1", "c2")}
        assert len(store.read().machines) == 1


def test_a_store_that_nothing_was_appended_to_reads_empty(tmp_path):
    with Store(tmp_path) as store:
        same(store.read(), Tables.empty())
        assert store.keys() == {}
        assert store.compact() == 0


@pytest.mark.parametrize("compacted", ["never", "first", "between", "after"])
def test_a_newer_append_supersedes_the_older_one_in_every_table(tmp_path, make, compacted):
    with Store(tmp_path) as store:
        fill(store, make, "c0", "c1")
        if compacted in ("first", "between"):
            store.compact()
        store.append(runs=[make.run("c0", status="timeout")], trace=make.trace("c0", length=2))
        if compacted in ("between", "after"):
            store.compact()
        tables = store.read()
        assert dict(zip(tables.runs["cell"], tables.runs["status"], strict=True)) == {"c0": "timeout", "c1": "converged"}
        assert tables.trace["cell"].value_counts().to_dict() == {"c0": 2, "c1": 5}
        assert set(tables.spectrum["cell"]) == {"c1"}
        assert store.keys() == {("c0", "k0"): "timeout", ("c1", "k0"): "converged"}


def test_one_key_of_a_group_can_be_superseded(tmp_path, make):
    with Store(tmp_path) as store:
        both = pd.concat([pd.DataFrame(make.trace("c0")), pd.DataFrame(make.trace("c1"))])
        store.append(runs=[make.run("c0"), make.run("c1")], trace=both)
        store.append(runs=[make.run("c0", status="budget")])
        for _ in range(2):
            assert store.keys() == {("c0", "k0"): "budget", ("c1", "k0"): "converged"}
            assert store.read().trace["cell"].tolist() == ["c1"] * 5
            store.compact()


def test_forgotten_keys_are_gone_until_they_are_appended_anew(tmp_path, make):
    with Store(tmp_path) as store:
        fill(store, make, "c0", "c1", "c2")
        store.forget([("c0", "k0")])
        assert set(store.keys()) == {("c1", "k0"), ("c2", "k0")}
        store.compact()
        store.forget([("c1", "k0"), ("never", "k0")])
        store.forget([])
        assert set(store.keys()) == {("c2", "k0")}
        store.compact()
        assert set(store.keys()) == {("c2", "k0")}
        assert set(store.read().trace["cell"]) == {"c2"}
        fill(store, make, "c0")
        store.compact()
        assert set(store.keys()) == {("c2", "k0"), ("c0", "k0")}


def test_a_forgotten_key_stays_forgotten_when_a_living_journal_still_has_it(tmp_path, make):
    with Store(tmp_path) as living, Store(tmp_path) as other:
        fill(living, make, "c0")
        other.forget([("c0", "k0")])
        assert other.compact() == 1
        assert other.keys() == living.keys() == {}
        living.compact()
        assert living.keys() == {}
        fill(living, make, "c0")
        assert set(other.keys()) == {("c0", "k0")}


def test_newer_appends_win_though_the_clock_was_set_back(tmp_path, make, monkeypatch):
    with Store(tmp_path) as store:
        fill(store, make, "c0")
        store.compact()
    monkeypatch.setattr("saddlebench.results.journal.time.time_ns", lambda: 1)
    with Store(tmp_path) as store:
        store.append(runs=[make.run("c0", status="diverged")])
        assert store.keys() == {("c0", "k0"): "diverged"}


def test_contexts_keep_results_of_one_cell_apart(tmp_path, make):
    with Store(tmp_path) as store:
        fill(store, make, "c0")
        fill(store, make, "c0", context="k1")
        store.append(runs=[make.run("c0", "k1", status="budget")])
        assert store.keys() == {("c0", "k0"): "converged", ("c0", "k1"): "budget"}
        assert set(store.read().trace["context"]) == {"k0"}


def test_of_a_machine_the_newest_row_is_read(tmp_path, make):
    with Store(tmp_path) as store:
        store.append(machines=[make.machine("m0", cores=2), make.machine("m1")])
        store.compact()
        store.append(machines=[make.machine("m0", cores=8)])
        for _ in range(2):
            assert dict(store.read().machines[["machine", "cores"]].values) == {"m0": 8, "m1": 2}
            store.compact()


@pytest.mark.parametrize("broken", ["runs", "trace", "key", "twice"])
def test_a_group_that_does_not_fit_leaves_nothing_behind(tmp_path, make, broken):
    group = {"runs": [make.run("c0")], "trace": make.trace("c0"), "spectrum": make.spectrum("c0")}
    change = {
        "runs": {"runs": [make.run(status="finished")]},
        "trace": {"trace": make.trace("c0", value="high")},
        "key": {"spectrum": make.spectrum("c9")},
        "twice": {"runs": [make.run("c0"), make.run("c0")]},
    }
    with Store(tmp_path) as store:
        with pytest.raises(SchemaError):
            store.append(**{**group, **change[broken]})
        same(store.read(), Tables.empty())
        store.append(**group)
        assert len(store.read().trace) == 5


def test_an_append_that_fails_half_way_leaves_nothing_behind(tmp_path, make, monkeypatch):
    with Store(tmp_path) as store:
        fill(store, make, "c0")
        before = store.read()
        # A blob that SQLite cannot take fails after the group and its keys have been inserted.
        monkeypatch.setattr("saddlebench.results.journal.zlib.crc32", lambda data: None)
        with pytest.raises(StoreError, match=r"NOT NULL .*the 1 groups of results written before are kept"):
            fill(store, make, "c1")
        monkeypatch.undo()
        same(store.read(), before)
        fill(store, make, "c2")
        assert {cell for cell, _ in set(store.keys())} == {"c0", "c2"}


def test_another_current_directory_does_not_move_the_store(tmp_path, make, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with Store("out?x #%20/ü") as store:
        (tmp_path / "elsewhere").mkdir()
        monkeypatch.chdir(tmp_path / "elsewhere")
        fill(store, make, "c0")
        store.compact()
        fill(store, make, "c1")
        assert len(store.read().runs) == 2
    assert len(read(tmp_path / "out?x #%20" / "ü").runs) == 2
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_a_large_group_is_split_into_blobs_and_row_groups_and_comes_back_whole(tmp_path, make, monkeypatch):
    monkeypatch.setattr("saddlebench.results.journal.ROWS_PER_BLOB", 7)
    monkeypatch.setattr("saddlebench.results.compaction.ROWS_PER_GROUP", 20)
    with Store(tmp_path) as store:
        for cell in ("c0", "c1", "c2"):
            store.append(runs=[make.run(cell)], trace=make.trace(cell, length=25))
        before = store.read()
        assert before.trace["step"].tolist() == list(range(25)) * 3
        store.compact()
        same(store.read(), before)
    assert pq.ParquetFile(tmp_path / "trace.parquet").num_row_groups > 1


def test_threads_share_a_store(tmp_path, make):
    with Store(tmp_path) as store:
        work = [threading.Thread(target=fill, args=(store, make, f"c{n}", f"d{n}")) for n in range(4)]
        for thread in work:
            thread.start()
        for thread in work:
            thread.join()
        assert len(store.keys()) == 8
        assert len(list(tmp_path.glob("journal-*.sqlite"))) == 1


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_after_a_fork_the_child_writes_a_journal_of_its_own(tmp_path, make):
    with Store(tmp_path) as store:
        fill(store, make, "parent")
        child = os.fork()
        if child == 0:
            fill(store, make, "child")
            os._exit(0)
        assert os.waitpid(child, 0)[1] == 0
        fill(store, make, "later")
        assert {cell for cell, _ in set(store.keys())} == {"parent", "child", "later"}
        assert len(list(tmp_path.glob("journal-*.sqlite"))) == 2
        assert store.compact() == 2
        assert len(store.read().runs) == 3


READER = """
import sys
from saddlebench.results.store import read
for line in sys.stdin:
    tables = read(sys.argv[1])
    print(len(tables.runs), len(tables.trace), len(tables.notices), flush=True)
"""


def test_on_a_network_s_file_system_readers_and_writer_take_turns(tmp_path, make, monkeypatch):
    """Two processes on one disk, in the mode that needs no shared memory; no such file system is at hand in the tests."""
    monkeypatch.setattr("saddlebench.results.journal.on_network", lambda folder: True)
    with Store(tmp_path) as store:
        fill(store, make, "c0")
        (journal,) = tmp_path.glob("journal-*.sqlite")
        assert not Path(f"{journal}-wal").exists()
        with subprocess.Popen([sys.executable, "-c", READER, str(tmp_path)], stdin=-1, stdout=-1, text=True) as reader:
            requests, answers = reader.stdin, reader.stdout
            assert requests is not None
            assert answers is not None
            for number in range(1, 20):
                print("read", file=requests, flush=True)
                fill(store, make, f"c{number}")
                runs, rows, notices = map(int, answers.readline().split())
                assert (rows, notices) == (5 * runs, 0)
                assert number <= runs <= number + 1
            requests.close()
        assert store.compact() == 1
        assert len(store.keys()) == 20


def test_the_kind_of_a_file_system_is_that_of_the_nearest_mount(tmp_path, monkeypatch):
    lines = [
        "1 0 8:1 / / rw - ext4 /dev/sda rw",
        "2 1 0:9 / /home rw,relatime shared:1 - nfs4 server:/home rw",
        "3 2 8:2 / /home/my\\040disk rw - xfs /dev/sdb rw",
        "4 1 0:7 / /mnt rw - fuse.glusterfs volume rw",
    ]
    monkeypatch.setattr(Path, "read_text", lambda self: "\n".join(lines))
    found = {where: on_network(Path(where)) for where in ("/tmp", "/home/me/runs", "/home/my disk/runs", "/mnt/x")}
    assert found == {"/tmp": False, "/home/me/runs": True, "/home/my disk/runs": False, "/mnt/x": True}


def test_reading_imports_no_torch(tmp_path, make):
    with Store(tmp_path) as store:
        fill(store, make, "c0")
    code = "import sys; from saddlebench.results.store import read; print(len(read(sys.argv[1]).runs), 'torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["1", "False"]


# What may lie in the directory.


def test_a_file_in_place_of_the_directory_is_refused(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(InputError, match="is a file: results need a directory"):
        Store(tmp_path / "file")
    with pytest.raises(InputError, match="is a file"):
        read(tmp_path / "file")
    with pytest.raises(InputError, match=r"cannot (read|write)"):
        Store(tmp_path / "file" / "below")


def test_a_directory_of_other_things_is_refused_and_left_alone(tmp_path):
    (tmp_path / "thesis.tex").write_text("x")
    for action in (Store, read):
        with pytest.raises(InputError, match="holds other files and no results of saddlebench"):
            action(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_missing_and_empty_directories_have_no_results(tmp_path):
    with pytest.raises(InputError, match="no such directory"):
        read(tmp_path / "nowhere")
    with pytest.raises(InputError, match="the directory is empty"):
        read(tmp_path)
    with pytest.raises(InputError, match="no such directory"):
        Store(tmp_path / "nowhere", create=False)
    assert list(tmp_path.iterdir()) == []


def test_pictures_are_welcome_in_a_store_and_unknown_files_are_mentioned(tmp_path, make, caplog):
    with Store(tmp_path) as store:
        fill(store, make, "c0")
        (tmp_path / "samples").mkdir()
        (tmp_path / "curve.png").write_bytes(b"x")
    assert Store(tmp_path).notices == []
    (tmp_path / "core.dump").write_bytes(b"x")
    with caplog.at_level(logging.WARNING):
        assert "core.dump is no file of saddlebench and is left alone" in Store(tmp_path).notices[0]
    assert len(caplog.messages) == 1
    assert (tmp_path / "core.dump").exists()


def test_parquet_files_alone_are_a_store(tmp_path, make):
    with Store(tmp_path / "a") as store:
        fill(store, make, "c0")
        store.compact()
    (tmp_path / "b").mkdir()
    for table in TABLES:
        (tmp_path / "a" / f"{table}.parquet").rename(tmp_path / "b" / f"{table}.parquet")
    assert len(read(tmp_path / "b").runs) == 1
    with Store(tmp_path / "b") as store:
        fill(store, make, "c1")
        assert len(store.read().runs) == 2


# Other versions.


@pytest.mark.parametrize(("step", "advice"), [(1, "upgrade saddlebench"), (-1, "read it with the saddlebench that wrote it")])
@pytest.mark.parametrize("where", ["marker", "parquet", "journal"])
def test_another_schema_version_is_refused_with_what_to_do(tmp_path, make, monkeypatch, step, advice, where):
    with Store(tmp_path) as store:
        monkeypatch.setattr("saddlebench.results.journal.SCHEMA_VERSION", SCHEMA_VERSION + step * (where == "journal"))
        monkeypatch.setattr("saddlebench.results.compaction.SCHEMA_VERSION", SCHEMA_VERSION + step * (where == "parquet"))
        fill(store, make, "c0")
        if where == "parquet":
            store.compact()
    if where == "marker":
        marker = {"schema_version": SCHEMA_VERSION + step}
        (tmp_path / "saddlebench-results.json").write_text(json.dumps(marker))
    names = sorted(tmp_path.iterdir())
    for action in (Store, read):
        with pytest.raises(StoreError, match=f"has schema version {SCHEMA_VERSION + step}, .*{advice}"):
            action(tmp_path)
    assert sorted(tmp_path.iterdir()) == names


def test_a_nullable_column_added_since_reads_as_missing(tmp_path, make):
    with Store(tmp_path) as store:
        fill(store, make, "c0")
        store.compact()
    # What a version without `driver` would have written.
    for table in ("machines", "runs"):
        path = tmp_path / f"{table}.parquet"
        pq.write_table(pq.read_table(path).drop_columns(["driver"]), path)
    tables = read(tmp_path)
    assert tables.runs["driver"].isna().to_list() == tables.machines["driver"].isna().to_list() == [True]


def test_spectra_written_before_the_game_had_its_own_read_as_the_step_s(tmp_path, make):
    with Store(tmp_path) as store:
        fill(store, make, "c0")
        store.compact()
    path = tmp_path / "spectrum.parquet"
    whole = read(tmp_path).spectrum
    pq.write_table(pq.read_table(path).drop_columns(["operator", "gradient_share"]), path)
    old = read(tmp_path).spectrum
    assert set(old["operator"]) == {"step"}
    assert old["gradient_share"].isna().all()
    pd.testing.assert_frame_equal(old, whole)
    with Store(tmp_path) as store:  # and new rows stand beside them
        fill(store, make, "c1")
        store.compact()
    assert set(read(tmp_path).spectrum["cell"]) == {"c0", "c1"}


def test_a_column_of_a_later_saddlebench_is_not_dropped_silently(tmp_path, make):
    with Store(tmp_path) as store:
        fill(store, make, "c0")
        store.compact()
    path = tmp_path / "trace.parquet"
    table = pq.read_table(path)
    pq.write_table(table.append_column("surprise", table["step"]), path)
    with pytest.raises(StoreError, match="differ in column 'surprise' of trace"):
        read(tmp_path)


def test_two_writers_at_once_lose_nothing(tmp_path):
    code = (
        "import sys; sys.path.insert(0, sys.argv[2]); from conftest import run_row, trace_rows\n"
        "from saddlebench.results.store import Store\n"
        "with Store(sys.argv[1]) as store:\n"
        "    for n in range(60):\n"
        "        cell = f'{sys.argv[3]}{n}'\n"
        "        store.append(runs=[run_row(cell)], trace=trace_rows(cell))\n"
        "        if n % 25 == 24: store.compact()\n"
    )
    arguments = [sys.executable, "-c", code, str(tmp_path), str(Path(__file__).parent)]
    writers = [subprocess.Popen([*arguments, name]) for name in "ab"]
    seen: set[tuple[str, str]] = set()
    while any(writer.poll() is None for writer in writers):
        if (tmp_path / "saddlebench-results.json").exists():
            tables = read(tmp_path)
            keys = set(zip(tables.runs["cell"], tables.runs["context"], strict=True))
            assert len(keys) == len(tables.runs)
            assert seen <= keys, "what a reader saw must stay"
            assert (tables.trace["cell"].value_counts() == 5).all()
            assert set(tables.trace["cell"]) == set(tables.runs["cell"])
            seen = keys
    assert [writer.returncode for writer in writers] == [0, 0]
    tables = read(tmp_path)
    assert sorted(tables.runs["cell"]) == sorted(f"{name}{n}" for name in "ab" for n in range(60))
    assert len(tables.trace) == 600


def test_appends_are_committed_at_once_and_a_closed_journal_is_one_plain_file(tmp_path, make):
    store = Store(tmp_path)
    fill(store, make, "c0")
    journal = next(tmp_path.glob("journal-*.sqlite"))
    with sqlite3.connect(f"{journal.as_uri()}?mode=ro", uri=True) as other:
        assert other.execute("SELECT count(*) FROM groups").fetchone() == (1,)
    other.close()
    store.close()
    assert sorted(path.name for path in tmp_path.iterdir()) == [journal.name, "saddlebench-results.json"]
    assert len(read(tmp_path).runs) == 1


@pytest.mark.parametrize("compacted", [False, True])
def test_a_part_of_the_trace_is_read_alone(make, tmp_path, compacted):
    with Store(tmp_path / "r") as store:
        for cell in ("a", "b"):
            gap = make.trace(cell, measure="gap", answer="average")
            rows = [pd.DataFrame(make.trace(cell)), pd.DataFrame(gap)]
            store.append(runs=[make.run(cell)], trace=pd.concat(rows, ignore_index=True))
        if compacted:
            store.compact()
        store.append(runs=[make.run("a")], trace=make.trace("a", length=2))  # supersedes, from a journal
    whole = read(tmp_path / "r").trace
    assert [len(whole[whole["cell"] == cell]) for cell in "ab"] == [2, 10]
    for only in ({"measure": ["distance"]}, {"cell": ["b"], "answer": ["average", "last"]}, {"measure": ["none"]}):
        expected = whole[np.logical_and.reduce([whole[name].isin(list(values)) for name, values in only.items()])]
        part = read(tmp_path / "r", ("runs", "trace"), trace=only)
        pd.testing.assert_frame_equal(part.trace, expected.reset_index(drop=True))
        assert sorted(part.runs["cell"]) == ["a", "b"]
