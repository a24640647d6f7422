"""The inbox of an organisation: which letters, in what order, all of it in the address."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from django.db.models import Count, F, Func, Q, QuerySet, TextField
from django.db.models.functions import Lower

from accounts.models import User
from letters.labels import STATE_LABELS, Reader
from letters.models import LetterOfIntent
from territories.models import Department
from workflow.models import Case, CaseDesk
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
    Column("titre", "Votre bureau", "desk_kind"),
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


def desk_letters(user: User) -> QuerySet[LetterOfIntent]:
    """The letters on the desk of the organisation the person acts for, and in which capacity."""
    return LetterOfIntent.objects.visible_to(user).annotate(desk_kind=F("desks__kind"))


def filtered(letters: QuerySet[LetterOfIntent], choices: InboxChoices) -> QuerySet[LetterOfIntent]:
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
        letters = letters.filter(Q(("desk_kind", choices.desk)))
    order = _COLUMNS_BY_KEY[choices.order.removeprefix("-")].order
    expression = F(order) if isinstance(order, str) else order
    descending = choices.order.startswith("-")
    return letters.order_by(expression.desc() if descending else expression.asc(), "pk")


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


def department_options(letters: QuerySet[LetterOfIntent]) -> list[Option]:
    """The départements of the letters on this desk, each with how many letters touch it."""
    counts = (
        letters.order_by()
        .values(code=Func(F("department_codes"), function="UNNEST", output_field=TextField()))
        .annotate(count=Count("pk"))
    )
    by_code = {row["code"]: row["count"] for row in counts}
    names = Department.objects.in_bulk(list(by_code))
    return [
        Option(code, f"{names[code].name} ({code})" if code in names else code, by_code[code])
        for code in sorted(by_code)
    ]


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
