"""Signatures on paper: printed, signed, scanned, recognised page by page, confirmed by a person."""

import io

import pypdf
import pypdfium2
import pytest
from django.core.exceptions import PermissionDenied
from django.core.files.uploadedfile import SimpleUploadedFile
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from outbox.services import deliver_pending
from signatures import campaigns, links, paper
from signatures.models import Campaign, Invitation, PaperPage, Signature
from tests import factories
from tests.signatures import signing
from workflow.services import ActionRefusedError

pytestmark = pytest.mark.django_db


@pytest.fixture
def campaign() -> Campaign:
    return signing.opened()


def sheets(campaign: Campaign) -> bytes:
    return paper.sheets_pdf(
        Campaign.objects.select_related("community", "document__document").get(pk=campaign.pk),
        paper.to_print(campaign),
    )


def scanned(pdf: bytes, page: int = 0, *, form: str = "JPEG", turn: float = 0) -> bytes:
    """A page as a scanner gives it: an image, a little askew."""
    image = pypdfium2.PdfDocument(pdf)[page].render(scale=150 / 72).to_pil().convert("L")
    image = image.rotate(turn, expand=True, fillcolor=255)
    out = io.BytesIO()
    image.save(out, form)
    return out.getvalue()


def blank() -> bytes:
    out = io.BytesIO()
    Image.new("L", (800, 1100), 255).save(out, "PNG")
    return out.getvalue()


def receive(campaign: Campaign, *files: tuple[str, bytes]) -> paper.Received:
    found = paper.receive_scans(
        campaign,
        [SimpleUploadedFile(name, content) for name, content in files],
        by=campaign.case.created_by,
    )
    deliver_pending()
    return found


def states(campaign: Campaign) -> list[tuple[int, str]]:
    return list(campaign.pages.order_by("pk").values_list("number", "state"))


@given(st.integers(1, 10**12 - 1), st.integers(1, 10**12 - 1), st.integers(0, 19))
def test_a_code_is_believed_under_its_own_seal_only(one: int, two: int, at: int) -> None:
    code = links.paper_code(Campaign(pk=one), two)
    assert links.read_paper_code(code) == (one, two)
    start = len(code) - 20 + at
    other = "0" if code[start] != "0" else "1"
    assert links.read_paper_code(code[:start] + other + code[start + 1 :]) is None


def test_there_is_one_sheet_per_member_who_has_not_answered(campaign: Campaign) -> None:
    signing.member_signs(signing.first(campaign))
    pages = pypdf.PdfReader(io.BytesIO(sheets(campaign))).pages
    assert len(pages) == 2
    said = ["".join(page.extract_text().split()) for page in pages]
    names = ["".join(one.member.person.split()) for one in paper.to_print(campaign)]
    assert [name in text for name, text in zip(names, said, strict=True)] == [True, True]


def test_scanned_pages_are_recognised_one_by_one_and_counted_once_confirmed(
    campaign: Campaign,
) -> None:
    by, ones = campaign.case.created_by, paper.to_print(campaign)
    found = receive(campaign, ("lot.pdf", sheets(campaign)))
    assert (found.pages, found.refused) == (3, [])
    pages = list(campaign.pages.order_by("pk"))
    assert [page.invitation_id for page in pages] == [one.pk for one in ones]
    assert {page.state for page in pages} == {"recognised"}
    assert Signature.objects.count() == 0

    assert paper.confirm_all(pages, by=by) == (3, [])
    assert set(Signature.objects.values_list("method", "recorded_by")) == {("paper", by.pk)}
    assert campaign.invitations.filter(state="signed").count() == 3
    assert paper.confirm_all(pages[:1], by=by)[0] == 0


@pytest.mark.parametrize(("form", "turn"), [("JPEG", 0), ("PNG", 3), ("JPEG", 180)])
def test_an_image_a_little_askew_or_upside_down_is_read(
    campaign: Campaign, form: str, turn: float
) -> None:
    receive(campaign, (f"page.{form}", scanned(sheets(campaign), form=form, turn=turn)))
    assert states(campaign) == [(1, "recognised")]


def test_each_page_that_cannot_count_says_why_and_nothing_is_lost(campaign: Campaign) -> None:
    other = signing.opened()
    mine = sheets(campaign)
    found = receive(
        campaign,
        ("mienne.jpg", scanned(mine)),
        ("autre.jpg", scanned(sheets(other))),
        ("blanche.png", blank()),
        ("deux-fois.png", scanned(mine, form="PNG")),
        ("note.docx", b"PK\x03\x04 not a scan"),
        ("abime.pdf", b"%PDF-1.4 broken"),
        ("mienne-copie.jpg", scanned(mine)),
    )
    assert states(campaign) == [(1, "recognised"), (1, "other"), (1, "unreadable"), (1, "twice")]
    assert len(found.refused) == 3
    assert [words for words in ("n’est pas accepté", "ne s’ouvre pas", "a déjà été envoyé")
            if not any(words in said for said in found.refused)] == []  # fmt: skip
    assert "autre campagne" in campaign.pages.get(state="other").sentence
    assert campaign.pages.filter(sentence="").count() == 0


def test_a_page_of_somebody_who_signed_is_said_so(campaign: Campaign) -> None:
    pdf = sheets(campaign)
    signing.member_signs(paper.to_print(campaign)[0])
    receive(campaign, ("page.jpg", scanned(pdf)))
    assert "a déjà signé" in campaign.pages.get(state="twice").sentence


def test_a_page_without_a_readable_code_is_given_to_a_member_by_hand(campaign: Campaign) -> None:
    by, one = campaign.case.created_by, signing.first(campaign)
    receive(campaign, ("blanche.png", blank()))
    page = campaign.pages.get()
    client = signing.signed_in(by)
    at = signing.url(campaign, f"papier/{page.pk}/")
    assert client.post(at, {"action": "confirm"}).status_code == 422
    client.post(at, {"action": "assign", "invitation": one.pk})
    client.post(at, {"action": "confirm"})
    page.refresh_from_db()
    assert (page.state, Signature.objects.get().member_id) == ("counted", one.member_id)
    assert client.get(signing.url(campaign, f"papier/{page.pk}/image.png")).status_code == 200
    with pytest.raises(ActionRefusedError, match="ne se retire pas"):
        paper.discard_page(page, by=by)


def test_reading_the_same_pages_twice_changes_nothing(campaign: Campaign) -> None:
    receive(campaign, ("lot.pdf", sheets(campaign)))
    pages = list(campaign.pages.values())
    paper.read_pages(pages=[page["id"] for page in pages])
    assert list(campaign.pages.values()) == pages


def test_no_page_counts_once_the_campaign_is_closed(campaign: Campaign) -> None:
    by = campaign.case.created_by
    receive(campaign, ("lot.pdf", sheets(campaign)))
    campaigns.close_campaign(campaign, by=by)
    with pytest.raises(ActionRefusedError, match="sont closes"):
        paper.confirm_page(campaign.pages.first(), by=by)
    campaign.refresh_from_db()
    with pytest.raises(ActionRefusedError):
        paper.receive_scans(campaign, [SimpleUploadedFile("b.png", blank())], by=by)


def test_a_reader_handles_no_paper(campaign: Campaign) -> None:
    reader = factories.team_member(campaign.community, role="reader").user
    with pytest.raises(PermissionDenied):
        paper.receive_scans(campaign, [], by=reader)


def test_the_whole_lot_is_made_by_the_worker_once(campaign: Campaign) -> None:
    by = campaign.case.created_by
    client = signing.signed_in(by)
    client.post(signing.url(campaign, "papier/feuilles/"))
    assert (
        "Les feuilles se préparent" in client.get(signing.url(campaign, "papier/")).content.decode()
    )
    deliver_pending()
    made = campaign.sheets.get()
    file = made.file_id
    paper.make_sheets(sheets=made.pk)
    made.refresh_from_db()
    assert (made.signers, made.file_id) == (3, file)
    pdf = b"".join(client.get(signing.url(campaign, f"papier/feuilles/{made.pk}.pdf")))
    assert len(pypdf.PdfReader(io.BytesIO(pdf)).pages) == 3
    one = signing.first(campaign)
    single = client.get(signing.url(campaign, f"membres/{one.pk}/feuille.pdf"))
    assert single.content.startswith(b"%PDF")


def test_pages_are_sent_and_confirmed_by_the_page(campaign: Campaign) -> None:
    client = signing.signed_in(campaign.case.created_by)
    at = signing.url(campaign, "papier/")
    assert "Aucun fichier" in client.post(at).content.decode()
    client.post(at, {"files": [SimpleUploadedFile("lot.pdf", sheets(campaign))]})
    assert "lit encore 3 pages" in client.get(at).content.decode()
    deliver_pending()
    page = client.get(at).content.decode()
    assert page.count('name="pages"') == 3
    chosen = [one.pk for one in PaperPage.objects.all()[:2]]
    client.post(signing.url(campaign, "papier/confirmer/"), {"pages": chosen})
    assert (Signature.objects.count(), Invitation.objects.filter(state="signed").count()) == (2, 2)
