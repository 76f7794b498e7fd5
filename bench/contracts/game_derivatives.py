"""Checks of a game's derivatives: gradients, closed forms, products with the Jacobian."""

import torch
from torch import Tensor

from saddlebench.bench.contracts.finding import NotApplicable, require
from saddlebench.bench.contracts.game_points import Spot, spot_of
from saddlebench.bench.contracts.playing import difference
from saddlebench.games.game import Game, Profile

STEPS = (1e-5, 1e-8)  # a network of ReLUs has kinks within the longer one; a wrong derivative agrees with neither


def gradients_equal_finite_differences(game: Game) -> None:
    """∂loss_i/∂w_i by autograd equals central finite differences of the loss, in float64, along a generic direction."""
    spot = spot_of(game).double()
    field = spot.open().oracle().field(spot.w)
    for i, (gradient, u) in enumerate(zip(field, spot.direction, strict=True)):
        only = tuple(x if j == i else torch.zeros_like(x) for j, x in enumerate(spot.direction))
        exact, gaps = (gradient * u).sum(-1), []
        for step in STEPS:
            ahead, behind = (spot.moved(only, sign * step).losses[i] for sign in (1, -1))
            numeric = (ahead - behind) / (2 * step)
            gaps.append(float(((exact - numeric).abs() / (1 + numeric.abs())).max()))
        gap = min(gaps)
        hint = "a detach, no_grad or .data in the loss hides part of it"
        require(gap <= 1e-6, f"player {i}'s gradient is off by {gap:.1e} from finite differences of its loss: {hint}")


def closed_field_equals_autograd(game: Game) -> None:
    """The closed form of the field equals autograd of the losses."""
    spot = spot_of(game)
    if game.field(spot.w, spot.sample, spot.buffers) is None:
        raise NotApplicable("the game has no closed form of its field")
    spot = spot.double()
    gap = difference(spot.oracle().field(spot.w), spot.open().oracle().field(spot.w))
    require(gap <= 1e-10, f"the closed form of the field is off by {gap:.1e} from autograd of the losses")


def closed_blocks_equal_autograd(game: Game) -> None:
    """The closed forms of J_ij u and J_ijᵀ u equal double backward of the losses, for every pair of players."""
    spot = spot_of(game)
    if game.field(spot.w, spot.sample, spot.buffers) is None:
        raise NotApplicable("the game has no closed form of its field, so none of its blocks is asked")
    spot = spot.double()
    closed, autograd = spot.oracle().at(spot.w), spot.open().oracle().at(spot.w)
    for i in range(len(spot.w)):
        for j in range(len(spot.w)):
            for transpose in (False, True):
                u = spot.direction[i if transpose else j]
                what = f"J_{i}{j}{'ᵀ' if transpose else ''} u"
                given = game.block(i, j, spot.w, spot.sample, spot.buffers, u, transpose)
                require(given is not None, f"field has a closed form, but block answers None for {what}: give both or neither")
                gap = difference((closed.block(i, j, u, transpose),), (autograd.block(i, j, u, transpose),))
                require(gap <= 1e-10, f"the closed form of {what} is off by {gap:.1e} from autograd of the losses")


def double_backward_works(game: Game) -> None:
    """Jᵀu and Ju can be formed, and differentiated once more, which methods of second order and the spectrum do."""
    spot = spot_of(game)
    point = spot.oracle(differentiable=True).at(tuple(x.detach().requires_grad_() for x in spot.w))
    products = {"Jᵀu": point.vjp(spot.direction), "Ju": point.jvp(spot.direction)}
    for what, product in products.items():
        for i, (x, w) in enumerate(zip(product, spot.w, strict=True)):
            require(
                x.shape == w.shape and x.isfinite().all(), f"{what} of player {i} is not finite or has not its strategy's shape"
            )
    total = torch.stack([x.sum() for product in products.values() for x in product]).sum()
    if total.requires_grad:  # not where the field is linear
        torch.autograd.grad(total, point.w, materialize_grads=True)


def products_are_adjoint(game: Game) -> None:
    """⟨u, J x⟩ = ⟨Jᵀu, x⟩, in float64."""
    spot = spot_of(game).double()
    x = tuple(y.flip(0).roll(1, -1) - 0.2 * y for y in spot.direction)
    point = spot.oracle().at(spot.w)
    left, right = _inner(spot.direction, point.jvp(x)), _inner(point.vjp(spot.direction), x)
    gap = float(((left - right).abs() / (left.abs() + right.abs()).clamp_min(1e-3)).max())
    require(gap <= 1e-8, f"⟨u, J x⟩ and ⟨Jᵀu, x⟩ differ by {gap:.1e}: a derivative of second order is wrong")


def products_equal_finite_differences(game: Game) -> None:
    """Ju equals central finite differences of the field, in float64."""
    spot = spot_of(game).double()
    product = spot.oracle().at(spot.w).jvp(spot.direction)
    gaps = []
    for step in STEPS:
        ahead, behind = (_field(spot.moved(spot.direction, sign * step)) for sign in (1, -1))
        gaps.append(difference(product, tuple((a - b) / (2 * step) for a, b in zip(ahead, behind, strict=True))))
    gap = min(gaps)
    require(
        gap <= 1e-4, f"Ju is off by {gap:.1e} from finite differences of the field: the gradient has a part without a derivative"
    )


def _field(spot: Spot) -> Profile:
    return spot.oracle().field(spot.w)


def _inner(a: Profile, b: Profile) -> Tensor:
    return sum(((x * y).sum(-1) for x, y in zip(a, b, strict=True)), start=torch.zeros(()))


DERIVATIVE_CHECKS = (
    gradients_equal_finite_differences,
    closed_field_equals_autograd,
    closed_blocks_equal_autograd,
    double_backward_works,
    products_are_adjoint,
    products_equal_finite_differences,
)
