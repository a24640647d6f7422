"""What the page of a campaign shows, in a constant number of queries."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cache
from typing import Any, Final, NamedTuple

from django.db import connection
from django.db.models import Count, Q, Window

from cpts_portal.composed import Composed, ComposedObjects, Given
from cpts_portal.spreadsheets import plain
from members.codes import PROFESSIONS, STRUCTURES
from members.models import Member
from signatures.models import Campaign, CampaignLog, Invitation

# Of what is typed in the search of a list: beyond, the words are not asked.
MOST_WORDS: Final = 6
LOG_LINES: Final = 15
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
    # While it is open: current members that the campaign does not know, and the digest of the
    # last frozen version of the case; None when nobody was invited.
    newcomers: int = 0
    last_version: str | None = None

    @property
    def invited(self) -> int:
        """All that the list shows: those who are no longer invited too."""
        return sum(self.all.states.values())

    @property
    def percent(self) -> int:
        return round(100 * self.all.signed / self.all.total) if self.all.total else 0


# Written by hand: as models, the same counts join the members and the mails of everybody. What
# is waiting, and what came back, is said above by `_PENDING` and `BOUNCED`. Those who are members,
# or have left and were invited, are those invited and the newcomers: who was invited is looked up
# for the few who left, not for all.
_COUNTS: Final = """
    SELECT state, what, count(*), count(*) FILTER (WHERE disowned_at IS NOT NULL AND pending),
           count(*) FILTER (WHERE email = '' AND pending),
           (SELECT count(*) FROM outbox_mail AS mail
              JOIN signatures_invitation AS one ON one.last_mail_id = mail.id
             WHERE (mail.bounced_at IS NOT NULL OR mail.refused_at IS NOT NULL)
               AND one.campaign_id = %(campaign)s AND one.state IN ('waiting', 'postponed')),
           CASE WHEN %(is_open)s THEN
               (SELECT count(CASE WHEN left_on IS NULL THEN 1
                                  WHEN EXISTS (SELECT FROM signatures_invitation AS known
                                                WHERE known.member_id = member.id
                                                  AND known.campaign_id = %(campaign)s) THEN 1 END)
                  FROM members_member AS member WHERE community_id = %(community)s)
               ELSE 0 END,
           (SELECT sha256 FROM workflow_snapshot WHERE case_id = %(case)s
             ORDER BY version DESC LIMIT 1)
      FROM (SELECT state, what, disowned_at, email, state IN ('waiting', 'postponed') AS pending
              FROM signatures_invitation WHERE campaign_id = %(campaign)s) AS invited
     GROUP BY state, what
"""


def counts_of(campaign: Campaign) -> Counts:
    """One query, whatever the number of members."""
    with connection.cursor() as cursor:
        cursor.execute(
            _COUNTS,
            {
                "campaign": campaign.pk,
                "community": campaign.community_id,
                "case": campaign.case_id,
                "is_open": campaign.state == Campaign.State.OPEN,
            },
        )
        rows = cursor.fetchall()
    groups: dict[str, CountOf] = {}
    total = CountOf("Tous")
    disowned = without_address = bounced = known = 0
    last_version = None
    for state, what, count, not_them, no_address, *same in rows:
        total.states[state] += count
        disowned, without_address = disowned + not_them, without_address + no_address
        bounced, known, last_version = same
        label = PROFESSIONS.get(what) or STRUCTURES.get(what, "")
        groups.setdefault(what, CountOf(label)).states[state] += count
    return Counts(
        all=total,
        professions=[groups[code] for code in PROFESSIONS if code in groups],
        structures=[groups[code] for code in STRUCTURES if code in groups],
        bounced=bounced,
        disowned=disowned,
        without_address=without_address,
        newcomers=max(known - sum(total.states.values()), 0),
        last_version=last_version,
    )


class Listed(NamedTuple):
    """What a list shows of one invitation, and no more: a page has twenty-five."""

    pk: int
    state: str
    email: str
    answered_at: datetime | None
    decline_reason: str
    postponed_until: date | None
    disowned_at: datetime | None
    end_reason: str
    told_at: datetime | None
    told_count: int
    # The member: a professional of a `profession`, or a structure of a `structure_kind`.
    kind: str
    last_name: str
    first_name: str
    structure_name: str
    profession: str
    structure_kind: str
    # Of the last mail.
    bounced_at: datetime | None
    refused_at: datetime | None
    failure: str | None
    # The version of the signature that is kept, when it is one before.
    kept_version: int | None
    # How many there are in the list, when it is counted.
    total: int = 0

    @property
    def is_waiting(self) -> bool:
        return self.state in _WAITING

    @property
    def is_structure(self) -> bool:
        return self.kind == Member.Kind.STRUCTURE

    @property
    def person(self) -> str:
        return f"{self.first_name} {self.last_name}".strip()

    @property
    def name(self) -> str:
        """The professional, or the structure."""
        return self.structure_name if self.is_structure else self.person

    @property
    def what(self) -> str:
        """« Médecin », « Centre de santé »."""
        if self.is_structure:
            return STRUCTURES.get(self.structure_kind, self.structure_kind)
        return PROFESSIONS.get(self.profession, self.profession)


_WAITING: Final = frozenset({State.WAITING.value, State.POSTPONED.value})
# The columns of `Listed`, in its order.
_COLUMNS: Final = (
    *("pk", "state", "email", "answered_at", "decline_reason", "postponed_until"),
    *("disowned_at", "end_reason", "told_at", "told_count"),
    *("member__kind", "member__last_name", "member__first_name", "member__structure_name"),
    *("member__profession", "member__structure_kind"),
    *("last_mail__bounced_at", "last_mail__refused_at", "last_mail__failure"),
    "kept__campaign__snapshot__version",
)


def rows_of(
    campaign: Campaign,
    *,
    state: str,
    q: str,
    what: str,
    start: int,
    count: int,
    with_total: bool,
) -> list[Listed]:
    """The invitations a list asks for, by name, `count` at most from the place `start`.

    What means nothing is not asked. `with_total`: each knows the `total` of the list.
    """
    words = plain(q).split()[:MOST_WORDS]
    of_one_kind = what in PROFESSIONS or what in STRUCTURES
    state = state if state in FILTERS else ""
    listed = _listed(state, len(words), of_one_kind=of_one_kind, with_total=with_total)
    given = {f"word{number}": word for number, word in enumerate(words)}
    found = listed.page(start, count, campaign=campaign.pk, what=what, **given)
    return [Listed(*row) for row in found]


@cache
def _listed(state: str, words: int, *, of_one_kind: bool, with_total: bool) -> Composed:
    """The statement of the lists that are narrowed in this way."""
    found: Any = Invitation.objects.filter(FILTERS[state][1], campaign=Given("campaign"))
    if of_one_kind:
        found = found.filter(what=Given("what"))
    for number in range(words):
        found = found.filter(member__sort_key__contains=Given(f"word{number}"))
    if with_total:
        found = found.annotate(total=Window(Count("*")))
    columns = (*_COLUMNS, "total") if with_total else _COLUMNS
    return Composed(lambda: found.order_by("sort_key", "pk").values_list(*columns))


def listed(invitation: Invitation) -> Listed:
    """One invitation as lists have it."""
    (row,) = Invitation.objects.filter(pk=invitation.pk).values_list(*_COLUMNS)
    return Listed(*row)


_LOGS: Final = ComposedObjects(
    lambda: CampaignLog.objects.filter(campaign=Given("campaign")).select_related("actor", "member")
)


def last_logs(campaign: Campaign) -> list[CampaignLog]:
    """What was done last in the campaign, the newest first."""
    return _LOGS.objects(count=LOG_LINES, campaign=campaign.pk)


_STATES: Final[dict[str, str]] = {state.value: str(state.label) for state in State}
_TONES: Final[dict[str, str]] = {
    State.SIGNED: "success",
    State.KEPT: "success",
    State.DECLINED: "warning",
    State.POSTPONED: "info",
}


@dataclass(frozen=True)
class Row:
    """One member of the list, as the page says it."""

    invitation: Listed
    label: str
    tone: str
    # What is to be known beside the state: a bounce, a delay, a version.
    remark: str


def row_of(one: Listed, *, is_team: bool) -> Row:
    """`is_team`: an office reads neither addresses, nor reasons, nor what became of mails."""
    label, tone, remark = _STATES[one.state], _TONES.get(one.state, ""), ""
    if one.kept_version and one.state == State.KEPT:
        remark = f"version {one.kept_version}, que les changements ne touchent pas"
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
    elif (one.bounced_at or one.refused_at) and one.is_waiting:
        label, tone = "Courriel non reçu", "error"
        remark = one.failure or "adresse refusée"
    elif one.is_waiting and not one.email:
        remark = "sans adresse : signera sur papier"
    return Row(one, label, tone, remark)
