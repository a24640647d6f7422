"""Asking for complements, preparing them apart, depositing them as a new version."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date, datetime, timedelta
from threading import Barrier
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.utils import timezone

from accounts.models import Organisation
from cpts_portal.words import long_date
from documents.models import Attachment
from letters.models import LetterOfIntent
from procedures import registry
from procedures.circuit import Silence
from territories.services import add_communes
from tests import factories
from tests.letters import cases
from tests.mailbox import mails
from tests.workflow import asking
from tests.workflow.completing import (
    PDF,
    agent,
    answer,
    as_team,
    asked,
    attach,
    item,
    of,
    reviewed,
    write,
)
from workflow.complement_answers import save_note
from workflow.complement_asking import discard, save_item, save_request, send, start_request
from workflow.complement_ending import cancel, close_case, extend, lift
from workflow.complement_reminders import follow_requests
from workflow.complements import blocking_requests, effect_on_clock
from workflow.models import (
    Answer,
    BufferedFile,
    CaseAttachment,
    CompletionItem,
    CompletionRequest,
    Snapshot,
)
from workflow.services import (
    ActionRefusedError,
    AlreadyDoneError,
    IncompleteError,
    clock_of,
    perform,
)
from workflow.tasks import follow_complements
from writing import services as writing_services
from writing.consulting import withdraw
from writing.content import procedure_of, read_content, territory_of
from writing.documents import earlier_documents
from writing.files import held_files
from writing.saving import save_field
from writing.services import Conflict

pytestmark = pytest.mark.django_db

NBSP = "\N{NO-BREAK SPACE}"
TEXT = "contact_name"


@pytest.fixture
def letter() -> LetterOfIntent:
    return reviewed()


def state_of(letter: LetterOfIntent) -> str:
    return asking.fresh(letter).state


def ledger(letter: LetterOfIntent) -> list[str]:
    return list(letter.clock_events.values_list("kind", flat=True))


# --- Asking --------------------------------------------------------------------------------


def test_a_request_is_the_offices_own_until_it_is_sent_once(letter):
    user = agent(letter)
    draft = start_request(letter, user=user)
    assert start_request(letter, user=user) == draft
    save_item(draft, item(TEXT), user=user)
    assert list(CompletionRequest.objects.visible_to(user)) == [draft]
    assert list(CompletionRequest.objects.visible_to(letter.created_by)) == []
    assert (state_of(letter), blocking_requests(letter)) == ("under_review", [])

    sent = send(draft, user=user)

    assert (state_of(letter), sent.state, sent.number) == ("completion_requested", "sent", 1)
    assert list(CompletionRequest.objects.visible_to(letter.created_by)) == [sent]
    assert len(blocking_requests(letter)) == 1
    with pytest.raises(AlreadyDoneError):
        send(draft, user=user)
    with pytest.raises(AlreadyDoneError):
        save_item(draft, item("contact_email"), user=user)
    with pytest.raises(ActionRefusedError, match="attend la réponse"):
        start_request(letter, user=user)


def test_only_the_office_in_charge_asks_and_only_while_it_examines(letter):
    elsewhere = asking.member(cases.body("ars_branch", "32", "62"), "agent")
    for who in (
        letter.created_by,
        elsewhere,
        asking.member(letter.office, "signatory"),
        asking.member(cases.body("ars", "32"), "agent"),
        cases.acting(letter.created_by, letter.office),
    ):
        with pytest.raises(PermissionDenied):
            start_request(letter, user=who)
    fresh = cases.deposited("32", communes=("59350",))
    with pytest.raises(PermissionDenied):
        start_request(fresh, user=factories.user())
    with pytest.raises(ActionRefusedError, match="Prenez-le d’abord"):
        start_request(fresh, user=agent(fresh))


def test_what_a_request_cannot_be_is_refused_in_words(letter):
    user = agent(letter)
    draft = start_request(letter, user=user)
    refused = {
        "nothing in it": lambda: send(draft, user=user),
        "no such field": lambda: save_item(draft, item("nonexistent"), user=user),
        "unclear without a word": lambda: save_item(draft, item(TEXT, reason="unclear"), user=user),
        "a day gone by": lambda: save_request(draft, user=user, message="", due_on=asking.today()),
        "a year too far": lambda: save_request(
            draft, user=user, message="", due_on=asking.in_days(400)
        ),
        "too long a message": lambda: save_request(
            draft, user=user, message="a" * 100_000, due_on=asking.in_days(3)
        ),
    }
    said = {}
    for name, act in refused.items():
        with pytest.raises(ActionRefusedError) as error:
            act()
        said[name] = error.value.message.replace(NBSP, " ").split(".")[0][:40]
    assert said == {
        "nothing in it": "Ajoutez au moins un point à compléter",
        "no such field": "Ce champ n’est pas dans le formulaire de",
        "unclear without a word": "Dites ce qui est à préciser : l’équipe n",
        "a day gone by": "La date limite doit être dans l’avenir :",
        "a year too far": "La date limite est à plus d’un an : véri",
        "too long a message": "Ce texte compte 100000 caractères ; il e",
    }
    discard(draft, user=user)
    assert CompletionRequest.objects.count() == 0


def test_during_the_opinions_the_bodies_go_on_and_the_case_stays_where_it_is():
    body = asking.urps("infirmiers")
    letter = asking.deposited_and_asked()
    request = asked(letter, item(TEXT))
    assert state_of(letter) == "in_consultation"
    asking.give(letter, body)
    asking.write_synthesis(letter)
    with pytest.raises(IncompleteError) as held:
        perform(asking.fresh(letter), "transmit", actor=asking.coordinator())
    assert [one.sentence for one in held.value.missing] == blocking_requests(letter)
    write(letter, TEXT, "Zoé Petit")
    letter = answer(letter)
    assert (letter.state, letter.version) == ("in_consultation", 2)
    opinion = asking.request_to(letter, body).opinions.get()
    assert opinion.is_on_older_version(letter)
    request.refresh_from_db()
    assert (request.state, request.answered_version) == ("answered", 2)
    perform(letter, "transmit", actor=asking.coordinator())


# --- The clock --------------------------------------------------------------------------------


def test_an_indispensable_item_suspends_the_clock_until_the_answer(letter):
    before = clock_of(letter).deadline
    said = effect_on_clock(letter, blocking=True, due_on=date(2027, 3, 1))
    assert "seulement suspendu" in said
    assert "1er mars 2027" in said.replace("\N{NO-BREAK SPACE}", " ")
    asked(letter, item(TEXT), days=20)
    clock = clock_of(asking.fresh(letter))
    assert (clock.state, clock.deadline) == ("suspended", before + timedelta(days=20))
    write(letter, TEXT, "Zoé Petit")
    letter = answer(letter)
    assert ledger(letter) == ["start", "suspend", "resume"]
    assert clock_of(letter).deadline == before


def test_what_is_optional_neither_stops_the_clock_nor_a_decision(letter):
    asked(letter, item(TEXT, blocking=False))
    assert (state_of(letter), ledger(letter)) == ("under_review", ["start"])
    assert blocking_requests(letter) == []
    write(letter, TEXT, "Zoé Petit")
    assert answer(letter).state == "under_review"


def test_more_time_suspends_longer_and_lifting_all_that_blocks_resumes(letter):
    request = asked(letter, item(TEXT), item("contact_email", blocking=False), days=10)
    user = agent(letter)
    extend(request, user=user, due_on=asking.in_days(15), comment="Congés.")
    assert clock_of(asking.fresh(letter)).suspended_until == asking.in_days(15)
    with pytest.raises(ActionRefusedError, match="plus tardive"):
        extend(request, user=user, due_on=asking.in_days(12))
    lift(of(request, TEXT), user=user, reason="Trouvé ailleurs.")
    assert (state_of(letter), blocking_requests(letter)) == ("under_review", [])
    assert ledger(letter)[-1] == "resume"
    request.refresh_from_db()
    assert request.state == "sent"
    lift(of(request, "contact_email"), user=user, reason="De même.")
    request.refresh_from_db()
    assert request.state == "cancelled"


def test_a_cancelled_request_leaves_nothing_of_what_was_prepared(letter, deliver_outbox):
    request = asked(letter, item(TEXT), item("other"), item("territory"))
    write(letter, TEXT, "Zoé Petit")
    attach(letter, "other")
    stored = Answer.objects.get(case=letter, key=TEXT).value
    cancel(request, user=agent(letter), reason="Demande faite par erreur.")
    assert state_of(letter) == "under_review"
    assert BufferedFile.objects.count() == 0
    request.refresh_from_db()
    assert (request.territory, request.end_reason) == (None, "Demande faite par erreur.")
    assert Answer.objects.get(case=letter, key=TEXT).value == stored
    assert asking.fresh(letter).version == 1
    deliver_outbox()
    told = [mail.subject for mail in mails(letter.created_by.email)]
    assert sum("demande de compléments annulée" in subject for subject in told) == 1


def accepting(monkeypatch: pytest.MonkeyPatch) -> None:
    known = registry.registry()
    period = replace(known.get("hauts-de-france", 1).circuit.period, silence=Silence.ACCEPTANCE)
    changed = tuple(
        replace(one, circuit=replace(one.circuit, period=period))
        if one.key == "hauts-de-france"
        else one
        for one in known.procedures
    )
    monkeypatch.setattr(registry, "registry", lambda: registry.Registry(changed))


def test_where_silence_accepts_the_period_begins_again_with_the_complete_file(monkeypatch):
    accepting(monkeypatch)
    letter = reviewed()
    said = effect_on_clock(letter, blocking=True, due_on=None)
    assert "repartira en entier" in said
    asked(letter, item(TEXT))
    assert clock_of(asking.fresh(letter)).deadline is None
    write(letter, TEXT, "Zoé Petit")
    letter = answer(letter)
    assert ledger(letter) == ["start", "suspend", "restart"]


def test_where_silence_accepts_a_cancelled_request_does_not_begin_the_period_again(monkeypatch):
    accepting(monkeypatch)
    letter = reviewed()
    before = clock_of(letter).deadline
    request = asked(letter, item(TEXT))
    cancel(request, user=agent(letter), reason="Ce point est déjà dans la lettre.")
    assert ledger(letter) == ["start", "suspend", "resume"]
    assert clock_of(asking.fresh(letter)).deadline == before


# --- The answer -------------------------------------------------------------------------------


def test_what_is_prepared_stays_apart_until_it_is_deposited_as_a_new_version(letter):
    asked(letter, item(TEXT), item("other", blocking=False), item("territory"))
    stored = Answer.objects.get(case=letter, key=TEXT).value
    write(letter, TEXT, "Zoé Petit")
    attach(letter, "other")
    prepared = as_team(letter)
    add_communes(territory_of(prepared), ["62041"])

    # The team reads what it prepares; nobody else does, nor anything else of the portal.
    content = read_content(as_team(letter))
    assert (content.answers[TEXT], content.files["other"]) == ("Zoé Petit", 1)
    assert content.territory.commune_count == 2
    office = read_content(asking.fresh(letter))
    assert (office.answers[TEXT], office.files.get("other", 0)) == (stored, 0)
    assert office.territory.commune_count == 1
    assert Answer.objects.get(case=letter, key=TEXT).value == stored
    assert Snapshot.objects.filter(case=letter).count() == 1

    before = asking.fresh(letter)
    after = answer(letter)

    assert (after.version, after.state) == (2, "under_review")
    assert (after.reference, after.office_id) == (before.reference, before.office_id)
    assert (after.commune_count, after.department_codes) == (2, ["59", "62"])
    assert after.population > before.population
    assert Answer.objects.get(case=letter, key=TEXT).value == "Zoé Petit"
    assert CaseAttachment.objects.filter(case=letter, slot="other").count() == 1
    first, second = Snapshot.objects.filter(case=letter).order_by("version")
    assert (len(first.content["territory"]), len(second.content["territory"])) == (1, 2)
    assert second.content["completion"]["number"] == 1
    assert [one["changed"] for one in second.content["completion"]["items"]] == [True] * 3
    links = after.community.territories.order_by("pk")
    assert [link.valid_to is None for link in links] == [False, True]
    # The office of the other département now sees it.
    arras = Organisation.objects.get(kind="ars_branch", department_id="62")
    assert after.desks.filter(organisation=arras, kind="informed").count() == 1


def test_the_office_learns_nothing_of_the_buffer_from_its_own_role(letter):
    asked(letter, item(TEXT))
    write(letter, TEXT, "Zoé Petit")
    for who in (agent(letter), cases.acting(letter.created_by, letter.office)):
        reading = as_team(letter, who)
        assert reading.buffer is None


def test_the_answer_says_what_is_missing_and_a_word_is_an_answer_too(letter):
    request = asked(letter, item(TEXT), item("contact_email", blocking=False))
    with pytest.raises(IncompleteError) as missing:
        answer(letter)
    assert [(one.field, one.section) for one in missing.value.missing] == [(TEXT, "identity")]
    save_note(of(request, TEXT), user=letter.created_by, note="C’est bien le bon nom.")
    letter = answer(letter)
    assert letter.version == 2
    assert of(request, TEXT).note == "C’est bien le bon nom."
    content = Snapshot.objects.get(case=letter, version=2).content["completion"]
    assert [(one["key"], one["changed"], one["note"]) for one in content["items"]] == [
        (TEXT, False, "C’est bien le bon nom."),
        ("contact_email", False, ""),
    ]


def test_a_wrong_value_in_an_unlocked_field_holds_the_answer_up(letter):
    asked(letter, item("contact_email"))
    write(letter, "contact_email", "pas une adresse")
    with pytest.raises(IncompleteError) as missing:
        answer(letter)
    assert [one.field for one in missing.value.missing] == ["contact_email"]


def test_only_an_owner_deposits_and_an_editor_prepares(letter):
    asked(letter, item(TEXT))
    editor = factories.team_member(letter.community, role="editor").user
    reader = factories.team_member(letter.community, role="reader").user
    write(letter, TEXT, "Zoé Petit")
    for who in (editor, reader, factories.user(), agent(letter)):
        with pytest.raises(PermissionDenied):
            answer(letter, who)
    answer(letter)
    with pytest.raises(IncompleteError):
        answer(letter)


def test_a_file_taken_away_stays_in_the_version_that_held_it(letter):
    draft_letter = cases.complete("32", communes=("59350",))
    slot = writing_services.slot_of(draft_letter, "other")
    writing_services.attach(
        draft_letter,
        slot,
        SimpleUploadedFile("v1.pdf", PDF),
        user=draft_letter.created_by,
    )
    cases.file(draft_letter)
    perform(draft_letter, "take_up", actor=agent(draft_letter))
    asked(asking.fresh(draft_letter), item("other"))
    team = as_team(draft_letter)
    old = next(file for file in held_files(team) if file.slot == "other")
    writing_services.detach(team, Attachment.objects.get(pk=old.id))
    attach(draft_letter, "other", "v2.pdf")
    assert [file.name for file in held_files(as_team(draft_letter))] == ["v2.pdf"]
    assert [file.name for file in held_files(asking.fresh(draft_letter))] == ["v1.pdf"]
    letter = answer(draft_letter)
    links = CaseAttachment.objects.filter(case=letter, slot="other").order_by("pk")
    assert [(link.attachment.name, link.removed_in) for link in links] == [
        ("v1.pdf", 2),
        ("v2.pdf", None),
    ]
    with links[0].attachment.file.open("rb") as kept:
        assert kept.read() == PDF
    assert [file.name for file in held_files(letter)] == ["v2.pdf"]


def test_two_people_on_one_field_are_told_and_lose_nothing(letter):
    asked(letter, item(TEXT))
    field = procedure_of(letter).field(TEXT)
    first, second = as_team(letter), as_team(letter)
    save_field(first, field, "Zoé Petit", user=letter.created_by, base_revision=0)
    clash = save_field(second, field, "Zoé Grand", user=letter.created_by, base_revision=0)
    assert isinstance(clash, Conflict)
    assert (clash.value, clash.changed_by) == ("Zoé Petit", str(letter.created_by))


def test_a_field_the_procedure_no_longer_has_holds_nothing_up(letter):
    request = asked(letter, item(TEXT), item("contact_email"))
    CompletionItem.objects.filter(pk=of(request, "contact_email").pk).update(key="gone")
    write(letter, TEXT, "Zoé Petit")
    assert answer(letter).version == 2


def test_a_name_that_is_completed_is_the_cptss_once_deposited(letter):
    asked(letter, item("title"))
    was = letter.title
    write(letter, "title", "CPTS des Dunes")
    letter = asking.fresh(letter)
    assert (letter.title, letter.community.name) == (was, was)
    letter = answer(letter)
    assert (letter.title, letter.community.name) == ("CPTS des Dunes", "CPTS des Dunes")


@pytest.mark.django_db(transaction=True)
def test_of_two_owners_who_deposit_at_once_one_does():
    letter = reviewed()
    asked(letter, item(TEXT))
    write(letter, TEXT, "Zoé Petit")
    other = factories.team_member(letter.community, role="owner").user
    barrier = Barrier(2)

    def deposit(person: Any) -> str:
        try:
            barrier.wait(timeout=10)
            answer(letter, person)
        except (AlreadyDoneError, IncompleteError):
            return "refused"
        else:
            return "done"
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        answers = sorted(pool.map(deposit, [letter.created_by, other]))
    assert (answers, asking.fresh(letter).version) == (["done", "refused"], 2)


# --- Documents and mails ----------------------------------------------------------------------


def test_the_new_version_has_its_letter_and_its_receipt_and_the_first_ones_stay(
    letter, deliver_outbox
):
    deliver_outbox()
    asked(letter, item(TEXT))
    write(letter, TEXT, "Zoé Petit")
    letter = answer(letter)
    deliver_outbox()
    numbers = list(
        letter.documents.order_by("pk").values_list("snapshot__version", "document__number")
    )
    reference = letter.reference
    assert numbers == [
        (1, reference),
        (1, f"{reference}-AR"),
        (1, f"{reference}-P"),
        (2, f"{reference}-V2"),
        (2, f"{reference}-V2-AR"),
    ]
    assert len(earlier_documents(letter)) == 3
    subjects = [mail.subject for mail in mails(letter.created_by.email)]
    assert [one.rpartition(" – ")[2] for one in subjects[-2:]] == [
        f"compléments demandés avant le {_day(asking.in_days(20))}",
        "compléments déposés",
    ]
    office = [mail.subject for mail in mails(agent(letter).email)]
    assert sum("compléments reçus" in subject for subject in office) == 1


def _day(day: date) -> str:
    return long_date(day)


# --- Time --------------------------------------------------------------------------------


class Calendar:
    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.monkeypatch = monkeypatch

    def forward(self, days: int) -> None:
        moment = datetime.now(tz=timezone.get_default_timezone()) + timedelta(days=days)
        self.monkeypatch.setattr(timezone, "now", lambda: moment)


def test_teams_are_reminded_before_and_after_and_nothing_is_closed_by_itself(letter, monkeypatch):
    calendar = Calendar(monkeypatch)
    request = asked(letter, item(TEXT), days=20)
    sent = {}
    for days in (1, 13, 14, 18, 20, 21, 35, 60):
        calendar.forward(days)
        sent[days] = follow_requests()
        follow_complements()
    assert sent == {1: 0, 13: 1, 14: 0, 18: 1, 20: 0, 21: 1, 35: 1, 60: 0}
    assert state_of(letter) == "completion_requested"
    actions = list(request.logs.values_list("action", flat=True))
    assert actions == ["sent", "reminded", "reminded", "overdue", "reminded", "reminded"]


def test_a_late_answer_is_taken_and_said_to_be_late(letter, monkeypatch):
    request = asked(letter, item(TEXT), days=5)
    Calendar(monkeypatch).forward(8)
    write(letter, TEXT, "Zoé Petit")
    letter = answer(letter)
    request.refresh_from_db()
    assert request.state == "answered"
    # The suspension had ended by itself: nothing more is written.
    assert ledger(letter) == ["start", "suspend"]
    content = Snapshot.objects.get(case=letter, version=2).content
    assert content["completion"]["is_late"] is True


def test_a_case_is_closed_by_an_agent_once_the_date_has_passed_and_not_before(
    letter, monkeypatch, deliver_outbox
):
    request = asked(letter, item(TEXT), days=5)
    user = agent(letter)
    with pytest.raises(IncompleteError):
        close_case(letter, user=user, reason="Sans réponse.")
    Calendar(monkeypatch).forward(6)
    for reason, error in (("", ActionRefusedError), ("Sans réponse.", None)):
        if error:
            with pytest.raises(error):
                close_case(letter, user=user, reason=reason)
        else:
            close_case(letter, user=user, reason=reason)
    letter = asking.fresh(letter)
    assert (letter.state, ledger(letter)[-1]) == ("closed", "end")
    assert letter.transition_logs.last().comment == "Sans réponse."
    request.refresh_from_db()
    assert request.state == "abandoned"


def test_a_withdrawn_letter_asks_for_nothing_any_more(letter):
    request = asked(letter, item(TEXT))
    write(letter, TEXT, "Zoé Petit")
    withdraw(asking.fresh(letter), actor=letter.created_by, reason="Autre projet.")
    request.refresh_from_db()
    assert request.state == "abandoned"
    assert of(request, TEXT).value is None
    with pytest.raises(PermissionDenied):
        save_note(of(request, TEXT), user=letter.created_by, note="Trop tard.")
