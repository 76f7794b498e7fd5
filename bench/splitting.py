"""Groups of cells in parts, where all of them together would take too much memory.

Two things grow with the runs that step together: what a step holds (strategies, state, the graph of its derivatives), and what is
recorded until the part is in the store. A step may take a share of the memory that is free, the records a fixed amount: more would
make nothing faster. Parts are powers of two, so that a little more or less of free memory divides a suite in the same way.
"""

import os
from pathlib import Path

import torch

from saddlebench.bench.cells import Cell
from saddlebench.bench.estimate import estimate
from saddlebench.results.failures import log

_RECORDS = 2**28  # bytes of one part's records
_VALUE, _ROW = 24, 250  # bytes that a watched value takes while it is recorded and judged, and a trace's row until it is stored
_SURELY = 400  # times a profile's numbers: no step of the catalogue's takes so many, so nothing need be estimated below it
_ALONE = (
    10**7
)  # parameters of networks so large that one run's step fills a device: its trace would take minutes and tell nothing new
_MEASURES = 4  # distance and gap of the last iterate and of the average, the norm of the field; and one a player


def parts(group: list[Cell], dtype: str | None, device: torch.device, workers: int = 1) -> list[list[Cell]]:
    """The group in parts that step one after another, in order.

    Args:
        group: cells that could step together.
        dtype: of the profile; None: the game's own.
        device: that steps.
        workers: how many processes share this machine's memory.
    """
    if len(group) == 1:
        return [group]
    floating = getattr(torch, dtype or group[0].pairing.game.dtype)
    most = min(_RECORDS // _recorded(group[0]), _steps_together(group, floating, device, workers))
    if most >= len(group):
        return [group]
    size = 2 ** (max(most, 1).bit_length() - 1)
    return [group[k : k + size] for k in range(0, len(group), size)]


def _recorded(cell: Cell) -> int:
    """Bytes of one run's records."""
    pairing = cell.pairing
    measures = _MEASURES + len(pairing.game.players)
    watched, checkpoints = len(pairing.settings.watched_steps()), len(pairing.settings.checkpoint_steps())
    return measures * (watched * _VALUE + checkpoints * _ROW)


def _steps_together(group: list[Cell], dtype: torch.dtype, device: torch.device, workers: int) -> int:
    """How many runs' steps fit in their share of the free memory."""
    pairing = group[0].pairing
    budget = pairing.settings.memory * available(device) / workers
    if sum(pairing.game.sizes) >= _ALONE:
        return 1
    numbers = sum(pairing.game.sizes) * dtype.itemsize
    if len(group) * numbers * _SURELY <= budget:
        return len(group)
    try:
        one, two = (estimate(pairing.game, pairing.optimizer, runs, dtype).peak_bytes for runs in (1, 2))
    except Exception as error:  # a game may do what tensors without numbers cannot; then the rough rule stands
        log.debug("no estimate of the memory of %s: %s", group[0].label, error)
        one, two = 0, numbers * _SURELY
    return max(1, int((budget - (2 * one - two)) // max(two - one, 1)))


def available(device: torch.device) -> int:
    """Bytes of free memory of the device; of the machine, what this process's control group leaves of it."""
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[0]
    free = [_number("/proc/meminfo", "MemAvailable:") * 1024, os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")]
    limit = _number("/sys/fs/cgroup/memory.max")
    free += [limit - _number("/sys/fs/cgroup/memory.current")] if limit else []
    return max(1, min(x for x in free if x > 0))


def _number(path: str, name: str = "") -> int:
    """The number after a name in a file of the system; 0: there is none."""
    try:
        words = Path(path).read_text().split()
        word = words[words.index(name) + 1 if name else 0]
        return int(word)
    except (OSError, ValueError, IndexError):
        return 0
