"""Signing on paper: sheets to print, scanned pages to confirm."""

from typing import Final
from uuid import UUID

from django.contrib import messages
from django.http import FileResponse, Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.http import PersonRequest
from cpts_portal.paging import read_page
from documents.downloads import send_attachment
from documents.services import too_large
from documents.uploads import dropped_files
from signatures import forms
from signatures import paper as sheets_of_paper
from signatures.models import PaperPage
from signatures.views.access import Seen, invitation_of, see_as_follower
from workflow.services import ActionRefusedError

PAGE_SIZE: Final = 25


@require_safe
def sheet(request: PersonRequest, public_id: UUID, campaign: UUID, pk: int) -> HttpResponse:
    """The sheet of one member, to print."""
    seen = see_as_follower(request, public_id, campaign)
    one = invitation_of(seen, pk)
    if not one.is_waiting:
        raise Http404
    pdf = sheets_of_paper.sheets_pdf(seen.campaign, [one])
    response = HttpResponse(pdf, content_type="application/pdf")
    response["Content-Disposition"] = 'inline; filename="feuille-a-signer.pdf"'
    return response


@require_http_methods(["GET", "POST"])
def paper(request: PersonRequest, public_id: UUID, campaign: UUID) -> HttpResponse:
    """Print the sheets, send the scanned pages, see what each one is found to be."""
    seen = see_as_follower(request, public_id, campaign)
    faults: list[str] = []
    if request.method == "POST":
        files = request.FILES.getlist("files")
        faults = [too_large(name).message for name in dropped_files(request)]
        if not files and not faults:
            faults = ["Aucun fichier n’a été choisi : choisissez les pages numérisées."]
        try:
            received = sheets_of_paper.receive_scans(seen.campaign, files, by=request.user)
        except ActionRefusedError as error:
            faults.append(error.message)
        else:
            faults += received.refused
            if received.pages:
                messages.success(
                    request,
                    f"{received.pages} page{'s' if received.pages > 1 else ''} reçue"
                    f"{'s' if received.pages > 1 else ''} : le portail les lit.",
                )
        if not faults:
            return redirect("signatures:paper", public_id, campaign)
    rows, page = read_page(
        seen.campaign.pages.select_related(
            "attachment", "invitation__member", "settled_by"
        ).order_by("-pk"),
        request.GET.get("page"),
        PAGE_SIZE,
    )
    states = list(seen.campaign.pages.values_list("state", flat=True))
    total, waiting = len(states), states.count(PaperPage.State.WAITING)
    return render(
        request,
        "signatures/paper.html",
        {
            "seen": seen,
            "campaign": seen.campaign,
            "community": seen.campaign.community,
            "pages": rows,
            "page": page,
            "faults": faults,
            "total": total,
            "read": total - waiting,
            "read_label": f"{total - waiting} pages lues sur {total}",
            "waiting": waiting,
            "recognised": states.count(PaperPage.State.RECOGNISED),
            "counted": states.count(PaperPage.State.COUNTED),
            "sheets": seen.campaign.sheets.select_related("file").first(),
            "to_print": seen.campaign.invitations.filter(
                state__in=("waiting", "postponed")
            ).count(),
            "is_open": seen.campaign.is_open,
        },
        status=422 if faults else 200,
    )


@require_POST
def ask_sheets(request: PersonRequest, public_id: UUID, campaign: UUID) -> HttpResponse:
    seen = see_as_follower(request, public_id, campaign)
    try:
        sheets_of_paper.ask_for_sheets(seen.campaign, by=request.user)
    except ActionRefusedError as error:
        messages.error(request, error.message)
    else:
        messages.success(request, "Les feuilles se préparent : rechargez la page dans un instant.")
    return redirect("signatures:paper", public_id, campaign)


@require_safe
def sheets(
    request: PersonRequest, public_id: UUID, campaign: UUID, pk: int
) -> HttpResponse | FileResponse:
    seen = see_as_follower(request, public_id, campaign)
    made = get_object_or_404(seen.campaign.sheets.select_related("file"), pk=pk)
    if made.file is None:
        raise Http404
    return send_attachment(request, made.file)


def _page(seen: Seen, pk: int) -> PaperPage:
    return get_object_or_404(
        PaperPage.objects.select_related("attachment", "campaign", "invitation__member"),
        campaign=seen.campaign,
        pk=pk,
    )


@require_safe
def page_image(request: PersonRequest, public_id: UUID, campaign: UUID, pk: int) -> HttpResponse:
    """The scanned page, as the team looks at it before confirming."""
    seen = see_as_follower(request, public_id, campaign)
    found = _page(seen, pk)
    try:
        png = sheets_of_paper.page_png(found)
    except Exception as error:  # image formats each have their own errors
        raise Http404("Cette page ne s’ouvre pas.") from error
    response = HttpResponse(png, content_type="image/png")
    response["Cache-Control"] = "private, max-age=600"
    return response


@require_http_methods(["GET", "POST"])
def page(request: PersonRequest, public_id: UUID, campaign: UUID, pk: int) -> HttpResponse:
    """One scanned page: confirm it, say whose it is, or set it aside."""
    seen = see_as_follower(request, public_id, campaign)
    found = _page(seen, pk)
    form = forms.AssignForm(
        request.POST if request.POST.get("action") == "assign" else None, campaign=seen.campaign
    )
    if request.method == "POST":
        try:
            if request.POST.get("action") == "confirm":
                sheets_of_paper.confirm_page(found, by=request.user)
                messages.success(request, "La signature sur papier est comptée.")
                return redirect("signatures:paper", public_id, campaign)
            if request.POST.get("action") == "discard":
                sheets_of_paper.discard_page(found, by=request.user)
                messages.success(request, "La page est écartée : elle n’est pas comptée.")
                return redirect("signatures:paper", public_id, campaign)
            if form.is_valid():
                sheets_of_paper.assign_page(found, form.cleaned_data["invitation"], by=request.user)
                messages.success(request, "La page est attribuée : regardez-la, puis confirmez.")
                return redirect(request.path)
        except ActionRefusedError as error:
            form.add_error(None, error.message) if form.is_bound else messages.error(
                request, error.message
            )
    return render(
        request,
        "signatures/page.html",
        {
            "seen": seen,
            "campaign": seen.campaign,
            "community": seen.campaign.community,
            "one": found,
            "form": form,
            "may_confirm": found.state == PaperPage.State.RECOGNISED and seen.campaign.is_open,
            "may_assign": found.state == PaperPage.State.UNREADABLE and seen.campaign.is_open,
            "may_discard": found.state not in {PaperPage.State.COUNTED, PaperPage.State.DISCARDED}
            and seen.campaign.is_open,
        },
        status=422 if request.method == "POST" else 200,
    )


@require_POST
def confirm_pages(request: PersonRequest, public_id: UUID, campaign: UUID) -> HttpResponse:
    """Confirm the pages that are ticked."""
    seen = see_as_follower(request, public_id, campaign)
    chosen = [int(pk) for pk in request.POST.getlist("pages") if pk.isascii() and pk.isdecimal()]
    pages = seen.campaign.pages.filter(pk__in=chosen[:500]).select_related("attachment")
    done, refused = sheets_of_paper.confirm_all(list(pages), by=request.user)
    for sentence in refused[:20]:
        messages.error(request, sentence)
    if done:
        messages.success(
            request,
            "Une signature sur papier comptée."
            if done == 1
            else f"{done} signatures sur papier comptées.",
        )
    elif not refused:
        messages.error(request, "Aucune page n’est cochée : cochez celles que vous avez regardées.")
    return redirect("signatures:paper", public_id, campaign)
