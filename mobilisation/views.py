"""The questionnaires of a CPTS. Every view starts from what the person may see (else 404)."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.http import PersonRequest
from accounts.models import Organisation
from communities.models import Community
from cpts_portal.addresses import address
from cpts_portal.paging import read_page
from cpts_portal.transactions import writes_when_posted
from cpts_portal.words import the_body
from mobilisation import rules, services
from mobilisation.drawing import empty_fields
from mobilisation.forms import ClosingForm, QuestionnaireForm, RefusalForm
from mobilisation.links import public_link
from mobilisation.models import Questionnaire
from workflow.services import ActionRefusedError

PAGE_SIZE: Final = 20
ACTIONS: Final = {
    "prepared": "Questionnaire préparé",
    "submitted": "Soumis à l’URPS",
    "taken_back": "Rappelé par l’équipe",
    "approved": "Accordé par l’URPS : ouvert",
    "refused": "À revoir, dit l’URPS",
    "closing_moved": "Dernier jour changé",
    "closed": "Clos",
    "asked": "Courriels envoyés",
    "carried": "Repris dans la lettre d’intention",
    "annex_refused": "Annexe non jointe à la lettre",
    "forgotten": "Réponses effacées",
}
_TONES: Final = {"draft": "", "submitted": "new", "open": "info", "closed": ""}
State = Questionnaire.State
_form_methods = require_http_methods(["GET", "HEAD", "POST"])


@dataclass(frozen=True)
class Seen:
    """A questionnaire a person may see, and what they may do there."""

    questionnaire: Questionnaire
    # The team reads who answered; the URPS reads counts and words.
    is_team: bool
    prepares: bool
    leads: bool
    approves: bool
    counts: bool

    @property
    def url(self) -> str:
        return address_of("questionnaire", self.questionnaire)


def address_of(name: str, questionnaire: Questionnaire, *parts: Any) -> str:
    """The address of a page of a questionnaire."""
    ids = (questionnaire.community.public_id, questionnaire.public_id)
    return address(f"mobilisation:{name}", *ids, *parts)


def seen_by(request: PersonRequest, public_id: UUID, questionnaire: UUID) -> Seen:
    """What the person sees. Raises Http404 when it is not theirs to see."""
    found = get_object_or_404(
        Questionnaire.objects.visible_to(request.user).select_related("community", "urps"),
        public_id=questionnaire,
        community__public_id=public_id,
    )
    role = getattr(found, "viewer_role", None)
    if role is not None:
        # Read with it: rules ask the CPTS who the person is there.
        vars(found.community).update(viewer_id=request.user.pk, viewer_role=role)
    return Seen(
        found,
        is_team=role is not None,
        prepares=rules.may_prepare(found.community, request.user),
        leads=rules.may_lead(found.community, request.user),
        approves=rules.may_approve(found, request.user),
        counts=rules.may_count(found, request.user),
    )


def act(form: forms.Form, do: Callable[[], object]) -> bool:
    """Do it, or put what was refused on the form."""
    if not form.is_valid():
        return False
    try:
        do()
    except ActionRefusedError as refused:
        form.add_error(None, refused.message)
        return False
    return True


def press(request: PersonRequest, seen: Seen, do: Callable[[], object], said: str) -> HttpResponse:
    """What a button alone does: it is done, or the reason why not is said."""
    try:
        do()
    except ActionRefusedError as refused:
        messages.error(request, refused.message)
    else:
        messages.success(request, said)
    return redirect(seen.url)


def _require(allowed: bool) -> None:  # noqa: FBT001 - reads as a sentence where it is called
    if not allowed:
        raise PermissionDenied


# --- Lists ----------------------------------------------------------------------------------------


@writes_when_posted
@require_safe
def questionnaires(request: PersonRequest, public_id: UUID) -> HttpResponse:
    """The questionnaires of a CPTS, the newest first."""
    community = get_object_or_404(Community.objects.visible_to(request.user), public_id=public_id)
    listed = Questionnaire.objects.filter(community=community).select_related("urps")
    rows, page = read_page(listed, request.GET.get("page"), PAGE_SIZE)
    context = {
        "community": community,
        "rows": [(one, one.get_state_display(), _TONES[one.state]) for one in rows],
        "page": page,
        "may_prepare": rules.may_prepare(community, request.user)
        and all(one.state == State.CLOSED for one in rows),
    }
    return render(request, "mobilisation/list.html", context)


@writes_when_posted
@require_safe
def of_urps(request: PersonRequest) -> HttpResponse:
    """The questionnaires the URPS was asked about, the last one first."""
    acting = request.user.acting
    if acting is None or acting.organisation.kind != Organisation.Kind.URPS:
        raise PermissionDenied("Choisissez le rôle que vous tenez dans une URPS.")
    listed = Questionnaire.objects.visible_to(request.user).select_related("community")
    rows, page = read_page(listed.order_by("-submitted_at"), request.GET.get("page"), PAGE_SIZE)
    context = {
        "body": acting.organisation,
        "rows": [(one, one.get_state_display(), _TONES[one.state]) for one in rows],
        "page": page,
    }
    return render(request, "mobilisation/of_urps.html", context)


# --- Preparing ------------------------------------------------------------------------------------


@_form_methods
def prepare(request: PersonRequest, public_id: UUID) -> HttpResponse:
    community = get_object_or_404(Community.objects.visible_to(request.user), public_id=public_id)
    _require(rules.may_prepare(community, request.user))
    form = QuestionnaireForm(request.POST or None, community=community)
    made: list[Questionnaire] = []
    if request.method == "POST" and act(
        form,
        lambda: made.append(
            services.prepare_questionnaire(community, form.values(), by=request.user)
        ),
    ):
        return redirect(address_of("questionnaire", made[0]))
    return _writing(request, form, community, reverse("mobilisation:list", args=[public_id]))


@_form_methods
def change(request: PersonRequest, public_id: UUID, questionnaire: UUID) -> HttpResponse:
    seen = seen_by(request, public_id, questionnaire)
    _require(seen.prepares)
    one = seen.questionnaire
    form = QuestionnaireForm(request.POST or None, community=one.community, questionnaire=one)
    if request.method == "POST" and act(
        form, lambda: services.change_questionnaire(one, form.values(), by=request.user)
    ):
        messages.success(request, "Le questionnaire est enregistré.")
        return redirect(seen.url)
    return _writing(request, form, one.community, seen.url, one)


def _writing(
    request: PersonRequest,
    form: QuestionnaireForm,
    community: Community,
    cancel_url: str,
    questionnaire: Questionnaire | None = None,
) -> HttpResponse:
    context = {
        "community": community,
        "form": form,
        "cancel_url": cancel_url,
        "questionnaire": questionnaire,
        "has_territory": questionnaire is not None or bool(services.communes_of(community)),
    }
    return render(request, "mobilisation/prepare.html", context, status=422 if form.errors else 200)


@require_POST
def discard(request: PersonRequest, public_id: UUID, questionnaire: UUID) -> HttpResponse:
    seen = seen_by(request, public_id, questionnaire)
    try:
        services.discard_questionnaire(seen.questionnaire, by=request.user)
    except ActionRefusedError as refused:
        messages.error(request, refused.message)
        return redirect(seen.url)
    messages.success(request, "Le questionnaire est supprimé : personne ne l’avait reçu.")
    return redirect("mobilisation:list", public_id)


# --- One questionnaire ----------------------------------------------------------------------------


@writes_when_posted
@require_safe
def questionnaire(request: PersonRequest, public_id: UUID, questionnaire: UUID) -> HttpResponse:
    """Where it stands, what is next, and the address to spread once it is open."""
    seen = seen_by(request, public_id, questionnaire)
    one = seen.questionnaire
    context = {
        "seen": seen,
        "questionnaire": one,
        "community": one.community,
        "tone": _TONES[one.state],
        "link": public_link(one) if one.opened_at else "",
        "logs": _logs(one) if seen.is_team else [],
        "count": one.replies.filter(counted=True).count() if one.opened_at else 0,
    }
    return render(request, "mobilisation/questionnaire.html", context)


def _logs(one: Questionnaire) -> list[tuple[Any, str]]:
    logs = one.logs.select_related("actor")[:15]
    return [(line, ACTIONS.get(line.action, line.action)) for line in logs]


@writes_when_posted
@require_safe
def preview(request: PersonRequest, public_id: UUID, questionnaire: UUID) -> HttpResponse:
    """The page a professional will see; nothing can be sent from it."""
    seen = seen_by(request, public_id, questionnaire)
    one = seen.questionnaire
    context = {
        "questionnaire": one,
        "community": one.community,
        "model": one.model,
        "fields": empty_fields(one),
        "back_url": seen.url,
    }
    return render(request, "mobilisation/preview.html", context)


@require_POST
def submit(request: PersonRequest, public_id: UUID, questionnaire: UUID) -> HttpResponse:
    seen = seen_by(request, public_id, questionnaire)
    said = f"Le questionnaire est soumis : {the_body(seen.questionnaire.urps.name)} est prévenue."
    one = seen.questionnaire
    return press(request, seen, lambda: services.submit_questionnaire(one, by=request.user), said)


@require_POST
def take_back(request: PersonRequest, public_id: UUID, questionnaire: UUID) -> HttpResponse:
    seen = seen_by(request, public_id, questionnaire)
    said = "Le questionnaire est de nouveau en préparation."
    one = seen.questionnaire
    return press(request, seen, lambda: services.take_back(one, by=request.user), said)


# --- The URPS -------------------------------------------------------------------------------------


@require_POST
def approve(request: PersonRequest, public_id: UUID, questionnaire: UUID) -> HttpResponse:
    seen = seen_by(request, public_id, questionnaire)
    said = "Le questionnaire est ouvert. L’équipe de la CPTS est prévenue."
    one = seen.questionnaire
    return press(request, seen, lambda: services.approve_questionnaire(one, by=request.user), said)


@_form_methods
def refuse(request: PersonRequest, public_id: UUID, questionnaire: UUID) -> HttpResponse:
    seen = seen_by(request, public_id, questionnaire)
    _require(seen.approves)
    form = RefusalForm(request.POST or None)
    if request.method == "POST" and act(
        form,
        lambda: services.refuse_questionnaire(
            seen.questionnaire, form.cleaned_data["reason"], by=request.user
        ),
    ):
        messages.success(request, "Votre motif est transmis à l’équipe de la CPTS.")
        return redirect(seen.url)
    text = "Le questionnaire revient à l’équipe, qui peut le corriger et vous saisir de nouveau."
    return ask(request, seen, form, title="Demander de revoir", text=text, label="Envoyer")


# --- The end --------------------------------------------------------------------------------------


@_form_methods
def move_closing(request: PersonRequest, public_id: UUID, questionnaire: UUID) -> HttpResponse:
    seen = seen_by(request, public_id, questionnaire)
    _require(seen.leads)
    one = seen.questionnaire
    form = ClosingForm(request.POST or None, initial={"closes_on": one.closes_on})
    if request.method == "POST" and act(
        form,
        lambda: services.move_closing(one, form.cleaned_data["closes_on"], by=request.user),
    ):
        messages.success(request, "Le dernier jour est changé.")
        return redirect(seen.url)
    text = "Les affiches déjà imprimées portent l’ancienne date."
    return ask(request, seen, form, title="Changer le dernier jour", text=text, label="Changer")


@_form_methods
def close(request: PersonRequest, public_id: UUID, questionnaire: UUID) -> HttpResponse:
    seen = seen_by(request, public_id, questionnaire)
    _require(seen.leads)
    form = forms.Form(request.POST if request.method == "POST" else None)
    if request.method == "POST" and act(
        form, lambda: services.close_questionnaire(seen.questionnaire, by=request.user)
    ):
        messages.success(request, "Le questionnaire est clos.")
        return redirect(seen.url)
    text = (
        "Plus personne ne pourra répondre ni corriger sa réponse. Un questionnaire clos ne se "
        "rouvre pas."
    )
    return ask(request, seen, form, title="Clore le questionnaire", text=text, label="Clore")


def ask(
    request: PersonRequest, seen: Seen, form: forms.Form, *, title: str, text: str, label: str
) -> HttpResponse:
    """A page that asks one thing before doing it."""
    context = {
        "seen": seen,
        "form": form,
        "title": title,
        "text": text,
        "label": label,
        "community": seen.questionnaire.community,
    }
    return render(request, "mobilisation/ask.html", context, status=422 if form.errors else 200)
