"""Which clock runs for which kind of case: each kind declares its own when Django starts."""

from workflow.clock import ClockRule

_rules: dict[str, ClockRule] = {}
_pages: dict[str, str] = {}


def declare_clock(kind: str, rule: ClockRule, *, page: str) -> None:
    """Give a kind of case its clock.

    `page` is the name of the address of a case of this kind, which takes its public id: the
    alerts lead there.
    """
    _rules[kind], _pages[kind] = rule, page


def clock_rule(kind: str) -> ClockRule:
    """Raises LookupError for a kind that has no clock."""
    return _rules[kind]


def case_page(kind: str) -> str:
    return _pages[kind]


def longest_alert() -> int:
    """How many days before a deadline the first alert of any kind of case is told."""
    return max((days for rule in _rules.values() for days in rule.alerts), default=0)
