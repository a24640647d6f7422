"""Which clock runs for which case: each kind declares how its own is found when Django starts."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from workflow.clock import ClockRule

if TYPE_CHECKING:
    from workflow.models import Case

RuleOf = Callable[["Case"], ClockRule]

_rules: dict[str, RuleOf] = {}
_pages: dict[str, str] = {}


def declare_clock(kind: str, rule_of: RuleOf, *, page: str) -> None:
    """Give a kind of case its clock: `rule_of` reads it from the case, without a query.

    `page` is the name of the address of a case of this kind, which takes its public id: the
    alerts lead there.
    """
    _rules[kind], _pages[kind] = rule_of, page


def clock_rule(case: "Case") -> ClockRule:
    """The period of a case: that of the procedure it began with.

    Raises LookupError for a kind that has no clock, or a procedure that is no more.
    """
    return _rules[case.kind](case)


def case_page(kind: str) -> str:
    return _pages[kind]


def longest_alert() -> int:
    """Days before a deadline of the first thing anybody is told: the same for every kind."""
    return max(ClockRule.alerts)
