"""What the portal tells people about, and how each person may hear of it."""

from dataclasses import dataclass
from typing import Final

from django.db import models


class Cadence(models.TextChoices):
    """When a notification is also mailed; it is always in the notification centre at once."""

    NOW = "now", "Tout de suite"
    DAILY = "daily", "Récapitulatif du jour"
    WEEKLY = "weekly", "Récapitulatif de la semaine"
    NONE = "none", "Aucun courriel"


class Reader(models.TextChoices):
    """Who is told: the page of choices groups the kinds by it."""

    TEAM = "team", "Pour les CPTS dont vous faites partie"
    BODY = "body", "Pour l’organisme qui donne un avis"
    OFFICE = "office", "Pour le bureau qui instruit"
    ALL = "all", "Pour tous vos dossiers"


@dataclass(frozen=True)
class Kind:
    """A kind of notification. `legal`: always mailed at once, whatever the person chose."""

    key: str
    label: str
    reader: Reader
    default: Cadence = Cadence.NOW
    legal: bool = False
    # What goes on inside a body: the office in charge of the case does not see it sent.
    internal: bool = False


_KINDS: Final = (
    Kind("deposit", "Dépôt d’un dossier et accusé de réception", Reader.TEAM, legal=True),
    Kind("completion_requested", "Demande de compléments", Reader.TEAM, legal=True),
    Kind("decision", "Décision rendue", Reader.TEAM, legal=True),
    Kind("completion_due", "Rappel des compléments à envoyer", Reader.TEAM),
    Kind("team", "Vie de l’équipe : responsable, départs", Reader.TEAM),
    Kind(
        "signatures",
        "Signatures des membres : refus, adresse à vérifier, clôture",
        Reader.TEAM,
        default=Cadence.DAILY,
    ),
    Kind("diagnosis_answered", "Diagnostic demandé : préparé, reçu ou sans suite", Reader.TEAM),
    Kind(
        "questionnaire", "Questionnaire aux professionnels : accord de l’URPS, clôture", Reader.TEAM
    ),
    Kind("questionnaire_submitted", "Questionnaire d’une CPTS à ouvrir avec elle", Reader.BODY),
    Kind("opinion_requested", "Avis demandé, ou délai changé", Reader.BODY),
    Kind("opinion_reminder", "Rappel d’un avis attendu", Reader.BODY),
    Kind(
        "opinion_to_validate", "Projet d’avis à valider ou à reprendre", Reader.BODY, internal=True
    ),
    Kind("opinion_revoked", "Avis qui n’est plus demandé", Reader.BODY),
    Kind("new_version", "Nouvelle version d’un dossier", Reader.BODY),
    Kind("session", "Convocation à une séance d’un comité", Reader.BODY, legal=True),
    Kind("information", "Dossier communiqué pour information", Reader.BODY),
    Kind("received", "Dossier reçu", Reader.OFFICE),
    Kind("diagnosis_requested", "Diagnostic demandé par une équipe", Reader.OFFICE),
    Kind("clock_alert", "Délai de décision qui arrive à son terme", Reader.OFFICE),
    Kind("opinions_settled", "Plus aucun avis attendu", Reader.OFFICE),
    Kind("bodies_without_member", "Organisme que personne ne représente", Reader.OFFICE),
    Kind("completion_received", "Compléments reçus, ou en retard", Reader.OFFICE),
    Kind("decision_to_approve", "Décision à approuver ou à reprendre", Reader.OFFICE),
    Kind("decision_told", "Décision prise, ou retirée, pour information", Reader.ALL),
    Kind("arbitration", "Arbitrage sur un territoire", Reader.OFFICE),
    Kind("withdrawn", "Dossier retiré ou rouvert", Reader.ALL),
    Kind("meeting", "Réunion d’information du territoire", Reader.ALL),
    Kind("accompaniment", "Accompagnement : aide, rendez-vous", Reader.ALL),
    Kind(
        "contract_ending", "Fin d’un contrat, renouvellement, résiliation", Reader.ALL, legal=True
    ),
    Kind("contract_amended", "Avenant d’un contrat", Reader.ALL),
    Kind("community_changed", "Intitulé, présidence ou coordination d’une CPTS", Reader.ALL),
    Kind("contract_signature", "Contrat : à signer, signé ou refusé", Reader.ALL),
    Kind("contract_draft", "Contrat : projet ouvert, accords, abandon", Reader.ALL),
    Kind(
        "contract_remark",
        "Contrat : remarques et propositions",
        Reader.ALL,
        default=Cadence.DAILY,
    ),
    Kind("message", "Message dans un dossier", Reader.ALL),
    Kind("contract_calendar", "Contrat : mission à démarrer ou à déployer", Reader.ALL),
    Kind("dialogue", "Contrat : dialogue annuel à mener", Reader.ALL),
)
KINDS: Final = {kind.key: kind for kind in _KINDS}
INTERNAL: Final = frozenset(kind.key for kind in _KINDS if kind.internal)


def kind_named(key: str) -> Kind:
    """Raises LookupError for a kind that is not declared above."""
    return KINDS[key]
