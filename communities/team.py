"""The page of a team: its members, who is invited, and the ownership that is offered."""

from dataclasses import dataclass, field
from typing import Final

from django.db import connection

from accounts.models import User
from communities.models import Community, OwnershipTransfer, TeamInvitation, TeamMember
from communities.services import TEAM_LIMIT


@dataclass
class Team:
    """What the page shows, in its order: members by arrival, invitations the latest first.

    The people have the names, the address and the profession that the page shows, nothing else.
    """

    members: list[TeamMember] = field(default_factory=list)
    invitations: list[TeamInvitation] = field(default_factory=list)
    transfer: OwnershipTransfer | None = None


# Written by hand: as models, the same rows take three queries and four times as long. What
# waits is what `TeamInvitationQuerySet.waiting` and `OwnershipTransferQuerySet.waiting` say.
_TEAM: Final = """
    (SELECT 'member' AS kind, member.id, member.role, '' AS email,
            member.joined_at AS at, NULL::timestamptz AS expires_at,
            person.id, person.first_name, person.last_name, person.email, person.profession,
            NULL::bigint, NULL, NULL, NULL
       FROM communities_teammember AS member
       JOIN accounts_user AS person ON person.id = member.user_id
      WHERE member.community_id = %(community)s
      ORDER BY member.joined_at, member.id)
      UNION ALL
    (SELECT 'invitation', invitation.id, invitation.role, invitation.email,
            invitation.created_at, invitation.expires_at,
            person.id, person.first_name, person.last_name, person.email, person.profession,
            NULL, NULL, NULL, NULL
       FROM communities_teaminvitation AS invitation
       JOIN accounts_user AS person ON person.id = invitation.invited_by_id
      WHERE invitation.community_id = %(community)s
        AND invitation.accepted_at IS NULL AND invitation.revoked_at IS NULL
      ORDER BY invitation.created_at DESC, invitation.id DESC
      LIMIT %(limit)s)
      UNION ALL
    (SELECT 'transfer', transfer.id, '', '', transfer.offered_at, NULL,
            person.id, person.first_name, person.last_name, person.email, person.profession,
            other.id, other.first_name, other.last_name, other.email
       FROM communities_ownershiptransfer AS transfer
       JOIN accounts_user AS person ON person.id = transfer.from_user_id
       JOIN accounts_user AS other ON other.id = transfer.to_user_id
      WHERE transfer.community_id = %(community)s
        AND transfer.accepted_at IS NULL AND transfer.declined_at IS NULL)
"""


def read_team(community: Community) -> Team:
    """The whole team, in one query."""
    team = Team()
    with connection.cursor() as cursor:
        cursor.execute(_TEAM, {"community": community.pk, "limit": TEAM_LIMIT})
        rows = cursor.fetchall()
    for kind, pk, role, email, at, expires_at, *people in rows:
        person = _person(*people[:5])
        if kind == "member":
            team.members.append(TeamMember(pk=pk, user=person, role=role, joined_at=at))
        elif kind == "invitation":
            invitation = TeamInvitation(pk=pk, email=email, role=role, invited_by=person)
            invitation.created_at, invitation.expires_at = at, expires_at
            team.invitations.append(invitation)
        else:
            other = _person(*people[5:])
            team.transfer = OwnershipTransfer(pk=pk, from_user=person, to_user=other, offered_at=at)
    return team


def _person(pk: int, first: str, last: str, email: str, profession: str = "") -> User:
    return User(pk=pk, first_name=first, last_name=last, email=email, profession=profession)
