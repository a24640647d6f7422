"""What the worker does for a project: documents first, then the mails. Each may run twice."""

from health_projects import documents, mails
from health_projects.models import HealthProject
from health_projects.preparing import next_key
from outbox.registry import handles
from outbox.services import publish
from workflow.decision_mails import tell_office_case_is_withdrawn
from workflow.models import Case, Snapshot, TransitionLog
from workflow.states import CaseState


def _read(log_id: int) -> tuple[TransitionLog, HealthProject, Snapshot]:
    log = TransitionLog.objects.select_related("actor").get(pk=log_id)
    project = HealthProject.objects.select_related("community", "office").get(pk=log.case_id)
    snapshot = Snapshot.objects.get(case_id=log.case_id, version=log.version)
    return log, project, snapshot


@handles("health_projects.frozen")
def after_freezing(*, log_id: int) -> None:
    """Issue the PDF that the members read and sign."""
    _log, project, snapshot = _read(log_id)
    documents.issue_version(project, snapshot)


@handles("health_projects.deposited")
def after_deposit(*, log_id: int) -> None:
    """Issue one document of the deposit, and the next ones in turn; then write its mails."""
    log, project, snapshot = _read(log_id)
    if left := documents.issue_next(project, snapshot):
        publish("health_projects.deposited", key=next_key(project, left), log_id=log_id)
        return
    mails.announce_deposit(project, log, documents.issue_deposit(project, snapshot))


@handles("health_projects.completed")
def after_completion(*, log_id: int) -> None:
    """Issue the documents of a new version and write its mails."""
    log, project, snapshot = _read(log_id)
    mails.announce_completion(project, log, documents.issue_completion(project, snapshot))


@handles("health_projects.deemed_valid")
def after_silence(*, log_id: int) -> None:
    """Issue the certificate and the recognition letter, then tell everyone."""
    log, project, _snapshot = _read(log_id)
    if project.state != CaseState.TACITLY_ACCEPTED:
        # Withdrawn before the worker came: there is nothing to certify any more.
        return
    papers = [documents.issue_certificate(project)]
    if project.amends_id is None:
        papers.append(documents.issue_recognition(project))
    mails.announce_silence(project, log, papers)


@handles("health_projects.silence_withdrawn")
def after_silence_is_withdrawn(*, log_id: int) -> None:
    """Issue the act of withdrawal, then tell everyone."""
    log = TransitionLog.objects.select_related("actor", "body").get(pk=log_id)
    project = HealthProject.objects.select_related("community", "office").get(pk=log.case_id)
    act = documents.issue_silence_withdrawal(project, log)
    mails.announce_silence_withdrawn(project, log, [act])


@handles("health_projects.recognised")
def after_validation(*, log_id: int) -> None:
    """Issue the recognition letter and send it, unless the decision was withdrawn meanwhile."""
    log, project, _snapshot = _read(log_id)
    if project.state == CaseState.ACCEPTED and project.amends_id is None:
        mails.announce_recognition(project, log, [documents.issue_recognition(project)])


@handles("health_projects.withdrawn")
def after_withdrawal(*, log_id: int) -> None:
    """Tell the office in charge that the CPTS gave its project up."""
    log = TransitionLog.objects.select_related("actor").get(pk=log_id)
    case = Case.objects.select_related("office", "instructor", "community").get(pk=log.case_id)
    tell_office_case_is_withdrawn(case, log)
