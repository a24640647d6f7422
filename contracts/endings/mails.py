"""What the parties of a contract are told of its end, and the letters. Told again: nothing new."""

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.db import transaction
from django.urls import reverse

from contracts.models import (
    Contract,
    Observation,
    Renewal,
    RenewalAnswer,
    Reorganisation,
    Termination,
    TerminationLetter,
)
from contracts.party_mails import tell_parties
from contracts.terms import PARTIES_OF
from cpts_portal.words import day
from documents.rendering import render_pdf
from documents.services import issue_document
from outbox.registry import handles

_THE = {"cpts": "la CPTS", "ars": "l’ARS", "cpam": "la CPAM"}


def _tell(
    contract: Contract,
    template: str,
    *,
    key: str,
    but: str = "",
    attachments: Sequence[tuple[str, str]] = (),
    **context: Any,
) -> None:
    """Tell each party of a contract one thing about its end; `but` names one not told."""
    tell_parties(
        contract,
        "contract_ending",
        key=key,
        template=f"contracts/{template}",
        context=context,
        path=reverse("endings:hub", args=[contract.public_id]),
        parties=[one for one in PARTIES_OF[contract.form] if one != but],
        attachments=attachments,
    )


@handles("contracts.renewal_due")
def tell_renewal_due(*, renewal_id: int, step: int) -> None:
    renewal = Renewal.objects.select_related("contract").get(pk=renewal_id)
    contract = _contract(renewal.contract_id)
    if renewal.successor_id or contract.ends_on != renewal.ends_on:
        return
    _tell(
        contract,
        "renewal_due",
        key=f"renewal:{renewal.pk}:{step}",
        ends_on=day(renewal.ends_on),
        is_reminder=step > 0,
    )


@handles("contracts.renewal_answered")
def tell_renewal_answered(*, answer_id: int) -> None:
    answer = RenewalAnswer.objects.select_related("renewal").get(pk=answer_id)
    _tell(
        _contract(answer.renewal.contract_id),
        "renewal_answered",
        key=f"renewal-answer:{answer.pk}",
        but=answer.party,
        who=_THE[answer.party],
        renews=answer.wish == RenewalAnswer.Wish.RENEW,
        comment=answer.comment,
    )


@handles("contracts.termination_letter")
def issue_letter(*, termination_id: int) -> None:
    """Print the letter of where the termination stands, once, and send it to the parties."""
    termination = Termination.objects.get(pk=termination_id)
    contract = _contract(termination.contract_id)
    for kind in termination.letters:
        letter = print_letter(termination_id, kind)
        _tell(
            contract,
            "termination_decided" if kind == "decision" else "termination_notified",
            key=f"termination:{termination.pk}:{kind}",
            attachments=[(str(letter.document.file.name), f"{letter.document.number}.pdf")],
            who=_THE[termination.party],
            ends_on=day(termination.ends_on),
            until=day(termination.observations_until),
        )


@transaction.atomic
def print_letter(termination_id: int, kind: str) -> TerminationLetter:
    """Issue a letter from what was frozen, unless it is issued already."""
    termination = Termination.objects.select_for_update().get(pk=termination_id)
    known = termination.papers.filter(kind=kind).select_related("document").first()
    if known is not None:
        return known
    letter = termination.letters[kind]
    pdf = render_pdf(
        "pdf/termination.html",
        {"author": settings.PORTAL_NAME, "created_at": letter["created_at"], "letter": letter},
        title=f"{letter['title']} ({letter['number']})",
    )
    document = issue_document(
        kind=f"termination_{kind}", number=letter["number"], title=letter["title"], pdf=pdf
    )
    return TerminationLetter.objects.create(termination=termination, kind=kind, document=document)


@handles("contracts.termination_observed")
def tell_observed(*, observation_id: int) -> None:
    made = Observation.objects.select_related("termination").get(pk=observation_id)
    _tell(
        _contract(made.termination.contract_id),
        "termination_observed",
        key=f"observation:{made.pk}",
        but=made.party,
        who=_THE[made.party],
    )


@handles("contracts.termination_withdrawn")
def tell_withdrawn(*, termination_id: int) -> None:
    found = Termination.objects.get(pk=termination_id)
    _tell(
        _contract(found.contract_id),
        "termination_withdrawn",
        key=f"termination:{found.pk}:withdrawn",
        who=_THE[found.party],
        reason=found.decision,
    )


@handles("contracts.contract_ended")
def tell_ended(*, contract_id: int) -> None:
    contract = _contract(contract_id)
    _tell(
        contract,
        "contract_ended",
        key=f"contract-ended:{contract.pk}",
        ends_on=day(contract.ends_on) if contract.ends_on else "",
    )


@handles("contracts.reorganised")
def tell_reorganised(*, reorganisation_id: int) -> None:
    found = Reorganisation.objects.get(pk=reorganisation_id)
    sides = list(found.communities.select_related("community"))
    followers = [one.community.name for one in sides if one.side == "after"]
    for one in sides:
        if one.contract_id is None:
            continue
        contract = _contract(one.contract_id)
        _tell(
            contract,
            "reorganised",
            key=f"reorganised:{found.pk}:{contract.pk}",
            what=found.get_kind_display().lower(),
            act=found.act,
            ends_on=day(contract.ends_on) if contract.ends_on else "",
            followers=followers,
        )


def _contract(pk: int) -> Contract:
    found = Contract.objects.select_related("community", "ars", "cpam", "office", "region")
    return found.get(pk=pk)
