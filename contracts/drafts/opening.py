"""Opening the draft of a contract: by whom, for which CPTS, with what the portal knows of it."""

from dataclasses import dataclass
from datetime import date
from typing import Final

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.utils import timezone

from accounts.models import Organisation, User
from communities.models import Community, CommunityStage
from communities.stages import open_stage
from contracts import describing
from contracts.describing import Ground
from contracts.funding.engaging import KIND, named, put_on_desks
from contracts.models import Contract, Draft, DraftVersion
from contracts.rules import WRITERS
from contracts.terms import CPOM, ContractTerms, MissionTerm, Sheet, to_data
from cpts_portal.composed import ComposedObjects, Given
from cpts_portal.words import day
from health_projects.models import HealthProject
from health_projects.sheets import frozen_sheets
from outbox.services import publish
from procedures import registry
from procedures.rates import current_rates
from workflow.models import Case
from workflow.people import still_holds_their_role
from workflow.services import ActionRefusedError
from workflow.states import CaseState

UNDER_WAY: Final = (CaseState.DRAFT, CaseState.TO_SIGN)
VALIDATED: Final = (CaseState.ACCEPTED, CaseState.TACITLY_ACCEPTED)
_AGENCIES: Final = frozenset({"ars", "ars_branch"})


@dataclass(frozen=True)
class Opening:
    """Where a CPTS stands before its contract: what it would begin with, or why it cannot."""

    community: Community
    ground: Ground
    ars: Organisation | None
    # Those of the départements of its territory.
    cpams: tuple[Organisation, ...]
    # When and by which act it was recognised; None: the portal knows of none.
    stage: CommunityStage | None
    # The contract under way; the one in force.
    current: Contract | None
    in_force: Contract | None
    why_not: str


def read_opening(community: Community) -> Opening:
    """What the contract of a CPTS would begin with, in a constant number of queries."""
    ground = describing.ground_of(community)
    mine = Contract.objects.filter(community=community).select_related("ars", "cpam")
    current = mine.filter(state__in=UNDER_WAY).first()
    in_force = mine.filter(state=CaseState.ACCEPTED).order_by("-pk").first()
    cpams = Organisation.objects.filter(kind="cpam", department__in=ground.departments)
    ars = Organisation.objects.filter(kind="ars", region_id=community.region_id).first()
    why_not = ""
    if ars is None:
        why_not = (
            "Aucune ARS n’est enregistrée pour cette région : l’administrateur du portail doit "
            "l’ajouter avant qu’un contrat puisse s’ouvrir."
        )
    elif not ground.communes:
        why_not = (
            "Cette CPTS n’a pas encore de territoire sur le portail : composez-le, le contrat le "
            "reprendra avec sa population."
        )
    return Opening(
        community,
        ground,
        ars,
        tuple(cpams.order_by("department", "name", "pk")),
        community.stages.open().filter(kind=CommunityStage.Kind.CONTRACT).first(),
        current,
        in_force,
        why_not,
    )


def may_open(opening: Opening, user: User | None) -> bool:
    """The person responsible for the CPTS, an agent of its agency, or of a CPAM of its territory.

    Whoever writes for the CPTS opens for no other party.
    """
    if user is None:
        return False
    team_role = str(opening.community.team_role(user))
    acting = user.acting
    if acting is None or team_role in {"owner", "editor"}:
        return acting is None and team_role == "owner"
    if not acting.is_active or acting.role not in WRITERS:
        return False
    if acting.department_id not in {None, *opening.ground.departments}:
        return False
    if speaks_for_the_agency(opening, user):
        return True
    return acting.organisation_id in {one.pk for one in opening.cpams}


def speaks_for_the_agency(opening: Opening, user: User) -> bool:
    """Whether the person acts for the agency or one of its branches there."""
    acting = user.acting
    if acting is None or opening.ars is None or acting.organisation.kind not in _AGENCIES:
        return False
    return opening.ars.pk in {acting.organisation_id, acting.organisation.parent_id}


@dataclass(frozen=True)
class Recognition:
    """A CPTS recognised elsewhere than on the portal: the day, and the act that did it."""

    on: date
    act: str


@transaction.atomic
def open_contract(
    community: Community,
    *,
    by: User,
    form: str = Contract.Form.ACI,
    cpam: Organisation | None = None,
    recognised: Recognition | None = None,
) -> Contract:
    """Open the shared draft, on the desks of its parties; the one under way if there is one.

    `recognised` is for a CPTS whose project was validated elsewhere: the agency says so.

    Raises PermissionDenied, or ActionRefusedError with what keeps the contract from opening.
    """
    community = Community.objects.select_for_update().get(pk=community.pk)
    opening = read_opening(community)
    if not may_open(opening, by):
        raise PermissionDenied(
            "Un responsable de la CPTS, un agent de son ARS ou de sa CPAM ouvre le contrat."
        )
    still_holds_their_role(by)
    if opening.current is not None:
        return opening.current
    if opening.why_not or opening.ars is None:
        raise ActionRefusedError(opening.why_not)
    _check_recognised(opening, recognised, by)
    if form == Contract.Form.CPOM:
        cpam = None
    elif cpam is None or cpam.pk not in {one.pk for one in opening.cpams}:
        raise ActionRefusedError(
            "Choisissez la CPAM qui signe et qui paie, parmi celles du territoire."
        )
    contract = _create(opening, form=form, ars=opening.ars, cpam=cpam, by=by)
    put_on_desks(contract)
    said = first_terms(opening, form=form, ars=opening.ars, cpam=cpam)
    draft = Draft.objects.create(
        contract=contract, terms=to_data(said), opened_by=by, updated_by=by
    )
    DraftVersion.objects.create(
        draft=draft,
        number=1,
        terms=draft.terms,
        note="Projet ouvert avec ce que le portail sait de la CPTS",
        by=by,
    )
    publish("contracts.draft_opened", key=str(draft.pk), draft_id=draft.pk)
    return contract


def _check_recognised(opening: Opening, recognised: Recognition | None, by: User) -> None:
    if opening.stage is not None:
        return
    if recognised is None or not speaks_for_the_agency(opening, by):
        raise ActionRefusedError(
            "Le projet de santé de cette CPTS n’est pas validé sur le portail : le contrat s’ouvre "
            "après sa validation. Si la CPTS a été reconnue ailleurs, son ARS l’écrit en ouvrant "
            "le contrat."
        )
    if recognised.on > timezone.localdate():
        raise ActionRefusedError(
            f"La CPTS aurait été reconnue le {day(recognised.on)}, un jour à venir : vérifiez la "
            "date de l’acte."
        )
    open_stage(
        opening.community,
        name=opening.community.name,
        act=recognised.act[:100],
        reference=f"hors-portail-{opening.community.public_id}"[:60],
        population=opening.ground.population or 0,
        commune_count=len(opening.ground.communes),
        size_class=opening.ground.size,
        carried={"recognised_elsewhere": True},
        kind=CommunityStage.Kind.CONTRACT,
        on=recognised.on,
    )


def _create(
    opening: Opening, *, form: str, ars: Organisation, cpam: Organisation | None, by: User
) -> Contract:
    community, ground = opening.community, opening.ground
    procedure = registry.for_region(community.region_id)
    department = (cpam.department_id if cpam else None) or ground.departments[0]
    return Contract.objects.create(
        kind=KIND,
        community=community,
        title=community.name,
        region_id=community.region_id,
        procedure_key=procedure.key,
        procedure_version=procedure.version,
        office=cpam or ars,
        department_codes=list(ground.departments),
        money_department=department,
        population=ground.population,
        commune_count=len({one.code for one in ground.communes}),
        size_class=ground.size,
        created_by=by,
        form=form,
        cpam=cpam,
        ars=ars,
        population_year=ground.population_year,
        population_source=ground.population_source,
    )


def first_terms(
    opening: Opening, *, form: str, ars: Organisation, cpam: Organisation | None
) -> ContractTerms:
    """What a draft begins with: the parties, the territory, the mandatory missions, the sheets."""
    ground, rates = opening.ground, current_rates()
    return ContractTerms(
        form=form,
        parties=describing.parties_of(
            opening.community, ars=ars, cpam=cpam, on=timezone.localdate()
        ),
        communes=ground.communes,
        territory_year=ground.year,
        population=ground.population,
        population_year=ground.population_year,
        population_source=ground.population_source,
        size="" if form == CPOM else ground.size,
        missions=()
        if form == CPOM
        else tuple(MissionTerm(key=one.key) for one in rates.missions if not one.is_optional),
        sheets=sheets_in_force(opening.community),
        rates="" if form == CPOM else named(rates),
    )


_VALIDATED: Final = ComposedObjects(
    lambda: HealthProject.objects.filter(
        community_id=Given("community"), state__in=VALIDATED
    ).order_by("-pk")
)


def sheets_in_force(community: Community) -> tuple[Sheet, ...]:
    """The action sheets of the validated health project, as they were deposited."""
    found: list[HealthProject] = _VALIDATED.objects(community=community.pk, count=1)
    if not found:
        return ()
    project = found[0]
    return tuple(
        Sheet(
            key=one["uid"],
            title=one["label"],
            missions=tuple(mission["label"] for mission in one["missions"]),
            reference=f"{project.reference}, fiche {one['number']}",
            summary=one["general_objective"],
        )
        for one in frozen_sheets(project)
    )


def contracts_of(community: Community) -> list[Case]:
    """Every contract of a CPTS, the latest first."""
    return list(Contract.objects.filter(community=community).order_by("-pk"))
