"""A user's feature extractor, ``module:callable`` or ``file.py:callable``: uint8 images ``(N, C, H, W)`` → vectors ``(N, d)``."""

import hashlib
import inspect
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

from torch import Tensor

from saddlebench.bench.build import import_file
from saddlebench.errors import InputError, unknown


class Custom:
    """The extractor behind ``fd_<callable>``.

    Args:
        place: where the callable is. A class is called once without arguments, and its object is the extractor.

    Raises:
        InputError: there is no such module, file or callable.
    """

    batch = 100

    def __init__(self, place: str) -> None:
        self.place = place
        where, _, self.name = place.rpartition(":")
        module = _module(where, place)
        found = getattr(module, self.name, None)
        if found is None:
            raise unknown(f"callable in {where}", self.name, (name for name in vars(module) if not name.startswith("_")))
        function: Any = found() if inspect.isclass(found) else found
        if not callable(function):
            raise InputError(f"{place} is of type {type(found).__name__}, expected a function of images")
        self._function: Callable[[Tensor], Any] = function
        source = Path(str(module.__file__)).read_bytes() if getattr(module, "__file__", None) else b""
        self.identity = f"{place} source sha256:{hashlib.sha256(source).hexdigest()}"

    def features(self, images: Tensor) -> Tensor:
        """What the user's callable answers.

        Raises:
            InputError: it is no tensor ``(N, d)``.
        """
        answer = self._function(images)
        if not isinstance(answer, Tensor) or answer.dim() != 2 or len(answer) != len(images):
            shape = tuple(answer.shape) if isinstance(answer, Tensor) else type(answer).__name__
            raise InputError(f"{self.place} answered {shape} to {len(images)} images, expected a tensor ({len(images)}, d)")
        return answer


def _module(where: str, place: str) -> ModuleType:
    if where.endswith(".py"):
        path = Path(where).expanduser()
        if not path.is_file():
            raise InputError(f"the feature extractor {place}: there is no file {path}")
        return import_file(path)
    try:
        return import_module(where)
    except (ImportError, ValueError) as error:
        raise InputError(
            f"the feature extractor {place} cannot be imported: {error}; expected module:callable or file.py:callable"
        ) from error
