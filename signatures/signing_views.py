"""What a signer sees: their own page, by their link. Nothing here names another member."""

from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from cpts_portal.transactions import writes_when_posted
from signatures import signing
from signatures.campaigns import is_outdated
from signatures.codes import Seen, masked_address
from signatures.link_pages import LinkPages
from signatures.models import Invitation
from signatures.signable import signable_of
from signatures.signing import find_invitation
from signatures.telling import signer_name
from signatures.views.access import send_official

State = Invitation.State


class _Pages(LinkPages[Invitation]):
    namespace = "signing"
    unknown_template = "signatures/signer_unknown.html"
    answer_template = "signatures/signer_answer.html"
    declined_template = "signatures/signer_declined.html"

    def find(self, token: str) -> Invitation | None:
        return find_invitation(token)

    def context(self, one: Invitation, token: str) -> dict[str, Any]:
        campaign = one.campaign
        return {
            "token": token,
            "one": one,
            "campaign": campaign,
            "community": campaign.community,
            "signable": signable_of(campaign.case),
            "signer": signer_name(one),
            "member": one.member,
            "delegation": getattr(one, "delegation", None),
            "address": masked_address(one.email),
            "document": campaign.document.document,
        }

    def may_answer(self, one: Invitation) -> bool:
        return one.campaign.is_open and (one.is_waiting or one.state == State.DECLINED)

    def send_code(self, one: Invitation) -> None:
        signing.send_code(one)

    def sign(self, one: Invitation, *, code: str, seen: Seen) -> None:
        signing.sign(one, code=code, seen=seen)

    def decline(self, one: Invitation, *, code: str, reason: str, seen: Seen) -> None:
        signing.decline(one, code=code, reason=reason, seen=seen)


_PAGES = _Pages()


@writes_when_posted
@login_not_required
@never_cache
@require_safe
def page(request: HttpRequest, token: str) -> HttpResponse:
    """For whom the link is, what is to be signed, and how: or why nothing can be any more."""
    one = find_invitation(token)
    if one is None:
        return _PAGES.unknown(request)
    context = _PAGES.context(one, token)
    if one.state in {State.SIGNED, State.KEPT}:
        signature = one.campaign.signatures.filter(member=one.member_id).first()
        return render(request, "signatures/signer_done.html", context | {"signature": signature})
    if is_outdated(one.campaign, one.last_version):  # type: ignore[attr-defined]
        return _changed(request, one, context)
    if not one.campaign.is_open:
        return render(request, "signatures/signer_ended.html", context, status=410)
    has_code = bool(one.code_expires_at and one.code_expires_at > timezone.now())
    return render(request, "signatures/signer.html", context | {"has_code": has_code})


def _changed(request: HttpRequest, one: Invitation, context: dict[str, Any]) -> HttpResponse:
    """An old link after a new version: what changed, and no way to sign what was."""
    signable = signable_of(one.campaign.case)
    now = signable.snapshot(one.campaign.case)
    difference = signable.difference(one.campaign.snapshot, now) if now else None
    return render(
        request,
        "signatures/signer_changed.html",
        context | {"difference": difference, "version": now.version if now else None},
        status=410,
    )


@login_not_required
@never_cache
@require_safe
def document(request: HttpRequest, token: str) -> HttpResponse:
    """The PDF to sign. It stays readable by its signer once they have answered."""
    one = find_invitation(token)
    if one is None:
        return _PAGES.unknown(request)
    return send_official(one.campaign.document)


@login_not_required
@never_cache
@require_POST
def code(request: HttpRequest, token: str) -> HttpResponse:
    """Send a code to the member's own address, whoever holds the link."""
    return _PAGES.code(request, token)


# Each answer is a transaction of its own: a second one around it would only be longer.
@transaction.non_atomic_requests
@login_not_required
@never_cache
@require_http_methods(["GET", "POST"])
def answer(request: HttpRequest, token: str) -> HttpResponse:
    """The code, then the answer, by the button pressed."""
    return _PAGES.answer(request, token)


@login_not_required
@never_cache
@require_POST
def not_me(request: HttpRequest, token: str) -> HttpResponse:
    """« This is not me »: the team is told that the address is wrong, and nothing else."""
    one = find_invitation(token)
    if one is None:
        return _PAGES.unknown(request)
    signing.disown(one)
    return render(request, "signatures/signer_not_me.html", _PAGES.context(one, token))
