"""The name of a CPTS, who presides and coordinates it. Who does not see the CPTS finds a 404."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from accounts.http import PersonRequest
from communities import officers, rules
from communities.models import Community, Officer
from communities.officer_forms import OfficerForm, RenamingForm
from communities.officers import OfficerError
from cpts_portal.forms import PortalForm
from cpts_portal.transactions import writes_when_posted

# How each role is written in an address.
_ROLES = {"presidence": Officer.Role.PRESIDENT, "coordination": Officer.Role.COORDINATOR}
_TITLES = {
    Officer.Role.PRESIDENT: "Changer la présidence",
    Officer.Role.COORDINATOR: "Changer la coordination",
}


@require_safe
def read(request: PersonRequest, public_id: UUID) -> HttpResponse:
    """What the CPTS is called, who presides and coordinates it, today and before."""
    community = _community(request, public_id)
    slugs = {role: slug for slug, role in _ROLES.items()}
    return render(
        request,
        "communities/officers/list.html",
        {
            "community": community,
            "roles": [(slugs[one.role], one) for one in officers.read_officers(community)],
            "renamings": list(community.renamings.select_related("written_by")),
            "writes": rules.may_write_legal_entity(community, request.user),
        },
    )


@writes_when_posted
@require_http_methods(["GET", "POST"])
def appoint(request: PersonRequest, public_id: UUID, slug: str) -> HttpResponse:
    """Somebody else holds a role."""
    role = _ROLES.get(slug)
    if role is None:
        raise Http404("Cette fonction n’existe pas.")
    community = _written(request, public_id)
    current = next(one.current for one in officers.read_officers(community) if one.role == role)
    form = OfficerForm(request.POST or None, current=current)

    def save(given: dict[str, Any]) -> str:
        officers.appoint(community, role, by=request.user, **given)
        return "Le changement est enregistré. Le bureau qui a votre dossier en est prévenu."

    return _answer(request, community, form, _TITLES[role], save)


@writes_when_posted
@require_http_methods(["GET", "POST"])
def rename(request: PersonRequest, public_id: UUID) -> HttpResponse:
    """The CPTS takes another name."""
    community = _written(request, public_id)
    form = RenamingForm(request.POST or None, community=community)

    def save(given: dict[str, Any]) -> str:
        renamed = officers.rename(community, by=request.user, **given)
        return (
            f"La CPTS s’appelle maintenant « {renamed.after} ». Le bureau qui a votre dossier en "
            "est prévenu."
        )

    return _answer(request, community, form, "Changer l’intitulé", save)


def _answer(
    request: PersonRequest,
    community: Community,
    form: PortalForm,
    title: str,
    save: Callable[[dict[str, Any]], str],
) -> HttpResponse:
    if request.method == "POST" and form.is_valid():
        try:
            said = save(form.cleaned_data)
        except OfficerError as refused:
            form.add_error(refused.field, refused.message)
        else:
            messages.success(request, said)
            return redirect("communities:officers", community.public_id)
    return render(
        request,
        "communities/officers/edit.html",
        {"community": community, "form": form, "title": title},
        status=422 if form.errors else 200,
    )


def _community(request: PersonRequest, public_id: UUID) -> Community:
    return get_object_or_404(Community.objects.visible_to(request.user), public_id=public_id)


def _written(request: PersonRequest, public_id: UUID) -> Community:
    community = _community(request, public_id)
    if not rules.may_write_legal_entity(community, request.user):
        raise PermissionDenied(
            "Vous pouvez lire cette page, pas la modifier. Demandez à un responsable de la CPTS "
            "de vous donner le rôle de rédacteur."
        )
    return community
