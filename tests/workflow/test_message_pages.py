"""The tab « Messages » and the page of an office's texts, as read without scripts."""

import re
from html import unescape
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from accounts.models import Membership, User
from cpts_portal.words import day
from documents.services import store_attachment
from letters.models import LetterOfIntent
from tests import factories
from tests.letters import cases
from tests.workflow import asking, writing
from workflow import message_templates
from workflow.messages import ACCEPT_LABEL, CONTENT_TYPES
from workflow.models import Message, MessageDraft, MessageFile, MessageTemplate
from workflow.services import clock_of

pytestmark = pytest.mark.django_db

PDF = b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\ntrailer\n<<>>\n%%EOF\n"


@pytest.fixture
def letter() -> LetterOfIntent:
    return cases.deposited("76")


def url(letter: LetterOfIntent) -> str:
    return reverse("cases:messages", args=[letter.public_id])


def enter(client: Client, person: User) -> Client:
    """Sign in; a person who acts in a role begins in it."""
    client.force_login(person)
    return client


def words(response: Any) -> str:
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", response.content.decode())).split())


def downloaded(client: Client, address: str) -> tuple[int, bytes]:
    response = client.get(address)
    content = b"".join(response)
    return response.status_code, content


def send(client: Client, letter: LetterOfIntent, action: str = "send", **data: Any) -> Any:
    return client.post(url(letter), {"action": action, **data})


def keep(user: User, **changes: str) -> MessageTemplate:
    written = {
        "name": "Prise en charge",
        "subject": "Dossier {{ reference }}",
        "text": "Bonjour {{ referent }},\n\n« {{titre}} » : avant le {{ date_limite }}.",
    }
    return message_templates.save_template(None, user=user, **(written | changes))


def test_a_message_is_sent_and_read_by_the_other_side_with_its_author(
    client: Client, letter: LetterOfIntent
) -> None:
    agent = writing.agent_of(letter)
    enter(client, agent)
    assert send(client, letter, text="Une précision ?").headers["Location"] == url(letter)
    page = words(client.get(url(letter)))
    assert "Votre message est envoyé à l’équipe" in page
    assert "Pas encore lu par l’équipe" in page
    enter(client, letter.created_by)
    page = words(client.get(url(letter)))
    assert f"{agent} {asking.guichet().name}" in page
    assert "Une précision ?" in page
    assert "Nouveau" in page
    assert "Nouveau" not in words(client.get(url(letter)))
    enter(client, agent)
    assert f"Lu par 1 personne dans l’équipe {letter.created_by}, le" in words(
        client.get(url(letter))
    )


@pytest.mark.parametrize("who", ["body", "agency", "stranger"])
def test_whoever_is_not_in_the_thread_finds_no_page(client: Client, who: str) -> None:
    body = asking.urps("Médecins")
    letter = asking.deposited_and_asked()
    message = writing.send(letter, letter.created_by)
    people = {
        "body": asking.president(body),
        "agency": asking.member(asking.agency(), "agent"),
        "stranger": factories.user(),
    }
    enter(client, people[who])
    asked = [
        client.get(url(letter)),
        send(client, letter, text="Bonjour"),
        client.post(reverse("cases:message-stop", args=[letter.public_id, message.pk])),
    ]
    assert [response.status_code for response in asked] == [404] * 3
    assert Message.objects.count() == 1


def test_a_reader_of_the_team_reads_and_is_refused_writing(
    client: Client, letter: LetterOfIntent
) -> None:
    enter(client, factories.team_member(letter.community, role="reader").user)
    page = client.get(url(letter))
    assert "Écrire un message" not in words(page)
    assert send(client, letter, text="Bonjour").status_code == 403


def test_the_tab_is_for_those_who_have_the_thread(client: Client) -> None:
    body = asking.urps("Médecins")
    letter = asking.deposited_and_asked()
    people = {
        "lead": letter.created_by,
        "office": writing.agent_of(letter),
        "body": asking.president(body),
        "agency": asking.member(asking.agency(), "agent"),
    }
    shown = {}
    for who, person in people.items():
        enter(client, person)
        shown[who] = url(letter) in client.get(f"/lettres/{letter.public_id}/").content.decode()
    assert shown == {"lead": True, "office": True, "body": False, "agency": False}


def test_a_text_too_long_stays_on_the_screen(client: Client, letter: LetterOfIntent) -> None:
    enter(client, letter.created_by)
    text = "mot " * 25_000
    response = send(client, letter, text=text, subject="Un objet", answer_expected="on")
    page = unescape(response.content.decode())
    assert response.status_code == 422
    assert "compte 99\u202f999 caractères" in page
    assert text.strip() in page
    assert 'value="Un objet"' in page
    assert not Message.objects.exists()


def test_a_file_goes_with_the_message_even_after_a_refusal(
    client: Client, letter: LetterOfIntent
) -> None:
    enter(client, letter.created_by)
    files = [
        SimpleUploadedFile("carte.pdf", PDF),
        SimpleUploadedFile("virus.pdf", b"MZ\x90\x00 not a pdf"),
    ]
    refused = send(client, letter, text="Voici.", files=files)
    assert refused.status_code == 422
    assert "« virus.pdf » n’est pas accepté ici" in words(refused)
    assert "carte.pdf" in words(refused)
    assert not Message.objects.exists()
    send(client, letter, text="Voici.")
    (link,) = MessageFile.objects.all()
    assert (link.message, link.draft, link.attachment.name) == (
        Message.objects.get(),
        None,
        "carte.pdf",
    )
    address = reverse("cases:message-file", args=[letter.public_id, link.attachment_id])
    assert downloaded(client, address) == (200, PDF)
    assert downloaded(enter(client, writing.agent_of(letter)), address) == (200, PDF)
    informed = asking.member(asking.agency(), "agent")
    assert downloaded(enter(client, informed), address)[0] == 404


def test_a_file_of_a_draft_is_its_authors_alone_and_can_be_taken_out(
    client: Client, letter: LetterOfIntent
) -> None:
    enter(client, letter.created_by)
    send(client, letter, "draft", text="À finir", files=[SimpleUploadedFile("carte.pdf", PDF)])
    (link,) = MessageFile.objects.all()
    address = reverse("cases:message-file", args=[letter.public_id, link.attachment_id])
    assert downloaded(client, address) == (200, PDF)
    for other in (
        factories.team_member(letter.community, role="owner").user,
        writing.agent_of(letter),
    ):
        assert downloaded(enter(Client(), other), address)[0] == 404
    send(client, letter, f"remove:{link.attachment_id}", text="À finir encore")
    assert not MessageFile.objects.exists()
    assert MessageDraft.objects.get().text == "À finir encore"
    assert send(client, letter, "remove:rien", text="À finir").status_code == 302


def test_more_than_ten_files_are_refused_in_words(client: Client, letter: LetterOfIntent) -> None:
    enter(client, letter.created_by)
    files = [SimpleUploadedFile(f"{number}.pdf", PDF) for number in range(11)]
    refused = send(client, letter, text="Voici.", files=files)
    assert "Un message accepte 10 fichiers au plus : « 10.pdf » n’a pas été gardé." in words(
        refused
    )
    assert MessageFile.objects.count() == 10


def test_a_question_shows_until_it_is_answered(client: Client, letter: LetterOfIntent) -> None:
    agent = writing.agent_of(letter)
    asked = writing.send(letter, agent, "Une carte ?", answer_by=asking.in_days(3))
    enter(client, letter.created_by)
    page = client.get(url(letter))
    assert "Le bureau attend votre réponse" in words(page)
    assert f'name="answers" value="{asked.pk}" checked' in page.content.decode()
    send(client, letter, text="La voici.", answers=[str(asked.pk)])
    assert "Le bureau attend votre réponse" not in words(client.get(url(letter)))
    asked.refresh_from_db()
    assert asked.settled_with == Message.objects.get(text="La voici.")


def test_a_question_late_says_so_in_words(client: Client, letter: LetterOfIntent) -> None:
    asked = writing.send(letter, writing.agent_of(letter), answer_expected=True)
    Message.objects.filter(pk=asked.pk).update(answer_by=asking.in_days(-2))
    enter(client, letter.created_by)
    assert "Réponse en retard attendue depuis le" in words(client.get(url(letter)))


@pytest.mark.parametrize("value", ["x", "-1", "9" * 40, "٣"])
def test_a_crafted_number_answers_nothing(
    client: Client, letter: LetterOfIntent, value: str
) -> None:
    enter(client, writing.agent_of(letter))
    assert send(client, letter, text="Oui.", answers=[value]).status_code == 302
    assert send(client, letter, "insert", text="Oui.", template=value).status_code == 302


def test_a_text_of_the_office_is_inserted_after_what_was_written(
    client: Client, letter: LetterOfIntent
) -> None:
    agent = writing.agent_of(letter)
    kept = keep(agent)
    enter(client, agent)
    answer = send(client, letter, "insert", text="Bonjour.", template=str(kept.pk))
    assert answer.headers["Location"] == f"{url(letter)}#ecrire"
    page = client.get(url(letter))
    form = page.context["form"]
    deadline = day(clock_of(letter).deadline)
    assert (form["subject"].value(), form["text"].value()) == (
        f"Dossier {letter.reference}",
        f"Bonjour.\n\nBonjour Claire Fabre,\n\n« {letter.title} » : avant le {deadline}.",
    )


def test_what_the_case_cannot_fill_is_to_be_completed_before_sending(
    client: Client, letter: LetterOfIntent
) -> None:
    text = message_templates.fill("Avant le {{ date_limite }}.", {"date_limite": ""})
    assert text == "Avant le [à compléter\u00a0: le dernier jour du délai légal de réponse]."
    enter(client, writing.agent_of(letter))
    refused = send(client, letter, text=text)
    assert refused.status_code == 422
    assert "contient encore [à compléter" in words(refused)


def test_a_text_of_another_office_is_not_inserted(client: Client, letter: LetterOfIntent) -> None:
    theirs = keep(asking.member(asking.agency(), "agent"))
    enter(client, writing.agent_of(letter))
    send(client, letter, "insert", text="Bonjour.", template=str(theirs.pk))
    assert MessageDraft.objects.get().text == "Bonjour."


@pytest.mark.parametrize("count", [1, 30])
def test_a_thread_costs_the_same_queries_whatever_its_length(
    client: Client, django_assert_num_queries: Any, count: int
) -> None:
    letter = cases.deposited("76")
    agent = writing.agent_of(letter)
    for number in range(count):
        message = writing.send(
            letter, (letter.created_by, agent)[number % 2], f"n° {number}", answer_expected=True
        )
        MessageFile.objects.create(message=message, attachment=_attachment(letter))
        Message.objects.update(sent_at=asking.timezone.now() - asking.timedelta(hours=2))
    enter(client, agent)
    client.get(url(letter))
    # Session, person, role, case, team; messages with readings and files; draft, questions,
    # texts; the savepoint.
    with django_assert_num_queries(5 + 3 + 3 + 2):
        page = client.get(url(letter))
    assert page.context["page"].paginator.count == count


def _attachment(letter: LetterOfIntent) -> Any:
    return store_attachment(
        SimpleUploadedFile("carte.pdf", PDF),
        content_types=CONTENT_TYPES,
        accept_label=ACCEPT_LABEL,
        user=letter.created_by,
    )


# --- The texts of an office --------------------------------------------------------------


def test_an_office_keeps_changes_and_deletes_its_texts(
    client: Client, letter: LetterOfIntent
) -> None:
    enter(client, writing.agent_of(letter))
    new = reverse("message_templates:create")
    client.post(new, {"name": "Accueil", "subject": "", "text": "Bonjour {{ referent }}."})
    kept = MessageTemplate.objects.get()
    assert "Accueil" in words(client.get(reverse("message_templates:list")))
    edit = reverse("message_templates:edit", args=[kept.pk])
    client.post(edit, {"name": "Bienvenue", "text": "Bonjour."})
    kept.refresh_from_db()
    assert (kept.name, kept.text, kept.organisation) == ("Bienvenue", "Bonjour.", asking.guichet())
    clash = client.post(new, {"name": "BIENVENUE", "text": "Bonjour."})
    assert "s’appelle déjà « BIENVENUE »" in words(clash)
    delete = reverse("message_templates:delete", args=[kept.pk])
    assert client.get(delete).status_code == 200
    client.post(delete)
    assert not MessageTemplate.objects.exists()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Bonjour {{ nom }}.", "La balise {{ nom }} n’existe pas."),
        ("{{ titre|upper }}", "La balise {{ titre|upper }} n’existe pas."),
        ("{{ case.created_by.email }}", "La balise {{ case.created_by.email }} n’existe pas."),
        ("Bonjour {{ titre", "Des accolades doubles ne sont pas refermées"),
        ("{{}}", "La balise {{ }} n’existe pas."),
    ],
)
def test_an_unknown_tag_is_refused_by_its_name_and_nothing_is_lost(
    client: Client, letter: LetterOfIntent, text: str, said: str
) -> None:
    enter(client, writing.agent_of(letter))
    refused = client.post(reverse("message_templates:create"), {"name": "Essai", "text": text})
    assert refused.status_code == 422
    assert said in words(refused)
    assert text in words(refused)
    assert not MessageTemplate.objects.exists()


def test_a_preview_fills_the_text_with_a_case_of_the_office(
    client: Client, letter: LetterOfIntent
) -> None:
    enter(client, writing.agent_of(letter))
    data = {"name": "Essai", "text": "Réf. {{ reference }}, {{ titre }}", "action": "preview"}
    page = words(client.post(reverse("message_templates:create"), data))
    assert f"Aperçu avec le dossier {letter.reference}" in page
    assert f"Réf. {letter.reference}, {letter.title}" in page
    assert not MessageTemplate.objects.exists()


def test_a_preview_without_a_case_takes_an_invented_one(client: Client) -> None:
    cases.reference_rows()
    enter(client, asking.member(asking.guichet(), "reviewer"))
    data = {"name": "Essai", "text": "{{ reference }}", "action": "preview"}
    page = words(client.post(reverse("message_templates:create"), data))
    assert "Aperçu avec un dossier inventé LI-76-2026-0001" in page


def test_the_texts_of_an_office_are_its_own(client: Client, letter: LetterOfIntent) -> None:
    kept = keep(writing.agent_of(letter))
    urps = asking.urps("Médecins")
    addresses = [
        reverse("message_templates:list"),
        reverse("message_templates:create"),
        reverse("message_templates:edit", args=[kept.pk]),
        reverse("message_templates:delete", args=[kept.pk]),
    ]
    answers = {}
    for who, person in {
        "lead": letter.created_by,
        "body": asking.president(urps),
        "signatory": asking.member(asking.agency(), Membership.Role.SIGNATORY),
        "other office": asking.member(asking.agency(), "agent"),
    }.items():
        enter(client, person)
        answers[who] = [client.get(address).status_code for address in addresses]
        assert kept.text not in words(client.get(addresses[0]))
        client.post(addresses[3])
    assert answers == {
        "lead": [403] * 4,
        "body": [403] * 4,
        "signatory": [403] * 4,
        "other office": [200, 200, 404, 404],
    }
    assert MessageTemplate.objects.get() == kept


@pytest.mark.parametrize("count", [1, 30])
def test_the_list_of_texts_costs_the_same_queries(
    client: Client, django_assert_num_queries: Any, count: int
) -> None:
    cases.reference_rows()
    agent = asking.member(asking.guichet(), "reviewer")
    for number in range(count):
        keep(agent, name=f"Modèle {number}")
    enter(client, agent)
    # Session, person, role; the texts; the savepoint.
    with django_assert_num_queries(4 + 2):
        client.get(reverse("message_templates:list"))
