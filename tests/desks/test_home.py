"""« Mes projets »: each CPTS, its state in the lead's words, what to do next."""

from datetime import date
from typing import Any

import pytest
from django.test import Client

from accounts.models import User
from communities.models import TeamMember
from desks.projects import Project, read_projects
from tests import factories
from tests.desks.factories import deposited_letter, draft_letter
from tests.letters import cases
from tests.workflow import writing
from workflow.models import Message

pytestmark = pytest.mark.django_db


def only_project(person: User) -> Project:
    (project,), _ = read_projects(person, None)
    return project


def test_a_newcomer_is_offered_to_begin_a_letter(client: Client) -> None:
    client.force_login(factories.user())
    page = client.get("/accueil/").content.decode()
    assert "Vous n’avez pas encore de projet" in page
    assert 'href="/lettres/nouvelle/"' in page


def test_home_lists_my_cpts_only_drafts_first(client: Client) -> None:
    me, other = factories.user(), factories.user()
    office = factories.organisation(name="Guichet CPTS")
    deposited_letter(office, owner=me, name="CPTS déposée")
    draft_letter(me, name="CPTS en brouillon")
    draft_letter(other, name="CPTS d’une autre personne")
    client.force_login(me)
    projects = client.get("/accueil/").context["projects"]
    assert [p.case.title for p in projects] == ["CPTS en brouillon", "CPTS déposée"]


def test_a_draft_says_it_is_not_sent_and_leads_an_owner_to_writing() -> None:
    me = factories.user()
    draft_letter(me, name="CPTS Albi")
    shown = only_project(me)
    assert shown.state.label == "Brouillon, non transmis"
    assert shown.action.label == "Continuer la lettre"
    assert [event.label for event in shown.events] == ["Lettre commencée"]


def test_a_reader_of_a_draft_is_led_to_reading() -> None:
    owner, reader = factories.user(), factories.user()
    letter = draft_letter(owner)
    factories.team_member(letter.community, reader, TeamMember.Role.READER)
    shown = only_project(reader)
    assert (shown.role, shown.action.label) == ("reader", "Lire la lettre")


def test_a_deposited_letter_without_documents_yet_is_followed() -> None:
    me = factories.user()
    letter = deposited_letter(factories.organisation(), owner=me)
    shown = only_project(me)
    assert (shown.action.label, shown.action.url) == (
        "Suivre la lettre",
        f"/lettres/{letter.public_id}/",
    )


@pytest.mark.parametrize("letters", [1, 20])
def test_home_costs_the_same_queries_whatever_the_number_of_projects(
    client: Client, django_assert_num_queries: Any, letters: int
) -> None:
    me, office = factories.user(), factories.organisation()
    for _ in range(letters):
        deposited_letter(office, owner=me)
    client.force_login(me)
    # Session, person; the page with its count; the letters; their logs and documents; messages.
    with django_assert_num_queries(6):
        assert client.get("/accueil/").status_code == 200


def test_a_question_of_the_office_is_the_next_thing_to_do() -> None:
    letter = cases.deposited("76")
    reader = factories.team_member(letter.community, role=TeamMember.Role.READER).user
    writing.send(letter, writing.agent_of(letter), answer_expected=True)
    Message.objects.update(answer_by=date(2026, 12, 3))
    page = f"/dossiers/{letter.public_id}/messages/"
    shown = {
        who: (project.next_step, project.action.label, project.action.url, project.others[1].label)
        for who, project in {
            "owner": only_project(letter.created_by),
            "reader": only_project(reader),
        }.items()
    }
    said = "Le bureau en charge attend votre réponse avant la fin du 3 décembre 2026."
    assert shown == {
        "owner": (said, "Répondre au bureau", page, "Messages (1 non lu)"),
        "reader": (said, "Lire la demande", page, "Messages (1 non lu)"),
    }
