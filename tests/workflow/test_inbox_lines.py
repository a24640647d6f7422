"""What desks list: a copy of the cases and their desks, kept by the database."""

from datetime import date, timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection
from django.utils import timezone
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from accounts.models import Organisation
from tests import factories
from tests.desks.factories import deposited_letter, inform
from workflow.clock import EventKind
from workflow.legal_dates import add_months
from workflow.models import Case, CaseDesk, InboxLine
from workflow.services import correct_clock_event, record_clock_event
from workflow.states import CaseState

pytestmark = pytest.mark.django_db

COLUMNS = (
    "organisation_id",
    "department_code",
    "case_id",
    "kind",
    "case_kind",
    "tab",
    "state",
    "to_sign",
    "size_class",
    "instructor_id",
    "deposited_at",
    "deadline_on",
    "reference",
    "title_key",
    "population",
    "departments",
)


def kept() -> list[tuple[Any, ...]]:
    return sorted(InboxLine.objects.values_list(*COLUMNS), key=repr)


def expected() -> list[tuple[Any, ...]]:
    """The same as `kept`, read from the cases and their desks."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {', '.join(COLUMNS)} FROM workflow_inbox_expected")  # noqa: S608 - names the test gives
        return sorted(cursor.fetchall(), key=repr)


def tab_of(case: Any, office: Organisation) -> str:
    line = InboxLine.objects.get(case=case.pk, organisation=office, department_code="")
    return line.tab


IN_CHARGE = {
    "deposited": ("to_take", "to_decide"),
    "in_consultation": ("opinions", "opinions"),
    "under_review": ("to_take", "to_decide"),
    "completion_requested": ("lead", "lead"),
    "decision_proposed": ("to_decide", "to_decide"),
    "to_sign": ("to_decide", "to_decide"),
    "accepted": ("decided", "decided"),
    "tacitly_accepted": ("decided", "decided"),
    "refused": ("decided", "decided"),
    "withdrawn": ("decided", "decided"),
    "closed": ("decided", "decided"),
}


def test_each_state_has_one_tab_on_the_desk_in_charge_and_the_others_keep_their_own() -> None:
    office, other, body = (factories.organisation() for _ in range(3))
    letter = deposited_letter(office)
    inform(letter, other)
    inform(letter, body, kind=CaseDesk.Kind.CONSULTED)
    agent = factories.user()
    found = {}
    for state in IN_CHARGE:
        tabs = []
        for instructor in (None, agent):
            Case.objects.filter(pk=letter.pk).update(state=state, instructor=instructor)
            tabs.append(tab_of(letter, office))
            assert (tab_of(letter, other), tab_of(letter, body)) == ("informed", "consulted")
        found[state] = tuple(tabs)
    assert found == IN_CHARGE
    assert set(IN_CHARGE) == set(CaseState.values) - {"draft"}


def test_there_is_a_line_for_the_desk_and_one_for_each_departement() -> None:
    office = factories.organisation()
    letter = deposited_letter(office, department_codes=["81", "31"])
    codes = InboxLine.objects.filter(case=letter.pk).values_list("department_code", flat=True)
    assert sorted(codes) == ["", "31", "81"]
    Case.objects.filter(pk=letter.pk).update(department_codes=["82"])
    assert sorted(codes.all()) == ["", "82"]


def test_lines_follow_the_desks_and_go_with_them() -> None:
    office, other = factories.organisation(), factories.organisation()
    letter = deposited_letter(office)
    desk = inform(letter, other)
    assert kept() == expected()
    desk.delete()
    assert {line[0] for line in kept()} == {office.pk}
    letter.delete()
    assert kept() == []


@pytest.mark.usefixtures("loaded_territories")
class AnySequence(TestCase):
    """Whatever is done to cases and desks, in whatever order, the copy is true."""

    @settings(max_examples=25, deadline=None)
    @given(
        st.lists(
            st.tuples(
                st.integers(0, 2),
                st.sampled_from([*IN_CHARGE]),
                st.booleans(),
                st.sets(st.sampled_from(["81", "31", "82", "12"]), min_size=1),
                st.sampled_from(["keep", "inform", "hand over", "remove"]),
                st.one_of(st.none(), st.dates(date(2026, 1, 1), date(2027, 12, 31))),
            ),
            max_size=5,
        )
    )
    def test_the_copy_is_true(self, steps: list[tuple[Any, ...]]) -> None:
        offices = [factories.organisation() for _ in range(2)]
        agent = factories.user()
        letters = [deposited_letter(offices[0]) for _ in range(3)]
        for which, state, taken, codes, desks, deadline in steps:
            case = Case.objects.filter(pk=letters[which].pk)
            case.update(
                state=state,
                instructor=agent if taken else None,
                department_codes=sorted(codes),
                deadline_on=deadline,
            )
            here = CaseDesk.objects.filter(case=letters[which].pk)
            if desks == "inform":
                here.get_or_create(
                    organisation=offices[1],
                    defaults={"kind": "informed", "case_id": letters[which].pk},
                )
            elif desks == "hand over":
                here.filter(organisation=offices[0]).update(kind="informed")
            elif desks == "remove":
                here.filter(organisation=offices[1]).delete()
        assert kept() == expected()
        for office in offices:
            for narrow in (None, "31"):
                user = factories.membership(organisation_=office, department_id=narrow).user
                user.acting = user.memberships.select_related("organisation").get()
                seen = set(Case.objects.visible_to(user).values_list("pk", flat=True))
                listed = InboxLine.objects.visible_to(user).values_list("case_id", flat=True)
                assert sorted(listed) == sorted(seen)


# --- The deadline ------------------------------------------------------------------------------


def clock(letter: Any) -> tuple[Any, ...]:
    return (
        Case.objects.filter(pk=letter.pk)
        .values_list("clock_state", "deadline_on", "suspended_until")
        .get()
    )


def test_the_deadline_is_copied_with_each_event_of_the_ledger() -> None:
    today = timezone.localdate()
    start = today - timedelta(days=20)
    office = factories.organisation()
    letter = deposited_letter(office)
    assert clock(letter) == ("not_started", None, None)
    record_clock_event(letter, EventKind.START, effective_on=start, actor=None)
    deadline = add_months(start, 2)
    assert clock(letter) == ("running", deadline, None)
    assert (letter.clock_state, letter.deadline_on) == ("running", deadline)
    until = today + timedelta(days=30)
    suspended_on = today - timedelta(days=5)
    record_clock_event(
        letter, EventKind.SUSPEND, effective_on=suspended_on, until=until, actor=None
    )
    assert clock(letter) == ("suspended", deadline + timedelta(days=35), until)
    record_clock_event(letter, EventKind.RESUME, effective_on=today, actor=None)
    assert clock(letter) == ("running", deadline + timedelta(days=5), None)
    line = InboxLine.objects.get(case=letter.pk, organisation=office, department_code="")
    assert line.deadline_on == deadline + timedelta(days=5)
    end = record_clock_event(letter, EventKind.END, effective_on=today, actor=None)
    assert clock(letter) == ("ended", None, None)
    coordinator = factories.membership(organisation_=office, role="coordinator")
    coordinator.user.acting = coordinator
    correct_clock_event(end, actor=coordinator.user, reason="Saisie par erreur.")
    assert clock(letter) == ("running", deadline + timedelta(days=5), None)


def test_saving_the_case_afterwards_does_not_undo_the_copy() -> None:
    letter = deposited_letter(factories.organisation())
    record_clock_event(letter, EventKind.START, effective_on=timezone.localdate(), actor=None)
    letter.save()
    assert clock(letter)[0] == "running"


def test_the_check_tells_what_differs_and_repairs_it() -> None:
    letter = deposited_letter(factories.organisation())
    call_command("check_desks", stdout=StringIO())
    record_clock_event(letter, EventKind.START, effective_on=timezone.localdate(), actor=None)
    Case.objects.filter(pk=letter.pk).update(deadline_on=date(2020, 1, 1))
    InboxLine.objects.filter(case=letter.pk, department_code="").update(tab="decided")
    with pytest.raises(CommandError, match="1 échéance et 1 ligne"):
        call_command("check_desks", stdout=StringIO())
    call_command("check_desks", repair=True, stdout=StringIO())
    call_command("check_desks", stdout=StringIO())
    assert clock(letter)[1] == add_months(timezone.localdate(), 2)
    assert kept() == expected()
