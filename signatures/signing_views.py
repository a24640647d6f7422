"""What a signer sees: their own page, by their link. Nothing here names another member."""

from typing import Any

from allauth.account.adapter import get_adapter
from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from cpts_portal.transactions import writes_when_posted
from signatures import signing
from signatures.campaigns import is_outdated
from signatures.forms import CodeForm
from signatures.models import Invitation
from signatures.signable import signable_of
from signatures.signing import Seen, WrongCodeError, find_invitation, masked_address
from signatures.telling import signer_name
from signatures.views.access import send_official
from workflow.services import ActionRefusedError, AlreadyDoneError

State = Invitation.State


def seen_of(request: HttpRequest) -> Seen:
    """Where a request comes from, as far as its evidence goes."""
    try:
        ip = get_adapter().get_client_ip(request)
    except PermissionDenied:
        ip = ""
    return Seen(ip=ip or "", user_agent=request.headers.get("User-Agent", "")[:300])


def _unknown(request: HttpRequest) -> HttpResponse:
    return render(request, "signatures/signer_unknown.html", status=404)


def _context(one: Invitation, token: str) -> dict[str, Any]:
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


@writes_when_posted
@login_not_required
@never_cache
@require_safe
def page(request: HttpRequest, token: str) -> HttpResponse:
    """For whom the link is, what is to be signed, and how: or why nothing can be any more."""
    one = find_invitation(token)
    if one is None:
        return _unknown(request)
    context = _context(one, token)
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
        return _unknown(request)
    return send_official(one.campaign.document)


@login_not_required
@never_cache
@require_POST
def code(request: HttpRequest, token: str) -> HttpResponse:
    """Send a code to the member's own address, whoever holds the link."""
    one = find_invitation(token)
    if one is None:
        return _unknown(request)
    try:
        signing.send_code(one)
    except AlreadyDoneError:
        return redirect("signing:page", token)
    except ActionRefusedError as error:
        return _answer_page(request, one, token, CodeForm(), notice=error.message, status=429)
    return redirect("signing:answer", token)


# Each answer is a transaction of its own: a second one around it would only be longer.
@transaction.non_atomic_requests
@login_not_required
@never_cache
@require_http_methods(["GET", "POST"])
def answer(request: HttpRequest, token: str) -> HttpResponse:
    """The code, then the answer, by the button pressed."""
    one = find_invitation(token)
    if one is None:
        return _unknown(request)
    if request.method == "GET":
        if not one.campaign.is_open or not (one.is_waiting or one.state == State.DECLINED):
            return redirect("signing:page", token)
        return _answer_page(request, one, token, CodeForm())
    return _answered(request, one, token)


def _answered(request: HttpRequest, one: Invitation, token: str) -> HttpResponse:
    form = CodeForm(request.POST)
    declines = request.POST.get("answer") == "decline"
    if form.is_valid():
        try:
            _record(one, form, request)
        except WrongCodeError as error:
            form.add_error("code", error.message)
        except AlreadyDoneError:
            return redirect("signing:page", token)
        except ActionRefusedError as error:
            lacks_reason = declines and not form.cleaned_data["reason"]
            form.add_error("reason" if lacks_reason else None, error.message)
        else:
            if declines:
                return render(request, "signatures/signer_declined.html", _context(one, token))
            return redirect("signing:page", token)
    return _answer_page(request, one, token, form, status=422)


def _record(one: Invitation, form: CodeForm, request: HttpRequest) -> None:
    typed, seen = form.cleaned_data["code"], seen_of(request)
    match request.POST.get("answer"):
        case "sign":
            signing.sign(one, code=typed, seen=seen)
        case "decline":
            signing.decline(one, code=typed, reason=form.cleaned_data["reason"], seen=seen)
        case _:
            raise ActionRefusedError("Rien n’a été choisi : utilisez l’un des deux boutons.")


def _answer_page(
    request: HttpRequest,
    one: Invitation,
    token: str,
    form: CodeForm,
    *,
    notice: str = "",
    status: int = 200,
) -> HttpResponse:
    context = _context(one, token) | {"form": form, "notice": notice}
    return render(request, "signatures/signer_answer.html", context, status=status)


@login_not_required
@never_cache
@require_POST
def not_me(request: HttpRequest, token: str) -> HttpResponse:
    """« This is not me »: the team is told that the address is wrong, and nothing else."""
    one = find_invitation(token)
    if one is None:
        return _unknown(request)
    signing.disown(one)
    return render(request, "signatures/signer_not_me.html", _context(one, token))
