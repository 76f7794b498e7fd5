"""Optax: the same trajectories, from JAX's own derivatives of the same game."""

import numpy as np
import pytest

from saddlebench.bench.build import build

from .waves import MISSING, RUNS, Waves, assert_same, played, starts

jax = pytest.importorskip("jax", reason=MISSING)
optax = pytest.importorskip("optax", reason=MISSING)
jnp = jax.numpy
pytestmark = pytest.mark.peers
STEPS = 300
GAMES = [Waves(1), Waves(2, (2, 4), zero_sum=False)]


@pytest.fixture(autouse=True)
def double_precision():
    with jax.enable_x64(True):
        yield


def theirs(game, transform, synced=False, after=lambda w: w, steps=STEPS):
    """Optax's trajectory; ``synced``: its parameters are lookahead's pair; ``after``: applied to every new profile."""

    def field(w):
        x, y = w
        return jax.grad(lambda x: game.values(jnp, x, y)[0])(x), jax.grad(lambda y: game.values(jnp, x, y)[1])(y)

    def run(w):
        w = optax.LookaheadParams.init_synced(w) if synced else w

        def step(carry, _):
            w, state = carry
            updates, state = transform.update(field(w.fast if synced else w), state, w)
            w = after(optax.apply_updates(w, updates))
            return (w, state), w.fast if synced else w

        return jax.lax.scan(step, (w, transform.init(w)), length=steps)[1]

    seen = jax.jit(jax.vmap(run, out_axes=1))(tuple(jnp.asarray(x) for x in starts(game)))
    return tuple(np.asarray(x) for x in seen)


# Near the equilibrium a division by a vanishing √s amplifies rounding at every step: there a large ε damps it, or small steps
# stay away.
CASES = {
    "sgd": ("simultaneous-gradient", {"step_size": 0.05}, lambda: optax.sgd(0.05)),
    "momentum": ("heavy-ball", {"step_size": 0.02, "momentum": 0.6}, lambda: optax.sgd(0.02, momentum=0.6)),
    "negative momentum": ("heavy-ball", {"step_size": 0.1, "momentum": -0.5}, lambda: optax.sgd(0.1, momentum=-0.5)),
    "nesterov": ("nesterov", {"step_size": 0.02, "momentum": 0.7}, lambda: optax.sgd(0.02, momentum=0.7, nesterov=True)),
    "optimistic gradient": (
        "optimistic-gradient",
        {"step_size": 0.1, "start": "gradient"},
        lambda: optax.optimistic_gradient_descent(0.1),
    ),
    "optimistic gradient, κ = 0.7": (
        "optimistic-gradient",
        {"step_size": 0.1, "optimism": 0.7, "start": "gradient"},
        lambda: optax.optimistic_gradient_descent(0.1, beta=0.7),
    ),
    "adam": ("adam", {"step_size": 0.01, "betas": [0.9, 0.99]}, lambda: optax.adam(0.01, 0.9, 0.99)),
    "adam of BigGAN": ("adam", {"step_size": 0.002, "betas": [0.0, 0.999]}, lambda: optax.adam(0.002, 0.0, 0.999)),
    "adamw": (
        "adam-w",
        {"step_size": 0.01, "weight_decay": 0.1, "epsilon": 1e-6},
        lambda: optax.adamw(0.01, weight_decay=0.1, eps=1e-6),
    ),
    "rmsprop, ε outside the root": (
        "rmsprop",
        {"step_size": 0.01, "smoothing": 0.95, "epsilon": 0.1},
        lambda: optax.rmsprop(0.01, 0.95, 0.1, eps_in_sqrt=False),
    ),
    "rmsprop, ε inside the root": (
        "rmsprop",
        {"step_size": 0.01, "smoothing": 0.95, "epsilon": 0.01, "epsilon_inside": True},
        lambda: optax.rmsprop(0.01, 0.95, 0.01),
    ),
    "rmsprop of TensorFlow 1": (
        "rmsprop",
        {"step_size": 0.0002, "smoothing": 0.9, "epsilon": 1e-10, "epsilon_inside": True, "initial_square": 1},
        lambda: optax.rmsprop(0.0002, 0.9, 1e-10, initial_scale=1.0),
    ),
    "optimistic adam, Nesterov off": (
        "optimistic-adam",
        {"step_size": 0.01, "epsilon": 0.1, "start": "gradient"},
        lambda: optax.optimistic_adam_v2(0.01, b1=0.5, b2=0.9, eps=0.1, nesterov=False),
    ),
}


@pytest.mark.parametrize("game", GAMES, ids=["zero-sum", "general-sum"])
@pytest.mark.parametrize("case", CASES)
def test_trajectories_agree(case, game):
    name, parameters, transform = CASES[case]
    assert_same(played(game, name, parameters, STEPS), theirs(game, transform()))


@pytest.mark.parametrize("base", ["sgd", "adam"])
def test_lookahead(base):
    ours, fast = {
        "sgd": ({"simultaneous-gradient": {"step_size": 0.1}}, optax.sgd(0.1)),
        "adam": ({"adam": {"step_size": 0.01}}, optax.adam(0.01)),
    }[base]
    method = {"base": ours, "inner_steps": 6, "alpha": 0.4}
    ahead = optax.lookahead(fast, sync_period=6, slow_step_size=0.4)
    assert_same(played(GAMES[0], "lookahead-minmax", method, STEPS), theirs(GAMES[0], ahead, synced=True))


def test_optimistic_adam_of_optax_is_algorithm_1_only_with_nesterov_switched_off():
    """Daskalakis et al.'s Algorithm 1 has Adam's plain m̂/√ŝ; Optax's default puts Nesterov's in its place."""
    ours = played(GAMES[0], "optimistic-adam", {"step_size": 0.01, "epsilon": 0.1, "start": "gradient"}, STEPS)
    default = theirs(GAMES[0], optax.optimistic_adam_v2(0.01, b1=0.5, b2=0.9, eps=0.1))
    assert max(np.abs(x - y).max() for x, y in zip(ours, default, strict=True)) > 1e-3


@pytest.mark.parametrize("name", ["optimistic-gradient", "optimistic-adam"])
def test_the_other_start_convention_is_another_trajectory(name):
    """Optax takes v₋ = v(w₀): a first step of η. With v₋ = 0, as in the code of Gidel et al., it is 2η."""
    parameters = {"step_size": 0.01, "betas": [0.5, 0.9]} if name == "optimistic-adam" else {"step_size": 0.1}
    begun = [played(GAMES[0], name, {**parameters, "start": start}, 1) for start in ("zero", "gradient")]
    for x0, zero, gradient in zip(starts(GAMES[0]), *begun, strict=True):
        np.testing.assert_allclose(zero[0] - x0, 2 * (gradient[0] - x0), rtol=1e-10)


def test_projected_gradient_on_the_simplex():
    """A matrix game, by Optax's own projection."""
    payoff = np.random.default_rng(4).normal(size=(4, 3))
    game = build("game", {"matrix-game": {"payoff": payoff.tolist()}})

    class Linear:
        def initial(self, seeds):
            return game.initial(seeds)

        def values(self, library, x, y):
            f = -(x @ library.asarray(payoff)) @ y
            return f, -f

    def project(w):
        return tuple(optax.projections.projection_simplex(x) for x in w)

    ours = played(game, "projected-gradient", {"step_size": 0.05}, STEPS)
    assert_same(ours, theirs(Linear(), optax.sgd(0.05), after=project))
    assert ours[0].shape == (STEPS, RUNS, 4)
