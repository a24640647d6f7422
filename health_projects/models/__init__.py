"""The health project: the case, and what hangs from it."""

from health_projects.models.case import HealthProject

__all__ = ["HealthProject"]
