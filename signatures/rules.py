"""Who may do what in a campaign. Predicates on (community, person); no model imported.

Seeing one is `Campaign.objects.visible_to`. A signer needs no account: their link names them.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from accounts.models import User
    from communities.models import Community


def may_lead(community: "Community", user: "User") -> bool:
    """Owners prepare, open, close and cancel a campaign: they commit the CPTS."""
    return user.acting is None and community.team_role(user) == "owner"


def may_follow(community: "Community", user: "User") -> bool:
    """Owners and editors remind, correct addresses, record delegations, handle paper."""
    return user.acting is None and community.team_role(user) in {"owner", "editor"}


def is_on_team(community: "Community", user: "User") -> bool:
    return user.acting is None and community.team_role(user) is not None
