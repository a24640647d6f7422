"""Who sees where a CPTS stands, and who acts there. Seeing is a queryset, acting a predicate."""

from typing import TYPE_CHECKING, Final

from django.db.models import Exists, F, OuterRef, QuerySet, Value

from accounts.models import User
from communities.models import Community, TeamMember
from roadmap.models import Accompaniment
from territories.models import TerritoryPart
from workflow.opinion_rules import FOLLOWERS

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser

WRITERS: Final = frozenset({"owner", "editor"})
# Who may be invited: those who give help, in the region of the CPTS.
COMPANIONS: Final = ("one_stop_desk", "ars_branch", "ars", "urps", "cpam", "msa")


def seen_communities(user: "User | AnonymousUser") -> "QuerySet[Community]":
    """One's own CPTS, in one's own name; in a role, those that have invited the organisation.

    A role limited to a département sees those whose territory touches it.
    """
    if not isinstance(user, User):
        return Community.objects.none()
    if user.acting is None:
        return Community.objects.filter(team_members__user=user).annotate(
            viewer_id=Value(user.pk), viewer_role=F("team_members__role")
        )
    open_one = Accompaniment.objects.filter(
        community=OuterRef("pk"), organisation=user.acting.organisation_id, ended_at=None
    )
    found = Community.objects.filter(Exists(open_one))
    if user.acting.department_id:
        parts = TerritoryPart.objects.filter(
            territory__community_link__community=OuterRef("pk"),
            territory__community_link__valid_to=None,
            commune__department=user.acting.department_id,
        )
        found = found.filter(Exists(parts))
    return found


def is_team(community: Community, user: User) -> bool:
    return user.acting is None and community.team_role(user) is not None


def may_write(community: Community, user: User) -> bool:
    """Owners and editors tick, invite and ask, in their own name."""
    return user.acting is None and community.team_role(user) in {
        TeamMember.Role.OWNER,
        TeamMember.Role.EDITOR,
    }


def may_accompany(user: User) -> bool:
    """Whoever follows cases in the organisation they act for; the queryset says which CPTS."""
    return user.acting is not None and user.acting.is_active and user.acting.role in FOLLOWERS


def may_take_part(community: Community, user: User) -> bool:
    """Both sides: plan a meeting, write a note."""
    return may_write(community, user) or may_accompany(user)
