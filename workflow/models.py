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
from outbox.models import Mail
from territories.models import Region
from workflow.clock import Event, EventKind
from workflow.opinion_states import (
    ConsultationAction,
    ConsultationState,
    NoticeKind,
    Position,
)
from workflow.querysets import ConsultationQuerySet, OpinionQuerySet, SynthesisQuerySet
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
        body = user.acting.organisation_id
        cases = self.filter(desks__organisation=body).annotate(
            viewer_body_id=Value(body), viewer_desk=F("desks__kind")
        )
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
            models.CheckConstraint(
                condition=Q(state__in=CaseState.values), name="case_known_state"
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

    def missing_for(self, transition: str) -> "list[Any]":  # noqa: ARG002
        """What is missing before `transition`: an empty list means go. Children say more."""
        return []

    @property
    def is_deposited(self) -> bool:
        return self.version > 0


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
        ]
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


# --- Opinions ---------------------------------------------------------------------------


class Consultation(models.Model):
    """What is asked of one body about one case, and until when."""

    class Kind(models.TextChoices):
        EXPECTED = "expected", "Avis attendu"
        INFORMATION = "information", "Pour information"

    class Silence(models.TextChoices):
        NO_OPINION = "no_opinion", "Sans avis"
        DEEMED_GIVEN = "deemed_given", "Réputé rendu"

    State = ConsultationState

    case = models.ForeignKey(
        Case, models.CASCADE, related_name="consultations", verbose_name="dossier"
    )
    body = models.ForeignKey(
        Organisation, models.PROTECT, related_name="consultations", verbose_name="organisme"
    )
    kind = models.CharField("nature", max_length=12, choices=Kind)
    # Key of the line of the circuit it comes from.
    line = models.SlugField("ligne du circuit", max_length=60)
    stage = models.PositiveSmallIntegerField("étape", default=1)
    grid = models.SlugField("grille", max_length=60, blank=True)
    silence = models.CharField("sens du silence", max_length=12, choices=Silence, blank=True)
    days = models.PositiveSmallIntegerField("délai en jours", null=True, blank=True)
    state = models.CharField(
        "état", max_length=10, choices=ConsultationState, default=ConsultationState.WAITING
    )
    # How many times it was asked: reminders begin again with each.
    round = models.PositiveSmallIntegerField("demande n°", default=1)
    requested_at = models.DateTimeField("demandé le", null=True, blank=True)
    # Last day to answer, included.
    due_on = models.DateField("attendu le", null=True, blank=True)
    revoked_at = models.DateTimeField("retirée le", null=True, blank=True)
    # Nobody: the portal, when the case itself was withdrawn.
    revoked_by = models.ForeignKey(
        User, models.RESTRICT, null=True, blank=True, related_name="+", verbose_name="retirée par"
    )
    revocation_reason = models.TextField("motif du retrait", blank=True)

    objects = ConsultationQuerySet.as_manager()

    class Meta:
        verbose_name = "consultation"
        ordering = ["stage", "body__name", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["case", "body"],
                condition=~Q(state="revoked"),
                name="consultation_one_per_body",
                violation_error_message="Cet organisme est déjà consulté sur ce dossier.",
            ),
            models.CheckConstraint(
                condition=Q(state__in=ConsultationState.values),
                name="consultation_known_state",
            ),
            models.CheckConstraint(
                condition=(
                    Q(kind="information", state__in=["waiting", "informed", "revoked"])
                    & Q(days__isnull=True, due_on__isnull=True, grid="", silence="")
                )
                | (
                    Q(kind="expected", days__isnull=False, days__gte=1)
                    & ~Q(state="informed")
                    & ~Q(silence="")
                ),
                name="consultation_information_awaits_nothing",
            ),
            models.CheckConstraint(
                condition=Q(state__in=["waiting", "informed", "revoked"])
                | Q(requested_at__isnull=False, due_on__isnull=False),
                name="consultation_requested_is_dated_and_due",
            ),
            models.CheckConstraint(
                condition=Q(~Q(state="revoked"), revoked_at__isnull=True, revocation_reason="")
                | (Q(state="revoked", revoked_at__isnull=False) & ~Q(revocation_reason="")),
                name="consultation_revoked_is_dated_and_reasoned",
                violation_error_message="Le retrait d’une demande a une date et un motif.",
            ),
        ]
        indexes = [
            models.Index(fields=["body", "state", "due_on"], name="consultation_body_desk"),
            models.Index(
                fields=["due_on"], name="consultation_due", condition=Q(state="requested")
            ),
        ]

    def __str__(self) -> str:
        return f"{self.body} · {self.case}"

    @property
    def is_expected(self) -> bool:
        return self.kind == self.Kind.EXPECTED


class Opinion(models.Model):
    """What a body thinks of a case: drafted by a member, given when its president validates.

    One is current for each consultation; those before it are kept. It names the version of
    the case it was written on.
    """

    Position = Position

    consultation = models.ForeignKey(
        Consultation, models.CASCADE, related_name="opinions", verbose_name="consultation"
    )
    is_current = models.BooleanField("en vigueur", default=True)
    position = models.CharField("position", max_length=30, choices=Position, blank=True)
    text = models.TextField("texte", blank=True)
    reserves = ArrayField(models.TextField(), default=list, blank=True, verbose_name="réserves")
    # By criterion of the grid: {"missions": {"mark": 2, "comment": "…"}}.
    marks = models.JSONField("notes", default=dict, blank=True)
    version_read = models.PositiveSmallIntegerField("version lue")
    # Counts the changes: a save and a validation say which one they start from.
    revision = models.PositiveIntegerField("révision", default=1)
    drafted_by = models.ForeignKey(
        User, models.RESTRICT, related_name="+", verbose_name="rédigé par"
    )
    drafted_at = models.DateTimeField("rédigé le", default=timezone.now)
    submitted_at = models.DateTimeField("soumis le", null=True, blank=True)
    returned_at = models.DateTimeField("renvoyé le", null=True, blank=True)
    returned_by = models.ForeignKey(
        User, models.RESTRICT, null=True, blank=True, related_name="+", verbose_name="renvoyé par"
    )
    return_comment = models.TextField("motif du renvoi", blank=True)
    validated_at = models.DateTimeField("rendu le", null=True, blank=True)
    validated_by = models.ForeignKey(
        User, models.RESTRICT, null=True, blank=True, related_name="+", verbose_name="rendu par"
    )
    # The mandate the validator held, when they are not the president.
    mandate = models.ForeignKey(
        "Mandate", models.PROTECT, null=True, blank=True, related_name="+", verbose_name="mandat"
    )
    # Given after its deadline or after the decision: kept, shown as such, not counted.
    is_late = models.BooleanField("hors délai", default=False)
    # May be read by the team and by the other bodies, once the synthesis has left.
    communicable = models.BooleanField("communicable", default=False)

    objects = OpinionQuerySet.as_manager()

    class Meta:
        verbose_name = "avis"
        verbose_name_plural = "avis"
        ordering = ["consultation", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["consultation"],
                condition=Q(is_current=True),
                name="opinion_one_current",
            ),
            models.CheckConstraint(
                condition=Q(position__in=["", *Position.values]), name="opinion_known_position"
            ),
            models.CheckConstraint(
                condition=Q(validated_at__isnull=True, validated_by__isnull=True)
                | (Q(validated_at__isnull=False, validated_by__isnull=False) & ~Q(position="")),
                name="opinion_given_is_dated_signed_and_takes_a_position",
                violation_error_message="Un avis rendu a une date, un auteur et une position.",
            ),
            models.CheckConstraint(
                condition=Q(validated_at__isnull=True)
                | ~Q(position="favourable_with_reserves")
                | Q(reserves__len__gte=1),
                name="opinion_with_reserves_lists_them",
                violation_error_message="Un avis avec réserves énonce au moins une réserve.",
            ),
            models.CheckConstraint(
                condition=Q(returned_at__isnull=True, returned_by__isnull=True, return_comment="")
                | (Q(returned_at__isnull=False, returned_by__isnull=False) & ~Q(return_comment="")),
                name="opinion_returned_with_a_reason",
                violation_error_message="Un projet d’avis est renvoyé avec un motif.",
            ),
            models.CheckConstraint(
                condition=Q(validated_at__isnull=False) | Q(is_late=False, communicable=False),
                name="opinion_draft_is_neither_late_nor_communicable",
            ),
            models.CheckConstraint(
                condition=Q(is_current=True) | Q(validated_at__isnull=False),
                name="opinion_replaced_was_given",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.consultation} : {self.get_position_display() or 'projet'}"

    @property
    def is_given(self) -> bool:
        return self.validated_at is not None

    @property
    def is_counted(self) -> bool:
        return self.is_given and self.is_current and not self.is_late

    def is_on_older_version(self, case: Case) -> bool:
        """Whether the case was deposited again since this opinion read it."""
        return self.version_read < case.version


class Mandate(models.Model):
    """The right to validate a body's opinions in the president's place, from a day to a day."""

    body = models.ForeignKey(
        Organisation, models.PROTECT, related_name="mandates", verbose_name="organisme"
    )
    holder = models.ForeignKey(
        User, models.RESTRICT, related_name="mandates", verbose_name="mandataire"
    )
    given_by = models.ForeignKey(User, models.RESTRICT, related_name="+", verbose_name="donné par")
    given_at = models.DateTimeField("donné le", default=timezone.now)
    valid_from = models.DateField("à partir du")
    valid_to = models.DateField("jusqu’au")
    revoked_at = models.DateTimeField("retiré le", null=True, blank=True)

    class Meta:
        verbose_name = "mandat"
        ordering = ["-valid_from", "pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(valid_to__gte=F("valid_from")), name="mandate_dates_in_order"
            ),
        ]
        indexes = [models.Index(fields=["body", "holder"], name="mandate_holder")]

    def __str__(self) -> str:
        return f"{self.holder} pour {self.body}"


class ConflictDeclaration(models.Model):
    """What a member of a body said of their ties with a case: none, or they step aside."""

    class Outcome(models.TextChoices):
        NONE = "none", "Aucun conflit d’intérêts"
        WITHDRAWN = "withdrawn", "Se déporte"

    consultation = models.ForeignKey(
        Consultation, models.CASCADE, related_name="declarations", verbose_name="consultation"
    )
    user = models.ForeignKey(User, models.RESTRICT, related_name="+", verbose_name="par")
    outcome = models.CharField("déclaration", max_length=10, choices=Outcome)
    # What made the portal ask, as it was shown.
    suspicion = models.TextField("constat du portail", blank=True)
    reason = models.TextField("explication", blank=True)
    declared_at = models.DateTimeField("le", default=timezone.now)

    class Meta:
        verbose_name = "déclaration de conflit d’intérêts"
        verbose_name_plural = "déclarations de conflit d’intérêts"
        constraints = [
            models.UniqueConstraint(
                fields=["consultation", "user"], name="conflict_declaration_once"
            ),
            models.CheckConstraint(
                condition=~Q(outcome="none", reason=""),
                name="conflict_declaration_none_says_why",
                violation_error_message="Expliquez pourquoi il n’y a pas de conflit d’intérêts.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user} : {self.get_outcome_display()}"


class ConsultationLog(models.Model):
    """One line for each thing done to a consultation; no actor means the portal itself."""

    Action = ConsultationAction

    consultation = models.ForeignKey(
        Consultation, models.CASCADE, related_name="logs", verbose_name="consultation"
    )
    action = models.CharField("action", max_length=20, choices=ConsultationAction)
    actor = models.ForeignKey(
        User, models.RESTRICT, null=True, blank=True, related_name="+", verbose_name="auteur"
    )
    comment = models.TextField("commentaire", blank=True)
    # The deadline as this line left it.
    due_on = models.DateField("attendu le", null=True, blank=True)
    at = models.DateTimeField("le", default=timezone.now)

    class Meta:
        verbose_name = "ligne du journal d’une consultation"
        verbose_name_plural = "journal des consultations"
        ordering = ["at", "pk"]
        indexes = [models.Index(fields=["consultation", "at"], name="consultation_log_order")]

    def __str__(self) -> str:
        return f"{self.consultation_id} {self.action}"


class ConsultationNotice(models.Model):
    """One message to one person about a consultation: when, why, and what became of it."""

    Kind = NoticeKind

    consultation = models.ForeignKey(
        Consultation, models.CASCADE, related_name="notices", verbose_name="consultation"
    )
    kind = models.CharField("motif", max_length=12, choices=NoticeKind)
    # Names the cause among those of its kind: « 1 » for a first request, « 1:7 » for its
    # reminder at seven days.
    cause = models.CharField("cause", max_length=40)
    recipient = models.EmailField("destinataire")
    mail = models.ForeignKey(
        Mail, models.SET_NULL, null=True, blank=True, related_name="+", verbose_name="courriel"
    )
    at = models.DateTimeField("le", default=timezone.now)

    class Meta:
        verbose_name = "message d’une consultation"
        verbose_name_plural = "messages des consultations"
        ordering = ["at", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["consultation", "kind", "cause", "recipient"],
                name="consultation_notice_once",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.consultation_id} {self.kind} {self.recipient}"

    @property
    def result(self) -> str:
        """What became of the message, in words."""
        if self.mail is None:
            return "résultat effacé"
        if self.mail.sent_at:
            return "envoyé"
        return "pas encore parti, nouvel essai prévu" if self.mail.last_error else "en attente"


class Synthesis(models.Model):
    """What the opinions amount to, written by the office in charge, frozen when it leaves."""

    case = models.OneToOneField(
        Case, models.CASCADE, related_name="synthesis", verbose_name="dossier"
    )
    # In charge when it was written: it reads the opinions after it has handed the case over.
    office = models.ForeignKey(
        Organisation, models.PROTECT, related_name="+", verbose_name="bureau"
    )
    text = models.TextField("texte", blank=True)
    revision = models.PositiveIntegerField("révision", default=1)
    written_by = models.ForeignKey(
        User, models.RESTRICT, related_name="+", verbose_name="rédigée par"
    )
    written_at = models.DateTimeField("rédigée le", default=timezone.now)
    # The table by body and the merged reserves, as they were when it left.
    content = models.JSONField("contenu", null=True, blank=True, encoder=DjangoJSONEncoder)
    transmitted_at = models.DateTimeField("transmise le", null=True, blank=True)
    transmitted_by = models.ForeignKey(
        User,
        models.RESTRICT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name="transmise par",
    )

    objects = SynthesisQuerySet.as_manager()

    class Meta:
        verbose_name = "synthèse des avis"
        verbose_name_plural = "synthèses des avis"
        constraints = [
            models.CheckConstraint(
                condition=Q(
                    transmitted_at__isnull=True,
                    transmitted_by__isnull=True,
                    content__isnull=True,
                )
                | Q(
                    transmitted_at__isnull=False,
                    transmitted_by__isnull=False,
                    content__isnull=False,
                ),
                name="synthesis_transmitted_is_dated_signed_and_frozen",
            ),
        ]

    def __str__(self) -> str:
        return f"Synthèse des avis, {self.case}"
