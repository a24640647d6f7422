"""The decisions on one case as a person reads them, in a constant number of queries."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from django.core.exceptions import PermissionDenied
from django.utils import timezone

from accounts.models import User
from communities.models import CommunityStage
from cpts_portal.words import long_date
from documents.models import OfficialDocument
from procedures.decisions import Outcome
from workflow import decision_rules as rules
from workflow.approving import right_to_sign
from workflow.decision_documents import DECISION, WITHDRAWAL
from workflow.decision_missing import obstacles
from workflow.decision_states import DecisionState
from workflow.decision_text import letter_context
from workflow.decisions import parties_of, standing_approvals
from workflow.models import Approval, Case, CaseDocument, Decision, DecisionParty
from workflow.services import ActionRefusedError
from workflow.states import CaseState
from workflow.withdrawing import last_day_to_withdraw, why_not_withdrawn

# What the office in charge is told before a decision can be prepared.
NOT_YET: Final = {
    CaseState.DEPOSITED: "La décision se prépare une fois le dossier pris en charge : "
    "prenez-le, ou confiez-le à un agent, depuis la page du dossier.",
    CaseState.IN_CONSULTATION: "La décision se prépare une fois les avis clos.",
    CaseState.COMPLETION_REQUESTED: "La décision se prépare une fois les compléments reçus.",
}
# Where no decision will be written, and why.
NONE_TO_COME: Final = {
    CaseState.TACITLY_ACCEPTED: "Aucune décision n’a été écrite : le silence gardé jusqu’à "
    "l’échéance vaut acceptation. L’attestation est sur la page du dossier.",
    CaseState.WITHDRAWN: "L’équipe a retiré ce dossier : aucune décision n’est attendue.",
    CaseState.CLOSED: "Ce dossier est clos sans suite : aucune décision n’est attendue.",
}
BEING_DECIDED = (CaseState.UNDER_REVIEW, CaseState.DECISION_PROPOSED)


@dataclass(frozen=True)
class PartyRow:
    """A body that decides, and its signature if it has given it."""

    organisation: str
    approval: Approval | None


@dataclass(frozen=True)
class TakenRow:
    """A decision that exists, or existed until it was withdrawn."""

    decision: Decision
    letter: dict[str, Any]
    document: OfficialDocument | None
    withdrawal: OfficialDocument | None
    # « 22 mars 2027 »: the last day it may be withdrawn.
    withdrawable_until: str
    why_not_withdrawn: str

    @property
    def opens(self) -> bool:
        """Whether the text is shown at once: a refusal, for its reasons."""
        return self.decision.outcome == Outcome.REFUSE and not self.is_withdrawn

    @property
    def is_withdrawn(self) -> bool:
        return self.decision.state == DecisionState.WITHDRAWN


@dataclass
class DecisionBoard:
    """All the page shows, already decided for this person."""

    # For those who prepare it, and for nobody else: the text, and who signed it.
    open: Decision | None = None
    letter: dict[str, Any] | None = None
    parties: list[PartyRow] = field(default_factory=list)
    obstacles: list[str] = field(default_factory=list)
    is_proposed: bool = False
    prepares: bool = False
    not_yet: str = ""
    none_to_come: str = ""
    may_propose: bool = False
    # The body the person signs for, and why they cannot now: empty when they can.
    signs_for: str = ""
    why_not: str = ""
    asks_capacity: bool = False
    capacity: str = ""
    # For whoever sees the case.
    taken: list[TakenRow] = field(default_factory=list)
    may_withdraw: bool = False
    stage: CommunityStage | None = None

    @property
    def may_sign(self) -> bool:
        return bool(self.signs_for) and not self.why_not


def read_board(case: Case, user: User, *, is_lead: bool) -> DecisionBoard:
    """What this person may read and do about the decision on a case they see."""
    board = DecisionBoard()
    seen = list(
        Decision.objects.visible_to(user)
        .filter(case=case)
        .select_related("written_by", "returned_by", "withdrawn_by")
        .prefetch_related("parties__organisation")
        .order_by("-rank")
    )
    for one in seen:
        one.case = case
    board.taken = _taken([one for one in seen if one.is_taken], case)
    board.may_withdraw = (
        bool(board.taken)
        and not board.taken[0].is_withdrawn
        and rules.may_withdraw_decision(case, user)
    )
    board.none_to_come = NONE_TO_COME.get(CaseState(case.state), "")
    if is_lead:
        opened = case.community.stages.open()
        board.stage = opened.filter(kind=CommunityStage.Kind.HEALTH_PROJECT).first()
        return board
    board.open = next((one for one in seen if one.state in BEING_WRITTEN), None)
    if case.state not in BEING_DECIDED:
        board.open = None
        if rules.may_prepare(case, user, None):
            board.not_yet = NOT_YET.get(CaseState(case.state), "")
        return board
    board.prepares = board.open is not None or rules.may_prepare(case, user, None)
    if not board.prepares:
        return board
    board.obstacles = [str(sentence) for sentence in obstacles(case)]
    board.may_propose = rules.may_propose(case, user)
    if board.open is not None and board.open.state == DecisionState.PROPOSED:
        _add_proposal(board, board.open, case, user)
    return board


BEING_WRITTEN = (DecisionState.DRAFT, DecisionState.PROPOSED)


def _add_proposal(board: DecisionBoard, decision: Decision, case: Case, user: User) -> None:
    board.is_proposed = True
    approvals = {one.party_id: one for one in standing_approvals(decision)}
    parties: Sequence[DecisionParty] = parties_of(decision)
    board.parties = [PartyRow(one.organisation.name, approvals.get(one.pk)) for one in parties]
    board.letter = letter_context(decision.text or {})
    mine = rules.party_of(parties, case, user)
    if mine is None:
        return
    given = approvals.get(mine.pk)
    if given is not None:
        board.signs_for = mine.organisation.name
        when = long_date(timezone.localdate(given.approved_at))
        board.why_not = f"{given.name} a déjà signé au nom de cet organisme, le {when}."
        return
    try:
        _party, delegation = right_to_sign(decision, case, user)
    except PermissionDenied:
        return
    except ActionRefusedError as refused:
        board.signs_for, board.why_not = mine.organisation.name, refused.message
        return
    board.signs_for = mine.organisation.name
    board.asks_capacity = delegation is None
    board.capacity = delegation.capacity if delegation else _last_capacity(user, mine)


def _last_capacity(user: User, party: DecisionParty) -> str:
    """What the person called themselves when they last signed for this body."""
    last = Approval.objects.filter(
        approved_by=user, party__organisation=party.organisation_id, delegation=None
    ).last()
    return last.capacity if last else ""


def _taken(decisions: list[Decision], case: Case) -> list[TakenRow]:
    if not decisions:
        return []
    links = CaseDocument.objects.filter(
        case_id=case.pk, kind__in=(DECISION, WITHDRAWAL), about__in=[one.pk for one in decisions]
    ).select_related("document")
    papers = {(link.kind, link.about): link.document for link in links}
    return [
        TakenRow(
            one,
            letter_context(
                (one.content or {})["text"],
                signatures=(one.content or {})["signatures"],
                decided_at=one.taken_at,
            ),
            papers.get((DECISION, one.pk)),
            papers.get((WITHDRAWAL, one.pk)),
            long_date(last_day_to_withdraw(one)),
            why_not_withdrawn(one),
        )
        for one in decisions
    ]
