"""The communes each filed case holds, kept in step with its state by `perform()`."""

from typing import Any

from django.utils import timezone

from territories.overlap import part_key
from workflow.models import Arbitration, Case, Snapshot, TerritoryClaim, TerritoryPeriod
from workflow.states import CaseState

Stage = TerritoryClaim.Stage

_STAGES = {
    CaseState.ACCEPTED: Stage.DECIDED,
    CaseState.TACITLY_ACCEPTED: Stage.DECIDED,
    CaseState.REFUSED: Stage.RELEASED,
    CaseState.WITHDRAWN: Stage.RELEASED,
    CaseState.CLOSED: Stage.RELEASED,
}


def stage_of(state: str) -> TerritoryClaim.Stage:
    """What a case in this state does with the communes it holds."""
    return _STAGES.get(CaseState(state), Stage.FILED)


def follow(case: Case, *, from_state: str, from_version: int) -> None:
    """Bring the claims of a case in step with what it has just become, in its transaction.

    A new deposit brings a new territory, read from what was frozen; a new state changes the stage.
    Raises IntegrityError where a decided case would hold a whole commune that another one holds
    without arbitration: the caller turns it into words.
    """
    if case.version != from_version:
        claim(case)
    elif stage_of(case.state) != stage_of(from_state):
        settle_stage(case)


def claim(case: Case) -> None:
    """Write the lines of the territory as the case's last deposit froze them."""
    snapshot = Snapshot.objects.filter(case=case.pk, version=case.version).first()
    lines = snapshot.content.get("territory", []) if snapshot else []
    TerritoryClaim.objects.filter(case=case.pk).delete()
    TerritoryClaim.objects.bulk_create(
        TerritoryClaim(
            case_id=case.pk,
            community_id=case.community_id,
            commune_id=line["code"],
            part_key=part_key(line["part_name"]),
            population=_population(line),
        )
        for line in lines
    )
    settle_stage(case)


def _population(line: dict[str, Any]) -> int | None:
    value = line["part_population"] if line["part_name"] else line["population"]
    return int(value) if value is not None else None


def settle_stage(case: Case) -> None:
    """Give the claims of a case the stage of its state, and the arbitrations that concern them."""
    claims = TerritoryClaim.objects.filter(case=case.pk)
    settled = standing_arbitrations(case)
    for arbitration in settled:
        claims.filter(commune__in=arbitration.communes).update(arbitration=arbitration)
    given_away = {
        code
        for arbitration in settled
        if arbitration.given_to_id not in {None, case.pk}
        for code in arbitration.communes
    }
    claims.exclude(commune__in=given_away).update(stage=stage_of(case.state))
    claims.filter(commune__in=given_away).update(stage=Stage.RELEASED)
    _keep_period(case)


def _keep_period(case: Case) -> None:
    """Close the period of what the case held, and open that of what it holds, if they differ."""
    held = TerritoryClaim.objects.filter(case=case.pk).exclude(stage=Stage.RELEASED)
    rows = list(held.values_list("commune_id", "part_key", "commune__department_id", "stage"))
    whole = sorted(code for code, part, _, _ in rows if not part)
    parts = sorted({code for code, part, _, _ in rows if part})
    stage = rows[0][3] if rows else ""
    now = timezone.now()
    current = TerritoryPeriod.objects.filter(case=case.pk, until=None).first()
    if current is not None:
        if (current.stage, current.whole, current.parts) == (stage, whole, parts):
            return
        TerritoryPeriod.objects.filter(pk=current.pk).update(until=now)
    if rows:
        TerritoryPeriod.objects.create(
            case_id=case.pk,
            stage=stage,
            whole=whole,
            parts=parts,
            department_codes=sorted({department for _, _, department, _ in rows}),
            since=now,
        )


def standing_arbitrations(case: Case) -> list[Arbitration]:
    """Those that concern a case and that no later one replaces, oldest first."""
    found = Arbitration.objects.filter(case=case.pk) | Arbitration.objects.filter(other=case.pk)
    return list(
        found.filter(replaced_at=None)
        .select_related("case", "other", "given_to", "author", "body")
        .order_by("at", "pk")
    )
