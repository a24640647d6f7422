"""Telling people: one way, whatever is told. See docs/decisions/0008-notifications.md."""

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone

from accounts.models import Organisation, User
from cpts_portal.mails import render_mail
from notifications.kinds import KINDS, Cadence, Kind, kind_named
from notifications.models import WAITING_FOR_A_DIGEST, Choice, Notification
from outbox.services import queue_mail

logger = logging.getLogger(__name__)

# A longer name would push the reason of the mail out of its subject.
LONGEST_NAME: Final = 120
# How long a notification is kept: see docs/administration/donnees-personnelles.md.
KEPT_ONCE_READ: Final = timedelta(days=365)
KEPT_AT_MOST: Final = timedelta(days=730)


# A person, or an organisation by its mailbox.
Told = User | Organisation


@dataclass(frozen=True)
class About:
    """What is spoken of: a case with its CPTS's name and reference, or a CPTS alone."""

    name: str
    reference: str = ""
    case: UUID | None = None

    @property
    def label(self) -> str:
        """« CPTS Pays de Lumbres · LI-32-2026-0001 »."""
        name = self.name
        if len(name) > LONGEST_NAME:
            name = f"{name[: LONGEST_NAME - 1].rstrip()}…"
        return f"{name} · {self.reference}" if self.reference else name


def notify(
    kind: str,
    *,
    key: str,
    to: Told | str,
    about: About,
    template: str,
    context: Mapping[str, Any],
    path: str,
    body: Organisation | None = None,
    attachments: Sequence[tuple[str, str]] = (),
) -> Notification | None:
    """Tell a person, an organisation by its mailbox or a guest by their address one thing, once.

    - `key` names the cause. Told again, with the same key and recipient, nothing is added: the
      first notification is returned.
    - `body` is the organisation for which the person is told: they find it in their
      notifications when they act for it. None: as a member of a CPTS's team.
    - `template` is a mail (see `cpts_portal.mails`). Its subject, without the case's name and
      reference, is the title; its only button leads to `path`, given to it as `url`.
    - `attachments` leave with a mail sent at once only.

    Returns None for an organisation that has no mailbox. Raises LookupError for a kind that
    nobody declared. Everything is rows, in the caller's transaction.
    """
    described = kind_named(kind)
    recipient = (to if isinstance(to, str) else to.email).strip().lower()
    if not recipient:
        logger.warning("%s has no mailbox: it is not told (%s)", to, kind)
        return None
    person = to if isinstance(to, User) else None
    if known := Notification.objects.filter(key=key, recipient=recipient).first():
        return known
    mail = render_mail(
        template,
        {**context, "url": settings.PORTAL_URL + path},
        about=about.label,
        preferences_url=_preferences_url() if person else "",
    )
    notification, created = Notification.objects.get_or_create(
        key=key,
        recipient=recipient,
        defaults={
            "kind": kind,
            "user": person,
            "body": body or (to if isinstance(to, Organisation) else None),
            "case": about.case,
            "about": about.label,
            "title": _sentence(mail.matter)[:250],
            "action": mail.action[:100],
            "path": path,
            "cadence": cadence_for(described, person),
        },
    )
    if created and notification.cadence == Cadence.NOW:
        notification.mail = queue_mail(
            key=key,
            recipient=recipient,
            subject=mail.subject,
            text_body=mail.text,
            html_body=mail.html,
            attachments=attachments,
        )
        notification.save(update_fields=["mail"])
    return notification


def _preferences_url() -> str:
    return settings.PORTAL_URL + reverse("notifications:choices")


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


def cadence_for(kind: Kind, person: User | None) -> Cadence:
    """When this person is mailed about this kind of thing. A mailbox is written to at once."""
    if kind.legal or person is None:
        return Cadence.NOW
    chosen = person.notification_choices.filter(kind=kind.key).first()
    return Cadence(chosen.cadence) if chosen else kind.default


def choices_of(user: User) -> dict[str, Cadence]:
    """What the person chose, or the default, for each kind they may choose for."""
    chosen = {row.kind: Cadence(row.cadence) for row in user.notification_choices.all()}
    return {
        kind.key: chosen.get(kind.key, kind.default) for kind in KINDS.values() if not kind.legal
    }


@transaction.atomic
def choose(user: User, cadences: Mapping[str, Cadence]) -> None:
    """Keep a person's choices. What already waits for a summary follows them.

    Somebody who now wants a mail at once has what waits in the next daily summary.
    """
    before = choices_of(user)
    for key, cadence in cadences.items():
        if key not in before:
            raise ValueError(f"Nobody chooses for {key!r}.")
        if cadence == before[key]:
            continue
        Choice.objects.update_or_create(user=user, kind=key, defaults={"cadence": cadence})
        waits = Cadence.DAILY if cadence == Cadence.NOW else cadence
        Notification.objects.filter(WAITING_FOR_A_DIGEST, user=user, kind=key).update(cadence=waits)


def mark_read_here(path: str, *, user: User) -> int:
    """Mark as read what leads to this page, for the role the person acts in; how many were not."""
    leads_here = Q(path=path) | Q(path__startswith=f"{path}?") | Q(path__startswith=f"{path}#")
    rows = Notification.objects.visible_to(user).unread().filter(leads_here)
    return rows.update(read_at=timezone.now())


def forget_old(*, now: datetime | None = None) -> int:
    """Delete what was read a year ago, and what was written two years ago; how many went.

    The row of a mail stays in the outbox: what was mailed is not mailed again.
    """
    now = now or timezone.now()
    old = Notification.objects.filter(
        Q(read_at__lt=now - KEPT_ONCE_READ) | Q(created_at__lt=now - KEPT_AT_MOST)
    )
    return old.delete()[1].get(Notification._meta.label, 0)


def mark_read(notifications: Iterable[int] | None, *, user: User) -> int:
    """Mark as read those of these the person sees, or all they see (None); how many were not."""
    rows = Notification.objects.visible_to(user).unread()
    if notifications is not None:
        rows = rows.filter(pk__in=list(notifications))
    return rows.update(read_at=timezone.now())
