"""Large groups step in parts, whose size is what memory allows; the tables are those of the whole."""

import pandas as pd
import pytest
import torch

import saddlebench
from saddlebench.bench import splitting
from saddlebench.bench.build import build
from saddlebench.bench.cells import cross, groups
from saddlebench.bench.settings import Settings
from saddlebench.bench.splitting import available, parts
from saddlebench.errors import InputError

CPU = torch.device("cpu")


def group_of(game, seeds, optimizer="extragradient", **settings):
    (group,) = groups(cross([build("game", game)], [build("optimizer", optimizer)], range(seeds), Settings.of(**settings)))
    return group


def test_a_small_group_stays_whole():
    group = group_of("bilinear", 100, steps=100)
    assert parts(group, None, CPU) == [group]


def test_parts_are_in_order_whole_and_powers_of_two(monkeypatch):
    monkeypatch.setattr(splitting, "_RECORDS", 2**20)
    group = group_of("bilinear", 100, steps=100)
    found = parts(group, None, CPU)
    assert [cell for part in found for cell in part] == group
    sizes = [len(part) for part in found]
    assert len(sizes) > 2
    assert len(set(sizes[:-1])) == 1
    assert sizes[0] & (sizes[0] - 1) == 0
    assert sizes[-1] <= sizes[0]


def test_more_records_or_more_workers_make_smaller_parts(monkeypatch):
    monkeypatch.setattr(splitting, "_RECORDS", 2**22)
    few, many = (parts(group_of("bilinear", 300, steps=n), None, CPU) for n in (100, 100_000))
    assert len(many) > len(few)
    monkeypatch.undo()
    monkeypatch.setattr(splitting, "available", lambda device: 2**26)
    group = group_of({"bilinear": {"shape": [300, 300]}}, 64, steps=10)
    alone, beside = (len(parts(group, None, CPU, workers)[0]) for workers in (1, 4))
    assert 1 <= beside < alone < 64


def test_the_share_of_memory_is_a_setting_and_no_part_of_a_cell(monkeypatch):
    monkeypatch.setattr(splitting, "available", lambda device: 2**28)
    spec = {"bilinear": {"shape": [300, 300]}}
    some, more = (group_of(spec, 64, steps=10, memory=share) for share in (0.1, 0.8))
    assert [cell.key for cell in some] == [cell.key for cell in more]
    assert len(parts(some, None, CPU)[0]) < len(parts(more, None, CPU)[0])
    for share in (0, -1, 1.5):
        with pytest.raises(InputError, match="memory"):
            Settings.of(memory=share)


def test_one_run_that_does_not_fit_is_tried_all_the_same(monkeypatch):
    monkeypatch.setattr(splitting, "available", lambda device: 1)
    group = group_of("bilinear", 3, steps=10)
    assert [len(part) for part in parts(group, None, CPU)] == [1, 1, 1]


def test_large_networks_step_alone_and_are_not_traced_for_it(monkeypatch):
    monkeypatch.setattr(splitting, "estimate", None)
    monkeypatch.setattr(splitting, "_ALONE", 100)
    ring = {"gaussian-ring": {"width": 8, "depth": 1}}
    assert [len(part) for part in parts(group_of(ring, 3), None, CPU)] == [1, 1, 1]


def test_free_memory_is_some_of_the_machines():
    assert 2**20 < available(CPU) < 2**50


def test_tables_of_parts_are_those_of_the_whole(monkeypatch, tmp_path):
    sweep = {"extragradient": {"step_size": {"sweep": [0.1, 0.3]}}}
    whole = saddlebench.run({"bilinear": {"shape": [2, 2]}}, sweep, seeds=20, steps=60)
    monkeypatch.setattr(splitting, "_RECORDS", 2**18)
    found = saddlebench.run({"bilinear": {"shape": [2, 2]}}, sweep, seeds=20, steps=60, out=tmp_path / "parts")
    assert found.runs["runs_in_program"].max() < 40 == whole.runs["runs_in_program"].max()
    columns = ["cell", "status", "final_distance", "gradients"]
    pd.testing.assert_frame_equal(found.runs[columns], whole.runs[columns], rtol=1e-10)
    again = saddlebench.run({"bilinear": {"shape": [2, 2]}}, sweep, seeds=20, steps=60, out=tmp_path / "parts")
    pd.testing.assert_frame_equal(again.runs, found.runs)  # nothing was run anew
