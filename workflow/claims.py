"""The communes each filed case holds, kept in step with its state by `perform()`."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, time
from typing import Any

from django.db.models import Q, QuerySet
from django.utils import timezone

from communities.models import Community, CommunityTerritory
from territories.models import Commune
from territories.overlap import part_key
from territories.succession import Kept, Place, Step, keep, keep_part
from territories.years import steps_from, steps_since
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
    A version frozen to be signed holds nothing yet.
    Raises IntegrityError where a decided case would hold a whole commune that another one holds
    without arbitration: the caller turns it into words.
    """
    if not case.is_deposited:
        return
    if case.version != from_version or from_state == CaseState.DRAFT:
        claim(case)
    elif stage_of(case.state) != stage_of(from_state):
        settle_stage(case)


def claim(case: Case) -> None:
    """Write the lines of the territory as the case's last deposit froze them."""
    claim_filed(case)
    settle_stage(case)


def claim_filed(case: Case) -> None:
    """The same, before the stage of the case is given to them."""
    snapshot = Snapshot.objects.filter(case=case.pk, version=case.version).first()
    lines = snapshot.content.get("territory", []) if snapshot else []
    claims = [
        TerritoryClaim(
            case_id=case.pk,
            community_id=case.community_id,
            commune_id=line["code"],
            part_key=part_key(line["part_name"]),
            population=_population(line),
        )
        for line in lines
    ]
    for step in _steps_left(case):
        claims = followed(claims, step, {})
    TerritoryClaim.objects.filter(case=case.pk).delete()
    TerritoryClaim.objects.bulk_create(claims)


def claim_beside(case: Case) -> list[str]:
    """The same for a decided case that existed before the portal; what it shares, as sentences.

    A whole commune that another decided CPTS holds without arbitration is held in part by both,
    under its own name: an overlap to settle, not a reason to leave one of them out.
    """
    claim_filed(case)
    return _settle_beside(case)


def claim_by_contract(case: Case, lines: Iterable[tuple[str, str]]) -> list[str]:
    """The same for a contract whose territory its parties have just changed by an amendment.

    It takes the place of the project it was signed on, and of what was settled there. A project
    recognised since the contract stays where it is: the contract has just come to it.
    """
    mine = TerritoryClaim.objects.filter(community=case.community_id)
    if mine.filter(case__pk__gt=case.pk, stage=Stage.DECIDED).exists():
        return []
    wanted = {(code, part_key(part)) for code, part in lines}
    before = {(one.commune_id, one.part_key): one for one in mine.order_by("case_id")}
    counted = Commune.objects.filter(code__in={code for code, _ in wanted})
    populations = dict(counted.values_list("code", "population"))
    claims = []
    for code, key in sorted(wanted):
        known = before.get((code, key))
        claims.append(
            TerritoryClaim(
                case_id=case.pk,
                community_id=case.community_id,
                commune_id=code,
                part_key=key,
                population=(known.population if known else None) if key else populations.get(code),
                arbitration_id=known.arbitration_id if known else None,
            )
        )
    TerritoryClaim.objects.filter(case=case.pk).delete()
    TerritoryClaim.objects.bulk_create(claims)
    return _settle_beside(case)


def _settle_beside(case: Case) -> list[str]:
    held = {
        one.commune_id: one
        for one in TerritoryClaim.objects.filter(
            commune__in=TerritoryClaim.objects.filter(
                case=case.pk, part_key="", arbitration__isnull=True
            ).values("commune"),
            stage=Stage.DECIDED,
            part_key="",
            arbitration__isnull=True,
        )
        .exclude(community=case.community_id)
        .select_related("commune", "case")
    }
    for code, other in held.items():
        TerritoryClaim.objects.filter(case=case.pk, commune=code, part_key="").update(
            part_key=part_key(other.commune.name)
        )
    settle_stage(case)
    return [
        f"{one.commune} est aussi à « {one.case.title} » : à arbitrer entre les deux CPTS."
        for one in held.values()
    ]


def _steps_left(case: Case) -> list[Step]:
    """The changes of year that the territory just deposited again has not followed."""
    link = (
        CommunityTerritory.objects.filter(community=case.community_id, valid_to=None)
        .select_related("territory__awaiting")
        .first()
    )
    awaiting = link.territory.awaiting if link else None
    return steps_from(awaiting) if awaiting else []


def _population(line: dict[str, Any]) -> int | None:
    value = line["part_population"] if line["part_name"] else line["population"]
    return int(value) if value is not None else None


def settle_stage(case: Case) -> None:
    """Give the claims of a case the stage of its state, and the arbitrations that concern them.

    A CPTS holds what its last decided case holds: the cases it decided before let go first, and
    hold again when that decision is withdrawn. A contract drawn up here holds no commune of its
    own: those of the project stay where they are.
    """
    if not TerritoryClaim.objects.filter(case=case.pk).exists():
        if case.kind == Case.Kind.CONTRACT:
            _keep_period(case)
        return
    stage = _stage_of_case(case)
    if stage == Stage.DECIDED:
        for earlier in _holders_before(case):
            TerritoryClaim.objects.filter(case=earlier.pk).update(stage=Stage.RELEASED)
            _keep_period(earlier)
    _settle(case)
    if stage != Stage.DECIDED and (last := _decided_before(case).first()):
        _settle(last)


def _stage_of_case(case: Case) -> TerritoryClaim.Stage:
    """What a case does with its communes, once it is known what other cases its CPTS has.

    A CPTS that came to the portal with its contract was recognised before: when the contract
    ends and nothing else was ever decided here, the CPTS still stands where it was.
    """
    ended = case.kind == Case.Kind.CONTRACT and case.state == CaseState.CLOSED
    if ended and not _decided_before(case).exists():
        return Stage.DECIDED
    return stage_of(case.state)


def _holders_before(case: Case) -> QuerySet[Case]:
    """The older cases of the same CPTS that hold something as decided."""
    older = Case.objects.filter(community=case.community_id, pk__lt=case.pk)
    return older.filter(claims__stage=Stage.DECIDED).distinct()


def _decided_before(case: Case) -> QuerySet[Case]:
    """The decided cases of the same CPTS that are older and name communes, the last one first."""
    decided = [state for state, stage in _STAGES.items() if stage == Stage.DECIDED]
    older = Case.objects.filter(community=case.community_id, pk__lt=case.pk, state__in=decided)
    return older.filter(claims__isnull=False).distinct().order_by("-pk")


def _is_followed(case: Case) -> bool:
    """Whether a later case of the same CPTS is decided: it holds the territory now."""
    decided = [state for state, stage in _STAGES.items() if stage == Stage.DECIDED]
    later = Case.objects.filter(community=case.community_id, pk__gt=case.pk, state__in=decided)
    return later.filter(claims__isnull=False).exists()


def _settle(case: Case) -> None:
    stage = _stage_of_case(case)
    if stage == Stage.DECIDED and _is_followed(case):
        stage = Stage.RELEASED
    claims = TerritoryClaim.objects.filter(case=case.pk)
    settled = standing_arbitrations(case)
    given_away: list[int] = []
    for arbitration in settled:
        places = settled_places(arbitration)
        concerned = [
            pk
            for pk, commune, key in claims.values_list("pk", "commune_id", "part_key")
            if commune in places and (places[commune] is None or key in (places[commune] or ()))
        ]
        claims.filter(pk__in=concerned).update(arbitration=arbitration)
        if arbitration.given_to_id not in {None, case.pk}:
            given_away += concerned
    claims.exclude(pk__in=given_away).update(stage=stage)
    claims.filter(pk__in=given_away).update(stage=Stage.RELEASED)
    _keep_period(case)


def _keep_period(case: Case) -> None:
    """Close the period of what the case held, and open that of what it holds, if they differ.

    A contract in force covers what its parties have signed for: `cover_by_contract` says it.
    """
    if case.kind == Case.Kind.CONTRACT and case.state == CaseState.ACCEPTED:
        return
    held = TerritoryClaim.objects.filter(case=case.pk).exclude(stage=Stage.RELEASED)
    rows = list(held.values_list("commune_id", "part_key", "stage"))
    _write_period(
        case.pk,
        rows[0][2] if rows else "",
        whole={code for code, part, _ in rows if not part},
        parts={code for code, part, _ in rows if part},
    )


def _write_period(
    case: int, stage: str, *, whole: set[str], parts: set[str], since: datetime | None = None
) -> None:
    """From now on the case holds these communes; nothing when there are none.

    `since` is when it began, for what was never written of it.
    """
    held = (stage, sorted(whole), sorted(parts))
    now = timezone.now()
    current = TerritoryPeriod.objects.filter(case=case, until=None).first()
    if current is not None:
        if (current.stage, current.whole, current.parts) == held:
            return
        TerritoryPeriod.objects.filter(pk=current.pk).update(until=now)
    if whole or parts:
        known = TerritoryPeriod.objects.filter(case=case).exists()
        departments = Commune.objects.filter(code__in=whole | parts).order_by("department_id")
        TerritoryPeriod.objects.create(
            case_id=case,
            stage=stage,
            whole=held[1],
            parts=held[2],
            department_codes=list(departments.values_list("department_id", flat=True).distinct()),
            since=now if since is None or known else since,
        )


# --- Under contract ---------------------------------------------------------------------------


def cover_by_contract(
    case: Case, lines: Iterable[tuple[str, str]], *, since: date | None = None
) -> None:
    """From now on a contract in force covers these communes, each with the name of its part.

    `since` is the day it was signed, for one signed before the portal. The last contract a CPTS
    has signed says what it covers: one it follows says nothing any more.
    """
    kind, accepted = Case.Kind.CONTRACT, CaseState.ACCEPTED
    others = Case.objects.filter(community=case.community_id, kind=kind, state=accepted)
    if others.filter(pk__gt=case.pk).exists():
        return
    for older in others.filter(pk__lt=case.pk):
        _write_period(older.pk, "", whole=set(), parts=set())
    given = set(lines)
    whole = {code for code, part in given if not part}
    _write_period(
        case.pk,
        TerritoryPeriod.Stage.CONTRACTED,
        whole=whole,
        parts={code for code, part in given if part} - whole,
        since=timezone.make_aware(datetime.combine(since, time.min)) if since else None,
    )


def let_go(community: Community) -> None:
    """A CPTS that is no more holds nothing: its communes are those of whoever takes them."""
    TerritoryClaim.objects.filter(community=community).update(stage=Stage.RELEASED)
    periods = TerritoryPeriod.objects.filter(until=None, case__community=community)
    for case in periods.values_list("case_id", flat=True):
        _write_period(case, "", whole=set(), parts=set())


def settled_places(arbitration: Arbitration) -> dict[str, set[str] | None]:
    """The communes an arbitration settles, as they are today, in one query.

    None for all there is of a commune. One that has merged since is settled for the part that
    bears its name, and for the whole where a CPTS holds it whole: the keys of those parts.
    """
    places: dict[str, set[str] | None] = dict.fromkeys(arbitration.communes)
    for step in steps_since(arbitration.at):
        followed: dict[str, set[str] | None] = {}
        for code, keys in places.items():
            news = step.links.get(code)
            if news is None:
                followed[code] = keys
                continue
            for new in news:
                if followed.get(new, set()) is None:
                    continue
                known = {part_key(step.names_before.get(code, code))} if keys is None else keys
                if part_key(step.names_after.get(new, "")) in known and len(news) > 1:
                    followed[new] = None
                else:
                    followed[new] = {"", *known, *(followed.get(new) or ())}
        places = followed
    return places


def follow_year(step: Step, after: Mapping[str, Place]) -> int:
    """Bring the claims on communes that changed to those of the new year; return how many cases.

    The perimeter of a case stays what it was. It claims a new commune whole when it held all the
    communes that make it, else the part that bears the name of the one it held.
    """
    rows = TerritoryClaim.objects.filter(commune__in=list(step.links)).order_by(
        "case_id", "commune_id", "part_key"
    )
    by_case: dict[int, list[TerritoryClaim]] = {}
    for row in rows:
        by_case.setdefault(row.case_id, []).append(row)
    populations = {code: place.population for code, place in after.items()}
    fresh = [claim for held in by_case.values() for claim in followed(held, step, populations)]
    taken: set[str] = set()
    for claim in fresh:
        if claim.stage != Stage.DECIDED or claim.part_key or claim.arbitration_id is not None:
            continue
        if claim.commune_id in taken:
            # Two decided CPTS come to hold one commune whole: an overlap to settle, not a
            # reason to keep the whole country in an earlier year.
            claim.part_key = part_key(after[claim.commune_id].name)
        taken.add(claim.commune_id)
    TerritoryClaim.objects.filter(pk__in=[row.pk for row in rows]).delete()
    TerritoryClaim.objects.bulk_create(fresh)
    for case in Case.objects.filter(pk__in=list(by_case)):
        _keep_period(case)
    _follow_contracts(step)
    return len(by_case)


def _follow_contracts(step: Step) -> None:
    """The same for what contracts in force cover, claimed or not."""
    codes = list(step.links)
    touched = Q(whole__overlap=codes) | Q(parts__overlap=codes)
    contracted = TerritoryPeriod.objects.filter(until=None, stage=TerritoryPeriod.Stage.CONTRACTED)
    for period in contracted.filter(touched).order_by("pk"):
        whole: set[str] = set()
        parts = {new for code in period.parts for new in step.links.get(code) or [code]}
        kept = keep(dict.fromkeys(period.whole), step)
        for code in period.whole:
            for image in kept.get(code) or [Kept(code)]:
                (parts if image.part else whole).add(image.code)
        _write_period(period.case_id, period.stage, whole=whole, parts=parts - whole)


def followed(
    claims: Sequence[TerritoryClaim], step: Step, populations: Mapping[str, int | None]
) -> list[TerritoryClaim]:
    """The claims of one case after a step; those on communes that stay are kept as they are."""
    whole: dict[str, dict[str, int | None]] = {}
    for claim in claims:
        if not claim.part_key:
            whole.setdefault(claim.stage, {})[claim.commune_id] = claim.population
    kept = {stage: keep(held, step) for stage, held in whole.items()}
    found: dict[tuple[str, str], TerritoryClaim] = {}
    for claim in claims:
        if claim.part_key:
            part = keep_part(claim.part_key, claim.commune_id, step)
            images = [part] if part else None
        else:
            images = kept[claim.stage].get(claim.commune_id)
        for image in images if images is not None else [None]:
            fresh = _image(claim, image, populations)
            known = found.get((fresh.commune_id, fresh.part_key))
            if known is None or (known.stage == Stage.RELEASED != fresh.stage):
                found[fresh.commune_id, fresh.part_key] = fresh
    return list(found.values())


def _image(
    claim: TerritoryClaim, image: Kept | None, populations: Mapping[str, int | None]
) -> TerritoryClaim:
    if image is None:
        return claim
    part = part_key(image.part)
    if not part:
        population = populations.get(image.code, claim.population)
    elif claim.part_key:
        population = claim.population
    else:
        population = image.population
    return TerritoryClaim(
        case_id=claim.case_id,
        community_id=claim.community_id,
        commune_id=image.code,
        part_key=part,
        population=population,
        stage=claim.stage,
        arbitration_id=claim.arbitration_id,
    )


def standing_arbitrations(case: Case) -> list[Arbitration]:
    """Those that concern a case and that no later one replaces, oldest first."""
    found = Arbitration.objects.filter(case=case.pk) | Arbitration.objects.filter(other=case.pk)
    return list(
        found.filter(replaced_at=None)
        .select_related("case", "other", "given_to", "author", "body")
        .order_by("at", "pk")
    )
