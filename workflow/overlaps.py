"""Where the territory of a case meets those of other CPTS, who may know it, what was settled."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.core.exceptions import PermissionDenied
from django.db import connection, transaction
from django.db.models import Exists, OuterRef
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from outbox.registry import handles
from outbox.services import publish
from procedures.schema import Procedure
from territories.checks import NBSP, Check, Kind, check_territory, names, people, read_places
from territories.models import Territory
from territories.overlap import Line, common, inhabitants, part_key
from workflow import opinion_rules
from workflow.claims import settle_stage, settled_places, stage_of, standing_arbitrations
from workflow.decision_missing import declare_obstacle
from workflow.decision_text import declare_mention
from workflow.message_rules import WRITERS
from workflow.models import Arbitration, Case, TerritoryClaim, TerritoryPeriod
from workflow.notices import office_of, tell
from workflow.people import still_holds_their_role
from workflow.readers import Reader, reader_of
from workflow.services import ActionRefusedError

LONGEST_REASON: Final = 5_000
Stage = TerritoryClaim.Stage


@dataclass(frozen=True)
class Overlap:
    """What the territory has in common with that of one other case."""

    case_id: int
    stage: str
    lines: list[Line]

    @property
    def communes(self) -> list[str]:
        return list(dict.fromkeys(line.commune for line in self.lines))

    @property
    def inhabitants(self) -> int:
        return inhabitants(self.lines)


# Everything it reads is in one index: see the plan in `benchmarks/`.
CLAIMS_SQL: Final = """
    SELECT commune_id, part_key, population, case_id, stage
      FROM workflow_territoryclaim
     WHERE commune_id = ANY(%s) AND community_id <> %s AND stage <> 'released'
"""


def find_overlaps(lines: Sequence[Line], *, community_id: int) -> list[Overlap]:
    """The filed and decided cases of other CPTS anywhere in France, in one query.

    Those that share most inhabitants come first.
    """
    return find_overlaps_of([lines], community_id=community_id)[0]


def find_overlaps_of(
    territories: Sequence[Sequence[Line]], *, community_id: int
) -> list[list[Overlap]]:
    """The same for each of several territories of one CPTS, in one query for all."""
    codes = sorted({line.commune for lines in territories for line in lines})
    if not codes:
        return [[] for _ in territories]
    with connection.cursor() as cursor:
        cursor.execute(CLAIMS_SQL, [codes, community_id])
        rows = cursor.fetchall()
    theirs: dict[int, list[Line]] = {}
    stages: dict[int, str] = {}
    for commune, key, population, case_id, stage in rows:
        theirs.setdefault(case_id, []).append(Line(commune, key, population))
        # A line given to somebody else is released while the case is decided or filed.
        stages[case_id] = stage
    return [_met(lines, theirs, stages) for lines in territories]


def _met(
    lines: Sequence[Line], theirs: dict[int, list[Line]], stages: dict[int, str]
) -> list[Overlap]:
    met = [
        Overlap(case_id, stages[case_id], shared)
        for case_id, held in theirs.items()
        if (shared := common(lines, held))
    ]
    return sorted(met, key=lambda one: (-one.inhabitants, one.case_id))


def lines_of_case(case: Case) -> list[Line]:
    """The territory of a filed case, as last deposited; what was given to another is out."""
    claims = TerritoryClaim.objects.filter(case=case.pk).exclude(stage=Stage.RELEASED)
    return [Line(*row) for row in claims.values_list("commune_id", "part_key", "population")]


def lines_of_territory(territory: Territory) -> list[Line]:
    """The territory as it is drawn now."""
    rows = territory.parts.values_list(
        "commune_id", "part_name", "commune__population", "part_population"
    )
    return [
        Line(code, part_key(part), estimate if part else population)
        for code, part, population, estimate in rows
    ]


def remarks(lines: Sequence[Line], procedure: Procedure) -> list[Check]:
    """What deserves a look in a territory under this procedure, its overlaps aside."""
    floor = procedure.floor
    return check_territory(
        lines,
        floor=floor.inhabitants if floor else None,
        floor_text=floor.text if floor else "",
        thresholds=procedure.size_rule.thresholds,
    )


# --- Who may know what ----------------------------------------------------------------------


@dataclass(frozen=True)
class KnownOverlap:
    """An overlap in the words this person may read."""

    overlap: Overlap
    # « CPTS du Lauragais, lettre LI-76-2026-0003 », or that there is another CPTS.
    label: str
    stage: str
    # The page of the other case, for whoever may open it.
    url: str
    communes: str
    arbitration: Arbitration | None = None

    @property
    def sentence(self) -> str:
        count = len(self.overlap.communes)
        shared = f"{count}{NBSP}{'commune' if count == 1 else 'communes'}"
        return (
            f"{self.label} ({self.stage}) a aussi {shared}, "
            f"{people(self.overlap.inhabitants)}{NBSP}: {self.communes}."
        )


STAGE_WORDS: Final = {
    Stage.FILED: "lettre à l’étude",
    Stage.DECIDED: "CPTS validée",
}
UNDER_CONTRACT: Final = "contrat signé"
# Whether the CPTS of a case has a contract in force.
_CONTRACTED: Final = Exists(
    TerritoryPeriod.objects.filter(
        case__community=OuterRef("community"),
        stage=TerritoryPeriod.Stage.CONTRACTED,
        until=None,
    )
)


def _stage_words(stage: str, *, is_contracted: bool) -> str:
    if stage == Stage.DECIDED and is_contracted:
        return UNDER_CONTRACT
    return STAGE_WORDS[Stage(stage)]


def known_overlaps(
    found: Sequence[Overlap], user: User, *, case: Case | None = None
) -> list[KnownOverlap]:
    """Each overlap as this person may know it, in four queries at most.

    A decided CPTS is public: everybody reads its name. One that is only filed is named to those
    whose desk it is on, and to nobody else.
    """
    if not found:
        return []
    ids = [one.case_id for one in found]
    others = Case.objects.filter(pk__in=ids).annotate(contracted=_CONTRACTED)
    titles: dict[int, tuple[str, str]] = {}
    contracted: dict[int, bool] = {}
    for pk, title, reference, is_contracted in others.values_list(
        "pk", "title", "reference", "contracted"
    ):
        titles[pk], contracted[pk] = (title, reference or ""), is_contracted
    seen = dict(
        Case.objects.visible_to(user).filter(pk__in=ids).values_list("pk", "public_id").distinct()
    )
    places = read_places({code for one in found for code in one.communes})
    settled = _settled(case) if case else {}
    return [
        KnownOverlap(
            overlap=one,
            label=_label(one, *titles[one.case_id], is_seen=one.case_id in seen, user=user),
            stage=_stage_words(one.stage, is_contracted=contracted[one.case_id]),
            url=(
                reverse("cases:territory", args=[seen[one.case_id]]) if one.case_id in seen else ""
            ),
            communes=names(one.communes, places),
            arbitration=settled.get(one.case_id),
        )
        for one in found
    ]


def _settled(case: Case) -> dict[int, Arbitration]:
    """The last arbitration with each other case."""
    return {
        one.other_id if one.case_id == case.pk else one.case_id: one
        for one in standing_arbitrations(case)
    }


def _label(overlap: Overlap, title: str, reference: str, *, is_seen: bool, user: User) -> str:
    if is_seen:
        return f"{title}, {reference}"
    if overlap.stage == Stage.DECIDED:
        return title
    if user.acting is None:
        return "Une autre CPTS"
    return "Une CPTS qui n’est pas sur votre bureau"


def known_neighbours(
    user: User, *, departments: Sequence[str], community_id: int
) -> list[dict[str, Any]]:
    """The territories of other CPTS that a map may show to this person, in three queries.

    Those that are decided, and those on the person's desk: `label`, and INSEE `codes`.
    """
    claims = (
        TerritoryClaim.objects.filter(commune__department__in=departments)
        .exclude(stage=Stage.RELEASED)
        .exclude(community=community_id)
    )
    desk = set(Case.objects.visible_to(user).values_list("pk", flat=True)) if user.acting else set()
    found: dict[int, dict[str, Any]] = {}
    rows = list(
        claims.order_by("case_id", "commune_id").values_list(
            "case_id", "case__title", "stage", "commune_id", "community"
        )
    )
    contracted = set(
        TerritoryPeriod.objects.filter(
            case__community__in={row[4] for row in rows},
            stage=TerritoryPeriod.Stage.CONTRACTED,
            until=None,
        ).values_list("case__community", flat=True)
    )
    for case_id, title, stage, code, community in rows:
        if stage == Stage.DECIDED or case_id in desk:
            words = f"{title} ({_stage_words(stage, is_contracted=community in contracted)})"
            found.setdefault(case_id, {"label": words, "codes": []})["codes"].append(code)
    return list(found.values())


def overlap_checks(found: Sequence[KnownOverlap]) -> list[Check]:
    return [Check(Kind.OVERLAP, one.sentence) for one in found if one.arbitration is None]


# --- Settling ---------------------------------------------------------------------------------


def unsettled(case: Case) -> list[Overlap]:
    """The overlaps of a filed case that no arbitration covers whole, in two queries."""
    covered: dict[int, set[str]] = {}
    for one in standing_arbitrations(case):
        other = one.other_id if one.case_id == case.pk else one.case_id
        covered.setdefault(other, set()).update(settled_places(one))
    return [
        overlap
        for overlap in find_overlaps(lines_of_case(case), community_id=case.community_id)
        if set(overlap.communes) - covered.get(overlap.case_id, set())
    ]


def obstacles_to_decision(case: Case) -> list[str]:
    """Why a case cannot be decided while an overlap has no arbitration, as sentences."""
    found = unsettled(case)
    places = read_places({code for one in found for code in one.communes})
    others = Case.objects.filter(pk__in=[one.case_id for one in found])
    contracted = dict(others.annotate(contracted=_CONTRACTED).values_list("pk", "contracted"))
    words = {
        one.case_id: _stage_words(one.stage, is_contracted=contracted[one.case_id]) for one in found
    }
    return [
        f"{names(one.communes, places)} ({people(one.inhabitants)}) "
        f"{'est' if len(one.communes) == 1 else 'sont'} aussi dans le territoire d’une autre "
        f"CPTS ({words[one.case_id]}){NBSP}: écrivez l’arbitrage dans l’onglet "
        f"«{NBSP}Territoire{NBSP}», puis proposez la décision."
        for one in found
    ]


def arbitration_lines(case: Case) -> list[str]:
    """What a decision says of the arbitrations that concern its territory, as sentences."""
    said = standing_arbitrations(case)
    places = read_places({code for one in said for code in one.communes})
    lines = []
    for one in said:
        other = one.other if one.case_id == case.pk else one.case
        where = names(one.communes, places)
        # The name of a CPTS is public once it is decided, not before.
        is_public = stage_of(other.state) == Stage.DECIDED
        whom = other.title if is_public else "une autre CPTS"
        if one.given_to_id == case.pk:
            what = f"{where}{NBSP}: rattachement à la présente CPTS, et non à {whom}"
        elif one.outcome == Arbitration.Outcome.GIVEN:
            what = f"{where}{NBSP}: rattachement à {whom}"
        elif one.outcome == Arbitration.Outcome.SHARED:
            what = f"{where}{NBSP}: partage avec {whom}"
        else:
            what = f"{where}{NBSP}: chevauchement accepté avec {whom}"
        lines.append(f"{what} (arbitrage du {timezone.localdate(one.at):%d/%m/%Y}).")
    return lines


@dataclass(frozen=True)
class ReadableArbitration:
    """An arbitration for the offices: what was settled, why, by whom."""

    sentence: str
    reason: str
    author: str


def readable_arbitrations(case: Case, user: User) -> list[ReadableArbitration]:
    """Those that stand, for the offices that have the case: neither for a body asked its opinion
    nor for whoever writes the case. The team reads them in the decision.
    """
    if user.acting is None or reader_of(case, user) == Reader.REVIEWER:
        return []
    if str(case.community.team_role(user)) in WRITERS:
        return []
    return [
        ReadableArbitration(
            sentence=line,
            reason=one.reason,
            author=f"{one.author}, {one.body}, {timezone.localdate(one.at):%d/%m/%Y}",
        )
        for one, line in zip(standing_arbitrations(case), arbitration_lines(case), strict=True)
    ]


def may_arbitrate(case: Case, user: User) -> bool:
    """Whoever examines the case in the office in charge."""
    return opinion_rules.may_examine(case, user)


@transaction.atomic
def arbitrate(
    case: Case,
    other_id: int,
    *,
    outcome: str,
    reason: str,
    actor: User,
    given_to: int | None = None,
) -> Arbitration:
    """Settle what two cases have in common, on the part of the office in charge of `case`.

    It covers every commune they share today and takes the place of an earlier arbitration
    between them. The other office is told.

    Raises PermissionDenied, or ActionRefusedError with the sentence to show.
    """
    locked = {
        one.pk: one
        for one in Case.objects.select_for_update(of=("self",))
        .select_related("community", "office")
        .filter(pk__in=[case.pk, other_id])
        .order_by("pk")
    }
    case = locked[case.pk]
    if not may_arbitrate(case, actor) or actor.acting is None:
        raise PermissionDenied("Seul un agent du bureau en charge écrit un arbitrage.")
    still_holds_their_role(actor)
    other = locked.get(other_id)
    communes = _shared_communes(case, other) if other else []
    if other is None or not communes:
        raise ActionRefusedError(
            "Ces deux territoires n’ont plus rien en commun : il n’y a rien à arbitrer. Rechargez "
            "la page."
        )
    if outcome not in Arbitration.Outcome.values:
        raise ActionRefusedError("Choisissez l’arbitrage dans la liste.")
    is_given = outcome == Arbitration.Outcome.GIVEN
    if is_given and given_to not in locked:
        raise ActionRefusedError("Dites à laquelle des deux CPTS la commune est rattachée.")
    reason = reason.replace("\0", "").strip()
    if not reason:
        raise ActionRefusedError(
            "Écrivez le motif de l’arbitrage : les deux bureaux et les deux décisions le portent."
        )
    if len(reason) > LONGEST_REASON:
        raise ActionRefusedError(
            f"Le motif compte {len(reason)} caractères ; il en accepte {LONGEST_REASON} au plus. "
            "Raccourcissez-le."
        )
    between = Arbitration.objects.filter(
        case__in=locked.keys(), other__in=locked.keys(), replaced_at=None
    )
    between.update(replaced_at=timezone.now())
    arbitration = Arbitration.objects.create(
        case=case,
        other=other,
        communes=communes,
        outcome=outcome,
        given_to=locked[given_to] if is_given and given_to is not None else None,
        reason=reason,
        author=actor,
        body=actor.acting.organisation,
    )
    for one in (case, other):
        settle_stage(one)
    publish("workflow.announce_arbitration", key=str(arbitration.pk), arbitration_id=arbitration.pk)
    return arbitration


def _shared_communes(case: Case, other: Case) -> list[str]:
    """What both hold, whatever an earlier arbitration between them gave to one."""

    def held(one: Case) -> list[Line]:
        rows = TerritoryClaim.objects.filter(case=one.pk)
        return [Line(*row) for row in rows.values_list("commune_id", "part_key", "population")]

    return list(dict.fromkeys(line.commune for line in common(held(case), held(other))))


@handles("workflow.announce_arbitration")
def announce_arbitration(*, arbitration_id: int) -> None:
    """Tell the other office. Running it again tells nobody twice."""
    arbitration = Arbitration.objects.select_related(
        "case", "other__office", "other__community", "author", "body"
    ).get(pk=arbitration_id)
    other = arbitration.other
    tell(
        other,
        "arbitration",
        key=f"arbitration:{arbitration.pk}",
        to=office_of(other, opinion_rules.EXAMINERS),
        template="workflow/arbitration",
        context={
            "author": arbitration.author,
            "sender": arbitration.body.name,
            "outcome": arbitration.get_outcome_display().lower(),
        },
        body=other.office,
        path=reverse("cases:territory", args=[other.public_id]),
    )


# No decision before the arbitration, and none that does not mention it.
declare_obstacle(obstacles_to_decision)
declare_mention(arbitration_lines)
