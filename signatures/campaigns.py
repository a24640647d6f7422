"""A campaign from its preparation to its end. Each verb locks it, checks who acts, then writes.

What must not be raced is held by the database: one open campaign per case, one signature per
member, none once the campaign has ended.
"""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any, Final

from django.core.exceptions import PermissionDenied
from django.core.files.uploadedfile import UploadedFile
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from accounts.models import User
from communities.models import Community
from documents.services import FileRefusedError, store_attachment
from members.models import Member
from members.services import on_departure
from outbox.services import publish
from signatures import rules
from signatures.costs import Cost, cost_of
from signatures.links import issue_token
from signatures.models import Campaign, CampaignLog, Delegation, Invitation, Signature
from signatures.signable import document_of, last_snapshot, signable_kinds, signable_of
from signatures.telling import TOLD, publish_mails
from workflow.models import Case
from workflow.services import ActionRefusedError, AlreadyDoneError

LONGEST_CAMPAIGN: Final = timedelta(days=366)
LONGEST_MESSAGE: Final = 2_000
# Between two mails written by hand to the same member.
COOL_DOWN: Final = timedelta(hours=24)
State = Invitation.State


# --- Preparing ------------------------------------------------------------------------------------


def signable_cases(community: Community) -> list[Case]:
    """The cases of a CPTS that its members may be asked to sign, the newest first."""
    cases = Case.objects.filter(community=community, kind__in=list(signable_kinds()))
    return [case for case in cases.order_by("-updated_at") if not signable_of(case).is_closed(case)]


@transaction.atomic
def prepare_campaign(case: Case, *, closes_on: date, message: str, by: User) -> Campaign:
    """A draft on the version that stands today; nobody is told before it is opened.

    Raises PermissionDenied, or ActionRefusedError when there is nothing to sign.
    """
    _require(rules.may_lead(case.community, by))
    Case.objects.select_for_update().get(pk=case.pk)
    signable = signable_of(case)
    snapshot = signable.snapshot(case)
    document = document_of(snapshot, signable) if snapshot else None
    if snapshot is None:
        raise ActionRefusedError(
            f"Il n’y a encore aucune version figée à signer : figez d’abord {signable.short}."
        )
    if document is None:
        raise ActionRefusedError(
            "Le PDF de cette version est en préparation : recommencez dans quelques secondes."
        )
    _check_day(closes_on)
    previous = (
        Campaign.objects.filter(
            case__in=[case.pk, *signable.earlier(case)], opened_at__isnull=False
        )
        .order_by("-opened_at", "-pk")
        .first()
    )
    try:
        with transaction.atomic():
            return Campaign.objects.create(
                case=case,
                community=case.community,
                snapshot=snapshot,
                document=document,
                previous=previous,
                title=signable.title(case)[:250],
                message=message.strip()[:LONGEST_MESSAGE],
                closes_on=closes_on,
                created_by=by,
            )
    except IntegrityError as refused:
        if "campaign_one_draft_per_case" not in str(refused):
            raise
        raise ActionRefusedError(
            "Une campagne est déjà en préparation pour ce dossier : ouvrez-la ou supprimez-la."
        ) from refused


def _check_day(closes_on: date) -> None:
    today = timezone.localdate()
    if closes_on <= today:
        raise ActionRefusedError(
            "Le dernier jour pour signer est déjà passé, ou c’est aujourd’hui : choisissez une "
            "date à venir."
        )
    if closes_on > today + LONGEST_CAMPAIGN:
        raise ActionRefusedError(
            "Cette date est dans plus d’un an : c’est sans doute une faute de frappe."
        )


@transaction.atomic
def discard_campaign(campaign: Campaign, *, by: User) -> None:
    """Delete a draft."""
    campaign = _locked(campaign)
    _require(rules.may_lead(campaign.community, by))
    if campaign.state != Campaign.State.DRAFT:
        raise ActionRefusedError("Cette campagne a déjà été ouverte : elle reste dans l’histoire.")
    campaign.delete()


def signed_before(campaign: Campaign) -> dict[int, Signature]:
    """The signatures in force of the version before, by member: kept ones included."""
    return signed_in(campaign.previous) if campaign.previous else {}


def signed_in(campaign: Campaign) -> dict[int, Signature]:
    """The signatures a campaign has, by member: kept ones included, without those who left."""
    found = {one.member_id: one for one in campaign.signatures.all()}
    kept = campaign.invitations.filter(state=State.KEPT).select_related("kept")
    found |= {one.member_id: one.kept for one in kept if one.kept}
    here = set(campaign.community.members.current().values_list("pk", flat=True))
    return {member: one for member, one in found.items() if member in here}


def cost_of_campaign(campaign: Campaign) -> Cost | None:
    """What the changes since the version before cost; None for a first version.

    A campaign on the same version as the one before asks nobody again.
    """
    if campaign.previous is None:
        return None
    signable = signable_of(campaign.case)
    before = campaign.previous.snapshot
    changes = (
        () if before.sha256 == campaign.snapshot.sha256
        else signable.changes(before, campaign.snapshot)
    )  # fmt: skip
    return cost_of(changes, signed_before(campaign))


@transaction.atomic
def open_campaign(campaign: Campaign, *, by: User) -> Campaign:
    """Invite the members: those who must sign again, and those who never signed.

    An open campaign on the version before ends. Raises PermissionDenied, or ActionRefusedError.
    """
    Case.objects.select_for_update().get(pk=campaign.case_id)
    campaign = _locked(campaign)
    _require(rules.may_lead(campaign.community, by))
    if campaign.state != Campaign.State.DRAFT:
        raise AlreadyDoneError("Action déjà effectuée : cette campagne n’est plus en préparation.")
    _check_day(campaign.closes_on)
    if is_outdated(campaign):
        raise ActionRefusedError(
            "Le dossier a changé depuis que cette campagne est préparée : supprimez-la, puis "
            "préparez-en une sur la version d’aujourd’hui."
        )
    members = list(campaign.community.members.current())
    if not members:
        raise ActionRefusedError(
            "La CPTS n’a encore aucun membre : ajoutez ou importez les membres d’abord."
        )
    _end_others(campaign, by)
    now = timezone.now()
    campaign.state, campaign.opened_at = Campaign.State.OPEN, now
    campaign.save(update_fields=["state", "opened_at"])
    cost = cost_of_campaign(campaign)
    signed = signed_before(campaign)
    kept = cost.kept if cost else frozenset()
    _invite(campaign, members, kept={pk: signed[pk] for pk in kept})
    note(campaign, "opened", actor=by)
    return campaign


def _end_others(campaign: Campaign, by: User) -> None:
    for other in Campaign.objects.select_for_update().filter(
        case=campaign.case_id, state=Campaign.State.OPEN
    ):
        _end(
            other,
            Campaign.State.CANCELLED,
            reason="Une nouvelle version est proposée à la signature.",
            by=by,
        )


def _invite(
    campaign: Campaign, members: Sequence[Member], *, kept: dict[int, Signature]
) -> list[Invitation]:
    """Write the invitations, and call for their mails."""
    rows = Invitation.objects.bulk_create(
        Invitation(
            campaign=campaign,
            member=member,
            email=member.email,
            sort_key=member.sort_key,
            what=member.structure_kind or member.profession,
            state=State.KEPT if member.pk in kept else State.WAITING,
            kept=kept.get(member.pk),
        )
        for member in members
    )
    asked = [one for one in rows if one.state == State.WAITING]
    for one in asked:
        issue_token(one)
    Invitation.objects.bulk_update(asked, ["nonce", "token_digest"], batch_size=500)
    publish_mails("invitation", [one for one in asked if one.email])
    return rows


def is_outdated(campaign: Campaign, last_version: str | None = None) -> bool:
    """Whether the case has another version than the one this campaign asks to sign.

    `last_version`: the digest of the last frozen version, when it was read already.
    """
    try:
        signable = signable_of(campaign.case)
    except LookupError:
        return False
    if signable.snapshot is last_snapshot and last_version:
        return last_version != campaign.snapshot.sha256
    if signable.snapshot is last_snapshot:
        # Each signature asks it: written by hand, for a kind that signs its last version.
        with connection.cursor() as cursor:
            cursor.execute(_LAST_VERSION, [campaign.case_id])
            found = cursor.fetchone()
        return found is not None and found[0] != campaign.snapshot.sha256
    current = signable.snapshot(campaign.case)
    return current is not None and current.sha256 != campaign.snapshot.sha256


_LAST_VERSION: Final = """
    SELECT sha256 FROM workflow_snapshot WHERE case_id = %s ORDER BY version DESC LIMIT 1
"""


# --- While it is open -----------------------------------------------------------------------------


@transaction.atomic
def postpone_closing(campaign: Campaign, *, closes_on: date, by: User) -> None:
    """Give more time, or less: the last day to sign."""
    campaign = _open(campaign)
    _require(rules.may_lead(campaign.community, by))
    _check_day(closes_on)
    campaign.closes_on = closes_on
    campaign.save(update_fields=["closes_on"])
    note(campaign, "closing_moved", actor=by, detail=f"{closes_on:%d/%m/%Y}")


@transaction.atomic
def invite_newcomers(campaign: Campaign, *, by: User) -> int:
    """Invite the current members who are not in the campaign yet; how many."""
    campaign = _open(campaign)
    _require(rules.may_follow(campaign.community, by))
    known = campaign.invitations.values("member_id")
    members = list(campaign.community.members.current().exclude(pk__in=known))
    _invite(campaign, members, kept={})
    for member in members:
        note(campaign, "invited", actor=by, member=member)
    return len(members)


@transaction.atomic
def remind(invitation: Invitation, *, by: User) -> None:
    """Write to one member again, unless somebody did within a day."""
    invitation = _locked_invitation(invitation)
    _require(rules.may_follow(invitation.campaign.community, by))
    _check_waiting(invitation)
    if not invitation.email:
        raise ActionRefusedError(
            f"{invitation.member.name} n’a pas d’adresse électronique : donnez-en une, ou "
            "imprimez sa feuille à signer."
        )
    if not _may_be_told(invitation):
        raise ActionRefusedError(
            f"{invitation.member.name} a reçu un courriel il y a moins de 24 heures : attendez "
            "demain pour le relancer."
        )
    publish_mails("reminder", [invitation])
    note(invitation.campaign, "reminded", actor=by, member=invitation.member)


@transaction.atomic
def remind_all(campaign: Campaign, *, by: User) -> int:
    """Write again to all who have not answered and were not written to within a day."""
    campaign = _open(campaign)
    _require(rules.may_follow(campaign.community, by))
    told = remindable(campaign)
    publish_mails("reminder", told)
    if told:
        note(campaign, "reminded_all", actor=by, detail=str(len(told)))
    return len(told)


def remindable(campaign: Campaign) -> list[Invitation]:
    """Whom a reminder would reach now."""
    waiting = campaign.invitations.filter(state=State.WAITING, disowned_at__isnull=True)
    return [one for one in waiting.exclude(email="") if _may_be_told(one)]


def _may_be_told(invitation: Invitation) -> bool:
    return invitation.told_at is None or timezone.now() - invitation.told_at >= COOL_DOWN


@transaction.atomic
def change_address(invitation: Invitation, *, email: str, by: User) -> None:
    """Another address: a new link goes there, the one before no longer works."""
    invitation = _locked_invitation(invitation)
    _require(rules.may_follow(invitation.campaign.community, by))
    _check_waiting(invitation)
    email = email.strip().lower()
    if not hasattr(invitation, "delegation"):
        Member.objects.filter(pk=invitation.member_id).update(email=email)
    _send_to(invitation, email)
    note(invitation.campaign, "address_changed", actor=by, member=invitation.member)


def _send_to(invitation: Invitation, email: str) -> None:
    invitation.email = email
    invitation.disowned_at = None
    invitation.code_digest, invitation.code_expires_at = "", None
    invitation.last_mail = None
    issue_token(invitation)
    invitation.save()
    if email:
        publish_mails("invitation", [invitation])


@transaction.atomic
def postpone(invitation: Invitation, *, until: date, by: User) -> None:
    """The member will sign later: no reminder before that day. They may sign meanwhile."""
    invitation = _locked_invitation(invitation)
    _require(rules.may_follow(invitation.campaign.community, by))
    _check_waiting(invitation)
    if not timezone.localdate() < until <= invitation.campaign.closes_on:
        raise ActionRefusedError(
            "Choisissez un jour à venir, au plus tard le dernier jour pour signer "
            f"({invitation.campaign.closes_on:%d/%m/%Y})."
        )
    invitation.state, invitation.postponed_until = State.POSTPONED, until
    invitation.save(update_fields=["state", "postponed_until"])
    note(
        invitation.campaign,
        "postponed",
        actor=by,
        member=invitation.member,
        detail=f"{until:%d/%m/%Y}",
    )


@transaction.atomic
def stop_asking(invitation: Invitation, *, reason: str, by: User) -> None:
    """The member is no longer asked: their link no longer works."""
    invitation = _locked_invitation(invitation)
    _require(rules.may_follow(invitation.campaign.community, by))
    _check_open(invitation.campaign)
    if invitation.state in {State.SIGNED, State.KEPT}:
        raise ActionRefusedError("Ce membre a signé : une signature ne se retire pas.")
    _stop(invitation, reason or "Retiré de la campagne")
    note(invitation.campaign, "stopped", actor=by, member=invitation.member, detail=reason[:300])


@transaction.atomic
def replace_member(invitation: Invitation, *, member: Member, by: User) -> Invitation:
    """Another member is asked instead: a structure that changed, somebody who took over."""
    invitation = _locked_invitation(invitation)
    campaign = invitation.campaign
    _require(rules.may_follow(campaign.community, by))
    _check_waiting(invitation)
    is_here = member.community_id == campaign.community_id and member.left_on is None
    if not is_here or campaign.invitations.filter(member=member).exists():
        raise ActionRefusedError(
            "Choisissez un membre actuel de la CPTS qui n’est pas déjà dans la campagne."
        )
    _stop(invitation, f"Remplacé par {member.name}")
    (new,) = _invite(campaign, [member], kept={})
    note(campaign, "replaced", actor=by, member=invitation.member, detail=member.name[:300])
    return new


def _stop(invitation: Invitation, reason: str) -> None:
    invitation.state, invitation.end_reason = State.ENDED, reason.strip()[:300]
    invitation.token_digest, invitation.answered_at = None, None
    invitation.save(update_fields=["state", "end_reason", "token_digest", "answered_at"])


@on_departure
def stop_asking_who_left(member: Member, by: User) -> None:
    """A member who leaves is no longer asked in the campaigns that are open."""
    for invitation in Invitation.objects.filter(
        member=member, campaign__state=Campaign.State.OPEN
    ).exclude(state__in=(State.SIGNED, State.KEPT, State.ENDED)):
        _stop(invitation, "N’est plus membre")
        note(invitation.campaign, "stopped", actor=by, member=member, detail="N’est plus membre")


ACT_TYPES: Final = ("application/pdf", "image/jpeg", "image/png")
ACT_LABEL: Final = "PDF, JPEG ou PNG"


@transaction.atomic
def record_delegation(
    invitation: Invitation,
    *,
    name: str,
    function: str,
    email: str,
    decided_on: date,
    act: UploadedFile,
    by: User,
) -> Delegation:
    """A legal representative lets somebody else sign: the act is kept, the link goes to them.

    Raises PermissionDenied, or ActionRefusedError: for a professional, who signs in person, for
    an act dated in the future, for a file that is none.
    """
    invitation = _locked_invitation(invitation)
    _require(rules.may_follow(invitation.campaign.community, by))
    _check_waiting(invitation)
    if not invitation.member.is_structure:
        raise ActionRefusedError(
            "Un professionnel signe lui-même : seul le représentant légal d’une structure peut "
            "déléguer sa signature."
        )
    if decided_on > timezone.localdate():
        raise ActionRefusedError("L’acte est daté d’un jour à venir : corrigez la date.")
    if hasattr(invitation, "delegation"):
        raise AlreadyDoneError("Une délégation est déjà enregistrée pour ce membre.")
    try:
        kept = store_attachment(act, content_types=ACT_TYPES, accept_label=ACT_LABEL, user=by)
    except FileRefusedError as error:
        raise ActionRefusedError(error.message) from error
    delegation = Delegation.objects.create(
        invitation=invitation,
        name=name.strip(),
        function=function.strip(),
        decided_on=decided_on,
        act=kept,
        recorded_by=by,
    )
    _send_to(invitation, email.strip().lower())
    note(
        invitation.campaign,
        "delegated",
        actor=by,
        member=invitation.member,
        detail=f"{name.strip()}, {function.strip()}"[:300],
    )
    return delegation


# --- Its end --------------------------------------------------------------------------------------


@transaction.atomic
def close_campaign(campaign: Campaign, *, by: User | None) -> None:
    """Nobody signs any more; the register of signatures is issued. No one: its day has passed."""
    campaign = _locked(campaign)
    if by is not None:
        _require(rules.may_lead(campaign.community, by))
    if campaign.state != Campaign.State.OPEN:
        raise AlreadyDoneError("Action déjà effectuée : cette campagne n’est plus ouverte.")
    _end(campaign, Campaign.State.CLOSED, reason="", by=by)
    publish("signatures.issue_register", key=str(campaign.pk), campaign=campaign.pk)


@transaction.atomic
def cancel_campaign(campaign: Campaign, *, reason: str, by: User) -> None:
    """The campaign comes to nothing: what was signed stays, as history."""
    campaign = _locked(campaign)
    _require(rules.may_lead(campaign.community, by))
    if campaign.state != Campaign.State.OPEN:
        raise AlreadyDoneError("Action déjà effectuée : cette campagne n’est plus ouverte.")
    if not reason.strip():
        raise ActionRefusedError("Écrivez le motif de l’annulation : l’équipe le lira.")
    _end(campaign, Campaign.State.CANCELLED, reason=reason.strip()[:500], by=by)


def _end(campaign: Campaign, state: str, *, reason: str, by: User | None) -> None:
    campaign.state, campaign.ended_at = state, timezone.now()
    campaign.end_reason = reason
    campaign.save(update_fields=["state", "ended_at", "end_reason"])
    note(campaign, str(state), actor=by, detail=reason)


def close_due(today: date | None = None) -> int:
    """Close the campaigns whose last day has passed; how many. Running it again changes nothing."""
    day = today or timezone.localdate()
    due = Campaign.objects.filter(state=Campaign.State.OPEN, closes_on__lt=day)
    done = 0
    for campaign in due:
        try:
            close_campaign(campaign, by=None)
        except AlreadyDoneError:
            continue
        done += 1
    return done


# --- What the verbs share -------------------------------------------------------------------------


def note(
    campaign: Campaign,
    action: str,
    *,
    actor: User | None,
    member: Member | None = None,
    detail: str = "",
) -> None:
    """Write one line of the campaign's story; the team is told of what it did not do itself."""
    line = CampaignLog.objects.create(
        campaign=campaign, action=action, actor=actor, member=member, detail=detail[:500]
    )
    if action in TOLD and actor is None:
        publish("signatures.tell_team", key=str(line.pk), log=line.pk)


def _require(allowed: Any) -> None:
    if not allowed:
        raise PermissionDenied


def _locked(campaign: Campaign) -> Campaign:
    return (
        Campaign.objects.select_for_update(of=("self",))
        .select_related("community", "case", "snapshot", "previous__snapshot")
        .defer("snapshot__content", "previous__snapshot__content")
        .get(pk=campaign.pk)
    )


def _open(campaign: Campaign) -> Campaign:
    campaign = _locked(campaign)
    _check_open(campaign)
    return campaign


def _check_open(campaign: Campaign) -> None:
    if not campaign.is_open:
        raise ActionRefusedError("Cette campagne n’est pas ouverte : plus rien ne peut y changer.")


def _locked_invitation(invitation: Invitation) -> Invitation:
    return (
        Invitation.objects.select_for_update(of=("self",))
        .select_related(
            "campaign__community", "campaign__case", "campaign__snapshot", "member", "delegation"
        )
        .defer("campaign__snapshot__content")
        .get(pk=invitation.pk)
    )


def _check_waiting(invitation: Invitation) -> None:
    _check_open(invitation.campaign)
    if invitation.state in {State.SIGNED, State.KEPT}:
        raise ActionRefusedError(f"{invitation.member.name} a déjà signé.")
    if invitation.state == State.ENDED:
        raise ActionRefusedError(f"{invitation.member.name} n’est plus invité à signer.")
