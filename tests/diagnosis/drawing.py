"""A CPTS with a drawn territory and the bodies that serve it, for tests."""

from accounts.models import Membership, Organisation, User
from communities.models import Community
from territories.services import add_communes
from tests import factories
from tests.letters import cases

LAVAUR = "81140"
SAINT_SULPICE = "81271"


def drawn(*communes: str, owner: User | None = None, region: str = "76") -> Community:
    """A CPTS of a region whose bodies exist, with these communes."""
    cases.reference_rows()
    made = factories.community(owner, region_=factories.region(region))
    if communes:
        add_communes(made.territory, list(communes))
    return made


def desk(region: str = "76") -> Organisation:
    return cases.body("one_stop_desk", region)


def agent(body: Organisation, role: str = "coordinator", department: str | None = None) -> User:
    """Somebody who acts for a body."""
    member: Membership = factories.membership(
        organisation_=body, role=role, department_id=department
    )
    member.user.acting = member
    return member.user
