"""What the worker does once a case is deposited: documents first, then the mails."""

from outbox.registry import handles
from workflow.decision_mails import tell_office_case_is_withdrawn
from workflow.models import Case, Snapshot, TransitionLog
from writing.documents import issue_documents
from writing.kinds import written_of
from writing.mails import announce_completion, announce_deposit
from writing.models import WrittenCase


@handles("writing.completed")
def after_completion(*, log_id: int) -> None:
    """Issue the documents of a new version and write its mails. Running it again adds nothing."""
    log = TransitionLog.objects.select_related("case").get(pk=log_id)
    case = _case_of(log)
    snapshot = Snapshot.objects.get(case_id=log.case_id, version=log.version)
    announce_completion(case, log, issue_documents(case, snapshot))


@handles("writing.deposited")
def after_deposit(*, log_id: int) -> None:
    """Issue the documents of one deposit and write its mails. Running it again adds nothing."""
    log = TransitionLog.objects.select_related("case").get(pk=log_id)
    case = _case_of(log)
    snapshot = Snapshot.objects.get(case_id=log.case_id, version=log.version)
    documents = issue_documents(case, snapshot)
    announce_deposit(case, log, documents)


@handles("writing.withdrawn")
def after_withdrawal(*, log_id: int) -> None:
    """Tell the office in charge that the CPTS gave its case up. Running it again adds nothing."""
    log = TransitionLog.objects.select_related("actor").get(pk=log_id)
    case = Case.objects.select_related("office", "instructor", "community").get(pk=log.case_id)
    tell_office_case_is_withdrawn(case, log)


def _case_of(log: TransitionLog) -> WrittenCase:
    model = written_of(log.case).model
    return model.objects.select_related("community", "office").get(pk=log.case_id)
