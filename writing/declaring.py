"""A kind of case is made known, with all that goes with its acts whatever the kind."""

from typing import Final

from workflow.clock_rules import declare_clock
from workflow.effects import Preparation, Record, prepares, records
from workflow.official import declare_readers, whoever_sees_the_case
from workflow.timeline import tells
from writing import completing, consulting, deciding, depositing
from writing.kinds import WrittenKind, remember
from writing.timeline import own_lines

_PREPARATIONS: Final[dict[str, Preparation]] = {
    "deposit": depositing.number_and_route,
    "transmit": consulting.find_who_examines,
    "answer_completion": completing.measure_again,
}
_RECORDS: Final[dict[str, Record]] = {
    "deposit": depositing.freeze_and_route,
    "start_consultation": consulting.ask_the_bodies,
    "transmit": consulting.hand_over,
    "end_consultation": consulting.close_opinions,
    "refuse": deciding.settle_refusal,
    "accept_tacitly": consulting.settle_by_silence,
    "withdraw": consulting.stop_asking,
    "answer_completion": completing.deposit_the_answer,
    "close": completing.end_without_action,
}


def declare_written(kind: WrittenKind) -> None:
    """Make a kind known: its words, its clock, its document, and what goes with each act.

    Called first in `ready()`: what the kind then registers for an act of its own (`prepares`,
    `records`) stands instead, and calls the function here that it adds to.
    """
    remember(kind)
    declare_clock(kind.kind, depositing.legal_period, page=f"{kind.namespace}:detail")
    declare_readers(kind.document, whoever_sees_the_case)
    tells(kind.kind)(own_lines)
    for transition, prepare in _PREPARATIONS.items():
        prepares(kind.kind, transition)(prepare)
    for transition, record in _RECORDS.items():
        records(kind.kind, transition)(record)
