"""The yearly dialogue of a contract: opened before the anniversary, declared, reviewed, answered,
concluded, agreed. What it changes in the money is worked out by `contracts.schedule`, never here.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Final

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.db.models import Prefetch, Sum
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from contracts import rules
from contracts.dialogue.indicators import library
from contracts.dialogue.moves import (
    MOVED,
    MOVES,
    guard,
    locked,
    parties_of,
    party_of,
    perform,
    reviewers_of,
)
from contracts.dialogue.proofs import keep_proof
from contracts.funding.balances import current_lines
from contracts.funding.schedule import Achievement, Results, Step, Year, at_rate, years_of
from contracts.funding.wording import mission_name
from contracts.models import (
    Contract,
    ContractVersion,
    DialogueLine,
    DialogueLog,
    DialogueMark,
    DialogueProof,
    Indemnity,
    LineReview,
    Spending,
    YearlyDialogue,
)
from contracts.models.dialogues import MOST_SPENT, MOST_VALUE
from contracts.party_mails import tell_parties
from contracts.terms import ARS, CPAM, CPTS, Indicator
from contracts.versions import last_version, version_on
from cpts_portal.words import NBSP, day, euros
from outbox.registry import handles
from outbox.services import publish
from workflow.models import Case
from workflow.services import ActionRefusedError
from workflow.states import CaseState

State = YearlyDialogue.State
LONGEST_TEXT: Final = 4_000
MOST_PROOFS: Final = 10
# A year whose dialogue was not opened in time is opened by hand: nobody is surprised by old ones.
LATEST_OPENING: Final = timedelta(days=120)
ZERO: Final = Decimal("0.00")
NO_SCHEDULE: Final = (
    f"Ce contrat n’a pas encore d’échéancier{NBSP}: la part variable sera calculée quand ses "
    "tarifs seront publiés."
)


# --- Opening --------------------------------------------------------------------------------------


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
        for year in _years(contract):
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
        one for one in _years(contract) if opening_day(one) <= today and one.number not in known
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
        raise ActionRefusedError(
            "Le contrat ne dit aucune mission commencée cette année-là : il n’y a rien à déclarer."
        )
    return opened


def _years(contract: Contract) -> list[Year]:
    if contract.starts_on is None or contract.ends_on is None:
        return []
    return years_of(contract.starts_on, contract.ends_on)


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
    last year's, else those of the library that a value alone decides."""
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


# --- Declaring ------------------------------------------------------------------------------------


def may_edit(dialogue: YearlyDialogue, user: User) -> bool:
    """The team of the CPTS, while it declares."""
    return dialogue.state == State.DECLARING and party_of(dialogue, user) == CPTS


def _editable(dialogue: YearlyDialogue, by: User) -> YearlyDialogue:
    """The dialogue locked, if the person may still change what is declared."""
    found = locked(dialogue)
    if party_of(found, by) != CPTS:
        raise PermissionDenied
    if found.state != State.DECLARING:
        raise ActionRefusedError(
            "La déclaration est déjà transmise : elle ne change plus. Si elle contient une erreur, "
            "demandez à l’ARS ou à la CPAM de vous la renvoyer."
        )
    return found


@transaction.atomic
def declare(
    line: DialogueLine,
    *,
    value: Decimal | None,
    comment: str,
    by: User,
    proof: UploadedFile | None = None,
    is_confirmed: bool = False,
) -> DialogueProof | None:
    """Write what an indicator reached, and keep a proof of it.

    Raises PermissionDenied, ActionRefusedError, or PatientDataError for a proof that shows some.
    """
    _editable(line.dialogue, by)
    if value is not None:
        _check_value(value)
    line.value, line.comment = value, _text(comment)
    line.save(update_fields=["value", "comment"])
    if proof is None:
        return None
    if line.proofs.count() >= MOST_PROOFS:
        raise ActionRefusedError(
            f"Un indicateur a {MOST_PROOFS} preuves au plus : retirez-en une d’abord."
        )
    kept = keep_proof(proof, by=by, is_confirmed=is_confirmed)
    return DialogueProof.objects.create(
        line=line,
        attachment=kept.attachment,
        confirmed_no_patient=kept.confirmed,
        was_read=kept.is_read,
        by=by,
    )


@transaction.atomic
def remove_proof(proof: DialogueProof, *, by: User) -> None:
    """Take a proof out before it is sent: its bytes go too."""
    _editable(proof.line.dialogue, by)
    attachment = proof.attachment
    proof.delete()
    attachment.delete()
    transaction.on_commit(lambda: attachment.file.delete(save=False))


@transaction.atomic
def declare_spending(
    dialogue: YearlyDialogue, amounts: Mapping[str, Decimal | None], comment: str, *, by: User
) -> None:
    """Write what was spent, by nature of expense, and what the CPTS says of its year.

    Raises PermissionDenied, or ActionRefusedError for an amount that is none.
    """
    found = _editable(dialogue, by)
    for nature, amount in amounts.items():
        if nature not in Spending.Nature.values:
            raise ActionRefusedError("Cette nature de dépense n’existe pas : rechargez la page.")
        if amount is not None and not 0 <= amount <= MOST_SPENT:
            raise ActionRefusedError(
                f"{Spending.Nature(nature).label}{NBSP}: le montant va de 0 à {euros(MOST_SPENT)}."
            )
    found.spendings.all().delete()
    Spending.objects.bulk_create(
        Spending(dialogue=found, nature=nature, amount=amount)
        for nature, amount in amounts.items()
        if amount is not None
    )
    found.comment = _text(comment)
    found.save(update_fields=["comment"])


def _check_value(value: Decimal) -> None:
    if not -MOST_VALUE <= value <= MOST_VALUE:
        raise ActionRefusedError("Cette valeur dépasse le milliard : vérifiez les chiffres.")


def _text(text: str) -> str:
    bare = text.replace("\0", "").strip()
    if len(bare) > LONGEST_TEXT:
        raise ActionRefusedError(f"Le texte dépasse {LONGEST_TEXT} signes : raccourcissez-le.")
    return bare


@guard("submit")
def missing_to_submit(dialogue: YearlyDialogue) -> list[str]:
    """What the declaration lacks, as sentences."""
    lines = dialogue.lines.prefetch_related("proofs")
    found = []
    for line in lines:
        if line.value is None:
            found.append(f"{line.label}{NBSP}: dites ce qui a été atteint, même si c’est zéro.")
        elif line.kind == "yes_no" and line.value >= 1 and not line.proofs.all():
            found.append(f"{line.label}{NBSP}: joignez la preuve de ce qui a été fait.")
    if not dialogue.spendings.exists():
        found.append("Dites ce qui a été dépensé dans l’année, par nature de dépense.")
    return found


def submit(dialogue: YearlyDialogue, *, by: User) -> DialogueLog:
    """Send what is declared to the agency and the fund. Raises as `perform` does."""
    return perform(dialogue, "submit", actor=by)


# --- Reviewing ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Reviewed:
    """What a reviewer says of a line. A contested one has its reason, and may have a value."""

    position: str
    value: Decimal | None = None
    reason: str = ""


def may_review(dialogue: YearlyDialogue, user: User) -> bool:
    """The agency and the fund, each until it has finished."""
    party = party_of(dialogue, user)
    if dialogue.state != State.REVIEWING or party not in {ARS, CPAM}:
        return False
    return not dialogue.marks.filter(kind=DialogueMark.Kind.REVIEWED, party=party).exists()


@transaction.atomic
def review(
    dialogue: YearlyDialogue,
    said: Mapping[int, Reviewed],
    *,
    by: User,
    finish: bool = False,
) -> None:
    """Write a party's review, by primary key of line; `finish`: it has nothing to add.

    The last reviewer to finish moves the dialogue on. Raises PermissionDenied, and
    ActionRefusedError with what is missing.
    """
    found = locked(dialogue)
    if not may_review(found, by):
        raise PermissionDenied
    party = party_of(found, by)
    lines = {one.pk: one for one in found.lines.all()}
    for pk, one in said.items():
        if pk in lines:
            _write_review(lines[pk], party, one, by)
    if not finish:
        return
    left = [one for one in lines.values() if not one.reviews.filter(party=party).exists()]
    if left:
        raise ActionRefusedError(
            f"{left[0].label}{NBSP}: acceptez ou contestez ce résultat avant de terminer."
        )
    DialogueMark.objects.create(dialogue=found, kind=DialogueMark.Kind.REVIEWED, party=party, by=by)
    done = set(found.marks.filter(kind=DialogueMark.Kind.REVIEWED).values_list("party", flat=True))
    if set(reviewers_of(found.contract)) <= done:
        _end_review(found, by)
    dialogue.refresh_from_db()


def _write_review(line: DialogueLine, party: str, one: Reviewed, by: User) -> None:
    contested = one.position == LineReview.Position.CONTESTED
    reason = _text(one.reason)
    if one.position not in LineReview.Position.values:
        raise ActionRefusedError("Choisissez d’accepter ou de contester ce résultat.")
    if contested and not reason:
        raise ActionRefusedError(f"{line.label}{NBSP}: écrivez pourquoi vous le contestez.")
    if one.value is not None:
        _check_value(one.value)
    LineReview.objects.update_or_create(
        line=line,
        party=party,
        defaults={
            "position": one.position,
            "value": one.value if contested else None,
            "reason": reason if contested else "",
            "by": by,
            "at": timezone.now(),
        },
    )


def _end_review(dialogue: YearlyDialogue, by: User) -> None:
    contested = LineReview.objects.filter(
        line__dialogue=dialogue, position=LineReview.Position.CONTESTED
    )
    if contested.exists():
        limit = timezone.localdate() + timedelta(days=settings.DIALOGUE_ANSWER_DAYS)
        perform(dialogue, "contest", actor=by, follows=True, answer_by=limit)
    else:
        perform(dialogue, "accept", actor=by, follows=True)
        _prefill_agreement(dialogue)


@transaction.atomic
def send_back(dialogue: YearlyDialogue, reason: str, *, by: User) -> None:
    """Give the declaration back to the CPTS, with what is to be completed; reviews are kept."""
    perform(dialogue, "send_back", actor=by, comment=reason)
    dialogue.marks.filter(kind=DialogueMark.Kind.REVIEWED).delete()


# --- Answering ------------------------------------------------------------------------------------


def contested_lines(dialogue: YearlyDialogue) -> list[DialogueLine]:
    """Those that a reviewer contests, each with its reviews."""
    lines = dialogue.lines.filter(reviews__position=LineReview.Position.CONTESTED)
    return list(lines.prefetch_related("reviews__by").distinct())


@transaction.atomic
def answer(
    dialogue: YearlyDialogue, answers: Mapping[int, str], *, by: User, finish: bool = False
) -> None:
    """Answer what is contested; `finish` sends the answers. Raises as `perform` does."""
    found = locked(dialogue)
    if party_of(found, by) != CPTS:
        raise PermissionDenied
    if found.state != State.ANSWERING:
        raise ActionRefusedError("Les réponses sont closes : elles ne changent plus.")
    for line in contested_lines(found):
        if line.pk in answers:
            line.answer = _text(answers[line.pk])
            line.save(update_fields=["answer"])
    if finish:
        perform(dialogue, "answer", actor=by)
        _prefill_agreement(dialogue)


@guard("answer")
def missing_answers(dialogue: YearlyDialogue) -> list[str]:
    """What is contested and not answered, as sentences."""
    return [
        f"{line.label}{NBSP}: répondez, ou écrivez que vous êtes d’accord."
        for line in contested_lines(dialogue)
        if not line.answer
    ]


def close_answers(*, today: date | None = None) -> int:
    """Go on without the answers whose last day has passed; how many dialogues."""
    today = today or timezone.localdate()
    late = YearlyDialogue.objects.filter(state=State.ANSWERING, answer_by__lt=today)
    count = 0
    for dialogue in late.select_related("contract").order_by("pk"):
        with transaction.atomic():
            perform(dialogue, "lapse", actor=None, follows=True)
            _prefill_agreement(dialogue)
        count += 1
    return count


# --- Concluding -----------------------------------------------------------------------------------


def _prefill_agreement(dialogue: YearlyDialogue) -> None:
    """What everybody accepts is agreed already; what is contested waits for a conclusion."""
    contested = {one.pk for one in contested_lines(dialogue)}
    for line in dialogue.lines.filter(agreed_value__isnull=True):
        if line.pk not in contested:
            line.agreed_value = line.value
            line.save(update_fields=["agreed_value"])


@dataclass(frozen=True)
class Agreed:
    """What is retained of a line: a value, and a rate only where the rule's own is not taken."""

    value: Decimal | None
    rate: Decimal | None = None
    reason: str = ""


def may_conclude(dialogue: YearlyDialogue, user: User) -> bool:
    """The agency or the fund, once everything has been said."""
    return dialogue.state == State.CONCLUDING and party_of(dialogue, user) in {ARS, CPAM}


@transaction.atomic
def conclude(
    dialogue: YearlyDialogue, agreed: Mapping[int, Agreed], *, by: User, finish: bool = False
) -> None:
    """Write what is retained of each line; `finish` proposes it to the parties.

    Raises PermissionDenied, ActionRefusedError, and IncompleteError with what is missing.
    """
    found = locked(dialogue)
    if not may_conclude(found, by):
        raise PermissionDenied
    for line in found.lines.all():
        if line.pk in agreed:
            _write_agreed(line, agreed[line.pk])
    if finish:
        perform(dialogue, "propose", actor=by, revision=found.revision + 1, proposed_by=by)


def _write_agreed(line: DialogueLine, one: Agreed) -> None:
    reason = _text(one.reason)
    if one.value is not None:
        _check_value(one.value)
    if one.rate is not None and not 0 <= one.rate <= 1:
        raise ActionRefusedError(f"{line.label}{NBSP}: le taux va de 0 à 100{NBSP}%.")
    if one.rate is not None and not reason:
        raise ActionRefusedError(
            f"{line.label}{NBSP}: écrivez pourquoi ce taux est retenu plutôt que celui de la règle."
        )
    line.agreed_value, line.set_rate = one.value, one.rate
    line.set_reason = reason if one.rate is not None else ""
    line.save(update_fields=["agreed_value", "set_rate", "set_reason"])


@guard("propose")
def missing_to_propose(dialogue: YearlyDialogue) -> list[str]:
    """What the conclusion lacks, as sentences."""
    lines = list(dialogue.lines.all())
    found = []
    for line in lines:
        if line.agreed_rate is not None:
            continue
        if line.agreed_value is None:
            found.append(f"{line.label}{NBSP}: écrivez la valeur retenue.")
        else:
            found.append(
                f"{line.label}{NBSP}: le contrat n’a pas de cible pour cet indicateur, écrivez le "
                "taux retenu et sa raison."
            )
    weights: dict[str, Decimal] = {}
    for line in lines:
        weights[line.mission] = weights.get(line.mission, ZERO) + line.weight
    found += [
        f"{mission_name(mission)}{NBSP}: aucun indicateur n’a de poids, rien ne peut être calculé. "
        "Corrigez les indicateurs par un avenant."
        for mission, weight in weights.items()
        if not weight
    ]
    return found


# --- Money ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class ShareOfMission:
    """The variable share of a mission in a year: at most, and at the rate of its results."""

    mission: str
    ceiling: Decimal
    rate: Decimal | None
    amount: Decimal | None

    @property
    def label(self) -> str:
        return mission_name(self.mission)


def results_of(lines: Iterable[DialogueLine], agreed_on: date) -> dict[str, Results]:
    """What is agreed, mission by mission, for those whose every rate is known."""
    rates: dict[str, list[tuple[Decimal, Decimal | None]]] = {}
    for line in lines:
        rates.setdefault(line.mission, []).append((line.weight, line.agreed_rate))
    return {
        mission: Results(
            agreed_on,
            tuple(Achievement(weight, rate) for weight, rate in found if rate is not None),
        )
        for mission, found in rates.items()
        if all(rate is not None for _, rate in found) and any(weight for weight, _ in found)
    }


def shares_of(
    dialogue: YearlyDialogue, lines: Sequence[DialogueLine]
) -> tuple[list[ShareOfMission], list[str]]:
    """The variable share of each mission, from the rights the schedule in force holds, and what
    keeps it from being known, as sentences."""
    number, schedule = current_lines(dialogue.contract)
    agreed = results_of(lines, timezone.localdate())
    ceilings: dict[str, Decimal] = {}
    amounts: dict[str, Decimal] = {}
    for one in schedule:
        if one.year != dialogue.year or one.step not in {Step.RESULTS, Step.CRISIS}:
            continue
        ceilings[one.mission] = ceilings.get(one.mission, ZERO) + at_rate(one, Fraction(1))
        if one.mission in agreed:
            amount = at_rate(one, agreed[one.mission].rate)
            amounts[one.mission] = amounts.get(one.mission, ZERO) + amount
    found = [
        ShareOfMission(
            mission,
            ceilings.get(mission, ZERO),
            _rate(agreed[mission]) if mission in agreed else None,
            amounts.get(mission, ZERO) if mission in agreed else None,
        )
        for mission in dict.fromkeys(line.mission for line in lines)
    ]
    return found, [] if number else [NO_SCHEDULE]


def _rate(results: Results) -> Decimal:
    exact = results.rate
    return (Decimal(exact.numerator) / exact.denominator).quantize(Decimal("0.0001"))


def indemnities_recorded(dialogue: YearlyDialogue) -> Decimal:
    """What the CPTS recorded as paid to its members in the days of that year of the contract."""
    year = next((one for one in _years(dialogue.contract) if one.number == dialogue.year), None)
    if year is None:
        return ZERO
    found = Indemnity.objects.standing().filter(
        community=dialogue.contract.community_id,
        paid_on__gte=year.starts_on,
        paid_on__lt=year.ends_before,
    )
    return found.aggregate(total=Sum("amount"))["total"] or ZERO


# --- Telling --------------------------------------------------------------------------------------

# Who is told of the state a dialogue reaches; the others read it on its page.
_TOLD: Final[Mapping[str, Collection[str]]] = {
    State.DECLARING: (CPTS, ARS, CPAM),
    State.REVIEWING: (ARS, CPAM),
    State.ANSWERING: (CPTS,),
    State.CONCLUDING: (ARS, CPAM),
    State.AGREEING: (CPTS, ARS, CPAM),
    State.CLOSED: (CPTS, ARS, CPAM),
}
NEXT_STEPS: Final[Mapping[str, str]] = {
    State.DECLARING: "La CPTS déclare ses résultats et ses dépenses, puis les transmet.",
    State.REVIEWING: "L’ARS et la CPAM examinent chaque résultat, chacune de son côté.",
    State.ANSWERING: "La CPTS répond à ce qui est contesté.",
    State.CONCLUDING: "L’ARS ou la CPAM écrit les valeurs retenues et les propose aux parties.",
    State.AGREEING: "Chaque partie accepte la conclusion, ou la reprend en disant pourquoi.",
    State.SIGNING: "Les parties signent le compte rendu.",
    State.CLOSED: "La part variable est inscrite à l’échéancier.",
}


def next_step(dialogue: YearlyDialogue) -> str:
    """What is awaited, in a sentence."""
    said = NEXT_STEPS[dialogue.state]
    if dialogue.state == State.ANSWERING and dialogue.answer_by:
        return f"{said[:-1]}, au plus tard le {day(dialogue.answer_by)}."
    return said


def label_of(log: DialogueLog) -> str:
    """What a line of the log says."""
    return MOVES[log.move].label if log.move in MOVES else "Dialogue ouvert"


@handles(MOVED)
def tell_move(*, log_id: int) -> None:
    """Tell the parties whose turn has come, unless the dialogue has moved on since."""
    log = DialogueLog.objects.select_related(
        "dialogue__contract__community", "dialogue__contract__cpam", "dialogue__contract__ars"
    ).get(pk=log_id)
    dialogue = log.dialogue
    if dialogue.state != log.to_state or log.to_state not in _TOLD:
        return
    contract = dialogue.contract
    tell_parties(
        contract,
        "dialogue",
        key=f"dialogue:{log.pk}",
        template="contracts/dialogue_moved",
        context={
            "year": dialogue.year,
            "happened": label_of(log),
            "next": next_step(dialogue),
            "comment": log.comment,
        },
        path=reverse("contracts:dialogue", args=[contract.public_id, dialogue.year]),
        parties=[one for one in parties_of(contract) if one in _TOLD[log.to_state]],
    )
