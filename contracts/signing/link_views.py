"""Signing for the CPTS, by a personal link: no account is needed, a code is sent by mail."""

from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from contracts.models import RoundSigner
from contracts.signing import answers, signers
from contracts.signing.board import power_in_words
from contracts.signing.evidence import proofs_of
from contracts.signing.forms import LinkAnswerForm
from contracts.signing.signers import PORTAL
from signatures.codes import Seen, masked_address
from signatures.link_pages import LinkPages
from signatures.links import digest
from signatures.views.access import send_official


class _Pages(LinkPages[RoundSigner]):
    namespace = "contract-signing"
    unknown_template = "contracts/link_unknown.html"
    answer_template = "contracts/link_answer.html"
    form_class = LinkAnswerForm

    def find(self, token: str) -> RoundSigner | None:
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

    def context(self, one: RoundSigner, token: str) -> dict[str, Any]:
        return {
            "token": token,
            "signer": one,
            "one": one.round,
            "for_whom": signers.for_whom(one),
            "on_behalf": signers.on_behalf(one),
            "power": power_in_words(one),
            "address": masked_address(one.email),
            "document": one.round.document.document,
            # What keeps from signing today; refusing stays possible.
            "problems": answers.problems_of(one) if self.may_answer(one) else [],
            "is_here": one.round.provider == PORTAL,
        }

    def may_answer(self, one: RoundSigner) -> bool:
        return one.round.is_open and not one.signatures.exists()

    def send_code(self, one: RoundSigner) -> None:
        answers.send_code(one)

    def sign(self, one: RoundSigner, *, code: str, seen: Seen) -> None:
        answers.sign(one, code=code, seen=seen, by=None)

    def decline(self, one: RoundSigner, *, code: str, reason: str, seen: Seen) -> None:
        answers.refuse(one, reason=reason, seen=seen, by=None, code=code)


_PAGES = _Pages()


@login_not_required
@never_cache
@require_safe
def page(request: HttpRequest, token: str) -> HttpResponse:
    """For whom the link is, what is to be signed, and how: or why nothing can be now."""
    signer = _PAGES.find(token)
    if signer is None:
        return _PAGES.unknown(request)
    context = _PAGES.context(signer, token)
    signature = signer.signatures.first()
    if signature is not None or not signer.round.is_open:
        has_proof = signature is not None and proofs_of(signer.round).exists()
        context |= {"signature": signature, "has_proof": has_proof}
        return render(request, "contracts/link_done.html", context)
    has_code = bool(signer.code_expires_at and signer.code_expires_at > timezone.now())
    context |= {"has_code": has_code}
    return render(request, "contracts/link.html", context)


@login_not_required
@never_cache
@require_safe
def document(request: HttpRequest, token: str) -> HttpResponse:
    """The document to sign. It stays readable by its signer once they have answered."""
    signer = _PAGES.find(token)
    return _PAGES.unknown(request) if signer is None else send_official(signer.round.document)


@login_not_required
@never_cache
@require_safe
def proof(request: HttpRequest, token: str) -> HttpResponse:
    """The register of the signatures, for who has signed."""
    signer = _PAGES.find(token)
    found = proofs_of(signer.round).first() if signer and signer.signatures.exists() else None
    return _PAGES.unknown(request) if found is None else send_official(found)


@login_not_required
@never_cache
@require_POST
def code(request: HttpRequest, token: str) -> HttpResponse:
    """Send a code to the signer's own address, whoever holds the link."""
    return _PAGES.code(request, token)


@login_not_required
@never_cache
@require_http_methods(["GET", "POST"])
def answer(request: HttpRequest, token: str) -> HttpResponse:
    """The code, then the answer, by the button pressed."""
    return _PAGES.answer(request, token)
