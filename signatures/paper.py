"""Signatures on paper: sheets with a code to print, scanned pages read, recognised, confirmed.

The code of a sheet names a campaign and an invitation, under the portal's seal: a copied or made
up one is not believed. A page is counted when a person of the team has looked at it.
"""

import hashlib
import io
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import segno
from django.core.exceptions import PermissionDenied
from django.core.files.base import ContentFile
from django.core.files.uploadedfile import UploadedFile
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.safestring import SafeString, mark_safe

from accounts.models import User
from cpts_portal.words import long_date
from documents.models import Attachment
from documents.rendering import render_pdf
from documents.services import FileRefusedError, store_attachment
from outbox.registry import handles
from outbox.services import publish
from signatures import rules
from signatures.links import paper_code, read_paper_code
from signatures.models import Campaign, Invitation, PaperPage, SheetsFile
from signatures.signable import signable_of
from signatures.signing import record_paper_signature
from signatures.telling import signer_name
from workflow.services import ActionRefusedError

if TYPE_CHECKING:
    from PIL.Image import Image

logger = logging.getLogger(__name__)

SCAN_TYPES: Final = ("application/pdf", "image/jpeg", "image/png")
SCAN_LABEL: Final = "PDF, JPEG ou PNG"
MOST_PAGES: Final = 500
# How many pages one piece of work reads: each shows its progress as it commits.
CHUNK: Final = 10
# Dots per inch at which a page is looked at, then looked at again; its widest side in dots.
RESOLUTIONS: Final = (150, 300)
WIDEST: Final = 5_000
SHOWN_WIDTH: Final = 900
_WAITING: Final = (Invitation.State.WAITING, Invitation.State.POSTPONED)
State = PaperPage.State


# --- Sheets ---------------------------------------------------------------------------------------


def sheets_pdf(campaign: Campaign, invitations: Sequence[Invitation]) -> bytes:
    """One page per signer: what they sign, their name, a frame, and a code to recognise it by."""
    sheets = [_sheet(campaign, one) for one in invitations]
    return render_pdf(
        "pdf/signature_sheets.html",
        {
            "sheets": sheets,
            "number": campaign.document.document.number,
            "author": campaign.community.name,
        },
        title=f"Feuilles à signer – {campaign.title}",
    )


def _sheet(campaign: Campaign, invitation: Invitation) -> dict[str, Any]:
    member = invitation.member
    delegation = getattr(invitation, "delegation", None)
    return {
        "code": _qr(paper_code(campaign, invitation.pk)),
        "community": campaign.community.name,
        "title": campaign.title,
        "short": signable_of(campaign.case).short,
        "name": signer_name(invitation),
        "capacity": delegation.function if delegation else member.capacity,
        "structure": member.structure_name,
        "on_behalf_of": member.person if delegation else "",
        "number": campaign.document.document.number,
        "digest": campaign.document.document.sha256,
        "closes_on": long_date(campaign.closes_on),
    }


_WORDS: Final = "Code de cette feuille : il sert au portail à la reconnaître une fois numérisée."


def _qr(text: str) -> SafeString:
    """A drawing of the code. A quarter of it may be hidden by a stamp or a fold."""
    drawn = segno.make_qr(text, error="q").svg_inline(
        omitsize=True, svgclass=None, lineclass=None, border=2
    )
    return mark_safe(drawn.replace("<svg", f'<svg aria-label="{_WORDS}"', 1))  # noqa: S308 - ours


def to_print(campaign: Campaign) -> list[Invitation]:
    """Those who have not answered, by name."""
    waiting = campaign.invitations.filter(state__in=_WAITING)
    return list(waiting.select_related("member", "delegation").order_by("member__sort_key", "pk"))


@transaction.atomic
def ask_for_sheets(campaign: Campaign, *, by: User) -> SheetsFile:
    """Have the worker make all the sheets in one file."""
    _check(campaign, by)
    asked = SheetsFile.objects.create(campaign=campaign, asked_by=by)
    publish("signatures.sheets", key=str(asked.pk), sheets=asked.pk)
    return asked


@handles("signatures.sheets")
def make_sheets(*, sheets: int) -> None:
    """Make the file asked for, once."""
    asked = SheetsFile.objects.select_for_update(of=("self",)).select_related(
        "campaign__community", "campaign__case", "campaign__document__document", "asked_by"
    )
    wanted = asked.get(pk=sheets)
    if wanted.file_id:
        return
    invitations = to_print(wanted.campaign)
    pdf = sheets_pdf(wanted.campaign, invitations)
    wanted.file = _keep(pdf, "feuilles-a-signer.pdf", wanted.asked_by)
    wanted.signers = len(invitations)
    wanted.save(update_fields=["file", "signers"])


def _keep(pdf: bytes, name: str, user: User) -> Attachment:
    attachment = Attachment(
        name=name,
        content_type="application/pdf",
        size=len(pdf),
        sha256=hashlib.sha256(pdf).hexdigest(),
        uploaded_by=user,
    )
    attachment.file.save(str(attachment.pk), ContentFile(pdf), save=False)
    attachment.save()
    return attachment


# --- Scans ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Received:
    """What an upload gave: how many pages wait to be read, and what was refused, in sentences."""

    pages: int
    refused: list[str]


def receive_scans(campaign: Campaign, files: Sequence[UploadedFile], *, by: User) -> Received:
    """Keep scanned files and have their pages read. A bad file keeps none of the others out."""
    _check(campaign, by)
    pages = 0
    refused: list[str] = []
    for file in files:
        try:
            pages += _receive(campaign, file, by)
        except FileRefusedError as error:
            refused.append(error.message)
    return Received(pages, refused)


@transaction.atomic
def _receive(campaign: Campaign, file: UploadedFile, by: User) -> int:
    attachment = store_attachment(file, content_types=SCAN_TYPES, accept_label=SCAN_LABEL, user=by)
    twin = PaperPage.objects.filter(
        campaign=campaign, attachment__sha256=attachment.sha256
    ).exists()
    if twin:
        attachment.file.delete(save=False)
        attachment.delete()
        raise FileRefusedError(
            f"« {file.name} » a déjà été envoyé : ses pages sont plus bas. Rien n’a été "
            "compté deux fois."
        )
    count = _page_count(attachment)
    pages = PaperPage.objects.bulk_create(
        PaperPage(campaign=campaign, attachment=attachment, number=number)
        for number in range(1, count + 1)
    )
    ids = [page.pk for page in pages]
    for start in range(0, len(ids), CHUNK):
        publish("signatures.read_pages", key=f"{ids[start]}", pages=ids[start : start + CHUNK])
    return count


def _page_count(attachment: Attachment) -> int:
    if attachment.content_type != "application/pdf":
        return 1
    import pypdfium2  # noqa: PLC0415 - the web process reads no page otherwise

    with attachment.file.open("rb") as file:
        try:
            document = pypdfium2.PdfDocument(file.read())
        except pypdfium2.PdfiumError as error:
            raise FileRefusedError(
                f"« {attachment.name} » ne s’ouvre pas : il est abîmé ou protégé par un mot "
                "de passe. Numérisez les pages de nouveau."
            ) from error
    count = len(document)
    document.close()
    if count > MOST_PAGES:
        raise FileRefusedError(
            f"« {attachment.name} » compte {count} pages ; envoyez-en {MOST_PAGES} au plus à "
            "la fois."
        )
    return count


@handles("signatures.read_pages")
def read_pages(*, pages: list[int]) -> None:
    """Read the code of each page that was not read yet, and say what it is."""
    waiting = PaperPage.objects.select_for_update(of=("self",)).select_related(
        "attachment", "campaign"
    )
    for page in waiting.filter(pk__in=pages, state=State.WAITING).order_by("pk"):
        _recognise(page, _read_codes(page))


def _read_codes(page: PaperPage) -> list[str] | None:
    """The texts of the codes of a page; None when the page cannot even be seen."""
    import zxingcpp  # noqa: PLC0415 - for workers only

    for resolution in RESOLUTIONS:
        try:
            image = page_image(page, resolution=resolution)
        except Exception:  # noqa: BLE001 - image formats each have their own errors
            logger.warning("Paper page %s cannot be opened", page.pk)
            return None
        codes = zxingcpp.read_barcodes(image)
        if texts := [one.text for one in codes if one.format == zxingcpp.BarcodeFormat.QRCode]:
            return texts
    return []


def page_image(page: PaperPage, *, resolution: int = RESOLUTIONS[0]) -> "Image":
    """A scanned page as a grey image."""
    from PIL import Image, ImageOps  # noqa: PLC0415 - for workers and the page that shows it

    with page.attachment.file.open("rb") as file:
        content = file.read()
    if page.attachment.content_type != "application/pdf":
        with Image.open(io.BytesIO(content)) as opened:
            opened.draft("L", (WIDEST, WIDEST))
            image = ImageOps.exif_transpose(opened).convert("L")
        image.thumbnail((WIDEST, WIDEST))
        return image
    import pypdfium2  # noqa: PLC0415 - the web process reads no page otherwise

    document = pypdfium2.PdfDocument(content)
    try:
        sheet = document[page.number - 1]
        scale = min(resolution / 72, WIDEST / max(sheet.get_size()))
        return sheet.render(scale=scale, grayscale=True).to_pil().convert("L")
    finally:
        document.close()


def page_png(page: PaperPage) -> bytes:
    """The page as the team looks at it before confirming."""
    image = page_image(page)
    image.thumbnail((SHOWN_WIDTH, SHOWN_WIDTH * 2))
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()


def _recognise(page: PaperPage, texts: list[str] | None) -> None:
    page.state, page.sentence, page.invitation = _judge(page, texts)
    try:
        with transaction.atomic():
            page.save(update_fields=["state", "sentence", "invitation"])
    except IntegrityError:
        # Another page of the same member waits already: this one is the second.
        page.state = State.TWICE
        page.sentence = "Une autre page de ce membre attend déjà d’être confirmée."
        page.save(update_fields=["state", "sentence", "invitation"])


def _judge(page: PaperPage, texts: list[str] | None) -> tuple[str, str, Invitation | None]:
    if texts is None:
        return (
            State.UNREADABLE,
            "La page ne s’ouvre pas : elle est abîmée. Numérisez-la de nouveau.",
            None,
        )
    if not texts:
        return (
            State.UNREADABLE,
            "Aucun code n’est lisible. Dites de qui est cette page, ou numérisez-la de nouveau.",
            None,
        )
    found = next((read for text in texts if (read := read_paper_code(text))), None)
    if found is None:
        return (
            State.OTHER,
            "Le code de cette page n’est pas celui d’une feuille à signer de ce portail.",
            None,
        )
    campaign, invitation = found
    if campaign != page.campaign_id:
        sentence = (
            "Cette feuille est celle d’une autre campagne : d’un autre projet, ou d’une "
            "version d’avant. Elle ne vaut pas ici."
        )
        return State.OTHER, sentence, None
    return _judge_member(page, invitation)


def _judge_member(page: PaperPage, pk: int) -> tuple[str, str, Invitation | None]:
    invitation = (
        Invitation.objects.select_related("member").filter(pk=pk, campaign=page.campaign_id).first()
    )
    if invitation is None or invitation.state == Invitation.State.ENDED:
        return State.OTHER, "Ce membre n’est plus invité à signer.", invitation
    if invitation.state in {Invitation.State.SIGNED, Invitation.State.KEPT}:
        return State.TWICE, f"{invitation.member.name} a déjà signé.", invitation
    if invitation.pages.filter(state=State.RECOGNISED).exclude(pk=page.pk).exists():
        return (
            State.TWICE,
            "Une autre page de ce membre attend déjà d’être confirmée.",
            invitation,
        )
    return State.RECOGNISED, f"Feuille de {invitation.member.name}.", invitation


# --- What a person decides ------------------------------------------------------------------------


@transaction.atomic
def confirm_page(page: PaperPage, *, by: User) -> None:
    """The page does bear the member's signature: it counts.

    Raises PermissionDenied, or ActionRefusedError when it no longer can.
    """
    page = _locked_page(page)
    _check(page.campaign, by)
    if page.state != State.RECOGNISED or page.invitation is None:
        raise ActionRefusedError("Cette page n’attend pas de confirmation : rechargez la liste.")
    page.signature = record_paper_signature(
        page.invitation,
        by=by,
        evidence={"file_sha256": page.attachment.sha256, "page": page.number},
    )
    _settle(page, State.COUNTED, by)


@transaction.atomic
def assign_page(page: PaperPage, invitation: Invitation, *, by: User) -> None:
    """A person says whose page it is when its code cannot be read; it still has to be confirmed."""
    page = _locked_page(page)
    _check(page.campaign, by)
    if page.state not in {State.UNREADABLE, State.RECOGNISED}:
        raise ActionRefusedError("Cette page a déjà été classée : rechargez la liste.")
    state, sentence, found = _judge_member(page, invitation.pk)
    if state != State.RECOGNISED:
        raise ActionRefusedError(sentence)
    page.state, page.sentence, page.invitation = state, f"{sentence} Attribuée à la main.", found
    page.save(update_fields=["state", "sentence", "invitation"])


@transaction.atomic
def discard_page(page: PaperPage, *, by: User) -> None:
    """The page is not counted; the file stays."""
    page = _locked_page(page)
    _check(page.campaign, by)
    if page.state == State.COUNTED:
        raise ActionRefusedError("Cette page a été comptée : une signature ne se retire pas.")
    _settle(page, State.DISCARDED, by)


def _settle(page: PaperPage, state: str, by: User) -> None:
    page.state, page.settled_by, page.settled_at = state, by, timezone.now()
    page.save(update_fields=["state", "settled_by", "settled_at", "signature"])


def confirm_all(pages: Sequence[PaperPage], *, by: User) -> tuple[int, list[str]]:
    """Confirm several pages; how many were, and a sentence for each that no longer could."""
    done, refused = 0, []
    for page in pages:
        try:
            confirm_page(page, by=by)
        except ActionRefusedError as error:
            refused.append(f"Page {page.number} de {page.attachment.name} : {error.message}")
        else:
            done += 1
    return done, refused


def _locked_page(page: PaperPage) -> PaperPage:
    return (
        PaperPage.objects.select_for_update(of=("self",))
        .select_related("campaign__community", "attachment", "invitation__member")
        .get(pk=page.pk)
    )


def _check(campaign: Campaign, by: User) -> None:
    if not rules.may_follow(campaign.community, by):
        raise PermissionDenied
    if not campaign.is_open:
        raise ActionRefusedError(
            "Les signatures sont closes : plus aucune page ne peut être comptée."
        )
