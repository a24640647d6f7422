"""The case itself: whose it is, where it stands, on whose desks, what it holds, what was done."""

import uuid
from typing import TYPE_CHECKING, Any

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django_fsm import FSMField

from accounts.models import Organisation, User
from accounts.viewers import Viewer, viewer_of
from communities.models import Community
from cpts_portal.composed import constant
from documents.models import Attachment, OfficialDocument
from territories.models import Region
from workflow.clock import ClockState
from workflow.states import OPEN_STATES, CaseState

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser


class SortedAsWritten(models.Func):
    """A text as a dictionary sorts it: the database's own order puts « Écouen » after Z."""

    function = "sorted_as_written"
    output_field = models.TextField()


class CaseQuerySet(models.QuerySet):
    def visible_to(self, user: "User | AnonymousUser") -> "CaseQuerySet":
        """The cases a person may see in the role they act in.

        In their own name: the cases of the CPTS on whose team they are. In a membership:
        the deposited cases on their organisation's desk, inside their own perimeter.
        """
        if not isinstance(user, User):
            return self.none()
        return self.seen_by(viewer_of(user))

    def seen_by(self, viewer: Viewer) -> "CaseQuerySet":
        """The same, for a statement that is composed once."""
        if viewer.body is None:
            return self.filter(community__team_members__user=viewer.person).annotate(
                viewer_id=constant(viewer.person), viewer_role=F("community__team_members__role")
            )
        cases = self.filter(desks__organisation=viewer.body).annotate(
            viewer_body_id=constant(viewer.body), viewer_desk=F("desks__kind")
        )
        if viewer.department is not None:
            cases = cases.filter(department_codes__contains=[viewer.department])
        return cases


class Case(models.Model):
    """A file on its way: whose it is, where it stands, who is in charge of it."""

    class Kind(models.TextChoices):
        LETTER_OF_INTENT = "letter_of_intent", "Lettre d’intention"
        HEALTH_PROJECT = "health_project", "Projet de santé"
        CONTRACT = "contract", "Contrat"

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
    # Who examines the case for the office in charge, once somebody has taken it.
    instructor = models.ForeignKey(
        User,
        models.RESTRICT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name="agent instructeur",
    )
    department_codes = ArrayField(
        models.CharField(max_length=3), default=list, blank=True, verbose_name="départements"
    )
    population = models.PositiveIntegerField("population", null=True, blank=True)
    commune_count = models.PositiveIntegerField("nombre de communes", default=0)
    size_class = models.CharField("taille", max_length=2, choices=SizeClass, blank=True)
    # Number of the last frozen content, deposited or to be signed before: 0 before the first one.
    version = models.PositiveSmallIntegerField("version", default=0)
    created_by = models.ForeignKey(User, models.RESTRICT, related_name="+", verbose_name="créé par")
    created_at = models.DateTimeField("créé le", default=timezone.now)
    updated_at = models.DateTimeField("modifié le", default=timezone.now)
    deposited_at = models.DateTimeField("déposé le", null=True, blank=True)
    # What the ledger says, copied by `workflow.services` with each event: lists sort by it.
    # The deadline is None while there is none to wait for, and once the clock has ended.
    deadline_on = models.DateField("échéance", null=True, blank=True, editable=False)
    clock_state = models.CharField(
        "délai",
        max_length=11,
        choices=ClockState,
        default=ClockState.NOT_STARTED,
        editable=False,
    )
    # A suspension ends by itself on this day where silence means refusal.
    suspended_until = models.DateField("suspendu jusqu’au", null=True, blank=True, editable=False)

    objects = CaseQuerySet.as_manager()

    class Meta:
        verbose_name = "dossier"
        constraints = [
            models.CheckConstraint(
                condition=Q(
                    state="draft", deposited_at__isnull=True, reference__isnull=True, version=0
                )
                # Frozen to be signed, and numbered for that; not yet deposited.
                | Q(
                    state="draft",
                    deposited_at__isnull=True,
                    reference__isnull=False,
                    version__gte=1,
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
            models.CheckConstraint(
                condition=Q(state__in=CaseState.values), name="case_known_state"
            ),
            # A project, or an amendment to it: one at a time.
            models.UniqueConstraint(
                fields=["community"],
                condition=Q(kind="health_project", state__in=[CaseState.DRAFT, *OPEN_STATES]),
                name="case_one_open_health_project",
                violation_error_message=(
                    "Cette CPTS a déjà un projet de santé ou un avenant en cours."
                ),
            ),
            models.CheckConstraint(
                condition=~Q(state="draft") | Q(instructor__isnull=True),
                name="case_draft_has_no_instructor",
            ),
        ]
        indexes = [
            models.Index(fields=["community", "kind"], name="case_community"),
            models.Index(fields=["-deposited_at", "id"], name="case_deposited"),
            GinIndex("department_codes", name="case_departments"),
            models.Index(
                fields=["deadline_on"],
                name="case_clock_running",
                condition=Q(clock_state__in=["running", "suspended"]),
            ),
            # Those that may have ended by themselves: see `projections`.
            models.Index(
                fields=["suspended_until"],
                name="case_suspended",
                condition=Q(clock_state="suspended", deadline_on__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return self.reference or self.title

    def team_role(self, user: User) -> str | None:
        """The person's role on the CPTS's team; free when `visible_to` has just read it."""
        if getattr(self, "viewer_id", None) == user.pk:
            return self.viewer_role  # type: ignore[attr-defined]
        return self.community.team_role(user)

    def desk_of(self, organisation_id: int) -> str:
        """In what capacity an organisation has the case, or nothing; free after `visible_to`."""
        if getattr(self, "viewer_body_id", None) == organisation_id:
            return str(self.viewer_desk)  # type: ignore[attr-defined]
        return (
            self.desks.filter(organisation=organisation_id).values_list("kind", flat=True).first()
            or ""
        )

    def missing_for(self, transition: str) -> "list[Any]":  # noqa: ARG002 - children read it
        """What is missing before `transition`: an empty list means go. Children say more."""
        return []

    @property
    def is_deposited(self) -> bool:
        """Whether it was ever filed. A version frozen to be signed is not a deposit."""
        return self.deposited_at is not None


class CaseDesk(models.Model):
    """A deposited case on the desk of an organisation: in charge, asked its opinion, informed."""

    class Kind(models.TextChoices):
        IN_CHARGE = "in_charge", "en charge"
        CONSULTED = "consulted", "consulté"
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


class CaseAttachmentQuerySet(models.QuerySet["CaseAttachment"]):
    def current(self) -> "CaseAttachmentQuerySet":
        """Those the last version holds, or the draft."""
        return self.filter(removed_in__isnull=True)


class CaseAttachment(models.Model):
    """An attachment in its place on a case: the CERFA, the map, the diagnosis…"""

    case = models.ForeignKey(Case, models.CASCADE, related_name="attachments")
    attachment = models.OneToOneField(Attachment, models.PROTECT, related_name="case_link")
    slot = models.SlugField("emplacement", max_length=60)
    position = models.PositiveSmallIntegerField("rang", default=0)
    # The version that no longer holds it; a version before still does, so the file is kept.
    removed_in = models.PositiveSmallIntegerField("retirée dans la version", null=True, blank=True)

    objects = CaseAttachmentQuerySet.as_manager()

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
    # Nobody: the portal itself.
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
        constraints = [
            models.CheckConstraint(
                condition=~Q(transition="withdraw", comment=""),
                name="transition_log_withdrawal_says_why",
                violation_error_message="Un retrait est motivé.",
            ),
            models.CheckConstraint(
                condition=~Q(transition="close", comment=""),
                name="transition_log_closing_says_why",
                violation_error_message="Une clôture sans suite est motivée.",
            ),
        ]
        indexes = [models.Index(fields=["case", "at"], name="transition_log_case")]

    def __str__(self) -> str:
        return f"{self.case_id} {self.transition}"


class Snapshot(models.Model):
    """The whole content of a case as it stood at one deposit, or when it was frozen to be signed:
    what documents are made from."""

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
    """An official document of a case: one of each kind per deposit and matter, and no other."""

    case = models.ForeignKey(Case, models.PROTECT, related_name="documents")
    document = models.OneToOneField(OfficialDocument, models.PROTECT, related_name="case_link")
    snapshot = models.ForeignKey(Snapshot, models.PROTECT, related_name="documents")
    kind = models.CharField("nature", max_length=40)
    # Primary key of what it is about, where a deposit has several of a kind: an opinion.
    about = models.PositiveBigIntegerField("objet", null=True, blank=True)

    class Meta:
        verbose_name = "document d’un dossier"
        verbose_name_plural = "documents d’un dossier"
        constraints = [
            models.UniqueConstraint(
                fields=["snapshot", "kind", "about"],
                nulls_distinct=False,
                name="case_document_once",
            ),
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
