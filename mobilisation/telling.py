"""The mails of a questionnaire: rows of the outbox, written by the worker from ids.

Respondents and those who are asked have no account: their mails leave without passing by the
notifications of people who have one.
"""

from collections.abc import Iterable, Sequence
from typing import Final

from django.urls import reverse
from django.utils import timezone
from django.utils.text import capfirst

from accounts.models import Membership
from cpts_portal.mails import queue_template_mail
from cpts_portal.words import the_body
from mobilisation.links import own_link, public_link, unsubscribe_link
from mobilisation.models import Contact, QuestionnaireLog, Reply
from mobilisation.rules import APPROVERS
from notifications.services import About, notify
from outbox.models import Mail
from outbox.registry import handles
from outbox.services import publish

# As many mails as the worker writes in a second or two.
CHUNK: Final = 100

# What the team is told when it happens without it: subject, and the sentence of the mail.
TOLD: Final[dict[str, tuple[str, str]]] = {
    "approved": (
        "l’URPS est d’accord, il est ouvert",
        (
            "{urps} ouvre avec vous le questionnaire aux professionnels. L’adresse à diffuser et "
            "l’affiche sont sur sa page."
        ),
    ),
    "refused": (
        "l’URPS demande de le revoir",
        (
            "{urps} n’ouvre pas le questionnaire en l’état. Son motif est sur la page du "
            "questionnaire : corrigez-le, puis soumettez-le de nouveau."
        ),
    ),
    "closed": (
        "le questionnaire est clos",
        "Plus personne ne peut répondre. Ses résultats peuvent être repris dans la lettre.",
    ),
}


@handles("mobilisation.tell")
def tell(*, log: int, questionnaire: int) -> None:  # noqa: ARG001 - said for who reads the outbox
    """Tell the URPS that it is asked, or the team what became of its questionnaire."""
    line = QuestionnaireLog.objects.select_related(
        "questionnaire__community", "questionnaire__urps"
    ).get(pk=log)
    one = line.questionnaire
    path = reverse("mobilisation:questionnaire", args=[one.community.public_id, one.public_id])
    if line.action == "submitted":
        people = Membership.objects.filter(
            organisation=one.urps, role__in=APPROVERS, is_active=True
        ).select_related("user")
        for held in people:
            notify(
                "questionnaire_submitted",
                key=f"questionnaire-log:{line.pk}",
                to=held.user,
                body=one.urps,
                about=About(one.community.name),
                template="mobilisation/submitted",
                context={"user": held.user, "community": one.community, "urps": one.urps},
                path=path,
            )
        return
    said, sentence = TOLD[line.action]
    team = one.community.team_members.filter(role__in=("owner", "editor"))
    for member in team.select_related("user"):
        notify(
            "questionnaire",
            key=f"questionnaire-log:{line.pk}",
            to=member.user,
            about=About(one.community.name),
            template="mobilisation/team_told",
            context={
                "user": member.user,
                "said": said,
                "sentence": sentence.format(urps=capfirst(the_body(one.urps.name))),
            },
            path=path,
        )


@handles("mobilisation.thank")
def thank(*, reply: int, again: str = "") -> None:
    """Send the author of an answer their own link. `again`: the day somebody answered with the
    same address once more; their first answer stands, and is what the link leads to."""
    one = (
        Reply.objects.select_related("questionnaire__community")
        .filter(pk=reply)
        .exclude(email="")
        .first()
    )
    if one is None:
        return  # deleted by its author meanwhile
    queue_template_mail(
        key=f"reply:{one.pk}:{again or one.token_digest[:12]}",
        recipient=one.email,
        template="mobilisation/answer_again" if again else "mobilisation/answer_received",
        context={
            "url": own_link(one),
            "community": one.questionnaire.community,
            "questionnaire": one.questionnaire,
        },
    )


def publish_mails(contacts: Sequence[Contact]) -> None:
    """Call for one mail to each of these, in the caller's transaction."""
    now = timezone.now()
    for one in contacts:
        one.told_at = now
        one.told_count += 1
    Contact.objects.bulk_update(contacts, ["told_at", "told_count"], batch_size=500)
    for start in range(0, len(contacts), CHUNK):
        some = contacts[start : start + CHUNK]
        publish(
            "mobilisation.ask",
            key=f"{some[0].pk}:{some[0].told_count}:{len(some)}",
            told=[[one.pk, one.told_count] for one in some],
        )


@handles("mobilisation.ask")
def ask(*, told: list[list[int]]) -> None:
    """Write the mails that are still due: whoever answered or left meanwhile is left in peace."""
    counts = {one[0]: one[1] for one in told}
    contacts = Contact.objects.filter(pk__in=counts, unsubscribed_at__isnull=True).select_related(
        "questionnaire__community", "questionnaire__urps"
    )
    answered = set(
        Reply.objects.filter(
            questionnaire__in={one.questionnaire_id for one in contacts},
            email__in=[one.email for one in contacts],
        ).values_list("questionnaire_id", "email")
    )
    for one in contacts:
        is_due = one.told_count == counts[one.pk] and one.questionnaire.is_open
        if not is_due or (one.questionnaire_id, one.email) in answered:
            continue
        mail = queue_template_mail(
            key=f"contact:{one.pk}:{one.told_count}",
            recipient=one.email,
            template="mobilisation/invitation" if one.told_count == 1 else "mobilisation/reminder",
            context={
                "url": public_link(one.questionnaire),
                "leave_url": unsubscribe_link(one),
                "contact": one,
                "community": one.questionnaire.community,
                "questionnaire": one.questionnaire,
            },
        )
        Contact.objects.filter(pk=one.pk).update(last_mail=mail)


def forget_mails(rows: Iterable[Reply] | Iterable[Contact]) -> None:
    """Delete the mails these were sent: each holds an address, and a link to what is no more."""
    known = {f"{type(row).__name__.lower()}:{row.pk}": row.email for row in rows if row.email}
    found = Mail.objects.filter(recipient__in=set(known.values()))
    keys = found.values_list("pk", "deduplication_key")
    gone = [pk for pk, key in keys if ":".join(key.split(":")[:2]) in known]
    Mail.objects.filter(pk__in=gone).delete()
