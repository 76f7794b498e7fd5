import hashlib

import numpy as np
import pytest

from saddlebench.results.identity import canonical_json, digest


def test_equal_values_share_one_text_whatever_their_order_or_container():
    left = {"step_size": (0.1, 0.2), "game": {"b": None, "a": True}}
    right = {"game": {"a": True, "b": None}, "step_size": np.array([0.1, 0.2])}
    assert canonical_json(left) == canonical_json(right) == '{"game":{"a":true,"b":null},"step_size":[0.1,0.2]}'


def test_floats_keep_every_digit_and_differ_from_integers():
    assert canonical_json([0.1 + 0.2, 1.0, 1, np.float64(1e-300), np.int64(7)]) == "[0.30000000000000004,1.0,1,1e-300,7]"


def test_text_outside_ascii_is_escaped_so_that_bytes_are_the_same_everywhere():
    assert canonical_json("γ") == '"\\u03b3"'


@pytest.mark.parametrize("value", [float("nan"), [float("inf")], {"a": np.float64("nan")}, np.array([np.inf])])
def test_non_finite_numbers_have_no_identity(value):
    with pytest.raises(ValueError, match="no canonical JSON"):
        canonical_json(value)


@pytest.mark.parametrize("value", [{1: "a"}, [{True: 1}], {"a": {2, 3}}, object()])
def test_keys_that_are_no_text_and_foreign_types_are_refused(value):
    with pytest.raises(TypeError, match="no canonical JSON"):
        canonical_json(value)


def test_digest_is_the_start_of_the_sha256_of_the_text():
    assert digest({"a": 1}) == hashlib.sha256(b'{"a":1}').hexdigest()[:16]
    assert digest({"a": 1}) != digest({"a": 1.0})
