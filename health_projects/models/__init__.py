"""The health project: the case, and what hangs from it."""

from health_projects.models.case import HealthProject
from health_projects.models.coherence import CoherenceNote
from health_projects.models.sheets import ActionSheet, SheetActor, SheetModel

__all__ = ["ActionSheet", "CoherenceNote", "HealthProject", "SheetActor", "SheetModel"]
