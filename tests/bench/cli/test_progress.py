"""What is said while cells run."""

import pytest

from saddlebench.bench.cli import progress


@pytest.mark.parametrize(("share", "said"), [(0.0, ""), (0.004, ""), (0.25, ", about 3 min 0 s left")])
def test_the_time_left_is_told_once_some_work_is_done(share, said, monkeypatch, capsys):
    """What came before, compiling or reading data, says nothing of the rest: after a second of steps it would tell of days."""
    now = [0.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    lines = progress.Lines(100, lambda: None)
    lines.begin("adam on bilinear", 100)
    now[0] = 60.0
    lines.advance(share)
    assert capsys.readouterr().err == f"0/100 cells, 1 min 0 s{said}: adam on bilinear\n"
