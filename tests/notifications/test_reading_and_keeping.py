"""A notification is read where it leads, kept a while, then forgotten."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from notifications.models import Notification
from notifications.services import forget_old
from outbox.models import Mail
from tests import factories
from tests.letters import cases
from tests.notifications.telling import tell
from tests.workflow import asking

pytestmark = pytest.mark.django_db


def unread() -> set[str]:
    return set(Notification.objects.unread().values_list("key", flat=True))


def test_opening_the_page_a_notification_leads_to_reads_it_in_that_role_only(
    client: Client,
) -> None:
    letter = cases.deposited("76")
    lead, page = letter.created_by, f"/lettres/{letter.public_id}/"
    Notification.objects.all().delete()
    tell(lead, key="here", path=page)
    tell(lead, key="there", path=f"/dossiers/{letter.public_id}/messages/#dernier")
    tell(lead, key="other role", path=page, body=asking.guichet())
    client.force_login(lead)
    client.head(page)
    assert unread() == {"here", "there", "other role"}
    shown = client.get(page)
    assert unread() == {"there", "other role"}
    # The page itself counts it no more.
    assert shown.context["unread"].here == 1
    client.get(f"/dossiers/{letter.public_id}/messages/")
    assert unread() == {"other role"}


def test_somebody_else_opening_the_page_reads_nothing_for_them(client: Client) -> None:
    letter = cases.deposited("76")
    page = f"/lettres/{letter.public_id}/"
    Notification.objects.all().delete()
    tell(letter.created_by, key="here", path=page)
    client.force_login(factories.team_member(letter.community, role="reader").user)
    assert client.get(page).status_code == 200
    assert unread() == {"here"}


def test_notifications_go_a_year_after_being_read_and_two_after_being_written() -> None:
    person, now = factories.user(), timezone.now()
    ages = {
        "just read": (400, 1),
        "read a year ago": (400, 366),
        "never read": (700, None),
        "never read, for two years": (731, None),
    }
    for key, (written, read) in ages.items():
        tell(person, key=key)
        Notification.objects.filter(key=key).update(
            created_at=now - timedelta(days=written),
            read_at=now - timedelta(days=read) if read else None,
        )
    mails = Mail.objects.count()
    assert forget_old() == 2
    assert set(Notification.objects.values_list("key", flat=True)) == {"just read", "never read"}
    assert Mail.objects.count() == mails
    assert forget_old() == 0
