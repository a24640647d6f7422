"""What the worker does once a letter is deposited: documents first, then the mails."""

from letters.documents import issue_documents
from letters.mails import announce_completion, announce_deposit
from letters.models import LetterOfIntent
from outbox.registry import handles
from workflow.decision_mails import tell_office_case_is_withdrawn
from workflow.models import Case, Snapshot, TransitionLog


@handles("letters.completed")
def after_completion(*, log_id: int) -> None:
    """Issue the documents of a new version and write its mails. Running it again adds nothing."""
    log = TransitionLog.objects.get(pk=log_id)
    letter = LetterOfIntent.objects.select_related("community", "office").get(pk=log.case_id)
    snapshot = Snapshot.objects.get(case_id=log.case_id, version=log.version)
    announce_completion(letter, log, issue_documents(letter, snapshot))


@handles("letters.deposited")
def after_deposit(*, log_id: int) -> None:
    """Issue the documents of one deposit and write its mails. Running it again adds nothing."""
    log = TransitionLog.objects.get(pk=log_id)
    letter = LetterOfIntent.objects.select_related("community", "office").get(pk=log.case_id)
    snapshot = Snapshot.objects.get(case_id=log.case_id, version=log.version)
    documents = issue_documents(letter, snapshot)
    announce_deposit(letter, log, documents)


@handles("letters.withdrawn")
def after_withdrawal(*, log_id: int) -> None:
    """Tell the office in charge that the CPTS gave its letter up. Running it again adds nothing."""
    log = TransitionLog.objects.select_related("actor").get(pk=log_id)
    case = Case.objects.select_related("office", "instructor", "community").get(pk=log.case_id)
    tell_office_case_is_withdrawn(case, log)
