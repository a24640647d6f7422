"""A project begins with what its accepted letter said; its pages take it to its deposit."""

from typing import Any

import pytest
from django.test import Client

from accounts.models import User
from desks.projects import read_projects
from health_projects.models import HealthProject
from health_projects.opening import begin
from letters.models import LetterOfIntent
from outbox.services import deliver_pending
from tests import factories
from tests.health_projects import projects
from tests.letters import cases
from tests.workflow import deciding
from workflow import reserves
from workflow.models import Answer, Case
from workflow.services import ActionRefusedError

pytestmark = pytest.mark.django_db


def accepted_letter() -> LetterOfIntent:
    letter = cases.complete("84", communes=("01053",))
    Answer.objects.filter(case=letter, key="contact_name").update(value="Claire Fabre")
    cases.file(letter)
    Case.objects.filter(pk=letter.pk).update(state="accepted")
    return LetterOfIntent.objects.get(pk=letter.pk)


def team_client(person: User) -> Client:
    client = Client()
    client.force_login(person)
    return client


def text(page: Any) -> str:
    return page.content.decode().replace("\u00a0", " ")


def test_a_project_begins_with_what_the_letter_said_and_shows_what_changed_since():
    letter = accepted_letter()
    owner = letter.created_by
    client = team_client(owner)
    (shown,), _ = read_projects(owner, None)
    start = f"/projets/nouveau/{letter.community.public_id}/"
    assert (shown.action.label, shown.action.url) == ("Préparer le projet de santé", start)
    assert "Claire Fabre" not in text(client.get(start))
    begun = client.post(start)
    project = HealthProject.objects.get()
    assert begun.url == f"/projets/{project.public_id}/etapes/identity/"
    assert (project.letter, project.answers.get(key="contact_name").value) == (
        letter,
        "Claire Fabre",
    )
    # A second press opens the same one.
    client.post(start)
    assert HealthProject.objects.count() == 1
    assert [one.action.label for one in read_projects(owner, None)[0]] == [
        "Continuer le projet de santé",
        "Lire la décision",
    ]
    Answer.objects.filter(case=project, key="contact_name").update(value="Paul Roy")
    page = text(client.get(f"/projets/{project.public_id}/depuis-la-lettre/"))
    assert ("Paul" in page, "Claire" in page) == (True, True)


def test_a_project_waits_for_the_letter_and_is_not_begun_twice():
    letter = cases.deposited("84", communes=("01053",))
    with pytest.raises(ActionRefusedError, match="pas encore acceptée"):
        begin(letter.community, user=letter.created_by)
    client = team_client(letter.created_by)
    page = text(client.get(f"/projets/nouveau/{letter.community.public_id}/"))
    assert "n’est pas encore acceptée" in page
    assert (
        team_client(factories.user())
        .get(f"/projets/nouveau/{letter.community.public_id}/")
        .status_code
        == 404
    )


def test_a_cpts_born_elsewhere_begins_alone():
    cases.reference_rows()
    client = team_client(factories.user())
    begun = client.post("/projets/nouveau/", {"name": "CPTS du Plateau", "region": "84"})
    project = HealthProject.objects.get()
    assert begun.url == f"/projets/{project.public_id}/etapes/identity/"
    assert (project.letter, project.title) == (None, "CPTS du Plateau")
    for section in ("identity", "territory", "governance"):
        assert client.get(f"/projets/{project.public_id}/etapes/{section}/").status_code == 200


def test_the_page_of_a_draft_leads_to_the_signatures_then_to_the_deposit():
    project = projects.complete()
    url = f"/projets/{project.public_id}/"
    client = team_client(project.created_by)
    assert "Figer la version à signer" in text(client.get(url))
    assert client.post(f"{url}figer/").status_code == 302
    deliver_pending()
    shown = text(client.get(url))
    assert ("Ouvrir les signatures" in shown, "Figer" in shown) == (True, False)
    answer = client.post(
        f"{url}depot/", {"commits": "on", "signatory_name": "Claire Fabre", "place": "Bourg"}
    )
    assert (answer.status_code, "n’a pas encore été proposée" in text(answer)) == (409, True)
    assert client.post(f"{url}depot/", {}).status_code == 422


def test_the_office_reads_the_deposited_project_and_its_papers_without_what_came_before():
    project = projects.deposited()
    deliver_pending()
    agent = projects.agent(project)
    client = Client()
    client.force_login(agent)
    page = client.get(f"/projets/{project.public_id}/")
    assert page.status_code == 200
    assert "Version figée" not in text(page)
    for tab in ("decision", "territoire", "delai", "suivi", "avis"):
        assert client.get(f"/dossiers/{project.public_id}/{tab}/").status_code == 200
    public = project.documents.get(kind="health_project_public").document
    got = client.get(f"/projets/{project.public_id}/documents/{public.pk}/")
    assert got["Content-Type"] == "application/pdf"


def test_the_reserves_of_the_letter_stay_in_sight_of_the_project_until_they_are_lifted():
    letter = deciding.accepted(reserves=["Associer la maternité."])
    project = begin(letter.community, user=letter.created_by)
    client = team_client(letter.created_by)
    url = f"/projets/{project.public_id}/"
    page = text(client.get(url))
    assert "Associer la maternité." in page
    assert f'href="/dossiers/{letter.public_id}/suites/"' in page
    reserve = reserves.reserves_of(letter).get()
    reserves.lift_reserve(reserve, actor=deciding.instructor(letter), proof="Convention signée.")
    assert "Associer la maternité." not in text(client.get(url))
