"""The contract as a case, its versions, and the schedule that each of them gives."""

from decimal import Decimal
from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from accounts.models import Organisation, User
from contracts.funding.schedule import Step
from contracts.terms import ContractTerms, from_data
from contracts.workflow import ContractWorkflow
from procedures.rates import Share
from workflow.models import Case, CaseQuerySet

# No line, no payment, no sum of a contract comes near.
MOST_MONEY = Decimal(100_000_000)


class Contract(ContractWorkflow, Case):
    """A contract between a CPTS, its agency and its CPAM; an older one, between two of them.

    `draft` while its parties write it, `to_sign` once frozen, `accepted` once all have signed,
    `closed` when it has ended. `signed_on` is the day the last party signed: the database wants
    the rest of the terms with it.
    """

    class Form(models.TextChoices):
        ACI = "aci", "Contrat tripartite (ACI)"
        CPOM = "cpom", "CPOM"

    form = models.CharField("nature du contrat", max_length=4, choices=Form, default=Form.ACI)
    # Who pays.
    cpam = models.ForeignKey(
        Organisation, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="CPAM"
    )
    ars = models.ForeignKey(Organisation, models.PROTECT, related_name="+", verbose_name="ARS")
    # Where its money is counted: the département of its CPAM, else the first of its territory.
    money_department = models.CharField("département", max_length=3, blank=True)
    starts_on = models.DateField("premier jour", null=True, blank=True)
    # The last day: that of an early end, once there is one.
    ends_on = models.DateField("dernier jour", null=True, blank=True)
    # The last day its parties had signed, once it ends before.
    agreed_ends_on = models.DateField("dernier jour convenu", null=True, blank=True)
    signed_on = models.DateField("signé le", null=True, blank=True)
    is_signed_outside = models.BooleanField("signé hors portail", default=False)
    # Those an amendment has taken out of its territory: they read it and write no more.
    left_department_codes = ArrayField(
        models.CharField(max_length=3),
        default=list,
        blank=True,
        verbose_name="départements quittés",
    )
    population_year = models.PositiveSmallIntegerField("année de la population", null=True)
    population_source = models.CharField("source de la population", max_length=200, blank=True)

    objects = CaseQuerySet.as_manager()  # type: ignore[misc]

    class Meta:
        verbose_name = "contrat"
        verbose_name_plural = "contrats"
        constraints = [
            models.CheckConstraint(
                condition=Q(starts_on__isnull=True)
                | Q(ends_on__isnull=True)
                | Q(ends_on__gte=F("starts_on")),
                name="contract_dates_in_order",
                violation_error_message="Le contrat finit avant de commencer.",
            ),
            models.CheckConstraint(
                condition=Q(signed_on__isnull=True)
                | (
                    Q(starts_on__isnull=False, ends_on__isnull=False)
                    & (Q(form="cpom") | Q(cpam__isnull=False))
                ),
                name="contract_signed_has_dates_and_parties",
            ),
        ]
        indexes = [models.Index(fields=["cpam"], name="contract_of_a_payer")]

    @property
    def payer(self) -> Organisation:
        """Who pays: the CPAM; the agency for a CPOM."""
        return self.cpam or self.ars

    @property
    def is_signed(self) -> bool:
        return self.signed_on is not None

    def missing_for(self, transition: str) -> list[Any]:
        """What is missing before `transition`, as sentences."""
        if transition != "freeze_to_sign":
            return []
        from contracts.drafts.drafting import missing_to_freeze  # noqa: PLC0415 - it reads this model

        return missing_to_freeze(self)


class ContractVersion(models.Model):
    """What the contract says from a day on: the contract itself, then each amendment.

    `rates` are those it was signed at, as `contracts.storing` writes them.
    """

    contract = models.ForeignKey(Contract, models.PROTECT, related_name="versions")
    number = models.PositiveSmallIntegerField("numéro")
    effective_on = models.DateField("prend effet le")
    signed_on = models.DateField("signé le")
    size_class = models.CharField("taille", max_length=2, choices=Case.SizeClass)
    rates = models.JSONField("tarifs")
    # The whole contract as this version says it, consolidated: `contracts.terms`.
    terms = models.JSONField("contenu", default=dict, blank=True)
    created_by = models.ForeignKey(User, models.RESTRICT, related_name="+", verbose_name="par")
    created_at = models.DateTimeField("le", default=timezone.now)

    class Meta:
        verbose_name = "version d’un contrat"
        verbose_name_plural = "versions des contrats"
        ordering = ["contract", "number"]
        constraints = [
            models.UniqueConstraint(
                fields=["contract", "number"], name="contract_version_number_unique"
            ),
        ]

    def __str__(self) -> str:
        return "contrat" if self.number == 1 else f"avenant n° {self.number - 1}"

    @property
    def says(self) -> ContractTerms:
        """Its terms; of a version written before they were kept, nothing but what it implies."""
        return from_data(self.terms)


class ContractMission(models.Model):
    """A mission of a version, and the day it starts."""

    version = models.ForeignKey(ContractVersion, models.CASCADE, related_name="missions")
    mission = models.SlugField("mission", max_length=30)
    starts_on = models.DateField("commence le", null=True, blank=True)

    class Meta:
        verbose_name = "mission d’un contrat"
        verbose_name_plural = "missions des contrats"
        constraints = [
            models.UniqueConstraint(fields=["version", "mission"], name="contract_mission_once"),
        ]

    def __str__(self) -> str:
        return self.mission


class MissionResult(models.Model):
    """What the parties agreed a mission has reached in a year of the contract.

    `indicators`: a list of {"weight", "rate"}, as texts of decimals; the rate goes from 0 to 1.
    """

    contract = models.ForeignKey(Contract, models.PROTECT, related_name="results")
    year = models.PositiveSmallIntegerField("année du contrat")
    mission = models.SlugField("mission", max_length=30)
    agreed_on = models.DateField("convenu le")
    indicators = models.JSONField("indicateurs")
    recorded_by = models.ForeignKey(User, models.RESTRICT, related_name="+", verbose_name="par")

    class Meta:
        verbose_name = "résultat d’une mission"
        verbose_name_plural = "résultats des missions"
        constraints = [
            models.UniqueConstraint(
                fields=["contract", "year", "mission"], name="mission_result_once_a_year"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.contract_id} {self.mission} {self.year}"


class RecognisedCrisis(models.Model):
    """A serious health crisis that the agency recognised for a contract."""

    contract = models.ForeignKey(Contract, models.PROTECT, related_name="crises")
    recognised_on = models.DateField("reconnue le")
    name = models.CharField("crise", max_length=200)
    recorded_by = models.ForeignKey(User, models.RESTRICT, related_name="+", verbose_name="par")

    class Meta:
        verbose_name = "crise reconnue"
        verbose_name_plural = "crises reconnues"
        constraints = [
            models.UniqueConstraint(
                fields=["contract", "recognised_on"],
                name="crisis_once_a_day",
                violation_error_message="Une crise est déjà reconnue ce jour-là.",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class ScheduleQuerySet(models.QuerySet["Schedule"]):
    def current(self) -> "ScheduleQuerySet":
        return self.filter(is_current=True)


class Schedule(models.Model):
    """The lines of a contract as they were worked out on a day. Another takes its place."""

    class Cause(models.TextChoices):
        SIGNATURE = "signature", "signature du contrat"
        AMENDMENT = "amendment", "avenant"
        RESULTS = "results", "résultats de l’année"
        CRISIS = "crisis", "crise reconnue"
        END = "end", "fin du contrat"

    contract = models.ForeignKey(Contract, models.PROTECT, related_name="schedules")
    version = models.ForeignKey(ContractVersion, models.PROTECT, related_name="schedules")
    number = models.PositiveSmallIntegerField("numéro")
    cause = models.CharField("cause", max_length=10, choices=Cause)
    # The day what had fallen due stopped changing.
    as_of = models.DateField("arrêté au")
    is_current = models.BooleanField("en vigueur", default=True)
    created_by = models.ForeignKey(User, models.RESTRICT, related_name="+", verbose_name="par")
    created_at = models.DateTimeField("le", default=timezone.now)

    objects = ScheduleQuerySet.as_manager()

    class Meta:
        verbose_name = "échéancier"
        ordering = ["contract", "number"]
        constraints = [
            models.UniqueConstraint(fields=["contract", "number"], name="schedule_number_unique"),
            models.UniqueConstraint(
                fields=["contract"], condition=Q(is_current=True), name="schedule_one_current"
            ),
        ]

    def __str__(self) -> str:
        return f"échéancier n° {self.number}"


class ScheduleLine(models.Model):
    """An amount that falls due, in euros: `contracts.schedule.Line` as it is kept."""

    schedule = models.ForeignKey(Schedule, models.CASCADE, related_name="lines")
    rank = models.PositiveSmallIntegerField("rang")
    due_on = models.DateField("échéance")
    year = models.PositiveSmallIntegerField("année du contrat")
    # Empty: the operating grant.
    mission = models.CharField("mission", max_length=30, blank=True)
    share = models.CharField("part", max_length=10, choices=[(one, one) for one in Share])
    step = models.CharField("étape", max_length=15, choices=[(one, one) for one in Step])
    amount = models.DecimalField("montant", max_digits=12, decimal_places=2)
    # Each is `contracts.schedule.Piece`, its rate a text.
    pieces = models.JSONField("jours et tarifs")
    is_ceiling = models.BooleanField("au plus", default=False)

    class Meta:
        verbose_name = "échéance"
        ordering = ["schedule", "rank"]
        constraints = [
            models.UniqueConstraint(fields=["schedule", "rank"], name="schedule_line_rank_unique"),
            models.CheckConstraint(
                condition=Q(amount__gte=-MOST_MONEY, amount__lte=MOST_MONEY) & ~Q(amount=0),
                name="schedule_line_possible_amount",
            ),
            models.CheckConstraint(
                condition=Q(amount__gt=0) | Q(step=Step.REGULARISATION),
                name="schedule_line_only_regularises_downwards",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.due_on} {self.amount}"
