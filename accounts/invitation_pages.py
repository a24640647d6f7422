"""The page an invitation's link opens: the same for every kind of invitation."""

from collections.abc import Callable
from dataclasses import dataclass

from allauth.account.adapter import get_adapter
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode

from accounts.invitations import InvitationError, refusal
from accounts.models import AbstractInvitation, User


@dataclass(frozen=True)
class Offer:
    """What an invitation offers, in the words of its page."""

    title: str
    text: str
    accept_label: str


def answer(
    request: HttpRequest,
    invitation: AbstractInvitation | None,
    *,
    offer: Callable[[], Offer],
    accept: Callable[[User], HttpResponse],
    already_done: Callable[[], HttpResponse],
) -> HttpResponse:
    """Show what is offered, or why it no longer is; accept it on POST, for a signed-in person."""
    person = request.user if isinstance(request.user, User) else None
    if invitation and person and invitation.accepted_by_id == person.pk:
        return already_done()
    refused = refusal(invitation, person)
    if refused or invitation is None:
        return render(
            request,
            "invitations/refused.html",
            {"refusal": refused},
            status=refused.status if refused else 404,
        )
    if request.method == "POST" and person:
        try:
            return accept(person)
        except InvitationError as error:
            messages.error(request, error.message)
            return redirect(request.path)
    context = {"offer": offer(), "invitation": invitation}
    if person is None:
        # The link came to that mailbox: signing up with its address needs no second proof.
        get_adapter().stash_verified_email(request, invitation.email)
        back = urlencode({"next": request.path})
        context |= {
            "has_account": User.objects.filter(email__iexact=invitation.email).exists(),
            "login_url": f"{reverse('account_login')}?{back}",
            "signup_url": f"{reverse('account_signup')}?{back}",
        }
    return render(request, "invitations/answer.html", context)
