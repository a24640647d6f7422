"""What each load of communes and populations changed, CPTS by CPTS, for who follows a région."""

import csv
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from io import StringIO
from typing import Any, Final
from urllib.parse import urlencode

from django.core.paginator import Page
from django.db.models import F, QuerySet
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from cpts_portal.paging import read_page
from cpts_portal.words import NBSP, figure
from desks.coordinator import coordinates
from desks.exports import neutral
from territories.models import Vintage
from workflow.models import Case, YearEffect
from workflow.years import commune_sentences

PAGE_SIZE: Final = 25
ALL, SIZES, COMMUNES, UNREAD = "", "tailles", "communes", "a-lire"
VIEWS: Final = {
    ALL: "Toutes les CPTS concernées",
    SIZES: "Taille différente",
    COMMUNES: "Communes différentes",
    UNREAD: "Pas encore lu par le bureau",
}
HEADERS: Final = [
    "CPTS",
    "Référence",
    "Région",
    "Stade",
    "Année des communes",
    "Population légale",
    "Population avant",
    "Population après",
    "Écart",
    "Taille avant",
    "Taille après",
    "Communes",
    "Lu le",
    "Lu par",
]


def reads_years(user: User) -> bool:
    """Who reads the report: coordinators of the offices, and administrators in their own name."""
    return coordinates(user) or (user.acting is None and user.is_superuser)


@dataclass(frozen=True)
class Choices:
    """What the address asks for: a load, and which of its rows."""

    vintage: Vintage | None
    view: str

    def query(self) -> str:
        asked = {"millesime": self.vintage.pk if self.vintage else "", "voir": self.view}
        return urlencode({name: value for name, value in asked.items() if value})


def read_choices(asked: Mapping[str, str]) -> Choices:
    """The load and the rows asked for; the last load and all of its rows otherwise."""
    number = asked.get("millesime", "")
    loads = loads_with_effects()
    chosen = [one for one in loads if str(one.pk) == number] or loads
    view = asked.get("voir", "")
    return Choices(chosen[0] if chosen else None, view if view in VIEWS else ALL)


def loads_with_effects() -> list[Vintage]:
    """Every load but the first one, which had nothing before it; the last one first."""
    return list(Vintage.objects.filter(previous__isnull=False).order_by("-pk"))


def found_effects(user: User, choices: Choices) -> QuerySet[YearEffect]:
    """The rows of the person's perimeter. An agency never learns of a draft."""
    effects = YearEffect.objects.filter(vintage=choices.vintage)
    if user.acting is not None or not user.is_superuser:
        cases = Case.objects.visible_to(user).filter(deposited_at__isnull=False)
        effects = effects.filter(case__in=cases.values("pk")).exclude(stage=YearEffect.Stage.DRAFT)
    if choices.view == SIZES:
        effects = effects.exclude(size_before=F("size_after"))
    elif choices.view == COMMUNES:
        effects = effects.exclude(communes=[])
    elif choices.view == UNREAD:
        effects = effects.filter(pk__in=YearEffect.objects.unread().values("pk"))
    return effects.order_by("case__title", "pk")


@dataclass(frozen=True)
class Row:
    """One CPTS in words; `url` is empty for who cannot open the case."""

    title: str
    reference: str
    url: str
    stage: str
    population: str
    difference: str
    size: str
    changes_size: bool
    communes: list[str]
    read: str


_FIELDS: Final = (
    "stage",
    "population_before",
    "population_after",
    "size_before",
    "size_after",
    "communes",
    "acknowledged_at",
    "acknowledged_by__first_name",
    "acknowledged_by__last_name",
    "case__title",
    "case__reference",
    "case__public_id",
    "case__region__name",
)


def read_rows(user: User, choices: Choices, page: str | None) -> tuple[list[Row], Page[Any]]:
    """One page of the report, in one query."""
    found, shown = read_page(found_effects(user, choices).values(*_FIELDS), page, PAGE_SIZE)
    return [_row(one, opens=user.acting is not None) for one in found], shown


def _row(one: Mapping[str, Any], *, opens: bool) -> Row:
    before, after = one["size_before"], one["size_after"]
    gap = one["population_after"] - one["population_before"]
    return Row(
        title=one["case__title"],
        reference=one["case__reference"] or "",
        url=reverse("cases:territory", args=[one["case__public_id"]])
        if opens and one["case__reference"]
        else "",
        stage=YearEffect.Stage(one["stage"]).label,
        population=f"{figure(one['population_before'])} → {figure(one['population_after'])}",
        difference=f"{'+' if gap > 0 else '−'}{NBSP}{figure(abs(gap))}" if gap else "0",
        size=f"{before or '—'} → {after or '—'}" if before != after else after or "—",
        changes_size=before != after,
        communes=commune_sentences(one["communes"]),
        read=_read(one),
    )


def _read(one: Mapping[str, Any]) -> str:
    if one["acknowledged_at"] is None:
        is_alert = one["stage"] != YearEffect.Stage.DRAFT and (
            one["size_before"] != one["size_after"] or one["communes"]
        )
        return "à lire" if is_alert else ""
    return f"{timezone.localdate(one['acknowledged_at']):%d/%m/%Y}, {_reader(one)}"


def _reader(one: Mapping[str, Any]) -> str:
    names = (one["acknowledged_by__first_name"], one["acknowledged_by__last_name"])
    return " ".join(name for name in names if name)


def years_csv(user: User, choices: Choices) -> str:
    """The whole report for a French spreadsheet: semicolons, and a mark of UTF-8."""
    written = StringIO()
    writer = csv.writer(written, delimiter=";")
    writer.writerow(HEADERS)
    rows = found_effects(user, choices).values(*_FIELDS)
    writer.writerows(_cells(rows.iterator(2_000), choices.vintage))
    return "\ufeff" + written.getvalue()


def _cells(rows: Iterable[Mapping[str, Any]], vintage: Vintage | None) -> Iterator[list[str]]:
    for one in rows:
        gap = one["population_after"] - one["population_before"]
        texts = [
            one["case__title"],
            one["case__reference"] or "",
            one["case__region__name"],
            YearEffect.Stage(one["stage"]).label,
            vintage.cog_year if vintage else "",
            vintage.population_year if vintage else "",
            one["population_before"],
            one["population_after"],
        ]
        rest = [
            one["size_before"],
            one["size_after"],
            " ".join(commune_sentences(one["communes"])),
            timezone.localdate(one["acknowledged_at"]) if one["acknowledged_at"] else "",
            _reader(one),
        ]
        # A difference is a number of ours: its minus sign begins no formula.
        yield [*map(neutral, texts), str(gap), *map(neutral, rest)]
