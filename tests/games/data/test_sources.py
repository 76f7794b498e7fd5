import io
import os
import sys
import tarfile
import time
from pathlib import Path

import numpy as np
import pytest

from saddlebench.games.data.dataset import SourceError
from saddlebench.games.data.sources import debian, npm, placed, run_child, torchvision

Arrays = dict[str, np.ndarray]


def decode(folder: Path) -> Arrays:
    """The bytes of ``data``."""
    if not (folder / "data").is_file():
        raise SourceError(f"no data in {folder}")
    return {"data": np.frombuffer((folder / "data").read_bytes(), np.uint8)}


def fake_programs(folder: Path, scripts: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    folder.mkdir()
    for name, script in scripts.items():
        (folder / name).write_text(f"#!{sys.executable}\n{script}")
        (folder / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(folder))


def fake_npm(folder: Path, script: str, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_programs(folder, {"npm": script}, monkeypatch)


@pytest.fixture
def scratch(tmp_path: Path) -> Path:
    folder = tmp_path / "scratch"
    folder.mkdir()
    return folder


def test_placed_files_are_read_from_home_or_else_from_the_shared_folder(tmp_path: Path, scratch: Path) -> None:
    home, shared = tmp_path / "mnist", tmp_path / "MNIST-raw"
    source = placed(decode, shared="MNIST-raw")
    home.mkdir()
    with pytest.raises(SourceError, match=r"no data in .*mnist"):
        source.obtain(home, scratch)
    shared.mkdir()
    (shared / "data").write_bytes(b"shared")
    assert source.obtain(home, scratch)["data"].tobytes() == b"shared"
    (home / "data").write_bytes(b"own")
    assert source.obtain(home, scratch)["data"].tobytes() == b"own"


def test_npm_package_is_unpacked_by_base_name_only(tmp_path: Path, scratch: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    archive = tmp_path / "package.tgz"
    with tarfile.open(archive, "w:gz") as tar:
        for name in (
            "package/data/data",
            "package/data/../../../evil",
            "package/package.json",
            "/package/data/absolute",
        ):
            member = tarfile.TarInfo(name)
            member.size = 4
            tar.addfile(member, io.BytesIO(b"four"))
        link = tarfile.TarInfo("package/data/link")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(link)
    script = f"import shutil, sys; assert sys.argv[1:3] == ['pack', 'set@1.2.3']; shutil.copy({str(archive)!r}, '.')"
    fake_npm(tmp_path / "bin", script, monkeypatch)
    assert npm("set", "1.2.3", "package/data", decode).obtain(tmp_path, scratch)["data"].tobytes() == b"four"
    assert [path.name for path in (scratch / "files").iterdir()] == ["data"]
    assert not list(tmp_path.rglob("evil"))


def test_npm_failures_keep_their_reason(tmp_path: Path, scratch: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    complaint = "npm error code E404\nnpm error 404 Not Found - GET set\nnpm error A complete log of this run is in x"
    fake_npm(tmp_path / "bin", f"import sys; sys.exit({complaint!r})", monkeypatch)
    with pytest.raises(SourceError, match=r"^404 Not Found - GET set$"):
        npm("set", "1", "package", decode).obtain(tmp_path, scratch)
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
    with pytest.raises(SourceError, match="not installed"):
        npm("set", "1", "package", decode).obtain(tmp_path, scratch)


def test_a_torn_package_is_a_reason(tmp_path: Path, scratch: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_npm(tmp_path / "bin", "open('set.tgz', 'wb').write(b'no archive')", monkeypatch)
    with pytest.raises(SourceError, match=r"^set\.tgz: "):
        npm("set", "1", "package", decode).obtain(tmp_path, scratch)


def test_torchvision_downloads_in_a_child_with_a_socket_timeout(
    tmp_path: Path, scratch: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stub = tmp_path / "stub" / "torchvision"
    stub.mkdir(parents=True)
    (stub / "__init__.py").write_text("from . import datasets\n")
    (stub / "datasets.py").write_text(
        "import pathlib, socket\n"
        "def Set(root, download):\n"
        "    assert download\n"
        "    (pathlib.Path(root) / 'raw').mkdir()\n"
        "    (pathlib.Path(root) / 'raw' / 'data').write_text(str(socket.getdefaulttimeout()))\n"
        "def Gone(root, download):\n"
        "    raise RuntimeError('Error downloading:\\nTried a mirror, got:\\n<urlopen error timed out>\\n')\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(stub.parent))
    assert torchvision("Set", "raw", decode).obtain(tmp_path, scratch)["data"].tobytes() == b"20.0"
    with pytest.raises(SourceError, match=r"^<urlopen error timed out>$"):
        torchvision("Gone", "raw", decode).obtain(tmp_path, scratch)


def test_a_child_that_hangs_ends_with_its_descendants(tmp_path: Path) -> None:
    code = (
        "import subprocess, sys, pathlib, time\n"
        "inner = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\n"
        "pathlib.Path('pid').write_text(str(inner.pid)); time.sleep(60)\n"
    )
    start = time.monotonic()
    with pytest.raises(SourceError, match="no end after 2 s"):
        run_child([sys.executable, "-c", code], tmp_path, seconds=2)
    assert time.monotonic() - start < 20
    pid = int((tmp_path / "pid").read_text())
    for _ in range(100):
        if not _alive(pid):
            break
        time.sleep(0.05)
    assert not _alive(pid)


def test_a_child_that_cannot_start_or_says_nothing_has_a_reason(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="cannot start"):
        run_child([str(tmp_path / "absent")], tmp_path)
    with pytest.raises(SourceError, match="exit status 3"):
        run_child([sys.executable, "-c", "raise SystemExit(3)"], tmp_path)


def _alive(pid: int) -> bool:
    """Whether a process runs (one that ended and waits to be collected does not)."""
    stat = Path(f"/proc/{pid}/stat")
    if Path("/proc/self/stat").exists():
        return stat.exists() and stat.read_text().rsplit(")", 1)[1].split()[0] != "Z"
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_an_installed_debian_package_is_read_where_it_is(tmp_path: Path, scratch: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
    source = debian("set", "usr/share/set", decode, root=tmp_path)
    with pytest.raises(SourceError, match="no apt-get"):
        source.obtain(tmp_path, scratch)
    (tmp_path / "usr" / "share" / "set").mkdir(parents=True)
    (tmp_path / "usr" / "share" / "set" / "data").write_bytes(b"installed")
    assert source.obtain(tmp_path, scratch)["data"].tobytes() == b"installed"


def test_a_debian_package_is_downloaded_and_unpacked_into_scratch(
    tmp_path: Path, scratch: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scripts = {
        "apt-get": "import sys; assert (sys.argv[1], sys.argv[-1]) == ('download', 'set'); open('set_1.deb', 'w').close()",
        "dpkg-deb": (
            "import os, sys; assert sys.argv[1] == '--extract' and sys.argv[2].endswith('set_1.deb')\n"
            "folder = os.path.join(sys.argv[3], 'usr/share/set'); os.makedirs(folder)\n"
            "open(os.path.join(folder, 'data'), 'w').write('unpacked')"
        ),
    }
    fake_programs(tmp_path / "bin", scripts, monkeypatch)
    source = debian("set", "usr/share/set", decode, root=tmp_path)
    assert source.obtain(tmp_path, scratch)["data"].tobytes() == b"unpacked"
    (tmp_path / "bin" / "apt-get").write_text(f"#!{sys.executable}\nimport sys; sys.exit('E: Unable to locate package set')")
    with pytest.raises(SourceError, match="Unable to locate package set"):
        source.obtain(tmp_path, scratch)
