"""One-time codes sent by mail, and what is kept to prove that somebody was known by one.

Whatever holds a personal link holds its code: see `signatures.models.PersonalLink`.
"""

from dataclasses import dataclass
from datetime import timedelta
from ipaddress import ip_address, ip_network
from typing import Final

from django.core.cache import cache
from django.utils import timezone
from django.utils.crypto import constant_time_compare, salted_hmac

from signatures.links import code_digest, new_code
from signatures.models import PersonalLink
from workflow.services import ActionRefusedError

CODE_LIFETIME: Final = timedelta(minutes=10)
# Wrong tries of one code; codes sent by link and day; a minute between two codes.
MOST_ATTEMPTS: Final = 5
MOST_CODES: Final = 10
BETWEEN_CODES: Final = timedelta(minutes=1)
# Wrong codes typed from one network in an hour: a hospital has one address for all its people.
MOST_FAILURES: Final = 60
FAILURES_SECONDS: Final = 3_600


@dataclass(frozen=True)
class Seen:
    """What the portal saw of whoever asks: the address of their network, their browser."""

    ip: str = ""
    user_agent: str = ""


class WrongCodeError(ActionRefusedError):
    """The code is not the one that was sent, or can no longer serve."""


def new_code_for(row: PersonalLink, *, otherwise: str) -> str:
    """Six new digits for whoever holds a link; those before no longer serve.

    `otherwise`: what to do when no more are sent that day. The caller holds the row's lock and
    sends them. Raises ActionRefusedError when too many were asked for.
    """
    now, today = timezone.now(), timezone.localdate()
    if row.code_sent_at and now - row.code_sent_at < BETWEEN_CODES:
        raise ActionRefusedError(
            "Un code vient de vous être envoyé : regardez aussi dans les courriers indésirables. "
            "Vous pourrez en demander un autre dans une minute."
        )
    sent = row.codes_sent if row.codes_on == today else 0
    if sent >= MOST_CODES:
        raise ActionRefusedError(
            f"{MOST_CODES} codes vous ont déjà été envoyés aujourd’hui. {otherwise}"
        )
    code = new_code()
    row.code_digest = code_digest(row, code)
    row.code_sent_at, row.code_expires_at = now, now + CODE_LIFETIME
    row.code_attempts = 0
    row.codes_on, row.codes_sent = today, sent + 1
    row.save(
        update_fields=[
            *("code_digest", "code_sent_at", "code_expires_at", "code_attempts"),
            *("codes_on", "codes_sent"),
        ]
    )
    return code


def check_code(row: PersonalLink, typed: str, seen: Seen) -> str:
    """Empty when the code is right; else the sentence to show. The try is counted either way."""
    if too_many_failures(seen):
        return (
            "Trop de codes faux ont été essayés depuis ce réseau : attendez une heure avant de "
            "recommencer, ou utilisez une autre connexion."
        )
    expires = row.code_expires_at
    if not row.code_digest or expires is None or expires <= timezone.now():
        return "Ce code n’est plus valable : il sert dix minutes. Demandez-en un autre."
    if row.code_attempts >= MOST_ATTEMPTS:
        return (
            f"Ce code a été mal saisi {MOST_ATTEMPTS} fois : il ne sert plus. Demandez-en un autre."
        )
    code = "".join(char for char in typed if char.isdigit())
    if constant_time_compare(code_digest(row, code), row.code_digest):
        return ""
    row.code_attempts += 1
    row.save(update_fields=["code_attempts"])
    note_failure(seen)
    left = MOST_ATTEMPTS - row.code_attempts
    if not left:
        return (
            f"Ce code a été mal saisi {MOST_ATTEMPTS} fois : il ne sert plus. Demandez-en un autre."
        )
    return (
        "Ce n’est pas le code reçu : vérifiez les six chiffres du dernier courriel. "
        f"Il vous reste {left} essai{'s' if left > 1 else ''}."
    )


def forget_code(row: PersonalLink) -> None:
    """The code has served; the caller saves the row."""
    row.code_digest, row.code_expires_at = "", None


def _network_key(seen: Seen) -> str:
    mark = salted_hmac("signatures.failures", network_of(seen.ip)).hexdigest()
    return f"signature-failures:{mark[:32]}"


def too_many_failures(seen: Seen) -> bool:
    """Whether this network typed too many wrong codes in the last hour."""
    return bool(seen.ip) and int(cache.get(_network_key(seen), 0)) >= MOST_FAILURES


def note_failure(seen: Seen) -> None:
    """Count a wrong code against the network it came from."""
    if seen.ip:
        key = _network_key(seen)
        cache.set(key, int(cache.get(key, 0)) + 1, FAILURES_SECONDS)


# --- Evidence -------------------------------------------------------------------------------------


def evidence_of(row: PersonalLink, address: str, seen: Seen) -> dict[str, str]:
    """What proves how a signer was known, and singles nobody out (GDPR, art. 5-1 c).

    `code_sent_at`, in ISO 8601, is there once a code was sent.
    """
    found = {
        "address": masked_address(address),
        "network": network_of(seen.ip),
        "browser": browser_family(seen.user_agent),
    }
    if row.code_sent_at:
        found["code_sent_at"] = row.code_sent_at.isoformat()
    return found


def masked_address(email: str) -> str:
    """« c…e@exemple.fr »: its owner knows it, nobody else learns it."""
    name, _, domain = email.partition("@")
    if not domain:
        return ""
    return f"{name[0]}…{name[-1] if len(name) > 2 else ''}@{domain}"


def network_of(ip: str) -> str:
    """The first part of an address (/24, /48): the operator and the place, not the household."""
    try:
        address = ip_address(ip)
    except ValueError:
        return ""
    return str(ip_network((address, 24 if address.version == 4 else 48), strict=False))


_BROWSERS: Final = (
    ("Edg", "Edge"), ("OPR", "Opera"), ("Firefox", "Firefox"), ("Chrome", "Chrome"),
    ("CriOS", "Chrome"), ("FxiOS", "Firefox"), ("Safari", "Safari"),
)  # fmt: skip
_SYSTEMS: Final = (
    ("Android", "Android"), ("iPhone", "iOS"), ("iPad", "iOS"), ("Windows", "Windows"),
    ("Mac OS", "macOS"), ("Linux", "Linux"),
)  # fmt: skip


def browser_family(user_agent: str) -> str:
    """« Firefox, Android »: without the versions that would tell one telephone from another."""
    browser = next((name for mark, name in _BROWSERS if mark in user_agent), "Autre")
    system = next((name for mark, name in _SYSTEMS if mark in user_agent), "")
    return f"{browser}, {system}" if system else browser
