"""The words of consultations and opinions: what is asked, where it stands, what is answered."""

from typing import Final

from django.db import models


class ConsultationState(models.TextChoices):
    """Where the request made to one body stands."""

    WAITING = "waiting", "À venir"  # its stage has not begun
    REQUESTED = "requested", "Demandé"
    GIVEN = "given", "Rendu"
    SILENT = "silent", "Délai passé"
    REVOKED = "revoked", "Demande retirée"
    INFORMED = "informed", "Pour information"  # nothing is awaited


class Position(models.TextChoices):
    """What a body answers."""

    FAVOURABLE = "favourable", "Favorable"
    FAVOURABLE_WITH_RESERVES = "favourable_with_reserves", "Favorable avec réserves"
    UNFAVOURABLE = "unfavourable", "Défavorable"
    NO_OPINION = "no_opinion", "Sans avis"
    CONFLICT_OF_INTEREST = "conflict_of_interest", "Déport pour conflit d’intérêts"


# Positions that judge the case: the grid goes with them.
JUDGING: Final = (
    Position.FAVOURABLE,
    Position.FAVOURABLE_WITH_RESERVES,
    Position.UNFAVOURABLE,
)
# A consultation in one of these keeps the circuit waiting.
AWAITED: Final = (ConsultationState.WAITING, ConsultationState.REQUESTED)
# A body may still write in these; in the second its opinion is late.
OPEN_TO_OPINIONS: Final = (ConsultationState.REQUESTED, ConsultationState.SILENT)


class ConsultationAction(models.TextChoices):
    """What happened to a consultation: one line of its log each."""

    REQUESTED = "requested", "Avis demandé"
    INFORMED = "informed", "Dossier communiqué pour information"
    NO_MEMBER = "no_member", "Personne ne peut rendre l’avis"
    SUBMITTED = "submitted", "Projet d’avis soumis à validation"
    SENT_BACK = "sent_back", "Projet d’avis renvoyé au rédacteur"
    VALIDATED = "validated", "Avis rendu"
    VALIDATED_LATE = "validated_late", "Avis rendu hors délai, non compté"
    FELL_SILENT = "fell_silent", "Délai passé sans avis"
    EXTENDED = "extended", "Délai prolongé"
    ASKED_AGAIN = "asked_again", "Nouvel avis demandé"
    REVOKED = "revoked", "Demande d’avis retirée"
    NO_CONFLICT = "no_conflict", "Absence de conflit d’intérêts déclarée"
    WITHDREW = "withdrew", "Déport d’un membre"
    MADE_COMMUNICABLE = "made_communicable", "Avis rendu communicable à la CPTS"
    MADE_CONFIDENTIAL = "made_confidential", "Avis rendu confidentiel"


# What goes on inside a body is its own business.
INSIDE_ACTIONS: Final = frozenset({ConsultationAction.SUBMITTED, ConsultationAction.SENT_BACK})


class NoticeKind(models.TextChoices):
    """Why a body was written to."""

    REQUEST = "request", "Demande d’avis"
    INFORMATION = "information", "Communication du dossier"
    REMINDER = "reminder", "Rappel avant la date limite"
    OVERDUE = "overdue", "Rappel après la date limite"
    EXTENSION = "extension", "Délai prolongé"
    REVOCATION = "revocation", "Demande retirée"
    TO_VALIDATE = "to_validate", "Avis à valider"
    SENT_BACK = "sent_back", "Projet d’avis renvoyé"
    VERSION = "version", "Nouvelle version déposée"
