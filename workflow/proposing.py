"""An instructor writes a decision and proposes it to those who sign; or takes it back.

Every function locks the case first, then reads what it changes.
"""

from collections.abc import Sequence
from typing import Final

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.utils import timezone

from accounts.models import User
from outbox.services import publish
from procedures.decisions import Nature, Outcome, decision_parameters
from workflow import decision_rules as rules
from workflow import decision_text
from workflow.deciders import deciding_bodies_on
from workflow.decision_missing import obstacles, text_problems, too_much
from workflow.decisions import State, locked_child, open_decision, proposed_decision
from workflow.models import Approval, Case, CaseDesk, Decision, DecisionParty
from workflow.people import still_holds_their_role
from workflow.services import ActionRefusedError, IncompleteError, already_done, perform
from workflow.states import CaseState
from workflow.typed import bare


@transaction.atomic
def save_proposal(
    case: Case,
    *,
    user: User,
    base_revision: int,
    outcome: str,
    law_keys: Sequence[str] = (),
    law_text: str = "",
    fact_keys: Sequence[str] = (),
    fact_text: str = "",
    reserves: Sequence[str] = (),
    ground: str = "",
    submit: bool = False,
) -> Decision:
    """Write the decision, and propose it to whoever signs if `submit`.

    `base_revision` is the revision the person started from, 0 when there was none. A change of a
    text already proposed voids the approvals given, and those who gave them are told.

    Raises PermissionDenied, AlreadyDoneError when the case is decided or withdrawn,
    IncompleteError with what is missing, and ActionRefusedError with the sentence to show.
    """
    case = locked_child(case)
    if not rules.may_propose(case, user):
        raise PermissionDenied(_WHO_PROPOSES)
    still_holds_their_role(user)
    if case.state not in {CaseState.UNDER_REVIEW, CaseState.DECISION_PROPOSED}:
        raise already_done(case)
    decision = open_decision(case)
    if base_revision != (decision.revision if decision else 0):
        who = decision.written_by if decision else "une autre personne"
        raise ActionRefusedError(
            f"La proposition a été modifiée par {who} pendant que vous l’aviez sous les yeux. Rien "
            "n’a été enregistré : rechargez la page, puis reportez vos changements."
        )
    if decision is None:
        rank = Decision.objects.filter(case_id=case.pk).count() + 1
        decision = Decision(case_id=case.pk, rank=rank, revision=0)
        decision.case = case
    fill(
        decision,
        region_code=case.region_id,
        outcome=outcome,
        law_keys=law_keys,
        law_text=law_text,
        fact_keys=fact_keys,
        fact_text=fact_text,
        reserves=reserves,
        ground=ground,
    )
    if refused := too_much(decision):
        raise ActionRefusedError(" ".join(refused))
    decision.revision += 1
    decision.written_by, decision.written_at = user, timezone.now()
    proposed = case.state == CaseState.DECISION_PROPOSED
    if submit or proposed:
        _propose(case, decision, user=user, revising=proposed)
    else:
        decision.save()
    return decision


_WHO_PROPOSES: Final = (
    "Seul l’agent qui instruit le dossier, ou un coordinateur du bureau en charge, rédige la "
    "décision."
)


def fill(
    decision: Decision,
    *,
    region_code: str,
    outcome: str,
    law_keys: Sequence[str],
    law_text: str,
    fact_keys: Sequence[str],
    fact_text: str,
    reserves: Sequence[str],
    ground: str = "",
) -> None:
    """Write what was typed on a decision, without saving it: unknown reasons are left out."""
    parameters = decision_parameters()

    def known(keys: Sequence[str], nature: Nature) -> list[str]:
        return [one.key for one in parameters.reasons_for(region_code, nature) if one.key in keys]

    decision.outcome = outcome if outcome in set(Outcome) else ""
    grounds = dict(decision_text.words_of(decision.case.kind).grounds(decision.case))
    decision.ground = ground if outcome == Outcome.REFUSE and ground in grounds else ""
    decision.law_keys = known(law_keys, Nature.LAW)
    decision.fact_keys = known(fact_keys, Nature.FACT)
    decision.law_text, decision.fact_text = bare(law_text), bare(fact_text)
    decision.reserves = [text for one in reserves if (text := " ".join(bare(one).split()))]


def _propose(case: Case, decision: Decision, *, user: User, revising: bool) -> None:
    missing = obstacles(case) + text_problems(decision)
    if missing:
        raise IncompleteError(missing)
    bodies = [
        (one.decider, one.organisation) for one in deciding_bodies_on(decision) if one.organisation
    ]
    text = decision_text.compose(case, decision, [organisation for _, organisation in bodies])
    before, decision.text = decision.text_sha256, text
    decision.text_sha256 = decision_text.digest(text)
    if revising and before == decision.text_sha256:
        raise ActionRefusedError(
            "Vous n’avez rien changé au texte proposé : les approbations déjà données valent "
            "toujours."
        )
    decision.state = State.PROPOSED
    decision.proposed_at = timezone.now()
    decision.returned_at = decision.returned_by = None
    decision.return_comment = ""
    decision.save()
    for position, (decider, organisation) in enumerate(bodies):
        DecisionParty.objects.update_or_create(
            decision=decision,
            decider=decider.value,
            defaults={"organisation": organisation, "position": position},
        )
        CaseDesk.objects.get_or_create(
            case_id=case.pk,
            organisation=organisation,
            defaults={"kind": CaseDesk.Kind.INFORMED},
        )
    voided = void_approvals(decision)
    comment = f"Approbations devenues caduques : {', '.join(voided)}." if voided else ""
    name = "revise_proposal" if revising else "propose_decision"
    perform(case, name, actor=user, comment=comment)
    publish(
        "decisions.proposed",
        key=f"{decision.pk}:{decision.revision}",
        decision_id=decision.pk,
        revision=decision.revision,
        voided=bool(voided),
    )


def void_approvals(decision: Decision) -> list[str]:
    """Void what was approved of another text; the names of those whose approval falls."""
    fallen = Approval.objects.filter(party__decision=decision, voided_at__isnull=True)
    names = [
        f"{one.name} ({one.party.organisation})"
        for one in fallen.select_related("party__organisation")
    ]
    fallen.update(voided_at=timezone.now())
    return names


@transaction.atomic
def take_back(case: Case, *, user: User) -> Decision:
    """The instructor takes a proposal back: it is a draft again, what was approved is void.

    Raises PermissionDenied, and AlreadyDoneError when it was signed, sent back or withdrawn.
    """
    case = locked_child(case)
    if not rules.may_propose(case, user):
        raise PermissionDenied(_WHO_PROPOSES)
    still_holds_their_role(user)
    decision = proposed_decision(case)
    decision.state = State.DRAFT
    decision.revision += 1
    decision.save()
    void_approvals(decision)
    perform(case, "take_back_proposal", actor=user)
    return decision
