"""Eigenvalues with their eigenvectors: all of a matrix, or the leading ones of an operator that is known by its products.

Sorted by falling modulus, vectors of unit length.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.sparse.linalg import ArpackNoConvergence, LinearOperator, eigs

ARNOLDI_COUNT = 6  # eigenvalues asked of Arnoldi: fewer with a loose tolerance are not to be trusted
ARNOLDI_BASIS = 60
ARNOLDI_TOLERANCE = 1e-6
_STEEP = 1e4  # an operator of larger norm is balanced first: Arnoldi's tolerance is small beside the norm, not the eigenvalues
_BALANCINGS = 5
_ROUNDING = 10 * np.finfo(float).eps
_MULTIPLICITY = 4  # the highest of a root whose error is estimated

Product = Callable[[np.ndarray], np.ndarray]


class NoSpectrumError(ValueError):
    """Why a cell has no spectrum at a point, in one line."""


@dataclass(frozen=True)
class Eigenpairs:
    """Eigenvalues and unit eigenvectors.

    Attributes:
        values: ``(count,)`` complex.
        vectors: ``(unknowns, count)`` complex.
        residuals: ‖Mx − λx‖ of each pair where Arnoldi found it, None where dense.
        radius_error: how far rounding may have moved the largest modulus.
    """

    values: np.ndarray
    vectors: np.ndarray
    residuals: np.ndarray | None
    radius_error: float


def dense(matrix: np.ndarray) -> Eigenpairs:
    """All eigenpairs of a matrix.

    The error of an eigenvalue is estimated to first order as 10 n ε ‖M‖ κ, with κ the norm of the left eigenvector that has
    product 1 with the unit right one. Near a root of multiplicity m, where κ → ∞, it is 10 ε^{1/m} ‖M‖, m ≤ 4.
    """
    values, vectors = np.linalg.eig(matrix)
    order = np.argsort(-np.abs(values), kind="stable")
    values, vectors = values[order], vectors[:, order]
    return Eigenpairs(values, vectors, None, _radius_error(matrix, values, vectors))


def _radius_error(matrix: np.ndarray, values: np.ndarray, vectors: np.ndarray) -> float:
    count = len(values)
    if not count:
        return 0.0
    size = float(np.linalg.norm(matrix))
    most = size * 10 * np.finfo(float).eps ** (1 / min(count, _MULTIPLICITY))
    try:
        condition = np.linalg.norm(np.linalg.inv(vectors), axis=1)
    except np.linalg.LinAlgError:  # defective to the last bit
        return most
    errors = np.minimum(_ROUNDING * count * size * condition, most)
    moduli = np.abs(values)
    return float(errors[moduli + errors >= moduli[0]].max(initial=0.0))


def leading(product: Product, unknowns: int) -> Eigenpairs:
    """The `ARNOLDI_COUNT` eigenpairs of largest modulus of the operator x ↦ ``product(x)``, by Arnoldi iteration.

    An operator of large norm, such as the Jacobian of a step of Adam, whose second moments are tiny, is balanced first: M is
    replaced by D⁻¹MD, and the residuals are its own.

    Raises:
        NoSpectrumError: none was found to the tolerance.
    """
    start = np.cos(np.arange(unknowns) * 0.7 + 0.3)  # any fixed vector: the answer must not depend on a global seed
    scale = _balance(product, unknowns)

    def balanced(x: np.ndarray) -> np.ndarray:
        return product(x * scale) / scale

    operator = LinearOperator((unknowns, unknowns), matvec=lambda x: balanced(np.asarray(x).ravel()), dtype=np.float64)  # pyright: ignore[reportCallIssue] - scipy documents the keyword form
    try:
        found = eigs(operator, k=ARNOLDI_COUNT, ncv=min(ARNOLDI_BASIS, unknowns), tol=ARNOLDI_TOLERANCE, v0=start)  # pyright: ignore[reportArgumentType] - scipy's default 0 hides that tol is a float
    except ArpackNoConvergence as error:
        if not len(error.eigenvalues):
            raise NoSpectrumError("Arnoldi iteration found no eigenvalue to 1e-6") from error
        found = error.eigenvalues, error.eigenvectors
    order = np.argsort(-np.abs(found[0]), kind="stable")
    values, vectors = found[0][order], found[1][:, order]
    applied = np.stack([balanced(v.real) + 1j * balanced(v.imag) for v in vectors.T], -1)
    residuals = np.linalg.norm(applied - vectors * values, axis=0)
    vectors = scale[:, None] * vectors
    vectors /= np.linalg.norm(vectors, axis=0)
    return Eigenpairs(values, vectors, residuals, 10 * max(float(residuals[0]), ARNOLDI_TOLERANCE * float(np.abs(values[0]))))


def _balance(product: Product, unknowns: int) -> np.ndarray:
    """The diagonal of D; ones where the norm is moderate already.

    From products alone: with random signs z the numbers |D⁻¹MDz| are the sizes of the rows, by which D grows, a few times over
    (Chen & Demmel 2000, "Balancing sparse matrices for computing eigenvalues").
    """
    random, scale = np.random.default_rng(0), np.ones(unknowns)
    for k in range(_BALANCINGS):
        signs = random.integers(0, 2, unknowns) * 2.0 - 1
        sizes = np.abs(product(scale * signs) / scale)
        if k == 0 and np.linalg.norm(sizes) <= _STEEP * np.sqrt(unknowns):
            break
        scale = np.where(sizes > 0, scale * sizes, scale)
    return scale


def mass(vectors: np.ndarray, sizes: tuple[int, ...]) -> np.ndarray:
    """The share of each eigenvector's squared modulus in each player's strategy, ``(count, players)``.

    Args:
        vectors: ``(unknowns, count)``; the first Σ sizes unknowns are the profile, the rest is left out.
        sizes: of the players' strategies.
    """
    edges = np.cumsum(sizes)
    square = np.abs(vectors[: edges[-1]]) ** 2
    parts = np.stack([block.sum(0) for block in np.split(square, edges[:-1])], -1)
    return parts / np.maximum(parts.sum(-1, keepdims=True), np.finfo(float).tiny)
