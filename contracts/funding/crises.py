"""A serious health crisis, recognised by the agency for a contract: its share falls due."""

from datetime import date
from typing import Final

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from contracts import rules
from contracts.funding import engaging
from contracts.funding.wording import mission_name
from contracts.models import Contract, RecognisedCrisis
from contracts.party_mails import tell_parties
from contracts.terms import ARS
from contracts.versions import version_on
from cpts_portal.words import NBSP, day
from outbox.registry import handles
from outbox.services import publish
from workflow.models import Case
from workflow.services import ActionRefusedError

MISSION: Final = "health_crisis"
LONGEST_NAME: Final = 200
RECOGNISED: Final = "contracts.crisis_recognised"


def may_recognise(contract: Contract, user: User) -> bool:
    """The agency, for a contract that is signed: the agreement gives the right to it alone."""
    return contract.is_signed and rules.party_of(contract, user) == ARS


@transaction.atomic
def recognise(contract: Contract, on: date, name: str, *, by: User) -> RecognisedCrisis:
    """Write down a crisis, tell the parties, and let its share fall due.

    Once a year of the contract brings a share, whatever the number of crises. Raises
    PermissionDenied, or ActionRefusedError for a day or a name that cannot be.
    """
    if not may_recognise(contract, by):
        raise PermissionDenied
    Case.objects.select_for_update().get(pk=contract.pk)
    name = " ".join(name.replace("\0", "").split())
    if refusals := _faults(contract, on, name):
        raise ActionRefusedError(" ".join(refusals))
    engaging.recognise_crisis(contract, on, name, by=by)
    crisis = contract.crises.get(recognised_on=on)
    publish(RECOGNISED, key=str(crisis.pk), crisis_id=crisis.pk)
    return crisis


def _faults(contract: Contract, on: date, name: str) -> list[str]:
    found = []
    if not name or len(name) > LONGEST_NAME:
        found.append(f"Nommez la crise, en {LONGEST_NAME} signes au plus.")
    if on > timezone.localdate():
        found.append(f"Le {day(on)} est à venir{NBSP}: écrivez le jour de la reconnaissance.")
    elif contract.starts_on and contract.ends_on:
        if not contract.starts_on <= on <= contract.ends_on:
            found.append(
                f"Le contrat va du {day(contract.starts_on)} au {day(contract.ends_on)}{NBSP}: la "
                "crise doit être reconnue entre ces deux jours."
            )
        elif not _has_begun(contract, on):
            found.append(
                f"La mission «{NBSP}{mission_name(MISSION)}{NBSP}» n’avait pas commencé le "
                f"{day(on)}{NBSP}: aucune part de crise n’est prévue ce jour-là."
            )
    if contract.crises.filter(recognised_on=on).exists():
        found.append("Une crise est déjà reconnue ce jour-là.")
    return found


def _has_begun(contract: Contract, on: date) -> bool:
    version = version_on(contract, on)
    return (
        version is not None and version.missions.filter(mission=MISSION, starts_on__lte=on).exists()
    )


@handles(RECOGNISED)
def tell_crisis(*, crisis_id: int) -> None:
    """Tell the three parties; running it again tells nobody twice."""
    crisis = RecognisedCrisis.objects.select_related(
        "contract__community", "contract__cpam", "contract__ars"
    ).get(pk=crisis_id)
    contract = crisis.contract
    tell_parties(
        contract,
        "contract_calendar",
        key=f"crisis:{crisis.pk}",
        template="contracts/crisis_recognised",
        context={"name": crisis.name, "on": day(crisis.recognised_on)},
        path=reverse("contracts:missions", args=[contract.public_id]),
    )
