"""Who may do what in the team of a CPTS. Predicates on (community, person); no model imported.

Seeing the team is being on it, in one's own name (`Community.objects.visible_to`). What
follows is about acting.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from accounts.models import User
    from communities.models import Community, OwnershipTransfer


def is_on_team(community: "Community", user: "User") -> bool:
    return user.acting is None and community.team_role(user) is not None


def may_manage_team(community: "Community", user: "User") -> bool:
    """Owners invite, change roles, remove, and offer the ownership."""
    return user.acting is None and community.team_role(user) == "owner"


def may_answer_transfer(transfer: "OwnershipTransfer", user: "User") -> bool:
    """Only the person to whom the ownership is offered accepts or declines it."""
    return user.acting is None and transfer.to_user_id == user.pk


def may_withdraw_transfer(transfer: "OwnershipTransfer", user: "User") -> bool:
    """The owner who offered it takes the offer back."""
    return user.acting is None and transfer.from_user_id == user.pk


def may_write_legal_entity(community: "Community", user: "User") -> bool:
    """Owners and editors; a reader reads."""
    return user.acting is None and community.team_role(user) in {"owner", "editor"}
