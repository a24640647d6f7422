"""Silence that accepts: at the deadline the portal records what the law has already done.

Where silence refuses nothing is recorded: the refusal is implicit, and the case can still be
decided (CRPA, L. 231-4).
"""

import logging
from datetime import date

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.utils import timezone

from cpts_portal.words import long_date
from workflow.clock import ClockState, Silence, UnreadableLedgerError
from workflow.clock_rules import clock_rule
from workflow.kinds import child_of
from workflow.models import Case
from workflow.services import ActionRefusedError, clock_of, perform
from workflow.states import OPEN_STATES

logger = logging.getLogger(__name__)

ACCEPT = "accept_tacitly"


def is_accepted_by_silence(case: Case, *, today: date | None = None) -> bool:
    """Whether silence means acceptance and the deadline has gone by without a decision."""
    clock = clock_of(case, today=today)
    return clock.silence_means == Silence.ACCEPTANCE and clock.silence_took_effect


def silence_has_answered(case: Case) -> list[str]:
    """Why a case is no longer decided: its deadline has gone by, and silence has accepted it.

    The portal records it the day after; nobody decides otherwise in between.
    """
    if case.state not in OPEN_STATES or clock_rule(case).silence != Silence.ACCEPTANCE:
        return []
    clock = clock_of(case)
    if not clock.silence_took_effect or clock.deadline is None:
        return []
    return [
        (
            f"Le délai a pris fin le {long_date(clock.deadline)} : le silence a valu "
            "acceptation, plus aucune décision ne peut être prise. Le portail le constate dans la "
            "journée."
        )
    ]


def accept_the_overdue(*, today: date | None = None) -> int:
    """Move to « tacitly accepted » each case whose silence accepts; how many were moved.

    It can run as often as one likes. A case that cannot be read is logged and holds up no other.
    """
    today = today or timezone.localdate()
    open_cases = Case.objects.filter(
        clock_state=ClockState.RUNNING, deadline_on__lt=today, state__in=OPEN_STATES
    ).select_related("office")
    moved = 0
    for case in open_cases.prefetch_related("clock_events").order_by("pk").iterator(chunk_size=500):
        try:
            if clock_rule(case).silence == Silence.ACCEPTANCE:
                moved += _accept(case, today)
        except (UnreadableLedgerError, LookupError):
            logger.exception("The clock of case %s cannot be read", case.pk)
        except Exception:
            logger.exception("Case %s could not be accepted by silence", case.pk)
    return moved


def _accept(case: Case, today: date) -> bool:
    if not is_accepted_by_silence(case, today=today):
        return False
    try:
        with transaction.atomic():
            perform(child_of(case), ACCEPT, actor=None)
    except (ActionRefusedError, PermissionDenied):
        # Decided, withdrawn or suspended meanwhile.
        return False
    return True
