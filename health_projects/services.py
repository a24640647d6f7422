"""Opening a health project, and its clock."""

from django.db import transaction

from accounts.models import User
from communities.models import Community
from health_projects.models import HealthProject
from letters.models import LetterOfIntent
from procedures import registry
from procedures.schema import ProcedureKind
from workflow.clock import ClockRule, Silence
from workflow.models import Case

KIND = Case.Kind.HEALTH_PROJECT


def legal_period(case: Case) -> ClockRule:
    """The period of the procedure the project began with, and what silence then means."""
    period = registry.get(case.procedure_key, case.procedure_version).circuit.period
    return ClockRule(months=period.months, silence=Silence(period.silence))


@transaction.atomic
def open_project(
    community: Community, *, user: User, letter: LetterOfIntent | None = None
) -> HealthProject:
    """Open the health project of a CPTS under its region's current procedure."""
    procedure = registry.for_region(community.region_id, kind=ProcedureKind.HEALTH_PROJECT)
    return HealthProject.objects.create(
        kind=KIND,
        community=community,
        title=community.name,
        region_id=community.region_id,
        procedure_key=procedure.key,
        procedure_version=procedure.version,
        created_by=user,
        letter=letter,
    )
