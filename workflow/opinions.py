"""Writing and giving a body's opinion. A member drafts; the president, or who holds a mandate,
validates. The draft belongs to the body: another member may take it up.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Any, Final

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from accounts.models import Organisation, User
from accounts.rpps import is_written_in
from communities.models import TeamMember
from cpts_portal.words import of_body, the_body
from outbox.services import publish
from procedures.circuit import Grid
from procedures.grids import marks_problems, read_marks
from workflow import opinion_rules as rules
from workflow.consultation_mails import tell
from workflow.consultations import advance, circuit_of, fall_silent, locked, log_action, validators
from workflow.models import Case, ConflictDeclaration, Consultation, Mandate, Opinion, Snapshot
from workflow.opinion_content import opinion_content
from workflow.opinion_states import (
    JUDGING,
    OPEN_TO_OPINIONS,
    ConsultationAction,
    ConsultationState,
    NoticeKind,
    Position,
)
from workflow.people import still_holds_their_role
from workflow.services import ActionRefusedError, IncompleteError, already_done_by
from workflow.states import OPEN_STATES
from workflow.typed import bare

LONGEST_TEXT: Final = 20_000
LONGEST_RESERVE: Final = 1_000
MOST_RESERVES: Final = 30
LONGEST_REASON: Final = 2_000
# A mandate is for an absence or a term of office, not for ever.
LONGEST_MANDATE_DAYS: Final = 366

Action = ConsultationAction

_RESERVES_UNEXPECTED: Final = (
    "Vous énoncez des réserves : choisissez « Favorable avec réserves », ou retirez-les."
)


class ConflictToDeclareError(ActionRefusedError):
    """The person may have a tie with the case: they say so, or step aside, before writing."""


class StaleDraftError(ActionRefusedError):
    """Somebody changed the draft since the person opened it."""


def grid_of(consultation: Consultation, case: Case) -> Grid | None:
    """The grid this body fills in, in the version of the procedure the case began with."""
    return circuit_of(case).grid(consultation.grid) if consultation.grid else None


# --- Drafting ----------------------------------------------------------------------------------


@transaction.atomic
def draft_opinion(
    consultation: Consultation,
    *,
    user: User,
    base_revision: int,
    position: str = "",
    text: str = "",
    reserves: Sequence[str] = (),
    marks: Mapping[str, Any] | None = None,
    submit: bool = False,
) -> Opinion:
    """Write the body's draft, and submit it to whoever validates if `submit`.

    `base_revision` is the revision the person started from, 0 when there was no draft yet.

    Raises PermissionDenied, ConflictToDeclareError, IncompleteError when what is submitted
    could not be given, and ActionRefusedError with the sentence to show.
    """
    consultation, case = locked(consultation)
    if not rules.may_draft(consultation, user):
        raise PermissionDenied("Seuls les membres de l’organisme consulté rédigent son avis.")
    still_holds_their_role(user)
    opinion = _open_opinion(consultation)
    _refuse_conflict(consultation, case, user)
    _refuse_stale(opinion, base_revision)
    grid = grid_of(consultation, case)
    if opinion is None:
        opinion = Opinion(consultation=consultation, revision=0)
    opinion.position = position
    opinion.text = bare(text)
    opinion.reserves = [clean for one in reserves if (clean := bare(one))]
    opinion.marks = read_marks(grid, marks or {}) if grid else {}
    if refused := _too_much(opinion, grid):
        raise ActionRefusedError(" ".join(refused))
    opinion.version_read = case.version
    opinion.revision += 1
    opinion.drafted_by = user
    opinion.drafted_at = timezone.now()
    # What somebody submitted and somebody else changes has to be submitted again.
    opinion.submitted_at = None
    if submit:
        if missing := missing_before_validation(opinion, grid):
            raise IncompleteError(missing)
        opinion.submitted_at = opinion.drafted_at
        opinion.returned_at = opinion.returned_by = None
        opinion.return_comment = ""
    opinion.save()
    if submit:
        log_action(consultation, Action.SUBMITTED, actor=user)
        others = [one for one in validators(consultation, case) if one.pk != user.pk]
        cause = f"{opinion.pk}:{opinion.revision}"
        tell(consultation, case, NoticeKind.TO_VALIDATE, others, cause=cause)
    return opinion


def missing_before_validation(opinion: Opinion, grid: Grid | None) -> list[str]:
    """What an opinion lacks before it can be given, as sentences. Empty: it can."""
    return [sentence for _, sentence in lacks_before_validation(opinion, grid)]


def lacks_before_validation(opinion: Opinion, grid: Grid | None) -> list[tuple[str, str]]:
    """The same, each sentence after what it is about: « position », « reserves », « text », or
    « mark_ » and a criterion."""
    position = opinion.position
    if not position:
        return [("position", "Choisissez la position de votre organisme.")]
    lacks = []
    if position == Position.FAVOURABLE_WITH_RESERVES and not opinion.reserves:
        lacks.append(
            ("reserves", "Énoncez au moins une réserve, ou choisissez une autre position.")
        )
    if position != Position.FAVOURABLE_WITH_RESERVES and opinion.reserves:
        lacks.append(("reserves", _RESERVES_UNEXPECTED))
    if position in {Position.UNFAVOURABLE, Position.NO_OPINION} and not opinion.text:
        lacks.append(("text", "Expliquez votre position : ce texte sert à la décision."))
    if grid:
        for criterion in grid.criteria:
            alone = replace(grid, criteria=(criterion,))
            problems = marks_problems(alone, opinion.marks, complete=position in JUDGING)
            lacks += [(f"mark_{criterion.key}", sentence) for sentence in problems]
    return lacks


def _open_opinion(consultation: Consultation) -> Opinion | None:
    """The draft of this consultation, if any.

    Raises AlreadyDoneError when the opinion is given, ActionRefusedError when none is awaited.
    """
    if not consultation.is_expected:
        raise ActionRefusedError(
            "Ce dossier vous est communiqué pour information : aucun avis n’est attendu."
        )
    if consultation.state == ConsultationState.REVOKED:
        who = consultation.revoked_by or "le portail"
        raise ActionRefusedError(
            f"La demande d’avis a été retirée par {who} : {consultation.revocation_reason} "
            "Votre avis n’est plus attendu."
        )
    opinion = consultation.opinions.current().select_related("validated_by").first()
    if opinion is not None and opinion.validated_at:
        raise already_done_by(opinion.validated_by, opinion.validated_at)
    if consultation.state not in OPEN_TO_OPINIONS:
        raise ActionRefusedError(
            "L’avis de votre organisme n’est pas encore demandé : un autre avis doit être rendu "
            "avant lui. Vous recevrez un message."
        )
    return opinion


def _refuse_stale(opinion: Opinion | None, base_revision: int) -> None:
    revision = opinion.revision if opinion else 0
    if base_revision != revision:
        who = opinion.drafted_by if opinion else "un autre membre"
        raise StaleDraftError(
            f"Le projet d’avis a été modifié par {who} pendant que vous l’aviez sous les yeux. "
            "Rien n’a été enregistré : relisez-le tel qu’il est maintenant, puis recommencez."
        )


def _too_much(opinion: Opinion, grid: Grid | None) -> list[str]:
    """What no draft may hold, as sentences."""
    refused = []
    if opinion.position not in {"", *Position.values}:
        refused.append("Cette position n’existe pas : choisissez-en une de la liste.")
    if len(opinion.text) > LONGEST_TEXT:
        refused.append(
            f"Le texte compte {len(opinion.text)} caractères ; il en accepte {LONGEST_TEXT} au "
            "plus. Raccourcissez-le."
        )
    if len(opinion.reserves) > MOST_RESERVES:
        refused.append(f"{MOST_RESERVES} réserves au plus : regroupez-en quelques-unes.")
    if any(len(one) > LONGEST_RESERVE for one in opinion.reserves):
        refused.append(
            f"Une réserve compte {LONGEST_RESERVE} caractères au plus : raccourcissez-la, ou "
            "développez-la dans le texte."
        )
    if grid:
        refused += marks_problems(grid, opinion.marks, complete=False)
    return refused


# --- Validating --------------------------------------------------------------------------------


@transaction.atomic
def validate_opinion(consultation: Consultation, *, user: User, revision: int) -> Opinion:
    """Give the body's opinion: what the person has read at this revision, and nothing else.

    After the deadline or after the decision it is kept as late, and not counted.

    Raises PermissionDenied, AlreadyDoneError when somebody has given it, IncompleteError, and
    ActionRefusedError with the sentence to show.
    """
    consultation, case = locked(consultation)
    mandate = _right_to_validate(consultation, user)
    opinion = _open_opinion(consultation)
    if opinion is None:
        raise ActionRefusedError("Aucun projet d’avis n’est écrit : rédigez-le, puis validez-le.")
    _refuse_conflict(consultation, case, user)
    _refuse_stale(opinion, revision)
    if missing := missing_before_validation(opinion, grid_of(consultation, case)):
        raise IncompleteError(missing)
    overdue = consultation.due_on is not None and consultation.due_on < timezone.localdate()
    is_late = overdue or case.state not in OPEN_STATES
    if is_late and consultation.state == ConsultationState.REQUESTED:
        fall_silent(consultation)
    opinion.validated_at = timezone.now()
    opinion.validated_by = user
    opinion.mandate = mandate
    opinion.is_late = is_late
    before = Opinion.objects.filter(consultation__case=case, validated_at__isnull=False)
    opinion.content = opinion_content(
        opinion,
        consultation,
        case,
        circuit_of(case),
        rank=before.count() + 1,
        mandate=mandate,
    )
    opinion.save()
    publish("workflow.opinion_given", key=str(opinion.pk), opinion_id=opinion.pk)
    if is_late:
        log_action(consultation, Action.VALIDATED_LATE, actor=user)
    else:
        consultation.state = ConsultationState.GIVEN
        consultation.save()
        log_action(consultation, Action.VALIDATED, actor=user)
    advance(case)
    return opinion


@transaction.atomic
def send_back(consultation: Consultation, *, user: User, revision: int, comment: str) -> Opinion:
    """Return a submitted draft to its writer, with what to change.

    Raises PermissionDenied, AlreadyDoneError, and ActionRefusedError with the sentence to show.
    """
    consultation, case = locked(consultation)
    _right_to_validate(consultation, user)
    opinion = _open_opinion(consultation)
    comment = bare(comment)
    if opinion is None or opinion.submitted_at is None:
        if opinion is not None and opinion.returned_at:
            raise already_done_by(opinion.returned_by, opinion.returned_at)
        raise ActionRefusedError("Aucun projet d’avis n’est soumis à validation.")
    _refuse_stale(opinion, revision)
    if not comment:
        raise ActionRefusedError("Dites au rédacteur ce qu’il faut changer : il lira ce message.")
    if len(comment) > LONGEST_REASON:
        raise ActionRefusedError(
            f"Ce message compte {len(comment)} caractères ; il en accepte {LONGEST_REASON} au "
            "plus. Raccourcissez-le."
        )
    opinion.submitted_at = None
    opinion.returned_at = timezone.now()
    opinion.returned_by = user
    opinion.return_comment = comment
    opinion.save()
    log_action(consultation, Action.SENT_BACK, actor=user, comment=comment)
    cause = f"{opinion.pk}:{opinion.revision}"
    writers = [opinion.drafted_by]
    tell(consultation, case, NoticeKind.SENT_BACK, writers, cause=cause, comment=comment)
    return opinion


def _right_to_validate(consultation: Consultation, user: User) -> Mandate | None:
    """The mandate the person uses, or None when their own role is enough.

    Raises PermissionDenied, with the dates of a mandate that is not in force.
    """
    if not rules.may_draft(consultation, user):
        raise PermissionDenied("Seuls les membres de l’organisme consulté valident son avis.")
    still_holds_their_role(user)
    if rules.presides(consultation, user):
        return None
    mandates = _mandates(consultation, user)
    today = timezone.localdate()
    if mandate := _in_force(mandates, today):
        return mandate
    raise PermissionDenied(_why_not(mandates, consultation.body, today))


def validation_refusal(consultation: Consultation, user: User) -> str:
    """Why a member may not give the body's opinion today, as a sentence. Empty: they may."""
    if rules.presides(consultation, user):
        return ""
    mandates, today = _mandates(consultation, user), timezone.localdate()
    if _in_force(mandates, today):
        return ""
    return _why_not(mandates, consultation.body, today)


def _mandates(consultation: Consultation, user: User) -> list[Mandate]:
    return list(Mandate.objects.filter(body_id=consultation.body_id, holder=user))


def _in_force(mandates: Sequence[Mandate], today: date) -> Mandate | None:
    for mandate in mandates:
        if rules.is_in_force(
            mandate.valid_from,
            mandate.valid_to,
            revoked=mandate.revoked_at is not None,
            today=today,
        ):
            return mandate
    return None


def _why_not(mandates: Sequence[Mandate], body: Organisation, today: date) -> str:
    validator = rules.validator_word(body.kind)
    if not mandates:
        return (
            f"Seul le {validator} {of_body(body.name)}, ou la personne à qui il a donné mandat, "
            "valide un avis."
        )
    last = mandates[0]
    if last.revoked_at:
        when = timezone.localdate(last.revoked_at)
        return f"Votre mandat pour {the_body(body.name)} a été retiré le {when:%d/%m/%Y}."
    if last.valid_to < today:
        return (
            f"Votre mandat pour {the_body(body.name)} a pris fin le {last.valid_to:%d/%m/%Y}. "
            f"Demandez au {validator} de le renouveler."
        )
    return f"Votre mandat pour {the_body(body.name)} commence le {last.valid_from:%d/%m/%Y}."


@transaction.atomic
def give_mandate(
    body: Organisation, *, holder: User, by: User, valid_from: date, valid_to: date
) -> Mandate:
    """Let a member validate the body's opinions from a day to a day, both included.

    Raises PermissionDenied, or ActionRefusedError with the sentence to show.
    """
    if not rules.may_give_mandate(body.pk, by):
        raise PermissionDenied(
            f"Seul le {rules.validator_word(body.kind)} {of_body(body.name)} donne mandat de "
            "valider ses avis."
        )
    still_holds_their_role(by)
    held = holder.memberships.filter(
        organisation=body, is_active=True, role__in=rules.DRAFTERS[body.kind]
    )
    if not held.exists():
        raise ActionRefusedError(
            f"{holder} n’est pas membre {of_body(body.name)} : invitez d’abord cette personne."
        )
    if valid_to < valid_from:
        raise ActionRefusedError("La fin du mandat précède son début.")
    if (valid_to - valid_from).days > LONGEST_MANDATE_DAYS:
        raise ActionRefusedError("Un mandat dure un an au plus : vous pourrez le renouveler.")
    return Mandate.objects.create(
        body=body, holder=holder, given_by=by, valid_from=valid_from, valid_to=valid_to
    )


@transaction.atomic
def end_mandate(mandate: Mandate, *, by: User) -> None:
    """End a mandate now. What its holder validated stands. Raises PermissionDenied."""
    mandate = Mandate.objects.select_for_update().get(pk=mandate.pk)
    if not rules.may_give_mandate(mandate.body_id, by):
        validator = rules.validator_word(mandate.body.kind)
        raise PermissionDenied(
            f"Seul le {validator} {of_body(mandate.body.name)} retire ce mandat."
        )
    still_holds_their_role(by)
    if mandate.revoked_at is None:
        mandate.revoked_at = timezone.now()
        mandate.save()


# --- Conflicts of interest --------------------------------------------------------------------


def conflict_suspected(case: Case, user: User) -> str | None:
    """What ties the person to the case, as a sentence, or None.

    The team, whoever is invited to it, then any address or RPPS number in what was last
    deposited.
    """
    for member in case.community.team_members.select_related("user"):
        if member.user_id == user.pk or (user.rpps and member.user.rpps == user.rpps):
            return f"Vous êtes dans l’équipe de cette CPTS, comme {member.get_role_display()}."
    if case.community.invitations.waiting().filter(email__iexact=user.email).exists():
        return "Une invitation dans l’équipe de cette CPTS vous attend."
    snapshot = Snapshot.objects.filter(case=case).order_by("-version").first()
    texts = list(_texts(snapshot.content)) if snapshot else []
    email = user.email.lower()
    if any(email in text.lower() for text in texts):
        return "Votre adresse électronique figure dans le dossier déposé."
    if user.rpps and any(is_written_in(user.rpps, text) for text in texts):
        return "Votre numéro RPPS figure dans le dossier déposé."
    return None


def _texts(content: Any) -> Iterator[str]:
    if isinstance(content, str):
        yield content
    elif isinstance(content, Mapping):
        for value in content.values():
            yield from _texts(value)
    elif isinstance(content, list):
        for value in content:
            yield from _texts(value)


def writes_with_the_team(case: Case, user: User) -> bool:
    """Whether the person writes the case: they cannot judge it, whatever they declare.

    Two accounts of one RPPS number are one person.
    """
    same = Q(user=user)
    if user.rpps:
        same |= Q(user__rpps=user.rpps)
    return case.community.team_members.filter(
        same,
        role__in=(TeamMember.Role.OWNER, TeamMember.Role.EDITOR),
    ).exists()


@transaction.atomic
def declare_conflict(
    consultation: Consultation, *, user: User, outcome: str, reason: str = ""
) -> ConflictDeclaration:
    """Say there is no conflict, and why; or step aside from this consultation.

    Stepping aside is final: the other members of the body go on without the person.

    Raises PermissionDenied, or ActionRefusedError with the sentence to show.
    """
    consultation, case = locked(consultation)
    if not rules.may_draft(consultation, user):
        raise PermissionDenied("Seuls les membres de l’organisme consulté se déclarent ici.")
    still_holds_their_role(user)
    reason = bare(reason)[:LONGEST_REASON]
    outcome = ConflictDeclaration.Outcome(outcome)
    before = consultation.declarations.filter(user=user).first()
    if before and before.outcome == ConflictDeclaration.Outcome.WITHDRAWN:
        raise already_done_by(user, before.declared_at)
    if outcome == ConflictDeclaration.Outcome.NONE:
        if writes_with_the_team(case, user):
            raise ActionRefusedError(
                "Vous écrivez ce dossier avec son équipe : vous ne pouvez pas donner d’avis sur "
                "lui. Déportez-vous, un autre membre de votre organisme le fera."
            )
        if not reason:
            raise ActionRefusedError(
                "Expliquez pourquoi il n’y a pas de conflit d’intérêts : le bureau en charge du "
                "dossier lira cette explication."
            )
    declaration, _created = ConflictDeclaration.objects.update_or_create(
        consultation=consultation,
        user=user,
        defaults={
            "outcome": outcome,
            "suspicion": conflict_suspected(case, user) or "",
            "reason": reason,
            "declared_at": timezone.now(),
        },
    )
    stepped_aside = outcome == ConflictDeclaration.Outcome.WITHDRAWN
    log_action(
        consultation,
        Action.WITHDREW if stepped_aside else Action.NO_CONFLICT,
        actor=user,
        comment=reason,
    )
    return declaration


def _refuse_conflict(consultation: Consultation, case: Case, user: User) -> None:
    """Raises ActionRefusedError when a tie with the case keeps the person from writing."""
    declared = consultation.declarations.filter(user=user).first()
    if declared and declared.outcome == ConflictDeclaration.Outcome.WITHDRAWN:
        when = timezone.localdate(declared.declared_at)
        raise ActionRefusedError(
            f"Vous vous êtes déporté de cet avis le {when:%d/%m/%Y} : un autre membre de votre "
            "organisme le rédige."
        )
    suspicion = conflict_suspected(case, user)
    if suspicion is None:
        return
    if writes_with_the_team(case, user):
        raise ConflictToDeclareError(
            f"{suspicion} Vous ne pouvez pas donner d’avis sur ce dossier : déportez-vous, un "
            "autre membre de votre organisme le fera."
        )
    if declared is None:
        raise ConflictToDeclareError(
            f"{suspicion} Avant de rédiger, déclarez qu’il n’y a pas de conflit d’intérêts et "
            "pourquoi, ou déportez-vous."
        )


# --- What leaves ------------------------------------------------------------------------------


@transaction.atomic
def set_communicable(opinion: Opinion, *, user: User, communicable: bool) -> Opinion:
    """Choose whether the team and the other bodies may read an opinion once the synthesis leaves.

    Raises PermissionDenied, or ActionRefusedError for an opinion that is not given.
    """
    consultation, case = locked(opinion.consultation)
    opinion = Opinion.objects.get(pk=opinion.pk)
    if not rules.may_follow_consultations(case, user):
        raise PermissionDenied("Seul le bureau en charge choisit ce qui est communiqué.")
    still_holds_their_role(user)
    if not opinion.is_given:
        raise ActionRefusedError("Cet avis n’est pas rendu : il ne peut pas être communiqué.")
    if opinion.communicable != communicable:
        opinion.communicable = communicable
        opinion.save(update_fields=["communicable"])
        action = Action.MADE_COMMUNICABLE if communicable else Action.MADE_CONFIDENTIAL
        log_action(consultation, action, actor=user)
    return opinion
