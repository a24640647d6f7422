"""Taking over the contracts signed before the portal. Each page is of who may, else 403."""

import re
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import FileResponse, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.http import PersonRequest
from contracts import rules
from contracts.existing import applying, checking, columns, reporting, scans
from contracts.existing.forms import ExistingForm, ScansForm
from contracts.funding.files import sheet_response
from contracts.models import Contract, ContractScan, ExistingImport, ExistingRow
from cpts_portal.paging import read_page
from cpts_portal.spreadsheets import MAX_UPLOAD_BYTES, TOO_HEAVY, TableFileError
from cpts_portal.transactions import writes_when_posted
from cpts_portal.words import figure
from documents.downloads import send_attachment
from documents.services import too_large
from workflow.services import ActionRefusedError

IMPORTS_SHOWN = 20


def _require(request: PersonRequest) -> str:
    region = rules.region_imported_by(request.user)
    if region is None:
        raise PermissionDenied
    return region


def _source(request: PersonRequest, pk: int) -> ExistingImport:
    _require(request)
    return get_object_or_404(ExistingImport.objects.visible_to(request.user), pk=pk)


@require_http_methods(["GET", "POST"])
@writes_when_posted
def imports(request: PersonRequest) -> HttpResponse:
    """The files read so far; a new one is read here, and nothing is written of it yet."""
    region = _require(request)
    form = ExistingForm(request.POST or None, request.FILES or None)
    if request.method == "POST":
        if vars(request).get("_dropped_files"):
            form.add_error("file", TOO_HEAVY)
        elif form.is_valid():
            try:
                made = checking.read_file(
                    **_given(form.cleaned_data["file"]),
                    territories=_as_pair(form.cleaned_data.get("territories")),
                    by=request.user,
                )
            except TableFileError as error:
                form.add_error("file", str(error))
            else:
                return redirect("existing:report", made.pk)
    rows = ExistingImport.objects.visible_to(request.user).select_related("created_by", "region")
    found, page = read_page(rows.order_by("-pk"), request.GET.get("page"), IMPORTS_SHOWN)
    context = {
        "form": form,
        "found": found,
        "page": page,
        "headings": list(columns.columns().values()),
        "is_national": not region,
    }
    status = 422 if request.method == "POST" else 200
    return render(request, "contracts/existing/imports.html", context, status=status)


def _given(upload: Any) -> dict[str, Any]:
    if upload.size > MAX_UPLOAD_BYTES:
        raise TableFileError(TOO_HEAVY)
    return {"name": upload.name or "fichier", "content": upload.read()}


def _as_pair(upload: Any) -> tuple[str, bytes] | None:
    if upload is None:
        return None
    given = _given(upload)
    return given["name"], given["content"]


@require_http_methods(["GET", "POST"])
@writes_when_posted
def report(request: PersonRequest, pk: int) -> HttpResponse:
    """What the file would do, row by row, then what it has done; the button starts it."""
    source = _source(request, pk)
    if request.method == "POST":
        choices = {
            int(found[1]): str(value)
            for key, value in request.POST.items()
            if (found := re.fullmatch(r"ligne-(\d{1,6})", key))
        }
        try:
            if "choix" in request.POST:
                applying.choose(source, choices, by=request.user)
                messages.success(request, "Vos choix sont gardés.")
                return redirect(request.get_full_path())
            invites = "invites" in request.POST
            applying.start(source, choices=choices, invites=invites, by=request.user)
        except ActionRefusedError as refused:
            messages.error(request, refused.message)
        else:
            messages.success(request, "La reprise est lancée : rechargez la page pour la suivre.")
        return redirect("existing:report", source.pk)
    view = reporting.asked_view(request.GET.get("voir", ""))
    rows, page = reporting.read_rows(
        source, view, request.GET.get("page"), opens=request.user.acting is not None
    )
    counts = applying.progress(source)
    context = {
        "source": source,
        "counts": counts,
        "views": reporting.views(counts),
        "view": view,
        "rows": rows,
        "page": page,
        "can_start": not source.started_at and (counts["ready"] or counts["doubtful"]),
        "is_running": bool(source.started_at and not source.finished_at),
        "progress_label": (
            f"{figure(counts['taken'])} contrat{'s' * (counts['taken'] > 1)} "
            f"traité{'s' * (counts['taken'] > 1)} sur "
            f"{figure(counts['taken'] + counts['left'])}"
        ),
        "progress_max": counts["taken"] + counts["left"],
        "choices": ExistingRow.Choice.choices,
    }
    return render(request, "contracts/existing/report.html", context)


@require_safe
def report_file(request: PersonRequest, pk: int, form: str) -> HttpResponse:
    """The report, with the rows as they were read: it can be corrected and imported again."""
    source = _source(request, pk)
    headings, lines = reporting.report(source, reporting.asked_view(request.GET.get("voir", "")))
    return sheet_response(form, f"reprise-{source.pk}", headings, lines)


@require_http_methods(["GET", "POST"])
@writes_when_posted
def scan_files(request: PersonRequest, pk: int) -> HttpResponse:
    """Send scanned contracts in bulk; each file is answered."""
    source = _source(request, pk)
    form = ScansForm(request.POST or None, request.FILES or None)
    outcomes: list[scans.Outcome] = []
    if request.method == "POST":
        dropped = vars(request).get("_dropped_files", [])
        outcomes = [scans.Outcome(name, refusal=too_large(name).message) for name in dropped]
        if form.is_valid():
            sent = request.FILES.getlist("scans")
            outcomes += scans.attach(source, sent, by=request.user)
        elif dropped:
            form.errors.clear()
    found, page = read_page(scans.expected(source), request.GET.get("page"), IMPORTS_SHOWN)
    context = {
        "source": source,
        "form": form,
        "attached": [one for one in outcomes if one.contract],
        "refused": [one for one in outcomes if not one.contract],
        "found": found,
        "page": page,
    }
    failed = request.method == "POST" and not any(one.contract for one in outcomes)
    return render(request, "contracts/existing/scans.html", context, status=422 if failed else 200)


@require_safe
def scan(request: PersonRequest, scan: UUID) -> HttpResponse | FileResponse:
    """A scanned contract, for whoever sees the contract."""
    seen = Contract.objects.visible_to(request.user).values("pk")
    kept = get_object_or_404(
        ContractScan.objects.select_related("attachment"), attachment=scan, contract__in=seen
    )
    return send_attachment(request, kept.attachment)


@require_POST
def forget(request: PersonRequest, pk: int) -> HttpResponse:
    try:
        applying.forget(_source(request, pk), by=request.user)
    except ActionRefusedError as refused:
        messages.error(request, refused.message)
        return redirect("existing:report", pk)
    messages.info(request, "Le fichier est oublié : rien n’a été repris.")
    return redirect(reverse("existing:imports"))


@require_safe
def template_file(request: PersonRequest, form: str) -> HttpResponse:
    """The headings, and a row to follow."""
    _require(request)
    return sheet_response(
        form, "modele-cpts-existantes", list(columns.columns().values()), [columns.example()]
    )
