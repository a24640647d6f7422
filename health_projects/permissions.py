"""Who may do what with a health project, circuit by circuit: the table of the docs.

It says again, from the texts and the circuits, what `rules.py` enforces; a test compares them.
"""

from health_projects.services import KIND
from procedures.circuit import Decider, Silence
from procedures.schema import Procedure
from workflow.matrix import OWNER, PORTAL, Actor, declare_matrix
from workflow.states import CaseState

_FOLLOW = frozenset({"agent", "coordinator"})
_FOLLOW_OPINIONS = frozenset({"agent", "coordinator", "reviewer", "president"})
_OF_THE_OWNER = frozenset({"freeze_version", "deposit", "withdraw", "answer_completion"})
_OF_THE_PORTAL = frozenset({"start_consultation", "accept_tacitly"})
_OF_SIGNATORIES = frozenset({"approve_decision", "accept", "refuse", "send_back_proposal"})


def allowed(procedure: Procedure, action: str, state: str) -> set[Actor]:
    """Everyone who may do this from this state, when nothing is missing."""
    if action in _OF_THE_OWNER:
        return {OWNER}
    if not _happens(procedure, action, state):
        return set()
    if action in _OF_THE_PORTAL:
        return {PORTAL}
    office = str(procedure.addressee.kind)
    if action in _OF_SIGNATORIES:
        # The branch in charge signs for its agency; the agency alone opposes.
        bodies = procedure.circuit.decision.by if action != "refuse" else (Decider.ARS,)
        return {Actor(kind, "signatory") for kind in {one.value for one in bodies} | {office}}
    if action in {"withdraw_decision", "withdraw_silence"}:
        return {Actor(office, "coordinator"), Actor(Decider.ARS.value, "coordinator")}
    return {Actor(office, role) for role in _roles(action, state)}


def _roles(action: str, state: str) -> frozenset[str]:
    """The roles of the office in charge that examine or follow."""
    follows = state == CaseState.IN_CONSULTATION and action != "end_consultation"
    return _FOLLOW_OPINIONS if follows else _FOLLOW


def _happens(procedure: Procedure, action: str, state: str) -> bool:
    """Whether the circuit has this action at all."""
    circuit = procedure.circuit
    match action:
        case "start_consultation":
            return circuit.expects_opinions
        case "accept_tacitly" | "withdraw_silence":
            return circuit.period.silence == Silence.ACCEPTANCE
        case "take_up":
            return state != CaseState.DEPOSITED or not circuit.expects_opinions
    return True


declare_matrix(KIND, allowed)
