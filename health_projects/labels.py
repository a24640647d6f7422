"""What each state of a health project is called, and what comes next, in the words of each reader.

Texts only: who the reader is comes from `workflow.readers`.
"""

from typing import TYPE_CHECKING, Final

from workflow.readers import Audience, Reader, StateLabel
from workflow.states import CaseState

if TYPE_CHECKING:
    from workflow.models import TransitionLog


def _for(
    lead: StateLabel,
    reviewer: StateLabel,
    office: StateLabel,
    informed: StateLabel,
    public: StateLabel,
) -> dict[Reader, StateLabel]:
    return {
        Reader.LEAD: lead,
        Reader.REVIEWER: reviewer,
        Reader.OFFICE: office,
        Reader.INFORMED: informed,
        Reader.PUBLIC: public,
    }


_DRAFT = StateLabel(
    "Brouillon, non transmis",
    "new",
    "Seule votre équipe voit ce projet. Il partira quand un responsable l’aura déposé.",
)
_STUDIED = StateLabel(
    "Projet de santé à l’étude", "info", "L’administration examine le projet de santé de la CPTS."
)
_NONE = StateLabel(
    "Pas de projet de santé en cours", "", "Aucun projet de santé de cette CPTS n’est à l’étude."
)
_VALIDATED = StateLabel(
    "Projet de santé validé", "success", "La CPTS est reconnue par l’agence régionale de santé."
)
_DEEMED = "Le délai de deux mois est passé sans opposition\u00a0: le projet est réputé validé."

STATE_LABELS: Final[dict[str, dict[Reader, StateLabel]]] = {
    # A draft is on no desk: its only readers are on the team.
    CaseState.DRAFT: dict.fromkeys(Reader, _DRAFT),
    CaseState.DEPOSITED: _for(
        StateLabel(
            "Déposé",
            "success",
            "Votre projet est sur le bureau qui l’examine. Vous n’avez rien à faire à ce stade.",
        ),
        StateLabel("Déposé", "", "L’avis de votre organisme vous sera demandé."),
        StateLabel(
            "À examiner",
            "info",
            "Votre organisme est en charge de ce projet. Le silence vaut validation à l’échéance.",
        ),
        StateLabel(
            "Déposé",
            "",
            "Votre organisme est informé de ce projet\u00a0; un autre bureau en a la charge.",
        ),
        StateLabel(
            "Projet de santé déposé",
            "info",
            "L’administration examine le projet de santé de cette CPTS.",
        ),
    ),
    CaseState.IN_CONSULTATION: _for(
        StateLabel(
            "Avis en cours",
            "info",
            "Les organismes que votre région consulte lisent votre projet. Un comité peut vous "
            "demander de le présenter\u00a0: il vous convoque alors.",
        ),
        StateLabel(
            "Avis demandé",
            "info",
            "L’avis de votre organisme est demandé sur ce projet, avant la date limite.",
        ),
        StateLabel(
            "Avis en cours",
            "info",
            "Les organismes consultés rendent leur avis. Quand plus aucun n’est attendu, le projet "
            "peut passer à l’instruction.",
        ),
        StateLabel(
            "Avis en cours",
            "",
            "Des organismes donnent leur avis\u00a0; un autre bureau les recueille.",
        ),
        _STUDIED,
    ),
    CaseState.UNDER_REVIEW: _for(
        StateLabel(
            "En cours d’instruction",
            "info",
            "L’ARS valide le projet, ou s’y oppose par une décision motivée. Sans opposition à "
            "l’échéance, il est réputé validé.",
        ),
        StateLabel(
            "En cours d’instruction",
            "",
            "Les avis sont clos. L’ARS prépare sa décision, que vous connaîtrez.",
        ),
        StateLabel(
            "À instruire",
            "info",
            "Votre organisme prépare la décision. Prenez le projet en charge si personne ne l’a "
            "fait\u00a0: sans opposition à l’échéance, il est réputé validé.",
        ),
        StateLabel(
            "En cours d’instruction", "", "Un autre bureau prépare la décision sur ce projet."
        ),
        _STUDIED,
    ),
    CaseState.COMPLETION_REQUESTED: _for(
        StateLabel(
            "Compléments à fournir",
            "warning",
            "L’ARS vous demande des compléments. Le délai de deux mois repart en entier le jour où "
            "vous les déposez.",
        ),
        StateLabel(
            "Compléments demandés",
            "",
            "L’équipe complète son projet. Un avis donné avant sa réponse sera signalé comme rendu "
            "sur une version antérieure.",
        ),
        StateLabel(
            "En attente de l’équipe",
            "",
            "Des compléments sont demandés à l’équipe. Le délai ne court plus\u00a0; il repart en "
            "entier à sa réponse.",
        ),
        StateLabel(
            "Compléments demandés", "", "Le bureau en charge attend des compléments de l’équipe."
        ),
        StateLabel(
            "Projet de santé à l’étude",
            "info",
            "L’équipe de la CPTS complète son projet de santé.",
        ),
    ),
    # Until it is signed, a proposal is known to those who decide only.
    CaseState.DECISION_PROPOSED: _for(
        StateLabel(
            "En cours d’instruction",
            "info",
            "L’ARS prépare sa décision. Vous n’avez rien à faire à ce stade.",
        ),
        StateLabel("En cours d’instruction", "", "L’ARS prépare sa décision, que vous connaîtrez."),
        StateLabel(
            "À signer",
            "warning",
            "Une décision est proposée. Le signataire l’approuve ou la renvoie avant l’échéance.",
        ),
        StateLabel(
            "En cours d’instruction", "", "Un autre bureau prépare la décision sur ce projet."
        ),
        _STUDIED,
    ),
    CaseState.ACCEPTED: _for(
        StateLabel(
            "Projet validé",
            "success",
            "Votre projet est validé et votre CPTS reconnue. Lisez la décision, et ses réserves "
            "s’il y en a\u00a0; le courrier de reconnaissance est dans les documents.",
        ),
        StateLabel("Projet validé", "success", "Le projet est validé, la CPTS reconnue."),
        StateLabel(
            "Projet validé",
            "success",
            "Le projet est validé, la CPTS reconnue. Suivez les réserves, s’il y en a.",
        ),
        StateLabel("Projet validé", "success", "Le projet est validé, la CPTS reconnue."),
        _VALIDATED,
    ),
    CaseState.TACITLY_ACCEPTED: _for(
        StateLabel(
            "Réputé validé",
            "success",
            f"{_DEEMED} Votre CPTS est reconnue. L’attestation et le courrier de reconnaissance "
            "sont dans les documents.",
        ),
        StateLabel("Réputé validé", "success", f"{_DEEMED} La CPTS est reconnue."),
        StateLabel("Réputé validé", "success", f"{_DEEMED} La CPTS est reconnue."),
        StateLabel("Réputé validé", "success", f"{_DEEMED} La CPTS est reconnue."),
        _VALIDATED,
    ),
    CaseState.REFUSED: _for(
        StateLabel(
            "Opposition de l’ARS",
            "error",
            "Lisez le motif de la décision\u00a0: elle dit aussi quels recours vous avez.",
        ),
        StateLabel("Opposition de l’ARS", "", "L’ARS s’est opposée à ce projet."),
        StateLabel(
            "Opposition de l’ARS",
            "",
            "L’ARS s’est opposée à ce projet. La décision dit quels recours l’équipe peut former.",
        ),
        StateLabel("Opposition de l’ARS", "", "L’ARS s’est opposée à ce projet."),
        _NONE,
    ),
    CaseState.WITHDRAWN: _for(
        StateLabel("Retiré", "", "Votre équipe a retiré ce projet\u00a0: personne ne l’examine."),
        StateLabel(
            "Retiré", "", "L’équipe a retiré son projet\u00a0: votre avis n’est plus attendu."
        ),
        StateLabel("Retiré", "", "L’équipe a retiré son projet. Vous n’avez plus rien à faire."),
        StateLabel("Retiré", "", "L’équipe a retiré son projet."),
        _NONE,
    ),
    CaseState.CLOSED: _for(
        StateLabel(
            "Clos sans suite",
            "",
            "Votre projet n’est plus examiné. Vous pourrez en déposer un autre.",
        ),
        StateLabel("Clos sans suite", "", "Le projet n’est plus examiné."),
        StateLabel(
            "Clos sans suite",
            "",
            "Le projet est clos, sans décision. Vous n’avez plus rien à faire.",
        ),
        StateLabel("Clos sans suite", "", "Le projet n’est plus examiné."),
        _NONE,
    ),
}

_FOR_THE_OFFICE = dict.fromkeys(Reader, "")


def _said(everyone: str, *, office: str = "", public: str | None = None) -> dict[Reader, str]:
    words = dict.fromkeys(Reader, everyone)
    if office:
        words[Reader.OFFICE] = office
    if public is not None:
        words[Reader.PUBLIC] = public
    return words


# What the log says of each transition, in the words of each reader; `{actor}` is who did it.
# Without words, the line is not for this reader.
TRANSITION_LABELS: Final[dict[str, dict[Reader, str]]] = {
    "freeze_version": _FOR_THE_OFFICE
    | {Reader.LEAD: "Version figée par {actor}, à signer par les membres"},
    "deposit": _said(
        "Projet déposé par {actor}", office="Projet reçu de {actor}", public="Projet déposé"
    ),
    "start_consultation": _said("Avis demandés"),
    "end_consultation": _said(
        "Avis clos, instruction commencée",
        office="Avis clos et instruction commencée par {actor}",
    ),
    "take_up": _said("Projet pris en charge", office="Projet pris en charge par {actor}"),
    "assign": _said(
        "Suivi du projet confié à un agent", office="Suivi du projet confié à un agent par {actor}"
    ),
    "request_completion": _said("Compléments demandés", office="Compléments demandés par {actor}"),
    "request_details": _said(
        "Précisions facultatives demandées", office="Précisions facultatives demandées par {actor}"
    ),
    "resume_review": _said(
        "Compléments plus demandés, instruction reprise",
        office="Compléments plus demandés, instruction reprise par {actor}",
    ),
    "answer_completion": _said("Compléments déposés par {actor}", public="Projet complété"),
    "close": _said("Projet clos sans suite", office="Projet clos sans suite par {actor}"),
    "accept_tacitly": _said("Projet réputé validé, l’ARS ne s’y étant pas opposée"),
    "withdraw": _said("Projet retiré par {actor}", public="Projet retiré"),
    # Until it is taken, only those who prepare a decision know of it.
    "propose_decision": _FOR_THE_OFFICE | {Reader.OFFICE: "Décision proposée par {actor}"},
    "revise_proposal": _FOR_THE_OFFICE | {Reader.OFFICE: "Décision proposée modifiée par {actor}"},
    "take_back_proposal": _FOR_THE_OFFICE
    | {Reader.OFFICE: "Décision proposée reprise par {actor}"},
    "send_back_proposal": _FOR_THE_OFFICE
    | {Reader.OFFICE: "Décision proposée renvoyée par {actor}"},
    "approve_decision": _FOR_THE_OFFICE | {Reader.OFFICE: "Décision approuvée par {actor}"},
    "accept": _said("Projet validé, CPTS reconnue", office="Validation signée par {actor}"),
    "refuse": _said(
        "Opposition de l’ARS au projet", office="Opposition signée par {actor}", public=""
    ),
    "withdraw_decision": _said(
        "Décision retirée, dossier rouvert",
        office="Décision retirée et dossier rouvert par {actor}",
        public="Décision retirée",
    ),
    "withdraw_silence": _said(
        "Validation par silence retirée, dossier rouvert",
        office="Validation par silence retirée et dossier rouvert par {actor}",
        public="Validation retirée",
    ),
}

# Who reads that a transition happened. One that is not here stays inside the office.
TRANSITION_AUDIENCES: Final[dict[str, Audience]] = dict.fromkeys(
    (
        "deposit",
        "start_consultation",
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
        "withdraw_silence",
    ),
    Audience.EVERYONE,
) | {"freeze_version": Audience.TEAM}
# Who reads the comment of a transition; the office alone for those that are not here.
COMMENT_AUDIENCES: Final[dict[str, Audience]] = dict.fromkeys(
    ("withdraw", "withdraw_decision", "withdraw_silence", "close"), Audience.PARTIES
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
