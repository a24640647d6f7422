"""Searching deposited letters: word forms and accents, places, perimeter, what is never found."""

from typing import Any

import pytest
from django.test import Client

from accounts.models import Organisation
from desks.choices import InboxChoices
from desks.inbox import Neighbours, neighbours
from tests import factories
from tests.desks.factories import deposited_letter, draft_letter, inform
from tests.letters import cases
from workflow.excerpts import excerpt
from workflow.models import Case, SearchDocument
from workflow.search import index_again, read_search

pytestmark = pytest.mark.django_db


@pytest.fixture
def office() -> Organisation:
    return factories.organisation(Organisation.Kind.ARS)


@pytest.fixture
def desk(client: Client, office: Organisation) -> Client:
    client.force_login(factories.membership(organisation_=office).user)
    return client


def found(client: Client, text: str, **query: str) -> list[str]:
    return [row.title for row in client.get("/bureau/", {"q": text, **query}).context["rows"]]


def says(*answers: str, communes: tuple[tuple[str, str], ...] = (), team: str = "") -> Any:
    return {
        "sections": [{"fields": [{"display": {"lines": list(answers)}}]}],
        "territory": [
            {"code": code, "name": name, "postal_codes": [], "part_name": ""}
            for code, name in communes
        ],
        "team": [{"name": team, "email": "x@exemple.test"}] if team else [],
    }


@pytest.mark.parametrize(
    ("text", "is_found"),
    [
        ("communautés", True),
        ("COMMUNAUTE", True),
        ("infirmieres", True),
        ("infirmiers", True),
        ("libéral", True),
        ("médecins généralistes", True),
        ("generaliste medecin", True),
        ("médecins dentistes", False),
        ("lavaur", True),
        ("Saint-Sulpice-la-Pointe", True),
        ("st sulpice", True),
        ("81271", True),
        ("8127", True),
        ("81065", False),
        ("camille durand", True),
        ("exemple.test", False),
        ("la", False),
        ("' & | ! ( ) : * <->", True),
    ],
)
def test_words_are_found_in_all_their_forms(
    desk: Client, office: Organisation, text: str, *, is_found: bool
) -> None:
    deposited_letter(
        office,
        name="CPTS du Pays d’Agout",
        content=says(
            "Une communauté de médecins généralistes et d’infirmières libérales.",
            communes=(("81140", "Lavaur"), ("81271", "Saint-Sulpice-la-Pointe")),
            team="Camille Durand",
        ),
    )
    # Nothing but signs is nothing asked: everything is shown.
    assert (found(desk, text) == ["CPTS du Pays d’Agout"]) == is_found


def test_a_name_comes_before_a_commune_and_a_commune_before_an_answer(
    desk: Client, office: Organisation
) -> None:
    deposited_letter(office, name="CPTS Réponse", content=says("Nous travaillons avec Castres."))
    deposited_letter(office, name="CPTS Commune", content=says(communes=(("81065", "Castres"),)))
    deposited_letter(office, name="CPTS de Castres")
    deposited_letter(office, name="CPTS Ailleurs")
    assert found(desk, "castres") == ["CPTS de Castres", "CPTS Commune", "CPTS Réponse"]
    assert found(desk, "castres", tri="cpts") == ["CPTS Commune", "CPTS de Castres", "CPTS Réponse"]


def test_nothing_outside_the_perimeter_is_found(client: Client, office: Organisation) -> None:
    other = factories.organisation()
    content = says("Une baleine.")
    deposited_letter(office, name="Tarn", department_codes=["81"], content=content)
    deposited_letter(office, name="Gers", department_codes=["32"], content=content)
    deposited_letter(other, name="Autre bureau", content=content)
    inform(deposited_letter(other, name="Voisine", content=content), office)
    draft_letter(factories.user(), name="CPTS Baleine")
    factories.department("32", "Gers")
    wide, narrow = (
        factories.membership(organisation_=office, department_id=code).user for code in (None, "32")
    )
    client.force_login(wide)
    assert sorted(found(client, "baleines")) == ["Gers", "Tarn", "Voisine"]
    assert found(client, "baleines", onglet="information") == ["Voisine"]
    client.force_login(narrow)
    assert found(client, "baleines") == ["Gers"]


def test_filters_narrow_a_search(desk: Client, office: Organisation) -> None:
    for name, size in (("Petite", "T1"), ("Grande", "T4")):
        deposited_letter(office, name=name, size_class=size, content=says("Une baleine."))
    assert found(desk, "baleine", taille="T4") == ["Grande"]


def test_an_excerpt_shows_the_words_and_nothing_else(desk: Client, office: Organisation) -> None:
    answer = "Des <b>infirmières</b> & des médecins.\x02\x03"
    deposited_letter(office, content=says(answer))
    page = desk.get("/bureau/", {"q": "infirmieres"}).content.decode()
    assert "<mark>infirmières</mark>" in page
    assert "<b>" not in page
    assert "Des &lt;b&gt;<mark>" in page


_LONG = "La maison de santé ouvre. " * 20


@pytest.mark.parametrize(
    ("text", "body", "shown"),
    [
        ("infirmiere", "Des INFIRMIERS, une infirmière.", "Des |INFIRMIERS|, une |infirmière|."),
        ("l’infirmier", "Avec l’infirmière.", "Avec l’|infirmière|."),
        ("cœur", "Du cœur et du Coeur.", "Du |cœur| et du |Coeur|."),
        ("coeur", "Du CŒUR.", "Du |CŒUR|."),
        ("fréquences", "La fréquence.", "La |fréquence|."),
        ("soin soins", "Les soins.", "Les |soins|."),
        ("vac", "La vaccination, le bivouac.", "La |vaccination|, le bivouac."),
        ("81140", "Lavaur (81140).", "Lavaur (|81140|)."),
        ("St", "Saint-Sulpice, St-Jean, stage.", "|Saint|-Sulpice, |St|-Jean, stage."),
        ("la santé", "La santé.", "La |santé|."),
        ("a&b <b>", "<i>a&b</i>", "&lt;i&gt;|a|&amp;|b|&lt;/i&gt;"),
        ("absent", "Rien de tel.", ""),
        ("la", "La ville.", ""),
        # The line that holds most of the words, cut between two of them.
        (
            "infirmière dentiste",
            f"Une infirmière. {_LONG}Un dentiste, une infirmière. {_LONG}",
            "ouvre. La maison de santé ouvre. Un |dentiste|, une |infirmière|. "
            + "La maison de santé ouvre. " * 3
            + "La maison de",
        ),
        ("interminable", "interminable" * 40, "|" + "interminable" * 40 + "|"),
        ("baleine", "x" * 8_000 + " baleine", ""),
    ],
)
def test_an_excerpt_is_the_line_with_most_of_the_words(text: str, body: str, shown: str) -> None:
    marked = excerpt(body, read_search(text))
    assert marked.replace("<mark>", "|").replace("</mark>", "|") == shown


def test_a_search_that_finds_too_much_says_so(
    desk: Client, office: Organisation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workflow.search.MAX_RESULTS", 3)
    for _ in range(5):
        deposited_letter(office, name="CPTS Commune")
    response = desk.get("/bureau/", {"q": "commune"})
    assert len(response.context["rows"]) == 3
    assert "ajoutez un mot" in response.content.decode()


def test_a_page_of_a_search_holds_twenty_letters_and_leads_back_to_itself(
    client: Client, office: Organisation
) -> None:
    person = factories.membership(organisation_=office).user
    client.force_login(person)
    for _ in range(22):
        deposited_letter(office, name="CPTS Commune")
    asked = {"onglet": "tous", "q": "commune"}
    first = client.get("/bureau/", asked).context["rows"]
    second = client.get("/bureau/", {**asked, "page": "2"}).context["rows"]
    assert (len(first), len(second)) == (20, 2)
    assert len({row.pk for row in [*first, *second]}) == 22
    person.acting = person.memberships.get()
    here = Case.objects.get(pk=second[0].pk)
    around = neighbours(here, person, InboxChoices(search="commune"), 21)
    assert around == Neighbours(
        list_url="/bureau/?onglet=tous&q=commune&page=2",
        rank=21,
        previous_url=first[-1].url,
        next_url=second[1].url,
    )


def test_common_words_and_rare_ones_are_found_alike(
    office: Organisation, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = factories.organisation()
    for name, desks, size in [
        ("Une", [office], "T1"),
        ("Deux", [other, office], "T2"),
        ("Ailleurs", [other], "T1"),
    ]:
        letter = deposited_letter(
            desks[0], name=name, size_class=size, content=says("Une baleine."),
            department_codes=["81", "31"],
        )  # fmt: skip
        for one in desks[1:]:
            inform(letter, one)
    factories.department("31")
    people = [
        factories.membership(organisation_=office, department_id=code).user for code in (None, "31")
    ]
    for beyond in (0, 1_000_000):
        monkeypatch.setattr("workflow.search.COMMON_BEYOND", beyond)
        for person in people:
            desk = Client()
            desk.force_login(person)
            assert found(desk, "baleines") == ["Deux", "Une"]
            assert found(desk, "baleines", taille="T1") == ["Une"]
            assert found(desk, "baleines", departement="81") == ["Deux", "Une"]


def test_a_case_is_searched_on_the_desks_it_is_on_now(desk: Client, office: Organisation) -> None:
    other = factories.organisation()
    letter = deposited_letter(other, content=says("Une baleine."))
    assert found(desk, "baleine") == []
    line = inform(letter, office)
    assert found(desk, "baleine") == [letter.title]
    line.delete()
    assert found(desk, "baleine") == []


def test_a_letter_is_found_by_what_was_deposited(loaded_organisations: None) -> None:
    letter = cases.deposited("76", communes=("81140",))
    document = SearchDocument.objects.get(case=letter.pk)
    assert "Communes\u00a0: Lavaur (81140" in document.body
    client = Client()
    client.force_login(cases.agent(letter.office))
    assert found(client, "lavaur") == [letter.title]
    SearchDocument.objects.all().delete()
    assert found(client, "lavaur") == []
    index_again()
    assert found(client, "lavaur") == [letter.title]


def test_what_was_typed_is_read_as_words() -> None:
    asked = read_search("  L’Écouen, St-Sulpice 5e ! \x00 (LI-76) ")
    assert asked.names == ("l", "ecouen", "saint", "sulpice", "5", "li", "76")
    assert asked.texts == ("L", "Écouen", "St", "Sulpice", "5e", "LI", "76")
    assert read_search(" ’ - ! ").is_empty
