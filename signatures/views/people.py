"""One member in a campaign: what is known of them, and what the team can do for them."""

from uuid import UUID

from django.http import FileResponse, Http404, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.http import PersonRequest
from documents.downloads import send_attachment
from documents.services import too_large
from documents.uploads import dropped_files
from signatures import board, forms
from signatures import campaigns as acts
from signatures.views.access import ACTIONS, ask, do, invitation_of, see, see_as_follower


@require_safe
def invitation(request: PersonRequest, public_id: UUID, campaign: UUID, pk: int) -> HttpResponse:
    """What is known of one member in the campaign, and what can be done for them."""
    seen = see(request, public_id, campaign)
    if not seen.is_team:
        raise Http404
    one = invitation_of(seen, pk)
    signature = seen.campaign.signatures.filter(member=one.member_id).first()
    logs = seen.campaign.logs.filter(member=one.member_id).select_related("actor")
    return render(
        request,
        "signatures/invitation.html",
        {
            "seen": seen,
            "campaign": seen.campaign,
            "community": seen.campaign.community,
            "one": one,
            "row": board.row_of(board.listed(one), is_team=True),
            "signature": signature,
            "delegation": getattr(one, "delegation", None),
            "acts": seen.follows
            and seen.campaign.is_open
            and (one.is_waiting or one.state == "declined"),
            "waiting": one.is_waiting,
            "logs": [(line, ACTIONS.get(line.action, line.action)) for line in logs],
        },
    )


@require_POST
def remind(request: PersonRequest, public_id: UUID, campaign: UUID, pk: int) -> HttpResponse:
    seen = see_as_follower(request, public_id, campaign)
    one = invitation_of(seen, pk)

    def verb() -> str:
        acts.remind(one, by=request.user)
        return f"Un rappel part à {one.member.name}, avec le même lien."

    return do(request, seen, verb)


@require_http_methods(["GET", "POST"])
def address(request: PersonRequest, public_id: UUID, campaign: UUID, pk: int) -> HttpResponse:
    seen = see_as_follower(request, public_id, campaign)
    one = invitation_of(seen, pk)
    return ask(
        request,
        seen,
        forms.AddressForm(request.POST or None, initial={"email": one.email}),
        title=f"Changer l’adresse de {one.member.name}",
        text="La fiche du membre est corrigée aussi. Personne d’autre n’a à signer de nouveau.",
        label="Changer l’adresse et envoyer le lien",
        verb=lambda data: acts.change_address(one, by=request.user, **data),
        done="L’adresse est changée : un nouveau lien y part.",
    )


@require_http_methods(["GET", "POST"])
def postpone(request: PersonRequest, public_id: UUID, campaign: UUID, pk: int) -> HttpResponse:
    seen = see_as_follower(request, public_id, campaign)
    one = invitation_of(seen, pk)
    return ask(
        request,
        seen,
        forms.PostponeForm(request.POST or None),
        title=f"Reporter {one.member.name}",
        text="Pour un congé ou une absence : aucun rappel ne partira avant ce jour. Le lien reste "
        "valable, la personne peut signer plus tôt.",
        label="Reporter",
        verb=lambda data: acts.postpone(one, by=request.user, **data),
        done=f"{one.member.name} ne sera pas relancé avant ce jour.",
    )


@require_http_methods(["GET", "POST"])
def stop(request: PersonRequest, public_id: UUID, campaign: UUID, pk: int) -> HttpResponse:
    seen = see_as_follower(request, public_id, campaign)
    one = invitation_of(seen, pk)
    return ask(
        request,
        seen,
        forms.StopForm(request.POST or None),
        title=f"Ne plus inviter {one.member.name}",
        text="Son lien ne fonctionnera plus et ce membre ne comptera plus parmi les invités.",
        label="Ne plus l’inviter",
        danger=True,
        verb=lambda data: acts.stop_asking(one, by=request.user, **data),
        done=f"{one.member.name} n’est plus invité à signer.",
    )


@require_http_methods(["GET", "POST"])
def replace(request: PersonRequest, public_id: UUID, campaign: UUID, pk: int) -> HttpResponse:
    seen = see_as_follower(request, public_id, campaign)
    one = invitation_of(seen, pk)
    return ask(
        request,
        seen,
        forms.ReplaceForm(request.POST or None, campaign=seen.campaign),
        title=f"Remplacer {one.member.name}",
        text="Ajoutez d’abord le nouveau membre à la liste des membres, puis choisissez-le ici. Le "
        "lien de l’ancien ne fonctionnera plus.",
        label="Remplacer",
        verb=lambda data: acts.replace_member(one, by=request.user, **data),
        done="Le remplaçant est invité à signer.",
    )


@require_http_methods(["GET", "POST"])
def delegate(request: PersonRequest, public_id: UUID, campaign: UUID, pk: int) -> HttpResponse:
    seen = see_as_follower(request, public_id, campaign)
    one = invitation_of(seen, pk)
    form = forms.DelegationForm(request.POST or None, request.FILES or None)
    if dropped := dropped_files(request):
        form.add_error("act", too_large(dropped[0]).message)
    return ask(
        request,
        seen,
        form,
        title=f"Délégation de {one.member.person}",
        text=f"{one.member.person} représente {one.member.name}. Une autre personne peut signer à "
        "sa place si un acte le dit : joignez-le.",
        label="Enregistrer la délégation",
        verb=lambda data: acts.record_delegation(one, by=request.user, **data),
        done="La délégation est enregistrée : le lien part à la personne déléguée.",
    )


@require_safe
def act(
    request: PersonRequest, public_id: UUID, campaign: UUID, pk: int
) -> HttpResponse | FileResponse:
    """The act of a delegation, for the team."""
    seen = see(request, public_id, campaign)
    one = invitation_of(seen, pk)
    delegation = getattr(one, "delegation", None)
    if not seen.is_team or delegation is None:
        raise Http404
    return send_attachment(request, delegation.act)
