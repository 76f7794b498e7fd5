"""Trees of tensors in one safetensors file, written whole or not at all, checked when read; nothing in it can run code.

The tensors lie in the file under the paths they have in the tree (``state.inner.0.mean``), so that any reader of safetensors finds
them. Its metadata hold, as JSON, a header of the writer's own and how the tree is built; a named tuple is rebuilt with the class
that it has in a tree of the reader's own, never with one that the file names. One tensor that stands at two places is stored once.
A SHA-256 over header, structure and tensors tells a damaged file from a whole one.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from saddlebench.games.data.files import replacing

FORMAT = 1
_KEY, _SUM = "saddlebench", "sha256"


class TensorFileError(Exception):
    """A file is damaged, or holds something else; the text says which."""


@dataclass(frozen=True)
class TensorFile:
    """What a file holds.

    Attributes:
        header: as it was written.
        structure: of the tree, in which tensors are names.
        tensors: by name, on the CPU.
    """

    header: dict[str, Any]
    structure: Any
    tensors: dict[str, Tensor]

    def tree(self, part: str, like: Any = None, device: torch.device | str = "cpu") -> Any:
        """The tree's entry ``part``.

        Args:
            part: a key of the written mapping.
            like: a tree of the same make, which gives named tuples their classes; None: there are no named tuples.
            device: of the tensors.

        Raises:
            TensorFileError: no such entry, or another make.
        """
        try:
            entry = self.structure["dict"][part]
            return _built(entry, self.tensors, like, torch.device(device))
        except (KeyError, TypeError, AttributeError, IndexError) as error:
            raise TensorFileError(f"its entry {part} is not what is needed here") from error


def write(path: Path, tree: Mapping[str, Any], header: Mapping[str, Any]) -> None:
    """Write a tree of tensors, numbers, texts and None in tuples, lists, named tuples and dicts with texts as keys.

    Raises:
        OSError: the file cannot be written.
        TypeError: a tree of something else.
    """
    tensors: dict[str, Tensor] = {}
    text = json.dumps({"format": FORMAT, "header": header, "tree": _plain(dict(tree), "", tensors, {})}, ensure_ascii=False)
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as file:
        file.write(save(tensors, {_KEY: text, _SUM: _checksum(text, tensors)}))


def read(path: Path) -> TensorFile:
    """A file that `write` wrote.

    Raises:
        TensorFileError: it is damaged, or was written by something else.
        OSError: it cannot be read.
    """
    return parsed(path.read_bytes())


def parsed(data: bytes) -> TensorFile:
    """The same from the file's bytes."""
    try:
        length = int.from_bytes(data[:8], "little")
        metadata = json.loads(data[8 : 8 + length]).get("__metadata__", {})
        tensors = load(data)
    except (SafetensorError, ValueError, AttributeError, RecursionError, MemoryError) as error:
        raise TensorFileError("it is torn, or no safetensors file") from error
    if _KEY not in metadata:
        raise TensorFileError("it is a safetensors file, but not of saddlebench")
    if metadata.get(_SUM) != _checksum(metadata[_KEY], tensors):
        raise TensorFileError("it is damaged: its checksum is another")
    content = json.loads(metadata[_KEY])
    if content["format"] != FORMAT:
        raise TensorFileError(f"it has format {content['format']}, and this version reads {FORMAT}")
    return TensorFile(content["header"], content["tree"], tensors)


def _plain(tree: Any, name: str, tensors: dict[str, Tensor], known: dict[int, str]) -> Any:
    """The structure of a tree; its tensors are added by name."""

    def inner(key: Any, value: Any) -> Any:
        return _plain(value, f"{name}.{key}" if name else str(key), tensors, known)

    if isinstance(tree, Tensor):
        if id(tree) not in known:
            known[id(tree)] = name
            tensors[name] = tree.detach().cpu().clone(memory_format=torch.contiguous_format)
        return {"tensor": known[id(tree)]}
    if isinstance(tree, tuple) and hasattr(tree, "_fields"):
        return {"fields": {k: inner(k, v) for k, v in zip(tree._fields, tree, strict=True)}}  # pyright: ignore[reportAttributeAccessIssue] - of a named tuple
    if isinstance(tree, tuple):
        return {"tuple": [inner(k, v) for k, v in enumerate(tree)]}
    if isinstance(tree, list):
        return {"list": [inner(k, v) for k, v in enumerate(tree)]}
    if isinstance(tree, dict):
        return {"dict": {k: inner(k, v) for k, v in tree.items()}}
    if tree is None or isinstance(tree, bool | int | float | str):
        return {"value": tree}
    raise TypeError(f"{name} is a {type(tree).__name__}, which a file of tensors cannot hold")


def _built(entry: Any, tensors: dict[str, Tensor], like: Any, device: torch.device) -> Any:
    (kind, content), *_ = entry.items()
    if kind == "tensor":
        return tensors[content].to(device)
    if kind == "value":
        return content
    if kind == "fields":
        if not hasattr(like, "_fields") or tuple(content) != like._fields:
            raise TypeError("another state")
        return type(like)(*(_built(v, tensors, getattr(like, k), device) for k, v in content.items()))
    if kind == "dict":
        within = like if isinstance(like, dict) else {}
        return {k: _built(v, tensors, within.get(k), device) for k, v in content.items()}
    parts = like if isinstance(like, tuple | list) and len(like) == len(content) else [None] * len(content)
    return {"tuple": tuple, "list": list}[kind](_built(v, tensors, p, device) for v, p in zip(content, parts, strict=True))


def _checksum(text: str, tensors: Mapping[str, Tensor]) -> str:
    found = hashlib.sha256(text.encode())
    for name in sorted(tensors):
        x = tensors[name]
        found.update(f"\0{name}\0{x.dtype}\0{tuple(x.shape)}\0".encode())
        found.update(memoryview(x.reshape(-1).view(torch.uint8).numpy()))  # pyright: ignore[reportArgumentType] - arrays are buffers
    return found.hexdigest()
