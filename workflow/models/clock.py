"""The ledger of the legal clock."""

from typing import Any

from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from accounts.models import Organisation, User
from workflow.clock import Event, EventKind
from workflow.models.cases import Case


class ClockEventQuerySet(models.QuerySet["ClockEvent"]):
    def standing(self) -> "ClockEventQuerySet":
        """The events that count: neither corrections, nor events that one has taken out."""
        return self.filter(cancels__isnull=True, cancelled_by__isnull=True)


class ClockEvent(models.Model):
    """One line of the ledger the legal clock is read from; see `workflow.clock`.

    A line is written once. A mistake is taken out of the computation by a counter-event, which
    says the same thing, points to it and gives the reason. The database refuses to change or
    delete a line, hence to delete the case it belongs to.
    """

    Kind = EventKind

    case = models.ForeignKey(
        Case, models.PROTECT, related_name="clock_events", verbose_name="dossier"
    )
    kind = models.CharField("évènement", max_length=10, choices=EventKind)
    effective_on = models.DateField("date d’effet")
    # Given to the applicant with a request for missing items: a suspension never lasts longer.
    until = models.DateField("date limite donnée", null=True, blank=True)
    reason = models.TextField("motif", blank=True)
    cancels = models.OneToOneField(
        "self",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="cancelled_by",
        verbose_name="corrige",
    )
    entered_at = models.DateTimeField("enregistré le", default=timezone.now)
    # Nobody: the portal itself.
    entered_by = models.ForeignKey(
        User, models.RESTRICT, null=True, blank=True, related_name="+", verbose_name="par"
    )
    body = models.ForeignKey(
        Organisation, models.RESTRICT, null=True, blank=True, related_name="+", verbose_name="pour"
    )

    objects = ClockEventQuerySet.as_manager()

    class Meta:
        verbose_name = "évènement du délai"
        verbose_name_plural = "registre du délai"
        ordering = ["effective_on", "pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(kind__in=EventKind.values), name="clock_event_known_kind"
            ),
            models.CheckConstraint(
                condition=Q(
                    kind=EventKind.SUSPEND, until__isnull=False, until__gt=F("effective_on")
                )
                | Q(~Q(kind=EventKind.SUSPEND), until__isnull=True),
                name="clock_event_suspension_gives_a_time_limit",
                violation_error_message=(
                    "Une suspension, et elle seule, donne une date limite, après sa date d’effet."
                ),
            ),
            models.CheckConstraint(
                condition=Q(cancels__isnull=True)
                | Q(entered_by__isnull=False, reason__regex=r"\S"),
                name="clock_event_correction_signed_and_reasoned",
                violation_error_message="Une correction a un auteur et un motif.",
            ),
        ]
        indexes = [models.Index(fields=["case", "effective_on"], name="clock_event_case")]

    def __str__(self) -> str:
        return f"{self.case_id} {self.kind} {self.effective_on}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self._state.adding:
            raise ValueError("A line of the ledger is written once: correct it instead.")
        super().save(*args, **kwargs)

    def delete(self, *_args: Any, **_kwargs: Any) -> tuple[int, dict[str, int]]:
        raise ValueError("A line of the ledger is never deleted: correct it instead.")

    def as_event(self) -> Event:
        """What the computation reads of this line."""
        return Event(
            id=self.pk,
            kind=EventKind(self.kind),
            effective_on=self.effective_on,
            until=self.until,
            cancels=self.cancels_id,
        )
