"""BigGAN's 21 parts: each is a parameter with the paper's default, and has a test of its own.

The table names the test; the parts that are the optimizer's or the evaluation's, or had none, are tested below.
"""

import ast
import dataclasses
import itertools
from pathlib import Path

import pytest
import torch

from saddlebench.bench.build import build
from saddlebench.bench.contracts.playing import advance, begin
from saddlebench.games.biggan import BigGAN, BigGANDeep
from saddlebench.optimizers.alternating_gradient import AlternatingGradient
from saddlebench.optimizers.moving_average import MovingAverage

HERE = Path(__file__).parent
# number, name, parameter of the game with its default (-: it is the optimizer's), file, test
PARTS = """
 1 generator-block generator_width=96 networks/test_biggan test_generator_equals_its_description
 2 discriminator-block discriminator_width=96 networks/test_biggan test_discriminator_equals_its_description
 3 conditional-batch-norm norm_epsilon=1e-05 networks/test_layers test_conditional_batch_norm_by_hand
 4 shared-embedding shared=128 test_biggan test_an_embedding_all_norms_share_equals_the_plain_norm_where_its_maps_are_0
 5 hierarchical-latent hierarchical=True networks/test_biggan test_sizes_that_do_not_fit_are_refused
 6 self-attention attention=None networks/test_attention test_is_the_weighted_sum_over_pixels
 7 spectral-norm spectral='both' networks/test_biggan test_power_iteration_finds_the_largest_singular_values
 8 projection conditional=True test_biggan test_the_discriminator_judges_each_image_by_its_own_class
 9 hinge loss='hinge' test_losses test_formula_on_fixed_logits
10 orthogonal-start initialisation='orthogonal' networks/test_network test_orthogonal_factor_of_wide_and_tall_matrices
11 orthogonal-regularisation orthogonal=0.0001 penalties/test_orthogonal test_value_and_gradient_are_those_of_the_formula
12 mean-of-the-iterates - test_biggan_parts test_the_mean_of_the_iterates_begins_at_its_step
13 standing standing_batches=16 test_biggan test_standing_statistics_are_the_average_over_batches_with_the_weights_that_are_judged
14 truncation truncation=0.0 test_biggan test_truncated_latents_lie_inside_and_have_the_truncated_law
15 moves-of-D - test_biggan_parts test_two_moves_of_the_discriminator_to_one_of_the_generator
16 accumulation micro_batches=1 test_image_gan test_micro_batches_are_the_mean_over_the_parts
17 Adam - test_biggan_parts test_adam_without_momentum_moves_each_number_by_its_own_scale
18 cross-replica-norm cross_replica=True ../bench/test_distributed test_half_the_batch_each_is_the_whole_batch
19 bfloat16 precision='float32' test_image_gan test_bfloat16_convolutions_keep_everything_else_in_float32
20 one-pass-of-D joint=False test_biggan_parts test_real_and_generated_images_may_be_judged_in_one_pass
21 data flip=True data/test_images test_the_long_edge_is_cropped_and_the_square_averaged
"""
SEEDS = torch.tensor([3, 7])


@pytest.mark.parametrize("line", PARTS.split("\n")[1:-1])
def test_every_part_has_its_parameter_and_its_test(line):
    _, _, parameter, file, test = line.split()
    if parameter != "-":
        name, default = parameter.split("=")
        fields = {f.name: f.default for f in dataclasses.fields(BigGAN)}
        assert fields[name] == ast.literal_eval(default)
        assert name in {f.name for f in dataclasses.fields(BigGANDeep)}
    found = {node.name for node in ast.walk(ast.parse((HERE / f"{file}.py").read_text())) if isinstance(node, ast.FunctionDef)}
    assert test in found


@pytest.fixture
def game():
    return BigGAN.small()


def test_the_mean_of_the_iterates_begins_at_its_step(game):
    ema = MovingAverage(AlternatingGradient(0.05), decay=0.9, start_step=2)
    plays = list(itertools.accumulate(range(4), lambda play, _: advance(game, ema, play, 1), initial=begin(game, ema, SEEDS)))
    means = [ema.answers(p.w, p.state)["average"][0] for p in plays]
    for k in (0, 1, 2):
        assert torch.equal(means[k], plays[k].w[0])
    for k in (3, 4):
        torch.testing.assert_close(means[k], 0.9 * means[k - 1] + 0.1 * plays[k].w[0])


def test_two_moves_of_the_discriminator_to_one_of_the_generator(game):
    both = advance(game, AlternatingGradient(0.05, schedule=(1, 1, 0)), begin(game, AlternatingGradient(0.05), SEEDS), 1)
    alone = advance(game, AlternatingGradient(0.05, schedule=(1, 1)), begin(game, AlternatingGradient(0.05), SEEDS), 1)
    once = advance(game, AlternatingGradient(0.05, schedule=(1,)), begin(game, AlternatingGradient(0.05), SEEDS), 1)
    assert torch.equal(both.w[1], alone.w[1])
    assert not torch.equal(alone.w[1], once.w[1])
    assert not torch.equal(both.w[0], alone.w[0])


def test_adam_without_momentum_moves_each_number_by_its_own_scale(game):
    settings = {"step_size": [5e-5, 2e-4], "schedule": [0, 1], "rule": {"adam": {"betas": [0.0, 0.999]}}}
    adam = build("optimizer", {"alternating-gradient": settings})
    start = begin(game, adam, SEEDS)
    moved = advance(game, adam, start, 1)
    for x, y, size in zip(start.w, moved.w, (5e-5, 2e-4), strict=True):
        step = (y - x).abs()
        assert step.max() < 1.02 * size
        assert (step[step > 0] > 0.9 * size).float().mean() > 0.9  # the first step is ±η wherever there is a gradient


def test_real_and_generated_images_may_be_judged_in_one_pass(game):
    joint = dataclasses.replace(game, joint=True)
    w = tuple(x.double() for x in game.initial(SEEDS))
    buffers, sample = tuple(b.double() for b in game.buffers(w, SEEDS)), game.sample(SEEDS, 0, 0)
    for one, two in zip(joint.losses(w, sample, buffers), game.losses(w, sample, buffers), strict=True):
        torch.testing.assert_close(one, two, rtol=1e-10, atol=1e-10)
    torch.testing.assert_close(joint.loss_of(1, w, sample, buffers), game.loss_of(1, w, sample, buffers), rtol=1e-10, atol=1e-10)
    paired = build("game", {"biggan": {f.name: getattr(game, f.name) for f in dataclasses.fields(game)} | {"paired": True}})
    both = dataclasses.replace(paired, joint=True)
    sample = paired.sample(SEEDS, 0, 0)
    torch.testing.assert_close(both.losses(w, sample, buffers)[1], paired.losses(w, sample, buffers)[1], rtol=1e-10, atol=1e-10)
