"""Averages of iterates: what they are, how fast they converge, and that they change nothing."""

import pytest
import torch

import saddlebench
from saddlebench.bench.build import build
from saddlebench.bench.contracts.arenas import Arena
from saddlebench.bench.contracts.playing import advance, begin, difference, seeds_of


def played(name, base, steps, game="bilinear", **parameters):
    game = Arena() if game == "arena" else build("game", game)
    method = build("optimizer", {name: {"base": base, **parameters}})
    plays = [begin(game, method, seeds_of(3))]
    for _ in range(steps):
        plays.append(advance(game, method, plays[-1], 1))
    return [p.w for p in plays], [method.answers(p.w, p.state)["average"] for p in plays]


@pytest.mark.parametrize(("name", "parameters"), [("uniform-average", {}), ("moving-average", {"decay": 0.9, "start_step": 3})])
def test_the_iterates_are_the_base_s_and_the_answer_is_their_mean(name, parameters):
    iterates, means = played(name, "extra-adam", 10, "arena", **parameters)
    base = build("optimizer", "extra-adam")
    assert difference(advance(Arena(), base, begin(Arena(), base, seeds_of(3)), 10).w, iterates[-1]) == 0
    assert difference(means[0], iterates[0]) == 0
    for i in range(2):
        if name == "uniform-average":
            wanted = torch.stack([w[i] for w in iterates[1:]]).mean(0)
        else:
            wanted = iterates[3][i]  # until the start step the mean is the iterate
            for w in iterates[4:]:
                wanted = 0.9 * wanted + 0.1 * w[i]
        torch.testing.assert_close(means[-1][i], wanted, rtol=1e-13, atol=1e-15)


def test_the_average_of_alternating_gradient_converges_as_1_over_t_where_the_iterates_only_circle():
    iterates, means = played("uniform-average", {"alternating-gradient": {"step_size": 0.1}}, 4000)
    size = {k: [torch.cat(w, -1).norm(dim=-1) for w in series] for k, series in (("last", iterates), ("mean", means))}
    assert (size["last"][-1] > 0.5 * size["last"][0]).all()
    for t in range(200, 4000, 100):
        assert (size["mean"][t] * 0.1 * t <= 3 * size["last"][0]).all()
    late = torch.stack([size["mean"][t] * t for t in range(3000, 4000)]).amax(0)
    assert (late > 1.0 * size["last"][0]).all()  # no faster either


def test_the_average_of_simultaneous_gradient_diverges():
    _, means = played("uniform-average", {"simultaneous-gradient": {"step_size": 0.1}}, 4000)
    size = [torch.cat(w, -1).norm(dim=-1) for w in means]
    assert (size[-1] > 1e3 * size[0]).all()


@pytest.mark.parametrize("name", ["uniform-average", "moving-average"])
def test_an_average_has_no_part_in_the_spectrum(name):
    base = {"heavy-ball": {"step_size": 0.2, "momentum": -0.3}}
    assert saddlebench.spectral_radius("quadratic", {name: {"base": base}}) == saddlebench.spectral_radius("quadratic", base)


def test_the_optimizer_s_own_average_gets_all_measures_and_the_runner_s_the_criteria():
    results = saddlebench.run(["bilinear"], ["extragradient", {"uniform-average": {"base": "extragradient"}}], steps=20)
    trace = results.trace.merge(results.runs[["cell", "optimizer"]], on="cell")
    measures = {key: set(rows.measure) for key, rows in trace.groupby(["optimizer", "answer"])}
    assert measures["extragradient", "average"] == {"distance"} | ({"gap"} & measures["extragradient", "last"])
    assert measures["uniform-average", "average"] == measures["uniform-average", "last"] >= {"distance", "field_norm"}
    ends = trace[(trace.answer == "average") & (trace.measure == "distance") & (trace.step == 20)]
    ours, theirs = (ends[ends.optimizer == name].value.to_numpy() for name in ("uniform-average", "extragradient"))
    assert len(ours) == len(theirs) == 3
    assert ours == pytest.approx(theirs, rel=1e-12)  # one updates a mean, the other divides a sum
