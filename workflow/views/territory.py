"""The tab « Territoire »: its figures, what deserves a look, the overlaps and their arbitration."""

import uuid
from typing import Any, Final

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from accounts.http import PersonRequest
from cpts_portal.forms import PortalForm
from procedures import registry
from territories.overlap import inhabitants
from workflow import overlaps, years
from workflow.models import Arbitration, Case, YearEffect
from workflow.opinion_forms import LongText
from workflow.services import ActionRefusedError
from workflow.views.access import case_context, visible_case

_HERE: Final = "here"
_THERE: Final = "there"


class ArbitrationForm(PortalForm):
    """How two CPTS share what both hold."""

    outcome = forms.ChoiceField(
        label="Votre arbitrage",
        choices=Arbitration.Outcome.choices,
        widget=forms.RadioSelect,
        error_messages={"required": "Choisissez un arbitrage."},
    )
    given_to = forms.ChoiceField(
        label="Si la commune n’est rattachée qu’à une CPTS, à laquelle",
        required=False,
        choices=[(_HERE, "À la CPTS de ce dossier"), (_THERE, "À l’autre CPTS")],
        widget=forms.RadioSelect,
    )
    reason = LongText(
        longest=overlaps.LONGEST_REASON,
        label="Motif",
        help_text="Les deux bureaux le lisent. N’écrivez aucune donnée sur des patients.",
        error_messages={"required": "Écrivez le motif de l’arbitrage."},
    )


@require_safe
def page(request: PersonRequest, case: uuid.UUID) -> HttpResponse:
    return _page(request, visible_case(request, case))


def _page(
    request: PersonRequest,
    case: Case,
    *,
    form: ArbitrationForm | None = None,
    other_id: int | None = None,
    status: int = 200,
) -> HttpResponse:
    """`form` is shown again, with its errors, for the overlap with `other_id`."""
    procedure = registry.get(case.procedure_key, case.procedure_version)
    lines = overlaps.lines_of_case(case)
    found = overlaps.find_overlaps(lines, community_id=case.community_id)
    may_arbitrate = overlaps.may_arbitrate(case, request.user)
    known = overlaps.known_overlaps(found, request.user, case=case)
    context: dict[str, Any] = case_context(request, case, current="territory") | {
        "population": inhabitants(lines),
        "checks": overlaps.remarks(lines, procedure),
        "known": [
            (
                one,
                _form_for(one.overlap.case_id, form if other_id == one.overlap.case_id else None),
            )
            for one in known
        ],
        "may_arbitrate": may_arbitrate,
        "settled": overlaps.readable_arbitrations(case, request.user),
        "cog_year": years.deposited_year(case),
        "effects": years.readable_effects(case),
        "may_acknowledge": years.may_acknowledge(case, request.user),
    }
    return render(request, "workflow/territory/page.html", context, status=status)


def _form_for(other_id: int, shown: ArbitrationForm | None) -> ArbitrationForm:
    # Two forms on one page never share the name of a control.
    return shown or ArbitrationForm(prefix=f"a{other_id}")


@require_POST
def arbitrate(request: PersonRequest, case: uuid.UUID, other: int) -> HttpResponse:
    """Settle what the case has in common with another one."""
    shown = visible_case(request, case)
    if not overlaps.may_arbitrate(shown, request.user):
        raise PermissionDenied("Seul un agent du bureau en charge écrit un arbitrage.")
    form = ArbitrationForm(request.POST, prefix=f"a{other}")
    if form.is_valid():
        chosen = {_HERE: shown.pk, _THERE: other}
        try:
            overlaps.arbitrate(
                shown,
                other,
                outcome=form.cleaned_data["outcome"],
                given_to=chosen.get(form.cleaned_data["given_to"]),
                reason=form.cleaned_data["reason"],
                actor=request.user,
            )
        except ActionRefusedError as refused:
            form.add_error(None, refused.message)
        else:
            messages.success(request, "L’arbitrage est enregistré ; l’autre bureau est prévenu.")
            return redirect("cases:territory", shown.public_id)
    return _page(request, shown, form=form, other_id=other, status=422)


@require_POST
def acknowledge_year(request: PersonRequest, case: uuid.UUID, effect: int) -> HttpResponse:
    """Note that the office has read what a new year changes."""
    shown = visible_case(request, case)
    try:
        years.acknowledge(shown, effect, actor=request.user)
    except YearEffect.DoesNotExist as unknown:
        raise Http404("Cette alerte n’est pas celle de ce dossier.") from unknown
    except ActionRefusedError as refused:
        messages.error(request, refused.message)
    else:
        messages.success(request, "C’est noté : vous avez pris connaissance de ce changement.")
    return redirect("cases:territory", shown.public_id)
