"""What a CPTS pays its members, and the most each may receive in a civil year."""

from typing import TYPE_CHECKING

from django.db import models
from django.db.models import Q
from django.utils import timezone

from accounts.models import User
from communities.models import Community
from contracts.models.payments import MOST_PAYMENT
from members.models import Member

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser


class SocialSecurityCeiling(models.Model):
    """The ceiling of a civil year, in euros. A year that is not here, nobody has confirmed."""

    year = models.PositiveSmallIntegerField("année", unique=True)
    amount = models.DecimalField("plafond annuel", max_digits=8, decimal_places=2)
    source = models.CharField("source", max_length=300)

    class Meta:
        verbose_name = "plafond de la sécurité sociale"
        verbose_name_plural = "plafonds de la sécurité sociale"
        ordering = ["-year"]
        constraints = [
            models.CheckConstraint(
                condition=Q(year__range=(2000, 2100), amount__range=(10_000, 200_000)),
                name="ceiling_possible",
                violation_error_message="Le plafond d’une année va de 10 000 à 200 000 €.",
            ),
            models.CheckConstraint(condition=~Q(source=""), name="ceiling_has_a_source"),
        ]

    def __str__(self) -> str:
        return str(self.year)


class IndemnityQuerySet(models.QuerySet["Indemnity"]):
    def visible_to(self, user: "User | AnonymousUser") -> "IndemnityQuerySet":
        """Those of the CPTS on whose team the person is: they say what people receive."""
        return self.filter(community__in=Community.objects.visible_to(user).values("pk"))

    def standing(self) -> "IndemnityQuerySet":
        """Those that are not cancelled."""
        return self.filter(cancelled_at__isnull=True)


class Indemnity(models.Model):
    """A sum that a CPTS paid to one of its members (CSP, article D. 1434-44)."""

    class Kind(models.TextChoices):
        INDEMNITY = "indemnity", "Indemnité (perte de revenus)"
        REMUNERATION = "remuneration", "Rémunération (part prise aux missions)"

    community = models.ForeignKey(Community, models.PROTECT, related_name="indemnities")
    member = models.ForeignKey(
        Member, models.PROTECT, related_name="indemnities", verbose_name="professionnel"
    )
    kind = models.CharField("nature", max_length=12, choices=Kind)
    paid_on = models.DateField("versée le")
    amount = models.DecimalField("montant", max_digits=12, decimal_places=2)
    recorded_by = models.ForeignKey(User, models.RESTRICT, related_name="+", verbose_name="par")
    recorded_at = models.DateTimeField("enregistrée le", default=timezone.now)
    cancelled_at = models.DateTimeField("annulée le", null=True, blank=True)
    cancelled_by = models.ForeignKey(
        User, models.RESTRICT, null=True, blank=True, related_name="+", verbose_name="annulée par"
    )

    objects = IndemnityQuerySet.as_manager()

    class Meta:
        verbose_name = "indemnité"
        ordering = ["-paid_on", "-pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(amount__gt=0, amount__lte=MOST_PAYMENT),
                name="indemnity_possible_amount",
            ),
            models.CheckConstraint(
                condition=Q(cancelled_at__isnull=True, cancelled_by__isnull=True)
                | Q(cancelled_at__isnull=False, cancelled_by__isnull=False),
                name="indemnity_cancelled_by_someone",
            ),
        ]
        indexes = [models.Index(fields=["community", "-paid_on", "-id"], name="indemnity_list")]

    def __str__(self) -> str:
        return f"{self.member_id} {self.paid_on}"
