"""Where a case stands for one person: the words of its state, and what their body has done."""

from typing import Final

from accounts.models import User
from workflow.kinds import kind_of
from workflow.models import Case
from workflow.opinion_states import ConsultationState
from workflow.readers import Reader, StateLabel
from workflow.states import CaseState

_GIVEN: Final = StateLabel(
    "Avis rendu",
    "success",
    "Votre organisme a rendu son avis. Les autres organismes répondent, puis l’ARS décide ; vous "
    "connaîtrez sa décision.",
)


def state_for(case: Case, user: User, reader: Reader) -> StateLabel:
    """The words of the state of a case; a body that has answered is not asked again.

    One query for a body while opinions are given, none for anybody else.
    """
    asks = reader == Reader.REVIEWER and case.state == CaseState.IN_CONSULTATION
    if asks and user.acting is not None:
        given = case.consultations.filter(
            body=user.acting.organisation_id, state=ConsultationState.GIVEN
        )
        if given.exists():
            return _GIVEN
    return kind_of(case).state_label(case.state, reader)
