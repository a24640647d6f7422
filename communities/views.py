"""The team of a CPTS. Every view starts from what the person may see (else 404)."""

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts import invitation_pages, invitations, roles
from accounts.http import PersonRequest
from accounts.models import User
from communities import rules, services
from communities.forms import InvitationForm, OwnershipForm, RoleForm
from communities.models import Community, TeamInvitation, TeamMember
from communities.services import TeamError
from communities.stages import (
    public_name,
    public_papers,
    public_parts,
    public_stages,
    public_status,
)
from communities.team import read_team
from cpts_portal.transactions import writes_when_posted


@login_not_required
@require_safe
def public(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """What anyone may know of a CPTS: what was decided of it, and when. No one's name.

    A CPTS of which nothing was ever decided is not known here.
    """
    community = get_object_or_404(Community.objects.select_related("region"), public_id=public_id)
    stages = list(community.stages.defer("carried"))
    if not stages:
        raise Http404
    label, tone = public_status(stages)
    context = {
        "community": community,
        "stages": public_stages(stages),
        "stage": stages[-1],
        "name": public_name(community, stages[-1]),
        "papers": public_papers(community),
        "parts": public_parts(community),
        "status_label": label,
        "status_tone": tone,
    }
    return render(request, "communities/public.html", context)


@writes_when_posted
@require_http_methods(["GET", "POST"])
def team(request: PersonRequest, public_id: UUID) -> HttpResponse:
    """Who is on the team and what each may do; owners invite from here."""
    community = _community(request, public_id)
    manages = rules.may_manage_team(community, request.user)
    form = InvitationForm(request.POST or None)
    if request.method == "POST":
        if not manages:
            raise PermissionDenied
        if form.is_valid():
            try:
                invitation = services.invite(
                    community=community, by=request.user, **form.cleaned_data
                )
            except TeamError as error:
                form.add_error("email", error.message)
            else:
                messages.success(request, f"L’invitation part à l’adresse {invitation.email}.")
                return _back(community)
    shown = read_team(community)
    transfer = shown.transfer
    return render(
        request,
        "communities/team.html",
        {
            "community": community,
            "members": shown.members,
            "manages": manages,
            "form": form,
            "given_roles": services.GIVEN_ROLES,
            "transfer": transfer,
            "answers": transfer and rules.may_answer_transfer(transfer, request.user),
            "withdraws": transfer and rules.may_withdraw_transfer(transfer, request.user),
            "invitations": shown.invitations,
        },
    )


@require_POST
def change_role(request: PersonRequest, public_id: UUID, pk: int) -> HttpResponse:
    community = _managed(request, public_id)
    member = get_object_or_404(community.team_members, pk=pk)
    form = RoleForm(request.POST)
    if not form.is_valid():
        messages.error(request, "Ce rôle n’existe pas : choisissez rédacteur ou lecteur.")
        return _back(community)
    try:
        services.change_role(member, role=form.cleaned_data["role"], by=request.user)
    except TeamError as error:
        messages.error(request, error.message)
    else:
        label = TeamMember.Role(form.cleaned_data["role"]).label
        messages.success(request, f"{member.user} est maintenant {label}.")
    return _back(community)


@require_http_methods(["GET", "POST"])
def remove_member(request: PersonRequest, public_id: UUID, pk: int) -> HttpResponse:
    community = _managed(request, public_id)
    member = get_object_or_404(community.team_members, pk=pk)
    if request.method == "POST":
        try:
            services.remove_member(member, by=request.user)
        except TeamError as error:
            messages.error(request, error.message)
        else:
            messages.success(request, f"{member.user} ne fait plus partie de l’équipe.")
        return _back(community)
    return _confirm(
        request,
        community,
        title=f"Retirer {member.user} de l’équipe ?",
        text=(
            f"{member.user} ne verra plus les dossiers de « {community} » et en sera "
            "prévenu par courriel. Ce que cette personne a écrit reste en place."
        ),
        action_label="Retirer de l’équipe",
    )


@require_http_methods(["GET", "POST"])
def leave(request: PersonRequest, public_id: UUID) -> HttpResponse:
    community = _community(request, public_id)
    if request.method == "POST":
        try:
            services.leave(community, user=request.user)
        except TeamError as error:
            messages.error(request, error.message)
            return _back(community)
        messages.success(request, f"Vous avez quitté l’équipe de « {community} ».")
        return redirect("desks:home")
    return _confirm(
        request,
        community,
        title="Quitter cette équipe ?",
        text=(
            f"Vous ne verrez plus les dossiers de « {community} ». Ce que vous y avez "
            "écrit reste en place. Pour revenir, il faudra qu’un responsable vous invite."
        ),
        action_label="Quitter l’équipe",
    )


@require_http_methods(["GET", "POST"])
def offer_ownership(request: PersonRequest, public_id: UUID) -> HttpResponse:
    community = _managed(request, public_id)
    form = OwnershipForm(request.POST or None, community=community)
    if request.method == "POST" and form.is_valid():
        member = form.cleaned_data["member"]
        try:
            services.offer_ownership(community=community, to_member=member, by=request.user)
        except TeamError as error:
            form.add_error(None, error.message)
        else:
            messages.success(
                request,
                f"La proposition est envoyée à {member.user}. Rien ne change avant sa réponse.",
            )
            return _back(community)
    return render(
        request, "communities/offer_ownership.html", {"community": community, "form": form}
    )


ANSWERS = {
    "accept": (services.accept_ownership, "Vous êtes maintenant responsable de cette CPTS."),
    "decline": (services.decline_ownership, "Votre refus est enregistré ; rien ne change."),
    "withdraw": (services.withdraw_ownership, "La proposition est retirée."),
}


@require_POST
def answer_ownership(request: PersonRequest, public_id: UUID, pk: int) -> HttpResponse:
    """Accept, decline or take back an offer of ownership, by the button pressed."""
    community = _community(request, public_id)
    transfer = get_object_or_404(community.ownership_transfers, pk=pk)
    verb, done = ANSWERS.get(request.POST.get("answer", ""), (None, ""))
    if verb is None:
        messages.error(request, "Rien n’a été choisi : utilisez l’un des boutons.")
        return _back(community)
    try:
        verb(transfer, user=request.user)
    except TeamError as error:
        messages.error(request, error.message)
    else:
        messages.success(request, done)
    return _back(community)


@require_POST
def resend_invitation(request: PersonRequest, public_id: UUID, pk: int) -> HttpResponse:
    community = _managed(request, public_id)
    invitation = get_object_or_404(community.invitations, pk=pk)
    try:
        services.resend_invitation(invitation, by=request.user)
    except TeamError as error:
        messages.error(request, error.message)
    else:
        messages.success(
            request, f"Un nouveau lien part à {invitation.email} ; l’ancien ne fonctionne plus."
        )
    return _back(community)


@require_POST
def revoke_invitation(request: PersonRequest, public_id: UUID, pk: int) -> HttpResponse:
    community = _managed(request, public_id)
    invitation = get_object_or_404(community.invitations, pk=pk)
    try:
        services.revoke_invitation(invitation, by=request.user)
    except TeamError as error:
        messages.error(request, error.message)
    else:
        messages.success(request, f"L’invitation de {invitation.email} est retirée.")
    return _back(community)


@login_not_required
@require_http_methods(["GET", "POST"])
def accept_invitation(request: HttpRequest, token: str) -> HttpResponse:
    """The page the invitation's link opens, signed in or not."""
    invitation = invitations.find(TeamInvitation, token)

    def offer() -> invitation_pages.Offer:
        assert invitation  # noqa: S101 - called for a found invitation only
        return invitation_pages.Offer(
            title=f"Rejoindre l’équipe de « {invitation.community} »",
            text=(
                f"{invitation.invited_by} vous propose de rejoindre l’équipe de la CPTS "
                f"« {invitation.community} » comme "
                f"{TeamMember.Role(invitation.role_offered).label}."
            ),
            accept_label="Rejoindre l’équipe",
        )

    def accept(person: User) -> HttpResponse:
        assert invitation  # noqa: S101 - called for a found invitation only
        services.accept_invitation(invitation, user=person)
        # A team is joined in one's own name.
        roles.switch(request, None)
        messages.success(
            request, f"Vous faites maintenant partie de l’équipe de « {invitation.community} »."
        )
        return _back(invitation.community)

    def already_done() -> HttpResponse:
        assert invitation  # noqa: S101 - called for a found invitation only
        return _back(invitation.community)

    return invitation_pages.answer(
        request, invitation, offer=offer, accept=accept, already_done=already_done
    )


def _community(request: PersonRequest, public_id: UUID) -> Community:
    return get_object_or_404(Community.objects.visible_to(request.user), public_id=public_id)


def _managed(request: PersonRequest, public_id: UUID) -> Community:
    community = _community(request, public_id)
    if not rules.may_manage_team(community, request.user):
        raise PermissionDenied
    return community


def _back(community: Community) -> HttpResponse:
    return redirect("communities:team", community.public_id)


def _confirm(
    request: PersonRequest, community: Community, *, title: str, text: str, action_label: str
) -> HttpResponse:
    return render(
        request,
        "components/confirm_page.html",
        {
            "title": title,
            "text": text,
            "action_label": action_label,
            "danger": True,
            "cancel_url": reverse("communities:team", args=[community.public_id]),
        },
    )
