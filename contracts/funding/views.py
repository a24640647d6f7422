"""The money of contracts. Every view starts from what the person may see (else 404)."""

from typing import Any, Final
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.http import PersonRequest
from communities.models import Community
from contracts import rules
from contracts.funding import balances, engaging, importing, indemnities, markup, payments
from contracts.funding import board as boards
from contracts.funding.chart import Bar, draw
from contracts.funding.files import sheet_response
from contracts.funding.forms import CancelForm, ImportForm, IndemnityForm, PaymentForm
from contracts.funding.wording import mission_name, rule_of, working_of
from contracts.labels import state_label
from contracts.models import Contract, Indemnity, Payment, PaymentImport
from cpts_portal.paging import read_page
from cpts_portal.spreadsheets import (
    MAX_UPLOAD_BYTES,
    TOO_HEAVY,
    TableFileError,
)
from cpts_portal.transactions import writes_when_posted
from cpts_portal.words import euros
from members.rules import may_manage_members
from workflow.readers import reader_of
from workflow.reading import read_seen
from workflow.services import ActionRefusedError

PAYMENTS_SHOWN: Final = 25
MOST_EXPORTED: Final = 20_000


@require_safe
@writes_when_posted
def board(request: PersonRequest) -> HttpResponse:
    """Engaged and paid in a civil year, by région and département, then contract by contract."""
    today = timezone.localdate()
    year = boards.asked_year(request.GET.get("annee", ""), today)
    department = request.GET.get("departement", "").replace("\0", "")[:3]
    found = boards.read_board(request.user, year, department, request.GET.get("page"))
    context = {
        "year": year,
        "years": markup.year_choices(boards.years_offered(today), year),
        "department": department,
        "departments": [
            one for region in found.sums for one in region.departments if one.department
        ],
        "sums": found.sums,
        "sums_rows": markup.sums_rows(found.sums),
        "lines": found.lines,
        # The administrator has the sums of all; a contract is for its parties.
        "lines_rows": markup.lines_rows(found.lines, opens=request.user.acting is not None),
        "page": found.page,
        "records": rules.keeps_payments_of(request.user) is not None,
        "imports": rules.region_imported_by(request.user) is not None,
        "amends_nationally": rules.may_amend_nationally(request.user),
    }
    return render(request, "contracts/board.html", context)


def _contract(request: PersonRequest, public_id: UUID) -> Contract:
    found = read_seen(Contract, request.user, public_id)
    if found is None:
        raise Http404
    return found


def _payable(request: PersonRequest, public_id: UUID) -> Contract:
    contract = _contract(request, public_id)
    if not rules.may_record_payments(contract, request.user):
        raise PermissionDenied
    return contract


@require_safe
@writes_when_posted
def money_page(request: PersonRequest, public_id: UUID) -> HttpResponse:
    """Where a contract stands: what was paid, what is due, the schedule, the payments."""
    contract = _contract(request, public_id)
    if not contract.is_signed:
        return redirect("contracts:draft", contract.public_id)
    today = timezone.localdate()
    account = balances.account_of(contract, on=today)
    sums = markup.sums_by_year(account)
    current = balances.contract_year_on(contract, today) or 1
    years, sources = markup.years_shown(account, sums, current)
    bars = [Bar(f"Année {year}", expected, paid) for year, expected, paid in sums]
    title = "Prévu et payé par année du contrat ; le tableau qui suit dit la même chose."
    found, page = payments.read_payments(contract, request.GET.get("page"))
    records = rules.may_record_payments(contract, request.user)
    context = {
        "contract": contract,
        "state": state_label(contract.state, reader_of(contract, request.user)),
        "account": account,
        "left": markup.left_in_words(account.left),
        "years": years,
        "sources": sources,
        "years_html": markup.years_markup(sums),
        "chart": draw(bars, title) if bars else "",
        "payments_rows": markup.payments_rows(
            found, payments.parts_of(found), contract.public_id, records=records
        ),
        "page": page,
        "records": records,
        "is_team": request.user.acting is None,
        "scans": contract.scans.select_related("attachment") if contract.is_signed_outside else [],
    }
    return render(request, "contracts/money.html", context)


@require_safe
@writes_when_posted
def schedule_file(request: PersonRequest, public_id: UUID, form: str) -> HttpResponse:
    """The schedule as a file: each line with its rule, its working and its sources."""
    contract = _contract(request, public_id)
    lines = [
        [
            f"{line.due_on:%d/%m/%Y}",
            str(line.year),
            mission_name(line.mission),
            rule_of(line),
            working_of(line),
            f"{line.amount:.2f}".replace(".", ","),
            " ; ".join(line.sources),
        ]
        for line in balances.current_lines(contract)[1]
    ]
    headings = ["Échéance", "Année du contrat", "Mission", "Règle", "Calcul", "Montant", "Sources"]
    return sheet_response(form, f"echeancier-{contract.reference}", headings, lines)


@require_POST
def complete(request: PersonRequest, public_id: UUID) -> HttpResponse:
    """Work out the schedule of a contract signed elsewhere, now that its rates are known."""
    contract = _payable(request, public_id)
    try:
        engaging.complete_rates(contract, by=request.user)
    except ActionRefusedError as refused:
        for sentence in getattr(refused, "sentences", [refused.message]):
            messages.error(request, sentence)
    else:
        messages.success(request, "L’échéancier est établi.")
    return redirect("contracts:money", contract.public_id)


# --- Payments -------------------------------------------------------------------------------------


@require_http_methods(["GET", "POST"])
@writes_when_posted
def pay(request: PersonRequest, public_id: UUID) -> HttpResponse:
    contract = _payable(request, public_id)
    form = PaymentForm(request.POST or None, contract=contract)
    if request.method == "POST" and form.is_valid():
        try:
            payment = payments.record_payment(contract, **form.values(), by=request.user)
        except payments.PaymentRefusedError as refused:
            for field, sentence in refused.faults:
                form.add_error(field, sentence)
        else:
            messages.success(request, f"Le paiement de {euros(payment.amount)} est enregistré.")
            return redirect("contracts:money", contract.public_id)
    status = 422 if request.method == "POST" else 200
    context = {"contract": contract, "form": form}
    return render(request, "contracts/pay.html", context, status=status)


@require_http_methods(["GET", "POST"])
@writes_when_posted
def cancel(request: PersonRequest, public_id: UUID, pk: int) -> HttpResponse:
    contract = _payable(request, public_id)
    payment = get_object_or_404(contract.payments, pk=pk)
    form = CancelForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            payments.cancel_payment(payment, form.cleaned_data["reason"], by=request.user)
        except ActionRefusedError as refused:
            form.add_error(None, refused.message)
        else:
            messages.success(request, f"Le paiement {payment.reference} est annulé.")
            return redirect("contracts:money", contract.public_id)
    status = 422 if request.method == "POST" else 200
    context = {"contract": contract, "payment": payment, "form": form}
    return render(request, "contracts/cancel.html", context, status=status)


@require_safe
@writes_when_posted
def payments_file(request: PersonRequest, form: str) -> HttpResponse:
    """The payments the person may see, the latest first, as a file that can be imported back."""
    found = (
        Payment.objects.visible_to(request.user)
        .select_related("contract")
        .order_by("-paid_on", "-pk")[:MOST_EXPORTED]
    )
    name = f"paiements-{timezone.localdate():%Y-%m-%d}"
    return sheet_response(form, name, list(importing.EXPORT_HEADINGS), importing.exported(found))


# --- Indemnities ----------------------------------------------------------------------------------


def _community(request: PersonRequest, public_id: UUID) -> Community:
    return get_object_or_404(Community.objects.visible_to(request.user), public_id=public_id)


@require_safe
@writes_when_posted
def indemnity_list(request: PersonRequest, public_id: UUID) -> HttpResponse:
    """What each professional received in a civil year, against its ceiling, then each sum."""
    community = _community(request, public_id)
    today = timezone.localdate()
    year = boards.asked_year(request.GET.get("annee", ""), today)
    ceiling = indemnities.ceiling_of(year)
    rows, people = read_page(
        indemnities.totals(community, year), request.GET.get("page"), PAYMENTS_SHOWN
    )
    sums = Indemnity.objects.filter(community=community, paid_on__year=year)
    sums = sums.select_related("member", "recorded_by")
    context = {
        "community": community,
        "year": year,
        "years": range(boards.FIRST_YEAR, today.year + 1),
        "ceiling": ceiling,
        "rows": [indemnities.received(row, ceiling) for row in rows],
        "people": people,
        "sums": sums[:PAYMENTS_SHOWN],
        "manages": may_manage_members(community, request.user),
    }
    return render(request, "contracts/indemnities.html", context)


@require_http_methods(["GET", "POST"])
@writes_when_posted
def add_indemnity(request: PersonRequest, public_id: UUID) -> HttpResponse:
    community = _community(request, public_id)
    if not may_manage_members(community, request.user):
        raise PermissionDenied
    form = IndemnityForm(request.POST or None, community=community)
    if request.method == "POST" and form.is_valid():
        try:
            made = indemnities.record_indemnity(community, **form.cleaned_data, by=request.user)
        except ActionRefusedError as refused:
            form.add_error(None, refused.message)
        else:
            messages.success(request, f"Le versement de {euros(made.amount)} est enregistré.")
            url = reverse("contracts:indemnities", args=[community.public_id])
            return redirect(f"{url}?annee={made.paid_on.year}")
    status = 422 if request.method == "POST" else 200
    context = {"community": community, "form": form}
    return render(request, "contracts/indemnity_add.html", context, status=status)


@require_POST
def cancel_indemnity(request: PersonRequest, public_id: UUID, pk: int) -> HttpResponse:
    community = _community(request, public_id)
    indemnity = get_object_or_404(Indemnity, community=community, pk=pk)
    try:
        indemnities.cancel_indemnity(indemnity, by=request.user)
    except ActionRefusedError as refused:
        messages.error(request, refused.message)
    else:
        messages.success(request, f"Le versement de {euros(indemnity.amount)} est annulé.")
    url = reverse("contracts:indemnities", args=[community.public_id])
    return redirect(f"{url}?annee={indemnity.paid_on.year}")


# --- Import ---------------------------------------------------------------------------------------


def _keeps(request: PersonRequest) -> Any:
    """The CPAM the person records payments for. Raises PermissionDenied for anybody else."""
    if rules.keeps_payments_of(request.user) is None or request.user.acting is None:
        raise PermissionDenied
    return request.user.acting.organisation


@require_http_methods(["GET", "POST"])
@writes_when_posted
def import_file(request: PersonRequest) -> HttpResponse:
    """Read a file of payments; what it would do is shown before anything is written."""
    organisation = _keeps(request)
    form = ImportForm(request.POST or None, request.FILES or None)
    if request.method == "POST":
        if vars(request).get("_dropped_files"):
            form.add_error("file", TOO_HEAVY)
        elif form.is_valid():
            upload = form.cleaned_data["file"]
            try:
                if upload.size > MAX_UPLOAD_BYTES:
                    raise TableFileError(TOO_HEAVY)  # noqa: TRY301 - said as the others are
                waiting = importing.read_file(
                    organisation,
                    name=upload.name or "fichier",
                    content=upload.read(),
                    by=request.user,
                )
            except TableFileError as error:
                form.add_error("file", str(error))
            else:
                return redirect("contracts:import-report", waiting.pk)
    context = {
        "form": form,
        "organisation": organisation,
        "headings": list(importing.COLUMNS.values()),
        "waiting": organisation.payment_imports.filter(closed_at__isnull=True).first(),
    }
    status = 422 if request.method == "POST" else 200
    return render(request, "contracts/import.html", context, status=status)


@require_http_methods(["GET", "POST"])
@writes_when_posted
def import_report(request: PersonRequest, pk: int) -> HttpResponse:
    """What a file would do, row by row; the button writes it."""
    waiting = get_object_or_404(PaymentImport, pk=pk, organisation=_keeps(request))
    if request.method == "POST":
        try:
            applied = importing.apply_import(waiting, by=request.user)
        except ActionRefusedError as refused:
            messages.error(request, refused.message)
        else:
            for sentence in applied.refused[:20]:
                messages.error(request, sentence)
            plural = "s" if applied.added > 1 else ""
            messages.success(
                request,
                f"{applied.added} paiement{plural} enregistré{plural}, {euros(applied.total)}.",
            )
        return redirect("contracts:board")
    if waiting.closed_at:
        messages.info(request, "Cet import a déjà été confirmé ou abandonné.")
        return redirect("contracts:board")
    rows = importing.rows_of(waiting)
    groups = {
        status: [row for row in rows if row.status == status]
        for status in ("ready", "known", "wrong")
    }
    context = {"waiting": waiting, "groups": groups, "total": len(rows)}
    return render(request, "contracts/import_report.html", context)


@require_POST
def import_give_up(request: PersonRequest, pk: int) -> HttpResponse:
    waiting = get_object_or_404(PaymentImport, pk=pk, organisation=_keeps(request))
    importing.give_up(waiting.organisation)
    messages.info(request, "L’import est abandonné : aucun paiement n’a été écrit.")
    return redirect("contracts:import")


@require_safe
def template_file(request: PersonRequest, form: str) -> HttpResponse:
    """An empty file with the headings, and a line to follow."""
    _keeps(request)
    line = ["CT-76-2027-0001", "15/03/2027", "225000,00", "VIR-2027-0042", "", ""]
    return sheet_response(form, "modele-paiements", list(importing.COLUMNS.values()), [line])
