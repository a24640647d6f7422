"""Health projects for tests: a draft, with what a test gives it."""

from itertools import count

from accounts.models import User
from communities.models import Community
from health_projects import services
from health_projects.models import HealthProject
from territories.models import Region
from territories.services import add_communes
from tests import factories
from tests.letters import cases

_numbers = count(1)


def draft(
    region: str = "52",
    *,
    communes: tuple[str, ...] = ("44114",),
    owner: User | None = None,
    community: Community | None = None,
) -> HealthProject:
    """A project just begun by a CPTS, without a letter."""
    cases.reference_rows()
    owner = owner or factories.user()
    if community is None:
        community = factories.community(
            owner,
            name=f"CPTS en projet {next(_numbers)}",
            region_=Region.objects.get(code=region),
        )
        add_communes(community.territory, list(communes))
    return services.open_project(community, user=owner)
