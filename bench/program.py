"""A program: runs that share a game and an optimizer, stepped together on the run axis."""

import resource
import time
from collections.abc import Callable

import torch
from torch import Tensor

from saddlebench.bench.checkpoints import Checkpoint, resumed
from saddlebench.bench.compiling.tiers import chosen
from saddlebench.bench.distributed import Ranks, SharedOracle
from saddlebench.bench.measuring import Measurer, Show
from saddlebench.bench.oracle import Counts, Oracle
from saddlebench.bench.recording import Clock, History, Point, Recorder
from saddlebench.bench.settings import Settings
from saddlebench.bench.tensor_files import TensorFileError
from saddlebench.games.game import Buffers, Game, Profile
from saddlebench.optimizers.optimizer import Optimizer


def run_program(
    game: Game,
    optimizer: Optimizer,
    seeds: Tensor,
    settings: Settings,
    dtype: torch.dtype,
    keep: tuple[int, ...] = (),
    timeout: float | None = None,
    on_step: Callable[[float], None] | None = None,
    checkpoint: Checkpoint | None = None,
    ranks: Ranks | None = None,
    show: Show | None = None,
) -> History:
    """Step all runs through the budget and record them.

    Args:
        game: the game.
        optimizer: the optimizer, stacked: its hyperparameters numbers or ``(runs, 1)``.
        seeds: ``(runs,)`` int64, on the device that steps.
        settings: with the steps filled in.
        dtype: of the profile.
        keep: steps whose whole state is kept, for a spectrum there; −1 is the last.
        timeout: wall seconds after which the program ends where it stands.
        on_step: told after every step which share of the budget is spent, outside the clock.
        checkpoint: gone on from where it is on disk, and written now and then; None: neither.
        ranks: the processes that share every evaluation; the first alone records and writes. None: this one is alone.
        show: of `Measurer`: sees the images of every checkpoint.

    Raises:
        UndividedError: the game or the method cannot be shared.
    """
    assert settings.steps is not None, "Settings.budget fills the steps in"
    device = seeds.device
    w = tuple(x.to(dtype) for x in game.initial(seeds))
    buffers = game.buffers(w, seeds)
    counts, clock, history = Counts(len(w)), Clock(device, settings.timing), History()
    first = ranks is None or ranks.first
    measurer = Measurer(game, seeds, w, ranks=ranks, show=show)
    history.extractor, history.references = measurer.extractor, measurer.references
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
    if settings.timing:  # a step is pure: this one is thrown away
        aside = Counts(len(w))
        thrown = optimizer.init(_oracle(game, seeds, 0, buffers, aside, dtype, ranks), w)
        _step(game, optimizer, seeds, Point(0, w, thrown, buffers), aside, ranks)
    state = optimizer.init(_oracle(game, seeds, 0, buffers, counts, dtype, ranks), w)
    answered = set(optimizer.answers(w, state))
    if unknown := answered - {"last", "average"}:
        raise ValueError(f"answers() names {', '.join(sorted(unknown))}: the tables hold last and average")
    # The runner's own uniform average, over the iterates after the start: their sum, divided when it is measured.
    total = tuple(torch.zeros_like(x) for x in w) if measurer.judged and "average" not in answered else None
    recorder = Recorder(history, measurer, optimizer, settings, w)
    now = Point(0, w, state, buffers)
    if checkpoint is not None:
        now, total = _gone_on(checkpoint, now, total, counts, clock, recorder, ranks)
    watched = (s for s in (settings.watched_steps() if measurer.judged else settings.checkpoint_steps()) if s >= now.step)
    due, began = next(watched, settings.steps), time.monotonic()
    limited = settings.cost is not None or settings.seconds is not None

    def one(now: Point, counts: Counts) -> Point:
        return _step(game, optimizer, seeds, now, counts, ranks)

    tier = chosen(settings.compile, one, now, settings.steps - now.step, total, ranks is not None)
    history.tier, history.tier_reason, history.compile_seconds = tier.name, tier.reason, tier.seconds
    while True:
        step = now.step
        last = step == settings.steps or history.timed_out or (limited and _spent(settings, counts, clock))
        if checkpoint is not None and first and (checkpoint.due or history.timed_out):
            checkpoint.save(now, total, counts, clock, recorder)
        if step == due or last:
            if first:
                recorder.take(now, counts, clock, now.w if total is not None and not step else total)
            else:
                measurer.assist(optimizer.answers(now.w, now.state).values(), now.buffers)
            if step in keep or (last and -1 in keep):
                history.kept[step] = now
            over = last or (first and recorder.all_diverged())
            late = timeout is not None and time.monotonic() - began > timeout
            if ranks is not None:
                over, late = ranks.told((over, late))
            if over:
                break
            history.timed_out = late
            due = next((s for s in watched if s > step), settings.steps)
        left = None if settings.cost is None else settings.cost - counts.cost
        block = min(due - step, tier.at_once(left, settings.seconds is not None))
        now, total = tier.advance(now, total, block, counts, clock)
        if on_step is not None:
            on_step(_share(settings, now.step, counts, clock))
    recorder.flush()
    history.peak_memory_bytes = _peak_memory(device)
    return history


def _oracle(
    game: Game, seeds: Tensor, step: int, buffers: Buffers, counts: Counts, dtype: torch.dtype, ranks: Ranks | None
) -> Oracle:
    """With which a step begins: of this process, or of all that share it."""
    oracle = Oracle.at_step(game, seeds, step, buffers, counts, dtype)
    return oracle if ranks is None else SharedOracle.of(oracle, ranks)


def _step(game: Game, optimizer: Optimizer, seeds: Tensor, now: Point, counts: Counts, ranks: Ranks | None) -> Point:
    """One step, and the buffers after its last committed move."""
    oracle = _oracle(game, seeds, now.step, now.buffers, counts, now.w[0].dtype, ranks)
    w, state = optimizer.step(oracle, now.w, now.state)
    return Point(now.step + 1, w, state, game.advance(w, oracle.stream.buffers))


def _gone_on(
    checkpoint: Checkpoint,
    start: Point,
    total: Profile | None,
    counts: Counts,
    clock: Clock,
    recorder: Recorder,
    ranks: Ranks | None,
) -> tuple[Point, Profile | None]:
    """Where the program stands and its sum of iterates: at its start, or at its checkpoint."""
    file = checkpoint.load() if ranks is None else ranks.told(checkpoint.load() if ranks.first else None)
    if file is not None:
        try:
            return resumed(file, start, counts, clock, recorder)
        except TensorFileError as error:
            if ranks is None or ranks.first:
                checkpoint.set_aside(str(error))
    return start, total


def _share(settings: Settings, step: int, counts: Counts, clock: Clock) -> float:
    """Of the budget that will end first, as far as it goes."""
    shares = [step / (settings.steps or 1)]
    if settings.cost is not None:
        shares.append(counts.cost / settings.cost)
    if settings.seconds is not None:
        shares.append(clock.total / settings.seconds)
    return min(1.0, max(shares))


def _spent(settings: Settings, counts: Counts, clock: Clock) -> bool:
    if settings.cost is not None and counts.cost >= settings.cost:
        return True
    return settings.seconds is not None and clock.read() >= settings.seconds


def _peak_memory(device: torch.device) -> int:
    """Of the device's allocator, or of the process."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


__all__ = ["Clock", "History", "Point", "run_program"]
