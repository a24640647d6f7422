"""The words of a contract's states, for whoever reads them."""

from typing import TYPE_CHECKING, Final

from workflow.readers import Reader, StateLabel
from workflow.states import CaseState

if TYPE_CHECKING:
    from workflow.models import TransitionLog

_STATES: Final = {
    CaseState.DRAFT: StateLabel("En négociation", "info", "Les parties écrivent le contrat."),
    CaseState.ACCEPTED: StateLabel("En vigueur", "success", "Le contrat court jusqu’à sa fin."),
    CaseState.CLOSED: StateLabel("Terminé", "", "Le contrat a pris fin ; il reste lisible."),
    CaseState.WITHDRAWN: StateLabel("Abandonné", "", "Les parties ont renoncé au contrat."),
}


def state_label(state: str, _reader: Reader) -> StateLabel:
    """« En vigueur », « Terminé »: a contract has its own words for the states of every case."""
    return _STATES.get(CaseState(state), StateLabel(CaseState(state).label, "info", ""))


def transition_label(_log: "TransitionLog", _reader: Reader) -> str:
    return "Contrat modifié"
