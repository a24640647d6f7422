"""What of a project may be written now: all of a draft, then only what is asked to be completed."""

from typing import TYPE_CHECKING, Any

from django.db.models import F
from django.utils import timezone

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
    return _items(project, key).exists()


def _items(project: "HealthProject", key: str) -> Any:
    requests = CompletionRequest.objects.open().filter(case_id=project.pk)
    return CompletionItem.objects.filter(request__in=requests, key=key, lifted_at__isnull=True)


def note_change(project: "HealthProject", key: str, user: "User") -> None:
    """Note that the team has completed this part: the request counts it among its answers."""
    if project.is_deposited:
        _items(project, key).update(
            # The rows are the answer: the request only needs to know that they changed.
            value=True,
            revision=F("revision") + 1,
            updated_by=user,
            updated_at=timezone.now(),
        )


def reads_live(project: "HealthProject", user: "User", key: str) -> bool:
    """Whether this person reads what the team is writing, and not what was deposited."""
    if user.acting is not None or project.team_role(user) is None:
        return False
    return not project.is_deposited or is_unlocked(project, key)
