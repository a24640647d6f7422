"""Health projects for tests: drafts, versions frozen and signed, deposits, on their way."""

from datetime import timedelta
from itertools import count
from typing import Any

from django.utils import timezone

from accounts.models import Organisation, User
from communities import legal
from communities.models import Community
from health_projects import coherence, services
from health_projects.models import HealthProject
from health_projects.sheet_writing import Actor
from health_projects.sheets import rules_of
from outbox.services import deliver_pending
from signatures import campaigns
from signatures.models import Campaign
from signatures.signing import record_paper_signature
from territories.models import Region
from territories.services import add_communes
from tests import factories
from tests.health_projects.sheet_making import sheet
from tests.letters import cases
from tests.members import making
from tests.workflow import asking
from workflow.approving import approve
from workflow.models import Decision
from workflow.proposing import save_proposal
from workflow.services import perform
from writing import services as writing_services
from writing.buffer import open_buffer
from writing.consulting import consult
from writing.content import procedure_of

_numbers = count(1)
# The national procedure (84): the agency decides after the CPAM, which is not in the tests.
PLACES = {"52": "44114", "84": "01053", "32": "62041", "76": "81140"}


def draft(
    region: str = "52",
    *,
    communes: tuple[str, ...] = (),
    owner: User | None = None,
    community: Community | None = None,
) -> HealthProject:
    """A project just begun by a CPTS, without a letter."""
    cases.reference_rows()
    owner = owner or factories.user()
    if community is None:
        community = factories.community(
            owner,
            name=f"CPTS en projet {next(_numbers)}",
            region_=Region.objects.get(code=region),
        )
        add_communes(community.territory, list(communes or (PLACES[region],)))
    return services.open_project(community, user=owner)


def complete(region: str = "84", **options: Any) -> HealthProject:
    """A draft that lacks nothing, of a CPTS with a doctor, a nurse and a health centre."""
    return finish(draft(region, **options))


def finish(project: HealthProject) -> HealthProject:
    """What a project just begun lacks: members, an association, a sheet, answers."""
    community, owner = project.community, project.created_by
    nurse, doctor = making.professional(community), making.professional(community, profession="10")
    centre = making.structure(community)
    legal.add_entity(
        community,
        {
            "name": community.name,
            "address": "1 place de la Mairie",
            "postal_code": "44000",
            "city": "Nantes",
            "valid_from": timezone.localdate(),
            "pending_reason": "La déclaration est en cours en préfecture.",
        },
        by=owner,
    )
    rules = rules_of(project)
    for theme in (rules.themes or (None,))[: max(rules.sheets.minimum, 1)]:
        sheet(
            project,
            coordinator=nurse.pk,
            actors=[Actor("first_line", member=doctor.pk), Actor("structure", member=centre.pk)],
            missions=[mission.key for mission in rules.missions],
            themes=[theme.key] if theme else [],
        )
    findings = [
        coherence.Finding(framework=one.key, finding="coherent") for one in rules.frameworks
    ]
    coherence.save_findings(project, findings, by=owner)
    cases.fill(project)
    return project


def frozen(region: str = "84", **options: Any) -> HealthProject:
    """A version to sign, with its PDF."""
    project = complete(region, **options)
    services.freeze_version(project, actor=project.created_by)
    deliver_pending()
    return project


def campaign(project: HealthProject) -> Campaign:
    """An open campaign on the last version, towards every member."""
    prepared = campaigns.prepare_campaign(
        project,
        closes_on=timezone.localdate() + timedelta(days=30),
        message="",
        by=project.created_by,
    )
    return campaigns.open_campaign(prepared, by=project.created_by)


def signed(region: str = "84", **options: Any) -> HealthProject:
    """A version that one of its two members has signed; the campaign is closed."""
    return sign(frozen(region, **options))


def signed_by_all(project: HealthProject) -> HealthProject:
    """The frozen version signed by everyone it asks."""
    return sign(project, of=1_000)


def sign(project: HealthProject, *, of: int = 1) -> HealthProject:
    """The frozen version signed by the first `of` members it asks; the campaign is closed."""
    opened = campaign(project)
    for invitation in opened.invitations.filter(state="waiting").order_by("pk")[:of]:
        record_paper_signature(invitation, by=project.created_by, evidence={})
    campaigns.close_campaign(opened, by=project.created_by)
    return fresh(project)


def file(project: HealthProject, *, actor: User | None = None) -> Any:
    """Deposit as the button does."""
    return services.deposit(
        project,
        actor=actor or project.created_by,
        commits=True,
        signatory_name="Claire Fabre",
        place="Nantes",
    )


def deposited(region: str = "84", **options: Any) -> HealthProject:
    project = signed(region, **options)
    file(project)
    return fresh(project)


def fresh(project: HealthProject) -> HealthProject:
    return HealthProject.objects.get(pk=project.pk)


def write(project: HealthProject, key: str, value: str) -> None:
    """Save an answer as the page of its step does."""
    project = fresh(project)
    if project.is_deposited:
        open_buffer(project, project.created_by)
    field = procedure_of(project).field(key)
    writing_services.save_answer(project, field, value, user=project.created_by, base_revision=None)


def agent(project: HealthProject, role: str = "agent") -> User:
    assert project.office
    return asking.member(project.office, role)


def under_review(region: str = "84", **options: Any) -> HealthProject:
    """A project that an agent of the agency has taken up, the opinions being closed."""
    return taken_up(deposited(region, **options))


def taken_up(project: HealthProject) -> HealthProject:
    """The same, its opinions closed, in the hands of an agent of the agency."""
    consult(case_id=project.pk)
    project = fresh(project)
    if project.state == "in_consultation":
        project.consultations.all().delete()
        perform(project, "end_consultation", actor=agent(project))
    else:
        perform(project, "take_up", actor=agent(project))
    return fresh(project)


def validating(**changes: Any) -> dict[str, Any]:
    return {
        "outcome": "accept",
        "fact_keys": ["territory_relevant"],
        "fact_text": "Le territoire suit le bassin de vie.",
        **changes,
    }


def opposing(**changes: Any) -> dict[str, Any]:
    return {
        "outcome": "refuse",
        "ground": "territory_relevance",
        "fact_text": "Le territoire laisse de côté les trois communes du plateau.",
        **changes,
    }


def propose(project: HealthProject, **text: Any) -> Decision:
    return save_proposal(
        project,
        user=agent(project, "coordinator"),
        base_revision=0,
        submit=True,
        **text,  # type: ignore[arg-type]
    )


def director(project: HealthProject) -> User:
    return asking.member(cases.body("ars", project.region_id), "signatory")


def decide(project: HealthProject, **text: Any) -> Decision:
    """A decision proposed, and signed by the director of the agency."""
    decision = propose(project, **text)
    return approve(
        project,
        user=director(project),
        text_sha256=decision.text_sha256,
        capacity="Directrice générale",
    )


def fund(project: HealthProject) -> Organisation:
    return cases.body("cpam", project.region_id, project.department_codes[0])
