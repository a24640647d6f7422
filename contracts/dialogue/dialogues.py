"""Opening the yearly dialogue of a contract: before its anniversary, with the lines to declare."""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Final

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Prefetch
from django.utils import timezone

from accounts.models import User
from contracts import rules
from contracts.dialogue.indicators import library
from contracts.dialogue.moves import MOVED
from contracts.funding.schedule import Year, years_of
from contracts.models import Contract, ContractVersion, DialogueLine, DialogueLog, YearlyDialogue
from contracts.terms import ARS, CPAM, Indicator
from contracts.versions import last_version, version_on
from outbox.services import publish
from workflow.models import Case
from workflow.services import ActionRefusedError
from workflow.states import CaseState

State = YearlyDialogue.State
# A year whose dialogue was not opened in time is opened by hand: nobody is surprised by old ones.
LATEST_OPENING: Final = timedelta(days=120)


def opening_day(year: Year) -> date:
    """The day the dialogue of a year opens: some days before its anniversary."""
    return year.ends_before - timedelta(days=settings.DIALOGUE_OPENS_DAYS_BEFORE)


def open_due(*, today: date | None = None) -> list[YearlyDialogue]:
    """Open the dialogues whose day has come, once each; it can run as often as one likes."""
    today = today or timezone.localdate()
    versions = ContractVersion.objects.defer("rates", "terms")
    found = (
        Contract.objects.filter(
            state__in=(CaseState.ACCEPTED, CaseState.CLOSED),
            signed_on__isnull=False,
            ends_on__gte=today - LATEST_OPENING,
        )
        .prefetch_related(Prefetch("versions", versions), "dialogues")
        .order_by("pk")
    )
    opened = []
    for contract in found.iterator(chunk_size=500):
        known = {one.year for one in contract.dialogues.all()}
        for year in contract_years(contract):
            due = opening_day(year) <= today < opening_day(year) + LATEST_OPENING
            if due and year.number not in known:
                opened += [one] if (one := _open(contract, year, by=None)) else []
    return opened


def may_open(contract: Contract, user: User) -> bool:
    """The agency and the fund open by hand the dialogue of a year that was not opened in time."""
    return rules.party_of(contract, user) in {ARS, CPAM}


def years_to_open(contract: Contract, *, today: date) -> list[Year]:
    """The years whose dialogue could be open, and is not."""
    known = set(contract.dialogues.values_list("year", flat=True))
    return [
        one
        for one in contract_years(contract)
        if opening_day(one) <= today and one.number not in known
    ]


@transaction.atomic
def open_dialogue(contract: Contract, number: int, *, by: User) -> YearlyDialogue:
    """Open the dialogue of a year by hand. Raises PermissionDenied or ActionRefusedError."""
    if not may_open(contract, by):
        raise PermissionDenied
    years = years_to_open(contract, today=timezone.localdate())
    year = next((one for one in years if one.number == number), None)
    if year is None:
        raise ActionRefusedError(
            "Le dialogue de cette année est déjà ouvert, ou ne peut pas encore l’être : rechargez "
            "la page."
        )
    opened = _open(contract, year, by=by)
    if opened is None:
        raise ActionRefusedError(nothing_to_say(contract))
    return opened


def contract_years(contract: Contract) -> list[Year]:
    if contract.starts_on is None or contract.ends_on is None:
        return []
    return years_of(contract.starts_on, contract.ends_on)


def nothing_to_say(contract: Contract) -> str:
    """Why a year of a contract may have no dialogue, and what to do."""
    if contract.form == Contract.Form.CPOM:
        return (
            "Ce CPOM ne nomme aucun indicateur : il n’y a rien à déclarer. Pour en suivre, "
            "ajoutez-les par un avenant sur la partie « Indicateurs »."
        )
    return "Le contrat ne dit aucune mission commencée cette année-là : il n’y a rien à déclarer."


def has_nothing_to_say(contract: Contract) -> bool:
    """Whether no year of the contract can have a dialogue: a CPOM without mission or indicator."""
    if contract.form != Contract.Form.CPOM:
        return False
    version = last_version(contract)
    return version is None or not (version.says.indicators or version.missions.exists())


@transaction.atomic
def _open(contract: Contract, year: Year, *, by: User | None) -> YearlyDialogue | None:
    """None when somebody has just opened it, or when no mission had started."""
    Case.objects.select_for_update().get(pk=contract.pk)
    if YearlyDialogue.objects.filter(contract=contract, year=year.number).exists():
        return None
    wanted = _indicators_of(contract, year)
    if not wanted:
        return None
    dialogue = YearlyDialogue.objects.create(contract=contract, year=year.number)
    before = _lines_of_year(contract, year.number - 1)
    DialogueLine.objects.bulk_create(
        _line(dialogue, rank, one, is_of_contract, before)
        for rank, (one, is_of_contract) in enumerate(wanted, start=1)
    )
    log = DialogueLog.objects.create(
        dialogue=dialogue, move="open", to_state=State.DECLARING, actor=by
    )
    publish(MOVED, key=str(log.pk), log_id=log.pk)
    return dialogue


def _indicators_of(contract: Contract, year: Year) -> list[tuple[Indicator, bool]]:
    """Those the contract names for the missions under way; where it names none for a mission,
    last year's, else those of the library that a value alone decides. A CPOM names
    indicators without any mission that starts."""
    last_day = year.ends_before - timedelta(days=1)
    version = version_on(contract, last_day) or last_version(contract)
    if version is None:
        return []
    missions = [
        one.mission
        for one in version.missions.all()
        if one.starts_on is not None and one.starts_on <= last_day
    ]
    terms = version.says
    found: list[tuple[Indicator, bool]] = []
    for mission in missions:
        named = terms.indicators_of(mission)
        found += [(one, True) for one in named]
        if not named:
            found += [(one, False) for one in _of_library(mission)]
    if contract.form == Contract.Form.CPOM:
        alone = [one for one in terms.indicators if one.mission not in missions]
        found += [(one, True) for one in sorted(alone, key=lambda one: one.mission)]
    return found


def _of_library(mission: str) -> list[Indicator]:
    entries = library().of_mission(mission)
    decided = [one for one in entries if one.indicator.kind == "yes_no" or one.target is not None]
    return [one.indicator for one in decided or entries]


def _lines_of_year(contract: Contract, number: int) -> dict[tuple[str, str], DialogueLine]:
    lines = DialogueLine.objects.filter(dialogue__contract=contract, dialogue__year=number)
    return {(one.mission, one.key): one for one in lines}


def _line(
    dialogue: YearlyDialogue,
    rank: int,
    one: Indicator,
    is_of_contract: bool,  # noqa: FBT001 - private, in the order of its columns
    before: Mapping[tuple[str, str], DialogueLine],
) -> DialogueLine:
    target = one.target_of(dialogue.year)
    last = before.get((one.mission, one.key))
    return DialogueLine(
        dialogue=dialogue,
        rank=rank,
        mission=one.mission,
        key=one.key,
        label=one.label[:300],
        kind=one.kind,
        unit=one.unit[:60],
        weight=one.weight,
        lower_is_better=one.lower_is_better,
        baseline=one.baseline,
        target=target.value if target else None,
        steps=[[str(step.threshold), str(step.rate)] for step in target.steps] if target else [],
        expected_proofs=list(one.proofs),
        last=(last.agreed_value if last.agreed_value is not None else last.value) if last else None,
        is_of_contract=is_of_contract,
        comment=last.comment if last else "",
    )
