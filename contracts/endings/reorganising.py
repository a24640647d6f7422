"""CPTS that merge, split or dissolve: which contracts end, and which CPTS follow."""

from collections.abc import Collection, Sequence
from datetime import date, timedelta

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from accounts.models import User
from communities.models import Community
from contracts.funding import engaging
from contracts.models import Contract, Reorganisation, ReorganisedCommunity, Termination
from cpts_portal.words import NBSP, day
from outbox.services import publish
from workflow.people import still_holds_their_role
from workflow.services import ActionRefusedError
from workflow.states import CaseState

Kind = Reorganisation.Kind
Side = ReorganisedCommunity.Side
LONGEST_ACT = 300
_DAY = timedelta(days=1)
_UNDER_WAY = (CaseState.DRAFT, CaseState.TO_SIGN)


def may_reorganise(region: str, user: User) -> bool:
    """An agent of the agency of the région, not limited to a département."""
    acting = user.acting
    return (
        acting is not None
        and acting.is_active
        and acting.organisation.kind == "ars"
        and acting.organisation.region_id == region
        and acting.role in {"agent", "coordinator", "signatory"}
        and acting.department_id is None
    )


def candidates(region: str) -> QuerySet[Community]:
    """The CPTS of a région, by name."""
    return Community.objects.filter(region=region).order_by("name", "pk")


@transaction.atomic
def reorganise(
    kind: str,
    *,
    before: Sequence[Community],
    after: Sequence[Community],
    effective_on: date,
    act: str,
    by: User,
) -> Reorganisation:
    """Record what becomes of some CPTS; the contracts of those that stop end the day before.

    A CPTS on both sides goes on, and keeps its contract: its territory changes by an amendment.
    Raises PermissionDenied, or ActionRefusedError with what is wrong.
    """
    regions = {one.region_id for one in [*before, *after]}
    if len(regions) != 1 or not may_reorganise(next(iter(regions)), by):
        raise PermissionDenied("Un agent régional de l’ARS de ces CPTS peut l’enregistrer.")
    still_holds_their_role(by)
    act = " ".join(act.split())
    ending = [one for one in before if one not in after]
    if refusals := _faults(kind, before, after, act):
        raise ActionRefusedError(" ".join(refusals))
    # One order for all: two agents who name the same CPTS wait for each other.
    list(
        Community.objects.select_for_update(no_key=True)
        .filter(pk__in=[one.pk for one in before])
        .order_by("pk")
    )
    contracts = _contracts_to_end(ending, effective_on)
    found = Reorganisation.objects.create(
        kind=kind,
        region_id=regions.pop(),
        effective_on=effective_on,
        act=act,
        recorded_by=by,
    )
    last_day = effective_on - _DAY
    for contract in contracts.values():
        if contract.ends_on is not None and contract.ends_on > last_day:
            engaging.end_contract(contract, last_day, as_of=timezone.localdate(), by=by)
            Termination.objects.filter(contract=contract, state=Termination.State.NOTIFIED).update(
                state=Termination.State.WITHDRAWN,
                decision=f"{found.get_kind_display()}{NBSP}: {act}",
                decided_on=timezone.localdate(),
                decided_by=by,
            )
    ReorganisedCommunity.objects.bulk_create(
        [
            *(
                ReorganisedCommunity(
                    reorganisation=found,
                    community=one,
                    side=Side.BEFORE,
                    contract=contracts.get(one.pk),
                )
                for one in before
            ),
            *(
                ReorganisedCommunity(reorganisation=found, community=one, side=Side.AFTER)
                for one in after
            ),
        ]
    )
    publish("contracts.reorganised", key=str(found.pk), reorganisation_id=found.pk)
    return found


def _faults(
    kind: str,
    before: Collection[Community],
    after: Collection[Community],
    act: str,
) -> list[str]:
    found = []
    match kind:
        case Kind.MERGER if len(before) < 2 or len(after) != 1:
            found.append("Une fusion réunit au moins deux CPTS en une seule, qui prend la suite.")
        case Kind.SPLIT if len(before) != 1 or len(after) < 2:
            found.append(
                "Une scission partage une CPTS entre au moins deux, qui prennent la suite."
            )
        case Kind.DISSOLUTION if len(before) != 1 or after:
            found.append("Une dissolution concerne une seule CPTS, et aucune ne prend la suite.")
    if not act or len(act) > LONGEST_ACT:
        found.append(
            f"Écrivez l’acte qui le décide, en {LONGEST_ACT} signes au plus{NBSP}: sa nature, sa "
            "date."
        )
    return found


def _contracts_to_end(ending: Sequence[Community], effective_on: date) -> dict[int, Contract]:
    """The contract in force of each CPTS that stops. Raises ActionRefusedError."""
    found: dict[int, Contract] = {}
    mine = Contract.objects.filter(community__in=ending).order_by("pk")
    for contract in mine:
        if contract.state in _UNDER_WAY:
            raise ActionRefusedError(
                f"{contract.title}{NBSP}: un contrat est en cours de négociation ou de signature. "
                "Renoncez-y d’abord, puis recommencez."
            )
        if contract.state != CaseState.ACCEPTED:
            continue
        if contract.starts_on and effective_on <= contract.starts_on:
            raise ActionRefusedError(
                f"{contract.title}{NBSP}: son contrat commence le {day(contract.starts_on)}. La "
                "réorganisation doit prendre effet après ce jour."
            )
        found[contract.community_id] = contract
    return found


def history_of(community: Community) -> list[Reorganisation]:
    """The reorganisations a CPTS was part of, with their CPTS, the latest first; two queries."""
    mine = Reorganisation.objects.filter(communities__community=community).distinct()
    return list(mine.prefetch_related("communities__community"))


def sides_of(found: Reorganisation) -> tuple[list[str], list[str]]:
    """The names before, and the names after."""
    names: dict[str, list[str]] = {Side.BEFORE: [], Side.AFTER: []}
    for one in found.communities.all():
        names[one.side].append(one.community.name)
    return sorted(names[Side.BEFORE]), sorted(names[Side.AFTER])
