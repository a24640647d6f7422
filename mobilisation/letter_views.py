"""Carrying the answers into the letter of intent: what would change, then one press."""

from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from accounts.http import PersonRequest
from cpts_portal.addresses import address
from cpts_portal.transactions import writes_when_posted
from mobilisation import carrying
from mobilisation.result_views import opened_one
from mobilisation.views import Seen
from workflow.services import ActionRefusedError
from workflow.views.documents import pdf_response


def _prepared(request: PersonRequest, public_id: UUID, questionnaire: UUID) -> Seen:
    seen = opened_one(request, public_id, questionnaire)
    if not seen.prepares:
        raise PermissionDenied
    return seen


@writes_when_posted
@require_http_methods(["GET", "HEAD", "POST"])
def carry(request: PersonRequest, public_id: UUID, questionnaire: UUID) -> HttpResponse:
    """Each field of the letter with what it says and what it would say; the button writes it."""
    seen = _prepared(request, public_id, questionnaire)
    one = seen.questionnaire
    letter = carrying.letter_of(one)
    error, status = "", 200
    if request.method == "POST" and letter is not None:
        try:
            done = carrying.carry(
                one,
                letter,
                carrying.chosen_of(request.POST, carrying.PARTS),
                with_annex="annex" in request.POST,
                by=request.user,
            )
        except ActionRefusedError as refused:
            error, status = refused.message, 422
        else:
            if done:
                messages.success(request, f"Repris dans la lettre : {', '.join(done)}.")
            else:
                messages.info(request, "Rien n’était à reprendre : la lettre dit déjà cela.")
            return redirect(address("letters:detail", letter.public_id))
    context = {
        "seen": seen,
        "questionnaire": one,
        "community": one.community,
        "letter": letter,
        "proposal": carrying.proposal_for(one, letter) if letter and not one.forgotten_at else None,
        "error": error,
    }
    return render(request, "mobilisation/carry.html", context, status=status)


@writes_when_posted
@require_safe
def annex(request: PersonRequest, public_id: UUID, questionnaire: UUID) -> HttpResponse:
    """The annex as it would be drawn now."""
    seen = _prepared(request, public_id, questionnaire)
    pdf = carrying.annex_pdf(seen.questionnaire)
    return pdf_response(pdf, name=carrying.ANNEX_NAME, as_attachment=False)
