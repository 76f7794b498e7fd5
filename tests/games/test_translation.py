"""Translation between domains, paired and not: losses against their formulas, pools, the true map, measures."""

import dataclasses
import math

import pytest
import torch
from torch.nn.functional import softplus

from saddlebench.bench.build import build
from saddlebench.bench.contracts.playing import advance, begin, seeds_of
from saddlebench.bench.trees import map_tensors
from saddlebench.errors import InputError
from saddlebench.games import GAMES
from saddlebench.games.discogan_modes import DiscoGANModes
from saddlebench.games.draws import normal
from saddlebench.games.known_map import KnownMap, in_colour
from saddlebench.games.replay import Recall, recall, recalled, replenished
from saddlebench.games.translation import PLAYERS, Domains
from saddlebench.optimizers import OPTIMIZERS

SEEDS = torch.tensor([2, 4, 8])
TRANSLATIONS = ("pix2pix", "cyclegan", "discogan-modes", "discogan")


def double(tree):
    return map_tensors(lambda x: x.double() if x.is_floating_point() else x, tree)


def spot(game, step=0):
    """Profile, sample and buffers in float64, the profile off the start's zeros."""
    w = double(game.initial(SEEDS))
    w = tuple(x + 0.05 * normal(SEEDS, f"off {i}", x.shape[-1]) for i, x in enumerate(w))
    return w, double(game.sample(SEEDS, step, 0)), double(game.buffers(w, SEEDS))


# pix2pix


def test_pix2pix_losses():
    game = GAMES["pix2pix"].small()
    w, sample, buffers = spot(game)
    seen = game.seen(game, w, sample)
    y, fake = sample.y, seen.fake
    assert fake.shape == y.shape == (3, 2, 1, 28, 28)
    half = torch.cat((y[..., :14], torch.zeros_like(y[..., 14:])), -1)
    scope = game.networks["generator"].scope(w[0])
    scope.extra["masks"] = 2 * sample.kept
    torch.testing.assert_close(game.networks["generator"].forward(half, scope).transpose(0, 1).unsqueeze(2), fake)
    real_logits, fake_logits = (seen("discriminator", torch.cat((half, z), 2)) for z in (y, fake))
    assert real_logits.shape == (3, 2 * game.networks["discriminator"].patches ** 2)
    expected = (
        softplus(-fake_logits).mean(-1) + 100 * (y - fake).abs().mean((1, 2, 3, 4)),
        softplus(-real_logits).mean(-1) + softplus(fake_logits).mean(-1),
    )
    torch.testing.assert_close(game.losses(w, sample, buffers), expected)
    alone = dataclasses.replace(game, adversarial_weight=0.0)
    torch.testing.assert_close(alone.losses(w, sample, buffers)[0], 100 * (y - fake).abs().mean((1, 2, 3, 4)))


def test_dropout_keeps_its_share_and_none_at_0():
    game = build("game", {"pix2pix": {"generator_width": 4, "batch": 16, "dropout": 0.25}})
    assert game.sample(SEEDS, 0, 0).kept.mean() == pytest.approx(0.75, abs=0.01)
    assert (dataclasses.replace(game, dropout=0.0).sample(SEEDS, 0, 0).kept == 1).all()


def test_luma_is_that_of_the_form_in_which_grey_images_are_made():
    game = build("game", {"pix2pix": {"data": "cifar10", "task": "grey-to-colour", "generator_width": 1}})
    assert game.networks["generator"].inputs == 1
    colours = torch.tensor([[1.0, -1, -1], [-1, 1, -1], [-1, -1, 1], [1, 1, 1]])
    luma = game.told(colours.view(1, 4, 3, 1, 1)).flatten()
    torch.testing.assert_close((luma + 1) / 2, torch.tensor([0.299, 0.587, 0.114, 1.0]))
    for wrong, word in (({"task": "grey-to-colour"}, "grey images"), ({"dropout": 1.0}, "drops everything")):
        with pytest.raises(InputError, match=word):
            build("game", {"pix2pix": wrong})


def test_pix2pix_measures_are_those_of_its_pictures():
    game = GAMES["pix2pix"].small()
    w, _, buffers = spot(game)
    measures = game.measures(w, SEEDS, buffers)
    fake, y = game.samples(w, SEEDS, 4, buffers), game.held_out(4)[0].double()[:, 0]
    assert game.image_measures == ""
    torch.testing.assert_close(measures["held_out_error"], (fake - y).abs().mean((1, 2, 3)))
    psnr = torch.stack(
        [torch.stack([10 * (4 / (f - t).square().mean()).log10() for f, t in zip(run, y, strict=True)]).mean() for run in fake]
    )
    torch.testing.assert_close(measures["held_out_psnr"], psnr)
    strip = game.pictures(w, SEEDS, buffers)["translations"]
    assert strip.shape == (3, 8, 3, 1, 28, 28)
    torch.testing.assert_close(strip[:, :, 2, 0], game.held_out(8)[0].double()[:, 0].expand(3, -1, -1, -1))
    assert (strip[:, :, 0, 0, :, 14:] == 0).all()


# CycleGAN and DiscoGAN


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("cyclegan", {"pool": 0}),
        ("discogan-modes", {}),
        ("discogan", {}),
        ("cyclegan", {"pool": 0, "loss": "non-saturating", "cycle_distance": "l2"}),
    ],
)
def test_losses_of_four_players(name, parameters):
    game = dataclasses.replace(GAMES[name].small(), **parameters)
    w, sample, buffers = spot(game)
    of = game.seen(game, w, sample)

    def forward(x):
        return of("forward_generator", x)

    def backward(y):
        return of("backward_generator", y)

    def target(y):
        return of("target_discriminator", y).flatten(1)

    def source(x):
        return of("source_discriminator", x).flatten(1)

    def mean(x):
        return x.flatten(1).mean(-1)

    x, y = sample.x, sample.y
    there, back = forward(backward(y)) - y, backward(forward(x)) - x
    if game.cycle_distance == "l1":
        cycle = game.cycle_weight * (mean(there.abs()) + mean(back.abs()))
    else:
        cycle = game.cycle_weight * (mean(there**2) + mean(back**2))
    if game.loss == "lsgan":
        adversarial = [mean((target(forward(x)) - 1) ** 2), mean((source(backward(y)) - 1) ** 2)]  # E(D − 1)², as the paper has it
        judged = [
            0.5 * mean((d(r) - 1) ** 2) + 0.5 * mean(d(f) ** 2) for d, r, f in ((target, y, forward(x)), (source, x, backward(y)))
        ]
    else:
        weight = game.adversarial_weight
        adversarial = [weight * mean(softplus(-target(forward(x)))), weight * mean(softplus(-source(backward(y))))]
        judged = [mean(softplus(-d(r))) + mean(softplus(d(f))) for d, r, f in ((target, y, forward(x)), (source, x, backward(y)))]
    identity = [0.0, 0.0]
    if name == "cyclegan":
        identity = [5 * mean((forward(y) - y).abs()), 5 * mean((backward(x) - x).abs())]
    expected = tuple(a + cycle + i for a, i in zip(adversarial, identity, strict=True)) + tuple(judged)
    torch.testing.assert_close(game.losses(w, sample, buffers), expected)
    assert game.players == PLAYERS


def test_published_weights():
    assert {
        n: (GAMES[n]().loss, GAMES[n]().cycle_weight, GAMES[n]().cycle_distance, GAMES[n]().identity_weight)
        for n in TRANSLATIONS[1:]
    } == {
        "cyclegan": ("lsgan", 10.0, "l1", 5.0),
        "discogan-modes": ("non-saturating", 1.0, "l2", 0.0),
        "discogan": ("non-saturating", 1.0, "l2", 0.0),
    }
    assert GAMES["cyclegan"]().pool == 50
    assert GAMES["pix2pix"]().l1_weight == 100


def test_no_image_is_in_both_domains():
    game = build("game", {"cyclegan": {"generator_width": 1, "batch": 10, "angle": 0.0}})
    whole = {}
    for step in range(3):
        sample = game.sample(SEEDS[:1], step, 0)
        grey = {"x": sample.x[0, :, :1], "y": -sample.y[0, :, :1]}  # T's red is 2(1 − t) − 1 = −x
        for domain, images in grey.items():
            whole.setdefault(domain, []).append(images)
    x, y = (torch.cat(whole[domain]) for domain in ("x", "y"))
    assert torch.cdist(x.flatten(1), y.flatten(1)).min() > 1
    assert game.items == 30000


# The true map


def test_the_known_map_inverts_and_tints():
    x = torch.tensor([-1.0, 0.0, 1.0]).view(1, 1, 1, 3).expand(1, 1, 3, 3)
    colour = KnownMap(0.0)(x)[0, :, 0]
    torch.testing.assert_close((colour + 1) / 2, torch.tensor([[1.0, 0.5, 0.0], [0.7, 0.35, 0.0], [0.3, 0.15, 0.0]]))
    assert in_colour(x).shape == (1, 3, 3, 3)


def test_the_known_map_turns_counter_clockwise():
    x = torch.full((2, 1, 5, 5), -1.0)
    x[:, 0, 2, 4] = 1.0  # ink on the right
    turned = KnownMap(90.0)(x)[:, 0]
    expected = torch.ones(2, 5, 5)
    expected[:, 0, 2] = -1.0  # at the top, and black there
    torch.testing.assert_close(turned, expected, atol=1e-5, rtol=0)


# The pool


def test_a_pool_fills_in_order_and_then_exchanges_half():
    size, batch = 50, 4
    pool, offered = torch.zeros(3, size, 2), torch.zeros(3, 1, dtype=torch.int64)
    for step in range(200):
        fresh = (step * batch + torch.arange(batch) + 1.0).view(1, batch, 1).expand(3, batch, 2)
        before, pool = pool, replenished(fresh, pool, offered, recall(SEEDS, "test", size, batch, step))
        offered = offered + batch
        if offered[0, 0] <= size:
            assert pool[0, : (step + 1) * batch, 0].tolist() == list(range(1, (step + 1) * batch + 1))
            assert (pool[0, (step + 1) * batch :] == 0).all()
        else:
            assert ((pool != before).any(-1).sum(-1) <= batch).all()
    age = 200 * batch - pool[..., 0]
    # A slot survives an offer with probability 1 − 1/(2·50), so ages are geometric with mean 100.
    assert age.mean() == pytest.approx(100, rel=0.3)
    assert not torch.equal(pool[0], pool[1])


def test_of_two_for_one_slot_the_later_is_kept():
    fresh = torch.tensor([[[1.0], [2.0], [3.0]]])
    to_pool = Recall(torch.tensor([[True, True, False]]), torch.tensor([[1, 1, 0]]))
    pool = replenished(fresh, torch.zeros(1, 2, 1), torch.tensor([[2]]), to_pool)
    assert pool.flatten().tolist() == [0.0, 2.0]


def test_discriminators_see_the_pool_once_it_is_full():
    fresh, pool = torch.tensor([[[1.0], [2.0]]]), torch.tensor([[[10.0], [20.0]]])
    taken = Recall(torch.tensor([[True, False]]), torch.tensor([[1, 0]]))
    assert recalled(fresh, pool, torch.tensor([[1]]), taken).flatten().tolist() == [1.0, 2.0]
    assert recalled(fresh, pool, torch.tensor([[2]]), taken).flatten().tolist() == [20.0, 2.0]
    drawn = recall(SEEDS, "test", 50, 400, 0)
    assert drawn.old.double().mean() == pytest.approx(0.5, abs=0.05)
    assert (drawn.slot.min(), drawn.slot.max()) == (0, 49)


def test_cyclegans_pool_advances_with_committed_moves_alone():
    game = GAMES["cyclegan"].small()
    end = advance(game, build("optimizer", "adam"), begin(game, build("optimizer", "adam"), SEEDS), 2)
    forward, _, offered, seeds = end.buffers
    assert offered.flatten().tolist() == [4, 4, 4]
    assert torch.equal(seeds[:, 0], SEEDS)
    assert (forward != 0).flatten(2).any(-1).all()  # a pool of three, full
    sample = game.sample(SEEDS, 5, 0)
    full = game.losses(end.w, sample, end.buffers)
    fresh = dataclasses.replace(game, pool=0).losses(end.w, Domains(sample.x, sample.y), ())
    assert torch.equal(full[0], fresh[0])  # generators are judged by what they make now
    assert not torch.allclose(full[2], fresh[2])
    again = game.advance(end.w, end.buffers)
    assert torch.equal(again[0], game.advance(end.w, end.buffers)[0])
    assert not torch.equal(again[0], forward)


def test_cyclegan_measures_are_errors_against_the_true_map():
    game = dataclasses.replace(GAMES["cyclegan"].small(), evaluated=3)
    w, _, buffers = spot(game)
    of = game.pictures(w, SEEDS, buffers)
    there, back = of["translations"][:, :3], of["back-translations"][:, :3]
    expected = {
        "paired_error": (there[:, :, 2] - there[:, :, 3]).abs(),
        "back_paired_error": (back[:, :, 2] - back[:, :, 3]).abs(),
        "cycle_error": (there[:, :, 1] - there[:, :, 0]).abs(),
    }
    for name, value in game.measures(w, SEEDS, buffers).items():
        torch.testing.assert_close(value, expected[name].mean((1, 2, 3, 4)))
    torch.testing.assert_close(there[:, :, 3], KnownMap(15.0)(there[:, :, 0, :1]), atol=1e-5, rtol=0)


# DiscoGAN's modes


class Known(DiscoGANModes):
    """With maps that are told instead of learnt: G sends mode k of X to mode 2k of Y (or all to one), F back."""

    name = "known-maps"

    def __init__(self, collapsed=False):
        super().__init__()
        object.__setattr__(self, "collapsed", collapsed)

    @property
    def seen(self):
        game = self

        class Told(DiscoGANModes.seen):
            def forward(self, x):
                mode = (x.unsqueeze(-2) - game.means("source")).norm(dim=-1).argmin(-1)
                return game.means("target")[0 * mode if game.collapsed else 2 * mode]

            def backward(self, y):
                mode = (y.unsqueeze(-2) - game.means("target")).norm(dim=-1).argmin(-1)
                return game.means("source")[mode // 2]

        return Told


@pytest.mark.parametrize(
    ("collapsed", "expected"),
    [(False, (5, 5, 1.0, 0.5, 1.0)), (True, (1, 5, 0.2, 0.1, 0.2))],
)
def test_modes_covered_and_one_to_one(collapsed, expected):
    game = Known(collapsed)
    found = game.measures(game.initial(SEEDS), SEEDS, ())
    names = (
        "modes_covered_target",
        "modes_covered_source",
        "round_trip_accuracy",
        "back_round_trip_accuracy",
        "one_to_one_accuracy",
    )
    for name, value in zip(names, expected, strict=True):
        torch.testing.assert_close(found[name], torch.full((3,), float(value)), atol=2e-3, rtol=0)


def test_modes_have_equal_shares_of_a_batch():
    game = DiscoGANModes(std=1e-3)
    sample = game.sample(SEEDS, 3, 0)
    for points, domain, modes in ((sample.x, "source", 5), (sample.y, "target", 10)):
        near = (points.unsqueeze(-2) - game.means(domain)).norm(dim=-1)
        assert near.amin(-1).max() < 0.01
        assert (near.argmin(-1).flatten().bincount(minlength=modes) == 3 * 200 / modes).all()
    angle = math.atan2(*game.means("target")[1].flip(0).tolist())
    assert angle == pytest.approx(math.tau / 10)


# All optimizers


@pytest.mark.parametrize("name", list(OPTIMIZERS))
def test_every_optimizer_for_n_players_plays_four(name):
    """Two steps of a game of four players are finite and move them; who is refused is not defined for them."""
    game, optimizer = GAMES["discogan-modes"].small(), build("optimizer", name)
    reason = optimizer.applies_to(game)
    if reason is not None:
        assert any(word in reason for word in ("has 4", "4 players", "plays simplex strategies", "latents of a generator")), reason
        return
    start = begin(game, optimizer, seeds_of(2))
    end = advance(game, optimizer, start, 2)
    moved = torch.stack([(before != after).any(-1) for before, after in zip(start.w, end.w, strict=True)])
    assert all(x.isfinite().all() for x in end.w)
    assert moved.all() or (name == "adaptive-alternating-gradient" and moved.any(0).all())  # it chooses who moves
