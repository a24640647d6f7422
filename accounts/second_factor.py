"""The second factor of those who sign for an organisation: codes of an application (RFC 6238),
recovery codes on paper. Asked at the moment of an act, never to sign in: nobody is locked out.
"""

import secrets
from base64 import b32encode
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Final

import pyotp
import segno
from django.conf import settings
from django.db import transaction
from django.urls import reverse
from django.utils import timezone
from django.utils.crypto import constant_time_compare, salted_hmac

from accounts.models import SecondFactor, User
from cpts_portal.mails import queue_template_mail

# What every application of this kind takes without being told.
STEP_SECONDS: Final = 30
DIGITS: Final = 6
# How many steps a telephone's clock may be behind or ahead.
DRIFT: Final = 1
# A key of 160 bits, as the RFC advises.
KEY_BYTES: Final = 20
RECOVERY_CODES: Final = 10
# Of letters and figures nobody takes for another.
_SIGNS: Final = "abcdefghjkmnpqrstuvwxyz23456789"
RECOVERY_LENGTH: Final = 10
MOST_FAILURES: Final = 5
WAIT: Final = timedelta(minutes=15)


class Means(StrEnum):
    """What was typed."""

    APPLICATION = "application"
    RECOVERY = "recovery"


class SecondFactorError(ValueError):
    """The code is not accepted; `message` says why and what to do, in French."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


@dataclass(frozen=True)
class Setup:
    """What an application is given: by its drawing, or typed in groups of four signs."""

    nonce: str
    key: str
    drawing: str


def has_second_factor(user: User) -> bool:
    return SecondFactor.objects.filter(user=user).exists()


# --- Setting it up --------------------------------------------------------------------------------


def begin(user: User, nonce: str = "") -> Setup:
    """A key to show; `nonce` is that of a set-up begun before. Nothing is stored."""
    nonce = nonce or secrets.token_hex(16)
    key = _totp(user, nonce).secret
    address = _totp(user, nonce).provisioning_uri(name=user.email, issuer_name=settings.PORTAL_NAME)
    drawing = segno.make_qr(address, error="m").svg_data_uri(scale=4, border=2, light="white")
    return Setup(nonce, " ".join(key[i : i + 4] for i in range(0, len(key), 4)), drawing)


@transaction.atomic
def confirm(user: User, nonce: str, typed: str) -> list[str]:
    """Keep the key once its application has given a code. Returns the recovery codes, once.

    Raises SecondFactorError for a wrong code, or when another key was kept meanwhile.
    """
    step = _step_of(_totp(user, nonce), _digits(typed))
    if step is None:
        raise SecondFactorError(
            "Ce n’est pas le code que l’application affiche. Vérifiez que l’heure du téléphone est "
            "réglée automatiquement, attendez le code suivant, puis écrivez-le."
        )
    codes = _new_recovery_codes()
    made, is_new = SecondFactor.objects.get_or_create(
        user=user,
        defaults={
            "nonce": nonce,
            "last_step": step,
            "recovery": [_recovery_digest(nonce, code) for code in codes],
        },
    )
    if not is_new:
        raise SecondFactorError(
            "Une application est déjà enregistrée pour ce compte : retirez-la d’abord."
        )
    _tell(made, "second_factor_added")
    return codes


def renew_recovery_codes(user: User, typed: str) -> list[str]:
    """Ten new codes, those before no longer serve. Raises SecondFactorError."""
    with transaction.atomic():
        means, problem = try_code(user, typed)
        if means is not None:
            factor = SecondFactor.objects.get(user=user)
            codes = _new_recovery_codes()
            factor.recovery = [_recovery_digest(factor.nonce, code) for code in codes]
            factor.save(update_fields=["recovery"])
            return codes
    # After the block: the wrong try stays counted.
    raise SecondFactorError(problem)


def remove(user: User, typed: str) -> None:
    """Forget the application and the recovery codes. Raises SecondFactorError."""
    with transaction.atomic():
        means, problem = try_code(user, typed)
        if means is not None:
            factor = SecondFactor.objects.get(user=user)
            _tell(factor, "second_factor_removed")
            factor.delete()
            return
    raise SecondFactorError(problem)


# --- Checking -------------------------------------------------------------------------------------


@transaction.atomic
def try_code(user: User, typed: str) -> tuple[Means | None, str]:
    """What was typed, or None and the sentence to show: the try is counted either way."""
    factor = SecondFactor.objects.select_for_update().filter(user=user).first()
    if factor is None:
        return None, (
            "Aucune application ne donne encore de code à votre compte : activez d’abord le "
            "deuxième facteur, dans « Mon compte »."
        )
    now = timezone.now()
    if factor.failures >= MOST_FAILURES and factor.failed_at and now - factor.failed_at < WAIT:
        return None, (
            "Trop de codes faux ont été essayés : attendez un quart d’heure avant de recommencer."
        )
    if (step := _step_of(_totp(user, factor.nonce), _digits(typed))) is not None:
        if step <= factor.last_step:
            return None, "Ce code a déjà servi : attendez le suivant, puis écrivez-le."
        factor.last_step = step
        return _accepted(factor, Means.APPLICATION), ""
    digest = _recovery_digest(factor.nonce, typed)
    if any(constant_time_compare(digest, one) for one in factor.recovery):
        factor.recovery = [one for one in factor.recovery if one != digest]
        _tell(factor, "recovery_code_used", left=len(factor.recovery))
        return _accepted(factor, Means.RECOVERY), ""
    factor.failures = 1 if factor.failures >= MOST_FAILURES else factor.failures + 1
    factor.failed_at = now
    factor.save(update_fields=["failures", "failed_at"])
    if factor.failures == MOST_FAILURES:
        _tell(factor, "second_factor_failures")
    return None, (
        "Ce n’est pas le code affiché par votre application, ni l’un de vos codes de secours. "
        "Vérifiez-le, ou attendez le suivant."
    )


def _accepted(factor: SecondFactor, means: Means) -> Means:
    factor.failures, factor.failed_at, factor.used_at = 0, None, timezone.now()
    factor.save()
    return means


def code_at(user: User, nonce: str, step: int) -> str:
    """The six digits of a step of thirty seconds, as the application shows them."""
    return _totp(user, nonce).generate_otp(step)


def step_now() -> int:
    """How many times thirty seconds have passed since 1970."""
    return int(timezone.now().timestamp()) // STEP_SECONDS


def _step_of(totp: pyotp.TOTP, digits: str) -> int | None:
    """The step, near now, whose code this is."""
    now = step_now()
    steps = range(now - DRIFT, now + DRIFT + 1)
    return next(
        (one for one in steps if constant_time_compare(totp.generate_otp(one), digits)), None
    )


def _totp(user: User, nonce: str) -> pyotp.TOTP:
    made = salted_hmac("accounts.second_factor", f"{user.pk}.{nonce}", algorithm="sha256")
    key = b32encode(made.digest()[:KEY_BYTES]).decode()
    return pyotp.TOTP(key, digits=DIGITS, interval=STEP_SECONDS)


def _digits(typed: str) -> str:
    return "".join(typed.split())


# --- Recovery -------------------------------------------------------------------------------------


def _new_recovery_codes() -> list[str]:
    return [_recovery_code() for _ in range(RECOVERY_CODES)]


def _recovery_code() -> str:
    signs = "".join(secrets.choice(_SIGNS) for _ in range(RECOVERY_LENGTH))
    return f"{signs[:5]}-{signs[5:]}"


def _recovery_digest(nonce: str, typed: str) -> str:
    plain = "".join(one for one in typed.lower() if one.isalnum())
    return salted_hmac("accounts.recovery", f"{nonce}.{plain}", algorithm="sha256").hexdigest()


def _tell(factor: SecondFactor, template: str, **more: object) -> None:
    """A mail at once: somebody else may hold the person's session."""
    queue_template_mail(
        key=f"second-factor:{template}:{factor.pk}:{timezone.now().timestamp()}",
        recipient=factor.user.email,
        template=f"accounts/{template}",
        context={
            "user": factor.user,
            "url": settings.PORTAL_URL + reverse("accounts:second_factor"),
            **more,
        },
    )
