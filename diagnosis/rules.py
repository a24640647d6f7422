"""Who asks for a diagnosis and who answers. Predicates on (thing, person); no model imported."""

from typing import TYPE_CHECKING

from workflow.opinion_rules import FOLLOWERS

if TYPE_CHECKING:
    from accounts.models import User
    from communities.models import Community
    from diagnosis.models import DiagnosisRequest

WRITERS = frozenset({"owner", "editor"})
# Those that hold the figures of a territory, or can have them drawn up.
OFFICES = frozenset({"one_stop_desk", "ars_branch", "ars"})


def may_ask(community: "Community", user: "User") -> bool:
    """Owners and editors of the CPTS, in their own name."""
    return user.acting is None and str(community.team_role(user)) in WRITERS


def works_on_requests(user: "User") -> bool:
    """Acting for an organisation that receives requests: they read its list."""
    return user.acting is not None and user.acting.organisation.kind in OFFICES


def may_answer(request: "DiagnosisRequest", user: "User") -> bool:
    """Those who follow cases in the organisation it was sent to, inside their perimeter."""
    acting = user.acting
    return (
        acting is not None
        and acting.is_active
        and acting.organisation_id == request.recipient_id
        and acting.role in FOLLOWERS
        and (acting.department_id is None or acting.department_id in request.department_codes)
    )
