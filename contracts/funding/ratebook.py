"""The tables of rates: read, loaded, copied, compared, published."""

import itertools
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from functools import lru_cache
from types import MappingProxyType
from typing import Any, Final

from django.core.signals import request_finished, request_started
from django.db import transaction
from django.db.models import Count, Q, QuerySet
from django.utils import timezone

from accounts.models import User
from contracts.models import RateLine, RateTable, SocialSecurityCeiling
from cpts_portal.composed import Composed
from cpts_portal.words import NBSP, day, euros
from procedures import rates
from procedures.rates import Rate, Share, delivered_rates

KEY: Final = "aci"
_SHARES: Final = {
    Share.FIXED: "fixed_share",
    Share.VARIABLE: "variable_share",
    Share.CRISIS: "crisis_share",
}
_DAY: Final = timedelta(days=1)


class RatesRefusedError(Exception):
    """The table cannot be published or loaded; `sentences` say why and what to do."""

    def __init__(self, *sentences: str) -> None:
        super().__init__(" ".join(sentences))
        self.sentences = list(sentences)


# --- Reading --------------------------------------------------------------------------------------

_in_request = threading.local()


def _forget(**_signal: Any) -> None:
    _in_request.read = {}


def _stop(**_signal: Any) -> None:
    vars(_in_request).pop("read", None)


# A page may ask for the rates a dozen times: it reads them once.
request_started.connect(_forget)
request_finished.connect(_stop)


def published_rates() -> rates.RateTable | None:
    """The rates in force on every day, from the tables published; None when there are none.

    One query, and one only while a page is made.
    """
    kept: dict[str, rates.RateTable | None] | None = getattr(_in_request, "read", None)
    if kept is None:
        return _read()
    if KEY not in kept:
        kept[KEY] = _read()
    return kept[KEY]


_PUBLISHED: Final = Composed(
    lambda: RateLine.objects.filter(table__status=RateTable.Status.PUBLISHED, table__key=KEY)
    .order_by("table__valid_from", "pk")
    .values_list(
        "table__version", "table__valid_from", "table__valid_until", "size_class", "mission",
        "fixed_share", "variable_share", "crisis_share", "source", "is_confirmed",
    )
)  # fmt: skip


def _read() -> rates.RateTable | None:
    return _table(tuple(_PUBLISHED.rows()))


# As many as there are ever at once: each publication makes others.
@lru_cache(maxsize=4)
def _table(lines: tuple[tuple[Any, ...], ...]) -> rates.RateTable | None:
    found: list[Rate] = []
    version = 0
    for number, first, last, size, mission, fixed, variable, crisis, source, confirmed in lines:
        version = max(version, number)
        amounts = {Share.FIXED: fixed, Share.VARIABLE: variable, Share.CRISIS: crisis}
        found += [
            Rate(share if mission else Share.OPERATING, mission, size, amount, first, last,
                 source, confirmed)
            for share, amount in amounts.items()
            if amount is not None
        ]  # fmt: skip
    if not found:
        return None
    delivered = delivered_rates()
    return rates.RateTable(KEY, version, delivered.label, delivered.missions, tuple(found))


# --- Loading --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Loaded:
    """What `load_rates` did: the tables it published; nothing when the portal had some."""

    tables: list[RateTable]


@transaction.atomic
def load_delivered_rates() -> Loaded:
    """Publish the tables the portal is delivered with, on a portal that has none, and its ceilings.

    A portal that has tables keeps them: from then on the national administrator prepares the
    next ones.
    """
    _lock()
    for ceiling in rates.delivered_ceilings():
        SocialSecurityCeiling.objects.get_or_create(
            year=ceiling.year,
            defaults={"amount": ceiling.amount, "source": ceiling.source},
        )
    if RateTable.objects.filter(key=KEY).exists():
        return Loaded([])
    made: list[RateTable] = []
    described = rates.described_tables()
    for rank, one in enumerate(described):
        following = described[rank + 1].valid_from if rank + 1 < len(described) else None
        table = RateTable.objects.create(
            key=KEY,
            version=rank + 1,
            kind=one.kind,
            label=one.label,
            source=one.source,
            valid_from=one.valid_from,
            valid_until=following - _DAY if following else None,
        )
        RateLine.objects.bulk_create(_lines(table, delivered_rates(), one.valid_from))
        RateTable.objects.filter(pk=table.pk).update(
            status=RateTable.Status.PUBLISHED, published_at=timezone.now()
        )
        made.append(table)
    return Loaded(made)


def _lines(table: RateTable, source: rates.RateTable, on: date) -> list[RateLine]:
    lines: dict[tuple[str, str], RateLine] = {}
    for one in source.rates:
        if not one.applies(on):
            continue
        line = lines.setdefault(
            (one.mission, one.size),
            RateLine(table=table, mission=one.mission, size_class=one.size, source=one.source),
        )
        setattr(line, _SHARES.get(one.share, "fixed_share"), one.amount)
        line.is_confirmed = one.is_confirmed
    return list(lines.values())


def _lock() -> None:
    """One table at a time is published or prepared."""
    list(RateTable.objects.select_for_update().filter(key=KEY).order_by("pk").values_list("pk"))


# --- Preparing ------------------------------------------------------------------------------------


@transaction.atomic
def prepare_version(of: RateTable, *, by: User) -> RateTable:
    """A draft with the lines of a table, and one for each size and mission it has none for."""
    _lock()
    last = RateTable.objects.filter(key=of.key).order_by("-version").values_list("version").first()
    draft = RateTable.objects.create(
        key=of.key,
        version=(last[0] if last else 0) + 1,
        kind=of.kind,
        label=of.label,
        source="",
        valid_from=of.valid_from,
        valid_until=of.valid_until,
        copied_from=of,
        created_by=by,
    )
    known = {(one.mission, one.size_class): one for one in of.lines.all()}
    missions = ["", *(one.key for one in delivered_rates().missions)]
    lines = []
    for mission in missions:
        for size in rates.SIZES:
            line = known.get((mission, size)) or RateLine(mission=mission, size_class=size)
            line.pk, line.table = None, draft
            line._state.adding = True
            lines.append(line)
    RateLine.objects.bulk_create(lines)
    return draft


def missing_before_publishing(table: RateTable) -> list[str]:
    """What keeps a draft from being published, as sentences."""
    if not table.is_draft:
        return [f"Cette table est déjà publiée{NBSP}: préparez une nouvelle version."]
    found = []
    if not table.source.strip():
        found.append("La table n’a pas de source : écrivez le texte qui porte ces tarifs.")
    if not any(one.is_confirmed for one in table.lines.all()):
        found.append("Aucun tarif de cette table n’est confirmé : confirmez-en au moins un.")
    if table.valid_until and table.valid_until < table.valid_from:
        found.append("Le dernier jour est avant le premier : corrigez l’un des deux.")
    found += [
        f"«{NBSP}{other}{NBSP}» vaut à partir du {day(other.valid_from)}{NBSP}: donnez à cette "
        "table un dernier jour avant cette date."
        for other in _overlapping(table)
        if other.valid_from > table.valid_from
    ]
    return found


def consequences(table: RateTable) -> list[str]:
    """What publishing a draft does to the other tables, and the days left without rates."""
    said = []
    for other in _overlapping(table):
        if other.valid_from == table.valid_from:
            said.append(f"«{NBSP}{other}{NBSP}» est remplacée.")
        elif other.valid_from < table.valid_from:
            said.append(f"«{NBSP}{other}{NBSP}» prend fin le {day(table.valid_from - _DAY)}.")
    return said


def _overlapping(table: RateTable) -> list[RateTable]:
    others = RateTable.objects.published().filter(key=table.key).exclude(pk=table.pk)
    return [
        one
        for one in others.order_by("valid_from")
        if (table.valid_until is None or one.valid_from <= table.valid_until)
        and (one.valid_until is None or one.valid_until >= table.valid_from)
    ]


@transaction.atomic
def publish(table: RateTable) -> RateTable:
    """Put a draft in force for its days. Raises RatesRefusedError, with what is missing."""
    _lock()
    table = RateTable.objects.get(pk=table.pk)
    if refusals := missing_before_publishing(table):
        raise RatesRefusedError(*refusals)
    for other in _overlapping(table):
        if other.valid_from == table.valid_from:
            other.status = RateTable.Status.REPLACED
        else:
            other.valid_until = table.valid_from - _DAY
        other.save(update_fields=["status", "valid_until"])
    table.status, table.published_at = RateTable.Status.PUBLISHED, timezone.now()
    table.save(update_fields=["status", "published_at"])
    transaction.on_commit(_forget_here)
    return table


def _forget_here() -> None:
    if hasattr(_in_request, "read"):
        _forget()


def holes(key: str = KEY) -> list[str]:
    """The days between two published tables that no table holds, as sentences."""
    tables = list(RateTable.objects.published().filter(key=key).order_by("valid_from"))
    said = []
    for before, after in itertools.pairwise(tables):
        if before.valid_until and before.valid_until + _DAY < after.valid_from:
            said.append(
                f"Aucun tarif du {day(before.valid_until + _DAY)} au "
                f"{day(after.valid_from - _DAY)}{NBSP}: un contrat qui couvre ces jours ne peut "
                "pas être signé. Préparez une table pour eux."
            )
    if tables and tables[-1].valid_until:
        said.append(
            f"Aucun tarif après le {day(tables[-1].valid_until)}{NBSP}: préparez la table suivante."
        )
    return said


# --- Comparing ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Difference:
    """A size and a mission whose rate is not the same in two tables, in words."""

    what: str
    before: str
    after: str


def compare(before: RateTable, after: RateTable) -> list[Difference]:
    """What changes from a table to another, in the order of the agreement."""
    old = {(one.mission, one.size_class): one for one in before.lines.all()}
    new = {(one.mission, one.size_class): one for one in after.lines.all()}
    labels = mission_labels()
    found = []
    for mission in labels:
        for size in rates.SIZES:
            one, two = in_words(old.get((mission, size))), in_words(new.get((mission, size)))
            if one != two:
                found.append(Difference(f"{labels[mission]}, taille{NBSP}{size[1]}", one, two))
    return found


@lru_cache
def mission_labels() -> Mapping[str, str]:
    """Each mission by its key, the operating grant first."""
    labels = {one.key: one.label for one in delivered_rates().missions}
    return MappingProxyType({"": "Fonctionnement"} | labels)


def in_words(line: RateLine | None) -> str:
    """« 90 000 € fixes, 35 000 € variables (confirmé) »."""
    if line is None:
        return "aucun tarif"
    amounts: list[tuple[Decimal | None, str]] = [
        (line.fixed_share, "fixes" if line.mission else "par an"),
        (line.variable_share, "variables"),
        (line.crisis_share, "en cas de crise"),
    ]
    said = [f"{euros(amount)} {word}" for amount, word in amounts if amount is not None]
    if not said:
        return "aucun tarif"
    return f"{', '.join(said)} ({'confirmé' if line.is_confirmed else 'à confirmer'})"


def with_unsure(tables: QuerySet[RateTable]) -> QuerySet[RateTable]:
    """Each table with `unsure`: how many of its rates nothing confirms."""
    return tables.annotate(unsure=Count("lines", filter=Q(lines__is_confirmed=False)))
