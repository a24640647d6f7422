"""What waits for somebody in the contracts they see: to prepare, to sign, to pay, to review.

Each number opens its list. One statement counts them all, one reads a page.
"""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from django.core.paginator import Page
from django.db.models import Q
from django.urls import reverse

from accounts.models import Organisation, User
from communities.models import CommunityStage
from contracts import terms
from contracts.funding.board import PAGE_SIZE, run_seen
from contracts.labels import state_label
from contracts.models import Contract
from cpts_portal.paging import page_of
from cpts_portal.words import day, euros
from workflow.readers import Reader, StateLabel
from workflow.states import CaseState

# The word of each list in the address.
PREPARE, SIGN, PAY, REVIEW, ALL = "a-preparer", "a-signer", "a-payer", "a-revoir", "tous"
VIEWS: Final = {
    PREPARE: "À préparer",
    SIGN: "À signer",
    PAY: "À payer",
    REVIEW: "Dialogue annuel",
    ALL: "Tous les contrats",
}
EMPTY: Final = {
    PREPARE: "Aucun projet de contrat n’est en négociation.",
    SIGN: "Aucun document n’attend de signature.",
    PAY: "Tout ce qui est échu est payé.",
    REVIEW: "Aucun dialogue annuel n’attend votre partie.",
    ALL: "Les contrats que vous pouvez voir apparaîtront ici.",
}
MOST_TO_OPEN: Final = 50
# What each party does in a dialogue, by the state it is in.
_THEIRS: Final = ["reviewing", "concluding", "agreeing"]
_OWN: Final = ["declaring", "answering", "agreeing"]

_WAITING: Final = """
    WITH seen AS MATERIALIZED ({seen}), contract AS MATERIALIZED (
        SELECT seen.*, c.ends_on, k.state, c.cpam_id, c.ars_id, c.signed_on
          FROM seen
          JOIN contracts_contract AS c ON c.case_ptr_id = seen.id
          JOIN workflow_case AS k ON k.id = seen.id
    ), due AS (
        SELECT contract.id, sum(line.amount) AS amount, min(line.due_on) AS since
          FROM contract
          JOIN contracts_schedule AS schedule
            ON schedule.contract_id = contract.id AND schedule.is_current
          JOIN contracts_scheduleline AS line
            ON line.schedule_id = schedule.id AND line.due_on <= %(today)s AND NOT line.is_ceiling
         GROUP BY contract.id
    ), paid AS (
        SELECT contract.id, sum(payment.amount) AS amount
          FROM contract
          JOIN contracts_payment AS payment
            ON payment.contract_id = contract.id AND payment.cancelled_at IS NULL
         GROUP BY contract.id
    ), told AS (
        SELECT contract.*, coalesce(due.amount, 0) - coalesce(paid.amount, 0) AS remaining,
               contract.state = 'draft' AS is_prepared, round.public_id AS round,
               dialogue.year AS dialogue
          FROM contract
          LEFT JOIN due ON due.id = contract.id
          LEFT JOIN paid ON paid.id = contract.id
          LEFT JOIN LATERAL (
                   SELECT r.public_id
                     FROM contracts_signinground AS r
                     JOIN contracts_roundsigner AS s ON s.round_id = r.id AND s.party = %(party)s
                    WHERE r.contract_id = contract.id AND r.state = 'open'
                      AND NOT EXISTS (SELECT FROM contracts_roundsignature AS done
                                       WHERE done.signer_id = s.id)
                    ORDER BY r.id LIMIT 1
               ) AS round ON true
          LEFT JOIN LATERAL (
                   SELECT d.year FROM contracts_yearlydialogue AS d
                    WHERE d.contract_id = contract.id AND d.state = ANY(%(states)s)
                    ORDER BY d.year LIMIT 1
               ) AS dialogue ON true
    )
"""
_COUNTS: Final = f"""{_WAITING}
    SELECT count(*) FILTER (WHERE is_prepared), count(*) FILTER (WHERE round IS NOT NULL),
           count(*) FILTER (WHERE remaining > 0 AND %(pays)s),
           count(*) FILTER (WHERE dialogue IS NOT NULL), count(*)
      FROM told
"""  # noqa: S608 - our own text
_LISTED: Final = f"""{_WAITING}
    SELECT public_id, reference, title, state, size_class, ends_on, remaining, round, dialogue,
           count(*) OVER ()
      FROM told
     WHERE CASE %(view)s WHEN 'a-preparer' THEN is_prepared
                         WHEN 'a-signer' THEN round IS NOT NULL
                         WHEN 'a-payer' THEN remaining > 0
                         WHEN 'a-revoir' THEN dialogue IS NOT NULL
                         ELSE true END
     ORDER BY CASE WHEN %(view)s = 'a-payer' THEN -remaining ELSE 0 END, title, id
     LIMIT %(count)s OFFSET %(start)s
"""  # noqa: S608 - our own text


def party_of(user: User) -> str:
    """The party in whose name the person reads contracts."""
    if user.acting is None:
        return terms.CPTS
    return terms.CPAM if user.acting.organisation.kind == Organisation.Kind.CPAM else terms.ARS


def _given(user: User, today: date) -> dict[str, Any]:
    party = party_of(user)
    return {
        "today": today,
        "party": party,
        "states": _OWN if party == terms.CPTS else _THEIRS,
        "pays": party != terms.CPTS,
    }


def counts(user: User, today: date) -> dict[str, int]:
    """How many contracts each list holds, in one query."""
    found = run_seen(_COUNTS, user, **_given(user, today))[0]
    return dict(zip(VIEWS, found, strict=True))


@dataclass(frozen=True)
class Waiting:
    """A contract of a list: what waits, and the page where it is done."""

    public_id: UUID
    reference: str
    title: str
    state: StateLabel
    size: str
    ends_on: date | None
    what: str
    url: str
    total: int


def read_waiting(
    user: User, view: str, today: date, page: str | None
) -> tuple[list[Waiting], Page[Any]]:
    """A page of a list, in one query."""

    def read(start: int, count: int) -> list[Waiting]:
        given = {**_given(user, today), "view": view, "start": start, "count": count}
        return [_waiting(view, row) for row in run_seen(_LISTED, user, **given)]

    return page_of(read, page, PAGE_SIZE)


def _waiting(view: str, row: tuple[Any, ...]) -> Waiting:
    public_id, reference, title, state, size, ends_on, left, signing, dialogue, total = row
    what, url = _signing_or_dialogue(view, public_id, signing, dialogue)
    if not url:
        what, url = _state_or_money(view, public_id, state, left)
    if not url:
        what = f"Jusqu’au {day(ends_on)}" if ends_on else ""
        url = reverse("contract-desk:contract", args=[public_id])
    label = state_label(state, Reader.OFFICE)
    return Waiting(public_id, reference or "", title, label, size, ends_on, what, url, total)


def _signing_or_dialogue(
    view: str, public_id: UUID, signing: UUID | None, dialogue: int | None
) -> tuple[str, str]:
    """What waits for the party, and its page; nothing when neither does."""
    if signing and view in {SIGN, ALL}:
        return "Un document attend la signature de votre partie", reverse(
            "contracts:round", args=[public_id, signing]
        )
    if dialogue and view in {REVIEW, ALL}:
        return f"Dialogue de l’année {dialogue}, à votre partie", reverse(
            "contracts:dialogue", args=[public_id, dialogue]
        )
    return "", ""


def _state_or_money(view: str, public_id: UUID, state: str, left: Decimal) -> tuple[str, str]:
    if state in {CaseState.DRAFT, CaseState.TO_SIGN}:
        said = "À négocier" if state == CaseState.DRAFT else "Figé, en cours de signature"
        return said, reverse("contracts:draft", args=[public_id])
    if left > 0 and view in {PAY, ALL}:
        return f"{euros(left)} échus à payer", reverse("contracts:money", args=[public_id])
    return "", ""


def to_open(user: User) -> list[CommunityStage]:
    """The recognised CPTS of the perimeter that have no contract yet, the oldest first."""
    acting = user.acting
    if acting is None or acting.organisation.kind not in {"ars", "ars_branch", "cpam"}:
        return []
    under_way = [CaseState.DRAFT, CaseState.TO_SIGN, CaseState.ACCEPTED]
    known = Contract.objects.filter(state__in=under_way).values("community")
    stages = CommunityStage.objects.open().filter(
        kind=CommunityStage.Kind.CONTRACT, community__region=acting.organisation.region_id
    )
    if department := acting.department_id or acting.organisation.department_id:
        stages = stages.filter(
            Q(community__territories__territory__communes__department=department),
            community__territories__valid_to__isnull=True,
        ).distinct()
    found = stages.exclude(community__in=known).select_related("community")
    return list(found.defer("carried").order_by("opened_on", "pk")[:MOST_TO_OPEN])
