"""Depositing a case: the act itself, where it goes, what is frozen of it."""

from collections.abc import Sequence
from datetime import date
from typing import Any, cast

from django.core.exceptions import PermissionDenied
from django.utils import timezone

from accounts.models import Organisation, User
from accounts.organisations import office_for, offices_for, one_stop_desk, regional_agency
from communities.models import TeamMember
from outbox.services import publish
from procedures import registry
from procedures.schema import Procedure
from territories.models import Region
from territories.population import DepartmentShare
from workflow.clock import ClockRule, EventKind, Silence
from workflow.models import Case, CaseDesk, TransitionLog
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
from writing.kinds import written_of
from writing.models import WrittenCase
from writing.saying import content_as_data, territory_kept


def legal_period(case: Case) -> ClockRule:
    """The period of the procedure the case began with, and what silence then means."""
    period = registry.get(case.procedure_key, case.procedure_version).circuit.period
    return ClockRule(months=period.months, silence=Silence(period.silence))


def deposit(
    case: WrittenCase, *, actor: User, commits: bool, signatory_name: str, place: str
) -> TransitionLog:
    """File the case: what the button does, and what the command does.

    Raises ActionRefusedError when the commitment, the name or the place is missing, and
    whatever `perform()` raises.
    """
    if case.is_deposited:
        raise already_done(case)
    if not rules.may_deposit(case, actor):
        raise PermissionDenied(
            f"Seul un responsable de la CPTS dépose {case.words.the}, en son nom."
        )
    signatory_name, place = signatory_name.strip(), place.strip()
    if not commits:
        raise ActionRefusedError(written_of(case).commitment_wanted)
    if not signatory_name or not place:
        raise ActionRefusedError(
            "Écrivez le nom du référent et le lieu : ils tiennent lieu de signature."
        )
    signed: dict[str, Any] = {
        written_of(case).commitment: True,
        "signatory_name": signatory_name[:150],
        "signed_at_place": place[:100],
    }
    return perform(case, "deposit", actor=actor, **signed)


def number_and_route(case: WrittenCase, **_data: Any) -> dict[str, Any]:
    """Find the desk, measure the territory and take the next number, under the case's lock."""
    content = read_content(case)
    territory = content.territory
    office = office_in_charge(content.procedure, case.region_id, territory.departments)
    return {
        "office_id": office.pk,
        "reference": next_reference(content.procedure.reference_prefix, case.region_id),
        "population": territory.population,
        "commune_count": territory.commune_count,
        "size_class": territory.size_class,
        "department_codes": list(territory.department_codes),
    }


def office_in_charge(
    procedure: Procedure, region_code: str, departments: Sequence[DepartmentShare]
) -> Organisation:
    """The desk that receives the case: the procedure says which kind, the territory which one.

    `departments` begin with the most inhabited. The first one in the case's region leads:
    a case follows the circuit of its own region, even where more people live beyond it.
    """
    match procedure.addressee.kind:
        case "one_stop_desk":
            return one_stop_desk(region_code)
        case "ars":
            return regional_agency(region_code)
        case _:
            inside = [share.code for share in departments if share.region_code == region_code]
            return office_for(region_code, inside[0])


def freeze_and_route(case: WrittenCase, *, log: TransitionLog, actor: User) -> None:
    """Start the clock, freeze the content, open the desks, and leave the worker its work.

    The period runs from the first reception, by whatever administration (CRPA, L. 114-3).
    Asking for the opinions is a work of its own: a PDF that fails does not hold it up.
    """
    record_clock_event(
        case,
        EventKind.START,
        effective_on=timezone.localdate(case.deposited_at),
        actor=None,
        reason=f"Réception {case.words.of_the} sur le portail.",
    )
    freeze(case, deposited_content(case, log=log), actor=actor)
    informed = {desk.pk for desk in informed_desks(procedure_of(case), case)}
    office = cast(Organisation, case.office)
    informed.discard(office.pk)
    CaseDesk.objects.bulk_create(
        [
            CaseDesk(case_id=case.pk, organisation=office, kind=CaseDesk.Kind.IN_CHARGE),
            *(
                CaseDesk(case_id=case.pk, organisation_id=pk, kind=CaseDesk.Kind.INFORMED)
                for pk in sorted(informed)
            ),
        ]
    )
    publish("writing.deposited", key=f"{case.pk}:{case.version}", log_id=log.pk)
    if procedure_of(case).circuit.consultations:
        publish("writing.consult", key=str(case.pk), case_id=case.pk)


def informed_desks(procedure: Procedure, case: WrittenCase) -> list[Organisation]:
    """Who sees the case besides the desk in charge.

    The regional agency and the office of each département the territory touches, in every
    region it touches, and whatever else the procedure names.
    """
    desks: list[Organisation] = []
    for region_code in _regions_of(case):
        desks += [
            regional_agency(region_code),
            *offices_for(region_code, case.department_codes),
        ]
    if any(desk.kind == "one_stop_desk" for desk in procedure.informed):
        desks.append(one_stop_desk(case.region_id))
    return desks


def _regions_of(case: WrittenCase) -> list[str]:
    # An overseas collectivity has no agency of its own: that of its neighbour serves it.
    codes = Region.objects.filter(departments__code__in=case.department_codes, has_ars=True)
    return sorted({case.region_id, *codes.values_list("code", flat=True)})


def deposited_content(case: WrittenCase, *, log: TransitionLog) -> dict[str, Any]:
    """Everything the case says, labels included: the official documents need nothing else."""
    content = read_content(case)
    community = case.community
    kept = territory_kept(case, content) or {}
    return (
        content_as_data(case, content)
        | kept
        | {
            "reference": case.reference,
            "version": case.version,
            "deposited_at": case.deposited_at,
            "silence_date": silence_date(case),
            "office": office_as_data(cast(Organisation, case.office)),
            "signature": {
                "name": case.signatory_name,
                "place": case.signed_at_place,
                "date": timezone.localdate(case.deposited_at),
                "commitment": content.procedure.commitment,
                "account": str(log.actor),
            },
            "team": [
                {"name": str(member.user), "email": member.user.email, "role": member.role}
                for member in community.team_members.select_related("user")
            ],
        }
    )


def office_as_data(office: Organisation) -> dict[str, Any]:
    """Who examines a case and how to reach them, as its frozen content says it."""
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


def silence_date(case: WrittenCase) -> date:
    """The last day before silence takes effect, if the file is complete: the clock's deadline.

    Raises ValueError when there is none to announce: not deposited, or being completed where
    silence means acceptance.
    """
    deadline = clock_of(case).deadline
    if deadline is None:
        raise ValueError(f"{case} has no deadline to announce.")
    return deadline


def record_posting(case: WrittenCase, *, posted_on: date) -> None:
    """Note the day the lead posted the paper version, where the region also wants one.

    Raises ActionRefusedError where no paper is asked, for a day before the deposit or in the
    future.
    """
    if procedure_of(case).paper is None:
        raise ActionRefusedError(
            "Cette région ne demande pas de version papier : le dépôt sur le portail suffit."
        )
    if not case.deposited_at or posted_on < timezone.localdate(case.deposited_at):
        raise ActionRefusedError(
            f"La date d’envoi ne peut pas précéder le dépôt {case.words.of_the} sur le portail."
        )
    if posted_on > timezone.localdate():
        raise ActionRefusedError("La date d’envoi ne peut pas être dans l’avenir.")
    posted: dict[str, Any] = {"posted_on": posted_on}
    written_of(case).model.objects.filter(pk=case.pk).update(**posted)


def owners(case: WrittenCase) -> list[User]:
    return list(
        User.objects.filter(
            team_memberships__community_id=case.community_id,
            team_memberships__role=TeamMember.Role.OWNER,
        )
    )
