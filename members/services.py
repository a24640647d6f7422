"""What happens to the members of a CPTS. Each verb checks who acts, then writes in one go."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any, Final, NamedTuple

from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, models, transaction
from django.db.models import Count, Q
from django.utils import timezone

from accounts.models import User
from communities.models import Community
from cpts_portal.composed import Composed, Given
from cpts_portal.spreadsheets import plain
from members import rules
from members.codes import PROFESSIONS, STRUCTURES
from members.models import Member, MemberQuerySet

# The most a CPTS has had is below 2 000: beyond, a file was taken for another.
MOST_MEMBERS: Final = 5_000
_FIELDS: Final = (
    "kind",
    "last_name",
    "first_name",
    "email",
    "profession",
    "speciality",
    "rpps",
    "structure_kind",
    "structure_name",
    "finess",
    "function",
    "commune",
    "joined_on",
)


class MemberError(ValueError):
    """A change of the members is refused; `message` says why, in French."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


def sort_key(member: Member) -> str:
    """By what the list sorts and finds a member: name of the structure, then of the person."""
    parts = [member.structure_name, member.last_name, member.first_name]
    return plain(" ".join(part for part in parts if part))[:420]


def _require(community: Community, user: User) -> None:
    if not rules.may_manage_members(community, user):
        raise PermissionDenied


@transaction.atomic
def save_member(
    community: Community, values: dict[str, Any], *, by: User, member: Member | None = None
) -> Member:
    """Add a member, or change one. What a kind of member has not is emptied.

    Raises PermissionDenied, or MemberError when the CPTS has that RPPS or FINESS already.
    """
    _require(community, by)
    if member is None:
        member = Member(community=community, created_by=by)
    for name in _FIELDS:
        if name in values:
            setattr(member, name, values[name])
    member.email = member.email.strip().lower()
    if member.is_structure:
        member.profession = member.speciality = member.rpps = ""
    else:
        member.structure_kind = member.structure_name = member.finess = member.function = ""
    try:
        with transaction.atomic():
            member.save()
    except IntegrityError as refused:
        raise _in_words(refused) from refused
    return member


def _in_words(refused: IntegrityError) -> Exception:
    said = str(refused)
    if "member_one_per_rpps" in said:
        return MemberError(
            "Un membre de cette CPTS a déjà ce numéro RPPS : retrouvez-le dans la liste pour le "
            "compléter, ou vérifiez le numéro."
        )
    if "member_one_per_finess" in said:
        return MemberError(
            "Une structure de cette CPTS a déjà ce numéro FINESS : retrouvez-la dans la liste "
            "pour la compléter, ou vérifiez le numéro."
        )
    if "member_leaves_after_joining" in said:
        return MemberError("Le départ ne peut pas précéder l’arrivée : corrigez l’une des dates.")
    return refused


@transaction.atomic
def record_departure(member: Member, *, on: date, reason: str, by: User) -> None:
    """The member leaves the CPTS. Their row stays: what they signed names them.

    Raises PermissionDenied, or MemberError for a date that makes no sense.
    """
    _require(member.community, by)
    if on > timezone.localdate():
        raise MemberError(
            "Cette date est à venir : écrivez le jour du départ, au plus aujourd’hui."
        )
    if on < member.joined_on:
        raise MemberError("Le départ ne peut pas précéder l’arrivée : corrigez la date.")
    member.left_on, member.left_reason = on, reason.strip()[:300]
    member.save(update_fields=["left_on", "left_reason", "sort_key"])
    for follow in _departures:
        follow(member, by)


_departures: list[Any] = []


def on_departure(follow: Any) -> Any:
    """Register what goes with a departure, in its transaction: called as `follow(member, by)`."""
    if follow not in _departures:
        _departures.append(follow)
    return follow


@transaction.atomic
def bring_back(member: Member, *, by: User) -> None:
    """The departure was a mistake, or the member is back."""
    _require(member.community, by)
    member.left_on, member.left_reason = None, ""
    try:
        with transaction.atomic():
            member.save(update_fields=["left_on", "left_reason", "sort_key"])
    except IntegrityError as refused:
        raise _in_words(refused) from refused


@transaction.atomic
def erase_member(member: Member, *, by: User) -> None:
    """Delete a member entered by mistake.

    Raises PermissionDenied, or MemberError for one that a campaign, a sheet or an indemnity names.
    """
    _require(member.community, by)
    try:
        with transaction.atomic():
            member.delete()
    except models.ProtectedError as refused:
        raise MemberError(
            "Ce membre figure dans une campagne de signatures, une fiche action ou une indemnité : "
            "il ne peut pas être effacé. Notez plutôt la date de son départ."
        ) from refused


# --- Reading ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class CountOf:
    """How many current members there are of one profession, or of one kind of structure."""

    label: str
    count: int


@dataclass(frozen=True)
class Counts:
    professionals: int
    structures: int
    by_profession: list[CountOf]
    by_structure: list[CountOf]

    @property
    def total(self) -> int:
        return self.professionals + self.structures


class Tally(NamedTuple):
    """How many current members are of one kind, profession and kind of structure, by code."""

    kind: str
    profession: str
    structure_kind: str
    members: int


_TALLIES: Final = Composed(
    lambda: (
        Member.objects.filter(community=Given("community"))
        .current()
        .order_by()
        .values_list("kind", "profession", "structure_kind")
        .annotate(Count("pk"))
    )
)


def tallies_of(community: Community) -> list[Tally]:
    """The current members of a CPTS, counted: one query."""
    return [Tally(*row) for row in _TALLIES.rows(community=community.pk)]


def counts_of(community: Community) -> Counts:
    """The current members of a CPTS by profession and kind of structure: one query."""
    return counts_in(tallies_of(community))


def counts_in(tallies: Iterable[Tally]) -> Counts:
    """The same from what was counted."""
    professions: dict[str, int] = {}
    structures: dict[str, int] = {}
    for kind, profession, structure_kind, count in tallies:
        if kind == Member.Kind.PROFESSIONAL:
            professions[profession] = professions.get(profession, 0) + count
        else:
            structures[structure_kind] = structures.get(structure_kind, 0) + count
    return Counts(
        professionals=sum(professions.values()),
        structures=sum(structures.values()),
        by_profession=[
            CountOf(label, professions[code])
            for code, label in PROFESSIONS.items()
            if code in professions
        ],
        by_structure=[
            CountOf(label, structures[code])
            for code, label in STRUCTURES.items()
            if code in structures
        ],
    )


def filtered(members: MemberQuerySet, *, q: str, what: str, state: str) -> MemberQuerySet:
    """The members a list asks for; what means nothing is not asked."""
    match state:
        case "partis":
            members = members.filter(left_on__isnull=False)
        case "sans-adresse":
            members = members.current().filter(email="")
        case "tous":
            pass
        case _:
            members = members.current()
    if what in PROFESSIONS:
        members = members.filter(profession=what)
    elif what in STRUCTURES:
        members = members.filter(structure_kind=what)
    elif what in Member.Kind.values:
        members = members.filter(kind=what)
    if "@" in q:
        return members.filter(email__icontains=q.strip())
    for word in plain(q).split()[:6]:
        members = members.filter(Q(sort_key__contains=word) | Q(rpps=word) | Q(finess=word.upper()))
    return members
