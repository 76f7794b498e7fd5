"""What a contract check says, and how checks are run."""

import traceback
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar

Status = Literal["ok", "failed", "not applicable"]
Subject = TypeVar("Subject")


@dataclass(frozen=True)
class Finding:
    """The answer of one check.

    Attributes:
        check: the check's name.
        status: ok, failed, or not applicable.
        message: what was checked, what is wrong, or why the check does not apply.
    """

    check: str
    status: Status
    message: str


class Violation(Exception):
    """The contract is broken; the message says how, to someone who has not read the contract."""


class NotApplicable(Exception):
    """The check has nothing to check; the message says why."""


def require(condition: Any, message: str) -> None:
    """Raise `Violation` with the message unless the condition holds."""
    if not condition:
        raise Violation(message)


def run_checks(checks: Iterable[Callable[[Subject], None]], subject: Subject) -> list[Finding]:
    """One finding a check; a check that ends in an unforeseen error has failed, and says where the error came from."""
    return [_run(check, subject) for check in checks]


def _run(check: Callable[[Subject], None], subject: Subject) -> Finding:
    name = check.__name__.replace("_", " ")
    try:
        check(subject)
    except Violation as error:
        return Finding(name, "failed", str(error))
    except NotApplicable as reason:
        return Finding(name, "not applicable", str(reason))
    except Exception as error:
        return Finding(name, "failed", f"{type(error).__name__}: {error} ({_place(error)})")
    return Finding(name, "ok", " ".join((check.__doc__ or "").split("\n\n")[0].split()))


def _place(error: Exception) -> str:
    """The innermost line outside torch and outside the checks: the one that the author can change."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [f for f in frames if "site-packages" not in f.filename and Path(f.filename).parent != Path(__file__).parent]
    frame = (own or frames)[-1]
    return f"{Path(frame.filename).name}:{frame.lineno}"
