"""Who may do what with opinions. Predicates on (thing, person); they import no model.

A person acts for the body or the office whose role they have chosen, inside their perimeter.
Whether they still hold the role is checked again under the lock (`workflow.people`).
"""

from datetime import date
from typing import TYPE_CHECKING, Final

from procedures import registry
from workflow.kinds import declared_kinds

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser

    from accounts.models import User
    from workflow.models import Case, Consultation

# For each nature of body: who writes its opinions, and who gives them.
DRAFTERS: Final[dict[str, frozenset[str]]] = {
    "urps": frozenset({"reviewer", "president"}),
    "one_stop_desk": frozenset({"reviewer", "president"}),
    "committee": frozenset({"secretary", "president"}),
    "cpam": frozenset({"agent", "signatory"}),
    "msa": frozenset({"agent", "signatory"}),
    "ars": frozenset({"agent", "signatory"}),
    "ars_branch": frozenset({"agent", "signatory"}),
}
VALIDATORS: Final[dict[str, str]] = {
    "urps": "president",
    "one_stop_desk": "president",
    "committee": "president",
    "cpam": "signatory",
    "msa": "signatory",
    "ars": "signatory",
    "ars_branch": "signatory",
}
# The word of who gives them, as « le … » is said of them.
_VALIDATOR_WORDS: Final = {"president": "président", "signatory": "signataire"}
# In the office in charge: who follows the consultations, who examines, who hands over.
FOLLOWERS: Final = frozenset({"agent", "coordinator", "reviewer", "president"})
EXAMINERS: Final = frozenset({"agent", "coordinator"})
TRANSMITTERS: Final = frozenset({"coordinator", "president"})


def validator_word(body_kind: str) -> str:
    """Who gives the opinions of a body of this nature: « président », or « signataire »."""
    return _VALIDATOR_WORDS[VALIDATORS.get(body_kind, "president")]


def acts_in_charge(case: "Case", user: "User | None", roles: frozenset[str]) -> bool:
    """In one of these roles of the office in charge, inside one's perimeter.

    Never the portal, and nobody who writes the case with its team: they would judge themselves.
    """
    if user is None or user.acting is None:
        return False
    acting = user.acting
    return (
        acting.is_active
        and acting.organisation_id == case.office_id
        and acting.role in roles
        and acting.department_id in {None, *case.department_codes}
        and str(case.community.team_role(user)) not in {"owner", "editor"}
    )


def may_follow_consultations(case: "Case", user: "User") -> bool:
    """Ask again, give more time, stop asking, write the synthesis, choose what is communicated."""
    return acts_in_charge(case, user, FOLLOWERS)


def may_examine(case: "Case", user: "User | None") -> bool:
    return acts_in_charge(case, user, EXAMINERS)


def may_hand_over(case: "Case", user: "User | None") -> bool:
    """Transmit the synthesis to whoever examines the case."""
    return acts_in_charge(case, user, TRANSMITTERS)


def is_of_the_body(consultation: "Consultation", user: "User") -> bool:
    """Acting for the body that is asked, inside one's perimeter."""
    acting = user.acting
    return (
        acting is not None
        and acting.is_active
        and acting.organisation_id == consultation.body_id
        and acting.department_id in {None, *consultation.case.department_codes}
    )


def gives_opinions(user: "User | AnonymousUser | None") -> bool:
    """Whether the person acts for a body that some circuit asks for opinions. Costs no query."""
    acting = getattr(user, "acting", None)
    return acting is not None and acting.organisation.kind in _kinds_asked()


def _kinds_asked() -> set[str]:
    return {
        line.body.value
        for procedure in registry.all_procedures()
        if procedure.kind in declared_kinds()
        for line in procedure.circuit.consultations
        if line.is_expected
    }


def may_draft(consultation: "Consultation", user: "User") -> bool:
    """Members of the body whose role writes opinions."""
    if not is_of_the_body(consultation, user) or user.acting is None:
        return False
    return user.acting.role in DRAFTERS[user.acting.organisation.kind]


def presides(consultation: "Consultation", user: "User") -> bool:
    """Whoever gives the body's opinions by their own role."""
    if not is_of_the_body(consultation, user) or user.acting is None:
        return False
    return user.acting.role == VALIDATORS[user.acting.organisation.kind]


def may_give_mandate(body_id: int, user: "User") -> bool:
    """The president of a body chooses who validates in their place, and ends it."""
    acting = user.acting
    return (
        acting is not None
        and acting.is_active
        and acting.organisation_id == body_id
        and acting.department_id is None
        and acting.role == VALIDATORS[acting.organisation.kind]
    )


def is_in_force(valid_from: date, valid_to: date, *, revoked: bool, today: date) -> bool:
    """Whether a mandate lets its holder act on this day, both ends included."""
    return not revoked and valid_from <= today <= valid_to
