"""The campaigns of a CPTS, and what is done to a whole one."""

from typing import Final
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.http import PersonRequest
from communities.models import Community
from cpts_portal.forms import PortalForm
from cpts_portal.paging import page_of, read_page
from cpts_portal.transactions import writes_when_posted
from signatures import board, forms, markup, rules
from signatures import campaigns as acts
from signatures.counting import counted
from signatures.models import Campaign, PaperPage
from signatures.register import registers_of
from signatures.views.access import (
    ACTIONS,
    Seen,
    ask,
    do,
    see,
    see_as_follower,
    see_as_lead,
    send_official,
)
from workflow.models import Case
from workflow.services import ActionRefusedError

PAGE_SIZE: Final = 25


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
@writes_when_posted
def campaign(request: PersonRequest, public_id: UUID, campaign: UUID) -> HttpResponse:
    """Who signed, who declined, who is awaited; a draft shows what opening it would do."""
    seen = see(request, public_id, campaign)
    if seen.campaign.state == Campaign.State.DRAFT:
        return _draft(request, seen)
    asked = {key: request.GET.get(key, "").strip()[:100] for key in ("q", "etat", "nature")}
    shown = seen.campaign

    def read(start: int, count: int) -> list[board.Listed]:
        return board.rows_of(
            shown,
            state=asked["etat"],
            q=asked["q"],
            what=asked["nature"],
            start=start,
            count=count,
            with_total=any(asked.values()),
        )

    open_now = shown.is_open
    logs = board.last_logs(shown) if seen.is_team else []
    counts, by_kind = counted(shown, last_act=logs[0].pk if logs else None)
    if any(asked.values()):
        rows, page = page_of(read, request.GET.get("page"), PAGE_SIZE)
    else:
        # How many there are is known already: the page is a slice of an index.
        page = Paginator(range(counts.invited), PAGE_SIZE).get_page(request.GET.get("page"))
        rows = read(PAGE_SIZE * (page.number - 1), PAGE_SIZE)
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
            "counted": by_kind,
            "progress_label": f"{counts.all.signed} sur {counts.all.total} ont signé",
            "asked": asked,
            "is_filtered": any(asked.values()),
            "states": markup.state_choices(asked["etat"], is_team=seen.is_team),
            "natures": markup.nature_choices(asked["nature"]),
            "is_open": open_now,
            "outdated": open_now and acts.is_outdated(shown, counts.last_version),
            "newcomers": counts.newcomers if open_now and seen.follows else 0,
            "registers": list(registers_of(shown)) if not open_now else [],
            "logs": [(one, ACTIONS.get(one.action, one.action)) for one in logs],
        },
    )


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


@require_safe
def document(request: PersonRequest, public_id: UUID, campaign: UUID) -> HttpResponse:
    """The PDF the members sign, as it was issued."""
    seen = see(request, public_id, campaign)
    return send_official(seen.campaign.document)


@require_safe
def register(request: PersonRequest, public_id: UUID, campaign: UUID, kind: str) -> HttpResponse:
    seen = see(request, public_id, campaign)
    known = {"complet": "signature_register", "public": "signature_register_public"}
    if kind not in known:
        raise Http404
    return send_official(get_object_or_404(registers_of(seen.campaign), kind=known[kind]))


@require_POST
def open_it(request: PersonRequest, public_id: UUID, campaign: UUID) -> HttpResponse:
    seen = see_as_lead(request, public_id, campaign)

    def verb() -> str:
        acts.open_campaign(seen.campaign, by=request.user)
        return "La campagne est ouverte : les invitations partent."

    return do(request, seen, verb)


@require_POST
def discard(request: PersonRequest, public_id: UUID, campaign: UUID) -> HttpResponse:
    seen = see_as_lead(request, public_id, campaign)
    try:
        acts.discard_campaign(seen.campaign, by=request.user)
    except ActionRefusedError as error:
        messages.error(request, error.message)
        return redirect(seen.url)
    messages.success(request, "Le brouillon de campagne est supprimé : personne n’a été invité.")
    return redirect("signatures:list", public_id)


@require_http_methods(["GET", "POST"])
def move_closing(request: PersonRequest, public_id: UUID, campaign: UUID) -> HttpResponse:
    seen = see_as_lead(request, public_id, campaign)
    form = forms.ClosingForm(request.POST or None, initial={"closes_on": seen.campaign.closes_on})
    return ask(
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
    seen = see_as_lead(request, public_id, campaign)
    waiting = seen.campaign.pages.filter(state=PaperPage.State.RECOGNISED).count()
    papers = (
        f" Attention : {waiting} page{'s' if waiting > 1 else ''} sur papier attend"
        f"{'ent' if waiting > 1 else ''} d’être confirmée{'s' if waiting > 1 else ''}, et ne "
        "pourra plus l’être."
        if waiting
        else ""
    )
    return ask(
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
    seen = see_as_lead(request, public_id, campaign)
    return ask(
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
    seen = see_as_follower(request, public_id, campaign)

    def verb() -> str:
        count = acts.remind_all(seen.campaign, by=request.user)
        if not count:
            raise ActionRefusedError(
                "Personne à relancer : ceux qui n’ont pas répondu ont reçu un courriel il y a "
                "moins de 24 heures, sont reportés, ou n’ont pas d’adresse qui fonctionne."
            )
        return f"{count} rappel{'s' if count > 1 else ''} en route, avec le même lien."

    return do(request, seen, verb)


@require_POST
def invite(request: PersonRequest, public_id: UUID, campaign: UUID) -> HttpResponse:
    seen = see_as_follower(request, public_id, campaign)

    def verb() -> str:
        count = acts.invite_newcomers(seen.campaign, by=request.user)
        return f"{count} membre{'s' if count > 1 else ''} de plus invité{'s' if count > 1 else ''}."

    return do(request, seen, verb)
