"""Contracts for tests: those of the third size at the rates the portal is delivered with."""

from datetime import date
from typing import Any

from contracts.funding.schedule import Engagement, MissionStart, Terms, five_years
from procedures.rates import RateTable, delivered_rates

MISSIONS = (
    "access_to_care",
    "care_pathways",
    "prevention",
    "health_crisis",
    "quality_relevance",
    "professional_support",
)
STARTS = date(2023, 7, 1)


def terms(
    effective_on: date = STARTS,
    size: str = "T3",
    missions: dict[str, date | None] | None = None,
    rates: RateTable | None = None,
) -> Terms:
    """What a contract says; each mission begins with it unless told otherwise."""
    starts = dict.fromkeys(MISSIONS, effective_on) if missions is None else missions
    return Terms(
        effective_on,
        size,
        tuple(MissionStart(key, day) for key, day in starts.items()),
        rates or delivered_rates(),
    )


def engagement(starts_on: date = STARTS, **changes: Any) -> Engagement:
    """A contract of five years with the six missions from the first day."""
    given = {"ends_on": five_years(starts_on), "terms": (terms(starts_on),)} | changes
    return Engagement(starts_on=starts_on, **given)
