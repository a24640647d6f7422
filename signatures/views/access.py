"""What every view of a campaign starts from: what the person may see, else 404, and may do."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.text import slugify

from accounts.http import PersonRequest
from cpts_portal.composed import ComposedObjects, Given
from cpts_portal.forms import PortalForm
from signatures.models import Campaign, CampaignQuerySet, Invitation
from workflow.models import CaseDocument
from workflow.official import read_document
from workflow.services import ActionRefusedError, IncompleteError

ACTIONS: Final = {
    "opened": "Campagne ouverte",
    "closed": "Campagne close",
    "cancelled": "Campagne annulée",
    "closing_moved": "Dernier jour changé",
    "invited": "Invité à signer",
    "reminded": "Relancé",
    "reminded_all": "Relance de tous",
    "address_changed": "Adresse changée",
    "postponed": "Reporté",
    "stopped": "N’est plus invité",
    "replaced": "Remplacé",
    "delegated": "Signature déléguée",
    "declined": "A refusé de signer",
    "disowned": "« Ce n’est pas moi »",
}


@dataclass(frozen=True)
class Seen:
    """A campaign a person may see, and what they may do there."""

    campaign: Campaign
    is_team: bool
    follows: bool
    leads: bool

    @property
    def url(self) -> str:
        return reverse(
            "signatures:campaign", args=[self.campaign.community.public_id, self.campaign.public_id]
        )


def _with_its_papers(found: CampaignQuerySet) -> CampaignQuerySet:
    beside = found.select_related("community", "case", "snapshot", "document__document")
    return beside.defer("snapshot__content")


# Each page of a campaign begins with it.
_OF_TEAM: Final = ComposedObjects(
    lambda: _with_its_papers(Campaign.objects.of_team(Given("person"))).filter(
        community__public_id=Given("community"), public_id=Given("campaign")
    )
)


def see(request: PersonRequest, public_id: UUID, campaign: UUID) -> Seen:
    """The campaign, for whoever may see it. Raises Http404."""
    if request.user.acting is None:
        team = _OF_TEAM.objects(
            count=1, person=request.user.pk, community=public_id, campaign=campaign
        )
        found = team[0] if team else None
    else:
        seen = Campaign.objects.visible_to(request.user).filter(community__public_id=public_id)
        found = _with_its_papers(seen.filter(public_id=campaign)).first()
    if found is None:
        raise Http404
    role = getattr(found, "viewer_role", None)
    return Seen(
        found,
        is_team=role is not None,
        follows=role in {"owner", "editor"},
        leads=role == "owner",
    )


def see_as_follower(request: PersonRequest, public_id: UUID, campaign: UUID) -> Seen:
    """The campaign, for who acts on its members. Raises Http404, PermissionDenied."""
    seen = see(request, public_id, campaign)
    if not seen.follows:
        raise PermissionDenied
    return seen


def see_as_lead(request: PersonRequest, public_id: UUID, campaign: UUID) -> Seen:
    """The campaign, for who opens and ends it. Raises Http404, PermissionDenied."""
    seen = see(request, public_id, campaign)
    if not seen.leads:
        raise PermissionDenied
    return seen


def invitation_of(seen: Seen, pk: int) -> Invitation:
    """One member's invitation to this campaign. Raises Http404."""
    return get_object_or_404(
        Invitation.objects.select_related(
            "member__commune",
            "campaign__community",
            "campaign__case",
            "last_mail",
            "delegation__act",
        ),
        campaign=seen.campaign,
        pk=pk,
    )


def send_official(link: CaseDocument) -> HttpResponse:
    """The PDF of an official document, shown in the browser."""
    response = HttpResponse(read_document(link.document), content_type="application/pdf")
    name = slugify(link.document.number) or "document"
    response["Content-Disposition"] = f'inline; filename="{name}.pdf"'
    response["X-Content-Type-Options"] = "nosniff"
    response["Cache-Control"] = "private, no-cache"
    return response


def do(request: PersonRequest, seen: Seen, verb: Callable[[], str]) -> HttpResponse:
    """Do it, say what was done or why it was not, and go back to the campaign."""
    try:
        messages.success(request, verb())
    except ActionRefusedError as error:
        messages.error(request, error.message)
        if isinstance(error, IncompleteError):
            for sentence in error.missing:
                messages.error(request, str(sentence))
    return redirect(seen.url)


def ask(
    request: PersonRequest,
    seen: Seen,
    form: PortalForm,
    *,
    title: str,
    text: str,
    label: str,
    verb: Callable[[dict[str, Any]], object],
    done: str,
    danger: bool = False,
) -> HttpResponse:
    """A page that asks, then does, then goes back to the campaign."""
    if request.method == "POST" and form.is_valid():
        try:
            verb(dict(form.cleaned_data))
        except ActionRefusedError as error:
            form.add_error(None, error.message)
        else:
            messages.success(request, done)
            return redirect(seen.url)
    return render(
        request,
        "signatures/ask.html",
        {
            "seen": seen,
            "campaign": seen.campaign,
            "community": seen.campaign.community,
            "form": form,
            "title": title,
            "text": text,
            "label": label,
            "danger": danger,
        },
        status=422 if request.method == "POST" else 200,
    )
