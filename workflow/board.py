"""The opinions on one case as a person reads them, in a constant number of queries."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from django.db.models import Exists, OuterRef

from accounts.models import User
from workflow.models import (
    Case,
    ConflictDeclaration,
    Consultation,
    ConsultationLog,
    ConsultationNotice,
    Opinion,
)
from workflow.opinion_states import INSIDE_ACTIONS, ConsultationState, NoticeKind

# What goes on inside a body is its own business.
INSIDE_NOTICES: Final = frozenset({NoticeKind.TO_VALIDATE, NoticeKind.SENT_BACK})


@dataclass
class ConsultationRow:
    """What one body was asked and answered, as this person may read it."""

    consultation: Consultation
    # What stands: a draft for the body itself, else what it gave, if this person may read it.
    opinion: Opinion | None = None
    # What it gave before, when it was asked again.
    replaced: list[Opinion] = field(default_factory=list)
    logs: list[ConsultationLog] = field(default_factory=list)
    notices: list[ConsultationNotice] = field(default_factory=list)
    declarations: list[ConflictDeclaration] = field(default_factory=list)

    @property
    def stage(self) -> str:
        """Where the body is with it, in words."""
        return stage_label(self.consultation, self.opinion)


def stage_label(consultation: Consultation, opinion: Opinion | None) -> str:
    """Where a body is with an opinion, in the words of its desk."""
    state = consultation.state
    if opinion is not None and opinion.is_given and opinion.is_current:
        return "Rendu hors délai, non compté" if opinion.is_late else "Rendu"
    if state == ConsultationState.GIVEN:
        return "Rendu"
    if state not in {ConsultationState.REQUESTED, ConsultationState.SILENT}:
        return ConsultationState(state).label
    late = state == ConsultationState.SILENT
    if opinion is None:
        return "En retard" if late else "À rendre"
    step = "À valider" if opinion.submitted_at else "Rédigé"
    return f"{step}, en retard" if late else step


def next_awaiting(
    consultation: Consultation, user: User, *, validates: bool
) -> Consultation | None:
    """The next opinion of the same body that waits for this person, its case beside it.

    What is to be validated comes first for whoever validates, then the nearest deadline. What
    was submitted waits for nobody else. One query.
    """
    waiting = Consultation.objects.visible_to(user).filter(
        body=consultation.body_id,
        kind=Consultation.Kind.EXPECTED,
        state=ConsultationState.REQUESTED,
    )
    standing = Opinion.objects.current().filter(consultation=OuterRef("pk"))
    submitted = standing.filter(submitted_at__isnull=False)
    aside = ConflictDeclaration.objects.filter(
        consultation=OuterRef("pk"), user=user, outcome=ConflictDeclaration.Outcome.WITHDRAWN
    )
    waiting = waiting.exclude(pk=consultation.pk).exclude(Exists(aside))
    if validates:
        waiting = waiting.order_by(Exists(submitted).desc(), "due_on", "pk")
    else:
        waiting = waiting.exclude(Exists(submitted)).order_by("due_on", "pk")
    return waiting.select_related("case").first()


def read_board(case: Case, user: User) -> list[ConsultationRow]:
    """What the person may read of the opinions on a case, in five queries at most.

    The messages and the log are for the body itself and for the office that conducts the
    consultations; an agency that only reads the case sees states, dates and opinions.
    """
    consultations = Consultation.objects.visible_to(user).filter(case=case)
    rows = {
        one.pk: ConsultationRow(one) for one in consultations.select_related("body", "revoked_by")
    }
    if not rows:
        return []
    opinions = Opinion.objects.visible_to(user).filter(consultation__in=rows)
    for opinion in opinions.select_related("drafted_by", "validated_by", "mandate"):
        row = rows[opinion.consultation_id]
        if opinion.is_current:
            row.opinion = opinion
        else:
            row.replaced.append(opinion)
    body = user.acting.organisation_id if user.acting else None
    conducts = body is not None and body == case.office_id
    followed = [pk for pk, row in rows.items() if conducts or row.consultation.body_id == body]
    if followed:
        _add_story(rows, followed, body)
    return list(rows.values())


def _add_story(rows: dict[int, ConsultationRow], followed: Iterable[int], body: int | None) -> None:
    def inside(consultation_id: int) -> bool:
        return rows[consultation_id].consultation.body_id == body

    for log in ConsultationLog.objects.filter(consultation__in=followed).select_related("actor"):
        if log.action not in INSIDE_ACTIONS or inside(log.consultation_id):
            rows[log.consultation_id].logs.append(log)
    notices = ConsultationNotice.objects.filter(consultation__in=followed)
    for notice in notices.select_related("notification__mail"):
        if notice.kind not in INSIDE_NOTICES or inside(notice.consultation_id):
            rows[notice.consultation_id].notices.append(notice)
    declarations = ConflictDeclaration.objects.filter(consultation__in=followed)
    for declaration in declarations.select_related("user"):
        rows[declaration.consultation_id].declarations.append(declaration)


def communicated_opinions(case: Case, user: User) -> dict[str, Opinion]:
    """What the team, or another body consulted, may read: opinions by the name of their body."""
    found = Opinion.objects.visible_to(user).current().filter(consultation__case=case)
    return {
        opinion.consultation.body.name: opinion
        for opinion in found.select_related("consultation__body")
    }
