"""Asking bodies: the plan leaves by itself, deadlines pass, reminders leave once."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.models import Membership
from letters.models import LetterOfIntent
from outbox.models import Mail, OutboxEvent
from outbox.services import deliver_pending
from procedures.circuit import (
    Body,
    Circuit,
    ConsultationKind,
    PlannedConsultation,
    Scope,
    SilenceOfBody,
)
from procedures.registry import get
from tests import factories
from tests.letters import cases
from tests.workflow import asking
from workflow import consultations
from workflow.board import read_board
from workflow.consultations import (
    ask_again,
    close_the_silent,
    extend,
    open_plan,
    revoke,
    send_reminders,
)
from workflow.models import (
    Case,
    CaseDesk,
    Consultation,
    ConsultationLog,
    ConsultationNotice,
    TransitionLog,
)
from workflow.opinions import draft_opinion, validate_opinion
from workflow.services import ActionRefusedError, AlreadyDoneError, perform
from workflow.states import CaseState
from workflow.tasks import follow_consultations
from writing.consulting import consult, withdraw

pytestmark = pytest.mark.django_db


def mailed(subject_has: str) -> list[str]:
    """Who was written to, with a subject that says this."""
    return sorted(
        Mail.objects.filter(subject__contains=subject_has).values_list("recipient", flat=True)
    )


def actions(consultation: Consultation) -> list[str]:
    return list(consultation.logs.values_list("action", flat=True))


def states(letter: LetterOfIntent) -> dict[str, str]:
    return dict(letter.consultations.values_list("body__name", "state"))


# --- The plan leaves by itself -----------------------------------------------------------


def test_the_deposit_of_a_letter_asks_each_body_of_the_circuit():
    first, second = asking.urps("Médecins"), asking.urps("Infirmiers")
    letter = cases.deposited("76")
    assert letter.state == CaseState.DEPOSITED
    deliver_pending()
    letter = asking.fresh(letter)
    assert letter.state == CaseState.IN_CONSULTATION
    assert {
        one.body: (one.kind, one.state, one.line, one.grid, one.silence, one.due_on, one.round)
        for one in letter.consultations.select_related("body")
    } == dict.fromkeys(
        (first, second),
        ("expected", "requested", "urps", "guichet", "no_opinion", asking.in_days(21), 1),
    )
    assert list(
        TransitionLog.objects.filter(case=letter, transition="start_consultation").values_list(
            "actor", "body", "from_state", "to_state"
        )
    ) == [(None, None, "deposited", "in_consultation")]
    assert set(
        CaseDesk.objects.filter(case=letter, kind="consulted").values_list(
            "organisation", flat=True
        )
    ) == {first.pk, second.pk}


def test_a_consulted_body_sees_the_case_only_once_it_is_asked():
    body = asking.urps("Médecins")
    letter = cases.complete("76")
    seen = []
    for step in (lambda: None, lambda: cases.file(letter), lambda: consult(case_id=letter.pk)):
        step()
        seen.append(list(LetterOfIntent.objects.visible_to(asking.reviewer(body))))
    assert seen == [[], [], [letter]]


def test_members_of_a_body_are_written_to_once_and_each_message_leaves_a_row():
    body = asking.urps("Médecins")
    factories.membership(organisation_=body, role="coordinator")
    factories.membership(organisation_=body, role="reviewer", is_active=False)
    letter = asking.deposited_and_asked()
    consult(case_id=letter.pk)
    open_plan(letter)
    expected = sorted([asking.reviewer(body).email, asking.president(body).email])
    assert mailed("votre avis avant le") == expected
    notices = ConsultationNotice.objects.filter(consultation__case=letter)
    assert sorted((n.recipient, n.kind, n.cause, n.result) for n in notices) == [
        (email, "request", "1", "en attente") for email in expected
    ]
    deliver_pending()
    assert {notice.result for notice in notices.all()} == {"envoyé"}
    subject = Mail.objects.get(recipient=expected[0]).subject
    assert subject.startswith(f"{letter.title} · {letter.reference} – ")


def test_a_message_that_cannot_leave_says_so(settings):
    asking.urps("Médecins")
    asking.deposited_and_asked()
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 9
    deliver_pending()
    assert {notice.result for notice in ConsultationNotice.objects.all()} == {
        "pas encore parti, nouvel essai prévu"
    }
    Mail.objects.all().delete()
    assert {notice.result for notice in ConsultationNotice.objects.all()} == {"résultat effacé"}


def test_a_reader_limited_to_another_departement_is_not_asked():
    body = asking.urps("Médecins")
    asking.member(body, "reviewer", "31")
    here = asking.member(body, "reviewer", "81")
    asking.deposited_and_asked(communes=("81140",))
    assert asking.member(body, "reviewer", "31").email not in mailed("votre avis")
    assert here.email in mailed("votre avis")


def test_pays_de_la_loire_asks_its_committee_and_tells_the_cpam():
    committee = asking.regional_committee()
    cpam = factories.organisation("cpam", region=committee.region, department_id="44")
    other = factories.organisation("cpam", region=committee.region, department_id="49")
    corecs = factories.organisation("committee", region=committee.region)
    letter = asking.deposited_and_asked("52", communes=("44114",))
    assert {one.body: (one.kind, one.state, one.due_on) for one in letter.consultations.all()} == {
        committee: ("expected", "requested", asking.in_days(30)),
        cpam: ("information", "informed", None),
    }
    kinds = dict(CaseDesk.objects.filter(case=letter).values_list("organisation", "kind"))
    assert (kinds[committee.pk], kinds[cpam.pk]) == ("consulted", "informed")
    assert not {other.pk, corecs.pk} & set(kinds)


def test_hauts_de_france_tells_the_cpam_and_waits_for_nobody():
    cases.reference_rows()
    cpam = factories.organisation(
        "cpam", region=factories.region("32", "Hauts-de-France"), department_id="59"
    )
    person = factories.membership(organisation_=cpam)
    letter = asking.deposited_and_asked("32", communes=("59350",))
    assert letter.state == CaseState.DEPOSITED
    assert states(letter) == {cpam.name: "informed"}
    assert mailed("communiqué pour information") == [person.user.email]
    consult(case_id=letter.pk)
    assert Consultation.objects.count() == 1


def test_the_national_circuit_asks_nobody_and_publishes_nothing():
    letter = cases.deposited("84", communes=("01053",))
    assert not OutboxEvent.objects.filter(handler="writing.consult").exists()
    consult(case_id=letter.pk)
    assert asking.fresh(letter).state == CaseState.DEPOSITED


def test_a_letter_withdrawn_before_the_worker_came_is_sent_to_nobody():
    asking.urps("Médecins")
    letter = cases.deposited("76")
    withdraw(letter, actor=letter.created_by, reason="Erreur de territoire.")
    deliver_pending()
    assert asking.fresh(letter).state == CaseState.WITHDRAWN
    assert not Consultation.objects.exists()


def test_a_worker_killed_halfway_leaves_nothing_and_the_next_one_does_all(monkeypatch):
    bodies = [asking.urps(str(number)) for number in range(3)]
    letter = cases.deposited("76")
    real, calls = consultations.tell_body, []

    class KilledError(Exception):
        pass

    def dies_at_the_second(*args: Any, **kwargs: Any) -> int:
        calls.append(1)
        if len(calls) == 2:
            raise KilledError
        return real(*args, **kwargs)

    with monkeypatch.context() as broken:
        broken.setattr(consultations, "tell_body", dies_at_the_second)
        with pytest.raises(KilledError):
            consult(case_id=letter.pk)
    assert (Consultation.objects.count(), mailed("votre avis")) == (0, [])
    assert asking.fresh(letter).state == CaseState.DEPOSITED
    consult(case_id=letter.pk)
    assert set(states(letter).values()) == {"requested"}
    assert len(mailed("votre avis")) == 2 * len(bodies)


# --- Bodies that nobody can answer for ---------------------------------------------------


def test_the_coordinator_is_told_at_once_of_bodies_that_cannot_answer():
    asking.urps("Médecins")
    asking.urps("Infirmiers", with_members=False)
    alone = asking.urps("Pharmaciens", with_members=False)
    asking.reviewer(alone)
    coordinator = asking.coordinator()
    letter = asking.deposited_and_asked()
    assert mailed("personne ne peut rendre") == [coordinator.email]
    text = Mail.objects.get(recipient=coordinator.email).text_body
    assert "URPS Infirmiers\u00a0: aucun de ses membres n’a de compte" in text
    assert "URPS Pharmaciens\u00a0: personne ne peut y valider un avis" in text
    assert "URPS Médecins" not in text
    open_plan(letter)
    consult(case_id=letter.pk)
    assert len(mailed("personne ne peut rendre")) == 1
    silent = letter.consultations.get(body__name="URPS Infirmiers")
    assert actions(silent) == ["no_member", "requested"]


def test_without_coordinator_at_the_office_the_agency_is_told_then_the_mailbox():
    cases.reference_rows()
    asking.deposited_and_asked()
    assert mailed("personne ne peut rendre") == ["one_stop_desk.76@exemple.test"]
    agency = asking.member(asking.agency(), "coordinator")
    asking.deposited_and_asked()
    assert mailed("personne ne peut rendre") == sorted(
        [agency.email, "one_stop_desk.76@exemple.test"]
    )


def test_a_circuit_that_finds_no_body_at_all_still_lets_the_guichet_go_on():
    coordinator = asking.coordinator()
    letter = asking.deposited_and_asked()
    assert letter.state == CaseState.IN_CONSULTATION
    assert states(letter) == {}
    assert mailed("personne ne peut rendre") == [coordinator.email]
    asking.write_synthesis(letter, "Aucun organisme à consulter.")
    perform(letter, "transmit", actor=coordinator)
    assert letter.state == CaseState.UNDER_REVIEW


# --- Stages ------------------------------------------------------------------------------


def circuit_in_two_stages() -> Circuit:
    """Occitanie's, then the agency's office of the département, for information and opinion."""
    plan = get("occitanie", 1).circuit
    (first,) = plan.consultations
    second = PlannedConsultation(
        key="branch",
        label="Le bureau du département",
        kind=ConsultationKind.EXPECTED,
        body=Body.ARS_BRANCH,
        scope=Scope.DEPARTMENT,
        stage=2,
        days=10,
        silence=SilenceOfBody.DEEMED_GIVEN,
        source="Essai.",
    )
    return replace(plan, consultations=(first, second))


def test_a_stage_begins_when_nothing_is_awaited_of_the_one_before():
    medics, nurses = asking.urps("Médecins"), asking.urps("Infirmiers")
    letter = cases.deposited("76")
    Case.objects.filter(pk=letter.pk).update(state=CaseState.IN_CONSULTATION)
    open_plan(letter, circuit_in_two_stages())
    branch = cases.body("ars_branch", "76", "81")
    later = asking.request_to(letter, branch)
    assert (later.state, later.due_on, later.requested_at) == ("waiting", None, None)
    agent = asking.member(branch, "agent")
    with pytest.raises(ActionRefusedError, match="pas encore demandé"):
        draft_opinion(later, user=agent, base_revision=0)
    asking.give(letter, medics)
    assert asking.request_to(letter, branch).state == "waiting"
    revoke(asking.request_to(letter, nurses), user=asking.coordinator(), reason="Doublon.")
    later = asking.request_to(letter, branch)
    assert (later.state, later.due_on) == ("requested", asking.in_days(10))
    assert mailed("plus aucun avis") == []


# --- Silence -----------------------------------------------------------------------------


def test_silence_at_the_deadline_is_noted_once_and_tells_the_office():
    body, prompt = asking.urps("Médecins"), asking.urps("Infirmiers")
    coordinator = asking.coordinator()
    letter = asking.deposited_and_asked()
    asking.give(letter, prompt)
    request = asking.request_to(letter, body)
    asking.overdue(request, days=0)
    assert close_the_silent() == 0
    asking.overdue(request)
    assert [close_the_silent(), close_the_silent()] == [1, 0]
    assert states(letter) == {body.name: "silent", prompt.name: "given"}
    line = request.logs.get(action="fell_silent")
    assert (line.actor, line.comment) == (None, "Silence au terme du délai\u00a0: sans avis")
    assert mailed("plus aucun avis") == [coordinator.email]


def test_one_case_that_fails_holds_up_no_other(caplog):
    bodies = [asking.urps(name) for name in ("Médecins", "Infirmiers")]
    letter = asking.deposited_and_asked()
    for body in bodies:
        asking.overdue(asking.request_to(letter, body))
    broken = asking.request_to(letter, bodies[0])
    Consultation.objects.filter(pk=broken.pk).update(silence="unheard of")
    assert close_the_silent() == 1
    assert sorted(states(letter).values()) == ["requested", "silent"]
    assert f"Consultation {broken.pk} could not be dealt with" in caplog.text


def test_the_periodic_task_notes_silences_then_reminds():
    body = asking.urps("Médecins")
    letter = asking.deposited_and_asked()
    asking.overdue(asking.request_to(letter, body))
    follow_consultations()
    request = asking.request_to(letter, body)
    assert request.state == "silent"
    assert set(request.notices.values_list("kind", flat=True)) == {"request", "overdue"}


# --- Reminders ---------------------------------------------------------------------------


def reminded(letter: LetterOfIntent) -> list[tuple[str, int]]:
    """Kind and number of days of each reminder sent, once per cause."""
    causes = ConsultationNotice.objects.filter(
        consultation__case=letter, kind__in=["reminder", "overdue"]
    ).order_by("pk")
    return list(dict.fromkeys((one.kind, int(one.cause.split(":")[2])) for one in causes))


def test_a_body_is_reminded_seven_and_two_days_before_and_once_after():
    body = asking.urps("Médecins")
    letter = asking.deposited_and_asked()
    due = asking.request_to(letter, body).due_on
    for day in range(22):
        send_reminders(today=due - timedelta(days=21 - day))
        send_reminders(today=due - timedelta(days=21 - day))
    assert reminded(letter) == [("reminder", 7), ("reminder", 2)]
    close_the_silent(today=due + timedelta(days=1))
    for day in range(1, 40):
        send_reminders(today=due + timedelta(days=day))
    assert reminded(letter) == [("reminder", 7), ("reminder", 2), ("overdue", 1)]
    assert len(mailed("avis attendu avant le")) == 4
    assert len(mailed("délai de votre avis passé")) == 2


def test_after_a_stop_of_several_days_only_the_most_pressing_reminder_leaves():
    body = asking.urps("Médecins")
    letter = asking.deposited_and_asked()
    due = asking.request_to(letter, body).due_on
    send_reminders(today=due - timedelta(days=1))
    assert reminded(letter) == [("reminder", 2)]


def test_who_has_answered_is_not_reminded_and_who_was_just_asked_neither():
    body, other = asking.urps("Médecins"), asking.urps("Infirmiers")
    letter = asking.deposited_and_asked()
    due = asking.request_to(letter, body).due_on
    asking.give(letter, body)
    asking.give(letter, other)
    send_reminders(today=due - timedelta(days=2))
    assert reminded(letter) == []
    ask_again(
        asking.request_to(letter, body),
        user=asking.coordinator(),
        due_on=asking.in_days(5),
        comment="La lettre a changé.",
    )
    send_reminders()
    assert reminded(letter) == []
    send_reminders(today=asking.in_days(3))
    assert reminded(letter) == [("reminder", 2)]


def test_bodies_of_a_withdrawn_letter_are_not_reminded():
    body = asking.urps("Médecins")
    letter = asking.deposited_and_asked()
    due = asking.request_to(letter, body).due_on
    withdraw(letter, actor=letter.created_by, reason="Le projet s’arrête.")
    assert send_reminders(today=due - timedelta(days=2)) == 0


# --- What the office does ----------------------------------------------------------------


def test_an_office_gives_more_time_even_after_the_deadline():
    body = asking.urps("Médecins")
    letter = asking.deposited_and_asked()
    request = asking.request_to(letter, body)
    asking.overdue(request)
    close_the_silent()
    extend(request, user=asking.coordinator(), due_on=asking.in_days(8), comment="Congés.")
    request.refresh_from_db()
    assert (request.state, request.due_on, request.round) == ("requested", asking.in_days(8), 1)
    assert actions(request) == ["requested", "fell_silent", "extended"]
    assert len(mailed("votre avis est attendu avant le")) == 2
    send_reminders(today=asking.in_days(1))
    assert reminded(letter) == [("reminder", 7)]
    assert not asking.give(letter, body).is_late


@pytest.mark.parametrize(
    ("days", "reason"),
    [
        (0, "La date limite doit être dans l’avenir"),
        (-3, "La date limite doit être dans l’avenir"),
        (5, "L’avis est déjà attendu pour le"),
        (21, "L’avis est déjà attendu pour le"),
        (400, "à plus d’un an"),
    ],
)
def test_an_extension_to_a_wrong_day_is_refused_with_the_reason(days, reason):
    body = asking.urps("Médecins")
    request = asking.request_to(asking.deposited_and_asked(), body)
    with pytest.raises(ActionRefusedError, match=reason):
        extend(request, user=asking.coordinator(), due_on=asking.in_days(days))
    request.refresh_from_db()
    assert (request.due_on, actions(request)) == (asking.in_days(21), ["requested"])


def test_asking_again_keeps_the_first_opinion_and_waits_for_another():
    body = asking.urps("Médecins")
    letter = asking.deposited_and_asked()
    first = asking.give(letter, body)
    request = ask_again(
        asking.request_to(letter, body),
        user=asking.coordinator(),
        due_on=asking.in_days(10),
        comment="La lettre a changé.",
    )
    assert (request.state, request.round) == ("requested", 2)
    second = asking.give(letter, body, text="Un projet plus solide encore.")
    first.refresh_from_db()
    assert (first.is_current, second.is_current) == (False, True)
    assert (first.is_counted, second.is_counted) == (False, True)
    assert actions(request) == [
        "requested",
        "submitted",
        "validated",
        "asked_again",
        "submitted",
        "validated",
    ]
    text = Mail.objects.filter(deduplication_key__contains="request:2").first().text_body
    assert "Un nouvel avis vous est demandé\u00a0: La lettre a changé." in text
    (row,) = read_board(letter, asking.coordinator())
    assert (row.opinion, row.replaced, row.stage) == (second, [first], "Rendu")


def test_asking_again_says_why():
    body = asking.urps("Médecins")
    letter = asking.deposited_and_asked()
    asking.give(letter, body)
    with pytest.raises(ActionRefusedError, match="Dites à l’organisme pourquoi"):
        ask_again(
            asking.request_to(letter, body),
            user=asking.coordinator(),
            due_on=asking.in_days(10),
            comment=" \n",
        )


def test_a_body_that_is_no_longer_asked_loses_the_case_and_is_told_why():
    body = asking.urps("Médecins")
    letter = asking.deposited_and_asked()
    asking.draft(letter, body)
    request = asking.request_to(letter, body)
    revoke(request, user=asking.coordinator(), reason="Hors de son champ.")
    request.refresh_from_db()
    assert (request.state, request.revocation_reason) == ("revoked", "Hors de son champ.")
    assert not LetterOfIntent.objects.visible_to(asking.reviewer(body)).exists()
    assert len(mailed("n’est plus demandé")) == 2
    with pytest.raises(ActionRefusedError, match=r"retirée par .* Hors de son champ"):
        draft_opinion(request, user=asking.reviewer(body), base_revision=1)


def test_an_opinion_that_was_given_cannot_be_put_aside_by_revoking_it():
    body, other = asking.urps("Médecins"), asking.urps("Infirmiers")
    letter = asking.deposited_and_asked()
    asking.give(letter, body)
    with pytest.raises(AlreadyDoneError, match=str(asking.president(body))):
        revoke(asking.request_to(letter, body), user=asking.coordinator(), reason="Gênant.")
    late = asking.request_to(letter, other)
    asking.overdue(late)
    asking.give(letter, other)
    with pytest.raises(ActionRefusedError, match="il reste au dossier"):
        revoke(late, user=asking.coordinator(), reason="Gênant.")


def test_a_revoked_body_can_be_planned_again():
    body = asking.urps("Médecins")
    letter = asking.deposited_and_asked()
    revoke(asking.request_to(letter, body), user=asking.coordinator(), reason="Erreur.")
    open_plan(letter)
    assert sorted(letter.consultations.values_list("state", flat=True)) == ["requested", "revoked"]
    assert LetterOfIntent.objects.visible_to(asking.reviewer(body)).exists()


def everybody(letter: LetterOfIntent, body: Any) -> dict[str, Any]:
    office, agency = asking.guichet(), asking.agency()
    return {
        "owner": letter.created_by,
        "office reviewer": asking.member(office, "reviewer"),
        "office coordinator": asking.member(office, "coordinator"),
        "office president": asking.member(office, "president"),
        "office signatory": asking.member(office, "signatory"),
        "office coordinator elsewhere": asking.member(office, "coordinator", "31"),
        "agency coordinator": asking.member(agency, "coordinator"),
        "body president": asking.president(body),
        "outsider": factories.user(),
    }


def test_the_office_in_charge_and_nobody_else_conducts_the_consultations():
    body = asking.urps("Médecins")
    letter = asking.deposited_and_asked()
    request = asking.request_to(letter, body)
    asking.overdue(request)
    close_the_silent()
    verbs = {
        "extend": lambda user: extend(request, user=user, due_on=asking.in_days(40)),
        "ask again": lambda user: ask_again(
            request, user=user, due_on=asking.in_days(40), comment="Encore."
        ),
        "revoke": lambda user: revoke(request, user=user, reason="Inutile."),
    }
    allowed: dict[str, set[str]] = {name: set() for name in verbs}
    for name, verb in verbs.items():
        for role, user in everybody(letter, body).items():
            savepoint = transaction.savepoint()
            try:
                verb(user)
            except PermissionDenied:
                continue
            allowed[name].add(role)
            transaction.savepoint_rollback(savepoint)
    office = {"office reviewer", "office coordinator", "office president"}
    assert allowed == dict.fromkeys(verbs, office)


def test_an_office_member_whose_role_ended_meanwhile_is_refused():
    body = asking.urps("Médecins")
    letter = asking.deposited_and_asked()
    coordinator = asking.coordinator()
    Membership.objects.filter(pk=coordinator.acting.pk).update(is_active=False)
    with pytest.raises(PermissionDenied, match="a pris fin"):
        revoke(asking.request_to(letter, body), user=coordinator, reason="Inutile.")


def test_nothing_is_asked_on_a_letter_that_is_decided():
    body = asking.urps("Médecins")
    letter = asking.deposited_and_asked()
    Case.objects.filter(pk=letter.pk).update(state=CaseState.REFUSED)
    with pytest.raises(ActionRefusedError, match="n’est plus à l’étape des avis"):
        revoke(asking.request_to(letter, body), user=asking.coordinator(), reason="Tard.")


# --- Withdrawal of the letter ------------------------------------------------------------


def test_withdrawing_a_letter_stops_asking_and_keeps_what_was_given():
    given, drafting = asking.urps("Médecins"), asking.urps("Infirmiers")
    letter = asking.deposited_and_asked()
    opinion = asking.give(letter, given)
    asking.draft(letter, drafting)
    log = withdraw(letter, actor=letter.created_by, reason="Le projet s’arrête.")
    assert (log.to_state, log.comment) == ("withdrawn", "Le projet s’arrête.")
    assert states(letter) == {given.name: "given", drafting.name: "revoked"}
    opinion.refresh_from_db()
    assert opinion.is_counted
    with pytest.raises(ActionRefusedError, match="La CPTS a retiré son dossier"):
        validate_opinion(
            letter.consultations.get(body=drafting), user=asking.president(drafting), revision=1
        )


@pytest.mark.parametrize("reason", ["", "  \n\0", "x" * 2001])
def test_a_withdrawal_says_why_within_bounds(reason):
    letter = cases.deposited("76")
    with pytest.raises(ActionRefusedError):
        withdraw(letter, actor=letter.created_by, reason=reason)
    assert asking.fresh(letter).state == CaseState.DEPOSITED


def test_only_an_owner_withdraws():
    letter = cases.deposited("76")
    editor = factories.team_member(letter.community, role="editor").user
    with pytest.raises(PermissionDenied):
        withdraw(letter, actor=editor, reason="Je change d’avis.")


# --- What the database refuses whoever writes --------------------------------------------


@pytest.mark.parametrize(
    ("change", "constraint"),
    [
        ({"state": "forgotten"}, "consultation_known_state"),
        ({"due_on": None}, "consultation_requested_is_dated_and_due"),
        ({"requested_at": None}, "consultation_requested_is_dated_and_due"),
        ({"state": "informed"}, "consultation_information_awaits_nothing"),
        ({"days": None}, "consultation_information_awaits_nothing"),
        ({"silence": ""}, "consultation_information_awaits_nothing"),
        ({"kind": "information"}, "consultation_information_awaits_nothing"),
        ({"state": "revoked"}, "consultation_revoked_is_dated_and_reasoned"),
        (
            {"state": "revoked", "revoked_at": timezone.now()},
            "consultation_revoked_is_dated_and_reasoned",
        ),
        ({"revocation_reason": "?"}, "consultation_revoked_is_dated_and_reasoned"),
    ],
)
def test_the_database_refuses_a_consultation_that_is_not_one(change, constraint):
    body = asking.urps("Médecins")
    request = asking.request_to(asking.deposited_and_asked(), body)
    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        Consultation.objects.filter(pk=request.pk).update(**change)


def test_the_database_refuses_to_ask_a_body_twice_and_a_notice_twice():
    body = asking.urps("Médecins")
    request = asking.request_to(asking.deposited_and_asked(), body)
    again = Consultation.objects.get(pk=request.pk)
    again.pk = None
    with pytest.raises(IntegrityError, match="consultation_one_per_body"), transaction.atomic():
        again.save()
    notice = request.notices.first()
    notice.pk = None
    with pytest.raises(IntegrityError, match="consultation_notice_once"), transaction.atomic():
        notice.save()


def test_the_database_refuses_an_instructor_on_a_draft_and_a_withdrawal_without_reason():
    letter = cases.draft()
    with pytest.raises(IntegrityError, match="case_draft_has_no_instructor"), transaction.atomic():
        Case.objects.filter(pk=letter.pk).update(instructor=letter.created_by)
    with pytest.raises(IntegrityError, match="withdrawal_says_why"), transaction.atomic():
        TransitionLog.objects.create(
            case=letter, transition="withdraw", from_state="deposited", to_state="withdrawn"
        )
    with pytest.raises(IntegrityError, match="case_known_state"), transaction.atomic():
        Case.objects.filter(pk=cases.deposited().pk).update(state="lost")


def test_every_line_of_the_log_keeps_its_author():
    body = asking.urps("Médecins")
    letter = asking.deposited_and_asked()
    asking.give(letter, body)
    assert list(
        ConsultationLog.objects.filter(consultation__case=letter).values_list("action", "actor")
    ) == [
        ("requested", None),
        ("submitted", asking.reviewer(body).pk),
        ("validated", asking.president(body).pk),
    ]
