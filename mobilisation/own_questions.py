"""The questions a lead adds to those of the region: few, and of few kinds."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from procedures.questionnaires import Option, Question, QuestionKind

MOST_QUESTIONS: Final = 5
MOST_CHOICES: Final = 12
LONGEST_LABEL: Final = 200
LONGEST_CHOICE: Final = 100
KINDS: Final[dict[str, str]] = {
    QuestionKind.TEXT: "Une réponse écrite",
    QuestionKind.CHOICE: "Un choix dans une liste",
    QuestionKind.SEVERAL: "Plusieurs choix dans une liste",
}


def read_questions(stored: Iterable[Mapping[str, Any]]) -> tuple[Question, ...]:
    """The questions a questionnaire keeps."""
    return tuple(
        Question(
            one["key"],
            QuestionKind(one["kind"]),
            one["label"],
            choices=tuple(Option(key, label) for key, label in one["choices"]),
        )
        for one in stored
    )


def as_stored(typed: Iterable[tuple[str, str, str]]) -> list[dict[str, Any]]:
    """What is kept of (label, kind, one choice a line); a question without label is left out."""
    stored = []
    for rank, (label, kind, lines) in enumerate(typed, start=1):
        if not label.strip():
            continue
        choices = [] if kind == QuestionKind.TEXT else choices_in(lines)
        stored.append(
            {
                "key": f"own_{rank}",
                "kind": kind,
                "label": " ".join(label.split()),
                "choices": [[f"choice_{at}", one] for at, one in enumerate(choices, start=1)],
            }
        )
    return stored


def choices_in(lines: str) -> list[str]:
    """The choices of a text with one on each line, each once."""
    found = (" ".join(line.split()) for line in lines.splitlines())
    return list(dict.fromkeys(one for one in found if one))
