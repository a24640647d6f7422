"""What is written to bodies and offices about opinions. Every message to a body leaves a row.

Mails are rows of the outbox, one per person and cause: written again, they add nothing.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from django.conf import settings
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format

from accounts.models import User
from cpts_portal.mails import queue_template_mail
from workflow import opinion_rules as rules
from workflow.clock_rules import case_page
from workflow.models import Case, Consultation, ConsultationNotice
from workflow.opinion_states import NoticeKind
from workflow.people import coordinators, members

TEMPLATES = {
    NoticeKind.REQUEST: "workflow/opinion_requested",
    NoticeKind.INFORMATION: "workflow/case_communicated",
    NoticeKind.REMINDER: "workflow/opinion_reminder",
    NoticeKind.OVERDUE: "workflow/opinion_overdue",
    NoticeKind.EXTENSION: "workflow/opinion_extended",
    NoticeKind.REVOCATION: "workflow/opinion_revoked",
    NoticeKind.TO_VALIDATE: "workflow/opinion_to_validate",
    NoticeKind.SENT_BACK: "workflow/opinion_sent_back",
}


def tell_body(
    consultation: Consultation, case: Case, kind: NoticeKind, *, cause: str, comment: str = ""
) -> int:
    """Write to every member of a body who may answer; how many messages are new."""
    body = consultation.body
    roles = rules.DRAFTERS[body.kind] if consultation.is_expected else ()
    return tell(consultation, case, kind, members(body, case, roles), cause=cause, comment=comment)


def tell(
    consultation: Consultation,
    case: Case,
    kind: NoticeKind,
    people: Iterable[User],
    *,
    cause: str,
    comment: str = "",
) -> int:
    """Write to these people, once each for this cause, and keep a row for each message."""
    context = {
        **_about(case),
        "body": consultation.body.name,
        "due_on": date_format(consultation.due_on, "j F Y") if consultation.due_on else "",
        "comment": comment,
    }
    new = 0
    for person in people:
        recipient = person.email.lower()
        notice, created = ConsultationNotice.objects.get_or_create(
            consultation=consultation, kind=kind, cause=cause, recipient=recipient
        )
        if created:
            new += 1
            notice.mail = queue_template_mail(
                key=f"consultation:{consultation.pk}:{kind}:{cause}",
                recipient=recipient,
                template=TEMPLATES[kind],
                context=context,
            )
            notice.save(update_fields=["mail"])
    return new


def tell_coordinators_who_is_missing(case: Case, gaps: Sequence[tuple[str, str]]) -> None:
    """Say at the deposit which opinions nobody can give: (who, why)."""
    for address in coordinators(case):
        queue_template_mail(
            key=f"consultation-gaps:{case.pk}",
            recipient=address,
            template="workflow/bodies_without_member",
            context={**_about(case), "gaps": gaps},
        )


def tell_office_all_is_in(case: Case, *, cause: str) -> None:
    """Tell the office in charge that no opinion is awaited any more."""
    if case.office is None:
        return
    people = members(case.office, case, rules.FOLLOWERS)
    addresses = [user.email for user in people] or [a for a in [case.office.email] if a]
    for address in addresses:
        queue_template_mail(
            key=f"consultations-settled:{case.pk}:{cause}",
            recipient=address,
            template="workflow/opinions_settled",
            context=_about(case),
        )


def _about(case: Case) -> dict[str, Any]:
    return {
        "title": case.title,
        "reference": case.reference or "",
        "kind": case.get_kind_display().lower(),
        "office": case.office.name if case.office else "",
        "today": date_format(timezone.localdate(), "j F Y"),
        "url": settings.PORTAL_URL + reverse(case_page(case.kind), args=[case.public_id]),
    }
