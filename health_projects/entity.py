"""The association that carries the CPTS, as a project needs it and keeps it."""

from collections.abc import Mapping
from typing import Any, Final

from communities import legal
from health_projects.missing import Missing
from health_projects.models import HealthProject

KEY: Final = "legal_entity"


def missing_entity(project: HealthProject) -> list[Missing]:
    """What the association of today lacks before a deposit."""
    found = legal.missing_of(legal.current_entity(project.community))
    return [Missing(one, KEY, KEY) for one in found]


def entity_as_data(project: HealthProject) -> dict[str, Any]:
    """The association of today, in plain JSON data to be frozen; empty when there is none."""
    return legal.as_data(legal.current_entity(project.community))


def show(data: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What was frozen, as terms and values to read."""
    return legal.rows_of(data)
