"""Beginning a health project: from an accepted letter, or alone for a CPTS born before it."""

import uuid
from dataclasses import dataclass
from typing import NamedTuple

from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction

from accounts.models import User
from communities.models import Community
from communities.services import create_community
from health_projects.models import HealthProject
from health_projects.services import open_project
from letters.models import LetterOfIntent
from territories.models import Region
from workflow.decision_states import DecisionState
from workflow.diff import Comparison, compare
from workflow.models import Reserve, Snapshot
from workflow.services import ActionRefusedError
from workflow.states import OPEN_STATES, CaseState

ACCEPTED = (CaseState.ACCEPTED, CaseState.TACITLY_ACCEPTED)
UNDER_WAY = (CaseState.DRAFT, *OPEN_STATES)


@dataclass(frozen=True)
class Start:
    """Where a CPTS stands before its project: what it begins with, or why it cannot begin."""

    letter: LetterOfIntent | None = None
    # The project, or the amendment, that is under way; the one that is validated.
    current: HealthProject | None = None
    validated: HealthProject | None = None
    why_not: str = ""


def read_start(community: Community) -> Start:
    """What the health project of a CPTS would begin with: three queries."""
    mine = HealthProject.objects.filter(community=community)
    current = mine.filter(state__in=UNDER_WAY).first()
    validated = mine.filter(state__in=ACCEPTED).order_by("-pk").first()
    letters = LetterOfIntent.objects.filter(community=community)
    letter = letters.filter(state__in=ACCEPTED).order_by("-pk").first()
    why_not = ""
    if letter is None and letters.filter(state__in=UNDER_WAY).exists():
        why_not = (
            "La lettre d’intention de cette CPTS n’est pas encore acceptée. Le projet de santé "
            "s’ouvrira avec ce qu’elle dit, le jour de la décision."
        )
    return Start(letter, current, validated, why_not)


def begin(community: Community, *, user: User) -> HealthProject:
    """Open the project of a CPTS; the one already under way if there is one.

    Raises PermissionDenied unless the person writes with the team, and ActionRefusedError while
    the letter is not accepted, or once a project is validated: it is then amended.
    """
    if user.acting is not None or community.team_role(user) not in {"owner", "editor"}:
        raise PermissionDenied(
            "Seuls les responsables et les rédacteurs de la CPTS commencent son projet de santé."
        )
    start = read_start(community)
    if start.current is not None:
        return start.current
    if start.why_not:
        raise ActionRefusedError(start.why_not)
    if start.validated is not None:
        raise ActionRefusedError(
            "Le projet de santé de cette CPTS est validé : il se change par un avenant."
        )
    try:
        with transaction.atomic():
            return open_project(community, user=user, letter=start.letter)
    except IntegrityError as refused:
        if "case_one_open_health_project" not in str(refused):
            raise
        return HealthProject.objects.get(community=community, state__in=UNDER_WAY)


@transaction.atomic
def begin_alone(*, name: str, region: Region, user: User) -> HealthProject:
    """A CPTS born before the portal, or elsewhere: it has no letter here."""
    community = create_community(name=name, region=region, user=user)
    return open_project(community, user=user)


def changes_since_letter(project: HealthProject, content: dict[str, object]) -> Comparison | None:
    """What differs between the accepted letter and a content of the project; None without one.

    Only what both say is compared: the rest of a project is new by nature.
    """
    if project.letter_id is None:
        return None
    letters = Snapshot.objects.filter(case_id=project.letter_id).order_by("-version")
    before = letters.first()
    if before is None:
        return None
    keys = _keys(before.content) & _keys(content)
    return compare(_only(before.content, keys), _only(content, keys))


class OpenReserve(NamedTuple):
    """A condition the decision on the letter set, that nobody has lifted yet."""

    text: str
    letter: uuid.UUID


def letter_reserves(project: HealthProject) -> list[OpenReserve]:
    """What the decision on its letter still asks of a project: one query, none without a letter."""
    if project.letter_id is None:
        return []
    left = Reserve.objects.filter(
        case=project.letter_id, decision__state=DecisionState.TAKEN, lifted_at__isnull=True
    )
    return [
        OpenReserve(*row) for row in left.order_by("rank").values_list("text", "case__public_id")
    ]


def _keys(content: dict[str, object]) -> set[str]:
    sections: list[dict[str, list[dict[str, str]]]] = content["sections"]  # type: ignore[assignment]
    return {field["key"] for section in sections for field in section["fields"] if field["display"]}


def _only(content: dict[str, object], keys: set[str]) -> dict[str, object]:
    sections: list[dict[str, list[dict[str, str]]]] = content["sections"]  # type: ignore[assignment]
    kept = [
        section | {"fields": [one for one in section["fields"] if one["key"] in keys]}
        for section in sections
    ]
    return content | {"sections": kept, "attachments": []}
