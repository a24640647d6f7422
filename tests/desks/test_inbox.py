"""The inbox of an organisation: whose letters, filtered, sorted, searched, paged, exported."""

import csv
import re
from io import StringIO
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import Organisation
from tests import factories
from tests.desks.factories import FIRST_DEPOSIT, deposited_letter, draft_letter, inform
from workflow.models import CaseDesk

pytestmark = pytest.mark.django_db


@pytest.fixture
def office() -> Organisation:
    for code, name in [("81", "Tarn"), ("31", "Haute-Garonne"), ("82", "Tarn-et-Garonne")]:
        factories.department(code, name)
    return factories.organisation(Organisation.Kind.ONE_STOP_DESK, name="Guichet CPTS")


@pytest.fixture
def agent(client: Client, office: Organisation) -> Client:
    client.force_login(factories.membership(organisation_=office).user)
    return client


def titles(response: Any) -> list[str]:
    return [row.title for row in response.context["rows"]]


def shown(client: Client, **query: str) -> list[str]:
    return titles(client.get("/bureau/", query))


def test_a_person_in_a_role_is_led_from_home_to_the_inbox(agent: Client) -> None:
    response = agent.get("/accueil/")
    assert (response.status_code, response.headers["Location"]) == (302, "/bureau/")


def test_a_person_in_their_own_name_has_no_inbox(client: Client) -> None:
    client.force_login(factories.user())
    response = client.get("/bureau/")
    assert (response.status_code, response.headers["Location"]) == (302, "/accueil/")
    assert client.get("/bureau/dossiers.csv").status_code == 403


def test_an_anonymous_person_is_asked_to_sign_in(client: Client) -> None:
    response = client.get("/bureau/")
    assert (response.status_code, response.headers["Location"]) == (
        302,
        "/compte/connexion/?next=/bureau/",
    )


def test_the_inbox_lists_deposited_letters_of_this_desk_only(
    agent: Client, office: Organisation
) -> None:
    other = factories.organisation()
    deposited_letter(office, name="CPTS en charge")
    inform(deposited_letter(other, name="CPTS pour information"), office)
    deposited_letter(other, name="CPTS d’un autre bureau")
    draft_letter(factories.user(), name="CPTS en brouillon")
    assert shown(agent) == ["CPTS pour information", "CPTS en charge"]


def test_a_membership_limited_to_a_departement_sees_its_letters_only(
    client: Client, office: Organisation
) -> None:
    deposited_letter(office, name="Tarn", department_codes=["81", "31"])
    deposited_letter(office, name="Tarn-et-Garonne", department_codes=["82"])
    narrow = factories.membership(organisation_=office, department_id="31")
    client.force_login(narrow.user)
    assert shown(client) == ["Tarn"]


def test_each_row_says_what_the_letter_is_on_this_desk_for(
    agent: Client, office: Organisation
) -> None:
    other = factories.organisation(name="ARS Occitanie")
    deposited_letter(office)
    inform(deposited_letter(other), office)
    inform(deposited_letter(other), office, kind=CaseDesk.Kind.CONSULTED)
    rows = agent.get("/bureau/").context["rows"]
    assert [(row.purpose, row.other_office, row.state.label) for row in rows] == [
        ("Pour avis", "ARS Occitanie", "Déposée"),
        ("Pour information", "ARS Occitanie", "Déposée"),
        ("En charge", "", "À examiner"),
    ]
    assert len(shown(agent, onglet="pour-avis")) == 1


def test_filters_narrow_the_list_and_the_count_says_so(agent: Client, office: Organisation) -> None:
    deposited_letter(office, name="Petite", department_codes=["81"], size_class="T1")
    deposited_letter(office, name="Grande", department_codes=["31", "81"], size_class="T4")
    inform(
        deposited_letter(
            factories.organisation(), name="Voisine", department_codes=["82"], size_class="T1"
        ),
        office,
    )
    assert shown(agent, departement="81") == ["Grande", "Petite"]
    assert shown(agent, taille="T1") == ["Voisine", "Petite"]
    assert shown(agent, onglet="information") == ["Voisine"]
    assert shown(agent, etat="deposited") == ["Voisine", "Grande", "Petite"]
    assert shown(agent, departement="81", taille="T1", onglet="a-prendre") == ["Petite"]
    response = agent.get("/bureau/", {"departement": "81"})
    assert response.context["page"].paginator.count == 2
    assert response.context["options"]["departments"] == (
        '<option value="31">Haute-Garonne (31)</option>'
        '<option value="81" selected>Tarn (81)</option>'
        '<option value="82">Tarn-et-Garonne (82)</option>'
    )


def test_unknown_values_in_the_address_are_ignored(agent: Client, office: Organisation) -> None:
    deposited_letter(office, name="Seule")
    deposited_letter(office, name="Autre", deposited_at=FIRST_DEPOSIT)
    query = {
        "onglet": "x",
        "etat": "draft",
        "taille": "T9",
        "etiquette": "12",
        "suivi": "99",
        "echeance": "hier",
        "tri": "mot_de_passe",
        "colonnes": "secret",
        "page": "zéro",
    }
    assert shown(agent, **query) == ["Seule", "Autre"]
    assert shown(agent, q="\0") == ["Seule", "Autre"]
    # Beyond the last page, the last page.
    for page in ("2", "0", "99999999999999999999"):
        assert shown(agent, page=page) == ["Seule", "Autre"]


@pytest.mark.parametrize(
    ("search", "found"),
    [
        ("ecouen", ["CPTS d’Écouen"]),
        ("ÉCOUEN", ["CPTS d’Écouen"]),
        ("LI-76-2026-9001", ["CPTS d’Écouen"]),
        ("9001", ["CPTS d’Écouen"]),
        ("  cpts   thoré ", ["CPTS Vallée du Thoré"]),
        ("vallée du thore", ["CPTS Vallée du Thoré"]),
        ("vallées", ["CPTS Vallée du Thoré"]),
        ("val", ["CPTS Vallée du Thoré"]),
        ("écouen thoré", []),
        ("100%", []),
    ],
)
def test_search_finds_by_title_or_reference_whatever_the_accents(
    agent: Client, office: Organisation, search: str, found: list[str]
) -> None:
    deposited_letter(office, name="CPTS d’Écouen", reference="LI-76-2026-9001")
    deposited_letter(office, name="CPTS Vallée du Thoré", reference="LI-76-2026-9002")
    assert shown(agent, q=search) == found


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        ("reference", ["Écouen", "Albi", "Zuydcoote"]),
        ("-reference", ["Zuydcoote", "Albi", "Écouen"]),
        ("cpts", ["Albi", "Écouen", "Zuydcoote"]),
        ("-cpts", ["Zuydcoote", "Écouen", "Albi"]),
        ("departement", ["Zuydcoote", "Albi", "Écouen"]),
        ("population", ["Albi", "Zuydcoote", "Écouen"]),
        ("-population", ["Écouen", "Zuydcoote", "Albi"]),
        ("depot", ["Zuydcoote", "Écouen", "Albi"]),
        ("-depot", ["Albi", "Écouen", "Zuydcoote"]),
        ("etat", ["Zuydcoote", "Écouen", "Albi"]),
    ],
)
def test_each_column_sorts_both_ways(
    agent: Client, office: Organisation, order: str, expected: list[str]
) -> None:
    deposited_letter(
        office,
        name="Écouen",
        reference="LI-76-2026-8001",
        population=90_000,
        department_codes=["82"],
        deposited_at=FIRST_DEPOSIT.replace(day=5),
    )
    deposited_letter(
        office,
        name="Albi",
        reference="LI-76-2026-8002",
        population=9_000,
        department_codes=["81"],
        deposited_at=FIRST_DEPOSIT.replace(day=6),
    )
    inform(
        deposited_letter(
            factories.organisation(),
            name="Zuydcoote",
            reference="LI-76-2026-8003",
            population=50_000,
            department_codes=["31"],
            deposited_at=FIRST_DEPOSIT.replace(day=4),
        ),
        office,
    )
    assert shown(agent, tri=order) == expected


def test_the_sorted_column_is_announced_and_its_link_turns_the_order_round(
    agent: Client, office: Organisation
) -> None:
    deposited_letter(office)
    page = agent.get("/bureau/", {"tri": "cpts", "taille": "T2"}).content.decode()
    assert re.findall(r'<th scope="col"( aria-sort="\w+")?><a href="([^"]+)">CPTS</a>', page) == [
        (' aria-sort="ascending"', "?onglet=tous&amp;taille=T2&amp;tri=-cpts")
    ]
    assert page.count("aria-sort=") == 1


def test_a_filtered_list_is_the_same_whether_it_is_short_or_long(
    agent: Client, office: Organisation, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(30):
        deposited_letter(
            office,
            name=f"CPTS {number:02d}",
            size_class=("T1", "T2")[number % 3 == 0],
            population=1_000 + number * 7 % 30,
            department_codes=[("81", "31")[number % 2]],
        )
    asked = [
        {"taille": "T1", "tri": order, "page": page, **more}
        for order in ("population", "-cpts", "echeance", "etat", "-departement")
        for page in ("1", "2")
        for more in ({"onglet": "tous"}, {"onglet": "a-prendre", "departement": "81"})
    ]
    found = []
    for few in (500, 0):
        monkeypatch.setattr("desks.lines._FEW", few)
        pages = [agent.get("/bureau/", query) for query in asked]
        found.append([(titles(page), page.context["listed"].count) for page in pages])
    short, long = found
    assert short == long
    assert {count for _, count in short} == {"20", "10"}


def test_pages_keep_filters_and_order_in_the_address(agent: Client, office: Organisation) -> None:
    for _ in range(30):
        deposited_letter(office)
    first = agent.get("/bureau/", {"taille": "T2", "tri": "reference"})
    assert len(first.context["rows"]) == 25
    assert 'href="?taille=T2&amp;tri=reference&amp;page=2"' in first.content.decode()
    second = agent.get("/bureau/", {"taille": "T2", "tri": "reference", "page": "2"})
    assert len(second.context["rows"]) == 5
    assert not {row.url for row in first.context["rows"]} & {
        row.url for row in second.context["rows"]
    }


@pytest.mark.parametrize("letters", [1, 30])
def test_the_inbox_costs_the_same_queries_whatever_its_length(
    agent: Client, office: Organisation, django_assert_num_queries: Any, letters: int
) -> None:
    for number in range(letters):
        deposited_letter(office, department_codes=["81", "31", "82"][: 1 + number % 3])
    agent.get("/bureau/", {"onglet": "tous"})  # remembers the view
    # Session, person, role; the options and the counts; the page.
    with django_assert_num_queries(5):
        assert agent.get("/bureau/").status_code == 200
    agent.get("/bureau/", {"taille": "T2"})
    with django_assert_num_queries(5):
        assert agent.get("/bureau/", {"taille": "T2"}).status_code == 200
    # And the search, once its excerpts are cut and it is known how common its words are.
    agent.get("/bureau/", {"taille": "T2", "q": "cpts"})
    with django_assert_num_queries(6):
        assert agent.get("/bureau/", {"taille": "T2", "q": "cpts"}).status_code == 200


def test_an_empty_desk_says_what_will_come(agent: Client) -> None:
    assert "Aucun dossier pour l’instant" in agent.get("/bureau/").content.decode()
    page = agent.get("/bureau/", {"q": "introuvable"}).content.decode()
    assert "Aucun dossier ne correspond" in page


def test_the_export_holds_the_filtered_list_and_no_formula(
    agent: Client, office: Organisation, settings: Any
) -> None:
    settings.PORTAL_URL = "https://portail.example.test"
    trap = deposited_letter(office, name='=HYPERLINK("http://x")', reference="LI-76-2026-7001")
    deposited_letter(office, name="CPTS Albi", size_class="T3")
    response = agent.get("/bureau/dossiers.csv", {"taille": "T2"})
    assert response.headers["Content-Type"] == "text/csv; charset=utf-8"
    text = response.content.decode()
    assert text.startswith("\ufeff")
    rows = list(csv.DictReader(StringIO(text.removeprefix("\ufeff")), delimiter=";"))
    assert rows == [
        {
            "Référence": "LI-76-2026-7001",
            "Nature": "Lettre d’intention",
            "CPTS": '\'=HYPERLINK("http://x")',
            "Région": "Occitanie",
            "Départements": "81",
            "Communes": "50",
            "Population": "54800",
            "Taille": "T2",
            "Déposé le": str(timezone.localdate(trap.deposited_at)),
            "Échéance": "",
            "Délai": "pas de délai en cours",
            "État": "À examiner",
            "Bureau en charge": "Guichet CPTS",
            "Suivi par": "",
            "Étiquettes": "",
            "Adresse du dossier": f"https://portail.example.test/lettres/{trap.public_id}/",
        }
    ]


def test_a_title_is_shown_as_text(agent: Client, office: Organisation) -> None:
    deposited_letter(office, name="<script>alert(1)</script>")
    page = agent.get("/bureau/").content.decode()
    assert "<script>alert(1)" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
