"""The association that carries a CPTS. Every view starts from what the person may see (404)."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.forms import Form
from django.http import FileResponse, Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from accounts.http import PersonRequest
from communities import legal, rules
from communities.legal import ChangedMeanwhileError, LegalEntityError
from communities.legal_forms import ClosingForm, LegalEntityForm
from communities.models import Community, LegalEntity
from cpts_portal.transactions import writes_when_posted
from documents.downloads import send_attachment
from documents.services import FileRefusedError, too_large
from documents.uploads import dropped_files


@require_safe
def entities(request: PersonRequest, public_id: UUID) -> HttpResponse:
    """The association of today, those before it, and what was changed."""
    community = _community(request, public_id)
    rows = legal.history_of(community)
    today = timezone.localdate()
    current = next(
        (
            row
            for row in rows
            if row.valid_from <= today and (not row.valid_to or row.valid_to >= today)
        ),
        None,
    )
    return render(
        request,
        "communities/legal/list.html",
        {
            "community": community,
            "entities": rows,
            "current": current,
            "missing": legal.missing_of(current),
            "writes": rules.may_write_legal_entity(community, request.user),
        },
    )


@writes_when_posted
@require_http_methods(["GET", "POST"])
def add(request: PersonRequest, public_id: UUID) -> HttpResponse:
    community = _written(request, public_id)
    return _page(request, community, None, "Ajouter l’association")


@writes_when_posted
@require_http_methods(["GET", "POST"])
def correct(request: PersonRequest, public_id: UUID, pk: int) -> HttpResponse:
    community = _written(request, public_id)
    return _page(request, community, _entity(community, pk), "Corriger l’association")


@writes_when_posted
@require_http_methods(["GET", "POST"])
def replace(request: PersonRequest, public_id: UUID, pk: int) -> HttpResponse:
    """A second association follows this one."""
    community = _written(request, public_id)
    entity = _entity(community, pk)
    title = "Remplacer l’association"
    return _page(request, community, None, title, follows=entity)


def _page(
    request: PersonRequest,
    community: Community,
    entity: LegalEntity | None,
    title: str,
    *,
    follows: LegalEntity | None = None,
) -> HttpResponse:
    given: tuple[Any, ...] = (request.POST, request.FILES) if request.method == "POST" else ()
    form = LegalEntityForm(*given, entity=entity, with_end=entity is not None)
    if given and _no_file_dropped(request, form) and form.is_valid():
        try:
            saved = _save(request, community, form, entity, follows)
        except ChangedMeanwhileError as refused:
            assert entity is not None  # noqa: S101 - only a row that exists was changed
            entity.refresh_from_db()
            form.data = request.POST.copy()
            form.data["revision"] = str(entity.revision)
            form.add_error(None, refused.message)
        except LegalEntityError as refused:
            form.add_error(refused.field if refused.field in form.fields else None, refused.message)
        except FileRefusedError as refused:
            form.add_error("statutes", refused.message)
        else:
            messages.success(request, f"« {saved.name} » est enregistrée.")
            return redirect("communities:legal", community.public_id)
    return render(
        request,
        "communities/legal/edit.html",
        {
            "community": community,
            "entity": entity,
            "follows": follows,
            "form": form,
            "title": title,
            "costs": legal.costs_of_change(community),
        },
        status=422 if given else 200,
    )


def _no_file_dropped(request: PersonRequest, form: Form) -> bool:
    for name in dropped_files(request):
        form.add_error("statutes", too_large(name).message)
    return not dropped_files(request)


def _save(
    request: PersonRequest,
    community: Community,
    form: LegalEntityForm,
    entity: LegalEntity | None,
    follows: LegalEntity | None,
) -> LegalEntity:
    values, by = form.values(), request.user
    file = form.cleaned_data["statutes"]
    if entity is not None:
        revision = form.cleaned_data["revision"] or 0
        return legal.correct_entity(entity, values, revision=revision, by=by, statutes=file)
    if follows is not None:
        return legal.replace_entity(follows, values, by=by, statutes=file)
    return legal.add_entity(community, values, by=by, statutes=file)


@writes_when_posted
@require_http_methods(["GET", "POST"])
def close(request: PersonRequest, public_id: UUID, pk: int) -> HttpResponse:
    """The association carries the CPTS no more, from the day after."""
    community = _written(request, public_id)
    entity = _entity(community, pk)
    form = ClosingForm(request.POST or None, initial={"on": timezone.localdate()})
    if request.method == "POST" and form.is_valid():
        try:
            legal.close_entity(entity, on=form.cleaned_data["on"], by=request.user)
        except LegalEntityError as refused:
            form.add_error("on", refused.message)
        else:
            messages.success(request, f"« {entity.name} » est close. Son histoire reste ici.")
            return redirect("communities:legal", community.public_id)
    return render(
        request,
        "communities/legal/close.html",
        {
            "community": community,
            "entity": entity,
            "form": form,
            "costs": legal.costs_of_change(community),
        },
        status=422 if request.method == "POST" else 200,
    )


@require_safe
def statutes(request: PersonRequest, public_id: UUID, pk: int) -> HttpResponse | FileResponse:
    entity = _entity(_community(request, public_id), pk)
    if entity.statutes is None:
        raise Http404("Les statuts ne sont pas joints.")
    return send_attachment(request, entity.statutes)


def _community(request: PersonRequest, public_id: UUID) -> Community:
    return get_object_or_404(Community.objects.visible_to(request.user), public_id=public_id)


def _written(request: PersonRequest, public_id: UUID) -> Community:
    community = _community(request, public_id)
    if not rules.may_write_legal_entity(community, request.user):
        raise PermissionDenied(
            "Vous pouvez lire cette page, pas la modifier. Demandez à un responsable de la CPTS "
            "de vous donner le rôle de rédacteur."
        )
    return community


def _entity(community: Community, pk: int) -> LegalEntity:
    return get_object_or_404(
        LegalEntity.objects.select_related("statutes", "community"), community=community, pk=pk
    )
