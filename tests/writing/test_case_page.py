"""The page of a letter, for its team and for the offices that have it on their desk."""

from html import unescape
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import Organisation
from communities.models import TeamMember
from cpts_portal.words import long_date
from documents.services import issue_document
from letters.models import LetterOfIntent
from letters.writing import LETTER
from procedures import registry
from procedures.schema import ProcedureKind
from tests import factories
from tests.letters import cases
from workflow.models import CaseDocument, Snapshot
from workflow.readers import Audience
from workflow.timeline import Line
from writing import depositing
from writing import services as writing_services
from writing.content import procedure_of
from writing.documents import RECEIPT
from writing.timeline import timeline

pytestmark = pytest.mark.django_db


def page_of(client: Client, letter: LetterOfIntent) -> Any:
    return client.get(f"/lettres/{letter.public_id}/")


def issue(letter: LetterOfIntent, kind: str) -> CaseDocument:
    document = issue_document(
        kind=kind, number=f"{letter.reference}-{kind}", title=kind, pdf=b"%PDF-1.7 essai"
    )
    snapshot = Snapshot.objects.get(case=letter, version=letter.version)
    return CaseDocument.objects.create(
        case_id=letter.pk, document=document, snapshot=snapshot, kind=kind
    )


def test_someone_elses_letter_is_not_found(client: Client) -> None:
    letter = cases.deposited()
    client.force_login(factories.user())
    assert page_of(client, letter).status_code == 404
    client.force_login(factories.membership().user)
    assert page_of(client, letter).status_code == 404


def test_a_draft_is_on_nobody_elses_desk(client: Client) -> None:
    letter = cases.complete("76")
    agency = Organisation.objects.get(kind="ars", region_id="76")
    client.force_login(factories.membership(organisation_=agency).user)
    assert page_of(client, letter).status_code == 404


def test_an_empty_draft_shows_its_steps_and_what_is_missing(client: Client) -> None:
    letter = cases.draft()
    client.force_login(letter.created_by)
    response = page_of(client, letter)
    steps = response.context["steps"]
    titles = [section.title for section in procedure_of(letter).sections]
    assert [step.title for step in steps] == titles
    # The portal knows the title and the contact: the first step is begun.
    assert (steps[0].state, steps[1].state) == ("commencée", "à commencer")
    assert response.context["next_step"] == steps[0]
    page = response.content.decode()
    assert f"{len(response.context['missing'])} points à compléter" in page
    assert response.context["missing"][0].url in page
    assert "Relire et déposer la lettre" not in page


def test_a_complete_draft_offers_the_deposit_to_an_owner_only(client: Client) -> None:
    letter = cases.complete()
    editor = factories.team_member(letter.community, role=TeamMember.Role.EDITOR).user
    client.force_login(letter.created_by)
    response = page_of(client, letter)
    assert {step.missing_count for step in response.context["steps"]} == {0}
    assert "Relire et déposer la lettre" in response.content.decode()
    client.force_login(editor)
    page = page_of(client, letter).content.decode()
    assert "Relire et déposer la lettre" not in page
    assert "Seul un responsable de la CPTS peut la déposer." in page


def test_only_who_may_invite_is_told_to(client: Client) -> None:
    letter = cases.draft()
    reader = factories.team_member(letter.community, role=TeamMember.Role.READER).user
    said = []
    for person in (letter.created_by, reader):
        client.force_login(person)
        said.append("Voir l’équipe et inviter" in page_of(client, letter).content.decode())
    assert said == [True, False]


def test_a_reader_of_a_draft_is_not_asked_to_write(client: Client) -> None:
    letter = cases.draft()
    reader = factories.team_member(letter.community, role=TeamMember.Role.READER).user
    client.force_login(reader)
    page = page_of(client, letter).content.decode()
    assert "Lire la lettre" in page
    assert "Continuer la lettre" not in page


def test_the_lead_and_each_office_read_the_same_page_in_their_own_words(client: Client) -> None:
    letter = cases.deposited("32", communes=("62041", "59350"))
    in_charge = factories.membership(organisation_=letter.office).user
    arras = Organisation.objects.get(kind="ars_branch", department_id="62")
    informed = factories.membership(organisation_=arras).user
    words = {}
    for person in (letter.created_by, in_charge, informed):
        client.force_login(person)
        response = page_of(client, letter)
        assert response.status_code == 200
        assert letter.reference in response.content.decode()
        words[person] = response.context["state"].label
    assert list(words.values()) == ["Déposée", "À examiner", "Déposée"]


def test_a_deposited_page_shows_what_was_frozen_not_what_changed_since(client: Client) -> None:
    letter = cases.complete()
    writing_services.save_answer(
        letter,
        procedure_of(letter).field("title"),
        "CPTS du Thoré",
        user=letter.created_by,
        base_revision=None,
    )
    cases.file(letter)
    letter.answers.filter(key="title").update(value="CPTS changée")
    client.force_login(letter.created_by)
    page = page_of(client, letter).content.decode()
    assert "CPTS du Thoré" in page
    assert "CPTS changée" not in page


def test_a_deposited_page_holds_every_heading_answer_and_commune(client: Client) -> None:
    letter = cases.deposited("76", communes=("81140", "81271", "31149"))
    client.force_login(letter.created_by)
    page = unescape(page_of(client, letter).content.decode())
    for section in procedure_of(letter).sections:
        assert section.title in page
    for name in ("Lavaur", "Saint-Sulpice-la-Pointe", "Colomiers", "81140"):
        assert name in page
    assert "Première ligne.\nSeconde ligne." in page
    assert "À venir\u00a0: L’association se crée." in page
    assert "Signé\u00a0: <strong>Claire Fabre</strong>, à Lavaur." in page
    silence = depositing.silence_date(letter)
    assert long_date(silence) in page


def test_documents_are_said_to_be_in_preparation_then_offered(client: Client) -> None:
    letter = cases.deposited("76")
    client.force_login(letter.created_by)
    response = page_of(client, letter)
    assert response.context["papers"] == [
        ("Lettre d’intention", None),
        ("Accusé de réception électronique", None),
    ]
    assert "en préparation" in response.content.decode()
    receipt, official = issue(letter, RECEIPT), issue(letter, LETTER)
    response = page_of(client, letter)
    assert [(label, paper.pk, paper.size) for label, paper in response.context["papers"]] == [
        ("Lettre d’intention", official.document.pk, official.document.size),
        ("Accusé de réception électronique", receipt.document.pk, receipt.document.size),
    ]
    page = response.content.decode()
    assert "en préparation" not in page
    assert f"/lettres/{letter.public_id}/documents/{official.document_id}/" in page


def test_the_posting_form_is_for_owners_where_the_region_wants_paper(client: Client) -> None:
    posting = "/envoi-postal/"
    letter = cases.deposited("32", communes=("62041",))
    client.force_login(letter.created_by)
    response = page_of(client, letter)
    assert [label for label, _ in response.context["papers"]] == [
        "Lettre d’intention",
        "Accusé de réception électronique",
        "Version à poster",
    ]
    assert posting in response.content.decode()
    client.force_login(factories.membership(organisation_=letter.office).user)
    assert posting not in page_of(client, letter).content.decode()
    elsewhere = cases.deposited("76")
    client.force_login(elsewhere.created_by)
    assert posting not in page_of(client, elsewhere).content.decode()


def test_the_team_reads_the_whole_story_and_an_office_from_the_deposit() -> None:
    letter = cases.deposited("32", communes=("62041",))
    depositing.record_posting(letter, posted_on=timezone.localdate())
    document = issue(letter, LETTER)
    letter.refresh_from_db()
    logs = list(letter.transition_logs.select_related("actor"))
    deposit = Line(logs[0].at, f"Lettre déposée par {letter.created_by}")
    received = Line(logs[0].at, f"Lettre reçue de {letter.created_by}")
    ready = Line(document.document.created_at, "Documents officiels disponibles")
    posted = Line(letter.posted_on, "Version papier postée")
    story = {
        reader: timeline(letter, reader=reader, logs=logs, documents=[document])
        for reader in ("lead", "office")
    }
    assert story["lead"] == [
        Line(letter.created_at, "Lettre commencée", Audience.TEAM),
        deposit,
        ready,
        posted,
    ]
    assert story["office"] == [received, ready, posted]


def test_every_piece_a_procedure_asks_has_its_place_on_the_page() -> None:
    for procedure in registry.all_procedures(ProcedureKind.LETTER_OF_INTENT):
        placed = {field.key for field in procedure.fields}
        assert {slot.key for slot in procedure.attachments} <= placed


@pytest.mark.parametrize("size", [1, 30])
def test_a_draft_costs_the_same_queries_whatever_its_team(
    client: Client, django_assert_num_queries: Any, size: int
) -> None:
    letter = cases.draft("76", communes=("81140", "81271")[:size])
    for _ in range(size):
        factories.team_member(letter.community)
    client.force_login(letter.created_by)
    # Session, person, letter; answers and files, the territory; the team.
    with django_assert_num_queries(6):
        assert page_of(client, letter).status_code == 200


@pytest.mark.parametrize("communes", [("81140",), ("81140", "81271", "31149")])
def test_a_deposited_letter_costs_the_same_queries_whatever_it_holds(
    client: Client, django_assert_num_queries: Any, communes: tuple[str, ...]
) -> None:
    letter = cases.deposited("76", communes=communes)
    for kind in (LETTER, RECEIPT)[: len(communes)]:
        issue(letter, kind)
    client.force_login(factories.membership(organisation_=letter.office).user)
    # Session, person, role, letter; frozen content; log and documents; clock, desk.
    with django_assert_num_queries(8):
        assert page_of(client, letter).status_code == 200
    # What is frozen is drawn once.
    with django_assert_num_queries(7):
        assert page_of(client, letter).status_code == 200
