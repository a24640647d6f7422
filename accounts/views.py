from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_http_methods, require_POST

from accounts import invitation_pages, invitations, roles, rules, services
from accounts.forms import ProfileForm, RoleInvitationForm
from accounts.http import PersonRequest
from accounts.invitations import InvitationError
from accounts.models import Membership, Organisation, OrganisationInvitation, User
from cpts_portal.transactions import writes_when_posted
from outbox.delivery import failing_addresses

PEOPLE_PER_PAGE = 30


@writes_when_posted
def profile(request: PersonRequest) -> HttpResponse:
    """« Mon compte »: who the person is, the roles they hold, and the way into each."""
    form = ProfileForm(request.POST or None, instance=request.user)
    if request.method == "POST" and form.is_valid():
        form.save()
        messages.success(request, "Vos renseignements sont enregistrés.")
        return redirect("accounts:profile")
    memberships = roles.held_roles(request.user)
    roles.remember(request, holds_roles=bool(memberships))
    return render(request, "accounts/profile.html", {"form": form, "memberships": memberships})


@require_POST
def switch_role(request: PersonRequest) -> HttpResponse:
    """Act in another of one's own roles, or in one's own name (no membership given).

    `next` is the page of the portal to open then.
    """
    chosen = request.POST.get("membership", "")
    membership = None
    if chosen:
        own = Membership.objects.filter(user=request.user, is_active=True)
        membership = get_object_or_404(
            own.select_related("organisation"), pk=chosen if chosen.isdecimal() else None
        )
    roles.switch(request, membership)
    messages.info(
        request,
        f"Vous agissez maintenant en tant que {membership}."
        if membership
        else "Vous agissez maintenant en votre nom.",
    )
    after = request.POST.get("next", "")
    is_ours = url_has_allowed_host_and_scheme(after, allowed_hosts=None)
    return redirect(after if is_ours else "desks:home")


@require_http_methods(["GET", "POST"])
def organisation(request: PersonRequest, code: str) -> HttpResponse:
    """The people of an organisation, for its coordinator: who holds which role, who is invited."""
    body = _managed(request, code)
    form = RoleInvitationForm(request.POST or None, organisation=body, giver=request.user)
    if request.method == "POST" and form.is_valid():
        try:
            invitation = services.invite_to_role(
                organisation=body, by=request.user, **form.cleaned_data
            )
        except InvitationError as error:
            form.add_error(None, error.message)
        else:
            messages.success(request, f"L’invitation part à l’adresse {invitation.email}.")
            return redirect("accounts:organisation", code=code)
    people = (
        Membership.objects.filter(organisation=body, is_active=True)
        .select_related("user", "department", "organisation")
        .order_by("user__last_name", "user__first_name", "pk")
    )
    page = Paginator(people, PEOPLE_PER_PAGE).get_page(request.GET.get("page"))
    failing = failing_addresses([body.email, *(held.user.email for held in page)])
    context: dict[str, Any] = {
        "organisation": body,
        "mailbox_failure": failing.get(body.email.lower(), ""),
        "form": form,
        "page": page,
        "people": [
            (held, rules.may_end(held, request.user), failing.get(held.user.email.lower(), ""))
            for held in page
        ],
        "invitations": OrganisationInvitation.objects.waiting()
        .filter(organisation=body)
        .select_related("department", "invited_by")
        .order_by("-created_at", "-pk")[: services.WAITING_LIMIT],
        "branches": Organisation.objects.managed_by(request.user)
        .exclude(pk=body.pk)
        .order_by("code"),
    }
    return render(request, "accounts/organisation.html", context)


@require_POST
def resend_invitation(request: PersonRequest, code: str, pk: int) -> HttpResponse:
    invitation = _invitation(request, code, pk)
    try:
        services.resend_role_invitation(invitation, by=request.user)
    except InvitationError as error:
        messages.error(request, error.message)
    else:
        messages.success(
            request, f"Un nouveau lien part à {invitation.email} ; l’ancien ne fonctionne plus."
        )
    return redirect("accounts:organisation", code=code)


@require_POST
def revoke_invitation(request: PersonRequest, code: str, pk: int) -> HttpResponse:
    invitation = _invitation(request, code, pk)
    try:
        services.revoke_role_invitation(invitation, by=request.user)
    except InvitationError as error:
        messages.error(request, error.message)
    else:
        messages.success(request, f"L’invitation de {invitation.email} est retirée.")
    return redirect("accounts:organisation", code=code)


@require_http_methods(["GET", "POST"])
def end_membership(request: PersonRequest, code: str, pk: int) -> HttpResponse:
    """Ask, then end a role."""
    body = _managed(request, code)
    membership = get_object_or_404(
        Membership.objects.select_related("user", "organisation"),
        pk=pk,
        organisation=body,
        is_active=True,
    )
    if not rules.may_end(membership, request.user):
        raise PermissionDenied
    if request.method == "POST":
        services.end_membership(membership, by=request.user)
        messages.success(request, f"{membership.user} n’a plus ce rôle.")
        return redirect("accounts:organisation", code=code)
    return render(
        request,
        "components/confirm_page.html",
        {
            "title": f"Mettre fin au rôle de {membership.user} ?",
            "text": (
                f"{membership.user} ne pourra plus agir comme {membership.get_role_display()} "
                f"pour {body}, dès sa prochaine page. Ce que cette personne a fait reste "
                "enregistré. Pour lui rendre ce rôle, il faudra l’inviter à nouveau."
            ),
            "action_label": "Mettre fin à ce rôle",
            "danger": True,
            "cancel_url": reverse("accounts:organisation", args=[code]),
        },
    )


@login_not_required
@require_http_methods(["GET", "POST"])
def accept_invitation(request: HttpRequest, token: str) -> HttpResponse:
    """The page the invitation's link opens, signed in or not."""
    invitation = invitations.find(OrganisationInvitation, token)

    def offer() -> invitation_pages.Offer:
        assert invitation  # noqa: S101 - called for a found invitation only
        return invitation_pages.Offer(
            title=f"{invitation.organisation} vous invite",
            text=(
                f"{invitation.invited_by} vous propose d’agir pour {invitation.organisation} "
                f"comme {invitation.get_role_display()}"
                + (
                    f", pour le département {invitation.department}."
                    if invitation.department
                    else "."
                )
            ),
            accept_label="Accepter ce rôle",
        )

    def accept(person: User) -> HttpResponse:
        assert invitation  # noqa: S101 - called for a found invitation only
        membership = services.accept_role_invitation(invitation, user=person)
        roles.switch(request, membership)
        messages.success(request, f"Vous agissez maintenant en tant que {membership}.")
        return redirect("desks:home")

    return invitation_pages.answer(
        request,
        invitation,
        offer=offer,
        accept=accept,
        already_done=lambda: redirect("accounts:profile"),
    )


def _managed(request: PersonRequest, code: str) -> Organisation:
    return get_object_or_404(Organisation.objects.managed_by(request.user), code=code)


def _invitation(request: PersonRequest, code: str, pk: int) -> OrganisationInvitation:
    return get_object_or_404(
        OrganisationInvitation.objects.filter(organisation=_managed(request, code)), pk=pk
    )
