"""The mails of a round: rows of the outbox, written by the worker from ids."""

from collections.abc import Mapping
from typing import Any, Final

from django.conf import settings
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone

from accounts.models import Organisation
from contracts.models.rounds import Party, RoundPaper, RoundSigner, SigningRound
from contracts.signing.signers import parties_of
from cpts_portal.mails import queue_template_mail
from notifications.services import About, Told, notify
from outbox.registry import handles
from signatures.links import token_of

KIND: Final = "contract_signature"


def link_path(signer: RoundSigner) -> str:
    """Where a personal link leads, on the portal. A signer of the CPTS alone has one."""
    return reverse("contract-signing:page", args=[token_of(signer)])


def link_of(signer: RoundSigner) -> str:
    """The whole address of a personal link."""
    return settings.PORTAL_URL + link_path(signer)


def write_code(signer: RoundSigner, code: str) -> None:
    """Send a code to the signer's own address."""
    queue_template_mail(
        key=f"contract-signing:code:{signer.pk}:{timezone.now().timestamp()}",
        recipient=signer.email,
        template="contracts/signing_code",
        context={
            "signer": signer.name,
            "title": signer.round.title,
            "code": code,
            "until": signer.code_expires_at,
            "url": f"{link_of(signer)}signer/",
        },
    )


@handles("contracts.round_ask")
def ask_to_sign(*, signer_id: int, count: int) -> None:
    """Write to a signer whose turn it is, unless they have answered meanwhile."""
    signer = RoundSigner.objects.select_related(
        "round__contract__community", "user", "organisation"
    ).get(pk=signer_id)
    signing_round = signer.round
    is_due = signing_round.is_open and signer.told_count == count
    if not is_due or signer.signatures.exists():
        return
    context = {
        "signer": signer.name,
        "title": signing_round.title,
        "community": signing_round.contract.title,
        "again": count > 1,
    }
    key = f"contract-signing:ask:{signer.pk}:{count}"
    if signer.party != Party.CPTS and signer.user:
        told = notify(
            KIND,
            key=key,
            to=signer.user,
            body=signer.organisation,
            about=about(signing_round),
            template="contracts/to_sign",
            context=context,
            path=page_of(signing_round),
        )
        mail = told.mail if told else None
    else:
        # By its secret the link names the signer: it goes nowhere but to their own address.
        mail = queue_template_mail(
            key=key,
            recipient=signer.email,
            template="contracts/to_sign_by_link",
            context={**context, "url": link_of(signer)},
        )
    RoundSigner.objects.filter(pk=signer.pk).update(last_mail=mail)


@handles("contracts.round_told")
def tell_end(*, round_id: int) -> None:
    """Tell everybody how a round ended: its signers, the team, the mailboxes of the bodies."""
    signing_round = _round(round_id)
    template = {
        SigningRound.State.SIGNED: "contracts/round_signed",
        SigningRound.State.REFUSED: "contracts/round_refused",
        SigningRound.State.CANCELLED: "contracts/round_cancelled",
    }.get(SigningRound.State(signing_round.state))
    if template is None:
        return
    who = signing_round.logs.filter(action="refused").select_related("signer").first()
    context = {
        "title": signing_round.title,
        "community": signing_round.contract.title,
        "name": who.signer.name if who and who.signer else "",
        "signed_on": signing_round.signed_on,
    }
    _tell_all(signing_round, template, context, key=f"contract-round:{signing_round.pk}")
    for signer in signing_round.signers.filter(user__isnull=True):
        queue_template_mail(
            key=f"contract-round:{signing_round.pk}:{signing_round.state}",
            recipient=signer.email,
            template=template,
            context={**context, "url": link_of(signer)},
        )


@handles("contracts.paper_told")
def tell_of_paper(*, paper_id: int) -> None:
    """A copy signed by hand waits for the other parties, or comes back to who sent it."""
    paper = RoundPaper.objects.select_related("uploaded_by").get(pk=paper_id)
    signing_round = _round(paper.round_id)
    context = {
        "title": signing_round.title,
        "community": signing_round.contract.title,
        "party": Party(paper.party).label,
    }
    key = f"contract-paper:{paper.pk}:{paper.state}"
    match paper.state:
        case RoundPaper.State.WAITING:
            template = "contracts/paper_to_check"
            _tell_all(signing_round, template, context, key=key, but=Party(paper.party))
        case RoundPaper.State.RETURNED:
            notify(
                KIND,
                key=key,
                to=paper.uploaded_by,
                body=_body(signing_round, Party(paper.party)),
                about=about(signing_round),
                template="contracts/paper_returned",
                context=context,
                path=page_of(signing_round),
            )


def _round(pk: int) -> SigningRound:
    beside = ("contract__community", "contract__cpam", "contract__ars")
    return SigningRound.objects.select_related(*beside).get(pk=pk)


def about(signing_round: SigningRound) -> About:
    contract = signing_round.contract
    return About(contract.title, contract.reference or "", contract.public_id)


def page_of(signing_round: SigningRound) -> str:
    contract = signing_round.contract
    return reverse("contracts:round", args=[contract.public_id, signing_round.public_id])


def _body(signing_round: SigningRound, party: Party) -> Organisation | None:
    contract = signing_round.contract
    return {Party.CPAM: contract.cpam, Party.ARS: contract.ars}.get(party)


def _tell_all(
    signing_round: SigningRound,
    template: str,
    context: Mapping[str, Any],
    *,
    key: str,
    but: Party | None = None,
) -> None:
    """Those who act for the CPTS, the signers and the mailboxes of the bodies; each once."""
    for party in parties_of(signing_round.contract):
        if party == but:
            continue
        body = _body(signing_round, party)
        people: list[Told] = [
            one.user
            for one in signing_round.signers.filter(party=party, user__isnull=False).select_related(
                "user"
            )
            if one.user
        ]
        if body is None:
            team = signing_round.contract.community.team_members.filter(
                Q(role="owner") | Q(role="editor")
            )
            people += [one.user for one in team.select_related("user")]
        else:
            people.append(body)
        for one in people:
            notify(
                KIND,
                key=key,
                to=one,
                body=body,
                about=about(signing_round),
                template=template,
                context=context,
                path=page_of(signing_round),
            )
