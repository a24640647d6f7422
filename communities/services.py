"""What happens to a CPTS and its team. Each verb checks who acts, then writes in one go."""

from django.db import transaction

from accounts.models import User
from communities.models import Community, CommunityTerritory, TeamMember
from territories.models import Region, Territory


@transaction.atomic
def create_community(*, name: str, region: Region, user: User) -> Community:
    """Create a CPTS with its first owner and an empty current territory."""
    community = Community.objects.create(name=name.strip(), region=region, created_by=user)
    TeamMember.objects.create(community=community, user=user, role=TeamMember.Role.OWNER)
    CommunityTerritory.objects.create(community=community, territory=Territory.objects.create())
    return community
