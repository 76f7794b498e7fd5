"""asv collects by name, imported names too: what it finds in bench/asv are the methods of its own classes and nothing else."""

import ast
import re
import subprocess
import sys
from pathlib import Path

CHECKOUT = Path(__file__).parents[3]
FOLDER = CHECKOUT / "bench" / "asv"
COLLECTED = re.compile(r"(time|track|mem|peakmem|timeraw)_", re.IGNORECASE)


def test_nothing_imported_or_at_the_top_begins_like_a_benchmark():
    for path in FOLDER.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import | ast.ImportFrom):
                names = [alias.asname or alias.name.rpartition(".")[2] for alias in node.names]
                assert not [name for name in names if COLLECTED.match(name)], path.name
        top = [getattr(node, "name", "") for node in ast.parse(path.read_text()).body]
        assert not [name for name in top if COLLECTED.match(name)], path.name


def test_every_optimizer_is_a_case():
    code = (
        "import sys; sys.path.insert(0, 'bench'); import asv.stepping as s, asv.spectra as p, asv.convergence as c;"
        "from saddlebench.optimizers import OPTIMIZERS as o;"
        "assert s.Stepping.params[0] == p.Spectra.params[0] == c.Convergence.params[0] == list(o);"
        "assert 'torch' not in sys.modules;"
        "m = s.Stepping(); m.setup('extragradient', 'bilinear'); m.time_ten_steps('extragradient', 'bilinear');"
        "q = p.Spectra(); q.setup('extragradient', 'quadratic');"
        "assert 0 < q.track_spectral_radius('extragradient', 'quadratic') < 1;"
        "assert 0 < c.Convergence().track_steps_to_tolerance('extragradient', 'quadratic') <= 1000"
    )
    subprocess.run([sys.executable, "-c", code], cwd=CHECKOUT, check=True)
