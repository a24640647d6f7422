"""Checking what lists are sorted by against what it is copied from, and mending it.

The deadline of a case is read from its ledger; the lines of the lists from the cases and their
desks. Both copies are written with what they copy: a difference is a mistake of ours, or
somebody's hand in the database.
"""

from typing import Final

from django.db import connection, transaction
from django.db.models import Q
from django.utils import timezone

from workflow.clock import ClockState
from workflow.models import Case
from workflow.services import project_clock

# Of `workflow_inboxline` and of the view that says what it must hold.
LINE_COLUMNS: Final = (
    "organisation_id, department_code, case_id, kind, case_kind, tab, state, to_sign, size_class, "
    "instructor_id, deposited_at, deadline_on, reference, title_key, population, departments"
)
_DIFFERENT = f"""
    SELECT DISTINCT coalesce(e.case_id, l.case_id)
      FROM (SELECT {LINE_COLUMNS} FROM workflow_inbox_expected) e
      FULL JOIN (SELECT {LINE_COLUMNS} FROM workflow_inboxline) l
        ON (e.organisation_id, e.department_code, e.case_id)
         = (l.organisation_id, l.department_code, l.case_id)
     WHERE e::text IS DISTINCT FROM l::text
     UNION
    SELECT case_id FROM workflow_searchdocument s JOIN workflow_search_expected e USING (case_id)
     WHERE (s.case_kind, s.deposited_at, s.lists::text[])
           IS DISTINCT FROM (e.case_kind, e.deposited_at, e.lists)
"""  # noqa: S608 - made of constants


def settle_lapsed_suspensions() -> int:
    """Copy again the clocks whose suspension has ended by itself; returns how many."""
    lapsed = Case.objects.filter(
        clock_state=ClockState.SUSPENDED,
        suspended_until__lt=timezone.localdate(),
        deadline_on__isnull=False,
    )
    return sum(_project(pk) for pk in list(lapsed.values_list("pk", flat=True)))


def mend_deadlines() -> int:
    """Copy every deadline again from its ledger; returns how many were wrong."""
    known = Case.objects.filter(
        Q(clock_events__isnull=False) | ~Q(clock_state=ClockState.NOT_STARTED)
    )
    return sum(_project(pk) for pk in known.order_by("pk").values_list("pk", flat=True).distinct())


def _project(case_id: int) -> bool:
    with transaction.atomic():
        return project_clock(Case.objects.select_for_update().get(pk=case_id))


def mend_lines() -> int:
    """Copy again the lines that differ from their case or its desks; returns of how many cases."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_DIFFERENT)
        cases = [case_id for (case_id,) in cursor.fetchall()]
        for case_id in cases:
            cursor.execute("SELECT workflow_inbox_refresh(%s)", [case_id])
    return len(cases)
