"""Who is written to: the team of a CPTS, and those who act for an organisation."""

from collections.abc import Collection

from django.db.models import Q

from accounts.models import Membership, Organisation, User
from communities.models import Community
from notifications.services import Told
from workflow.opinion_rules import FOLLOWERS


def team_of(community: Community) -> list[User]:
    """The members of the CPTS's team whose account is open."""
    people = User.objects.filter(team_memberships__community=community, is_active=True)
    return list(people.order_by("team_memberships__pk"))


def desk_of(body: Organisation, departments: Collection[str]) -> list[Told]:
    """Those who act for an organisation on a territory, else its mailbox."""
    held = Membership.objects.filter(
        Q(department=None) | Q(department__in=list(departments)),
        organisation=body,
        is_active=True,
        role__in=FOLLOWERS,
    )
    people = User.objects.filter(memberships__in=held, is_active=True).distinct().order_by("pk")
    return list(people) or [body]
