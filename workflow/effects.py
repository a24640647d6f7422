"""What goes with a transition in the same transaction, declared next to the case's services.

A transition touches its own row. What it needs first (a number, a desk) is prepared before
it; what must be true with it (a frozen content, the desks, what the worker will have to do)
is recorded after it. Both run inside `perform()`'s transaction, under the case's lock.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from workflow.models import Case, TransitionLog

Preparation = Callable[..., dict[str, Any]]
Record = Callable[..., None]

_preparations: dict[tuple[str, str], Preparation] = {}
_records: dict[tuple[str, str], Record] = {}


def prepares(kind: str, transition: str) -> Callable[[Preparation], Preparation]:
    """Register the function that computes data the transition needs.

    Called as `function(case, actor=…, **data)`; what it returns is added to the data.
    """

    def register(function: Preparation) -> Preparation:
        _preparations[(kind, transition)] = function
        return function

    return register


def records(kind: str, transition: str) -> Callable[[Record], Record]:
    """Register the function that writes the rows that go with the transition.

    Called as `function(case, log=…, actor=…)` after the case was saved.
    """

    def register(function: Record) -> Record:
        _records[(kind, transition)] = function
        return function

    return register


def prepare(case: "Case", transition: str, *, actor: Any, data: dict[str, Any]) -> dict[str, Any]:
    function = _preparations.get((case.kind, transition))
    return data | function(case, actor=actor, **data) if function else data


def record(case: "Case", log: "TransitionLog", *, actor: Any) -> None:
    function = _records.get((case.kind, log.transition))
    if function:
        function(case, log=log, actor=actor)
