"""A contract in force: its versions, and the schedule worked out from them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Final

from django.core.exceptions import PermissionDenied
from django.db import connection, transaction
from django.utils import timezone

from accounts.models import Organisation, User
from communities.models import Community
from contracts import describing, rules
from contracts.funding.payments import allocate_what_was_paid
from contracts.funding.schedule import (
    Achievement,
    Engagement,
    Line,
    MissionStart,
    Results,
    Terms,
    amend,
    compute_schedule,
    until,
    with_rates,
)
from contracts.funding.storing import line_from_row, rates_as_data, rates_from_data, row_from_line
from contracts.funding.totals import lock, settle_totals
from contracts.holding import take_territory
from contracts.models import (
    Contract,
    ContractMission,
    ContractVersion,
    MissionResult,
    RecognisedCrisis,
    Schedule,
    ScheduleLine,
)
from contracts.terms import ContractTerms, MissionTerm, to_data
from cpts_portal.words import NBSP, day
from procedures import registry
from procedures.rates import RateTable, rates_of
from workflow.models import Case, CaseDesk
from workflow.services import ActionRefusedError, next_reference
from workflow.states import CaseState

KIND: Final = Case.Kind.CONTRACT


class ScheduleRefusedError(ActionRefusedError):
    """The schedule cannot be signed; `sentences` say what is missing."""

    def __init__(self, sentences: Sequence[str]) -> None:
        super().__init__(" ".join(sentences))
        self.sentences = list(sentences)


@dataclass(frozen=True, kw_only=True)
class Signed:
    """The terms of a contract that its parties have signed."""

    starts_on: date
    ends_on: date
    signed_on: date
    size: str
    # Mission → the day it starts.
    missions: Mapping[str, date | None]
    population: int | None = None
    population_year: int | None = None
    population_source: str = ""
    form: str = Contract.Form.ACI
    rates: RateTable | None = None
    # The whole contract; None: what the portal knows of its parties and territory, with the above.
    terms: ContractTerms | None = None


@transaction.atomic
def put_in_force(
    community: Community,
    signed: Signed,
    *,
    by: User,
    ars: Organisation,
    cpam: Organisation | None,
    signed_outside: bool = False,
) -> Contract:
    """A contract that all have signed, on the desks of its parties, with its schedule.

    One signed elsewhere is kept even when its rates are not known: it has no schedule then.
    Raises ScheduleRefusedError when something keeps it from being signed.
    """
    rates = signed.rates or rates_of(signed.form)
    worked_out = compute_schedule(engagement_signed(signed, rates))
    if worked_out.problems and (not signed_outside or not worked_out.lines):
        raise ScheduleRefusedError(worked_out.problems)
    procedure = registry.for_region(community.region_id)
    departments = departments_of(community) or [cpam.department_id or "" if cpam else ""]
    contract = Contract.objects.create(
        kind=KIND,
        state=CaseState.ACCEPTED,
        community=community,
        title=community.name,
        region_id=community.region_id,
        procedure_key=procedure.key,
        procedure_version=procedure.version,
        reference=next_reference("CT", community.region_id),
        office=cpam or ars,
        department_codes=[one for one in departments if one],
        money_department=(cpam.department_id if cpam else None) or departments[0],
        population=signed.population,
        size_class=signed.size,
        version=1,
        created_by=by,
        deposited_at=timezone.now(),
        form=signed.form,
        cpam=cpam,
        ars=ars,
        starts_on=signed.starts_on,
        ends_on=signed.ends_on,
        signed_on=signed.signed_on,
        is_signed_outside=signed_outside,
        population_year=signed.population_year,
        population_source=signed.population_source,
    )
    put_on_desks(contract)
    said = signed.terms or _what_is_known(contract, signed)
    version = _write_version(contract, 1, signed, rates, said, effective_on=signed.starts_on, by=by)
    take_territory(contract, said, since=signed.signed_on if signed_outside else None)
    if not worked_out.problems:
        cause = Schedule.Cause.SIGNATURE
        _write_schedule(contract, version, worked_out.lines, cause, as_of=signed.signed_on, by=by)
    return contract


@transaction.atomic
def put_draft_in_force(contract: Contract, signed: Signed, *, by: User) -> Schedule:
    """The first version and schedule of a contract drawn up here, that all have just signed.

    `signed.terms` are those frozen. The caller moves the contract itself, in one transaction.
    Raises ScheduleRefusedError when something keeps it from being signed.
    """
    if signed.terms is None:
        raise ValueError(f"contract {contract.pk} is signed without its terms")
    lock(contract.pk)
    rates = signed.rates or rates_of(signed.form)
    worked_out = compute_schedule(engagement_signed(signed, rates))
    if worked_out.problems:
        raise ScheduleRefusedError(worked_out.problems)
    version = _write_version(
        contract, 1, signed, rates, signed.terms, effective_on=signed.starts_on, by=by
    )
    take_territory(contract, signed.terms)
    cause = Schedule.Cause.SIGNATURE
    return _write_schedule(
        contract, version, worked_out.lines, cause, as_of=signed.signed_on, by=by
    )


def _what_is_known(contract: Contract, signed: Signed) -> ContractTerms:
    ground = describing.ground_of(contract.community)
    return ContractTerms(
        form=signed.form,
        parties=describing.parties_of(
            contract.community, ars=contract.ars, cpam=contract.cpam, on=signed.signed_on
        ),
        communes=ground.communes,
        territory_year=ground.year,
        population=signed.population,
        population_year=signed.population_year,
        population_source=signed.population_source,
        size=signed.size,
        starts_on=signed.starts_on,
        ends_on=signed.ends_on,
        missions=_mission_terms(signed.missions),
        rates=named(signed.rates or rates_of(signed.form)),
    )


def _mission_terms(missions: Mapping[str, date | None]) -> tuple[MissionTerm, ...]:
    return tuple(MissionTerm(key=key, starts_on=start) for key, start in missions.items())


def named(rates: RateTable) -> str:
    """The table of rates as the terms name it: « aci 1 »."""
    return f"{rates.key} {rates.version}"


def engagement_signed(signed: Signed, rates: RateTable) -> Engagement:
    """What the schedule of a contract is worked out from, before it has a version."""
    missions = tuple(MissionStart(key, start) for key, start in signed.missions.items())
    terms = Terms(signed.starts_on, signed.size, missions, rates)
    return Engagement(signed.starts_on, signed.ends_on, (terms,), signed_on=signed.signed_on)


def departments_of(community: Community) -> list[str]:
    """The départements of the territory of a CPTS today."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT DISTINCT commune.department_id
              FROM communities_communityterritory AS link
              JOIN territories_territorypart AS part ON part.territory_id = link.territory_id
              JOIN territories_commune AS commune ON commune.code = part.commune_id
             WHERE link.community_id = %s AND link.valid_to IS NULL
             ORDER BY 1
            """,
            [community.pk],
        )
        return [code for (code,) in cursor.fetchall()]


def put_on_desks(contract: Contract) -> None:
    """On the desk of who pays; for information on those of the agency and of its branch there."""
    informed = [contract.ars] if contract.cpam else []
    branches = Organisation.objects.filter(
        parent=contract.ars, department__in=contract.department_codes
    )
    CaseDesk.objects.bulk_create(
        [
            CaseDesk(
                case_id=contract.pk,
                organisation=contract.cpam or contract.ars,
                kind=CaseDesk.Kind.IN_CHARGE,
            ),
            *(
                CaseDesk(case_id=contract.pk, organisation=one, kind=CaseDesk.Kind.INFORMED)
                for one in [*informed, *branches]
            ),
        ]
    )


def _write_version(
    contract: Contract,
    number: int,
    signed: Signed,
    rates: RateTable,
    said: ContractTerms,
    *,
    effective_on: date,
    by: User,
) -> ContractVersion:
    version = ContractVersion.objects.create(
        contract=contract,
        number=number,
        effective_on=effective_on,
        signed_on=signed.signed_on,
        size_class=signed.size,
        rates=rates_as_data(rates),
        terms=to_data(said),
        created_by=by,
    )
    ContractMission.objects.bulk_create(
        ContractMission(version=version, mission=key, starts_on=start)
        for key, start in signed.missions.items()
    )
    return version


def versions_by_effect(contract: Contract) -> list[ContractVersion]:
    """The versions that stand, each from its day on; the last signed of those of one day."""
    found = contract.versions.prefetch_related("missions").order_by("effective_on", "number")
    return list({one.effective_on: one for one in found}.values())


def engagement_of(contract: Contract) -> Engagement:
    """A signed contract as its schedule is worked out from: all that is known of it today."""
    terms = tuple(
        Terms(
            one.effective_on,
            one.size_class,
            tuple(MissionStart(each.mission, each.starts_on) for each in one.missions.all()),
            rates_from_data(one.rates),
        )
        for one in versions_by_effect(contract)
    )
    if contract.agreed_ends_on is not None and contract.ends_on is not None:
        terms = until(terms, contract.ends_on)
    results = {
        (one.year, one.mission): Results(
            one.agreed_on,
            tuple(
                Achievement(Decimal(each["weight"]), Decimal(each["rate"]))
                for each in one.indicators
            ),
        )
        for one in contract.results.all()
    }
    crises = contract.crises.order_by("recognised_on").values_list("recognised_on", flat=True)
    if contract.starts_on is None or contract.ends_on is None:
        raise ValueError(f"contract {contract.pk} has no dates")
    return Engagement(
        contract.starts_on, contract.ends_on, terms, contract.signed_on, results, tuple(crises)
    )


@transaction.atomic
def amend_contract(
    contract: Contract,
    *,
    effective_on: date,
    signed_on: date,
    by: User,
    size: str | None = None,
    missions: Mapping[str, date | None] | None = None,
    rates: RateTable | None = None,
    terms: ContractTerms | None = None,
    has_money: bool = True,
) -> Schedule | None:
    """An amendment that all have signed: what is not given stays as the last version has it.

    `terms` are the whole consolidated contract; without them, the last one's with what is given.
    One that changes nothing of what the schedule is worked out from leaves it (`has_money`), and
    a contract without a schedule is left without.

    What fell due until `signed_on` stays as it was; a regularisation brings the difference.
    Raises ScheduleRefusedError when something keeps it from being signed.
    """
    lock(contract.pk)
    versions = versions_by_effect(contract)
    if not versions:
        raise ActionRefusedError("Ce contrat n’a pas de version signée : rien ne peut l’amender.")
    last = versions[-1]
    if effective_on < last.effective_on:
        raise ScheduleRefusedError([too_early(last)])
    rates = rates or rates_from_data(last.rates)
    if terms is not None:
        size, missions = terms.size, terms.mission_starts
        _change_last_day(contract, terms.ends_on)
    found_size = size or last.size_class
    kept = {one.mission: one.starts_on for one in last.missions.all()}
    signed = Signed(
        starts_on=contract.starts_on or effective_on,
        ends_on=contract.ends_on or effective_on,
        signed_on=signed_on,
        size=found_size,
        missions=kept if missions is None else missions,
    )
    said = terms or replace(
        last.says,
        size=found_size,
        missions=tuple(
            replace(last.says.mission(key) or MissionTerm(key=key), starts_on=start)
            for key, start in signed.missions.items()
        ),
        rates=named(rates),
    )
    version = _write_version(
        contract, next_version(contract), signed, rates, said, effective_on=effective_on, by=by
    )
    Contract.objects.filter(pk=contract.pk).update(size_class=found_size)
    contract.size_class = found_size
    if not has_money or (terms is not None and not contract.schedules.exists()):
        return None
    # Signed on paper some days ago: what has been settled since stays settled.
    current = contract.schedules.current().first()
    as_of = max(signed_on, current.as_of) if current else signed_on
    return revise_schedule(contract, version, Schedule.Cause.AMENDMENT, as_of=as_of, by=by)


def _change_last_day(contract: Contract, ends_on: date | None) -> None:
    """An amendment of duration: the last day of the contract is the one that all signed."""
    if ends_on is None or ends_on == contract.ends_on:
        return
    if contract.agreed_ends_on is not None:
        raise ActionRefusedError(
            "La fin de ce contrat est déjà décidée : sa durée ne change plus par avenant."
        )
    if contract.starts_on is None or ends_on < contract.starts_on:
        raise ActionRefusedError("Le contrat finirait avant de commencer : corrigez la date.")
    contract.ends_on = ends_on
    Contract.objects.filter(pk=contract.pk).update(ends_on=ends_on)


@transaction.atomic
def end_contract(contract: Contract, last_day: date, *, as_of: date, by: User) -> Schedule | None:
    """The contract ends before its last day: what its days after it would have brought falls.

    What fell due until `as_of` stays; a regularisation that day takes back what goes beyond the
    new end, to the day. The contract stays in force until then. None without a schedule.
    Raises ActionRefusedError for a day that is not before the end.
    """
    lock(contract.pk)
    contract.refresh_from_db(fields=["starts_on", "ends_on", "agreed_ends_on"])
    if contract.starts_on is None or contract.ends_on is None:
        raise ActionRefusedError("Ce contrat n’est pas signé : il n’y a rien à terminer.")
    if not contract.starts_on <= last_day < contract.ends_on:
        raise ActionRefusedError(
            f"Le contrat va du {day(contract.starts_on)} au {day(contract.ends_on)}{NBSP}: une fin "
            "anticipée tombe entre ces deux jours. Corrigez la date."
        )
    contract.agreed_ends_on = contract.agreed_ends_on or contract.ends_on
    contract.ends_on = last_day
    dates = {"ends_on": last_day, "agreed_ends_on": contract.agreed_ends_on}
    Contract.objects.filter(pk=contract.pk).update(**dates)
    current = contract.schedules.current().first()
    if current is None:
        return None
    as_of = max(as_of, current.as_of)
    return revise_schedule(contract, None, Schedule.Cause.END, as_of=as_of, by=by)


def next_version(contract: Contract) -> int:
    """The number of the next version. The caller holds the lock."""
    return contract.versions.count() + 1


def too_early(last: ContractVersion) -> str:
    """Why an amendment cannot take effect before another that is signed."""
    return (
        f"Un avenant signé prend déjà effet le {day(last.effective_on)}{NBSP}: celui-ci ne peut "
        "pas prendre effet avant. Choisissez ce jour, ou un jour qui le suit."
    )


@transaction.atomic
def apply_rates(
    contract: Contract, rates: RateTable, *, effective_on: date, signed_on: date, by: User
) -> ContractVersion:
    """Other rates for a contract from a day on, and nothing else: a version, its schedule.

    An amendment that takes effect later is written again at these rates: what it changes still
    changes on its day. `signed_on` is the day they apply, from which what is due is regularised.
    The version returned is the one of `effective_on`. Raises ScheduleRefusedError.
    """
    lock(contract.pk)
    versions = versions_by_effect(contract)
    held = {one.effective_on: one for one in versions}
    current = contract.schedules.current().first()
    as_of = max(signed_on, current.as_of) if current else signed_on
    made = []
    for terms in with_rates(engagement_of(contract).terms, effective_on, rates):
        if terms.rates is not rates:
            continue
        base = (
            held.get(terms.effective_on)
            or [one for one in versions if one.effective_on < terms.effective_on][-1]
        )
        signed = Signed(
            starts_on=contract.starts_on or effective_on,
            ends_on=contract.ends_on or effective_on,
            signed_on=signed_on,
            size=base.size_class,
            missions={one.mission: one.starts_on for one in base.missions.all()},
        )
        number = next_version(contract)
        on = terms.effective_on
        said = replace(base.says, rates=named(rates))
        made.append(_write_version(contract, number, signed, rates, said, effective_on=on, by=by))
    revise_schedule(contract, made[0], Schedule.Cause.AMENDMENT, as_of=as_of, by=by)
    return made[0]


@transaction.atomic
def record_results(
    contract: Contract, year: int, results: Mapping[str, Results], *, by: User
) -> Schedule | None:
    """What the parties agreed each mission has reached in a year: its variable share falls due.

    A contract whose rates are not known yet has no schedule: its results wait for it.

    Raises ActionRefusedError for rates that are none, or a year or mission agreed already.
    """
    lock(contract.pk)
    for mission, one in results.items():
        try:
            one.rate  # noqa: B018 - it checks itself
        except ValueError as wrong:
            raise ActionRefusedError(str(wrong)) from wrong
        if contract.results.filter(year=year, mission=mission).exists():
            raise ActionRefusedError(
                f"Les résultats de l’année {year} sont déjà convenus pour cette mission."
            )
        MissionResult.objects.create(
            contract=contract,
            year=year,
            mission=mission,
            agreed_on=one.agreed_on,
            indicators=[{"weight": str(i.weight), "rate": str(i.rate)} for i in one.indicators],
            recorded_by=by,
        )
    if not results or not contract.schedules.exists():
        return None
    as_of = max(one.agreed_on for one in results.values())
    return revise_schedule(contract, None, Schedule.Cause.RESULTS, as_of=as_of, by=by)


@transaction.atomic
def recognise_crisis(contract: Contract, on: date, name: str, *, by: User) -> Schedule | None:
    """The agency recognised a serious crisis: the share for it is due with the year's balance.

    A contract whose rates are not known yet has no schedule: the crisis waits for it.
    """
    lock(contract.pk)
    RecognisedCrisis.objects.create(contract=contract, recognised_on=on, name=name, recorded_by=by)
    if not contract.schedules.exists():
        return None
    return revise_schedule(contract, None, Schedule.Cause.CRISIS, as_of=on, by=by)


@transaction.atomic
def complete_rates(contract: Contract, *, by: User) -> Schedule:
    """The first schedule of a contract signed elsewhere, once its rates have been published.

    Raises PermissionDenied, or ScheduleRefusedError while some are still missing.
    """
    if not rules.may_record_payments(contract, by):
        raise PermissionDenied
    lock(contract.pk)
    if contract.schedules.exists():
        raise ActionRefusedError("Ce contrat a déjà un échéancier.")
    contract.versions.update(rates=rates_as_data(rates_of(contract.form)))
    signed_on = contract.signed_on or timezone.localdate()
    schedule = revise_schedule(contract, None, Schedule.Cause.SIGNATURE, as_of=signed_on, by=by)
    allocate_what_was_paid(contract)
    return schedule


def revise_schedule(
    contract: Contract,
    version: ContractVersion | None,
    cause: str,
    *,
    as_of: date,
    by: User,
) -> Schedule:
    """Another schedule in the place of the current one, once what it comes from has changed.

    The caller holds the lock. Raises ScheduleRefusedError for what cannot be worked out.
    """
    current = contract.schedules.current().first()
    if version is None:
        version = contract.versions.order_by("-number")[0]
    after = compute_schedule(engagement_of(contract))
    if after.problems:
        raise ScheduleRefusedError(after.problems)
    before = [line_from_row(one) for one in current.lines.all()] if current else []
    lines = amend(before, after.lines, as_of) if current else after.lines
    return _write_schedule(contract, version, lines, cause, as_of=as_of, by=by)


def _write_schedule(
    contract: Contract,
    version: ContractVersion,
    lines: Sequence[Line],
    cause: str,
    *,
    as_of: date,
    by: User,
) -> Schedule:
    contract.schedules.current().update(is_current=False)
    schedule = Schedule.objects.create(
        contract=contract,
        version=version,
        number=contract.schedules.count() + 1,
        cause=cause,
        as_of=as_of,
        created_by=by,
    )
    ScheduleLine.objects.bulk_create(
        row_from_line(line, schedule.pk, rank) for rank, line in enumerate(lines, start=1)
    )
    settle_totals(contract)
    return schedule
