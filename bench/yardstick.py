"""What the seconds of a timed run are judged by: how long its thread waited for a processor, and a yardstick beside its steps.

On a machine that others use too, a step takes longer for two reasons that say nothing about it. Its thread waits while another has
the processor; Linux counts that. And what runs on the neighbouring core slows caches and clock frequency, which a fixed piece
of work of the same kind, timed between the steps, feels alike.
"""

import os
import threading
import time
from functools import lru_cache

import torch


def waited() -> float:
    """Seconds that this thread was ready to run and had no processor, since it began; NaN where the system does not count them."""
    file = _schedule_of(threading.get_native_id())
    return float("nan") if file is None else int(os.pread(file, 64, 0).split()[1]) * 1e-9


def yardstick() -> float:
    """Seconds of a fixed piece of work, without waiting: two gradient steps on four numbers, as the smallest games make them.

    Never change it: the times of earlier nights are told in it.
    """
    x = torch.ones(1, 4, dtype=torch.float64, requires_grad=True)
    before, began = waited(), time.perf_counter()
    for _ in range(2):
        y = 0.5 * x + 1.0
        (gradient,) = torch.autograd.grad((y * y).sum(), [x])
        _ = gradient - 0.1 * y.detach()
    took = time.perf_counter() - began
    lost = waited() - before
    return took - lost if lost == lost else took


@lru_cache(maxsize=16)
def _schedule_of(thread: int) -> int | None:
    """The open file in which Linux counts a thread's time; a thread's number is its own in forked processes too."""
    try:
        return os.open(f"/proc/self/task/{thread}/schedstat", os.O_RDONLY)
    except OSError:
        return None
