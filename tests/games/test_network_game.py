"""Games of several networks: who owns what, what is shared, and every optimizer for n players on three of them."""

from dataclasses import dataclass
from functools import cached_property

import pandas as pd
import pytest
import torch
from PIL import Image

from saddlebench import run
from saddlebench.bench.build import build
from saddlebench.bench.contracts import check_game
from saddlebench.bench.contracts.playing import advance, begin
from saddlebench.games.draws import normal
from saddlebench.games.network_game import NetworkGame, Networks
from saddlebench.games.networks.dcgan import Discriminator
from saddlebench.games.networks.mlp import MLP
from saddlebench.optimizers import OPTIMIZERS

SEEDS = torch.tensor([3, 1])


class Seen(Networks):
    evaluations = 0

    @cached_property
    def fake(self):
        type(self).evaluations += 1
        return self("generator", self.sample)

    @cached_property
    def image(self):
        return self.fake.unflatten(-1, (1, 16, 16))


@dataclass(frozen=True)
class Three(NetworkGame):
    """ℓ_G = E (Q(x) − z)² − E D(x), ℓ_D = E D(x) + ½‖w_D‖²/100, ℓ_Q = E (Q(x) − z)², x = G(z) of 16 × 16 pixels."""

    name = "three"
    seen = Seen

    @cached_property
    def owned(self):
        return {
            "generator": {"generator": MLP((2, 3, 256), "tanh", "tanh")},
            "discriminator": {"discriminator": Discriminator(1, 16, 2, "spectral")},
            "reader": {"trunk": MLP((256, 4), "tanh", "tanh"), "head": MLP((4, 2))},
        }

    def sample(self, seeds, step, draw):
        return normal(seeds, "three", 10, step, draw, torch.float32).view(-1, 5, 2)

    def player_loss(self, i, seen):
        if i == 1:
            return seen("discriminator", seen.image).mean(-1) + seen.profile[1].square().sum(-1) / 200
        read = (seen("head", seen("trunk", seen.fake)) - seen.sample).square().mean((1, 2))
        return read - seen("discriminator", seen.image).mean(-1) if i == 0 else read

    def pictures(self, profile, seeds, buffers):
        """``two-by-two``: four
        images.

        Nothing more is told.
        """
        images = Seen(self, profile, self.sample(seeds, 0, 0), buffers).image
        return {"two-by-two": images[:, :4].unflatten(1, (2, 2)).squeeze(3)}

    def clouds(self, profile, seeds, buffers):
        x = Seen(self, profile, self.sample(seeds, 0, 0), buffers).fake
        return {"first-pixels": {"first": x[..., :2], "next": x[..., 2:4]}}


def test_it_keeps_the_contract():
    findings = check_game(Three)
    assert not [f for f in findings if f.status == "failed"]
    assert "pictures have their shapes" in {f.check for f in findings if f.status == "ok"}


def test_a_player_owns_its_networks_one_after_another():
    game = Three()
    profile = game.initial(SEEDS)
    seen = Seen(game, profile)
    assert game.players == ("generator", "discriminator", "reader")
    assert game.sizes == (2 * 3 + 3 + 3 * 256 + 256, game.networks["discriminator"].size, 256 * 4 + 4 + 4 * 2 + 2)
    assert torch.equal(torch.cat((seen.flat["trunk"], seen.flat["head"]), -1), profile[2])
    assert not game.follower_curvature


def test_what_players_share_is_evaluated_once():
    game = Three()
    profile = game.initial(SEEDS)
    buffers = game.buffers(profile, SEEDS)
    Seen.evaluations = 0
    game.losses(profile, game.sample(SEEDS, 0, 0), buffers)
    assert Seen.evaluations == 1


def test_two_networks_of_one_name_are_refused():
    @dataclass(frozen=True)
    class Twice(Three):
        name = "twice"

        @cached_property
        def owned(self):
            return {"a": {"net": MLP((2, 2))}, "b": {"net": MLP((2, 2))}}

    with pytest.raises(AssertionError, match="one name"):
        _ = Twice().networks


@pytest.mark.parametrize("name", list(OPTIMIZERS))
def test_every_optimizer_for_n_players_plays_three_networks(name):
    game, optimizer = Three(), build("optimizer", name)
    reason = optimizer.applies_to(game)
    if reason is not None:
        assert "player" in reason or "zero-sum" in reason or "latent" in reason or "simplex" in reason or "domain" in reason, reason
        return
    play = advance(game, optimizer, begin(game, optimizer, SEEDS), 2)
    assert all(x.isfinite().all() for x in play.w)
    assert all(not torch.equal(x, y) for x, y in zip(play.w, game.initial(SEEDS), strict=True))


def test_a_run_leaves_its_own_pictures(tmp_path):
    run(games=[Three()], optimizers=["adam"], seeds=1, steps=2, out=tmp_path)
    files = {path.name.rpartition("-seed0")[2]: path for path in (tmp_path / "samples" / "three").glob("*.png")}
    assert set(files) == {"-two-by-two.png", "-first-pixels.png"}
    with Image.open(files["-two-by-two.png"]) as picture:
        assert picture.size == (2 * 18 + 2, 2 * 18 + 2)
        assert picture.info == {"Step": "2", "Description": "two-by-two: four images."}
    with Image.open(files["-first-pixels.png"]) as picture:
        assert picture.info["Step"] == "2"
        assert "Description" not in picture.info
    assert len(list((tmp_path / "models" / "three").glob("*.safetensors"))) == 1
    assert pd.read_parquet(tmp_path / "runs.parquet")["status"].tolist() == ["completed"]
