"""Who may do what with a health project. Predicates on (project, person); no model imported."""

from typing import TYPE_CHECKING

from procedures import registry
from procedures.circuit import Circuit, Silence
from workflow import complement_rules, decision_rules, opinion_rules

if TYPE_CHECKING:
    from accounts.models import User
    from health_projects.models import HealthProject


def circuit(project: "HealthProject") -> Circuit:
    """The circuit the project began with."""
    return registry.get(project.procedure_key, project.procedure_version).circuit


def may_deposit(project: "HealthProject", user: "User | None") -> bool:
    """Only an owner of the CPTS deposits, in their own name; never the portal by itself."""
    return user is not None and user.acting is None and project.team_role(user) == "owner"


def may_freeze(project: "HealthProject", user: "User | None") -> bool:
    """Who deposits freezes what is to be signed before."""
    return may_deposit(project, user)


def may_edit(project: "HealthProject", user: "User") -> bool:
    """Owners and editors write, while the project is a draft."""
    return (
        project.state == "draft"
        and user.acting is None
        and project.team_role(user) in {"owner", "editor"}
    )


def may_write_something(project: "HealthProject", user: "User") -> bool:
    """A draft, or a project with something to complete."""
    return may_edit(project, user) or (
        project.is_deposited and complement_rules.may_prepare_answer(project, user)
    )


def can_be_frozen(project: "HealthProject") -> bool:
    """Nothing is missing in what the members would read."""
    return not project.missing_for("freeze_version")


def is_complete(project: "HealthProject") -> bool:
    """Nothing is missing: the list on the page, the button and this guard are the same."""
    return not project.missing_for("deposit")


def may_start_consultation(project: "HealthProject", user: "User | None") -> bool:
    """Nobody but the portal itself, where the circuit wants opinions."""
    return user is None and circuit(project).expects_opinions


def may_end_consultation(project: "HealthProject", user: "User | None") -> bool:
    """The office in charge examines the project itself: it closes the opinions."""
    return opinion_rules.may_examine(project, user)


def opinions_are_in(project: "HealthProject") -> bool:
    """No opinion is awaited any more."""
    return not project.missing_for("end_consultation")


def may_take_up(project: "HealthProject", user: "User | None") -> bool:
    """An agent of the office in charge; not before the opinions where the circuit wants some."""
    if project.state == "deposited" and circuit(project).expects_opinions:
        return False
    return opinion_rules.may_examine(project, user)


def has_no_instructor(project: "HealthProject") -> bool:
    return project.instructor_id is None


def may_accept_tacitly(project: "HealthProject", user: "User | None") -> bool:
    """Nobody but the portal itself, where the procedure says that silence validates."""
    return user is None and circuit(project).period.silence == Silence.ACCEPTANCE


def silence_has_accepted(project: "HealthProject") -> bool:
    """The deadline has gone by without a decision."""
    return not project.missing_for("accept_tacitly")


def is_answered(project: "HealthProject") -> bool:
    """Each indispensable item of the open request is dealt with, and nothing in it is wrong."""
    return not project.missing_for("answer_completion")


def may_be_closed(project: "HealthProject") -> bool:
    """A request for something indispensable was left without an answer."""
    return not project.missing_for("close")


def may_withdraw(project: "HealthProject", user: "User | None") -> bool:
    """An owner of the CPTS, in their own name, as for the deposit."""
    return may_deposit(project, user)


# --- The decision -------------------------------------------------------------------------------


def may_propose(project: "HealthProject", user: "User | None") -> bool:
    """Who examines the project writes the decision, changes it and takes it back."""
    return decision_rules.may_propose(project, user)


def may_sign(project: "HealthProject", user: "User | None") -> bool:
    """A signatory of the agency, or the holder of a delegation in force."""
    return decision_rules.may_sign(project, user)


def may_withdraw_decision(project: "HealthProject", user: "User | None") -> bool:
    """A coordinator of the office in charge, or of its agency."""
    return decision_rules.may_withdraw_decision(project, user)


def can_be_proposed(project: "HealthProject") -> bool:
    """Nothing keeps the project from being decided, and the text lacks nothing."""
    return not project.missing_for("propose_decision")


def nothing_stops_a_decision(project: "HealthProject") -> bool:
    return not project.missing_for("approve_decision")


def is_signed_to_accept(project: "HealthProject") -> bool:
    """The agency has approved the text, which validates."""
    return not project.missing_for("accept")


def is_signed_to_refuse(project: "HealthProject") -> bool:
    """The agency has approved the text, which opposes."""
    return not project.missing_for("refuse")
