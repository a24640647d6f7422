"""Dated tables of rates: prepared, published, never changed afterwards."""

from datetime import date
from typing import Any

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateRangeField, RangeOperators
from django.db import models
from django.db.models import F, Func, Q, Value
from django.utils import timezone

from accounts.models import User
from procedures.rates import MOST, SIZES, delivered_rates


class RateTableQuerySet(models.QuerySet["RateTable"]):
    def published(self) -> "RateTableQuerySet":
        """Those in force, each for its own days."""
        return self.filter(status=RateTable.Status.PUBLISHED)


class RateTable(models.Model):
    """What an agreement or an amendment pays, from a day to a day included.

    A draft is edited. Once published it never changes, but for its end when the next one is
    published; a version published for the same days takes its place.
    """

    class Kind(models.TextChoices):
        AGREEMENT = "agreement", "Accord"
        AMENDMENT = "amendment", "Avenant"

    class Status(models.TextChoices):
        DRAFT = "draft", "En préparation"
        PUBLISHED = "published", "Publiée"
        REPLACED = "replaced", "Remplacée"

    key = models.SlugField("accord", max_length=20, default="aci")
    version = models.PositiveSmallIntegerField("version")
    kind = models.CharField("nature", max_length=10, choices=Kind, default=Kind.AMENDMENT)
    label = models.CharField("intitulé", max_length=200)
    source = models.CharField(
        "source",
        max_length=300,
        blank=True,
        help_text="Le texte qui porte ces tarifs : sa référence, sa date de publication.",
    )
    valid_from = models.DateField("premier jour")
    valid_until = models.DateField(
        "dernier jour", null=True, blank=True, help_text="Vide : sans fin connue."
    )
    status = models.CharField(
        "état", max_length=10, choices=Status, default=Status.DRAFT, editable=False
    )
    copied_from = models.ForeignKey(
        "self",
        models.PROTECT,
        null=True,
        blank=True,
        editable=False,
        related_name="+",
        verbose_name="copiée de",
    )
    created_by = models.ForeignKey(
        User, models.RESTRICT, null=True, editable=False, related_name="+", verbose_name="par"
    )
    created_at = models.DateTimeField("préparée le", default=timezone.now, editable=False)
    published_at = models.DateTimeField("publiée le", null=True, editable=False)

    objects = RateTableQuerySet.as_manager()

    class Meta:
        verbose_name = "table de tarifs"
        verbose_name_plural = "tables de tarifs"
        ordering = ["key", "-valid_from", "-version"]
        constraints = [
            models.UniqueConstraint(fields=["key", "version"], name="rate_table_version_unique"),
            models.CheckConstraint(
                condition=Q(valid_until__isnull=True) | Q(valid_until__gte=F("valid_from")),
                name="rate_table_dates_in_order",
                violation_error_message="Le dernier jour est avant le premier : corrigez l’un des "
                "deux.",
            ),
            models.CheckConstraint(
                condition=Q(status="draft", published_at__isnull=True)
                | (~Q(status="draft") & Q(published_at__isnull=False) & ~Q(source="")),
                name="rate_table_published_is_dated_and_sourced",
            ),
            ExclusionConstraint(
                name="rate_table_one_published_a_day",
                expressions=[
                    ("key", RangeOperators.EQUAL),
                    (
                        Func(
                            F("valid_from"),
                            F("valid_until"),
                            Value("[]"),
                            function="daterange",
                            output_field=DateRangeField(),
                        ),
                        RangeOperators.OVERLAPS,
                    ),
                ],
                condition=Q(status="published"),
                violation_error_message="Une table publiée vaut déjà pour ces jours.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.label} (version {self.version})"

    @property
    def is_draft(self) -> bool:
        return self.status == self.Status.DRAFT

    def holds(self, on: date) -> bool:
        return self.valid_from <= on and (self.valid_until is None or on <= self.valid_until)


_SIZES = [(size, f"Taille {size[1]}") for size in SIZES]


def mission_choices() -> list[tuple[str, str]]:
    """The missions of the law, and the operating grant first."""
    missions = [(one.key, one.label) for one in delivered_rates().missions]
    return [("", "Fonctionnement"), *missions]


def _bounded(name: str) -> Q:
    return Q(**{f"{name}__isnull": True}) | Q(**{f"{name}__gte": 0, f"{name}__lte": MOST})


def _amount(label: str, **more: Any) -> models.DecimalField:
    return models.DecimalField(
        label, max_digits=10, decimal_places=2, null=True, blank=True, **more
    )


class RateLine(models.Model):
    """What a table pays a year for one size and one mission, or for the operating grant.

    An amount left empty is one that the agreement does not give, or that nobody knows.
    """

    table = models.ForeignKey(RateTable, models.CASCADE, related_name="lines")
    size_class = models.CharField("taille", max_length=2, choices=_SIZES)
    mission = models.CharField("mission", max_length=30, blank=True)
    fixed_share = _amount("part fixe (€ par an)")
    variable_share = _amount("part variable (€ par an)")
    crisis_share = _amount("part de crise (€ par an)")
    source = models.CharField("source", max_length=300, blank=True)
    is_confirmed = models.BooleanField("confirmé", default=False)

    class Meta:
        verbose_name = "tarif"
        ordering = ["mission", "size_class"]
        constraints = [
            models.UniqueConstraint(
                fields=["table", "mission", "size_class"],
                name="rate_line_once",
                violation_error_message="Cette table a déjà ce tarif pour cette taille.",
            ),
            models.CheckConstraint(
                condition=_bounded("fixed_share")
                & _bounded("variable_share")
                & _bounded("crisis_share"),
                name="rate_line_possible_amounts",
                violation_error_message="Un montant annuel va de 0 à 10 000 000 € : corrigez-le.",
            ),
            models.CheckConstraint(
                condition=~Q(mission="")
                | Q(variable_share__isnull=True, crisis_share__isnull=True),
                name="rate_line_operating_is_fixed",
                violation_error_message="Le fonctionnement n’a qu’une part fixe.",
            ),
            models.CheckConstraint(
                condition=Q(is_confirmed=False) | (Q(fixed_share__isnull=False) & ~Q(source="")),
                name="rate_line_confirmed_has_a_source",
                violation_error_message="Un tarif confirmé a un montant et une source : "
                "écrivez-les, ou laissez-le non confirmé.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.mission or 'fonctionnement'} {self.size_class}"
