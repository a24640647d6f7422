"""A committee's seats and sessions: who sits, what is on the agenda, who came, what was said.

The rules are those of consultative commissions (CRPA, R. 133-3 to R. 133-13), which a committee
follows unless its own text says otherwise.
"""

import uuid
from typing import TYPE_CHECKING

from django.contrib.postgres.fields import ArrayField
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from accounts.models import Organisation, User
from documents.models import OfficialDocument
from workflow.models import Consultation, Opinion
from workflow.opinion_states import Position

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser


class Seat(models.Model):
    """A voting member of a committee, with or without an account, from a day to a day."""

    body = models.ForeignKey(
        Organisation, models.PROTECT, related_name="seats", verbose_name="comité"
    )
    name = models.CharField("nom", max_length=150)
    # In whose name they sit: « URPS Infirmiers », « représentant des usagers ».
    capacity = models.CharField("qualité", max_length=200)
    email = models.EmailField("adresse électronique")
    since = models.DateField("siège depuis le")
    until = models.DateField("jusqu’au", null=True, blank=True)

    class Meta:
        verbose_name = "siège"
        verbose_name_plural = "sièges"
        ordering = ["name", "pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(until__isnull=True) | Q(until__gte=F("since")),
                name="seat_dates_in_order",
                violation_error_message="Un siège ne prend pas fin avant d’avoir commencé.",
            ),
            models.UniqueConstraint(
                fields=["body", "email"],
                condition=Q(until__isnull=True),
                name="seat_one_per_address",
                violation_error_message="Cette adresse est déjà celle d’un membre du comité.",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class SessionQuerySet(models.QuerySet["Session"]):
    def visible_to(self, user: "User | AnonymousUser") -> "SessionQuerySet":
        """The sessions of the committee the person acts for; nobody else reads of them."""
        if not isinstance(user, User) or user.acting is None:
            return self.none()
        return self.filter(body=user.acting.organisation_id)


class Session(models.Model):
    """A sitting of a committee: planned, called, then closed with its minutes, or cancelled."""

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    body = models.ForeignKey(
        Organisation, models.PROTECT, related_name="sessions", verbose_name="comité"
    )
    starts_at = models.DateTimeField("début")
    ends_at = models.DateTimeField("fin")
    place = models.TextField("lieu")
    # Held again on the same agenda because too few came: no quorum is needed then.
    first_call = models.OneToOneField(
        "self",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="second_call",
        verbose_name="première convocation",
    )
    # Why the members were called less than five days before; empty: they were not.
    urgency = models.TextField("urgence", blank=True)
    called_at = models.DateTimeField("convoquée le", null=True, blank=True)
    # How many times the members were written to: each call or change adds one.
    calls = models.PositiveSmallIntegerField("convocations", default=0)
    cancelled_at = models.DateTimeField("annulée le", null=True, blank=True)
    cancel_reason = models.TextField("motif de l’annulation", blank=True)
    remarks = models.TextField("relevé des échanges", blank=True)
    closed_at = models.DateTimeField("close le", null=True, blank=True)
    closed_by = models.ForeignKey(
        User, models.RESTRICT, null=True, blank=True, related_name="+", verbose_name="close par"
    )
    # What the minutes say, as it was when the session was closed: they are printed from it alone.
    minutes = models.JSONField("procès-verbal", null=True, blank=True, encoder=DjangoJSONEncoder)
    created_by = models.ForeignKey(User, models.RESTRICT, related_name="+", verbose_name="par")
    created_at = models.DateTimeField("créée le", default=timezone.now)

    objects = SessionQuerySet.as_manager()

    class Meta:
        verbose_name = "séance"
        ordering = ["-starts_at", "pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(ends_at__gt=F("starts_at")),
                name="session_ends_after_it_starts",
                violation_error_message="Une séance finit après avoir commencé.",
            ),
            models.CheckConstraint(
                condition=Q(called_at__isnull=True, calls=0)
                | Q(called_at__isnull=False, calls__gte=1),
                name="session_called_is_dated",
            ),
            models.CheckConstraint(
                condition=Q(cancelled_at__isnull=True, cancel_reason="")
                | (Q(cancelled_at__isnull=False, closed_at__isnull=True) & ~Q(cancel_reason="")),
                name="session_cancelled_is_dated_and_reasoned",
            ),
            models.CheckConstraint(
                condition=Q(closed_at__isnull=True, closed_by__isnull=True, minutes__isnull=True)
                | Q(
                    closed_at__isnull=False,
                    closed_by__isnull=False,
                    minutes__isnull=False,
                    called_at__isnull=False,
                ),
                name="session_closed_is_signed_and_frozen",
            ),
        ]
        indexes = [models.Index(fields=["body", "-starts_at"], name="session_calendar")]

    def __str__(self) -> str:
        return f"{self.body}, séance du {timezone.localdate(self.starts_at):%d/%m/%Y}"

    @property
    def is_open(self) -> bool:
        """Whether it can still be changed, called or held."""
        return self.closed_at is None and self.cancelled_at is None

    @property
    def is_second_call(self) -> bool:
        return self.first_call_id is not None


class Item(models.Model):
    """A point of the agenda: a case the committee is asked about, or another question."""

    session = models.ForeignKey(Session, models.CASCADE, related_name="items")
    rank = models.PositiveSmallIntegerField("rang")
    consultation = models.ForeignKey(
        Consultation,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="session_items",
        verbose_name="avis demandé",
    )
    title = models.CharField("point", max_length=300)
    # The sense of the deliberation; empty for another question.
    position = models.CharField("avis", max_length=30, choices=Position, blank=True)
    text = models.TextField("ce qui est dit", blank=True)
    reserves = ArrayField(models.TextField(), default=list, blank=True, verbose_name="réserves")
    votes_for = models.PositiveSmallIntegerField("voix pour", null=True, blank=True)
    votes_against = models.PositiveSmallIntegerField("voix contre", null=True, blank=True)
    abstentions = models.PositiveSmallIntegerField("abstentions", null=True, blank=True)
    deliberated_at = models.DateTimeField("délibéré le", null=True, blank=True)
    # Why it is put off to another session; empty: it is not.
    postponed = models.TextField("motif du report", blank=True)
    # The draft it became, which the president reads again and gives.
    opinion = models.ForeignKey(
        Opinion, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="avis"
    )
    # Why no draft was prepared when the session was closed, in a sentence.
    not_prepared = models.TextField("avis non préparé", blank=True)

    class Meta:
        verbose_name = "point de l’ordre du jour"
        verbose_name_plural = "points de l’ordre du jour"
        ordering = ["session", "rank"]
        constraints = [
            models.UniqueConstraint(
                fields=["session", "consultation"], name="item_one_per_consultation"
            ),
            models.UniqueConstraint(
                fields=["session", "rank"],
                name="item_one_per_rank",
                deferrable=models.Deferrable.DEFERRED,
            ),
            models.CheckConstraint(
                condition=Q(position__in=["", *Position.values]), name="item_known_position"
            ),
            models.CheckConstraint(
                condition=Q(postponed="") | Q(deliberated_at__isnull=True, position=""),
                name="item_postponed_was_not_deliberated",
            ),
            models.CheckConstraint(
                condition=Q(deliberated_at__isnull=True, position="")
                | Q(deliberated_at__isnull=False, consultation__isnull=True, position="")
                | (Q(deliberated_at__isnull=False, consultation__isnull=False) & ~Q(position="")),
                name="item_deliberated_on_a_case_takes_a_position",
            ),
        ]

    def __str__(self) -> str:
        return self.title

    @property
    def is_settled(self) -> bool:
        return self.deliberated_at is not None or bool(self.postponed)


class Attendee(models.Model):
    """A member called to a session, and whether they took part."""

    class Presence(models.TextChoices):
        EXPECTED = "expected", "Non noté"
        PRESENT = "present", "Présent"
        REMOTE = "remote", "À distance"
        MANDATE = "mandate", "A donné mandat"
        ABSENT = "absent", "Absent"

    session = models.ForeignKey(Session, models.CASCADE, related_name="attendees")
    seat = models.ForeignKey(Seat, models.PROTECT, related_name="+", verbose_name="siège")
    # As the members were called: a seat that changes later changes no past session.
    name = models.CharField("nom", max_length=150)
    capacity = models.CharField("qualité", max_length=200)
    email = models.EmailField("adresse électronique")
    presence = models.CharField(
        "présence", max_length=10, choices=Presence, default=Presence.EXPECTED
    )
    holder = models.ForeignKey(
        "self",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="mandates",
        verbose_name="mandataire",
    )

    class Meta:
        verbose_name = "membre convoqué"
        verbose_name_plural = "membres convoqués"
        ordering = ["session", "name", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["session", "seat"], name="attendee_one_per_seat"),
            models.CheckConstraint(
                condition=Q(presence="mandate", holder__isnull=False)
                | (~Q(presence="mandate") & Q(holder__isnull=True)),
                name="attendee_mandate_has_a_holder",
            ),
            # Nobody holds more than one mandate (CRPA, R. 133-9).
            models.UniqueConstraint(
                fields=["holder"],
                condition=Q(holder__isnull=False),
                name="attendee_holds_one_mandate",
                violation_error_message="Un membre ne détient qu’un mandat.",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class Dissent(models.Model):
    """The disagreement a member asked to have noted in the minutes (CRPA, R. 133-13)."""

    item = models.ForeignKey(Item, models.CASCADE, related_name="dissents")
    attendee = models.ForeignKey(Attendee, models.CASCADE, related_name="dissents")
    text = models.TextField("désaccord")

    class Meta:
        verbose_name = "désaccord"
        constraints = [
            models.UniqueConstraint(fields=["item", "attendee"], name="dissent_one_per_member"),
            models.CheckConstraint(condition=~Q(text=""), name="dissent_says_something"),
        ]

    def __str__(self) -> str:
        return f"{self.attendee} : {self.text[:60]}"


class SessionDocument(models.Model):
    """An official document of a session: each convocation, and the minutes."""

    class Kind(models.TextChoices):
        CONVOCATION = "convocation", "Convocation"
        MINUTES = "minutes", "Procès-verbal"

    session = models.ForeignKey(Session, models.PROTECT, related_name="documents")
    kind = models.CharField("nature", max_length=12, choices=Kind)
    # The call it belongs to; 0 for the minutes.
    sequence = models.PositiveSmallIntegerField("n°", default=0)
    document = models.OneToOneField(OfficialDocument, models.PROTECT, related_name="+")

    class Meta:
        verbose_name = "document d’une séance"
        verbose_name_plural = "documents d’une séance"
        ordering = ["session", "document__created_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["session", "kind", "sequence"], name="session_document_once"
            ),
        ]

    def __str__(self) -> str:
        return self.document.number
