"""Signing for the CPTS, by a personal link: no account is needed, a code is sent by mail."""

from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from contracts.models import RoundSigner
from contracts.signing import rounds
from contracts.signing.board import power_in_words
from contracts.signing.evidence import proofs_of
from contracts.signing.forms import LinkAnswerForm
from signatures.codes import WrongCodeError, masked_address
from signatures.links import digest
from signatures.signing_views import seen_of
from signatures.views.access import send_official
from workflow.services import ActionRefusedError, AlreadyDoneError


def _find(token: str) -> RoundSigner | None:
    return (
        RoundSigner.objects.select_related(
            "round__contract__community",
            "round__document__document",
            "user",
            "organisation",
            "delegation",
        )
        .filter(token_digest=digest(token))
        .first()
    )


def _unknown(request: HttpRequest) -> HttpResponse:
    return render(request, "contracts/link_unknown.html", status=404)


def _context(signer: RoundSigner, token: str) -> dict[str, Any]:
    return {
        "token": token,
        "signer": signer,
        "one": signer.round,
        "for_whom": rounds.for_whom(signer),
        "on_behalf": rounds.on_behalf(signer),
        "power": power_in_words(signer),
        "address": masked_address(signer.email),
        "document": signer.round.document.document,
    }


@login_not_required
@never_cache
@require_safe
def page(request: HttpRequest, token: str) -> HttpResponse:
    """For whom the link is, what is to be signed, and how: or why nothing can be now."""
    signer = _find(token)
    if signer is None:
        return _unknown(request)
    context = _context(signer, token)
    signature = signer.signatures.first()
    if signature is not None or not signer.round.is_open:
        has_proof = signature is not None and proofs_of(signer.round).exists()
        context |= {"signature": signature, "has_proof": has_proof}
        return render(request, "contracts/link_done.html", context)
    has_code = bool(signer.code_expires_at and signer.code_expires_at > timezone.now())
    context |= {"has_code": has_code, "problems": rounds.problems_of(signer)}
    return render(request, "contracts/link.html", context)


@login_not_required
@never_cache
@require_safe
def document(request: HttpRequest, token: str) -> HttpResponse:
    """The document to sign. It stays readable by its signer once they have answered."""
    signer = _find(token)
    return _unknown(request) if signer is None else send_official(signer.round.document)


@login_not_required
@never_cache
@require_safe
def proof(request: HttpRequest, token: str) -> HttpResponse:
    """The register of the signatures, for who has signed."""
    signer = _find(token)
    found = proofs_of(signer.round).first() if signer and signer.signatures.exists() else None
    return _unknown(request) if found is None else send_official(found)


@login_not_required
@never_cache
@require_POST
def code(request: HttpRequest, token: str) -> HttpResponse:
    """Send a code to the signer's own address, whoever holds the link."""
    signer = _find(token)
    if signer is None:
        return _unknown(request)
    try:
        rounds.send_code(signer)
    except AlreadyDoneError:
        return redirect("contract-signing:page", token)
    except ActionRefusedError as error:
        form = LinkAnswerForm()
        return _answer_page(request, signer, token, form, notice=error.message, status=429)
    return redirect("contract-signing:answer", token)


@login_not_required
@never_cache
@require_http_methods(["GET", "POST"])
def answer(request: HttpRequest, token: str) -> HttpResponse:
    """The code, then the answer, by the button pressed."""
    signer = _find(token)
    if signer is None:
        return _unknown(request)
    if request.method == "GET":
        if signer.signatures.exists() or not signer.round.is_open:
            return redirect("contract-signing:page", token)
        return _answer_page(request, signer, token, LinkAnswerForm())
    form = LinkAnswerForm(request.POST)
    refuses = request.POST.get("answer") == "decline"
    if form.is_valid():
        try:
            _record(request, signer, form, refuses=refuses)
        except WrongCodeError as error:
            form.add_error("code", error.message)
        except AlreadyDoneError:
            return redirect("contract-signing:page", token)
        except ActionRefusedError as error:
            lacks_reason = refuses and not form.cleaned_data["reason"]
            form.add_error("reason" if lacks_reason else None, error.message)
        else:
            return redirect("contract-signing:page", token)
    return _answer_page(request, signer, token, form, status=422)


def _record(
    request: HttpRequest, signer: RoundSigner, form: LinkAnswerForm, *, refuses: bool
) -> None:
    typed, seen = form.cleaned_data["code"], seen_of(request)
    if refuses:
        reason = form.cleaned_data["reason"]
        rounds.refuse(signer, reason=reason, seen=seen, by=None, code=typed)
    elif request.POST.get("answer") == "sign":
        rounds.sign(signer, code=typed, seen=seen, by=None)
    else:
        raise ActionRefusedError("Rien n’a été choisi : utilisez l’un des deux boutons.")


def _answer_page(
    request: HttpRequest,
    signer: RoundSigner,
    token: str,
    form: LinkAnswerForm,
    *,
    notice: str = "",
    status: int = 200,
) -> HttpResponse:
    context = _context(signer, token) | {"form": form, "notice": notice}
    return render(request, "contracts/link_answer.html", context, status=status)
