"""French territories by INSEE code, and the territory a CPTS draws on them.

Only the INSEE code identifies a commune (1 482 names are shared). Codes are text:
« 2A004 », « 01001 ». Reference data is the Code officiel géographique (COG) of one year.
"""

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import ArrayField, RangeOperators
from django.contrib.postgres.indexes import GinIndex, OpClass
from django.db import models
from django.db.models import Case, F, Q, Value, When
from django.utils import timezone

from territories.querysets import CommuneManager, IntercommunalityQuerySet


class Vintage(models.Model):
    """One load of the reference data: which COG, which legal populations, from which file."""

    cog_year = models.PositiveSmallIntegerField("année du COG")
    population_year = models.PositiveSmallIntegerField("année de la population légale")
    source = models.CharField("source", max_length=200)
    digest = models.CharField("empreinte SHA-256", max_length=64)
    loaded_at = models.DateTimeField("chargé le", default=timezone.now)
    is_current = models.BooleanField("en vigueur", default=False)
    # The one in force when this one was loaded; none for the first.
    previous = models.ForeignKey(
        "self",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name="millésime précédent",
    )

    class Meta:
        verbose_name = "millésime"
        verbose_name_plural = "millésimes"
        constraints = [
            models.UniqueConstraint(
                fields=["is_current"], condition=Q(is_current=True), name="vintage_one_current"
            ),
        ]

    def __str__(self) -> str:
        return f"COG {self.cog_year}, population légale {self.population_year}"


class Region(models.Model):
    code = models.CharField("code INSEE", max_length=3, primary_key=True)
    name = models.CharField("nom", max_length=100)
    # The eighteen regions have an ARS; the overseas collectivities in the same file do not.
    has_ars = models.BooleanField("dotée d’une ARS", default=True)

    class Meta:
        verbose_name = "région"
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class Department(models.Model):
    code = models.CharField("code INSEE", max_length=3, primary_key=True)
    name = models.CharField("nom", max_length=100)
    region = models.ForeignKey(Region, models.PROTECT, related_name="departments")

    class Meta:
        verbose_name = "département"
        ordering = ["code"]

    def __str__(self) -> str:
        return f"{self.name} ({self.code})"


class Intercommunality(models.Model):
    """An EPCI à fiscalité propre, by SIREN."""

    siren = models.CharField("SIREN", max_length=9, primary_key=True)
    name = models.CharField("nom", max_length=200)
    kind = models.CharField("nature", max_length=10)
    # « | name | SIREN | », normalised.
    search_key = models.TextField("clé de recherche")

    commune_count: int  # given by `search()`

    objects = IntercommunalityQuerySet.as_manager()

    class Meta:
        verbose_name = "EPCI"
        verbose_name_plural = "EPCI"
        ordering = ["name"]
        indexes = [
            GinIndex(OpClass("search_key", name="gin_trgm_ops"), name="intercommunality_search")
        ]

    def __str__(self) -> str:
        return self.name


class Commune(models.Model):
    """A commune of today, or one of the 45 arrondissements of Paris, Lyon and Marseille."""

    class Kind(models.TextChoices):
        COMMUNE = "commune", "commune"
        ARRONDISSEMENT = "arrondissement", "arrondissement municipal"

    code = models.CharField("code INSEE", max_length=5, primary_key=True)
    kind = models.CharField("nature", max_length=15, choices=Kind, default=Kind.COMMUNE)
    name = models.CharField("nom", max_length=100)
    department = models.ForeignKey(
        Department,
        models.PROTECT,
        related_name="communes",
        verbose_name="département",
        db_index=False,  # below, without the second index Django adds for LIKE
    )
    intercommunality = models.ForeignKey(
        Intercommunality,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="communes",
        verbose_name="EPCI",
        db_index=False,
    )
    parent = models.ForeignKey(
        "self",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="arrondissements",
        verbose_name="commune entière",
        db_index=False,
    )
    postal_codes = ArrayField(
        models.CharField(max_length=5), default=list, verbose_name="codes postaux"
    )
    # Municipal population in force for the vintage; unknown (null) for a few overseas islands.
    population = models.PositiveIntegerField("population légale", null=True, blank=True)
    name_key = models.CharField("nom normalisé", max_length=110)
    # « | name | code postal codes || former name | former code | », normalised: one indexed
    # column for whatever people type. What follows the double bar is not the commune's own.
    search_key = models.TextField("clé de recherche")
    # A commune that a later COG no longer has: kept for the territories that name it.
    is_active = models.BooleanField("en vigueur", default=True)

    objects = CommuneManager()

    class Meta:
        verbose_name = "commune"
        ordering = ["name", "code"]
        indexes = [
            GinIndex(OpClass("search_key", name="gin_trgm_ops"), name="commune_search"),
            models.Index(fields=["name_key"], name="commune_name_key"),
            models.Index(fields=["department"], name="commune_department"),
            models.Index(fields=["intercommunality"], name="commune_intercommunality"),
            models.Index(
                fields=["parent"], name="commune_parent", condition=Q(parent__isnull=False)
            ),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(kind="commune", parent__isnull=True)
                | Q(kind="arrondissement", parent__isnull=False),
                name="commune_parent_only_for_arrondissement",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.code})"


class FormerCommune(models.Model):
    """A déléguée, an associée or a former code, and the commune it belongs to today."""

    class Kind(models.TextChoices):
        DELEGATED = "deleguee", "commune déléguée"
        ASSOCIATED = "associee", "commune associée"
        FORMER = "ancienne", "ancien code"

    code = models.CharField("code INSEE", max_length=5, primary_key=True)
    kind = models.CharField("nature", max_length=10, choices=Kind)
    # The COG gives no name for a code it no longer uses.
    name = models.CharField("nom", max_length=100, blank=True)
    name_key = models.CharField("nom normalisé", max_length=110, blank=True)
    current = models.ForeignKey(
        Commune, models.CASCADE, related_name="former", verbose_name="commune actuelle"
    )

    class Meta:
        verbose_name = "ancienne commune"
        verbose_name_plural = "anciennes communes"
        ordering = ["code"]
        indexes = [models.Index(fields=["name_key"], name="former_commune_name_key")]

    def __str__(self) -> str:
        return f"{self.name or self.code} → {self.current_id}"


class CommuneSuccession(models.Model):
    """What a load did to a commune that merged, split or changed code: one row for each arrow.

    A commune that takes another one in follows itself, too. Kept so that a territory drawn
    before can still follow, however many years later.
    """

    vintage = models.ForeignKey(
        Vintage, models.CASCADE, related_name="successions", verbose_name="millésime"
    )
    before = models.ForeignKey(
        Commune, models.PROTECT, related_name="+", verbose_name="avant", db_index=False
    )
    before_name = models.CharField("nom d’avant", max_length=100)
    # Legal population, in inhabitants, before the load.
    before_population = models.PositiveIntegerField("population d’avant", null=True, blank=True)
    after = models.ForeignKey(
        Commune, models.PROTECT, related_name="+", verbose_name="après", db_index=False
    )
    after_name = models.CharField("nom d’après", max_length=100)

    class Meta:
        verbose_name = "commune et ce qu’elle devient"
        verbose_name_plural = "communes et ce qu’elles deviennent"
        constraints = [
            models.UniqueConstraint(
                fields=["vintage", "before", "after"], name="commune_succession_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.before_id} → {self.after_id}"


class Territory(models.Model):
    """The territory a CPTS draws: whole communes, arrondissements, or parts of communes."""

    declared_population = models.PositiveIntegerField("population déclarée", null=True, blank=True)
    declared_population_reason = models.CharField(
        "motif de la population déclarée", max_length=500, blank=True
    )
    communes = models.ManyToManyField(Commune, through="TerritoryPart", related_name="+")
    # Counts changes, so that two people editing at once are told.
    revision = models.PositiveIntegerField("révision", default=0)
    # The oldest load whose changes to its communes the team has not accepted yet: until then its
    # lines are those of the year before that load.
    awaiting = models.ForeignKey(
        Vintage,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name="millésime à accepter",
    )

    class Meta:
        verbose_name = "territoire"

    def __str__(self) -> str:
        return f"Territoire {self.pk}"


class TerritoryPart(models.Model):
    """One line of a territory: a whole commune, or a named part of it."""

    territory = models.ForeignKey(Territory, models.CASCADE, related_name="parts")
    commune = models.ForeignKey(Commune, models.PROTECT, related_name="territory_parts")
    part_name = models.CharField("partie de commune", max_length=120, blank=True)
    # Inhabitants of the part as the lead estimates them; the INSEE publishes none.
    part_population = models.PositiveIntegerField("habitants de la partie", null=True, blank=True)

    class Meta:
        verbose_name = "élément du territoire"
        verbose_name_plural = "éléments du territoire"
        ordering = ["commune__department", "commune__name", "commune", "part_name"]
        constraints = [
            models.UniqueConstraint(
                fields=["territory", "commune", "part_name"],
                name="territory_part_unique",
                violation_error_message="Cette commune est déjà dans le territoire.",
            ),
            ExclusionConstraint(
                name="territory_part_whole_or_parts",
                expressions=[
                    (F("territory"), RangeOperators.EQUAL),
                    (F("commune"), RangeOperators.EQUAL),
                    (
                        Case(When(part_name="", then=Value(0)), default=Value(1)),
                        RangeOperators.NOT_EQUAL,
                    ),
                ],
                violation_error_message=(
                    "Une commune est dans le territoire en entier ou par parties, pas les deux."
                ),
            ),
            models.CheckConstraint(
                condition=Q(part_population__isnull=True) | ~Q(part_name=""),
                name="territory_part_population_only_for_parts",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.commune_id} {self.part_name}".strip()


class ContourSet(models.Model):
    """One load of the communes' outlines: from which files, and how many were kept."""

    source = models.CharField("source", max_length=300)
    digest = models.CharField("empreinte SHA-256", max_length=64)
    commune_count = models.PositiveIntegerField("communes dessinées")
    skipped_count = models.PositiveIntegerField("contours écartés", default=0)
    loaded_at = models.DateTimeField("chargé le", default=timezone.now)
    is_current = models.BooleanField("en vigueur", default=True)

    class Meta:
        verbose_name = "jeu de contours"
        verbose_name_plural = "jeux de contours"
        constraints = [
            models.UniqueConstraint(
                fields=["is_current"], condition=Q(is_current=True), name="contour_set_one_current"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.source}, {self.commune_count} communes"


class CommuneOutline(models.Model):
    """The shape of a commune, and the communes it shares a border with.

    Corners are whole numbers on one grid for the whole country (see `territories.outlines`), so
    that two neighbours have the very same border.
    """

    commune = models.OneToOneField(
        Commune, models.CASCADE, primary_key=True, related_name="outline", verbose_name="commune"
    )
    department_id = models.CharField("département", max_length=3)
    rings = models.BinaryField("contour")
    # Bounding box, in steps of the grid.
    west = models.IntegerField("ouest")
    south = models.IntegerField("sud")
    east = models.IntegerField("est")
    north = models.IntegerField("nord")
    # A point inside the commune, where its name is written.
    label_x = models.IntegerField("abscisse du nom")
    label_y = models.IntegerField("ordonnée du nom")
    # INSEE codes of the neighbours, and the length of each common border, in metres.
    neighbours = ArrayField(models.CharField(max_length=5), default=list, verbose_name="voisines")
    borders = ArrayField(models.PositiveIntegerField(), default=list, verbose_name="frontières")

    class Meta:
        verbose_name = "contour d’une commune"
        verbose_name_plural = "contours des communes"
        indexes = [models.Index(fields=["department_id"], name="outline_department")]
        constraints = [
            models.CheckConstraint(
                condition=Q(neighbours__len=F("borders__len")),
                name="outline_one_border_per_neighbour",
            ),
        ]

    def __str__(self) -> str:
        return str(self.commune_id)


class DepartmentOutline(models.Model):
    """The outlines of a département, ready to be sent to a browser, compressed."""

    department = models.OneToOneField(
        Department, models.CASCADE, primary_key=True, related_name="outline"
    )
    payload = models.BinaryField("contours, JSON compressé par gzip")
    # Empty for contours loaded before it was kept: gzip is sent.
    brotli = models.BinaryField("contours, JSON compressé par brotli", default=b"")
    digest = models.CharField("empreinte SHA-256", max_length=64)
    commune_count = models.PositiveIntegerField("communes dessinées")

    class Meta:
        verbose_name = "carte d’un département"
        verbose_name_plural = "cartes des départements"

    def __str__(self) -> str:
        return str(self.department_id)
