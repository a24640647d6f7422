"""Reading the mails that wait in the outbox, as their readers would."""

import re

from django.conf import settings

from outbox.models import Mail


def mails(recipient: str = "") -> list[Mail]:
    rows = Mail.objects.order_by("pk")
    return list(rows.filter(recipient=recipient) if recipient else rows)


def link_in(mail: Mail) -> str:
    """The path of the first link of a mail; every link starts with the portal's address."""
    links = re.findall(r"https?://\S+", mail.text_body)
    assert [link for link in links if not link.startswith(settings.PORTAL_URL)] == []
    return links[0].removeprefix(settings.PORTAL_URL)
