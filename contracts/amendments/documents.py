"""The document of an amendment: what changes, from when, what it does to the money; issued once."""

from collections.abc import Mapping
from datetime import date
from typing import Any, Final

from django.db import transaction
from django.utils import timezone

from accounts.models import User
from contracts.amendments.amending import foresee, number_of, rates_in
from contracts.funding.ratebook import mission_labels
from contracts.funding.storing import rates_from_data
from contracts.models import (
    Contract,
    Draft,
    DraftVersion,
    NationalAmendment,
)
from contracts.terms import (
    CPOM,
    ContractTerms,
    difference,
)
from cpts_portal.words import NBSP, euros, long_date
from documents.french import french_spaces
from procedures.rates import Share
from workflow.models import CaseDocument, Snapshot
from workflow.official import declare_readers, issue_once, whoever_sees_the_case
from workflow.services import freeze

DOCUMENT: Final = "contract_amendment"

declare_readers(DOCUMENT, whoever_sees_the_case)


@transaction.atomic
def issue_amendment(frozen: DraftVersion, *, by: User) -> CaseDocument:
    """Issue the document the parties sign, from the frozen version of the draft; once."""
    draft = frozen.draft
    contract = draft.contract
    snapshot = _snapshot(contract, draft, by)
    number = f"{contract.reference}-A{number_of(draft)}-V{frozen.number}"
    return issue_once(
        snapshot,
        kind=DOCUMENT,
        about=frozen.pk,
        number=number,
        title=f"Avenant n° {number_of(draft)} – {contract.title}",
        template="pdf/amendment.html",
        context=lambda: {
            "amendment": amendment_context(
                draft, frozen.says, number=number, on=timezone.localdate(frozen.at)
            ),
            "created_at": frozen.at.isoformat(),
        },
    )


def _snapshot(contract: Contract, draft: Draft, by: User) -> Snapshot:
    """The contract as it was frozen; one signed elsewhere is frozen by its first amendment."""
    known = Snapshot.objects.filter(case_id=contract.pk).order_by("-version").first()
    if known is not None:
        return known
    content = {
        "title": contract.title,
        "reference": contract.reference,
        "terms": draft.based_on.terms if draft.based_on else {},
        "sections": [],
        "attachments": [],
    }
    return freeze(contract, content, actor=by)


_SHARE_LABELS: Final[Mapping[Share, str]] = {
    Share.OPERATING: "par an",
    Share.FIXED: "part fixe",
    Share.VARIABLE: "part variable, au plus",
    Share.CRISIS: "en cas de crise, au plus",
}


def _rates_that_change(
    draft: Draft, says: ContractTerms, on: date
) -> tuple[list[list[str]], list[str]]:
    """The yearly amounts that are not the same before and after a day, and their sources."""
    if draft.based_on is None or says.form == CPOM:
        return [], []
    was, becomes = rates_from_data(draft.based_on.rates), rates_in(draft)
    before, labels = draft.based_on.says, mission_labels()
    rows, sources = [], []
    for mission in ("", *says.mission_starts):
        for share, words in _SHARE_LABELS.items():
            old = was.find(share, before.size, on, mission)
            new = becomes.find(share, says.size, on, mission)
            amounts = [None if one is None else one.amount for one in (old, new)]
            if amounts[0] == amounts[1]:
                continue
            said = ["–" if one is None else euros(one) for one in amounts]
            rows.append([french_spaces(f"{labels.get(mission, mission)}, {words}"), *said])
            sources += [new.source] if new else []
    return rows, list(dict.fromkeys(sources))


def amendment_context(
    draft: Draft, says: ContractTerms, *, number: str, on: date
) -> dict[str, Any]:
    """Context of `pdf/amendment.html`: what changes, from when, and what it does to the money."""
    contract = draft.contract
    before = draft.based_on.says if draft.based_on else says
    changes = difference(before, says, dict(mission_labels()))
    foreseen = foresee(draft, on=on)
    effective = draft.effective_on or on
    national = NationalAmendment.objects.filter(items__draft=draft).first()
    rates, sources = _rates_that_change(draft, says, effective)
    money_rows = [
        [f"Année {year}", euros(was), euros(becomes)]
        for year, was, becomes in (foreseen.years if foreseen else ())
        if was != becomes
    ]
    return {
        "issuer": [one.name for one in says.parties],
        "title": f"Avenant n°{NBSP}{number_of(draft)}",
        "name": french_spaces(contract.title),
        "reference": contract.reference,
        "number": number,
        "running": french_spaces(f"{number} · Avenant · {contract.title}"),
        "object": ", ".join(one.label.lower() for one in changes),
        "legal_basis": french_spaces(national.legal_basis) if national else "",
        "rates": rates,
        "sources": french_spaces(" ; ".join(sources)),
        "effective_on": long_date(effective),
        "signed_on": long_date(contract.signed_on) if contract.signed_on else "",
        "changes": [
            {
                "label": one.label,
                "rows": [
                    [
                        french_spaces(row.label),
                        french_spaces(row.before or "–"),
                        french_spaces(row.after or "–"),
                    ]
                    for row in one.rows
                ],
            }
            for one in changes
        ],
        "money": money_rows,
        "regularisation": euros(foreseen.regularisation)
        if foreseen and foreseen.regularisation
        else "",
        "total": [euros(foreseen.before), euros(foreseen.after)] if foreseen else [],
        "signatures": [
            {
                "organisation": one.name,
                "people": [
                    ", ".join(part for part in (each.name, each.capacity) if part)
                    for each in says.representatives_of(one.role)
                ],
            }
            for one in says.parties
        ],
    }
