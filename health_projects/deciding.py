"""A project is validated, by a decision or by silence, or the ARS opposes it: what goes with it."""

from datetime import date, timedelta
from typing import Any

from django.utils import timezone

from accounts.models import Organisation, User
from communities.models import CommunityStage
from communities.officers import record_renaming
from communities.stages import close_stage, open_stage
from health_projects.models import HealthProject
from health_projects.services import KIND
from health_projects.signing import frozen_version
from health_projects.unmaking import certificate_number
from outbox.services import publish
from procedures.circuit import Decider
from workflow.approving import record_taken
from workflow.complement_ending import abandon_requests
from workflow.consultations import revoke_all
from workflow.decision_text import DecisionWords, declare_words
from workflow.decisions import drop_open_decision
from workflow.effects import prepares, records
from workflow.models import Case, CaseDesk, TransitionLog
from workflow.services import clock_of, end_clock
from writing.content import procedure_of

_TAKEN = "Une décision est prise."
_SILENCE = "Le silence a valu validation."


def grounds_of(case: Case) -> list[tuple[str, str]]:
    """The grounds on which the ARS may oppose, as the procedure of the case lists them."""
    project_rules = procedure_of(case).project  # type: ignore[arg-type]
    return [(one.key, one.label) for one in project_rules.grounds] if project_rules else []


WORDS = DecisionWords(
    subject="le projet de santé",
    accepted="validé",
    refused="l’objet d’une opposition",
    deposited="déposé",
    opens="La communauté professionnelle territoriale de santé est reconnue. Elle peut conclure, "
    "avec l’agence régionale de santé et l’assurance maladie, le contrat prévu par l’accord "
    "conventionnel interprofessionnel.",
    accept_title="de validation du projet de santé",
    refuse_title="d’opposition au projet de santé",
    accept_noun="validation",
    refuse_noun="opposition",
    accept_label="Valider le projet",
    refuse_label="S’opposer au projet",
    accept_news="projet de santé validé",
    refuse_news="opposition au projet de santé",
    accept_told="Le projet de santé de « {title} » est validé, par une décision du {day}.",
    refuse_told="L’ARS s’oppose au projet de santé de « {title} », par une décision du {day}.",
    accept_opens="Votre CPTS est reconnue : le courrier de reconnaissance vous est envoyé à part.",
    refuse_article="Il est fait opposition au projet de santé {case}.",
    law=("Vu le code de la santé publique, notamment son article L. 1434-12",),
    grounds=grounds_of,
    grounds_source="CSP, article L. 1434-12",
    refused_by=Decider.ARS,
)
declare_words(KIND, WORDS)


# --- By a decision ------------------------------------------------------------------------------


@prepares(KIND, "accept")
def date_the_validation(_project: HealthProject, **_data: Any) -> dict[str, Any]:
    return {"validated_on": timezone.localdate()}


@records(KIND, "accept")
def settle_validation(project: HealthProject, *, log: TransitionLog, actor: User) -> None:
    """Take the decision and recognise the CPTS."""
    decision = record_taken(project, log=log, actor=actor)
    abandon_requests(project, actor=actor, reason=_TAKEN)
    recognise(project, act="Projet de santé validé", reference=decision.number)
    publish("health_projects.recognised", key=str(log.pk), log_id=log.pk)


@records(KIND, "refuse")
def settle_opposition(project: HealthProject, *, log: TransitionLog, actor: User) -> None:
    record_taken(project, log=log, actor=actor)
    abandon_requests(project, actor=actor, reason=_TAKEN)


@records(KIND, "withdraw_decision")
def take_recognition_back(project: HealthProject, **_given: Any) -> None:
    """What this decision had opened is closed again."""
    last = project.decisions.order_by("-rank").first()
    if last is not None:
        last.case = project
        close_stage(project.community, reference=last.number)


# --- By silence ---------------------------------------------------------------------------------


def day_of_silence(project: HealthProject) -> date:
    """The day silence had its effect: the one after the deadline, whenever it is recorded.

    Raises ValueError while there is no deadline that has gone by.
    """
    deadline = clock_of(project).deadline
    if deadline is None:
        raise ValueError(f"{project} has no deadline.")
    return deadline + timedelta(days=1)


@prepares(KIND, "accept_tacitly")
def date_the_silence(project: HealthProject, **_data: Any) -> dict[str, Any]:
    return {"validated_on": day_of_silence(project)}


@records(KIND, "accept_tacitly")
def settle_by_silence(project: HealthProject, *, log: TransitionLog, **_given: Any) -> None:
    """The clock stops on the day silence had its effect; what was under way has no object left."""
    end_clock(project, actor=None, reason=_SILENCE, on=project.validated_on)
    revoke_all(project, reason=_SILENCE)
    drop_open_decision(project)
    abandon_requests(project, actor=None, reason=_SILENCE)
    recognise(project, act="Projet de santé réputé validé", reference=certificate_number(project))
    publish("health_projects.deemed_valid", key=str(log.pk), log_id=log.pk)


def recognise(project: HealthProject, *, act: str, reference: str) -> None:
    """Open the stage of the contract to the CPTS, from the day its project was validated."""
    _inform_the_funds(project)
    if project.amends_id is not None:
        # The CPTS is recognised already: an amendment changes its project, not that.
        _rename_the_cpts(project)
        return
    frozen = frozen_version(project)
    open_stage(
        project.community,
        name=project.title,
        act=act,
        reference=reference,
        population=project.population or 0,
        commune_count=project.commune_count,
        size_class=project.size_class,
        carried=carried_data(project, frozen.content if frozen else {}),
        kind=CommunityStage.Kind.CONTRACT,
        on=project.validated_on,
    )


def _rename_the_cpts(amendment: HealthProject) -> None:
    """The CPTS takes the name its amendment gives it, the day it is validated.

    An amendment begun under a name that was changed since by itself says nothing of that.
    """
    changed, community = amendment.amends, amendment.community
    if changed is None or amendment.title in {changed.title, community.name}:
        return
    on = amendment.validated_on or timezone.localdate()
    record_renaming(community, amendment.title, on=on, by=None)


def _inform_the_funds(project: HealthProject) -> None:
    """The CPAM of the territory make the contract with the agency: they see the project."""
    funds = Organisation.objects.filter(
        kind=Organisation.Kind.CPAM, department__in=project.department_codes
    )
    for fund in funds.order_by("pk"):
        CaseDesk.objects.get_or_create(
            case_id=project.pk,
            organisation=fund,
            defaults={"kind": CaseDesk.Kind.INFORMED},
        )


def carried_data(project: HealthProject, content: dict[str, Any]) -> dict[str, Any]:
    """What the contract begins with: frozen, and where it comes from."""
    return {
        "reference": project.reference,
        "version": project.version,
        "title": content.get("title", project.title),
        "territory": content.get("territory", []),
        "summary": content.get("summary", {}),
        "project": str(project.public_id),
    }
