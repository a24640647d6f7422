"""What the portal knows of the steps: named readings of the same few facts."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Final
from uuid import UUID

from django.db import connection

from cpts_portal.words import day
from workflow.states import CaseState


@dataclass(frozen=True)
class Facts:
    """What exists for one CPTS. Days are those of the first time; None: never."""

    team: int
    communes: int
    # The first département of the territory, by code; empty before it is drawn.
    department: str
    questionnaire_on: date | None
    diagnosis_on: date | None
    association_on: date | None
    letter: UUID | None
    letter_state: str
    letter_deposited_on: date | None
    project: UUID | None
    project_state: str
    # Whether its text was frozen for its members to sign.
    project_frozen: bool
    project_deposited_on: date | None
    # The latest contract, whatever its state: none is opened before a project is validated.
    contract: UUID | None
    contract_on: date | None


@dataclass(frozen=True)
class Derivation:
    """How a step is known to be done. `strict`: only a case says so, nobody ticks it.

    `milestone`: once it is done, what comes before it is behind.
    """

    said: Callable[[Facts], str]
    strict: bool = False
    milestone: bool = False


_FACTS: Final = """
    SELECT (SELECT count(*) FROM communities_teammember AS member
             WHERE member.community_id = community.id),
           (SELECT count(DISTINCT part.commune_id)
              FROM communities_communityterritory AS link
              JOIN territories_territorypart AS part ON part.territory_id = link.territory_id
             WHERE link.community_id = community.id AND link.valid_to IS NULL),
           coalesce((SELECT min(commune.department_id)
              FROM communities_communityterritory AS link
              JOIN territories_territorypart AS part ON part.territory_id = link.territory_id
              JOIN territories_commune AS commune ON commune.code = part.commune_id
             WHERE link.community_id = community.id AND link.valid_to IS NULL), ''),
           (SELECT min(opened_at) FROM mobilisation_questionnaire AS asked
             WHERE asked.community_id = community.id)::date,
           (SELECT min(asked_at) FROM diagnosis_diagnosisrequest AS asked
             WHERE asked.community_id = community.id AND asked.state <> 'withdrawn')::date,
           (SELECT min(valid_from) FROM communities_legalentity AS entity
             WHERE entity.community_id = community.id),
           letter.public_id, coalesce(letter.state, ''), letter.deposited_at::date,
           project.public_id, coalesce(project.state, ''), project.reference IS NOT NULL,
           project.deposited_at::date,
           (SELECT last.public_id FROM workflow_case AS last
             WHERE last.community_id = community.id AND last.kind = 'contract'
             ORDER BY last.id DESC LIMIT 1),
           (SELECT min(contract.signed_on) FROM contracts_contract AS contract
              JOIN workflow_case AS signed ON signed.id = contract.case_ptr_id
             WHERE signed.community_id = community.id)
      FROM communities_community AS community
      LEFT JOIN LATERAL (
               SELECT * FROM workflow_case WHERE community_id = community.id
                  AND kind = 'letter_of_intent' ORDER BY id DESC LIMIT 1) AS letter ON true
      LEFT JOIN LATERAL (
               SELECT * FROM workflow_case WHERE community_id = community.id
                  AND kind = 'health_project' ORDER BY id LIMIT 1) AS project ON true
     WHERE community.id = %s
"""


def read_facts(community_id: int) -> Facts:
    """What exists for a CPTS, in one query."""
    with connection.cursor() as cursor:
        cursor.execute(_FACTS, [community_id])
        row = cursor.fetchone()
    return Facts(*row)


_ACCEPTED: Final = frozenset({CaseState.ACCEPTED, CaseState.TACITLY_ACCEPTED})
_BEFORE_ANSWERS: Final = frozenset(
    {"", CaseState.DRAFT, CaseState.DEPOSITED, CaseState.IN_CONSULTATION}
)


def _on(one: date | None, words: str) -> str:
    return f"{words} le {day(one)}" if one else ""


def _team(facts: Facts) -> str:
    return f"{facts.team} personnes dans l’équipe" if facts.team > 1 else ""


def _territory(facts: Facts) -> str:
    if not facts.communes:
        return ""
    return f"{facts.communes} commune{'s' if facts.communes > 1 else ''} dans le territoire"


# Each gives the words of what is done, or nothing while it is not.
DERIVATIONS: Final[dict[str, Derivation]] = {
    "team": Derivation(_team),
    "territory": Derivation(_territory, strict=True),
    "questionnaire": Derivation(lambda facts: _on(facts.questionnaire_on, "Ouvert")),
    "diagnosis": Derivation(lambda facts: _on(facts.diagnosis_on, "Demandé")),
    "association": Derivation(lambda facts: "Association enregistrée" * bool(facts.association_on)),
    "letter_deposited": Derivation(
        lambda facts: _on(facts.letter_deposited_on, "Déposée"), strict=True, milestone=True
    ),
    "letter_examined": Derivation(
        lambda facts: "Avis rendus" * (facts.letter_state not in _BEFORE_ANSWERS),
        strict=True,
        milestone=True,
    ),
    "letter_accepted": Derivation(
        lambda facts: "Lettre acceptée" * (facts.letter_state in _ACCEPTED),
        strict=True,
        milestone=True,
    ),
    "project_written": Derivation(
        lambda facts: "Figé pour être signé" * facts.project_frozen, strict=True, milestone=True
    ),
    "project_deposited": Derivation(
        lambda facts: _on(facts.project_deposited_on, "Déposé"), strict=True, milestone=True
    ),
    "project_validated": Derivation(
        lambda facts: (
            "Projet validé" * (facts.project_state in _ACCEPTED or facts.contract is not None)
        ),
        strict=True,
        milestone=True,
    ),
    "contract_signed": Derivation(lambda facts: _on(facts.contract_on, "Signé"), milestone=True),
}
