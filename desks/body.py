"""The desk of a body that is asked its opinion: what to give, drafted, to validate, given, late."""

from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from django.core.paginator import Page
from django.db.models import Count, Exists, F, FilteredRelation, Q, QuerySet
from django.urls import reverse
from django.utils import timezone

from accounts.models import Membership, Organisation, User
from contracts.desk import waiting as contract_desk
from cpts_portal.paging import read_page
from cpts_portal.words import day
from workflow import opinion_rules as rules
from workflow.models import Case, Consultation, InboxLine, Opinion, SignatureDelegation
from workflow.opinion_states import ConsultationState, Position
from workflow.opinion_words import POSITION_TONES, days_left, due_tone

PAGE_SIZE: Final = 25
State = ConsultationState

_REQUESTED: Final = Q(state=State.REQUESTED)
_DRAFT: Final = Q(standing__isnull=False, standing__validated_at__isnull=True)
_GIVEN: Final = Q(standing__validated_at__isnull=False)


@dataclass(frozen=True)
class _Tab:
    """One of the lists: each consultation of the desk is in exactly one of them."""

    key: str
    label: str
    condition: Q
    empty: str


TABS: Final = (
    _Tab(
        "a-rendre",
        "À rendre",
        _REQUESTED & Q(standing__isnull=True),
        "Aucun avis n’attend d’être rédigé. Un courriel vous préviendra du prochain.",
    ),
    _Tab(
        "rediges",
        "Rédigés",
        _REQUESTED & _DRAFT & Q(standing__submitted_at__isnull=True),
        "Aucun projet d’avis n’est en cours de rédaction.",
    ),
    _Tab(
        "a-valider",
        "À valider",
        _REQUESTED & _DRAFT & Q(standing__submitted_at__isnull=False),
        "Aucun projet d’avis n’attend d’être validé.",
    ),
    _Tab("rendus", "Rendus", _GIVEN, "Votre organisme n’a pas encore rendu d’avis."),
    _Tab(
        "en-retard",
        "En retard",
        Q(state=State.SILENT) & ~_GIVEN,
        "Aucun avis n’est en retard.",
    ),
)
_BY_KEY: Final = {tab.key: tab for tab in TABS}


@dataclass(frozen=True)
class TabShown:
    key: str
    label: str
    count: int
    is_current: bool


@dataclass(frozen=True)
class Row:
    """A consultation, each cell as it is read."""

    url: str
    reference: str
    # « Lettre d’intention ».
    nature: str
    title: str
    departments: str
    # « jusqu’au 3 mars 2027 », then « il reste 12 jours ».
    due_on: str
    left: str
    tone: str
    stage: str
    # Who wrote the draft, or what was answered and when.
    detail: str
    position_tone: str


def consultations(user: User) -> QuerySet[Any, Any]:
    """What the body the person acts for is or was asked, its standing opinion joined."""
    body = user.acting.organisation_id if user.acting else None
    return (
        Consultation.objects.visible_to(user)
        .filter(body=body, kind=Consultation.Kind.EXPECTED)
        .exclude(state__in=(State.WAITING, State.REVOKED))
        .annotate(
            standing=FilteredRelation("opinions", condition=Q(opinions__is_current=True)),
        )
    )


def counts(asked: QuerySet[Any, Any]) -> dict[str, int]:
    """How many consultations each list holds, in one query."""
    names = {tab.key.replace("-", "_"): tab for tab in TABS}
    found = asked.order_by().aggregate(
        **{name: Count("pk", filter=tab.condition) for name, tab in names.items()}
    )
    return {tab.key: found[name] for name, tab in names.items()}


def current_tab(asked: str, found: dict[str, int], user: User) -> str:
    """The list the address names; else the first that holds something for this person to do."""
    if asked in _BY_KEY:
        return asked
    acting = user.acting
    presides = acting is not None and acting.role == rules.VALIDATORS[acting.organisation.kind]
    order = ["a-rendre", "rediges", "a-valider", "en-retard", "rendus"]
    if presides:
        order = ["a-valider", "a-rendre", "rediges", "en-retard", "rendus"]
    return next((key for key in order if found[key]), "a-rendre")


def shown_tabs(found: dict[str, int], current: str) -> list[TabShown]:
    return [TabShown(tab.key, tab.label, found[tab.key], tab.key == current) for tab in TABS]


def nothing_here(current: str) -> str:
    """What an empty list says."""
    return _BY_KEY[current].empty


_CELLS: Final = (
    "pk",
    "state",
    "due_on",
    "case__public_id",
    "case__reference",
    "case__kind",
    "case__title",
    "case__department_codes",
    "standing__position",
    "standing__submitted_at",
    "standing__validated_at",
    "standing__is_late",
    "standing__drafted_by__first_name",
    "standing__drafted_by__last_name",
)


def read_rows(
    asked: QuerySet[Any, Any], current: str, page: str | None
) -> tuple[list[Row], Page[Any]]:
    """One page of a list: the nearest deadline first, or the last given first."""
    order = F("standing__validated_at").desc() if current == "rendus" else F("due_on").asc()
    listed = asked.filter(_BY_KEY[current].condition).order_by(order, "pk")
    found, shown = read_page(listed.values(*_CELLS), page, PAGE_SIZE)
    model = reverse("cases:opinion", args=[UUID(int=0), 0])
    return [_row(cells, model) for cells in found], shown


def _row(cells: dict[str, Any], model: str) -> Row:
    today = timezone.localdate()
    given = cells["standing__validated_at"]
    asked = Consultation(state=cells["state"], due_on=cells["due_on"])
    opinion = None
    if cells["standing__position"] is not None:
        opinion = Opinion(
            position=cells["standing__position"],
            submitted_at=cells["standing__submitted_at"],
            validated_at=given,
            is_late=cells["standing__is_late"],
        )
    url = model.replace(str(UUID(int=0)), str(cells["case__public_id"]))
    return Row(
        url=url.replace("/avis/0/", f"/avis/{cells['pk']}/"),
        reference=cells["case__reference"],
        nature=Case.Kind(cells["case__kind"]).label,
        title=cells["case__title"],
        departments=", ".join(cells["case__department_codes"]),
        due_on=day(cells["due_on"]),
        left="" if given else days_left(cells["due_on"], today),
        tone="" if given else due_tone(asked, today),
        stage=_stage(opinion),
        detail=_detail(cells),
        position_tone=POSITION_TONES.get(cells["standing__position"] or "", "") if given else "",
    )


def _stage(opinion: Opinion | None) -> str:
    if opinion is not None and opinion.is_given:
        position = Position(opinion.position).label
        return f"{position}, hors délai" if opinion.is_late else position
    if opinion is None:
        return "À rédiger"
    return "À valider" if opinion.submitted_at else "Rédigé, à soumettre"


def _detail(cells: dict[str, Any]) -> str:
    if cells["standing__position"] is None:
        return ""
    if given := cells["standing__validated_at"]:
        return f"rendu le {day(timezone.localdate(given))}"
    first, last = (
        cells["standing__drafted_by__first_name"],
        cells["standing__drafted_by__last_name"],
    )
    name = f"{first} {last}".strip()
    return f"par {name}" if name else ""


def decisions_to_sign(user: User) -> int:
    """How many decisions wait for the signature of this person's organisation.

    Nothing for who does not sign, by their role or by a delegation in force: the inbox has the
    list, but a fund that gives opinions opens on this page. One query, none for other bodies.
    """
    acting, signs = user.acting, Membership.Role.SIGNATORY
    if acting is None or rules.VALIDATORS.get(acting.organisation.kind) != signs:
        return 0
    lines = InboxLine.objects.filter(
        organisation=acting.organisation_id,
        department_code=acting.department_id or "",
        to_sign=True,
    )
    if acting.role != signs:
        today = timezone.localdate()
        delegations = SignatureDelegation.objects.filter(
            holder=user, revoked_at=None, valid_from__lte=today, valid_to__gte=today
        )
        lines = lines.filter(Exists(delegations))
    return lines.count()


@dataclass(frozen=True)
class ContractLink:
    """A list of contracts that wait for a fund, and how many."""

    label: str
    count: int
    url: str


def contract_links(user: User) -> list[ContractLink]:
    """What waits in the contracts of a fund, beside its opinions; nothing for any other body."""
    acting = user.acting
    if acting is None or acting.organisation.kind != Organisation.Kind.CPAM:
        return []
    found = contract_desk.counts(user, timezone.localdate())
    page = reverse("contract-desk:todo")
    return [
        ContractLink(label, found[key], f"{page}?voir={key}")
        for key, label in contract_desk.VIEWS.items()
    ]
