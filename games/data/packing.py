"""Pictures into a packed data set: decoded by worker processes, which write into one memory-mapped file.

A line of ``.SPLIT.jsonl`` is kept for every finished block with the checksum of its bytes. A killed run goes on after them; blocks
whose bytes are not what the line says (a power cut) are made again. What cannot be decoded is left out and reported: the last
images take those places.
"""

import errno
import hashlib
import json
import os
import signal
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from io import BytesIO
from multiprocessing import get_context, parent_process
from pathlib import Path
from typing import Any

import numpy as np

from saddlebench.errors import InputError
from saddlebench.games.data.files import open_array, replacing
from saddlebench.games.data.imagenet import Block, Pictures
from saddlebench.games.data.packed import BLOCK, Packed, block_checksum, folder_of_packed, joint_checksum, packed
from saddlebench.games.data.preparing import Form, decode

_AHEAD = 3  # blocks a worker that wait or are in work


@dataclass(frozen=True)
class Done:
    """A finished block.

    Attributes:
        block: its number.
        sha256: of its rows' bytes.
        kinds: how many pictures of each kind there were, as PIL calls them.
        unread: row within the block, name and reason of what could not be decoded.
    """

    block: int
    sha256: str
    kinds: dict[str, int] = field(default_factory=dict)
    unread: list[tuple[int, str, str]] = field(default_factory=list)


def pack(
    name: str,
    split: str,
    side: int,
    pictures: Pictures,
    workers: int = 1,
    told: Callable[[int, bool], None] = lambda *_: None,
) -> Packed:
    """Make one split, or go on where an earlier call ended.

    Args:
        name: of the data set.
        split: ``"train"`` or ``"test"``.
        side: of the images, in pixels.
        pictures: the source.
        workers: processes that decode; 1: this one.
        told: called with a number of images that are done, and whether an earlier call had done them.

    Raises:
        InputError: another source was begun with, no room on the disk, a worker that died, nothing that can be decoded.
    """
    home = folder_of_packed(name)
    form, total = Form(side, 3), len(pictures.labels)
    rows = home / f"{split}_images.npy"
    try:
        home.mkdir(parents=True, exist_ok=True)
        with _alone(home):
            journal = _Journal(
                home / f".{split}.jsonl", {"source": pictures.identity, "side": side, "items": total, "block": BLOCK}
            )
            if not journal.begun or open_array(rows, (total, *form.shape)) is None:
                _make_room(rows, (total, *form.shape))
                journal.clear()
            _decode_all(rows, form, pictures, journal, workers, told)
            return _finish(name, split, side, pictures, rows, journal)
    except OSError as error:
        if error.errno == errno.ENOSPC:
            need = total * side * side * 3 / 1e9
            raise InputError(f"no room for {need:.1f} GB in {home}: set SADDLEBENCH_DATA to a larger disk") from error
        raise InputError(f"cannot write to {home}: {error}") from error


def discard(name: str, split: str) -> None:
    """Remove a split and what was begun of it."""
    home = folder_of_packed(name)
    for left in (f"{split}.json", f".{split}.jsonl", f"{split}_images.npy", f"{split}_labels.npy"):
        (home / left).unlink(missing_ok=True)


@contextmanager
def _alone(home: Path) -> Iterator[None]:
    """One process at a time writes into a folder; the lock ends with its process."""
    with (home / ".lock").open("w") as file:
        try:
            import fcntl
        except ImportError:  # Windows: two at once are the user's to avoid
            yield
            return
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise InputError(f"another process is preparing {home}") from None
        yield


class _Journal:
    """Finished blocks, a line each, after a line that says of what."""

    def __init__(self, path: Path, header: dict[str, Any]) -> None:
        self.path, self.header, self.begun = path, header, False
        self.done: dict[int, Done] = {}
        try:
            lines = path.read_text().splitlines()
        except OSError:
            return
        begun, *blocks = [found for line in lines if (found := _parsed(line)) is not None] or [None]
        if begun is not None and begun != header:
            raise InputError(
                f"{path.parent} was begun from another source, or the source has changed since: begin anew with --force"
            )
        self.begun = begun is not None
        self.done = {block["block"]: Done(**block) for block in blocks}

    def clear(self) -> None:
        self.begun, self.done = True, {}
        with replacing(self.path) as file:
            file.write(f"{json.dumps(self.header)}\n".encode())

    def add(self, done: Done) -> None:
        self.done[done.block] = done
        with self.path.open("a") as file:
            file.write(f"{json.dumps(asdict(done))}\n")


def _parsed(line: str) -> Any:
    try:
        return json.loads(line)
    except ValueError:
        return None  # the line at which the process was killed


def _make_room(path: Path, shape: tuple[int, ...]) -> None:
    """An array's file with all of its bytes allotted: a memory-mapped hole on a full disk would kill the process."""
    aside = path.with_suffix(".new")
    np.lib.format.open_memmap(aside, "w+", np.uint8, shape).flush()
    if hasattr(os, "posix_fallocate"):
        with aside.open("r+b") as file:
            try:
                os.posix_fallocate(file.fileno(), 0, aside.stat().st_size)
            except OSError:
                aside.unlink()
                raise
    aside.replace(path)


def _decode_all(
    path: Path, form: Form, pictures: Pictures, journal: _Journal, workers: int, told: Callable[[int, bool], None]
) -> None:
    total = len(pictures.labels)
    spans = {k: (k * BLOCK, min((k + 1) * BLOCK, total)) for k in range(-(-total // BLOCK))}
    with _Workers(workers) as crew:
        checks = ((_check, path, k, spans[k]) for k in sorted(journal.done))
        for k, sha256 in crew.run(checks):
            if sha256 == journal.done[k].sha256:
                told(spans[k][1] - spans[k][0], True)
            else:
                del journal.done[k]
        left = ((_decode, path, form, k, spans[k], pictures.block(*spans[k])) for k in spans if k not in journal.done)
        for done in crew.run(left):
            journal.add(done)
            first, last = spans[done.block]
            told(last - first, False)


def _check(path: Path, block: int, span: tuple[int, int]) -> tuple[int, str]:
    return block, block_checksum(np.load(path, mmap_mode="r")[slice(*span)])


def _decode(path: Path, form: Form, block: int, span: tuple[int, int], pictures: Block) -> Done:
    """Decode a block's pictures into their rows of the file."""
    rows = np.load(path, mmap_mode="r+")[slice(*span)]
    kinds: Counter[str] = Counter()
    unread: list[tuple[int, str, str]] = []
    for row, (name, content) in enumerate(pictures.encoded()):
        try:
            rows[row], kind = decode(BytesIO(content), form, name)
            kinds[kind] += 1
        except InputError as error:
            rows[row] = 0
            unread.append((row, name, str(error)))
    return Done(block, block_checksum(rows), dict(kinds), unread)


class _Workers:
    """Processes that do pieces of work, a few a process ahead; with one, this process does them."""

    def __init__(self, count: int) -> None:
        self.count = count
        self.pool = ProcessPoolExecutor(count, get_context("spawn"), initializer=_begin) if count > 1 else None

    def __enter__(self) -> "_Workers":
        return self

    def __exit__(self, *_: object) -> None:
        if self.pool is not None:
            self.pool.shutdown(wait=True, cancel_futures=True)

    def run(self, calls: Iterable[tuple[Any, ...]]) -> Iterator[Any]:
        """Results, in any order.

        Raises:
            InputError: a worker died.
        """
        if self.pool is None:
            yield from (function(*arguments) for function, *arguments in calls)
            return
        waiting: set[Future[Any]] = set()
        try:
            for call in calls:
                waiting.add(self.pool.submit(*call))
                if len(waiting) >= _AHEAD * self.count:
                    ready, waiting = wait(waiting, return_when=FIRST_COMPLETED)
                    yield from (future.result() for future in ready)
            while waiting:
                ready, waiting = wait(waiting, return_when=FIRST_COMPLETED)
                yield from (future.result() for future in ready)
        except BrokenProcessPool as error:
            raise InputError(
                "a worker process died (too little memory? use fewer --workers): what is done is kept, the same command goes on"
            ) from error


def _begin() -> None:
    """A worker leaves Ctrl-C to its parent, and ends with it even where that was killed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = parent_process()
    if parent is not None:

        def follow() -> None:
            parent.join()
            os._exit(1)

        threading.Thread(target=follow, daemon=True).start()


def _finish(name: str, split: str, side: int, pictures: Pictures, path: Path, journal: _Journal) -> Packed:
    """Close the gaps of what could not be decoded, and say what is there; done again after a kill, it comes to the same."""
    total = len(pictures.labels)
    unread = {k * BLOCK + row: (file, why) for k, done in sorted(journal.done.items()) for row, file, why in done.unread}
    items = total - len(unread)
    if not items:
        raise InputError(f"none of {total} images could be read: {next(iter(unread.values()))[1]}")
    checksums = [journal.done[k].sha256 for k in range(len(journal.done))]
    labels, home = pictures.labels.copy(), path.parent
    if unread:
        rows = np.load(path, mmap_mode="r+")
        spare = (row for row in range(total - 1, items - 1, -1) if row not in unread)
        for gap in (row for row in unread if row < items):
            source = next(spare)
            rows[gap], labels[gap] = rows[source], labels[source]
        rows.flush()
        checksums = checksums[: -(-items // BLOCK)]
        for k in {row // BLOCK for row in unread if row < items} | {len(checksums) - 1}:
            checksums[k] = block_checksum(rows[k * BLOCK : min((k + 1) * BLOCK, items)])
    with replacing(home / f"{split}_labels.npy") as file:
        np.save(file, labels[:items])
    kinds = sum((Counter(done.kinds) for done in journal.done.values()), Counter[str]())
    about = {
        "items": items,
        "rows": total,
        "side": side,
        "classes": list(pictures.classes),
        "checksum": joint_checksum(checksums),
        "labels_sha256": hashlib.sha256(labels[:items].tobytes()).hexdigest(),
        "source": pictures.identity,
        "kinds": dict(kinds.most_common()),
        "unread": [why for _, why in unread.values()],
        "blocks": checksums,
    }
    with replacing(home / f"{split}.json") as file:
        file.write(json.dumps(about).encode())
    journal.path.unlink()
    found = packed(name, split)
    assert found is not None, "written above"
    return found
