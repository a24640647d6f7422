"""Where a CPTS stands, for its team and for those it has invited. Seen, or a 404."""

from collections.abc import Callable
from typing import Any, Final
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import PermissionDenied
from django.db.models import Count, F, Max, Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.http import PersonRequest
from accounts.models import Organisation
from communities.models import Community
from cpts_portal.paging import read_page
from cpts_portal.transactions import writes_when_posted
from roadmap import rules, services
from roadmap.board import public_board, read_board
from roadmap.forms import AnswerForm, HelpForm, InviteForm, MeetingForm, NoteForm
from roadmap.models import Accompaniment, Note
from roadmap.reading import roadmap_of, roadmaps
from roadmap.services import RoadmapError
from territories.models import Region

PAGE_SIZE: Final = 25
# The newest of each: what is older is said to be there, and stays.
SHOWN: Final = 30


@login_not_required
@require_safe
def steps(request: HttpRequest) -> HttpResponse:
    """The steps of a project in a region, for anybody who wonders."""
    asked = request.GET.get("region", "")
    known = Region.objects.filter(has_ars=True)
    region = next((one for one in known if one.code == asked), None)
    roadmap = roadmap_of(region.code if region else "")
    context = {
        "regions": known,
        "region": region,
        "own": bool(region and region.code in roadmaps()),
        "board": public_board(roadmap),
    }
    return render(request, "roadmap/steps.html", context)


@writes_when_posted
@require_safe
def roadmap(request: PersonRequest, public_id: UUID) -> HttpResponse:
    """Where a CPTS stands and the next thing to do."""
    community = _community(request, public_id)
    writes = rules.may_write(community, request.user)
    is_team = request.user.acting is None
    board = read_board(community, of_team=is_team, may_tick=writes)
    context = {"community": community, "board": board, "is_team": is_team, "writes": writes}
    return render(request, "roadmap/roadmap.html", context)


@require_POST
def tick(request: PersonRequest, public_id: UUID, step: str) -> HttpResponse:
    """Tick a step, or take it back."""
    community = _community(request, public_id)
    undo = request.POST.get("undo") == "1"
    try:
        (services.untick if undo else services.tick)(community, step, by=request.user)
    except RoadmapError as error:
        messages.error(request, error.message)
    else:
        messages.success(request, "L’étape est décochée." if undo else "L’étape est cochée.")
    return redirect("roadmap:roadmap", community.public_id)


# --- Accompaniment --------------------------------------------------------------------------------


@writes_when_posted
@require_safe
def accompaniment(request: PersonRequest, public_id: UUID) -> HttpResponse:
    """Who accompanies, the help asked, the meetings, the notes."""
    return _accompaniment(request, _community(request, public_id))


def _accompaniment(request: PersonRequest, community: Community, **bound: Any) -> HttpResponse:
    user = request.user
    writes = rules.may_write(community, user)
    takes_part = rules.may_take_part(community, user)
    acting = user.acting
    open_ones = list(
        community.accompaniments.filter(ended_at=None).select_related("organisation", "invited_by")
    )
    companions = [one.organisation for one in open_ones]
    mine = companions if acting is None else [acting.organisation]
    asked = community.help_requests.select_related("organisation", "asked_by", "answered_by")
    met = community.appointments.select_related("organisation")
    notes = _notes(community, user)
    if acting is not None:
        asked, met = (
            asked.filter(organisation=acting.organisation_id),
            met.filter(organisation=acting.organisation_id),
        )
    answers = acting is not None and rules.may_accompany(user)
    given: dict[str, Any] = {}
    if writes:
        offered = services.companions_offered(community)
        given["invite_form"] = InviteForm(organisations=offered, prefix="invite")
        given["help_form"] = HelpForm(organisations=companions, prefix="help")
    if takes_part:
        given["meeting_form"] = MeetingForm(organisations=mine, prefix="meeting")
        given["note_form"] = NoteForm(organisations=mine, prefix="note")
    context = {
        "community": community,
        "is_team": acting is None,
        "writes": writes,
        "takes_part": takes_part,
        "answers": answers,
        "open_ones": open_ones,
        "companions": companions,
        "requests": [
            (one, AnswerForm(prefix=f"answer-{one.pk}") if answers else None)
            for one in asked[:SHOWN]
        ],
        "meetings": list(met[:SHOWN]),
        "notes": list(notes[:SHOWN]),
        "most": SHOWN,
    } | given | bound  # fmt: skip
    status = 422 if bound else 200
    return render(request, "roadmap/accompaniment.html", context, status=status)


def _notes(community: Community, user: Any) -> "QuerySet[Note]":
    """Those of one's own side, and those the other side shares with it."""
    notes = community.roadmap_notes.select_related("author", "organisation")
    if user.acting is None:
        return notes.filter(Q(by_team=True) | Q(is_shared=True))
    own = Q(organisation=user.acting.organisation_id)
    return notes.filter(own, Q(by_team=False) | Q(is_shared=True))


@require_POST
def invite(request: PersonRequest, public_id: UUID) -> HttpResponse:
    community = _written(request, public_id)
    offered = services.companions_offered(community)
    form = InviteForm(request.POST, organisations=offered, prefix="invite")
    return _done(
        request,
        community,
        form,
        lambda data: services.invite(community, data["organisation"], by=request.user),
        "L’organisme est invité : il verra où vous en êtes.",
    )


@require_http_methods(["GET", "POST"])
def end(request: PersonRequest, public_id: UUID, pk: int) -> HttpResponse:
    """Ask, then end what an organisation sees."""
    community = _written(request, public_id)
    found = get_object_or_404(community.accompaniments.filter(ended_at=None), pk=pk)
    if request.method == "POST":
        services.end(found, by=request.user)
        messages.success(request, f"{found.organisation} ne voit plus votre feuille de route.")
        return redirect("roadmap:accompaniment", community.public_id)
    context = {
        "title": f"Ne plus être accompagné par {found.organisation} ?",
        "text": "Cet organisme ne verra plus où vous en êtes. Ce qui a été écrit reste, et vous "
        "pourrez l’inviter à nouveau.",
        "action_label": "Arrêter l’accompagnement",
        "danger": True,
        "cancel_url": _page_of(community),
    }
    return render(request, "components/confirm_page.html", context)


@require_POST
def ask_help(request: PersonRequest, public_id: UUID) -> HttpResponse:
    community = _written(request, public_id)
    form = HelpForm(request.POST, organisations=_companions(community), prefix="help")
    return _done(
        request,
        community,
        form,
        lambda data: services.ask_help(community, by=request.user, **data),
        "La demande d’aide est envoyée.",
    )


@require_POST
def answer_help(request: PersonRequest, public_id: UUID, pk: int) -> HttpResponse:
    community = _community(request, public_id)
    found = get_object_or_404(community.help_requests, pk=pk)
    acting = request.user.acting
    if not rules.may_accompany(request.user) or acting is None:
        raise PermissionDenied("Un agent de l’organisme à qui l’aide est demandée y répond.")
    if found.organisation_id != acting.organisation_id:
        raise Http404
    form = AnswerForm(request.POST, prefix=f"answer-{pk}")
    if form.is_valid():
        try:
            services.answer_help(found, text=form.cleaned_data["text"], by=request.user)
        except RoadmapError as error:
            messages.error(request, error.message)
        else:
            messages.success(request, "Votre réponse est envoyée à l’équipe.")
    else:
        messages.error(request, "Écrivez votre réponse : rien n’a été envoyé.")
    return redirect("roadmap:accompaniment", community.public_id)


@require_POST
def plan(request: PersonRequest, public_id: UUID) -> HttpResponse:
    community = _taking_part(request, public_id)
    form = MeetingForm(request.POST, organisations=_mine(request, community), prefix="meeting")
    return _done(
        request,
        community,
        form,
        lambda _: services.plan(community, by=request.user, **form.planned()),
        "Le rendez-vous est prévu : chacun le reçoit, avec un fichier pour son agenda.",
    )


@require_POST
def cancel(request: PersonRequest, public_id: UUID, meeting: UUID) -> HttpResponse:
    community = _taking_part(request, public_id)
    found = get_object_or_404(_meetings(request, community), public_id=meeting)
    try:
        services.cancel(found, by=request.user)
    except RoadmapError as error:
        messages.error(request, error.message)
    else:
        messages.success(request, "Le rendez-vous est annulé : chacun en est prévenu.")
    return redirect("roadmap:accompaniment", community.public_id)


@require_safe
def calendar(request: PersonRequest, public_id: UUID, meeting: UUID) -> HttpResponse:
    """The meeting as a file for a calendar."""
    community = _community(request, public_id)
    found = get_object_or_404(_meetings(request, community), public_id=meeting)
    return HttpResponse(
        services.as_calendar(found),
        content_type="text/calendar; charset=utf-8",
        headers={"Content-Disposition": 'attachment; filename="rendez-vous.ics"'},
    )


@require_POST
def write_note(request: PersonRequest, public_id: UUID) -> HttpResponse:
    community = _taking_part(request, public_id)
    form = NoteForm(request.POST, organisations=_mine(request, community), prefix="note")
    return _done(
        request,
        community,
        form,
        lambda data: services.write_note(community, by=request.user, **data),
        "La note est gardée.",
    )


@require_POST
def erase_note(request: PersonRequest, public_id: UUID, pk: int) -> HttpResponse:
    community = _community(request, public_id)
    found = get_object_or_404(_notes(community, request.user), pk=pk)
    services.erase_note(found, by=request.user)
    messages.success(request, "La note est effacée.")
    return redirect("roadmap:accompaniment", community.public_id)


# --- The organisations ----------------------------------------------------------------------------


@writes_when_posted
@require_safe
def accompanied(request: PersonRequest) -> HttpResponse:
    """The CPTS that have invited the organisation the person acts for, a page at a time."""
    acting = request.user.acting
    if acting is None or acting.organisation.kind not in rules.COMPANIONS:
        return redirect("desks:home")
    waiting = Q(help_requests__organisation=acting.organisation_id, help_requests__answered_at=None)
    rows = (
        rules.seen_communities(request.user)
        .annotate(
            since=Max(
                "accompaniments__invited_at",
                filter=Q(
                    accompaniments__organisation=acting.organisation_id,
                    accompaniments__ended_at=None,
                ),
            ),
            waiting=Count("help_requests", filter=waiting, distinct=True),
        )
        .order_by(F("waiting").desc(), "-since", "pk")
    )
    found, page = read_page(rows, request.GET.get("page"), PAGE_SIZE)
    return render(request, "roadmap/accompanied.html", {"rows": found, "page": page})


# --- What the views share -------------------------------------------------------------------------


def _community(request: HttpRequest, public_id: UUID) -> Community:
    seen = rules.seen_communities(request.user).select_related("region")
    return get_object_or_404(seen, public_id=public_id)


def _written(request: PersonRequest, public_id: UUID) -> Community:
    community = _community(request, public_id)
    if not rules.may_write(community, request.user):
        raise PermissionDenied("Un responsable ou un rédacteur de la CPTS agit ici.")
    return community


def _taking_part(request: PersonRequest, public_id: UUID) -> Community:
    community = _community(request, public_id)
    if not rules.may_take_part(community, request.user):
        raise PermissionDenied("Vous pouvez lire cette page, pas y écrire.")
    return community


def _companions(community: Community) -> list[Organisation]:
    open_ones = Accompaniment.objects.filter(community=community, ended_at=None)
    return [one.organisation for one in open_ones.select_related("organisation")]


def _mine(request: PersonRequest, community: Community) -> list[Organisation]:
    acting = request.user.acting
    return _companions(community) if acting is None else [acting.organisation]


def _meetings(request: PersonRequest, community: Community) -> Any:
    acting = request.user.acting
    found = community.appointments.select_related("community", "organisation")
    return found if acting is None else found.filter(organisation=acting.organisation_id)


def _page_of(community: Community) -> str:
    return redirect("roadmap:accompaniment", community.public_id).url


def _done(
    request: PersonRequest,
    community: Community,
    form: Any,
    act: Callable[[dict[str, Any]], Any],
    said: str,
) -> HttpResponse:
    """Do what a valid form asks, then go back; else show the page with what is wrong."""
    if form.is_valid():
        try:
            act(form.cleaned_data)
        except RoadmapError as error:
            form.add_error(None, error.message)
        else:
            messages.success(request, said)
            return redirect("roadmap:accompaniment", community.public_id)
    return _accompaniment(request, community, **{f"{form.prefix}_form": form})
