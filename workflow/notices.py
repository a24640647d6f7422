"""Telling people about a case: the words every mail has, and who is told for an office."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from django.urls import reverse

from accounts.models import Membership, Organisation, User
from accounts.organisations import regional_agency
from notifications.models import Notification
from notifications.services import About, Told, notify
from workflow.clock_rules import case_page
from workflow.models import Case
from workflow.people import members


def about(case: Case) -> About:
    """The case as every subject begins: the CPTS's name and the reference."""
    return About(name=case.title, reference=case.reference or "", case=case.public_id)


def case_path(case: Case) -> str:
    """Where the case is read on the portal, by its team as by the desks that see it."""
    return reverse(case_page(case.kind), args=[case.public_id])


def tell(
    case: Case,
    kind: str,
    *,
    key: str,
    to: Iterable[Told | str],
    template: str,
    context: Mapping[str, Any],
    body: Organisation | None = None,
    path: str = "",
    attachments: Sequence[tuple[str, str]] = (),
) -> list[Notification]:
    """Tell these people, mailboxes of organisations or guests one thing about a case, once each.

    `body` is for whom they are told; None: as members of the CPTS's team. `path` is the page
    where they act, the case's own unless it says otherwise. See `notifications.services.notify`.
    """
    words = {
        "title": case.title,
        "reference": case.reference or "",
        "kind": case.get_kind_display().lower(),
        "office": case.office.name if case.office else "",
        **context,
    }
    told = [
        notify(
            kind,
            key=key,
            to=one,
            about=about(case),
            template=template,
            context=words,
            path=path or case_path(case),
            body=body,
            attachments=attachments,
        )
        for one in to
    ]
    return [notification for notification in told if notification is not None]


def team_of(case: Case) -> list[User]:
    """The members of the CPTS's team whose account is open."""
    team = case.community.team_members.select_related("user").order_by("pk")
    return [member.user for member in team if member.user.is_active]


def office_of(case: Case, roles: Collection[str] = ()) -> list[Told]:
    """Those who act for the office in charge, inside their perimeter; else its mailbox."""
    if case.office is None:
        return []
    return list(members(case.office, case, roles)) or [case.office]


def coordination_of(case: Case) -> tuple[Organisation | None, list[Told]]:
    """Who coordinates a case, and for which organisation: the office's coordinators, else its
    agency's, else the office's own mailbox.
    """
    if case.office is None:
        return None, []
    for body in (case.office, regional_agency(case.region_id)):
        found = members(body, case, [Membership.Role.COORDINATOR])
        if found:
            return body, list(found)
    return case.office, [case.office]
