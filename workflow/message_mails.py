"""Telling the other side that a message waits: who wrote, about which case, and the link.

A mail never holds the message: it may name people, and mail is read anywhere.
"""

from django.urls import reverse

from cpts_portal.words import day
from outbox.registry import handles
from workflow.models import Case, Message
from workflow.models.messages import Side
from workflow.notices import Told, office_of, team_of, tell
from workflow.opinion_rules import FOLLOWERS


@handles("workflow.announce_message")
def announce_message(*, message_id: int) -> None:
    """Tell everyone the message is for. Running it again tells nobody twice."""
    message = Message.objects.select_related(
        "author", "office", "case__community", "case__office"
    ).get(pk=message_id)
    announce(message.case, message)


def announce(case: Case, message: Message) -> None:
    """Tell the other side of a message: the one place such mails leave from."""
    from_team = message.side == Side.TEAM
    tell(
        case,
        "message",
        key=f"message:{message.pk}",
        to=_recipients(case, message),
        template="workflow/message",
        context={
            "author": message.author,
            "sender": case.title if from_team else message.office.name,
            "answer_expected": message.answer_expected,
            "answer_by": day(message.answer_by) if message.answer_by else "",
        },
        body=case.office if from_team else None,
        path=reverse("cases:messages", args=[case.public_id]),
    )


def _recipients(case: Case, message: Message) -> list[Told]:
    """The team; or whoever examines the case, else its office's members, else its mailbox."""
    if message.side == Side.OFFICE:
        return [person for person in team_of(case) if person.pk != message.author_id]
    office = office_of(case, FOLLOWERS)
    return [one for one in office if one.pk == case.instructor_id] or office
