"""The desk of a body: its opinions in five lists, and who validates in the president's place."""

from datetime import date
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from accounts.http import PersonRequest
from accounts.models import Membership, Organisation, User
from cpts_portal.paging import read_page
from cpts_portal.words import day, of_body
from desks import body
from desks.choices import SIGN_TAB
from workflow import opinion_rules as rules
from workflow.models import Mandate
from workflow.opinion_forms import MandateForm
from workflow.opinions import end_mandate, give_mandate
from workflow.services import ActionRefusedError

MANDATES_PER_PAGE = 25


@require_safe
def opinions(request: PersonRequest) -> HttpResponse:
    """What the body is asked, list by list, the nearest deadline first."""
    if not rules.gives_opinions(request.user):
        return redirect("desks:home")
    asked = body.consultations(request.user)
    found = body.counts(asked)
    current = body.current_tab(request.GET.get("onglet", ""), found, request.user)
    rows, page = body.read_rows(asked, current, request.GET.get("page"))
    context = {
        "validator": rules.validator_word(request.user.acting.organisation.kind)
        if request.user.acting
        else "",
        "tabs": body.shown_tabs(found, current),
        "current": next(tab for tab in body.TABS if tab.key == current),
        "rows": rows,
        "page": page,
        "empty": body.nothing_here(current),
        "to_sign": body.decisions_to_sign(request.user),
        "sign_tab": SIGN_TAB,
        "contracts": body.contract_links(request.user),
    }
    return render(request, "desks/opinions.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def mandates(request: PersonRequest) -> HttpResponse:
    """Who holds or held a mandate; the president gives one."""
    organisation = _body(request)
    may_give = rules.may_give_mandate(organisation.pk, request.user)
    validator = rules.validator_word(organisation.kind)
    if request.method == "POST" and not may_give:
        raise PermissionDenied(f"Seul le {validator} {of_body(organisation.name)} donne mandat.")
    today = timezone.localdate()
    form = MandateForm(
        request.POST or None,
        members=_members(organisation, request.user) if may_give else User.objects.none(),
        initial={"valid_from": today},
    )
    status = 200
    if request.method == "POST":
        if form.is_valid() and _give(request, organisation, form):
            return redirect("desks:mandates")
        status = 422
    rows, page = read_page(
        Mandate.objects.filter(body=organisation).select_related("holder", "given_by"),
        request.GET.get("page"),
        MANDATES_PER_PAGE,
    )
    context = {
        "organisation": organisation,
        "lead": f"Qui valide les avis en l’absence du {validator}, et jusqu’à quand.",
        "alone": f"Seul le {validator} valide les avis de cet organisme.",
        "validator": validator,
        "may_give": may_give,
        "form": form,
        "mandates": [(one, *_state(one, today)) for one in rows],
        "page": page,
    }
    return render(request, "desks/mandates.html", context, status=status)


def _give(request: PersonRequest, organisation: Organisation, form: MandateForm) -> bool:
    try:
        given = give_mandate(organisation, by=request.user, **form.cleaned_data)
    except ActionRefusedError as refused:
        form.add_error(None, refused.message)
        return False
    messages.success(
        request,
        f"{given.holder} peut valider les avis jusqu’au {day(given.valid_to)} compris.",
    )
    return True


def _members(organisation: Organisation, user: User) -> QuerySet[User]:
    """Those who draft for the body, but the president themselves."""
    held = Membership.objects.filter(
        organisation=organisation, is_active=True, role__in=rules.DRAFTERS[organisation.kind]
    )
    found = User.objects.filter(memberships__in=held, is_active=True).exclude(pk=user.pk)
    return found.distinct().order_by("last_name", "first_name", "pk")


def _state(mandate: Mandate, today: date) -> tuple[str, str, bool]:
    """Where a mandate is in words, its tone, and whether it can still be ended."""
    if mandate.revoked_at:
        return f"Retiré le {day(timezone.localdate(mandate.revoked_at))}", "", False
    if mandate.valid_to < today:
        return "Terminé", "", False
    if mandate.valid_from > today:
        return "À venir", "info", True
    return "En cours", "success", True


@require_http_methods(["GET", "HEAD", "POST"])
def end(request: PersonRequest, mandate: int) -> HttpResponse:
    """Ask, then end a mandate. What its holder validated stands."""
    organisation = _body(request)
    found = get_object_or_404(
        Mandate.objects.filter(body=organisation).select_related("holder", "body"), pk=mandate
    )
    if not rules.may_give_mandate(organisation.pk, request.user):
        validator = rules.validator_word(organisation.kind)
        raise PermissionDenied(
            f"Seul le {validator} {of_body(organisation.name)} retire un mandat."
        )
    if request.method == "POST":
        end_mandate(found, by=request.user)
        messages.success(request, f"Le mandat de {found.holder} est retiré.")
        return redirect("desks:mandates")
    context: dict[str, Any] = {
        "title": "Retirer un mandat",
        "text": f"{found.holder} ne pourra plus valider les avis {of_body(organisation.name)}. "
        "Ceux qu’il ou elle a validés restent rendus.",
        "action_label": "Retirer le mandat",
        "cancel_url": reverse("desks:mandates"),
        "danger": True,
    }
    return render(request, "components/confirm_page.html", context)


def _body(request: PersonRequest) -> Organisation:
    acting = request.user.acting
    if acting is None or not rules.gives_opinions(request.user):
        raise PermissionDenied("Choisissez le rôle dans lequel vous donnez des avis.")
    return acting.organisation
