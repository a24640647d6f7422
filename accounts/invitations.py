"""Invitations by e-mail: what any of them checks before it is accepted.

The secret of an invitation is 256 random bits sent to one mailbox; the database holds its
digest only. Whoever opens the link has read that mailbox: this is what lets an invited
person sign up without a second verification.
"""

from dataclasses import dataclass
from typing import TypeVar

from django.utils import timezone

from accounts.models import AbstractInvitation, User
from cpts_portal.words import day

Invitation = TypeVar("Invitation", bound=AbstractInvitation)


class InvitationError(ValueError):
    """Something about an invitation is refused; `message` says it in French to the person."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


@dataclass(frozen=True)
class Refusal:
    """Why an invitation cannot be accepted: what happened, what to do, the HTTP status."""

    title: str
    text: str
    status: int


UNKNOWN = Refusal(
    "Cette invitation n’existe pas",
    "Le lien est incomplet, ou une invitation plus récente l’a remplacé. Ouvrez le dernier "
    "message reçu et copiez-en l’adresse en entier. Sinon, demandez à la personne qui vous a "
    "invité de renvoyer l’invitation.",
    404,
)


def find(model: type[Invitation], token: str) -> Invitation | None:
    """The invitation that has this secret, with the person who sent it."""
    return (
        model._default_manager.select_related("invited_by")
        .filter(token_digest=AbstractInvitation.digest(token))
        .first()
    )


def refusal(invitation: AbstractInvitation | None, user: User | None) -> Refusal | None:
    """Why this person, or nobody yet (None), cannot accept; None when they can."""
    if invitation is None:
        return UNKNOWN
    inviter = invitation.invited_by
    if invitation.revoked_at:
        return Refusal(
            "Cette invitation a été retirée",
            f"{inviter} ou une personne de son équipe l’a retirée. Si vous pensez que c’est une "
            "erreur, demandez-en une autre.",
            410,
        )
    if invitation.accepted_at:
        return Refusal(
            "Cette invitation a déjà servi",
            "Une invitation ne sert qu’une fois. Si c’est vous qui l’avez acceptée, "
            "connectez-vous avec le même compte : vous y trouverez ce à quoi elle donne accès.",
            410,
        )
    if invitation.expires_at <= timezone.now():
        until = day(timezone.localdate(invitation.expires_at))
        return Refusal(
            "Cette invitation a expiré",
            f"Elle était valable jusqu’au {until}. Demandez à {inviter} de la renvoyer : cela lui "
            "prendra quelques secondes.",
            410,
        )
    if user is not None and user.email.lower() != invitation.email.lower():
        return Refusal(
            "Cette invitation est destinée à une autre adresse",
            f"Elle a été envoyée à {invitation.email}, et vous êtes connecté avec {user.email}. "
            "Déconnectez-vous puis rouvrez le lien pour répondre avec l’autre adresse, ou "
            f"demandez à {inviter} de vous inviter à celle-ci.",
            403,
        )
    return None
