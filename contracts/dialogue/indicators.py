"""Indicators: the library a contract chooses from, and what a value reached is worth.

Pure: no database. Values are in the unit of the indicator, 1 and 0 for « oui » and « non »;
a rate goes from 0 to 1, to four decimals, half up. Differences are always worked out, never typed.
"""

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache
from typing import Any, Final

from django.conf import settings

from contracts.terms import Indicator, Step, Target, plain, unit_of
from cpts_portal.words import NBSP

FOLDER: Final = settings.BASE_DIR / "fixtures" / "indicators"
# The edition new contracts choose from; an older one stays beside it.
CURRENT: Final = "aci-1"
YES: Final = Decimal(1)
NO: Final = Decimal(0)
_FOUR_DECIMALS: Final = Decimal("0.0001")


# --- The library ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Entry:
    """An indicator of the library, with where it comes from. `target` is where one begins."""

    indicator: Indicator
    target: Decimal | None
    is_confirmed: bool


@dataclass(frozen=True)
class Library:
    version: int
    label: str
    source: str
    entries: tuple[Entry, ...]

    def of_mission(self, mission: str) -> tuple[Entry, ...]:
        return tuple(one for one in self.entries if one.indicator.mission == mission)


@lru_cache
def library(name: str = CURRENT) -> Library:
    """An edition of the library. Raises FileNotFoundError for one that does not exist."""
    data = tomllib.loads((FOLDER / f"{name}.toml").read_text())
    entries = tuple(_entry(row, data["source"]) for row in data["indicator"])
    return Library(data["version"], data["label"], data["source"], entries)


def _entry(row: dict[str, Any], source: str) -> Entry:
    target = Decimal(row["target"]) if "target" in row else None
    return Entry(
        Indicator(
            key=row["key"],
            mission=row["mission"],
            label=row["label"],
            kind=row["kind"],
            unit=row.get("unit", ""),
            lower_is_better=row.get("lower_is_better", False),
            source=source,
            targets=(Target(year=1, value=target),) if target is not None else (),
            proofs=tuple(row["proofs"]),
        ),
        target,
        row["confirmed"],
    )


# --- What is reached ------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Measure:
    """An indicator in a year: where it began, what it aims at, what was reached, last year's."""

    kind: str
    value: Decimal | None
    unit: str = ""
    lower_is_better: bool = False
    baseline: Decimal | None = None
    target: Decimal | None = None
    steps: Sequence[Step] = ()
    last: Decimal | None = None

    @property
    def rate(self) -> Decimal | None:
        """What the value is worth. None: no value, or nothing to hold it against."""
        if self.value is None:
            return None
        if self.kind == "yes_no":
            return YES if self.value >= 1 else NO
        if self.kind == "ladder" and self.steps:
            reached = [one.rate for one in self.steps if self._is_reached(one.threshold)]
            return max(reached, default=NO)
        return self._progress()

    def _progress(self) -> Decimal | None:
        """The way made from the baseline (or nothing) to the target, between none and all."""
        if self.target is None or self.value is None:
            return None
        if self._is_reached(self.target):
            return YES
        start = self.baseline
        if start is None:
            # Without a start a number that must go down has made no known way.
            if self.lower_is_better:
                return NO
            start = NO
        way = self.target - start
        # A target already met at the start is kept or lost.
        if way == 0 or (way < 0) != self.lower_is_better:
            return NO
        part = (self.value - start) / way
        return min(YES, max(NO, part)).quantize(_FOUR_DECIMALS, ROUND_HALF_UP)

    def _is_reached(self, threshold: Decimal) -> bool:
        if self.value is None:
            return False
        return self.value <= threshold if self.lower_is_better else self.value >= threshold

    @property
    def from_baseline(self) -> Decimal | None:
        return _difference(self.value, self.baseline)

    @property
    def from_target(self) -> Decimal | None:
        return _difference(self.value, self.target)

    @property
    def from_last(self) -> Decimal | None:
        return _difference(self.value, self.last)

    @property
    def deltas(self) -> list[str]:
        """« +700 patients depuis le départ (66 111) », and the same of the target and last year."""
        if self.kind == "yes_no":
            if self.last is None:
                return []
            return [f"l’an dernier{NBSP}: {self.said(self.last)}"]
        found = []
        for delta, origin, word in (
            (self.from_baseline, self.baseline, "depuis le départ"),
            (self.from_target, self.target, "par rapport à la cible"),
            (self.from_last, self.last, "par rapport à l’an dernier"),
        ):
            if delta is not None and origin is not None:
                found.append(f"{signed(delta)} {word} ({plain(origin)})")
        return found

    def said(self, value: Decimal | None) -> str:
        """A value in its unit, « oui » or « non »; empty for none."""
        if value is None:
            return ""
        if self.kind == "yes_no":
            return "oui" if value >= 1 else "non"
        return f"{plain(value)}{NBSP}{unit_of(self.unit, value)}".strip()


def _difference(value: Decimal | None, origin: Decimal | None) -> Decimal | None:
    return None if value is None or origin is None else value - origin


def signed(delta: Decimal) -> str:
    """« +2 700 », « −12 », « 0 »."""
    if not delta:
        return "0"
    return f"{'+' if delta > 0 else '−'}{plain(abs(delta))}"


def percent(rate: Decimal | None) -> str:
    """« 66,67 % »; « à convenir » for none."""
    return "à convenir" if rate is None else f"{plain(rate * 100)}{NBSP}%"
