"""The campaigns of a CPTS. Every view starts from what the person may see (else 404)."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import FileResponse, Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.text import slugify
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.http import PersonRequest
from communities.models import Community
from cpts_portal.forms import PortalForm
from cpts_portal.paging import read_page
from documents.downloads import send_attachment
from documents.services import too_large
from documents.uploads import dropped_files
from signatures import board, forms, markup, rules
from signatures import campaigns as acts
from signatures import paper as sheets_of_paper
from signatures.models import Campaign, Invitation, PaperPage
from signatures.register import registers_of
from workflow.models import Case, CaseDocument
from workflow.official import read_document
from workflow.services import ActionRefusedError, IncompleteError

PAGE_SIZE: Final = 25
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


def _seen(request: PersonRequest, public_id: UUID, campaign: UUID) -> Seen:
    found = get_object_or_404(
        Campaign.objects.visible_to(request.user)
        .select_related("community", "case", "snapshot", "document__document")
        .defer("snapshot__content"),
        public_id=campaign,
        community__public_id=public_id,
    )
    role = getattr(found, "viewer_role", None)
    return Seen(
        found,
        is_team=role is not None,
        follows=role in {"owner", "editor"},
        leads=role == "owner",
    )


def _followed(request: PersonRequest, public_id: UUID, campaign: UUID) -> Seen:
    seen = _seen(request, public_id, campaign)
    if not seen.follows:
        raise PermissionDenied
    return seen


def _led(request: PersonRequest, public_id: UUID, campaign: UUID) -> Seen:
    seen = _seen(request, public_id, campaign)
    if not seen.leads:
        raise PermissionDenied
    return seen


def _invitation(seen: Seen, pk: int) -> Invitation:
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


# --- Lists ----------------------------------------------------------------------------------------


@require_safe
def campaigns(request: PersonRequest, public_id: UUID) -> HttpResponse:
    """The campaigns of a CPTS, the newest first."""
    community = get_object_or_404(Community.objects.visible_to(request.user), public_id=public_id)
    rows, page = read_page(
        Campaign.objects.filter(community=community)
        .select_related("snapshot")
        .defer("snapshot__content"),
        request.GET.get("page"),
        20,
    )
    leads = rules.may_lead(community, request.user)
    return render(
        request,
        "signatures/list.html",
        {
            "community": community,
            "campaigns": rows,
            "page": page,
            "may_prepare": leads and bool(acts.signable_cases(community)),
            "leads": leads,
        },
    )


@require_http_methods(["GET", "POST"])
def prepare(request: PersonRequest, public_id: UUID) -> HttpResponse:
    community = get_object_or_404(Community.objects.visible_to(request.user), public_id=public_id)
    if not rules.may_lead(community, request.user):
        raise PermissionDenied
    cases = acts.signable_cases(community)
    form = forms.PrepareForm(request.POST or None, cases=cases)
    if request.method == "POST" and form.is_valid():
        case: Case = form.cleaned_data.pop("case")
        try:
            made = acts.prepare_campaign(case, by=request.user, **form.cleaned_data)
        except ActionRefusedError as error:
            form.add_error(None, error.message)
        else:
            return redirect("signatures:campaign", public_id, made.public_id)
    context = {"community": community, "form": form, "cases": cases}
    return render(
        request,
        "signatures/prepare.html",
        context,
        status=422 if request.method == "POST" else 200,
    )


@require_safe
def campaign(request: PersonRequest, public_id: UUID, campaign: UUID) -> HttpResponse:
    """Who signed, who declined, who is awaited; a draft shows what opening it would do."""
    seen = _seen(request, public_id, campaign)
    if seen.campaign.state == Campaign.State.DRAFT:
        return _draft(request, seen)
    asked = {key: request.GET.get(key, "").strip()[:100] for key in ("q", "etat", "nature")}
    found = board.rows_of(seen.campaign, state=asked["etat"], q=asked["q"], what=asked["nature"])
    shown = seen.campaign
    open_now = shown.is_open
    counts = board.counts_of(shown)
    if any(asked.values()):
        rows, page = read_page(found, request.GET.get("page"), PAGE_SIZE)
    else:
        # How many there are is known already: the page is a slice of an index.
        page = Paginator(range(counts.invited), PAGE_SIZE).get_page(request.GET.get("page"))
        rows = list(found[page.start_index() - 1 : page.end_index()]) if counts.invited else []
    return render(
        request,
        "signatures/campaign.html",
        {
            "seen": seen,
            "campaign": shown,
            "community": shown.community,
            "table": markup.rows(
                shown,
                [board.row_of(one, is_team=seen.is_team) for one in rows],
                is_team=seen.is_team,
            ),
            "page": page,
            "counts": counts,
            "counted": markup.counts([*counts.professions, *counts.structures]),
            "progress_label": f"{counts.all.signed} sur {counts.all.total} ont signé",
            "asked": asked,
            "is_filtered": any(asked.values()),
            "states": markup.options(
                {
                    key: label
                    for key, (label, _) in board.FILTERS.items()
                    if seen.is_team or key in {"", "attente", "signes", "refus"}
                },
                asked["etat"],
            ),
            "natures": markup.nature_choices(asked["nature"]),
            "is_open": open_now,
            "outdated": open_now and acts.is_outdated(shown),
            "newcomers": acts.newcomers(shown) if open_now and seen.follows else 0,
            "registers": list(registers_of(shown)) if not open_now else [],
            "logs": _logs(shown) if seen.is_team else [],
        },
    )


def _logs(shown: Campaign) -> list[tuple[Any, str]]:
    logs = shown.logs.select_related("actor", "member")[:15]
    return [(one, ACTIONS.get(one.action, one.action)) for one in logs]


def _draft(request: PersonRequest, seen: Seen) -> HttpResponse:
    """What opening the campaign would do, change by change."""
    shown = seen.campaign
    members = shown.community.members.current()
    cost = acts.cost_of_campaign(shown)
    count = members.count()
    kept = len(cost.kept) if cost else 0
    context = {
        "seen": seen,
        "campaign": shown,
        "community": shown.community,
        "cost": cost,
        "count": count,
        "asked_count": count - kept,
        "kept": kept,
        "without_address": members.filter(email="").count(),
        "outdated": acts.is_outdated(shown),
        "open_one": Campaign.objects.filter(case=shown.case, state=Campaign.State.OPEN).exists(),
    }
    return render(request, "signatures/draft.html", context)


# --- Papers ---------------------------------------------------------------------------------------


@require_safe
def document(request: PersonRequest, public_id: UUID, campaign: UUID) -> HttpResponse:
    """The PDF the members sign, as it was issued."""
    seen = _seen(request, public_id, campaign)
    return send_official(seen.campaign.document)


def send_official(link: CaseDocument) -> HttpResponse:
    response = HttpResponse(read_document(link.document), content_type="application/pdf")
    name = slugify(link.document.number) or "document"
    response["Content-Disposition"] = f'inline; filename="{name}.pdf"'
    response["X-Content-Type-Options"] = "nosniff"
    response["Cache-Control"] = "private, no-cache"
    return response


@require_safe
def register(request: PersonRequest, public_id: UUID, campaign: UUID, kind: str) -> HttpResponse:
    seen = _seen(request, public_id, campaign)
    known = {"complet": "signature_register", "public": "signature_register_public"}
    if kind not in known:
        raise Http404
    return send_official(get_object_or_404(registers_of(seen.campaign), kind=known[kind]))


# --- The whole campaign ---------------------------------------------------------------------------


def _do(request: PersonRequest, seen: Seen, verb: Callable[[], str]) -> HttpResponse:
    """Do it, say what was done or why it was not, and go back to the campaign."""
    try:
        messages.success(request, verb())
    except ActionRefusedError as error:
        messages.error(request, error.message)
        if isinstance(error, IncompleteError):
            for sentence in error.missing:
                messages.error(request, str(sentence))
    return redirect(seen.url)


@require_POST
def open_it(request: PersonRequest, public_id: UUID, campaign: UUID) -> HttpResponse:
    seen = _led(request, public_id, campaign)

    def verb() -> str:
        acts.open_campaign(seen.campaign, by=request.user)
        return "La campagne est ouverte : les invitations partent."

    return _do(request, seen, verb)


@require_POST
def discard(request: PersonRequest, public_id: UUID, campaign: UUID) -> HttpResponse:
    seen = _led(request, public_id, campaign)
    try:
        acts.discard_campaign(seen.campaign, by=request.user)
    except ActionRefusedError as error:
        messages.error(request, error.message)
        return redirect(seen.url)
    messages.success(request, "Le brouillon de campagne est supprimé : personne n’a été invité.")
    return redirect("signatures:list", public_id)


@require_http_methods(["GET", "POST"])
def move_closing(request: PersonRequest, public_id: UUID, campaign: UUID) -> HttpResponse:
    seen = _led(request, public_id, campaign)
    form = forms.ClosingForm(request.POST or None, initial={"closes_on": seen.campaign.closes_on})
    return _ask(
        request,
        seen,
        form,
        title="Changer le dernier jour pour signer",
        text="Les membres qui n’ont pas répondu garderont le même lien.",
        label="Changer la date",
        verb=lambda data: acts.postpone_closing(seen.campaign, by=request.user, **data),
        done="Le dernier jour pour signer est changé.",
    )


@require_http_methods(["GET", "POST"])
def close(request: PersonRequest, public_id: UUID, campaign: UUID) -> HttpResponse:
    seen = _led(request, public_id, campaign)
    waiting = seen.campaign.pages.filter(state=PaperPage.State.RECOGNISED).count()
    papers = (
        f" Attention : {waiting} page{'s' if waiting > 1 else ''} sur papier attend"
        f"{'ent' if waiting > 1 else ''} d’être confirmée{'s' if waiting > 1 else ''}, et ne "
        "pourra plus l’être."
        if waiting
        else ""
    )
    return _ask(
        request,
        seen,
        PortalForm(request.POST or None) if request.method == "GET" else PortalForm({}),
        title="Clore les signatures",
        text="Plus personne ne pourra signer, et rien ne pourra être rouvert. Le registre des "
        f"signatures sera établi.{papers}",
        label="Clore les signatures",
        danger=True,
        verb=lambda _data: acts.close_campaign(seen.campaign, by=request.user),
        done="Les signatures sont closes : le registre se prépare.",
    )


@require_http_methods(["GET", "POST"])
def cancel(request: PersonRequest, public_id: UUID, campaign: UUID) -> HttpResponse:
    seen = _led(request, public_id, campaign)
    return _ask(
        request,
        seen,
        forms.ReasonForm(request.POST or None),
        title="Annuler la campagne",
        text="Plus personne ne pourra signer et aucun registre ne sera établi. Ce qui a été signé "
        "reste dans l’histoire.",
        label="Annuler la campagne",
        danger=True,
        verb=lambda data: acts.cancel_campaign(seen.campaign, by=request.user, **data),
        done="La campagne est annulée.",
    )


@require_POST
def remind_all(request: PersonRequest, public_id: UUID, campaign: UUID) -> HttpResponse:
    seen = _followed(request, public_id, campaign)

    def verb() -> str:
        count = acts.remind_all(seen.campaign, by=request.user)
        if not count:
            raise ActionRefusedError(
                "Personne à relancer : ceux qui n’ont pas répondu ont reçu un courriel il y a "
                "moins de 24 heures, sont reportés, ou n’ont pas d’adresse qui fonctionne."
            )
        return f"{count} rappel{'s' if count > 1 else ''} en route, avec le même lien."

    return _do(request, seen, verb)


@require_POST
def invite(request: PersonRequest, public_id: UUID, campaign: UUID) -> HttpResponse:
    seen = _followed(request, public_id, campaign)

    def verb() -> str:
        count = acts.invite_newcomers(seen.campaign, by=request.user)
        return f"{count} membre{'s' if count > 1 else ''} de plus invité{'s' if count > 1 else ''}."

    return _do(request, seen, verb)


# --- One member -----------------------------------------------------------------------------------


@require_safe
def invitation(request: PersonRequest, public_id: UUID, campaign: UUID, pk: int) -> HttpResponse:
    """What is known of one member in the campaign, and what can be done for them."""
    seen = _seen(request, public_id, campaign)
    if not seen.is_team:
        raise Http404
    one = _invitation(seen, pk)
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
            "row": board.row_of(one, is_team=True),
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
    seen = _followed(request, public_id, campaign)
    one = _invitation(seen, pk)

    def verb() -> str:
        acts.remind(one, by=request.user)
        return f"Un rappel part à {one.member.name}, avec le même lien."

    return _do(request, seen, verb)


@require_http_methods(["GET", "POST"])
def address(request: PersonRequest, public_id: UUID, campaign: UUID, pk: int) -> HttpResponse:
    seen = _followed(request, public_id, campaign)
    one = _invitation(seen, pk)
    return _ask(
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
    seen = _followed(request, public_id, campaign)
    one = _invitation(seen, pk)
    return _ask(
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
    seen = _followed(request, public_id, campaign)
    one = _invitation(seen, pk)
    return _ask(
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
    seen = _followed(request, public_id, campaign)
    one = _invitation(seen, pk)
    return _ask(
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
    seen = _followed(request, public_id, campaign)
    one = _invitation(seen, pk)
    form = forms.DelegationForm(request.POST or None, request.FILES or None)
    if dropped := dropped_files(request):
        form.add_error("act", too_large(dropped[0]).message)
    return _ask(
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
    seen = _seen(request, public_id, campaign)
    one = _invitation(seen, pk)
    delegation = getattr(one, "delegation", None)
    if not seen.is_team or delegation is None:
        raise Http404
    return send_attachment(request, delegation.act)


def _ask(
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


# --- On paper -------------------------------------------------------------------------------------


@require_safe
def sheet(request: PersonRequest, public_id: UUID, campaign: UUID, pk: int) -> HttpResponse:
    """The sheet of one member, to print."""
    seen = _followed(request, public_id, campaign)
    one = _invitation(seen, pk)
    if not one.is_waiting:
        raise Http404
    pdf = sheets_of_paper.sheets_pdf(seen.campaign, [one])
    response = HttpResponse(pdf, content_type="application/pdf")
    response["Content-Disposition"] = 'inline; filename="feuille-a-signer.pdf"'
    return response


@require_http_methods(["GET", "POST"])
def paper(request: PersonRequest, public_id: UUID, campaign: UUID) -> HttpResponse:
    """Print the sheets, send the scanned pages, see what each one is found to be."""
    seen = _followed(request, public_id, campaign)
    faults: list[str] = []
    if request.method == "POST":
        files = request.FILES.getlist("files")
        faults = [too_large(name).message for name in dropped_files(request)]
        if not files and not faults:
            faults = ["Aucun fichier n’a été choisi : choisissez les pages numérisées."]
        try:
            received = sheets_of_paper.receive_scans(seen.campaign, files, by=request.user)
        except ActionRefusedError as error:
            faults.append(error.message)
        else:
            faults += received.refused
            if received.pages:
                messages.success(
                    request,
                    f"{received.pages} page{'s' if received.pages > 1 else ''} reçue"
                    f"{'s' if received.pages > 1 else ''} : le portail les lit.",
                )
        if not faults:
            return redirect("signatures:paper", public_id, campaign)
    rows, page = read_page(
        seen.campaign.pages.select_related(
            "attachment", "invitation__member", "settled_by"
        ).order_by("-pk"),
        request.GET.get("page"),
        PAGE_SIZE,
    )
    states = list(seen.campaign.pages.values_list("state", flat=True))
    total, waiting = len(states), states.count(PaperPage.State.WAITING)
    return render(
        request,
        "signatures/paper.html",
        {
            "seen": seen,
            "campaign": seen.campaign,
            "community": seen.campaign.community,
            "pages": rows,
            "page": page,
            "faults": faults,
            "total": total,
            "read": total - waiting,
            "read_label": f"{total - waiting} pages lues sur {total}",
            "waiting": waiting,
            "recognised": states.count(PaperPage.State.RECOGNISED),
            "counted": states.count(PaperPage.State.COUNTED),
            "sheets": seen.campaign.sheets.select_related("file").first(),
            "to_print": seen.campaign.invitations.filter(
                state__in=("waiting", "postponed")
            ).count(),
            "is_open": seen.campaign.is_open,
        },
        status=422 if faults else 200,
    )


@require_POST
def ask_sheets(request: PersonRequest, public_id: UUID, campaign: UUID) -> HttpResponse:
    seen = _followed(request, public_id, campaign)
    try:
        sheets_of_paper.ask_for_sheets(seen.campaign, by=request.user)
    except ActionRefusedError as error:
        messages.error(request, error.message)
    else:
        messages.success(request, "Les feuilles se préparent : rechargez la page dans un instant.")
    return redirect("signatures:paper", public_id, campaign)


@require_safe
def sheets(
    request: PersonRequest, public_id: UUID, campaign: UUID, pk: int
) -> HttpResponse | FileResponse:
    seen = _followed(request, public_id, campaign)
    made = get_object_or_404(seen.campaign.sheets.select_related("file"), pk=pk)
    if made.file is None:
        raise Http404
    return send_attachment(request, made.file)


def _page(seen: Seen, pk: int) -> PaperPage:
    return get_object_or_404(
        PaperPage.objects.select_related("attachment", "campaign", "invitation__member"),
        campaign=seen.campaign,
        pk=pk,
    )


@require_safe
def page_image(request: PersonRequest, public_id: UUID, campaign: UUID, pk: int) -> HttpResponse:
    """The scanned page, as the team looks at it before confirming."""
    seen = _followed(request, public_id, campaign)
    found = _page(seen, pk)
    try:
        png = sheets_of_paper.page_png(found)
    except Exception as error:  # image formats each have their own errors
        raise Http404("Cette page ne s’ouvre pas.") from error
    response = HttpResponse(png, content_type="image/png")
    response["Cache-Control"] = "private, max-age=600"
    return response


@require_http_methods(["GET", "POST"])
def page(request: PersonRequest, public_id: UUID, campaign: UUID, pk: int) -> HttpResponse:
    """One scanned page: confirm it, say whose it is, or set it aside."""
    seen = _followed(request, public_id, campaign)
    found = _page(seen, pk)
    form = forms.AssignForm(
        request.POST if request.POST.get("action") == "assign" else None, campaign=seen.campaign
    )
    if request.method == "POST":
        try:
            if request.POST.get("action") == "confirm":
                sheets_of_paper.confirm_page(found, by=request.user)
                messages.success(request, "La signature sur papier est comptée.")
                return redirect("signatures:paper", public_id, campaign)
            if request.POST.get("action") == "discard":
                sheets_of_paper.discard_page(found, by=request.user)
                messages.success(request, "La page est écartée : elle n’est pas comptée.")
                return redirect("signatures:paper", public_id, campaign)
            if form.is_valid():
                sheets_of_paper.assign_page(found, form.cleaned_data["invitation"], by=request.user)
                messages.success(request, "La page est attribuée : regardez-la, puis confirmez.")
                return redirect(request.path)
        except ActionRefusedError as error:
            form.add_error(None, error.message) if form.is_bound else messages.error(
                request, error.message
            )
    return render(
        request,
        "signatures/page.html",
        {
            "seen": seen,
            "campaign": seen.campaign,
            "community": seen.campaign.community,
            "one": found,
            "form": form,
            "may_confirm": found.state == PaperPage.State.RECOGNISED and seen.campaign.is_open,
            "may_assign": found.state == PaperPage.State.UNREADABLE and seen.campaign.is_open,
            "may_discard": found.state not in {PaperPage.State.COUNTED, PaperPage.State.DISCARDED}
            and seen.campaign.is_open,
        },
        status=422 if request.method == "POST" else 200,
    )


@require_POST
def confirm_pages(request: PersonRequest, public_id: UUID, campaign: UUID) -> HttpResponse:
    """Confirm the pages that are ticked."""
    seen = _followed(request, public_id, campaign)
    chosen = [int(pk) for pk in request.POST.getlist("pages") if pk.isascii() and pk.isdecimal()]
    pages = seen.campaign.pages.filter(pk__in=chosen[:500]).select_related("attachment")
    done, refused = sheets_of_paper.confirm_all(list(pages), by=request.user)
    for sentence in refused[:20]:
        messages.error(request, sentence)
    if done:
        messages.success(
            request,
            "Une signature sur papier comptée."
            if done == 1
            else f"{done} signatures sur papier comptées.",
        )
    elif not refused:
        messages.error(request, "Aucune page n’est cochée : cochez celles que vous avez regardées.")
    return redirect("signatures:paper", public_id, campaign)
