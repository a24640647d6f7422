"""The thread of a case: who reads, who writes, what is awaited, and what a mail says of it."""

import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction

from accounts.models import Membership, User
from letters.models import LetterOfIntent
from tests import factories
from tests.letters import cases
from tests.mailbox import link_in, mails
from tests.workflow import asking, writing
from tests.workflow.test_opinion_visibility import people_of
from workflow import messages
from workflow.consultations import close_the_silent
from workflow.messages import ThreadState, thread_states
from workflow.models import Message, MessageDraft, MessageRead
from workflow.services import ActionRefusedError, perform

pytestmark = pytest.mark.django_db

BODIES = ("Médecins", "Infirmiers", "Pharmaciens")


@pytest.fixture
def letter() -> LetterOfIntent:
    return cases.deposited("76")


def handed_over(letter: LetterOfIntent) -> LetterOfIntent:
    """The Guichet transmits the letter to the agency."""
    close_the_silent()
    asking.write_synthesis(letter)
    perform(letter, "transmit", actor=asking.coordinator())
    return asking.fresh(letter)


def test_the_team_and_the_office_of_each_time_read_the_thread_and_nobody_else() -> None:
    bodies = {name: asking.urps(name) for name in BODIES}
    letter = asking.deposited_and_asked()
    people = people_of(letter, bodies)
    writing.send(letter, asking.coordinator(), "avant")
    for body in bodies.values():
        asking.give_as_president(letter, body)
    letter = handed_over(letter)
    writing.send(letter, asking.member(asking.agency(), "agent"), "après")

    read = {
        role: sorted(Message.objects.visible_to(person).values_list("text", flat=True))
        for role, person in people.items()
    }

    both, before = ["après", "avant"], ["avant"]
    team_members_in_a_role = {
        "owner acting for the body": [],
        "owner acting for the guichet": before,
        "owner acting for the agency": both,
        "reader acting for the guichet": before,
    }
    assert read == {role: [] for role in people} | team_members_in_a_role | {
        "owner": both,
        "reader": both,
        "guichet": before,
        "agency": both,
    }


def test_owners_editors_and_the_office_in_charge_write(letter: LetterOfIntent) -> None:
    guichet = asking.guichet()
    owner_at_the_guichet = asking.acting(
        factories.membership(
            factories.team_member(letter.community, role="owner").user, guichet, role="president"
        )
    )
    people: dict[str, User] = {
        "owner": letter.created_by,
        "editor": factories.team_member(letter.community, role="editor").user,
        "reader": factories.team_member(letter.community, role="reader").user,
        "stranger": factories.user(),
        "reviewer": asking.member(guichet, "reviewer"),
        "coordinator": asking.member(guichet, "coordinator"),
        "elsewhere": asking.member(guichet, "reviewer", "31"),
        "agency": asking.member(asking.agency(), "agent"),
        "judge and party": owner_at_the_guichet,
    }

    def writes(person: User) -> bool:
        try:
            writing.send(letter, person)
        except PermissionDenied:
            return False
        return True

    assert {who: writes(person) for who, person in people.items()} == {
        "owner": True,
        "editor": True,
        "reader": False,
        "stranger": False,
        "reviewer": True,
        "coordinator": True,
        "elsewhere": False,
        "agency": False,
        "judge and party": False,
    }


def test_nobody_writes_about_a_draft() -> None:
    draft = cases.draft("76")
    with pytest.raises(PermissionDenied):
        writing.send(draft, draft.created_by)


def test_someone_whose_role_has_just_ended_writes_nothing(letter: LetterOfIntent) -> None:
    agent = writing.agent_of(letter)
    Membership.objects.filter(pk=agent.acting.pk).update(is_active=False)
    with pytest.raises(PermissionDenied):
        writing.send(letter, agent)
    assert not Message.objects.exists()


def test_the_same_form_sent_twice_is_one_message(letter: LetterOfIntent) -> None:
    form = uuid.uuid4()
    first = writing.send(letter, letter.created_by, "Bonjour.", submission=form)
    again = writing.send(letter, letter.created_by, "Bonjour.", submission=form)
    changed = writing.send(letter, letter.created_by, "Bonsoir.", submission=form)
    assert (again.pk, changed.text) == (first.pk, "Bonsoir.")
    assert Message.objects.count() == 2


@pytest.mark.parametrize(
    ("text", "changes", "sentence"),
    [
        ("", {}, "Le message est vide"),
        (" \n\0 ", {}, "Le message est vide"),
        ("a" * 100_000, {}, "compte 100\u202f000 caractères\u00a0; il en accepte 20\u202f000"),
        ("[à compléter\u00a0: le dernier jour]", {}, "contient encore [à compléter"),
        ("Oui.", {"subject": "o" * 151}, "L’objet compte plus de 150"),
        ("Oui.", {"answer_by": asking.in_days(-1)}, "est passé"),
        ("Oui.", {"answer_by": asking.in_days(400)}, "dans plus d’un an"),
    ],
)
def test_what_cannot_be_sent_is_refused_in_words(
    letter: LetterOfIntent, text: str, changes: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(ActionRefusedError) as refused:
        writing.send(letter, letter.created_by, text, **changes)
    assert sentence in refused.value.message
    assert not Message.objects.exists()


def test_twenty_thousand_characters_are_sent_whole(letter: LetterOfIntent) -> None:
    text = "é" * 20_000
    assert writing.send(letter, letter.created_by, text).text == text


def test_the_database_refuses_a_message_of_more(letter: LetterOfIntent) -> None:
    message = writing.send(letter, letter.created_by)
    with pytest.raises(IntegrityError, match="not_too_much"), transaction.atomic():
        Message.objects.filter(pk=message.pk).update(text="a" * 20_001)


def test_nobody_sends_messages_by_the_hundred(letter: LetterOfIntent) -> None:
    for number in range(messages.MOST_AN_HOUR):
        writing.send(letter, letter.created_by, f"Message {number}")
    with pytest.raises(ActionRefusedError, match="en une heure"):
        writing.send(letter, letter.created_by)
    Message.objects.update(sent_at=asking.timezone.now() - timedelta(hours=2))
    assert writing.send(letter, letter.created_by).pk


def test_a_question_is_settled_by_the_answer_that_says_so(letter: LetterOfIntent) -> None:
    agent = writing.agent_of(letter)
    one = writing.send(letter, agent, "Une carte ?", answer_by=asking.in_days(5))
    two = writing.send(letter, agent, "Un CERFA ?", answer_expected=True)
    ours = writing.send(letter, letter.created_by, "Et vous ?", answer_expected=True)
    answer = writing.send(
        letter, letter.created_by, "La carte.", answers=frozenset({one.pk, ours.pk})
    )
    states = {
        message.pk: (message.is_awaiting, message.settled_with_id)
        for message in Message.objects.exclude(pk=answer.pk)
    }
    assert states == {
        one.pk: (False, answer.pk),
        two.pk: (True, None),
        # One does not answer oneself.
        ours.pk: (True, None),
    }


def test_the_side_that_asked_stops_waiting_and_the_other_cannot(letter: LetterOfIntent) -> None:
    agent = writing.agent_of(letter)
    asked = writing.send(letter, agent, answer_expected=True)
    with pytest.raises(PermissionDenied):
        messages.stop_waiting(asked, user=letter.created_by)
    messages.stop_waiting(asked, user=asking.coordinator())
    messages.stop_waiting(asked, user=agent)
    asked.refresh_from_db()
    assert (asked.is_awaiting, asked.settled_by, asked.settled_with) == (
        False,
        asking.coordinator(),
        None,
    )


def test_lists_know_what_is_unread_and_awaited_in_one_query(
    letter: LetterOfIntent, django_assert_num_queries: Any
) -> None:
    agent, silent = writing.agent_of(letter), cases.deposited("76")
    writing.send(letter, agent, answer_by=asking.in_days(9))
    writing.send(letter, agent, answer_by=asking.in_days(5))
    writing.send(letter, letter.created_by, answer_expected=True)
    both = [letter.pk, silent.pk]
    with django_assert_num_queries(1):
        team = thread_states(both, letter.created_by)
    office = thread_states(both, agent)
    assert team == {letter.pk: ThreadState(2, 2, asking.in_days(5), 1, None)}
    assert office == {letter.pk: ThreadState(1, 1, None, 2, asking.in_days(5))}
    assert thread_states([], agent) == {}
    assert thread_states(both, factories.user()) == {}


def test_reading_is_noted_once_for_the_side_of_the_reader(letter: LetterOfIntent) -> None:
    agent = writing.agent_of(letter)
    reader = factories.team_member(letter.community, role="reader").user
    sent = writing.send(letter, agent)
    for person in (reader, reader, agent, letter.created_by):
        lines, _ = messages.read_thread(letter, person, None)
        messages.mark_read(letter, lines, user=person)
    assert list(MessageRead.objects.values_list("message", "user", "side")) == [
        (sent.pk, reader.pk, "team"),
        (sent.pk, letter.created_by.pk, "team"),
    ]
    (line,), _ = messages.read_thread(letter, agent, None)
    assert [read.user for read in line.reads] == [reader, letter.created_by]


def test_a_team_member_reading_in_a_role_does_not_read_for_the_office(
    letter: LetterOfIntent,
) -> None:
    editor = factories.team_member(letter.community, role="editor").user
    person = asking.acting(factories.membership(editor, asking.guichet(), role="reviewer"))
    writing.send(letter, letter.created_by)
    lines, _ = messages.read_thread(letter, person, None)
    messages.mark_read(letter, lines, user=person)
    assert not MessageRead.objects.exists()


def test_who_reads_after_a_hand_over_is_not_shown_to_the_former_office() -> None:
    letter = asking.deposited_and_asked()
    writing.send(letter, letter.created_by)
    letter = handed_over(letter)
    newcomer, former = asking.member(asking.agency(), "agent"), asking.coordinator()
    lines, _ = messages.read_thread(letter, newcomer, None)
    messages.mark_read(letter, lines, user=newcomer)
    seen = {
        who: [
            read.user
            for line in messages.read_thread(letter, person, None)[0]
            for read in line.reads
        ]
        for who, person in {
            "team": letter.created_by,
            "agency": newcomer,
            "former": former,
        }.items()
    }
    assert seen == {"team": [newcomer], "agency": [newcomer], "former": []}


def test_a_draft_is_its_authors_alone_and_goes_with_the_message(letter: LetterOfIntent) -> None:
    owner, agent = letter.created_by, writing.agent_of(letter)
    colleague = factories.team_member(letter.community, role="editor").user
    messages.save_draft(letter, user=owner, written=writing.written("À finir"))
    messages.save_draft(letter, user=owner, written=writing.written("À finir, encore"))
    drafts = {
        who: getattr(messages.draft_of(letter, person), "text", None)
        for who, person in {"owner": owner, "colleague": colleague, "agent": agent}.items()
    }
    assert drafts == {"owner": "À finir, encore", "colleague": None, "agent": None}
    writing.send(letter, owner, "Fini")
    assert not MessageDraft.objects.exists()


def test_each_side_is_written_to_once_and_never_told_the_text(
    letter: LetterOfIntent, deliver_outbox: Callable[[], int]
) -> None:
    deliver_outbox()
    known = {mail.pk for mail in mails()}
    agent = writing.agent_of(letter)
    colleague = asking.member(asking.guichet(), "coordinator")
    editor = factories.team_member(letter.community, role="editor").user
    writing.send(letter, agent, "SECRET", subject="SECRET", answer_by=asking.in_days(3))
    deliver_outbox()
    to_team = [mail for mail in mails() if mail.pk not in known]
    writing.send(letter, letter.created_by, "SECRET")
    deliver_outbox()
    to_office = [mail for mail in mails() if mail.pk not in known and mail not in to_team]
    assert {mail.recipient for mail in to_team} == {letter.created_by.email, editor.email}
    assert {mail.recipient for mail in to_office} == {agent.email, colleague.email}
    assert [mail.subject for mail in (to_team[0], to_office[0])] == [
        f"{letter.title} · {letter.reference} – une réponse est attendue",
        f"{letter.title} · {letter.reference} – nouveau message",
    ]
    assert not [m for m in (*to_team, *to_office) if "SECRET" in m.text_body + m.html_body]
    assert {link_in(mail) for mail in (*to_team, *to_office)} == {
        f"/dossiers/{letter.public_id}/messages/"
    }
    assert f"{agent} ({asking.guichet().name}) vous a écrit" in to_team[0].text_body


def test_whoever_examines_the_case_is_written_to_rather_than_the_whole_office(
    letter: LetterOfIntent, deliver_outbox: Callable[[], int]
) -> None:
    agent = writing.agent_of(letter)
    asking.member(asking.guichet(), "coordinator")
    LetterOfIntent.objects.filter(pk=letter.pk).update(instructor=agent)
    deliver_outbox()
    before = len(mails())
    writing.send(letter, letter.created_by)
    deliver_outbox()
    assert [mail.recipient for mail in mails()[before:]] == [agent.email]


def test_an_office_without_members_is_written_to_at_its_mailbox(
    letter: LetterOfIntent, deliver_outbox: Callable[[], int]
) -> None:
    deliver_outbox()
    before = len(mails())
    writing.send(letter, letter.created_by)
    deliver_outbox()
    assert [mail.recipient for mail in mails()[before:]] == [asking.guichet().email]


def test_an_anonymous_visitor_reads_nothing(letter: LetterOfIntent) -> None:
    writing.send(letter, letter.created_by)
    assert not Message.objects.visible_to(AnonymousUser()).exists()
