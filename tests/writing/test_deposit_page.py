"""The last page: everything as it will be sent, one deposit, and words for every refusal."""

from datetime import date, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from letters.models import LetterOfIntent
from territories.services import add_communes
from tests import factories
from tests.letters import cases
from tests.writing.test_deposit import FORM, YEAR, assert_untouched, at_once, fresh_file
from workflow.models import Answer, Snapshot, TransitionLog
from writing.content import procedure_of


def page(letter: LetterOfIntent) -> str:
    return reverse("letters:deposit", args=[letter.public_id])


@pytest.mark.django_db
def test_the_last_page_shows_everything_as_it_will_be_sent(client):
    letter = cases.complete("32", communes=("59350", "62041"))
    client.force_login(letter.created_by)
    response = client.get(page(letter))
    text = response.content.decode()
    procedure = procedure_of(letter)
    for field in procedure.answer_fields:
        assert field.printed_label.replace("'", "&#x27;").split(" &")[0][:40] in text, field.key
    for said in ("Lille", "59350", "Arras", procedure.commitment, "Seconde ligne."):
        assert said in text
    assert response.context["missing"] == []
    assert response.context["may_deposit"] is True


@pytest.mark.django_db
def test_an_incomplete_letter_has_no_button_but_the_list_of_what_is_missing(client):
    letter = cases.draft("76")
    client.force_login(letter.created_by)
    text = client.get(page(letter)).content.decode()
    assert "Ajoutez au moins une commune au territoire." in text
    assert 'type="submit" name="deposit"' not in text


@pytest.mark.django_db
def test_who_may_not_deposit_reads_who_can(client):
    letter = cases.complete()
    editor = factories.team_member(letter.community).user
    client.force_login(editor)
    text = client.get(page(letter)).content.decode()
    assert str(letter.created_by) in text
    assert 'name="commits"' not in text
    assert client.post(page(letter), FORM).status_code == 403
    assert_untouched(letter)


@pytest.mark.django_db
def test_the_deposit_leads_to_the_case_with_its_reference(client):
    letter = cases.complete()
    client.force_login(letter.created_by)
    response = client.post(page(letter), FORM)
    assert response.status_code == 302
    assert response.url == reverse("letters:detail", args=[letter.public_id])
    assert f"LI-76-{YEAR}-0001" in messages_of(response)[0]


@pytest.mark.django_db
@pytest.mark.parametrize("second", [FORM, {}])
def test_a_second_click_is_told_it_was_done_and_is_no_error(client, second):
    letter = cases.complete()
    client.force_login(letter.created_by)
    client.post(page(letter), FORM)
    response = client.post(page(letter), second)
    assert response.status_code == 302
    assert messages_of(response)[-1].startswith("Action déjà effectuée par ")
    assert TransitionLog.objects.count() == 1


@pytest.mark.django_db
def test_a_crafted_deposit_of_an_incomplete_letter_changes_nothing(client):
    letter = cases.draft("76")
    client.force_login(letter.created_by)
    response = client.post(page(letter), FORM)
    assert response.status_code == 409
    assert "Ajoutez au moins une commune au territoire." in response.content.decode()
    assert_untouched(letter)


@pytest.mark.django_db
def test_a_deposit_without_commitment_keeps_what_was_typed(client):
    letter = cases.complete()
    client.force_login(letter.created_by)
    response = client.post(page(letter), {"signatory_name": "Zoé Ménard", "place": "Gaillac"})
    text = response.content.decode()
    assert response.status_code == 422
    assert "Engagement : Cochez l’engagement" in text
    assert "Zoé Ménard" in text
    assert "Gaillac" in text
    assert_untouched(letter)


@pytest.mark.django_db
def test_names_that_no_database_could_keep_are_refused_in_words(client):
    letter = cases.complete()
    client.force_login(letter.created_by)
    for wrong in ({"signatory_name": "Claire\x00"}, {"place": "x" * 101}):
        assert client.post(page(letter), FORM | wrong).status_code == 422
    assert_untouched(letter)


@pytest.mark.django_db
def test_a_letter_of_another_team_is_a_404(client):
    letter = cases.complete()
    client.force_login(factories.user())
    assert [client.get(page(letter)).status_code, client.post(page(letter), FORM).status_code] == [
        404,
        404,
    ]


def messages_of(response: Any) -> list[str]:
    return [str(message) for message in response.wsgi_request._messages]


# --- The paper version ---------------------------------------------------------------


def posting(letter: LetterOfIntent) -> str:
    return reverse("letters:posting", args=[letter.public_id])


@pytest.mark.django_db
def test_hauts_de_france_notes_the_day_the_paper_version_was_posted(client):
    letter = cases.deposited("32", communes=("59350",))
    client.force_login(letter.created_by)
    today = timezone.localdate()
    response = client.post(posting(letter), {"posted_on": today.isoformat()})
    assert response.status_code == 302
    assert LetterOfIntent.objects.get(pk=letter.pk).posted_on == today


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("posted_on", "expected"),
    [
        ("", "Indiquez le jour"),
        ("31/02/2027", "Cette date ne peut pas être lue"),
        (date(2020, 1, 1).isoformat(), "ne peut pas précéder le dépôt"),
        ((timezone.localdate() + timedelta(days=2)).isoformat(), "dans l’avenir"),
    ],
)
def test_a_posting_day_that_cannot_be_is_refused_in_words(client, posted_on, expected):
    letter = cases.deposited("32", communes=("59350",))
    client.force_login(letter.created_by)
    response = client.post(posting(letter), {"posted_on": posted_on})
    assert response.status_code == 422
    assert expected in response.content.decode()
    assert LetterOfIntent.objects.get(pk=letter.pk).posted_on is None


@pytest.mark.django_db
def test_posting_is_for_regions_that_want_paper_and_for_letters_that_left(client):
    outcomes = []
    for letter in (cases.complete("32", communes=("59350",)), cases.deposited("76")):
        client.force_login(letter.created_by)
        outcomes.append(client.post(posting(letter), {"posted_on": "2027-01-01"}).status_code)
    assert outcomes == [403, 422]


# --- Writing while the letter leaves ---------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_what_is_written_while_the_letter_leaves_is_in_it_or_refused(client):
    letter = cases.complete()
    owner = letter.created_by
    field = procedure_of(letter).field("contact_address")
    writer = Client()
    writer.force_login(owner)
    url = reverse("letters:autosave", args=[letter.public_id, field.key])

    def write() -> int:
        return writer.post(
            url,
            {"value": "12 rue du Marché, 81500 Lavaur", "revision": None},
            content_type="application/json",
        ).status_code

    written, filed = at_once(write, lambda: fresh_file(letter, owner.pk))
    assert isinstance(filed, TransitionLog)
    fields = {
        shown["key"]: shown["value"]
        for section in Snapshot.objects.get().content["sections"]
        for shown in section["fields"]
    }
    now = Answer.objects.get(case=letter, key=field.key).value
    assert fields[field.key] == now
    assert (written, now.startswith("12 rue")) in {(200, True), (403, False)}


# --- Cost ------------------------------------------------------------------------------


@pytest.mark.django_db
def test_the_page_costs_the_same_with_one_commune_and_with_many(client):
    letter = cases.complete("76", communes=("81140",))
    client.force_login(letter.created_by)

    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert client.get(page(letter)).status_code == 200
        return len(captured)

    with_one = queries()
    add_communes(letter.community.territory, ["81271", "31149", "59350", "44114"])
    assert (with_one, queries()) == (6, 6)
