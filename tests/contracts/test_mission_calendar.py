"""By when missions start and are in place, what the CPTS declares, and whom the portal warns."""

from datetime import date, timedelta
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import User
from contracts.dialogue.patient_data import PatientDataError
from contracts.funding import balances, crises, engaging
from contracts.missions import calendar
from contracts.missions.calendar import MissionDates, State
from contracts.models import Contract, MissionStep
from notifications.models import Notification
from outbox.models import OutboxEvent
from tests import factories
from tests.contracts import signed
from tests.contracts.engaging import MISSIONS, STARTS
from tests.contracts.test_patient_data import NIR
from workflow.services import ActionRefusedError

Step = MissionStep.Step
LIMIT = date(2024, 1, 1)
LATE = "en retard\u00a0: à déployer au plus tard"


# --- Dates ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("declared", "today", "state", "said"),
    [
        ({}, LIMIT, State.TO_START, "À démarrer au plus tard le 1er janvier 2024"),
        (
            {},
            LIMIT + timedelta(days=1),
            State.LATE_TO_START,
            "À démarrer au plus tard le 1er janvier 2024",
        ),
        (
            {"started_on": STARTS},
            date(2025, 1, 1),
            State.STARTED,
            "Démarrée le 1er juillet 2023, à déployer au plus tard le 1er janvier 2025",
        ),
        (
            {"started_on": STARTS},
            date(2025, 1, 2),
            State.LATE_TO_DEPLOY,
            f"Démarrée le 1er juillet 2023, {LATE} le 1er janvier 2025",
        ),
        (
            {"started_on": STARTS, "deployed_on": LIMIT},
            date(2026, 1, 1),
            State.DEPLOYED,
            "Déployée le 1er janvier 2024",
        ),
    ],
)
def test_a_mission_stands_where_its_dates_say(
    declared: dict[str, Any], today: date, state: State, said: str
) -> None:
    one = MissionDates(
        "access_to_care", STARTS, start_by=LIMIT, deploy_by=date(2025, 1, 1), **declared
    )
    assert (one.state(today), one.said(today)) == (state, said)


@pytest.mark.parametrize(
    ("declared", "known_from", "state", "said"),
    [
        ({}, LIMIT + timedelta(days=1), State.UNKNOWN, "Démarrage à déclarer"),
        ({}, LIMIT, State.LATE_TO_START, "À démarrer au plus tard le 1er janvier 2024"),
        (
            {"started_on": STARTS},
            date(2025, 1, 2),
            State.UNKNOWN,
            "Démarrée le 1er juillet 2023, déploiement à déclarer",
        ),
        (
            {"started_on": STARTS, "deployed_on": LIMIT},
            date(2025, 1, 2),
            State.DEPLOYED,
            "Déployée le 1er janvier 2024",
        ),
    ],
)
def test_a_contract_taken_over_is_not_late_for_what_was_due_before(
    declared: dict[str, Any], known_from: date, state: State, said: str
) -> None:
    one = MissionDates(
        "access_to_care",
        STARTS,
        start_by=LIMIT,
        deploy_by=date(2025, 1, 1),
        known_from=known_from,
        **declared,
    )
    today = date(2026, 11, 23)
    assert (one.state(today), one.said(today)) == (state, said)
    assert bool(one.awaited) == (state == State.LATE_TO_START)


def test_each_threshold_is_due_for_a_fortnight_and_the_last_reached_only() -> None:
    one = MissionDates("prevention", STARTS, start_by=LIMIT)

    def due(days: int) -> list[int]:
        return [threshold for _, _, threshold in one.alerts_due(LIMIT + timedelta(days=days))]

    found = {days: due(days) for days in (-31, -30, -16, -15, -7, 0, 7, 21, 22, 30, 44, 45)}
    assert found == {
        -31: [], -30: [-30], -16: [-30], -15: [], -7: [-7], 0: [-7], 7: [7], 21: [7], 22: [],
        30: [30], 44: [30], 45: [],
    }  # fmt: skip


def test_the_limits_are_sourced_and_leave_optional_missions_and_older_contracts_free() -> None:
    found = calendar.limits()
    assert {key: (one.start_months, one.deploy_months) for key, one in found.items()} == {
        ("aci", "access_to_care"): (6, 18),
        ("aci", "care_pathways"): (12, 24),
        ("aci", "prevention"): (12, 24),
        ("aci", "health_crisis"): (6, 18),
    }
    assert all(one.source for one in found.values())


# --- A contract -----------------------------------------------------------------------------------


@pytest.fixture
def contract() -> Contract:
    return signed.contract()


@pytest.fixture
def lead(contract: Contract) -> User:
    return contract.community.created_by


def declare(contract: Contract, by: User, **given: Any) -> MissionStep:
    values: dict[str, Any] = {
        "mission": "prevention",
        "step": Step.STARTED,
        "on": date(2023, 9, 1),
        "note": "Première action menée au lycée.",
    }
    return calendar.declare_step(contract, by=by, **(values | given))


@pytest.mark.django_db
def test_limits_count_from_the_signature_and_from_the_amendment_that_brought_the_mission(
    contract: Contract, lead: User
) -> None:
    found = {one.mission: one for one in calendar.calendar_of(contract)}
    assert set(found) == set(MISSIONS)
    assert (found["access_to_care"].start_by, found["access_to_care"].deploy_by) == (
        date(2024, 1, 1),
        date(2025, 1, 1),
    )
    assert found["quality_relevance"].start_by is None
    later = signed.contract(
        missions=dict.fromkeys([one for one in MISSIONS if one != "prevention"], STARTS)
    )
    engaging.amend_contract(
        later,
        effective_on=date(2024, 3, 31),
        signed_on=date(2024, 3, 31),
        missions=dict.fromkeys(MISSIONS, date(2024, 4, 1)),
        by=lead,
    )
    added = {one.mission: one for one in calendar.calendar_of(later)}["prevention"]
    assert (added.start_by, added.deploy_by) == (date(2025, 3, 31), date(2026, 3, 31))


@pytest.mark.django_db
def test_the_team_declares_with_a_proof_and_takes_back(contract: Contract, lead: User) -> None:
    with pytest.raises(ActionRefusedError, match="déclarez d’abord son démarrage"):
        declare(contract, lead, step=Step.DEPLOYED)
    started = declare(contract, lead)
    for given, words in (
        ({}, "déjà déclaré"),
        ({"mission": "unknown"}, "pas dans le contrat"),
        ({"step": Step.DEPLOYED, "on": date(2023, 8, 31)}, "ne peut pas être déployée avant"),
        ({"mission": "care_pathways", "on": date(2999, 1, 1)}, "est à venir"),
        ({"mission": "care_pathways", "on": date(1999, 1, 1)}, "vérifiez l’année"),
        ({"mission": "care_pathways", "note": " "}, "Rien ne montre"),
        ({"mission": "care_pathways", "note": "x" * 1001}, "dépasse 1000 signes"),
    ):
        with pytest.raises(ActionRefusedError, match=words):
            declare(contract, lead, **given)
    declare(contract, lead, step=Step.DEPLOYED, on=date(2024, 9, 1))
    with pytest.raises(ActionRefusedError, match="retirez d’abord"):
        calendar.withdraw_step(contract, started.pk, by=lead)
    deployed = contract.mission_steps.get(step=Step.DEPLOYED)
    calendar.withdraw_step(contract, deployed.pk, by=lead)
    with pytest.raises(ActionRefusedError, match="déjà retirée"):
        calendar.withdraw_step(contract, deployed.pk, by=lead)
    one = {each.mission: each for each in calendar.calendar_of(contract)}["prevention"]
    assert (one.started_on, one.deployed_on) == (date(2023, 9, 1), None)
    assert contract.cpam
    for other in (
        signed.agent(contract.cpam),
        signed.agent(signed.ars()),
        factories.team_member(contract.community, role="reader").user,
    ):
        with pytest.raises(PermissionDenied):
            declare(contract, other, mission="care_pathways")
        with pytest.raises(PermissionDenied):
            calendar.withdraw_step(contract, started.pk, by=other)
    with pytest.raises(IntegrityError, match="mission_step_declared_once"), transaction.atomic():
        MissionStep.objects.create(
            contract=contract, mission="prevention", step=Step.STARTED, on=STARTS, note="x",
            declared_by=lead,
        )  # fmt: skip


@pytest.mark.django_db
def test_a_proof_is_kept_unless_it_shows_patients(contract: Contract, lead: User) -> None:
    def file(text: str) -> SimpleUploadedFile:
        return SimpleUploadedFile("preuve.csv", text.encode())

    with pytest.raises(PatientDataError, match="numéro de sécurité sociale, ligne 2"):
        declare(contract, lead, proof=file(f"Suivi\n{NIR}"), is_confirmed=True)
    people = "Nom;Prénom;Profession\nMartin;Camille;Infirmière"
    with pytest.raises(PatientDataError, match="cochez la case"):
        declare(contract, lead, proof=file(people))
    assert not MissionStep.objects.exists()
    step = declare(contract, lead, proof=file(people), is_confirmed=True, note="")
    assert step.proof
    assert (step.proof.content_type, step.confirmed_no_patient) == (
        "text/csv",
        "une colonne de noms et une de prénoms",
    )
    with pytest.raises(ActionRefusedError, match="n’est pas accepté ici"):
        declare(contract, lead, mission="care_pathways", proof=SimpleUploadedFile("a.csv", b"\0\1"))


@pytest.mark.django_db
def test_the_three_parties_are_told_once_and_not_of_what_was_done(
    contract: Contract, lead: User, deliver_outbox: Any
) -> None:
    assert contract.cpam
    fund, agency = signed.agent(contract.cpam), signed.agent(signed.ars())
    # The crisis mission waits too; access is declared.
    declare(contract, lead, mission="access_to_care")
    calendar.publish_alerts(today=date(2023, 12, 5))
    calendar.publish_alerts(today=date(2023, 12, 6))
    deliver_outbox()
    told = Notification.objects.filter(kind="contract_calendar")
    assert set(told.values_list("recipient", flat=True)) == {
        lead.email,
        fund.email,
        agency.email,
    }
    assert told.count() == 3
    assert {one.path for one in told} == {reverse("contracts:missions", args=[contract.public_id])}
    assert set(told.values_list("title", flat=True)) == {"Mission à démarrer avant 30 jours"}
    # Declared between the alert and its delivery: nobody is told.
    calendar.publish_alerts(today=date(2023, 12, 26))
    assert OutboxEvent.objects.filter(done_at=None).count() == 1
    declare(contract, lead, mission="health_crisis")
    deliver_outbox()
    assert told.count() == 3


# --- Pages ----------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_the_page_says_where_each_mission_stands_and_takes_a_declaration(
    contract: Contract, lead: User
) -> None:
    client = Client()
    client.force_login(lead)
    page = reverse("contracts:missions", args=[contract.public_id])
    form = reverse("contracts:mission-declare", args=[contract.public_id, "prevention", "started"])

    doubtful = SimpleUploadedFile("présents.csv", "Nom;Prénom".encode())
    sent = {"on": "2023-09-01", "evidence": "Action menée."}
    refused = client.post(form, sent | {"proof": doubtful})
    assert (refused.status_code, 'name="no_patient"' in refused.content.decode()) == (422, True)
    doubtful.seek(0)
    assert client.post(form, sent | {"proof": doubtful, "no_patient": "on"}).status_code == 302
    with CaptureQueriesContext(connection) as first:
        text = client.get(page).content.decode()
    assert "Démarrée le 1" in text
    assert "confirmé que ce ne sont pas des patients" in text
    step = contract.mission_steps.get()
    proof = client.get(reverse("contracts:mission-proof", args=[contract.public_id, step.pk]))
    assert proof["Content-Disposition"].startswith("attachment")
    assert b"".join(proof.streaming_content) == "Nom;Prénom".encode()
    for mission in MISSIONS[:2]:
        declare(contract, lead, mission=mission)
    with CaptureQueriesContext(connection) as more:
        client.get(page)
    assert len(more) == len(first)
    file = client.get(reverse("contracts:missions-file", args=[contract.public_id]))
    lines = file.content.decode().replace("\r\n ", "").split("\r\n")
    assert (lines.count("BEGIN:VEVENT"), "METHOD:PUBLISH" in lines) == (5, True)
    assert "DTSTART;VALUE=DATE:20250701" in lines


# --- Crises ---------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_the_agency_alone_recognises_a_crisis_whose_share_falls_due_and_tells_all(
    contract: Contract, lead: User, deliver_outbox: Any
) -> None:
    assert contract.cpam
    agency = signed.agent(contract.ars)
    for other in (lead, signed.agent(contract.cpam)):
        with pytest.raises(PermissionDenied):
            crises.recognise(contract, date(2025, 2, 1), "Épidémie", by=other)
    for day, name, words in (
        (date(2999, 1, 1), "Épidémie", "est à venir"),
        (date(2023, 6, 30), "Épidémie", "entre ces deux jours"),
        (date(2025, 2, 1), "  ", "Nommez la crise"),
    ):
        with pytest.raises(ActionRefusedError, match=words):
            crises.recognise(contract, day, name, by=agency)
    client = Client()
    client.force_login(agency)
    form = reverse("contracts:crisis", args=[contract.public_id])
    assert client.post(form, {"on": "2025-02-01", "name": ""}).status_code == 422
    assert client.post(form, {"on": "2025-02-01", "name": "Épidémie"}).status_code == 302
    with pytest.raises(ActionRefusedError, match="déjà reconnue"):
        crises.recognise(contract, date(2025, 2, 1), "Encore", by=agency)
    due = [one for one in balances.current_lines(contract)[1] if one.share == "crisis"]
    assert [(one.year, str(one.amount)) for one in due] == [(2, "67500.00")]
    page = reverse("contracts:missions", args=[contract.public_id])
    assert "Épidémie (écrit par" in client.get(page).content.decode()
    deliver_outbox()
    assert Notification.objects.filter(key__startswith="crisis:").count() == 3
