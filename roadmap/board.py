"""Where a CPTS stands: each step with its state, who helps, and what comes next."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from django.utils import timezone

from accounts.models import Organisation
from communities.models import Community
from cpts_portal.composed import Composed, Given
from cpts_portal.words import day, the_body
from roadmap.deriving import DERIVATIONS, Facts, read_facts
from roadmap.models import StepTick
from roadmap.pages import page_of
from roadmap.reading import PHASES, Roadmap, Step, roadmap_of

# How a helper is called where the region has none of its own in the portal.
HELPERS: Final = {
    "ars": "L’agence régionale de santé",
    "ars_branch": "Le bureau départemental de l’ARS",
    "one_stop_desk": "Le Guichet",
    "urps": "Votre URPS",
    "cpam": "Votre caisse d’assurance maladie",
    "msa": "Votre caisse de la MSA",
}


@dataclass(frozen=True)
class Helper:
    """Who helps: a name, and how to reach them where the portal knows it."""

    name: str
    email: str = ""
    phone: str = ""


@dataclass(frozen=True)
class Line:
    """A step for one CPTS. `said` tells how it is known to be done; `ticked` by hand.

    `milestone`: done for the portal itself, so that what comes before it is behind.
    """

    step: Step
    done: bool
    said: str
    ticked: bool
    may_tick: bool
    helper: Helper
    link: tuple[str, str] | None
    is_next: bool = False
    milestone: bool = False


@dataclass(frozen=True)
class Stage:
    """A phase with its steps."""

    key: str
    label: str
    lines: list[Line]

    @property
    def done(self) -> int:
        return sum(line.done for line in self.lines)


@dataclass(frozen=True)
class Board:
    stages: list[Stage]
    next: Line | None
    done: int
    total: int


def read_board(community: Community, *, of_team: bool, may_tick: bool) -> Board:
    """The roadmap of a CPTS, in a constant number of queries.

    Who accompanies reads the states; the links lead to pages of the team.
    """
    facts = read_facts(community.pk)
    ticks = {
        tick.step: tick
        for tick in StepTick.objects.filter(community=community, unticked_at=None).select_related(
            "ticked_by"
        )
    }
    helpers = read_helpers(community.region_id, facts.department)
    roadmap = roadmap_of(community.region_id)
    lines = [
        _line(
            step,
            facts,
            ticks.get(step.key),
            helper=helpers[step.helper],
            link=_link(step, community, facts) if of_team else None,
            may_tick=may_tick,
        )
        for step in roadmap.steps
    ]
    return board_of(lines)


def board_of(lines: list[Line]) -> Board:
    """Put the lines in their phases, and mark the one to do next.

    It is the first that is not done after the last milestone, else the first of all: a CPTS whose
    letter is deposited is not sent back to learn what a CPTS is. What only a case could say, and
    lies behind a milestone, was done elsewhere: a contract older than the portal has no letter.
    """
    last = max((rank for rank, line in enumerate(lines) if line.milestone), default=-1)
    lines = [_behind(line) if rank < last else line for rank, line in enumerate(lines)]
    following = next((line for line in lines[last + 1 :] if not line.done), None) or next(
        (line for line in lines if not line.done), None
    )
    marked = [replace(line, is_next=True) if line is following else line for line in lines]
    stages = [
        Stage(phase.value, label, [line for line in marked if line.step.phase == phase])
        for phase, label in PHASES.items()
    ]
    return Board(
        stages=[stage for stage in stages if stage.lines],
        next=next((line for line in marked if line.is_next), None),
        done=sum(line.done for line in lines),
        total=len(lines),
    )


def _behind(line: Line) -> Line:
    derivation = DERIVATIONS.get(line.step.derived)
    if line.done or derivation is None or not (derivation.strict and derivation.milestone):
        return line
    return replace(line, done=True, said="Passée : une étape plus avancée est faite")


_HELPERS: Final = Composed(
    lambda: (
        Organisation.objects.filter(region=Given("region"), kind__in=list(HELPERS))
        .order_by("name", "pk")
        .values_list("kind", "name", "email", "phone", "department")
    )
)


def read_helpers(region_code: str, department_code: str) -> dict[str, Helper]:
    """Who helps in a region, by kind of organisation; the office of the département first."""
    found: dict[str, Helper] = {}
    near: set[str] = set()
    for kind, name, email, phone, department in _HELPERS.rows(region=region_code):
        is_near = bool(department_code) and department == department_code
        # Several URPS, several funds: none is more yours than another but the near one.
        if kind in {"urps", "cpam", "msa", "ars_branch"} and not is_near:
            continue
        if kind not in found or (is_near and kind not in near):
            found[kind] = Helper(_named(name), email, phone)
            if is_near:
                near.add(kind)
    return {
        kind: found.get(kind)
        or (found.get("ars") if kind == "ars_branch" else None)
        or Helper(name)
        for kind, name in HELPERS.items()
    }


def _link(step: Step, community: Community, facts: Facts) -> tuple[str, str] | None:
    return page_of(
        step.page,
        community.public_id,
        letter=facts.letter,
        project=facts.project,
        contract=facts.contract,
    )


def _named(name: str) -> str:
    """« Le Guichet CPTS Occitanie »: an organisation at the head of a sentence."""
    said = the_body(name)
    return f"{said[:1].upper()}{said[1:]}"


def _line(
    step: Step,
    facts: Facts,
    tick: StepTick | None,
    *,
    helper: Helper,
    link: tuple[str, str] | None,
    may_tick: bool,
) -> Line:
    derivation = DERIVATIONS.get(step.derived)
    said = derivation.said(facts) if derivation else ""
    strict = derivation is not None and derivation.strict
    ticked = not said and tick is not None and not strict
    if ticked and tick is not None:
        said = _ticked(str(tick.ticked_by), tick.ticked_at)
    return Line(
        step=step,
        done=bool(said),
        said=said,
        ticked=ticked,
        may_tick=may_tick and not strict and (ticked or not said),
        helper=helper,
        link=link,
        milestone=derivation is not None and derivation.milestone and bool(said) and not ticked,
    )


def _ticked(who: str, when: datetime) -> str:
    return f"Cochée par {who} le {day(timezone.localdate(when))}"


def public_board(roadmap: Roadmap) -> Board:
    """The steps for who has no CPTS yet: nothing is done, nothing leads anywhere."""
    helpers = read_helpers(roadmap.region_code, "")
    lines = [
        Line(
            step=step,
            done=False,
            said="",
            ticked=False,
            may_tick=False,
            helper=helpers[step.helper] if roadmap.region_code else Helper(HELPERS[step.helper]),
            link=None,
        )
        for step in roadmap.steps
    ]
    return board_of(lines)
