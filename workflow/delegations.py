"""Delegations of signature: who may sign for an organisation, from when to when, and where."""

from datetime import date

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.utils import timezone

from accounts.models import Membership, Organisation, User
from territories.models import Department
from workflow import decision_rules as rules
from workflow.models import SignatureDelegation
from workflow.people import still_holds_their_role
from workflow.services import ActionRefusedError

# The longest term of office known here; a slip of the keyboard beyond.
LONGEST_YEARS = 5


@transaction.atomic
def give_delegation(
    organisation: Organisation,
    *,
    holder: User,
    by: User,
    capacity: str,
    act: str,
    valid_from: date,
    valid_to: date,
    department: Department | None = None,
) -> SignatureDelegation:
    """Record that a person may sign for an organisation, from a day to a day, both included.

    Raises PermissionDenied, or ActionRefusedError with the sentence to show.
    """
    if not rules.may_manage_delegations(organisation, by):
        raise PermissionDenied(
            "Seul un signataire ou un coordinateur de l’organisme enregistre ses délégations."
        )
    still_holds_their_role(by)
    if holder.pk == by.pk:
        raise ActionRefusedError(
            "Vous ne pouvez pas vous donner une délégation : une autre personne l’enregistre."
        )
    held = Membership.objects.filter(
        user=holder, is_active=True, organisation__in=[organisation, *organisation.branches.all()]
    )
    if not held.exists():
        raise ActionRefusedError(
            f"{holder} n’a pas de rôle dans cet organisme : invitez d’abord cette personne."
        )
    if valid_to < valid_from:
        raise ActionRefusedError("La fin de la délégation précède son début : vérifiez les dates.")
    if valid_to.year - valid_from.year > LONGEST_YEARS:
        raise ActionRefusedError(
            f"Une délégation dure {LONGEST_YEARS} ans au plus : vérifiez l’année."
        )
    return SignatureDelegation.objects.create(
        organisation=organisation,
        holder=holder,
        given_by=by,
        capacity=" ".join(capacity.split()),
        act=" ".join(act.split()),
        department=department,
        valid_from=valid_from,
        valid_to=valid_to,
    )


@transaction.atomic
def end_delegation(delegation: SignatureDelegation, *, by: User) -> None:
    """End a delegation now. What its holder signed stands. Raises PermissionDenied."""
    delegation = SignatureDelegation.objects.select_for_update(of=("self",)).get(pk=delegation.pk)
    if not rules.may_manage_delegations(delegation.organisation, by):
        raise PermissionDenied(
            "Seul un signataire ou un coordinateur de l’organisme retire cette délégation."
        )
    still_holds_their_role(by)
    if delegation.revoked_at is None:
        delegation.revoked_at, delegation.revoked_by = timezone.now(), by
        delegation.save(update_fields=["revoked_at", "revoked_by"])


def stage_of(delegation: SignatureDelegation) -> tuple[str, str]:
    """Where a delegation stands today, in a word, and its tone on screen."""
    today = timezone.localdate()
    if delegation.revoked_at is not None:
        return "Retirée", ""
    if delegation.valid_to < today:
        return "Terminée", ""
    if delegation.valid_from > today:
        return "À venir", "info"
    return "En cours", "success"
