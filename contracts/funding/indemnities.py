"""What members receive from their CPTS, against the social security ceiling of the civil year."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Final

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import F, QuerySet, Sum, Value
from django.db.models.functions import Coalesce, NullIf
from django.utils import timezone

from accounts.models import User
from communities.models import Community
from contracts.models import Indemnity, SocialSecurityCeiling
from cpts_portal.words import NBSP, day, euros
from members.models import Member
from members.rules import may_manage_members
from workflow.services import ActionRefusedError

ZERO: Final = Decimal("0.00")


@dataclass(frozen=True)
class Received:
    """A professional and what they received in a year. `left` is None without a known ceiling."""

    name: str
    amount: Decimal
    left: Decimal | None


def ceiling_of(year: int) -> Decimal | None:
    """The social security ceiling of a civil year; None when nobody has confirmed it."""
    return SocialSecurityCeiling.objects.filter(year=year).values_list("amount", flat=True).first()


@transaction.atomic
def record_indemnity(
    community: Community, member: Member, *, kind: str, paid_on: date, amount: Decimal, by: User
) -> Indemnity:
    """Write down what a member received. The ceiling counts every line of the same RPPS number.

    Raises PermissionDenied, or ActionRefusedError beyond the ceiling of the year, or for a day
    to come.
    """
    if not may_manage_members(community, by) or member.community_id != community.pk:
        raise PermissionDenied
    # Two sums recorded in the same second are added one after the other.
    Community.objects.select_for_update(no_key=True).get(pk=community.pk)
    if member.is_structure:
        raise ActionRefusedError(
            "Une structure ne reçoit pas d’indemnité : choisissez le professionnel."
        )
    if paid_on > timezone.localdate():
        raise ActionRefusedError(
            f"Le {day(paid_on)} est à venir{NBSP}: écrivez le jour du versement."
        )
    ceiling = ceiling_of(paid_on.year)
    known = _received_by(member, paid_on.year)
    if ceiling is not None and known + amount > ceiling:
        raise ActionRefusedError(
            f"{member.name} a déjà reçu {euros(known)} en {paid_on.year}{NBSP}: avec ce montant, "
            f"ce serait {euros(known + amount)}, plus que le plafond de la sécurité sociale de "
            f"cette année, {euros(ceiling)}. Il reste {euros(ceiling - known)} au plus."
        )
    return Indemnity.objects.create(
        community=community, member=member, kind=kind, paid_on=paid_on, amount=amount,
        recorded_by=by,
    )  # fmt: skip


def _received_by(member: Member, year: int) -> Decimal:
    """By the same person in this CPTS, who may have left and come back."""
    same = Indemnity.objects.standing().filter(community=member.community_id, paid_on__year=year)
    same = same.filter(member__rpps=member.rpps) if member.rpps else same.filter(member=member)
    return same.aggregate(total=Sum("amount"))["total"] or ZERO


@transaction.atomic
def cancel_indemnity(indemnity: Indemnity, *, by: User) -> None:
    """Take back a sum written by mistake; it stays, crossed out.

    Raises PermissionDenied, or ActionRefusedError for one cancelled already.
    """
    community = Community.objects.select_for_update(no_key=True).get(pk=indemnity.community_id)
    if not may_manage_members(community, by):
        raise PermissionDenied
    changed = Indemnity.objects.standing().filter(pk=indemnity.pk)
    if not changed.update(cancelled_at=timezone.now(), cancelled_by=by):
        raise ActionRefusedError("Ce versement est déjà annulé.")


def totals(community: Community, year: int) -> QuerySet[Any, Any]:
    """What each professional received in a year: rows {"person", "name", "amount"}, by name."""
    return (
        Indemnity.objects.standing()
        .filter(community=community, paid_on__year=year)
        .annotate(person=Coalesce(NullIf(F("member__rpps"), Value("")), F("member__sort_key")))
        .values("person", "member__last_name", "member__first_name")
        .annotate(amount=Sum("amount"))
        .order_by("member__last_name", "member__first_name", "person")
    )


def received(row: Mapping[str, Any], ceiling: Decimal | None) -> Received:
    """A row of `totals`, with what is left under the ceiling."""
    name = f"{row['member__first_name']} {row['member__last_name']}".strip()
    return Received(name, row["amount"], None if ceiling is None else ceiling - row["amount"])
