"""The words of a contract's states, for whoever reads them."""

from typing import TYPE_CHECKING, Final

from workflow.readers import Audience, Reader, StateLabel
from workflow.states import CaseState

if TYPE_CHECKING:
    from workflow.models import TransitionLog

_STATES: Final = {
    CaseState.DRAFT: StateLabel("En négociation", "info", "Les parties écrivent le contrat."),
    CaseState.TO_SIGN: StateLabel(
        "À signer",
        "warning",
        "Le texte est figé. Chaque partie le signe, ou le refuse en disant pourquoi.",
    ),
    CaseState.ACCEPTED: StateLabel("En vigueur", "success", "Le contrat court jusqu’à sa fin."),
    CaseState.CLOSED: StateLabel("Terminé", "", "Le contrat a pris fin ; il reste lisible."),
    CaseState.WITHDRAWN: StateLabel("Abandonné", "", "Les parties ont renoncé au contrat."),
}


def state_label(state: str, _reader: Reader) -> StateLabel:
    """« En vigueur », « Terminé »: a contract has its own words for the states of every case."""
    return _STATES.get(CaseState(state), StateLabel(CaseState(state).label, "info", ""))


# What the log says of each transition; `{actor}` is who did it. All the parties read the same.
TRANSITION_LABELS: Final = {
    "freeze_to_sign": "Contrat figé par {actor}, à signer par les parties",
    "reopen": "Projet de contrat rouvert par {actor}",
    "enter_into_force": "Contrat signé par toutes les parties",
    "withdraw": "Contrat abandonné par {actor}",
    "close": "Contrat terminé",
}


def transition_label(log: "TransitionLog", _reader: Reader) -> str:
    """The words for a line of the log. Raises KeyError for a transition this table forgot."""
    return TRANSITION_LABELS[log.transition].format(actor=log.actor or "le portail")


def transition_audience(_transition: str) -> Audience:
    return Audience.EVERYONE
