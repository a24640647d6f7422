"""Drawing the territory: every way of adding, every refusal in words, nothing lost."""

from typing import Any

import pytest
from django.db import connection
from django.db.models import F, Sum
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils.html import escape

from letters.models import LetterOfIntent
from territories.models import Commune, FormerCommune, Intercommunality
from territories.services import (
    add_communes,
    add_department,
    add_intercommunality,
    add_part,
    declare_population,
)
from tests import factories
from tests.letters import cases
from tests.writing.test_deposit import at_once
from writing.territory import MAX_OPEN_LINES, gatherings

pytestmark = pytest.mark.django_db


@pytest.fixture
def letter(loaded_territories: None) -> LetterOfIntent:
    return cases.draft("76")


@pytest.fixture
def owner(client: Any, letter: LetterOfIntent) -> Any:
    client.force_login(letter.created_by)
    return client


def page(letter: LetterOfIntent) -> str:
    return reverse("letters:territory", args=[letter.public_id])


def post(client: Any, letter: LetterOfIntent, action: str, data: Any = None, **headers: str) -> Any:
    url = reverse("letters:territory-change", args=[letter.public_id, action])
    return client.post(url, data or {}, headers=headers)


def read(response: Any) -> str:
    """The page's words, whatever spaces they hold."""
    text = response.content.decode().replace("&#x27;", "’")
    return " ".join(text.replace("\u00a0", " ").replace("\u202f", " ").split())


def lines(letter: LetterOfIntent) -> list[str]:
    """The codes in the territory, with the name of the part where there is one."""
    parts = letter.community.territory.parts.order_by("commune_id", "part_name")
    return [f"{part.commune_id} {part.part_name}".strip() for part in parts]


# --- Looking for a commune -----------------------------------------------------------


def test_a_search_offers_communes_their_epci_and_epci_by_name(owner, letter):
    text = read(owner.get(page(letter), {"q": "Lavaur"}))
    assert "Lavaur (Tarn, 81500)" in text
    assert "Lavaur (Dordogne, 24550)" in text
    commune = Commune.objects.select_related("intercommunality").get(code="81140")
    epci = commune.intercommunality
    count = epci.communes.filter(is_active=True).count()
    assert f"Ajouter toute l’intercommunalité {epci.name} ({count} communes)" in text
    assert epci.name in read(owner.get(page(letter), {"q": epci.name}))


def test_a_search_without_answer_says_what_to_try(owner, letter):
    text = read(owner.get(page(letter), {"q": "zzzzzz"}))
    assert "Aucune commune ni intercommunalité ne répond à « zzzzzz »" in text


def test_a_commune_already_there_is_told_apart(owner, letter):
    add_communes(letter.community.territory, ["81140"])
    assert read(owner.get(page(letter), {"q": "81140"})).count("déjà dans le territoire") == 1


def test_the_epci_of_a_departement_are_shown_with_what_they_would_add(owner, letter):
    add_communes(letter.community.territory, ["81140"])

    text = read(owner.get(page(letter), {"dans": "81"}))

    agout = Commune.objects.filter(intercommunality="200034023", is_active=True)
    people = f"{agout.aggregate(n=Sum('population'))['n']:,}".replace(",", " ")
    assert f'CC Tarn-Agout</strong> <span class="portal-muted">21 communes, {people}' in text
    assert "1 est déjà dans le territoire" in text
    assert 'Tout le département</strong> <span class="portal-muted">' in text
    # An EPCI of two départements is offered whole.
    between = Intercommunality.objects.filter(communes__department="81").filter(
        communes__department="31"
    )
    epci = between.order_by("name")[0]
    count = epci.communes.filter(is_active=True).count()
    assert f'{escape(epci.name)}</strong> <span class="portal-muted">{count} communes' in text


def test_an_epci_that_is_all_there_is_told_apart(owner, letter):
    add_intercommunality(letter.community.territory, "200034023")
    chosen = gatherings(letter.community.territory, "81")
    assert chosen is not None

    assert [one.name for one in chosen[1] if one.is_there] == ["CC Tarn-Agout"]
    assert (chosen[0].name, chosen[0].is_there) == ("Tarn (81)", False)


@pytest.mark.parametrize("code", ["999", "", "81'--", "x" * 300])
def test_an_unknown_departement_shows_no_epci(owner, letter, code):
    response = owner.get(page(letter), {"dans": code})
    assert (response.status_code, "Tout le département" in read(response)) == (200, False)


# --- Adding --------------------------------------------------------------------------


def test_a_commune_is_added_and_the_figures_follow(owner, letter):
    response = post(owner, letter, "ajouter", {"code": "81140"})
    assert (response.status_code, response.url) == (
        302,
        f"{page(letter)}?apres=81140#territoire-etat",
    )
    text = read(owner.get(response.url))
    population = Commune.objects.get(code="81140").population
    assert lines(letter) == ["81140"]
    assert "Ajout au territoire : Lavaur (81140)." in text
    assert "1 commune" in text
    assert f"{population:,}".replace(",", " ") + " habitants" in text
    assert "Taille 1" in text
    assert "Le territoire compte moins de 20 000 habitants" in text
    assert "Population légale municipale 2023 de l’INSEE, communes au 1er janvier 2026." in text


def test_after_a_commune_the_rest_of_its_epci_is_one_gesture_away(owner, letter):
    text = read(owner.get(post(owner, letter, "ajouter", {"code": "81140"}).url))
    epci = Commune.objects.get(code="81140").intercommunality
    assert f"Ajouter toute l’intercommunalité {epci.name}" in text
    post(owner, letter, "intercommunalite", {"siren": epci.siren})
    assert lines(letter) == sorted(
        epci.communes.filter(is_active=True).values_list("code", flat=True)
    )
    text = read(owner.get(f"{page(letter)}?apres=81140"))
    assert f"Ajouter toute l’intercommunalité {epci.name}" not in text


def test_a_whole_departement_is_added_at_once_and_quickly(owner, letter):
    """The largest of France, beside four others: about four thousand communes, few queries."""
    for code in ("02", "80", "59", "76"):
        add_department(letter.community.territory, code)
    with CaptureQueriesContext(connection) as captured:
        response = post(owner, letter, "departement", {"departement": "62"})
    assert (response.status_code, len(captured) <= 20) == (302, True)
    expected = Commune.objects.filter(
        is_active=True, kind="commune", department__in=["02", "59", "62", "76", "80"]
    )
    assert lines(letter) == sorted(expected.values_list("code", flat=True))
    assert len(lines(letter)) > 3_700


def test_a_large_territory_opens_one_departement_at_a_time(owner, letter):
    for code in ("02", "62"):
        add_department(letter.community.territory, code)
    assert len(lines(letter)) > MAX_OPEN_LINES
    with CaptureQueriesContext(connection) as folded:
        closed = read(owner.get(page(letter)))
    with CaptureQueriesContext(connection) as unfolded:
        opened = read(owner.get(page(letter), {"departement": "62"}))
    assert ("Abbeville" in closed, "Achicourt" in closed, "Achicourt" in opened) == (
        False,
        False,
        True,
    )
    assert "Pas-de-Calais (62)" in closed
    assert len(closed) < 60_000
    assert len(unfolded) <= len(folded) + 1


def test_an_arrondissement_is_a_line_like_another(owner, letter):
    post(owner, letter, "ajouter", {"code": "69381"})
    text = read(owner.get(page(letter)))
    assert "1 commune, dont 1 arrondissement" in text
    assert lines(letter) == ["69381"]


def test_a_part_of_a_commune_has_a_free_name_and_its_inhabitants(owner, letter):
    assert "Une partie de Toulouse" in read(owner.get(page(letter), {"partie": "31555"}))
    post(
        owner,
        letter,
        "partie",
        {"code": "31555", "nom": "Le Mirail – Bagatelle", "habitants": "21 500"},
    )
    text = read(owner.get(page(letter)))
    assert lines(letter) == ["31555 Le Mirail – Bagatelle"]
    assert "(partie : Le Mirail – Bagatelle)" in text
    assert "1 commune, dont 1 partie de commune" in text
    assert "21 500 habitants" in text


def test_a_part_without_figure_makes_the_total_a_minimum(owner, letter):
    add_part(letter.community.territory, "31555", "Rangueil")
    text = read(owner.get(page(letter)))
    assert "1 partie de commune sans nombre d’habitants : le total est un minimum." in text


def test_the_declared_population_stands_beside_the_computed_one_with_the_gap(owner, letter):
    add_communes(letter.community.territory, ["81140"])
    population = Commune.objects.get(code="81140").population
    declare_population(letter.community.territory, population + 1_000, "Étudiants en semaine.")
    text = read(owner.get(page(letter)))
    share = f"{100_000 / population:.1f}".replace(".", ",")
    assert f"soit 1 000 de plus que le calcul ({share} %). Étudiants en semaine." in text


# --- What is refused -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("action", "data", "expected"),
    [
        ("ajouter", {"code": "99109"}, "désigne un pays étranger"),
        ("ajouter", {"code": "12999"}, "Le code INSEE 12999 n’est pas celui d’une commune"),
        ("ajouter", {"code": "B1234"}, "n’est pas celui d’une commune française"),
        ("ajouter", {"code": "<script>"}, "n’est pas celui d’une commune française"),
        ("ajouter", {}, "Aucune commune n’a été choisie"),
        ("ajouter", {"code": "81140"}, "Lavaur (81140) est déjà dans le territoire."),
        ("intercommunalite", {"siren": "123"}, "n’est pas connu"),
        ("departement", {"departement": "99"}, "n’est pas connu"),
        ("departement", {}, "Choisissez d’abord un département"),
        ("partie", {"code": "81140", "nom": "Le bourg"}, "déjà dans le territoire en entier"),
        ("partie", {"code": "31555", "nom": "  "}, "Donnez un nom à la partie"),
        (
            "partie",
            {"code": "31555", "nom": "Mirail", "habitants": "beaucoup"},
            "Le nombre d’habitants ne peut pas être lu",
        ),
        (
            "partie",
            {"code": "31555", "nom": "Mirail", "habitants": "9000000"},
            "tout entière",
        ),
        ("liste", {"liste": "   "}, "Collez au moins un nom ou un code"),
        ("liste", {"liste": "x" * 300_000}, "La liste est trop longue"),
        ("confirmer", {}, "Aucune commune n’a été choisie"),
    ],
)
def test_a_refusal_is_a_sentence_and_changes_nothing(owner, letter, action, data, expected):
    add_communes(letter.community.territory, ["81140"])
    response = post(owner, letter, action, data)
    assert response.status_code == 422
    assert expected in read(response)
    assert lines(letter) == ["81140"]
    fragment = post(owner, letter, action, data, **{"X-Fragment": "page"})
    assert fragment.status_code == 422
    assert expected in read(fragment)
    for typed in data.values():
        if len(typed) < 100 and typed.strip() and action in {"partie", "liste"}:
            assert typed in response.content.decode()


@pytest.mark.parametrize(
    ("action", "data"),
    [
        ("ajouter", {"code": "81\0140"}),
        ("intercommunalite", {"siren": "\0"}),
        ("departement", {"departement": "\0"}),
        ("partie", {"code": "\0", "nom": "Le\0 bourg"}),
        ("confirmer", {"code": "\0"}),
    ],
)
def test_a_character_no_database_keeps_breaks_nothing(owner, letter, action, data):
    add_communes(letter.community.territory, ["81140"])
    assert post(owner, letter, action, data).status_code == 422
    assert lines(letter) == ["81140"]


@pytest.mark.parametrize("query", ["partie", "apres", "departement", "q"])
def test_an_address_no_database_could_search_breaks_nothing(owner, letter, query):
    address = reverse("letters:territory", args=[letter.public_id])
    assert owner.get(address, {query: "\0"}).status_code == 200


def test_a_former_code_says_what_it_became(owner, letter):
    former = FormerCommune.objects.exclude(code=F("current")).select_related("current").first()
    response = post(owner, letter, "ajouter", {"code": former.code})
    assert response.status_code == 422
    assert f"n’est plus en vigueur : la commune est aujourd’hui {former.current}" in read(response)


def test_an_unknown_gesture_is_a_404(owner, letter):
    assert post(owner, letter, "raser").status_code == 404


# --- A pasted list -------------------------------------------------------------------


LIST = """Lavaur
Saint-Sulpice-la-Pointe (81)
31149
Sérignac
Arbignieu
Trifouillis-les-Oies"""


def test_each_pasted_line_is_answered_and_nothing_is_added_before_confirming(owner, letter):
    response = post(owner, letter, "liste", {"liste": LIST})
    text = read(response)
    assert response.status_code == 200
    assert lines(letter) == []
    for said in (
        "Saint-Sulpice-la-Pointe (81271)",
        "Colomiers (31149)",
        "aujourd’hui Arboys en Bugey",
        "Plusieurs communes portent ce nom. Choisissez la bonne.",
        "Aucune commune ne porte ce nom",
    ):
        assert said in text
    assert response.context["answers"][0].line.commune.code == "81140"
    assert [(one.is_found, one.is_open or one.is_lost) for one in response.context["answers"]] == [
        (True, False),
        (True, False),
        (True, False),
        (False, True),
        (True, False),
        (False, True),
    ]


def test_confirming_adds_what_was_found_and_what_was_chosen(owner, letter):
    response = post(
        owner,
        letter,
        "confirmer",
        {
            "liste": LIST,
            "code": ["81140", "81271", "31149"],
            "choix-4": "82180",
            "choix-6": "",
        },
    )
    assert response.status_code == 302
    assert lines(letter) == ["31149", "81140", "81271", "82180"]


def test_a_refused_confirmation_keeps_the_list_and_the_choices(owner, letter):
    add_part(letter.community.territory, "81140", "Le centre")
    response = post(
        owner, letter, "confirmer", {"liste": LIST, "code": ["81140", "31149"], "choix-4": "82180"}
    )
    assert response.status_code == 422
    assert "est déjà dans le territoire par parties" in read(response)
    assert lines(letter) == ["81140 Le centre"]
    answers = response.context["answers"]
    assert [one.is_ticked for one in answers if one.is_found] == [True, False, True, False]
    assert next(one.chosen for one in answers if one.is_open) == "82180"
    assert "Trifouillis-les-Oies" in read(response)


def test_four_hundred_lines_cost_no_more_queries_than_four(owner, letter):
    codes = list(
        Commune.objects.filter(department="81", kind="commune").values_list("code", flat=True)[:300]
    )

    def queries(count: int) -> int:
        with CaptureQueriesContext(connection) as captured:
            post(owner, letter, "liste", {"liste": "\n".join(codes[:count])})
        return len(captured)

    assert queries(4) == queries(300)


# --- Removing ------------------------------------------------------------------------


def test_one_several_or_all_are_removed(owner, letter):
    territory = letter.community.territory
    add_communes(territory, ["81140", "81271", "31149", "31555"])
    ids = dict(territory.parts.values_list("commune_id", "pk"))
    post(owner, letter, "retirer", {"part": ids["81140"]})
    assert lines(letter) == ["31149", "31555", "81271"]
    post(owner, letter, "retirer", {"part": [ids["31149"], ids["31555"]]})
    assert lines(letter) == ["81271"]
    question = owner.get(reverse("letters:territory-change", args=[letter.public_id, "vider"]))
    assert "Vider le territoire ?" in read(question)
    assert lines(letter) == ["81271"]
    post(owner, letter, "vider")
    assert lines(letter) == []


@pytest.mark.parametrize("part", ["", "abc", "-1", "9" * 30, "999999999"])
def test_removing_what_is_not_there_is_no_error(owner, letter, part):
    add_communes(letter.community.territory, ["81140"])
    assert post(owner, letter, "retirer", {"part": part}).status_code == 302
    assert lines(letter) == ["81140"]


def test_a_line_of_another_territory_is_not_removed(owner, letter):
    other = cases.draft("76", communes=("81271",))
    part = other.community.territory.parts.get()
    post(owner, letter, "retirer", {"part": part.pk})
    assert lines(other) == ["81271"]


# --- For the script ------------------------------------------------------------------


def test_the_script_receives_the_figures_and_the_list_alone(owner, letter):
    response = post(owner, letter, "ajouter", {"code": "81140"}, **{"X-Fragment": "field"})
    text = read(response)
    assert (response.status_code, response["X-Fragment"]) == (200, "territory")
    assert "<html" not in text
    assert "Ajout au territoire : Lavaur (81140)." in text
    assert "<form" not in text
    assert 'data-size-rank="1"' in text
    assert "Population calculée" in text


def test_the_step_of_the_form_shows_the_territory_without_a_form_of_its_own(owner, letter):
    add_communes(letter.community.territory, ["81140"])
    text = read(owner.get(reverse("letters:step", args=[letter.public_id, "territory"])))
    step = text.split('id="etape"')[1].split("</form>")[0]
    assert "Lavaur" in step
    assert "Enregistrer et ouvrir la page du territoire" in step
    assert "<form" not in step


# --- Who may, and two at once --------------------------------------------------------


@pytest.mark.parametrize("who", ["reader", "deposited"])
def test_who_may_only_read_sees_the_list_and_changes_nothing(client, letter, who):
    add_communes(letter.community.territory, ["81140"])
    if who == "reader":
        client.force_login(factories.team_member(letter.community, role="reader").user)
    else:
        cases.fill(letter)
        cases.file(letter)
        client.force_login(letter.created_by)
    part = letter.community.territory.parts.get().pk
    assert [
        post(client, letter, "ajouter", {"code": "81271"}).status_code,
        post(client, letter, "retirer", {"part": part}).status_code,
        post(client, letter, "vider").status_code,
        client.get(
            reverse("letters:territory-change", args=[letter.public_id, "vider"])
        ).status_code,
    ] == [403, 403, 403, 403]
    text = read(client.get(page(letter)))
    assert "Lavaur" in text
    assert "<form" not in text.split("<main")[1].split("</main>")[0]
    assert lines(letter) == ["81140"]


def test_a_territory_of_another_team_is_a_404(client, letter):
    client.force_login(factories.user())
    assert [
        client.get(page(letter)).status_code,
        post(client, letter, "ajouter", {"code": "81140"}).status_code,
    ] == [404, 404]
    assert lines(letter) == []


@pytest.mark.django_db(transaction=True)
def test_two_people_adding_at_once_both_succeed(letter):
    owner, editor = letter.created_by, factories.team_member(letter.community).user

    def adding(person: Any, code: str) -> Any:
        browser = Client()
        browser.force_login(person)
        return lambda: post(browser, letter, "ajouter", {"code": code}).status_code

    revision = letter.community.territory.revision
    assert at_once(adding(owner, "81140"), adding(editor, "81271"), adding(editor, "31149")) == [
        302,
        302,
        302,
    ]
    assert lines(letter) == ["31149", "81140", "81271"]
    assert letter.community.territory.revision == revision + 3


@pytest.mark.django_db(transaction=True)
def test_the_same_commune_added_at_once_is_there_once_and_the_other_is_told(letter):
    owner, editor = letter.created_by, factories.team_member(letter.community).user

    def adding(person: Any) -> Any:
        browser = Client()
        browser.force_login(person)
        return lambda: post(browser, letter, "ajouter", {"code": "81140"}).status_code

    assert sorted(at_once(adding(owner), adding(editor))) == [302, 422]
    assert lines(letter) == ["81140"]


def test_the_page_costs_the_same_with_one_commune_and_with_thirty(owner, letter):
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert owner.get(page(letter)).status_code == 200
        return len(captured)

    territory = letter.community.territory
    codes = Commune.objects.filter(department="81").values_list("code", flat=True)[:30]
    add_communes(territory, [codes[0]])
    with_one = queries()
    add_communes(territory, list(codes[1:]))
    assert (with_one, queries()) == (7, 7)


# --- The map -------------------------------------------------------------------------


def test_the_map_is_told_what_the_territory_holds(owner, letter):
    territory = letter.community.territory
    add_communes(territory, ["81140", "81271", "31149"])
    add_part(territory, "31555", "Le Mirail", None)

    told = owner.get(reverse("letters:territory-codes", args=[letter.public_id])).json()

    assert told == {
        "whole": ["31149", "81140", "81271"],
        "parts": ["31555"],
        "departments": ["31", "81"],
        "others": [],
    }


def test_communes_chosen_on_the_map_are_added_and_taken_away_together(owner, letter):
    chosen = {"code": ["81140", "81271"]}

    added = post(owner, letter, "selection", chosen, **{"X-Fragment": "page"})

    assert added.status_code == 200
    assert lines(letter) == ["81140", "81271"]

    post(owner, letter, "deselection", {"code": ["81140"]}, **{"X-Fragment": "page"})

    assert lines(letter) == ["81271"]


def test_a_code_the_map_cannot_have_drawn_is_refused_in_words(owner, letter):
    refused = post(owner, letter, "selection", {"code": ["81140", "99999"]})

    assert refused.status_code == 422
    assert "99999" in read(refused)
    assert lines(letter) == []
