"""The members of a CPTS: the professionals and the structures that make it.

A member is a row of one CPTS. Somebody who belongs to two has two rows, each kept by its own
team: what one writes never shows in, nor changes, the other.
"""

from typing import TYPE_CHECKING, Any

from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from accounts.models import User
from communities.models import Community
from members.codes import PROFESSIONS, STRUCTURES
from territories.models import Commune

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser


class MemberQuerySet(models.QuerySet["Member"]):
    def visible_to(self, user: "User | AnonymousUser") -> "MemberQuerySet":
        """The members of the CPTS on whose team the person is, in their own name."""
        if not isinstance(user, User) or user.acting is not None:
            return self.none()
        return self.filter(community__in=Community.objects.visible_to(user).values("pk"))

    def current(self) -> "MemberQuerySet":
        """Those who have not left."""
        return self.filter(left_on__isnull=True)

    def in_order(self) -> "MemberQuerySet":
        return self.order_by("sort_key", "pk")


class Member(models.Model):
    """A city professional, or a structure represented by one person: who signs for it."""

    class Kind(models.TextChoices):
        PROFESSIONAL = "professional", "Professionnel de ville"
        STRUCTURE = "structure", "Structure"

    community = models.ForeignKey(
        Community, models.PROTECT, related_name="members", verbose_name="CPTS"
    )
    kind = models.CharField("nature", max_length=12, choices=Kind, default=Kind.PROFESSIONAL)
    # The person who signs: the professional, or the legal representative of the structure.
    last_name = models.CharField("nom", max_length=100)
    first_name = models.CharField("prénom", max_length=100)
    # A structure may share one mailbox between its people, and so may a practice: two members
    # may have the same address. What they sign by is a link that names one member only.
    email = models.EmailField("adresse électronique", blank=True)
    profession = models.CharField("profession", max_length=3, blank=True, choices=PROFESSIONS)
    speciality = models.CharField("spécialité ou précision", max_length=100, blank=True)
    rpps = models.CharField("numéro RPPS", max_length=11, blank=True)
    structure_kind = models.CharField(
        "nature de la structure", max_length=20, blank=True, choices=STRUCTURES
    )
    structure_name = models.CharField("nom de la structure", max_length=200, blank=True)
    finess = models.CharField("numéro FINESS", max_length=9, blank=True)
    function = models.CharField("fonction du représentant légal", max_length=100, blank=True)
    commune = models.ForeignKey(
        Commune,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name="commune d’exercice ou d’implantation",
    )
    # Lower case, without accents: the list sorts and finds by it.
    sort_key = models.CharField(max_length=420, editable=False)
    joined_on = models.DateField("membre depuis le", default=timezone.localdate)
    left_on = models.DateField("parti le", null=True, blank=True)
    left_reason = models.CharField("motif du départ", max_length=300, blank=True)
    created_by = models.ForeignKey(User, models.RESTRICT, related_name="+", verbose_name="créé par")
    created_at = models.DateTimeField("créé le", default=timezone.now)

    objects = MemberQuerySet.as_manager()

    class Meta:
        verbose_name = "membre"
        ordering = ["sort_key", "pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(kind="professional", structure_name="", structure_kind="", finess="")
                & ~Q(profession="")
                | Q(kind="structure", profession="", rpps="")
                & ~Q(structure_name="")
                & ~Q(structure_kind=""),
                name="member_is_a_professional_or_a_structure",
                violation_error_message="Un membre est un professionnel ou une structure.",
            ),
            models.CheckConstraint(
                condition=Q(left_on__isnull=True) | Q(left_on__gte=F("joined_on")),
                name="member_leaves_after_joining",
                violation_error_message="Le départ ne peut pas précéder l’arrivée.",
            ),
            models.CheckConstraint(
                condition=Q(rpps="") | Q(rpps__regex=r"^[0-9]{11}$"),
                name="member_rpps_has_eleven_digits",
                violation_error_message="Un numéro RPPS compte 11 chiffres.",
            ),
            models.CheckConstraint(
                condition=Q(finess="") | Q(finess__regex=r"^([0-9]{9}|2[AB][0-9]{7})$"),
                name="member_finess_has_nine_signs",
                violation_error_message="Un numéro FINESS compte 9 chiffres.",
            ),
            models.UniqueConstraint(
                fields=["community", "rpps"],
                condition=Q(left_on__isnull=True) & ~Q(rpps=""),
                name="member_one_per_rpps",
                violation_error_message="Un membre de cette CPTS a déjà ce numéro RPPS.",
            ),
            models.UniqueConstraint(
                fields=["community", "finess"],
                condition=Q(left_on__isnull=True) & ~Q(finess=""),
                name="member_one_per_finess",
                violation_error_message="Une structure de cette CPTS a déjà ce numéro FINESS.",
            ),
        ]
        indexes = [
            models.Index(fields=["community", "sort_key", "id"], name="member_list"),
            models.Index(fields=["community", "email"], name="member_email"),
        ]

    def __str__(self) -> str:
        return self.name

    def save(self, *args: Any, **kwargs: Any) -> None:
        from members.services import sort_key  # noqa: PLC0415 - services import this module

        self.sort_key = sort_key(self)
        super().save(*args, **kwargs)

    @property
    def person(self) -> str:
        """Who signs: « Claire Fabre »."""
        return f"{self.first_name} {self.last_name}".strip()

    @property
    def name(self) -> str:
        """The professional, or the structure: what lists show."""
        return self.structure_name if self.is_structure else self.person

    @property
    def is_structure(self) -> bool:
        return self.kind == self.Kind.STRUCTURE

    @property
    def what(self) -> str:
        """« Médecin », « Centre de santé »: what they are counted among."""
        known, code = (
            (STRUCTURES, self.structure_kind)
            if self.is_structure
            else (PROFESSIONS, self.profession)
        )
        return known.get(code, code)

    @property
    def capacity(self) -> str:
        """In what capacity the person signs: « Médecin, pédiatrie », « directrice »."""
        if self.is_structure:
            return self.function
        return ", ".join(part for part in (self.what, self.speciality) if part)


class MemberImport(models.Model):
    """A spreadsheet that was read and waits to be confirmed: nothing of it is a member yet.

    Its rows hold people's data: they are emptied once applied or given up.
    """

    community = models.ForeignKey(Community, models.CASCADE, related_name="member_imports")
    file_name = models.CharField("fichier", max_length=150)
    # Each is `members.importing.Row` as JSON.
    rows = models.JSONField("lignes lues", default=list)
    # Headings of the file that nobody knows.
    ignored = models.JSONField("colonnes ignorées", default=list)
    created_by = models.ForeignKey(User, models.RESTRICT, related_name="+")
    created_at = models.DateTimeField("lu le", default=timezone.now)
    closed_at = models.DateTimeField("clos le", null=True, blank=True)

    class Meta:
        verbose_name = "import de membres"
        verbose_name_plural = "imports de membres"
        constraints = [
            models.UniqueConstraint(
                fields=["community"],
                condition=Q(closed_at__isnull=True),
                name="member_import_one_waiting",
                violation_error_message="Un import attend déjà d’être confirmé.",
            ),
            models.CheckConstraint(
                condition=Q(closed_at__isnull=True) | Q(rows=[]),
                name="member_import_closed_is_empty",
            ),
        ]

    def __str__(self) -> str:
        return self.file_name
