"""What waits for somebody in the contracts they see: to prepare, to sign, to pay, to review.

Each number opens its list. One statement counts them all and reads a page.
"""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Final, NamedTuple
from uuid import UUID

from django.core.paginator import Page
from django.db.models import Q

from accounts.models import Organisation, User
from communities.models import CommunityStage
from contracts import terms
from contracts.funding.board import PAGE_SIZE, run_seen
from contracts.labels import state_label
from contracts.models import Contract
from cpts_portal.addresses import address
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
    WITH told AS MATERIALIZED (
        SELECT seen.id, seen.title, seen.state, seen.state = 'draft' AS is_prepared,
               coalesce(debt.amount, 0) AS remaining, round.public_id AS round,
               dialogue.year AS dialogue
          FROM ({seen}) AS seen
          LEFT JOIN (
                   SELECT d.contract_id, d.amount FROM contracts_contractdebt AS d
                    WHERE d.since <= %(today)s AND (d.until IS NULL OR d.until > %(today)s)
                   OFFSET 0
               ) AS debt ON debt.contract_id = seen.id
          LEFT JOIN (
                   SELECT DISTINCT ON (r.contract_id) r.contract_id, r.public_id
                     FROM contracts_signinground AS r
                     JOIN contracts_roundsigner AS s ON s.round_id = r.id AND s.party = %(party)s
                    WHERE r.state = 'open'
                      AND NOT EXISTS (SELECT FROM contracts_roundsignature AS done
                                       WHERE done.signer_id = s.id)
                    ORDER BY r.contract_id, r.id
               ) AS round ON round.contract_id = seen.id
          LEFT JOIN (
                   SELECT d.contract_id, min(d.year) AS year
                     FROM contracts_yearlydialogue AS d
                    WHERE d.state = ANY(%(states)s)
                    GROUP BY d.contract_id
               ) AS dialogue ON dialogue.contract_id = seen.id
    ), counts AS (
        SELECT count(*) FILTER (WHERE is_prepared) AS prepared, count(round) AS signed,
               count(*) FILTER (WHERE remaining > 0 AND %(pays)s) AS paid,
               count(dialogue) AS reviewed, count(*) AS seen
          FROM told
    )
"""
_COUNTS: Final = f"{_WAITING} SELECT * FROM counts"  # noqa: S608 - our own text
# Without a list asked for, the first that holds something: it is known with the counts.
_DESK: Final = f"""{_WAITING}, chosen AS (
        SELECT CASE WHEN %(view)s::text <> '' THEN %(view)s WHEN prepared > 0 THEN 'a-preparer'
                    WHEN signed > 0 THEN 'a-signer' WHEN paid > 0 THEN 'a-payer'
                    WHEN reviewed > 0 THEN 'a-revoir' ELSE 'tous' END AS view
          FROM counts
    ), listed AS (
        SELECT told.*, row_number() OVER listing AS rank, count(*) OVER () AS total
          FROM told CROSS JOIN chosen
         WHERE CASE chosen.view WHEN 'a-preparer' THEN is_prepared
                                WHEN 'a-signer' THEN round IS NOT NULL
                                WHEN 'a-payer' THEN remaining > 0
                                WHEN 'a-revoir' THEN dialogue IS NOT NULL
                                ELSE true END
        WINDOW listing AS (
                   ORDER BY CASE WHEN chosen.view = 'a-payer' THEN -remaining ELSE 0 END, title, id
               )
         ORDER BY rank LIMIT %(count)s OFFSET %(start)s
    )
    SELECT counts.*, chosen.view, one.public_id, one.reference, one.title, one.state,
           one.size_class, one.ends_on, one.remaining, one.round, one.dialogue, one.total
      FROM counts CROSS JOIN chosen
      LEFT JOIN (
               SELECT listed.rank, k.public_id, k.reference, listed.title, listed.state,
                      k.size_class, c.ends_on, listed.remaining, listed.round, listed.dialogue,
                      listed.total
                 FROM listed
                 JOIN workflow_case AS k ON k.id = listed.id
                 JOIN contracts_contract AS c ON c.case_ptr_id = listed.id
           ) AS one ON true
     ORDER BY one.rank
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


class Desk(NamedTuple):
    """The number of each list, the one that is shown, and a page of it."""

    counts: dict[str, int]
    view: str
    rows: list[Waiting]
    page: Page[Any]


def read_desk(user: User, asked: str, today: date, page: str | None) -> Desk:
    """The lists and a page of the one asked for, else of the first that holds something: one
    query."""
    counts, view = dict.fromkeys(VIEWS, 0), ALL

    def read(start: int, count: int) -> list[Waiting]:
        nonlocal counts, view
        wanted = asked if asked in VIEWS else ""
        given = {**_given(user, today), "view": wanted, "start": start, "count": count}
        found = run_seen(_DESK, user, **given)
        counts = dict(zip(VIEWS, found[0], strict=False))
        view = found[0][len(VIEWS)]
        lines = [row[len(VIEWS) + 1 :] for row in found]
        return [_waiting(view, line) for line in lines if line[0] is not None]

    rows, shown = page_of(read, page, PAGE_SIZE)
    return Desk(counts, view, rows, shown)


def _waiting(view: str, row: tuple[Any, ...]) -> Waiting:
    public_id, reference, title, state, size, ends_on, left, signing, dialogue, total = row
    what, url = _signing_or_dialogue(view, public_id, signing, dialogue)
    if not url:
        what, url = _state_or_money(view, public_id, state, left)
    if not url:
        what = f"Jusqu’au {day(ends_on)}" if ends_on else ""
        url = address("contract-desk:contract", public_id)
    label = state_label(state, Reader.OFFICE)
    return Waiting(public_id, reference or "", title, label, size, ends_on, what, url, total)


def _signing_or_dialogue(
    view: str, public_id: UUID, signing: UUID | None, dialogue: int | None
) -> tuple[str, str]:
    """What waits for the party, and its page; nothing when neither does."""
    if signing and view in {SIGN, ALL}:
        return "Un document attend la signature de votre partie", address(
            "contracts:round", public_id, signing
        )
    if dialogue and view in {REVIEW, ALL}:
        return f"Dialogue de l’année {dialogue}, à votre partie", address(
            "contracts:dialogue", public_id, dialogue
        )
    return "", ""


def _state_or_money(view: str, public_id: UUID, state: str, left: Decimal) -> tuple[str, str]:
    if state in {CaseState.DRAFT, CaseState.TO_SIGN}:
        said = "À négocier" if state == CaseState.DRAFT else "Figé, en cours de signature"
        return said, address("contracts:draft", public_id)
    if left > 0 and view in {PAY, ALL}:
        return f"{euros(left)} échus à payer", address("contracts:money", public_id)
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
