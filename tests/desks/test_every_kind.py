"""Letters and health projects on one desk: listed, counted, filtered, found, exported alike."""

import csv
from collections.abc import Iterator
from io import StringIO
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client

from accounts.models import Membership, Organisation
from desks.choices import InboxChoices
from desks.inbox import Neighbours, neighbours
from health_projects.models import HealthProject
from letters.labels import state_label
from tests import factories
from tests.desks.factories import deposited_letter, deposited_project, inform
from workflow import kinds
from workflow.models import Case, Message
from workflow.states import CaseState

pytestmark = pytest.mark.django_db

PROJECT, LETTER = "Projet de santé", "Lettre d’intention"


@pytest.fixture(autouse=True)
def _projects(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A nature of its own page and words, whatever those of health projects are."""
    kind = kinds.CaseKind(
        kind=Case.Kind.HEALTH_PROJECT,
        model=HealthProject,
        label=PROJECT,
        short="le projet",
        page="cases:decision",
        tab="Le projet",
        state_label=state_label,
        transition_label=lambda _log, _reader: "",
    )
    monkeypatch.setitem(kinds._kinds, Case.Kind.HEALTH_PROJECT, kind)
    cache.clear()
    yield
    cache.clear()


@pytest.fixture
def office() -> Organisation:
    factories.department("81", "Tarn")
    return factories.organisation(Organisation.Kind.ONE_STOP_DESK, name="Guichet CPTS")


@pytest.fixture
def desk(client: Client, office: Organisation) -> Client:
    held = factories.membership(organisation_=office, role=Membership.Role.COORDINATOR)
    client.force_login(held.user)
    return client


def shown(client: Client, **query: str) -> list[tuple[str, str]]:
    rows = client.get("/bureau/", {"tri": "cpts", **query}).context["rows"]
    return [(row.title, row.nature) for row in rows]


def counts(client: Client) -> dict[str, str]:
    return {tab.key: tab.count for tab in client.get("/bureau/?onglet=tous").context["tabs"]}


def test_one_list_holds_every_nature_of_case_and_is_narrowed_to_one(
    desk: Client, office: Organisation
) -> None:
    words = {
        "sections": [{"fields": [{"display": {"lines": ["Les baleines de la rivière."]}}]}],
    }
    letter = deposited_letter(office, name="Albi", content=words)
    project = deposited_project(office, name="Gaillac", content=words)
    deposited_project(office, name="Rabastens", state=CaseState.ACCEPTED)

    both = [("Albi", LETTER), ("Gaillac", PROJECT), ("Rabastens", PROJECT)]
    assert shown(desk, onglet="tous") == both
    assert shown(desk, onglet="a-prendre") == both[:2]
    assert shown(desk, nature="health_project") == both[1:]
    assert shown(desk, nature="letter_of_intent") == both[:1]
    assert shown(desk, nature="contrat") == both
    assert shown(desk, nature="health_project", etat="accepted") == both[2:]
    found = counts(desk)
    assert (found["a-prendre"], found["decides"], found["tous"]) == ("2", "1", "3")

    assert sorted(shown(desk, q="baleines")) == both[:2]
    assert shown(desk, q="baleines", nature="health_project") == both[1:2]
    assert shown(desk, q="PS-76") == both[1:]

    page = desk.get("/bureau/?onglet=tous&tri=cpts")
    opened = [row.url.partition("?")[0] for row in page.context["rows"][:2]]
    assert opened == [
        f"/lettres/{letter.public_id}/",
        f"/dossiers/{project.public_id}/decision/",
    ]
    assert '<span class="inbox-table__nature">Projet de santé</span>' in page.content.decode()
    text = desk.get("/bureau/dossiers.csv?tri=cpts&onglet=tous").content.decode()
    rows = list(csv.DictReader(StringIO(text.removeprefix("\ufeff")), delimiter=";"))
    assert [(row["CPTS"], row["Nature"]) for row in rows] == both
    assert rows[1]["Adresse du dossier"].endswith(opened[1])


def test_a_case_leads_to_the_next_one_of_another_nature(office: Organisation) -> None:
    letter, project = deposited_letter(office, name="Albi"), deposited_project(office, name="Gien")
    person = factories.membership(organisation_=office).user
    person.acting = person.memberships.get()
    choices = InboxChoices(order="cpts")
    listed = "liste=onglet%3Dtous%26tri%3Dcpts"
    assert neighbours(Case.objects.get(pk=letter.pk), person, choices, 1) == Neighbours(
        list_url="/bureau/?onglet=tous&tri=cpts",
        rank=1,
        next_url=f"/dossiers/{project.public_id}/decision/?{listed}&rang=2",
    )


def test_the_figures_of_a_coordinator_tell_natures_apart(
    desk: Client, office: Organisation
) -> None:
    deposited_letter(office)
    for _ in range(2):
        deposited_project(office)
    board = desk.get("/bureau/region/").context["board"]
    assert [(one.note, one.count) for one in board.states] == [(LETTER, 1), (PROJECT, 2)]
    assert [desk.get(one.url).context["page"].paginator.count for one in board.states] == [1, 2]
    assert [one.count for one in board.departments] == [3]


def test_a_row_says_that_an_answer_is_expected_to_the_office_in_charge_alone(
    desk: Client, office: Organisation
) -> None:
    asked, asking = deposited_letter(office, name="Albi"), deposited_project(office, name="Gaillac")
    settled = deposited_letter(office, name="Lavaur")
    other = factories.organisation()
    for case in (asked, asking, settled):
        inform(case, other)
    person = factories.user()

    def ask(case: Case, side: str, **fields: Any) -> None:
        Message.objects.create(
            case_id=case.pk,
            side=side,
            office=office,
            author=person,
            text="Quand ?",
            answer_expected=True,
            **fields,
        )

    ask(asked, "team")
    ask(asked, "office")
    ask(asking, "office")
    ask(settled, "team", settled_at=asked.deposited_at, settled_by=person)
    Message.objects.create(
        case_id=settled.pk, side="team", office=office, author=person, text="Merci."
    )

    def questions(client: Client) -> list[tuple[str, str]]:
        rows = client.get("/bureau/?onglet=tous&tri=cpts").context["rows"]
        return [(row.title, row.question) for row in rows]

    assert questions(desk) == [
        ("Albi", "L’équipe attend votre réponse"),
        ("Gaillac", "Réponse de l’équipe attendue"),
        ("Lavaur", ""),
    ]
    assert "L’équipe attend votre réponse" in desk.get("/bureau/?onglet=tous").content.decode()
    elsewhere = Client()
    elsewhere.force_login(factories.membership(organisation_=other).user)
    assert {question for _, question in questions(elsewhere)} == {""}
