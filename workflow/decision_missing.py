"""What keeps a case from being decided, and what a decision lacks: in sentences."""

from collections.abc import Callable
from typing import Final

from cpts_portal.words import of_body
from procedures.decisions import Outcome, decision_parameters
from workflow import decision_text
from workflow.consultations import circuit_of
from workflow.deciders import deciding_bodies
from workflow.decisions import State, open_decision, unsigned_parties
from workflow.models import Case, Consultation, Decision

LONGEST_TEXT: Final = 20_000
LONGEST_RESERVE: Final = 1_000
MOST_RESERVES: Final = 30
Obstacle = Callable[[Case], list[str]]
_obstacles: list[Obstacle] = []


def declare_obstacle(obstacle: Obstacle) -> Obstacle:
    """Add something that may keep a case from being decided: `obstacle(case)` says why.

    Sentences in French, each with what to do; an empty list means it keeps nothing.
    """
    if obstacle not in _obstacles:
        _obstacles.append(obstacle)
    return obstacle


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


def too_much(decision: Decision) -> list[str]:
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
