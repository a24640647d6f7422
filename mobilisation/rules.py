"""Who may do what with a questionnaire. Predicates on (questionnaire or CPTS, person).

Seeing one is `Questionnaire.objects.visible_to`. A respondent needs no account.
"""

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from accounts.models import User
    from communities.models import Community
    from mobilisation.models import Questionnaire

# Who commits an URPS: its opinions are given by the same.
APPROVERS: Final = frozenset({"president", "coordinator"})


def may_prepare(community: "Community", user: "User") -> bool:
    """Owners and editors write it, import the list, follow the answers."""
    return user.acting is None and community.team_role(user) in {"owner", "editor"}


def may_lead(community: "Community", user: "User") -> bool:
    """Owners submit it to the URPS and close it: they commit the CPTS."""
    return user.acting is None and community.team_role(user) == "owner"


def may_approve(questionnaire: "Questionnaire", user: "User") -> bool:
    """The president or a coordinator of the URPS that was asked."""
    acting = user.acting
    return (
        acting is not None
        and acting.organisation_id == questionnaire.urps_id
        and acting.role in APPROVERS
    )


def may_count(questionnaire: "Questionnaire", user: "User") -> bool:
    """The team, or anybody of the URPS, says how many professionals there are."""
    if user.acting is None:
        return may_prepare(questionnaire.community, user)
    return user.acting.organisation_id == questionnaire.urps_id
