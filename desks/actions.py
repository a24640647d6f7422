"""What people do to the cases of their desk: one at a time on its page, several in the list."""

import uuid
from collections.abc import Callable

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from accounts.http import PersonRequest
from accounts.models import User
from desks import inbox as inboxes
from desks.choices import acting_of
from workflow import desk_tools
from workflow.kinds import kind_of
from workflow.models import Case, OfficeLabel
from workflow.services import ActionRefusedError
from workflow.views.access import visible_case

# As many as a page of the list shows.
_MOST_AT_ONCE = inboxes.PAGE_SIZE


# --- One case --------------------------------------------------------------------------------


def _back_to(case: Case, request: HttpRequest, anchor: str) -> HttpResponseRedirect:
    """The case's page, still at its place in the list it was opened from."""
    asked, kept = QueryDict(request.POST.get("suite", "")), QueryDict(mutable=True)
    for name in ("liste", "rang"):
        if name in asked:
            kept[name] = asked[name]
    query = f"?{kept.urlencode()}" if kept else ""
    return redirect(f"{reverse(kind_of(case).page, args=[case.public_id])}{query}#{anchor}")


def _own_desk_case(request: PersonRequest, case: uuid.UUID) -> Case:
    found = visible_case(request, case)
    acting_of(request.user)
    return found


@require_POST
def follow(request: PersonRequest, case: uuid.UUID) -> HttpResponse:
    """Follow the case, or follow it no more."""
    found = _own_desk_case(request, case)
    if request.POST.get("suivre") == "oui":
        desk_tools.follow([found], user=request.user)
        messages.success(request, "Vous suivez ce dossier : il est dans la liste « Suivis ».")
    else:
        desk_tools.unfollow([found], user=request.user)
        messages.success(request, "Vous ne suivez plus ce dossier.")
    return _back_to(found, request, "bureau")


@require_POST
def assign(request: PersonRequest, case: uuid.UUID) -> HttpResponse:
    found = _own_desk_case(request, case)
    try:
        person = _person(request.POST.get("personne", ""), request.user)
        desk_tools.assign(found, to=person, actor=request.user, if_free="prendre" in request.POST)
    except ActionRefusedError as refused:
        messages.error(request, refused.message)
    else:
        if person == request.user:
            said = "Vous suivez maintenant l’instruction de ce dossier."
        else:
            said = (
                f"Ce dossier est confié à {person}." if person else "Ce dossier n’est plus confié."
            )
        messages.success(request, said)
    return _back_to(found, request, "bureau")


def _person(asked: str, user: User) -> User | None:
    """Who was chosen in a list; None for nobody. Raises ActionRefusedError for a stranger."""
    if not asked:
        return None
    person = User.objects.filter(
        pk=int(asked) if asked.isascii() and asked.isdecimal() and len(asked) < 19 else 0,
        memberships__organisation=acting_of(user).organisation_id,
    ).first()
    if person is None:
        raise ActionRefusedError(
            "Cette personne n’est pas de votre bureau : choisissez-la dans la liste."
        )
    return person


@require_POST
def case_labels(request: PersonRequest, case: uuid.UUID) -> HttpResponse:
    found = _own_desk_case(request, case)
    asked = request.POST.getlist("etiquettes")
    chosen = desk_tools.labels_of_office(request.user).filter(
        pk__in=[int(pk) for pk in asked if pk.isascii() and pk.isdecimal() and len(pk) < 19]
    )
    if chosen.count() != len(set(asked)):
        raise PermissionDenied("Cette étiquette n’est pas de votre bureau.")
    desk_tools.set_labels(found, list(chosen), user=request.user)
    messages.success(request, "Les étiquettes de ce dossier sont enregistrées.")
    return _back_to(found, request, "bureau")


@require_POST
def note(request: PersonRequest, case: uuid.UUID) -> HttpResponse:
    found = _own_desk_case(request, case)
    try:
        desk_tools.save_note(found, request.POST.get("note", ""), user=request.user)
    except ActionRefusedError as refused:
        messages.error(request, refused.message)
    else:
        messages.success(request, "Votre note est enregistrée. Vous seul la lisez.")
    return _back_to(found, request, "bureau")


# --- Several at once -------------------------------------------------------------------------


@require_POST
def bulk(request: PersonRequest) -> HttpResponse:
    """Do one thing to the cases ticked in the list, then come back to it."""
    acting_of(request.user)
    # Read and written again, so that it stays an address of the list.
    query = QueryDict(request.POST.get("liste", "")).urlencode()
    back = redirect(reverse("desks:inbox") + (f"?{query}" if query else ""))
    cases = _ticked(request)
    action = _BULK.get(request.POST.get("action", ""))
    if action is None:
        messages.error(request, "Choisissez ce qu’il faut faire des dossiers cochés.")
    elif not cases:
        messages.error(request, "Cochez d’abord un dossier au moins, dans la première colonne.")
    else:
        try:
            messages.success(request, action(request, cases))
        except ActionRefusedError as refused:
            messages.error(request, refused.message)
    return back


def _ticked(request: PersonRequest) -> list[Case]:
    ids = []
    for text in request.POST.getlist("dossier")[:_MOST_AT_ONCE]:
        try:
            ids.append(uuid.UUID(text))
        except ValueError:
            raise Http404 from None
    cases = list(
        Case.objects.visible_to(request.user)
        .select_related("community", "office")
        .filter(public_id__in=ids, deposited_at__isnull=False)
        .order_by("pk")
    )
    if len(cases) != len(set(ids)):
        raise Http404
    return cases


def _label_asked(request: PersonRequest) -> OfficeLabel:
    asked = request.POST.get("etiquette", "")
    label = desk_tools.labels_of_office(request.user).filter(
        pk=int(asked) if asked.isascii() and asked.isdecimal() and len(asked) < 19 else 0
    )
    found = label.first()
    if found is None:
        raise ActionRefusedError("Choisissez d’abord une étiquette de votre bureau.")
    return found


def _put_label(request: PersonRequest, cases: list[Case]) -> str:
    label = _label_asked(request)
    count = desk_tools.put_label(label, cases, user=request.user)
    return f"« {label.name} » : {_counted(count, 'ajoutée à')}."


def _remove_label(request: PersonRequest, cases: list[Case]) -> str:
    label = _label_asked(request)
    count = desk_tools.remove_label(label, cases, user=request.user)
    return f"« {label.name} » : {_counted(count, 'retirée de')}."


def _follow(request: PersonRequest, cases: list[Case]) -> str:
    desk_tools.follow(cases, user=request.user)
    return f"Vous suivez {_cases(len(cases))}."


def _unfollow(request: PersonRequest, cases: list[Case]) -> str:
    desk_tools.unfollow(cases, user=request.user)
    return f"Vous ne suivez plus {_cases(len(cases))}."


def _assign(request: PersonRequest, cases: list[Case]) -> str:
    person = _person(request.POST.get("personne", ""), request.user)
    if person is None:
        raise ActionRefusedError("Choisissez d’abord à qui confier les dossiers cochés.")
    done = 0
    refusals: list[str] = []
    for case in cases:
        try:
            desk_tools.assign(case, to=person, actor=request.user)
        except ActionRefusedError as refused:
            refusals.append(f"{case.reference} : {refused.message}")
        except PermissionDenied as denied:
            refusals.append(f"{case.reference} : {denied or 'ce dossier ne peut pas être confié.'}")
        else:
            done += 1
    if refusals:
        told = " ".join(refusals[:3])
        more = f" Et {len(refusals) - 3} autres." if len(refusals) > 3 else ""
        raise ActionRefusedError(
            f"{_cases(done)} sur {len(cases)} : {_given(done)} à {person}. {told}{more}"
        )
    return f"{_cases(done)} : {_given(done)} à {person}."


def _cases(count: int) -> str:
    return f"{count}\N{NO-BREAK SPACE}dossier{'s' if count > 1 else ''}"


def _given(count: int) -> str:
    return "confiés" if count > 1 else "confié"


def _counted(count: int, what: str) -> str:
    return f"{what} {_cases(count)}"


_BULK: dict[str, Callable[[PersonRequest, list[Case]], str]] = {
    "etiqueter": _put_label,
    "retirer": _remove_label,
    "confier": _assign,
    "suivre": _follow,
    "ne-plus-suivre": _unfollow,
}


# --- The labels of the office ----------------------------------------------------------------


@require_http_methods(["GET", "HEAD", "POST"])
def labels(request: PersonRequest) -> HttpResponse:
    """The labels of the office, and a new one."""
    acting_of(request.user)
    problem, name = "", request.POST.get("nom", "")
    colour = request.POST.get("couleur", OfficeLabel.Colour.BLUE)
    if request.method == "POST":
        try:
            label = desk_tools.save_label(name, colour, user=request.user)
        except ActionRefusedError as refused:
            problem = refused.message
        else:
            messages.success(request, f"L’étiquette « {label.name} » est créée.")
            return redirect("desks:labels")
    return render(
        request,
        "desks/labels.html",
        {
            "labels": desk_tools.labels_of_office(request.user),
            "colours": OfficeLabel.Colour.choices,
            "problem": problem,
            "name": name,
            "colour": colour,
        },
        status=422 if problem else 200,
    )


@require_http_methods(["GET", "HEAD", "POST"])
def label(request: PersonRequest, label: int) -> HttpResponse:
    """Rename a label of the office, change its colour, or remove it from everywhere."""
    acting_of(request.user)
    found = get_object_or_404(desk_tools.labels_of_office(request.user), pk=label)
    problem, name, colour = "", found.name, found.colour
    if request.method == "POST":
        if "supprimer" in request.POST:
            found.delete()
            messages.success(request, f"L’étiquette « {name} » est supprimée.")
            return redirect("desks:labels")
        name, colour = request.POST.get("nom", ""), request.POST.get("couleur", "")
        try:
            desk_tools.save_label(name, colour, user=request.user, label=found)
        except ActionRefusedError as refused:
            problem = refused.message
        else:
            messages.success(request, "L’étiquette est changée.")
            return redirect("desks:labels")
    return render(
        request,
        "desks/label.html",
        {
            "label": found,
            "used": found.uses.count(),
            "colours": OfficeLabel.Colour.choices,
            "problem": problem,
            "name": name,
            "colour": colour,
        },
        status=422 if problem else 200,
    )
