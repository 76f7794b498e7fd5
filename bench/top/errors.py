"""The one exception a user sees as a single line with exit code 2."""

import difflib
from collections.abc import Iterable


class InputError(ValueError):
    """Bad input: one clear line for the user, exit code 2, nothing written."""


def unknown(kind: str, name: str, known: Iterable[str]) -> InputError:
    """An `InputError` for an unknown name that suggests the nearest known ones.

    >>> str(unknown("game", "bilinaer", ["bilinear", "quadratic"]))
    "unknown game 'bilinaer': did you mean 'bilinear'?"
    """
    known = sorted(known)
    near = difflib.get_close_matches(name, known, n=3, cutoff=0.6)
    if near:
        return InputError(f"unknown {kind} {name!r}: did you mean {' or '.join(repr(n) for n in near)}?")
    listing = f"known are {', '.join(known)}" if len(known) <= 40 else f"none of {len(known)} is near it, see saddlebench list"
    return InputError(f"unknown {kind} {name!r}: {listing}")
