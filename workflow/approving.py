"""Each body that decides approves the text it has read, or sends it back; the last one decides.

Every function locks the case first, then reads what it changes.
"""

from collections.abc import Callable, Sequence
from typing import Final

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.utils import timezone

from accounts.models import User
from cpts_portal.words import long_date
from outbox.services import publish
from workflow import decision_rules as rules
from workflow import decision_text
from workflow.decision_missing import obstacles
from workflow.decisions import (
    LONGEST_REASON,
    State,
    locked_child,
    parties_of,
    proposed_decision,
    standing_approvals,
    unsigned_parties,
)
from workflow.models import (
    Approval,
    Case,
    Decision,
    DecisionParty,
    SignatureDelegation,
    TransitionLog,
)
from workflow.people import still_holds_their_role
from workflow.proposing import void_approvals
from workflow.services import (
    ActionRefusedError,
    IncompleteError,
    already_done_by,
    end_clock,
    perform,
)
from workflow.typed import bare, typed_text

LONGEST_CAPACITY: Final = 200
AfterApproval = Callable[..., None]
_after_approval: list[AfterApproval] = []


def declare_after_approval(effect: AfterApproval) -> AfterApproval:
    """Add what goes with a decision, in its transaction: `effect(case, decision, actor=…)`."""
    if effect not in _after_approval:
        _after_approval.append(effect)
    return effect


@transaction.atomic
def approve(case: Case, *, user: User, text_sha256: str, capacity: str = "") -> Decision:
    """Sign the text the person has read, for the body they act for.

    The decision exists once every body that decides has approved this very text: the last one
    to sign takes it. `capacity` is what the signatory is (« directeur général »); the holder of a
    delegation signs in the capacity the delegation gives.

    Raises PermissionDenied, AlreadyDoneError when the body has signed or the case has moved,
    IncompleteError when something keeps the case from being decided, and ActionRefusedError.
    """
    case = locked_child(case)
    decision = proposed_decision(case)
    party, delegation = right_to_sign(decision, case, user)
    for given in standing_approvals(decision):
        if given.party_id == party.pk:
            raise already_done_by(given.approved_by, given.approved_at)
    if text_sha256 != decision.text_sha256:
        raise ActionRefusedError(
            f"Le texte a été modifié par {decision.written_by} depuis que vous l’avez ouvert. Rien "
            "n’est signé : relisez-le, puis approuvez-le."
        )
    if missing := obstacles(case):
        raise IncompleteError(missing)
    Approval.objects.create(
        party=party,
        text_sha256=decision.text_sha256,
        approved_by=user,
        name=full_name(user),
        capacity=_capacity(delegation.capacity if delegation else capacity),
        delegation=delegation,
    )
    perform(
        case, "approve_decision" if unsigned_parties(decision) else decision.outcome, actor=user
    )
    decision.refresh_from_db()
    return decision


def right_to_sign(
    decision: Decision, case: Case, user: User
) -> tuple[DecisionParty, SignatureDelegation | None]:
    """For which body the person signs, and by which delegation; None when their role is enough.

    Raises PermissionDenied for whoever does not sign, ActionRefusedError for a delegation that is
    not in force, with whose it is and since when.
    """
    party = rules.party_of(parties_of(decision), case, user)
    if party is None:
        raise PermissionDenied(
            "Seul un signataire d’un organisme qui décide, ou le titulaire de sa délégation de "
            "signature, signe cette décision."
        )
    still_holds_their_role(user)
    delegation = None
    if not rules.is_signatory(user):
        held = rules.delegations_of(party, user)
        delegation = next((one for one in held if rules.covers(one, case)), None)
        if delegation is None:
            if not held:
                raise PermissionDenied(
                    f"Seul un signataire de l’organisme qui décide ({party.organisation}), ou le "
                    "titulaire de sa délégation de signature, signe cette décision."
                )
            raise ActionRefusedError(why_not_in_force(held, case))
    if decision.written_by_id == user.pk:
        raise ActionRefusedError(
            "Vous avez rédigé cette décision : une autre personne la relit et la signe."
        )
    return party, delegation


def why_not_in_force(held: Sequence[SignatureDelegation], case: Case) -> str:
    """Why none of a person's delegations lets them sign today: whose, and since when."""
    today = timezone.localdate()
    near = [one for one in held if rules.reaches(one, case)]
    last = (near or held)[0]
    whose = f"La délégation de signature de {last.holder} ({last.organisation})"
    if not near:
        return (
            f"{whose} est limitée au département {last.department_id}, que ce dossier ne touche "
            "pas. Demandez à un signataire de signer."
        )
    if last.revoked_at:
        when = long_date(timezone.localdate(last.revoked_at))
        return f"{whose} a été retirée le {when} par {last.revoked_by}."
    if last.valid_to < today:
        return (
            f"{whose} a pris fin le {long_date(last.valid_to)}. Demandez qu’elle soit "
            "renouvelée, ou qu’un signataire signe."
        )
    return (
        f"{whose} ne commence que le {long_date(last.valid_from)}. D’ici là, un signataire "
        "peut signer."
    )


def full_name(user: User) -> str:
    """The first and last names an act bears. Raises ActionRefusedError without one of them."""
    if not user.first_name.strip() or not user.last_name.strip():
        raise ActionRefusedError(
            "Une décision porte le prénom et le nom de son auteur (CRPA, article L. 212-1) : "
            "complétez-les dans « Mon compte », puis signez."
        )
    return user.get_full_name()


def _capacity(text: str) -> str:
    text = " ".join(bare(text).split())
    if not text:
        raise ActionRefusedError(
            "Écrivez votre qualité, par exemple « directrice générale » : une décision la porte "
            "(CRPA, article L. 212-1)."
        )
    if len(text) > LONGEST_CAPACITY:
        raise ActionRefusedError(
            f"La qualité compte {len(text)} caractères ; {LONGEST_CAPACITY} au plus. "
            "Raccourcissez-la."
        )
    return text


@transaction.atomic
def send_back(case: Case, *, user: User, comment: str) -> Decision:
    """A signatory returns the proposal with what to change; what was approved is void.

    Raises PermissionDenied, AlreadyDoneError, and ActionRefusedError with the sentence to show.
    """
    case = locked_child(case)
    decision = proposed_decision(case)
    right_to_sign(decision, case, user)
    comment = typed_text(
        comment,
        longest=LONGEST_REASON,
        needed="Dites à l’agent instructeur ce qu’il faut changer : il lira ce message.",
    )
    decision.state = State.DRAFT
    decision.revision += 1
    decision.returned_at, decision.returned_by = timezone.now(), user
    decision.return_comment = comment
    # The right to sign is read on what is proposed: the case moves first.
    log = perform(case, "send_back_proposal", actor=user, comment=comment)
    decision.save()
    void_approvals(decision)
    publish("decisions.sent_back", key=str(log.pk), decision_id=decision.pk, log_id=log.pk)
    return decision


def record_taken(case: Case, *, log: TransitionLog, actor: User) -> Decision:
    """What goes with the last approval, in its transaction: freeze, stop the clock, leave work.

    Each kind of case calls it as the record of its `accept` and `refuse`.
    """
    decision = Decision.objects.get(case_id=case.pk, state=State.PROPOSED)
    decision.case = case
    approvals = standing_approvals(decision)
    decision.taken_at = log.at
    decision.state = State.TAKEN
    decision.content = {
        "text": decision.text,
        "text_sha256": decision.text_sha256,
        "decided_at": log.at,
        "signatures": [decision_text.signature_of(one) for one in approvals],
    }
    decision.sha256 = decision_text.digest(decision.content)
    Decision.objects.filter(pk=decision.pk).update(
        state=decision.state,
        taken_at=decision.taken_at,
        content=decision.content,
        sha256=decision.sha256,
    )
    end_clock(case, actor=actor, reason="Décision prise.")
    for effect in _after_approval:
        effect(case, decision, actor=actor)
    publish("decisions.taken", key=str(decision.pk), decision_id=decision.pk)
    return decision
