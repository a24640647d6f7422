"""What choosing a password by the link we sent says of a person's address."""

from typing import Any

from allauth.account.adapter import get_adapter
from allauth.account.models import EmailAddress
from allauth.account.signals import password_reset
from django.dispatch import receiver
from django.http import HttpRequest

from accounts.models import User


@receiver(password_reset)
def note_the_proved_address(*, request: HttpRequest, user: User, **_kwargs: Any) -> None:
    """Whoever opened the link reads the mailbox: nothing more has to prove the address.

    An account that was imported, whose owner never signed up, opens with that one mail. With a
    change of address under way, two addresses could have received the link: neither is proved.
    """
    known = EmailAddress.objects.filter(user=user)
    if {address.email.lower() for address in known} - {user.email.lower()}:
        return
    address, _ = EmailAddress.objects.get_or_create(
        user=user, email=user.email, defaults={"primary": True}
    )
    if not address.verified:
        get_adapter(request).confirm_email(request, address)
