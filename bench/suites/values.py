"""Values as users write them, on the command line and in suites."""

import json
from typing import Any

from saddlebench.errors import InputError


def value_of(text: str) -> Any:
    """A value as JSON, or else the text itself."""
    try:
        return json.loads(text)
    except ValueError:
        return text.strip()


def seeds_of(value: Any, where: str = "--seeds") -> list[int]:
    """``10``: seeds 0 to 9; ``0,1,5``: these. Also as a suite's number or list.

    Raises:
        InputError: neither, none, or one twice.
    """
    if isinstance(value, str):
        value = value_of(value if "," not in value else f"[{value}]")
    listed = list(range(value)) if whole(value) else value
    if not isinstance(listed, list) or not all(whole(s) and 0 <= s < 2**63 for s in listed):
        raise InputError(f"{where} = {value!r} must be a number of seeds (10) or a list of seeds (0,1,5)")
    if not listed:
        raise InputError(f"{where} = {value!r}: at least one seed is needed")
    if len(set(listed)) != len(listed):
        raise InputError(f"{where} = {value!r}: a seed is given twice")
    return listed


def whole(value: Any) -> bool:
    """A whole number, and no truth value."""
    return isinstance(value, int) and not isinstance(value, bool)
