"""Who may do what with a letter. Predicates on (letter, person); they import no model."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from accounts.models import User
    from letters.models import LetterOfIntent


def may_deposit(letter: "LetterOfIntent", user: "User") -> bool:
    """Only an owner of the CPTS deposits, in their own name."""
    return user.acting is None and letter.team_role(user) == "owner"


def may_edit(letter: "LetterOfIntent", user: "User") -> bool:
    """Owners and editors write, while the letter is a draft."""
    return (
        letter.state == "draft"
        and user.acting is None
        and letter.team_role(user) in {"owner", "editor"}
    )


def may_record_posting(letter: "LetterOfIntent", user: "User") -> bool:
    """The owner who deposited says when the paper version left."""
    return letter.is_deposited and may_deposit(letter, user)


def is_complete(letter: "LetterOfIntent") -> bool:
    """Nothing is missing: the list on the page, the button and this guard are the same."""
    return not letter.missing_for("deposit")
