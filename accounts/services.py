"""Giving and ending roles. Each verb checks who acts, then writes in one transaction."""

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from accounts import rules
from accounts.invitations import InvitationError, refusal
from accounts.models import Membership, Organisation, OrganisationInvitation, User
from cpts_portal.mails import queue_template_mail
from territories.models import Department

# Invitations one organisation may have waiting: nobody uses the portal to mail strangers.
WAITING_LIMIT = 50


@transaction.atomic
def invite_to_role(
    *,
    organisation: Organisation,
    email: str,
    role: str,
    by: User,
    department: Department | None = None,
) -> OrganisationInvitation:
    """Invite someone to hold a role. An expired invitation to the same role is renewed.

    Raises PermissionDenied, or InvitationError with the sentence to show.
    """
    if not rules.may_give(
        organisation, role=role, department=department.pk if department else None, user=by
    ):
        raise PermissionDenied
    if department and organisation.department_id not in {None, department.pk}:
        raise InvitationError(
            f"{organisation} ne sert que son propre département : laissez le département vide."
        )
    if department and department.region_id != organisation.region_id:
        raise InvitationError(f"Ce département n’est pas dans la région de {organisation}.")
    email = email.strip().lower()
    # One invitation at a time for an organisation, so that the checks below stay true.
    Organisation.objects.select_for_update(of=("self",)).get(pk=organisation.pk)
    if Membership.objects.filter(
        user__email__iexact=email, organisation=organisation, role=role, is_active=True
    ).exists():
        raise InvitationError(f"{email} a déjà ce rôle dans {organisation}.")
    waiting = OrganisationInvitation.objects.waiting().filter(organisation=organisation)
    if waiting.count() >= WAITING_LIMIT:
        raise InvitationError(
            f"{WAITING_LIMIT} invitations attendent déjà une réponse : retirez celles qui ne "
            "servent plus."
        )
    invitation = waiting.filter(email__iexact=email, role=role).first()
    if invitation is None:
        invitation = OrganisationInvitation(organisation=organisation, email=email, role=role)
    elif invitation.is_open:
        raise InvitationError(
            f"Une invitation attend déjà {email} : vous pouvez la renvoyer ci-dessous."
        )
    invitation.department = department
    invitation.invited_by = by
    _send(invitation)
    return invitation


@transaction.atomic
def resend_role_invitation(invitation: OrganisationInvitation, *, by: User) -> None:
    """Send a new link, valid for the full time again; the former link stops working."""
    invitation = _locked(invitation)
    if not rules.may_manage_people(invitation.organisation, by):
        raise PermissionDenied
    _refuse_if_answered(invitation)
    invitation.invited_by = by
    _send(invitation)


@transaction.atomic
def revoke_role_invitation(invitation: OrganisationInvitation, *, by: User) -> None:
    invitation = _locked(invitation)
    if not rules.may_manage_people(invitation.organisation, by):
        raise PermissionDenied
    _refuse_if_answered(invitation)
    invitation.revoked_at = timezone.now()
    invitation.save(update_fields=["revoked_at"])


@transaction.atomic
def accept_role_invitation(invitation: OrganisationInvitation, *, user: User) -> Membership:
    """Give the role. Raises InvitationError when the invitation can no longer be accepted."""
    invitation = _locked(invitation)
    refused = refusal(invitation, user)
    if refused:
        raise InvitationError(f"{refused.title}. {refused.text}")
    membership, _created = Membership.objects.update_or_create(
        user=user,
        organisation=invitation.organisation,
        role=invitation.role,
        defaults={"department": invitation.department, "is_active": True},
    )
    invitation.accepted_at = timezone.now()
    invitation.accepted_by = user
    invitation.save(update_fields=["accepted_at", "accepted_by"])
    return membership


@transaction.atomic
def end_membership(membership: Membership, *, by: User) -> None:
    """End a role now. The person's next page is already without it; what they did stays."""
    membership = (
        Membership.objects.select_for_update(of=("self",))
        .select_related("organisation")
        .get(pk=membership.pk)
    )
    if not rules.may_end(membership, by):
        raise PermissionDenied
    membership.is_active = False
    membership.save(update_fields=["is_active"])


def _locked(invitation: OrganisationInvitation) -> OrganisationInvitation:
    return (
        OrganisationInvitation.objects.select_for_update(of=("self",))
        .select_related("organisation", "department", "invited_by")
        .get(pk=invitation.pk)
    )


def _refuse_if_answered(invitation: OrganisationInvitation) -> None:
    if invitation.accepted_at:
        raise InvitationError(f"{invitation.email} a déjà accepté l’invitation.")
    if invitation.revoked_at:
        raise InvitationError("Cette invitation a déjà été retirée.")


def _send(invitation: OrganisationInvitation) -> None:
    token = invitation.issue_token()
    invitation.save()
    queue_template_mail(
        key=f"role-invitation:{invitation.token_digest}",
        recipient=invitation.email,
        template="accounts/role_invitation",
        context={
            "inviter": invitation.invited_by,
            "organisation": invitation.organisation,
            "role": invitation.get_role_display(),
            "department": invitation.department,
            "expires_at": invitation.expires_at,
            "url": settings.PORTAL_URL + reverse("accounts:accept_invitation", args=[token]),
        },
    )
