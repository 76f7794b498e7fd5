"""Types of hyperparameters and how a step reads them.

A hyperparameter is a number, or one number a player (a list in Python, JSON and TOML; a tuple inside the dataclass). While many
runs step together the runner puts a float64 tensor of shape ``(runs, 1)`` in place of each number that differs between them, so
a step reads a value through `pick` and multiplies through `cast`: hyperparameters combine in float64 (1 − β loses half its
digits in float32) and only the result takes the profile's dtype, which a float64 tensor would otherwise widen.
"""

from typing import Annotated, Any

from pydantic import Field

_Real = Annotated[float, Field(strict=True, allow_inf_nan=False)]
_Positive = Annotated[float, Field(strict=True, gt=0, allow_inf_nan=False)]
_NonNegative = Annotated[float, Field(strict=True, ge=0, allow_inf_nan=False)]
_Momentum = Annotated[float, Field(strict=True, gt=-1, lt=1)]
_Decay = Annotated[float, Field(strict=True, ge=0, lt=1)]

# A number, or one number a player.
Real = _Real | tuple[_Real, ...]
Positive = _Positive | tuple[_Positive, ...]
NonNegative = _NonNegative | tuple[_NonNegative, ...]
Momentum = _Momentum | tuple[_Momentum, ...]
Decay = _Decay | tuple[_Decay, ...]
# Adam's (β₁, β₂), or one pair a player; β₁ may be negative (Gidel et al. 2019, negative momentum).
Betas = tuple[_Momentum, _Decay] | tuple[tuple[_Momentum, _Decay], ...]
# Settings of a game or of a method as a whole, one value each.
Scalar = _Real
PositiveScalar = _Positive
NonNegativeScalar = _NonNegative
Count = Annotated[int, Field(strict=True, ge=1)]
Natural = Annotated[int, Field(strict=True, ge=0)]
Share = Annotated[float, Field(ge=0, le=1)]
Tolerance = Annotated[float, Field(gt=0, lt=1)]
Vector = tuple[_Real, ...]
Matrix = tuple[Vector, ...]


def pick(value: Any, i: int) -> Any:
    """Player i's value of a hyperparameter that is one number, or a tuple with one a player."""
    return value[i] if isinstance(value, tuple) else value


def pick_pair(value: Any, i: int) -> Any:
    """Player i's pair of a hyperparameter that is one pair, or a tuple with one pair a player."""
    return value[i] if isinstance(value[0], tuple) else value


def cast(value: Any, like: Any) -> Any:
    """A hyperparameter in the dtype of the tensor ``like``; a Python number stays one (it widens nothing)."""
    return value if isinstance(value, float | int) else value.to(like.dtype)
