"""A member signs, or declines: by their link, and a code sent to their own address.

Signatures may arrive by thousands: each locks its own row only, and the database refuses one
that comes once the campaign has ended.
"""

from dataclasses import dataclass
from datetime import timedelta
from ipaddress import ip_address, ip_network
from typing import Any, Final

from django.core.cache import cache
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.crypto import constant_time_compare, salted_hmac

from signatures.campaigns import is_outdated, note
from signatures.links import code_digest, digest, link_of, new_code
from signatures.models import Delegation, Invitation, Signature
from signatures.telling import signer_name, write_mail
from workflow.services import ActionRefusedError, AlreadyDoneError

CODE_LIFETIME: Final = timedelta(minutes=10)
# Wrong tries of one code; codes sent by link and day; a minute between two codes.
MOST_ATTEMPTS: Final = 5
MOST_CODES: Final = 10
BETWEEN_CODES: Final = timedelta(minutes=1)
# Wrong codes typed from one network in an hour: a hospital has one address for all its people.
MOST_FAILURES: Final = 60
FAILURES_SECONDS: Final = 3_600
LONGEST_REASON: Final = 2_000
State = Invitation.State


@dataclass(frozen=True)
class Seen:
    """What the portal saw of whoever asks: the address of their network, their browser."""

    ip: str = ""
    user_agent: str = ""


class WrongCodeError(ActionRefusedError):
    """The code is not the one that was sent, or can no longer serve."""


def find_invitation(token: str) -> Invitation | None:
    """The invitation a personal link names, with all that its pages show: one query."""
    return (
        Invitation.objects.select_related(
            "campaign__community",
            "campaign__case",
            "campaign__snapshot",
            "campaign__document__document",
            "member",
            "delegation",
        )
        .defer("campaign__snapshot__content")
        .filter(token_digest=digest(token))
        .first()
    )


# --- The code -------------------------------------------------------------------------------------


@transaction.atomic
def send_code(invitation: Invitation) -> None:
    """Send six digits to the member's own address; those sent before no longer serve.

    Raises ActionRefusedError when there is nothing to sign, or too many were asked for.
    """
    invitation = _locked(invitation)
    _check_may_answer(invitation)
    now, today = timezone.now(), timezone.localdate()
    if invitation.code_sent_at and now - invitation.code_sent_at < BETWEEN_CODES:
        raise ActionRefusedError(
            "Un code vient de vous être envoyé : regardez aussi dans les courriers indésirables. "
            "Vous pourrez en demander un autre dans une minute."
        )
    sent = invitation.codes_sent if invitation.codes_on == today else 0
    if sent >= MOST_CODES:
        raise ActionRefusedError(
            f"{MOST_CODES} codes vous ont déjà été envoyés aujourd’hui. Recommencez demain, ou "
            "demandez à l’équipe de la CPTS une feuille à signer sur papier."
        )
    code = new_code()
    invitation.code_digest = code_digest(invitation, code)
    invitation.code_sent_at, invitation.code_expires_at = now, now + CODE_LIFETIME
    invitation.code_attempts = 0
    invitation.codes_on, invitation.codes_sent = today, sent + 1
    invitation.save(
        update_fields=[
            *("code_digest", "code_sent_at", "code_expires_at", "code_attempts"),
            *("codes_on", "codes_sent"),
        ]
    )
    write_mail(
        "code",
        invitation,
        cause=f"{now.timestamp()}",
        code=f"{code[:3]} {code[3:]}",
        url=f"{link_of(invitation)}signer/",
        until=invitation.code_expires_at,
    )


def _check_code(invitation: Invitation, typed: str, seen: Seen) -> str:
    """Empty when the code is right; else the sentence to show. The try is counted either way."""
    if _failures(seen) >= MOST_FAILURES:
        return (
            "Trop de codes faux ont été essayés depuis ce réseau : attendez une heure avant de "
            "recommencer, ou utilisez une autre connexion."
        )
    expires = invitation.code_expires_at
    if not invitation.code_digest or expires is None or expires <= timezone.now():
        return "Ce code n’est plus valable : il sert dix minutes. Demandez-en un autre."
    if invitation.code_attempts >= MOST_ATTEMPTS:
        return (
            f"Ce code a été mal saisi {MOST_ATTEMPTS} fois : il ne sert plus. Demandez-en un autre."
        )
    code = "".join(char for char in typed if char.isdigit())
    if constant_time_compare(code_digest(invitation, code), invitation.code_digest):
        return ""
    invitation.code_attempts += 1
    invitation.save(update_fields=["code_attempts"])
    _note_failure(seen)
    left = MOST_ATTEMPTS - invitation.code_attempts
    if not left:
        return (
            f"Ce code a été mal saisi {MOST_ATTEMPTS} fois : il ne sert plus. Demandez-en un autre."
        )
    return (
        "Ce n’est pas le code reçu : vérifiez les six chiffres du dernier courriel. "
        f"Il vous reste {left} essai{'s' if left > 1 else ''}."
    )


def _network_key(seen: Seen) -> str:
    mark = salted_hmac("signatures.failures", network_of(seen.ip)).hexdigest()
    return f"signature-failures:{mark[:32]}"


def _failures(seen: Seen) -> int:
    return int(cache.get(_network_key(seen), 0)) if seen.ip else 0


def _note_failure(seen: Seen) -> None:
    if seen.ip:
        key = _network_key(seen)
        cache.set(key, int(cache.get(key, 0)) + 1, FAILURES_SECONDS)


# --- The answer -----------------------------------------------------------------------------------


def sign(invitation: Invitation, *, code: str, seen: Seen) -> Signature:
    """Sign the version of the campaign, and no other.

    Raises WrongCodeError, AlreadyDoneError for a second press, ActionRefusedError when the
    campaign has ended or the case has changed.
    """
    with transaction.atomic():
        invitation = _locked(invitation)
        _check_may_answer(invitation)
        problem = _check_code(invitation, code, seen)
        if not problem:
            return _write_signature(
                invitation, method=Signature.Method.EMAIL_CODE, evidence=_evidence(invitation, seen)
            )
    # After the block: the wrong try stays counted.
    raise WrongCodeError(problem)


def decline(invitation: Invitation, *, code: str, reason: str, seen: Seen) -> None:
    """Decline with a reason, which the team reads. The member may still sign until the end.

    Raises as `sign` does, and ActionRefusedError without a reason.
    """
    reason = reason.strip()
    if not reason:
        raise ActionRefusedError(
            "Écrivez en quelques mots pourquoi vous ne signez pas : l’équipe de la CPTS le lira."
        )
    with transaction.atomic():
        invitation = _locked(invitation)
        _check_may_answer(invitation)
        problem = _check_code(invitation, code, seen)
        if not problem:
            invitation.state, invitation.answered_at = State.DECLINED, timezone.now()
            invitation.decline_reason = reason[:LONGEST_REASON]
            invitation.postponed_until = None
            _forget_code(invitation)
            invitation.save()
            note(invitation.campaign, "declined", actor=None, member=invitation.member)
            return
    raise WrongCodeError(problem)


@transaction.atomic
def disown(invitation: Invitation) -> None:
    """« This is not me »: the team is shown that the address is wrong; no reminder leaves."""
    invitation = _locked(invitation)
    if invitation.disowned_at or not invitation.is_waiting:
        return
    invitation.disowned_at = timezone.now()
    invitation.save(update_fields=["disowned_at"])
    note(invitation.campaign, "disowned", actor=None, member=invitation.member)


def record_paper_signature(
    invitation: Invitation, *, by: Any, evidence: dict[str, Any]
) -> Signature:
    """Count the hand-written signature of a page a person of the team has looked at.

    The caller has checked who acts. Raises as `sign` does.
    """
    with transaction.atomic():
        invitation = _locked(invitation)
        _check_may_answer(invitation)
        return _write_signature(
            invitation, method=Signature.Method.PAPER, evidence=evidence, recorded_by=by
        )


def _write_signature(
    invitation: Invitation,
    *,
    method: str,
    evidence: dict[str, Any],
    recorded_by: Any = None,
) -> Signature:
    campaign, member = invitation.campaign, invitation.member
    delegation: Delegation | None = getattr(invitation, "delegation", None)
    try:
        with transaction.atomic():
            signature = Signature.objects.create(
                campaign=campaign,
                member=member,
                name=signer_name(invitation),
                capacity=delegation.function if delegation else member.capacity,
                structure=member.structure_name,
                what=member.what,
                on_behalf_of=member.person if delegation else "",
                snapshot_sha256=campaign.snapshot.sha256,
                document_sha256=campaign.document.document.sha256,
                method=method,
                evidence=evidence,
                recorded_by=recorded_by,
            )
    except IntegrityError as refused:
        if "signature_one_per_member" in str(refused):
            raise _already(invitation) from refused
        if "signature_campaign_open" in str(refused):
            raise ActionRefusedError(_ended()) from refused
        raise
    invitation.state, invitation.answered_at = State.SIGNED, signature.signed_at
    invitation.decline_reason, invitation.postponed_until = "", None
    invitation.disowned_at = None
    _forget_code(invitation)
    invitation.save()
    return signature


def _forget_code(invitation: Invitation) -> None:
    invitation.code_digest, invitation.code_expires_at = "", None


def _locked(invitation: Invitation) -> Invitation:
    return (
        Invitation.objects.select_for_update(of=("self",))
        .select_related(
            "campaign__community",
            "campaign__case",
            "campaign__snapshot",
            "campaign__document__document",
            "member",
            "delegation",
        )
        .defer("campaign__snapshot__content")
        .get(pk=invitation.pk)
    )


def _check_may_answer(invitation: Invitation) -> None:
    if invitation.state in {State.SIGNED, State.KEPT}:
        raise _already(invitation)
    if invitation.state == State.ENDED:
        raise ActionRefusedError(
            "Vous n’êtes plus invité à signer : l’équipe peut vous dire pourquoi."
        )
    if not invitation.campaign.is_open:
        raise ActionRefusedError(_ended())
    if is_outdated(invitation.campaign):
        raise ActionRefusedError(
            "Ce que ce lien propose de signer a changé : une autre version existe. Rien n’a été "
            "signé ; l’équipe vous invitera à signer la nouvelle."
        )


def _already(invitation: Invitation) -> AlreadyDoneError:
    return AlreadyDoneError(f"{invitation.member.name} a déjà signé : rien n’a changé.")


def _ended() -> str:
    return (
        "Les signatures sont closes : plus rien ne peut être signé. Si vous vouliez le faire, "
        "écrivez à l’équipe de la CPTS."
    )


# --- Evidence -------------------------------------------------------------------------------------


def _evidence(invitation: Invitation, seen: Seen) -> dict[str, Any]:
    """What proves how the signer was known, and singles nobody out (GDPR, art. 5-1 c)."""
    return {
        "address": masked_address(invitation.email),
        "code_sent_at": invitation.code_sent_at.isoformat() if invitation.code_sent_at else "",
        "network": network_of(seen.ip),
        "browser": browser_family(seen.user_agent),
    }


def masked_address(email: str) -> str:
    """« c…e@exemple.fr »: its owner knows it, nobody else learns it."""
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
    """« Firefox, Android »: without the versions that would tell one telephone from another."""
    browser = next((name for mark, name in _BROWSERS if mark in user_agent), "Autre")
    system = next((name for mark, name in _SYSTEMS if mark in user_agent), "")
    return f"{browser}, {system}" if system else browser
