"""Give a virtualenv of asv the packages of the checkout's own environment, and saddlebench from the sources of one commit.

    python bench/asv/borrow.py BUILD_DIR     run by the virtualenv's python, in the checkout
    python bench/asv/borrow.py --give-back

Written is one .pth file with two lines: the commit's ``typings`` (where the folders lie under the package's name, as links) and the
site-packages of ``.venv``, or of ``$SADDLEBENCH_VENV``. Both pythons must be of one version.
"""

import os
import sys
import sysconfig
from pathlib import Path


def main(argument: str) -> None:
    """Write the file, or remove it.

    Raises:
        SystemExit: there is no environment to borrow from.
    """
    file = Path(sysconfig.get_path("purelib")) / "saddlebench-borrowed.pth"
    if argument == "--give-back":
        file.unlink(missing_ok=True)
        return
    lender = Path(os.environ.get("SADDLEBENCH_VENV", ".venv")).absolute()
    packages = lender / "lib" / f"python{sys.version_info.major}.{sys.version_info.minor}" / "site-packages"
    if not (packages / "torch").is_dir():
        raise SystemExit(f"{packages} holds no torch: make install, or name an environment in $SADDLEBENCH_VENV")
    file.write_text(f"{Path(argument).absolute() / 'typings'}\n{packages}\n", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1])
