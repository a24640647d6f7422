"""Answers and addresses are deleted once they have served; counts that name nobody stay.

The page of a questionnaire promises it: after the decision on the letter, and at the latest
twelve months after the end.
"""

from datetime import datetime, timedelta
from typing import Final

from django.db import transaction
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from mobilisation.models import ContactImport, Questionnaire, QuestionnaireLog
from mobilisation.results import as_kept, results_of
from mobilisation.telling import forget_mails
from workflow.models import Case, TransitionLog
from workflow.states import CaseState

LONGEST_KEPT: Final = timedelta(days=365)
IMPORTS_KEPT: Final = timedelta(days=15)
_DECIDED: Final = (CaseState.ACCEPTED, CaseState.TACITLY_ACCEPTED, CaseState.REFUSED)


def forget_due(now: datetime | None = None) -> int:
    """Forget the questionnaires whose time has come; how many. Running it again forgets none."""
    now = now or timezone.now()
    decided = TransitionLog.objects.filter(
        case__community=OuterRef("community"),
        case__kind=Case.Kind.LETTER_OF_INTENT,
        to_state__in=_DECIDED,
        at__gt=OuterRef("opened_at"),
        at__lte=now,
    )
    due = Questionnaire.objects.filter(
        Exists(decided) | Q(closed_at__lte=now - LONGEST_KEPT),
        state=Questionnaire.State.CLOSED,
        forgotten_at__isnull=True,
    )
    return sum(forget(one, now) for one in due.order_by("pk"))


@transaction.atomic
def forget(questionnaire: Questionnaire, now: datetime) -> bool:
    """Keep the counts of a closed questionnaire and delete the rest. False: it was done already."""
    found = (
        Questionnaire.objects.select_for_update(of=("self",))
        .select_related("community", "urps")
        .get(pk=questionnaire.pk)
    )
    if found.forgotten_at or found.state != Questionnaire.State.CLOSED:
        return False
    found.kept_counts, found.forgotten_at = as_kept(results_of(found)), now
    found.save(update_fields=["kept_counts", "forgotten_at"])
    forget_mails(found.replies.all())
    forget_mails(found.contacts.all())
    found.replies.all().delete()
    found.contacts.all().delete()
    found.contact_imports.all().delete()
    QuestionnaireLog.objects.create(questionnaire=found, action="forgotten")
    return True


def give_up_imports() -> None:
    """Empty the lists that nobody confirmed: they hold people's data."""
    ContactImport.objects.filter(
        closed_at__isnull=True, created_at__lt=timezone.now() - IMPORTS_KEPT
    ).update(closed_at=timezone.now(), rows=[])
