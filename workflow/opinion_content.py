"""What an opinion and a synthesis say, frozen the moment they are given: their PDF needs no more.

Words, not codes: renaming a body, a criterion or a person changes no past act.
"""

from datetime import datetime
from typing import Any

from accounts.models import User
from procedures.circuit import Circuit
from workflow.kinds import kind_of
from workflow.models import Case, Consultation, Mandate, Opinion


def case_content(case: Case) -> dict[str, Any]:
    """The case an act is about, as it stands."""
    return {
        "reference": case.reference,
        "title": case.title,
        "kind": kind_of(case).label,
        "version": case.version,
        "deposited_at": case.deposited_at,
    }


def opinion_content(
    opinion: Opinion,
    consultation: Consultation,
    case: Case,
    circuit: Circuit,
    *,
    rank: int,
    mandate: Mandate | None,
) -> dict[str, Any]:
    """An opinion as given. `rank` numbers it among those given on the case, from 1.

    `opinion.validated_by` and `validated_at` are set.
    """
    return {
        "case": case_content(case),
        "rank": rank,
        "body": consultation.body.name,
        "office": case.office.name if case.office else "",
        "requested_at": consultation.requested_at,
        "due_on": consultation.due_on,
        "position": opinion.get_position_display(),
        "text": opinion.text,
        "reserves": list(opinion.reserves),
        "marks": _marks(opinion, consultation, circuit),
        "is_late": opinion.is_late,
        "version_read": opinion.version_read,
        "given_at": opinion.validated_at,
        "given_by": str(opinion.validated_by),
        "capacity": _capacity(opinion.validated_by, mandate),
    }


def _capacity(user: User | None, mandate: Mandate | None) -> str:
    if mandate is not None:
        return (
            f"par mandat de {mandate.given_by}, valable du {mandate.valid_from:%d/%m/%Y} "
            f"au {mandate.valid_to:%d/%m/%Y}"
        )
    acting = user.acting if user else None
    return acting.get_role_display() if acting else ""


def _marks(opinion: Opinion, consultation: Consultation, circuit: Circuit) -> list[dict[str, str]]:
    if not consultation.grid:
        return []
    grid = circuit.grid(consultation.grid)
    best = max(mark.value for mark in grid.scale)
    lines = []
    for criterion in grid.criteria:
        entry = opinion.marks.get(criterion.key)
        if entry:
            mark = grid.mark(entry["mark"]) if entry["mark"] is not None else None
            said = f"{mark.label} ({mark.value} sur {best})" if mark else "Non noté"
            lines.append({"criterion": criterion.label, "mark": said, "comment": entry["comment"]})
    return lines


def handover_content(case: Case, *, office: str, actor: User, at: datetime) -> dict[str, Any]:
    """Who hands over a synthesis, to whom and when; `case.office` is the new one."""
    return {
        "case": case_content(case),
        "office": office,
        "addressee": case.office.name if case.office else "",
        "transmitted_at": at,
        "transmitted_by": str(actor),
        "capacity": actor.acting.get_role_display() if actor.acting else "",
    }
