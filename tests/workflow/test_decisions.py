"""A decision: proposed, approved by all who decide, taken once; sent back, changed, withdrawn."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction
from django.utils import timezone
from hypothesis import given, settings
from hypothesis import strategies as st

from accounts.models import Organisation
from communities.models import CommunityStage
from outbox.models import Mail
from tests import factories
from tests.letters import cases
from tests.workflow import asking, deciding
from workflow import deciders, decision_missing
from workflow.approving import approve, send_back
from workflow.clock import ClockState, EventKind
from workflow.consultations import ask_again, close_the_silent
from workflow.decision_documents import after_decision
from workflow.decision_missing import declare_obstacle
from workflow.decisions import open_decision, standing_approvals
from workflow.legal_dates import add_months
from workflow.models import Approval, Case, CaseDocument, Decision, Opinion
from workflow.proposing import save_proposal, take_back
from workflow.services import (
    ActionRefusedError,
    AlreadyDoneError,
    IncompleteError,
    clock_of,
    perform,
    record_clock_event,
)
from workflow.withdrawing import why_not_withdrawn, withdraw
from writing.consulting import withdraw as withdraw_letter

pytestmark = pytest.mark.django_db


def states(letter: Any) -> tuple[str, str]:
    last = Decision.objects.filter(case=letter).order_by("rank").last()
    return asking.fresh(letter).state, last.state if last else ""


# --- Proposing ---------------------------------------------------------------------------------


def test_the_agency_alone_signs_what_the_instructor_proposes() -> None:
    letter = deciding.under_review()
    decision = deciding.propose(letter, reserves=["Associer l’hôpital de proximité."])
    assert states(letter) == ("decision_proposed", "proposed")
    assert [str(party) for party in decision.parties.all()] == [deciding.agency(letter).name]

    signed = deciding.sign(letter, deciding.agency(letter))

    assert states(letter) == ("accepted", "taken")
    assert signed.content["text"]["outcome"] == "accept"
    assert [one["capacity"] for one in signed.content["signatures"]] == ["Directrice générale"]
    assert signed.number == f"{letter.reference}-D1"


def test_a_draft_is_kept_without_being_proposed_and_taken_up_again() -> None:
    letter = deciding.under_review()
    first = deciding.propose(letter, submit=False, outcome="")
    second = deciding.propose(letter, submit=False, fact_text="Mieux dit.")
    assert (first.pk, first.revision, second.revision) == (second.pk, 1, 2)
    assert states(letter) == ("under_review", "draft")
    with pytest.raises(ActionRefusedError) as stale:
        deciding.propose(letter, base_revision=1)
    assert stale.value.message.startswith("La proposition a été modifiée par")


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"law_keys": []}, ["Un refus cite les textes sur lesquels il se fonde"]),
        ({"fact_text": " "}, ["Un refus dit les faits propres à ce dossier"]),
        ({"reserves": ["Une réserve."]}, ["Un refus ne comporte pas de réserves"]),
        (
            {"law_keys": [], "fact_text": "", "fact_keys": ["territory_relevant"]},
            [
                "Le motif « Le territoire est pertinent » ne va pas",
                "Un refus cite les textes",
                "Un refus dit les faits",
            ],
        ),
    ],
)
def test_a_refusal_without_its_reasons_is_not_proposed(
    changes: dict[str, Any], expected: list[str]
) -> None:
    letter = deciding.under_review()
    typed = {**deciding.refusing(), **changes}
    with pytest.raises(IncompleteError) as refused:
        save_proposal(
            letter, user=deciding.instructor(letter), base_revision=0, submit=True, **typed
        )
    missing = [sentence.replace("\u00a0", " ") for sentence in refused.value.missing]
    assert len(missing) == len(expected)
    assert [m.startswith(e) for m, e in zip(missing, expected, strict=True)] == [True] * len(
        missing
    )
    assert states(letter) == ("under_review", "")


def test_nobody_proposes_while_something_keeps_the_case_from_being_decided() -> None:
    letter = deciding.under_review()
    sentence = "Une demande de pièce est ouverte : attendez la réponse, ou levez-la."
    obstacle = declare_obstacle(lambda case: [sentence] if case.pk == letter.pk else [])
    try:
        with pytest.raises(IncompleteError) as refused:
            deciding.propose(letter)
        assert refused.value.missing == [sentence]
    finally:
        decision_missing._obstacles.remove(obstacle)
    deciding.propose(letter)
    declare_obstacle(obstacle)
    try:
        with pytest.raises(IncompleteError):
            deciding.sign(letter, deciding.agency(letter))
    finally:
        decision_missing._obstacles.remove(obstacle)
    assert states(letter) == ("decision_proposed", "proposed")


def test_without_an_instructor_or_with_an_opinion_awaited_the_sentences_say_so() -> None:
    committee = asking.regional_committee()
    letter = asking.deposited_and_asked("52", communes=("44114",))
    asking.give_as_president(letter, committee)
    agent = asking.member(cases.body("ars", "52"), "agent")
    perform(letter, "end_consultation", actor=agent)
    Case.objects.filter(pk=letter.pk).update(instructor=None)
    ask_again(
        asking.request_to(letter, committee),
        user=agent,
        due_on=asking.in_days(12),
        comment="Le territoire a changé.",
    )
    with pytest.raises(IncompleteError) as refused:
        save_proposal(letter, user=agent, base_revision=0, submit=True, **deciding.accepting())
    assert refused.value.missing == [
        "Personne n’instruit ce dossier\u00a0: prenez-le en charge, puis proposez la décision.",
        (
            f"L’avis du {committee.name} est attendu jusqu’au {asking.in_days(12):%d/%m/%Y}\u00a0: "
            "attendez-le, relancez l’organisme ou retirez la demande."
        ),
    ]


def test_only_who_examines_the_case_writes_its_decision() -> None:
    letter = deciding.under_review()
    office = letter.office
    assert office
    others = {
        "another agent": asking.acting(factories.membership(organisation_=office)),
        "signatory": deciding.signatory(deciding.agency(letter)),
        "owner": letter.created_by,
    }
    for person in others.values():
        with pytest.raises(PermissionDenied):
            deciding.propose(letter, user=person)
    deciding.propose(letter, user=deciding.coordinator(letter))


def test_a_reason_of_another_region_or_unknown_is_left_out() -> None:
    letter = deciding.under_review()
    decision = deciding.propose(letter, law_keys=["aci", "regional_specifications_52", "rien"])
    assert decision.law_keys == ["aci"]


# --- Signing together --------------------------------------------------------------------------


@pytest.mark.parametrize("first", ["ars", "cpam"])
def test_both_bodies_approve_the_same_text_in_any_order_before_it_exists(first: str) -> None:
    letter = deciding.under_review("32")
    decision = deciding.propose(letter)
    bodies = [deciding.agency(letter), deciding.cpam()]
    if first == "cpam":
        bodies.reverse()

    deciding.sign(letter, bodies[0])
    assert states(letter) == ("decision_proposed", "proposed")
    assert not CommunityStage.objects.exists()
    signed = deciding.sign(letter, bodies[1])

    assert states(letter) == ("accepted", "taken")
    approvals = Approval.objects.filter(party__decision=decision).order_by("approved_at")
    assert [one.party.organisation for one in approvals] == bodies
    assert {one.text_sha256 for one in approvals} == {signed.text_sha256}
    moves = letter.transition_logs.values_list("transition", flat=True)
    assert list(moves)[-3:] == ["propose_decision", "approve_decision", "accept"]


def test_the_branch_in_charge_signs_for_its_agency_and_no_other_branch_does() -> None:
    letter = deciding.under_review("32")
    branch, other = letter.office, cases.body("ars_branch", "32", "59")
    assert branch
    agency = deciding.agency(letter)
    Organisation.objects.filter(pk__in=[branch.pk, other.pk]).update(parent=agency)
    deciding.propose(letter)
    with pytest.raises(PermissionDenied):
        deciding.sign(letter, agency, deciding.signatory(other))
    deciding.sign(letter, agency, deciding.signatory(branch))
    decision = open_decision(letter)
    assert decision
    assert [one.party.organisation for one in standing_approvals(decision)] == [agency]


def test_of_several_departements_the_cpam_is_that_of_the_office_in_charge() -> None:
    cases.reference_rows()
    for code in ("62", "80"):
        cases.body("cpam", "32", code)
    letter = cases.deposited("32", communes=("62041", "80021"))
    # More people live in Amiens: its office is in charge.
    assert letter.office
    assert letter.office.department_id == "80"
    found = [one.organisation for one in deciders.deciding_bodies(letter)]
    assert found == [cases.body("ars", "32"), cases.body("cpam", "32", "80")]


def test_a_region_without_cpam_is_told_who_is_missing() -> None:
    letter = deciding.under_review("32")
    Organisation.objects.filter(kind="cpam").update(department_id="59", region_id="32")
    with pytest.raises(IncompleteError) as refused:
        deciding.propose(letter)
    assert [one.partition("\u00a0:")[0] for one in refused.value.missing] == [
        "Aucune CPAM du territoire n’est connue du portail"
    ]


def test_a_second_signatory_of_a_body_reads_who_signed_before() -> None:
    letter = deciding.under_review("32")
    decision = deciding.propose(letter)
    deciding.sign(letter, deciding.cpam())
    other = factories.membership(organisation_=deciding.cpam(), role="signatory")
    with pytest.raises(AlreadyDoneError) as told:
        approve(letter, user=asking.acting(other), text_sha256=decision.text_sha256, capacity="x")
    assert told.value.message.startswith("Action déjà effectuée par Camille Martin")


def test_changing_the_text_voids_what_was_approved_and_says_so(deliver_outbox: Any) -> None:
    letter = deciding.under_review("32")
    first = deciding.propose(letter)
    deciding.sign(letter, deciding.cpam())
    second = deciding.propose(letter, reserves=["Associer les élus."])
    assert first.text_sha256 != second.text_sha256
    assert standing_approvals(second) == []
    log = letter.transition_logs.last()
    assert (log.transition, log.comment.startswith("Approbations devenues caduques")) == (
        "revise_proposal",
        True,
    )
    deliver_outbox()
    mail = Mail.objects.filter(recipient=deciding.signatory(deciding.cpam()).email).last()
    assert mail
    assert "ne valent plus" in mail.text_body

    with pytest.raises(ActionRefusedError) as stale:
        approve(
            letter,
            user=deciding.signatory(deciding.cpam()),
            text_sha256=first.text_sha256,
            capacity="Directeur",
        )
    assert stale.value.message.startswith("Le texte a été modifié par")
    for body in (deciding.cpam(), deciding.agency(letter)):
        deciding.sign(letter, body)
    assert states(letter) == ("accepted", "taken")
    assert Approval.objects.filter(voided_at__isnull=False).count() == 1


def test_proposing_the_same_text_again_voids_nothing() -> None:
    letter = deciding.under_review("32")
    decision = deciding.propose(letter)
    deciding.sign(letter, deciding.cpam())
    with pytest.raises(ActionRefusedError, match="rien changé"):
        deciding.propose(letter)
    assert len(standing_approvals(decision)) == 1


def test_a_signatory_sends_the_proposal_back_with_a_comment(deliver_outbox: Any) -> None:
    letter = deciding.under_review("32")
    deciding.propose(letter)
    deciding.sign(letter, deciding.agency(letter))
    person = deciding.signatory(deciding.cpam())
    with pytest.raises(ActionRefusedError, match="Dites à l’agent"):
        send_back(letter, user=person, comment="  ")
    returned = send_back(letter, user=person, comment="Préciser la réserve.")
    assert states(letter) == ("under_review", "draft")
    assert (returned.returned_by, returned.return_comment) == (person, "Préciser la réserve.")
    assert standing_approvals(returned) == []
    deliver_outbox()
    mail = Mail.objects.filter(recipient=deciding.instructor(letter).email).last()
    assert mail
    assert "Préciser la réserve." in mail.text_body
    again = deciding.propose(letter, reserves=["Une réserve précise."])
    assert (again.return_comment, again.returned_by) == ("", None)


def test_the_instructor_takes_the_proposal_back() -> None:
    letter = deciding.under_review()
    deciding.propose(letter)
    take_back(letter, user=deciding.instructor(letter))
    assert states(letter) == ("under_review", "draft")
    with pytest.raises(AlreadyDoneError):
        deciding.sign(letter, deciding.agency(letter))


def test_who_wrote_the_text_does_not_sign_it() -> None:
    letter = deciding.under_review()
    person = factories.user()
    office = letter.office
    assert office
    agency = deciding.agency(letter)
    Case.objects.filter(pk=letter.pk).update(instructor=person)
    letter = asking.fresh(letter)
    deciding.propose(letter, user=asking.acting(factories.membership(person, office)))
    both = asking.acting(factories.membership(person, agency, role="signatory"))
    with pytest.raises(ActionRefusedError, match="Vous avez rédigé cette décision"):
        deciding.sign(letter, agency, both)


def test_a_signature_needs_a_name_and_a_capacity() -> None:
    letter = deciding.under_review()
    decision = deciding.propose(letter)
    agency = deciding.agency(letter)
    with pytest.raises(ActionRefusedError, match="Écrivez votre qualité"):
        approve(letter, user=deciding.signatory(agency), text_sha256=decision.text_sha256)
    nameless = factories.membership(factories.user(last_name=""), agency, role="signatory")
    with pytest.raises(ActionRefusedError, match="prénom et le nom"):
        deciding.sign(letter, agency, asking.acting(nameless))


# --- Delegations -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"valid_from": -40, "valid_to": -3}, "a pris fin le"),
        ({"valid_from": 3, "valid_to": 40}, "ne commence que le"),
    ],
)
def test_a_delegation_out_of_its_dates_blocks_in_words(
    fields: dict[str, int], expected: str
) -> None:
    letter = deciding.under_review()
    deciding.propose(letter)
    agency = deciding.agency(letter)
    dates = {key: asking.in_days(days) for key, days in fields.items()}
    holder = deciding.delegate(agency, **dates)
    with pytest.raises(ActionRefusedError) as refused:
        deciding.sign(letter, agency, holder)
    start = f"La délégation de signature de {holder} ({agency}) {expected} "
    assert refused.value.message.startswith(start)
    assert states(letter) == ("decision_proposed", "proposed")


def test_a_delegation_in_force_signs_in_the_capacity_it_gives() -> None:
    letter = deciding.under_review()
    deciding.propose(letter)
    agency = deciding.agency(letter)
    signed = deciding.sign(letter, agency, deciding.delegate(agency, department_id="01"))
    assert [
        (one["capacity"], one["delegation"].replace("\u00a0", " "))
        for one in signed.content["signatures"]
    ] == [
        (
            "Directrice adjointe",
            "Par délégation de signature : Décision n° 2026-12 portant délégation de signature",
        )
    ]


def test_a_delegation_for_another_departement_does_not_reach_here() -> None:
    letter = deciding.under_review()
    deciding.propose(letter)
    agency = deciding.agency(letter)
    holder = deciding.delegate(agency, department_id="69")
    with pytest.raises(ActionRefusedError, match="est limitée au département 69"):
        deciding.sign(letter, agency, holder)


def test_an_agent_without_delegation_does_not_sign() -> None:
    letter = deciding.under_review()
    deciding.propose(letter)
    agency = deciding.agency(letter)
    with pytest.raises(PermissionDenied):
        deciding.sign(letter, agency, asking.member(agency, "agent"))


# --- Taken -------------------------------------------------------------------------------------


def test_what_goes_with_a_decision_goes_once(deliver_outbox: Any) -> None:
    letter = deciding.under_review("32")
    if not letter.clock_events.exists():
        record_clock_event(letter, EventKind.START, effective_on=asking.today(), actor=None)
    deciding.propose(letter, reserves=["Associer les élus."])
    deciding.sign(letter, deciding.agency(letter))
    deciding.sign(letter, deciding.cpam())
    assert letter.clock_events.filter(kind="end").count() == 1
    deliver_outbox()
    sent = set(Mail.objects.values_list("deduplication_key", flat=True))
    decision = Decision.objects.get(case=letter)
    after_decision(decision_id=decision.pk)
    assert set(Mail.objects.values_list("deduplication_key", flat=True)) == sent
    link = CaseDocument.objects.get(kind="decision")
    assert (link.document.number, link.about) == (f"{letter.reference}-D1", decision.pk)
    team = Mail.objects.get(deduplication_key__startswith=f"decision-taken:{decision.pk}:team")
    assert [name for _, name in team.attachments] == [f"{letter.reference}-D1.pdf"]
    assert "tribunal administratif de Lille" in team.text_body
    bodies = Mail.objects.filter(deduplication_key__startswith=f"decision-taken:{decision.pk}:body")
    assert [one.attachments for one in bodies] == [[]] * bodies.count()


def test_an_acceptance_opens_the_health_project_with_what_the_letter_says() -> None:
    letter = deciding.accepted()
    stage = letter.community.stages.get()
    assert (stage.get_kind_display(), stage.reference, stage.closed_on) == (
        "Projet de santé",
        f"{letter.reference}-D1",
        None,
    )
    assert stage.carried["title"] == letter.title
    assert stage.carried["contact"]["contact_email"] == "claire.fabre@exemple.test"
    assert [one["code"] for one in stage.carried["territory"]] == ["01053"]


def test_a_refusal_opens_nothing() -> None:
    letter = deciding.under_review()
    deciding.propose(letter, outcome="refuse")
    deciding.sign(letter, deciding.agency(letter))
    assert states(letter) == ("refused", "taken")
    assert not CommunityStage.objects.exists()


def test_a_decision_on_a_case_just_withdrawn_is_already_done(deliver_outbox: Any) -> None:
    letter = deciding.under_review()
    decision = deciding.propose(letter)
    withdraw_letter(letter, actor=letter.created_by, reason="Le projet change de porteur.")
    with pytest.raises(AlreadyDoneError) as told:
        approve(
            letter,
            user=deciding.signatory(deciding.agency(letter)),
            text_sha256=decision.text_sha256,
            capacity="Directeur",
        )
    assert told.value.message.startswith(f"Action déjà effectuée par {letter.created_by}")
    assert states(letter) == ("withdrawn", "dropped")
    deliver_outbox()
    told_office = Mail.objects.filter(recipient=deciding.instructor(letter).email).last()
    assert told_office
    assert "Le projet change de porteur." in told_office.text_body


def test_the_machine_refuses_a_decision_that_is_not_signed_by_all() -> None:
    letter = deciding.under_review("32")
    deciding.propose(letter)
    person = deciding.signatory(deciding.cpam())
    for name in ("accept", "refuse"):
        with pytest.raises(IncompleteError):
            perform(letter, name, actor=person)


def test_a_taken_decision_is_frozen() -> None:
    letter = deciding.accepted()
    decision = Decision.objects.get(case=letter)
    decision.outcome = "refuse"
    with pytest.raises(ValueError, match="frozen"):
        decision.save()
    with pytest.raises(IntegrityError), transaction.atomic():
        Decision.objects.create(case=letter, rank=2, written_by=letter.created_by)


# --- Withdrawn ---------------------------------------------------------------------------------


def test_a_coordinator_withdraws_an_illegal_decision_and_the_case_is_open_again(
    deliver_outbox: Any,
) -> None:
    letter = deciding.accepted("32", reserves=["Associer les élus."])
    deliver_outbox()
    withdraw(
        letter, user=deciding.coordinator(letter), reason="Une commune relève d’une autre CPTS."
    )
    assert states(letter) == ("under_review", "withdrawn")
    assert letter.community.stages.get().closed_on == asking.today()
    deliver_outbox()
    assert list(
        CaseDocument.objects.filter(kind__startswith="decision")
        .order_by("pk")
        .values_list("document__number", flat=True)
    ) == [f"{letter.reference}-D1", f"{letter.reference}-D1-R"]
    team = Mail.objects.filter(recipient=letter.created_by.email).last()
    assert team
    assert [name for _, name in team.attachments] == [f"{letter.reference}-D1-R.pdf"]

    deciding.propose(letter, outcome="refuse")
    for body in (deciding.cpam(), deciding.agency(letter)):
        signed = deciding.sign(letter, body)
    assert signed.number == f"{letter.reference}-D2"
    assert states(letter) == ("refused", "taken")
    kinds = list(letter.clock_events.order_by("pk").values_list("kind", flat=True))
    assert kinds == ["start", "end", "reopen", "end"]


def test_a_withdrawn_decision_gives_the_administration_a_whole_period_to_decide_again() -> None:
    letter = deciding.accepted()
    withdraw(letter, user=deciding.coordinator(letter), reason="Illégale.")
    clock = clock_of(asking.fresh(letter))
    assert (clock.state, clock.started_on, clock.deadline) == (
        ClockState.RUNNING,
        asking.today(),
        add_months(asking.today(), 2),
    )
    assert asking.fresh(letter).deadline_on == clock.deadline


def test_only_a_coordinator_withdraws_with_a_reason_and_in_time() -> None:
    letter = deciding.accepted()
    for person in (deciding.instructor(letter), letter.created_by):
        with pytest.raises(PermissionDenied):
            withdraw(letter, user=person, reason="Illégale.")
    coordinator = deciding.coordinator(letter)
    with pytest.raises(ActionRefusedError, match="Dites en quoi la décision est illégale"):
        withdraw(letter, user=coordinator, reason="\n")
    decision = Decision.objects.get(case=letter)
    Decision.objects.update(taken_at=decision.taken_at - timedelta(days=130))
    with pytest.raises(ActionRefusedError, match="ce délai a pris fin le"):
        withdraw(letter, user=coordinator, reason="Illégale.")
    assert states(letter) == ("accepted", "taken")


@settings(deadline=None)
@given(
    taken=st.datetimes(
        min_value=datetime(2020, 1, 1),  # noqa: DTZ001 - the test adds the zone
        max_value=datetime(2040, 1, 1),  # noqa: DTZ001 - the test adds the zone
    ),
    later=st.integers(0, 200),
)
def test_four_months_are_counted_to_their_last_day(taken: Any, later: int) -> None:
    decision = Decision(taken_at=timezone.make_aware(taken))
    day = timezone.localdate(decision.taken_at)
    today = day + timedelta(days=later)
    assert (why_not_withdrawn(decision, today=today) == "") == (today <= add_months(day, 4))


def test_an_opinion_after_the_decision_is_kept_as_late_and_not_counted() -> None:
    committee = asking.regional_committee()
    letter = asking.deposited_and_asked("52", communes=("44114",))
    agent = asking.member(cases.body("ars", "52"), "agent")
    asking.overdue(asking.request_to(letter, committee))
    close_the_silent()
    perform(letter, "end_consultation", actor=agent)
    save_proposal(letter, user=agent, base_revision=0, submit=True, **deciding.accepting())
    deciding.sign(letter, cases.body("ars", "52"))
    assert asking.fresh(letter).state == "accepted"
    asking.give_as_president(letter, committee)
    opinion = Opinion.objects.get(consultation__case=letter)
    assert (opinion.is_given, opinion.is_late, opinion.is_counted) == (True, True, False)
    assert asking.fresh(letter).state == "accepted"
