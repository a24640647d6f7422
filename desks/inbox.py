"""The inbox of an organisation: which letters, in what order, all of it in the address."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from django.core.paginator import Page
from django.db import connection
from django.db.models import F, Func, Q, QuerySet, TextField
from django.db.models.functions import Lower
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from cpts_portal.paging import read_page
from letters.labels import STATE_LABELS, state_label
from workflow.models import Case, CaseDesk
from workflow.readers import Reader, StateLabel
from workflow.states import CaseState

PAGE_SIZE: Final = 25
DEFAULT_ORDER: Final = "-depot"


class Unaccent(Func):
    function = "UNACCENT"
    output_field = TextField()


@dataclass(frozen=True)
class Column:
    """A column of the inbox. `key` names it in the address."""

    key: str
    label: str
    # What sorts it; the case's number comes last so that the order is always the same.
    order: str | Func


COLUMNS: Final = (
    Column("reference", "Référence", "reference"),
    # « Écouen » sorts under E: the database's own order puts accented capitals after Z.
    Column("cpts", "CPTS", Lower(Unaccent("title"))),
    Column("departement", "Département", "department_codes"),
    Column("population", "Population", "population"),
    Column("depot", "Déposée le", "deposited_at"),
    Column("etat", "État", "state"),
    Column("titre", "Votre bureau", "viewer_desk"),
)
_COLUMNS_BY_KEY: Final = {column.key: column for column in COLUMNS}


@dataclass(frozen=True)
class InboxChoices:
    """What the person asked of the list, as the address says it. Unknown values are dropped."""

    search: str = ""
    state: str = ""
    department: str = ""
    size: str = ""
    desk: str = ""
    order: str = DEFAULT_ORDER

    @classmethod
    def from_query(cls, query: Mapping[str, str]) -> "InboxChoices":
        def one_of(name: str, allowed: list[str]) -> str:
            value = query.get(name, "")
            return value if value in allowed else ""

        order = query.get("tri", "")
        return cls(
            search=" ".join(query.get("q", "").replace("\0", "").split())[:100],
            state=one_of("etat", [state.value for state in deposited_states()]),
            department=query.get("departement", "").replace("\0", "")[:3],
            size=one_of("taille", list(Case.SizeClass.values)),
            desk=one_of("bureau", list(CaseDesk.Kind.values)),
            order=order if order.removeprefix("-") in _COLUMNS_BY_KEY else DEFAULT_ORDER,
        )

    @property
    def is_filtered(self) -> bool:
        return bool(self.search or self.state or self.department or self.size or self.desk)


@dataclass(frozen=True, slots=True)
class Row:
    """A letter of the inbox, each cell as it is read: the template only lays it out."""

    url: str
    reference: str
    title: str
    departments: str
    population: str
    size: str
    deposited_on: str
    # ISO, for machines.
    deposited_at: str
    state: StateLabel
    # What the letter is on this desk for, and who is in charge when it is another desk.
    purpose: str
    other_office: str


@dataclass(frozen=True)
class Heading:
    """A column's heading: the link that sorts it, and how it is sorted now."""

    key: str
    label: str
    # What its link asks for: ascending first, then the other way round.
    next_order: str
    # The value of `aria-sort`, or nothing.
    sorted: str


@dataclass(frozen=True)
class Option:
    value: str
    label: str
    count: int | None = None


def deposited_states() -> list[CaseState]:
    """The states a letter on a desk can be in."""
    return [state for state in CaseState if state != CaseState.DRAFT]


def desk_letters(user: User) -> QuerySet[Any, Any]:
    """The letters on the desk of the organisation the person acts for."""
    return Case.objects.visible_to(user).filter(kind=Case.Kind.LETTER_OF_INTENT)


def filtered(letters: QuerySet[Case], choices: InboxChoices) -> QuerySet[Case]:
    """The letters asked for, in the order asked for."""
    if choices.search:
        letters = letters.filter(
            Q(title__unaccent__icontains=choices.search) | Q(reference__icontains=choices.search)
        )
    if choices.state:
        letters = letters.filter(state=choices.state)
    if choices.department:
        letters = letters.filter(department_codes__contains=[choices.department])
    if choices.size:
        letters = letters.filter(size_class=choices.size)
    if choices.desk:
        letters = letters.filter(Q(("viewer_desk", choices.desk)))
    order = _COLUMNS_BY_KEY[choices.order.removeprefix("-")].order
    expression = F(order) if isinstance(order, str) else order
    descending = choices.order.startswith("-")
    return letters.order_by(expression.desc() if descending else expression.asc(), "pk")


_CELLS: Final = (
    "public_id",
    "reference",
    "title",
    "department_codes",
    "population",
    "size_class",
    "deposited_at",
    "state",
    "office_id",
    "office__name",
    "viewer_desk",
)


def read_rows(
    letters: QuerySet[Case],
    departments: list[Option],
    organisation_id: int,
    page: str | None,
) -> tuple[list[Row], Page[Any]]:
    """One page of the inbox, ready to be laid out, and the Page its links are drawn from."""
    found, shown = read_page(letters.values(*_CELLS), page, PAGE_SIZE)
    names = {option.value: option.label for option in departments}
    # One address is reversed, the others follow it: reversing is dear, and letters are many.
    model = reverse("letters:detail", args=[UUID(int=0)])
    return [_row(cells, names, organisation_id, model) for cells in found], shown


def _row(cells: dict[str, Any], names: dict[str, str], organisation_id: int, model: str) -> Row:
    in_charge = cells["office_id"] == organisation_id
    reader = Reader.OFFICE if in_charge else _READERS[cells["viewer_desk"]]
    deposited = timezone.localtime(cells["deposited_at"])
    return Row(
        url=model.replace(str(UUID(int=0)), str(cells["public_id"])),
        reference=cells["reference"],
        title=cells["title"],
        departments=", ".join(names.get(code, code) for code in cells["department_codes"]),
        population=f"{cells['population']:,}".replace(",", "\u00a0"),
        size=_SIZES.get(cells["size_class"], ""),
        deposited_on=f"{deposited:%d/%m/%Y}",
        deposited_at=deposited.isoformat(timespec="minutes"),
        state=state_label(cells["state"], reader),
        purpose=_PURPOSES[reader],
        other_office="" if in_charge else cells["office__name"],
    )


# The reader a desk makes of whoever opens it, unless the case has just been handed to it.
_READERS: Final = {
    CaseDesk.Kind.IN_CHARGE: Reader.INFORMED,
    CaseDesk.Kind.CONSULTED: Reader.REVIEWER,
    CaseDesk.Kind.INFORMED: Reader.INFORMED,
}
_PURPOSES: Final = {
    Reader.OFFICE: "En charge",
    Reader.REVIEWER: "Pour avis",
    Reader.INFORMED: "Pour information",
}
_SIZES: Final = dict(Case.SizeClass.choices)


def headings(choices: InboxChoices) -> list[Heading]:
    current, descending = choices.order.removeprefix("-"), choices.order.startswith("-")
    listed = []
    for column in COLUMNS:
        state = ""
        if column.key == current:
            state = "descending" if descending else "ascending"
        listed.append(
            Heading(
                column.key,
                column.label,
                f"-{column.key}" if state == "ascending" else column.key,
                state,
            )
        )
    return listed


def department_options(letters: QuerySet[Case]) -> list[Option]:
    """The départements of the letters on this desk, each with how many letters touch it."""
    codes = letters.order_by().values_list(
        Func(F("department_codes"), function="UNNEST", output_field=TextField())
    )
    sql, parameters = codes.query.sql_with_params()
    with connection.cursor() as cursor:
        cursor.execute(
            f"""SELECT touched.code, coalesce(d.name || ' (' || d.code || ')', touched.code),
                       count(*)
                  FROM ({sql}) AS touched (code)
                  LEFT JOIN territories_department d ON d.code = touched.code
                 GROUP BY touched.code, d.code ORDER BY touched.code""",  # noqa: S608 - the ORM's
            parameters,
        )
        return [Option(*row) for row in cursor.fetchall()]


def state_options() -> list[Option]:
    return [
        Option(state.value, STATE_LABELS[state][Reader.OFFICE].label)
        for state in deposited_states()
    ]


def size_options() -> list[Option]:
    return [Option(value, label) for value, label in Case.SizeClass.choices]


def desk_options() -> list[Option]:
    return [
        Option(CaseDesk.Kind.IN_CHARGE, "En charge"),
        Option(CaseDesk.Kind.CONSULTED, "Pour avis"),
        Option(CaseDesk.Kind.INFORMED, "Pour information"),
    ]
