"""Time a step against the runs that step together and against the game's size: docs/scaling.svg and the fitted exponents.

``python docs/scaling.py`` from the checkout; one thread, process CPU time, the least of five repetitions. A curve's exponent is the
slope of log time over log size where a step is work and no longer overhead: at sizes whose time is at least ten times the least.
"""

import sys
import time
from pathlib import Path

import matplotlib as mpl
import numpy as np
import torch
from matplotlib.figure import Figure

from saddlebench.bench.build import build
from saddlebench.bench.compiling.tiers import Eager, chosen
from saddlebench.bench.contracts.playing import stepping
from saddlebench.bench.oracle import Counts
from saddlebench.bench.recording import Clock
from saddlebench.results.figures.style import COLOURS, CONTEXT, saved

RUNS = [100, 300, 1000, 3000, 10_000, 30_000, 100_000]
DIMENSIONS = [10, 30, 100, 300, 1000]  # n of an n × n game, whose matrix has n² numbers: a step reads each once or a few times
METHODS = ["simultaneous-gradient", "extragradient", "adam", "symplectic-gradient"]
REPETITIONS = 5


def seconds_a_step(game: object, method: str, runs: int, mode: str) -> float:
    """CPU seconds of one step of all runs."""
    step, now = stepping(build("game", game), build("optimizer", method), torch.arange(runs))
    tier: Eager = chosen(mode, step, now, 10**6)
    clock, best, steps = Clock(torch.device("cpu")), np.inf, 1
    for _ in range(REPETITIONS + 1):  # the first warms up
        began = time.process_time()
        for _ in range(steps):
            now, _ = tier.advance(now, None, 1, Counts(2), clock)
        took = (time.process_time() - began) / steps
        best, steps = min(best, took), max(1, min(200, round(0.02 / took)))
    return best


def square(numbers: int) -> tuple[object, int]:
    """A game with so many numbers, and one run."""
    n = round(numbers**0.5)
    return {"bilinear": {"shape": [n, n]}}, 1


def exponent(sizes: list[int], seconds: list[float]) -> float:
    """The slope where work outweighs overhead."""
    x, y = np.array(sizes, dtype=float), np.array(seconds)
    large = y >= 10 * y.min() if (y >= 10 * y.min()).sum() >= 2 else np.arange(len(y)) >= len(y) - 2
    return float(np.polyfit(np.log(x[large]), np.log(y[large]), 1)[0])


def main() -> None:
    """Measure, print, draw."""
    identity = np.eye(10).tolist()
    torch.set_num_threads(1)
    panels = {
        "runs, bilinear 10 × 10": (RUNS, lambda size: ({"bilinear": {"matrix": identity}}, size)),
        "numbers n² of A, one run of bilinear n × n": ([n * n for n in DIMENSIONS], square),
    }
    with mpl.rc_context(CONTEXT):
        figure = Figure(figsize=(7, 3), layout="constrained")
        for axes, (label, (sizes, of)) in zip(figure.subplots(1, 2), panels.items(), strict=True):
            for colour, method in zip(COLOURS, METHODS, strict=False):
                for mode, line in (("off", "-"), ("trace", ":")):
                    seconds = [seconds_a_step(game, method, runs, mode) for game, runs in map(of, sizes)]
                    slope = exponent(sizes, seconds)
                    print(
                        f"{label}, {method}, {mode}: exponent {slope:.2f}; µs a step {[round(s * 1e6) for s in seconds]}",
                        flush=True,
                    )
                    axes.loglog(sizes, np.array(seconds) * 1e6, line, color=colour, label=f"{method}, {mode}: {slope:.2f}")
            axes.set(xlabel=label, ylabel="µs a step")
            axes.legend(fontsize=5)
        print(saved(figure, Path(__file__).with_name("scaling.svg")), file=sys.stderr)


if __name__ == "__main__":
    main()
