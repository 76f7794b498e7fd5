"""Every kind of fixed point, each from a Jacobian whose flow is known, in any coordinates."""

import numpy as np
import pytest

from saddlebench.bench.fixed_point import classify

KINDS = {
    "saddle": [[1, 0], [0, -2]],
    "centre": [[0, 1], [-1, 0]],
    "stable focus": [[1, 3], [-3, 1]],
    "unstable focus": [[-0.1, -1], [1, -0.1]],
    "stable node": [[1, 0], [0, 3]],
    "unstable node": [[-1, 0], [0, -3]],
    "stable star": [[2, 0], [0, 2]],
    "unstable star": [[-2, 0], [0, -2]],
    "stable degenerate node": [[1, 1], [0, 1]],
    "unstable degenerate node": [[-1, 5], [0, -1]],
    "degenerate (J = 0)": [[0, 0], [0, 0]],
    "degenerate (J is nilpotent)": [[0, 1], [0, 0]],
    "degenerate (stable line of fixed points)": [[1, 0], [0, 0]],
    "degenerate (unstable line of fixed points)": [[-1, 0], [0, 0]],
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e6])
def test_kind_is_told_in_any_coordinates_and_units(kind, scale):
    jacobian = scale * np.array(KINDS[kind], dtype=float)
    assert classify(jacobian) == kind
    for angle in (0.3, 2.0):
        turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        assert classify(turn @ jacobian @ turn.T) == kind


@pytest.mark.parametrize("seed", range(20))
def test_kind_agrees_with_the_flow(seed):
    """Stable where a linear flow w' = −Jw shrinks in the long run, a focus or centre where it turns for ever."""
    jacobian = np.random.default_rng(seed).normal(size=(2, 2))
    values, vectors = np.linalg.eig(-jacobian)
    late = np.linalg.norm((vectors * np.exp(40 * values)) @ np.linalg.inv(vectors))
    later = np.linalg.norm((vectors * np.exp(41 * values)) @ np.linalg.inv(vectors))
    kind = classify(jacobian)
    assert ("focus" in kind) == bool(np.abs(values.imag).max() > 0)
    if kind == "saddle":
        assert values.real.min() < 0 < values.real.max()
    else:
        assert kind.startswith("stable" if later < late else "unstable")
