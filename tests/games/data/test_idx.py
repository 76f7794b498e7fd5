import gzip
import struct
from pathlib import Path

import numpy as np
import pytest

from saddlebench.games.data.dataset import SourceError
from saddlebench.games.data.idx import idx_decoder, parse_idx

ARRAY = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)
CONTENT = b"\0\0\x08\x03" + struct.pack(">III", 2, 3, 4) + ARRAY.tobytes()


def test_an_idx_file_is_read_in_c_order() -> None:
    assert np.array_equal(parse_idx(CONTENT), ARRAY)


@pytest.mark.parametrize(
    "content",
    [b"", CONTENT[:3], CONTENT[:9], CONTENT[:-1], CONTENT + b"x", b"\0\0\x0d" + CONTENT[3:], b"<html>not found</html>"],
    ids=["empty", "magic", "header", "short", "long", "floats", "page"],
)
def test_what_is_not_an_idx_file_of_bytes_is_refused(content: bytes) -> None:
    with pytest.raises(SourceError):
        parse_idx(content)


@pytest.mark.parametrize("name", ["a-idx3-ubyte", "a-idx3-ubyte.gz", "a.idx3-ubyte", "a.idx3-ubyte.gz"])
def test_all_spellings_are_found(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(gzip.compress(CONTENT) if name.endswith(".gz") else CONTENT)
    arrays = idx_decoder({"images": "a-idx3-ubyte"})(tmp_path)
    assert np.array_equal(arrays["images"], ARRAY)


def test_missing_and_torn_files_are_named(tmp_path: Path) -> None:
    decode = idx_decoder({"images": "a-idx3-ubyte", "labels": "b-idx1-ubyte"})
    (tmp_path / "a-idx3-ubyte.gz").write_bytes(gzip.compress(CONTENT)[:-12])
    with pytest.raises(SourceError, match="no b-idx1-ubyte in"):
        decode(tmp_path)
    (tmp_path / "b-idx1-ubyte").write_bytes(CONTENT)
    with pytest.raises(SourceError, match=r"^a-idx3-ubyte\.gz: "):
        decode(tmp_path)
