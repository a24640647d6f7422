"""What a health project still lacks before each of its transitions, as sentences."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from workflow.complements import blocking_requests, missing_before_answer, missing_before_closing
from workflow.decisions import missing_before as missing_before_decision
from workflow.synthesis import missing_before_handover
from workflow.tacit import is_accepted_by_silence

if TYPE_CHECKING:
    from health_projects.models import HealthProject


@dataclass(frozen=True)
class Missing:
    """One thing to do: the sentence, and the step and field where to do it."""

    sentence: str
    section: str = ""
    field: str = ""


def missing_before(project: "HealthProject", transition: str) -> list[Missing]:
    """What is missing before `transition`; those of a deposit name a field."""
    match transition:
        case "freeze_version" | "deposit":
            return []
        case "end_consultation":
            sentences = missing_before_handover(project, needs_text=False)
            sentences += blocking_requests(project)
        case "accept_tacitly":
            accepted = is_accepted_by_silence(project)
            sentences = [] if accepted else ["Le délai court encore, ou est suspendu."]
        case "answer_completion":
            return [
                Missing(sentence, field=key) for key, sentence in missing_before_answer(project)
            ]
        case "close":
            sentences = missing_before_closing(project)
        case _:
            sentences = missing_before_decision(project, transition)
    return [Missing(sentence) for sentence in sentences]
