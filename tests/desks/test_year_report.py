import csv
from io import StringIO

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import Membership, User
from territories.models import Vintage
from tests import factories
from tests.desks.factories import deposited_letter
from tests.letters import cases
from workflow.models import Case, YearEffect

pytestmark = pytest.mark.django_db

PAGE, FILE = "/bureau/annees/", "/bureau/annees/cpts.csv"


@pytest.fixture
def year() -> Vintage:
    """A load that came after another one."""
    first = Vintage.objects.filter(is_current=True).first() or Vintage.objects.create(
        cog_year=2026, population_year=2023, source="essai", digest="1" * 64
    )
    Vintage.objects.filter(is_current=True).update(is_current=False)
    return Vintage.objects.create(
        cog_year=2027,
        population_year=2024,
        source="essai",
        digest="2" * 64,
        is_current=True,
        previous=first,
    )


def effect(case: Case, vintage: Vintage, stage: str = "filed", **values: object) -> YearEffect:
    known = {
        "population_before": 10_000,
        "population_after": 9_000,
        "size_before": "T1",
        "size_after": "T1",
    }
    return YearEffect.objects.create(case=case, vintage=vintage, stage=stage, **known | values)


def coordinator(case: Case) -> User:
    person = factories.user()
    Membership.objects.create(
        user=person, organisation=case.office, role=Membership.Role.COORDINATOR
    )
    return cases.acting(person, case.office)


def sign_in(client: Client, person: User) -> None:
    client.force_login(person)


def titles(client: Client, query: str = "") -> list[str]:
    return [row.title for row in client.get(f"{PAGE}{query}").context["rows"]]


def test_a_coordinator_reads_the_cases_of_their_desk_and_no_draft(
    client: Client, year: Vintage
) -> None:
    mine, elsewhere = (
        cases.deposited("84", communes=("01053",)),
        cases.deposited("32", communes=("59350",)),
    )
    draft = cases.draft("84", communes=("01053",))
    effect(mine, year, population_after=39_999, population_before=42_000, size_before="T2")
    effect(elsewhere, year)
    effect(draft, year, stage="draft")
    sign_in(client, coordinator(mine))
    (row,) = client.get(PAGE).context["rows"]
    assert (row.title, row.population, row.difference, row.size, row.read) == (
        mine.title,
        "42\u00a0000 → 39\u00a0999",
        "−\u00a02\u00a0001",
        "T2 → T1",
        "à lire",
    )
    assert titles(client, "?voir=communes") == []
    assert titles(client, "?voir=tailles") == titles(client, "?voir=a-lire") == [mine.title]


def test_an_administrator_reads_every_case_and_drafts_too(client: Client, year: Vintage) -> None:
    one, draft = cases.deposited("84", communes=("01053",)), cases.draft("32")
    effect(one, year)
    effect(draft, year, stage="draft")
    sign_in(client, User.objects.create_superuser("admin@exemple.test", factories.PASSWORD))
    assert sorted(titles(client)) == sorted([one.title, draft.title])


def test_the_file_says_what_the_page_says(client: Client, year: Vintage) -> None:
    mine = cases.deposited("84", communes=("01053",))
    Case.objects.filter(pk=mine.pk).update(title="=1+1")
    merged = {
        "kind": "fusions",
        "before": [["19223", "Saint-Martin-Sepert"], ["19248", "Saint-Ybard"]],
        "after": [["19248", "Les Trois-Saints"]],
    }
    effect(mine, year, communes=[merged])
    sign_in(client, coordinator(mine))
    response = client.get(FILE)
    assert response["Content-Disposition"] == 'attachment; filename="changement-annee-2027.csv"'
    _, row = csv.reader(StringIO(response.content.decode("utf-8-sig")), delimiter=";")
    assert row == [
        "'=1+1",
        str(mine.reference),
        "Auvergne-Rhône-Alpes",
        "à l’étude",
        "2027",
        "2024",
        "10000",
        "9000",
        "-1000",
        "T1",
        "T1",
        "Saint-Martin-Sepert et Saint-Ybard sont devenues Les Trois-Saints.",
        "",
        "",
    ]


def test_a_page_reads_as_much_for_thirty_rows_as_for_one(client: Client, year: Vintage) -> None:
    office = factories.organisation("one_stop_desk", name="Guichet CPTS")
    person = factories.membership(organisation_=office, role=Membership.Role.COORDINATOR).user
    effect(deposited_letter(office), year)
    sign_in(client, person)
    client.get(PAGE)
    with CaptureQueriesContext(connection) as one:
        assert len(titles(client)) == 1
    for _ in range(29):
        effect(deposited_letter(office), year)
    with CaptureQueriesContext(connection) as many:
        assert len(titles(client)) == 25
    assert len(titles(client, "?page=2")) == 5
    assert len(many) == len(one)


def test_nobody_else_opens_the_report(client: Client, year: Vintage) -> None:
    mine = cases.deposited("84", communes=("01053",))
    effect(mine, year)
    for person in (mine.created_by, cases.agent(mine.office)):
        sign_in(client, person)
        for url in (PAGE, FILE):
            assert client.get(url).status_code == 302
    client.logout()
    assert client.get(PAGE).status_code == 302


def test_without_another_year_there_is_nothing_to_show(client: Client) -> None:
    mine = cases.deposited("84", communes=("01053",))
    sign_in(client, coordinator(mine))
    assert "Aucun changement d’année" in client.get(PAGE).content.decode()
    assert client.get(f"{PAGE}?millesime=999999&voir=autre&page=x").status_code == 200
