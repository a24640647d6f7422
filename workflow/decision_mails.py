"""Who is written to about a decision: those who sign, the team, the bodies consulted, the office.

Mails are rows of the outbox, one per person and cause: written again, they add nothing.
"""

from datetime import date, datetime
from typing import Any

from django.conf import settings
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from accounts.models import Membership, User
from cpts_portal.mails import queue_template_mail
from cpts_portal.words import file_size
from documents.models import OfficialDocument
from procedures.decisions import Outcome
from workflow.clock import day_in_words
from workflow.models import Approval, Case, CaseDesk, Decision, DecisionParty, TransitionLog
from workflow.people import coordinators, members


def call_the_signatories(decision: Decision, *, voided: bool) -> None:
    """Ask each body that decides and has not signed; its coordinators when nobody there can."""
    signed = set(
        Approval.objects.filter(party__decision=decision, voided_at__isnull=True).values_list(
            "party_id", flat=True
        )
    )
    for party in decision.parties.select_related("organisation"):
        if party.pk in signed:
            continue
        people = who_signs(party, decision.case)
        for user in people:
            _mail(
                f"decision-to-sign:{decision.pk}:{decision.revision}",
                user.email,
                "decision_to_sign",
                decision.case,
                body=party.organisation.name,
                outcome=decision.get_outcome_display().lower(),
                writer=str(decision.written_by),
                voided=voided,
            )
        if not people:
            for address in _coordinators(party, decision.case):
                _mail(
                    f"decision-nobody-signs:{decision.pk}:{party.pk}",
                    address,
                    "decision_nobody_signs",
                    decision.case,
                    body=party.organisation.name,
                )


def who_signs(party: DecisionParty, case: Case) -> list[User]:
    """Those who may sign for a body today: its signatories, and those who hold its delegation.

    The branch in charge signs for its agency.
    """
    bodies = [party.organisation]
    if case.office and case.office.parent_id == party.organisation_id:
        bodies.append(case.office)
    found: dict[int, User] = {}
    today = timezone.localdate()
    for body in bodies:
        for user in members(body, case, [Membership.Role.SIGNATORY]):
            found[user.pk] = user
        holders = set(
            body.signature_delegations.filter(
                Q(department=None) | Q(department__in=case.department_codes),
                revoked_at__isnull=True,
                valid_from__lte=today,
                valid_to__gte=today,
            ).values_list("holder_id", flat=True)
        )
        if holders:
            for here in bodies:
                found |= {one.pk: one for one in members(here, case) if one.pk in holders}
    return list(found.values())


def _coordinators(party: DecisionParty, case: Case) -> list[str]:
    there = members(party.organisation, case, [Membership.Role.COORDINATOR])
    return [user.email for user in there] or coordinators(case)


def tell_the_writer(decision: Decision, log: TransitionLog) -> None:
    """Who wrote the proposal, and who examines the case, read why it comes back."""
    people = {decision.written_by_id: decision.written_by}
    if decision.case.instructor:
        people[decision.case.instructor.pk] = decision.case.instructor
    for user in people.values():
        _mail(
            f"decision-sent-back:{log.pk}",
            user.email,
            "decision_sent_back",
            decision.case,
            who=str(log.actor),
            comment=log.comment,
        )


def announce(decision: Decision, document: OfficialDocument) -> None:
    """Tell of a decision taken: the team with the document, the others in their own words."""
    case = decision.case
    accepted = decision.outcome == Outcome.ACCEPT
    context = {
        "accepted": accepted,
        "decided_on": _day(decision.taken_at),
        "reserves": len(decision.reserves),
        "remedies": (decision.text or {}).get("remedies", {}),
        "joint": len((decision.text or {}).get("deciders", [])) > 1,
        "document": _described(document),
    }
    for user in _team(case):
        _mail(
            f"decision-taken:{decision.pk}:team",
            user.email,
            "decision_team",
            case,
            attachments=_files(document),
            user=user,
            **context,
        )
    for address in _office(decision):
        _mail(
            f"decision-taken:{decision.pk}:office",
            address,
            "decision_office",
            case,
            attachments=_files(document),
            **context,
        )
    for body, user in _consulted(case):
        _mail(
            f"decision-taken:{decision.pk}:body",
            user.email,
            "decision_body",
            case,
            body=body,
            accepted=accepted,
            decided_on=context["decided_on"],
        )


def announce_withdrawal(decision: Decision, document: OfficialDocument) -> None:
    """Tell of a decision withdrawn: the team with the act, the others that it is."""
    case = decision.case
    context: dict[str, Any] = {
        "decided_on": _day(decision.taken_at),
        "withdrawn_on": _day(decision.withdrawn_at),
        "number": decision.number,
    }
    for user in _team(case):
        _mail(
            f"decision-withdrawn:{decision.pk}:team",
            user.email,
            "decision_withdrawn_team",
            case,
            attachments=_files(document),
            user=user,
            reason=decision.withdrawal_reason,
            document=_described(document),
            **context,
        )
    for address in _office(decision):
        _mail(
            f"decision-withdrawn:{decision.pk}:office",
            address,
            "decision_withdrawn_office",
            case,
            attachments=_files(document),
            who=str(decision.withdrawn_by),
            **context,
        )
    for body, user in _consulted(case):
        _mail(
            f"decision-withdrawn:{decision.pk}:body",
            user.email,
            "decision_withdrawn_body",
            case,
            body=body,
            **context,
        )


def tell_office_case_is_withdrawn(case: Case, log: TransitionLog) -> None:
    """The CPTS gave its case up: whoever examines it stops, and reads why."""
    for address in _followers(case):
        _mail(
            f"case-withdrawn:{log.pk}",
            address,
            "case_withdrawn",
            case,
            who=str(log.actor),
            reason=log.comment,
        )


# --- Who --------------------------------------------------------------------------------------


def _team(case: Case) -> list[User]:
    people = case.community.team_members.select_related("user")
    return [member.user for member in people if member.user.is_active]


def _followers(case: Case) -> list[str]:
    """Whoever examines the case; without one, the people of the office, else its mailbox."""
    if case.instructor and case.instructor.is_active:
        return [case.instructor.email]
    if case.office is None:
        return []
    people = members(case.office, case, [Membership.Role.AGENT, Membership.Role.COORDINATOR])
    return [user.email for user in people] or [a for a in [case.office.email] if a]


def _office(decision: Decision) -> list[str]:
    """Whoever examines the case, and those who signed."""
    signed = Approval.objects.filter(party__decision=decision, voided_at__isnull=True).values_list(
        "approved_by__email", flat=True
    )
    return sorted({address.lower() for address in [*_followers(decision.case), *signed]})


def _consulted(case: Case) -> list[tuple[str, User]]:
    """The members of the bodies consulted, each once, with the body they are told for."""
    desks = CaseDesk.objects.filter(
        case_id=case.pk, organisation__consultations__case_id=case.pk
    ).select_related("organisation")
    found: dict[int, tuple[str, User]] = {}
    for desk in desks.distinct():
        for user in members(desk.organisation, case):
            found.setdefault(user.pk, (desk.organisation.name, user))
    return list(found.values())


# --- Words ------------------------------------------------------------------------------------


def _mail(
    key: str,
    recipient: str,
    template: str,
    case: Case,
    *,
    attachments: list[tuple[str, str]] | None = None,
    **context: Any,
) -> None:
    queue_template_mail(
        key=key,
        recipient=recipient,
        template=f"workflow/{template}",
        context={
            "title": case.title,
            "reference": case.reference or "",
            "kind": case.get_kind_display().lower(),
            "url": settings.PORTAL_URL + reverse("cases:decision", args=[case.public_id]),
            **context,
        },
        attachments=attachments or [],
    )


def _files(document: OfficialDocument) -> list[tuple[str, str]]:
    return [(str(document.file.name), f"{document.number}.pdf")]


def _described(document: OfficialDocument) -> str:
    return f"{document.number} ({file_size(document.size)})"


def local_day(moment: str | datetime) -> date:
    """The day of a moment, as a frozen content holds it, in the portal's time zone."""
    read = parse_datetime(moment) if isinstance(moment, str) else moment
    if read is None:
        raise ValueError(f"Not a moment: {moment!r}")
    return timezone.localdate(read)


def _day(moment: datetime | None) -> str:
    return day_in_words(timezone.localdate(moment)) if moment else ""
