"""Who reads and writes the thread of a case. Predicates on (case, person); no model imported.

The messages themselves are filtered by `Message.objects.visible_to`: this says on which side a
person stands, and what they may do there. See docs/decisions/0007-messages.md.
"""

from typing import TYPE_CHECKING, Final

from workflow.opinion_rules import FOLLOWERS, acts_in_charge

if TYPE_CHECKING:
    from accounts.models import User
    from workflow.models import Case

# Those who can be in charge of a case: they write to teams and keep templates.
OFFICES: Final = frozenset({"ars", "ars_branch", "one_stop_desk"})
WRITERS: Final = frozenset({"owner", "editor"})


def writes_for_team(case: "Case", user: "User") -> bool:
    """Owners and editors write to the office, in their own name; readers read."""
    return case.is_deposited and user.acting is None and str(case.team_role(user)) in WRITERS


def writes_for_office(case: "Case", user: "User") -> bool:
    """Whoever follows cases in the office in charge, unless they write this one with its team."""
    return case.is_deposited and acts_in_charge(case, user, FOLLOWERS)


def may_write(case: "Case", user: "User") -> bool:
    return writes_for_team(case, user) or writes_for_office(case, user)


def reading_side(case: "Case", user: "User") -> str:
    """For which side a person's reading counts: « team », « office », or neither.

    Whoever writes the case with its team reads it as the team does, in whatever role.
    """
    if user.acting is None:
        return "team"
    if case.office_id != user.acting.organisation_id:
        return ""
    return "" if str(case.community.team_role(user)) in WRITERS else "office"


def may_manage_templates(user: "User") -> bool:
    """Agents and coordinators of an organisation that can be in charge of cases."""
    acting = user.acting
    return (
        acting is not None
        and acting.is_active
        and acting.organisation.kind in OFFICES
        and acting.role in FOLLOWERS
    )
