"""Writing a letter in a real browser: every word is saved, whatever happens on the way."""

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.contrib.sessions.models import Session
from django.urls import reverse
from playwright.sync_api import APIResponse, Page, Route, expect

from letters.models import LetterOfIntent
from tests import factories
from tests.e2e.conftest import DESKTOP, PHONE, axe_violations, overflow
from tests.e2e.pages import SignIn
from tests.letters import cases

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]

SAVED = re.compile(r"Enregistré à \d{1,2}\u00a0h\u00a0\d\d")


@pytest.fixture
def letter(transactional_db: None) -> LetterOfIntent:
    return cases.draft("76", communes=("81140",))


def open_step(page: Page, letter: LetterOfIntent, section: str, person: Any = None) -> None:
    SignIn(page).as_((person or letter.created_by).email, factories.PASSWORD)
    page.goto(step(letter, section))


def step(letter: LetterOfIntent, section: str) -> str:
    return reverse("letters:step", args=[letter.public_id, section])


def stored(letter: LetterOfIntent, key: str) -> Any:
    return letter.answers.filter(key=key).values_list("value", flat=True).first()


def waiting(page: Page) -> list[str]:
    """The fields this browser keeps until the portal has them."""
    names = page.evaluate("Object.keys(localStorage).filter(n => n.startsWith('dossier:'))")
    return sorted(name.rsplit(":", 1)[1] for name in names)


def field(page: Page, key: str) -> Any:
    return page.locator(f'[data-field="{key}"]')


def state(page: Page, key: str) -> Any:
    return field(page, key).locator("[data-state]")


def write(page: Page, key: str, text: str) -> None:
    page.locator(f"#champ-{key}").fill(text)


# --- Saving -------------------------------------------------------------------------


def test_what_is_typed_before_the_script_arrives_is_saved_too(
    open_browser: Callable[..., Page], letter: LetterOfIntent
) -> None:
    page = open_browser()
    SignIn(page).as_(letter.created_by.email, factories.PASSWORD)
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    page.route("**/autosave*.js", hold)
    page.goto(step(letter, "existing"), wait_until="commit")
    page.locator("#champ-existing_tools").fill("Une messagerie sécurisée")
    while not held:
        page.wait_for_timeout(20)
    for route in held:
        route.continue_()
    expect(state(page, "existing_tools")).to_have_text(SAVED)
    assert stored(letter, "existing_tools") == "Une messagerie sécurisée"
    assert waiting(page) == []


def test_a_press_while_a_field_is_being_saved_waits_for_it(
    open_browser: Callable[..., Page], letter: LetterOfIntent
) -> None:
    page = open_browser()
    open_step(page, letter, "existing")
    answers: list[tuple[Route, APIResponse]] = []
    # The portal has saved the field, and the browser does not know it yet.
    page.route("**/champs/**", lambda route: answers.append((route, route.fetch())))
    write(page, "existing_tools", "Une messagerie")
    while not answers:
        page.wait_for_timeout(20)
    write(page, "existing_tools", "Une messagerie sécurisée")
    page.get_by_role("button", name=re.compile("Enregistrer et continuer")).dblclick()
    for route, answer in answers:
        route.fulfill(response=answer)
    page.wait_for_url(re.compile("/etapes/mobilisation/"))
    page.unroute_all(behavior="ignoreErrors")
    assert stored(letter, "existing_tools") == "Une messagerie sécurisée"


def test_what_is_typed_is_saved_without_pressing_anything(
    page: Page, letter: LetterOfIntent
) -> None:
    open_step(page, letter, "diagnosis")

    page.locator("#champ-prediagnosis").press_sequentially("Sept généralistes.", delay=20)

    expect(state(page, "prediagnosis")).to_have_text(SAVED)
    expect(page.locator("#etat-enregistrement")).to_contain_text("Tout est enregistré")
    expect(field(page, "prediagnosis")).to_contain_text("18 caractères sur")
    assert stored(letter, "prediagnosis") == "Sept généralistes."
    assert waiting(page) == []


def test_a_choice_and_a_cell_are_saved_as_soon_as_they_change(
    page: Page, letter: LetterOfIntent
) -> None:
    open_step(page, letter, "planning")

    page.get_by_label("En cours").check(force=True)
    expect(state(page, "legal_structure")).to_have_text(SAVED)
    page.locator("#champ-calendar-0-start").fill("09/2027")
    page.locator("#champ-calendar-0-start").blur()
    expect(state(page, "calendar")).to_have_text(SAVED)

    assert stored(letter, "legal_structure")["status"] == "ongoing"
    assert stored(letter, "calendar")[0]["start"] == "2027-09"


def test_what_is_wrong_is_said_beside_the_field_and_goes_when_mended(
    page: Page, letter: LetterOfIntent
) -> None:
    open_step(page, letter, "identity")

    write(page, "contact_phone", "12")
    expect(field(page, "contact_phone")).to_contain_text("n’est pas un numéro de téléphone")
    expect(page.locator("#champ-contact_phone")).to_have_attribute("aria-invalid", "true")
    write(page, "contact_phone", "05 61 22 33 44")

    expect(field(page, "contact_phone")).not_to_contain_text("n’est pas un numéro")
    assert stored(letter, "contact_phone") == "05 61 22 33 44"


def test_a_link_waits_for_what_was_just_typed(page: Page, letter: LetterOfIntent) -> None:
    open_step(page, letter, "diagnosis")

    write(page, "prediagnosis", "Juste avant de partir.")
    page.get_by_role("link", name="Ce qu’il reste à faire").click()

    expect(page.get_by_role("heading", level=1)).to_have_text("Ce qu’il reste à faire")
    assert stored(letter, "prediagnosis") == "Juste avant de partir."


def test_the_buttons_of_the_page_go_on_after_an_autosave(
    page: Page, letter: LetterOfIntent
) -> None:
    open_step(page, letter, "diagnosis")

    write(page, "prediagnosis", "Par le script.")
    expect(state(page, "prediagnosis")).to_have_text(SAVED)
    page.locator("#champ-prediagnosis").press_sequentially(" Et encore.")
    page.get_by_role("button", name="Enregistrer et continuer").click()

    expect(page.get_by_role("heading", level=1)).to_have_text("Ce qui existe déjà")
    assert "Et encore." in stored(letter, "prediagnosis")
    assert waiting(page) == []


def test_the_list_of_what_is_missing_is_fresh_when_it_opens(
    page: Page, letter: LetterOfIntent
) -> None:
    open_step(page, letter, "identity")
    panel = page.locator("details[data-missing]")
    before = panel.locator("summary").inner_text()

    write(page, "written_on", "15/03/2027")
    expect(state(page, "written_on")).to_have_text(SAVED)
    panel.locator("summary").click()

    expect(panel.locator("summary")).not_to_have_text(before)
    expect(panel).not_to_contain_text("Date de rédaction")


# --- The network --------------------------------------------------------------------


def test_without_network_the_text_is_kept_and_sent_when_it_is_back(
    page: Page, letter: LetterOfIntent
) -> None:
    open_step(page, letter, "diagnosis")

    page.context.set_offline(True)
    write(page, "prediagnosis", "Dans un tunnel.")
    expect(state(page, "prediagnosis")).to_contain_text("Non enregistré : nouvel essai dans")
    expect(
        state(page, "prediagnosis").get_by_role("button", name="Réessayer maintenant")
    ).to_be_visible()
    assert waiting(page) == ["prediagnosis"]
    assert stored(letter, "prediagnosis") is None
    page.context.set_offline(False)

    expect(state(page, "prediagnosis")).to_have_text(SAVED)
    assert stored(letter, "prediagnosis") == "Dans un tunnel."
    assert waiting(page) == []


def test_retrying_by_hand_saves(page: Page, letter: LetterOfIntent) -> None:
    open_step(page, letter, "diagnosis")
    page.route("**/champs/**", lambda route: route.abort())
    write(page, "prediagnosis", "Encore une fois.")
    button = state(page, "prediagnosis").get_by_role("button", name="Réessayer maintenant")
    expect(button).to_be_visible()

    page.unroute("**/champs/**")
    button.click()

    expect(state(page, "prediagnosis")).to_have_text(SAVED)
    assert stored(letter, "prediagnosis") == "Encore une fois."


def test_leaving_with_unsaved_text_warns_and_the_next_visit_sends_it(
    page: Page, letter: LetterOfIntent
) -> None:
    open_step(page, letter, "diagnosis")
    page.route("**/champs/**", lambda route: route.abort())
    write(page, "prediagnosis", "Écrit sans réseau.")
    expect(state(page, "prediagnosis")).to_contain_text("Non enregistré")
    warnings: list[str] = []
    page.on("dialog", lambda dialog: (warnings.append(dialog.type), dialog.accept()))

    page.reload()
    expect(page.locator("#champ-prediagnosis")).to_have_value("Écrit sans réseau.")
    page.unroute("**/champs/**")
    page.reload()

    expect(state(page, "prediagnosis")).to_have_text(SAVED)
    assert warnings == ["beforeunload", "beforeunload"]
    assert stored(letter, "prediagnosis") == "Écrit sans réseau."
    assert waiting(page) == []


def test_what_another_step_could_not_send_is_sent_from_here(
    page: Page, letter: LetterOfIntent
) -> None:
    open_step(page, letter, "diagnosis")
    page.route("**/champs/**", lambda route: route.abort())
    write(page, "prediagnosis", "Écrit à l’étape 3.")
    expect(state(page, "prediagnosis")).to_contain_text("Non enregistré")
    page.on("dialog", lambda dialog: dialog.accept())

    page.unroute("**/champs/**")
    page.goto(step(letter, "identity"))

    expect(page.get_by_role("heading", level=1)).to_have_text("Le projet et son porteur")
    # Not `wait_for_function`: it evaluates a string, which the policy of the page refuses.
    while waiting(page):
        page.wait_for_timeout(50)
    assert stored(letter, "prediagnosis") == "Écrit à l’étape 3."


# --- The session --------------------------------------------------------------------


@pytest.mark.parametrize("end", ["expired", "cookies cleared"])
def test_after_the_session_has_ended_logging_in_elsewhere_sends_the_text(
    page: Page, letter: LetterOfIntent, end: str
) -> None:
    open_step(page, letter, "diagnosis")
    if end == "expired":
        Session.objects.all().delete()
    else:
        page.context.clear_cookies()

    write(page, "prediagnosis", "Écrit trop tard.")
    expect(page.locator("#avis-session")).to_contain_text("Rien n’est perdu")
    with page.context.expect_page() as opened:
        page.get_by_role("link", name="Se connecter dans un nouvel onglet").click()
    tab = opened.value
    SignIn(tab).as_(letter.created_by.email, factories.PASSWORD)
    tab.wait_for_url(re.compile(r"(?!.*connexion)"))
    tab.close()
    page.bring_to_front()
    page.evaluate("window.dispatchEvent(new Event('focus'))")

    expect(state(page, "prediagnosis")).to_have_text(SAVED)
    expect(page.locator("#avis-session")).to_have_count(0)
    assert stored(letter, "prediagnosis") == "Écrit trop tard."
    assert waiting(page) == []


def test_another_person_logged_in_meanwhile_does_not_get_the_text(
    page: Page, letter: LetterOfIntent
) -> None:
    other = factories.team_member(letter.community).user
    open_step(page, letter, "diagnosis")
    tab = page.context.new_page()
    tab.goto("/")
    tab.get_by_role("button", name="Se déconnecter").first.click()
    SignIn(tab).as_(other.email, factories.PASSWORD)
    tab.wait_for_url(re.compile(r"(?!.*connexion)"))

    write(page, "prediagnosis", "De la première personne.")

    expect(page.locator("#avis-session")).to_contain_text("un autre compte")
    assert stored(letter, "prediagnosis") is None
    assert waiting(page) == ["prediagnosis"]


# --- Two people ---------------------------------------------------------------------


@pytest.fixture
def conflict(
    page: Page, open_browser: Callable[..., Page], letter: LetterOfIntent
) -> Iterator[Page]:
    """The owner's page, when Marie has just written the same field from hers."""
    marie = factories.user(first_name="Marie", last_name="Dupont")
    factories.team_member(letter.community, marie)
    other = open_browser()
    open_step(page, letter, "diagnosis")
    open_step(other, letter, "diagnosis", marie)
    write(other, "prediagnosis", "De Marie.")
    expect(state(other, "prediagnosis")).to_have_text(SAVED)
    write(page, "prediagnosis", "De moi.")
    expect(field(page, "prediagnosis").locator("[data-conflict]")).to_contain_text("De Marie.")
    return page


def test_both_texts_are_shown_and_none_is_written_over(
    conflict: Page, letter: LetterOfIntent
) -> None:
    expect(conflict.locator("[data-conflict]")).to_contain_text("Marie Dupont a modifié ce champ")
    expect(conflict.locator("#champ-prediagnosis")).to_have_value("De moi.")
    assert stored(letter, "prediagnosis") == "De Marie."


def test_keeping_mine(conflict: Page, letter: LetterOfIntent) -> None:
    conflict.get_by_role("button", name="Garder ma version").click()

    expect(state(conflict, "prediagnosis")).to_have_text(SAVED)
    assert stored(letter, "prediagnosis") == "De moi."
    assert waiting(conflict) == []


def test_taking_the_other_one(conflict: Page, letter: LetterOfIntent) -> None:
    conflict.get_by_role("button", name="Prendre celle de Marie Dupont").click()

    expect(conflict.locator("#champ-prediagnosis")).to_have_value("De Marie.")
    conflict.get_by_role("button", name="Enregistrer et continuer").click()
    expect(conflict.get_by_role("heading", level=1)).to_have_text("Ce qui existe déjà")
    assert stored(letter, "prediagnosis") == "De Marie."
    assert waiting(conflict) == []


# --- Tables -------------------------------------------------------------------------


def names(letter: LetterOfIntent) -> list[str]:
    return [row["name"] for row in stored(letter, "team") or []]


def paste(page: Page, selector: str, text: str) -> None:
    page.locator(selector).evaluate(
        """(control, text) => {
            const data = new DataTransfer();
            data.setData("text/plain", text);
            control.focus();
            control.dispatchEvent(new ClipboardEvent("paste",
                {clipboardData: data, bubbles: true, cancelable: true}));
        }""",
        text,
    )


def test_rows_are_added_moved_and_removed_with_the_keyboard(
    page: Page, letter: LetterOfIntent
) -> None:
    open_step(page, letter, "team")
    table = field(page, "team")
    said = page.locator("#etat-tableau")

    page.locator("#champ-team-0-name").fill("Fabre Claire")
    table.get_by_role("button", name="Ajouter une ligne").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#champ-team-1-name")).to_be_focused()
    page.keyboard.type("Roux Jean")
    table.get_by_role("button", name="Monter la ligne 2").focus()
    page.keyboard.press("Enter")
    expect(said).to_have_text("Ligne 2 déplacée en position 1 sur 2.")
    expect(table.get_by_role("button", name="Monter la ligne 1")).to_be_focused()
    expect(state(page, "team")).to_have_text(SAVED)
    page.wait_for_timeout(900)
    assert names(letter) == ["Roux Jean", "Fabre Claire"]

    table.get_by_role("button", name="Retirer la ligne 1").focus()
    page.keyboard.press("Enter")
    expect(said).to_have_text("Ligne 1 retirée.")
    expect(page.locator("#champ-team-0-name")).to_have_value("Fabre Claire")
    page.wait_for_timeout(900)
    assert names(letter) == ["Fabre Claire"]


def test_a_spreadsheet_pasted_in_a_cell_fills_the_table(page: Page, letter: LetterOfIntent) -> None:
    open_step(page, letter, "team")

    paste(
        page,
        "#champ-team-0-name",
        'Fabre Claire\tMédecin\r\nRoux Jean\t"Infirmier\nde pratique avancée"\r\n',
    )

    expect(state(page, "team")).to_have_text(SAVED)
    expect(page.locator("#champ-team-1-profession")).to_have_value("Infirmier de pratique avancée")
    assert names(letter) == ["Fabre Claire", "Roux Jean"]


def test_each_pasted_row_that_does_not_fit_is_named(page: Page, letter: LetterOfIntent) -> None:
    open_step(page, letter, "missions")

    paste(page, "#champ-missions-0-planned", "Oui\tUn médecin traitant.\nPeut-être\tUn relais.")

    report = field(page, "missions").locator("[data-paste-report]")
    expect(report).to_contain_text("Ligne 2 : « Peut-être » n’est pas une réponse")
    expect(state(page, "missions")).to_have_text(SAVED)
    assert stored(letter, "missions")[0]["planned"] == "yes"
    assert stored(letter, "missions")[1]["description"] == "Un relais."


def test_a_paste_beyond_the_table_s_limit_changes_nothing(
    page: Page, letter: LetterOfIntent
) -> None:
    open_step(page, letter, "team")

    paste(page, "#champ-team-0-name", "\n".join(f"Personne {n}\tIDE" for n in range(500)))

    expect(field(page, "team").locator("[data-paste-report]")).to_contain_text("500 lignes")
    expect(page.locator("#champ-team-0-name")).to_have_value("")
    assert stored(letter, "team") is None


def test_a_conflict_on_a_table_can_be_settled_for_the_other_s_rows(
    page: Page, open_browser: Callable[..., Page], letter: LetterOfIntent
) -> None:
    marie = factories.user(first_name="Marie", last_name="Dupont")
    factories.team_member(letter.community, marie)
    other = open_browser()
    open_step(page, letter, "team")
    open_step(other, letter, "team", marie)
    paste(other, "#champ-team-0-name", "A\tIDE\nB\tIDE\nC\tIDE")
    expect(state(other, "team")).to_have_text(SAVED)

    page.locator("#champ-team-0-name").fill("De moi")
    page.get_by_role("button", name="Prendre celle de Marie Dupont").click()

    expect(page.locator("#champ-team-2-name")).to_have_value("C")
    expect(page.locator("#champ-team-0-name")).to_have_value("A")
    assert names(letter) == ["A", "B", "C"]


# --- For everyone -------------------------------------------------------------------


@pytest.mark.parametrize("viewport", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_steps_with_faults_and_tables_are_accessible_at_every_width(
    open_browser: Callable[..., Page], letter: LetterOfIntent, viewport: dict[str, int]
) -> None:
    page = open_browser(viewport=viewport)
    open_step(page, letter, "identity")
    write(page, "contact_phone", "12")
    expect(field(page, "contact_phone")).to_contain_text("n’est pas un numéro de téléphone")

    found = {}
    for section in ("identity", "mobilisation", "team", "missions", "planning"):
        page.goto(f"{step(letter, section)}?a-corriger=1")
        found[section] = (axe_violations(page), overflow(page))

    assert found == dict.fromkeys(found, ([], 0))


def test_a_conflict_and_an_ended_session_are_accessible(conflict: Page) -> None:
    Session.objects.all().delete()
    write(conflict, "difficult_pathways", "Écrit trop tard.")
    expect(conflict.locator("#avis-session")).to_be_visible()

    assert axe_violations(conflict) == []
