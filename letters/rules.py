"""Who may do what with a letter. Predicates on (letter, person); they import no model."""

from typing import TYPE_CHECKING

from letters.buffer import unlocks
from procedures import registry
from procedures.circuit import Circuit, Silence
from workflow import complement_rules, decision_rules, opinion_rules

if TYPE_CHECKING:
    from accounts.models import User
    from letters.models import LetterOfIntent


def circuit(letter: "LetterOfIntent") -> Circuit:
    """The circuit the letter began with."""
    return registry.get(letter.procedure_key, letter.procedure_version).circuit


def may_deposit(letter: "LetterOfIntent", user: "User | None") -> bool:
    """Only an owner of the CPTS deposits, in their own name; never the portal by itself."""
    return user is not None and user.acting is None and letter.team_role(user) == "owner"


def may_edit(letter: "LetterOfIntent", user: "User") -> bool:
    """Owners and editors write, while the letter is a draft."""
    return (
        letter.state == "draft"
        and user.acting is None
        and letter.team_role(user) in {"owner", "editor"}
    )


def may_simulate(letter: "LetterOfIntent", user: "User") -> bool:
    """Owners and editors try territories, at any time: nothing of the letter changes."""
    return user.acting is None and letter.team_role(user) in {"owner", "editor"}


def may_invite(letter: "LetterOfIntent", user: "User") -> bool:
    """As `communities.rules.may_manage_team`, from the role that came with the letter."""
    return user.acting is None and letter.team_role(user) == "owner"


def may_write(letter: "LetterOfIntent", user: "User", key: str) -> bool:
    """A field or a piece: any of them in a draft, then only those that are to be completed."""
    return may_edit(letter, user) or unlocks(letter, user, key)


def may_write_something(letter: "LetterOfIntent", user: "User") -> bool:
    """A draft, or a letter with something to complete: the buffer is in hand."""
    if letter.buffer is None:
        return may_edit(letter, user)
    return complement_rules.may_prepare_answer(letter, user)


def may_record_posting(letter: "LetterOfIntent", user: "User") -> bool:
    """The owner who deposited says when the paper version left."""
    return letter.is_deposited and may_deposit(letter, user)


def is_complete(letter: "LetterOfIntent") -> bool:
    """Nothing is missing: the list on the page, the button and this guard are the same."""
    return not letter.missing_for("deposit")


def may_start_consultation(letter: "LetterOfIntent", user: "User | None") -> bool:
    """Nobody but the portal itself, where the circuit wants opinions."""
    return user is None and circuit(letter).expects_opinions


def may_transmit(letter: "LetterOfIntent", user: "User | None") -> bool:
    """Where a body sums the opinions up, its president or its coordinator hands the letter over."""
    return circuit(letter).synthesis is not None and opinion_rules.may_hand_over(letter, user)


def may_end_consultation(letter: "LetterOfIntent", user: "User | None") -> bool:
    """Where the office in charge examines the letter itself, it closes the opinions."""
    return circuit(letter).synthesis is None and opinion_rules.may_examine(letter, user)


def opinions_are_in(letter: "LetterOfIntent") -> bool:
    """No opinion is awaited any more, and what goes with them is written."""
    name = "transmit" if circuit(letter).synthesis else "end_consultation"
    return not letter.missing_for(name)


def may_take_up(letter: "LetterOfIntent", user: "User | None") -> bool:
    """An agent of the office in charge; not before the opinions where the circuit wants some."""
    if letter.state == "deposited" and circuit(letter).expects_opinions:
        return False
    return opinion_rules.may_examine(letter, user)


def has_no_instructor(letter: "LetterOfIntent") -> bool:
    return letter.instructor_id is None


def may_accept_tacitly(letter: "LetterOfIntent", user: "User | None") -> bool:
    """Nobody but the portal itself, where the procedure says that silence accepts."""
    return user is None and circuit(letter).period.silence == Silence.ACCEPTANCE


def silence_has_accepted(letter: "LetterOfIntent") -> bool:
    """The deadline has gone by without a decision."""
    return not letter.missing_for("accept_tacitly")


def is_answered(letter: "LetterOfIntent") -> bool:
    """Each indispensable item of the open request is dealt with, and nothing in it is wrong."""
    return not letter.missing_for("answer_completion")


def may_be_closed(letter: "LetterOfIntent") -> bool:
    """A request for something indispensable was left without an answer."""
    return not letter.missing_for("close")


def may_withdraw(letter: "LetterOfIntent", user: "User | None") -> bool:
    """An owner of the CPTS, in their own name, as for the deposit."""
    return may_deposit(letter, user)


# --- The decision -------------------------------------------------------------------------------


def may_propose(letter: "LetterOfIntent", user: "User | None") -> bool:
    """Who examines the letter writes the decision, changes it and takes it back."""
    return decision_rules.may_propose(letter, user)


def may_sign(letter: "LetterOfIntent", user: "User | None") -> bool:
    """A signatory of a body that decides, or the holder of a delegation in force."""
    return decision_rules.may_sign(letter, user)


def may_withdraw_decision(letter: "LetterOfIntent", user: "User | None") -> bool:
    """A coordinator of the office in charge, or of its agency."""
    return decision_rules.may_withdraw_decision(letter, user)


def can_be_proposed(letter: "LetterOfIntent") -> bool:
    """Nothing keeps the letter from being decided, and the text lacks nothing."""
    return not letter.missing_for("propose_decision")


def nothing_stops_a_decision(letter: "LetterOfIntent") -> bool:
    return not letter.missing_for("approve_decision")


def is_signed_to_accept(letter: "LetterOfIntent") -> bool:
    """Every body that decides has approved the same text, which accepts."""
    return not letter.missing_for("accept")


def is_signed_to_refuse(letter: "LetterOfIntent") -> bool:
    """Every body that decides has approved the same text, which refuses."""
    return not letter.missing_for("refuse")
