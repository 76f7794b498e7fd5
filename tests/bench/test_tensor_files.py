"""Trees of tensors in a file: what goes in comes out, and nothing else does."""

from typing import NamedTuple

import pytest
import torch
from safetensors.torch import save_file

from saddlebench.bench.tensor_files import TensorFileError, read, write


class Moments(NamedTuple):
    mean: torch.Tensor
    rest: tuple


class Others(NamedTuple):
    mean: torch.Tensor
    others: tuple


def tree():
    x = torch.randn(2, 3)
    inner = (torch.arange(4), None, 2.5, {"a": torch.tensor(True), "b": "text"})
    return {"state": Moments(x, inner), "w": (x, x.mT), "empty": (torch.zeros(2, 0), ())}


def same(a, b):
    if isinstance(a, torch.Tensor):
        return torch.equal(a, b) and a.dtype == b.dtype
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(same(a[k], b[k]) for k in a)
    if isinstance(a, tuple):
        return type(a) is type(b) and len(a) == len(b) and all(map(same, a, b))
    return a == b


def test_what_goes_in_comes_out(tmp_path):
    written = tree()
    write(tmp_path / "a" / "x.safetensors", written, {"step": 3, "loss": 0.1})
    file = read(tmp_path / "a" / "x.safetensors")
    assert file.header == {"step": 3, "loss": 0.1}
    assert all(same(part, file.tree(name, part)) for name, part in written.items())
    assert [p.name for p in (tmp_path / "a").iterdir()] == ["x.safetensors"]


def test_one_tensor_at_two_places_is_stored_once(tmp_path):
    write(tmp_path / "x", tree(), {})
    file = read(tmp_path / "x")
    assert set(file.tensors) == {"state.mean", "state.rest.0", "state.rest.3.a", "w.1", "empty.0"}
    assert file.tree("w")[0] is file.tree("state", tree()["state"]).mean


def test_a_named_tuple_needs_its_class_from_the_reader(tmp_path):
    write(tmp_path / "x", tree(), {})
    for like in (None, (1, 2), Others(torch.zeros(1), ())):
        with pytest.raises(TensorFileError, match="state is not what is needed"):
            read(tmp_path / "x").tree("state", like)
    with pytest.raises(TensorFileError, match="moments is not"):
        read(tmp_path / "x").tree("moments")


@pytest.mark.parametrize("where", [0, 5, 200, -1])
def test_one_changed_byte_is_found(tmp_path, where):
    write(tmp_path / "x", tree(), {"step": 3})
    data = bytearray((tmp_path / "x").read_bytes())
    data[where] ^= 1
    (tmp_path / "x").write_bytes(data)
    with pytest.raises(TensorFileError):
        read(tmp_path / "x")


@pytest.mark.parametrize("length", [0, 7, 100, -1])
def test_a_torn_file_is_found(tmp_path, length):
    write(tmp_path / "x", tree(), {"step": 3})
    (tmp_path / "x").write_bytes((tmp_path / "x").read_bytes()[:length])
    with pytest.raises(TensorFileError, match="torn"):
        read(tmp_path / "x")


def test_files_of_others_are_named_so(tmp_path):
    save_file({"w": torch.zeros(3)}, tmp_path / "x")
    with pytest.raises(TensorFileError, match="not of saddlebench"):
        read(tmp_path / "x")
    torch.save({"w": torch.zeros(3)}, tmp_path / "y")
    with pytest.raises(TensorFileError, match="torn, or no safetensors file"):
        read(tmp_path / "y")


def test_what_cannot_be_held_is_refused_and_leaves_nothing(tmp_path):
    with pytest.raises(TypeError, match=r"state\.0 is a set"):
        write(tmp_path / "x", {"state": ({1},)}, {})
    assert list(tmp_path.iterdir()) == []
