"""The aids a decision grants: what the procedure provides, what was granted, what was paid."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.formats import number_format

from accounts.models import User
from procedures.circuit import Financing
from workflow import followup_rules as rules
from workflow.consultations import circuit_of
from workflow.decision_text import declare_mention
from workflow.models import Case, Grant
from workflow.people import still_holds_their_role
from workflow.services import ActionRefusedError, already_done_by
from workflow.typed import typed_text

LONGEST_TEXT: Final = 2_000
NBSP: Final = "\u00a0"
# A slip of the keyboard, whatever the aid.
LARGEST: Final = Decimal("10000000.00")


def euros(amount: Decimal) -> str:
    """« 15 000,00 € »."""
    return f"{number_format(amount, decimal_pos=2, use_l10n=True, force_grouping=True)}{NBSP}€"


def grants_of(case: Case) -> QuerySet[Grant]:
    """Every aid granted on a case, those cancelled too."""
    return Grant.objects.filter(case=case.pk).select_related("granted_by", "body", "cancelled_by")


@dataclass(frozen=True)
class Offer:
    """An aid the procedure provides and nobody has granted yet, in words."""

    key: str
    label: str
    amount: Decimal | None
    rule: str
    source: str


def offers(case: Case, *, on: date | None = None, granted: Sequence[Grant] = ()) -> list[Offer]:
    """What may be granted today under the procedure of the case."""
    day = on or timezone.localdate()
    given = {one.key for one in granted if one.cancelled_at is None}
    return [
        Offer(one.key, one.label, one.amount, _rule(one), one.source)
        for one in circuit_of(case).financing
        if one.is_in_force(day) and one.key not in given
    ]


def _rule(aid: Financing) -> str:
    if aid.amount is None:
        return "Montant fixé par la décision ou par la convention."
    if aid.is_ceiling:
        return f"{euros(aid.amount)} au plus."
    return f"Forfait de {euros(aid.amount)}."


@transaction.atomic
def grant(
    case: Case, key: str, *, amount: Decimal, granted_on: date, actor: User, deviation: str = ""
) -> Grant:
    """Record an aid granted, on the day it was.

    A sum other than the procedure's fixed one needs a reason; a sum above its ceiling is refused.

    Raises PermissionDenied, or ActionRefusedError with the sentence to show.
    """
    case = _locked(case, actor)
    aid = next((one for one in circuit_of(case).financing if one.key == key), None)
    if aid is None or not aid.is_in_force(granted_on):
        raise ActionRefusedError(
            "La procédure de cette région ne prévoit pas cette aide à cette date. Choisissez-la "
            "dans la liste, et vérifiez la date."
        )
    if grants_of(case).filter(key=key, cancelled_at=None).exists():
        raise ActionRefusedError(
            "Cette aide est déjà accordée pour ce dossier. Annulez-la d’abord si elle est fausse."
        )
    amount = _amount(amount)
    deviation = typed_text(deviation, longest=LONGEST_TEXT)
    if aid.amount is not None and aid.is_ceiling and amount > aid.amount:
        raise ActionRefusedError(
            f"Cette aide est de {euros(aid.amount)} au plus ; {euros(amount)} la dépasse. "
            "Corrigez le montant."
        )
    if aid.amount is not None and not aid.is_ceiling and amount != aid.amount and not deviation:
        raise ActionRefusedError(
            f"La procédure prévoit {euros(aid.amount)}. Corrigez le montant, ou dites pourquoi il "
            "est différent."
        )
    if granted_on > timezone.localdate():
        raise ActionRefusedError("La date de l’accord est à venir : notez-le le jour même.")
    if actor.acting is None:
        raise PermissionDenied("Une aide s’enregistre au nom d’un bureau.")
    return Grant.objects.create(
        case=case,
        key=key,
        label=aid.label,
        amount=amount,
        deviation=deviation,
        source=aid.source,
        granted_on=granted_on,
        granted_by=actor,
        body=actor.acting.organisation,
    )


@transaction.atomic
def record_payment(granted: Grant, *, paid_on: date, actor: User) -> Grant:
    """Note the day an aid was paid. Raises PermissionDenied or ActionRefusedError."""
    granted = _fresh(granted, actor)
    if granted.paid_on:
        raise ActionRefusedError(
            f"Le versement est déjà noté, au {granted.paid_on:%d/%m/%Y}, par {granted.paid_by}."
        )
    if not granted.granted_on <= paid_on <= timezone.localdate():
        raise ActionRefusedError(
            "Le versement a lieu entre le jour de l’accord et aujourd’hui. Vérifiez la date."
        )
    granted.paid_on, granted.paid_by = paid_on, actor
    granted.save(update_fields=["paid_on", "paid_by"])
    return granted


@transaction.atomic
def cancel_grant(granted: Grant, *, reason: str, actor: User) -> Grant:
    """Cancel an aid that was recorded by mistake and is not paid; the line stays.

    Raises PermissionDenied or ActionRefusedError.
    """
    granted = _fresh(granted, actor)
    if granted.paid_on:
        raise ActionRefusedError("Cette aide est versée : elle ne s’annule plus.")
    reason = typed_text(reason, longest=LONGEST_TEXT)
    if not reason:
        raise ActionRefusedError("Dites pourquoi vous annulez cette aide : la ligne reste.")
    granted.cancelled_at, granted.cancelled_by = timezone.now(), actor
    granted.cancel_reason = reason
    granted.save(update_fields=["cancelled_at", "cancelled_by", "cancel_reason"])
    return granted


def grant_lines(case: Case) -> list[str]:
    """What a decision says of the aids granted before it is signed, as sentences."""
    return [
        f"Aide accordée{NBSP}: {one.label}, {euros(one.amount)}."
        for one in grants_of(case).filter(cancelled_at=None)
    ]


def _locked(case: Case, actor: User) -> Case:
    locked = (
        Case.objects.select_for_update(of=("self",)).select_related("community").get(pk=case.pk)
    )
    if not rules.may_follow_up(locked, actor):
        raise PermissionDenied("Un agent du bureau en charge enregistre les aides.")
    still_holds_their_role(actor)
    return locked


def _fresh(granted: Grant, actor: User) -> Grant:
    _locked(granted.case, actor)
    current = Grant.objects.select_related("paid_by", "cancelled_by").get(pk=granted.pk)
    if current.cancelled_at:
        raise already_done_by(current.cancelled_by, current.cancelled_at)
    return current


def _amount(amount: Decimal) -> Decimal:
    if not Decimal(0) < amount <= LARGEST or amount != amount.quantize(Decimal("0.01")):
        raise ActionRefusedError(
            "Le montant n’est pas possible. Écrivez une somme en euros, avec deux décimales au "
            "plus : 15000 ou 7999,50."
        )
    return amount.quantize(Decimal("0.01"))


declare_mention(grant_lines)
