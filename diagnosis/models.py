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
from territories.models import Commune

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


# --- Indicators ---------------------------------------------------------------------------------


class Addition(models.TextChoices):
    """What the figure of several communes is, from those of each."""

    SUM = "sum", "Les valeurs s’additionnent"
    MEAN = "mean", "Moyenne pondérée par une population"
    NONE = "none", "Les valeurs ne se réunissent pas"


class WeightKind(models.TextChoices):
    POPULATION = "population", "La population municipale en vigueur"
    INDICATOR = "indicator", "Un indicateur déjà chargé"


class AbstractIndicator(models.Model):
    """What is said of a table of values by commune, before and after it is loaded."""

    name = models.CharField("nom", max_length=150)
    source = models.CharField("source", max_length=200)
    year = models.PositiveSmallIntegerField("année des données")
    unit = models.CharField("unité", max_length=60)
    addition = models.CharField("réunion des communes", max_length=4, choices=Addition)
    weight_kind = models.CharField("poids", max_length=10, choices=WeightKind, blank=True)
    weights = models.ForeignKey(
        "diagnosis.Indicator",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name="indicateur des poids",
    )
    # A sum is compared for so many inhabitants: a territory and a region differ in size.
    rate_per = models.PositiveIntegerField("rapporté à tant d’habitants", null=True, blank=True)
    cog_year = models.PositiveSmallIntegerField("année du COG des codes")

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return f"{self.name} ({self.year})"


class Indicator(AbstractIndicator):
    """A figure known commune by commune, loaded from a table keyed by INSEE code."""

    # One that the portal brings; nothing for those an administrator loads.
    key = models.SlugField("clé", max_length=60, null=True, blank=True, unique=True)
    decimals = models.PositiveSmallIntegerField("décimales", default=0)
    is_shown = models.BooleanField("montré", default=True)
    file_name = models.CharField("fichier", max_length=150, blank=True)
    digest = models.CharField("empreinte SHA-256", max_length=64, blank=True)
    loaded_by = models.ForeignKey(
        User, models.RESTRICT, null=True, blank=True, related_name="+", verbose_name="chargé par"
    )
    loaded_at = models.DateTimeField("chargé le", default=timezone.now)

    class Meta:
        verbose_name = "indicateur"
        ordering = ["name", "-year", "pk"]
        constraints = [
            models.CheckConstraint(
                condition=(Q(addition="mean") & ~Q(weight_kind=""))
                | (~Q(addition="mean") & Q(weight_kind="")),
                name="indicator_mean_has_weights",
                violation_error_message="Une moyenne a besoin d’une population qui la pondère.",
            ),
            models.CheckConstraint(
                condition=Q(weight_kind="indicator", weights__isnull=False)
                | (~Q(weight_kind="indicator") & Q(weights__isnull=True)),
                name="indicator_weights_are_named",
            ),
            models.CheckConstraint(
                condition=Q(rate_per__isnull=True) | Q(addition="sum", rate_per__gt=0),
                name="indicator_rate_of_a_sum",
            ),
            models.UniqueConstraint(
                fields=["name", "year"],
                condition=Q(is_shown=True),
                name="indicator_one_shown",
                violation_error_message="Un indicateur de ce nom est déjà montré pour cette année.",
            ),
        ]


class IndicatorValue(models.Model):
    """The value of one commune, or of an arrondissement of Paris, Lyon or Marseille."""

    indicator = models.ForeignKey(Indicator, models.CASCADE, related_name="values")
    commune = models.ForeignKey(Commune, models.PROTECT, related_name="+", db_index=False)
    value = models.DecimalField("valeur", max_digits=18, decimal_places=4)

    class Meta:
        verbose_name = "valeur d’un indicateur"
        verbose_name_plural = "valeurs des indicateurs"
        constraints = [
            models.UniqueConstraint(
                fields=["commune", "indicator"], name="indicator_value_once_a_commune"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.commune_id} : {self.value}"


class Level(models.TextChoices):
    DEPARTMENT = "department", "Département"
    REGION = "region", "Région"
    COUNTRY = "country", "France"


class IndicatorFigure(models.Model):
    """An indicator over a département, a region or France, worked out when it is loaded.

    Reading a page then reads lines, and not the 35 000 communes.
    """

    indicator = models.ForeignKey(Indicator, models.CASCADE, related_name="figures")
    level = models.CharField("échelle", max_length=10, choices=Level)
    # INSEE code; empty for France.
    code = models.CharField("code", max_length=3, blank=True)
    value = models.DecimalField("valeur", max_digits=24, decimal_places=6, null=True)
    low = models.DecimalField("plus petite", max_digits=18, decimal_places=4, null=True)
    high = models.DecimalField("plus grande", max_digits=18, decimal_places=4, null=True)
    known = models.PositiveIntegerField("communes connues")
    commune_count = models.PositiveIntegerField("communes")
    # Inhabitants of the communes that have a value.
    population = models.BigIntegerField("population", null=True)

    class Meta:
        verbose_name = "indicateur d’un ensemble"
        verbose_name_plural = "indicateurs des ensembles"
        constraints = [
            models.UniqueConstraint(
                fields=["indicator", "level", "code"], name="indicator_figure_once"
            ),
            models.CheckConstraint(
                condition=Q(known__lte=F("commune_count")), name="indicator_figure_known_communes"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.level} {self.code}"


class AreaFigures(models.Model):
    """What the reference data says of a département, a region or France."""

    level = models.CharField("échelle", max_length=10, choices=Level)
    code = models.CharField("code", max_length=3, blank=True)
    name = models.CharField("nom", max_length=100)
    population = models.PositiveBigIntegerField("population")
    commune_count = models.PositiveIntegerField("communes")
    epci_count = models.PositiveIntegerField("EPCI")
    # How many communes of each size: see `diagnosis.figures.SIZES`.
    sizes = ArrayField(models.PositiveIntegerField(), verbose_name="communes par taille")
    # Inhabitants then and now of the communes whose earlier population is known.
    population_then = models.PositiveBigIntegerField("population d’avant", null=True)
    population_now = models.PositiveBigIntegerField("population comparée", null=True)

    class Meta:
        verbose_name = "chiffres d’un ensemble"
        verbose_name_plural = "chiffres des ensembles"
        constraints = [
            models.UniqueConstraint(fields=["level", "code"], name="area_figures_once"),
        ]

    def __str__(self) -> str:
        return self.name


class IndicatorImport(AbstractIndicator):
    """A table that was read and that an administrator has not accepted yet."""

    file_name = models.CharField("fichier", max_length=150)
    digest = models.CharField("empreinte SHA-256", max_length=64)
    decimals = models.PositiveSmallIntegerField("décimales", default=0)
    # {INSEE code: value as text}, then what to say of the rows: [[line, sentence]].
    values = models.JSONField("valeurs")
    faults = models.JSONField("lignes laissées de côté", default=list)
    notes = models.JSONField("remarques", default=list)
    row_count = models.PositiveIntegerField("lignes lues")
    blank_count = models.PositiveIntegerField("lignes sans valeur", default=0)
    read_by = models.ForeignKey(User, models.RESTRICT, related_name="+", verbose_name="lu par")
    read_at = models.DateTimeField("lu le", default=timezone.now)

    class Meta:
        verbose_name = "tableau à accepter"
        verbose_name_plural = "tableaux à accepter"
