import sys
from typing import NamedTuple

import pytest
import torch

from saddlebench.bench.cli import main


class Said(NamedTuple):
    code: int
    out: str
    err: str

    def rows(self):
        """The tab-separated rows of standard output, by column."""
        head, *lines = self.out.rstrip("\n").split("\n")
        return [dict(zip(head.split("\t"), line.split("\t"), strict=True)) for line in lines]


@pytest.fixture
def cli(capsys, tmp_path, monkeypatch):
    """The command line, run in this process in a directory of its own, with results that go there by default."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SADDLEBENCH_RESULTS", str(tmp_path / "results"))
    threads = torch.get_num_threads()

    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["saddlebench", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        code = ended.value.code
        said = capsys.readouterr()
        return Said(code, said.out, said.err)

    yield call
    torch.set_num_threads(threads)  # --threads
