"""Templates of an optimizer and of a game: complete files that keep their contract, to be edited."""

import keyword
import re
from importlib.resources import files
from pathlib import Path
from typing import Literal

from saddlebench.errors import InputError

_KEBAB = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")


def write_template(kind: Literal["optimizer", "game"], name: str, folder: Path) -> Path:
    """Write ``folder/my_name.py`` with a class ``MyName`` that is called ``my-name``.

    Args:
        kind: what to write.
        name: the catalogue name, in kebab-case.
        folder: an existing folder.

    Raises:
        InputError: another kind, a name not in kebab-case, no such folder, or the file exists already.
    """
    if kind not in ("optimizer", "game"):
        raise InputError(f"there is a template of an optimizer and of a game, not of {kind!r}")
    module, cls = name.replace("-", "_"), "".join(part.capitalize() for part in name.split("-"))
    if not _KEBAB.fullmatch(name) or keyword.iskeyword(module):
        raise InputError(f"the name {name!r} is not in kebab-case: small letters, digits and single hyphens, like my-{kind}")
    path = folder / f"{module}.py"
    text = (files(__name__) / f"{kind}.py.txt").read_text(encoding="utf-8")
    text = re.sub(r"\b(CLASS|NAME|FILE)\b", lambda m: {"CLASS": cls, "NAME": name, "FILE": path.name}[m[0]], text)
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise InputError(f"{path} exists already: nothing was written") from None
    except OSError as error:
        raise InputError(f"{path} cannot be written: {error.strerror}") from error
    return path
