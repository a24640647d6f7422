"""The members of a CPTS. Every view starts from what the person may see (else 404)."""

import re
from typing import Any, Final
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.text import slugify
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.http import PersonRequest
from communities.models import Community
from cpts_portal.paging import read_page
from cpts_portal.spreadsheets import MAX_UPLOAD_BYTES, TOO_HEAVY, TableFileError
from cpts_portal.spreadsheets import csv_bytes as to_csv
from cpts_portal.spreadsheets import xlsx_bytes as to_xlsx
from members import importing, rules, services
from members.codes import PROFESSIONS, STRUCTURES
from members.forms import FORMS, DepartureForm, ImportForm
from members.models import Member, MemberImport
from members.services import MemberError

PAGE_SIZE: Final = 50
_KINDS: Final = {"professionnel": "professional", "structure": "structure"}
STATES: Final = {
    "": "Membres actuels",
    "sans-adresse": "Sans adresse électronique",
    "partis": "Partis",
    "tous": "Tous",
}


@require_safe
def members(request: PersonRequest, public_id: UUID) -> HttpResponse:
    """The members, a page at a time, and how many there are of each profession."""
    community = _community(request, public_id)
    asked = {key: request.GET.get(key, "").strip()[:100] for key in ("q", "nature", "etat")}
    found = services.filtered(
        Member.objects.filter(community=community).select_related("commune"),
        q=asked["q"],
        what=asked["nature"],
        state=asked["etat"],
    )
    rows, page = read_page(found.in_order(), request.GET.get("page"), PAGE_SIZE)
    return render(
        request,
        "members/list.html",
        {
            "community": community,
            "members": rows,
            "page": page,
            "counts": services.counts_of(community),
            "asked": asked,
            "is_filtered": any(asked.values()),
            "professions": PROFESSIONS,
            "structures": STRUCTURES,
            "states": STATES,
            "manages": rules.may_manage_members(community, request.user),
            "query": request.GET.urlencode(),
        },
    )


@require_http_methods(["GET", "POST"])
def add(request: PersonRequest, public_id: UUID, kind: str) -> HttpResponse:
    community = _managed(request, public_id)
    if kind not in _KINDS:
        raise Http404
    return _write(request, community, _KINDS[kind], None)


@require_http_methods(["GET", "POST"])
def edit(request: PersonRequest, public_id: UUID, pk: int) -> HttpResponse:
    community = _managed(request, public_id)
    member = _member(community, pk)
    return _write(request, community, member.kind, member)


def _write(
    request: PersonRequest, community: Community, kind: str, member: Member | None
) -> HttpResponse:
    is_new = member is None
    form = FORMS[kind](request.POST or None, community=community, member=member)
    doubts: list[str] = []
    if request.method == "POST" and form.is_valid():
        if not request.POST.get("confirmed"):
            doubts = importing.same_as(community, form.values(), but=member.pk if member else None)
            if member is not None:
                doubts = []  # it was accepted when it was entered
        if not doubts:
            try:
                member = services.save_member(
                    community, form.values(), by=request.user, member=member
                )
            except MemberError as error:
                form.add_error(None, error.message)
            else:
                done = "fait maintenant partie des membres" if is_new else "est à jour"
                messages.success(request, f"{member.name} {done}.")
                if request.POST.get("again"):
                    return redirect("members:add", community.public_id, _slug(kind))
                return _back(community)
    if doubts:
        form = FORMS[kind](request.POST, community=community, member=member, doubts=True)
    title = _title(kind, member)
    return render(
        request,
        "members/edit.html",
        {
            "community": community,
            "member": member,
            "form": form,
            "doubts": doubts,
            "title": title,
            "is_new": is_new,
        },
        status=422 if request.method == "POST" else 200,
    )


def _slug(kind: str) -> str:
    return next(slug for slug, known in _KINDS.items() if known == kind)


def _title(kind: str, member: Member | None) -> str:
    if member is not None:
        return member.name
    return "Ajouter une structure" if kind == "structure" else "Ajouter un professionnel"


@require_http_methods(["GET", "POST"])
def leave(request: PersonRequest, public_id: UUID, pk: int) -> HttpResponse:
    community = _managed(request, public_id)
    member = _member(community, pk)
    form = DepartureForm(request.POST or None, initial={"on": timezone.localdate()})
    if request.method == "POST" and form.is_valid():
        try:
            services.record_departure(member, by=request.user, **form.cleaned_data)
        except MemberError as error:
            form.add_error("on", error.message)
        else:
            messages.success(request, f"Le départ de {member.name} est noté.")
            return _back(community)
    context = {"community": community, "member": member, "form": form}
    return render(
        request, "members/leave.html", context, status=422 if request.method == "POST" else 200
    )


@require_POST
def come_back(request: PersonRequest, public_id: UUID, pk: int) -> HttpResponse:
    community = _managed(request, public_id)
    member = _member(community, pk)
    try:
        services.bring_back(member, by=request.user)
    except MemberError as error:
        messages.error(request, error.message)
    else:
        messages.success(request, f"{member.name} fait de nouveau partie des membres.")
    return _back(community)


@require_POST
def erase(request: PersonRequest, public_id: UUID, pk: int) -> HttpResponse:
    community = _managed(request, public_id)
    member = _member(community, pk)
    name = member.name
    try:
        services.erase_member(member, by=request.user)
    except MemberError as error:
        messages.error(request, error.message)
    else:
        messages.success(request, f"{name} est effacé.")
    return _back(community)


# --- Import ---------------------------------------------------------------------------------------


@require_http_methods(["GET", "POST"])
def import_file(request: PersonRequest, public_id: UUID) -> HttpResponse:
    """Read a spreadsheet; what it would do is shown before anything is written."""
    community = _managed(request, public_id)
    form = ImportForm(request.POST or None, request.FILES or None)
    if request.method == "POST":
        # `documents.uploads`, a room above, drops a file over 10 MB and notes its name here.
        if vars(request).get("_dropped_files"):
            form.add_error("file", TOO_HEAVY)
        elif form.is_valid():
            try:
                waiting = _read(request, community, form.cleaned_data["file"])
            except TableFileError as error:
                form.add_error("file", str(error))
            else:
                return redirect("members:import-report", community.public_id, waiting.pk)
    return render(
        request,
        "members/import.html",
        {
            "community": community,
            "form": form,
            "headings": list(importing.COLUMNS.values()),
            "waiting": community.member_imports.filter(closed_at__isnull=True).first(),
        },
        status=422 if request.method == "POST" else 200,
    )


def _read(request: PersonRequest, community: Community, upload: Any) -> MemberImport:
    if upload.size > MAX_UPLOAD_BYTES:
        raise TableFileError(TOO_HEAVY)
    return importing.read_members_file(
        community, name=upload.name or "fichier", content=upload.read(), by=request.user
    )


@require_http_methods(["GET", "POST"])
def import_report(request: PersonRequest, public_id: UUID, pk: int) -> HttpResponse:
    """What a file would do, row by row where a person must look; the button writes it."""
    community = _managed(request, public_id)
    waiting = get_object_or_404(community.member_imports, pk=pk)
    if request.method == "POST":
        choices = {
            int(found[1]): str(value)
            for key, value in request.POST.items()
            if (found := re.fullmatch(r"ligne-(\d{1,6})", key))
        }
        try:
            applied = importing.apply_import(waiting, choices, by=request.user)
        except MemberError as error:
            messages.error(request, error.message)
        else:
            for sentence in applied.refused[:20]:
                messages.error(request, sentence)
            messages.success(request, _said(applied))
        return _back(community)
    if waiting.closed_at:
        messages.info(request, "Cet import a déjà été confirmé ou abandonné.")
        return _back(community)
    rows = importing.rows_of(waiting)
    groups = {
        status: [row for row in rows if row.status == status]
        for status in ("ready", "known", "doubtful", "wrong")
    }
    context = {"community": community, "waiting": waiting, "groups": groups, "total": len(rows)}
    return render(request, "members/import_report.html", context)


def _said(applied: importing.Applied) -> str:
    parts = [f"{applied.added} membre{'s' if applied.added > 1 else ''} en plus"]
    if applied.updated:
        parts.append(f"{applied.updated} mis à jour")
    if applied.skipped:
        parts.append(f"{applied.skipped} ligne{'s' if applied.skipped > 1 else ''} laissée"
                     f"{'s' if applied.skipped > 1 else ''} de côté")  # fmt: skip
    return f"Import terminé : {', '.join(parts)}."


@require_POST
def import_give_up(request: PersonRequest, public_id: UUID, pk: int) -> HttpResponse:
    community = _managed(request, public_id)
    get_object_or_404(community.member_imports, pk=pk)
    importing.give_up(community)
    messages.success(request, "L’import est abandonné : rien n’a été écrit.")
    return _back(community)


@require_safe
def import_wrong(request: PersonRequest, public_id: UUID, pk: int, form: str) -> HttpResponse:
    """The rows to correct, as a file that can be imported once it is mended."""
    community = _managed(request, public_id)
    waiting = get_object_or_404(community.member_imports, pk=pk)
    headings = [*importing.COLUMNS.values(), "À corriger"]
    return _file(form, "lignes-a-corriger", headings, importing.wrong_rows(waiting))


@require_safe
def export(request: PersonRequest, public_id: UUID, form: str) -> HttpResponse:
    """The members the list shows, as a file."""
    community = _community(request, public_id)
    asked = {key: request.GET.get(key, "").strip()[:100] for key in ("q", "nature", "etat")}
    found = services.filtered(
        Member.objects.filter(community=community).select_related("commune"),
        q=asked["q"],
        what=asked["nature"],
        state=asked["etat"],
    ).in_order()
    name = f"membres-{slugify(community.name)}"
    return _file(form, name, list(importing.COLUMNS.values()), importing.exported(found))


@require_safe
def template_file(request: PersonRequest, public_id: UUID, form: str) -> HttpResponse:
    """An empty file with the headings, and two lines to follow."""
    _managed(request, public_id)
    lines = [
        ["Professionnel", "Fabre", "Claire", "claire.fabre@exemple.fr", "Médecin",
         "médecine générale", "", "", "", "", "", "81500", ""],
        ["Structure", "Martin", "Paul", "direction@exemple.fr", "", "", "",
         "EHPAD des Tilleuls", "EHPAD", "", "directeur", "81500", ""],
    ]  # fmt: skip
    return _file(form, "modele-membres", list(importing.COLUMNS.values()), lines)


def _file(form: str, name: str, headings: list[str], lines: list[list[str]]) -> HttpResponse:
    match form:
        case "csv":
            response = HttpResponse(to_csv(headings, lines), content_type="text/csv; charset=utf-8")
        case "xlsx":
            response = HttpResponse(
                to_xlsx("Membres", headings, lines),
                content_type="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
            )
        case _:
            raise Http404
    response["Content-Disposition"] = f'attachment; filename="{name}.{form}"'
    return response


def _community(request: PersonRequest, public_id: UUID) -> Community:
    return get_object_or_404(Community.objects.visible_to(request.user), public_id=public_id)


def _managed(request: PersonRequest, public_id: UUID) -> Community:
    community = _community(request, public_id)
    if not rules.may_manage_members(community, request.user):
        raise PermissionDenied
    return community


def _member(community: Community, pk: int) -> Member:
    return get_object_or_404(
        Member.objects.select_related("commune", "community"), community=community, pk=pk
    )


def _back(community: Community) -> HttpResponse:
    return redirect(reverse("members:list", args=[community.public_id]))
