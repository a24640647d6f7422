"""What the pages of a draft show: each section in words, what it lacks, what is said of it."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from django.db import connection
from django.db.models import prefetch_related_objects
from django.utils.safestring import SafeString

from accounts.models import User
from contracts import rules
from contracts.drafts.drafting import Agreement, agreements_of, lacks_of
from contracts.drafts.markup import lines_markup, together
from contracts.funding.ratebook import mission_labels
from contracts.models import Contract, Draft, DraftProposal, DraftThread
from contracts.terms import CPOM, SECTIONS, ContractTerms, lines_of
from cpts_portal.addresses import address
from cpts_portal.composed import ComposedObjects, Given
from workflow.states import CaseState

LINES_SHOWN: Final = 8
THREADS_SHOWN: Final = 50
# What a section says when nobody has written anything in it.
_NOTHING: Final[Mapping[str, str]] = {
    "indicators": "Aucun indicateur n’est encore choisi.",
    "clauses": "Aucune clause particulière.",
    "bank": "Aucun compte n’est encore écrit.",
    "representatives": "Personne n’est encore désigné pour signer.",
}


@dataclass(frozen=True)
class ShownSection:
    """A section on the page of the draft. `hidden`: how many lines are left for its own page."""

    key: str
    label: str
    # Rows of a list of descriptions; empty when nothing is written.
    lines: SafeString
    hidden: int
    nothing: str
    lacks: tuple[str, ...]
    remarks: int
    proposals: int
    url: str

    @property
    def state(self) -> str:
        if self.lacks:
            return "À compléter"
        return "Complet" if self.lines else "Vide"

    @property
    def tone(self) -> str:
        if self.lacks:
            return "warning"
        return "success" if self.lines else ""


@dataclass(frozen=True)
class Board:
    """The whole page of a draft, for one person."""

    draft: Draft
    party: str
    sections: tuple[ShownSection, ...]
    agreements: tuple[Agreement, ...]
    # Where to mend it, and the sentence that says what is missing.
    lacks: tuple[tuple[str, str], ...]
    writes: bool
    commits: bool
    # Whether the person's own party agrees to the version as it is.
    agrees: bool
    all_agree: bool

    @property
    def may_freeze(self) -> bool:
        return self.writes and self.commits and self.all_agree and not self.lacks


# Written by hand: each page of a draft reads it.
_WAITING: Final = """
    SELECT 'remark', section, count(*) FROM contracts_draftthread
     WHERE draft_id = %(draft)s AND resolved_at IS NULL GROUP BY section
     UNION ALL
    SELECT 'proposal', section, count(*) FROM contracts_draftproposal
     WHERE draft_id = %(draft)s AND state = 'pending' GROUP BY section
"""


def _waiting(draft: Draft) -> tuple[Counter[str], Counter[str]]:
    """By section: the threads to settle, the proposals to answer."""
    found: dict[str, Counter[str]] = {"remark": Counter(), "proposal": Counter()}
    with connection.cursor() as cursor:
        cursor.execute(_WAITING, {"draft": draft.pk})
        for what, section, count in cursor.fetchall():
            found[what][section] = count
    return found["remark"], found["proposal"]


_PENDING: Final = ComposedObjects(
    lambda: DraftProposal.objects.filter(
        draft_id=Given("draft"), section=Given("section"), state=DraftProposal.State.PENDING
    ).select_related("by")
)
_THREADS: Final = ComposedObjects(
    lambda: DraftThread.objects.filter(
        draft_id=Given("draft"), section=Given("section")
    ).select_related("resolved_by")
)


def pending_of(draft: Draft, section: str) -> list[DraftProposal]:
    """The proposals to answer in a section, the oldest first."""
    return _PENDING.objects(draft=draft.pk, section=section)


def threads_of(draft: Draft, section: str) -> list[DraftThread]:
    """What the parties say of a section, with their remarks; the oldest first."""
    found: list[DraftThread] = _THREADS.objects(
        draft=draft.pk, section=section, count=THREADS_SHOWN
    )
    prefetch_related_objects(found, "remarks__by")
    return found


def sections_of(terms: ContractTerms) -> list[str]:
    """The sections that this nature of contract has: a CPOM is of no size."""
    return [key for key in SECTIONS if not (terms.form == CPOM and key == "size")]


def read_board(contract: Contract, draft: Draft, user: User) -> Board:
    """The page of a draft, in a constant number of queries."""
    terms, labels = draft.says, mission_labels()
    is_open = draft.state == Draft.State.OPEN
    lacks = tuple(lacks_of(draft)) if is_open else ()
    remarks, proposals = _waiting(draft)
    urls = {key: address("contracts:draft-section", contract.public_id, key) for key in SECTIONS}
    party = rules.party_of(contract, user)
    agreements = tuple(agreements_of(draft))
    sections = []
    for key in sections_of(terms):
        lines = together(lines_of(terms, key, labels))
        sections.append(
            ShownSection(
                key,
                SECTIONS[key],
                lines_markup(lines[:LINES_SHOWN]),
                max(0, len(lines) - LINES_SHOWN),
                _NOTHING.get(key, "Rien n’est encore écrit."),
                tuple(one.sentence for one in lacks if one.section == key),
                remarks[key],
                proposals[key],
                urls[key],
            )
        )
    return Board(
        draft,
        party,
        tuple(sections),
        agreements,
        tuple((urls[one.section], one.sentence) for one in lacks),
        writes=is_open and contract.state == CaseState.DRAFT and bool(party),
        commits=rules.commits_as(party, contract, user),
        agrees=any(one.stands for one in agreements if one.party == party),
        all_agree=all(one.stands for one in agreements),
    )
