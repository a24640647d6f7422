"""Who may do what with a case. Predicates on (case, person); they import no model."""

from typing import TYPE_CHECKING

from procedures import registry
from procedures.circuit import Circuit, Silence
from workflow import complement_rules, decision_rules, opinion_rules
from writing.buffer import unlocks

if TYPE_CHECKING:
    from accounts.models import User
    from writing.models import WrittenCase


def circuit(case: "WrittenCase") -> Circuit:
    """The circuit the case began with."""
    return registry.get(case.procedure_key, case.procedure_version).circuit


def may_deposit(case: "WrittenCase", user: "User | None") -> bool:
    """Only an owner of the CPTS deposits, in their own name; never the portal by itself."""
    return user is not None and user.acting is None and case.team_role(user) == "owner"


def may_edit(case: "WrittenCase", user: "User") -> bool:
    """Owners and editors write, while the case is a draft."""
    return (
        case.state == "draft"
        and user.acting is None
        and case.team_role(user) in {"owner", "editor"}
    )


def may_simulate(case: "WrittenCase", user: "User") -> bool:
    """Owners and editors try territories, at any time: nothing of the case changes."""
    return user.acting is None and case.team_role(user) in {"owner", "editor"}


def may_invite(case: "WrittenCase", user: "User") -> bool:
    """As `communities.rules.may_manage_team`, from the role that came with the case."""
    return user.acting is None and case.team_role(user) == "owner"


def may_write(case: "WrittenCase", user: "User", key: str) -> bool:
    """A field or a piece: any of them in a draft, then only those that are to be completed."""
    return may_edit(case, user) or unlocks(case, user, key)


def may_write_something(case: "WrittenCase", user: "User") -> bool:
    """A draft, or a case with something to complete: the buffer is in hand."""
    if case.buffer is None:
        return may_edit(case, user)
    return complement_rules.may_prepare_answer(case, user)


def may_record_posting(case: "WrittenCase", user: "User") -> bool:
    """The owner who deposited says when the paper version left."""
    return case.is_deposited and may_deposit(case, user)


def is_complete(case: "WrittenCase") -> bool:
    """Nothing is missing: the list on the page, the button and this guard are the same."""
    return not case.missing_for("deposit")


def may_start_consultation(case: "WrittenCase", user: "User | None") -> bool:
    """Nobody but the portal itself, where the circuit wants opinions."""
    return user is None and circuit(case).expects_opinions


def may_transmit(case: "WrittenCase", user: "User | None") -> bool:
    """Where a body sums the opinions up, its president or its coordinator hands the case over."""
    return circuit(case).synthesis is not None and opinion_rules.may_hand_over(case, user)


def may_end_consultation(case: "WrittenCase", user: "User | None") -> bool:
    """Where the office in charge examines the case itself, it closes the opinions."""
    return circuit(case).synthesis is None and opinion_rules.may_examine(case, user)


def opinions_are_in(case: "WrittenCase") -> bool:
    """No opinion is awaited any more, and what goes with them is written."""
    name = "transmit" if circuit(case).synthesis else "end_consultation"
    return not case.missing_for(name)


def may_take_up(case: "WrittenCase", user: "User | None") -> bool:
    """An agent of the office in charge; not before the opinions where the circuit wants some."""
    if case.state == "deposited" and circuit(case).expects_opinions:
        return False
    return opinion_rules.may_examine(case, user)


def has_no_instructor(case: "WrittenCase") -> bool:
    return case.instructor_id is None


def may_accept_tacitly(case: "WrittenCase", user: "User | None") -> bool:
    """Nobody but the portal itself, where the procedure says that silence accepts."""
    return user is None and circuit(case).period.silence == Silence.ACCEPTANCE


def silence_has_accepted(case: "WrittenCase") -> bool:
    """The deadline has gone by without a decision."""
    return not case.missing_for("accept_tacitly")


def is_answered(case: "WrittenCase") -> bool:
    """Each indispensable item of the open request is dealt with, and nothing in it is wrong."""
    return not case.missing_for("answer_completion")


def may_be_closed(case: "WrittenCase") -> bool:
    """A request for something indispensable was left without an answer."""
    return not case.missing_for("close")


def may_withdraw(case: "WrittenCase", user: "User | None") -> bool:
    """An owner of the CPTS, in their own name, as for the deposit."""
    return may_deposit(case, user)


# --- The decision -------------------------------------------------------------------------------


def may_propose(case: "WrittenCase", user: "User | None") -> bool:
    """Who examines the case writes the decision, changes it and takes it back."""
    return decision_rules.may_propose(case, user)


def may_sign(case: "WrittenCase", user: "User | None") -> bool:
    """A signatory of a body that decides, or the holder of a delegation in force."""
    return decision_rules.may_sign(case, user)


def may_withdraw_decision(case: "WrittenCase", user: "User | None") -> bool:
    """A coordinator of the office in charge, or of its agency."""
    return decision_rules.may_withdraw_decision(case, user)


def can_be_proposed(case: "WrittenCase") -> bool:
    """Nothing keeps the case from being decided, and the text lacks nothing."""
    return not case.missing_for("propose_decision")


def nothing_stops_a_decision(case: "WrittenCase") -> bool:
    return not case.missing_for("approve_decision")


def is_signed_to_accept(case: "WrittenCase") -> bool:
    """Every body that decides has approved the same text, which accepts."""
    return not case.missing_for("accept")


def is_signed_to_refuse(case: "WrittenCase") -> bool:
    """Every body that decides has approved the same text, which refuses."""
    return not case.missing_for("refuse")
