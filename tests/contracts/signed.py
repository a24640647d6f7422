"""Contracts in force for tests, with those who see them."""

from datetime import date
from itertools import count
from typing import Any

from accounts.models import Membership, Organisation, User
from communities.models import Community
from contracts.funding import engaging
from contracts.funding.schedule import five_years
from contracts.models import Contract
from tests import factories
from tests.contracts.engaging import MISSIONS, STARTS

_numbers = count(1)


def department(code: str = "81", name: str = "Tarn") -> Any:
    return factories.department(code, name)


def cpam(code: str = "81", name: str = "Tarn") -> Organisation:
    return Organisation.objects.get_or_create(
        code=f"cpam-{code}",
        defaults={
            "kind": "cpam",
            "name": f"CPAM {name}",
            "region": factories.region(),
            "department": department(code, name),
        },
    )[0]


def ars() -> Organisation:
    return Organisation.objects.get_or_create(
        code="ars-76", defaults={"kind": "ars", "name": "ARS", "region": factories.region()}
    )[0]


def agent(of: Organisation, role: str = Membership.Role.AGENT, **fields: Any) -> User:
    """A person who acts for an organisation, as a request would find them."""
    membership = factories.membership(None, of, role, **fields)
    membership.user.acting = membership
    return membership.user


def terms(starts_on: date = STARTS, **changes: Any) -> engaging.Signed:
    given: dict[str, Any] = {
        "starts_on": starts_on,
        "ends_on": five_years(starts_on),
        "signed_on": starts_on,
        "size": "T3",
        "missions": dict.fromkeys(MISSIONS, starts_on),
        "population": 85_000,
        "population_year": 2022,
        "population_source": "Insee, population municipale",
    }
    return engaging.Signed(**(given | changes))


def contract(
    *,
    of: Community | None = None,
    payer: Organisation | None = None,
    by: User | None = None,
    signed_outside: bool = False,
    **changes: Any,
) -> Contract:
    """A T3 contract of five years with the six missions, in force since 1 July 2023."""
    community = of or factories.community(name=f"CPTS du contrat {next(_numbers)}")
    return engaging.put_in_force(
        community,
        terms(**changes),
        by=by or community.created_by,
        ars=ars(),
        cpam=payer or cpam(),
        signed_outside=signed_outside,
    )
