"""The health project of a demonstration: whole, and ready to be frozen and signed."""

import json
from datetime import date
from itertools import cycle, islice
from pathlib import Path
from typing import Any, Final

from django.conf import settings
from django.db import transaction

from accounts.models import User
from communities import legal
from communities.models import Community, TeamMember
from health_projects.coherence import Finding, save_findings
from health_projects.models import HealthProject
from health_projects.opening import begin_alone
from health_projects.sheet_writing import Actor, save_sheet
from members.models import Member
from members.services import sort_key
from procedures.schema import Procedure
from territories.models import Region
from territories.services import add_communes
from writing import services as writing_services
from writing.content import procedure_of

# Beside those that the file names: the size of a real campaign.
MORE_MEMBERS: Final = 288
_FIRST: Final = (
    *("Anne", "Bruno", "Cécile", "David", "Élise", "Fabien", "Gaëlle", "Hugo", "Inès", "Jean"),
    *("Karine", "Luc", "Marion", "Nicolas", "Odile", "Pierre", "Rozenn", "Sophie", "Thomas"),
)
_LAST: Final = (
    *("Allain", "Bernard", "Caillé", "Daniel", "Evain", "Ferré", "Gautier", "Hervé", "Janvier"),
    *("Lebrun", "Moreau", "Nicol", "Ollivier", "Picaud", "Rio", "Sorin", "Thomas", "Vincent"),
    *("Bourdin", "Couëdel", "Durand", "Fouché", "Guillet"),
)
# Nurses and physiotherapists are the most, as in any CPTS.
_PROFESSIONS: Final = ("60", "60", "70", "10", "60", "21", "70", "91", "40", "50", "60", "80", "95")


def projects() -> list[Path]:
    """The projects that come with the portal."""
    return sorted((settings.BASE_DIR / "fixtures" / "projects").glob("*.json"))


@transaction.atomic
def make_project(path: Path) -> HealthProject | None:
    """Have this project written by its team; None when it is there already.

    Raises User.DoesNotExist before the accounts of the demonstration are made.
    """
    told = json.loads(path.read_text(encoding="utf-8"))
    owner = User.objects.get(email=told["owner"])
    if Community.objects.filter(name=told["name"], team_members__user=owner).exists():
        return None
    project = begin_alone(
        name=told["name"], region=Region.objects.get(code=told["region"]), user=owner
    )
    community = project.community
    TeamMember.objects.create(
        community=community,
        user=User.objects.get(email=told["editor"]),
        role=TeamMember.Role.EDITOR,
    )
    add_communes(community.territory, told["communes"])
    _answer(project, procedure_of(project), told["answers"], owner)
    for key, reason in told["deferred"].items():
        slot = writing_services.slot_of(project, key)
        assert slot is not None  # noqa: S101 - our own file names slots of the form
        writing_services.defer_attachment(project, slot, reason, user=owner)
    association = told["association"]
    begun = date.fromisoformat(association["valid_from"])
    legal.add_entity(community, association | {"valid_from": begun}, by=owner)
    members = _members(community, told["members"], owner)
    for sheet in told["sheets"]:
        _sheet(project, sheet, members, owner)
    save_findings(project, [Finding(**one) for one in told["coherence"]], by=owner)
    return project


def _answer(
    project: HealthProject, procedure: Procedure, answers: dict[str, Any], user: User
) -> None:
    for key, value in answers.items():
        writing_services.save_answer(
            project, procedure.field(key), value, user=user, base_revision=None
        )


def _members(community: Community, told: list[dict[str, str]], by: User) -> dict[str, int]:
    """The members by name: those the file names, and enough of others."""
    rows = [
        Member(
            kind="structure" if "structure_name" in one else "professional",
            email=f"membre{number}@exemple.test",
            community=community,
            created_by=by,
            **one,
        )
        for number, one in enumerate([*told, *_more()], start=1)
    ]
    for row in rows:
        row.sort_key = sort_key(row)
    return {row.name: row.pk for row in Member.objects.bulk_create(rows)}


def _more() -> list[dict[str, str]]:
    # Two lists whose lengths have no common divisor: no two people have one name.
    people = zip(cycle(_FIRST), cycle(_LAST), cycle(_PROFESSIONS), strict=False)
    return [
        {"first_name": first, "last_name": last, "profession": profession}
        for first, last, profession in islice(people, MORE_MEMBERS)
    ]


def _sheet(project: HealthProject, told: dict[str, Any], members: dict[str, int], by: User) -> None:
    actors = [
        Actor(
            line=one["line"],
            member=members[one["member"]] if "member" in one else None,
            name=one.get("name", ""),
            role=one["role"],
        )
        for one in told["actors"]
    ]
    dates = {
        name: told[name] and date.fromisoformat(told[name]) for name in ("starts_on", "ends_on")
    }
    values = told | dates | {"coordinator": members[told["coordinator"]]}
    save_sheet(project, values, actors, by=by)
