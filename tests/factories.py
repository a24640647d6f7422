"""Rows for tests, with nothing surprising: each function makes what its name says.

Where a test needs a particular value it gives it; the rest is a counter, so that two calls
never clash. A person who holds a membership begins in that role when they sign in
(`client.force_login` included): give `client.post("/compte/role/")` to act in one's own name.
"""

from itertools import count
from typing import Any

from allauth.account.models import EmailAddress

from accounts.models import Membership, Organisation, User
from communities.models import Community, TeamMember
from communities.services import create_community
from territories.models import Department, Region

_numbers = count(1)

PASSWORD = "quatre-mots-sans-rapport"


def user(email: str = "", *, password: str = PASSWORD, **fields: Any) -> User:
    """A person with a verified address."""
    number = next(_numbers)
    fields.setdefault("first_name", "Camille")
    fields.setdefault("last_name", f"Martin {number}")
    person = User.objects.create_user(email or f"personne{number}@exemple.test", password, **fields)
    EmailAddress.objects.create(user=person, email=person.email, verified=True, primary=True)
    return person


def region(code: str = "76", name: str = "Occitanie") -> Region:
    return Region.objects.get_or_create(code=code, defaults={"name": name})[0]


def department(
    code: str = "31", name: str = "Haute-Garonne", *, of: Region | None = None
) -> Department:
    return Department.objects.get_or_create(
        code=code, defaults={"name": name, "region": of or region()}
    )[0]


def organisation(
    kind: str = Organisation.Kind.ARS, *, code: str = "", **fields: Any
) -> Organisation:
    number = next(_numbers)
    if "region" not in fields:
        fields["region"] = region()
    fields.setdefault("name", f"Organisme {number}")
    return Organisation.objects.create(code=code or f"organisme-{number}", kind=kind, **fields)


def membership(
    person: User | None = None,
    organisation_: Organisation | None = None,
    role: str = Membership.Role.AGENT,
    **fields: Any,
) -> Membership:
    return Membership.objects.create(
        user=person or user(), organisation=organisation_ or organisation(), role=role, **fields
    )


def community(
    owner: User | None = None, *, name: str = "", region_: Region | None = None
) -> Community:
    """A CPTS with its owner and an empty territory, made as the portal makes it."""
    return create_community(
        name=name or f"CPTS {next(_numbers)}", region=region_ or region(), user=owner or user()
    )


def team_member(
    of: Community, person: User | None = None, role: str = TeamMember.Role.EDITOR
) -> TeamMember:
    return TeamMember.objects.create(community=of, user=person or user(), role=role)
