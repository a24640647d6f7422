"""What of a project may be written now: all of a draft, then only what is asked to be completed."""

from typing import TYPE_CHECKING

from health_projects import rules
from workflow import complement_rules
from workflow.models import CompletionItem, CompletionRequest

if TYPE_CHECKING:
    from accounts.models import User
    from health_projects.models import HealthProject


def may_write(project: "HealthProject", user: "User", key: str) -> bool:
    """Whether this person may write the part `key` of a project now: no query for a draft."""
    if not project.is_deposited:
        return rules.may_edit(project, user)
    return complement_rules.may_prepare_answer(project, user) and is_unlocked(project, key)


def is_unlocked(project: "HealthProject", key: str) -> bool:
    """Whether an open request for complements asks for this part."""
    requests = CompletionRequest.objects.open().filter(case_id=project.pk)
    return CompletionItem.objects.filter(
        request__in=requests, key=key, lifted_at__isnull=True
    ).exists()


def reads_live(project: "HealthProject", user: "User", key: str) -> bool:
    """Whether this person reads what the team is writing, and not what was deposited."""
    if user.acting is not None or project.team_role(user) is None:
        return False
    return not project.is_deposited or is_unlocked(project, key)
