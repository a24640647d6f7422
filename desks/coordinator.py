"""The coordinator's desk: their whole perimeter in figures, each leading to its list.

The figures are counted at most once a minute for one desk, and say when: a perimeter may hold a
hundred thousand cases. The lists they lead to are always of the moment.
"""

from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any, Final

from django.core.cache import cache
from django.core.paginator import Page
from django.db.models import Count, Min, Q, QuerySet
from django.urls import reverse
from django.utils import timezone

from accounts.models import Membership, Organisation, User
from cpts_portal.paging import read_page
from cpts_portal.words import hour
from desks.choices import NOBODY, STATES, InboxChoices
from desks.lines import count_lines, lines_of
from territories.models import Department
from workflow.kinds import kind_named
from workflow.models import Case, Consultation, InboxLine, InboxTab
from workflow.opinion_states import ConsultationState
from workflow.readers import Reader
from workflow.states import OPEN_STATES

KEPT_SECONDS: Final = 60
MOST_ROWS: Final = 50
PAGE_SIZE: Final = 25
_OFFICES: Final = (
    Organisation.Kind.ARS,
    Organisation.Kind.ARS_BRANCH,
    Organisation.Kind.ONE_STOP_DESK,
)


@dataclass(frozen=True)
class Figure:
    """A number, what it counts, and the list it leads to."""

    label: str
    count: int
    url: str
    # What else there is to say: « le plus ancien : 12/03/2026 ».
    note: str = ""


@dataclass(frozen=True)
class Board:
    """All the figures of a desk, and the hour they were counted."""

    at: str
    states: list[Figure]
    departments: list[Figure]
    deadlines: list[Figure]
    workload: list[Figure]
    late_bodies: list[Figure]


def coordinates(user: User) -> bool:
    """Whether the person has this desk: coordinators of the bodies that examine."""
    acting = user.acting
    return (
        acting is not None
        and acting.role == Membership.Role.COORDINATOR
        and acting.organisation.kind in _OFFICES
    )


def read_board(user: User) -> Board:
    """The figures of the person's perimeter, counted now or within the last minute."""
    acting = user.acting
    if acting is None:
        raise ValueError("Nobody coordinates in their own name.")
    key = f"coordinator:{acting.organisation_id}:{acting.department_id or ''}"
    kept = cache.get(key)
    if kept is None:
        kept = asdict(_count(user))
        cache.set(key, kept, KEPT_SECONDS)
    lists = {
        name: [Figure(**one) for one in kept[name]]
        for name in ("states", "departments", "deadlines", "workload", "late_bodies")
    }
    return Board(at=kept["at"], **lists)


def _count(user: User) -> Board:
    lines = InboxLine.objects.visible_to(user)
    return Board(
        at=hour(timezone.localtime()),
        states=_by_state(lines),
        departments=_by_department(user),
        deadlines=_deadlines(user),
        workload=_workload(lines),
        late_bodies=_late_bodies(user),
    )


def _list(choices: InboxChoices) -> str:
    return f"{reverse('desks:inbox')}?{choices.as_query()}"


def _by_state(lines: QuerySet[InboxLine]) -> list[Figure]:
    """As the lists say it: a decision proposed is known to the office in charge only."""
    rows = lines.order_by().values_list("case_kind", "state").annotate(Count("pk"))
    counts = {(kind, state): count for kind, state, count in rows}
    return [
        Figure(
            kind_named(kind).state_label(state, Reader.OFFICE).label,
            counts[kind, state],
            _list(InboxChoices(kind=kind, state=state)),
            Case.Kind(kind).label,
        )
        for kind in Case.Kind.values
        for state in STATES
        if (kind, state) in counts
    ]


def _by_department(user: User) -> list[Figure]:
    """Cases that touch each département: one that touches two is counted in both."""
    if user.acting is None or user.acting.department_id:
        return []
    # One line for each département a case of the desk touches: see `InboxLine`.
    touched = InboxLine.objects.filter(organisation=user.acting.organisation_id).exclude(
        department_code=""
    )
    counts = dict(touched.order_by().values_list("department_code").annotate(Count("pk")))
    names = dict(Department.objects.filter(pk__in=counts).values_list("code", "name"))
    return [
        Figure(
            f"{names.get(code, code)} ({code})", counts[code], _list(InboxChoices(department=code))
        )
        for code in sorted(counts)
    ]


def _deadlines(user: User) -> list[Figure]:
    """What the lists call past and near, and those that nobody has taken up."""
    asked = {
        "Délai dépassé": InboxChoices(deadline="depassee"),
        "Délai dans les 15 jours": InboxChoices(deadline="proche"),
        "À prendre en charge": InboxChoices(tab="a-prendre"),
        "Sans agent instructeur": InboxChoices(instructor=NOBODY),
    }
    return [
        Figure(label, count_lines(lines_of(user, choices)), _list(choices))
        for label, choices in asked.items()
    ]


def _workload(lines: QuerySet[InboxLine]) -> list[Figure]:
    """What each agent has to decide: a case that waits for others weighs on nobody's day."""
    rows = (
        lines.filter(instructor__isnull=False, tab=InboxTab.TO_DECIDE)
        .order_by()
        .values_list("instructor_id", "instructor__first_name", "instructor__last_name")
        .annotate(count=Count("pk"), oldest=Min("deposited_at"))
        .order_by("-count", "instructor_id")[:MOST_ROWS]
    )
    return [
        Figure(
            f"{first} {last}".strip() or "Sans nom",
            count,
            _list(InboxChoices(tab="a-decider", instructor=str(pk))),
            f"le plus ancien, déposé le {timezone.localtime(oldest):%d/%m/%Y}" if oldest else "",
        )
        for pk, first, last, count, oldest in rows
    ]


def late_consultations(user: User) -> QuerySet[Consultation]:
    """The opinions that bodies owe past their day, on the cases the person follows."""
    today = timezone.localdate()
    return Consultation.objects.visible_to(user).filter(
        Q(state=ConsultationState.SILENT) | Q(state=ConsultationState.REQUESTED, due_on__lt=today),
        case__state__in=OPEN_STATES,
    )


def _late_bodies(user: User) -> list[Figure]:
    rows = (
        late_consultations(user)
        .order_by()
        .values_list("body__code", "body__name")
        .annotate(count=Count("pk"), oldest=Min("due_on"))
        .order_by("-count", "body__name")[:MOST_ROWS]
    )
    return [
        Figure(
            name,
            count,
            f"{reverse('desks:late-opinions')}?organisme={code}",
            f"attendu depuis le {oldest:%d/%m/%Y}" if oldest else "",
        )
        for code, name, count, oldest in rows
    ]


@dataclass(frozen=True)
class LateRow:
    """An opinion past its day, and where to ask for it again."""

    reference: str
    title: str
    body: str
    due_on: str
    days: int
    url: str


def read_late(user: User, body: str, page: str | None) -> tuple[list[LateRow], Page[Any]]:
    """One page of the late opinions, the oldest first; `body` is the code of one body, or empty."""
    found = late_consultations(user)
    if body:
        found = found.filter(body__code=body)
    rows, shown = read_page(
        found.order_by("due_on", "pk").values(
            "pk", "due_on", "body__name", "case__reference", "case__title", "case__public_id"
        ),
        page,
        PAGE_SIZE,
    )
    today = timezone.localdate()
    return [
        LateRow(
            reference=row["case__reference"],
            title=row["case__title"],
            body=row["body__name"],
            due_on=f"{row['due_on']:%d/%m/%Y}",
            days=(today - row["due_on"]) // timedelta(days=1),
            url=reverse("cases:consultation", args=[row["case__public_id"], row["pk"]]),
        )
        for row in rows
    ], shown
