"""Canonical JSON and the short digests made of it: the identity of cells, contexts and machines."""

import hashlib
import json
from typing import Any

DIGEST_LENGTH = 16
"""Hex digits of a digest: 64 bits, so that a million cells collide with a probability of about 3e-8."""


def canonical_json(value: Any) -> str:
    """`value` as the one JSON text that equal values share: sorted keys, no blanks, floats by `repr`, tuples as lists.

    NumPy scalars and arrays count as their Python values. 1 and 1.0 differ: normalise parameters to their declared
    types first. Raises ValueError for NaN and infinities, TypeError for keys that are not text and for values JSON does
    not have.

    >>> canonical_json({"b": (1, 0.1), "a": None})
    '{"a":null,"b":[1,0.1]}'
    """
    _check_keys(value)
    try:
        return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False, default=_plain)
    except ValueError as error:
        raise ValueError(f"no canonical JSON of {value!r}: {error}") from None


def digest(value: Any) -> str:
    """16 hex digits of the SHA-256 of `canonical_json(value)`. Raises what `canonical_json` raises.

    >>> digest({"step_size": 0.1}) == digest({"step_size": 0.1})
    True
    """
    return hashlib.sha256(canonical_json(value).encode()).hexdigest()[:DIGEST_LENGTH]


def _check_keys(value: Any) -> None:
    # json turns the keys 1 and True into text without a word, which would give different values one identity.
    if isinstance(value, dict):
        for key, item in value.items():
            if not isinstance(key, str):
                raise TypeError(f"no canonical JSON: the key {key!r} is not text")
            _check_keys(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            _check_keys(item)


def _plain(value: Any) -> Any:
    if type(value).__module__ == "numpy" and hasattr(value, "tolist"):
        return value.tolist()
    raise TypeError(f"no canonical JSON of {value!r}, a {type(value).__name__}")
