"""The rows of a case: its letter, its CPTS and territory, its desks, its clock and its log."""

from datetime import UTC, datetime, timedelta
from typing import Any

from communities.models import Community, CommunityTerritory, TeamMember
from desks.seeding.invented import Seeded
from desks.seeding.regions import Region
from desks.seeding.rows import Rows
from letters.models import LetterOfIntent
from letters.services import KIND
from territories.models import Territory, TerritoryPart
from workflow.clock import ClockRule, Event, EventKind, Silence, read_clock
from workflow.models import Case, CaseDesk, ClockEvent, TransitionLog
from workflow.states import OPEN_STATES, CaseState


def add_case(rows: Rows, case: Seeded, region: Region) -> None:
    community = _community(rows, case, region.code)
    clock_state, deadline, suspended_until = _clock(rows, case, region)
    rows.add(
        Case,
        id=case.pk,
        public_id=rows.public_id(),
        kind=str(KIND),
        community_id=community,
        title=case.name,
        region_id=region.code,
        procedure_key=region.procedure[0],
        procedure_version=region.procedure[1],
        state=str(case.state),
        reference=case.reference,
        office_id=case.office,
        instructor_id=case.instructor,
        department_codes=case.departments,
        population=case.population,
        commune_count=len(case.communes),
        size_class=case.size,
        version=1,
        created_by_id=case.lead,
        created_at=case.at - timedelta(days=30),
        updated_at=case.at,
        deposited_at=case.at,
        deadline_on=deadline,
        clock_state=clock_state,
        suspended_until=suspended_until,
    )
    rows.add(
        LetterOfIntent,
        case_ptr_id=case.pk,
        commits_to_missions=True,
        signatory_name="Camille Mesure",
        signed_at_place=case.communes[0][0][1],
        posted_on=None,
    )


def _community(rows: Rows, case: Seeded, region: str) -> int:
    community = rows.add(
        Community,
        public_id=rows.public_id(),
        name=case.name,
        region_id=region,
        created_by_id=case.lead,
        created_at=case.at,
    )
    territory = rows.add(
        Territory, declared_population=None, declared_population_reason="", revision=1
    )
    rows.add(
        CommunityTerritory,
        community_id=community,
        territory_id=territory,
        valid_from=case.at.date(),
        valid_to=None,
    )
    rows.add(TeamMember, community_id=community, user_id=case.lead, role="owner", joined_at=case.at)
    for code in sorted({commune[0] for commune, _ in case.communes}):
        rows.add(
            TerritoryPart,
            territory_id=territory,
            commune_id=code,
            part_name="",
            part_population=None,
        )
    return community


def add_desks(rows: Rows, case: Seeded, region: Region) -> None:
    kinds = {case.office: CaseDesk.Kind.IN_CHARGE}
    here = [region.branches[one] for one in case.departments if one in region.branches]
    for body in (region.agency, *here, *([region.desk] if region.desk else [])):
        kinds.setdefault(body, CaseDesk.Kind.INFORMED)
    if case.state != CaseState.DEPOSITED:
        for lines in region.bodies.values():
            for _, body in lines:
                kinds.setdefault(body, CaseDesk.Kind.CONSULTED)
    for body, kind in kinds.items():
        rows.add(
            CaseDesk,
            case_id=case.pk,
            organisation_id=body,
            kind=str(kind),
            since=case.at,
        )


def _clock(rows: Rows, case: Seeded, region: Region) -> tuple[str, Any, Any]:
    """The ledger of a case, and what it says: state, deadline, end of a suspension."""
    on, period = case.at.date(), region.circuit.period
    rule = ClockRule(months=period.months, silence=Silence(period.silence))
    events = [Event(kind=EventKind.START, effective_on=on)]
    if case.state == CaseState.COMPLETION_REQUESTED:
        asked = min(on + timedelta(days=rows.random.randint(5, 20)), rows.today)
        until = asked + timedelta(days=60)
        events.append(Event(kind=EventKind.SUSPEND, effective_on=asked, until=until))
    elif case.state not in OPEN_STATES:
        ended = min(on + timedelta(days=rows.random.randint(10, 55)), rows.today)
        events.append(Event(kind=EventKind.END, effective_on=ended))
    for event in events:
        rows.add(
            ClockEvent,
            case_id=case.pk,
            kind=str(event.kind),
            effective_on=event.effective_on,
            until=event.until,
            reason="",
            cancels_id=None,
            entered_at=datetime.combine(event.effective_on, datetime.min.time(), UTC),
            entered_by_id=None,
            body_id=None,
        )
    clock = read_clock(events, rule, today=rows.today)
    waits = clock.ended_on is None
    return (
        str(clock.state),
        clock.deadline if waits else None,
        clock.suspended_until if waits else None,
    )


def add_log(rows: Rows, case: Seeded) -> None:
    _line(rows, case, 0, "deposit", CaseState.DRAFT, CaseState.DEPOSITED, actor=case.lead)
    before = CaseState.DEPOSITED
    match case.state:
        case CaseState.DEPOSITED:
            pass
        case CaseState.IN_CONSULTATION:
            _line(rows, case, 1, "start_consultation", before, case.state)
        case CaseState.WITHDRAWN:
            reason = "Projet reporté."
            _line(rows, case, 1, "withdraw", before, case.state, actor=case.lead, comment=reason)
        case _:
            _line(rows, case, 1, "take_up", before, CaseState.UNDER_REVIEW, body=case.office)


def _line(rows: Rows, case: Seeded, rank: int, name: str, *states: str,
    actor: int | None = None, body: int | None = None, comment: str = "",
) -> None:  # fmt: skip
    rows.add(
        TransitionLog,
        case_id=case.pk,
        transition=name,
        from_state=str(states[0]),
        to_state=str(states[1]),
        actor_id=actor,
        body_id=body,
        comment=comment,
        version=1,
        at=case.at + timedelta(days=rank),
    )
