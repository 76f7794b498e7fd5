"""Runs jobs that get killed: a process that has imported everything and forks a child for each line of its input.

A line is `{"job": …, "folder": …, …}` in JSON. The child's process id is printed, then, when it is gone, its wait status.
"""

import json
import os
import sys
from itertools import count
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

from conftest import run_row, trace_rows

from saddlebench.results import compaction
from saddlebench.results.store import Store


def length(number: int) -> int:
    """Checkpoints of the cell `number`."""
    return 1 + 37 * number % 400


def write(folder: str, acknowledged: str, compacts: bool) -> None:
    """Append cell after cell that is not there yet, for ever, noting each in a file once `append` has returned."""
    notes = os.open(acknowledged, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    with Store(folder) as store:
        done = store.keys()
        for number in count():
            key = (f"c{number}", "k0")
            if key in done:
                continue
            store.append(runs=[run_row(*key)], trace=trace_rows(*key, length=length(number)))
            os.write(notes, f"{number}\n".encode())
            if compacts and number % 50 == 49:
                store.compact()


def compact(folder: str, replaces: int, removes: int) -> None:
    """Compact, dying just before the rename number `replaces` or the removal number `removes`, both counted from 0."""

    def mortal(function: Any, survives: int) -> Any:
        calls = count()

        def call(*arguments: Any) -> Any:
            if next(calls) == survives:
                os._exit(9)
            return function(*arguments)

        return call

    compaction.os.replace = mortal(os.replace, replaces)
    compaction.remove = mortal(compaction.remove, removes)
    compaction.compact(Path(folder))


def main() -> None:
    """Serve lines until the input ends."""
    jobs = {"write": write, "compact": compact}
    for line in sys.stdin:
        request = json.loads(line)
        child = os.fork()
        if child == 0:
            jobs[request.pop("job")](**request)
            os._exit(0)
        print(child, flush=True)
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)


if __name__ == "__main__":
    main()
