"""What the page of a campaign shows, in a constant number of queries."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Final

from django.db.models import Count, Q, QuerySet

from cpts_portal.spreadsheets import plain
from members.codes import PROFESSIONS, STRUCTURES
from signatures.models import Campaign, Invitation

State = Invitation.State
BOUNCED: Final = Q(last_mail__bounced_at__isnull=False) | Q(last_mail__refused_at__isnull=False)
_PENDING: Final = Q(state__in=(State.WAITING, State.POSTPONED))
# What a list may be narrowed to: address → (label, condition).
FILTERS: Final[dict[str, tuple[str, Q]]] = {
    "": ("Tous", Q()),
    "attente": ("En attente", _PENDING),
    "signes": ("Signés", Q(state__in=(State.SIGNED, State.KEPT))),
    "refus": ("Refus", Q(state=State.DECLINED)),
    "revenus": ("Courriel revenu ou refusé", _PENDING & BOUNCED),
    "pas-moi": ("« Ce n’est pas moi »", Q(disowned_at__isnull=False)),
    "sans-adresse": ("Sans adresse", _PENDING & Q(email="")),
    "reportes": ("Reportés", Q(state=State.POSTPONED)),
    "retires": ("N’est plus invité", Q(state=State.ENDED)),
}


@dataclass
class CountOf:
    """The answers of the members of one profession, or of one kind of structure."""

    label: str
    states: Counter[str] = field(default_factory=Counter)

    @property
    def signed(self) -> int:
        return self.states[State.SIGNED] + self.states[State.KEPT]

    @property
    def declined(self) -> int:
        return self.states[State.DECLINED]

    @property
    def waiting(self) -> int:
        return self.states[State.WAITING] + self.states[State.POSTPONED]

    @property
    def total(self) -> int:
        return self.signed + self.declined + self.waiting


@dataclass
class Counts:
    """The answers to a campaign: in all, then by profession and kind of structure."""

    all: CountOf
    professions: list[CountOf]
    structures: list[CountOf]
    bounced: int
    disowned: int
    without_address: int

    @property
    def percent(self) -> int:
        return round(100 * self.all.signed / self.all.total) if self.all.total else 0


def counts_of(campaign: Campaign) -> Counts:
    """One query, whatever the number of members."""
    rows = (
        campaign.invitations.order_by()
        .values_list("state", "member__profession", "member__structure_kind")
        .annotate(
            in_all=Count("pk"),
            bounced=Count("pk", filter=_PENDING & BOUNCED),
            disowned=Count("pk", filter=_PENDING & Q(disowned_at__isnull=False)),
            without_address=Count("pk", filter=_PENDING & Q(email="")),
        )
    )
    professions: dict[str, CountOf] = {}
    structures: dict[str, CountOf] = {}
    total = CountOf("Tous")
    marks = [0, 0, 0]
    for state, profession, structure, count, *others in rows:
        total.states[state] += count
        marks = [mark + other for mark, other in zip(marks, others, strict=True)]
        if profession:
            group = professions.setdefault(profession, CountOf(PROFESSIONS[profession]))
        else:
            group = structures.setdefault(structure, CountOf(STRUCTURES[structure]))
        group.states[state] += count
    return Counts(
        all=total,
        professions=[professions[code] for code in PROFESSIONS if code in professions],
        structures=[structures[code] for code in STRUCTURES if code in structures],
        bounced=marks[0],
        disowned=marks[1],
        without_address=marks[2],
    )


def rows_of(campaign: Campaign, *, state: str, q: str, what: str) -> "QuerySet[Invitation, Any]":
    """The invitations a list asks for, by name; what means nothing is not asked."""
    _, condition = FILTERS.get(state, FILTERS[""])
    found = campaign.invitations.filter(condition)
    if what in PROFESSIONS:
        found = found.filter(member__profession=what)
    elif what in STRUCTURES:
        found = found.filter(member__structure_kind=what)
    for word in plain(q).split()[:6]:
        found = found.filter(member__sort_key__contains=word)
    return found.select_related(
        "member", "last_mail", "delegation", "kept__campaign__snapshot"
    ).order_by("member__sort_key", "pk")


_TONES: Final = {
    State.SIGNED: "success",
    State.KEPT: "success",
    State.DECLINED: "warning",
    State.POSTPONED: "info",
}


@dataclass(frozen=True)
class Row:
    """One member of the list, as the page says it."""

    invitation: Invitation
    label: str
    tone: str
    # What is to be known beside the state: a bounce, a delay, a version.
    remark: str


def row_of(one: Invitation, *, is_team: bool) -> Row:
    """`is_team`: an office reads neither addresses, nor reasons, nor what became of mails."""
    label, tone, remark = str(one.get_state_display()), _TONES.get(one.state, ""), ""  # type: ignore[call-overload]
    if one.state == State.KEPT and one.kept:
        remark = (
            f"version {one.kept.campaign.snapshot.version}, que les changements ne touchent pas"
        )
    elif one.state == State.POSTPONED and one.postponed_until:
        remark = f"jusqu’au {one.postponed_until:%d/%m/%Y}"
    elif not is_team:
        pass
    elif one.state == State.DECLINED:
        remark = one.decline_reason
    elif one.state == State.ENDED:
        remark = one.end_reason
    elif one.disowned_at and one.is_waiting:
        label, tone, remark = (
            "À vérifier",
            "error",
            "« Ce n’est pas moi » : adresse à corriger",
        )
    elif one.has_bounced and one.is_waiting and one.last_mail:
        label, tone = "Courriel non reçu", "error"
        remark = one.last_mail.failure or "adresse refusée"
    elif one.is_waiting and not one.email:
        remark = "sans adresse : signera sur papier"
    return Row(one, label, tone, remark)
