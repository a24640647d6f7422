"""The desk of contracts, and the one page of a contract: where it stands."""

from typing import Final
from uuid import UUID

from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_safe

from accounts.http import PersonRequest
from contracts import rules
from contracts.desk import waiting as desk
from contracts.desk.markup import dues_rows, rows_markup
from contracts.desk.standing import read_standing
from contracts.funding import balances, markup
from contracts.funding.chart import Bar, draw
from contracts.funding.wording import mission_name
from contracts.labels import state_label
from contracts.models import Contract
from contracts.signing.signers import awaiting
from cpts_portal.transactions import writes_when_posted
from workflow.readers import reader_of
from workflow.reading import read_seen
from workflow.states import CaseState

# Documents to sign, or signed, shown at once: no contract comes near.
SHOWN: Final = 50


@require_safe
@writes_when_posted
def todo(request: PersonRequest) -> HttpResponse:
    """The lists of contracts that wait for the person's party; each number opens its list."""
    today = timezone.localdate()
    asked = request.GET.get("voir", "")
    counts, view, rows, page = desk.read_desk(request.user, asked, today, request.GET.get("page"))
    context = {
        "tabs": [(key, label, counts[key]) for key, label in desk.VIEWS.items()],
        "view": view,
        "label": desk.VIEWS[view],
        "empty": desk.EMPTY[view],
        "rows": rows_markup(rows),
        "page": page,
        "to_open": desk.to_open(request.user) if view == desk.PREPARE else [],
        # What the person signs themselves, among what their party does.
        "mine": awaiting(request.user, SHOWN) if view == desk.SIGN else [],
        "sees_money": rules.sees_money(request.user),
    }
    return render(request, "contracts/todo.html", context)


@require_safe
@writes_when_posted
def contract_page(request: PersonRequest, public_id: UUID) -> HttpResponse:
    """One contract: where it stands, what is awaited of whom, money expected and received."""
    contract = read_seen(Contract, request.user, public_id)
    if contract is None:
        raise Http404
    if not contract.is_signed:
        if contract.state in {CaseState.DRAFT, CaseState.TO_SIGN, CaseState.WITHDRAWN}:
            return redirect("contracts:draft", public_id)
        raise Http404
    today = timezone.localdate()
    account = balances.account_of(contract, on=today)
    sums = markup.sums_by_year(account)
    title = "Prévu et reçu par année du contrat ; le tableau qui suit dit la même chose."
    standing = read_standing(contract, account, today)
    version = standing.version
    context = {
        "contract": contract,
        "state": state_label(contract.state, reader_of(contract, request.user)),
        "is_to_come": bool(contract.starts_on and contract.starts_on > today),
        "year": balances.contract_year_on(contract, today),
        "dues": dues_rows(standing.dues),
        "account": account,
        "left": markup.left_in_words(account.left),
        "chart": draw([Bar(f"Année {one}", expected, paid) for one, expected, paid in sums], title)
        if sums
        else "",
        "years_html": markup.years_markup(sums),
        "missions": [
            (mission_name(key), start)
            for key, start in (version.says.mission_starts if version else {}).items()
        ],
        "scans": contract.scans.select_related("attachment") if contract.is_signed_outside else [],
        "rounds": standing.rounds,
        "is_team": request.user.acting is None,
    }
    return render(request, "contracts/contract.html", context)
