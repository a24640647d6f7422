"""The pages of complements: who opens them, what is locked, what each reader is told."""

import json
import re
from html import unescape
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import User
from letters.models import LetterOfIntent
from tests import factories
from tests.letters import cases
from tests.workflow import asking
from tests.workflow.completing import PDF, agent, answer, as_team, asked, item, of, reviewed, write
from workflow.models import CaseAttachment, CompletionItem, CompletionRequest
from workflow.urls import urlpatterns
from writing.completing import targets

pytestmark = pytest.mark.django_db

TEXT = "contact_name"
OTHER = "contact_profession"


@pytest.fixture
def letter() -> LetterOfIntent:
    return reviewed()


def sign_in(person: User) -> Client:
    client = Client()
    client.force_login(person)
    return client


def words(response: Any) -> str:
    html = response.content.decode()
    text = unescape(re.sub(r"<[^>]+>", " ", html[html.index("<main") :]))
    return " ".join(text.split())


def path(letter: LetterOfIntent, name: str, *args: Any) -> str:
    return reverse(f"cases:{name}", args=[letter.public_id, *args])


# --- The office's side ------------------------------------------------------------------------


def test_an_agent_prepares_adds_changes_and_sends_without_a_script(letter):
    client = sign_in(agent(letter))
    begun = client.post(path(letter, "completion-start"))
    assert begun["Location"] == path(letter, "completion", 1)
    empty = client.post(path(letter, "completion-add", 1), {"reason": "missing"})
    assert (empty.status_code, "Choisissez ce qui est à compléter" in words(empty)) == (422, True)
    unclear = {"key": TEXT, "reason": "unclear", "comment": "", "blocking": "on"}
    assert client.post(path(letter, "completion-add", 1), unclear).status_code == 422
    assert client.post(path(letter, "completion-send", 1)).status_code == 302
    assert CompletionRequest.objects.get().state == "draft"
    added = client.post(path(letter, "completion-add", 1), unclear | {"comment": "Lequel ?"})
    assert added.status_code == 302
    point = CompletionItem.objects.get()
    changed = client.post(
        path(letter, "completion-item", 1, point.pk),
        {"key": OTHER, "reason": "missing", "comment": ""},
    )
    assert changed.status_code == 302
    point = CompletionItem.objects.get()
    assert (point.key, point.blocking) == (OTHER, False)
    saved = client.post(
        path(letter, "completion-save", 1),
        {"due_on": asking.in_days(12).isoformat(), "message": "Merci."},
    )
    assert saved.status_code == 302
    assert "Aucun point n’est indispensable" in words(client.get(path(letter, "completion", 1)))
    assert client.get(path(letter, "completion-send", 1)).status_code == 200
    client.post(path(letter, "completion-send", 1))
    request = CompletionRequest.objects.get()
    assert (request.state, request.due_on, request.message) == (
        "sent",
        asking.in_days(12),
        "Merci.",
    )


def test_the_office_sees_what_it_may_do_and_nothing_of_what_is_prepared(letter):
    request = asked(letter, item(TEXT))
    write(letter, TEXT, "Secret de l’équipe")
    client = sign_in(agent(letter))
    page = words(client.get(path(letter, "completion", 1)))
    assert "Reporter la date limite" in page
    assert "Ne plus demander ce point" in page
    assert "Secret" not in page
    assert "Attendu" in page
    later = {"due_on": asking.in_days(40).isoformat(), "comment": ""}
    assert client.post(path(letter, "completion-extend", 1), later).status_code == 302
    sooner = {"due_on": asking.in_days(1).isoformat()}
    assert client.post(path(letter, "completion-extend", 1), sooner).status_code == 422
    assert client.post(path(letter, "completion-close", 1), {"reason": "X"}).status_code == 422
    lifted = path(letter, "completion-lift", 1, of(request, TEXT).pk)
    assert client.post(lifted, {"reason": ""}).status_code == 422
    assert client.post(lifted, {"reason": "Trouvé."}).status_code == 302
    request.refresh_from_db()
    assert request.state == "cancelled"


# --- Who opens what ---------------------------------------------------------------------------

COMPLETION = [p.name for p in urlpatterns if str(p.name).startswith("completion")]


def test_before_the_case_is_taken_the_office_reads_where_to_begin():
    waiting = cases.deposited("32", communes=("59350",))
    agent_ = sign_in(asking.member(waiting.office, "agent"))
    page = agent_.get(path(waiting, "complements")).content.decode()
    assert "une fois le dossier pris en charge" in page
    assert page.count(reverse("letters:detail", args=[waiting.public_id])) == 2


def test_nobody_else_finds_a_request_and_drafts_are_the_offices(letter):
    request = asked(letter, item(TEXT))
    point = of(request, TEXT)
    for who in (
        factories.user(),
        cases.draft("32").created_by,
        asking.member(cases.body("ars_branch", "32", "62"), "agent"),
        factories.user(is_staff=True, is_superuser=True),
    ):
        client = sign_in(who)
        for name in COMPLETION:
            args = [] if name == "completion-start" else [1]
            args += [point.pk] if name in {"completion-item", "completion-lift"} else []
            args += [point.pk] if name == "completion-note" else []
            answers = {
                client.get(path(letter, name, *args)).status_code,
                client.post(path(letter, name, *args)).status_code,
            }
            assert answers <= {404, 405}, (name, answers)


def test_a_body_that_is_asked_its_opinion_reads_no_request_and_no_buffer():
    body = asking.urps("infirmiers")
    letter = asking.deposited_and_asked()
    asked(letter, item(TEXT))
    write(letter, TEXT, "Secret de l’équipe")
    client = sign_in(asking.reviewer(body))
    assert client.get(path(letter, "completion", 1)).status_code == 404
    assert words(client.get(path(letter, "complements"))).count("Demande n°") == 0
    assert "Secret" not in words(client.get(f"/lettres/{letter.public_id}/"))
    answer(letter)
    versions = client.get(path(letter, "versions"))
    assert (versions.status_code, "Secret de l’équipe" in words(versions)) == (200, True)


def test_a_member_of_the_team_who_is_also_an_agent_acts_as_neither_for_the_other(letter):
    request = asked(letter, item(TEXT))
    owner = letter.created_by
    factories.membership(owner, letter.office)
    client = sign_in(owner)  # begins in the role
    page = words(client.get(path(letter, "completion", 1)))
    assert "Reporter la date limite" not in page
    assert client.post(path(letter, "completion-cancel", 1), {"reason": "X"}).status_code == 403
    request.refresh_from_db()
    assert request.state == "sent"


# --- The team's side --------------------------------------------------------------------------


def test_only_what_is_asked_unlocks_on_the_page_of_its_step(letter):
    asked(letter, item(TEXT))
    client = sign_in(letter.created_by)
    page = client.get(f"/lettres/{letter.public_id}/etapes/identity/").content.decode()
    assert f'name="f-{TEXT}"' in page
    assert f'name="f-{OTHER}"' not in page
    assert "Seuls les champs de la demande" in page
    # A step with nothing to complete is read.
    other = client.get(f"/lettres/{letter.public_id}/etapes/needs/")
    assert 'name="f-' not in other.content.decode()


def test_a_crafted_post_on_what_is_locked_is_refused_in_words_and_writes_nothing(letter):
    asked(letter, item(TEXT))
    client = sign_in(letter.created_by)
    base = f"/lettres/{letter.public_id}"
    before = list(CompletionItem.objects.values("value", "revision"))
    tried = {
        "step": client.post(
            f"{base}/etapes/identity/",
            {f"rev-{OTHER}": "1.", f"f-{OTHER}": "Pirate", f"rev-{TEXT}": "0.", f"f-{TEXT}": "A"},
        ),
        "autosave": client.post(
            f"{base}/champs/{OTHER}/",
            json.dumps({"value": "Pirate", "revision": None}),
            content_type="application/json",
        ),
        "territory": client.post(f"{base}/territoire/ajouter/", {"code": "62041"}),
        "attachment": client.post(
            f"{base}/pieces/other/ajouter/", {"files": SimpleUploadedFile("a.pdf", PDF)}
        ),
    }
    assert {name: answer.status_code for name, answer in tried.items()} == dict.fromkeys(tried, 403)
    assert "n’est pas à compléter" in tried["autosave"].json()["message"]
    assert "n’est pas à compléter" in words(tried["step"])
    assert list(CompletionItem.objects.values("value", "revision")) == before
    assert CaseAttachment.objects.filter(case=letter).count() == 0


def test_autosave_writes_the_buffer_and_tells_of_somebody_elses_change(letter):
    request = asked(letter, item(TEXT))
    client = sign_in(letter.created_by)
    url = f"/lettres/{letter.public_id}/champs/{TEXT}/"

    def save(value: str, revision: int) -> Any:
        data = json.dumps({"value": value, "revision": revision})
        return client.post(url, data, content_type="application/json")

    assert save("Zoé Petit", 0).json()["revision"] == 1
    clash = save("Zoé Grand", 0)
    assert (clash.status_code, clash.json()["text"]) == (409, "Zoé Petit")
    assert of(request, TEXT).value == "Zoé Petit"
    assert as_team(letter).answers.get(key=TEXT).value != "Zoé Petit"


def test_a_file_that_is_not_deposited_is_downloaded_by_the_team_alone(letter):
    request = asked(letter, item("other"))
    client = sign_in(letter.created_by)
    client.post(
        f"/lettres/{letter.public_id}/pieces/other/ajouter/",
        {"files": SimpleUploadedFile("carte.pdf", PDF)},
    )
    file = of(request, "other").files.get().attachment_id
    url = f"/lettres/{letter.public_id}/fichiers/{file}/"
    informed = asking.member(cases.body("ars", "32"), "agent")
    asked_of = {
        "team": client,
        "reader": sign_in(factories.team_member(letter.community, role="reader").user),
        "office": sign_in(agent(letter)),
        "agency": sign_in(informed),
        "stranger": sign_in(factories.user()),
    }
    assert {who: fetched(one, url) for who, one in asked_of.items()} == {
        "team": 200,
        "reader": 200,
        "office": 404,
        "agency": 404,
        "stranger": 404,
    }
    answer(letter)
    assert fetched(asked_of["office"], url) == 200


def fetched(client: Client, url: str) -> int:
    response = client.get(url)
    b"".join(response)
    return response.status_code


def test_the_team_is_told_what_is_missing_and_an_owner_deposits(letter):
    request = asked(letter, item(TEXT))
    owner = sign_in(letter.created_by)
    editor = sign_in(factories.team_member(letter.community, role="editor").user)
    reader = sign_in(factories.team_member(letter.community, role="reader").user)
    deposit = path(letter, "completion-answer", 1)
    refused = owner.post(deposit)
    assert (refused.status_code, "attend votre réponse" in words(refused)) == (409, True)
    note = path(letter, "completion-note", 1, of(request, TEXT).pk)
    assert reader.post(note, {"word": "Non."}).status_code == 403
    assert editor.post(note, {"word": "C’est le bon nom."}).status_code == 302
    assert "Un responsable de la CPTS dépose" in words(editor.get(path(letter, "completion", 1)))
    assert editor.post(deposit).status_code == 403
    assert owner.get(deposit).status_code == 200
    assert owner.post(deposit).status_code == 302
    again = owner.post(deposit, follow=True)
    assert "Action déjà effectuée par" in words(again)
    assert LetterOfIntent.objects.get(pk=letter.pk).version == 2
    office = words(sign_in(agent(letter)).get(path(letter, "completion", 1)))
    assert "C’est le bon nom." in office
    assert "Expliqué" in office


def test_my_projects_leads_to_what_is_to_complete(letter):
    client = sign_in(letter.created_by)
    assert "Fournir les compléments demandés" not in words(client.get("/accueil/"))
    asked(letter, item(TEXT))
    page = client.get("/accueil/")
    assert "Fournir les compléments demandés" in words(page)
    assert path(letter, "complements") in page.content.decode()


def test_versions_are_compared_from_what_was_frozen_by_whoever_sees_the_case(letter):
    client = sign_in(letter.created_by)
    assert client.get(path(letter, "versions")).status_code == 404
    asked(letter, item(TEXT))
    write(letter, TEXT, "Zoé Petit")
    answer(letter)
    page = words(client.get(f"{path(letter, 'versions')}?de=x&a=99"))
    assert "De la version 1" in page
    assert "Zoé Petit" in page
    assert "Rien n’a changé" in words(client.get(f"{path(letter, 'versions')}?de=1&a=1"))
    assert sign_in(factories.user()).get(path(letter, "versions")).status_code == 404


# --- Size --------------------------------------------------------------------------------


@pytest.mark.parametrize("who", ["team", "office"])
def test_a_request_takes_as_many_queries_for_one_item_as_for_many(
    letter, django_assert_num_queries, who
):
    keys = [one.key for one in targets(letter)]
    request = asked(letter, item(keys[0]))
    client = sign_in(letter.created_by if who == "team" else agent(letter))
    url = path(letter, "completion", 1)
    client.get(url)
    with_one = count(client, url)
    for rank, key in enumerate(keys[1:20]):
        CompletionItem.objects.create(
            request=request, key=key, kind="field", label=key, reason="missing", position=rank
        )
    assert count(client, url) == with_one


def count(client: Client, url: str) -> int:
    with CaptureQueriesContext(connection) as queries:
        assert client.get(url).status_code == 200
    return len(queries)
