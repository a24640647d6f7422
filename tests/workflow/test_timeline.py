"""The story of a case: each line for its audience, in one order, at a constant cost."""

from datetime import timedelta
from itertools import combinations, product
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from cpts_portal.words import day
from letters.labels import TRANSITION_AUDIENCES, TRANSITION_LABELS
from letters.models import LetterOfIntent
from tests import factories
from tests.letters import cases
from tests.workflow import asking, completing, writing
from workflow.clock import Event, EventKind
from workflow.complement_ending import extend
from workflow.models import Opinion, TransitionLog
from workflow.opinions import send_back, set_communicable
from workflow.readers import Audience, Reader
from workflow.services import correct_clock_event, perform
from workflow.timeline import AUDIENCE_WORDS, LEAD, Line, Viewer, read_timeline, visible_lines
from writing.consulting import withdraw

pytestmark = pytest.mark.django_db


def labels(letter: LetterOfIntent, user: User) -> list[str]:
    return [line.label for line in reversed(read_timeline(asking.fresh(letter), user))]


def test_each_reader_reads_the_story_meant_for_them() -> None:
    body, other = asking.urps("Médecins"), asking.urps("Infirmiers")
    letter = asking.deposited_and_asked()
    owner, guichet = letter.created_by, asking.coordinator()
    drafted = asking.draft(letter, body)
    send_back(
        asking.request_to(letter, body),
        user=asking.president(body),
        revision=drafted.revision,
        comment="SECRET du président",
    )
    writing.send(letter, owner, "SECRET")
    people = {
        "owner": owner,
        "guichet": guichet,
        "body": asking.reviewer(body),
        "other body": asking.reviewer(other),
        "agency": asking.member(asking.agency(), "agent"),
        "owner acting for the guichet": asking.acting(
            factories.membership(
                factories.team_member(letter.community, role="owner").user,
                asking.guichet(),
                role="president",
            )
        ),
    }
    started = "Lettre commencée"
    deposited, received = (f"Lettre {word} {owner}" for word in ("déposée par", "reçue de"))
    asked = "Avis demandés"
    due = asking.request_to(letter, body).due_on
    term = f"pour le {day(due)}"
    request, request_to_other = (f"Avis demandé – {one.name}, {term}" for one in (body, other))
    inside = [f"Projet d’avis soumis à validation – {body.name}"]
    inside.append(f"Projet d’avis renvoyé au rédacteur – {body.name}")
    message = f"Message de {owner}, pour l’équipe"
    told = {who: labels(letter, person) for who, person in people.items()}
    clock = "Le délai de réponse a commencé"
    team = [started, deposited, asked, message, clock]
    assert {who: sorted(lines) for who, lines in told.items()} == {
        "owner": sorted(team),
        "guichet": sorted([received, asked, request, request_to_other, message, clock]),
        "body": sorted([deposited, asked, request, *inside]),
        "other body": sorted([deposited, asked, request_to_other]),
        "agency": sorted([deposited, asked, request, request_to_other, clock]),
        "owner acting for the guichet": sorted(team),
    }
    assert not [
        line.detail
        for who, person in people.items()
        if who != "body"
        for line in read_timeline(letter, person)
        if "SECRET" in line.detail
    ]


def test_after_a_hand_over_the_former_office_keeps_its_own_time_only() -> None:
    body = asking.urps("Médecins")
    letter = asking.deposited_and_asked()
    writing.send(letter, letter.created_by)
    asking.give_as_president(letter, body)
    opinion = Opinion.objects.get()
    set_communicable(opinion, user=asking.coordinator(), communicable=True)
    asking.write_synthesis(letter)
    perform(letter, "transmit", actor=asking.coordinator())
    agent = asking.member(asking.agency(), "agent")
    writing.send(letter, agent)
    before = f"Message de {letter.created_by}, pour l’équipe"
    after = f"Message de {agent}, {asking.agency().name}"
    opinion_told = f"Avis communiqué à l’équipe – {body.name}"
    kept = {before, after, opinion_told}
    assert {
        who: [line for line in labels(letter, person) if line in kept]
        for who, person in {
            "owner": letter.created_by,
            "former": asking.coordinator(),
            "agency": agent,
            "body": asking.reviewer(body),
        }.items()
    } == {
        "owner": [before, opinion_told, after],
        "former": [before],
        "agency": [before, opinion_told, after],
        "body": [],
    }


def test_the_team_and_the_offices_read_the_ledger_of_the_clock_and_the_bodies_do_not() -> None:
    body = asking.urps("Médecins")
    letter = asking.deposited_and_asked()
    today = timezone.localdate()
    mistake = letter.clock_events.get()
    right = Event(kind=EventKind.START, effective_on=today - timedelta(days=1))
    correct_clock_event(
        mistake, actor=asking.coordinator(), reason="Reçu la veille.", replacement=right
    )
    began = "Le délai de réponse a commencé"
    correction = f"Correction\u00a0: «\u00a0{began}\u00a0» ({day(today)}) ne compte plus"

    def told(person: User) -> list[tuple[str, str]]:
        lines = reversed(read_timeline(letter, person))
        return [(line.label, line.detail) for line in lines if began in line.label]

    ledger = told(asking.coordinator())
    assert ledger == [
        (began, "Reçu la veille."),
        (began, ""),
        (correction, "Reçu la veille."),
    ]
    assert told(letter.created_by) == ledger
    assert told(asking.member(asking.agency(), "agent")) == ledger
    assert told(asking.reviewer(body)) == []


def test_the_reason_of_a_withdrawal_is_read_by_the_office_and_the_team() -> None:
    letter = cases.deposited("76")
    withdraw(letter, actor=letter.created_by, reason="Nous changeons de territoire.")
    reason = "Nous changeons de territoire."
    reads = {
        who: reason in {line.detail for line in read_timeline(asking.fresh(letter), person)}
        for who, person in {
            "owner": letter.created_by,
            "guichet": asking.coordinator(),
            "agency": asking.member(asking.agency(), "agent"),
        }.items()
    }
    assert reads == {"owner": True, "guichet": True, "agency": False}


def test_a_comment_that_nobody_declared_stays_in_the_office() -> None:
    letter = cases.deposited("76")
    TransitionLog.objects.filter(case=letter).update(comment="SECRET")
    told = {
        who: [line.detail for line in read_timeline(letter, person) if line.detail]
        for who, person in {
            "owner": letter.created_by,
            "guichet": asking.coordinator(),
            "agency": asking.member(asking.agency(), "agent"),
        }.items()
    }
    assert told == {"owner": [], "guichet": ["SECRET"], "agency": []}


def test_more_time_for_complements_is_told_to_the_team_and_its_office() -> None:
    letter = completing.reviewed()
    request = completing.asked(letter, completing.item("contact_email"))
    agent = completing.agent(letter)
    extend(request, user=agent, due_on=asking.in_days(30), comment="SECRET")
    label = f"Compléments demandés\u00a0: date limite reportée au {day(asking.in_days(30))}"
    agency = asking.member(cases.body("ars", "32"), "agent")
    told = {
        who: [
            (line.label, line.detail)
            for line in read_timeline(letter, person)
            if label == line.label
        ]
        for who, person in {"lead": letter.created_by, "office": agent, "agency": agency}.items()
    }
    assert told == {"lead": [(label, "")], "office": [(label, "SECRET")], "agency": []}


def test_what_is_prepared_before_a_decision_stays_in_the_office() -> None:
    assert set(TRANSITION_LABELS) - set(TRANSITION_AUDIENCES) == {
        "propose_decision",
        "revise_proposal",
        "take_back_proposal",
        "send_back_proposal",
        "approve_decision",
    }


def test_every_audience_is_said_in_words() -> None:
    assert set(AUDIENCE_WORDS) == set(Audience)


@pytest.mark.parametrize("audience", Audience)
def test_a_line_is_read_by_its_audience_or_by_those_it_names(audience: Audience) -> None:
    for organisations, mine, own in product(
        (frozenset(), frozenset({1})), (None, 1, 2), ((), *combinations(Audience, 2))
    ):
        line = Line(timezone.now(), "Une ligne", audience, organisations, "Un détail")
        shown = visible_lines([line], Viewer(Reader.INFORMED, mine, frozenset(own)))
        belongs = audience in own and audience != Audience.BODY
        assert bool(shown) == (belongs or mine in organisations)
        assert all(bool(one.detail) == (Audience.OFFICE in own) for one in shown)


def test_the_team_is_in_no_audience_of_an_office() -> None:
    assert LEAD.audiences.isdisjoint({Audience.OFFICE, Audience.AGENCIES, Audience.BODY})


@pytest.mark.parametrize("count", [1, 40])
def test_the_page_costs_the_same_queries_whatever_its_length(
    client: Client, django_assert_num_queries: Any, count: int
) -> None:
    letter = cases.deposited("76")
    for number in range(count):
        writing.send(letter, letter.created_by, f"n° {number}")
        letter.messages.update(sent_at=timezone.now() - timedelta(hours=2))
    client.force_login(asking.coordinator())
    url = reverse("cases:timeline", args=[letter.public_id])
    # Session, person, role, case, team; log, clock, opinions, opinions communicated,
    # complements, messages, reserves, aids, meetings, arbitrations, documents, letter; the
    # savepoint.
    with django_assert_num_queries(5 + 12 + 2):
        page = client.get(url)
    assert page.context["page"].paginator.count == count + 2
    assert "vu par l’équipe et par le bureau en charge" in page.content.decode()


def test_the_team_is_not_told_of_audiences(client: Client) -> None:
    letter = cases.deposited("76")
    client.force_login(letter.created_by)
    page = client.get(reverse("cases:timeline", args=[letter.public_id])).content.decode()
    assert "Lettre déposée par" in page
    assert not [words for words in AUDIENCE_WORDS.values() if words in page]
