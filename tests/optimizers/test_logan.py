"""LOGAN against its equations: a game of two numbers whose derivatives are written by hand, and networks."""

import dataclasses
from dataclasses import dataclass

import pytest
import torch

from saddlebench.bench.build import build
from saddlebench.bench.contracts.optimizer_spectrum import jacobian_equals_finite_differences
from saddlebench.bench.contracts.playing import advance, begin, same, seeds_of
from saddlebench.bench.oracle import Counts, Oracle
from saddlebench.bench.trees import map_tensors
from saddlebench.games import GAMES
from saddlebench.games.game import Game
from saddlebench.games.gaussian_ring import GaussianRing
from saddlebench.optimizers.adam import Adam
from saddlebench.optimizers.alternating_gradient import AlternatingGradient
from saddlebench.optimizers.logan import Logan
from saddlebench.optimizers.moving_average import MovingAverage
from saddlebench.optimizers.simultaneous_gradient import SimultaneousGradient

ALPHA, BETA = 0.9, 0.3
GANS = [name for name, cls in GAMES.items() if cls.has_latents]


@dataclass(frozen=True)
class Toy(Game):
    """G(z) = θz, D(x) = φ sin x: L_G = −E f(z'), L_D = E f(z') − 2φ with f(z) = φ sin(θz), three latents a run."""

    name = "toy"
    stochastic = True
    has_latents = True
    latent_bound: float | None = None  # pyright: ignore[reportIncompatibleMethodOverride] - here a parameter

    @property
    def players(self):
        return ("generator", "discriminator")

    @property
    def sizes(self):
        return (1, 1)

    def initial(self, seeds):
        x = torch.linspace(0.4, 1.3, len(seeds), dtype=torch.float64)[:, None]
        return x, 1.7 - x

    def sample(self, seeds, step, draw):
        return (torch.tensor([0.3, -0.8, 0.6], dtype=torch.float64).expand(len(seeds), 3)[..., None],)

    def latents(self, sample):
        return sample[0]

    def with_latents(self, sample, latents):
        return (latents,)

    def score(self, profile, sample, buffers=()):
        theta, phi = profile
        return phi * (theta * sample[0][..., 0]).sin()

    def losses(self, profile, sample, buffers):
        f = self.score(profile, sample).mean(-1)
        return -f, f - 2 * profile[1][:, 0]


def oracle_of(game, runs=2, differentiable=False):
    seeds = seeds_of(runs)
    w = tuple(x.double() for x in game.initial(seeds))
    buffers = map_tensors(torch.Tensor.double, game.buffers(w, seeds))
    return Oracle.at_step(game, seeds, 0, buffers, Counts(len(w)), torch.float64, differentiable), w


def by_hand(w, natural):
    """First and second terms of equation 8, both players': with g = f_z(z), Δz = αh(g), z' = z + Δz.

    dL_D/dφ = f_φ(z') + αh'(g) f_zφ(z) f_z(z') − 2 and dL_G/dθ = −f_θ(z') − αh'(g) f_zθ(z) f_z(z').
    """
    theta, phi = w
    z = torch.tensor([0.3, -0.8, 0.6], dtype=torch.float64)
    g = phi * theta * (theta * z).cos()
    slope = (BETA - g**2) / (BETA + g**2) ** 2 if natural else torch.ones_like(g)
    moved = z + ALPHA * (g / (BETA + g**2) if natural else g)
    along = ALPHA * slope * phi * theta * (theta * moved).cos()
    first = -(phi * moved * (theta * moved).cos()).mean(-1), (theta * moved).sin().mean(-1) - 2
    second = (
        -((phi * (theta * z).cos() - phi * theta * z * (theta * z).sin()) * along).mean(-1),
        (theta * (theta * z).cos() * along).mean(-1),
    )
    return first, second


@pytest.mark.parametrize("natural", [False, True])
@pytest.mark.parametrize("through", [(True, True), (True, False), (False, True), (False, False)])
def test_gradient_is_equation_8_and_each_switch_removes_its_term(natural, through):
    oracle, w = oracle_of(Toy())
    logan = Logan(
        natural=natural,
        latent_step_size=ALPHA,
        latent_damping=BETA,
        through_generator=through[0],
        through_discriminator=through[1],
    )
    field = oracle.deformed(logan.losses).field(w)
    alone = tuple(oracle.deformed(logan.losses).gradient(i, w) for i in range(2))
    first, second = by_hand(w, natural)
    for i in range(2):
        assert second[i].abs().min() > 1e-3
        torch.testing.assert_close(field[i][:, 0], first[i] + (second[i] if through[i] else 0), rtol=1e-12, atol=1e-12)
        assert torch.equal(alone[i], field[i])


def test_natural_step_is_the_solve_and_is_bounded():
    oracle, w = oracle_of(GaussianRing.small(), differentiable=True)
    evaluation = oracle.evaluation(w)
    g = evaluation.latent_gradient((True, True)).detach()
    latents, step = Logan(latent_damping=BETA, latent_step_size=ALPHA).optimised(evaluation)
    matrix = g.unsqueeze(-1) * g.unsqueeze(-2) + BETA * torch.eye(g.shape[-1], dtype=g.dtype)
    torch.testing.assert_close(step.detach(), ALPHA * torch.linalg.solve(matrix, g), rtol=1e-10, atol=1e-13)
    assert torch.equal(latents, evaluation.latents + step)
    for damping in (1e-6, 1e-3, 0.1, 5.0):
        length = Logan(latent_damping=damping, latent_step_size=ALPHA).optimised(evaluation)[1].norm(dim=-1).max()
        assert length <= ALPHA / (2 * damping**0.5) * (1 + 1e-12)
    small = Logan(latent_damping=float(g.norm(dim=-1).median() ** 2), latent_step_size=ALPHA)
    bound = ALPHA / (2 * small.latent_damping**0.5)
    assert small.optimised(evaluation)[1].norm(dim=-1).max() > 0.999 * bound  # reached where ‖g‖² = β


@pytest.mark.parametrize("name", GANS)
def test_every_game_with_latents_is_played_and_portion_0_is_the_base_bit_for_bit(name):
    game = GAMES[name].small()
    bases = {"simultaneous": Adam(1e-3), "alternating": AlternatingGradient(0.01, schedule=(1, 1, 0))}
    for base in bases.values():
        start = begin(game, base, seeds_of(2))
        plain = advance(game, base, start, 2)
        none = Logan(base, portion=0.0)
        off = advance(game, none, begin(game, none, start.seeds), 2)
        assert same(off.w, plain.w)
        assert same(off.buffers, plain.buffers)
        whole = Logan(base, latent_damping=0.1)
        on = advance(game, whole, begin(game, whole, start.seeds), 2)
        assert all(x.isfinite().all() for x in on.w)
        assert not same(on.w, plain.w)


def test_portion_is_of_the_batch():
    oracle, w = oracle_of(GaussianRing.small())
    for portion, count in ((0.0, 0), (0.25, 8), (0.7, 22), (1.0, 32)):
        latents, step = Logan(portion=portion).optimised(oracle.evaluation(w))
        moved = (latents != oracle.evaluation(w).latents).any(-1)
        assert moved.sum(-1).tolist() == [count, count]
        assert torch.equal(moved, (step != 0).any(-1))


def test_portion_is_of_the_elements():
    """Half of each latent moves, by the natural step of those elements alone: α(ggᵀ + βI)⁻¹g."""
    oracle, w = oracle_of(GaussianRing.small())
    evaluation = oracle.evaluation(w)
    latents, half = evaluation.latents, evaluation.latents.shape[-1] // 2
    logan = Logan(portion=0.5, portion_of="elements", latent_damping=0.1, clip=False)
    moved, step = logan.optimised(evaluation)
    assert torch.equal(moved[..., half:], latents[..., half:])
    g = evaluation.latent_gradient((True, True))[..., :half]
    matrix = g.unsqueeze(-1) * g.unsqueeze(-2) + 0.1 * torch.eye(half, dtype=g.dtype)
    torch.testing.assert_close(step[..., :half], logan.latent_step_size * torch.linalg.solve(matrix, g), rtol=1e-10, atol=1e-14)


def test_hyperparameters_differ_between_runs_of_a_batch():
    oracle, w = oracle_of(GaussianRing.small())
    values = {"latent_step_size": (0.5, 1.5), "latent_damping": (0.1, 2.0), "portion": (0.3, 0.9), "penalty": (0.2, 3.0)}
    batch = Logan(**{k: torch.tensor(v, dtype=torch.float64)[:, None] for k, v in values.items()})
    together = oracle.deformed(batch.losses).losses(w)
    for run in range(2):
        alone = oracle.deformed(Logan(**{k: v[run] for k, v in values.items()}).losses).losses(w)
        for x, y in zip(together, alone, strict=True):
            torch.testing.assert_close(x[run], y[run], rtol=1e-13, atol=0)


def test_penalty_is_the_mean_square_of_the_step():
    oracle, w = oracle_of(GaussianRing.small())
    plain, paid = Logan(latent_damping=0.1, portion=0.5), Logan(latent_damping=0.1, portion=0.5, penalty=(0.5, 2.0))
    square = plain.optimised(oracle.evaluation(w))[1].square().sum(-1).mean(-1)
    for weight, x, y in zip((0.5, 2.0), *(oracle.deformed(m.losses).losses(w) for m in (plain, paid)), strict=True):
        torch.testing.assert_close(y - x, weight * square, rtol=1e-9, atol=0)


def test_latents_are_clipped_where_they_are_bounded():
    for bound, clip, most in ((0.7, True, 0.7), (0.7, False, None), (None, True, None)):
        oracle, w = oracle_of(Toy(latent_bound=bound))
        latents, step = Logan(natural=False, latent_step_size=5.0, clip=clip).optimised(oracle.evaluation(w))
        free = oracle.evaluation(w).latents + step
        assert free.abs().max() > 0.7
        torch.testing.assert_close(latents, free if most is None else free.clamp(-most, most))


def test_evaluation_uses_plain_latents():
    game = GaussianRing.small()
    oracle, w = oracle_of(game)
    assert torch.equal(oracle.losses(w)[0], game.losses(w, oracle.sample, ())[0])
    assert not torch.equal(oracle.deformed(Logan().losses).losses(w)[0], oracle.losses(w)[0])


@pytest.mark.parametrize("through", [(True, False), (False, True), (False, False)])
def test_a_stopped_gradient_leaves_the_jacobian_of_the_step_whole(through):
    logan = Logan(SimultaneousGradient(0.3), latent_damping=0.2, through_generator=through[0], through_discriminator=through[1])
    jacobian_equals_finite_differences(logan)


def test_what_is_asked_is_counted():
    oracle, w = oracle_of(GaussianRing.small())
    for logan, cost in ((Logan(), (1.5, 1.0)), (Logan(through_generator=False), (1.5, 0.5))):
        before = oracle.counts.gradients, oracle.counts.products
        oracle.deformed(logan.losses).field(w)
        assert (oracle.counts.gradients - before[0], oracle.counts.products - before[1]) == cost


def test_parts_of_a_batch_are_optimised_each_by_itself():
    whole = build("game", {"biggan": {**vars_of(GAMES["biggan"].small()), "micro_batches": 2}})
    oracle, w = oracle_of(whole)
    logan = Logan(latent_damping=0.1)
    field = oracle.deformed(logan.losses).field(w)
    parts = []
    for part in whole.parts(oracle.sample, 2):
        other, _ = oracle_of(dataclasses.replace(whole, batch=3, micro_batches=1))
        other.stream.samples[0] = part
        parts.append(other.deformed(logan.losses).field(w))
    for i in range(2):
        torch.testing.assert_close(field[i], (parts[0][i] + parts[1][i]) / 2, rtol=1e-9, atol=1e-11)


def vars_of(game):
    return {f.name: getattr(game, f.name) for f in dataclasses.fields(game)}


def test_measures_are_what_they_say():
    game = Toy()
    logan = Logan(SimultaneousGradient(0.1), natural=False, latent_step_size=ALPHA, compare=True)
    play = advance(game, logan, begin(game, logan, seeds_of(2)), 1)
    start = game.initial(seeds_of(2))
    oracle, w = oracle_of(game)
    found = MovingAverage(logan).measures(oracle, w, MovingAverage(logan).init(oracle, w)._replace(inner=play.state))
    moved = [(x - y).norm(dim=-1) for x, y in zip(play.w, start, strict=True)]
    torch.testing.assert_close(found["move_difference"], moved[1] - moved[0])
    latents, step = logan.optimised(oracle.evaluation(w))
    torch.testing.assert_close(found["latent_shift"], step.abs().mean((1, 2)))
    ahead = game.score(w, (latents,)) - game.score(w, oracle.sample)
    torch.testing.assert_close(found["score_shift"], ahead.mean(-1))
    assert (found["score_shift"] > 0).all()  # a small enough gradient step climbs
    _, second = by_hand(w, natural=False)
    point = oracle.at(w)
    turn = torch.cat([(a - b) / 2 for a, b in zip(point.vjp(point.v), point.jvp(point.v), strict=True)], -1)
    torch.testing.assert_close(found["cosine_with_symplectic"], torch.cosine_similarity(torch.stack(second, -1), turn))


def test_games_without_latents_are_refused():
    reason = Logan().applies_to(build("game", "bilinear"))
    assert reason is not None
    assert "latents" in reason
