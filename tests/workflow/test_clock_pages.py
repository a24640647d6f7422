"""The deadline as people meet it: on the letter, in the tab « Délai », at its end."""

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime
from html import unescape
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from letters.models import LetterOfIntent
from procedures import registry
from procedures.circuit import Silence
from tests import factories
from tests.letters import cases
from tests.workflow import asking
from workflow.clock import EventKind
from workflow.models import Case
from workflow.services import (
    ActionRefusedError,
    AlreadyDoneError,
    clock_of,
    end_clock,
    perform,
    record_clock_event,
)
from workflow.tacit import accept_the_overdue
from workflow.tasks import accept_by_silence
from writing.consulting import withdraw

pytestmark = pytest.mark.django_db

NBSP = "\N{NO-BREAK SPACE}"


class Calendar:
    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.monkeypatch = monkeypatch
        self.turn_to(3, 12)

    def turn_to(self, month: int, number: int) -> None:
        moment = datetime(2026, month, number, 9, tzinfo=timezone.get_default_timezone())
        self.monkeypatch.setattr(timezone, "now", lambda: moment)


@pytest.fixture
def calendar(monkeypatch: pytest.MonkeyPatch) -> Calendar:
    return Calendar(monkeypatch)


@pytest.fixture
def accepting(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The national procedure as it would be where silence accepts."""
    known = registry.registry()
    changed = [
        replace(
            one,
            circuit=replace(
                one.circuit, period=replace(one.circuit.period, silence=Silence.ACCEPTANCE)
            ),
        )
        if one.key == "national"
        else one
        for one in known.procedures
    ]
    monkeypatch.setattr(registry, "registry", lambda: registry.Registry(tuple(changed)))
    return


def page_of(client: Client, letter: Case, *, who: Any, path: str = "delai/") -> str:
    client.force_login(who)
    if getattr(who, "acting", None):
        client.post("/compte/role/", {"membership": who.acting.pk})
    response = client.get(f"/dossiers/{letter.public_id}/{path}")
    assert response.status_code == 200, response.status_code
    return words(response.content.decode())


def words(html: str) -> str:
    main = html[html.index("<main") :]
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", main)).split()).replace(NBSP, " ")


# --- The deposit starts it, a withdrawal ends it ------------------------------------------


def test_the_deposit_starts_the_clock_of_the_procedure_and_a_withdrawal_ends_it(calendar):
    letter = cases.deposited("32", communes=("59350",))
    assert (clock_of(letter).state, clock_of(letter).deadline) == ("running", date(2026, 5, 12))
    calendar.turn_to(4, 2)
    withdraw(letter, actor=letter.created_by, reason="Le projet change.")
    fields = ("kind", "effective_on", "reason", "entered_by")
    assert list(letter.clock_events.values_list(*fields)) == [
        ("start", date(2026, 3, 12), "Réception de la lettre sur le portail.", None),
        ("end", date(2026, 4, 2), "La CPTS a retiré sa lettre.", letter.created_by_id),
    ]


def test_ending_a_clock_that_is_over_or_never_began_writes_nothing(calendar):
    letter = cases.deposited()
    assert end_clock(letter, actor=None) is not None
    assert end_clock(letter, actor=None) is None
    cases.without_clock(letter)
    assert end_clock(letter, actor=None) is None


def test_missing_items_may_be_asked_given_and_asked_again_in_one_day(calendar):
    letter = cases.deposited()
    calendar.turn_to(4, 1)
    today, limit = date(2026, 4, 1), date(2026, 4, 21)
    for _ in range(2):
        record_clock_event(letter, EventKind.SUSPEND, effective_on=today, until=limit, actor=None)
        record_clock_event(letter, EventKind.RESUME, effective_on=today, actor=None)
    assert (clock_of(letter).state, clock_of(letter).deadline) == ("running", date(2026, 5, 12))
    with pytest.raises(ActionRefusedError, match="déjà enregistré à cette date"):
        record_clock_event(letter, EventKind.RESUME, effective_on=today, actor=None)


# --- The tab --------------------------------------------------------------------------------


def test_team_and_office_read_the_ledger_the_team_without_the_names_of_agents(calendar, client):
    letter = cases.deposited("32", communes=("59350",))
    agent = asking.member(letter.office, "agent")
    calendar.turn_to(4, 1)
    record_clock_event(
        letter,
        EventKind.SUSPEND,
        effective_on=date(2026, 4, 1),
        until=date(2026, 4, 21),
        actor=agent,
        reason="Carte illisible.",
    )
    office, lead = (page_of(client, letter, who=who) for who in (agent, letter.created_by))
    for page in (office, lead):
        assert "Échéance 1er juin 2026" in page
        assert "suspendu, jusqu’au 21 avril 2026 au plus tard. Il restera alors 41 jours." in page
        assert "2 mois à partir du 12 mars 2026, plus 20 jours de suspension." in page
        assert "Carte illisible." in page
    assert (str(agent) in office, str(agent) in lead) == (True, False)
    assert letter.office.name in lead


def test_a_body_that_is_asked_and_a_stranger_find_no_ledger(calendar, client):
    body = asking.urps("infirmiers")
    letter = asking.deposited_and_asked()
    for who in (asking.reviewer(body), factories.user()):
        client.force_login(who)
        for path in ("delai/", f"delai/{letter.clock_events.get().pk}/corriger/"):
            assert client.get(f"/dossiers/{letter.public_id}/{path}").status_code == 404


def test_a_coordinator_corrects_an_event_and_nobody_else(calendar, client):
    letter = cases.deposited("32", communes=("59350",))
    calendar.turn_to(4, 1)
    start = letter.clock_events.get()
    path = f"/dossiers/{letter.public_id}/delai/{start.pk}/corriger/"
    data = {"reason": "Reçue le 10 mars par courrier.", "effective_on": "2026-03-10"}
    for who in (letter.created_by, asking.member(letter.office, "agent")):
        client.force_login(who)
        assert client.post(path, data).status_code == 403
    coordinator = asking.member(letter.office, "coordinator")
    client.force_login(coordinator)
    assert client.get(path).status_code == 200
    assert client.post(path, {"reason": " ", "effective_on": ""}).status_code == 422
    refused = client.post(path, {"reason": "Erreur", "effective_on": "2026-12-01"})
    assert (refused.status_code, "cette date est à venir" in refused.content.decode()) == (
        422,
        True,
    )
    assert letter.clock_events.count() == 1
    assert client.post(path, data).status_code == 302
    assert clock_of(letter).deadline == date(2026, 5, 10)
    page = page_of(client, letter, who=coordinator)
    assert "Ne compte plus. Corrigé le" in page
    # What was corrected, and a correction, are no longer to be corrected.
    assert client.post(path, data).status_code == 422


def test_the_page_takes_as_many_queries_for_one_event_as_for_thirty(
    calendar, client, django_assert_num_queries
):
    letter = cases.deposited("32", communes=("59350",))
    calendar.turn_to(4, 30)
    client.force_login(letter.created_by)
    for events in (0, 15):
        for number in range(events):
            on = date(2026, 4, 1 + number)
            record_clock_event(
                letter, EventKind.SUSPEND, effective_on=on, until=date(2026, 4, 20), actor=None
            )
            record_clock_event(letter, EventKind.RESUME, effective_on=on, actor=None)
        # Session, person, case; the events twice; the savepoint.
        with django_assert_num_queries(5 + 2):
            assert client.get(f"/dossiers/{letter.public_id}/delai/").status_code == 200


# --- Its end ------------------------------------------------------------------------------------


def test_where_silence_refuses_the_lead_reads_the_remedies_and_the_office_may_still_decide(
    calendar, client
):
    letter = cases.deposited("32", communes=("59350",))
    agent = asking.member(letter.office, "agent")
    calendar.turn_to(5, 12)
    assert "C’est le dernier jour." in page_of(client, letter, who=agent)
    calendar.turn_to(5, 15)
    lead = page_of(client, letter, who=letter.created_by)
    assert "votre demande est implicitement refusée" in lead
    assert "Dans les deux mois qui suivent le 13 mai 2026" in lead
    office = page_of(client, letter, who=agent)
    assert "Délai dépassé" in office
    assert "Vous pouvez encore décider" in office
    assert "recours gracieux" not in office
    accept_by_silence()
    assert LetterOfIntent.objects.get(pk=letter.pk).state == "deposited"
    perform(letter, "take_up", actor=agent)


@pytest.mark.usefixtures("accepting")
def test_where_silence_accepts_the_portal_records_it_once_after_the_deadline(calendar, client):
    letter = cases.deposited("84", communes=("01053",))
    waiting = cases.deposited("84", communes=("69266",))
    record_clock_event(
        waiting,
        EventKind.SUSPEND,
        effective_on=date(2026, 3, 12),
        until=date(2026, 4, 1),
        actor=None,
    )
    calendar.turn_to(5, 12)
    assert accept_the_overdue() == 0
    calendar.turn_to(5, 13)
    assert [accept_the_overdue(), accept_the_overdue()] == [1, 0]
    letter = LetterOfIntent.objects.get(pk=letter.pk)
    log = letter.transition_logs.last()
    assert (letter.state, log.transition, log.actor) == ("tacitly_accepted", "accept_tacitly", None)
    assert letter.clock_events.last().kind == "end"
    assert LetterOfIntent.objects.get(pk=waiting.pk).state == "deposited"
    assert "Le silence vaut acceptation." in page_of(client, letter, who=letter.created_by)
    with pytest.raises(AlreadyDoneError):
        perform(letter, "accept_tacitly", actor=None)
