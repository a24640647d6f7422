"""What is written to bodies and offices about opinions. Every message to a body leaves a row.

Mails are rows of the outbox, one per person and cause: written again, they add nothing.
"""

from collections.abc import Iterable, Sequence
from typing import Final

from django.urls import reverse

from accounts.models import User
from cpts_portal.words import day
from workflow import opinion_rules as rules
from workflow.models import Case, Consultation, ConsultationNotice
from workflow.notices import case_path, coordination_of, office_of
from workflow.notices import tell as tell_about
from workflow.opinion_states import ConsultationState, NoticeKind
from workflow.people import members

# The kind of notification and the words of each message.
MESSAGES: Final = {
    NoticeKind.REQUEST: ("opinion_requested", "workflow/opinion_requested"),
    NoticeKind.INFORMATION: ("information", "workflow/case_communicated"),
    NoticeKind.REMINDER: ("opinion_reminder", "workflow/opinion_reminder"),
    NoticeKind.OVERDUE: ("opinion_reminder", "workflow/opinion_overdue"),
    NoticeKind.EXTENSION: ("opinion_requested", "workflow/opinion_extended"),
    NoticeKind.REVOCATION: ("opinion_revoked", "workflow/opinion_revoked"),
    NoticeKind.TO_VALIDATE: ("opinion_to_validate", "workflow/opinion_to_validate"),
    NoticeKind.SENT_BACK: ("opinion_to_validate", "workflow/opinion_sent_back"),
    NoticeKind.VERSION: ("new_version", "workflow/version_deposited"),
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
    name, template = MESSAGES[kind]
    context = {
        "body": consultation.body.name,
        "validator": rules.validator_word(consultation.body.kind),
        "due_on": day(consultation.due_on) if consultation.due_on else "",
        "comment": comment,
        "version": case.version,
        "is_given": consultation.state == ConsultationState.GIVEN,
        "is_awaited": consultation.state == ConsultationState.REQUESTED,
    }
    path = _path(consultation, case, kind)
    new = 0
    for person in people:
        notice, created = ConsultationNotice.objects.get_or_create(
            consultation=consultation, kind=kind, cause=cause, recipient=person.email.lower()
        )
        if created:
            new += 1
            (notice.notification,) = tell_about(
                case,
                name,
                key=f"consultation:{consultation.pk}:{kind}:{cause}",
                to=[person],
                template=template,
                context=context,
                body=consultation.body,
                path=path,
            )
            notice.save(update_fields=["notification"])
    return new


def _path(consultation: Consultation, case: Case, kind: NoticeKind) -> str:
    """Straight to the form: a practitioner has twenty minutes a week."""
    if kind == NoticeKind.REVOCATION:
        # A body no longer sees a case it is no longer asked about.
        return reverse("desks:home")
    if not consultation.is_expected:
        return case_path(case)
    return reverse("cases:opinion", args=[case.public_id, consultation.pk])


def tell_bodies_of_version(case: Case) -> int:
    """Tell the bodies that have the case of its new version; how many messages are new."""
    asked = case.consultations.live().filter(requested_at__isnull=False)
    return sum(
        tell_body(one, case, NoticeKind.VERSION, cause=f"v{case.version}")
        for one in asked.select_related("body")
    )


def tell_coordinators_who_is_missing(case: Case, gaps: Sequence[tuple[str, str]]) -> None:
    """Say at the deposit which opinions nobody can give: (who, why)."""
    body, people = coordination_of(case)
    tell_about(
        case,
        "bodies_without_member",
        key=f"consultation-gaps:{case.pk}",
        to=people,
        template="workflow/bodies_without_member",
        context={"gaps": gaps},
        body=body,
        path=reverse("cases:opinions", args=[case.public_id]),
    )


def tell_office_all_is_in(case: Case, *, cause: str) -> None:
    """Tell the office in charge that no opinion is awaited any more."""
    tell_about(
        case,
        "opinions_settled",
        key=f"consultations-settled:{case.pk}:{cause}",
        to=office_of(case, rules.FOLLOWERS),
        template="workflow/opinions_settled",
        context={},
        body=case.office,
        path=reverse("cases:opinions", args=[case.public_id]),
    )
