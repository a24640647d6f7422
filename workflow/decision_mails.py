"""Who is told of a decision: those who sign, the team, the bodies consulted, the office.

Notifications have one row per person and cause: told again, nothing is added.
"""

from collections.abc import Iterable
from datetime import date, datetime
from typing import Any

from django.db.models import Q
from django.urls import reverse
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from accounts.models import Membership, Organisation, User
from cpts_portal.words import file_size, long_date
from documents.models import OfficialDocument
from procedures.decisions import Outcome
from workflow.decision_text import words_of
from workflow.models import Approval, Case, CaseDesk, Decision, DecisionParty, TransitionLog
from workflow.notices import Told, coordination_of, office_of, team_of, tell
from workflow.people import members

# Whoever is told, and for which organisation.
For = tuple[Organisation | None, Told]


def call_the_signatories(decision: Decision, *, voided: bool) -> None:
    """Ask each body that decides and has not signed; its coordinators when nobody there can."""
    signed = set(
        Approval.objects.filter(party__decision=decision, voided_at__isnull=True).values_list(
            "party_id", flat=True
        )
    )
    named = {one["code"] for one in (decision.text or {}).get("deciders", [])}
    for party in decision.parties.select_related("organisation"):
        if party.pk in signed or party.organisation.code not in named:
            continue
        people = who_signs(party, decision.case)
        _tell_each(
            decision.case,
            "decision_to_approve",
            f"decision-to-sign:{decision.pk}:{decision.revision}",
            _with_bodies(people, _signing_bodies(party, decision.case)),
            "decision_to_sign",
            body=party.organisation.name,
            outcome=decision.outcome_label.lower(),
            writer=str(decision.written_by),
            voided=voided,
        )
        if not people:
            _tell_each(
                decision.case,
                "decision_to_approve",
                f"decision-nobody-signs:{decision.pk}:{party.pk}",
                _coordinators(party, decision.case),
                "decision_nobody_signs",
                body=party.organisation.name,
            )


def _signing_bodies(party: DecisionParty, case: Case) -> list[Organisation]:
    """The branch in charge signs for its agency."""
    bodies = [party.organisation]
    if case.office and case.office.parent_id == party.organisation_id:
        bodies.append(case.office)
    return bodies


def who_signs(party: DecisionParty, case: Case) -> list[User]:
    """Those who may sign for a body today: its signatories, and those who hold its delegation."""
    bodies = _signing_bodies(party, case)
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


def _coordinators(party: DecisionParty, case: Case) -> list[For]:
    there = members(party.organisation, case, [Membership.Role.COORDINATOR])
    if there:
        return [(party.organisation, user) for user in there]
    body, people = coordination_of(case)
    return [(body, one) for one in people]


def tell_the_writer(decision: Decision, log: TransitionLog) -> None:
    """Who wrote the proposal, and who examines the case, read why it comes back."""
    people = {decision.written_by_id: decision.written_by}
    if decision.case.instructor:
        people[decision.case.instructor.pk] = decision.case.instructor
    _tell_each(
        decision.case,
        "decision_to_approve",
        f"decision-sent-back:{log.pk}",
        [(decision.case.office, user) for user in people.values()],
        "decision_sent_back",
        who=str(log.actor),
        comment=log.comment,
    )


def announce(decision: Decision, document: OfficialDocument) -> None:
    """Tell of a decision taken: the team with the document, the others in their own words."""
    case = decision.case
    accepted = decision.outcome == Outcome.ACCEPT
    words = words_of(case.kind)
    decided_on = _day(decision.taken_at)
    news = words.accept_news if accepted else words.refuse_news
    told = words.accept_told if accepted else words.refuse_told
    context = {
        "accepted": accepted,
        "decided_on": decided_on,
        "news": news,
        "outcome": decision.outcome_label.lower(),
        "told": told.format(title=case.title, day=decided_on),
        "opens": words.accept_opens,
        "noun": words.accept_noun,
        "reserves": len(decision.reserves),
        "remedies": (decision.text or {}).get("remedies", {}),
        "joint": len((decision.text or {}).get("deciders", [])) > 1,
        "document": _described(document),
    }
    for user in team_of(case):
        _tell_each(
            case,
            "decision",
            f"decision-taken:{decision.pk}:team",
            [(None, user)],
            "decision_team",
            attachments=_files(document),
            user=user,
            **context,
        )
    _tell_each(
        case,
        "decision_told",
        f"decision-taken:{decision.pk}:office",
        _office(decision),
        "decision_office",
        attachments=_files(document),
        **context,
    )
    for body, user in _consulted(decision):
        _tell_each(
            case,
            "decision_told",
            f"decision-taken:{decision.pk}:body",
            [(body, user)],
            "decision_body",
            body=body.name,
            news=news,
            outcome=context["outcome"],
            decided_on=decided_on,
        )


def announce_withdrawal(decision: Decision, document: OfficialDocument) -> None:
    """Tell of a decision withdrawn: the team with the act, the others that it is."""
    case = decision.case
    context: dict[str, Any] = {
        "decided_on": _day(decision.taken_at),
        "withdrawn_on": _day(decision.withdrawn_at),
        "number": decision.number,
    }
    for user in team_of(case):
        _tell_each(
            case,
            "decision",
            f"decision-withdrawn:{decision.pk}:team",
            [(None, user)],
            "decision_withdrawn_team",
            attachments=_files(document),
            user=user,
            reason=decision.withdrawal_reason,
            document=_described(document),
            **context,
        )
    _tell_each(
        case,
        "decision_told",
        f"decision-withdrawn:{decision.pk}:office",
        _office(decision),
        "decision_withdrawn_office",
        attachments=_files(document),
        who=str(decision.withdrawn_by),
        **context,
    )
    for body, user in _consulted(decision):
        _tell_each(
            case,
            "decision_told",
            f"decision-withdrawn:{decision.pk}:body",
            [(body, user)],
            "decision_withdrawn_body",
            body=body.name,
            **context,
        )


def tell_office_case_is_withdrawn(case: Case, log: TransitionLog) -> None:
    """The CPTS gave its case up: whoever examines it stops, and reads why."""
    _tell_each(
        case,
        "withdrawn",
        f"case-withdrawn:{log.pk}",
        _followers(case),
        "case_withdrawn",
        who=str(log.actor),
        reason=log.comment,
    )


# --- Who --------------------------------------------------------------------------------------


def _followers(case: Case) -> list[For]:
    """Whoever examines the case; without one, the people of the office, else its mailbox."""
    if case.instructor and case.instructor.is_active:
        return [(case.office, case.instructor)]
    roles = [Membership.Role.AGENT, Membership.Role.COORDINATOR]
    return [(case.office, one) for one in office_of(case, roles)]


def _office(decision: Decision) -> list[For]:
    """Whoever examines the case, and those who signed."""
    told = _followers(decision.case)
    known = {one.email.lower() for _, one in told}
    signed = Approval.objects.filter(
        party__decision=decision, voided_at__isnull=True
    ).select_related("approved_by", "party__organisation")
    for approval in signed:
        if approval.approved_by.email.lower() not in known:
            bodies = _signing_bodies(approval.party, decision.case)
            told += _with_bodies([approval.approved_by], bodies)
    return told


def _with_bodies(people: Iterable[User], bodies: list[Organisation]) -> list[For]:
    """Each person with the one of these bodies where they hold a role, the first if none."""
    held = set(
        Membership.objects.filter(
            organisation__in=bodies, user__in=people, is_active=True
        ).values_list("user_id", "organisation_id")
    )
    return [
        (next((body for body in bodies if (user.pk, body.pk) in held), bodies[0]), user)
        for user in people
    ]


def _consulted(decision: Decision) -> list[tuple[Organisation, User]]:
    """The members of the bodies consulted, each once, with the body they are told for.

    Those who signed for a body that was also consulted are told with the office.
    """
    case = decision.case
    desks = CaseDesk.objects.filter(
        case_id=case.pk, organisation__consultations__case_id=case.pk
    ).select_related("organisation")
    signed = set(
        Approval.objects.filter(party__decision=decision, voided_at__isnull=True).values_list(
            "approved_by_id", flat=True
        )
    )
    found: dict[int, tuple[Organisation, User]] = {}
    for desk in desks.distinct():
        for user in members(desk.organisation, case):
            if user.pk not in signed:
                found.setdefault(user.pk, (desk.organisation, user))
    return list(found.values())


# --- Words ------------------------------------------------------------------------------------


def _tell_each(
    case: Case,
    kind: str,
    key: str,
    people: Iterable[For],
    template: str,
    *,
    attachments: list[tuple[str, str]] | None = None,
    **context: Any,
) -> None:
    for told_for, one in people:
        tell(
            case,
            kind,
            key=key,
            to=[one],
            template=f"workflow/{template}",
            context=context,
            body=told_for,
            path=reverse("cases:decision", args=[case.public_id]),
            attachments=attachments or (),
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
    return long_date(timezone.localdate(moment)) if moment else ""
