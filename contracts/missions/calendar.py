"""The calendar of missions: by when each starts and is in place, and what was declared.

The limits are parameters (`fixtures/missions`), each with its source, counted from the signature of
the contract, or of the amendment that brought the mission.
"""

import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from functools import lru_cache
from typing import Final

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.db.models import Prefetch
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from contracts import rules
from contracts.dialogue.proofs import keep_proof
from contracts.funding.wording import mission_name
from contracts.models import Contract, ContractMission, ContractVersion, MissionStep
from contracts.party_mails import tell_parties
from contracts.terms import CPTS
from cpts_portal.calendars import Day
from cpts_portal.composed import ComposedObjects, Given
from cpts_portal.words import NBSP, day
from outbox.registry import handles
from outbox.services import publish
from workflow.legal_dates import add_months
from workflow.models import Case
from workflow.services import ActionRefusedError
from workflow.states import CaseState

FILE: Final = settings.BASE_DIR / "fixtures" / "missions" / "calendar-1.toml"
ALERT: Final = "contracts.mission_alert"
# Days from the limit at which the three parties are told, before it and after it.
THRESHOLDS: Final = (-30, -7, 7, 30)
# An alert that could not leave in this many days is no news any more.
STALE_AFTER: Final = timedelta(days=14)
# What a mission could not be begun before: the first communities (loi 2016-41).
EARLIEST: Final = date(2016, 1, 26)
LONGEST_NOTE: Final = 1_000

Step = MissionStep.Step


@dataclass(frozen=True)
class Limit:
    """Months after the signature by which a mission starts, then is wholly in place."""

    form: str
    mission: str
    start_months: int
    deploy_months: int
    source: str
    is_confirmed: bool


@lru_cache(maxsize=1)
def limits() -> dict[tuple[str, str], Limit]:
    """The limits by nature of contract and mission."""
    rows = tomllib.loads(FILE.read_text())["limit"]
    return {
        (row["form"], row["mission"]): Limit(
            row["form"],
            row["mission"],
            row["start_months"],
            row["deploy_months"],
            row["source"],
            row["confirmed"],
        )
        for row in rows
    }


class State(StrEnum):
    # Its limit was past when the portal took the contract over.
    UNKNOWN = "unknown"
    TO_START = "to_start"
    LATE_TO_START = "late_to_start"
    STARTED = "started"
    LATE_TO_DEPLOY = "late_to_deploy"
    DEPLOYED = "deployed"


_LABELS: Final = {
    State.UNKNOWN: "À renseigner",
    State.TO_START: "À démarrer",
    State.LATE_TO_START: "En retard",
    State.STARTED: "Démarrée",
    State.LATE_TO_DEPLOY: "En retard",
    State.DEPLOYED: "Déployée",
}
_TONES: Final = {
    State.UNKNOWN: "info",
    State.TO_START: "info",
    State.LATE_TO_START: "warning",
    State.STARTED: "info",
    State.LATE_TO_DEPLOY: "warning",
    State.DEPLOYED: "success",
}


@dataclass(frozen=True)
class MissionDates:
    """A mission of a contract: what is planned, by when, and what was declared.

    `start_by` and `deploy_by` are None for a mission that has no limit; `planned_on` is the day the
    contract makes it start, on which its money stands. `known_from` is the day the portal took over
    a contract signed before it: of a limit that was past by then, it knows nothing.
    """

    mission: str
    planned_on: date | None
    start_by: date | None = None
    deploy_by: date | None = None
    started_on: date | None = None
    deployed_on: date | None = None
    source: str = ""
    known_from: date | None = None

    @property
    def label(self) -> str:
        return mission_name(self.mission)

    @property
    def is_unknown(self) -> bool:
        """Whether its next limit was past before the portal knew of it: nobody is late."""
        limit = self.deploy_by if self.started_on else self.start_by
        return (
            self.deployed_on is None
            and limit is not None
            and self.known_from is not None
            and limit < self.known_from
        )

    def state(self, today: date) -> State:
        """Where the mission stands on a day. Its limit is still kept on the day itself."""
        if self.deployed_on:
            return State.DEPLOYED
        if self.is_unknown:
            return State.UNKNOWN
        if self.started_on:
            late = self.deploy_by is not None and today > self.deploy_by
            return State.LATE_TO_DEPLOY if late else State.STARTED
        late = self.start_by is not None and today > self.start_by
        return State.LATE_TO_START if late else State.TO_START

    def said(self, today: date) -> str:
        """« À démarrer au plus tard le 1er janvier 2024 »; `short` says that it is late."""
        match self.state(today):
            case State.DEPLOYED:
                return f"Déployée le {day(self.deployed_on)}" if self.deployed_on else ""
            case State.UNKNOWN:
                began = f"Démarrée le {day(self.started_on)}" if self.started_on else ""
                return f"{began}, déploiement à déclarer" if began else "Démarrage à déclarer"
            case State.STARTED | State.LATE_TO_DEPLOY as state:
                said = f"Démarrée le {day(self.started_on)}" if self.started_on else ""
                if self.deploy_by is None:
                    return said
                late = f"en retard{NBSP}: " if state == State.LATE_TO_DEPLOY else ""
                return f"{said}, {late}à déployer au plus tard le {day(self.deploy_by)}"
            case _:
                if self.start_by is None:
                    return "À démarrer, sans date limite"
                return f"À démarrer au plus tard le {day(self.start_by)}"

    def short(self, today: date) -> str:
        """« En retard », « Déployée »."""
        return _LABELS[self.state(today)]

    def tone(self, today: date) -> str:
        return _TONES[self.state(today)]

    @property
    def awaited(self) -> list[tuple[Step, date]]:
        """The limits of what is not declared yet, the nearest first."""
        found: list[tuple[Step, date]] = []
        if self.is_unknown:
            return found
        if self.start_by and not self.started_on and not self.deployed_on:
            found.append((Step.STARTED, self.start_by))
        if self.deploy_by and not self.deployed_on:
            found.append((Step.DEPLOYED, self.deploy_by))
        return found

    def alerts_due(self, today: date) -> Iterator[tuple[Step, date, int]]:
        """For each limit, the last threshold that is reached, unless it is stale."""
        for step, limit in self.awaited:
            reached = [days for days in THRESHOLDS if limit + timedelta(days=days) <= today]
            if reached and today <= limit + timedelta(days=reached[-1]) + STALE_AFTER:
                yield step, limit, reached[-1]


# --- Reading --------------------------------------------------------------------------------------


def calendar_of(contract: Contract) -> list[MissionDates]:
    """The missions of a signed contract in the order of the agreement, in three queries.

    None when `versions__missions` and `mission_steps` were prefetched.
    """
    return read_calendar(contract)[0]


_VERSIONS: Final = ComposedObjects(
    lambda: (
        ContractVersion.objects.filter(contract_id=Given("contract"))
        .defer("rates")
        .order_by("number")
    )
)
_MISSIONS: Final = ComposedObjects(
    lambda: ContractMission.objects.filter(version__contract_id=Given("contract")).order_by("pk")
)
_STEPS: Final = ComposedObjects(
    lambda: MissionStep.objects.filter(contract_id=Given("contract"), withdrawn_at__isnull=True)
)


def read_calendar(contract: Contract) -> tuple[list[MissionDates], ContractVersion | None]:
    """The same, and the last version of the contract."""
    missions: dict[int, list[ContractMission]] = {}
    if "versions" in getattr(contract, "_prefetched_objects_cache", {}):
        versions = sorted(contract.versions.all(), key=lambda one: one.number)
        missions = {version.pk: list(version.missions.all()) for version in versions}
        steps = [one for one in contract.mission_steps.all() if one.withdrawn_at is None]
    else:
        versions = _VERSIONS.objects(contract=contract.pk)
        for mission in _MISSIONS.objects(contract=contract.pk):
            missions.setdefault(mission.version_id, []).append(mission)
        steps = _STEPS.objects(contract=contract.pk)
    if not versions:
        return [], None
    last = versions[-1]
    brought: dict[str, date] = {}
    for version in versions:
        for one in missions.get(version.pk, ()):
            brought.setdefault(one.mission, version.signed_on)
    declared = {(one.mission, one.step): one.on for one in steps}
    said = {one.key: one.deployed_on for one in last.says.missions}
    found = []
    for one in missions.get(last.pk, ()):
        limit = limits().get((contract.form, one.mission))
        signed_on = brought[one.mission]
        by_rule = add_months(signed_on, limit.deploy_months) if limit else None
        found.append(
            MissionDates(
                one.mission,
                one.starts_on,
                start_by=add_months(signed_on, limit.start_months) if limit else None,
                # What the parties wrote themselves comes before the general rule.
                deploy_by=said.get(one.mission) or by_rule,
                started_on=declared.get((one.mission, Step.STARTED)),
                deployed_on=declared.get((one.mission, Step.DEPLOYED)),
                source=limit.source if limit else "",
                known_from=timezone.localdate(contract.created_at)
                if contract.is_signed_outside
                else None,
            )
        )
    return found, last


def days_of(contract: Contract) -> list[Day]:
    """What the calendar awaits, as whole days for a file of calendar."""
    url = reverse("contracts:missions", args=[contract.public_id])
    verbs = {
        Step.STARTED: "dernier jour pour démarrer",
        Step.DEPLOYED: "dernier jour pour déployer",
    }
    return [
        Day(
            uid=f"mission.{contract.public_id}.{one.mission}.{step.value}",
            on=limit,
            summary=f"{contract.title}{NBSP}: {verbs[step]} «{NBSP}{one.label}{NBSP}»",
            path=url,
        )
        for one in calendar_of(contract)
        for step, limit in one.awaited
    ]


# --- Declaring ------------------------------------------------------------------------------------


def may_declare(contract: Contract, user: User) -> bool:
    """The team of the CPTS says how its missions go, while the contract runs."""
    return contract.state == CaseState.ACCEPTED and rules.party_of(contract, user) == CPTS


@transaction.atomic
def declare_step(
    contract: Contract,
    mission: str,
    step: Step,
    *,
    on: date,
    note: str,
    by: User,
    proof: UploadedFile | None = None,
    is_confirmed: bool = False,
) -> MissionStep:
    """Say that a mission started, or is wholly in place, since a day, and what shows it.

    Raises PermissionDenied, ActionRefusedError, or PatientDataError for a proof that holds some.
    """
    if not may_declare(contract, by):
        raise PermissionDenied
    Case.objects.select_for_update().get(pk=contract.pk)
    note = note.replace("\0", "").strip()
    if refusals := _step_faults(contract, mission, step, on, note, has_proof=proof is not None):
        raise ActionRefusedError(" ".join(refusals))
    kept = keep_proof(proof, by=by, is_confirmed=is_confirmed) if proof else None
    return MissionStep.objects.create(
        contract=contract,
        mission=mission,
        step=step,
        on=on,
        note=note,
        proof=kept.attachment if kept else None,
        confirmed_no_patient=kept.confirmed if kept else "",
        declared_by=by,
    )


def _step_faults(
    contract: Contract, mission: str, step: Step, on: date, note: str, *, has_proof: bool
) -> list[str]:
    one = next((one for one in calendar_of(contract) if one.mission == mission), None)
    if one is None:
        return ["Cette mission n’est pas dans le contrat : rechargez la page."]
    known = one.started_on if step == Step.STARTED else one.deployed_on
    if known:
        said = f"{one.label}{NBSP}: c’est déjà déclaré, au {day(known)}."
        return [f"{said} Pour changer la date, retirez d’abord la déclaration."]
    found = []
    if on > timezone.localdate():
        found.append(f"Le {day(on)} est à venir{NBSP}: déclarez ce qui a eu lieu.")
    elif on < EARLIEST:
        found.append(f"Le {day(on)} est avant les premières CPTS{NBSP}: vérifiez l’année.")
    if step == Step.DEPLOYED and one.started_on is None:
        found.append("La mission n’est pas déclarée démarrée : déclarez d’abord son démarrage.")
    elif step == Step.DEPLOYED and one.started_on and on < one.started_on:
        found.append(
            f"La mission a démarré le {day(one.started_on)}{NBSP}: elle ne peut pas être déployée "
            "avant. Vérifiez la date."
        )
    if not note and not has_proof:
        found.append(
            "Rien ne montre ce que vous déclarez : joignez un fichier, ou écrivez en une phrase où "
            "la preuve se trouve."
        )
    if len(note) > LONGEST_NOTE:
        found.append(f"Le texte dépasse {LONGEST_NOTE} signes{NBSP}: raccourcissez-le.")
    return found


@transaction.atomic
def withdraw_step(contract: Contract, pk: int, *, by: User) -> MissionStep:
    """Take back a declaration made by mistake; it stays, crossed out. Raises PermissionDenied, or
    ActionRefusedError for one that is gone, or that another stands on."""
    if not may_declare(contract, by):
        raise PermissionDenied
    Case.objects.select_for_update().get(pk=contract.pk)
    step = contract.mission_steps.standing().filter(pk=pk).first()
    if step is None:
        raise ActionRefusedError("Cette déclaration est déjà retirée.")
    deployed = contract.mission_steps.standing().filter(mission=step.mission, step=Step.DEPLOYED)
    if step.step == Step.STARTED and deployed.exists():
        raise ActionRefusedError(
            "La mission est déclarée déployée : retirez d’abord cette déclaration-là."
        )
    step.withdrawn_at, step.withdrawn_by = timezone.now(), by
    step.save(update_fields=["withdrawn_at", "withdrawn_by"])
    return step


# --- Alerts ---------------------------------------------------------------------------------------


def publish_alerts(*, today: date | None = None) -> None:
    """Leave the worker one alert for each limit that has reached a threshold; as often as wanted.

    Only contracts in force whose limits may be near are read, with a constant number of queries.
    """
    today = today or timezone.localdate()
    for contract in _running(today):
        for one in calendar_of(contract):
            for step, limit, threshold in one.alerts_due(today):
                with transaction.atomic():
                    publish(
                        ALERT,
                        key=f"{contract.pk}:{one.mission}:{step.value}:{limit}:{threshold}",
                        contract_id=contract.pk,
                        mission=one.mission,
                        step=step.value,
                        limit=limit.isoformat(),
                        threshold=threshold,
                    )


def _running(today: date) -> Iterable[Contract]:
    # A contract that ended cannot be late; the agreement's own limits are two years at most, but
    # parties may write later ones.
    found = Contract.objects.filter(state=CaseState.ACCEPTED, ends_on__gte=today)
    versions = ContractVersion.objects.defer("rates").prefetch_related("missions")
    found = found.prefetch_related(Prefetch("versions", versions), "mission_steps")
    return found.order_by("pk").iterator(chunk_size=500)


@handles(ALERT)
def tell_limit(*, contract_id: int, mission: str, step: str, limit: str, threshold: int) -> None:
    """Tell the parties that a limit is near or past, if it still is what is awaited."""
    contract = Contract.objects.select_related("community", "cpam", "ars").get(pk=contract_id)
    if contract.state != CaseState.ACCEPTED:
        return
    wanted = (Step(step), date.fromisoformat(limit))
    one = next((one for one in calendar_of(contract) if one.mission == mission), None)
    if one is None or wanted not in one.awaited:
        return
    verb = "démarrer" if step == Step.STARTED else "être déployée"
    tell_parties(
        contract,
        "contract_calendar",
        key=f"mission:{contract_id}:{mission}:{step}:{limit}:{threshold}",
        template="contracts/mission_limit",
        context={
            "mission": one.label,
            "verb": verb,
            "limit": day(wanted[1]),
            "days": abs(threshold),
            "is_past": threshold > 0,
        },
        path=reverse("contracts:missions", args=[contract.public_id]),
    )
