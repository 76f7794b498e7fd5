"""Checks of an optimizer's search space."""

from itertools import product
from typing import Any

from saddlebench.bench.build import checked
from saddlebench.bench.contracts.finding import NotApplicable, require
from saddlebench.errors import InputError
from saddlebench.optimizers.search import contains, declared_by, ranges, replaced, space_of, text, value_at


def search_space_has_valid_values(optimizer: Any) -> None:
    """Every value of the search space, its ends included, is a valid hyperparameter, and the defaults lie inside."""
    unknown = sorted(set(declared_by(type(optimizer))) - set(type(optimizer).__dataclass_fields__))
    require(not unknown, f"search names {', '.join(unknown)}, which is no parameter of it")
    space = space_of(optimizer)
    if not space:
        raise NotApplicable("it has no hyperparameter that is searched")
    for path, spec in space.items():
        name, default = ".".join(path), optimizer
        for part in path:
            default = getattr(default, part)
        require(contains(spec, default), f"the default {name} = {default} lies outside {text(spec)}: widen its range in search")
        for corner in product((0.0, 0.5, 1.0), repeat=len(list(ranges(spec)))):
            value = value_at(spec, iter(corner))
            reason = _refusal(optimizer, {path: value})
            require(reason is None, f"{name} = {value} is in its range {text(spec)} and refused: {reason}")


def _refusal(optimizer: Any, values: dict[tuple[str, ...], Any]) -> str | None:
    try:
        checked("optimizer", replaced(optimizer, values))
    except (InputError, TypeError, ValueError) as error:
        return str(error)
    return None


SEARCH_CHECKS = (search_space_has_valid_values,)
