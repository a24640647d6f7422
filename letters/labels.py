"""What each state of a letter is called, and what comes next, in the words of each reader.

The machine's own label of a state says where the case stands; the people who look at it
need to know what that means for them. Texts only: who the reader is comes from `reader_of`.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from workflow.states import CaseState

if TYPE_CHECKING:
    from accounts.models import User
    from workflow.models import Case, TransitionLog


class Reader(StrEnum):
    """From where a person looks at a letter."""

    LEAD = "lead"  # on the team of the CPTS, in their own name
    OFFICE = "office"  # in a role of the organisation in charge
    INFORMED = "informed"  # in a role of an organisation that sees it as well


@dataclass(frozen=True)
class StateLabel:
    """A state for one reader: its name, its tone on screen, and what comes next."""

    label: str
    # One of the tones of `components/badge.html`; the words never depend on it.
    tone: str
    next_step: str


_DRAFT = StateLabel(
    "Brouillon, non transmis",
    "new",
    "Seule votre équipe voit cette lettre. Elle partira quand un responsable l’aura déposée.",
)

STATE_LABELS: Final[dict[str, dict[Reader, StateLabel]]] = {
    # A draft is on no desk: its only readers are on the team.
    CaseState.DRAFT: dict.fromkeys(Reader, _DRAFT),
    CaseState.DEPOSITED: {
        Reader.LEAD: StateLabel(
            "Déposée",
            "success",
            "Votre lettre est sur le bureau qui l’examine. Vous n’avez rien à faire à ce stade.",
        ),
        Reader.OFFICE: StateLabel(
            "À examiner",
            "info",
            "Votre organisme est en charge de cette lettre. Lisez-la avec ses pièces jointes.",
        ),
        Reader.INFORMED: StateLabel(
            "Déposée",
            "",
            "Votre organisme est informé de cette lettre ; un autre bureau en a la charge.",
        ),
    },
}

# What the log says of each transition, in the words of each reader; `{actor}` is who did it.
TRANSITION_LABELS: Final[dict[str, dict[Reader, str]]] = {
    "deposit": {
        Reader.LEAD: "Lettre déposée par {actor}",
        Reader.OFFICE: "Lettre reçue de {actor}",
        Reader.INFORMED: "Lettre déposée par {actor}",
    },
}


def state_label(state: str, reader: Reader) -> StateLabel:
    """The words for a state. Raises KeyError for a state this table forgot."""
    return STATE_LABELS[state][reader]


def transition_label(log: "TransitionLog", reader: Reader) -> str:
    """The words for a line of the log. Raises KeyError for a transition this table forgot."""
    return TRANSITION_LABELS[log.transition][reader].format(actor=log.actor or "le portail")


def reader_of(case: "Case", user: "User") -> Reader:
    """From where this person, in the role they act in, looks at a case they may see."""
    if user.acting is None:
        return Reader.LEAD
    return Reader.OFFICE if case.office_id == user.acting.organisation_id else Reader.INFORMED
