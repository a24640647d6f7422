"""Saving one field from a script: one request, six queries at most, and an answer for each case."""

import json
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.middleware import SESSION_KEY
from letters.models import LetterOfIntent
from tests import factories
from tests.letters import cases

pytestmark = pytest.mark.django_db


@pytest.fixture
def letter(client: Client) -> LetterOfIntent:
    draft = cases.draft("76", communes=("81140",))
    client.force_login(draft.created_by)
    return draft


def url(letter: LetterOfIntent, field: str) -> str:
    return reverse("letters:autosave", args=[letter.public_id, field])


def send(
    client: Client,
    letter: LetterOfIntent,
    field: str,
    value: Any,
    revision: int | None = 0,
    **more: Any,
) -> Any:
    return client.post(
        url(letter, field),
        json.dumps({"value": value, "revision": revision}),
        content_type="application/json",
        **more,
    )


def stored(letter: LetterOfIntent, field: str) -> Any:
    return letter.answers.filter(key=field).values_list("value", flat=True).first()


def editor(letter: LetterOfIntent) -> Client:
    person = factories.user(first_name="Marie", last_name="Dupont")
    factories.team_member(letter.community, person)
    browser = Client()
    browser.force_login(person)
    return browser


# --- Saving -------------------------------------------------------------------------


def test_a_saved_field_answers_its_revision_the_time_and_what_is_wrong(
    client: Client, letter: LetterOfIntent
) -> None:
    first = send(client, letter, "prediagnosis", "Sept généralistes.").json()
    second = send(client, letter, "prediagnosis", "Six.", first["revision"]).json()

    assert (first["revision"], second["revision"]) == (1, 2)
    assert first["problems"] == second["problems"] == []
    assert first["saved_at"] < second["saved_at"]
    assert stored(letter, "prediagnosis") == "Six."


@pytest.mark.parametrize(
    ("field", "value", "word"),
    [
        ("written_on", "31/02/2027", "n’est pas une date"),
        ("contact_phone", "12", "n’est pas un numéro de téléphone"),
        ("contact_email", "claire", "n’est pas une adresse électronique"),
        ("prediagnosis", "a" * 20_000, "la limite est de"),
        ("team", [{"name": "x"}] * 500, "la limite est de"),
    ],
)
def test_what_is_wrong_is_saved_and_said(
    client: Client, letter: LetterOfIntent, field: str, value: Any, word: str
) -> None:
    response = send(client, letter, field, value, None)

    assert response.status_code == 200
    assert word in response.json()["problems"][0]
    assert letter.answers.filter(key=field).exists()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("prediagnosis", "Sept généralistes partent."),
        ("title", "CPTS de la Montagne noire"),
        ("team", [{"name": f"Personne {n}", "profession": "IDE"} for n in range(60)]),
        ("legal_structure", {"status": "yes", "name": "Association"}),
        ("missions", [{"row": "prevention", "planned": "yes", "description": "Dépistage."}]),
        ("population", {"declared": "12000", "reason": "Saisonniers."}),
    ],
)
def test_a_field_costs_one_request_and_six_queries_at_most(
    client: Client, letter: LetterOfIntent, field: str, value: Any
) -> None:
    send(client, letter, field, value, None)

    with CaptureQueriesContext(connection) as queries:
        response = send(client, letter, field, [] if field == "team" else value, None)

    assert response.status_code == 200
    assert len(queries) <= 6, [query["sql"][:120] for query in queries]


def test_the_six_queries_hold_for_a_first_title(client: Client, letter: LetterOfIntent) -> None:
    with CaptureQueriesContext(connection) as queries:
        response = send(client, letter, "title", "Tout autre nom", None)

    letter.refresh_from_db()
    assert (response.status_code, letter.title, letter.community.name) == (
        200,
        "Tout autre nom",
        "Tout autre nom",
    )
    assert len(queries) <= 6, [query["sql"][:120] for query in queries]


def test_a_population_is_kept_by_the_territory(client: Client, letter: LetterOfIntent) -> None:
    response = send(client, letter, "population", {"declared": "12 000", "reason": ""}, None)

    assert response.status_code == 200
    assert "Dites pourquoi" in response.json()["problems"][0]
    assert letter.community.territory.declared_population == 12_000


def test_characters_no_store_accepts_do_not_break_the_saving(
    client: Client, letter: LetterOfIntent
) -> None:
    text = send(client, letter, "prediagnosis", "avant\u0000\ud800après")
    reason = send(client, letter, "population", {"declared": "5", "reason": "a\u0000\ud800b"}, None)

    assert (text.status_code, reason.status_code) == (200, 200)
    assert stored(letter, "prediagnosis") == "avantaprès"


# --- Two people ---------------------------------------------------------------------


def test_somebody_elses_change_is_a_conflict_with_their_text(
    client: Client, letter: LetterOfIntent
) -> None:
    send(editor(letter), letter, "written_on", "15/03/2027")

    response = send(client, letter, "written_on", "16/03/2027")

    answer = response.json()
    assert response.status_code == 409
    assert {key: answer[key] for key in ("by", "value", "text", "revision", "problems")} == {
        "by": "Marie Dupont",
        "value": "15/03/2027",
        "text": "15/03/2027",
        "revision": 1,
        "problems": [],
    }
    assert stored(letter, "written_on") == "2027-03-15"


def test_keeping_mine_after_a_conflict_writes_over(client: Client, letter: LetterOfIntent) -> None:
    send(editor(letter), letter, "prediagnosis", "De Marie.")
    conflict = send(client, letter, "prediagnosis", "De moi.").json()

    kept = send(client, letter, "prediagnosis", "De moi.", conflict["revision"])

    assert kept.status_code == 200
    assert stored(letter, "prediagnosis") == "De moi."


def test_the_same_text_twice_is_no_conflict(client: Client, letter: LetterOfIntent) -> None:
    send(editor(letter), letter, "prediagnosis", "Pareil.")

    response = send(client, letter, "prediagnosis", "Pareil.")

    assert (response.status_code, response.json()["revision"]) == (200, 1)


def test_the_population_has_its_conflicts_too(client: Client, letter: LetterOfIntent) -> None:
    other = editor(letter)
    empty = send(client, letter, "population", {"declared": "", "reason": ""}, None).json()
    send(other, letter, "population", {"declared": "9000", "reason": "A"}, empty["revision"])

    response = send(
        client, letter, "population", {"declared": "8000", "reason": "B"}, empty["revision"]
    )

    assert response.status_code == 409
    assert response.json()["value"] == {"declared": "9000", "reason": "A"}
    assert letter.community.territory.declared_population == 9_000


def test_the_text_of_a_table_in_conflict_can_be_read(
    client: Client, letter: LetterOfIntent
) -> None:
    send(editor(letter), letter, "team", [{"name": "Fabre Claire", "profession": "Médecin"}])

    answer = send(client, letter, "team", [{"name": "Autre"}]).json()

    assert "Fabre Claire | Médecin" in answer["text"]
    assert answer["value"][0]["name"] == "Fabre Claire"


def test_the_revision_of_the_page_and_of_the_script_are_one(
    client: Client, letter: LetterOfIntent
) -> None:
    """A step posted after an autosave is not taken for somebody else's change."""
    saved = send(client, letter, "prediagnosis", "Par le script.").json()

    response = client.post(
        reverse("letters:step", args=[letter.public_id, "diagnosis"]),
        {"rev-prediagnosis": saved["base"], "f-prediagnosis": "Par la page.", "go": "stay"},
    )

    assert response.status_code == 302
    assert stored(letter, "prediagnosis") == "Par la page."


# --- Refusals -----------------------------------------------------------------------


def test_an_answer_no_draft_can_hold_is_refused_with_a_sentence(
    client: Client, letter: LetterOfIntent
) -> None:
    long = send(client, letter, "prediagnosis", "é" * 100_001)
    tall = send(client, letter, "team", [{"name": "x"}] * 1_001)
    wrong = send(client, letter, "population", {"declared": "beaucoup", "reason": ""}, None)

    assert [response.status_code for response in (long, tall, wrong)] == [422, 422, 422]
    assert "raccourcissez le texte" in long.json()["message"]
    assert "retirez des lignes" in tall.json()["message"]
    assert "n’est pas un nombre d’habitants" in wrong.json()["message"]
    assert not letter.answers.filter(key__in=["prediagnosis", "team"]).exists()


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b'{"revision": 1}', b'{"value": "x", "revision": "1"}',
     b'{"value": "x", "revision": -1}', b'{"value": "x", "revision": true}', b"\xff\xfe",
     b'{"value": "x", "revision": 99999999999}', b"[" * 100_000],
)  # fmt: skip
def test_a_body_that_cannot_be_read_is_refused(
    client: Client, letter: LetterOfIntent, body: bytes
) -> None:
    response = client.post(url(letter, "prediagnosis"), body, content_type="application/json")

    assert response.status_code == 422
    assert "Rechargez la page" in response.json()["message"]


def test_a_body_beyond_what_the_portal_reads_is_refused_in_words(
    client: Client, letter: LetterOfIntent, settings: Any
) -> None:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1_000

    response = send(client, letter, "prediagnosis", "a" * 2_000)

    assert response.status_code == 422
    assert "trop longue" in response.json()["message"]


def test_an_ended_session_is_told_to_the_script(letter: LetterOfIntent) -> None:
    response = send(Client(), letter, "prediagnosis", "x")

    assert (response.status_code, response.json()) == (
        401,
        {"message": "Votre session est terminée."},
    )


def test_another_account_in_the_same_browser_writes_nothing(
    client: Client, letter: LetterOfIntent
) -> None:
    response = send(
        client, letter, "prediagnosis", "x", headers={"X-Account": str(letter.created_by_id + 1)}
    )

    assert response.status_code == 401
    assert stored(letter, "prediagnosis") is None


@pytest.mark.parametrize("field", ["inconnu", "territory", "size_class", "signature", "map"])
def test_a_field_that_is_not_written_here_is_not_found(
    client: Client, letter: LetterOfIntent, field: str
) -> None:
    response = send(client, letter, field, "x")

    assert response.status_code == 404
    assert response["Content-Type"] == "application/json"


def test_the_letter_of_others_is_not_found(letter: LetterOfIntent) -> None:
    stranger = Client()
    stranger.force_login(factories.user())

    response = send(stranger, letter, "prediagnosis", "x")

    assert response.status_code == 404
    assert "Mes projets" in response.json()["message"]


def test_a_reader_is_refused_in_words(letter: LetterOfIntent) -> None:
    reader = Client()
    reader.force_login(factories.team_member(letter.community, role="reader").user)

    response = send(reader, letter, "prediagnosis", "x")

    assert response.status_code == 403
    assert "pas la modifier" in response.json()["message"]


def test_an_owner_acting_for_a_body_writes_nothing(client: Client, letter: LetterOfIntent) -> None:
    role = factories.membership(letter.created_by)
    session = client.session
    session[SESSION_KEY] = role.pk
    session.save()

    assert send(client, letter, "prediagnosis", "x").status_code == 404
    assert stored(letter, "prediagnosis") is None


def test_a_deposited_letter_is_refused_in_words(client: Client) -> None:
    deposited = cases.deposited("76")
    client.force_login(deposited.created_by)

    response = send(client, deposited, "prediagnosis", "x", None)

    assert response.status_code == 403
    assert "ne peut plus être modifiée" in response.json()["message"]
    assert stored(deposited, "prediagnosis") != "x"


def test_reading_the_address_saves_nothing(client: Client, letter: LetterOfIntent) -> None:
    assert client.get(url(letter, "prediagnosis")).status_code == 405
