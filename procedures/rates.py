"""What the agreement pays a CPTS in a year, by size and mission: dated rates, each with its source.

Amounts are euros, exact to the cent. One that no source confirms is never counted as if it were:
whoever reads it is told that it is to be confirmed.
"""

import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

FOLDER: Final = Path(__file__).resolve().parent.parent / "fixtures" / "rates"
SIZES: Final = ("T1", "T2", "T3", "T4")
# A CPOM pays every size the same.
ANY_SIZE: Final = ""
# No amount of a year comes near.
MOST: Final = Decimal(10_000_000)
_CENT: Final = Decimal("0.01")


class RatesError(ValueError):
    """A table of rates that cannot be used; the message says where and why."""


class Share(StrEnum):
    OPERATING = "operating"
    FIXED = "fixed"
    VARIABLE = "variable"
    # Paid only when the agency recognises a crisis.
    CRISIS = "crisis"


@dataclass(frozen=True)
class Mission:
    key: str
    label: str
    is_optional: bool


@dataclass(frozen=True)
class Rate:
    """An amount in euros a year, from a day to a day included (None: still in force)."""

    share: Share
    mission: str
    size: str
    amount: Decimal
    valid_from: date
    valid_to: date | None
    source: str
    is_confirmed: bool

    def applies(self, on: date) -> bool:
        return self.valid_from <= on and (self.valid_to is None or on <= self.valid_to)


@dataclass(frozen=True)
class RateTable:
    key: str
    version: int
    label: str
    missions: tuple[Mission, ...]
    rates: tuple[Rate, ...]

    def find(self, share: Share, size: str, on: date, mission: str = "") -> Rate | None:
        """The rate in force on a day; None when the table has none."""
        return next(
            (
                one
                for one in self.rates
                if (one.share, one.size, one.mission) == (share, size, mission) and one.applies(on)
            ),
            None,
        )


@dataclass(frozen=True)
class MissionFunding:
    """What a mission brings in a year; None where the amount is to be confirmed."""

    mission: Mission
    fixed: Decimal | None
    variable: Decimal | None
    # Only in a crisis that the agency recognises: never in the totals.
    crisis: Decimal | None


@dataclass(frozen=True)
class Funding:
    """A full year of a CPTS of one size with every mission, outside a crisis.

    `fixed`, `variable` and `total` are None as long as one of their amounts is to be confirmed.
    `variable` is what results may bring at most.
    """

    size: str
    operating: Decimal | None
    missions: tuple[MissionFunding, ...]
    sources: tuple[str, ...]

    @property
    def fixed(self) -> Decimal | None:
        return _sum(one.fixed for one in self.missions)

    @property
    def variable(self) -> Decimal | None:
        # The mission of crises has no other variable share than that of a crisis.
        return _sum(one.variable for one in self.missions if one.crisis is None)

    @property
    def total(self) -> Decimal | None:
        return _sum((self.operating, self.fixed, self.variable))


def _sum(amounts: Any) -> Decimal | None:
    found = list(amounts)
    return None if None in found else sum(found, Decimal(0))


def yearly_funding(table: RateTable, size: str, on: date) -> Funding:
    """What a size brings in a year, at the rates in force on a day."""
    used: list[Rate] = []

    def amount(share: Share, mission: str = "") -> Decimal | None:
        rate = table.find(share, size, on, mission)
        if rate is None or not rate.is_confirmed:
            return None
        used.append(rate)
        return rate.amount

    operating = amount(Share.OPERATING)
    missions = tuple(
        MissionFunding(
            one,
            amount(Share.FIXED, one.key),
            amount(Share.VARIABLE, one.key),
            amount(Share.CRISIS, one.key),
        )
        for one in table.missions
    )
    return Funding(size, operating, missions, tuple(dict.fromkeys(one.source for one in used)))


# --- Reading ------------------------------------------------------------------------------------


_published: list[Callable[[], RateTable | None]] = []


def read_published_with(read: Callable[[], RateTable | None]) -> None:
    """Say where the rates that the national administrator published are read."""
    _published[:] = [read]


def current_rates() -> RateTable:
    """The rates published on this portal; while there are none, those it is delivered with."""
    found = _published[0]() if _published else None
    return found or delivered_rates()


@lru_cache
def delivered_rates() -> RateTable:
    """The latest file of `fixtures/rates`."""
    return max((read_rates(path) for path in files()), key=lambda one: one.version)


@lru_cache
def cpom_rates(yearly: Decimal | None = None) -> RateTable:
    """What a CPOM pays a year: the most its source allows, or what the contract says instead.

    Raises RatesError for more than that.
    """
    table = read_rates(FOLDER / "cpom-1.toml")
    most = table.rates[0].amount
    if yearly is None:
        return table
    if not 0 < yearly <= most:
        raise RatesError(f"Un CPOM va jusqu’à {most} € par an, pas {yearly} €.")
    return replace(table, rates=(replace(table.rates[0], amount=yearly),))


def rates_of(form: str) -> RateTable:
    """The rates that a new contract of this form is signed at: « aci » or « cpom »."""
    return cpom_rates() if form == "cpom" else current_rates()


def files() -> list[Path]:
    return sorted(FOLDER.glob("aci-*.toml"))


@dataclass(frozen=True)
class Described:
    """A text that carries rates, from a day on: how a table of them is called."""

    kind: str
    label: str
    valid_from: date
    source: str


def described_tables() -> list[Described]:
    """The agreement and its amendments, in order, as the latest file describes them."""
    latest = max(files(), key=lambda path: read_rates(path).version)
    described = [Described(**one) for one in tomllib.loads(latest.read_text())["table"]]
    return sorted(described, key=lambda one: one.valid_from)


@dataclass(frozen=True)
class Ceiling:
    """The social security ceiling of a civil year, in euros."""

    year: int
    amount: Decimal
    source: str


def delivered_ceilings() -> list[Ceiling]:
    """Those that a source gives, from `fixtures/rates/pass.toml`."""
    read = tomllib.loads((FOLDER / "pass.toml").read_text())["year"]
    return [Ceiling(one["year"], Decimal(one["amount"]), one["source"]) for one in read]


def read_rates(path: Path) -> RateTable:
    """A table from its file. Raises RatesError for what is missing, wrong or twice there."""
    return parse_rates(tomllib.loads(path.read_text()), path.name)


def parse_rates(data: Mapping[str, Any], name: str) -> RateTable:
    """A table from its data; `name` is how errors call it."""
    try:
        missions = tuple(
            Mission(one["key"], one["label"], bool(one.get("optional", False)))
            for one in data["mission"]
        )
        rates = tuple(
            _rate(entry, size, text, f"{name}, tarif {rank}")
            for rank, entry in enumerate(data["rate"], start=1)
            for size, text in entry["amounts"].items()
        )
        table = RateTable(data["key"], int(data["version"]), data["label"], missions, rates)
    except KeyError as missing:
        raise RatesError(f"{name} : il manque {missing}.") from missing
    _check(table, name)
    return table


def _rate(entry: Mapping[str, Any], size: str, text: str, where: str) -> Rate:
    try:
        amount, share = Decimal(text), Share(entry["share"])
    except (InvalidOperation, ValueError) as wrong:
        raise RatesError(f"{where} : {wrong}.") from wrong
    if size not in {*SIZES, ANY_SIZE}:
        raise RatesError(f"{where} : la taille {size} n’existe pas.")
    if not amount.is_finite() or not 0 <= amount <= MOST or amount != amount.quantize(_CENT):
        raise RatesError(f"{where} : le montant {text} n’est pas possible.")
    valid_to = entry.get("valid_to")
    if valid_to is not None and valid_to < entry["valid_from"]:
        raise RatesError(f"{where} : il finit avant de commencer.")
    if not entry["source"].strip():
        raise RatesError(f"{where} : il n’a pas de source.")
    return Rate(
        share=share,
        mission=entry.get("mission", ""),
        size=size,
        amount=amount.quantize(_CENT),
        valid_from=entry["valid_from"],
        valid_to=valid_to,
        source=entry["source"].strip(),
        is_confirmed=entry["confirmed"] is True,
    )


def _check(table: RateTable, name: str) -> None:
    known = {one.key for one in table.missions}
    if len(known) != len(table.missions):
        raise RatesError(f"{name} : deux missions ont la même clé.")
    seen: dict[tuple[str, str, str], list[Rate]] = {}
    for rate in table.rates:
        if (rate.share == Share.OPERATING) != (not rate.mission) or (
            rate.mission and rate.mission not in known
        ):
            raise RatesError(f"{name} : la mission « {rate.mission} » n’est pas attendue ici.")
        others = seen.setdefault((rate.share, rate.mission, rate.size), [])
        for other in others:
            starts = max(rate.valid_from, other.valid_from)
            if rate.applies(starts) and other.applies(starts):
                raise RatesError(
                    f"{name} : deux tarifs {rate.share} {rate.mission} {rate.size} valent "
                    f"le {starts:%d/%m/%Y}."
                )
        others.append(rate)
