"""The mails of a campaign: rows of the outbox, written by the worker from ids.

Signers have no account: their mails leave without passing by the notifications of people who
have one. Every mail carries the same personal link, until the address changes.
"""

from collections.abc import Sequence
from typing import Any, Final

from django.urls import reverse
from django.utils import timezone

from cpts_portal.mails import queue_template_mail
from notifications.services import About, notify
from outbox.models import Mail
from outbox.registry import handles
from outbox.services import publish
from signatures.links import link_of
from signatures.models import CampaignLog, Invitation
from signatures.signable import signable_of

# As many mails as the worker writes in a second or two.
CHUNK: Final = 100


# What the team is told, when it happens without it: subject, and the sentence of the mail. A
# reason is read on the page of the campaign, never in a mail.
TOLD: Final = {
    "declined": (
        "un membre a refusé de signer",
        "{name} a refusé de signer. Son motif est sur la page de la campagne.",
    ),
    "disowned": (
        "une adresse à vérifier",
        "Le lien envoyé à {name} est arrivé chez quelqu’un d’autre : l’adresse est à vérifier.",
    ),
    "closed": (
        "la campagne est close",
        "Le dernier jour pour signer est passé : « {title} » est close, son registre se prépare.",
    ),
}


def publish_mails(template: str, invitations: Sequence[Invitation]) -> None:
    """Call for one mail to each of these, in the caller's transaction."""
    now = timezone.now()
    for one in invitations:
        one.told_at = now
        one.told_count += 1
    Invitation.objects.bulk_update(invitations, ["told_at", "told_count"], batch_size=500)
    for start in range(0, len(invitations), CHUNK):
        some = invitations[start : start + CHUNK]
        # The count makes each mail's key its own; the nonce dies with an address.
        publish(
            "signatures.mail",
            key=f"{template}:{some[0].pk}:{some[0].told_count}:{len(some)}",
            template=template,
            told=[[one.pk, one.told_count] for one in some],
        )


@handles("signatures.mail")
def write_mails(*, template: str, told: list[list[int]]) -> None:
    """Write the mails that are still due: whoever answered meanwhile is left in peace."""
    counts = {one[0]: one[1] for one in told}
    invitations = Invitation.objects.filter(pk__in=counts).select_related(
        "campaign__community", "campaign__case", "member", "delegation"
    )
    for one in invitations:
        # A count that has moved on has had its own mail: an address changed, for instance.
        is_due = one.is_waiting and one.email and one.told_count == counts[one.pk]
        if is_due and one.campaign.is_open:
            mail = write_mail(template, one)
            Invitation.objects.filter(pk=one.pk).update(last_mail=mail)


def write_mail(template: str, invitation: Invitation, *, cause: str = "", **more: Any) -> Mail:
    """Write one mail now. `cause` names what calls for it, where the count of mails does not."""
    campaign = invitation.campaign
    return queue_template_mail(
        key=f"signature:{template}:{invitation.pk}:{cause or invitation.told_count}",
        recipient=invitation.email,
        template=f"signatures/{template}",
        context={
            "url": link_of(invitation),
            "signer": signer_name(invitation),
            "member": invitation.member,
            "community": campaign.community,
            "campaign": campaign,
            "short": signable_of(campaign.case).short,
            **more,
        },
    )


def signer_name(invitation: Invitation) -> str:
    """Whom the link names: the member's person, or who signs by delegation."""
    delegation = getattr(invitation, "delegation", None)
    return delegation.name if delegation else invitation.member.person


@handles("signatures.tell_team")
def tell_team(*, log: int) -> None:
    """Tell those who follow the campaign what happened in it, as each of them chose."""
    line = CampaignLog.objects.select_related("campaign__community", "member").get(pk=log)
    campaign = line.campaign
    said, sentence = TOLD[line.action]
    name = line.member.name if line.member else ""
    team = campaign.community.team_members.filter(role__in=("owner", "editor"))
    for one in team.select_related("user"):
        notify(
            "signatures",
            key=f"signature-log:{line.pk}",
            to=one.user,
            about=About(campaign.community.name),
            template="signatures/team_told",
            context={
                "user": one.user,
                "said": said,
                "sentence": sentence.format(name=name, title=campaign.title),
            },
            path=reverse(
                "signatures:campaign", args=[campaign.community.public_id, campaign.public_id]
            ),
        )
