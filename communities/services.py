"""What happens to a CPTS and its team. Each verb checks who acts, then writes in one go.

Verbs about the team first lock the row of the CPTS: two people changing it in the same
second are served one after the other, so that one owner at least always remains.
"""

from typing import Any

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from accounts.invitations import InvitationError, refusal
from accounts.models import User
from communities import rules
from communities.models import (
    Community,
    CommunityTerritory,
    OwnershipTransfer,
    TeamInvitation,
    TeamMember,
)
from cpts_portal.mails import queue_template_mail
from notifications.services import About, notify
from territories.models import Region, Territory

# People and waiting invitations together: a team, not a mailing list.
TEAM_LIMIT = 100
GIVEN_ROLES = (TeamMember.Role.EDITOR, TeamMember.Role.READER)


class TeamError(ValueError):
    """A change of the team is refused; `message` says why, in French, to the person."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


@transaction.atomic
def create_community(*, name: str, region: Region, user: User) -> Community:
    """Create a CPTS with its first owner and an empty current territory."""
    community = record_community(name=name, region=region, user=user)
    TeamMember.objects.create(community=community, user=user, role=TeamMember.Role.OWNER)
    return community


def record_community(*, name: str, region: Region, user: User) -> Community:
    """A CPTS that existed before the portal: an empty current territory, and no team yet."""
    community = Community.objects.create(name=name.strip(), region=region, created_by=user)
    CommunityTerritory.objects.create(community=community, territory=Territory.objects.create())
    return community


# --- Invitations --------------------------------------------------------------------


@transaction.atomic
def invite(*, community: Community, email: str, role: str, by: User) -> TeamInvitation:
    """Invite someone to the team as editor or reader. An expired invitation is renewed.

    Raises PermissionDenied, or TeamError with the sentence to show.
    """
    community = _locked(community)
    _require(rules.may_manage_team(community, by) and role in GIVEN_ROLES)
    email = email.strip().lower()
    members = community.team_members
    if members.filter(user__email__iexact=email).exists():
        raise TeamError(f"{email} fait déjà partie de l’équipe.")
    waiting = community.invitations.waiting()
    invitation = waiting.filter(email__iexact=email).first()
    if invitation is None:
        if members.count() + waiting.count() >= TEAM_LIMIT:
            raise TeamError(
                f"Une équipe compte {TEAM_LIMIT} personnes au plus, invitations comprises. "
                "Retirez d’abord une invitation ou une personne."
            )
        invitation = TeamInvitation(community=community, email=email)
    elif invitation.is_open:
        raise TeamError(f"Une invitation attend déjà {email} : vous pouvez la renvoyer.")
    invitation.role = role
    invitation.invited_by = by
    _send(invitation)
    return invitation


@transaction.atomic
def invite_first(community: Community, *, email: str, by: User) -> TeamInvitation:
    """Invite who runs a CPTS that has no team yet: the first to accept becomes its owner.

    Raises TeamError when it has a team, or when somebody was invited already.
    """
    community = _locked(community)
    if community.team_members.exists():
        raise TeamError("Cette CPTS a déjà une équipe : c’est à elle d’inviter.")
    if community.invitations.waiting().exists():
        raise TeamError("Une invitation attend déjà une réponse.")
    invitation = TeamInvitation(
        community=community,
        email=email.strip().lower(),
        role=TeamMember.Role.EDITOR,
        invited_by=by,
    )
    _send(invitation)
    return invitation


@transaction.atomic
def resend_invitation(invitation: TeamInvitation, *, by: User) -> None:
    """Send a new link, valid for the full time again; the former link stops working."""
    invitation = _locked_invitation(invitation)
    _require(rules.may_manage_team(invitation.community, by))
    _refuse_if_answered(invitation)
    invitation.invited_by = by
    _send(invitation)


@transaction.atomic
def revoke_invitation(invitation: TeamInvitation, *, by: User) -> None:
    invitation = _locked_invitation(invitation)
    _require(rules.may_manage_team(invitation.community, by))
    _refuse_if_answered(invitation)
    invitation.revoked_at = timezone.now()
    invitation.save(update_fields=["revoked_at"])


@transaction.atomic
def accept_invitation(invitation: TeamInvitation, *, user: User) -> TeamMember:
    """Join the team. Raises InvitationError when the invitation can no longer be accepted."""
    invitation = _locked_invitation(invitation)
    refused = refusal(invitation, user)
    if refused:
        raise InvitationError(f"{refused.title}. {refused.text}")
    member, _created = TeamMember.objects.get_or_create(
        community=invitation.community, user=user, defaults={"role": invitation.role_offered}
    )
    invitation.accepted_at = timezone.now()
    invitation.accepted_by = user
    invitation.save(update_fields=["accepted_at", "accepted_by"])
    return member


# --- Members ------------------------------------------------------------------------


@transaction.atomic
def change_role(member: TeamMember, *, role: str, by: User) -> None:
    """Make someone editor or reader. Becoming owner takes two: see `offer_ownership`."""
    community = _locked(member.community)
    _require(rules.may_manage_team(community, by) and role in GIVEN_ROLES)
    member = _current(community, member)
    if member.role == TeamMember.Role.OWNER:
        _keep_an_owner(community, member)
        _close_transfers(community, member.user)
    member.role = role
    member.save(update_fields=["role"])


@transaction.atomic
def remove_member(member: TeamMember, *, by: User) -> None:
    """Take someone off the team, and tell them. What they wrote stays."""
    community = _locked(member.community)
    _require(rules.may_manage_team(community, by))
    member = _current(community, member)
    if member.user_id == by.pk:
        raise TeamError("Pour partir vous-même, choisissez « Quitter l’équipe ».")
    _take_off(community, member)
    notify(
        "team",
        key=f"team-removed:{member.pk}:{timezone.now().timestamp()}",
        to=member.user,
        about=About(community.name),
        template="communities/member_removed",
        context={"user": member.user, "by": by, "community": community},
        path=reverse("desks:home"),
    )


@transaction.atomic
def leave(community: Community, *, user: User) -> None:
    """Leave the team. The last owner first offers the ownership to someone else."""
    community = _locked(community)
    _require(rules.is_on_team(community, user))
    _take_off(community, community.team_members.select_related("user").get(user=user))


# --- Ownership ----------------------------------------------------------------------


@transaction.atomic
def offer_ownership(*, community: Community, to_member: TeamMember, by: User) -> OwnershipTransfer:
    """Propose the ownership to a member. Nothing changes until they accept."""
    community = _locked(community)
    _require(rules.may_manage_team(community, by))
    to_member = _current(community, to_member)
    if to_member.role == TeamMember.Role.OWNER:
        raise TeamError(f"{to_member.user} est déjà responsable de cette CPTS.")
    if community.ownership_transfers.waiting().exists():
        raise TeamError("Une proposition attend déjà une réponse : retirez-la d’abord.")
    transfer = OwnershipTransfer.objects.create(
        community=community, from_user=by, to_user=to_member.user
    )
    _tell(transfer, "offered", transfer.to_user)
    return transfer


@transaction.atomic
def accept_ownership(transfer: OwnershipTransfer, *, user: User) -> None:
    """Become owner; the person who offered it becomes editor."""
    transfer = _locked_transfer(transfer)
    _require(rules.may_answer_transfer(transfer, user))
    _refuse_if_closed(transfer)
    roles = {
        transfer.to_user_id: TeamMember.Role.OWNER,
        transfer.from_user_id: TeamMember.Role.EDITOR,
    }
    for member in transfer.community.team_members.filter(user__in=roles):
        member.role = roles[member.user_id]
        member.save(update_fields=["role"])
    transfer.accepted_at = timezone.now()
    transfer.save(update_fields=["accepted_at"])
    _tell(transfer, "accepted", transfer.from_user)


@transaction.atomic
def decline_ownership(transfer: OwnershipTransfer, *, user: User) -> None:
    transfer = _locked_transfer(transfer)
    _require(rules.may_answer_transfer(transfer, user))
    _refuse_if_closed(transfer)
    transfer.declined_at = timezone.now()
    transfer.save(update_fields=["declined_at"])
    _tell(transfer, "declined", transfer.from_user)


@transaction.atomic
def withdraw_ownership(transfer: OwnershipTransfer, *, user: User) -> None:
    transfer = _locked_transfer(transfer)
    _require(rules.may_withdraw_transfer(transfer, user))
    _refuse_if_closed(transfer)
    transfer.declined_at = timezone.now()
    transfer.save(update_fields=["declined_at"])


# --- What the verbs share -------------------------------------------------------------


def _require(allowed: bool) -> None:  # noqa: FBT001 - reads as a sentence where it is called
    if not allowed:
        raise PermissionDenied


def _locked(community: Community) -> Community:
    return Community.objects.select_for_update().get(pk=community.pk)


def _locked_invitation(invitation: TeamInvitation) -> TeamInvitation:
    # The CPTS before its rows, always: two verbs never wait for each other.
    _locked(invitation.community)
    return (
        TeamInvitation.objects.select_for_update(of=("self",))
        .select_related("community", "invited_by")
        .get(pk=invitation.pk)
    )


def _locked_transfer(transfer: OwnershipTransfer) -> OwnershipTransfer:
    _locked(transfer.community)
    return (
        OwnershipTransfer.objects.select_for_update(of=("self",))
        .select_related("community", "from_user", "to_user")
        .get(pk=transfer.pk)
    )


def _current(community: Community, member: TeamMember) -> TeamMember:
    """The member as the locked team has them. Raises TeamError if they left meanwhile."""
    current = community.team_members.select_related("user").filter(pk=member.pk).first()
    if current is None:
        raise TeamError("Cette personne ne fait plus partie de l’équipe.")
    return current


def _keep_an_owner(community: Community, member: TeamMember) -> None:
    owners = community.team_members.filter(role=TeamMember.Role.OWNER)
    if not owners.exclude(pk=member.pk).exists():
        raise TeamError(
            "Une CPTS a toujours au moins un responsable. Proposez d’abord la responsabilité à "
            "une autre personne de l’équipe."
        )


def _take_off(community: Community, member: TeamMember) -> None:
    if member.role == TeamMember.Role.OWNER:
        _keep_an_owner(community, member)
    _close_transfers(community, member.user)
    TeamMember.objects.filter(pk=member.pk).delete()


def _close_transfers(community: Community, user: User) -> None:
    """An offer made by or to someone who leaves, or who is no longer owner, falls."""
    waiting = community.ownership_transfers.waiting()
    now = timezone.now()
    waiting.filter(from_user=user).update(declined_at=now)
    waiting.filter(to_user=user).update(declined_at=now)


def _refuse_if_answered(invitation: TeamInvitation) -> None:
    if invitation.accepted_at:
        raise TeamError(f"{invitation.email} a déjà accepté l’invitation.")
    if invitation.revoked_at:
        raise TeamError("Cette invitation a déjà été retirée.")


def _refuse_if_closed(transfer: OwnershipTransfer) -> None:
    if transfer.accepted_at:
        raise TeamError("Cette proposition a déjà été acceptée.")
    if transfer.declined_at:
        raise TeamError("Cette proposition a été retirée ou refusée : elle ne tient plus.")


def _send(invitation: TeamInvitation) -> None:
    token = invitation.issue_token()
    invitation.save()
    queue_template_mail(
        key=f"team-invitation:{invitation.token_digest}",
        recipient=invitation.email,
        template="communities/team_invitation",
        context={
            "inviter": invitation.invited_by,
            "community": invitation.community,
            "role": TeamMember.Role(invitation.role_offered).label,
            "may_write": invitation.role_offered != TeamMember.Role.READER,
            "expires_at": invitation.expires_at,
            "url": settings.PORTAL_URL + reverse("communities:accept_invitation", args=[token]),
        },
    )


def _tell(transfer: OwnershipTransfer, what: str, recipient: User) -> None:
    context: dict[str, Any] = {
        "community": transfer.community,
        "from_user": transfer.from_user,
        "to_user": transfer.to_user,
    }
    notify(
        "team",
        key=f"ownership-{what}:{transfer.pk}",
        to=recipient,
        about=About(transfer.community.name),
        template=f"communities/ownership_{what}",
        context=context,
        path=reverse("communities:team", args=[transfer.community.public_id]),
    )
