"""A project that is completed: what may be asked for, and what its new version is made of."""

from typing import Final

from django.utils import timezone

from accounts.models import User
from health_projects.content import project_content
from health_projects.models import HealthProject
from health_projects.services import KIND
from outbox.services import publish
from workflow.complements import receive_answer
from workflow.effects import records
from workflow.models import TransitionLog
from workflow.services import clock_of, freeze
from writing.completing import adopt, inform_new_desks, item_as_data

# Kept with the CPTS, on pages that no request unlocks: asked for, they are read again.
_OF_THE_CPTS: Final = frozenset({"legal_entity", "members"})


@records(KIND, "answer_completion")
def deposit_the_answer(project: HealthProject, *, log: TransitionLog, actor: User) -> None:
    """Make what was prepared the project's own, freeze it as a new version, tell the office."""
    buffer = project.buffer
    if buffer is None:
        raise ValueError(f"{project} has no open request to answer.")
    items = [item_as_data(item, buffer) for item in buffer.items.values()]
    completed = [item["key"] for item in items if item["changed"] or item["key"] in _OF_THE_CPTS]
    adopt(project, buffer, actor)
    project.buffer = None
    receive_answer(project, buffer.request, actor=actor)
    due_on = buffer.request.due_on
    content = project_content(project, completed=completed) | {
        "completion": {
            "number": buffer.request.number,
            "requested_at": buffer.request.sent_at,
            "answered_at": timezone.now(),
            "account": str(actor),
            "is_late": bool(due_on and timezone.localdate() > due_on),
            "clock": clock_of(project).state,
            "silence_date": clock_of(project).deadline,
            "items": items,
        }
    }
    freeze(project, content, actor=actor)
    inform_new_desks(project)
    publish("health_projects.completed", key=f"{project.pk}:{project.version}", log_id=log.pk)
