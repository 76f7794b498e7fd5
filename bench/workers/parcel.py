"""Cells as bytes for another process, together with the user's files that define their classes.

A class of saddlebench travels by its name. One of a user's file travels with the file, which the other side imports under the same
name (it holds the hash of the content), so that hashes and with them the cells' keys stay what they are.
"""

import io
import operator
import pickle
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from saddlebench.bench.build import import_file, module_of
from saddlebench.bench.cells import Cell
from saddlebench.errors import InputError


def packed(cells: Sequence[Cell]) -> bytes:
    """The cells with all that another process needs to run them.

    Raises:
        InputError: a class that another process cannot import.
    """
    for cell in cells:
        _ = cell.key  # it travels along: nobody can hash a source that is not there
    buffer = io.BytesIO()
    try:
        _Pickler(buffer, pickle.HIGHEST_PROTOCOL).dump(list(cells))
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        raise InputError(f"workers cannot be sent {cells[0].label} ({error}): {_ADVICE}") from error
    return buffer.getvalue()


def unpacked(data: bytes) -> list[Cell]:
    """Undo `packed`.

    Raises:
        InputError: a class cannot be imported here.
    """
    try:
        return pickle.loads(data)
    except (AttributeError, ImportError) as error:
        raise InputError(f"a worker cannot import what it is to run ({error}): {_ADVICE}") from error


_ADVICE = "define games and optimizers in a file or a module of their own"


class _Pickler(pickle.Pickler):
    def reducer_override(self, obj: Any) -> Any:
        if not (isinstance(obj, type) and obj.__module__.startswith("saddlebench_user_")):
            return NotImplemented
        path = Path(str(sys.modules[obj.__module__].__file__))
        content = path.read_bytes() if path.is_file() else b""
        if module_of(path, content) != obj.__module__:
            raise InputError(f"{path} was changed while it was being run: workers cannot load it as it was")
        return _class, (str(path), content, obj.__qualname__)


def _class(path: str, content: bytes, name: str) -> type:
    """The class of a user's file; of its content, where the file is not here or another one."""
    file = Path(path)
    if (module := sys.modules.get(module_of(file, content))) is None:
        if not file.is_file() or file.read_bytes() != content:
            file = Path(tempfile.mkdtemp(prefix="saddlebench-")) / file.name
            file.write_bytes(content)
        module = import_file(file)
    return operator.attrgetter(name)(module)
