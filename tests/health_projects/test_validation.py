"""Validating a project, opposing it on a ground of the law, or letting silence validate it."""

from datetime import date, timedelta
from threading import Barrier, Thread
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from accounts.models import User
from communities.stages import is_recognised
from health_projects.models import HealthProject
from outbox.services import deliver_pending
from tests.documents.pdf import flat_text
from tests.health_projects import projects
from tests.letters import cases
from tests.mailbox import mails
from tests.workflow import asking
from workflow.approving import approve
from workflow.clock import ClockRule, Event, EventKind, Silence, read_clock
from workflow.decision_text import compose
from workflow.decisions import unsigned_parties
from workflow.models import Case, CaseDocument, ClockEvent, Decision, TerritoryClaim, TransitionLog
from workflow.official import read_document
from workflow.proposing import save_proposal
from workflow.services import AlreadyDoneError, IncompleteError, clock_of, project_clock
from workflow.tacit import accept_the_overdue
from workflow.withdrawing import withdraw

MONTHS = 2


def started_on(project: HealthProject, day: date) -> HealthProject:
    """The same project, as if its complete file had been received on that day."""
    with connection.cursor() as cursor:
        # No line of a ledger is ever deleted: an empty table is another matter.
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE; TRUNCATE workflow_clockevent")
    ClockEvent.objects.create(case=project, kind=EventKind.START, effective_on=day)
    project_clock(project)
    return projects.fresh(project)


def overdue(project: HealthProject, *, by: int = 1) -> HealthProject:
    """As if the two months had ended `by` days ago."""
    day = timezone.localdate() - timedelta(days=70)
    while clock_of(started_on(project, day)).deadline != timezone.localdate() - timedelta(days=by):
        day += timedelta(days=1)
    return projects.fresh(project)


def papers(project: HealthProject) -> set[str]:
    numbers = CaseDocument.objects.filter(case=project).values_list("document__number", flat=True)
    return {number.removeprefix(f"{project.reference}-") for number in numbers}


@pytest.mark.django_db
def test_an_opposition_needs_one_of_the_two_grounds_of_the_law_and_its_facts():
    project = projects.under_review()
    with pytest.raises(IncompleteError) as refused:
        projects.propose(project, **projects.opposing(ground="", fact_text=""))
    assert refused.value.missing == [
        (
            "Une opposition repose sur l’un des motifs que donne la loi, et sur aucun autre\u00a0: "
            "choisissez-le (CSP, article L. 1434-12)."
        ),
        (
            "Une opposition dit les faits propres à ce dossier\u00a0: écrivez-les, les phrases de "
            "la liste ne suffisent pas (CRPA, articles L. 211-2 et L. 211-5)."
        ),
    ]
    with pytest.raises(IncompleteError):
        projects.propose(project, **projects.opposing(ground="too_expensive"))
    assert not Decision.objects.filter(case=project, state="proposed").exists()


@pytest.mark.django_db
def test_an_opposition_says_its_ground_its_law_and_recognises_nobody():
    project = projects.under_review()
    decision = projects.decide(project, **projects.opposing())
    text = compose(project, decision, [cases.body("ars", "84")])
    assert decision.text is not None
    assert (text["title"], text["visas"][0], text["considerations"][0]) == (
        "Décision d’opposition au projet de santé",
        "Vu le code de la santé publique, notamment son article L.\u00a01434-12\u00a0;",
        "Considérant que le territoire d’action n’est pas pertinent.",
    )
    assert text["articles"][0]["text"].startswith("Il est fait opposition au projet de santé «")
    project = projects.fresh(project)
    assert (project.state, project.validated_on, is_recognised(project.community)) == (
        "refused",
        None,
        False,
    )
    deliver_pending()
    assert any(
        "opposition au projet de santé" in one.subject for one in mails(project.created_by.email)
    )
    assert papers(project) >= {"D1"}
    assert "REC" not in papers(project)


@pytest.mark.django_db
def test_the_agency_alone_opposes_where_the_fund_validates_with_it():
    project = projects.under_review("32")
    fund = projects.fund(project)
    decision = projects.propose(project, **projects.validating())
    assert [str(one.organisation) for one in decision.parties.all()] == [
        str(cases.body("ars", "32")),
        str(fund),
    ]
    opposed = save_proposal(
        project,
        user=projects.agent(project, "coordinator"),
        base_revision=decision.revision,
        submit=True,
        **projects.opposing(),
    )
    assert [str(one.organisation) for one in unsigned_parties(opposed)] == [
        str(cases.body("ars", "32"))
    ]
    approve(
        projects.fresh(project),
        user=projects.director(project),
        text_sha256=opposed.text_sha256,
        capacity="Directeur général",
    )
    assert projects.fresh(project).state == "refused"


@pytest.mark.django_db
def test_a_validation_recognises_the_cpts_and_sends_the_recognition_letter():
    fund = None
    project = projects.under_review()
    fund = projects.fund(project)
    projects.decide(project, **projects.validating())
    project = projects.fresh(project)
    stage = project.community.stages.get(kind="contract")
    assert (project.state, project.validated_on) == ("accepted", timezone.localdate())
    assert (stage.act, stage.opened_on, stage.reference) == (
        "Projet de santé validé",
        timezone.localdate(),
        f"{project.reference}-D1",
    )
    deliver_pending()
    assert papers(project) >= {"D1", "REC"}
    told = [one.subject for one in mails(project.created_by.email)]
    assert [sum(word in one for one in told) for word in ("validé", "CPTS reconnue")] == [1, 1]
    assert any("CPTS reconnue" in one.subject for one in mails(fund.email))
    assert set(TerritoryClaim.objects.filter(case=project).values_list("stage", flat=True)) == {
        "decided"
    }


@pytest.mark.django_db
def test_silence_validates_on_the_day_after_the_deadline_however_late_the_task_runs():
    project = overdue(projects.deposited(), by=9)
    effect = timezone.localdate() - timedelta(days=8)
    assert [accept_the_overdue(), accept_the_overdue()] == [1, 0]
    project = projects.fresh(project)
    assert (project.state, project.validated_on) == ("tacitly_accepted", effect)
    assert clock_of(project).ended_on == effect
    assert project.community.stages.get(kind="contract").opened_on == effect
    deliver_pending()
    deliver_pending()
    assert papers(project) >= {"ATT", "REC"}
    told = [one.subject for one in mails(project.created_by.email) if "réputé" in one.subject]
    assert len(told) == 1
    assert TransitionLog.objects.filter(case=project, transition="accept_tacitly").count() == 1


@pytest.mark.django_db
def test_nothing_is_validated_on_the_last_day_nor_decided_after_it():
    project = overdue(projects.under_review(), by=0)
    decision = projects.propose(project, **projects.opposing())
    assert accept_the_overdue() == 0
    project = overdue(project, by=1)
    with pytest.raises(IncompleteError) as refused:
        approve(
            project,
            user=projects.director(project),
            text_sha256=decision.text_sha256,
            capacity="Directrice générale",
        )
    assert "le silence a valu acceptation" in refused.value.missing[0]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("late_by", "state"), [(0, "refused"), (1, "tacitly_accepted")])
def test_an_opposition_signed_while_the_task_runs_leaves_exactly_one_of_the_two(
    late_by: int, state: str
):
    project = overdue(projects.under_review(), by=0)
    decision = projects.propose(project, **projects.opposing())
    project = overdue(project, by=late_by)
    director = asking.member(cases.body("ars", "84"), "signatory")
    gate = Barrier(2)

    def run(act: Any) -> None:
        gate.wait()
        try:
            act()
        # Signed after the day, before or after the task has written what silence did.
        except (IncompleteError, AlreadyDoneError):
            pass
        finally:
            connection.close()

    def oppose() -> None:
        approve(
            project, user=director, text_sha256=decision.text_sha256, capacity="Directrice générale"
        )

    threads = [Thread(target=run, args=(act,)) for act in (oppose, accept_the_overdue)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    project = projects.fresh(project)
    taken = Decision.objects.filter(case=project, state="taken").count()
    silent = TransitionLog.objects.filter(case=project, transition="accept_tacitly").count()
    assert (project.state, taken + silent) == (state, 1)


@pytest.mark.parametrize(
    ("complete_on", "deadline"),
    [
        (date(2027, 12, 29), date(2028, 2, 29)),
        (date(2026, 12, 29), date(2027, 2, 28)),
        (date(2027, 12, 31), date(2028, 2, 29)),
        (date(2028, 2, 29), date(2028, 4, 29)),
    ],
)
def test_two_months_across_the_end_of_february(complete_on: date, deadline: date):
    rule = ClockRule(months=MONTHS, silence=Silence.ACCEPTANCE)
    start = Event(kind=EventKind.START, effective_on=complete_on)
    assert read_clock([start], rule, today=complete_on).deadline == deadline


@pytest.mark.django_db
def test_a_recognised_cpts_holds_its_territory_once_and_gets_it_back_when_a_decision_goes():
    letter = cases.deposited("84", communes=("01053",))
    Case.objects.filter(pk=letter.pk).update(state="accepted")
    TerritoryClaim.objects.filter(case=letter).update(stage="decided")
    project = projects.under_review(community=letter.community, owner=letter.created_by)
    projects.decide(project, **projects.validating())
    held = TerritoryClaim.objects.filter(community=letter.community, stage="decided")
    assert [one.case_id for one in held] == [project.pk]
    withdraw(
        projects.fresh(project),
        user=projects.agent(projects.fresh(project), "coordinator"),
        reason="La décision a été signée sans délégation en vigueur.",
    )
    assert [one.case_id for one in held.all()] == [letter.pk]
    assert not is_recognised(letter.community)


@pytest.mark.django_db
def test_an_illegal_validation_by_silence_is_withdrawn_in_four_months_once_the_cpts_was_heard():
    project = overdue(projects.deposited(), by=9)
    assert accept_the_overdue() == 1
    deliver_pending()
    project = projects.fresh(project)
    coordinator = projects.agent(project, "coordinator")
    client = Client()
    client.force_login(User.objects.get(pk=coordinator.pk))
    url = f"/projets/{project.public_id}/retrait-du-silence/"
    yesterday = timezone.localdate() - timedelta(days=1)
    told = {
        "reason": "Le territoire recouvre celui d’une CPTS reconnue.",
        "heard_on": yesterday.isoformat(),
        "observations": "La CPTS propose d’en retirer deux communes.",
    }
    decision = client.get(f"/dossiers/{project.public_id}/decision/").content.decode()
    assert "le silence gardé" in decision
    assert "quand elle existera" not in decision
    wrong = [
        {"reason": " "},
        {"heard_on": timezone.localdate().isoformat()},
        {"heard_on": "2020-01-01"},
    ]
    assert [client.post(url, told | one).status_code for one in wrong] == [422] * 3
    validated = HealthProject.objects.filter(pk=project.pk)
    validated.update(validated_on=timezone.localdate() - timedelta(days=140))
    assert "ce délai a pris fin" in client.get(url).content.decode()
    assert client.post(url, told).status_code == 422
    validated.update(validated_on=project.validated_on)
    member = Client()
    member.force_login(project.created_by)
    assert member.post(url, told).status_code == 403

    assert client.post(url, told).status_code == 302
    deliver_pending()
    project = projects.fresh(project)
    clock = clock_of(project)
    assert (project.state, project.validated_on, clock.state) == ("under_review", None, "running")
    assert not is_recognised(project.community)
    assert papers(project) >= {"ATT", "ATT-R"}
    act = CaseDocument.objects.get(case=project, kind="silence_withdrawal").document
    text = flat_text(read_document(act))
    assert all(said in text for said in (*list(told.values())[::2], "Observations demandées"))
    # The act is that of the office, and says in what capacity its author signs (CRPA, L. 212-1).
    office = project.office.name
    assert text.index(office) < text.index("Retrait de la validation")
    assert f"{coordinator.get_full_name()}, coordinateur, pour {office}" in text
    (mail,) = [one for one in mails(project.created_by.email) if "silence retirée" in one.subject]
    assert "quels recours vous avez" in mail.text_body
    # Silence may validate again: another certificate, another recognition.
    project = overdue(project, by=1)
    assert accept_the_overdue() == 1
    deliver_pending()
    assert papers(project) >= {"ATT", "ATT-R", "ATT2", "REC", "REC-S2"}
    assert is_recognised(project.community)
