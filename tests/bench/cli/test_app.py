import subprocess
import sys

import pytest

COMMANDS = [
    [],
    ["run"],
    ["list"],
    ["show"],
    ["spectrum"],
    ["plot"],
    ["plot", "convergence"],
    ["plot", "phase"],
    ["plot", "spectrum"],
    ["map"],
    ["tune"],
    ["targets"],
    ["paper"],
    ["data"],
    ["data", "fetch"],
    ["data", "list"],
    ["new"],
    ["check"],
]
TINY = ("--game", "bilinear", "--optimizer", "extragradient", "--optimizer", "adam", "--steps", "20")


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(cli, command):
    said = cli(*command, "--help")
    assert (said.code, said.err) == (0, "")
    assert "Usage: saddlebench" in said.out
    if command not in ([], ["data"]):
        assert "Examples" in said.out


@pytest.mark.parametrize(
    "call",
    [
        ["--help"],
        ["run", "--help"],
        ["list", "optimizers"],
        ["list", "games", "bilinear"],
        ["list", "suites"],
        ["show", "there", "--format", "md"],
        ["run", "--game", "bilinear", "--seeds", "none"],
    ],
)
def test_what_does_not_compute_imports_no_torch(cli, tmp_path, call):
    cli("run", *TINY, "--out", "there")
    code = (
        "import sys\nfrom saddlebench.bench.cli import main\ntry:\n    main(sys.argv[1:])\n"
        "except SystemExit as ended:\n    print('code', ended.code, {'torch', 'torchvision', 'torchmetrics'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code, *call], capture_output=True, text=True, cwd=tmp_path)
    assert done.stdout.splitlines()[-1] == f"code {2 if 'none' in call else 0} set()", done.stderr


def test_version(cli):
    from saddlebench import __version__

    assert cli("--version").out == f"saddlebench {__version__}\n"


@pytest.mark.parametrize(
    "call",
    [
        ["foo"],
        ["list", "foo"],
        ["show", "--format", "xml"],
        ["data", "foo"],
        ["new", "optimizer", "MyMethod"],
        ["spectrum", "--game", "bilinear"],
    ],
)
def test_a_wrong_call_is_one_line(cli, tmp_path, call):
    said = cli(*call)
    assert (said.code, said.out, said.err.count("\n")) == (2, "", 1)
    assert list(tmp_path.iterdir()) == []
