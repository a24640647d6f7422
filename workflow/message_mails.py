"""Telling the other side that a message waits: who wrote, about which case, and the link.

A mail never holds the message: it may name people, and mail is read anywhere.
"""

from typing import Any

from django.conf import settings
from django.urls import reverse
from django.utils.formats import date_format

from accounts.models import User
from cpts_portal.mails import queue_template_mail
from outbox.registry import handles
from workflow.models import Case, Message
from workflow.models.messages import Side
from workflow.opinion_rules import FOLLOWERS
from workflow.people import members


def announce(case: Case, kind: str, *, recipient: str, key: str, context: dict[str, Any]) -> None:  # noqa: ARG001
    """Write to one person about a case: the one place such mails leave from.

    `kind` names what happened, `key` the cause: the same person is told of it once.
    """
    queue_template_mail(key=key, recipient=recipient, template=f"workflow/{kind}", context=context)


@handles("workflow.announce_message")
def announce_message(*, message_id: int) -> None:
    """Write to everyone the message is for. Running it again writes to nobody twice."""
    message = Message.objects.select_related(
        "author", "office", "case__community", "case__office", "case__instructor"
    ).get(pk=message_id)
    case = message.case
    by = message.answer_by
    context = {
        "title": case.title,
        "reference": case.reference or "",
        "author": message.author,
        "sender": case.title if message.side == Side.TEAM else message.office.name,
        "is_from_team": message.side == Side.TEAM,
        "answer_expected": message.answer_expected,
        "answer_by": date_format(by, "j F Y") if by else "",
        "url": settings.PORTAL_URL + reverse("cases:messages", args=[case.public_id]),
    }
    for address in _recipients(message):
        announce(case, "message", recipient=address, key=f"message:{message.pk}", context=context)


def _recipients(message: Message) -> list[str]:
    """The team; or whoever examines the case, else its office's members, else its mailbox."""
    case = message.case
    if message.side == Side.OFFICE:
        team = User.objects.filter(team_memberships__community=case.community_id, is_active=True)
        return list(
            team.exclude(pk=message.author_id).order_by("pk").values_list("email", flat=True)
        )
    office = case.office
    if office is None:
        return []
    people = [one for one in members(office, case, FOLLOWERS) if one.pk != message.author_id]
    examines = [one for one in people if one.pk == case.instructor_id]
    addresses = [one.email for one in examines or people]
    return addresses or [address for address in [office.email] if address]
