"""Many deposited cases for measuring and trying lists: invented, the same for the same seed.

Rows go in by COPY, in batches; nobody is written to. For development: a portal that people use
refuses (`manage.py seed_cases`).
"""

import hashlib
import json
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import cache
from random import Random
from typing import Any, Final

from django.db import connection, transaction
from django.db.models import Max, Model
from django.utils import timezone

from accounts.models import Organisation, User
from communities.models import Community, CommunityTerritory, TeamMember
from letters.models import LetterOfIntent
from letters.services import KIND
from procedures import registry
from procedures.circuit import Circuit, PlannedConsultation
from territories.models import Commune, Territory, TerritoryPart
from territories.population import size_class
from workflow.clock import ClockRule, Event, EventKind, Silence, read_clock
from workflow.legal_dates import add_months
from workflow.models import (
    Case,
    CaseDesk,
    CaseLabel,
    ClockEvent,
    Consultation,
    ConsultationLog,
    Decision,
    DecisionParty,
    OfficeLabel,
    Opinion,
    ReferenceCounter,
    SearchDocument,
    Snapshot,
    TransitionLog,
)
from workflow.opinion_states import ConsultationState
from workflow.projections import LINE_COLUMNS
from workflow.search import stored_words, words_of
from workflow.states import OPEN_STATES, CaseState

BATCH: Final = 5_000
# The triggers that write the lists and what is searched, each time a row of these comes.
_FOLLOWED: Final = (
    ("workflow_casedesk", "workflow_inbox_follow_desk"),
    ("workflow_decision", "workflow_inbox_follow_decision"),
    ("workflow_decisionparty", "workflow_inbox_follow_party"),
    ("workflow_searchdocument", "workflow_search_write"),
)
# Who wrote all of it: nobody can sign in with this address.
AUTHOR: Final = "donnees.de.mesure@exemple.test"
_PER_LEAD: Final = 20
# Of a hundred cases, how many stand in each state.
_STATES: Final = (
    (CaseState.DEPOSITED, 6),
    (CaseState.IN_CONSULTATION, 14),
    (CaseState.UNDER_REVIEW, 22),
    (CaseState.COMPLETION_REQUESTED, 8),
    (CaseState.DECISION_PROPOSED, 5),
    (CaseState.ACCEPTED, 27),
    (CaseState.REFUSED, 8),
    (CaseState.WITHDRAWN, 7),
    (CaseState.CLOSED, 3),
)
# The states in which somebody of the office may follow the case.
_TAKEN_UP: Final = frozenset(
    {
        CaseState.UNDER_REVIEW,
        CaseState.COMPLETION_REQUESTED,
        CaseState.DECISION_PROPOSED,
        CaseState.ACCEPTED,
        CaseState.REFUSED,
    }
)
_WITH_AN_INSTRUCTOR: Final = 0.8
_LABELLED: Final = 0.05
_LANDSCAPES: Final = (
    "Vallée", "Plaine", "Coteaux", "Bassin", "Rives", "Portes", "Pays", "Monts", "Causses",
    "Lacs", "Collines", "Gorges", "Plateau", "Bocage", "Confluent", "Terres", "Vignes", "Landes",
)  # fmt: skip
_WORDS: Final = [
    "accès",
    "aux",
    "soins",
    "médecin",
    "traitant",
    "coordination",
    "parcours",
    "patients",
    "infirmière",
    "pharmacien",
    "kinésithérapeute",
    "prévention",
    "vaccination",
    "dépistage",
    "gériatrie",
    "diabète",
    "sages-femmes",
    "télémédecine",
    "permanence",
    "urgences",
    "hôpital",
    "maison",
    "de",
    "santé",
    "plan",
    "crise",
    "sanitaire",
    "soins",
    "non",
    "programmés",
    "domicile",
    "orthophoniste",
    "libéraux",
    "territoire",
    "réunion",
    "équipe",
    "pluriprofessionnelle",
    "messagerie",
    "sécurisée",
    "protocole",
    "addictologie",
    "pédiatrie",
    "psychiatrie",
    "insuffisance",
    "cardiaque",
    "nutrition",
]
_RARE: Final = ("baleine", "phare", "safran", "téléphérique", "hermine", "vannerie")


@dataclass
class _Table:
    """Rows on their way to one table. `columns` are attributes of the model."""

    model: type[Model]
    columns: Sequence[str]
    rows: list[tuple[Any, ...]] = field(default_factory=list)

    def copy(self, cursor: Any) -> None:
        if not self.rows:
            return
        names = ", ".join(self.columns)
        with cursor.copy(f"COPY {self.model._meta.db_table} ({names}) FROM STDIN") as copy:
            for row in self.rows:
                copy.write_row(row)
        self.rows.clear()


@dataclass(frozen=True)
class _Seeded:
    """One invented case, before its rows."""

    pk: int
    name: str
    reference: str
    state: CaseState
    at: datetime
    lead: int
    office: int
    instructor: int | None
    # Each commune, with its département.
    communes: list[tuple[Any, str]]
    population: int
    size: str

    @property
    def departments(self) -> list[str]:
        return list(dict.fromkeys(code for _, code in self.communes))


@dataclass(frozen=True)
class _Region:
    """What the cases of one region are made from."""

    code: str
    circuit: Circuit
    procedure: tuple[str, int]
    prefix: str
    agency: int
    desk: int | None
    branches: dict[str, int]
    bodies: dict[int, list[tuple[PlannedConsultation, int]]]
    # Communes by département, those of one intercommunality side by side.
    communes: dict[str, list[tuple[str, str, int, list[str]]]]
    examiners: dict[int, list[int]]


def seed_cases(
    count: int,
    *,
    seed: int = 1,
    regions: Sequence[str] = (),
    report: Callable[[int], None] = lambda _done: None,
) -> None:
    """Write `count` deposited letters with their CPTS, territories, opinions, log and clock.

    The same seed writes the same cases. `regions` are INSEE codes; none: every region that has
    an agency. `report` is told how many are written. Lists and search are filled with them.

    Raises Organisation.DoesNotExist before `load_organisations`.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        writer = _Writer(Random(seed), _regions(regions), count)  # noqa: S311 - nothing secret
        for done in writer.write(cursor):
            report(done)
        _finish(cursor)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def _finish(cursor: Any) -> None:
    """Put the numbers given by hand behind those the database gives."""
    for model in _NUMBERED:
        table = model._meta.db_table
        cursor.execute(
            f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), "  # noqa: S608
            f"greatest((SELECT max(id) FROM {table}), 1))"
        )


_NUMBERED: Final[tuple[type[Model], ...]] = (
    Community, Territory, TerritoryPart, Case, Consultation, Opinion, CommunityTerritory,
    TeamMember, CaseDesk, TransitionLog, ClockEvent, ConsultationLog, Snapshot, CaseLabel,
    Decision, DecisionParty,
)  # fmt: skip


def _regions(codes: Sequence[str]) -> list[_Region]:
    agencies = Organisation.objects.filter(kind=Organisation.Kind.ARS).order_by("region_id")
    if codes:
        agencies = agencies.filter(region__in=codes)
    found = [_region(agency) for agency in agencies]
    if not found:
        raise Organisation.DoesNotExist("No agency there.")
    return found


def _region(agency: Organisation) -> _Region:
    code = agency.region_id
    procedure = registry.for_region(code)
    served = Organisation.objects.filter(region=code)
    communes: dict[str, list[tuple[str, str, int, list[str]]]] = {}
    for one in Commune.objects.filter(department__region=code, is_active=True).order_by(
        "department", "intercommunality", "code"
    ):
        communes.setdefault(one.department_id, []).append(
            (one.code, one.name, one.population or 0, list(one.postal_codes))
        )
    bodies = {
        line.stage: [
            (planned, body)
            for planned in procedure.circuit.consultations
            if planned.stage == line.stage
            for body in _bodies_of(planned, served)
        ]
        for line in procedure.circuit.consultations
    }
    desk = served.filter(kind=Organisation.Kind.ONE_STOP_DESK).values_list("pk", flat=True).first()
    examiners: dict[int, list[int]] = {}
    people = User.objects.filter(
        memberships__organisation__region=code,
        memberships__role__in=("agent", "coordinator"),
        memberships__is_active=True,
    ).values_list("memberships__organisation", "pk")
    for organisation, person in sorted(people):
        examiners.setdefault(organisation, []).append(person)
    return _Region(
        code=code,
        circuit=procedure.circuit,
        procedure=(procedure.key, procedure.version),
        prefix=procedure.reference_prefix,
        agency=agency.pk,
        desk=desk,
        branches=dict(
            served.filter(kind=Organisation.Kind.ARS_BRANCH, department__isnull=False)
            .order_by("department")
            .values_list("department_id", "pk")
        ),
        bodies=bodies,
        communes=communes,
        examiners=examiners,
    )


def _bodies_of(planned: PlannedConsultation, served: Any) -> list[int]:
    """The regional bodies of a line; those of one département are left out."""
    if planned.organisations:
        found = served.filter(code__in=planned.organisations)
    else:
        found = served.filter(kind=planned.body.value, department=None)
    return list(found.order_by("pk").values_list("pk", flat=True))


class _Writer:
    """Writes the cases in batches; keeps the numbers that rows refer to each other by."""

    def __init__(self, random: Random, regions: list[_Region], count: int) -> None:
        self.random, self.regions, self.count = random, regions, count
        self.today = timezone.localdate()
        self.numbers = {
            model: model._default_manager.aggregate(last=Max("pk"))["last"] or 0
            for model in _NUMBERED
        }
        self.counters: dict[tuple[str, str, int], int] = {
            (one.prefix, one.region_id, one.year): one.last
            for one in ReferenceCounter.objects.all()
        }
        self.author = User.objects.get_or_create(email=AUTHOR, defaults={"last_name": "Mesure"})[0]
        self.leads = self._make_leads()
        self.labels = self._make_labels()
        self.tables: dict[type[Model], _Table] = {}

    def _make_leads(self) -> list[int]:
        """People who own the CPTS: one for a few of them."""
        wanted = max(1, self.count // _PER_LEAD)
        people = [
            User(email=f"porteur-{number}@mesure.exemple.test", password="!",  # noqa: S106
                 first_name="Camille", last_name=f"Mesure {number}")
            for number in range(wanted)
        ]  # fmt: skip
        User.objects.bulk_create(people, batch_size=2_000, ignore_conflicts=True)
        return list(
            User.objects.filter(email__endswith="@mesure.exemple.test")
            .order_by("pk")
            .values_list("pk", flat=True)
        )

    def _make_labels(self) -> dict[int, list[int]]:
        offices = {
            office
            for region in self.regions
            for office in (region.agency, region.desk, *region.branches.values())
            if office is not None
        }
        names = (("À revoir", "ochre"), ("Prioritaire", "pink"), ("Territoire fragile", "blue"))
        OfficeLabel.objects.bulk_create(
            [
                OfficeLabel(
                    organisation_id=office, name=name, colour=colour, created_by=self.author
                )
                for office in sorted(offices)
                for name, colour in names
            ],
            ignore_conflicts=True,
        )
        labels: dict[int, list[int]] = {}
        for office, label in OfficeLabel.objects.filter(organisation__in=offices).values_list(
            "organisation", "pk"
        ):
            labels.setdefault(office, []).append(label)
        return labels

    def next(self, model: type[Model]) -> int:
        self.numbers[model] += 1
        return self.numbers[model]

    def add(self, model: type[Model], **values: Any) -> int:
        """Put a row aside for its table; its number, if it has one."""
        if model in self.numbers and "id" not in values:
            values = {"id": self.next(model), **values}
        table = self.tables.setdefault(model, _Table(model, tuple(values)))
        table.rows.append(tuple(values.values()))
        return int(values.get("id", 0))

    def write(self, cursor: Any) -> Iterator[int]:
        # The lines of all the lists are written at once, at the end.
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        for followed, trigger in _FOLLOWED:
            cursor.execute(f"ALTER TABLE {followed} DISABLE TRIGGER {trigger}")
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")
        indexes = _drop_indexes(cursor)
        first = self.numbers[Case]
        pending: list[tuple[int, dict[str, str]]] = []
        for number in range(1, self.count + 1):
            case_id, words = self._one(number)
            pending.append((case_id, words))
            if number % BATCH == 0 or number == self.count:
                for table in self.tables.values():
                    table.copy(cursor)
                _index(cursor, pending)
                pending.clear()
                yield number
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        for followed, trigger in _FOLLOWED:
            cursor.execute(f"ALTER TABLE {followed} ENABLE TRIGGER {trigger}")
        cursor.execute(
            f"INSERT INTO workflow_inboxline ({LINE_COLUMNS}) "  # noqa: S608 - a constant
            f"SELECT {LINE_COLUMNS} FROM workflow_inbox_expected WHERE case_id > %s",
            [first],
        )
        for definition in indexes:
            cursor.execute(definition)
        for (prefix, code, year), last in self.counters.items():
            ReferenceCounter.objects.update_or_create(
                prefix=prefix, region_id=code, year=year, defaults={"last": last}
            )

    # --- One case ----------------------------------------------------------------------------

    def _one(self, number: int) -> tuple[int, dict[str, str]]:
        region = self.regions[number % len(self.regions)]
        case = self._invented(number, region)
        self._rows_of(case, region)
        content = self._content(case, region)
        text = json.dumps(content, ensure_ascii=False, sort_keys=True)
        self.add(
            Snapshot,
            case_id=case.pk,
            version=1,
            content=text,
            sha256=hashlib.sha256(text.encode()).hexdigest(),
            created_at=case.at,
            created_by_id=case.lead,
        )
        self._log(case)
        self._desks(case, region)
        if case.state != CaseState.DEPOSITED:
            self._opinions(case, region)
        if case.state == CaseState.DECISION_PROPOSED:
            self._decision(case)
        for label in self.labels.get(case.office, []):
            if self.random.random() < _LABELLED:
                self.add(
                    CaseLabel,
                    label_id=label,
                    case_id=case.pk,
                    put_by_id=self.author.pk,
                    at=case.at,
                )
        return case.pk, stored_words(words_of(content))

    def _invented(self, number: int, region: _Region) -> _Seeded:
        pick = self.random
        department = pick.choice(sorted(region.communes))
        communes = self._communes(region, department)
        population = max(1, sum(one[2] for one, _ in communes))
        state = pick.choices(*zip(*_STATES, strict=True))[0]
        on = self._deposited_on(state)
        office = self._office(region, department, state)
        people = region.examiners.get(office, [])
        is_taken = state in _TAKEN_UP and people and pick.random() < _WITH_AN_INSTRUCTOR
        key = (region.prefix, region.code, on.year)
        self.counters[key] = self.counters.get(key, 0) + 1
        return _Seeded(
            pk=self.next(Case),
            name=f"CPTS {pick.choice(_LANDSCAPES)} de {communes[0][0][1]} {number}",
            reference=f"{region.prefix}-{region.code}-{on.year}-{self.counters[key]:04d}",
            state=state,
            at=datetime(on.year, on.month, on.day, 8 + number % 9, number % 60, tzinfo=UTC),
            lead=self.leads[number % len(self.leads)],
            office=office,
            instructor=pick.choice(people) if is_taken else None,
            communes=communes,
            population=population,
            size=size_class(population, registry.get(*region.procedure).size_rule.thresholds),
        )

    def _rows_of(self, case: _Seeded, region: _Region) -> None:
        community = self._community(case, region.code)
        clock_state, deadline, suspended_until = self._clock(case, region)
        self.add(
            Case,
            id=case.pk,
            public_id=self._public_id(),
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
        self.add(
            LetterOfIntent,
            case_ptr_id=case.pk,
            commits_to_missions=True,
            signatory_name="Camille Mesure",
            signed_at_place=case.communes[0][0][1],
            posted_on=None,
        )

    def _public_id(self) -> uuid.UUID:
        return uuid.UUID(int=self.random.getrandbits(128), version=4)

    def _deposited_on(self, state: CaseState) -> date:
        """Open cases are recent, as they are in life; the others go back five years."""
        oldest = 70 if state in OPEN_STATES else 1_800
        return self.today - timedelta(days=self.random.randint(1, oldest))

    def _communes(self, region: _Region, department: str) -> list[tuple[Any, str]]:
        here = region.communes[department]
        size = min(self.random.randint(3, 8), len(here))
        start = self.random.randint(0, len(here) - size)
        chosen = [(one, department) for one in here[start : start + size]]
        if self.random.random() < 0.06 and len(region.communes) > 1:
            other = self.random.choice(sorted(set(region.communes) - {department}))
            chosen.append((self.random.choice(region.communes[other]), other))
        return chosen

    def _community(self, case: _Seeded, region: str) -> int:
        community = self.add(
            Community,
            public_id=self._public_id(),
            name=case.name,
            region_id=region,
            created_by_id=case.lead,
            created_at=case.at,
        )
        territory = self.add(
            Territory, declared_population=None, declared_population_reason="", revision=1
        )
        self.add(
            CommunityTerritory,
            community_id=community,
            territory_id=territory,
            valid_from=case.at.date(),
            valid_to=None,
        )
        self.add(
            TeamMember, community_id=community, user_id=case.lead, role="owner", joined_at=case.at
        )
        for code in sorted({commune[0] for commune, _ in case.communes}):
            self.add(
                TerritoryPart,
                territory_id=territory,
                commune_id=code,
                part_name="",
                part_population=None,
            )
        return community

    def _office(self, region: _Region, department: str, state: CaseState) -> int:
        kind = registry.get(*region.procedure).addressee.kind
        before_hand_over = {CaseState.DEPOSITED, CaseState.IN_CONSULTATION}
        if kind == "one_stop_desk" and region.desk is not None:
            # The Guichet hands most of them over; some are withdrawn before.
            return region.desk if state in before_hand_over else region.agency
        if kind == "ars":
            return region.agency
        return region.branches.get(department, region.agency)

    def _desks(self, case: _Seeded, region: _Region) -> None:
        kinds = {case.office: CaseDesk.Kind.IN_CHARGE}
        here = [region.branches[one] for one in case.departments if one in region.branches]
        for body in (region.agency, *here, *([region.desk] if region.desk else [])):
            kinds.setdefault(body, CaseDesk.Kind.INFORMED)
        if case.state != CaseState.DEPOSITED:
            for lines in region.bodies.values():
                for _, body in lines:
                    kinds.setdefault(body, CaseDesk.Kind.CONSULTED)
        for body, kind in kinds.items():
            self.add(
                CaseDesk,
                case_id=case.pk,
                organisation_id=body,
                kind=str(kind),
                since=case.at,
            )

    def _clock(self, case: _Seeded, region: _Region) -> tuple[str, Any, Any]:
        """The ledger of a case, and what it says: state, deadline, end of a suspension."""
        on, period = case.at.date(), region.circuit.period
        rule = ClockRule(months=period.months, silence=Silence(period.silence))
        events = [Event(kind=EventKind.START, effective_on=on)]
        if case.state == CaseState.COMPLETION_REQUESTED:
            asked = min(on + timedelta(days=self.random.randint(5, 20)), self.today)
            until = asked + timedelta(days=60)
            events.append(Event(kind=EventKind.SUSPEND, effective_on=asked, until=until))
        elif case.state not in OPEN_STATES:
            ended = min(on + timedelta(days=self.random.randint(10, 55)), self.today)
            events.append(Event(kind=EventKind.END, effective_on=ended))
        for event in events:
            self.add(
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
        clock = read_clock(events, rule, today=self.today)
        waits = clock.ended_on is None
        return (
            str(clock.state),
            clock.deadline if waits else None,
            clock.suspended_until if waits else None,
        )

    def _log(self, case: _Seeded) -> None:
        self._line(case, 0, "deposit", CaseState.DRAFT, CaseState.DEPOSITED, actor=case.lead)
        before = CaseState.DEPOSITED
        match case.state:
            case CaseState.DEPOSITED:
                pass
            case CaseState.IN_CONSULTATION:
                self._line(case, 1, "start_consultation", before, case.state)
            case CaseState.WITHDRAWN:
                reason = "Projet reporté."
                self._line(case, 1, "withdraw", before, case.state, actor=case.lead, comment=reason)
            case _:
                self._line(case, 1, "take_up", before, CaseState.UNDER_REVIEW, body=case.office)

    def _line(
        self, case: _Seeded, rank: int, name: str, *states: str,
        actor: int | None = None, body: int | None = None, comment: str = "",
    ) -> None:  # fmt: skip
        self.add(
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

    def _opinions(self, case: _Seeded, region: _Region) -> None:
        is_waiting = case.state == CaseState.IN_CONSULTATION
        for stage, lines in region.bodies.items():
            for planned, body in lines:
                given = not is_waiting or self.random.random() < 0.5
                due = case.at.date() + timedelta(days=planned.days or 0)
                state = ConsultationState.INFORMED
                if planned.is_expected and given:
                    state = ConsultationState.GIVEN
                elif planned.is_expected:
                    late = due < self.today
                    state = ConsultationState.SILENT if late else ConsultationState.REQUESTED
                consultation = self.add(
                    Consultation,
                    case_id=case.pk,
                    body_id=body,
                    kind=planned.kind.value,
                    line=planned.key,
                    stage=stage,
                    grid=planned.grid,
                    silence=planned.silence.value if planned.silence else "",
                    days=planned.days,
                    state=str(state),
                    round=1,
                    requested_at=case.at,
                    due_on=due if planned.is_expected else None,
                    revoked_at=None,
                    revoked_by_id=None,
                    revocation_reason="",
                )
                self.add(
                    ConsultationLog,
                    consultation_id=consultation,
                    action="requested",
                    actor_id=None,
                    comment="",
                    due_on=due if planned.is_expected else None,
                    at=case.at,
                )
                if state == ConsultationState.GIVEN:
                    self._opinion(consultation, case.at)

    def _opinion(self, consultation: int, at: datetime) -> None:
        validated = at + timedelta(days=self.random.randint(2, 15))
        values: dict[str, Any] = _blank(Opinion) | {
            "consultation_id": consultation,
            "position": self.random.choice(("favourable", "favourable", "unfavourable")),
            "text": self._text(12),
            "drafted_by_id": self.author.pk,
            "drafted_at": at,
            "submitted_at": validated,
            "validated_by_id": self.author.pk,
            "validated_at": validated,
            "version_read": 1,
            "content": "{}",
        }
        self.add(Opinion, **values)

    def _decision(self, case: _Seeded) -> None:
        """What a signatory finds to sign."""
        values: dict[str, Any] = _blank(Decision) | {
            "case_id": case.pk,
            "rank": 1,
            "state": "proposed",
            "outcome": "accept",
            "text": "{}",
            "text_sha256": hashlib.sha256(b"{}").hexdigest(),
            "written_by_id": self.author.pk,
            "written_at": case.at,
            "proposed_at": case.at,
        }
        decision = self.add(Decision, **values)
        self.add(
            DecisionParty, decision_id=decision, decider="ars", organisation_id=case.office,
            position=0,
        )  # fmt: skip

    # --- What it says ------------------------------------------------------------------------

    def _text(self, length: int) -> str:
        words = self.random.choices(_WORDS, k=length)
        if self.random.random() < 0.01:
            words.append(self.random.choice(_RARE))
        return " ".join(words).capitalize() + "."

    def _content(self, case: _Seeded, region: _Region) -> dict[str, Any]:
        return {
            "kind": str(KIND),
            "title": case.name,
            "region": {"code": region.code, "name": region.code},
            "procedure": {
                "key": region.procedure[0],
                "version": region.procedure[1],
                "label": "Données de mesure",
            },
            "sections": [
                {
                    "key": "project",
                    "title": "Le projet",
                    "heading": "Le projet",
                    "part": "",
                    "fields": [_field(rank, self._text(25)) for rank in range(1, 5)],
                }
            ],
            "territory": [
                {
                    "code": code,
                    "name": name,
                    "kind": "commune",
                    "department": department,
                    "department_name": department,
                    "postal_codes": postal_codes,
                    "population": population,
                    "part_name": "",
                    "part_population": None,
                }
                for (code, name, population, postal_codes), department in case.communes
            ],
            "summary": {
                "commune_count": len(case.communes),
                "population": case.population,
                "size_class": case.size,
                "below_floor": False,
                "declared_population": None,
                "declared_population_reason": "",
                "department_codes": case.departments,
                "cog_year": 2026,
                "population_year": 2023,
            },
            "attachments": [],
            "reference": case.reference,
            "version": 1,
            "deposited_at": case.at.isoformat(),
            "silence_date": add_months(case.at.date(), region.circuit.period.months).isoformat(),
            "office": {},
            "team": [{"name": f"Camille Mesure {case.lead}", "email": AUTHOR, "role": "owner"}],
        }


def _field(rank: int, text: str) -> dict[str, Any]:
    key, label = f"text-{rank}", f"Réponse {rank}"
    display = {
        "key": key,
        "label": label,
        "blank": False,
        "lines": [text],
        "boxes": [],
        "pairs": [],
        "header": [],
        "rows": [],
        "row_headers": False,
    }
    return {
        "key": key,
        "kind": "long_text",
        "group": "",
        "label": label,
        "value": text,
        "display": display,
    }


@cache
def _blank(model: type[Model]) -> dict[str, Any]:
    """The values of a row that says nothing, without its number."""
    values: dict[str, Any] = {}
    for column in model._meta.concrete_fields:
        value = column.get_default() if column.has_default() else None if column.null else ""
        if not column.primary_key:
            values[column.attname] = "{}" if value in ({}, []) else value
    return values


def _drop_indexes(cursor: Any) -> list[str]:
    """Take the indexes of the lists and of the search away; returns how to make them again.

    Made at the end they take seconds; fed row by row, minutes.
    """
    cursor.execute(
        """SELECT i.indexrelid::regclass::text, pg_get_indexdef(i.indexrelid)
             FROM pg_index i
            WHERE i.indrelid IN ('workflow_inboxline'::regclass,
                                 'workflow_searchdocument'::regclass)
              AND NOT i.indisunique"""
    )
    found = cursor.fetchall()
    for name, _ in found:
        cursor.execute(f"DROP INDEX {name}")
    return [definition for _, definition in found]


def _index(cursor: Any, pending: Sequence[tuple[int, dict[str, str]]]) -> None:
    """What the cases of a batch are found by, in one statement; their numbers follow."""
    cursor.execute("DROP TABLE IF EXISTS seeded_words")
    cursor.execute(
        "CREATE TEMP TABLE seeded_words "
        "(case_id bigint, names text, communes text, people text, texts text, body text)"
    )
    with cursor.copy("COPY seeded_words FROM STDIN") as copy:
        for case_id, words in pending:
            copy.write_row((case_id, *words.values()))
    cursor.execute(
        f"""INSERT INTO {SearchDocument._meta.db_table}
                   (case_id, names, texts, body, case_kind, deposited_at, lists)
            SELECT w.case_id,
                   setweight(to_tsvector('portal_french', w.names), 'A')
                   || setweight(to_tsvector('portal_french', w.communes), 'B')
                   || setweight(to_tsvector('portal_french', w.people), 'C'),
                   search_words(w.texts), w.body, listed.case_kind, listed.deposited_at,
                   listed.lists
              FROM seeded_words w JOIN (
                   SELECT case_id, case_kind, deposited_at,
                          array_agg(organisation_id || ':' || department_code
                                    ORDER BY organisation_id, department_code) AS lists
                     FROM workflow_inbox_expected
                    WHERE case_id BETWEEN %s AND %s
                    GROUP BY case_id, case_kind, deposited_at) listed USING (case_id)""",  # noqa: S608
        [pending[0][0], pending[-1][0]],
    )
