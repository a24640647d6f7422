"""What projects left behind them: their logs and their official documents."""

from collections.abc import Sequence

from health_projects.documents import KINDS
from health_projects.models import HealthProject
from workflow.models import CaseDocument, TransitionLog
from writing.past import Past


def read_past(projects: Sequence[HealthProject]) -> dict[int, Past]:
    """The past of each project, by number: two queries, none when nothing was ever frozen."""
    past = {project.pk: Past() for project in projects}
    versions = {project.pk: project.version for project in projects if project.version}
    if not versions:
        return past
    for log in TransitionLog.objects.filter(case__in=versions).select_related("actor"):
        past[log.case_id].logs.append(log)
    links = CaseDocument.objects.filter(case__in=versions, kind__in=KINDS)
    for link in links.select_related("document", "snapshot").defer("snapshot__content"):
        past[link.case_id].documents.append(link)
        if link.snapshot.version == versions[link.case_id]:
            past[link.case_id].current.append(link)
    return past
