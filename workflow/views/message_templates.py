"""The page of the desk where an office keeps the texts its messages begin with."""

from typing import Any

from django.contrib import messages as flash
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from accounts.http import PersonRequest
from cpts_portal.paging import read_page
from workflow import message_templates as kept
from workflow.message_forms import TemplateForm
from workflow.message_rules import may_manage_templates
from workflow.models import Case, MessageTemplate
from workflow.services import ActionRefusedError

PAGE_SIZE = 25


@require_safe
def listing(request: PersonRequest) -> HttpResponse:
    """The texts of the organisation the person acts for."""
    _check(request)
    templates, page = read_page(
        kept.templates_of(request.user).select_related("updated_by"),
        request.GET.get("page"),
        PAGE_SIZE,
    )
    return render(
        request, "workflow/message_templates.html", {"templates": templates, "page": page}
    )


@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: PersonRequest, template: int | None = None) -> HttpResponse:
    """Write a text, look at it with a case's values, keep it."""
    _check(request)
    found = _find(request, template) if template else None
    initial = {"name": found.name, "subject": found.subject, "text": found.text} if found else {}
    form = TemplateForm(request.POST or None, initial=initial)
    preview: dict[str, Any] = {}
    if request.method == "POST" and form.is_valid():
        if request.POST.get("action") == "preview":
            preview = _preview(request, form.cleaned_data)
        else:
            try:
                saved = kept.save_template(found, user=request.user, **form.cleaned_data)
            except ActionRefusedError as refused:
                form.add_error("name", refused.message)
            else:
                flash.success(request, f"Le modèle « {saved.name} » est enregistré.")
                return redirect("message_templates:list")
    context = {"form": form, "template": found, "tags": kept.TAGS.items(), "preview": preview}
    refused_status = 422 if form.is_bound and form.errors else 200
    return render(request, "workflow/message_template.html", context, status=refused_status)


@require_http_methods(["GET", "HEAD", "POST"])
def delete(request: PersonRequest, template: int) -> HttpResponse:
    """Ask, then remove a text."""
    _check(request)
    found = _find(request, template)
    if request.method == "POST":
        kept.delete_template(found, user=request.user)
        flash.success(request, f"Le modèle « {found.name} » est supprimé.")
        return redirect("message_templates:list")
    context = {
        "title": "Supprimer ce modèle ?",
        "text": f"« {found.name} » ne sera plus proposé à vos collègues. Les messages déjà envoyés "
        "ne changent pas.",
        "action_label": "Supprimer le modèle",
        "cancel_url": "../",
        "danger": True,
    }
    return render(request, "components/confirm_page.html", context)


def _check(request: PersonRequest) -> None:
    if not may_manage_templates(request.user):
        raise PermissionDenied(
            "Les modèles de messages sont tenus par les agents et les coordinateurs d’un bureau : "
            "choisissez ce rôle dans « Mon compte »."
        )


def _find(request: PersonRequest, pk: int) -> MessageTemplate:
    return get_object_or_404(kept.templates_of(request.user), pk=pk)


def _preview(request: PersonRequest, written: dict[str, str]) -> dict[str, Any]:
    """The text as the team of the latest case in charge would read it, or of an invented one."""
    case = (
        Case.objects.visible_to(request.user)
        .filter(
            deposited_at__isnull=False,
            office=request.user.acting and request.user.acting.organisation,
        )
        .select_related("community", "office")
        .order_by("-deposited_at", "pk")
        .first()
    )
    values = kept.values_for(case, request.user) if case else kept.example_values()
    return {
        "case": case,
        "subject": kept.fill(written["subject"], values),
        "text": kept.fill(written["text"], values),
    }
