"""A yearly dialogue from its opening to the money it moves, and what each may do of it."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils import timezone

from contracts.dialogue import agreeing, declaring, dialogues, minutes, reviewing
from contracts.dialogue.agreeing import Agreed
from contracts.dialogue.moves import MOVES, perform
from contracts.dialogue.patient_data import PatientDataError
from contracts.dialogue.reviewing import Reviewed
from contracts.funding import balances, engaging
from contracts.models import DialogueLine, DialogueProof, YearlyDialogue
from contracts.signing import answers, signers
from contracts.terms import ContractTerms as Said
from contracts.terms import Indicator, Target, to_data
from notifications.models import Notification
from procedures.rates import cpom_rates, delivered_rates
from signatures.codes import Seen
from tests import factories
from tests.contracts import conversing, sealing, signed
from tests.contracts.conversing import OPENS, YEAR, Table
from tests.contracts.test_patient_data import NIR
from tests.documents.pdf import flat_text
from workflow.services import ActionRefusedError, AlreadyDoneError, IncompleteError

State = YearlyDialogue.State


@pytest.fixture
def table() -> Table:
    return conversing.table()


# --- The machine ----------------------------------------------------------------------------------


def test_every_state_is_reached_and_left_and_only_the_last_is_an_end() -> None:
    assert {one.target for one in MOVES.values()} == set(State) - set()
    assert {one.source for one in MOVES.values()} == set(State) - {State.CLOSED}
    assert {name for name, one in MOVES.items() if one.asks_why} == {"send_back", "take_back"}


# --- Opening --------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_it_opens_on_its_day_once_and_not_for_years_gone_by() -> None:
    contract = signed.contract()
    assert dialogues.open_due(today=OPENS - timedelta(days=1)) == []
    assert [one.year for one in dialogues.open_due(today=OPENS)] == [YEAR]
    assert dialogues.open_due(today=OPENS) == []
    assert [one.number for one in dialogues.years_to_open(contract, today=OPENS)] == [1, 2]
    assert contract.cpam
    fund = signed.agent(contract.cpam)
    with pytest.raises(PermissionDenied):
        dialogues.open_dialogue(contract, 2, by=contract.community.created_by)
    assert dialogues.open_dialogue(contract, 2, by=fund).year == 2
    for number in (2, 5):
        with pytest.raises(ActionRefusedError, match="déjà ouvert, ou ne peut pas"):
            dialogues.open_dialogue(contract, number, by=fund)


@pytest.mark.django_db
def test_lines_come_from_the_contract_then_from_the_library_with_last_years_values() -> None:
    contract = signed.contract()
    named = Indicator(
        key="doctors",
        mission="access_to_care",
        label="Médecins du SAS",
        kind="count",
        unit="médecins",
        weight=Decimal(3),
        baseline=Decimal(4),
        targets=(Target(year=1, value=Decimal(8)), Target(year=3, value=Decimal(12))),
        proofs=("Liste",),
    )
    conversing.says(contract, **to_data(Said(indicators=(named,))))
    first = dialogues.open_due(today=date(2025, 5, 3))[0]
    line = first.lines.get(key="doctors")
    line.agreed_value, line.comment = Decimal(9), "Trois arrivées."
    line.save()
    second = dialogues.open_due(today=OPENS)[0]
    found = second.lines.get(key="doctors")
    assert (first.year, line.target, found.target) == (2, Decimal(8), Decimal(12))
    assert (found.last, found.comment, found.weight, found.is_of_contract) == (
        Decimal(9),
        "Trois arrivées.",
        Decimal(3),
        True,
    )
    assert not second.lines.filter(mission="access_to_care").exclude(key="doctors").exists()
    others = set(second.lines.filter(is_of_contract=False).values_list("mission", flat=True))
    assert others == set(signed.MISSIONS) - {"access_to_care"}


# --- From the declaration to the money ------------------------------------------------------------


@pytest.mark.django_db
def test_signed_by_three_the_results_enter_the_schedule_once(
    table: Table, deliver_outbox: Any
) -> None:
    table.declare()
    table.review()
    table.propose()
    table.agree()
    dialogue = table.dialogue
    dialogue.refresh_from_db()
    assert (dialogue.state, minutes.round_of(dialogue)) == (State.SIGNING, None)
    deliver_outbox()
    minutes.put_before_signers(dialogue_id=dialogue.pk, revision=dialogue.revision)
    opened = minutes.round_of(dialogue)
    assert opened
    with opened.document.document.file.open("rb") as file:
        text = flat_text(file.read())
    for words in (
        "Compte rendu du dialogue annuel",
        "Une bonne année.",
        "52 000,50 €",
        "Dominique Martin",
        opened.document.document.number,
    ):
        assert words in text
    assert table.contract.results.count() == 0

    sealing.sign(opened, "cpts", "ars", "cpam")

    dialogue.refresh_from_db()
    today = timezone.localdate()
    assert (dialogue.state, dialogue.closed_on) == (State.CLOSED, today)
    # One visit of two: half of the pathways' second indicator, and so on.
    rates = {
        (one.mission, one.key): str(one.agreed_rate) for one in dialogue.lines.order_by("rank")
    }
    assert rates == {
        ("access_to_care", "directory"): "1",
        ("care_pathways", "pathway_written"): "1",
        ("care_pathways", "pathway_meetings"): "0.5000",
        ("prevention", "prevention_actions"): "1",
        ("health_crisis", "crisis_plan"): "1",
        ("quality_relevance", "quality_meetings"): "0.5000",
        ("professional_support", "welcoming"): "1",
    }
    lines = balances.current_lines(table.contract)[1]
    variable = {
        one.mission: (one.due_on, str(one.amount), one.is_ceiling)
        for one in lines
        if one.year == YEAR and one.share == "variable"
    }
    assert variable == {
        "access_to_care": (today, "35000.00", False),
        "care_pathways": (today, "33750.00", False),
        "prevention": (today, "17500.00", False),
        "quality_relevance": (today, "7500.00", False),
        "professional_support": (today, "10000.00", False),
    }
    shares, problems = agreeing.shares_of(dialogue, list(dialogue.lines.all()))
    assert problems == []
    assert sum(one.amount or 0 for one in shares) == Decimal("103750.00")
    with pytest.raises(AlreadyDoneError):
        minutes.close(opened, by=None)
    assert (table.contract.results.count(), table.contract.schedules.count()) == (6, 2)
    deliver_outbox()
    told = Notification.objects.filter(kind="dialogue", key__endswith=f":{dialogue.logs.last().pk}")
    assert {one.recipient for one in told} == {
        table.lead.email,
        table.fund.email,
        table.agency.email,
    }


@pytest.mark.django_db
def test_what_is_contested_is_answered_or_its_time_passes(table: Table) -> None:
    table.declare()
    table.review(contested="crisis_plan")
    dialogue = table.dialogue
    assert dialogue.state == State.ANSWERING
    assert dialogue.answer_by == timezone.localdate() + timedelta(days=15)
    line = table.line("crisis_plan")
    with pytest.raises(IncompleteError):
        reviewing.answer(dialogue, {}, by=table.lead, finish=True)
    with pytest.raises(PermissionDenied):
        reviewing.answer(dialogue, {line.pk: "Non."}, by=table.fund)
    assert reviewing.close_answers(today=dialogue.answer_by) == 0
    assert reviewing.close_answers(today=dialogue.answer_by + timedelta(days=1)) == 1
    with pytest.raises(ActionRefusedError, match="closes"):
        reviewing.answer(dialogue, {line.pk: "Trop tard."}, by=table.lead)
    dialogue.refresh_from_db()
    with pytest.raises(IncompleteError) as lacking:
        agreeing.conclude(dialogue, {}, by=table.fund, finish=True)
    assert [one.partition("\u00a0: ")[2] for one in lacking.value.missing] == [
        "écrivez la valeur retenue."
    ]
    agreeing.conclude(dialogue, {line.pk: Agreed(Decimal(0))}, by=table.fund, finish=True)
    dialogue.refresh_from_db()
    assert (dialogue.state, dialogue.revision) == (State.AGREEING, 1)


@pytest.mark.django_db
def test_a_refusal_to_sign_reopens_the_conclusion_and_another_document_follows(
    table: Table, deliver_outbox: Any
) -> None:
    table.declare()
    table.review()
    table.propose()
    table.agree()
    deliver_outbox()
    dialogue = table.dialogue
    first = minutes.round_of(dialogue)
    assert first
    signer = sealing.signer(first, "ars")
    answers.refuse(signer, reason="Un chiffre est faux.", by=signer.user, seen=Seen())
    dialogue.refresh_from_db()
    assert dialogue.state == State.CONCLUDING
    assert dialogue.logs.last().comment == "Un chiffre est faux."
    agreeing.conclude(dialogue, {}, by=table.fund, finish=True)
    with pytest.raises(ActionRefusedError, match="pourquoi"):
        minutes.take_back(dialogue, " ", by=table.lead)
    minutes.take_back(dialogue, "Relire la ligne 2.", by=table.lead)
    agreeing.conclude(dialogue, {}, by=table.fund, finish=True)
    table.agree()
    deliver_outbox()
    second = minutes.round_of(dialogue)
    assert second
    assert first.document.document.number.endswith("-DA3-1")
    assert second.document.document.number.endswith("-DA3-3")
    minutes.take_back(dialogue, "Une signature manque.", by=table.agency)
    second.refresh_from_db()
    dialogue.refresh_from_db()
    assert (second.state, dialogue.state) == ("cancelled", State.CONCLUDING)


@pytest.mark.django_db
def test_an_older_contract_without_a_fund_is_led_by_two(deliver_outbox: Any) -> None:
    community = factories.community()
    contract = engaging.put_in_force(
        community,
        signed.terms(form="cpom", rates=delivered_rates()),
        by=community.created_by,
        ars=signed.ars(),
        cpam=None,
    )
    dialogues.open_due(today=OPENS)
    dialogue = YearlyDialogue.objects.select_related("contract__community").get(contract=contract)
    agency = signed.agent(signed.ars())
    table = Table(dialogue, community.created_by, agency, agency)
    table.declare()
    accepted = {line.pk: Reviewed("accepted") for line in dialogue.lines.all()}
    reviewing.review(dialogue, accepted, by=agency, finish=True)
    assert dialogue.state == State.CONCLUDING
    table.propose()
    for user in (table.lead, agency):
        minutes.agree(dialogue, table.signer(user), by=user)
    deliver_outbox()
    opened = minutes.round_of(dialogue)
    assert opened
    assert [one.party for one in signers.awaited(opened)] == ["cpts", "ars"]


@pytest.mark.django_db
def test_a_contract_without_a_mission_is_led_on_the_indicators_it_names(client: Any) -> None:
    community = factories.community()
    contract = engaging.put_in_force(
        community,
        signed.terms(form="cpom", rates=cpom_rates(Decimal(45_000)), missions={}, size=""),
        by=community.created_by,
        ars=signed.ars(),
        cpam=None,
    )
    assert dialogues.open_due(today=OPENS) == []
    client.force_login(community.created_by)
    page = reverse("contracts:dialogues", args=[contract.public_id])
    said = client.get(page).content.decode()
    assert ("Ce CPOM ne nomme aucun indicateur" in said, "CPAM" in said) == (True, False)
    named = Indicator(
        key="places",
        mission="access_to_care",
        label="Créneaux ouverts",
        kind="count",
        targets=(Target(year=1, value=Decimal(10)),),
    )
    conversing.says(contract, indicators=to_data(Said(indicators=(named,)))["indicators"])
    dialogue = dialogues.open_due(today=OPENS)[0]
    assert [(one.key, one.target) for one in dialogue.lines.all()] == [("places", Decimal(10))]
    assert "ne nomme aucun indicateur" not in client.get(page).content.decode()
    # What is agreed pays nothing: its aid does not depend on it.
    before = balances.current_lines(contract)[1]
    reached = engaging.Results(OPENS, (engaging.Achievement(Decimal(1), Decimal(1)),))
    engaging.record_results(
        contract, dialogue.year, {"access_to_care": reached}, by=community.created_by
    )
    assert balances.current_lines(contract)[1] == before


# --- Who, and what is refused ---------------------------------------------------------------------


@pytest.mark.django_db
def test_a_declaration_is_complete_proved_and_free_of_patients(table: Table) -> None:
    dialogue, lead = table.dialogue, table.lead
    with pytest.raises(IncompleteError) as lacking:
        declaring.submit(dialogue, by=lead)
    assert len(lacking.value.missing) == dialogue.lines.count() + 1
    line = table.line("directory")
    number = SimpleUploadedFile("liste.csv", f"Suivi\n{NIR}".encode())
    with pytest.raises(PatientDataError, match="numéro de sécurité sociale"):
        declaring.declare(
            line, value=Decimal(1), comment="", by=lead, proof=number, is_confirmed=True
        )
    assert not DialogueProof.objects.exists()
    photo = SimpleUploadedFile("photo.png", b"\x89PNG\r\n\x1a\n" + bytes(100))
    kept = declaring.declare(line, value=Decimal(1), comment="", by=lead, proof=photo)
    assert kept
    assert not kept.was_read
    declaring.remove_proof(kept, by=lead)
    for value in (Decimal("1e12"), Decimal("-1e12")):
        with pytest.raises(ActionRefusedError, match="milliard"):
            declaring.declare(line, value=value, comment="", by=lead)
    with pytest.raises(ActionRefusedError, match="va de 0"):
        declaring.declare_spending(dialogue, {"salaries": Decimal(-1)}, "", by=lead)
    table.declare()
    with pytest.raises(ActionRefusedError, match="déjà transmise"):
        declaring.declare(line, value=Decimal(0), comment="", by=lead)
    reviewing.send_back(dialogue, "Il manque le bilan.", by=table.fund)
    declaring.declare(line, value=Decimal(0), comment="", by=lead)


@pytest.mark.django_db
def test_each_acts_in_turn_and_for_their_own_party(table: Table) -> None:
    dialogue = table.dialogue
    stranger = signed.agent(signed.cpam("31", "Haute-Garonne"))
    reader = factories.team_member(table.contract.community, role="reader").user
    editor = factories.team_member(table.contract.community, role="editor").user
    line = table.line("directory")
    for other in (stranger, reader, table.fund):
        with pytest.raises(PermissionDenied):
            declaring.declare(line, value=Decimal(1), comment="", by=other)
    table.declare(submit=False)
    with pytest.raises(PermissionDenied):
        perform(dialogue, "submit", actor=table.agency)
    declaring.submit(dialogue, by=editor)
    for other in (stranger, reader, table.lead):
        with pytest.raises(PermissionDenied):
            reviewing.review(dialogue, {}, by=other)
    with pytest.raises(ActionRefusedError, match="acceptez ou contestez"):
        reviewing.review(dialogue, {}, by=table.fund, finish=True)
    with pytest.raises(ActionRefusedError, match="pourquoi vous le contestez"):
        reviewing.review(dialogue, {line.pk: Reviewed("contested")}, by=table.fund)
    table.review()
    with pytest.raises(PermissionDenied):
        reviewing.review(dialogue, {}, by=table.fund)
    with pytest.raises(PermissionDenied):
        agreeing.conclude(dialogue, {}, by=table.lead)
    with pytest.raises(ActionRefusedError, match="pourquoi ce taux"):
        agreeing.conclude(dialogue, {line.pk: Agreed(Decimal(1), Decimal("0.5"))}, by=table.fund)
    table.propose()
    # An editor declares; the person responsible commits the CPTS.
    for other in (editor, stranger):
        with pytest.raises(PermissionDenied):
            minutes.agree(dialogue, table.signer(table.lead), by=other)
    with pytest.raises(ActionRefusedError, match="ne peut pas être lue"):
        minutes.agree(dialogue, minutes.Signer("A", "pas une adresse", "B"), by=table.lead)
    with pytest.raises(ActionRefusedError, match="parmi les personnes de"):
        minutes.agree(dialogue, minutes.Signer("A", "a@exemple.test", "B", editor), by=table.fund)
    minutes.agree(dialogue, table.signer(table.lead), by=table.lead)
    with pytest.raises(AlreadyDoneError):
        minutes.agree(dialogue, table.signer(table.lead), by=table.lead)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("values", "constraint"),
    [
        ({"state": "closed"}, "dialogue_closed_is_dated"),
        ({"state": "signing"}, "dialogue_signed_is_frozen"),
        ({"state": "answering"}, "dialogue_answers_have_a_limit"),
    ],
)
def test_the_database_refuses_a_dialogue_that_makes_no_sense(
    table: Table, values: dict[str, Any], constraint: str
) -> None:
    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        YearlyDialogue.objects.filter(pk=table.dialogue.pk).update(**values)


@pytest.mark.django_db
def test_the_database_refuses_a_rate_beyond_all_or_without_a_reason(table: Table) -> None:
    lines = DialogueLine.objects.filter(dialogue=table.dialogue)
    for values, constraint in (
        ({"set_rate": Decimal("1.5"), "set_reason": "x"}, "dialogue_line_rate_possible"),
        ({"set_rate": Decimal("0.5")}, "dialogue_line_set_rate_has_a_reason"),
        ({"value": Decimal("2e9")}, "dialogue_line_value_possible"),
    ):
        with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
            lines.update(**values)
