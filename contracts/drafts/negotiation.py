"""What the parties say of a draft: threads on its sections, and sections proposed to the others."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.utils import timezone

from accounts.models import User
from contracts import rules
from contracts.drafts.drafting import check_ticked, check_writes, locked_draft, write_version
from contracts.models import (
    Draft,
    DraftProposal,
    DraftRemark,
    DraftThread,
)
from contracts.terms import (
    FIELDS_OF,
    SECTIONS,
    ContractTerms,
    Row,
    difference,
    from_data,
    to_data,
    with_section,
)
from cpts_portal.words import NBSP
from outbox.services import publish
from workflow.services import ActionRefusedError, already_done_by

LONGEST_REMARK: Final = 2_000
LONGEST_REASON: Final = 500
State = DraftProposal.State


# --- Threads --------------------------------------------------------------------------------------


def _text(text: str, longest: int, what: str) -> str:
    text = text.replace("\x00", "").strip()
    if not text:
        raise ActionRefusedError(f"{what} est vide : écrivez-le avant de l’envoyer.")
    if len(text) > longest:
        raise ActionRefusedError(
            f"{what} compte {len(text)} caractères, la limite est de {longest} : raccourcissez-le."
        )
    return text


@transaction.atomic
def open_thread(draft: Draft, section: str, text: str, *, by: User, line: str = "") -> DraftThread:
    """Say something of a section, or of one line of it, to the other parties.

    Raises PermissionDenied, or ActionRefusedError for an empty or too long message.
    """
    draft = locked_draft(draft)
    party = check_writes(draft, by)
    if section not in SECTIONS:
        raise ActionRefusedError("Cette partie du contrat n’existe pas : rechargez la page.")
    thread = DraftThread.objects.create(draft=draft, section=section, line=line[:300])
    _remark(thread, text, party, by)
    return thread


@transaction.atomic
def answer_thread(thread: DraftThread, text: str, *, by: User) -> DraftRemark:
    """Answer in a thread; one that was settled opens again. Raises as `open_thread` does."""
    draft = locked_draft(thread.draft)
    party = check_writes(draft, by)
    DraftThread.objects.filter(pk=thread.pk).update(resolved_at=None, resolved_by=None)
    return _remark(thread, text, party, by)


def _remark(thread: DraftThread, text: str, party: str, by: User) -> DraftRemark:
    said = _text(text, LONGEST_REMARK, "Le message")
    remark = DraftRemark.objects.create(thread=thread, party=party, text=said, by=by)
    publish("contracts.remark_written", key=str(remark.pk), remark_id=remark.pk)
    return remark


@transaction.atomic
def settle_thread(thread: DraftThread, *, by: User) -> None:
    """Say that a thread is settled; settled twice, the first one stands. Raises as above."""
    check_writes(locked_draft(thread.draft), by)
    DraftThread.objects.filter(pk=thread.pk, resolved_at=None).update(
        resolved_at=timezone.now(), resolved_by=by
    )


# --- Proposals ------------------------------------------------------------------------------------


@transaction.atomic
def propose_section(
    draft: Draft, section: str, asked: ContractTerms, *, by: User, base_revision: int, reason: str
) -> DraftProposal:
    """Propose a section to the others without changing the draft.

    Raises PermissionDenied, or ActionRefusedError for a proposal that changes nothing.
    """
    draft = locked_draft(draft)
    party = check_writes(draft, by)
    check_ticked(draft, section)
    now = draft.says
    if with_section(now, section, asked) == now:
        raise ActionRefusedError(
            "La proposition dit la même chose que le projet : changez d’abord ce que vous proposez."
        )
    data = to_data(asked)
    proposal = DraftProposal.objects.create(
        draft=draft,
        section=section,
        terms={name: data[name] for name in FIELDS_OF[section]},
        revision=base_revision,
        reason=reason.replace("\x00", "").strip()[:LONGEST_REASON],
        party=party,
        by=by,
    )
    publish("contracts.section_proposed", key=str(proposal.pk), proposal_id=proposal.pk)
    return proposal


@transaction.atomic
def accept_proposal(proposal: DraftProposal, *, by: User) -> Draft:
    """Another party takes the proposed section into the draft, which clears the agreements.

    Raises PermissionDenied to the party that proposed, ActionRefusedError when the section has
    changed since, AlreadyDoneError when it was answered already.
    """
    proposal, draft, party = _to_answer(proposal, by)
    if party == proposal.party:
        raise PermissionDenied("Une autre partie que celle qui propose accepte la proposition.")
    since = draft.versions.filter(
        number__gt=proposal.revision, sections__contains=[proposal.section]
    )
    if since.exists():
        raise ActionRefusedError(
            f"«{NBSP}{SECTIONS[proposal.section]}{NBSP}» a changé depuis cette proposition : "
            "l’accepter effacerait ce changement. Écartez-la, ou demandez-en une nouvelle."
        )
    _answer(proposal, State.ACCEPTED, by)
    wanted = with_section(draft.says, proposal.section, from_data(proposal.terms))
    note = f"Proposition de {_whose(proposal.party)} acceptée : {SECTIONS[proposal.section]}"
    return write_version(draft, wanted, by=by, party=party, note=note)


@transaction.atomic
def decline_proposal(proposal: DraftProposal, *, by: User, answer: str = "") -> None:
    """Leave a proposal aside; its own party takes it back. Raises as `accept_proposal` does."""
    proposal, _draft, party = _to_answer(proposal, by)
    state = State.TAKEN_BACK if party == proposal.party else State.DECLINED
    _answer(proposal, state, by, answer)


def _to_answer(proposal: DraftProposal, by: User) -> tuple[DraftProposal, Draft, str]:
    draft = locked_draft(proposal.draft)
    party = check_writes(draft, by)
    found = (
        DraftProposal.objects.select_for_update(of=("self",))
        .select_related("answered_by")
        .get(pk=proposal.pk)
    )
    if found.state != State.PENDING and found.answered_at is not None:
        raise already_done_by(found.answered_by, found.answered_at)
    return found, draft, party


def _answer(proposal: DraftProposal, state: State, by: User, answer: str = "") -> None:
    proposal.state = state
    proposal.answered_at, proposal.answered_by = timezone.now(), by
    proposal.answer = answer.replace("\x00", "").strip()[:LONGEST_REASON]
    proposal.save(update_fields=["state", "answered_at", "answered_by", "answer"])
    publish("contracts.proposal_answered", key=str(proposal.pk), proposal_id=proposal.pk)


def _whose(party: str) -> str:
    return {"cpts": "la CPTS", "ars": "l’ARS", "cpam": "la CPAM"}[party]


# --- Shown ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class ShownProposal:
    """A proposal and what it would change; `is_behind`: its section has changed since."""

    proposal: DraftProposal
    party: str
    rows: tuple[Row, ...]
    is_behind: bool
    may_accept: bool
    # By the person's own party, which takes it back.
    is_mine: bool


def shown_proposals(
    draft: Draft,
    proposals: Sequence[DraftProposal],
    user: User,
    labels: dict[str, str],
) -> list[ShownProposal]:
    """The pending proposals against what the draft says now: one query."""
    if not proposals:
        return []
    now, party = draft.says, rules.party_of(draft.contract, user)
    first = min(one.revision for one in proposals)
    changed = list(draft.versions.filter(number__gt=first).values_list("number", "sections"))
    found = []
    for one in proposals:
        found_rows = difference(now, with_section(now, one.section, from_data(one.terms)), labels)
        is_behind = any(
            number > one.revision and one.section in sections for number, sections in changed
        )
        found.append(
            ShownProposal(
                one,
                _whose(one.party),
                tuple(row for each in found_rows for row in each.rows),
                is_behind,
                may_accept=bool(party) and party != one.party and not is_behind,
                is_mine=party == one.party,
            )
        )
    return found
