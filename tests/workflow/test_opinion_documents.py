"""The documents of opinions and of their synthesis: what they say, once, and who reads them."""

import io
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from page import ValidationProfile, validate_pdf_bytes
from pypdf import PdfReader

from accounts.models import Organisation, User
from documents.models import OfficialDocument
from letters.models import LetterOfIntent
from tests.documents.pdf import flat_text, text_outside_the_page
from tests.workflow import asking
from tests.workflow.test_opinion_visibility import people_of
from workflow.consultations import ask_again
from workflow.models import Case, CaseDocument, Opinion, Synthesis
from workflow.official import read_document, readable_documents
from workflow.opinion_documents import issue_opinion, issue_synthesis
from workflow.opinions import give_mandate, set_communicable, validate_opinion
from workflow.services import perform
from writing.documents import documents_of

pytestmark = pytest.mark.django_db

BODIES = ("Médecins", "Infirmiers", "Pharmaciens")


@pytest.fixture
def body() -> Organisation:
    return asking.urps("Médecins")


@pytest.fixture
def letter(body: Organisation) -> LetterOfIntent:
    return asking.deposited_and_asked()


def paper(letter: LetterOfIntent, kind: str) -> OfficialDocument:
    return CaseDocument.objects.get(case_id=letter.pk, kind=kind).document


def text(document: OfficialDocument) -> str:
    return flat_text(read_document(document)).replace("\u00a0", " ")


def transmitted(letter: LetterOfIntent, words: str = "Avis favorables.") -> Synthesis:
    asking.write_synthesis(letter, words)
    perform(letter, "transmit", actor=asking.coordinator())
    return Synthesis.objects.get(case=letter)


def test_an_opinion_given_has_its_document_numbered_and_signed(letter, body, deliver_outbox):
    asking.give(
        letter,
        body,
        position="favourable_with_reserves",
        reserves=["Associer les infirmiers."],
    )
    assert not CaseDocument.objects.filter(kind="opinion").exists()
    deliver_outbox()
    document = paper(letter, "opinion")
    said = text(document)
    assert document.number == f"{letter.reference}-AVIS-01"
    for words in (
        "Avis",
        letter.title,
        body.name,
        "Position : Favorable avec réserves",
        "Un projet solide.",
        "Associer les infirmiers.",
        "Très satisfaisant (3 sur 3)",
        "Préciser l’est du territoire.",
        str(asking.president(body)),
        "Président, URPS",
        "page 1 sur 1",
    ):
        assert words in said


def test_issuing_an_opinion_again_changes_nothing(letter, body, deliver_outbox):
    opinion = asking.give(letter, body)
    deliver_outbox()
    rows = list(OfficialDocument.objects.order_by("pk").values())
    issue_opinion(opinion_id=opinion.pk)
    assert list(OfficialDocument.objects.order_by("pk").values()) == rows


def test_an_opinion_document_keeps_the_words_of_its_day(letter, body, deliver_outbox):
    opinion = asking.give(letter, body)
    Organisation.objects.filter(pk=body.pk).update(name="URPS renommée")
    Case.objects.filter(pk=letter.pk).update(title="CPTS renommée")
    User.objects.update(last_name="Renommé")
    Opinion.objects.filter(pk=opinion.pk).update(text="Réécrit.")
    deliver_outbox()
    said = text(paper(letter, "opinion"))
    assert [words in said for words in ("renommée", "Renommé", "Réécrit.")] == [False] * 3
    assert "Un projet solide." in said


def test_each_opinion_of_a_body_has_its_own_number(letter, body, deliver_outbox):
    asking.give(letter, body)
    request_ = asking.request_to(letter, body)
    ask_again(
        request_, user=asking.coordinator(), due_on=asking.in_days(9), comment="La lettre change."
    )
    asking.give(letter, body)
    deliver_outbox()
    numbers = OfficialDocument.objects.filter(kind="opinion").values_list("number", flat=True)
    assert sorted(numbers) == [f"{letter.reference}-AVIS-0{rank}" for rank in (1, 2)]


def test_a_late_opinion_and_one_by_mandate_say_so(letter, body, deliver_outbox):
    reviewer = asking.reviewer(body)
    give_mandate(
        body,
        holder=reviewer,
        by=asking.president(body),
        valid_from=asking.today(),
        valid_to=asking.in_days(10),
    )
    request_ = asking.request_to(letter, body)
    asking.draft(letter, body)
    asking.overdue(request_)
    validate_opinion(request_, user=reviewer, revision=1)
    deliver_outbox()
    said = text(paper(letter, "opinion"))
    assert "hors délai" in said
    assert f"Par mandat de {asking.president(body)}" in said


def test_a_very_long_opinion_is_printed_whole(letter, body, deliver_outbox):
    asking.give(
        letter,
        body,
        position="favourable_with_reserves",
        text="m" * 5000 + " Des mots, toujours des mots." * 400,
        reserves=[f"Réserve{number:02} " + "y" * 900 for number in range(30)],
    )
    deliver_outbox()
    pdf = read_document(paper(letter, "opinion"))
    said = flat_text(pdf)
    assert said.count("toujours") == 400
    assert sum(f"Réserve{number:02}" in said for number in range(30)) == 30
    assert text_outside_the_page(pdf) == []


def test_the_synthesis_has_its_document_once_it_has_left(letter, body, deliver_outbox):
    other = asking.urps("Infirmiers")
    letter = asking.deposited_and_asked()
    asking.give(
        letter, body, position="favourable_with_reserves", reserves=["Associer les infirmiers."]
    )
    asking.give(letter, other, position="unfavourable", text="Trop vague.")
    synthesis = transmitted(letter, "Deux avis, l’un favorable.")
    deliver_outbox()
    document = paper(letter, "synthesis")
    said = text(document)
    assert document.number == f"{letter.reference}-SYNTHESE"
    for words in (
        "Synthèse des avis",
        "Deux avis, l’un favorable.",
        body.name,
        "Favorable avec réserves",
        other.name,
        "Défavorable",
        "Associer les infirmiers.",
        "Trop vague.",
        "2 avis comptés sur 2",
        asking.guichet().name,
        str(asking.coordinator()),
        asking.agency().name,
    ):
        assert words in said
    rows = list(OfficialDocument.objects.order_by("pk").values())
    issue_synthesis(synthesis_id=synthesis.pk)
    assert list(OfficialDocument.objects.order_by("pk").values()) == rows


def test_where_the_office_closes_the_opinions_the_synthesis_has_no_text(deliver_outbox):
    committee = asking.regional_committee()
    letter = asking.deposited_and_asked("52", communes=("44114",))
    asking.give_committee(letter, committee)
    office = Organisation.objects.get(pk=letter.office_id)
    perform(letter, "end_consultation", actor=asking.member(office, "agent"))
    deliver_outbox()
    said = text(paper(letter, "synthesis"))
    assert ("1 avis compté sur 1" in said, "Comité régional de suivi" in said) == (True, True)


def test_both_documents_conform_to_the_accessible_pdf(letter, body, deliver_outbox):
    asking.give(
        letter, body, position="favourable_with_reserves", reserves=["Associer les infirmiers."]
    )
    transmitted(letter)
    deliver_outbox()
    for kind in ("opinion", "synthesis"):
        pdf = read_document(paper(letter, kind))
        report = validate_pdf_bytes(pdf, profile=ValidationProfile.PDF_UA_1)
        reader = PdfReader(io.BytesIO(pdf))
        assert {
            "faults": [failure.message for failure in report.failures],
            "language": reader.trailer["/Root"]["/Lang"],
            "title": reader.metadata.title.startswith(
                {"opinion": "Avis – URPS", "synthesis": "Synthèse des avis – CPTS"}[kind]
            ),
        } == {"faults": [], "language": "fr", "title": True}


# --- Who reads them -------------------------------------------------------------------------------


def test_documents_are_read_by_exactly_those_who_read_the_opinion_and_the_synthesis(
    deliver_outbox: Callable[[], int],
):
    bodies = {name: asking.urps(name) for name in BODIES}
    letter = asking.deposited_and_asked()
    for one in bodies.values():
        asking.give(letter, one)
    chosen = Opinion.objects.get(consultation__body=bodies["Médecins"])
    people = people_of(letter, bodies)
    people.pop("anonymous")
    seen: list[dict[str, Any]] = []
    for moment in ("given", "chosen", "transmitted"):
        if moment == "chosen":
            set_communicable(chosen, user=asking.coordinator(), communicable=True)
        if moment == "transmitted":
            transmitted(letter)
        deliver_outbox()
        for person in people.values():
            case = Case.objects.visible_to(person).filter(pk=letter.pk).first()
            links = list(readable_documents(case, person)) if case else []
            read = {link.about for link in links if link.kind == "opinion"}
            may = set(
                Opinion.objects.visible_to(person)
                .filter(consultation__case=letter, validated_at__isnull=False)
                .values_list("pk", flat=True)
            )
            assert read == (may if case else set())
            synthesis = any(link.kind == "synthesis" for link in links)
            assert synthesis == (
                moment == "transmitted"
                and Synthesis.objects.visible_to(person).filter(case=letter).exists()
            )
            seen.append({"read": len(read), "synthesis": synthesis})
    assert {"read": 3, "synthesis": True} in seen
    assert {"read": 1, "synthesis": False} in seen


def sign_in(person: User) -> Client:
    client = Client()
    client.force_login(User.objects.get(pk=person.pk))
    client.post("/compte/role/", {"membership": person.acting.pk if person.acting else ""})
    return client


def test_pages_of_the_letter_never_show_nor_give_the_documents_of_opinions(
    letter, body, deliver_outbox
):
    asking.give(letter, body)
    transmitted(letter)
    deliver_outbox()
    assert [link.kind for link in documents_of(letter)] == ["letter", "receipt"]
    hidden = [paper(letter, kind) for kind in ("opinion", "synthesis")]
    lead = sign_in(letter.created_by)
    pages = [
        lead.get(url).content.decode()
        for url in (
            "/accueil/",
            reverse("letters:detail", args=[letter.public_id]),
            reverse("cases:opinions", args=[letter.public_id]),
        )
    ]
    assert [str(one.pk) in page for one in hidden for page in pages] == [False] * 6
    found = [
        lead.get(reverse(name, args=[letter.public_id, one.pk])).status_code
        for name in ("letters:document", "cases:document")
        for one in hidden
    ]
    assert found == [404] * 4


def test_a_communicated_opinion_is_downloaded_by_the_team(letter, body, deliver_outbox):
    opinion = asking.give(letter, body)
    set_communicable(opinion, user=asking.coordinator(), communicable=True)
    transmitted(letter)
    deliver_outbox()
    document = paper(letter, "opinion")
    url = reverse("cases:document", args=[letter.public_id, document.pk])
    lead = sign_in(letter.created_by)
    assert url in lead.get(reverse("cases:opinions", args=[letter.public_id])).content.decode()
    answer = lead.get(url)
    assert (answer.status_code, answer.content) == (200, read_document(document))
    assert (
        lead.get(url, {"telecharger": "1"}).headers["Content-Disposition"].startswith("attachment")
    )


def test_the_reviewer_finds_the_document_on_the_page_of_the_opinion(letter, body, deliver_outbox):
    asking.give(letter, body)
    deliver_outbox()
    request_ = asking.request_to(letter, body)
    url = reverse("cases:opinion", args=[letter.public_id, request_.pk])
    assert (
        str(paper(letter, "opinion").pk) in sign_in(asking.reviewer(body)).get(url).content.decode()
    )
