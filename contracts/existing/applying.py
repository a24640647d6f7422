"""Existing contracts taken over, row by row, in the worker: each once, whatever is killed."""

import logging
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, InterfaceError, OperationalError, transaction
from django.db.models import Count, Q, QuerySet
from django.utils import timezone

from accounts.models import Organisation, User
from communities import services as communities
from communities.models import Community, LegalEntity, LegalEntityChange
from communities.services import TeamError
from communities.stages import open_stage
from contracts import describing, rules, terms
from contracts.existing.checks.acquaintances import ASKED, key_of
from contracts.funding import engaging, payments
from contracts.models import Contract, ExistingImport, ExistingRow
from contracts.terms import ContractTerms, MissionTerm, Party, Representative
from outbox.registry import handles
from outbox.services import publish
from procedures.rates import cpom_rates
from territories.errors import TerritoryError
from territories.models import Commune, Region, Vintage
from territories.services import add_communes, territory_as_data
from workflow.claims import claim_beside
from workflow.services import ActionRefusedError, freeze
from workflow.states import CaseState

logger = logging.getLogger(__name__)

# Rows of one transaction: a killed worker does no more than these again.
BATCH: Final = 20
# After this long, a file is given up, or what it said of people forgotten.
KEPT: Final = timedelta(days=15)
_STAYS: Final = ("rna", "siret", "finess", "file", "codes", "signed_on")
HANDLER: Final = "contracts.take_over"
OUTSIDE: Final = "hors portail"
Status = ExistingRow.Status


@transaction.atomic
def start(
    source: ExistingImport, *, choices: Mapping[int, str], invites: bool, by: User
) -> ExistingImport:
    """Have the worker take over what is ready, and what was chosen of the doubtful rows.

    `choices` gives, by line of the file, « join » or « create »; the rest is left. Raises
    PermissionDenied, or ActionRefusedError when it was started already or nothing is ready.
    """
    source = choose(source, choices, by=by)
    if not waiting(source).exists():
        raise ActionRefusedError(
            "Aucune ligne n’est à reprendre : corrigez le fichier, puis importez-le de nouveau."
        )
    source.started_at, source.started_by, source.invites = timezone.now(), by, invites
    source.save(update_fields=["started_at", "started_by", "invites"])
    publish(HANDLER, key=f"{source.pk}:0", source=source.pk, after=0)
    return source


@transaction.atomic
def choose(source: ExistingImport, choices: Mapping[int, str], *, by: User) -> ExistingImport:
    """Keep what a person decided of doubtful rows, by line of the file. Raises as `start`."""
    _require(source, by)
    source = ExistingImport.objects.select_for_update(of=("self",)).get(pk=source.pk)
    if source.started_at:
        raise ActionRefusedError("Cette reprise est déjà lancée : sa page dit où elle en est.")
    for row in source.rows.filter(status=Status.DOUBTFUL, number__in=list(choices)):
        if (choice := choices[row.number]) in ExistingRow.Choice.values and choice != row.choice:
            row.choice = choice
            row.save(update_fields=["choice"])
    return source


@transaction.atomic
def forget(source: ExistingImport, *, by: User) -> None:
    """Forget a file that was read and not started. Raises as `start`."""
    _require(source, by)
    source = ExistingImport.objects.select_for_update(of=("self",)).get(pk=source.pk)
    if source.started_at:
        raise ActionRefusedError("Cette reprise est lancée : elle ne s’efface plus.")
    source.delete()


def forget_old(*, now: datetime | None = None) -> int:
    """Delete the files nobody started, empty the rows of those long taken over; how many.

    A row holds names and addresses. Of one taken over stays what tells its CPTS and its scanned
    contract; of the others, their number, their name and what became of them.
    """
    limit = (now or timezone.now()) - KEPT
    abandoned = ExistingImport.objects.filter(started_at=None, created_at__lt=limit)
    count = abandoned.count()
    abandoned.delete()
    for source in ExistingImport.objects.filter(finished_at__lt=limit, emptied_at=None):
        with transaction.atomic():
            rows = list(source.rows.only("values"))
            for row in rows:
                row.values = {key: row.values[key] for key in _STAYS if key in row.values}
                row.cells, row.faults, row.notices = {}, [], []
            ExistingRow.objects.bulk_update(
                rows, ["values", "cells", "faults", "notices"], batch_size=200
            )
            source.emptied_at = timezone.now()
            source.save(update_fields=["emptied_at"])
        count += 1
    return count


def _require(source: ExistingImport, by: User) -> None:
    region = rules.region_imported_by(by)
    if region is None or (region and source.region_id != region):
        raise PermissionDenied


def waiting(source: ExistingImport) -> QuerySet[ExistingRow]:
    """The rows still to take over, in their order."""
    chosen = Q(status=Status.DOUBTFUL) & ~Q(choice="")
    return source.rows.filter(Q(status=Status.READY) | chosen).order_by("number")


def progress(source: ExistingImport) -> dict[str, int]:
    """How many rows there are of each status, and « all », « left », « taken » : one query."""
    counts = dict.fromkeys(Status.values, 0)
    counts |= dict(source.rows.order_by().values_list("status").annotate(Count("pk")))
    chosen = source.rows.filter(status=Status.DOUBTFUL).exclude(choice="").count()
    left = counts[Status.READY] + chosen
    taken = counts[Status.DONE] + counts[Status.REFUSED]
    return counts | {"all": sum(counts.values()), "left": left, "taken": taken}


@handles(HANDLER)
def take_over_batch(source: int, after: int) -> None:
    """The next rows of an import, then the event of those that follow."""
    given = ExistingImport.objects.select_related("started_by").get(pk=source)
    if given.started_by is None or given.finished_at:
        return
    rows = list(waiting(given).filter(number__gt=after)[:BATCH])
    for row in rows:
        _take_over_alone(row, given, given.started_by)
    if len(rows) < BATCH:
        given.finished_at = timezone.now()
        given.save(update_fields=["finished_at"])
        return
    last = rows[-1].number
    publish(HANDLER, key=f"{source}:{last}", source=source, after=last)


def _take_over_alone(row: ExistingRow, source: ExistingImport, by: User) -> None:
    """One row, all of it or nothing; what keeps it from being taken over is written on it."""
    try:
        with transaction.atomic():
            take_over(row, invites=source.invites, by=by)
    except (OperationalError, InterfaceError):
        raise  # the database went away: the whole batch is tried again
    except (ActionRefusedError, TerritoryError, TeamError) as refused:
        _refuse(row, str(refused))
    except IntegrityError as refused:
        logger.warning("Existing row %s refused by the database", row.pk)
        said = str(refused)
        _refuse(
            row,
            "Cette CPTS vient d’être reprise par un autre import."
            if "existing_row_taken_over_once" in said
            else "Les données de cette ligne se contredisent : vérifiez dates et numéros.",
        )
    except Exception:
        logger.exception("Existing row %s could not be taken over", row.pk)
        _refuse(
            row,
            "Une erreur imprévue a empêché la reprise de cette ligne ; elle est notée dans le "
            "journal du portail. Les autres lignes n’en dépendent pas.",
        )


def _refuse(row: ExistingRow, sentence: str) -> None:
    ExistingRow.objects.filter(pk=row.pk).update(
        status=Status.REFUSED, faults=[*row.faults, sentence]
    )


def take_over(row: ExistingRow, *, invites: bool, by: User) -> Contract:
    """The CPTS, its territory, its association and its contract, from one row.

    Raises ActionRefusedError, TerritoryError, TeamError or IntegrityError; the caller has a
    savepoint.
    """
    values = row.values
    signed_on = date.fromisoformat(values["signed_on"])
    joins = row.community_id is not None and (
        row.status == Status.READY or row.choice == ExistingRow.Choice.JOIN
    )
    community = _joined(row) if joins else _made(values, by)
    entity = _keep_entity(community, values, signed_on, by)
    ars = Organisation.objects.get(pk=values["ars"])
    cpam = Organisation.objects.filter(pk=values["cpam"] or 0).first()
    signed = _signed(community, values, ars, cpam)
    contract = engaging.put_in_force(
        community, signed, by=by, ars=ars, cpam=cpam, signed_outside=True
    )
    payments.record_before_portal(
        contract,
        [(date.fromisoformat(on), Decimal(amount)) for on, amount in values.get("paid", [])],
        by=by,
    )
    content = _content(contract, signed)
    Contract.objects.filter(pk=contract.pk).update(commune_count=len(values["codes"]))
    freeze(contract, content, actor=by)
    notices = [*_decided(row), *claim_beside(contract)]
    if entity is None and (values["rna"] or values["siret"]):
        notices.append(
            "Le siège de l’association n’est pas écrit : ses numéros sont gardés dans le contrat, "
            "et l’équipe complétera la structure juridique."
        )
    _open_stages(contract, values)
    if invites and values["email"] and not community.team_members.exists():
        communities.invite_first(community, email=values["email"], by=by)
        notices.append(f"Invitation envoyée à {values['email']}.")
    row.status, row.contract, row.community = Status.DONE, contract, community
    row.key, row.notices = key_of(values), notices
    row.save(update_fields=["status", "contract", "community", "key", "notices"])
    return contract


def _decided(row: ExistingRow) -> list[str]:
    """What was said of a row, the question that a person has answered aside."""
    said = [one for one in row.notices if not one.endswith(ASKED)]
    if row.choice == ExistingRow.Choice.JOIN:
        said.append("Rattachée à la CPTS du portail, sur votre décision.")
    elif row.choice == ExistingRow.Choice.CREATE:
        said.append("Reprise comme une autre CPTS, sur votre décision.")
    return said


def _joined(row: ExistingRow) -> Community:
    community = Community.objects.select_for_update().get(pk=row.community_id or 0)
    known = Contract.objects.filter(community=community, state=CaseState.ACCEPTED).first()
    if known:
        raise ActionRefusedError(
            f"« {community.name} » a maintenant le contrat {known.reference} : rien n’est repris."
        )
    if not community.territory.parts.exists():
        add_communes(community.territory, row.values["codes"])
    return community


def _made(values: Mapping[str, Any], by: User) -> Community:
    taken = LegalEntity.objects.filter(
        (Q(rna=values["rna"]) & ~Q(rna=""))
        | (Q(siret__startswith=values["siret"][:9] or "-") & ~Q(siret=""))
    ).first()
    if taken:
        raise ActionRefusedError(
            f"« {taken.name} », qui porte ce numéro, vient d’arriver sur le portail. Importez de "
            "nouveau cette ligne : elle lui sera rattachée."
        )
    community = communities.record_community(
        name=values["name"], region=Region(code=values["region"]), user=by
    )
    add_communes(community.territory, values["codes"])
    return community


def _keep_entity(
    community: Community, values: Mapping[str, Any], signed_on: date, by: User
) -> LegalEntity | None:
    """The association of the file, where the CPTS has none and its seat is known."""
    known = LegalEntity.objects.filter(community=community).first()
    seat = values["address"] and len(values["postal_code"]) == 5 and values["city"]
    if known or not seat:
        return known
    first = date.fromisoformat(values["recognised_on"] or values["signed_on"])
    entity = LegalEntity.objects.create(
        community=community,
        name=values["association"] or values["name"],
        rna=values["rna"],
        siret=values["siret"],
        pending_reason=""
        if values["rna"] and values["siret"]
        else "Numéro absent du fichier des CPTS existantes",
        address=values["address"],
        postal_code=values["postal_code"],
        city=values["city"][:100],
        valid_from=min(first, signed_on),
        created_by=by,
    )
    entity.changes.create(action=LegalEntityChange.Action.ADDED, changed=[], by=by)
    return entity


def _signed(
    community: Community,
    values: Mapping[str, Any],
    ars: Organisation,
    cpam: Organisation | None,
) -> engaging.Signed:
    missions = {key: date.fromisoformat(text) for key, text in values["missions"].items()}
    starts_on, ends_on, signed_on = (
        date.fromisoformat(values[key]) for key in ("starts_on", "ends_on", "signed_on")
    )
    source = f"contrat signé {OUTSIDE}" if values["population"] else ""
    said = ContractTerms(
        form=values["form"],
        parties=tuple(
            _with_numbers(one, values) if one.role == terms.CPTS else one
            for one in describing.parties_of(community, ars=ars, cpam=cpam, on=signed_on)
        ),
        representatives=_president(values),
        communes=tuple(
            terms.Commune(code=code, name=name)
            for code, name in Commune.objects.filter(code__in=values["codes"])
            .order_by("department_id", "name_key")
            .values_list("code", "name")
        ),
        territory_year=Vintage.objects.filter(is_current=True)
        .values_list("cog_year", flat=True)
        .first(),
        population=values["population"],
        population_year=values["population_year"],
        population_source=source,
        size=values["size"],
        starts_on=starts_on,
        ends_on=ends_on,
        missions=tuple(MissionTerm(key=key, starts_on=one) for key, one in missions.items()),
    )
    return engaging.Signed(
        starts_on=starts_on,
        ends_on=ends_on,
        signed_on=signed_on,
        size=values["size"],
        missions=missions,
        population=values["population"],
        population_year=values["population_year"],
        population_source=source,
        form=values["form"],
        rates=cpom_rates(Decimal(values["yearly"])) if values.get("yearly") else None,
        terms=said,
    )


def _with_numbers(party: Party, values: Mapping[str, Any]) -> Party:
    """The CPTS with the numbers of the file, where the portal has none."""
    return Party(
        role=party.role,
        name=party.name if party.rna or party.siret else values["association"] or party.name,
        legal_form=party.legal_form,
        address=party.address,
        finess=values["finess"],
        rna=party.rna or values["rna"],
        siret=party.siret or values["siret"],
    )


def _president(values: Mapping[str, Any]) -> tuple[Representative, ...]:
    name = f"{values['first_name']} {values['last_name']}".strip()
    if not name:
        return ()
    return (Representative(party=terms.CPTS, name=name, capacity="président"),)


def _content(contract: Contract, signed: engaging.Signed) -> dict[str, Any]:
    """What is frozen of the contract: its terms, and its territory as every case says it."""
    if signed.terms is None:
        raise ValueError(f"contract {contract.pk} is taken over without its terms")
    return {
        "title": contract.title,
        "reference": contract.reference,
        "signed_outside": True,
        "terms": terms.to_data(signed.terms),
        "territory": territory_as_data(contract.community.territory),
    }


def _open_stages(contract: Contract, values: Mapping[str, Any]) -> None:
    """The recognition of the CPTS, as its public page says it."""
    on = date.fromisoformat(values["recognised_on"] or values["signed_on"])
    letter = values["letter_on"]
    open_stage(
        contract.community,
        name=contract.title,
        act=f"Reconnaissance de la CPTS, {OUTSIDE}",
        reference=f"HP-{contract.reference}",
        population=values["population"] or 0,
        commune_count=len(values["codes"]),
        size_class=values["size"],
        carried={"letter_on": letter} if letter else {},
        kind="contract",
        on=on,
    )
