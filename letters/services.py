"""Writing a letter of intent, and depositing it."""

from collections.abc import Sequence
from datetime import date
from typing import Any, cast

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.utils import timezone

from accounts.models import Organisation, User
from accounts.organisations import office_for, offices_for, one_stop_desk, regional_agency
from communities.models import Community, TeamMember
from communities.services import create_community
from letters.models import LetterOfIntent
from outbox.services import publish
from procedures import registry
from procedures.schema import Procedure
from territories.models import Region
from territories.population import DepartmentShare
from workflow.clock import ClockRule, EventKind, Silence
from workflow.clock_rules import declare_clock
from workflow.effects import prepares, records
from workflow.models import (
    Answer,
    Case,
    CaseDesk,
    TransitionLog,
)
from workflow.services import (
    ActionRefusedError,
    already_done,
    clock_of,
    freeze,
    next_reference,
    perform,
    record_clock_event,
)
from writing import rules
from writing.content import procedure_of, read_content
from writing.saying import content_as_data, territory_kept

KIND = Case.Kind.LETTER_OF_INTENT


def legal_period(case: Case) -> ClockRule:
    """The period of the procedure the letter began with, and what silence then means."""
    period = registry.get(case.procedure_key, case.procedure_version).circuit.period
    return ClockRule(months=period.months, silence=Silence(period.silence))


declare_clock(KIND, legal_period, page="letters:detail")


def create_letter(*, name: str, region: Region, user: User) -> LetterOfIntent:
    """Start a CPTS and its letter of intent, under the region's current procedure."""
    community = create_community(name=name, region=region, user=user)
    return open_letter(community, user=user)


@transaction.atomic
def open_letter(community: Community, *, user: User) -> LetterOfIntent:
    """Open the letter of a CPTS, with what the portal knows already written in it."""
    procedure = registry.for_region(community.region_id)
    letter = LetterOfIntent.objects.create(
        kind=KIND,
        community=community,
        title=community.name,
        region_id=community.region_id,
        procedure_key=procedure.key,
        procedure_version=procedure.version,
        created_by=user,
    )
    known = {
        "title": community.name,
        "contact_name": user.get_full_name(),
        "contact_profession": user.profession,
        "contact_email": user.email,
    }
    Answer.objects.bulk_create(
        Answer(case_id=letter.pk, key=key, value=value, updated_by=user)
        for key, value in known.items()
        if value and any(field.key == key for field in procedure.answer_fields)
    )
    return letter


# --- Depositing -------------------------------------------------------------------------


def deposit(
    letter: LetterOfIntent, *, actor: User, commits: bool, signatory_name: str, place: str
) -> TransitionLog:
    """File the letter: what the button does, and what the command does.

    Raises ActionRefusedError when the commitment, the name or the place is missing, and
    whatever `perform()` raises.
    """
    if letter.is_deposited:
        raise already_done(letter)
    if not rules.may_deposit(letter, actor):
        raise PermissionDenied("Seul un responsable de la CPTS dépose la lettre, en son nom.")
    signatory_name, place = signatory_name.strip(), place.strip()
    if not commits:
        raise ActionRefusedError(
            "Cochez l’engagement à travailler sur les missions : sans lui, la lettre ne peut pas "
            "être déposée (instruction DGOS/DIR/CNAM/2019/218)."
        )
    if not signatory_name or not place:
        raise ActionRefusedError(
            "Écrivez le nom du référent et le lieu : ils tiennent lieu de signature."
        )
    return perform(
        letter,
        "deposit",
        actor=actor,
        commits_to_missions=True,
        signatory_name=signatory_name[:150],
        signed_at_place=place[:100],
    )


@prepares(KIND, "deposit")
def number_and_route(letter: LetterOfIntent, *, actor: User, **_data: Any) -> dict[str, Any]:  # noqa: ARG001
    """Find the desk, measure the territory and take the next number, under the case's lock."""
    content = read_content(letter)
    territory = content.territory
    office = office_in_charge(content.procedure, letter.region_id, territory.departments)
    return {
        "office_id": office.pk,
        "reference": next_reference(content.procedure.reference_prefix, letter.region_id),
        "population": territory.population,
        "commune_count": territory.commune_count,
        "size_class": territory.size_class,
        "department_codes": list(territory.department_codes),
    }


def office_in_charge(
    procedure: Procedure, region_code: str, departments: Sequence[DepartmentShare]
) -> Organisation:
    """The desk that receives the letter: the procedure says which kind, the territory which one.

    `departments` begin with the most inhabited. The first one in the letter's region leads:
    a letter follows the circuit of its own region, even where more people live beyond it.
    """
    match procedure.addressee.kind:
        case "one_stop_desk":
            return one_stop_desk(region_code)
        case "ars":
            return regional_agency(region_code)
        case _:
            inside = [share.code for share in departments if share.region_code == region_code]
            return office_for(region_code, inside[0])


@records(KIND, "deposit")
def freeze_and_route(letter: LetterOfIntent, *, log: TransitionLog, actor: User) -> None:
    """Start the clock, freeze the content, open the desks, and leave the worker its work.

    The period runs from the first reception, by whatever administration (CRPA, L. 114-3).
    Asking for the opinions is a work of its own: a PDF that fails does not hold it up.
    """
    record_clock_event(
        letter,
        EventKind.START,
        effective_on=timezone.localdate(letter.deposited_at),
        actor=None,
        reason="Réception de la lettre sur le portail.",
    )
    freeze(letter, deposited_content(letter, log=log), actor=actor)
    informed = {desk.pk for desk in informed_desks(procedure_of(letter), letter)}
    office = cast(Organisation, letter.office)
    informed.discard(office.pk)
    CaseDesk.objects.bulk_create(
        [
            CaseDesk(case_id=letter.pk, organisation=office, kind=CaseDesk.Kind.IN_CHARGE),
            *(
                CaseDesk(case_id=letter.pk, organisation_id=pk, kind=CaseDesk.Kind.INFORMED)
                for pk in sorted(informed)
            ),
        ]
    )
    publish("letters.deposited", key=f"{letter.pk}:{letter.version}", log_id=log.pk)
    if procedure_of(letter).circuit.consultations:
        publish("letters.consult", key=str(letter.pk), letter_id=letter.pk)


def informed_desks(procedure: Procedure, letter: LetterOfIntent) -> list[Organisation]:
    """Who sees the letter besides the desk in charge.

    The regional agency and the office of each département the territory touches, in every
    region it touches, and whatever else the procedure names.
    """
    desks: list[Organisation] = []
    for region_code in _regions_of(letter):
        desks += [
            regional_agency(region_code),
            *offices_for(region_code, letter.department_codes),
        ]
    if any(desk.kind == "one_stop_desk" for desk in procedure.informed):
        desks.append(one_stop_desk(letter.region_id))
    return desks


def _regions_of(letter: LetterOfIntent) -> list[str]:
    # An overseas collectivity has no agency of its own: that of its neighbour serves it.
    codes = Region.objects.filter(departments__code__in=letter.department_codes, has_ars=True)
    return sorted({letter.region_id, *codes.values_list("code", flat=True)})


def deposited_content(letter: LetterOfIntent, *, log: TransitionLog) -> dict[str, Any]:
    """Everything the letter says, labels included: the official documents need nothing else."""
    content = read_content(letter)
    community = letter.community
    kept = territory_kept(letter, content) or {}
    return (
        content_as_data(letter, content)
        | kept
        | {
            "reference": letter.reference,
            "version": letter.version,
            "deposited_at": letter.deposited_at,
            "silence_date": silence_date(letter),
            "office": _office_as_data(cast(Organisation, letter.office)),
            "signature": {
                "name": letter.signatory_name,
                "place": letter.signed_at_place,
                "date": timezone.localdate(letter.deposited_at),
                "commitment": content.procedure.commitment,
                "account": str(log.actor),
            },
            "team": [
                {"name": str(member.user), "email": member.user.email, "role": member.role}
                for member in community.team_members.select_related("user")
            ],
        }
    )


def _office_as_data(office: Organisation) -> dict[str, Any]:
    return {
        "code": office.code,
        "name": office.name,
        "service": office.service,
        "address": office.address,
        "email": office.email,
        "phone": office.phone,
        "to_complete": office.to_complete,
        "agency": _agency_as_data(office.parent) if office.parent else None,
    }


def _agency_as_data(agency: Organisation) -> dict[str, Any]:
    return {
        "name": agency.name,
        "address": agency.address,
        "email": agency.email,
        "phone": agency.phone,
    }


def silence_date(letter: LetterOfIntent) -> date:
    """The last day before silence takes effect, if the file is complete: the clock's deadline.

    Raises ValueError when there is none to announce: not deposited, or being completed where
    silence means acceptance.
    """
    deadline = clock_of(letter).deadline
    if deadline is None:
        raise ValueError(f"{letter} has no deadline to announce.")
    return deadline


def record_posting(letter: LetterOfIntent, *, posted_on: date) -> None:
    """Note the day the lead posted the paper version, where the region also wants one.

    Raises ActionRefusedError where no paper is asked, for a day before the deposit or in the
    future.
    """
    if procedure_of(letter).paper is None:
        raise ActionRefusedError(
            "Cette région ne demande pas de version papier : le dépôt sur le portail suffit."
        )
    if not letter.deposited_at or posted_on < timezone.localdate(letter.deposited_at):
        raise ActionRefusedError(
            "La date d’envoi ne peut pas précéder le dépôt de la lettre sur le portail."
        )
    if posted_on > timezone.localdate():
        raise ActionRefusedError("La date d’envoi ne peut pas être dans l’avenir.")
    LetterOfIntent.objects.filter(pk=letter.pk).update(posted_on=posted_on)


def owners(letter: LetterOfIntent) -> list[User]:
    return list(
        User.objects.filter(
            team_memberships__community_id=letter.community_id,
            team_memberships__role=TeamMember.Role.OWNER,
        )
    )
