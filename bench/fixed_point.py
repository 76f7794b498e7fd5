"""What kind of fixed point a flow of two numbers has, by the trace and the determinant of the game's Jacobian."""

import numpy as np

_ZERO = 1e-9  # of the Jacobian's norm, and of its square


def classify(jacobian: np.ndarray) -> str:
    """The kind of the fixed point of the flow w' = −v(w), linearised, from J = ∂v/∂w at it.

    With τ = tr J, δ = det J the eigenvalues of the flow are −(τ ± √(τ² − 4δ))/2, so the point is stable where τ > 0:

        δ < 0                    saddle
        δ > 0, τ = 0             centre (of the linearised flow: what is not linear decides)
        δ > 0, τ² < 4δ           stable or unstable focus
        δ > 0, τ² > 4δ           stable or unstable node
        δ > 0, τ² = 4δ           stable or unstable star (J a multiple of I), or else degenerate node
        δ = 0                    degenerate: fixed points fill a line, or the whole linearised plane, to first order

    Equalities hold to 1e-9 of ‖J‖ and ‖J‖².

    Args:
        jacobian: ``(2, 2)``.
    """
    size = float(np.linalg.norm(jacobian))
    trace, determinant = float(np.trace(jacobian)), float(np.linalg.det(jacobian))
    small = _ZERO * size**2
    if size == 0:
        return "degenerate (J = 0)"
    if abs(determinant) <= small:
        if abs(trace) <= _ZERO * size:
            return "degenerate (J is nilpotent)"
        return f"degenerate ({'stable' if trace > 0 else 'unstable'} line of fixed points)"
    if determinant < 0:
        return "saddle"
    if abs(trace) <= _ZERO * size:
        return "centre"
    stable = "stable" if trace > 0 else "unstable"
    discriminant = trace**2 - 4 * determinant
    if abs(discriminant) <= small:
        star = np.linalg.norm(jacobian - trace / 2 * np.eye(2)) <= _ZERO * size
        return f"{stable} {'star' if star else 'degenerate node'}"
    return f"{stable} {'focus' if discriminant < 0 else 'node'}"
