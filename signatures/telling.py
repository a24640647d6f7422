"""The mails of a campaign: rows of the outbox, written by the worker from ids.

Signers have no account: their mails leave without passing by the notifications of people who
have one. Every mail carries the same personal link, until the address changes.
"""

from collections.abc import Sequence
from typing import Any, Final

from django.utils import timezone

from cpts_portal.mails import queue_template_mail
from outbox.models import Mail
from outbox.registry import handles
from outbox.services import publish
from signatures.links import link_of
from signatures.models import Invitation
from signatures.signable import signable_of

# As many mails as the worker writes in a second or two.
CHUNK: Final = 100


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
