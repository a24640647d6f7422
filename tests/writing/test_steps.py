"""Opening a letter and filling in its steps, without JavaScript."""

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from communities.models import Community
from letters.models import LetterOfIntent
from procedures import registry
from procedures.schema import ProcedureKind
from territories.models import Region
from tests import factories
from tests.letters import cases
from tests.writing import pages
from workflow.models import Answer
from writing.content import procedure_of

pytestmark = pytest.mark.django_db

OCCITANIE, PAYS_DE_LA_LOIRE = "76", "52"


@pytest.fixture
def letter(client: Client) -> LetterOfIntent:
    """A draft in Occitanie, whose owner is signed in."""
    draft = cases.draft(OCCITANIE)
    client.force_login(draft.created_by)
    return draft


def address(letter: LetterOfIntent, section: str) -> str:
    return reverse("letters:step", args=[letter.public_id, section])


def fill(
    client: Client, letter: LetterOfIntent, section: str, typed: dict[str, str], **more: str
) -> Any:
    """Open a step, type in some of its controls, press a button."""
    url = address(letter, section)
    post = pages.read(client.get(url)).post
    assert typed.keys() <= post.keys() | {"f-legal_structure-status"}
    return client.post(url, {**post, **typed, **({"go": "stay"} | more)})


def answers(letter: LetterOfIntent) -> dict[str, Any]:
    return dict(letter.answers.values_list("key", "value"))


def person(*, first: int = 0) -> dict[str, str]:
    return {f"f-team-{first}-name": "Fabre Claire", f"f-team-{first}-profession": "Médecin"}


# --- Opening a letter ---------------------------------------------------------------


def test_a_letter_opens_at_its_first_step_under_the_procedure_of_its_region(
    client: Client,
) -> None:
    cases.reference_rows()
    user = factories.user()
    client.force_login(user)

    response = client.post(
        reverse("letters:create"), {"name": "CPTS du Thoré", "region": OCCITANIE}
    )

    opened = LetterOfIntent.objects.get(community__created_by=user)
    assert (response.status_code, response.url) == (302, address(opened, "identity"))
    assert (opened.title, opened.procedure_key) == ("CPTS du Thoré", "occitanie")
    assert answers(opened)["title"] == "CPTS du Thoré"


def test_the_page_says_which_regions_have_their_own_form(client: Client) -> None:
    cases.reference_rows()
    Region.objects.filter(code__in=cases.REGIONS).update(has_ars=True)
    client.force_login(factories.user())

    text = pages.text_of(client.get(reverse("letters:create")))

    assert "Occitanie – formulaire propre à la région" in text
    assert "Normandie – formulaire national" in text


def test_regions_are_listed_where_a_reader_looks_for_them(client: Client) -> None:
    client.force_login(factories.user())

    choices = client.get(reverse("letters:create")).context["form"].fields["region"].choices
    names = [str(label).partition(" – ")[0] for _, label in choices][1:]

    assert names[names.index("Hauts-de-France") : names.index("La Réunion")] == [
        "Hauts-de-France",
        "Île-de-France",
    ]


def test_an_empty_form_opens_nothing_and_says_what_to_fill(client: Client) -> None:
    client.force_login(factories.user())

    response = client.post(reverse("letters:create"), {"name": " ", "region": "rien"})

    assert response.status_code == 422
    text = pages.text_of(response)
    assert "Donnez un nom à votre CPTS, même provisoire." in text
    assert "Choisissez la région de votre CPTS." in text or "dans la liste" in text
    assert not Community.objects.exists()


def test_a_second_press_does_not_open_a_second_letter(client: Client) -> None:
    cases.reference_rows()
    client.force_login(factories.user())
    data = {"name": "CPTS du Thoré", "region": OCCITANIE}

    client.post(reverse("letters:create"), data)
    response = client.post(reverse("letters:create"), data)

    assert response.status_code == 422
    assert "Vous avez déjà une CPTS de ce nom" in pages.text_of(response)
    assert LetterOfIntent.objects.count() == 1


def test_someone_acting_for_a_body_opens_no_letter(client: Client) -> None:
    role = factories.membership()
    client.force_login(role.user)

    response = client.get(reverse("letters:create"))

    assert response.status_code == 403


# --- The pages of the steps ---------------------------------------------------------


@pytest.mark.parametrize("region", ["76", "32", "52", "84"])
def test_every_field_of_every_procedure_is_on_its_step(client: Client, region: str) -> None:
    draft = cases.draft(region)
    client.force_login(draft.created_by)
    procedure = procedure_of(draft)

    drawn = {
        section.key: [
            field.key
            for field in section.fields
            if f"champ-{field.key}" in pages.read(client.get(address(draft, section.key))).ids
        ]
        for section in procedure.sections
    }

    assert drawn == {
        section.key: [field.key for field in section.fields] for section in procedure.sections
    }


def test_ids_are_unique_on_a_step_with_tables(client: Client, letter: LetterOfIntent) -> None:
    for section in ("identity", "team", "missions", "planning"):
        ids = pages.read(client.get(address(letter, section))).ids

        assert len(ids) == len(set(ids))


def test_an_unknown_step_is_not_found(client: Client, letter: LetterOfIntent) -> None:
    assert client.get(address(letter, "inconnue")).status_code == 404


def test_the_letter_of_others_is_not_found(client: Client, letter: LetterOfIntent) -> None:
    client.force_login(factories.user())

    assert client.get(address(letter, "identity")).status_code == 404
    assert client.post(address(letter, "identity"), {}).status_code == 404


def test_a_reader_reads_the_same_step_and_writes_nothing(
    client: Client, letter: LetterOfIntent
) -> None:
    fill(client, letter, "identity", {"f-contact_profession": "Sage-femme"})
    reader = factories.team_member(letter.community, role="reader").user
    client.force_login(reader)

    response = client.get(address(letter, "identity"))
    refused = client.post(address(letter, "identity"), {"rev-title": "1.", "f-title": "Autre nom"})

    assert "Sage-femme" in pages.text_of(response)
    assert pages.read(response).post == {}
    assert refused.status_code == 403
    assert answers(letter)["title"] == letter.title


def test_a_step_costs_the_same_queries_with_one_row_or_thirty(
    client: Client, letter: LetterOfIntent
) -> None:
    url = address(letter, "team")
    counts = []
    for rows in (1, 30):
        Answer.objects.update_or_create(
            case=letter,
            key="team",
            defaults={
                "value": [
                    {"name": f"Personne {n}", "profession": "IDE", "sector": "", "place": "",
                     "structure": ""}
                    for n in range(rows)
                ],
                "updated_by": letter.created_by,
            },
        )  # fmt: skip
        with CaptureQueriesContext(
            connection,
        ) as queries:
            assert client.get(url).status_code == 200
        counts.append(len(queries))

    assert counts[0] == counts[1]
    assert counts[0] <= 12


# --- Saving a step ------------------------------------------------------------------


def test_one_press_saves_the_whole_step_and_goes_on(client: Client, letter: LetterOfIntent) -> None:
    response = fill(
        client,
        letter,
        "identity",
        {
            "f-written_on": "15/03/2027",
            "f-contact_address": "1 rue du Pont\r\n81200 Mazamet",
            "f-contact_phone": "05 61 11 22 33",
        },
        go="next",
    )

    assert (response.status_code, response.url) == (302, address(letter, "territory"))
    saved = answers(letter)
    assert saved["written_on"] == "2027-03-15"
    assert saved["contact_address"] == "1 rue du Pont\n81200 Mazamet"
    assert saved["contact_phone"] == "05 61 11 22 33"


def test_what_is_stored_comes_back_into_the_controls_as_it_was_typed(
    client: Client, letter: LetterOfIntent
) -> None:
    fill(client, letter, "identity", {"f-written_on": "15/03/2027"})
    fill(
        client,
        letter,
        "planning",
        {
            "f-legal_structure-status": "yes",
            "f-legal_structure-name": "Association du Thoré",
            "f-legal_structure-created_on": "10/01/2027",
            "f-calendar-0-start": "09/2027",
        },
    )

    identity = pages.read(client.get(address(letter, "identity"))).post
    planning = pages.read(client.get(address(letter, "planning"))).post

    assert identity["f-written_on"] == "15/03/2027"
    assert planning["f-legal_structure-status"] == "yes"
    assert planning["f-legal_structure-created_on"] == "10/01/2027"
    assert planning["f-calendar-0-start"] == "09/2027"


def test_untouched_fields_are_not_written_again(client: Client, letter: LetterOfIntent) -> None:
    before = dict(letter.answers.values_list("key", "revision"))

    fill(client, letter, "identity", {"f-contact_profession": "Sage-femme"})

    after = dict(letter.answers.values_list("key", "revision"))
    assert after == before | {"contact_profession": before.get("contact_profession", 0) + 1}


@pytest.mark.parametrize(
    ("control", "typed", "sentence"),
    [
        ("f-written_on", "le 32 mars", "n’est pas une date"),
        ("f-contact_email", "claire.fabre", "n’est pas une adresse électronique"),
        ("f-contact_phone", "12", "n’est pas un numéro de téléphone"),
        ("f-contact_address", "a" * 20_000, "la limite est de 500"),
    ],
)
def test_what_cannot_be_is_kept_as_typed_and_said(
    client: Client, letter: LetterOfIntent, control: str, typed: str, sentence: str
) -> None:
    response = fill(client, letter, "identity", {control: typed}, go="next")

    shown = client.get(response.url)
    page = pages.read(shown)
    assert response.url == address(letter, "identity") + "?a-corriger=1"
    assert answers(letter)[control.removeprefix("f-")] == typed
    assert page.post[control] == typed
    assert sentence in pages.text_of(shown)
    assert f'href="#champ-{control.removeprefix("f-")}"' in shown.content.decode()


def test_the_second_press_goes_on_with_what_is_still_to_mend(
    client: Client, letter: LetterOfIntent
) -> None:
    fill(client, letter, "identity", {"f-contact_phone": "12"}, go="next")

    response = fill(client, letter, "identity", {}, go="next")

    assert response.url == address(letter, "territory")


def test_an_answer_no_draft_can_hold_is_refused_and_shown_again(
    client: Client, letter: LetterOfIntent
) -> None:
    monument = "é" * 100_001

    response = fill(
        client,
        letter,
        "diagnosis",
        {"f-prediagnosis": monument, "f-difficult_pathways": "Le vendredi soir."},
        go="next",
    )

    assert response.status_code == 422
    assert pages.read(response).post["f-prediagnosis"] == monument
    assert "raccourcissez le texte" in pages.text_of(response)
    assert answers(letter)["difficult_pathways"] == "Le vendredi soir."
    assert "prediagnosis" not in answers(letter)


def test_the_title_renames_the_cpts(client: Client, letter: LetterOfIntent) -> None:
    fill(client, letter, "identity", {"f-title": "CPTS de la Montagne noire"})

    letter.refresh_from_db()
    assert letter.title == letter.community.name == "CPTS de la Montagne noire"


def test_the_list_of_steps_saves_before_it_goes(client: Client, letter: LetterOfIntent) -> None:
    response = fill(
        client, letter, "identity", {"f-contact_profession": "Infirmier"}, go="step:missions"
    )

    assert response.url == address(letter, "missions")
    assert answers(letter)["contact_profession"] == "Infirmier"


def test_the_last_step_leads_to_the_deposit(client: Client, letter: LetterOfIntent) -> None:
    response = fill(client, letter, "closing", {}, go="next")

    assert response.url == reverse("letters:deposit", args=[letter.public_id])


def test_a_deposited_letter_is_no_longer_written(client: Client) -> None:
    deposited = cases.deposited(OCCITANIE)
    client.force_login(deposited.created_by)

    opened = client.get(address(deposited, "identity"))
    refused = client.post(
        address(deposited, "identity"),
        {"rev-contact_profession": "0.", "f-contact_profession": "x"},
    )

    assert opened.url == reverse("letters:detail", args=[deposited.public_id])
    assert refused.status_code == 403
    assert answers(deposited)["contact_profession"] != "x"


# --- Steps in words -----------------------------------------------------------------


def test_each_step_says_how_far_it_is(client: Client, letter: LetterOfIntent) -> None:
    fill(client, letter, "diagnosis", {"f-prediagnosis": "Un habitant sur trois a plus de 60 ans."})
    fill(client, letter, "existing", {"f-existing_tools": "Une messagerie."})

    text = pages.text_of(client.get(address(letter, "identity")))

    assert "Le pré-diagnostic commencée" in text
    assert "Ce qui existe déjà complète" in text
    assert "Les missions à commencer" in text


# --- Two people at once -------------------------------------------------------------


@pytest.fixture
def other(letter: LetterOfIntent) -> Client:
    """A co-editor, signed in beside the owner."""
    editor = factories.team_member(
        letter.community, factories.user(first_name="Marie", last_name="Dupont")
    ).user
    browser = Client()
    browser.force_login(editor)
    return browser


def test_two_people_on_two_fields_of_a_step_both_keep_their_text(
    client: Client, other: Client, letter: LetterOfIntent
) -> None:
    url = address(letter, "diagnosis")
    mine = pages.read(client.get(url)).post
    theirs = pages.read(other.get(url)).post

    other.post(url, {**theirs, "f-prediagnosis": "De Marie.", "go": "stay"})
    response = client.post(url, {**mine, "f-difficult_pathways": "De moi.", "go": "stay"})

    assert response.status_code == 302
    saved = answers(letter)
    assert saved["prediagnosis"] == "De Marie."
    assert saved["difficult_pathways"] == "De moi."


@pytest.fixture
def conflict(client: Client, other: Client, letter: LetterOfIntent) -> Any:
    """The page the owner gets after both wrote the same field."""
    url = address(letter, "diagnosis")
    mine = pages.read(client.get(url)).post
    theirs = pages.read(other.get(url)).post
    other.post(url, {**theirs, "f-prediagnosis": "De Marie.", "go": "stay"})
    return client.post(url, {**mine, "f-prediagnosis": "De moi.", "go": "next"})


def test_a_conflict_shows_both_texts_and_writes_neither_over_the_other(
    conflict: Any, letter: LetterOfIntent
) -> None:
    text = pages.text_of(conflict)

    assert conflict.status_code == 409
    assert pages.read(conflict).post["f-prediagnosis"] == "De moi."
    assert "Marie Dupont a modifié ce champ" in text
    assert "De Marie." in text
    assert answers(letter)["prediagnosis"] == "De Marie."


def test_keeping_mine_writes_it(client: Client, conflict: Any, letter: LetterOfIntent) -> None:
    post = pages.read(conflict).post

    client.post(address(letter, "diagnosis"), {**post, "choix-prediagnosis": "mien", "go": "stay"})

    assert answers(letter)["prediagnosis"] == "De moi."


def test_both_texts_can_be_merged(client: Client, conflict: Any, letter: LetterOfIntent) -> None:
    post = pages.read(conflict).post | {"f-prediagnosis": "De moi.\nDe Marie."}

    client.post(address(letter, "diagnosis"), {**post, "choix-prediagnosis": "mien", "go": "stay"})

    assert answers(letter)["prediagnosis"] == "De moi.\nDe Marie."


def test_taking_the_other_one_keeps_it(
    client: Client, conflict: Any, letter: LetterOfIntent
) -> None:
    post = pages.read(conflict).post

    response = client.post(
        address(letter, "diagnosis"), {**post, "choix-prediagnosis": "autre", "go": "stay"}
    )

    assert response.status_code == 302
    assert answers(letter)["prediagnosis"] == "De Marie."


def test_a_third_change_meanwhile_is_a_conflict_again(
    client: Client, other: Client, conflict: Any, letter: LetterOfIntent
) -> None:
    fill(other, letter, "diagnosis", {"f-prediagnosis": "De Marie, encore."})
    post = pages.read(conflict).post

    response = client.post(
        address(letter, "diagnosis"), {**post, "choix-prediagnosis": "mien", "go": "stay"}
    )

    assert response.status_code == 409
    assert "De Marie, encore." in pages.text_of(response)


# --- Tables -------------------------------------------------------------------------


def names(letter: LetterOfIntent) -> list[str]:
    return [row["name"] for row in answers(letter)["team"]]


def team(client: Client, letter: LetterOfIntent, *people: str) -> None:
    for name in people:
        row = len(answers(letter).get("team", []))
        fill(client, letter, "team", {f"f-team-{row}-name": name})


def test_a_blank_row_always_waits_at_the_end_of_a_table(
    client: Client, letter: LetterOfIntent
) -> None:
    response = fill(client, letter, "team", person(), table="add:team")

    assert response.url == address(letter, "team") + "#champ-team-1-name"
    post = pages.read(client.get(response.url)).post
    assert post["f-team-0-name"] == "Fabre Claire"
    assert post["f-team-1-name"] == ""
    assert "champ-team-1-name" in pages.read(client.get(response.url)).ids


@pytest.mark.parametrize(
    ("button", "order", "landing"),
    [
        ("up:team:2", ["A", "C", "B"], "#champ-team-1-name"),
        ("up:team:0", ["A", "B", "C"], "#champ-team-0-name"),
        ("down:team:0", ["B", "A", "C"], "#champ-team-1-name"),
        ("remove:team:1", ["A", "C"], "#champ-team-1-name"),
        ("remove:team:2", ["A", "B"], "#champ-team-2-name"),
    ],
)
def test_rows_move_and_go_by_named_buttons(
    client: Client, letter: LetterOfIntent, button: str, order: list[str], landing: str
) -> None:
    team(client, letter, "A", "B", "C")

    response = fill(client, letter, "team", {}, table=button)

    assert names(letter) == order
    assert response.url == address(letter, "team") + landing


@pytest.mark.parametrize("button", ["up:team:99", "up:missions:1", "x:y:z", "remove:team:-1"])
def test_a_crafted_button_breaks_nothing(
    client: Client, letter: LetterOfIntent, button: str
) -> None:
    team(client, letter, "A", "B")

    assert fill(client, letter, "team", {}, table=button).status_code == 302
    assert names(letter) == ["A", "B"]


def test_a_button_of_a_table_saves_the_rest_of_the_step(
    client: Client, letter: LetterOfIntent
) -> None:
    fill(
        client,
        letter,
        "planning",
        {"f-legal_structure-name": "Association du Thoré", "f-calendar-0-start": "bientôt"},
        table="add:calendar",
    )

    saved = answers(letter)
    assert saved["legal_structure"]["name"] == "Association du Thoré"
    assert saved["calendar"][0]["start"] == "bientôt"


def test_a_wrong_cell_is_named_and_marked(client: Client, letter: LetterOfIntent) -> None:
    fill(client, letter, "planning", {"f-calendar-0-start": "bientôt"})

    response = client.get(address(letter, "planning"))

    assert "« bientôt » n’est pas un mois" in pages.text_of(response).replace("\u00a0", " ")
    assert 'id="champ-calendar-0-start"' in response.content.decode()
    assert response.content.decode().count('aria-invalid="true"') == 1


def test_a_row_with_a_free_label_keeps_it(client: Client, letter: LetterOfIntent) -> None:
    fill(
        client,
        letter,
        "mobilisation",
        {"f-solicited_professionals-11-label": "Diététiciens",
         "f-solicited_professionals-11-identified": "3"},
    )  # fmt: skip

    row = answers(letter)["solicited_professionals"][11]
    assert (row["row"], row["label"], row["identified"]) == ("other", "Diététiciens", "3")


def test_more_rows_than_a_table_may_hold_are_shown_again(
    client: Client, letter: LetterOfIntent
) -> None:
    url = address(letter, "team")
    post = pages.read(client.get(url)).post | {"f-team-rows": "1500", "go": "stay"}
    post |= {f"f-team-{n}-name": f"Personne {n}" for n in range(1500)}

    response = client.post(url, post)

    assert response.status_code == 422
    assert "Rien n’a été enregistré" in pages.text_of(response)
    assert "team" not in answers(letter)


# --- Population ---------------------------------------------------------------------


def test_a_declared_population_stands_beside_the_computed_one(client: Client) -> None:
    draft = cases.draft(OCCITANIE, communes=("81140",))
    client.force_login(draft.created_by)

    fill(client, draft, "territory", {"f-population-declared": "12 000"})
    warned = pages.text_of(client.get(address(draft, "territory")))
    listed = pages.text_of(client.get(reverse("letters:missing", args=[draft.public_id])))
    fill(client, draft, "territory", {"f-population-reason": "Saisonniers compris."})

    territory = draft.community.territory
    assert "Dites pourquoi vous déclarez une autre population" in warned
    assert "Dites pourquoi vous déclarez une autre population" in listed
    assert (territory.declared_population, territory.declared_population_reason) == (
        12_000,
        "Saisonniers compris.",
    )


def test_a_population_that_is_no_number_is_shown_again(client: Client) -> None:
    draft = cases.draft(OCCITANIE, communes=("81140",))
    client.force_login(draft.created_by)

    response = fill(client, draft, "territory", {"f-population-declared": "beaucoup"})

    assert response.status_code == 422
    assert pages.read(response).post["f-population-declared"] == "beaucoup"
    assert "n’est pas un nombre d’habitants" in pages.text_of(response)


# --- What is missing ----------------------------------------------------------------


def test_every_member_sees_what_is_missing_with_a_link_to_each_field(
    client: Client, letter: LetterOfIntent
) -> None:
    reader = factories.team_member(letter.community, role="reader").user
    client.force_login(reader)

    response = client.get(reverse("letters:missing", args=[letter.public_id]))

    html = response.content.decode()
    assert f'href="{address(letter, "identity")}#champ-written_on"' in html
    assert f'href="{address(letter, "territory")}#champ-territory"' in html


def test_every_link_of_the_list_leads_to_an_id_of_its_page(
    client: Client, letter: LetterOfIntent
) -> None:
    response = client.get(reverse("letters:missing", args=[letter.public_id]))

    broken = [
        item.url
        for item in response.context["missing"]
        if item.url.partition("#")[2] not in pages.read(client.get(item.url)).ids
    ]
    assert broken == []


def test_the_list_of_a_complete_letter_says_so(client: Client) -> None:
    complete = cases.complete(OCCITANIE)
    client.force_login(complete.created_by)

    text = pages.text_of(client.get(reverse("letters:missing", args=[complete.public_id])))

    assert "Rien ne manque : la lettre est remplie." in text.replace("\u00a0", " ")


def test_a_script_gets_the_list_alone(client: Client, letter: LetterOfIntent) -> None:
    response = client.get(
        reverse("letters:missing", args=[letter.public_id]), headers={"X-Fragment": "1"}
    )

    assert b"<html" not in response.content
    assert "Il%20manque" in response["X-Missing-Label"]


def test_the_procedures_have_every_kind_the_steps_draw() -> None:
    """A kind nobody draws would show a step without its field."""
    drawn = {
        "text", "paragraph", "date", "month", "number", "email", "phone", "choice", "structure",
        "table", "territory", "population", "size_class", "attachment", "signature",
    }  # fmt: skip

    letters = registry.all_procedures(ProcedureKind.LETTER_OF_INTENT)
    assert {f.kind.value for p in letters for f in p.fields} <= drawn
