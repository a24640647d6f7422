"""Everything that is filed is a `Case` that moves through a workflow.

`Case` is a concrete parent: a letter of intent, a health project, a contract are its
children. There is one inbox, one search, one log, one document store for all of them.
"""

import uuid
from typing import TYPE_CHECKING, Any

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.models import F, Q, Value
from django.utils import timezone
from django_fsm import FSMField

from accounts.models import Organisation, User
from communities.models import Community
from documents.models import Attachment, OfficialDocument
from territories.models import Region
from workflow.clock import Event, EventKind
from workflow.states import CaseState

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser


class CaseQuerySet(models.QuerySet):
    def visible_to(self, user: "User | AnonymousUser") -> "CaseQuerySet":
        """The cases a person may see in the role they act in.

        In their own name: the cases of the CPTS on whose team they are. In a membership:
        the deposited cases on their organisation's desk, inside their own perimeter.
        """
        if not isinstance(user, User):
            return self.none()
        if user.acting is None:
            return self.filter(community__team_members__user=user).annotate(
                viewer_id=Value(user.pk), viewer_role=F("community__team_members__role")
            )
        cases = self.filter(desks__organisation=user.acting.organisation_id)
        if user.acting.department_id:
            cases = cases.filter(department_codes__contains=[user.acting.department_id])
        return cases


class Case(models.Model):
    """A file on its way: whose it is, where it stands, who is in charge of it."""

    class Kind(models.TextChoices):
        LETTER_OF_INTENT = "letter_of_intent", "Lettre d’intention"

    class SizeClass(models.TextChoices):
        T1 = "T1", "Taille 1"
        T2 = "T2", "Taille 2"
        T3 = "T3", "Taille 3"
        T4 = "T4", "Taille 4"

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    kind = models.CharField("nature", max_length=30, choices=Kind, editable=False)
    community = models.ForeignKey(
        Community, models.PROTECT, related_name="cases", verbose_name="CPTS"
    )
    # The CPTS's name at the last change: what lists show, sort and search.
    title = models.CharField("intitulé", max_length=200)
    region = models.ForeignKey(Region, models.PROTECT, related_name="+", verbose_name="région")
    # The procedure the case began with; it keeps that version to its end.
    procedure_key = models.SlugField("procédure")
    procedure_version = models.PositiveSmallIntegerField("version de la procédure")
    state = FSMField("état", choices=CaseState.choices, default=CaseState.DRAFT, protected=True)
    reference = models.CharField("référence", max_length=30, unique=True, null=True, blank=True)
    office = models.ForeignKey(
        Organisation,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="cases_in_charge",
        verbose_name="bureau en charge",
    )
    department_codes = ArrayField(
        models.CharField(max_length=3), default=list, blank=True, verbose_name="départements"
    )
    population = models.PositiveIntegerField("population", null=True, blank=True)
    commune_count = models.PositiveIntegerField("nombre de communes", default=0)
    size_class = models.CharField("taille", max_length=2, choices=SizeClass, blank=True)
    # Number of the last deposit: 0 before the first one.
    version = models.PositiveSmallIntegerField("version", default=0)
    created_by = models.ForeignKey(User, models.RESTRICT, related_name="+", verbose_name="créé par")
    created_at = models.DateTimeField("créé le", default=timezone.now)
    updated_at = models.DateTimeField("modifié le", default=timezone.now)
    deposited_at = models.DateTimeField("déposé le", null=True, blank=True)

    objects = CaseQuerySet.as_manager()

    class Meta:
        verbose_name = "dossier"
        constraints = [
            models.CheckConstraint(
                condition=Q(
                    state="draft", deposited_at__isnull=True, reference__isnull=True, version=0
                )
                | Q(
                    ~Q(state="draft"),
                    deposited_at__isnull=False,
                    reference__isnull=False,
                    office__isnull=False,
                    version__gte=1,
                ),
                name="case_deposited_means_dated_numbered_and_routed",
            ),
        ]
        indexes = [
            models.Index(fields=["community", "kind"], name="case_community"),
            models.Index(fields=["-deposited_at", "id"], name="case_deposited"),
            GinIndex("department_codes", name="case_departments"),
        ]

    def __str__(self) -> str:
        return self.reference or self.title

    def team_role(self, user: User) -> str | None:
        """The person's role on the CPTS's team; free when `visible_to` has just read it."""
        if getattr(self, "viewer_id", None) == user.pk:
            return self.viewer_role  # type: ignore[attr-defined]
        return self.community.team_role(user)

    def missing_for(self, transition: str) -> "list[Any]":  # noqa: ARG002
        """What is missing before `transition`: an empty list means go. Children say more."""
        return []

    @property
    def is_deposited(self) -> bool:
        return self.version > 0


class CaseDesk(models.Model):
    """A deposited case on the desk of an organisation: in charge of it, or informed."""

    class Kind(models.TextChoices):
        IN_CHARGE = "in_charge", "en charge"
        INFORMED = "informed", "informé"

    case = models.ForeignKey(Case, models.CASCADE, related_name="desks")
    organisation = models.ForeignKey(Organisation, models.PROTECT, related_name="desks")
    kind = models.CharField("titre", max_length=10, choices=Kind)
    since = models.DateTimeField("depuis le", default=timezone.now)

    class Meta:
        verbose_name = "bureau d’un dossier"
        verbose_name_plural = "bureaux d’un dossier"
        constraints = [
            models.UniqueConstraint(fields=["case", "organisation"], name="case_desk_unique"),
            models.UniqueConstraint(
                fields=["case"], condition=Q(kind="in_charge"), name="case_one_desk_in_charge"
            ),
        ]
        indexes = [models.Index(fields=["organisation", "case"], name="case_desk_inbox")]

    def __str__(self) -> str:
        return f"{self.organisation} · {self.case}"


class Answer(models.Model):
    """What the team wrote in one field of a case. `revision` counts its changes."""

    case = models.ForeignKey(Case, models.CASCADE, related_name="answers")
    key = models.SlugField("champ", max_length=60)
    value = models.JSONField("réponse")
    revision = models.PositiveIntegerField("révision", default=1)
    updated_at = models.DateTimeField("modifié le", default=timezone.now)
    updated_by = models.ForeignKey(
        User, models.RESTRICT, related_name="+", verbose_name="modifié par"
    )

    class Meta:
        verbose_name = "réponse"
        constraints = [
            models.UniqueConstraint(fields=["case", "key"], name="answer_one_per_field"),
        ]

    def __str__(self) -> str:
        return f"{self.case_id} {self.key}"


class CaseAttachment(models.Model):
    """An attachment in its place on a case: the CERFA, the map, the diagnosis…"""

    case = models.ForeignKey(Case, models.CASCADE, related_name="attachments")
    attachment = models.OneToOneField(Attachment, models.PROTECT, related_name="case_link")
    slot = models.SlugField("emplacement", max_length=60)
    position = models.PositiveSmallIntegerField("rang", default=0)

    class Meta:
        verbose_name = "pièce jointe d’un dossier"
        verbose_name_plural = "pièces jointes d’un dossier"
        ordering = ["slot", "position", "pk"]

    def __str__(self) -> str:
        return f"{self.case_id} {self.slot}"


class TransitionLog(models.Model):
    """One line per transition: who moved the case, for which body, from where to where."""

    case = models.ForeignKey(Case, models.CASCADE, related_name="transition_logs")
    transition = models.CharField("action", max_length=60)
    from_state = models.CharField("de", max_length=50)
    to_state = models.CharField("à", max_length=50)
    actor = models.ForeignKey(
        User, models.RESTRICT, null=True, blank=True, related_name="+", verbose_name="auteur"
    )
    body = models.ForeignKey(
        Organisation, models.RESTRICT, null=True, blank=True, related_name="+", verbose_name="pour"
    )
    comment = models.TextField("commentaire", blank=True)
    version = models.PositiveSmallIntegerField("version", default=0)
    at = models.DateTimeField("le", default=timezone.now)

    class Meta:
        verbose_name = "ligne du journal"
        verbose_name_plural = "journal"
        ordering = ["at", "pk"]
        indexes = [models.Index(fields=["case", "at"], name="transition_log_case")]

    def __str__(self) -> str:
        return f"{self.case_id} {self.transition}"


class Snapshot(models.Model):
    """The whole content of a case as it stood at one deposit: what documents are made from."""

    case = models.ForeignKey(Case, models.PROTECT, related_name="snapshots")
    version = models.PositiveSmallIntegerField("version")
    content = models.JSONField("contenu", encoder=DjangoJSONEncoder)
    sha256 = models.CharField("empreinte SHA-256", max_length=64)
    created_at = models.DateTimeField("établi le", default=timezone.now)
    created_by = models.ForeignKey(
        User, models.RESTRICT, related_name="+", verbose_name="établi par"
    )

    class Meta:
        verbose_name = "contenu déposé"
        verbose_name_plural = "contenus déposés"
        constraints = [
            models.UniqueConstraint(fields=["case", "version"], name="snapshot_one_per_version"),
        ]

    def __str__(self) -> str:
        return f"{self.case} v{self.version}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self._state.adding:
            raise ValueError("A snapshot is frozen: it cannot be saved again.")
        super().save(*args, **kwargs)


class CaseDocument(models.Model):
    """An official document of a case: one of each kind per deposit, and no other."""

    case = models.ForeignKey(Case, models.PROTECT, related_name="documents")
    document = models.OneToOneField(OfficialDocument, models.PROTECT, related_name="case_link")
    snapshot = models.ForeignKey(Snapshot, models.PROTECT, related_name="documents")
    kind = models.CharField("nature", max_length=40)

    class Meta:
        verbose_name = "document d’un dossier"
        verbose_name_plural = "documents d’un dossier"
        constraints = [
            models.UniqueConstraint(fields=["snapshot", "kind"], name="case_document_once"),
        ]

    def __str__(self) -> str:
        return f"{self.case} {self.kind}"


class ReferenceCounter(models.Model):
    """The last number given, per kind of case, region and year: a row lock leaves no hole."""

    prefix = models.CharField("préfixe", max_length=10)
    region = models.ForeignKey(Region, models.PROTECT, related_name="+")
    year = models.PositiveSmallIntegerField("année")
    last = models.PositiveIntegerField("dernier numéro", default=0)

    class Meta:
        verbose_name = "compteur de références"
        verbose_name_plural = "compteurs de références"
        constraints = [
            models.UniqueConstraint(
                fields=["prefix", "region", "year"], name="reference_counter_unique"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.prefix}-{self.region_id}-{self.year}"


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
