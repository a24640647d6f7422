"""Secrets of a campaign: personal links, one-time codes, codes printed on paper sheets.

The secret of a link is computed from a random number of the row and the portal's key, so that a
reminder carries the same link; the database holds only its digest, which opens nothing.
"""

import hashlib
import re
import secrets
from base64 import urlsafe_b64encode
from typing import Final

from django.conf import settings
from django.urls import reverse
from django.utils.crypto import constant_time_compare, salted_hmac

from signatures.models import Campaign, Invitation, PersonalLink

CODE_LENGTH: Final = 6
_PAPER: Final = re.compile(r"CPTS-SIG/1/(\d{1,12})/(\d{1,12})/([0-9a-f]{20})")


def issue_token(invitation: PersonalLink) -> None:
    """Give a saved row a new secret: the link before stops working."""
    invitation.nonce = secrets.token_hex(16)
    invitation.token_digest = digest(token_of(invitation))


def token_of(invitation: PersonalLink) -> str:
    """The secret of the link of a saved row: 256 bits, in 43 signs."""
    made = salted_hmac(
        "signatures.link", f"{invitation.pk}.{invitation.nonce}", algorithm="sha256"
    ).digest()
    return urlsafe_b64encode(made).rstrip(b"=").decode()


def digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def link_of(invitation: Invitation) -> str:
    """The whole address of a personal link."""
    return settings.PORTAL_URL + reverse("signing:page", args=[token_of(invitation)])


def new_code() -> str:
    """Six digits, any of them as likely as another."""
    return f"{secrets.randbelow(10**CODE_LENGTH):0{CODE_LENGTH}d}"


def code_digest(invitation: PersonalLink, code: str) -> str:
    """Keyed: six digits alone would be found from their hash in a second."""
    return salted_hmac(
        "signatures.code", f"{invitation.pk}.{invitation.nonce}.{code}", algorithm="sha256"
    ).hexdigest()


def paper_code(campaign: Campaign, invitation_id: int) -> str:
    """What the QR of a sheet says: campaign, invitation, and a seal over them and the PDF."""
    seal = _seal(campaign.pk, invitation_id)
    return f"CPTS-SIG/1/{campaign.pk}/{invitation_id}/{seal}"


def read_paper_code(text: str) -> tuple[int, int] | None:
    """Primary keys of the campaign and the invitation, when the seal is the portal's own."""
    found = _PAPER.fullmatch(text.strip())
    if not found:
        return None
    campaign, invitation = int(found[1]), int(found[2])
    if not constant_time_compare(found[3], _seal(campaign, invitation)):
        return None
    return campaign, invitation


def _seal(campaign_id: int, invitation_id: int) -> str:
    return salted_hmac(
        "signatures.paper", f"{campaign_id}.{invitation_id}", algorithm="sha256"
    ).hexdigest()[:20]
