"""What each state of a letter is called, and what comes next, in the words of each reader.

The machine's own label of a state says where the case stands; the people who look at it
need to know what that means for them. Texts only: who the reader is comes from
`workflow.readers`.
"""

from typing import TYPE_CHECKING, Final

from workflow.readers import Audience, Reader, StateLabel
from workflow.states import CaseState

if TYPE_CHECKING:
    from workflow.models import TransitionLog


_DRAFT = StateLabel(
    "Brouillon, non transmis",
    "new",
    "Seule votre équipe voit cette lettre. Elle partira quand un responsable l’aura déposée.",
)

STATE_LABELS: Final[dict[str, dict[Reader, StateLabel]]] = {
    # A draft is on no desk: its only readers are on the team.
    CaseState.DRAFT: dict.fromkeys(Reader, _DRAFT),
    CaseState.DEPOSITED: {
        Reader.LEAD: StateLabel(
            "Déposée",
            "success",
            "Votre lettre est sur le bureau qui l’examine. Vous n’avez rien à faire à ce stade.",
        ),
        Reader.REVIEWER: StateLabel(
            "Déposée",
            "",
            "L’avis de votre organisme vous sera demandé.",
        ),
        Reader.OFFICE: StateLabel(
            "À examiner",
            "info",
            "Votre organisme est en charge de cette lettre. Lisez-la avec ses pièces jointes.",
        ),
        Reader.INFORMED: StateLabel(
            "Déposée",
            "",
            "Votre organisme est informé de cette lettre ; un autre bureau en a la charge.",
        ),
        Reader.PUBLIC: StateLabel(
            "Lettre d’intention déposée",
            "info",
            "L’administration examine la lettre d’intention de cette CPTS.",
        ),
    },
    CaseState.IN_CONSULTATION: {
        Reader.LEAD: StateLabel(
            "Avis en cours",
            "info",
            "Les organismes que votre région consulte lisent votre lettre. Vous n’avez rien à "
            "faire à ce stade.",
        ),
        Reader.REVIEWER: StateLabel(
            "Avis demandé",
            "info",
            "L’avis de votre organisme est demandé sur cette lettre, avant la date limite.",
        ),
        Reader.OFFICE: StateLabel(
            "Avis en cours",
            "info",
            "Les organismes consultés rendent leur avis. Quand plus aucun n’est attendu, la lettre "
            "peut passer à l’instruction.",
        ),
        Reader.INFORMED: StateLabel(
            "Avis en cours",
            "",
            "Des organismes donnent leur avis ; un autre bureau les recueille.",
        ),
        Reader.PUBLIC: StateLabel(
            "Lettre d’intention à l’étude",
            "info",
            "Les organismes consultés donnent leur avis sur la lettre d’intention.",
        ),
    },
    CaseState.UNDER_REVIEW: {
        Reader.LEAD: StateLabel(
            "En cours d’instruction",
            "info",
            "L’ARS prépare sa décision. Elle vous écrira si une pièce ou une précision lui manque.",
        ),
        Reader.REVIEWER: StateLabel(
            "En cours d’instruction",
            "",
            "Les avis sont clos. L’ARS prépare sa décision, que vous connaîtrez.",
        ),
        Reader.OFFICE: StateLabel(
            "À instruire",
            "info",
            "Votre organisme prépare la décision. Prenez la lettre en charge si personne ne l’a "
            "fait.",
        ),
        Reader.INFORMED: StateLabel(
            "En cours d’instruction",
            "",
            "Un autre bureau prépare la décision sur cette lettre.",
        ),
        Reader.PUBLIC: StateLabel(
            "Lettre d’intention à l’étude",
            "info",
            "L’ARS prépare sa décision sur la lettre d’intention.",
        ),
    },
    CaseState.COMPLETION_REQUESTED: {
        Reader.LEAD: StateLabel(
            "Compléments à fournir",
            "warning",
            "L’ARS vous demande des compléments. Fournissez-les avant la date indiquée.",
        ),
        Reader.REVIEWER: StateLabel(
            "Compléments demandés",
            "",
            "L’équipe complète sa lettre. Vous lisez ce qu’elle a déposé ; un avis donné avant "
            "sa réponse sera signalé comme rendu sur une version antérieure.",
        ),
        Reader.OFFICE: StateLabel(
            "En attente de l’équipe",
            "",
            "Des compléments sont demandés à l’équipe. La suite dépend de sa réponse.",
        ),
        Reader.INFORMED: StateLabel(
            "Compléments demandés",
            "",
            "Le bureau en charge attend des compléments de l’équipe.",
        ),
        Reader.PUBLIC: StateLabel(
            "Lettre d’intention à l’étude",
            "info",
            "L’équipe de la CPTS complète sa lettre d’intention.",
        ),
    },
    # Until it is signed, a proposal is known to those who decide only.
    CaseState.DECISION_PROPOSED: {
        Reader.LEAD: StateLabel(
            "En cours d’instruction",
            "info",
            "L’ARS prépare sa décision. Vous n’avez rien à faire à ce stade.",
        ),
        Reader.REVIEWER: StateLabel(
            "En cours d’instruction",
            "",
            "L’ARS prépare sa décision, que vous connaîtrez.",
        ),
        Reader.OFFICE: StateLabel(
            "À signer",
            "warning",
            "Une décision est proposée. Le signataire l’approuve ou la renvoie.",
        ),
        Reader.INFORMED: StateLabel(
            "En cours d’instruction",
            "",
            "Un autre bureau prépare la décision sur cette lettre.",
        ),
        Reader.PUBLIC: StateLabel(
            "Lettre d’intention à l’étude",
            "info",
            "L’ARS prépare sa décision sur la lettre d’intention.",
        ),
    },
    CaseState.ACCEPTED: {
        Reader.LEAD: StateLabel(
            "Acceptée",
            "success",
            "Votre lettre est acceptée : l’étape du projet de santé est ouverte. Lisez la "
            "décision, et ses réserves s’il y en a.",
        ),
        Reader.REVIEWER: StateLabel("Acceptée", "success", "La lettre est acceptée."),
        Reader.OFFICE: StateLabel(
            "Acceptée",
            "success",
            "La lettre est acceptée. Suivez les réserves, s’il y en a.",
        ),
        Reader.INFORMED: StateLabel("Acceptée", "success", "La lettre est acceptée."),
        Reader.PUBLIC: StateLabel(
            "Lettre d’intention acceptée",
            "success",
            "La CPTS écrit son projet de santé.",
        ),
    },
    CaseState.TACITLY_ACCEPTED: {
        Reader.LEAD: StateLabel(
            "Acceptée par silence",
            "success",
            "Le délai est passé sans décision : le silence vaut acceptation. Vous pouvez demander "
            "une attestation.",
        ),
        Reader.REVIEWER: StateLabel(
            "Acceptée par silence",
            "success",
            "Le délai est passé sans décision : le silence vaut acceptation.",
        ),
        Reader.OFFICE: StateLabel(
            "Acceptée par silence",
            "success",
            "Le délai est passé sans décision. L’équipe peut demander une attestation.",
        ),
        Reader.INFORMED: StateLabel(
            "Acceptée par silence",
            "success",
            "Le délai est passé sans décision : le silence vaut acceptation.",
        ),
        Reader.PUBLIC: StateLabel(
            "Lettre d’intention acceptée",
            "success",
            "La CPTS écrit son projet de santé.",
        ),
    },
    CaseState.REFUSED: {
        Reader.LEAD: StateLabel(
            "Refusée",
            "error",
            "Lisez les motifs de la décision : elle dit aussi quels recours vous avez.",
        ),
        Reader.REVIEWER: StateLabel("Refusée", "", "La lettre est refusée."),
        Reader.OFFICE: StateLabel(
            "Refusée",
            "",
            "La lettre est refusée. La décision dit quels recours l’équipe peut former.",
        ),
        Reader.INFORMED: StateLabel("Refusée", "", "La lettre est refusée."),
        Reader.PUBLIC: StateLabel(
            "Pas de lettre d’intention en cours",
            "",
            "Aucune lettre d’intention de cette CPTS n’est à l’étude.",
        ),
    },
    CaseState.WITHDRAWN: {
        Reader.LEAD: StateLabel(
            "Retirée",
            "",
            "Votre équipe a retiré cette lettre : personne ne l’examine plus.",
        ),
        Reader.REVIEWER: StateLabel(
            "Retirée",
            "",
            "L’équipe a retiré sa lettre : votre avis n’est plus attendu.",
        ),
        Reader.OFFICE: StateLabel(
            "Retirée",
            "",
            "L’équipe a retiré sa lettre. Vous n’avez plus rien à faire.",
        ),
        Reader.INFORMED: StateLabel("Retirée", "", "L’équipe a retiré sa lettre."),
        Reader.PUBLIC: StateLabel(
            "Pas de lettre d’intention en cours",
            "",
            "Aucune lettre d’intention de cette CPTS n’est à l’étude.",
        ),
    },
    CaseState.CLOSED: {
        Reader.LEAD: StateLabel(
            "Close sans suite",
            "",
            "Votre lettre n’est plus examinée. Vous pourrez en déposer une autre.",
        ),
        Reader.REVIEWER: StateLabel("Close sans suite", "", "La lettre n’est plus examinée."),
        Reader.OFFICE: StateLabel(
            "Close sans suite",
            "",
            "La lettre est close, sans décision. Vous n’avez plus rien à faire.",
        ),
        Reader.INFORMED: StateLabel("Close sans suite", "", "La lettre n’est plus examinée."),
        Reader.PUBLIC: StateLabel(
            "Pas de lettre d’intention en cours",
            "",
            "Aucune lettre d’intention de cette CPTS n’est à l’étude.",
        ),
    },
}

_FOR_THE_OFFICE = dict.fromkeys(Reader, "")

# What the log says of each transition, in the words of each reader; `{actor}` is who did it.
# Without words, the line is not for this reader.
TRANSITION_LABELS: Final[dict[str, dict[Reader, str]]] = {
    "deposit": dict.fromkeys(Reader, "Lettre déposée par {actor}")
    | {Reader.OFFICE: "Lettre reçue de {actor}", Reader.PUBLIC: "Lettre déposée"},
    "start_consultation": dict.fromkeys(Reader, "Avis demandés"),
    "transmit": dict.fromkeys(Reader, "Lettre transmise à l’ARS")
    | {Reader.OFFICE: "Lettre transmise à l’ARS par {actor}, avec la synthèse des avis"},
    "end_consultation": dict.fromkeys(Reader, "Avis clos, instruction commencée")
    | {Reader.OFFICE: "Avis clos et instruction commencée par {actor}"},
    "take_up": dict.fromkeys(Reader, "Lettre prise en charge")
    | {Reader.OFFICE: "Lettre prise en charge par {actor}"},
    "assign": dict.fromkeys(Reader, "Suivi de la lettre confié à un agent")
    | {Reader.OFFICE: "Suivi de la lettre confié à un agent par {actor}"},
    "request_completion": dict.fromkeys(Reader, "Compléments demandés")
    | {Reader.OFFICE: "Compléments demandés par {actor}"},
    "request_details": dict.fromkeys(Reader, "Précisions facultatives demandées")
    | {Reader.OFFICE: "Précisions facultatives demandées par {actor}"},
    "resume_review": dict.fromkeys(Reader, "Compléments plus demandés, instruction reprise")
    | {Reader.OFFICE: "Compléments plus demandés, instruction reprise par {actor}"},
    "answer_completion": dict.fromkeys(Reader, "Compléments déposés par {actor}")
    | {Reader.PUBLIC: "Lettre complétée"},
    "close": dict.fromkeys(Reader, "Lettre close sans suite")
    | {Reader.OFFICE: "Lettre close sans suite par {actor}"},
    "accept_tacitly": dict.fromkeys(Reader, "Lettre acceptée par silence"),
    "withdraw": dict.fromkeys(Reader, "Lettre retirée par {actor}")
    | {Reader.PUBLIC: "Lettre retirée"},
    # Until it is taken, only those who prepare a decision know of it.
    "propose_decision": _FOR_THE_OFFICE | {Reader.OFFICE: "Décision proposée par {actor}"},
    "revise_proposal": _FOR_THE_OFFICE | {Reader.OFFICE: "Décision proposée modifiée par {actor}"},
    "take_back_proposal": _FOR_THE_OFFICE
    | {Reader.OFFICE: "Décision proposée reprise par {actor}"},
    "send_back_proposal": _FOR_THE_OFFICE
    | {Reader.OFFICE: "Décision proposée renvoyée par {actor}"},
    "approve_decision": _FOR_THE_OFFICE | {Reader.OFFICE: "Décision approuvée par {actor}"},
    "accept": dict.fromkeys(Reader, "Lettre acceptée")
    | {Reader.OFFICE: "Acceptation signée par {actor}"},
    "refuse": dict.fromkeys(Reader, "Lettre refusée")
    | {Reader.OFFICE: "Refus signé par {actor}", Reader.PUBLIC: ""},
    "withdraw_decision": dict.fromkeys(Reader, "Décision retirée, dossier rouvert")
    | {
        Reader.OFFICE: "Décision retirée et dossier rouvert par {actor}",
        Reader.PUBLIC: "Décision retirée",
    },
}

# Who reads that a transition happened. One that is not here stays inside the office.
TRANSITION_AUDIENCES: Final[dict[str, Audience]] = dict.fromkeys(
    (
        "deposit",
        "start_consultation",
        "transmit",
        "end_consultation",
        "take_up",
        "assign",
        "request_completion",
        "request_details",
        "resume_review",
        "answer_completion",
        "close",
        "accept_tacitly",
        "withdraw",
        "accept",
        "refuse",
        "withdraw_decision",
    ),
    Audience.EVERYONE,
)
# Who reads the comment of a transition; the office alone for those that are not here.
COMMENT_AUDIENCES: Final[dict[str, Audience]] = dict.fromkeys(
    ("withdraw", "withdraw_decision", "close"), Audience.PARTIES
)


def state_label(state: str, reader: Reader) -> StateLabel:
    """The words for a state. Raises KeyError for a state this table forgot."""
    return STATE_LABELS[state][reader]


def transition_label(log: "TransitionLog", reader: Reader) -> str:
    """The words for a line of the log. Raises KeyError for a transition this table forgot."""
    return TRANSITION_LABELS[log.transition][reader].format(actor=log.actor or "le portail")


def transition_audience(transition: str) -> Audience:
    return TRANSITION_AUDIENCES.get(transition, Audience.OFFICE)


def comment_audience(transition: str) -> Audience:
    return COMMENT_AUDIENCES.get(transition, Audience.OFFICE)
