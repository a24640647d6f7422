"""A member signs, or declines: by their link, and a code sent to their own address.

Signatures may arrive by thousands: each locks its own row only, and the database refuses one
that comes once the campaign has ended.
"""

from typing import Any, Final, cast

from django.db import IntegrityError, transaction
from django.db.models import OuterRef, QuerySet, Subquery
from django.utils import timezone

from cpts_portal.composed import ComposedObjects, Given
from signatures.campaigns import is_outdated, note
from signatures.codes import (
    Seen,
    WrongCodeError,
    check_code,
    evidence_of,
    forget_code,
    new_code_for,
)
from signatures.links import digest, link_of
from signatures.models import Delegation, Invitation, Signature
from signatures.telling import signer_name, write_mail
from workflow.models import Snapshot
from workflow.services import ActionRefusedError, AlreadyDoneError

LONGEST_REASON: Final = 2_000
State = Invitation.State


def _with_what_is_signed(found: QuerySet[Invitation]) -> QuerySet[Invitation]:
    """All that the pages of a signer and their signature need, with `last_version`: the digest of
    the last frozen version of the case."""
    versions = Snapshot.objects.filter(case=OuterRef("campaign__case")).order_by("-version")
    return (
        found.select_related(
            "campaign__community",
            "campaign__case",
            "campaign__snapshot",
            "campaign__document__document",
            "member",
            "delegation",
        )
        .defer("campaign__snapshot__content")
        .annotate(last_version=Subquery(versions.values("sha256")[:1]))
        .order_by()
    )


# Thousands may come in two days: composing these joins took longer than all the rest of a
# signature.
_BY_LINK: Final = ComposedObjects(
    lambda: _with_what_is_signed(Invitation.objects.filter(token_digest=Given("digest")))
)
_LOCKED: Final = ComposedObjects(
    lambda: _with_what_is_signed(
        Invitation.objects.select_for_update(of=("self",)).filter(pk=Given("invitation"))
    )
)


def find_invitation(token: str) -> Invitation | None:
    """The invitation a personal link names, with all that its pages show: one query."""
    found: list[Invitation] = _BY_LINK.objects(count=1, digest=digest(token))
    return found[0] if found else None


# --- The code -------------------------------------------------------------------------------------


@transaction.atomic
def send_code(invitation: Invitation) -> None:
    """Send six digits to the member's own address; those sent before no longer serve.

    Raises ActionRefusedError when there is nothing to sign, or too many were asked for.
    """
    invitation = _locked(invitation)
    _check_may_answer(invitation)
    code = new_code_for(
        invitation,
        otherwise="Recommencez demain, ou demandez à l’équipe de la CPTS une feuille à signer sur "
        "papier.",
    )
    write_mail(
        "code",
        invitation,
        cause=f"{timezone.now().timestamp()}",
        code=f"{code[:3]} {code[3:]}",
        url=f"{link_of(invitation)}signer/",
        until=invitation.code_expires_at,
    )


# --- The answer -----------------------------------------------------------------------------------


def sign(invitation: Invitation, *, code: str, seen: Seen) -> Signature:
    """Sign the version of the campaign, and no other.

    Raises WrongCodeError, AlreadyDoneError for a second press, ActionRefusedError when the
    campaign has ended or the case has changed.
    """
    with transaction.atomic():
        invitation = _locked(invitation)
        _check_may_answer(invitation)
        problem = check_code(invitation, code, seen)
        if not problem:
            return _write_signature(
                invitation,
                method=Signature.Method.EMAIL_CODE,
                evidence=evidence_of(invitation, invitation.email, seen),
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
        problem = check_code(invitation, code, seen)
        if not problem:
            invitation.state, invitation.answered_at = State.DECLINED, timezone.now()
            invitation.decline_reason = reason[:LONGEST_REASON]
            invitation.postponed_until = None
            forget_code(invitation)
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
        # Whatever is raised leaves the transaction of whoever called, which undoes it.
        if "signature_one_per_member" in str(refused):
            raise _already(invitation) from refused
        if "signature_campaign_open" in str(refused):
            raise ActionRefusedError(_ended()) from refused
        raise
    invitation.state, invitation.answered_at = State.SIGNED, signature.signed_at
    invitation.decline_reason, invitation.postponed_until = "", None
    invitation.disowned_at = None
    forget_code(invitation)
    invitation.save(update_fields=_ANSWERED)
    return signature


_ANSWERED: Final = (
    *("state", "answered_at", "decline_reason", "postponed_until", "disowned_at"),
    *("code_digest", "code_expires_at"),
)


def _locked(invitation: Invitation) -> Invitation:
    """Read again, and kept from everybody else until the end of the transaction."""
    (locked,) = _LOCKED.objects(count=1, invitation=invitation.pk)
    return cast(Invitation, locked)


def _check_may_answer(invitation: Invitation) -> None:
    if invitation.state in {State.SIGNED, State.KEPT}:
        raise _already(invitation)
    if invitation.state == State.ENDED:
        raise ActionRefusedError(
            "Vous n’êtes plus invité à signer : l’équipe peut vous dire pourquoi."
        )
    if not invitation.campaign.is_open:
        raise ActionRefusedError(_ended())
    if is_outdated(invitation.campaign, invitation.last_version):  # type: ignore[attr-defined]
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
