"""The tab « Suites »: reserves to lift, aids granted, the meeting of the territory."""

import uuid
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import FileResponse, Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from accounts.http import PersonRequest
from cpts_portal.forms import DayField, HourField, PortalForm
from documents.downloads import send_attachment
from documents.services import FileRefusedError
from workflow import followup_rules as rules
from workflow import grants, meetings, reserves
from workflow.models import Case, Grant, InformationMeeting
from workflow.official import readable_documents
from workflow.opinion_forms import LongText
from workflow.readers import reader_of
from workflow.services import ActionRefusedError
from workflow.views.access import case_context, visible_case


class ReserveForm(PortalForm):
    """What the team did, what still lacks, or what proves that a reserve is met."""

    text = LongText(longest=reserves.LONGEST_TEXT, label="Texte", required=False)

    def __init__(self, *args: Any, label: str = "Texte", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["text"].label = label


class GrantForm(PortalForm):
    """An aid granted, as the procedure provides it."""

    key = forms.ChoiceField(
        label="Aide", error_messages={"required": "Choisissez l’aide dans la liste."}
    )
    amount = forms.DecimalField(
        label="Montant en euros",
        help_text="Exemple : 15000 ou 7999,50.",
        min_value=Decimal("0.01"),
        max_digits=11,
        decimal_places=2,
        localize=True,
        error_messages={
            "required": "Écrivez le montant en euros.",
            "invalid": "Ce montant ne peut pas être lu : écrivez 15000 ou 7999,50.",
            "min_value": "Le montant est plus grand que zéro.",
        },
    )
    granted_on = DayField("Accordée le")
    deviation = LongText(
        longest=grants.LONGEST_TEXT,
        rows=2,
        required=False,
        label="Si le montant n’est pas celui de la procédure, pourquoi",
    )

    def __init__(self, *args: Any, offers: list[grants.Offer], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices = [(one.key, f"{one.label} – {one.rule}") for one in offers]
        self.fields["key"].choices = choices  # type: ignore[attr-defined]


class PaymentForm(PortalForm):
    paid_on = DayField("Versée le")


class CancelForm(PortalForm):
    reason = LongText(longest=grants.LONGEST_TEXT, rows=2, label="Motif", required=False)


class MeetingForm(PortalForm):
    """When and where the meeting takes place, and who is invited."""

    day = DayField("Date")
    starts = HourField("Début", "20:30")
    ends = HourField("Fin", "22:00")
    place = LongText(
        longest=meetings.LONGEST_PLACE,
        rows=2,
        label="Lieu",
        error_messages={"required": "Écrivez le lieu : l’adresse, la salle."},
    )
    guests = LongText(
        longest=50_000,
        rows=8,
        label="Personnes invitées",
        help_text="Une par ligne : nom ; organisme ; adresse électronique. "
        "Chacune reçoit un courriel avec la réunion pour son agenda.",
        error_messages={"required": "Invitez au moins une personne."},
    )


class HeldForm(PortalForm):
    held_on = DayField("Tenue le")
    minutes = forms.FileField(
        label="Compte rendu",
        help_text="PDF, DOCX ou ODT, 10 Mo au plus.",
        error_messages={"required": "Joignez le compte rendu : l’étape se ferme avec lui."},
    )


def _case(request: PersonRequest, public_id: uuid.UUID) -> Case:
    """The case if its reader follows what comes after the decision; else a 404."""
    case = visible_case(request, public_id)
    if not rules.has_followups(case, request.user, reader_of(case, request.user)):
        raise Http404
    return case


@require_safe
def page(request: PersonRequest, case: uuid.UUID) -> HttpResponse:
    return _page(request, _case(request, case))


def _page(request: PersonRequest, case: Case, refused: forms.Form | None = None) -> HttpResponse:
    """`refused` is the form whose answer was refused: it is shown again, with its errors."""
    user = request.user
    may_follow_up = rules.may_follow_up(case, user)
    may_answer = rules.may_answer_reserves(case, user)
    granted = list(grants.grants_of(case))
    offers = grants.offers(case, granted=granted) if may_follow_up else []

    def form(kind: Callable[..., forms.Form], prefix: str, **options: Any) -> forms.Form:
        if refused is not None and refused.prefix == prefix:
            return refused
        return kind(prefix=prefix, **options)

    planned = meetings.planned_meeting(case)
    is_due = meetings.is_due(case)
    context = case_context(request, case, current="followups") | {
        "reserves": [
            {
                "reserve": one,
                "answer": form(ReserveForm, f"answer{one.pk}", label="Ce que votre équipe a fait")
                if may_answer and one.is_open
                else None,
                "decline": form(ReserveForm, f"decline{one.pk}", label="Ce qui manque encore")
                if may_follow_up and one.awaits_judgment
                else None,
                "lift": form(ReserveForm, f"lift{one.pk}", label="La preuve")
                if may_follow_up and one.is_open
                else None,
            }
            for one in reserves.reserves_of(case)
        ],
        "grants": [
            {
                "grant": one,
                "amount": grants.euros(one.amount),
                "pay": form(PaymentForm, f"pay{one.pk}")
                if may_follow_up and one.paid_on is None and one.cancelled_at is None
                else None,
                "cancel": form(CancelForm, f"cancel{one.pk}")
                if may_follow_up and one.paid_on is None and one.cancelled_at is None
                else None,
            }
            for one in granted
        ],
        "offers": offers,
        "grant_form": form(GrantForm, "grant", offers=offers) if offers else None,
        "meeting_rule": meetings.meeting_rule(case) if case.state in rules.DECIDED else None,
        "meetings": [meetings.meeting_words(one) for one in case.meetings.all()],
        "meeting_is_due": is_due,
        "meeting_form": form(MeetingForm, "meeting", initial=_initial(case, planned))
        if may_follow_up and is_due
        else None,
        "planned": planned,
        "held_form": form(HeldForm, "held") if may_follow_up and planned else None,
        "cancel_meeting_form": form(CancelForm, "cancelmeeting")
        if may_follow_up and planned
        else None,
        "sheets": readable_documents(case, user).filter(kind=meetings.ATTENDANCE),
        "refused": refused,
    }
    status = 422 if refused is not None else 200
    return render(request, "workflow/followups/page.html", context, status=status)


def _initial(case: Case, planned: InformationMeeting | None) -> dict[str, Any]:
    if planned is None:
        return {"guests": meetings.suggested_guests(case)}
    starts, ends = timezone.localtime(planned.starts_at), timezone.localtime(planned.ends_at)
    guests = planned.guests.values_list("name", "organisation", "email")
    return {
        "day": starts.date(),
        "starts": starts.time(),
        "ends": ends.time(),
        "place": planned.place,
        "guests": "\n".join(" ; ".join(cell for cell in guest if cell) for guest in guests),
    }


def _done(
    request: PersonRequest,
    case: Case,
    form: forms.Form,
    act: Callable[[dict[str, Any]], object],
    said: str,
) -> HttpResponse:
    """Do what a form asks, or show it again with what was refused."""
    if form.is_valid():
        try:
            act(form.cleaned_data)
        except (ActionRefusedError, FileRefusedError) as refused:
            form.add_error(None, refused.message)
        else:
            messages.success(request, said)
            return redirect("cases:followups", case.public_id)
    return _page(request, case, form)


def _followed(request: PersonRequest, public_id: uuid.UUID) -> Case:
    case = _case(request, public_id)
    if not rules.may_follow_up(case, request.user):
        raise PermissionDenied("Un agent du bureau en charge suit ce qui vient après la décision.")
    return case


# --- Reserves ---------------------------------------------------------------------------------


@require_POST
def reserve(request: PersonRequest, case: uuid.UUID, reserve: int, action: str) -> HttpResponse:
    """Answer a reserve, decline an answer, or lift the reserve."""
    shown = _case(request, case)
    found = get_object_or_404(reserves.reserves_of(shown), pk=reserve)
    user = request.user
    acts: dict[str, tuple[Callable[[str], object], str, str]] = {
        "repondre": (
            lambda text: reserves.answer_reserve(found, user=user, text=text),
            "answer",
            "Votre réponse est enregistrée ; le bureau la lira.",
        ),
        "ecarter": (
            lambda text: reserves.decline_answer(found, actor=user, reason=text),
            "decline",
            "L’équipe lira ce qui manque encore.",
        ),
        "lever": (
            lambda text: reserves.lift_reserve(found, actor=user, proof=text),
            "lift",
            "La réserve est levée.",
        ),
    }
    if action not in acts:
        raise Http404(action)
    act, prefix, said = acts[action]
    form = ReserveForm(request.POST, prefix=f"{prefix}{found.pk}")
    return _done(request, shown, form, lambda data: act(data["text"]), said)


# --- Aids ------------------------------------------------------------------------------------


@require_POST
def grant(request: PersonRequest, case: uuid.UUID) -> HttpResponse:
    shown = _followed(request, case)
    offers = grants.offers(shown, granted=list(grants.grants_of(shown)))
    form = GrantForm(request.POST, prefix="grant", offers=offers)
    return _done(
        request,
        shown,
        form,
        lambda data: grants.grant(shown, actor=request.user, **data),
        "L’aide est enregistrée.",
    )


@require_POST
def settle_grant(request: PersonRequest, case: uuid.UUID, grant: int, action: str) -> HttpResponse:
    """Note that an aid was paid, or cancel one recorded by mistake."""
    shown = _followed(request, case)
    found = get_object_or_404(Grant.objects.select_related("case"), pk=grant, case=shown)
    form: forms.Form
    if action == "versee":
        form = PaymentForm(request.POST, prefix=f"pay{found.pk}")

        def act(data: dict[str, Any]) -> object:
            return grants.record_payment(found, actor=request.user, **data)

        said = "Le versement est noté."
    elif action == "annuler":
        form = CancelForm(request.POST, prefix=f"cancel{found.pk}")

        def act(data: dict[str, Any]) -> object:
            return grants.cancel_grant(found, actor=request.user, **data)

        said = "L’aide est annulée ; la ligne reste."
    else:
        raise Http404(action)
    return _done(request, shown, form, act, said)


# --- The meeting -----------------------------------------------------------------------------


@require_POST
def plan(request: PersonRequest, case: uuid.UUID) -> HttpResponse:
    shown = _followed(request, case)
    form = MeetingForm(request.POST, prefix="meeting")

    def act(data: dict[str, Any]) -> object:
        zone = timezone.get_current_timezone()
        return meetings.plan_meeting(
            shown,
            actor=request.user,
            starts_at=datetime.combine(data["day"], data["starts"], zone),
            ends_at=datetime.combine(data["day"], data["ends"], zone),
            place=data["place"],
            guests=meetings.read_guests(data["guests"]),
        )

    return _done(request, shown, form, act, "Les invitations partent.")


def _meeting(case: Case, pk: int) -> InformationMeeting:
    return get_object_or_404(InformationMeeting.objects.select_related("case"), pk=pk, case=case)


@require_POST
def cancel(request: PersonRequest, case: uuid.UUID, meeting: int) -> HttpResponse:
    shown = _followed(request, case)
    found = _meeting(shown, meeting)
    form = CancelForm(request.POST, prefix="cancelmeeting")
    return _done(
        request,
        shown,
        form,
        lambda data: meetings.cancel_meeting(found, actor=request.user, **data),
        "La réunion est annulée ; les invités sont prévenus.",
    )


@require_POST
def held(request: PersonRequest, case: uuid.UUID, meeting: int) -> HttpResponse:
    shown = _followed(request, case)
    found = _meeting(shown, meeting)
    form = HeldForm(request.POST, request.FILES, prefix="held")
    return _done(
        request,
        shown,
        form,
        lambda data: meetings.record_held(found, actor=request.user, **data),
        "La réunion est notée comme tenue.",
    )


@require_safe
def minutes(request: PersonRequest, case: uuid.UUID, meeting: int) -> HttpResponse | FileResponse:
    """The minutes of a meeting, to whoever reads the tab."""
    found = _meeting(_case(request, case), meeting)
    if found.minutes is None:
        raise Http404
    return send_attachment(request, found.minutes)
