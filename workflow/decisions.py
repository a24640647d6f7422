"""Deciding on a case: an instructor proposes, each body that decides approves the same text, and
only then the decision exists. A coordinator may withdraw an illegal one within four months.

Every function locks the case first, then reads what it changes.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.utils import timezone

from accounts.models import Organisation, User
from accounts.organisations import regional_agency
from cpts_portal.words import of_body
from outbox.services import publish
from procedures.circuit import Decider
from procedures.decisions import Nature, Outcome, decision_parameters
from workflow import decision_rules as rules
from workflow import decision_text
from workflow.clock import day_in_words
from workflow.consultations import circuit_of
from workflow.decision_states import DecisionState
from workflow.kinds import child_of
from workflow.legal_dates import add_months
from workflow.models import (
    Approval,
    Case,
    CaseDesk,
    Consultation,
    Decision,
    DecisionParty,
    SignatureDelegation,
    TransitionLog,
)
from workflow.people import still_holds_their_role
from workflow.services import (
    ActionRefusedError,
    IncompleteError,
    already_done,
    already_done_by,
    end_clock,
    perform,
    reopen_clock,
)
from workflow.states import CaseState

LONGEST_TEXT: Final = 20_000
LONGEST_RESERVE: Final = 1_000
MOST_RESERVES: Final = 30
LONGEST_REASON: Final = 5_000
LONGEST_CAPACITY: Final = 200

State = DecisionState
Obstacle = Callable[[Case], list[str]]
AfterApproval = Callable[..., None]

_obstacles: list[Obstacle] = []
_after_approval: list[AfterApproval] = []


def declare_obstacle(obstacle: Obstacle) -> Obstacle:
    """Add something that may keep a case from being decided: `obstacle(case)` says why.

    Sentences in French, each with what to do; an empty list means it keeps nothing.
    """
    if obstacle not in _obstacles:
        _obstacles.append(obstacle)
    return obstacle


def declare_after_approval(effect: AfterApproval) -> AfterApproval:
    """Add what goes with a decision, in its transaction: `effect(case, decision, actor=…)`."""
    if effect not in _after_approval:
        _after_approval.append(effect)
    return effect


# --- Who decides ------------------------------------------------------------------------------


@dataclass(frozen=True)
class DecidingBody:
    """A body that decides: by what title, and which organisation; None when none is known."""

    decider: Decider
    organisation: Organisation | None


def deciding_bodies(case: Case) -> list[DecidingBody]:
    """Who decides on a case, in the order of its circuit.

    The agency of its region; the CPAM of the département whose office is in charge, else of the
    one where most of the territory's people live.
    """
    return [DecidingBody(one, _decider(one, case)) for one in circuit_of(case).decision.by]


def deciding_bodies_on(decision: Decision) -> list[DecidingBody]:
    """Those who sign this decision: all who decide, or the one to whom the law gives a refusal."""
    bodies = deciding_bodies(decision.case)
    alone = decision_text.words_of(decision.case.kind).refused_by
    if alone is None or decision.outcome != Outcome.REFUSE:
        return bodies
    return [body for body in bodies if body.decider == alone]


def _decider(decider: Decider, case: Case) -> Organisation | None:
    if decider == Decider.ARS:
        return regional_agency(case.region_id)
    here = case.office.department_id if case.office else None
    ordered = [*([here] if here else []), *case.department_codes]
    found = {
        one.department_id: one
        for one in Organisation.objects.filter(
            kind=Organisation.Kind.CPAM, region_id=case.region_id, department_id__in=ordered
        ).order_by("-name", "-pk")
    }
    return next((found[code] for code in ordered if code in found), None)


# --- What is missing ------------------------------------------------------------------------


def obstacles(case: Case) -> list[str]:
    """What keeps a decision from being proposed or signed, whatever its text, as sentences."""
    found = []
    if case.instructor_id is None:
        found.append(
            "Personne n’instruit ce dossier : prenez-le en charge, puis proposez la décision."
        )
    after = circuit_of(case).decision.after
    if after:
        awaited = case.consultations.awaited().filter(line=after, kind=Consultation.Kind.EXPECTED)
        found += [
            f"L’avis {of_body(one.body.name)} est attendu {_until(one)} : attendez-le, relancez "
            "l’organisme ou retirez la demande."
            for one in awaited.select_related("body")
        ]
    found += [
        "Aucune CPAM du territoire n’est connue du portail : demandez à l’administrateur de "
        "l’ajouter, elle décide avec l’ARS."
        for body in deciding_bodies(case)
        if body.organisation is None
    ]
    for obstacle in _obstacles:
        found += obstacle(case)
    return found


def _until(consultation: Consultation) -> str:
    if consultation.due_on is None:
        return "à une étape suivante"
    return f"jusqu’au {consultation.due_on:%d/%m/%Y}"


def text_problems(decision: Decision) -> list[str]:
    """What a text lacks before it can be proposed, as sentences. Reads the decision's case."""
    return [sentence for _field, sentence in problems_by_field(decision)]


def problems_by_field(decision: Decision) -> list[tuple[str, str]]:
    """The same, each after the field of the form it is about; empty for the whole text."""
    parameters = decision_parameters()
    words = decision_text.words_of(decision.case.kind)
    if not decision.outcome:
        return [
            (
                "outcome",
                f"Choisissez le sens de la décision : {words.accept_noun} ou {words.refuse_noun}.",
            )
        ]
    problems: list[tuple[str, str]] = []
    law = decision_text.chosen(decision.law_keys, parameters)
    fact = decision_text.chosen(decision.fact_keys, parameters)
    contrary = [one for one in [*law, *fact] if decision.outcome not in one.outcomes]
    problems += [
        ("", f"Le motif « {one.label} » ne va pas avec le sens de la décision : retirez-le.")
        for one in contrary
    ]
    if decision.outcome == Outcome.REFUSE:
        one = f"Une {words.refuse_noun}" if words.grounds(decision.case) else "Un refus"
        if words.grounds(decision.case) and not decision.ground:
            problems.append(
                (
                    "ground",
                    (
                        f"{one} repose sur l’un des motifs que donne la loi, et sur aucun autre : "
                        f"choisissez-le ({words.grounds_source})."
                    ),
                )
            )
        if not law and not decision.law_text and not words.law:
            problems.append(
                (
                    "law_text",
                    (
                        "Un refus cite les textes sur lesquels il se fonde : choisissez au moins "
                        "une considération de droit, ou écrivez-la (CRPA, articles L. 211-2 et "
                        "L. 211-5)."
                    ),
                )
            )
        if not decision.fact_text:
            problems.append(
                (
                    "fact_text",
                    (
                        f"{one} dit les faits propres à ce dossier : écrivez-les, les phrases de "
                        "la liste ne suffisent pas (CRPA, articles L. 211-2 et L. 211-5)."
                    ),
                )
            )
        if decision.reserves:
            problems.append(
                (
                    "reserves",
                    (
                        f"{one} ne comporte pas de réserves : retirez-les, ou proposez une "
                        f"{words.accept_noun}."
                    ),
                )
            )
    return problems


def missing_before(case: Case, name: str) -> list[str]:
    """What is missing before a transition about the decision; an empty list means go."""
    match name:
        case "propose_decision" | "revise_proposal":
            decision = open_decision(case)
            if decision is None:
                return ["Aucune décision n’est rédigée : écrivez-la, puis proposez-la."]
            return obstacles(case) + text_problems(decision)
        case "approve_decision":
            return obstacles(case)
        case "accept" | "refuse":
            return obstacles(case) + _missing_signatures(case, name)
    return []


def _missing_signatures(case: Case, name: str) -> list[str]:
    decision = open_decision(case)
    if decision is None or decision.state != State.PROPOSED or decision.outcome != name:
        return ["Aucune décision de ce sens n’est proposée."]
    return [
        f"Ce texte n’est pas encore approuvé par un organisme qui décide : {party.organisation}."
        for party in unsigned_parties(decision)
    ]


def open_decision(case: Case) -> Decision | None:
    """The decision being written or signed, if any."""
    return (
        Decision.objects.filter(case_id=case.pk, state__in=(State.DRAFT, State.PROPOSED))
        .select_related("written_by", "returned_by", "case")
        .first()
    )


def standing_approvals(decision: Decision) -> list[Approval]:
    """The signatures under the text as it stands, in the order they were given."""
    return list(
        Approval.objects.filter(
            party__decision=decision, voided_at__isnull=True, text_sha256=decision.text_sha256
        ).select_related("party__organisation", "approved_by", "delegation")
    )


def unsigned_parties(decision: Decision) -> list[DecisionParty]:
    signed = {one.party_id for one in standing_approvals(decision)}
    return [one for one in parties_of(decision) if one.pk not in signed]


def parties_of(decision: Decision) -> list[DecisionParty]:
    """Those who sign the text as it stands; a body that no longer does keeps its past approval."""
    named = {one["code"] for one in (decision.text or {}).get("deciders", [])}
    parties = decision.parties.select_related("organisation")
    return [one for one in parties if one.organisation.code in named]


# --- Proposing --------------------------------------------------------------------------------


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
    case = _locked(case)
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
    if refused := _too_much(decision):
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
    decision.law_text, decision.fact_text = _clean(law_text), _clean(fact_text)
    decision.reserves = [text for one in reserves if (text := " ".join(_clean(one).split()))]


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
    voided = _void_approvals(decision)
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


def _void_approvals(decision: Decision) -> list[str]:
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
    case = _locked(case)
    if not rules.may_propose(case, user):
        raise PermissionDenied(_WHO_PROPOSES)
    still_holds_their_role(user)
    decision = _proposed(case)
    decision.state = State.DRAFT
    decision.revision += 1
    decision.save()
    _void_approvals(decision)
    perform(case, "take_back_proposal", actor=user)
    return decision


# --- Signing ----------------------------------------------------------------------------------


@transaction.atomic
def approve(case: Case, *, user: User, text_sha256: str, capacity: str = "") -> Decision:
    """Sign the text the person has read, for the body they act for.

    The decision exists once every body that decides has approved this very text: the last one
    to sign takes it. `capacity` is what the signatory is (« directeur général »); the holder of a
    delegation signs in the capacity the delegation gives.

    Raises PermissionDenied, AlreadyDoneError when the body has signed or the case has moved,
    IncompleteError when something keeps the case from being decided, and ActionRefusedError.
    """
    case = _locked(case)
    decision = _proposed(case)
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
        when = day_in_words(timezone.localdate(last.revoked_at))
        return f"{whose} a été retirée le {when} par {last.revoked_by}."
    if last.valid_to < today:
        return (
            f"{whose} a pris fin le {day_in_words(last.valid_to)}. Demandez qu’elle soit "
            "renouvelée, ou qu’un signataire signe."
        )
    return (
        f"{whose} ne commence que le {day_in_words(last.valid_from)}. D’ici là, un signataire "
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
    text = " ".join(_clean(text).split())
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
    case = _locked(case)
    decision = _proposed(case)
    right_to_sign(decision, case, user)
    comment = _reason(
        comment, needed="Dites à l’agent instructeur ce qu’il faut changer : il lira ce message."
    )
    decision.state = State.DRAFT
    decision.revision += 1
    decision.returned_at, decision.returned_by = timezone.now(), user
    decision.return_comment = comment
    # The right to sign is read on what is proposed: the case moves first.
    log = perform(case, "send_back_proposal", actor=user, comment=comment)
    decision.save()
    _void_approvals(decision)
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


# --- Withdrawing ------------------------------------------------------------------------------


def last_day_to_withdraw(decision: Decision) -> date:
    """Four months after the decision, that day included (CRPA, L. 242-1)."""
    if decision.taken_at is None:
        raise ValueError("Only a decision that was taken is withdrawn.")
    return add_months(
        timezone.localdate(decision.taken_at), decision_parameters().withdrawal_months
    )


def why_not_withdrawn(decision: Decision, *, today: date | None = None) -> str:
    """Why a decision can no longer be withdrawn; empty while it can."""
    last = last_day_to_withdraw(decision)
    if (today or timezone.localdate()) <= last:
        return ""
    return (
        "Une décision, même illégale, ne se retire que dans les quatre mois (CRPA, articles "
        f"L. 242-1 et L. 243-3) : ce délai a pris fin le {day_in_words(last)}. La décision reste "
        "acquise."
    )


@transaction.atomic
def withdraw(case: Case, *, user: User, reason: str) -> Decision:
    """Withdraw the decision and take the case up again; the decision and its document are kept.

    The request has no answer any more: a new period to answer it begins (decision 4).

    Raises PermissionDenied, AlreadyDoneError, and ActionRefusedError after four months or without
    a reason.
    """
    case = _locked(case)
    if not rules.may_withdraw_decision(case, user):
        raise PermissionDenied(
            "Seul un coordinateur du bureau en charge, ou de son agence, retire une décision."
        )
    still_holds_their_role(user)
    decision = Decision.objects.standing().filter(case_id=case.pk).first()
    if decision is None:
        raise already_done(case)
    decision.case = case
    if refusal := why_not_withdrawn(decision):
        raise ActionRefusedError(refusal)
    reason = _reason(
        reason,
        needed="Dites en quoi la décision est illégale, en droit et en fait : sans cela elle ne "
        "peut pas être retirée (CRPA, articles L. 242-1 et L. 211-2).",
    )
    name = full_name(user)
    log = perform(case, "withdraw_decision", actor=user, comment=reason)
    acting = user.acting
    decision.state = State.WITHDRAWN
    decision.withdrawn_at, decision.withdrawn_by = log.at, user
    decision.withdrawal_reason = reason
    decision.withdrawal_content = {
        "text": decision.text,
        "decided_at": decision.taken_at,
        "withdrawn_at": log.at,
        "reason": reason,
        "name": name,
        "capacity": acting.get_role_display() if acting else "",
        "organisation": acting.organisation.name if acting else "",
    }
    decision.save(
        update_fields=[
            "state",
            "withdrawn_at",
            "withdrawn_by",
            "withdrawal_reason",
            "withdrawal_content",
        ]
    )
    reopen_clock(case, actor=user, reason="Décision retirée.")
    publish("decisions.withdrawn", key=str(decision.pk), decision_id=decision.pk)
    return decision


def drop_open_decision(case: Case) -> None:
    """Nobody signs a decision on a case that was withdrawn or closed. The caller holds the lock."""
    Decision.objects.filter(case_id=case.pk, state__in=(State.DRAFT, State.PROPOSED)).update(
        state=State.DROPPED
    )


# --- Shared -----------------------------------------------------------------------------------


def _locked(case: Case) -> Any:
    """The case as an instance of its own kind, as it stands now, locked."""
    Case.objects.select_for_update().get(pk=case.pk)
    return child_of(Case.objects.get(pk=case.pk))


def _proposed(case: Case) -> Decision:
    """The decision waiting for signatures. Raises AlreadyDoneError when there is none."""
    decision = open_decision(case)
    if (
        case.state != CaseState.DECISION_PROPOSED
        or decision is None
        or decision.state != State.PROPOSED
    ):
        raise already_done(case)
    decision.case = case
    return decision


def _too_much(decision: Decision) -> list[str]:
    refused = []
    for label, text in (
        ("Les considérations de droit comptent", decision.law_text),
        ("Les considérations de fait comptent", decision.fact_text),
    ):
        if len(text) > LONGEST_TEXT:
            refused.append(
                f"{label} {len(text)} caractères ; {LONGEST_TEXT} au plus. Raccourcissez-les."
            )
    if len(decision.reserves) > MOST_RESERVES:
        refused.append(f"{MOST_RESERVES} réserves au plus : regroupez-en quelques-unes.")
    if any(len(one) > LONGEST_RESERVE for one in decision.reserves):
        refused.append(
            f"Une réserve compte {LONGEST_RESERVE} caractères au plus : raccourcissez-la."
        )
    return refused


def _reason(text: str, *, needed: str) -> str:
    text = _clean(text)
    if not text:
        raise ActionRefusedError(needed)
    if len(text) > LONGEST_REASON:
        raise ActionRefusedError(
            f"Ce texte compte {len(text)} caractères ; il en accepte {LONGEST_REASON} au plus. "
            "Raccourcissez-le."
        )
    return text


def _clean(text: str) -> str:
    return text.replace("\0", "").strip()
