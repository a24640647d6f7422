"""Projects taken from their deposit to recognition, circuit by circuit, and what follows them."""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import Organisation
from committees import sessions
from committees.models import Session
from committees.papers import print_minutes
from committees.sessions import Deliberation
from communities.stages import is_recognised
from cpts_portal.words import NBSP
from health_projects.models import HealthProject
from tests import factories
from tests.committees import sitting
from tests.documents.pdf import flat_text
from tests.health_projects import projects
from tests.health_projects.test_validation import overdue
from tests.letters import cases
from tests.mailbox import mails
from tests.workflow import asking
from workflow import reserves
from workflow.approving import approve
from workflow.clock_alerts import publish_due_alerts
from workflow.models import Consultation, Reserve
from workflow.official import read_document
from workflow.opinions import draft_opinion, validate_opinion
from workflow.services import AlreadyDoneError, perform
from writing.consulting import consult

pytestmark = pytest.mark.django_db


def committees(*codes: str) -> dict[str, Organisation]:
    """Committees of Pays de la Loire, each with a secretary and a president."""
    found = {}
    for code in codes:
        found[code] = factories.organisation(
            "committee",
            code=code,
            name=code,
            region=cases.body("ars", "52").region,
            department_id="44" if code.endswith("-44") else None,
        )
        for role in ("secretary", "president"):
            factories.membership(organisation_=found[code], role=role)
    return found


def asked(project: HealthProject, body: Organisation) -> Consultation:
    return Consultation.objects.live().get(case=project, body=body)


def sat(body: Organisation, *consultations: Consultation, question: str = "") -> Session:
    """A session of today where everyone supports what is on its agenda; closed."""
    for number, name in enumerate(sitting.NAMES[:3], start=1):
        body.seats.create(
            name=name,
            capacity=f"Membre {number}",
            email=f"siege{number}.{body.code}@exemple.test",
            since=timezone.localdate() - timedelta(days=400),
        )
    questions = [question] if question else []
    session = sitting.today(sitting.called(body, *consultations, questions=questions))
    session = sitting.attended(session, "present", "present", "remote")
    for item in session.items.all():
        text = "Les porteurs ont présenté le projet." if item.consultation else "À coordonner."
        position = "favourable" if item.consultation else ""
        said = Deliberation(position=position, text=text)
        sessions.deliberate(item, actor=sitting.secretary(body), said=said)
    return sessions.close_session(session, actor=sitting.secretary(body))


def test_the_committees_of_pays_de_la_loire_sit_on_a_project_one_after_the_other() -> None:
    cases.reference_rows()
    regional = "comite-regional-de-suivi-pays-de-la-loire"
    bodies = committees("cats-44", "cts-44", regional, "corecs-pays-de-la-loire")
    project = projects.deposited("52")
    consult(case_id=project.pk)
    cats, region = bodies["cats-44"], bodies[regional]
    assert asked(project, region).state == "waiting"
    # The committee of the département hears the leads, and its draft opinion is given.
    session = sat(cats, asked(project, cats))
    (item,) = session.items.all()
    assert (item.opinion and item.opinion.position, item.not_prepared) == ("favourable", "")
    assert item.opinion
    validate_opinion(
        asked(project, cats), user=asking.president(cats), revision=item.opinion.revision
    )
    # The territorial council is informed; what it recommends is in its minutes.
    cts = bodies["cts-44"]
    assert asked(project, cts).state == "informed"
    informed = sat(cts, question=f"Projet de {project.title}")
    print_minutes(session_id=informed.pk)
    minutes = informed.documents.get(kind="minutes").document
    assert "À coordonner." in flat_text(read_document(minutes))
    # The regional committee is asked next, the other informed.
    assert asked(project, region).state == "requested"
    (item,) = sat(region, asked(project, region)).items.all()
    assert item.opinion
    validate_opinion(
        asked(project, region), user=asking.president(region), revision=item.opinion.revision
    )
    assert asked(project, bodies["corecs-pays-de-la-loire"]).state == "informed"
    project = projects.fresh(project)
    perform(project, "end_consultation", actor=projects.agent(project))
    projects.decide(projects.fresh(project), **projects.validating())
    assert is_recognised(project.community)


def test_each_other_circuit_leads_to_recognition_by_those_who_decide_in_it() -> None:
    cases.reference_rows()
    found = {}
    for region in ("76", "32", "84"):
        department = projects.PLACES[region][:2]
        fund = cases.body("cpam", region, department)
        project = projects.deposited(region)
        consult(case_id=project.pk)
        project = projects.fresh(project)
        opinion = asked(project, fund)
        if opinion.kind == "expected":
            person = asking.member(fund, "signatory")
            draft = draft_opinion(
                opinion,
                user=person,
                base_revision=0,
                position="favourable",
                text="Oui.",
                submit=True,
            )
            validate_opinion(opinion, user=person, revision=draft.revision)
            perform(projects.fresh(project), "end_consultation", actor=projects.agent(project))
        else:
            perform(project, "take_up", actor=projects.agent(project))
        decision = projects.propose(projects.fresh(project), **projects.validating())
        signers = [one.organisation for one in decision.parties.order_by("position")]
        for body in signers:
            approve(
                projects.fresh(project),
                user=asking.member(body, "signatory"),
                text_sha256=decision.text_sha256,
                capacity="Directeur",
            )
        found[region] = (
            opinion.kind,
            [one.kind for one in signers],
            projects.fresh(project).state,
            is_recognised(project.community),
        )
    assert found == {
        "76": ("expected", ["ars"], "accepted", True),
        "32": ("information", ["ars", "cpam"], "accepted", True),
        "84": ("expected", ["ars"], "accepted", True),
    }


def test_the_office_is_warned_before_silence_validates_then_follows_the_reserves() -> None:
    project = projects.under_review()
    agent, owner = projects.agent(project), project.created_by
    warned = {}
    for days in (30, 7):
        project = overdue(project, by=-days)
        publish_due_alerts()
        publish_due_alerts()
        projects.deliver_pending()
        told = [one for one in mails(agent.email) if f"il reste {days}{NBSP}jours" in one.subject]
        warned[days] = len(told)
        assert "acceptation" in told[-1].text_body
    assert warned == {30: 1, 7: 1}

    texts = ["Préciser la gouvernance.", "Joindre la convention avec le centre hospitalier."]
    projects.decide(projects.fresh(project), **projects.validating(reserves=texts))
    project = projects.fresh(project)
    first, second = reserves.reserves_of(project)
    reserves.answer_reserve(first, user=owner, text="Le règlement intérieur est adopté.")
    reserves.decline_answer(first, actor=agent, reason="Il manque la signature.")
    reserves.answer_reserve(first, user=owner, text="Le voici signé.")
    lifted = reserves.lift_reserve(first, actor=agent, proof="Règlement signé, reçu ce jour.")
    assert (lifted.lifted_by, lifted.is_open) == (agent, False)
    with pytest.raises(AlreadyDoneError):
        reserves.lift_reserve(first, actor=agent, proof="Encore.")
    assert reserves.reserves_to_carry(project) == [second.text] == texts[1:]
    assert Reserve.objects.filter(case=project).count() == 2
