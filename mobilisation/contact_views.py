"""The list of those who are asked: imported, written to, left alone when they ask."""

from typing import Any, Final
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.http import PersonRequest
from cpts_portal.paging import read_page
from cpts_portal.spreadsheets import (
    MAX_UPLOAD_BYTES,
    TOO_HEAVY,
    TableFileError,
    csv_bytes,
    xlsx_bytes,
)
from cpts_portal.transactions import writes_when_posted
from documents.uploads import dropped_files
from members.forms import ImportForm
from mobilisation import contacts as services
from mobilisation import markup
from mobilisation.models import Contact, ContactImport
from mobilisation.views import Seen, address_of, press, seen_by
from workflow.services import ActionRefusedError

PAGE_SIZE: Final = 50
_XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def _prepared(request: PersonRequest, public_id: UUID, questionnaire: UUID) -> Seen:
    seen = seen_by(request, public_id, questionnaire)
    if not seen.prepares:
        raise PermissionDenied
    return seen


@writes_when_posted
@require_safe
def contacts(request: PersonRequest, public_id: UUID, questionnaire: UUID) -> HttpResponse:
    """The list, by name, and how many may be written to now."""
    seen = _prepared(request, public_id, questionnaire)
    one = seen.questionnaire
    asked = request.GET.get("etat", "")
    _, condition = services.FILTERS.get(asked, services.FILTERS[""])
    listed = Contact.objects.filter(condition, questionnaire=one).select_related("last_mail")
    rows, page = read_page(listed, request.GET.get("page"), PAGE_SIZE)
    bounced = Contact.objects.filter(services.BOUNCED, questionnaire=one).count()
    context = {
        "seen": seen,
        "questionnaire": one,
        "community": one.community,
        "rows": [(row, _state(row), one.model.profession(row.profession)) for row in rows],
        "page": page,
        "states": markup.choices({k: label for k, (label, _) in services.FILTERS.items()}, asked),
        "is_filtered": bool(asked),
        "bounced": bounced,
        "to_ask": services.still_to_ask(one).count() if one.is_open else 0,
        "waiting": one.contact_imports.filter(closed_at__isnull=True).first(),
    }
    return render(request, "mobilisation/contacts.html", context)


def _state(row: Contact) -> tuple[str, str]:
    """Where somebody stands, and its tone; not whether they answered."""
    if row.unsubscribed_at:
        return "Désinscrit", ""
    mail = row.last_mail
    if mail and (mail.bounced_at or mail.refused_at):
        return f"Courriel non reçu : {mail.failure or 'adresse refusée'}", "error"
    if row.told_at is None:
        return "Pas encore écrit", ""
    many = f" ({row.told_count} courriels)" if row.told_count > 1 else ""
    return f"Écrit le {timezone.localdate(row.told_at):%d/%m/%Y}{many}", "info"


@require_http_methods(["GET", "HEAD", "POST"])
def import_contacts(request: PersonRequest, public_id: UUID, questionnaire: UUID) -> HttpResponse:
    seen = _prepared(request, public_id, questionnaire)
    form = ImportForm(request.POST or None, request.FILES or None)
    if request.method == "POST":
        if dropped_files(request):
            form.add_error("file", TOO_HEAVY)
        elif form.is_valid():
            try:
                waiting = _read(request, seen, form.cleaned_data["file"])
            except TableFileError as error:
                form.add_error("file", str(error))
            else:
                return redirect(address_of("import-report", seen.questionnaire, waiting.pk))
    context = {
        "seen": seen,
        "questionnaire": seen.questionnaire,
        "community": seen.questionnaire.community,
        "form": form,
        "headings": list(services.COLUMNS.values()),
        "professions": [one.label for one in seen.questionnaire.model.professions],
    }
    status = 422 if request.method == "POST" else 200
    return render(request, "mobilisation/contacts_import.html", context, status=status)


def _read(request: PersonRequest, seen: Seen, upload: Any) -> ContactImport:
    if upload.size > MAX_UPLOAD_BYTES:
        raise TableFileError(TOO_HEAVY)
    return services.read_contacts_file(
        seen.questionnaire, name=upload.name or "fichier", content=upload.read(), by=request.user
    )


@require_http_methods(["GET", "HEAD", "POST"])
def import_report(
    request: PersonRequest, public_id: UUID, questionnaire: UUID, pk: int
) -> HttpResponse:
    """What a file would add, row by row where something is wrong; the button adds it."""
    seen = _prepared(request, public_id, questionnaire)
    one = seen.questionnaire
    waiting = get_object_or_404(one.contact_imports, pk=pk)
    back = redirect(address_of("contacts", one))
    if request.method == "POST":
        if request.POST.get("answer") == "give-up":
            services.give_up(one)
            messages.success(request, "L’import est abandonné : personne n’a été ajouté.")
            return back
        try:
            added = services.apply_import(waiting, by=request.user)
        except ActionRefusedError as refused:
            messages.error(request, refused.message)
        else:
            messages.success(request, f"Import terminé, {added} dans la liste en plus.")
        return back
    if waiting.closed_at:
        messages.info(request, "Cet import a déjà été confirmé ou abandonné.")
        return back
    rows = services.rows_of(waiting)
    groups = {
        status: [row for row in rows if row.status == status]
        for status in ("ready", "wrong", "known", "left")
    }
    context = {
        "seen": seen,
        "questionnaire": one,
        "community": one.community,
        "waiting": waiting,
        "groups": groups,
        "total": len(rows),
    }
    return render(request, "mobilisation/contacts_report.html", context)


@require_safe
def template_file(
    request: PersonRequest, public_id: UUID, questionnaire: UUID, form: str
) -> HttpResponse:
    """A file with the headings, and one line to follow."""
    _prepared(request, public_id, questionnaire)
    headings = list(services.COLUMNS.values())
    lines = [["Fabre", "Claire", "claire.fabre@exemple.fr", "Médecin généraliste"]]
    match form:
        case "csv":
            response = HttpResponse(csv_bytes(headings, lines), content_type="text/csv")
        case "xlsx":
            response = HttpResponse(xlsx_bytes("Liste", headings, lines), content_type=_XLSX)
        case _:
            raise Http404
    response["Content-Disposition"] = f'attachment; filename="modele-liste.{form}"'
    return response


@require_POST
def ask_contacts(request: PersonRequest, public_id: UUID, questionnaire: UUID) -> HttpResponse:
    """Write to those who have not answered and may be written to."""
    seen = _prepared(request, public_id, questionnaire)
    one = seen.questionnaire
    said = "Les courriels partent : chacun porte un lien pour ne plus en recevoir."
    press(request, seen, lambda: services.ask_contacts(one, by=request.user), said)
    return redirect(address_of("contacts", one))


@require_POST
def remove_contact(
    request: PersonRequest, public_id: UUID, questionnaire: UUID, pk: int
) -> HttpResponse:
    seen = _prepared(request, public_id, questionnaire)
    contact = get_object_or_404(
        Contact.objects.select_related("questionnaire__community"),
        questionnaire=seen.questionnaire,
        pk=pk,
    )
    services.remove_contact(contact, by=request.user)
    messages.success(request, "La personne est retirée de la liste.")
    return redirect(address_of("contacts", seen.questionnaire))
