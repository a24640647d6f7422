"""The pages of a committee: its calendar, its members, a session from agenda to minutes."""

import uuid
from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import Count
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.http import PersonRequest
from accounts.models import Organisation
from committees import rules
from committees import seats as seating
from committees import sessions as services
from committees.agenda import ready_cases
from committees.forms import (
    AttendanceForm,
    CallForm,
    DeliberationForm,
    EndSeatForm,
    ReasonForm,
    RemarksForm,
    SeatForm,
    SessionForm,
    WhenForm,
)
from committees.models import Item, Seat, Session
from committees.papers import calendar_file
from committees.quorum import quorum_of
from committees.wording import held, presence_words, votes_words
from cpts_portal.paging import read_page
from workflow.models import Consultation
from workflow.official import read_document
from workflow.services import ActionRefusedError, IncompleteError
from workflow.views.documents import pdf_response, wants_file

SESSIONS_PER_PAGE: Final = 25
SEATS_PER_PAGE: Final = 50
_form_methods = require_http_methods(["GET", "HEAD", "POST"])


def _body(request: PersonRequest) -> Organisation:
    """The committee the person acts for. Raises PermissionDenied when they act for none."""
    acting = request.user.acting
    if acting is None or not rules.sits_on_a_committee(request.user):
        raise PermissionDenied("Choisissez le rôle que vous tenez dans un comité.")
    return acting.organisation


def _visible(request: PersonRequest, public_id: uuid.UUID) -> Session:
    found = Session.objects.visible_to(request.user).select_related("body", "closed_by")
    return get_object_or_404(found, public_id=public_id)


def _run(request: PersonRequest, public_id: uuid.UUID) -> Session:
    """A session the person runs. Raises PermissionDenied for another member's eyes."""
    session = _visible(request, public_id)
    if not rules.may_run(session.body_id, request.user):
        raise PermissionDenied("Le secrétaire ou le président du comité tient ses séances.")
    return session


def _refused(error: ActionRefusedError | IncompleteError) -> list[str]:
    return list(getattr(error, "missing", None) or [error.message])


def _act(form: forms.Form, act: Callable[[], object]) -> bool:
    """Do it, or put what was refused on the form."""
    if not form.is_valid():
        return False
    try:
        act()
    except (ActionRefusedError, IncompleteError) as refused:
        for sentence in _refused(refused):
            form.add_error(None, sentence)
        return False
    return True


# --- The calendar and the members ------------------------------------------------------------


@require_safe
def sessions(request: PersonRequest) -> HttpResponse:
    """The committee's sessions, the last one first."""
    body = _body(request)
    listed = Session.objects.visible_to(request.user).annotate(points=Count("items"))
    # A model's own order is not that of a query that groups.
    listed = listed.order_by("-starts_at", "pk")
    rows, page = read_page(listed, request.GET.get("page"), SESSIONS_PER_PAGE)
    context = {
        "body": body,
        "rows": [(one, held(one), *_state(one)) for one in rows],
        "page": page,
        "may_run": rules.may_run(body.pk, request.user),
        "waiting": len(ready_cases(body)),
    }
    return render(request, "committees/sessions.html", context)


def _state(session: Session) -> tuple[str, str]:
    """Where a session stands, and its tone."""
    if session.cancelled_at:
        return "Annulée", ""
    if session.closed_at:
        return "Close", "success"
    if session.called_at is None:
        return "À convoquer", "new"
    if timezone.localdate(session.starts_at) <= timezone.localdate():
        return "À tenir, puis à clore", "warning"
    return "Convoquée", "info"


@_form_methods
def seats(request: PersonRequest) -> HttpResponse:
    """Who sits on the committee; its secretary adds a member."""
    body = _body(request)
    may_run = rules.may_run(body.pk, request.user)
    if request.method == "POST" and not may_run:
        raise PermissionDenied("Le secrétaire ou le président tient la liste des membres.")
    form = SeatForm(request.POST or None, initial={"since": timezone.localdate()})
    if request.method == "POST" and _act(
        form, lambda: seating.add_seat(body, actor=request.user, **form.cleaned_data)
    ):
        messages.success(request, f"{form.cleaned_data['name']} siège au comité.")
        return redirect("committees:seats")
    rows, page = read_page(body.seats.all(), request.GET.get("page"), SEATS_PER_PAGE)
    today = timezone.localdate()
    context = {
        "body": body,
        "rows": [(one, one.until is None or one.until >= today) for one in rows],
        "page": page,
        "form": form if may_run else None,
    }
    return render(request, "committees/seats.html", context, status=422 if form.errors else 200)


@_form_methods
def end(request: PersonRequest, seat: int) -> HttpResponse:
    """Ask for the last day of a seat, then end it."""
    body = _body(request)
    found = get_object_or_404(Seat.objects.select_related("body").filter(body=body), pk=seat)
    if not rules.may_run(body.pk, request.user):
        raise PermissionDenied("Le secrétaire ou le président tient la liste des membres.")
    form = EndSeatForm(request.POST or None, initial={"until": timezone.localdate()})
    if request.method == "POST" and _act(
        form, lambda: seating.end_seat(found, actor=request.user, **form.cleaned_data)
    ):
        messages.success(request, f"Le siège de {found.name} prend fin.")
        return redirect("committees:seats")
    context = {
        "title": f"Mettre fin au siège de {found.name}",
        "text": "Les séances passées gardent son nom ; les suivantes ne la convoquent plus.",
        "action_label": "Mettre fin au siège",
        "cancel_url": reverse("committees:seats"),
        "form": form,
    }
    return render(
        request, "components/confirm_page.html", context, status=422 if form.errors else 200
    )


# --- Planning ----------------------------------------------------------------------------------


@_form_methods
def plan(request: PersonRequest) -> HttpResponse:
    """A new session, with the cases that wait for the committee's opinion."""
    body = _body(request)
    if not rules.may_run(body.pk, request.user):
        raise PermissionDenied("Le secrétaire ou le président du comité tient ses séances.")
    ready = ready_cases(body)
    form = SessionForm(
        request.POST or None,
        ready=ready,
        initial={"cases": [str(one.consultation.pk) for one in ready]},
    )
    planned: list[Session] = []
    if request.method == "POST" and _act(
        form,
        lambda: planned.append(
            services.plan_session(body, actor=request.user, **_typed(form), **_agenda(form))
        ),
    ):
        messages.success(request, "La séance est au calendrier. Convoquez les membres.")
        return redirect("committees:session", planned[0].public_id)
    return _planning(request, form, body, title="Nouvelle séance")


@_form_methods
def change(request: PersonRequest, session: uuid.UUID) -> HttpResponse:
    """Change when, where and on what a session is held."""
    found = _run(request, session)
    form: WhenForm
    if found.is_second_call:
        form = WhenForm(request.POST or None, initial=_initial(found))
    else:
        ready = ready_cases(found.body, found)
        form = SessionForm(request.POST or None, ready=ready, initial=_initial(found))
    if request.method == "POST" and _act(
        form,
        lambda: services.change_session(found, actor=request.user, **_typed(form), **_agenda(form)),
    ):
        messages.success(
            request,
            "La séance est modifiée : convoquez de nouveau les membres."
            if found.called_at
            else "La séance est modifiée.",
        )
        return redirect("committees:session", found.public_id)
    return _planning(request, form, found.body, title="Modifier la séance", session=found)


def _typed(form: forms.Form) -> dict[str, Any]:
    data = form.cleaned_data
    zone = timezone.get_current_timezone()
    return {
        "starts_at": datetime.combine(data["day"], data["starts"], zone),
        "ends_at": datetime.combine(data["day"], data["ends"], zone),
        "place": data["place"],
    }


def _agenda(form: forms.Form) -> dict[str, Any]:
    data = form.cleaned_data
    chosen = [int(pk) for pk in data.get("cases", [])]
    found = Consultation.objects.select_related("case").in_bulk(chosen)
    return {
        "consultations": [found[pk] for pk in chosen if pk in found],
        "questions": data.get("questions", "").splitlines(),
    }


def _initial(session: Session) -> dict[str, Any]:
    starts, ends = timezone.localtime(session.starts_at), timezone.localtime(session.ends_at)
    items = list(session.items.all())
    return {
        "day": starts.date(),
        "starts": starts.time(),
        "ends": ends.time(),
        "place": session.place,
        "cases": [str(one.consultation_id) for one in items if one.consultation_id],
        "questions": "\n".join(one.title for one in items if one.consultation_id is None),
    }


def _planning(
    request: PersonRequest,
    form: forms.Form,
    body: Organisation,
    *,
    title: str,
    session: Session | None = None,
) -> HttpResponse:
    context = {"form": form, "body": body, "title": title, "session": session}
    status = 422 if form.errors else 200
    return render(request, "committees/plan.html", context, status=status)


# --- One session --------------------------------------------------------------------------------


@require_safe
def session(request: PersonRequest, session: uuid.UUID) -> HttpResponse:
    return _page(request, _visible(request, session))


def _page(
    request: PersonRequest, session: Session, refused: forms.Form | None = None
) -> HttpResponse:
    """`refused` is the form whose answer was refused: it is shown again, with its errors."""
    may_run = rules.may_run(session.body_id, request.user)
    runs = may_run and session.is_open

    def form(
        kind: Callable[..., forms.Form], prefix: str, *, when: bool, **more: bool
    ) -> forms.Form | None:
        if refused is not None and refused.prefix == prefix:
            return refused
        return kind(prefix=prefix, **more) if when else None

    attendees = list(session.attendees.select_related("holder"))
    quorum = quorum_of(attendees, second_call=session.is_second_call)
    came = timezone.localdate(session.starts_at) <= timezone.localdate()
    may_hold = session.called_at is not None and came
    state, tone = _state(session)
    is_short = _is_short(session)
    context = {
        "session": session,
        "when": held(session),
        "state": state,
        "tone": tone,
        "items": [
            {"item": one, "votes": votes_words(one), "page": _opinion_page(one)}
            for one in session.items.select_related(
                "consultation__case", "opinion"
            ).prefetch_related("dissents__attendee")
        ],
        "attendees": [(one, presence_words(one)) for one in attendees],
        # Before anybody's presence is noted, nobody is missing.
        "quorum": quorum if may_hold and _is_begun(attendees) else None,
        "documents": session.documents.select_related("document"),
        "is_short": runs and is_short,
        "may_change": runs and not _is_begun(attendees),
        "call_form": form(
            CallForm, "call", when=runs and not _is_begun(attendees), is_short=is_short
        ),
        "cancel_form": form(ReasonForm, "cancel", when=runs),
        "may_hold": runs and may_hold,
        "close_form": form(RemarksForm, "close", when=runs and may_hold),
        "may_call_again": may_run and services.may_be_called_again(session),
        "refused": refused,
    }
    return render(
        request, "committees/session.html", context, status=422 if refused is not None else 200
    )


def _is_short(session: Session) -> bool:
    """Whether calling the members now has to be explained; a session that is past is not called."""
    return session.starts_at > timezone.now() and services.is_short_notice(session)


def _is_begun(attendees: list[Any]) -> bool:
    return any(one.presence != "expected" for one in attendees)


def _opinion_page(item: Item) -> str:
    if item.consultation is None:
        return ""
    return reverse("cases:opinion", args=[item.consultation.case.public_id, item.consultation_id])


def _done(
    request: PersonRequest, session: Session, form: forms.Form, act: Callable[[], object], said: str
) -> HttpResponse:
    if _act(form, act):
        messages.success(request, said)
        return redirect("committees:session", session.public_id)
    return _page(request, session, form)


@require_POST
def call(request: PersonRequest, session: uuid.UUID) -> HttpResponse:
    found = _run(request, session)
    form = CallForm(request.POST, prefix="call", is_short=_is_short(found))
    return _done(
        request,
        found,
        form,
        lambda: services.call_members(found, actor=request.user, **form.cleaned_data),
        "Les convocations partent.",
    )


@require_POST
def cancel(request: PersonRequest, session: uuid.UUID) -> HttpResponse:
    found = _run(request, session)
    form = ReasonForm(request.POST, prefix="cancel")
    return _done(
        request,
        found,
        form,
        lambda: services.cancel_session(found, actor=request.user, **form.cleaned_data),
        "La séance est annulée ; ses dossiers peuvent être mis à une autre.",
    )


@require_POST
def close(request: PersonRequest, session: uuid.UUID) -> HttpResponse:
    found = _run(request, session)
    form = RemarksForm(request.POST, prefix="close")
    return _done(
        request,
        found,
        form,
        lambda: services.close_session(found, actor=request.user, **form.cleaned_data),
        "La séance est close. Le procès-verbal s’établit"
        + (
            ", et les avis attendent leur validation."
            if found.items.filter(consultation__isnull=False, postponed="").exists()
            else "."
        ),
    )


@_form_methods
def attendance(request: PersonRequest, session: uuid.UUID) -> HttpResponse:
    """Who takes part."""
    found = _run(request, session)
    form = AttendanceForm(
        request.POST or None, attendees=list(found.attendees.select_related("holder"))
    )
    if request.method == "POST" and _act(
        form,
        lambda: services.record_attendance(found, actor=request.user, presences=form.presences()),
    ):
        messages.success(request, services.quorum(found).sentence)
        return redirect("committees:session", found.public_id)
    pairs = [(form[f"presence_{one.pk}"], form[f"holder_{one.pk}"]) for one in form.attendees]
    context = {"session": found, "when": held(found), "form": form, "pairs": pairs}
    return render(
        request, "committees/attendance.html", context, status=422 if form.errors else 200
    )


def _item(session: Session, pk: int) -> Item:
    found = session.items.select_related("session__body", "consultation__case")
    return get_object_or_404(found, pk=pk)


@_form_methods
def item(request: PersonRequest, session: uuid.UUID, item: int) -> HttpResponse:
    """What the committee says of one point, or why it is put off."""
    found = _run(request, session)
    point = _item(found, item)
    initial = {
        "position": point.position,
        "text": point.text,
        "reserves": "\n".join(point.reserves),
        "votes_for": point.votes_for,
        "votes_against": point.votes_against,
        "abstentions": point.abstentions,
    }
    attendees = list(found.attendees.all())
    form = DeliberationForm(request.POST or None, item=point, attendees=attendees, initial=initial)
    if request.method == "POST" and _act(
        form, lambda: services.deliberate(point, actor=request.user, said=form.said())
    ):
        messages.success(request, f"Point {point.rank} : la délibération est notée.")
        return redirect("committees:session", found.public_id)
    return _item_page(request, point, form, ReasonForm(prefix="postpone"))


def _item_page(
    request: PersonRequest, point: Item, form: DeliberationForm, postponing: ReasonForm
) -> HttpResponse:
    context = {
        "session": point.session,
        "item": point,
        "form": form,
        "postponing": postponing,
        "errors": [*form.error_links(), *postponing.error_links()],
        "case_url": _opinion_page(point),
    }
    return render(
        request,
        "committees/item.html",
        context,
        status=422 if form.errors or postponing.errors else 200,
    )


@require_POST
def postpone(request: PersonRequest, session: uuid.UUID, item: int) -> HttpResponse:
    found = _run(request, session)
    point = _item(found, item)
    form = ReasonForm(request.POST, prefix="postpone")
    if _act(form, lambda: services.postpone(point, actor=request.user, **form.cleaned_data)):
        messages.success(request, f"Point {point.rank} : reporté.")
        return redirect("committees:session", found.public_id)
    writing = DeliberationForm(item=point, attendees=list(found.attendees.all()))
    return _item_page(request, point, writing, form)


@_form_methods
def again(request: PersonRequest, session: uuid.UUID) -> HttpResponse:
    """The second sitting of a session that had no quorum."""
    found = _run(request, session)
    form = WhenForm(request.POST or None, initial={"place": found.place})
    planned: list[Session] = []
    if request.method == "POST" and _act(
        form,
        lambda: planned.append(services.call_again(found, actor=request.user, **_typed(form))),
    ):
        messages.success(request, "La seconde séance est au calendrier. Convoquez les membres.")
        return redirect("committees:session", planned[0].public_id)
    return _planning(request, form, found.body, title="Convoquer de nouveau", session=found)


# --- Files -----------------------------------------------------------------------------------


@require_safe
def document(request: PersonRequest, session: uuid.UUID, document: uuid.UUID) -> HttpResponse:
    """A convocation or the minutes: the bytes that were issued."""
    found = _visible(request, session)
    link = get_object_or_404(found.documents.select_related("document"), document=document)
    official = link.document
    return pdf_response(
        read_document(official), name=f"{official.number}.pdf", as_attachment=wants_file(request)
    )


@require_safe
def calendar(request: PersonRequest, session: uuid.UUID) -> HttpResponse:
    """The session for one's own calendar, once the members are called."""
    found = _visible(request, session)
    if found.called_at is None:
        raise Http404
    return HttpResponse(
        calendar_file(found),
        content_type="text/calendar; charset=utf-8",
        headers={"Content-Disposition": 'attachment; filename="seance.ics"'},
    )
