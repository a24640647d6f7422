"""Who may change the members of a CPTS. Predicates on (community, person); no model imported.

Seeing them is being on the team, in one's own name (`Member.objects.visible_to`).
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from accounts.models import User
    from communities.models import Community


def may_manage_members(community: "Community", user: "User") -> bool:
    """Owners and editors; a reader reads."""
    return user.acting is None and community.team_role(user) in {"owner", "editor"}
