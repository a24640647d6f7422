"""What a change of year means for the cases: what each would become, and what is kept of it."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any, Final

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.utils import timezone

from accounts.models import User
from cpts_portal.words import NBSP, figure
from procedures import registry
from territories.checks import people
from territories.consequences import Consequence, declare_consequences
from territories.models import TerritoryPart, Vintage
from territories.population import size_class
from territories.succession import STRUCTURAL, Change, Held, Place, Step, YearChanges, propose
from workflow import claims, opinion_rules
from workflow.models import Case, Snapshot, TerritoryClaim, YearEffect
from workflow.people import still_holds_their_role
from workflow.services import ActionRefusedError
from workflow.states import CaseState

_BATCH: Final = 2_000


@dataclass
class _Held:
    """The territory of one case: its lines, and what its class is read from."""

    case_id: int
    title: str
    region: str
    procedure: tuple[str, int]
    stage: str
    lines: list[Held] = field(default_factory=list)


def assess(changes: YearChanges) -> list[Consequence]:
    """What the changes mean for each draft, filed and decided case; nothing is written."""
    step = changes.step
    told: dict[str, list[Change]] = {}
    for change in changes.changes:
        if change.kind in STRUCTURAL or not change.after:
            for place in change.before:
                told.setdefault(place.code, []).append(change)
    found = []
    for case in (*_drafts(), *_filed()):
        before = _population(case.lines, changes.before)
        if case.stage == YearEffect.Stage.DRAFT:
            after = _population(propose(case.lines, step), changes.after)
        else:
            after = _population(_kept(case.lines, step), changes.after)
        codes = {line.code for line in case.lines}
        concerned = tuple(dict.fromkeys(c for code in sorted(codes) for c in told.get(code, ())))
        if before == after and not concerned:
            continue
        thresholds = registry.get(*case.procedure).size_rule.thresholds
        found.append(
            Consequence(
                case_id=case.case_id,
                title=case.title,
                region=case.region,
                stage=case.stage,
                stage_label=YearEffect.Stage(case.stage).label,
                population_before=before,
                population_after=after,
                size_before=size_class(before, thresholds) if thresholds else "",
                size_after=size_class(after, thresholds) if thresholds else "",
                changes=concerned,
            )
        )
    return sorted(found, key=lambda one: (one.title, one.case_id))


def _drafts() -> Iterator[_Held]:
    """The drafts and their communes, in one query."""
    case = "territory__community_link__community__cases"
    rows = (
        TerritoryPart.objects.filter(
            territory__community_link__valid_to=None, **{f"{case}__state": CaseState.DRAFT}
        )
        .order_by(case)
        .values_list(
            *(
                f"{case}__{name}"
                for name in ("pk", "title", "region", "procedure_key", "procedure_version")
            ),
            "commune_id",
            "part_name",
            "part_population",
        )
    )
    for key, lines in groupby(rows.iterator(_BATCH), key=lambda row: row[:5]):
        yield _held(key, YearEffect.Stage.DRAFT, [Held(*line[5:]) for line in lines])


def _filed() -> Iterator[_Held]:
    """The filed and decided cases and what they hold, in one query."""
    rows = (
        TerritoryClaim.objects.exclude(stage=TerritoryClaim.Stage.RELEASED)
        .order_by("case_id", "stage")
        .values_list(
            "case_id",
            "case__title",
            "case__region",
            "case__procedure_key",
            "case__procedure_version",
            "stage",
            "commune_id",
            "part_key",
            "population",
        )
    )
    for (*key, stage), lines in groupby(rows.iterator(_BATCH), key=lambda row: row[:6]):
        yield _held(key, stage, [Held(*line[6:]) for line in lines])


def _held(key: Sequence[Any], stage: str, lines: list[Held]) -> _Held:
    case_id, title, region, procedure, version = key
    return _Held(case_id, title, region, (procedure, version), stage, lines)


def _kept(lines: Iterable[Held], step: Step) -> list[Held]:
    """The lines of a filed case after a step, the perimeter staying the same."""
    drafts = [
        TerritoryClaim(commune_id=one.code, part_key=one.part, population=one.population)
        for one in lines
    ]
    return [
        Held(one.commune_id, one.part_key, one.population)
        for one in claims.followed(drafts, step, {})
    ]


def _population(lines: Iterable[Held], places: Mapping[str, Place]) -> int:
    """Inhabitants, known figures only: of the year for a whole commune, as told for a part."""
    return sum(
        (line.population if line.part or line.code not in places else places[line.code].population)
        or 0
        for line in lines
    )


@transaction.atomic
def record(changes: YearChanges, vintage: Vintage, assessed: Sequence[Consequence]) -> None:
    """Keep a dated row for each case concerned, and bring the claims to the new communes."""
    YearEffect.objects.bulk_create(
        (
            YearEffect(
                vintage=vintage,
                case_id=one.case_id,
                stage=one.stage,
                population_before=one.population_before,
                population_after=one.population_after,
                size_before=one.size_before,
                size_after=one.size_after,
                communes=[change.as_data() for change in one.changes],
            )
            for one in assessed
        ),
        batch_size=_BATCH,
    )
    claims.follow_year(changes.step, changes.after)


declare_consequences(assess, record)


# --- Reading ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class ReadableEffect:
    """What one load changed for a case, in words; `read_by` is empty until an office has read."""

    pk: int
    heading: str
    sentences: list[str]
    is_alert: bool
    read_by: str


def deposited_year(case: Case) -> int | None:
    """The year of the communes as the last deposit froze them."""
    found: int | None = (
        Snapshot.objects.filter(case=case.pk, version=case.version)
        .values_list("content__summary__cog_year", flat=True)
        .first()
    )
    return found


def readable_effects(case: Case) -> list[ReadableEffect]:
    """What each load changed for a filed case, the last one first, in one query."""
    found = (
        YearEffect.objects.filter(case=case.pk)
        .exclude(stage=YearEffect.Stage.DRAFT)
        .select_related("vintage", "acknowledged_by", "body")
        .order_by("-vintage_id")
    )
    return [
        ReadableEffect(
            pk=one.pk,
            heading=(
                f"Communes au 1er janvier {one.vintage.cog_year}, population légale "
                f"{one.vintage.population_year} (chargées le "
                f"{timezone.localdate(one.vintage.loaded_at):%d/%m/%Y})"
            ),
            sentences=effect_sentences(one),
            is_alert=one.is_alert,
            read_by=_reader(one),
        )
        for one in found
    ]


def _reader(effect: YearEffect) -> str:
    if effect.acknowledged_at is None:
        return ""
    when = timezone.localdate(effect.acknowledged_at)
    return f"{effect.acknowledged_by}, {effect.body}, {when:%d/%m/%Y}"


def effect_sentences(effect: YearEffect) -> list[str]:
    """Communes, population and size, as far as they change."""
    said = commune_sentences(effect.communes)
    if effect.difference:
        said.append(
            f"La population du territoire passe de {figure(effect.population_before)} à "
            f"{people(effect.population_after)}."
        )
    if effect.changes_class:
        said.append(
            f"Avec ces chiffres, la CPTS serait {_size(effect.size_after)}, et non plus "
            f"{_size(effect.size_before)}. Rien ne change dans le dossier déposé."
        )
    return said


def commune_sentences(changes: Sequence[Mapping[str, Any]]) -> list[str]:
    """« A, B et C sont devenues D. », from what a row keeps of the communes."""
    said = []
    for change in changes:
        before, after = ([name for _, name in change[when]] for when in ("before", "after"))
        if not after:
            said.append(f"{before[0]} n’est plus une commune.")
        elif len(before) > 1:
            said.append(f"{_listed(before)} sont devenues {_listed(after)}.")
        elif before == after:
            code = change["after"][0][0]
            said.append(f"{before[0]} a changé de code{NBSP}: {code}.")
        else:
            said.append(f"{before[0]} est devenue {_listed(after)}.")
    return said


def _listed(words: Sequence[str]) -> str:
    return f"{', '.join(words[:-1])} et {words[-1]}" if len(words) > 1 else "".join(words)


def _size(size: str) -> str:
    return f"de taille {size[1]}" if size else "sans taille"


# --- Alerts -----------------------------------------------------------------------------------


def may_acknowledge(case: Case, user: User) -> bool:
    """Whoever examines the case in the office in charge."""
    return opinion_rules.may_examine(case, user)


@transaction.atomic
def acknowledge(case: Case, effect_id: int, *, actor: User) -> YearEffect:
    """Note that the office has read an alert: who, for which office, when.

    Raises PermissionDenied, YearEffect.DoesNotExist for an alert of another case, or
    ActionRefusedError when somebody has already done it.
    """
    if not may_acknowledge(case, actor) or actor.acting is None:
        raise PermissionDenied("Seul un agent du bureau en charge accuse lecture d’une alerte.")
    still_holds_their_role(actor)
    effect = (
        YearEffect.objects.alerts()
        .select_for_update(of=("self",))
        .select_related("acknowledged_by")
        .get(pk=effect_id, case=case.pk)
    )
    if effect.acknowledged_at is not None:
        raise ActionRefusedError(
            f"C’est déjà fait : {effect.acknowledged_by} a lu cette alerte le "
            f"{timezone.localdate(effect.acknowledged_at):%d/%m/%Y}."
        )
    effect.acknowledged_at = timezone.now()
    effect.acknowledged_by = actor
    effect.body = actor.acting.organisation
    effect.save(update_fields=["acknowledged_at", "acknowledged_by", "body"])
    return effect
