"""Time a step of compiled sweeps against JAX on the same arithmetic, and against a hand-written PyTorch loop; one thread each.

``make test-peers`` installs JAX; ``pytest --benchmark-only -s tests/benchmarks/test_compiled_sweeps.py`` prints the tables. What is
compared takes turns within every round, in process CPU time, so that what else the machine does falls on all; ratios are of one
round, their median stands with the smallest and the largest. Compiling is not timed (the first run compiles; its files are kept).
"""

import os
import time

import numpy as np
import pytest
import torch

from saddlebench.bench.build import build
from saddlebench.bench.compiling.tiers import chosen
from saddlebench.bench.contracts.playing import stepping
from saddlebench.bench.oracle import Counts
from saddlebench.bench.recording import Clock

ROUNDS, RUNS, STEPS = 7, 1000, 1000
SIZES = (10, 1)
STEP_SIZE = 0.1
METHODS = {  # ours, and the bounds of issue 7: at most so many times JAX's time on 10×10 and on 1×1
    "simultaneous": ("simultaneous-gradient", 1.5, 1.7),
    "extragradient": ("extragradient", 1.5, 1.7),
    "optimistic": ("optimistic-gradient", 1.5, 1.7),
    "adam": ("adam", 1.5, 1.7),
    "sga": ("symplectic-gradient", 2.0, 1.7),
    "cgd": ("competitive-gradient", 2.0, 1.7),
}


@pytest.fixture(autouse=True)
def _one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def matrix(n):
    return torch.linalg.qr(torch.arange(n * n, dtype=torch.float64).view(n, n).cos()).Q


class Ours:
    """Steps of the catalogue's method by one tier, from the games' own starts."""

    def __init__(self, mode, method, n, runs):
        game, self.steps = build("game", {"bilinear": {"matrix": matrix(n).tolist()}}), STEPS
        step, self.now = stepping(game, build("optimizer", {method: {"step_size": STEP_SIZE}}), torch.arange(runs))
        self.tier = chosen(mode, step, self.now, self.steps)
        assert self.tier.name == {"off": "eager", "trace": "traced", "on": "compiled"}[mode], self.tier.reason

    def __call__(self):
        now, clock = self.now, Clock(torch.device("cpu"))
        while now.step < self.steps:
            now, _ = self.tier.advance(now, None, min(self.tier.most, self.steps - now.step), Counts(2), clock)
        return torch.cat(now.w, -1).numpy()


def jax_sweep(method, n, x, y):
    """The same by `jax.lax.scan` over `jax.vmap`, gradients by `jax.grad`, Adam and optimistic gradient by optax."""
    os.environ.setdefault("XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1")
    jax = pytest.importorskip("jax", reason="the group peers is not installed: make test-peers")
    optax = pytest.importorskip("optax", reason="the group peers is not installed: make test-peers")
    import jax.numpy as jnp  # pyright: ignore[reportMissingImports] - of the group peers

    jax.config.update("jax_enable_x64", True)
    a, eta = jnp.asarray(matrix(n).numpy()), STEP_SIZE

    def loss(x, y):
        return x @ a @ y

    def field(w):
        return jax.grad(loss, 0)(*w), -jax.grad(loss, 1)(*w)

    def moved(w, v):
        return tuple(p - eta * g for p, g in zip(w, v, strict=True))

    def symplectic(w):
        v, pull = jax.vjp(field, w)
        _, jv = jax.jvp(field, (w,), (v,))
        return moved(w, tuple(g + (t - j) / 2 for g, t, j in zip(v, pull(v)[0], jv, strict=True)))

    def competitive(w):
        """(I + η²BBᵀ) u = v_x − ηB v_y by as many conjugate gradients as ours, B = ∂²f/∂x∂y."""
        (vx, vy), (x, y) = field(w), w

        def b(u):
            return jax.jvp(lambda y: jax.grad(loss, 0)(x, y), (y,), (u,))[1]

        def bt(u):
            return jax.jvp(lambda x: jax.grad(loss, 1)(x, y), (x,), (u,))[1]

        right = vx - eta * b(vy)
        u, r, p, square = jnp.zeros_like(right), right, right, right @ right
        limit = 1e-24 * square
        for _ in range(min(20, n + 2)):
            active = square > limit
            ahead = p + eta**2 * b(bt(p))
            step = jnp.where(active, square / jnp.where(active, p @ ahead, 1.0), 0.0)
            u, r = u + step * p, r - step * ahead
            new = r @ r
            p = r + jnp.where(active, new / jnp.where(active, square, 1.0), 0.0) * p
            square = jnp.where(active, new, square)
        return x - eta * u, y - eta * (vy + eta * bt(u))

    plain = {
        "simultaneous": lambda w: moved(w, field(w)),
        "extragradient": lambda w: moved(w, field(moved(w, field(w)))),
        "sga": symplectic,
        "cgd": competitive,
    }
    if method in plain:
        begin, step, strategies = lambda w: w, plain[method], lambda w: w
    else:
        rule = optax.adam(eta) if method == "adam" else optax.optimistic_gradient_descent(eta)

        def begin(w):
            return w, rule.init(w)

        def step(w):
            w, state = w
            update, state = rule.update(field(w), state, w)
            return optax.apply_updates(w, update), state

        def strategies(w):
            return w[0]

    @jax.jit
    def sweep(state):
        return jax.lax.scan(lambda s, _: (jax.vmap(step)(s), None), state, None, length=STEPS)[0]

    start = jax.vmap(begin)((jnp.asarray(x), jnp.asarray(y)))
    return lambda: np.concatenate(strategies(jax.block_until_ready(sweep(start))), -1)


def by_hand(method):
    """What one writes first: one run, one 1×1 game, autograd of the loss."""

    def gradients(x, y):
        x, y = x.detach().requires_grad_(), y.detach().requires_grad_()
        loss = (x * y).sum()
        return torch.autograd.grad(loss, x, retain_graph=True)[0], -torch.autograd.grad(loss, y)[0]

    def step(x, y):
        ahead = (x, y) if method == "simultaneous" else _moved(x, y, gradients(x, y))
        return _moved(x, y, gradients(*ahead))

    def loop():
        x, y = torch.ones(1, dtype=torch.float64), torch.ones(1, dtype=torch.float64)
        for _ in range(STEPS):
            x, y = step(x, y)

    return loop


def _moved(x, y, v):
    return x - STEP_SIZE * v[0], y - STEP_SIZE * v[1]


def rounds(*functions):
    """CPU seconds ``(rounds, functions)``, in turn, after one warm-up each."""
    for function in functions:
        function()
    found = np.empty((ROUNDS, len(functions)))
    for k in range(ROUNDS):
        for j, function in enumerate(functions):
            began = time.process_time()
            function()
            found[k, j] = time.process_time() - began
    return found


def told(ratio):
    return f"{np.median(ratio):.3g} ({ratio.min():.3g}–{ratio.max():.3g})"


@pytest.mark.parametrize("n", SIZES)
@pytest.mark.parametrize("name", METHODS)
def test_a_compiled_sweep_against_jax(name, n, benchmark):
    method, *bounds = METHODS[name]
    ours = Ours("on", method, n, RUNS)
    x, y = (w.numpy() for w in ours.now.w)
    theirs = jax_sweep(name, n, x, y)
    if name != "optimistic":  # optax begins with the first gradient in the past one's place
        np.testing.assert_allclose(ours(), theirs(), rtol=1e-6, atol=1e-9)
    seconds = rounds(ours, theirs)
    ratio, bound = seconds[:, 0] / seconds[:, 1], bounds[SIZES.index(n)]
    benchmark.pedantic(ours, rounds=1)
    benchmark.extra_info |= {"ratio": float(np.median(ratio)), "low": float(ratio.min()), "high": float(ratio.max())}
    micro = np.median(seconds, 0) / STEPS * 1e6
    holds = "holds" if np.median(ratio) <= bound else "does NOT hold"
    print(
        f"\n{name:14s} {n:2d}×{n:<2d} {RUNS} runs: ours {micro[0]:8.2f} µs a step, JAX {micro[1]:8.2f}; "
        f"ratio {told(ratio)}, at most {bound}: {holds}"
    )


@pytest.mark.parametrize("name", ["simultaneous", "extragradient"])
def test_many_runs_against_a_hand_written_loop(name, benchmark):
    method = METHODS[name][0]
    tiers = {
        "eager, 10,000 runs": (Ours("off", method, 1, 10_000), 10_000, "at least 300× faster"),
        "compiled, 1,000 runs": (Ours("on", method, 1, 1_000), 1_000, "at least 5,000× faster"),
        "traced, 1 run": (Ours("trace", method, 1, 1), 1, "at most 0.6 of the time"),
    }
    seconds = rounds(by_hand(name), *(ours for ours, _, _ in tiers.values()))
    benchmark.pedantic(tiers["compiled, 1,000 runs"][0], rounds=1)
    print(f"\n{name}: by hand {np.median(seconds[:, 0]) / STEPS * 1e6:.1f} µs a step of one run")
    for k, (label, (_, runs, wanted)) in enumerate(tiers.items(), 1):
        faster = seconds[:, 0] / (seconds[:, k] / runs)
        said = f"{told(faster)} times as fast a run" if runs > 1 else f"{told(1 / faster)} of the time"
        benchmark.extra_info[label] = float(np.median(faster))
        print(f"  {label:22s} {np.median(seconds[:, k]) / STEPS * 1e6:8.2f} µs a step: {said}; {wanted} is asked for")
