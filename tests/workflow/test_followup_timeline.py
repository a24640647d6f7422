"""What follows a decision, as each reader finds it in the story of the case."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import User
from letters.models import LetterOfIntent
from tests import factories
from tests.letters import cases
from tests.workflow import asking, completing, deciding
from workflow import grants, meetings, overlaps, reserves
from workflow.models import CaseDesk
from workflow.readers import Audience
from workflow.timeline import read_timeline

pytestmark = pytest.mark.django_db


def seen_by(letter: LetterOfIntent, kind: str, desk: str, role: str) -> User:
    """Somebody of another organisation that has the letter on its desk."""
    body = factories.organisation(kind, region=letter.region)
    CaseDesk.objects.create(case=letter, organisation=body, kind=desk)
    return asking.member(body, role)


def told(letter: LetterOfIntent, word: str, **people: User) -> dict[str, list[Any]]:
    """The lines that say this word, oldest first, each with its detail if there is one."""
    return {
        who: [
            (line.label, line.detail) if line.detail else line.label
            for line in reversed(read_timeline(asking.fresh(letter), person))
            if word in line.label.lower()
        ]
        for who, person in people.items()
    }


def readers(letter: LetterOfIntent) -> dict[str, User]:
    return {
        "lead": letter.created_by,
        "office": deciding.instructor(letter),
        "informed": seen_by(letter, "cpam", CaseDesk.Kind.INFORMED, "agent"),
        "body": seen_by(letter, "urps", CaseDesk.Kind.CONSULTED, "reviewer"),
    }


def test_reserves_are_told_to_the_team_and_the_offices_from_the_decision_to_their_proof() -> None:
    letter = deciding.accepted(reserves=["Associer la maternité.", "Préciser le calendrier."])
    first, _second = reserves.reserves_of(letter)
    agent = deciding.instructor(letter)
    reserves.answer_reserve(first, user=letter.created_by, text="Une réunion est prévue.")
    reserves.decline_answer(first, actor=agent, reason="Il faut la convention.")
    reserves.lift_reserve(first, actor=agent, proof="Convention signée.")
    name = "réserve n°\u00a01"
    lines = [
        "La décision énonce 2\u00a0réserves à lever",
        (f"Réponse de l’équipe à la {name}", "Une réunion est prévue."),
        (f"Réponse à la {name} jugée insuffisante", "Il faut la convention."),
        (f"R{name[1:]} levée, {agent.acting.organisation.name}", "Convention signée."),
    ]
    assert told(letter, "réserve", **readers(letter)) == {
        "lead": lines,
        "office": lines,
        "informed": lines,
        "body": [],
    }


def test_an_aid_is_told_to_the_office_alone_until_the_case_is_accepted() -> None:
    letter = cases.deposited("52", communes=("44114",))
    type(letter).objects.filter(pk=letter.pk).update(state="under_review")
    letter = asking.fresh(letter)
    agent = deciding.instructor(letter)
    aid = grants.grant(
        letter,
        "fir_engineering",
        amount=Decimal(12_000),
        granted_on=timezone.localdate(),
        actor=agent,
        deviation="Avance déjà versée.",
    )
    what = f"{aid.label}, 12\u00a0000,00\u00a0€"
    granted = [(f"Aide accordée\u00a0: {what}", "Avance déjà versée.")]
    people = readers(letter)
    before = told(letter, "aide", **people)
    type(letter).objects.filter(pk=letter.pk).update(state="accepted")
    grants.record_payment(aid, paid_on=timezone.localdate(), actor=agent)
    both = [*granted, f"Aide versée\u00a0: {what}"]
    assert (before, told(letter, "aide", **people)) == (
        {"lead": [], "office": granted, "informed": [], "body": []},
        {"lead": both, "office": both, "informed": both, "body": []},
    )


def test_a_meeting_is_told_when_it_is_called_and_when_it_was_held() -> None:
    letter = deciding.accepted("32")
    agent = deciding.instructor(letter)
    starts = timezone.now() + timedelta(hours=2)
    meeting = meetings.plan_meeting(
        letter,
        actor=agent,
        starts_at=starts,
        ends_at=starts + timedelta(hours=2),
        place="Salle des fêtes",
        guests=[("", "", "invite@exemple.test")],
    )
    meetings.record_held(
        meeting, actor=agent, held_on=timezone.localdate(), minutes=completing.file("cr.pdf")
    )
    name = "Réunion d’information du territoire"
    day = meetings.meeting_words(meeting)["when"]
    lines = [f"{name}\u00a0: invitations pour le {day}", f"{name} tenue"]
    assert told(letter, "réunion", **readers(letter)) == {
        "lead": lines,
        "office": lines,
        "informed": lines,
        "body": [],
    }


def test_a_meeting_that_does_not_take_place_says_why() -> None:
    letter = deciding.accepted("32")
    agent = deciding.instructor(letter)
    starts = timezone.now() + timedelta(hours=2)
    meeting = meetings.plan_meeting(
        letter,
        actor=agent,
        starts_at=starts,
        ends_at=starts + timedelta(hours=2),
        place="Salle des fêtes",
        guests=[("", "", "invite@exemple.test")],
    )
    meetings.cancel_meeting(meeting, actor=agent, reason="Salle inondée.")
    found = told(letter, "annulée", lead=letter.created_by)
    assert found == {"lead": [("Réunion d’information du territoire annulée", "Salle inondée.")]}


def test_an_arbitration_is_told_to_the_two_offices_without_naming_the_other_cpts(
    loaded_territories: None,
) -> None:
    other = cases.deposited("84", communes=("01053",))
    mine = cases.deposited("84", communes=("01053",))
    assert mine.office
    agent = cases.agent(mine.office)
    overlaps.arbitrate(
        mine, other.pk, outcome="given", given_to=mine.pk, reason="Bassin de vie.", actor=agent
    )
    said = "Chevauchement arbitré avec une autre CPTS, sur 1\u00a0commune\u00a0: rattachement à"
    here = told(mine, "chevauchement", **readers(mine))
    there = told(other, "chevauchement", office=deciding.instructor(other), lead=other.created_by)
    assert (here, there) == (
        {
            "lead": [],
            "office": [(f"{said} la CPTS de ce dossier", "Bassin de vie.")],
            "informed": [],
            "body": [],
        },
        {"office": [(f"{said} l’autre CPTS", "Bassin de vie.")], "lead": []},
    )


def test_the_office_reads_who_else_reads_these_lines() -> None:
    letter = deciding.accepted(reserves=["Associer la maternité."])
    lines = read_timeline(letter, deciding.instructor(letter))
    opened = next(line for line in lines if "réserve" in line.label)
    assert opened.audience == Audience.DESKS
