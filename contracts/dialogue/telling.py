"""What is awaited in a dialogue, in words, and the mails to those who are awaited."""

from collections.abc import Collection, Mapping
from typing import Final

from django.urls import reverse

from contracts.dialogue.dialogues import State
from contracts.dialogue.moves import MOVED, MOVES, parties_of
from contracts.models import DialogueLog, YearlyDialogue
from contracts.party_mails import tell_parties
from contracts.terms import ARS, CPAM, CPTS
from cpts_portal.words import day
from outbox.registry import handles

# Who is told of the state a dialogue reaches; the others read it on its page.
_TOLD: Final[Mapping[str, Collection[str]]] = {
    State.DECLARING: (CPTS, ARS, CPAM),
    State.REVIEWING: (ARS, CPAM),
    State.ANSWERING: (CPTS,),
    State.CONCLUDING: (ARS, CPAM),
    State.AGREEING: (CPTS, ARS, CPAM),
    State.CLOSED: (CPTS, ARS, CPAM),
}
NEXT_STEPS: Final[Mapping[str, str]] = {
    State.DECLARING: "La CPTS déclare ses résultats et ses dépenses, puis les transmet.",
    State.REVIEWING: "L’ARS et la CPAM examinent chaque résultat, chacune de son côté.",
    State.ANSWERING: "La CPTS répond à ce qui est contesté.",
    State.CONCLUDING: "L’ARS ou la CPAM écrit les valeurs retenues et les propose aux parties.",
    State.AGREEING: "Chaque partie accepte la conclusion, ou la reprend en disant pourquoi.",
    State.SIGNING: "Les parties signent le compte rendu.",
    State.CLOSED: "La part variable est inscrite à l’échéancier.",
}


def next_step(dialogue: YearlyDialogue) -> str:
    """What is awaited, in a sentence."""
    said = NEXT_STEPS[dialogue.state]
    if dialogue.state == State.ANSWERING and dialogue.answer_by:
        return f"{said[:-1]}, au plus tard le {day(dialogue.answer_by)}."
    return said


def label_of(log: DialogueLog) -> str:
    """What a line of the log says."""
    return MOVES[log.move].label if log.move in MOVES else "Dialogue ouvert"


@handles(MOVED)
def tell_move(*, log_id: int) -> None:
    """Tell the parties whose turn has come, unless the dialogue has moved on since."""
    log = DialogueLog.objects.select_related(
        "dialogue__contract__community", "dialogue__contract__cpam", "dialogue__contract__ars"
    ).get(pk=log_id)
    dialogue = log.dialogue
    if dialogue.state != log.to_state or log.to_state not in _TOLD:
        return
    contract = dialogue.contract
    tell_parties(
        contract,
        "dialogue",
        key=f"dialogue:{log.pk}",
        template="contracts/dialogue_moved",
        context={
            "year": dialogue.year,
            "happened": label_of(log),
            "next": next_step(dialogue),
            "comment": log.comment,
        },
        path=reverse("contracts:dialogue", args=[contract.public_id, dialogue.year]),
        parties=[one for one in parties_of(contract) if one in _TOLD[log.to_state]],
    )
