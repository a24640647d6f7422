"""What the health project tells the room where every form is written."""

from typing import Final

from health_projects.content import beside, missing_beside
from health_projects.models import HealthProject
from health_projects.own_fields import OWN_FIELDS
from health_projects.signing import SIGNED_DOCUMENT
from health_projects.ticking import unticked
from workflow.models import Case
from writing.content import Missing, WrittenContent
from writing.kinds import Words, WrittenKind


def _missing(project: HealthProject, content: WrittenContent) -> list[Missing]:
    return [*missing_beside(project, content), *unticked(project, content)]


WRITTEN: Final = WrittenKind(
    kind=Case.Kind.HEALTH_PROJECT,
    model=HealthProject,
    namespace="projects",
    words=Words(noun="projet", label="projet de santé", is_feminine=False, accepted="validé"),
    commitment="commits",
    commitment_wanted="Cochez l’engagement : il dit que ce projet est celui que les membres ont "
    "lu et signé.",
    document=SIGNED_DOCUMENT,
    renames=True,
    missing=_missing,
    beside=beside,
    own_fields=OWN_FIELDS,
)
