"""From the diagnosis to the letter: what a click writes is shown first."""

from collections.abc import Callable
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.http import PersonRequest
from communities.models import Community
from diagnosis import annex, rules
from diagnosis.asking import DiagnosisError
from diagnosis.models import DiagnosisRequest
from documents.services import FileRefusedError
from letters.models import LetterOfIntent
from letters.views.access import editable_letter
from procedures.schema import AttachmentSlot
from workflow.views.documents import may_preview_now, pdf_response


def _community(request: PersonRequest, public_id: UUID) -> Community:
    return get_object_or_404(Community.objects.visible_to(request.user), public_id=public_id)


def _letter(
    request: PersonRequest, community: Community, *, lock: bool = False, slot: bool = False
) -> LetterOfIntent:
    """The team's letter, if the person may write where the diagnosis goes; else 403 or 404."""
    if not rules.may_ask(community, request.user):
        raise PermissionDenied("Un responsable ou un rédacteur de la CPTS écrit la lettre.")
    found = annex.letter_of(community)
    if found is None:
        raise Http404
    place = annex.slot_of(found) if slot else annex.field_of(found)
    return editable_letter(request, found.public_id, key=place.key if place else "", lock=lock)


@require_safe
def pdf(request: PersonRequest, public_id: UUID) -> HttpResponse:
    """The figures of the day as a document."""
    community = _community(request, public_id)
    if not may_preview_now(request.user):
        return render(request, "429.html", status=429)
    try:
        content = annex.annex_pdf(community)
    except DiagnosisError as error:
        messages.error(request, error.message)
        return redirect("diagnosis:overview", community.public_id)
    name = f"Diagnostic - {community.name}.pdf"
    return pdf_response(content, name=name, as_attachment=True)


@require_http_methods(["GET", "HEAD", "POST"])
def paragraph(request: PersonRequest, public_id: UUID) -> HttpResponse:
    """Show what would be added to the letter, then add it."""
    community = _community(request, public_id)
    writes = request.method == "POST"
    letter = _letter(request, community, lock=writes)
    if writes:
        seen = request.POST.get("revision", "")
        try:
            with transaction.atomic():
                annex.write_paragraph(
                    letter,
                    community,
                    user=request.user,
                    revision=int(seen) if seen.isascii() and seen.isdecimal() else -1,
                )
        except DiagnosisError as error:
            messages.error(request, error.message)
            return redirect("diagnosis:paragraph", community.public_id)
        messages.success(request, "Le paragraphe est dans la lettre : relisez-le, corrigez-le.")
        return redirect("letters:detail", letter.public_id)
    try:
        offered = annex.offer(letter, community)
    except DiagnosisError as error:
        messages.error(request, error.message)
        return redirect("diagnosis:overview", community.public_id)
    context = {"community": community, "letter": letter, "offer": offered}
    return render(request, "diagnosis/paragraph.html", context)


@require_POST
def join(request: PersonRequest, public_id: UUID) -> HttpResponse:
    """Join the figures of the day to the letter."""
    community = _community(request, public_id)
    letter = _letter(request, community, lock=True, slot=True)
    if not may_preview_now(request.user):
        return render(request, "429.html", status=429)
    return _joined(
        request,
        community,
        lambda: annex.attach_annex(letter, community, user=request.user),
    )


@require_POST
def join_answer(request: PersonRequest, public_id: UUID, attachment: UUID) -> HttpResponse:
    """Join a document of an office's answer to the letter."""
    seen = DiagnosisRequest.objects.visible_to(request.user).select_related("community")
    asked = get_object_or_404(seen, public_id=public_id)
    link = get_object_or_404(asked.files.select_related("attachment"), attachment=attachment)
    letter = _letter(request, asked.community, lock=True, slot=True)
    return _joined(
        request,
        asked.community,
        lambda: annex.attach_answer(letter, link.attachment, user=request.user),
    )


def _joined(
    request: PersonRequest, community: Community, act: Callable[[], AttachmentSlot]
) -> HttpResponse:
    try:
        with transaction.atomic():
            slot = act()
    except (DiagnosisError, FileRefusedError) as error:
        messages.error(request, error.message)
    else:
        messages.success(request, f"Le document est joint à la lettre, dans « {slot.label} ».")
    return redirect("diagnosis:overview", community.public_id)
