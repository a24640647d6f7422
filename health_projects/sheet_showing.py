"""An action sheet in words, for pages and documents."""

from dataclasses import dataclass
from typing import Final

from cpts_portal.words import day
from health_projects.models import ActionSheet, SheetActor
from health_projects.sheet_writing import day_or_none
from health_projects.sheets import Data

_LINES: Final = dict(SheetActor.Line.choices)
_ISSUES: Final = dict(ActionSheet.IssueKind.choices)


@dataclass(frozen=True)
class ShownActor:
    who: str
    what: str
    line: str
    role: str

    @property
    def said(self) -> str:
        """« Claire Fabre, médecin »."""
        return f"{self.who}, {_inside(self.what)}" if self.what else self.who


@dataclass(frozen=True)
class Shown:
    """A sheet as pages and documents read it."""

    uid: str
    number: int
    label: str
    missions: tuple[str, ...]
    themes: tuple[str, ...]
    coordinator: str
    dates: str
    actors: tuple[ShownActor, ...]
    # Each text under its heading, as paragraphs of lines; empty for what is not written.
    before: tuple[tuple[str, list[list[str]]], ...]
    after: tuple[tuple[str, list[list[str]]], ...]


def show(data: Data, *, public: bool = False) -> Shown:
    """A sheet to read, from its data. `public`: without the name of any person."""
    issue = _ISSUES.get(data["issue_kind"], "")
    issues = [[issue]] if issue else []
    coordinator = data["coordinator"]
    return Shown(
        uid=data["uid"],
        number=data["number"],
        label=data["label"],
        missions=tuple(one["label"] for one in data["missions"]),
        themes=tuple(one["label"] for one in data["themes"]),
        coordinator=_said(coordinator, public=public) if coordinator else "",
        dates=_dates(data),
        actors=tuple(
            ShownActor(
                who=(actor["what"] or "Partenaire") if public else actor["name"],
                what="" if public else actor["what"],
                line=_LINES.get(actor["line"], ""),
                role=actor["role"],
            )
            for actor in data["actors"]
        ),
        before=(
            ("Problématique", issues + _paragraphs(data["issue"])),
            ("Objectif général", _paragraphs(data["general_objective"])),
            ("Objectifs spécifiques", _paragraphs(data["specific_objectives"])),
            ("Actions", _paragraphs(data["actions"])),
        ),
        after=(
            ("Calendrier", _paragraphs(data["calendar"])),
            ("Critères d’évaluation", _paragraphs(data["evaluation"])),
            ("Moyens", _paragraphs(data["means"])),
        ),
    )


def _said(person: Data, *, public: bool) -> str:
    if public:
        return str(person["what"])
    name, what = str(person["name"]), str(person["what"])
    return f"{name}, {_inside(what)}" if what else name


def _inside(what: str) -> str:
    """A profession or a nature inside a sentence: « médecin », but « EHPAD »."""
    return what if what[:2].isupper() else what[:1].lower() + what[1:]


def _dates(data: Data) -> str:
    starts, ends = day_or_none(data["starts_on"]), day_or_none(data["ends_on"])
    if starts and ends:
        return f"du {day(starts)} au {day(ends)}"
    if starts:
        return f"à partir du {day(starts)}"
    return f"jusqu’au {day(ends)}" if ends else ""


def _paragraphs(text: str) -> list[list[str]]:
    """The paragraphs a person wrote, each as its lines."""
    blocks = text.replace("\r\n", "\n").strip().split("\n\n")
    return [
        lines
        for block in blocks
        if (lines := [line.strip() for line in block.split("\n") if line.strip()])
    ]
