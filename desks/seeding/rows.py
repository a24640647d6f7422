"""Rows on their way to their tables: the numbers they refer to each other by, and the copy."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from random import Random
from typing import Any, Final

from django.db.models import Max, Model
from django.utils import timezone

from accounts.models import User
from communities.models import Community, CommunityTerritory, TeamMember
from territories.models import Territory, TerritoryPart
from workflow.models import (
    Case,
    CaseDesk,
    CaseLabel,
    ClockEvent,
    Consultation,
    ConsultationLog,
    Decision,
    DecisionParty,
    Opinion,
    ReferenceCounter,
    Snapshot,
    TransitionLog,
)

# Who wrote all of it: nobody can sign in with this address.
AUTHOR: Final = "donnees.de.mesure@exemple.test"
NUMBERED: Final[tuple[type[Model], ...]] = (
    Community, Territory, TerritoryPart, Case, Consultation, Opinion, CommunityTerritory,
    TeamMember, CaseDesk, TransitionLog, ClockEvent, ConsultationLog, Snapshot, CaseLabel,
    Decision, DecisionParty,
)  # fmt: skip


@dataclass
class _Table:
    """Rows on their way to one table. `columns` are attributes of the model."""

    model: type[Model]
    columns: Sequence[str]
    rows: list[tuple[Any, ...]] = field(default_factory=list)

    def copy(self, cursor: Any) -> None:
        if not self.rows:
            return
        names = ", ".join(self.columns)
        with cursor.copy(f"COPY {self.model._meta.db_table} ({names}) FROM STDIN") as copy:
            for row in self.rows:
                copy.write_row(row)
        self.rows.clear()


class Rows:
    """Rows put aside for their tables. `random` is all the chance there is."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.today: date = timezone.localdate()
        self.numbers = {
            model: model._default_manager.aggregate(last=Max("pk"))["last"] or 0
            for model in NUMBERED
        }
        self.counters: dict[tuple[str, str, int], int] = {
            (one.prefix, one.region_id, one.year): one.last
            for one in ReferenceCounter.objects.all()
        }
        self.author = User.objects.get_or_create(email=AUTHOR, defaults={"last_name": "Mesure"})[0]
        self.tables: dict[type[Model], _Table] = {}

    def next(self, model: type[Model]) -> int:
        self.numbers[model] += 1
        return self.numbers[model]

    def add(self, model: type[Model], **values: Any) -> int:
        """Put a row aside for its table; its number, if it has one."""
        if model in self.numbers and "id" not in values:
            values = {"id": self.next(model), **values}
        table = self.tables.setdefault(model, _Table(model, tuple(values)))
        table.rows.append(tuple(values.values()))
        return int(values.get("id", 0))

    def public_id(self) -> uuid.UUID:
        return uuid.UUID(int=self.random.getrandbits(128), version=4)

    def copy(self, cursor: Any) -> None:
        """Send all of them."""
        for table in self.tables.values():
            table.copy(cursor)

    def keep_counters(self) -> None:
        """The references given are taken, for those that come after."""
        for (prefix, code, year), last in self.counters.items():
            ReferenceCounter.objects.update_or_create(
                prefix=prefix, region_id=code, year=year, defaults={"last": last}
            )


@cache
def blank(model: type[Model]) -> dict[str, Any]:
    """The values of a row that says nothing, without its number."""
    values: dict[str, Any] = {}
    for column in model._meta.concrete_fields:
        value = column.get_default() if column.has_default() else None if column.null else ""
        if not column.primary_key:
            values[column.attname] = "{}" if value in ({}, []) else value
    return values
