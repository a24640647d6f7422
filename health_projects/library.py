"""The sheets that an office shares as models with the teams of its region, naming nobody."""

import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from accounts.models import User
from cpts_portal.spreadsheets import plain
from health_projects.models import ActionSheet, HealthProject, SheetModel
from health_projects.models.sheets import TEXTS
from health_projects.sheet_writing import Actor, SheetError, save_sheet
from health_projects.sheets import Data
from workflow.querysets import ARS_KINDS

if TYPE_CHECKING:
    from health_projects.models.sheets import SheetModelQuerySet

# Who shares models for an office.
_SHARING: Final = frozenset({"agent", "coordinator"})
# Shorter, a name is also a word of every text.
_SHORTEST_NAME: Final = 4


def models_for(project: HealthProject) -> "SheetModelQuerySet":
    """The models a team may start from: those of the region of its project."""
    return SheetModel.objects.standing().filter(region=project.region_id)


def shares(user: User) -> bool:
    """Whether the person shares models for the organisation they act for."""
    return user.acting is not None and user.acting.role in _SHARING


def may_publish(project: HealthProject, user: User) -> bool:
    """An agent or a coordinator of the office in charge, or of an agency that has the project, once
    it is deposited; nobody who writes it with its team."""
    acting = user.acting
    return (
        acting is not None
        and project.is_deposited
        and acting.role in _SHARING
        and (project.office_id == acting.organisation_id or acting.organisation.kind in ARS_KINDS)
        and project.community.team_role(user) not in {"owner", "editor"}
    )


def may_withdraw(model: SheetModel, user: User) -> bool:
    """Whoever shares models for the office that published it."""
    acting = user.acting
    return (
        acting is not None
        and acting.role in _SHARING
        and acting.organisation_id == model.office_id
        and model.withdrawn_at is None
    )


def proposed(sheet: Data) -> dict[str, Any]:
    """What a model of this sheet begins with: its texts as they are, to be read again, and its
    actors by what they are."""
    return {
        "title": sheet["label"],
        "issue_kind": sheet["issue_kind"],
        **{name: sheet[name] for name in TEXTS},
        "missions": [one["key"] for one in sheet["missions"]],
        "themes": [one["key"] for one in sheet["themes"]],
        "actors": [
            {
                "what": actor["what"] or "Partenaire",
                "line": actor["line"],
                "role": actor["role"],
            }
            for actor in sheet["actors"]
        ],
    }


def names_in(project: HealthProject, texts: Iterable[str]) -> list[str]:
    """The names of people, structures and of the CPTS that these texts still hold."""
    words = f" {plain(' '.join(texts))} "
    members = project.community.members.values_list("last_name", "first_name", "structure_name")
    known = {project.community.name}
    for last, first, structure in members:
        known |= {last, f"{first} {last}", structure}
    found = [
        name
        for name in known
        if len(plain(name)) >= _SHORTEST_NAME and re.search(rf"\W{re.escape(plain(name))}\W", words)
    ]
    return sorted(found)


@transaction.atomic
def publish(project: HealthProject, values: Mapping[str, Any], *, by: User) -> SheetModel:
    """Share a model with the teams of the region.

    `values` is what `proposed` gives, read again. Raises PermissionDenied, or SheetError when a
    text still names somebody.
    """
    if not may_publish(project, by):
        raise PermissionDenied
    acting = by.acting
    assert acting is not None  # noqa: S101 - the rule just said so
    content = {
        name: values.get(name, "")
        for name in ("issue_kind", *TEXTS, "missions", "themes", "actors")
    }
    texts = [values["title"], *(content[name] for name in TEXTS)]
    texts += [actor["role"] for actor in content["actors"]]
    if named := names_in(project, texts):
        raise SheetError(
            f"Ce modèle nomme encore {', '.join(f'« {name} »' for name in named)} : il sera lu par "
            "d’autres équipes. Remplacez chaque nom par ce que la personne ou la structure est."
        )
    return SheetModel.objects.create(
        region=project.region,
        title=values["title"],
        content=content,
        office_id=acting.organisation_id,
        published_by=by,
    )


def withdraw(model: SheetModel, *, by: User) -> None:
    """Offer the model no more; the sheets that began with it stay. Raises PermissionDenied."""
    if not may_withdraw(model, by):
        raise PermissionDenied
    SheetModel.objects.filter(pk=model.pk).update(withdrawn_at=timezone.now())


@transaction.atomic
def start_sheet(project: HealthProject, model: SheetModel, *, by: User) -> ActionSheet:
    """Begin a sheet with a model: what it says, and its kinds of actors to be named.

    Raises as `sheets.save_sheet`.
    """
    content = model.data
    actors = [
        Actor(line=actor["line"], name=f"{actor['what']} (à préciser)"[:200], role=actor["role"])
        for actor in content.get("actors", ())
    ]
    values = {"label": model.title, "coordinator": None, "starts_on": None, "ends_on": None}
    for name in ("issue_kind", *TEXTS, "missions", "themes"):
        values[name] = content[name]
    sheet = save_sheet(project, values, actors, by=by)
    SheetModel.objects.filter(pk=model.pk).update(used=F("used") + 1)
    return sheet
