"""The ledger in the database: written once, under the case's lock, corrected and never erased."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime, timedelta
from threading import Barrier
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, connection, transaction
from django.db.models import ProtectedError
from django.utils import timezone

from accounts.models import Membership, Organisation, User
from letters.models import LetterOfIntent
from tests import factories
from tests.letters import cases
from workflow import rules
from workflow.clock import Event, EventKind
from workflow.models import ClockEvent
from workflow.services import (
    ActionRefusedError,
    clock_of,
    correct_clock_event,
    record_clock_event,
)

pytestmark = pytest.mark.django_db

TODAY = date(2026, 5, 1)


def day(month: int, number: int) -> date:
    return date(2026, month, number)


@pytest.fixture(autouse=True)
def first_of_may(monkeypatch: pytest.MonkeyPatch) -> None:
    moment = datetime(2026, 5, 1, 9, tzinfo=timezone.get_default_timezone())
    monkeypatch.setattr(timezone, "now", lambda: moment)


@pytest.fixture
def letter() -> LetterOfIntent:
    return cases.without_clock(cases.deposited())


def coordinator(organisation: Organisation, department: str | None = None) -> User:
    person = factories.user()
    person.acting = factories.membership(
        person, organisation, Membership.Role.COORDINATOR, department_id=department
    )
    return person


def record(letter: LetterOfIntent, kind: EventKind, on: date, **more: Any) -> ClockEvent:
    return record_clock_event(letter, kind, effective_on=on, actor=more.pop("actor", None), **more)


def refused_by(action: Callable[[], Any]) -> str:
    """The name of the constraint that the database answers with."""
    with pytest.raises(IntegrityError) as error, transaction.atomic():
        action()
    return error.value.__cause__.diag.constraint_name  # type: ignore[union-attr]


# --- Writing ----------------------------------------------------------------------------


def test_the_portal_and_people_write_lines_from_which_the_clock_is_read(letter):
    agent = cases.agent(letter.office)
    record(letter, EventKind.START, day(3, 12))
    record(letter, EventKind.SUSPEND, day(4, 1), until=day(4, 21), actor=agent, reason=" CERFA ")
    record(letter, EventKind.RESUME, day(4, 11), actor=letter.created_by)
    fields = ("kind", "effective_on", "until", "reason", "entered_by", "body", "cancels")
    assert list(letter.clock_events.values_list(*fields)) == [
        ("start", day(3, 12), None, "", None, None, None),
        ("suspend", day(4, 1), day(4, 21), "CERFA", agent.pk, letter.office_id, None),
        ("resume", day(4, 11), None, "", letter.created_by_id, None, None),
    ]
    clock = clock_of(letter)
    assert (clock.state, clock.deadline, clock.days_left) == ("running", day(5, 22), 21)


def test_an_entry_made_late_moves_the_deadline(letter):
    record(letter, EventKind.START, day(3, 12))
    assert clock_of(letter).deadline == day(5, 12)
    record(letter, EventKind.SUSPEND, day(4, 1), until=day(4, 8))
    assert clock_of(letter).deadline == day(5, 19)


def test_nonsense_is_refused_in_words_and_leaves_no_line(letter):
    record(letter, EventKind.START, day(3, 12))
    refused = [
        (EventKind.START, day(3, 13), "le délai a déjà commencé"),
        (EventKind.RESUME, day(4, 1), "n’est pas suspendu"),
        (EventKind.RESTART, day(4, 1), "il ne repart pas en entier"),
        (EventKind.END, TODAY + timedelta(days=1), "cette date est à venir"),
    ]
    for kind, on, words in refused:
        with pytest.raises(ActionRefusedError, match=words):
            record(letter, kind, on)
    with pytest.raises(ActionRefusedError, match="2000 au plus"):
        record(letter, EventKind.END, day(4, 1), reason="a" * 2_001)
    assert letter.clock_events.count() == 1


def test_the_clock_is_read_in_a_query_or_in_none_once_prefetched(letter, django_assert_num_queries):
    record(letter, EventKind.START, day(3, 12))
    case = LetterOfIntent.objects.select_related("office").get(pk=letter.pk)
    with django_assert_num_queries(1):
        clock_of(case)
    (case,) = LetterOfIntent.objects.select_related("office").prefetch_related("clock_events")
    with django_assert_num_queries(0):
        clock_of(case)


@pytest.mark.django_db(transaction=True)
def test_two_who_end_the_clock_at_once_end_it_once():
    letter = cases.deposited()
    barrier = Barrier(2)

    def end(reason: str) -> str:
        try:
            barrier.wait(timeout=10)
            record(letter, EventKind.END, TODAY, reason=reason)
        except ActionRefusedError:
            return "refused"
        else:
            return "done"
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        answers = sorted(pool.map(end, ["Décision.", "Retrait."]))
    assert (answers, letter.clock_events.count()) == (["done", "refused"], 2)


# --- Correcting -------------------------------------------------------------------------


def test_a_coordinator_corrects_by_a_line_of_their_own_and_nothing_is_erased(letter):
    record(letter, EventKind.START, day(3, 12))
    mistake = record(letter, EventKind.SUSPEND, day(4, 1), until=day(4, 21))
    person = coordinator(letter.office)
    correction = correct_clock_event(mistake, actor=person, reason="Pièce reçue dès le dépôt.")
    assert (correction.cancels, correction.kind, correction.entered_by, correction.body) == (
        mistake,
        "suspend",
        person,
        letter.office,
    )
    assert (letter.clock_events.count(), clock_of(letter).deadline) == (3, day(5, 12))
    assert [row.kind for row in letter.clock_events.standing()] == ["start"]


def test_a_correction_can_bring_what_replaces_the_mistake(letter):
    wrong = record(letter, EventKind.START, day(3, 12))
    record(letter, EventKind.SUSPEND, day(4, 1), until=day(4, 11))
    person = coordinator(letter.office)
    with pytest.raises(ActionRefusedError, match="donnez ce qui le remplace"):
        correct_clock_event(wrong, actor=person, reason="Reçue le 10.")
    right = Event(kind=EventKind.START, effective_on=day(3, 10))
    correct_clock_event(wrong, actor=person, reason="Reçue le 10.", replacement=right)
    assert clock_of(letter).deadline == day(5, 20)


def test_an_end_entered_by_mistake_gives_the_clock_back(letter):
    record(letter, EventKind.START, day(3, 12))
    decided = record(letter, EventKind.END, day(4, 2))
    correct_clock_event(decided, actor=coordinator(letter.office), reason="Autre dossier.")
    assert (clock_of(letter).state, clock_of(letter).deadline) == ("running", day(5, 12))


@pytest.mark.parametrize("reason", ["", "  \n"])
def test_a_correction_needs_a_reason(letter, reason):
    line = record(letter, EventKind.START, day(3, 12))
    with pytest.raises(ActionRefusedError, match="Écrivez le motif"):
        correct_clock_event(line, actor=coordinator(letter.office), reason=reason)


def test_a_line_is_corrected_once_and_a_correction_never(letter):
    line = record(letter, EventKind.START, day(3, 12))
    person = coordinator(letter.office)
    correction = correct_clock_event(line, actor=person, reason="Erreur")
    for target, words in [(line, "déjà été corrigé"), (correction, "ne se corrige pas")]:
        with pytest.raises(ActionRefusedError, match=words):
            correct_clock_event(target, actor=person, reason="Encore")


def test_only_a_coordinator_of_a_desk_of_the_case_corrects_in_that_role(letter):
    office = letter.office
    in_their_own_name = coordinator(office)
    in_their_own_name.acting = None
    former = coordinator(office)
    former.acting.is_active = False
    people = {
        "coordinator of the desk in charge": coordinator(office),
        "coordinator of an informed desk": coordinator(cases.body("ars", "76")),
        "limited to a département of the case": coordinator(office, "81"),
        "limited to another département": coordinator(office, "31"),
        "coordinator elsewhere": coordinator(cases.body("ars", "32")),
        "in their own name": in_their_own_name,
        "former coordinator": former,
        "agent of the desk in charge": cases.agent(office),
        "lead": letter.created_by,
    }
    assert {who: rules.may_correct_clock(letter, person) for who, person in people.items()} == {
        "coordinator of the desk in charge": True,
        "coordinator of an informed desk": True,
        "limited to a département of the case": True,
        "limited to another département": False,
        "coordinator elsewhere": False,
        "in their own name": False,
        "former coordinator": False,
        "agent of the desk in charge": False,
        "lead": False,
    }
    line = record(letter, EventKind.START, day(3, 12))
    with pytest.raises(PermissionDenied):
        correct_clock_event(line, actor=cases.agent(office), reason="Erreur")
    assert letter.clock_events.count() == 1


# --- What the database refuses, whoever asks --------------------------------------------


def test_a_line_is_neither_changed_nor_deleted(letter):
    line = record(letter, EventKind.START, day(3, 12))
    with pytest.raises(ValueError, match="correct it instead"):
        line.save()
    with pytest.raises(ValueError, match="correct it instead"):
        line.delete()
    rows = ClockEvent.objects.filter(pk=line.pk)
    assert refused_by(lambda: rows.update(effective_on=day(3, 13))) == "clock_event_written_once"
    assert refused_by(rows.delete) == "clock_event_written_once"


def test_a_case_with_a_ledger_is_not_deleted(letter):
    record(letter, EventKind.START, day(3, 12))
    letter.snapshots.all().delete()
    with pytest.raises(ProtectedError):
        letter.delete()


def test_the_database_refuses_lines_that_no_service_writes(letter):
    person = letter.created_by
    line = record(letter, EventKind.START, day(3, 12))
    correction = ClockEvent.objects.create(
        case=letter,
        kind="start",
        effective_on=day(3, 12),
        cancels=line,
        entered_by=person,
        reason="Erreur",
    )
    other = cases.deposited().clock_events.get()

    def write(**fields: Any) -> str:
        base = {"case": letter, "kind": "start", "effective_on": day(3, 12)}
        return refused_by(lambda: ClockEvent.objects.create(**(base | fields)))

    signed = {"entered_by": person, "reason": "Erreur"}
    time_limit = "clock_event_suspension_gives_a_time_limit"
    assert {
        "unknown kind": write(kind="pause"),
        "suspension without a time limit": write(kind="suspend"),
        "suspension over before it begins": write(kind="suspend", until=day(3, 12)),
        "start with a time limit": write(until=day(4, 1)),
        "correction without a reason": write(
            cancels=other, case=other.case, entered_by=person, reason=" \n"
        ),
        "correction by nobody": write(cancels=other, reason="Erreur", case=other.case),
        "correction of another case": write(cancels=other, **signed),
        "correction of another kind": write(case=other.case, cancels=other, kind="end", **signed),
        "correction of a correction": write(cancels=correction, **signed),
    } == {
        "unknown kind": "clock_event_known_kind",
        "suspension without a time limit": time_limit,
        "suspension over before it begins": time_limit,
        "start with a time limit": time_limit,
        "correction without a reason": "clock_event_correction_signed_and_reasoned",
        "correction by nobody": "clock_event_correction_signed_and_reasoned",
        "correction of another case": "clock_event_cancels_its_own_case",
        "correction of another kind": "clock_event_cancels_its_own_case",
        "correction of a correction": "clock_event_cancels_its_own_case",
    }
    assert "cancels_id" in write(cancels=line, **signed)
