"""Secrets of a questionnaire: its public code, the link of each answer, the link to be left alone.

As in `signatures.links`: the secret of a link is computed from a random number and the portal's
key, so that a reminder carries the same link; the database holds only its digest.
"""

import hashlib
import secrets
import time
from base64 import urlsafe_b64encode
from typing import Final

from django.conf import settings
from django.core.signing import BadSignature, Signer
from django.urls import reverse
from django.utils.crypto import salted_hmac

from mobilisation.models import Contact, Questionnaire, Reply

# Neither 0 and o, nor 1, i and l: the code is read on a poster and typed.
_SIGNS: Final = "abcdefghjkmnpqrstuvwxyz23456789"
CODE_LENGTH: Final = 10
# Seconds between opening the form and sending it: nobody reads it faster, a page left open for
# a day is opened again.
SHORTEST: Final = 3
LONGEST: Final = 24 * 3_600
_signer = Signer(salt="mobilisation.form")


def new_code() -> str:
    """Ten signs of 31 (8 × 10¹⁴ codes): none is guessed."""
    return "".join(secrets.choice(_SIGNS) for _ in range(CODE_LENGTH))


def public_link(questionnaire: Questionnaire) -> str:
    """The whole address under which anybody answers."""
    return settings.PORTAL_URL + reverse("answering:form", args=[questionnaire.code])


def issue(row: "Reply | Contact") -> None:
    """Give a row a new secret: the link before stops working."""
    row.nonce = secrets.token_hex(16)
    row.token_digest = digest(token_of(row))


def token_of(row: "Reply | Contact") -> str:
    """The secret of the link of a row: 256 bits, in 43 signs."""
    salt = f"mobilisation.{type(row).__name__.lower()}"
    made = salted_hmac(salt, row.nonce, algorithm="sha256").digest()
    return urlsafe_b64encode(made).rstrip(b"=").decode()


def digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def own_link(reply: Reply) -> str:
    """The address where its author reads, corrects or deletes an answer."""
    return settings.PORTAL_URL + reverse("answering:own", args=[token_of(reply)])


def unsubscribe_link(contact: Contact) -> str:
    return settings.PORTAL_URL + reverse("answering:unsubscribe", args=[token_of(contact)])


def address_digest(email: str) -> str:
    """What is kept of an address that wants no more mails: it cannot be read back."""
    made = salted_hmac("mobilisation.optout", email.strip().lower(), algorithm="sha256")
    return made.hexdigest()


# --- The barrier against programs -----------------------------------------------------------------


def new_mark(at: float | None = None) -> str:
    """A sealed number that dates a form; `at` is the moment it was shown, now by default."""
    return _signer.sign(f"{secrets.token_hex(12)}.{int(time.time() if at is None else at)}")


def read_mark(mark: str) -> tuple[str, int] | None:
    """The number of a form and its age in seconds; None when the portal did not seal it."""
    try:
        number, at = _signer.unsign(mark).split(".")
    except (BadSignature, ValueError):
        return None
    return number, int(time.time()) - int(at)
