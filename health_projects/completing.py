"""A project that is completed: what its new version is made of."""

from typing import Final

from accounts.models import User
from health_projects.content import project_content
from health_projects.models import HealthProject
from health_projects.services import KIND
from outbox.services import publish
from workflow.effects import records
from workflow.models import TransitionLog
from workflow.services import clock_of
from writing.completing import freeze_the_answer, take_the_answer

# Kept with the CPTS, on pages that no request unlocks: asked for, they are read again.
_OF_THE_CPTS: Final = frozenset({"legal_entity", "members"})


@records(KIND, "answer_completion")
def deposit_the_answer(project: HealthProject, *, log: TransitionLog, actor: User) -> None:
    """Make what was prepared the project's own, freeze it as a new version, tell the office."""
    answered = take_the_answer(project, actor=actor)
    # The clock goes on from the answer: the letter to the team says until when.
    answered["silence_date"] = clock_of(project).deadline
    completed = [
        item["key"] for item in answered["items"] if item["changed"] or item["key"] in _OF_THE_CPTS
    ]
    content = project_content(project, completed=completed) | {"completion": answered}
    freeze_the_answer(project, content, actor=actor)
    publish("health_projects.completed", key=f"{project.pk}:{project.version}", log_id=log.pk)
