"""What is known of a territory: what an office is asked to send, and its answer."""

import uuid
from typing import TYPE_CHECKING, Any

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from accounts.models import Organisation, User
from communities.models import Community
from documents.models import Attachment

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser


class Topic(models.TextChoices):
    """What a standard study tells of a territory (memo of the project lead, Occitanie)."""

    POPULATION = "population", "La population : âge, précarité, état de santé"
    CARE_SUPPLY = "care_supply", "L’offre de soins : professionnels, structures, démographie"
    CARE_CONSUMPTION = "care_consumption", "La consommation de soins des habitants"
    CARE_PRODUCTION = "care_production", "L’activité des professionnels du territoire"


class RequestState(models.TextChoices):
    SENT = "sent", "Envoyée"
    TAKEN = "taken", "En préparation"
    ANSWERED = "answered", "Répondue"
    DECLINED = "declined", "Sans suite"
    WITHDRAWN = "withdrawn", "Retirée"


OPEN_STATES = (RequestState.SENT, RequestState.TAKEN)


class DiagnosisRequestQuerySet(models.QuerySet["DiagnosisRequest"]):
    def visible_to(self, user: "User | AnonymousUser") -> "DiagnosisRequestQuerySet":
        """Those of one's CPTS, in one's own name; in a role, those sent to one's organisation.

        A role limited to a département sees the requests whose territory touches it.
        """
        if not isinstance(user, User):
            return self.none()
        if user.acting is None:
            return self.filter(community__team_members__user=user)
        received = self.filter(recipient=user.acting.organisation_id)
        if user.acting.department_id:
            received = received.filter(department_codes__contains=[user.acting.department_id])
        return received

    def open(self) -> "DiagnosisRequestQuerySet":
        return self.filter(state__in=OPEN_STATES)


class DiagnosisRequest(models.Model):
    """A team asks an office what it knows of its territory, as it is drawn on that day."""

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    community = models.ForeignKey(
        Community, models.CASCADE, related_name="diagnosis_requests", verbose_name="CPTS"
    )
    recipient = models.ForeignKey(
        Organisation, models.PROTECT, related_name="diagnosis_requests", verbose_name="destinataire"
    )
    topics = ArrayField(models.CharField(max_length=20, choices=Topic), verbose_name="demandé")
    message = models.TextField("précisions", blank=True)
    wanted_on = models.DateField("souhaité pour le")
    # The territory of the day: [{code, name, part, department, population}], inhabitants.
    communes = models.JSONField("communes")
    commune_count = models.PositiveIntegerField("nombre de communes")
    population = models.PositiveIntegerField("population")
    cog_year = models.PositiveSmallIntegerField("année du COG", null=True, blank=True)
    department_codes = ArrayField(
        models.CharField(max_length=3), default=list, blank=True, verbose_name="départements"
    )
    state = models.CharField("état", max_length=10, choices=RequestState, default=RequestState.SENT)
    asked_by = models.ForeignKey(
        User, models.RESTRICT, related_name="+", verbose_name="demandé par"
    )
    asked_at = models.DateTimeField("demandé le", default=timezone.now)
    taken_by = models.ForeignKey(
        User, models.RESTRICT, null=True, blank=True, related_name="+", verbose_name="préparé par"
    )
    taken_at = models.DateTimeField("pris en charge le", null=True, blank=True)
    promised_on = models.DateField("annoncé pour le", null=True, blank=True)
    # The answer, or why there is none.
    answer = models.TextField("réponse", blank=True)
    closed_by = models.ForeignKey(
        User, models.RESTRICT, null=True, blank=True, related_name="+", verbose_name="clos par"
    )
    closed_at = models.DateTimeField("clos le", null=True, blank=True)
    # How many times the office has answered: a document forgotten is added later.
    answer_count = models.PositiveSmallIntegerField("réponses", default=0)

    objects = DiagnosisRequestQuerySet.as_manager()

    class Meta:
        verbose_name = "demande de diagnostic"
        verbose_name_plural = "demandes de diagnostic"
        ordering = ["-asked_at", "-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["community", "recipient"],
                condition=Q(state__in=[state.value for state in OPEN_STATES]),
                name="diagnosis_request_one_open",
                violation_error_message="Une demande attend déjà la réponse de cet organisme.",
            ),
            models.CheckConstraint(
                condition=Q(commune_count__gt=0, topics__len__gt=0),
                name="diagnosis_request_asks_something_of_communes",
            ),
            models.CheckConstraint(
                condition=Q(state="sent", taken_at__isnull=True, closed_at__isnull=True)
                | Q(state="taken", taken_at__isnull=False, closed_at__isnull=True)
                | Q(state__in=["answered", "declined", "withdrawn"], closed_at__isnull=False),
                name="diagnosis_request_state_is_dated",
            ),
            models.CheckConstraint(
                condition=Q(state="answered", answer_count__gt=0)
                | (~Q(state="answered") & Q(answer_count=0)),
                name="diagnosis_request_answered_has_an_answer",
            ),
            models.CheckConstraint(
                condition=Q(closed_at__isnull=True) | Q(closed_at__gte=F("asked_at")),
                name="diagnosis_request_dates_in_order",
            ),
        ]
        indexes = [
            models.Index(fields=["recipient", "-asked_at", "id"], name="diagnosis_request_desk"),
        ]

    def __str__(self) -> str:
        return f"{self.community} → {self.recipient}"

    @property
    def is_open(self) -> bool:
        return self.state in OPEN_STATES

    @property
    def due_on(self) -> Any:
        """The day the office has announced, else the one the team wishes."""
        return self.promised_on or self.wanted_on

    @property
    def is_late(self) -> bool:
        return self.is_open and self.due_on < timezone.localdate()

    @property
    def topic_labels(self) -> list[str]:
        return [Topic(topic).label for topic in self.topics if topic in Topic.values]


class DiagnosisFile(models.Model):
    """A document of the answer to a request."""

    request = models.ForeignKey(DiagnosisRequest, models.CASCADE, related_name="files")
    attachment = models.OneToOneField(Attachment, models.PROTECT, related_name="+")

    class Meta:
        verbose_name = "document d’un diagnostic"
        verbose_name_plural = "documents des diagnostics"
        ordering = ["pk"]

    def __str__(self) -> str:
        return self.attachment.name
