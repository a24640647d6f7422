"""What the parties are told of a draft they write together: from ids, after the commit, once."""

from typing import Final

from django.urls import reverse

from contracts.models import (
    Contract,
    Draft,
    DraftAgreement,
    DraftProposal,
    DraftRemark,
)
from contracts.party_mails import tell_parties
from contracts.terms import PARTIES_OF, SECTIONS
from cpts_portal.words import NBSP
from outbox.registry import handles
from workflow.models import TransitionLog

DRAFT: Final = "contract_draft"
REMARK: Final = "contract_remark"
_THE: Final = {"cpts": "La CPTS", "ars": "L’ARS", "cpam": "La CPAM"}


def _tell(
    contract: Contract,
    kind: str,
    key: str,
    *,
    subject: str,
    sentences: list[str],
    without: str = "",
    only: str = "",
    section: str = "",
    of: Draft | None = None,
) -> None:
    """Tell the parties of a contract, but the one it comes from, or one of them only."""
    parties = [one for one in PARTIES_OF[contract.form] if one != without]
    if only:
        parties = [only]
    page = "contracts:draft-section" if section else "contracts:draft"
    arguments = [contract.public_id, section] if section else [contract.public_id]
    if of is not None and of.purpose == Draft.Purpose.AMENDMENT:
        page, arguments = "amendments:amendment", [contract.public_id, of.pk]
        if section in of.sections:
            page, arguments = "amendments:section", [*arguments, section]
    tell_parties(
        contract,
        kind,
        key=key,
        template="contracts/draft_news",
        context={"subject": subject, "sentences": [one for one in sentences if one]},
        path=reverse(page, args=arguments),
        parties=parties,
    )


def _what(draft: Draft) -> str:
    is_amendment = draft.purpose == Draft.Purpose.AMENDMENT
    return "projet d’avenant" if is_amendment else "projet de contrat"


def _contract(pk: int) -> Contract:
    return Contract.objects.select_related("community", "office", "ars", "cpam").get(pk=pk)


@handles("contracts.draft_opened")
def tell_opening(*, draft_id: int) -> None:
    draft = Draft.objects.select_related("opened_by").get(pk=draft_id)
    _tell(
        _contract(draft.contract_id),
        DRAFT,
        f"contract-draft:{draft.pk}:opened",
        subject="un projet de contrat est ouvert",
        sentences=[
            (
                f"{draft.opened_by} a ouvert le projet du contrat. Chaque partie peut le lire, le "
                "modifier, le commenter, et marquer son accord quand il lui convient."
            )
        ],
    )


@handles("contracts.agreement_cleared")
def tell_clearing(*, agreement_id: int) -> None:
    """Tell a party that its agreement no longer stands, because the text has changed."""
    one = DraftAgreement.objects.select_related("draft", "cleared_by").get(pk=agreement_id)
    if one.cleared_at is None:
        return
    _tell(
        _contract(one.draft.contract_id),
        DRAFT,
        f"contract-agreement:{one.pk}:cleared",
        subject="le projet a changé, votre accord n’est plus marqué",
        sentences=[
            (
                f"Votre accord portait sur la version {one.revision} du projet. {one.cleared_by} "
                f"l’a changé depuis. {one.cleared_because}."
            ),
            "Relisez le projet : si la nouvelle version vous convient, marquez votre accord.",
        ],
        only=one.party,
        of=one.draft,
    )


@handles("contracts.agreement_marked")
def tell_agreement(*, agreement_id: int) -> None:
    one = DraftAgreement.objects.select_related("draft", "by").get(pk=agreement_id)
    if one.cleared_at is not None:
        return
    _tell(
        _contract(one.draft.contract_id),
        DRAFT,
        f"contract-agreement:{one.pk}",
        subject=f"{_THE[one.party][:1].lower()}{_THE[one.party][1:]} a marqué son accord",
        sentences=[
            (
                f"{_THE[one.party]} a marqué son accord sur la version {one.revision} du "
                f"{_what(one.draft)}. Quand toutes les parties l’auront fait, il pourra être figé "
                "puis signé."
            )
        ],
        without=one.party,
        of=one.draft,
    )


@handles("contracts.remark_written")
def tell_remark(*, remark_id: int) -> None:
    one = DraftRemark.objects.select_related("thread__draft").get(pk=remark_id)
    section = one.thread.section
    _tell(
        _contract(one.thread.draft.contract_id),
        REMARK,
        f"contract-remark:{one.pk}",
        subject=f"une remarque sur le {_what(one.thread.draft)}",
        sentences=[
            f"{_THE[one.party]} a écrit une remarque sur «{NBSP}{SECTIONS[section]}{NBSP}»."
        ],
        without=one.party,
        section=section,
        of=one.thread.draft,
    )


@handles("contracts.section_proposed")
def tell_proposal(*, proposal_id: int) -> None:
    one = DraftProposal.objects.select_related("draft").get(pk=proposal_id)
    _tell(
        _contract(one.draft.contract_id),
        REMARK,
        f"contract-proposal:{one.pk}",
        subject=f"une proposition sur le {_what(one.draft)}",
        sentences=[
            (
                f"{_THE[one.party]} propose de changer «{NBSP}{SECTIONS[one.section]}{NBSP}»."
                " Acceptez la proposition, ou écartez-la."
            )
        ],
        without=one.party,
        section=one.section,
        of=one.draft,
    )


@handles("contracts.proposal_answered")
def tell_answer(*, proposal_id: int) -> None:
    one = DraftProposal.objects.select_related("draft", "answered_by").get(pk=proposal_id)
    if one.state == DraftProposal.State.TAKEN_BACK:
        return
    said = "acceptée" if one.state == DraftProposal.State.ACCEPTED else "écartée"
    _tell(
        _contract(one.draft.contract_id),
        REMARK,
        f"contract-proposal:{one.pk}:answered",
        subject=f"votre proposition est {said}",
        sentences=[
            (
                f"{one.answered_by} a répondu à votre proposition sur «{NBSP}"
                f"{SECTIONS[one.section]}{NBSP}» : elle est {said}."
            ),
            one.answer,
        ],
        only=one.party,
        section=one.section,
        of=one.draft,
    )


@handles("contracts.draft_reopened")
def tell_reopening(*, log_id: int) -> None:
    log = TransitionLog.objects.get(pk=log_id)
    _tell(
        _contract(log.case_id),
        DRAFT,
        f"contract-reopened:{log.pk}",
        subject="le contrat revient en négociation",
        sentences=["Le contrat n’est plus à signer : son texte est repris.", log.comment],
    )


@handles("contracts.given_up")
def tell_giving_up(*, log_id: int) -> None:
    log = TransitionLog.objects.select_related("actor").get(pk=log_id)
    _tell(
        _contract(log.case_id),
        DRAFT,
        f"contract-given-up:{log.pk}",
        subject="le projet de contrat est abandonné",
        sentences=[f"{log.actor} a renoncé au contrat.", log.comment],
    )
