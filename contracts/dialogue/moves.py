"""The whole state machine of a yearly dialogue, and the one door through which it moves."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from django.core.exceptions import PermissionDenied
from django.db import transaction

from accounts.models import User
from contracts import rules
from contracts.models import Contract, DialogueLog, YearlyDialogue
from contracts.terms import ARS, CPAM, CPTS
from outbox.services import publish
from workflow.models import Case
from workflow.services import (
    ActionRefusedError,
    AlreadyDoneError,
    IncompleteError,
    already_done_by,
)

State = YearlyDialogue.State
LONGEST_COMMENT: Final = 2_000
MOVED: Final = "contracts.dialogue_moved"

Guard = Callable[[YearlyDialogue], list[str]]


def _nothing(_dialogue: YearlyDialogue) -> list[str]:
    return []


@dataclass(frozen=True)
class Move:
    """A way from a state to the next. `parties`: who takes it; none: it follows from something
    else. `asks_why`: whoever takes it says why, and the others read it."""

    source: State
    target: State
    label: str
    parties: frozenset[str] = field(default_factory=frozenset)
    asks_why: bool = False


_REVIEWERS: Final = frozenset({ARS, CPAM})
_ALL: Final = frozenset({CPTS, ARS, CPAM})

MOVES: Final[dict[str, Move]] = {
    "submit": Move(
        State.DECLARING, State.REVIEWING, "Déclaration transmise à l’ARS et à la CPAM",
        frozenset({CPTS}),
    ),
    "send_back": Move(
        State.REVIEWING, State.DECLARING, "Déclaration renvoyée à la CPTS", _REVIEWERS,
        asks_why=True,
    ),
    "contest": Move(State.REVIEWING, State.ANSWERING, "Examen terminé, des résultats contestés"),
    "accept": Move(State.REVIEWING, State.CONCLUDING, "Examen terminé, rien de contesté"),
    "answer": Move(
        State.ANSWERING, State.CONCLUDING, "Réponses de la CPTS transmises", frozenset({CPTS})
    ),
    "lapse": Move(State.ANSWERING, State.CONCLUDING, "Délai de réponse passé"),
    "propose": Move(
        State.CONCLUDING, State.AGREEING, "Conclusion proposée aux parties", _REVIEWERS
    ),
    "take_back": Move(
        State.AGREEING, State.CONCLUDING, "Conclusion reprise", _ALL, asks_why=True
    ),
    "freeze": Move(
        State.AGREEING, State.SIGNING, "Conclusion acceptée par toutes les parties"
    ),
    "reopen": Move(State.SIGNING, State.CONCLUDING, "Compte rendu refusé, conclusion reprise"),
    "close": Move(State.SIGNING, State.CLOSED, "Compte rendu signé, dialogue clos"),
}  # fmt: skip

_guards: dict[str, Guard] = {}


def guard(name: str) -> Callable[[Guard], Guard]:
    """Say what must not be missing before a move: sentences, none when it may be taken."""

    def register(function: Guard) -> Guard:
        _guards[name] = function
        return function

    return register


def party_of(dialogue: YearlyDialogue, user: User | None) -> str:
    """The party in whose name the person acts on this dialogue; empty for nobody."""
    return rules.party_of(dialogue.contract, user)


def may(dialogue: YearlyDialogue, name: str, user: User | None) -> bool:
    """Whether the person may take a move by hand now."""
    move = MOVES[name]
    return dialogue.state == move.source and party_of(dialogue, user) in move.parties


def missing_for(dialogue: YearlyDialogue, name: str) -> list[str]:
    return _guards.get(name, _nothing)(dialogue)


def locked(dialogue: YearlyDialogue) -> YearlyDialogue:
    """The dialogue under its contract's lock: whoever signs takes that one first, too."""
    Case.objects.select_for_update().get(pk=dialogue.contract_id)
    return (
        YearlyDialogue.objects.select_for_update(of=("self",))
        .select_related("contract__community", "contract__cpam", "contract__ars")
        .get(pk=dialogue.pk)
    )


def perform(
    dialogue: YearlyDialogue,
    name: str,
    *,
    actor: User | None,
    comment: str = "",
    follows: bool = False,
    **changes: Any,
) -> DialogueLog:
    """Move a dialogue: lock, rights, guards, log; who is told leaves with the outbox.

    `follows`: the move comes from something else that was checked (the last review, the last
    agreement, the end of a round). `changes` are fields written with the new state.

    Raises PermissionDenied, AlreadyDoneError, IncompleteError, and ActionRefusedError without the
    reason that is asked for.
    """
    move = MOVES[name]
    with transaction.atomic():
        current = locked(dialogue)
        if current.state != move.source:
            raise already_done(current)
        party = party_of(current, actor)
        if not follows and (not move.parties or party not in move.parties):
            raise PermissionDenied(name)
        comment = comment.replace("\0", "").strip()
        if move.asks_why and not comment:
            raise ActionRefusedError("Écrivez pourquoi : les autres parties liront ce motif.")
        if len(comment) > LONGEST_COMMENT:
            raise ActionRefusedError(
                f"Le motif dépasse {LONGEST_COMMENT} signes : raccourcissez-le."
            )
        if missing := missing_for(current, name):
            raise IncompleteError(missing)
        before, current.state = current.state, move.target
        for key, value in changes.items():
            setattr(current, key, value)
        current.save()
        log = DialogueLog.objects.create(
            dialogue=current,
            move=name,
            from_state=before,
            to_state=move.target,
            actor=actor,
            party=party,
            comment=comment,
        )
        publish(MOVED, key=str(log.pk), log_id=log.pk)
    dialogue.__dict__.update(current.__dict__)
    return log


def already_done(dialogue: YearlyDialogue) -> AlreadyDoneError:
    """What to tell a person whom another has forestalled."""
    last = dialogue.logs.select_related("actor").last()
    if last is None:
        return AlreadyDoneError("Le dialogue vient d’être ouvert : rechargez la page.")
    return already_done_by(last.actor, last.at)


def reviewers_of(contract: Contract) -> list[str]:
    """The parties that review what the CPTS declares: the agency, and the fund where there is
    one."""
    return [CPAM, ARS] if contract.cpam_id else [ARS]


def parties_of(contract: Contract) -> list[str]:
    return [CPTS, *reviewers_of(contract)]
