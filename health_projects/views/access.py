"""How every view of a project begins: seeing is a queryset (404), acting is a rule (403)."""

import uuid
from typing import cast

from django.http import Http404, HttpRequest

from accounts.models import User
from health_projects.models import HealthProject
from workflow.reading import read_seen


def visible_project(request: HttpRequest, public_id: uuid.UUID) -> HealthProject:
    """The project if the person may see it, in one query; else a 404 that says nothing.

    It comes with its CPTS, its region, its office, and `territory_id`.
    """
    project = read_seen(HealthProject, cast(User, request.user), public_id)
    if project is None:
        raise Http404("Ce projet n’existe pas, ou la personne ne le voit pas.")
    return project
