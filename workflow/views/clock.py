"""The tab « Délai »: the ledger of the legal clock, and its correction by a coordinator."""

import uuid
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from accounts.http import PersonRequest
from cpts_portal.forms import DayField, PortalForm
from workflow import clock_words, rules
from workflow.clock import Event, EventKind
from workflow.clock_rules import clock_rule
from workflow.models import Case, ClockEvent
from workflow.readers import Reader, reader_of
from workflow.services import LONGEST_REASON, ActionRefusedError, clock_of, correct_clock_event
from workflow.views.access import case_context, visible_case


class CorrectionForm(PortalForm):
    """Why a line of the ledger is wrong, and what stands in its place."""

    reason = forms.CharField(
        label="Pourquoi cet évènement est faux",
        help_text="La raison reste dans le registre, à votre nom ; l’équipe de la CPTS la lit.",
        max_length=LONGEST_REASON,
        widget=forms.Textarea(attrs={"rows": 4}),
        error_messages={"required": "Écrivez la raison de la correction."},
    )
    effective_on = DayField(
        "La bonne date, s’il a eu lieu un autre jour",
        help_text="Laissez vide si l’évènement n’a pas eu lieu. Exemple : 15/03/2027.",
        required=False,
    )
    until = DayField(
        "La bonne date limite donnée à l’équipe",
        help_text="Si elle ne change pas, laissez vide.",
        required=False,
    )

    def __init__(self, *args: Any, event: ClockEvent, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.event = event
        if event.kind != EventKind.SUSPEND:
            del self.fields["until"]

    def replacement(self) -> Event | None:
        """What the coordinator says really happened, or None."""
        on = self.cleaned_data["effective_on"]
        until = self.cleaned_data.get("until")
        if on is None and until is None:
            return None
        is_suspension = self.event.kind == EventKind.SUSPEND
        return Event(
            kind=EventKind(self.event.kind),
            effective_on=on or self.event.effective_on,
            until=(until or self.event.until) if is_suspension else None,
        )


def _case(request: PersonRequest, public_id: uuid.UUID) -> Case:
    """The case if its reader follows its deadline: its team, the offices; not the bodies asked."""
    case = visible_case(request, public_id)
    if reader_of(case, request.user) == Reader.REVIEWER:
        raise Http404
    return case


@require_safe
def page(request: PersonRequest, case: uuid.UUID) -> HttpResponse:
    """The deadline, how it is computed, and every event that made it."""
    shown = _case(request, case)
    rows = list(shown.clock_events.select_related("entered_by", "body"))
    clock, rule = clock_of(shown), clock_rule(shown)
    is_lead = request.user.acting is None
    may_correct = rules.may_correct_clock(shown, request.user)
    overdue = clock_words.overdue(clock, is_lead=is_lead)
    context = case_context(request, shown, current="clock") | {
        "clock": clock,
        "time_left": clock_words.time_left(clock),
        "how_computed": clock_words.how_computed(clock, rule),
        "deadline": clock_words.short_state(clock),
        "meaning": clock_words.meaning_of_silence(clock),
        "overdue": overdue,
        "remedies": clock_words.remedies(clock.deadline)
        if is_lead and overdue and overdue.is_refusal and clock.deadline
        else [],
        "lines": clock_words.ledger_lines(clock, rows, names=not is_lead),
        "may_correct": may_correct,
    }
    return render(request, "workflow/clock.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def correct(request: PersonRequest, case: uuid.UUID, event: int) -> HttpResponse:
    """A coordinator takes a mistaken event out of the computation, with a reason."""
    shown = _case(request, case)
    if not rules.may_correct_clock(shown, request.user):
        raise PermissionDenied(
            "Seul un coordinateur d’un bureau qui a ce dossier corrige son délai. "
            "Demandez-le au coordinateur de votre organisme."
        )
    events = shown.clock_events.filter(cancels__isnull=True).select_related("cancelled_by")
    mistake = get_object_or_404(events, pk=event)
    form = CorrectionForm(request.POST or None, event=mistake)
    if request.method == "POST" and form.is_valid():
        try:
            correct_clock_event(
                mistake,
                actor=request.user,
                reason=form.cleaned_data["reason"],
                replacement=form.replacement(),
            )
        except ActionRefusedError as refused:
            form.add_error(None, refused.message)
        else:
            messages.success(request, "Le registre est corrigé. L’échéance est recalculée.")
            return redirect("cases:clock", shown.public_id)
    context = case_context(request, shown, current="clock") | {"form": form, "event": mistake}
    status = 422 if form.errors else 200
    return render(request, "workflow/clock_correction.html", context, status=status)
