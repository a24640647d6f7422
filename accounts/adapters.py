"""allauth's mails and words, as the portal sends and says them."""

import uuid
from typing import Any, ClassVar
from urllib.parse import urlsplit

from allauth.account.adapter import DefaultAccountAdapter
from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse

from cpts_portal.mails import queue_template_mail


class AccountAdapter(DefaultAccountAdapter):
    """Mails go through the outbox; links start with PORTAL_URL, whatever the request's Host."""

    error_messages: ClassVar[dict[str, Any]] = DefaultAccountAdapter.error_messages | {
        "account_inactive": "Ce compte est désactivé.",
        "email_password_mismatch": (
            "L’adresse ou le mot de passe ne correspond pas à un compte. Vérifiez les deux, ou "
            "choisissez un nouveau mot de passe par « J’ai oublié mon mot de passe »."
        ),
        "email_taken": "Un compte utilise déjà cette adresse.",
        "duplicate_email": "Cette adresse est déjà celle de votre compte.",
        "enter_current_password": "Ce n’est pas votre mot de passe actuel.",
        "incorrect_password": "Ce n’est pas votre mot de passe.",
        "invalid_login": "L’adresse ou le mot de passe ne correspond pas à un compte.",
        "invalid_password_reset": "Ce lien ne fonctionne plus : demandez-en un autre.",
        "rate_limited": "Trop de demandes en peu de temps : attendez cinq minutes.",
        "same_as_current": "Cette adresse est déjà celle de votre compte.",
        "too_many_login_attempts": (
            "Trop d’essais en peu de temps : pour protéger le compte, attendez cinq minutes "
            "avant de recommencer."
        ),
    }

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """Write the mail to the outbox: nothing is lost while the mail server is away."""
        name = template_prefix.removeprefix("account/email/")
        context = {
            key: _on_portal(value) if key.endswith("_url") else value
            for key, value in context.items()
            if key != "request"
        }
        queue_template_mail(
            # Each sending is its own: the person asked again.
            key=f"account:{name}:{uuid.uuid4()}",
            recipient=email,
            template=f"account/{name}",
            context=context | {"email": email},
        )

    def unstash_verified_email(self, request: HttpRequest) -> str | None:
        """The address an invitation has proved, when it is the one the person signs up with.

        allauth would otherwise give the account the invited address beside, and before, the
        one that was typed.
        """
        stashed = super().unstash_verified_email(request)
        typed = request.POST.get("email", "").strip().lower()
        return stashed if stashed and stashed.lower() == typed else None

    def get_password_change_redirect_url(self, request: HttpRequest) -> str:  # noqa: ARG002 - as allauth calls it
        return reverse("accounts:profile")


def _on_portal(url: str) -> str:
    parts = urlsplit(url)
    return settings.PORTAL_URL + parts._replace(scheme="", netloc="").geturl()
