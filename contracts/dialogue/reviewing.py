"""The agency and the fund accept or contest what is declared; the CPTS answers."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.utils import timezone

from accounts.models import User
from contracts.dialogue.dialogues import State
from contracts.dialogue.moves import guard, locked, party_of, perform, reviewers_of
from contracts.dialogue.typed import check_value, clean_text
from contracts.models import DialogueLine, DialogueMark, LineReview, YearlyDialogue
from contracts.terms import ARS, CPAM, CPTS
from cpts_portal.words import NBSP
from workflow.services import ActionRefusedError


@dataclass(frozen=True)
class Reviewed:
    """What a reviewer says of a line. A contested one has its reason, and may have a value."""

    position: str
    value: Decimal | None = None
    reason: str = ""


def may_review(dialogue: YearlyDialogue, user: User) -> bool:
    """The agency and the fund, each until it has finished."""
    if dialogue.state != State.REVIEWING:
        return False
    party = party_of(dialogue, user)
    if party not in {ARS, CPAM}:
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
    reason = clean_text(one.reason)
    if one.position not in LineReview.Position.values:
        raise ActionRefusedError("Choisissez d’accepter ou de contester ce résultat.")
    if contested and not reason:
        raise ActionRefusedError(f"{line.label}{NBSP}: écrivez pourquoi vous le contestez.")
    if one.value is not None:
        check_value(one.value)
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
        prefill_agreement(dialogue)


@transaction.atomic
def send_back(dialogue: YearlyDialogue, reason: str, *, by: User) -> None:
    """Give the declaration back to the CPTS, with what is to be completed; reviews are kept."""
    perform(dialogue, "send_back", actor=by, comment=reason)
    dialogue.marks.filter(kind=DialogueMark.Kind.REVIEWED).delete()


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
            line.answer = clean_text(answers[line.pk])
            line.save(update_fields=["answer"])
    if finish:
        perform(dialogue, "answer", actor=by)
        prefill_agreement(dialogue)


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
            prefill_agreement(dialogue)
        count += 1
    return count


def prefill_agreement(dialogue: YearlyDialogue) -> None:
    """What everybody accepts is agreed already; what is contested waits for a conclusion."""
    contested = {one.pk for one in contested_lines(dialogue)}
    for line in dialogue.lines.filter(agreed_value__isnull=True):
        if line.pk not in contested:
            line.agreed_value = line.value
            line.save(update_fields=["agreed_value"])
