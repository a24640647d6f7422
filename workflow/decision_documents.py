"""The decision as an official document: drawn once from what was frozen, then the mails leave."""

from typing import Any, Final

from django.conf import settings

from cpts_portal.words import long_date
from documents.models import OfficialDocument
from documents.rendering import render_pdf
from outbox.registry import handles
from workflow import decision_mails as mails
from workflow.decision_states import DecisionState
from workflow.decision_text import letter_context
from workflow.kinds import kind_of
from workflow.models import Decision, Snapshot, TransitionLog
from workflow.official import declare_readers, issue_once, whoever_sees_the_case

DECISION: Final = "decision"
WITHDRAWAL: Final = "decision_withdrawal"
# They exist once the decision is taken, and say nothing more than it.
declare_readers(DECISION, whoever_sees_the_case)
declare_readers(WITHDRAWAL, whoever_sees_the_case)


@handles("decisions.proposed")
def after_proposal(*, decision_id: int, revision: int, voided: bool) -> None:
    """Call those who sign, unless the proposal has moved on."""
    decision = _read(decision_id)
    if decision.state == DecisionState.PROPOSED and decision.revision == revision:
        mails.call_the_signatories(decision, voided=voided)


@handles("decisions.sent_back")
def after_sending_back(*, decision_id: int, log_id: int) -> None:
    mails.tell_the_writer(_read(decision_id), TransitionLog.objects.get(pk=log_id))


@handles("decisions.taken")
def after_decision(*, decision_id: int) -> None:
    """Issue the decision, then tell the team, the bodies and the offices. Once, however often."""
    decision = _read(decision_id)
    mails.announce(decision, issue_decision(decision))


@handles("decisions.withdrawn")
def after_withdrawal(*, decision_id: int) -> None:
    decision = _read(decision_id)
    mails.announce_withdrawal(decision, issue_withdrawal(decision))


def issue_decision(decision: Decision) -> OfficialDocument:
    """Issue the official decision from its frozen content, unless it is issued already."""
    content = decision.content or {}

    def context() -> dict[str, Any]:
        letter = letter_context(
            content["text"],
            signatures=content["signatures"],
            decided_at=content["decided_at"],
            digest_of_text=content["text_sha256"],
        )
        return {"letter": letter, "created_at": content["decided_at"]}

    return issue_once(
        _snapshot(decision),
        kind=DECISION,
        number=decision.number,
        title=f"{content['text']['title']} – {content['text']['project']}",
        template="pdf/decision.html",
        context=context,
        about=decision.pk,
    ).document


def issue_withdrawal(decision: Decision) -> OfficialDocument:
    """Issue the act that withdraws a decision, unless it is issued already."""
    content = decision.withdrawal_content or {}
    return issue_once(
        _snapshot(decision),
        kind=WITHDRAWAL,
        number=f"{decision.number}-R",
        title=f"Retrait de la décision {decision.number} – {content['text']['project']}",
        template="pdf/decision_withdrawal.html",
        context=lambda: {
            "letter": withdrawal_context(decision),
            "created_at": content["withdrawn_at"],
        },
        about=decision.pk,
    ).document


def _snapshot(decision: Decision) -> Snapshot:
    """The deposit that was decided on."""
    return Snapshot.objects.get(case_id=decision.case_id, version=(decision.text or {})["version"])


def withdrawal_context(decision: Decision) -> dict[str, Any]:
    """What the act of withdrawal lays out, from its frozen content."""
    content = decision.withdrawal_content or {}
    text = content["text"]
    return {
        **text,
        "title": "Décision de retrait",
        "number": f"{text['number']}-R",
        "running": f"{text['number']}-R · Décision de retrait",
        "withdrawn": text["number"],
        "withdrawn_title": text["title"],
        "decided_on": long_date(mails.local_day(content["decided_at"])),
        "date": long_date(mails.local_day(content["withdrawn_at"])),
        "reasons": [line for line in content["reason"].splitlines() if line.strip()],
        "kind": kind_of(decision.case).short,
        "signature": {
            "organisation": content["organisation"],
            "name": content["name"],
            "capacity": content["capacity"],
        },
    }


def draft_pdf(text: dict[str, Any]) -> bytes:
    """The decision as it would be signed, each page marked BROUILLON; nothing is kept of it."""
    return render_pdf(
        "pdf/decision.html",
        {"letter": letter_context(text), "author": settings.PORTAL_NAME},
        title=f"Projet de décision – {text['project']}",
        draft=True,
    )


def _read(decision_id: int) -> Decision:
    return Decision.objects.select_related(
        "case__community", "case__office", "case__instructor", "written_by", "withdrawn_by"
    ).get(pk=decision_id)
