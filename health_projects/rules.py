"""What only a health project allows; the rest is `writing.rules`. They import no model."""

from typing import TYPE_CHECKING

from writing import rules as written
from writing.rules import may_edit, may_write_something

if TYPE_CHECKING:
    from accounts.models import User
    from health_projects.models import HealthProject


__all__ = ["can_be_frozen", "can_be_taken_back", "may_edit", "may_freeze", "may_write_something"]


def may_freeze(project: "HealthProject", user: "User | None") -> bool:
    """Who deposits freezes what is to be signed before."""
    return written.may_deposit(project, user)


def can_be_frozen(project: "HealthProject") -> bool:
    """Nothing is missing in what the members would read."""
    return not project.missing_for("freeze_version")


def can_be_taken_back(project: "HealthProject") -> bool:
    """The law still lets a validation by silence be withdrawn, and nothing rests on it."""
    return not project.missing_for("withdraw_silence")
