"""The directory of a store: what may lie in it, and what becomes of files that are torn or foreign."""

import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from fnmatch import fnmatch
from pathlib import Path

from saddlebench.errors import InputError
from saddlebench.results.failures import DamagedError, explained, log
from saddlebench.results.journal import BESIDE, lock_path
from saddlebench.results.locking import Lock, exclusive
from saddlebench.results.reading import JournalReader, require_version
from saddlebench.results.schema import SCHEMA_VERSION, TABLES
from saddlebench.results.view import ParquetTable, View

MARKER = "saddlebench-results.json"
"""Makes a directory a store. Its lock orders readers (shared) and those who rename or delete files (exclusive)."""

JOURNALS = "journal-*.sqlite"
OURS = (MARKER, *(f"{table}.parquet" for table in TABLES), JOURNALS)
WELCOME = (
    *(
        "trials",
        "samples",
        "figures",
        "checkpoints",
        "claims",
        "models",
        "report",
        "logs",
        "*.png",
        "*.svg",
        "*.pdf",
        "*.html",
        "*.csv",
        "*.json",
        "*.md",
    ),
    *("*.toml", "*.txt", "*.log", "*.set-aside*", "*.parquet.tmp", ".*", "journal-*.lock", "journal-*.sqlite-*"),
)
"""Names that may lie in a store without a word: what other commands write there, and passing files of the store."""


def prepare(folder: Path, create: bool) -> None:
    """Make `folder` a store that can be written, or raise InputError with the one reason why not."""
    kept = "nothing was written"
    if create:
        _refuse_foreign(folder)
        with explained(folder, kept):
            folder.mkdir(parents=True, exist_ok=True)
            try:
                with (folder / MARKER).open("x") as marker:
                    json.dump({"about": "results of saddlebench", "schema_version": SCHEMA_VERSION}, marker)
            except FileExistsError:
                pass
    else:
        require_store(folder)
    with explained(folder, kept):
        # Asking for permissions is not enough: root has them all, also on a read-only disk.
        (folder / MARKER).open("a").close()
        tempfile.TemporaryFile(dir=folder).close()


def require_store(folder: Path) -> None:
    """Raise InputError unless `folder` is a directory that holds results."""
    _refuse_foreign(folder)
    if not folder.exists():
        raise InputError(f"there are no results in {folder}: no such directory")
    if not any(_matches(name, OURS) for name in os.listdir(folder)):
        raise InputError(f"there are no results in {folder}: the directory is empty")


def _refuse_foreign(folder: Path) -> None:
    try:
        if not folder.exists():
            return
        if not folder.is_dir():
            raise InputError(f"{folder} is a file: results need a directory")
        names = [name for name in os.listdir(folder) if not name.startswith(".")]
    except OSError as error:
        raise InputError(f"cannot read {folder} ({error.strerror})") from error
    if names and not any(_matches(name, OURS) for name in names):
        raise InputError(f"{folder} holds other files and no results of saddlebench: name a new or empty directory")


def _matches(name: str, patterns: tuple[str, ...]) -> bool:
    return any(fnmatch(name, pattern) for pattern in patterns)


def _marked_version(folder: Path) -> int:
    try:
        return int(json.loads((folder / MARKER).read_text())["schema_version"])
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return SCHEMA_VERSION  # only the tables were copied, or a kill left it empty: the files' own versions decide


@contextmanager
def opened(
    folder: Path, journals: list[Path] | None = None, notices: list[str] | None = None, checked: bool = True
) -> Iterator[View]:
    """A View of `folder`, of all journals or of these. Damaged files are skipped, and said in the log and in `notices`.

    With `checked` the rows in journals are compared with their checksums first; keys alone always are.

    The caller holds the marker's lock. Raises StoreError for another schema version.
    """
    require_version(folder, _marked_version(folder))
    with ExitStack() as stack:
        readers: list[JournalReader] = []
        for path in sorted(folder.glob(JOURNALS)) if journals is None else journals:
            try:
                reader = JournalReader(path)
                stack.callback(reader.close)
                if checked:
                    reader.check()
                readers.append(reader)
            except FileNotFoundError:
                pass  # a journal that was never written to and is gone
            except DamagedError as error:
                _say(notices, f"{path} is skipped: {error}")
        parquet: dict[str, ParquetTable] = {}
        for table in TABLES:
            path = folder / f"{table}.parquet"
            try:
                parquet[table] = ParquetTable(path, table)
                stack.callback(parquet[table].close)
            except FileNotFoundError:
                pass
            except DamagedError as error:
                _say(notices, f"{path} is skipped: {error}")
        yield View(readers, parquet)


def tidy(folder: Path, notices: list[str]) -> int:
    """Set aside what is torn or foreign among the files of a store that is opened for writing; return the newest stamp.

    A file is renamed to `<name>.set-aside`, never deleted, and said in the log and in `notices`. Runs, trace and
    spectrum go together, because cells of which rows are missing would count as finished. Other unknown files are
    mentioned and left alone.
    """
    require_version(folder, _marked_version(folder))
    with explained(folder, "nothing was lost"), exclusive(folder / MARKER):
        sweep(folder)
        for path in sorted(folder.iterdir()):
            if fnmatch(path.name, JOURNALS):
                _tidy_journal(path, notices)
            elif path.suffix == ".parquet" and path.stem not in TABLES:
                _set_aside(path, "it is none of our tables", notices)
            elif not _matches(path.name, (*OURS, *WELCOME)):
                _say(notices, f"{path} is no file of saddlebench and is left alone")
        for table in TABLES:
            path = folder / f"{table}.parquet"
            try:
                ParquetTable(path, table).close()
            except FileNotFoundError:
                pass
            except DamagedError as error:
                together = [table] if table == "machines" else ["runs", "trace", "spectrum"]
                for other in together:
                    reason = str(error) if other == table else f"its rows belong to those of {path.name}, which is set aside"
                    if (folder / f"{other}.parquet").exists():
                        _set_aside(folder / f"{other}.parquet", reason, notices)
        with opened(folder) as view:
            return view.newest


def sweep(folder: Path) -> None:
    """Remove what kills have left that holds no results: half-written tables, and files beside journals that are gone.

    The caller holds the marker alone, so nobody is writing tables.
    """
    for path in folder.glob("*.parquet.tmp"):
        path.unlink()
    for path in folder.glob("journal-*"):
        for ending in BESIDE:
            if path.name.endswith(f".sqlite{ending}") and not Path(str(path).removesuffix(ending)).exists():
                path.unlink(missing_ok=True)
        # A writer locks before it creates its journal: only a lock that nobody holds belongs to the dead.
        if path.suffix == ".lock" and not path.with_suffix(".sqlite").exists() and (lock := Lock.take(path)):
            lock.release(remove=not path.with_suffix(".sqlite").exists())


def _tidy_journal(path: Path, notices: list[str]) -> None:
    lock = Lock.take(lock_path(path))
    if lock is None:
        return  # its writer is alive
    try:
        reader = JournalReader(path)
        try:
            reader.check()
        finally:
            reader.close()
    except DamagedError as error:
        # SQLite's files go along under the names at which it looks for them.
        target = _set_aside(path, str(error), notices)
        for suffix in BESIDE:
            if (beside := Path(f"{path}{suffix}")).exists():
                beside.rename(f"{target}{suffix}")
    finally:
        lock.release(remove=True)


def _set_aside(path: Path, reason: str, notices: list[str]) -> Path:
    target, count = path.with_name(f"{path.name}.set-aside"), 1
    while target.exists():
        count += 1
        target = path.with_name(f"{path.name}.set-aside-{count}")
    path.rename(target)
    _say(notices, f"{path} is set aside as {target.name}: {reason}")
    return target


def _say(notices: list[str] | None, text: str) -> None:
    log.warning("%s", text)
    if notices is not None:
        notices.append(text)
