"""Torn and foreign files, disks that are full or read-only: one line for the user, and nothing dropped in silence."""

import logging
import os
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from saddlebench.errors import InputError
from saddlebench.results.store import Store, StoreError, read

PRELUDE = (
    f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r}); from conftest import run_row, trace_rows\n"
    "from saddlebench.results.store import Store, StoreError, read\n"
    "from saddlebench.errors import InputError\n"
)


@pytest.fixture
def store_with_both(tmp_path, make) -> Path:
    """A store with c0 in Parquet files and c1 in a closed journal."""
    with Store(tmp_path) as store:
        store.append(runs=[make.run("c0")], trace=make.trace("c0"), spectrum=make.spectrum("c0"))
        store.compact()
        store.append(runs=[make.run("c1")], trace=make.trace("c1", length=3000, value=list(range(3000))))
    return tmp_path


def truncate(path: Path, share: float = 0.5) -> None:
    os.truncate(path, int(path.stat().st_size * share))


def flip(path: Path, place: int) -> None:
    data = bytearray(path.read_bytes())
    data[place] ^= 0xFF
    path.write_bytes(bytes(data))


def cells(folder: Path) -> set[str]:
    return set(read(folder).runs["cell"])


@pytest.mark.parametrize("table", ["runs", "trace", "spectrum"])
def test_a_torn_table_is_skipped_by_readers_and_set_aside_with_its_companions_by_writers(store_with_both, caplog, table):
    truncate(store_with_both / f"{table}.parquet")
    with caplog.at_level(logging.WARNING):
        tables = read(store_with_both)
    assert f"{table}.parquet is skipped: it is torn" in caplog.text
    assert len(tables.notices) == 1
    assert set(tables.runs["cell"]) == ({"c1"} if table == "runs" else {"c0", "c1"})
    assert set(tables.trace["cell"]) == ({"c1"} if table in ("runs", "trace") else {"c0", "c1"})
    with Store(store_with_both) as store:
        assert len(store.notices) == 3
        assert set(store.keys()) == {("c1", "k0")}, "a cell that lacks rows must be run again"
        store.compact()
    assert {path.name for path in store_with_both.glob("*.set-aside")} == {
        f"{name}.parquet.set-aside" for name in ("runs", "trace", "spectrum")
    }
    assert cells(store_with_both) == {"c1"}


def test_torn_machines_are_set_aside_alone(store_with_both):
    truncate(store_with_both / "machines.parquet")
    assert len(Store(store_with_both).notices) == 1
    assert cells(store_with_both) == {"c0", "c1"}


def test_a_second_torn_file_does_not_overwrite_the_first(store_with_both, make):
    for _ in range(2):
        truncate(store_with_both / "runs.parquet")
        with Store(store_with_both) as store:
            store.append(runs=[make.run("c2")])
            store.compact()
    assert {path.name for path in store_with_both.glob("runs*")} == {
        *("runs.parquet", "runs.parquet.set-aside", "runs.parquet.set-aside-2")
    }


@pytest.mark.parametrize("damage", ["truncated", "overwritten", "text", "a row's byte"])
def test_a_damaged_journal_is_skipped_by_readers_and_set_aside_by_writers(store_with_both, damage):
    journal = next(store_with_both.glob("journal-*.sqlite"))
    if damage == "truncated":
        truncate(journal)
    elif damage == "overwritten":
        flip(journal, 3)
    elif damage == "text":
        journal.write_text("not a database, but long enough to be taken for one " * 50)
    else:
        # The last page is in the middle of the large trace: SQLite itself does not notice a changed byte there.
        flip(journal, journal.stat().st_size - 2000)
        with sqlite3.connect(journal) as database:
            assert database.execute("PRAGMA quick_check").fetchone() == ("ok",)
        database.close()
    content = journal.read_bytes()
    tables = read(store_with_both)
    assert set(tables.runs["cell"]) == {"c0"}
    assert f"{journal.name} is skipped" in tables.notices[0]
    with Store(store_with_both) as store:
        assert f"{journal.name} is set aside" in store.notices[0]
        assert set(store.keys()) == {("c0", "k0")}
        assert store.compact() == 0
    assert (store_with_both / f"{journal.name}.set-aside").read_bytes() == content
    assert Store(store_with_both).notices == []
    assert not list(store_with_both.glob("*.lock"))


def test_a_journal_that_tears_while_the_store_is_open_is_not_merged_away(store_with_both):
    with Store(store_with_both) as store:
        journal = next(store_with_both.glob("journal-*.sqlite"))
        truncate(journal)
        with pytest.raises(StoreError, match=r"damaged files: .*every result is kept"):
            store.compact()
    assert journal.exists()
    assert pq.ParquetFile(store_with_both / "runs.parquet").metadata.num_rows == 1


def test_foreign_files_under_our_names_are_set_aside(store_with_both):
    pq.write_table(pa.table({"x": [1]}), store_with_both / "notes.parquet")
    with sqlite3.connect(store_with_both / "journal-of-mine.sqlite") as database:
        database.execute("CREATE TABLE diary (day TEXT)")
    database.close()
    assert len(read(store_with_both).notices) == 1
    notices = Store(store_with_both).notices
    assert len(notices) == 2
    assert "journal-of-mine.sqlite is set aside as journal-of-mine.sqlite.set-aside: it is no journal" in notices[0]
    assert "notes.parquet is set aside" in notices[1]
    assert cells(store_with_both) == {"c0", "c1"}


def test_a_foreign_table_under_the_name_of_ours_is_set_aside(store_with_both):
    pq.write_table(pa.table({"cell": ["c9"]}), store_with_both / "machines.parquet")
    assert "it is no table of saddlebench" in Store(store_with_both).notices[0]
    assert cells(store_with_both) == {"c0", "c1"}


def test_a_damaged_page_is_an_error_and_not_a_wrong_number(store_with_both, make):
    with Store(store_with_both) as store:
        store.compact()
    path = store_with_both / "trace.parquet"
    flip(path, pq.ParquetFile(path).metadata.row_group(0).column(8).data_page_offset + 200)
    with pytest.raises(StoreError, match=r"trace.parquet is damaged .*: move it away"):
        read(store_with_both)


def test_a_journal_killed_before_its_first_commit_is_no_damage(store_with_both):
    (store_with_both / "journal-a-1-00.sqlite").touch()
    with sqlite3.connect(store_with_both / "journal-a-2-00.sqlite") as database:
        database.execute("PRAGMA journal_mode=WAL")
    database.close()
    assert read(store_with_both).notices == ()
    with Store(store_with_both) as store:
        assert store.notices == []
        assert store.compact() == 3
    assert not list(store_with_both.glob("journal*"))


def run_child(code: str, *arguments: str, wrapper: tuple[str, ...] = ()) -> str:
    command = [*wrapper, sys.executable, "-c", PRELUDE + code, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def private_mounts() -> tuple[str, ...]:
    """The command under which a child may mount what nobody else sees and what goes with it."""
    command = ("unshare", "--mount") if os.geteuid() == 0 else ("unshare", "--user", "--map-root-user", "--mount")
    if not shutil.which("unshare") or subprocess.run([*command, "true"], capture_output=True, check=False).returncode:
        pytest.skip("this system lets nobody mount a small disk in a namespace")
    return command


FILL_UP = """
number = 0
try:
    while True:
        values = [float(hash((number, row))) for row in range(3000)]
        store.append(runs=[run_row(f"c{number}")], trace=trace_rows(f"c{number}", length=3000, value=values))
        number += 1
except StoreError as error:
    text = str(error)
assert issubclass(StoreError, InputError)
assert text.startswith(f"no space left for results in {sys.argv[1]}") and "\\n" not in text, text
assert f"the {number} groups of results written before are kept" in text and number > 3, text
tables = read(sys.argv[1])
assert len(tables.runs) == number and len(tables.trace) == 3000 * number and tables.notices == ()
assert len(store.keys()) == number
"""


def test_a_full_disk_is_one_line_and_keeps_what_was_written(tmp_path):
    code = (
        "import subprocess\n"
        "subprocess.run(['mount', '-t', 'tmpfs', '-o', 'size=3m', 'none', sys.argv[1]], check=True)\n"
        f"store = Store(sys.argv[1])\n{FILL_UP}"
        "try: store.compact()\n"
        "except StoreError as error: assert 'every result is kept in its journal' in str(error), error\n"
        "assert len(read(sys.argv[1]).runs) == number\n"
        "subprocess.run(['mount', '-o', 'remount,size=30m', sys.argv[1]], check=True)\n"
        "store.append(runs=[run_row('later')])\n"
        "assert store.compact() >= 1\n"
        "assert len(read(sys.argv[1]).runs) == number + 1\n"
        "store.close(); print('good')\n"
    )
    assert run_child(code, str(tmp_path), wrapper=private_mounts()) == "good\n"


def test_a_limit_on_file_sizes_is_told_like_a_full_disk(tmp_path):
    code = (
        "import resource\n"
        f"store = Store(sys.argv[1])\nresource.setrlimit(resource.RLIMIT_FSIZE, (1_500_000, -1))\n{FILL_UP}"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (-1, -1))\n"
        "store.append(runs=[run_row('later')])\n"
        "store.close()\n"
        "assert len(read(sys.argv[1]).runs) == number + 1; print('good')\n"
    )
    assert run_child(code, str(tmp_path)) == "good\n"


def test_a_store_on_a_read_only_disk_is_read_and_not_written(tmp_path, make):
    source, target = tmp_path / "source", tmp_path / "target"
    target.mkdir()
    with Store(source) as store:
        store.append(runs=[make.run("parquet")])
        store.compact()
        store.append(runs=[make.run("closed")])
    store = Store(source)
    store.append(runs=[make.run("log")])  # left in the log of a journal whose writer, so it seems, was killed
    code = (
        "import subprocess, os\n"
        "source, target = sys.argv[1:]\n"
        "subprocess.run(['mount', '-t', 'tmpfs', 'none', target], check=True)\n"
        "subprocess.run(f'cp -r {source} {target}/store; rm {target}/store/*-shm', shell=True, check=True)\n"
        "subprocess.run(['mount', '-o', 'remount,ro', target], check=True)\n"
        "assert [n for n in os.listdir(f'{target}/store') if n.endswith('-wal')]\n"
        "tables = read(f'{target}/store')\n"
        "assert set(tables.runs['cell']) == {'parquet', 'closed', 'log'} and tables.notices == (), tables\n"
        "for folder in ('store', 'new'):\n"
        "    try: Store(f'{target}/{folder}')\n"
        "    except InputError as error: print(error)\n"
    )
    lines = run_child(code, str(source), str(target), wrapper=private_mounts()).splitlines()
    store.close()
    assert lines == [
        f"cannot write results in {target}/{name} (Read-only file system): nothing was written" for name in ("store", "new")
    ]


def test_a_directory_without_permission_is_one_line(tmp_path, monkeypatch):
    def refuse(*arguments, **options):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("saddlebench.results.folder.tempfile.TemporaryFile", refuse)
    with pytest.raises(InputError, match=r"^cannot write results in .* \(Permission denied\): nothing was written$"):
        Store(tmp_path)
