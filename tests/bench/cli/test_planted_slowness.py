"""A real sleep in one method's step, found by the commands that a user types; the same code run twice is silent."""

import time

import pytest

import saddlebench

SLOWED = "competitive-gradient"
OTHERS = ("proximal-point", "symplectic-gradient", "consensus", "extra-adam", "unrolled")
CHECKPOINTS = ",".join(map(str, range(0, 61, 3)))


def run(cli, out):
    names = [part for name in (SLOWED, *OTHERS) for part in ("--optimizer", name)]
    done = cli(
        *("run", "--game", "bilinear", *names, "--timing", "--steps", 60, "--seeds", 20),
        *("--checkpoints", CHECKPOINTS, "--out", out),
    )
    assert done.code == 0, done.err


@pytest.mark.slow
def test_a_sleep_of_a_fifth_of_a_step_is_found_in_its_method_alone(cli, tmp_path, monkeypatch, capsys):
    run(cli, "before")
    run(cli, "unchanged")
    cls = saddlebench.OPTIMIZERS[SLOWED]
    step, clock = cls.step, time.thread_time  # waiting is no part of a step

    def slowed(self, oracle, w, state):
        began = clock()
        done = step(self, oracle, w, state)
        time.sleep(0.2 * (clock() - began))
        return done

    monkeypatch.setattr(cls, "step", slowed)
    run(cli, "slowed")
    silent, found = cli("compare", "before", "unchanged"), cli("compare", "before", "slowed")
    with capsys.disabled():
        print(f"\n{silent.err}{found.out}{found.err}")
    assert (silent.code, silent.out) == (0, "")
    assert found.code == 1
    assert {(row["finding"], row["optimizer"]) for row in found.rows()} == {("time", SLOWED)}
