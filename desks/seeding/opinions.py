"""What bodies were asked and said of a case, and the decision that waits to be signed."""

import hashlib
from datetime import datetime, timedelta
from typing import Any

from desks.seeding.invented import Seeded
from desks.seeding.regions import Region
from desks.seeding.rows import Rows, blank
from desks.seeding.words import text
from workflow.models import Consultation, ConsultationLog, Decision, DecisionParty, Opinion
from workflow.opinion_states import ConsultationState
from workflow.states import CaseState


def add_opinions(rows: Rows, case: Seeded, region: Region) -> None:
    is_waiting = case.state == CaseState.IN_CONSULTATION
    for stage, lines in region.bodies.items():
        for planned, body in lines:
            given = not is_waiting or rows.random.random() < 0.5
            due = case.at.date() + timedelta(days=planned.days or 0)
            state = ConsultationState.INFORMED
            if planned.is_expected and given:
                state = ConsultationState.GIVEN
            elif planned.is_expected:
                late = due < rows.today
                state = ConsultationState.SILENT if late else ConsultationState.REQUESTED
            consultation = rows.add(
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
            rows.add(
                ConsultationLog,
                consultation_id=consultation,
                action="requested",
                actor_id=None,
                comment="",
                due_on=due if planned.is_expected else None,
                at=case.at,
            )
            if state == ConsultationState.GIVEN:
                _opinion(rows, consultation, case.at)


def _opinion(rows: Rows, consultation: int, at: datetime) -> None:
    validated = at + timedelta(days=rows.random.randint(2, 15))
    values: dict[str, Any] = blank(Opinion) | {
        "consultation_id": consultation,
        "position": rows.random.choice(("favourable", "favourable", "unfavourable")),
        "text": text(rows.random, 12),
        "drafted_by_id": rows.author.pk,
        "drafted_at": at,
        "submitted_at": validated,
        "validated_by_id": rows.author.pk,
        "validated_at": validated,
        "version_read": 1,
        "content": "{}",
    }
    rows.add(Opinion, **values)


def add_decision(rows: Rows, case: Seeded) -> None:
    """What a signatory finds to sign."""
    values: dict[str, Any] = blank(Decision) | {
        "case_id": case.pk,
        "rank": 1,
        "state": "proposed",
        "outcome": "accept",
        "text": "{}",
        "text_sha256": hashlib.sha256(b"{}").hexdigest(),
        "written_by_id": rows.author.pk,
        "written_at": case.at,
        "proposed_at": case.at,
    }
    decision = rows.add(Decision, **values)
    rows.add(
        DecisionParty, decision_id=decision, decider="ars", organisation_id=case.office,
        position=0,
    )  # fmt: skip
