"""What the parties write together before they sign: a draft, its versions, what they say of it."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils import timezone

from accounts.models import User
from contracts.models.contracts import Contract, ContractVersion
from contracts.terms import ARS as THE_ARS
from contracts.terms import CPAM, CPTS, PARTY_LABELS, ContractTerms, from_data

_PARTIES = [(one, PARTY_LABELS[one]) for one in (CPTS, THE_ARS, CPAM)]


class DraftQuerySet(models.QuerySet["Draft"]):
    def under_way(self) -> "DraftQuerySet":
        """Written, or being signed."""
        return self.filter(state__in=Draft.UNDER_WAY)


class Draft(models.Model):
    """A text the parties write together: the contract, then each amendment.

    `terms` are the whole contract as the draft would have it (`contracts.terms`). `revision`
    counts its changes: it is the number of its last version, and what catches two people who
    change it at the same time.
    """

    class Purpose(models.TextChoices):
        CONTRACT = "contract", "Contrat"
        AMENDMENT = "amendment", "Avenant"

    class State(models.TextChoices):
        OPEN = "open", "En négociation"
        TO_SIGN = "to_sign", "À signer"
        SIGNED = "signed", "Signé"
        DROPPED = "dropped", "Abandonné"

    UNDER_WAY = (State.OPEN, State.TO_SIGN)

    contract = models.ForeignKey(Contract, models.PROTECT, related_name="drafts")
    purpose = models.CharField("objet", max_length=10, choices=Purpose, default=Purpose.CONTRACT)
    # The version an amendment changes, and the sections its parties have ticked.
    based_on = models.ForeignKey(
        ContractVersion, models.PROTECT, null=True, blank=True, related_name="drafts"
    )
    sections = ArrayField(
        models.SlugField(), default=list, blank=True, verbose_name="parties modifiées"
    )
    # From when an amendment would change the contract.
    effective_on = models.DateField("prend effet le", null=True, blank=True)
    state = models.CharField("état", max_length=10, choices=State, default=State.OPEN)
    terms = models.JSONField("contenu")
    # Those an amendment to be signed brings, as `contracts.funding.storing` writes them: what is
    # signed is what was frozen, whatever is published meanwhile.
    rates = models.JSONField("tarifs figés", null=True, blank=True)
    revision = models.PositiveIntegerField("révision", default=1)
    opened_by = models.ForeignKey(User, models.RESTRICT, related_name="+", verbose_name="par")
    opened_at = models.DateTimeField("ouvert le", default=timezone.now)
    updated_at = models.DateTimeField("modifié le", default=timezone.now)
    updated_by = models.ForeignKey(
        User, models.RESTRICT, related_name="+", verbose_name="modifié par"
    )

    objects = DraftQuerySet.as_manager()

    class Meta:
        verbose_name = "projet de contrat"
        verbose_name_plural = "projets de contrat"
        ordering = ["contract", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["contract", "purpose"],
                condition=Q(state__in=["open", "to_sign"]),
                name="draft_one_under_way",
                violation_error_message="Un projet est déjà en cours pour ce contrat.",
            ),
            models.CheckConstraint(
                condition=Q(purpose="contract", based_on__isnull=True, sections=[])
                | Q(purpose="amendment", based_on__isnull=False),
                name="draft_amendment_changes_a_version",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.contract} {self.purpose}"

    @property
    def says(self) -> ContractTerms:
        """Its terms, read once: `terms` are replaced, never changed in place."""
        kept: tuple[object, ContractTerms] | None = self.__dict__.get("_said")
        if kept is None or kept[0] is not self.terms:
            kept = self.__dict__["_said"] = (self.terms, from_data(self.terms))
        return kept[1]


class DraftVersion(models.Model):
    """The draft as each change left it, numbered from 1: never rewritten."""

    draft = models.ForeignKey(Draft, models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField("numéro")
    terms = models.JSONField("contenu")
    # The sections that this version changed; what it came from, in words.
    sections = ArrayField(
        models.SlugField(), default=list, blank=True, verbose_name="parties modifiées"
    )
    note = models.CharField("ce qui change", max_length=300, blank=True)
    party = models.CharField("partie", max_length=4, choices=_PARTIES, blank=True)
    by = models.ForeignKey(User, models.RESTRICT, related_name="+", verbose_name="par")
    at = models.DateTimeField("le", default=timezone.now)

    class Meta:
        verbose_name = "version d’un projet de contrat"
        verbose_name_plural = "versions d’un projet de contrat"
        ordering = ["draft", "-number"]
        constraints = [
            models.UniqueConstraint(fields=["draft", "number"], name="draft_version_number_unique"),
        ]

    def __str__(self) -> str:
        return f"{self.draft_id} v{self.number}"

    @property
    def says(self) -> ContractTerms:
        return from_data(self.terms)


class DraftAgreement(models.Model):
    """A party agrees to a version of the draft. A change clears it; it stays on record."""

    draft = models.ForeignKey(Draft, models.CASCADE, related_name="agreements")
    party = models.CharField("partie", max_length=4, choices=_PARTIES)
    revision = models.PositiveIntegerField("version")
    by = models.ForeignKey(User, models.RESTRICT, related_name="+", verbose_name="par")
    at = models.DateTimeField("le", default=timezone.now)
    cleared_at = models.DateTimeField("levé le", null=True, blank=True)
    cleared_by = models.ForeignKey(
        User, models.RESTRICT, null=True, blank=True, related_name="+", verbose_name="levé par"
    )
    # « La section Missions a changé », or that the party took it back.
    cleared_because = models.CharField("levé parce que", max_length=300, blank=True)

    class Meta:
        verbose_name = "accord d’une partie"
        verbose_name_plural = "accords des parties"
        ordering = ["at", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["draft", "party"],
                condition=Q(cleared_at__isnull=True),
                name="draft_agreement_one_standing",
            ),
            models.CheckConstraint(
                condition=Q(cleared_at__isnull=True, cleared_by__isnull=True, cleared_because="")
                | (Q(cleared_at__isnull=False, cleared_by__isnull=False) & ~Q(cleared_because="")),
                name="draft_agreement_cleared_for_a_reason",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.party} v{self.revision}"


class DraftThread(models.Model):
    """What the parties say of a section, or of one line of it, until it is settled."""

    draft = models.ForeignKey(Draft, models.CASCADE, related_name="threads")
    section = models.SlugField("partie du contrat", max_length=20)
    # The line it is about, as `contracts.terms.lines_of` calls it; empty for the whole section.
    line = models.CharField("ligne", max_length=300, blank=True)
    opened_at = models.DateTimeField("ouvert le", default=timezone.now)
    resolved_at = models.DateTimeField("réglé le", null=True, blank=True)
    resolved_by = models.ForeignKey(
        User, models.RESTRICT, null=True, blank=True, related_name="+", verbose_name="réglé par"
    )

    class Meta:
        verbose_name = "échange"
        ordering = ["opened_at", "pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(resolved_at__isnull=True, resolved_by__isnull=True)
                | Q(resolved_at__isnull=False, resolved_by__isnull=False),
                name="draft_thread_resolved_by_someone",
            ),
        ]
        indexes = [models.Index(fields=["draft", "section"], name="draft_thread_section")]

    def __str__(self) -> str:
        return f"{self.draft_id} {self.section}"


class DraftRemark(models.Model):
    """A message of a thread."""

    thread = models.ForeignKey(DraftThread, models.CASCADE, related_name="remarks")
    party = models.CharField("partie", max_length=4, choices=_PARTIES)
    text = models.TextField("message", max_length=2000)
    by = models.ForeignKey(User, models.RESTRICT, related_name="+", verbose_name="par")
    at = models.DateTimeField("le", default=timezone.now)

    class Meta:
        verbose_name = "remarque"
        ordering = ["at", "pk"]

    def __str__(self) -> str:
        return f"{self.thread_id} {self.party}"


class DraftProposal(models.Model):
    """A section as a party would have it: another accepts or declines it.

    `terms` hold the fields of that section only. `revision` is the version it was written from:
    once the section has changed since, it can no longer be accepted.
    """

    class State(models.TextChoices):
        PENDING = "pending", "À examiner"
        ACCEPTED = "accepted", "Acceptée"
        DECLINED = "declined", "Écartée"
        TAKEN_BACK = "taken_back", "Retirée"

    draft = models.ForeignKey(Draft, models.CASCADE, related_name="proposals")
    section = models.SlugField("partie du contrat", max_length=20)
    terms = models.JSONField("contenu proposé")
    revision = models.PositiveIntegerField("écrite sur la version")
    reason = models.CharField("pourquoi", max_length=500, blank=True)
    party = models.CharField("partie", max_length=4, choices=_PARTIES)
    by = models.ForeignKey(User, models.RESTRICT, related_name="+", verbose_name="par")
    at = models.DateTimeField("le", default=timezone.now)
    state = models.CharField("état", max_length=10, choices=State, default=State.PENDING)
    answered_at = models.DateTimeField("répondue le", null=True, blank=True)
    answered_by = models.ForeignKey(
        User, models.RESTRICT, null=True, blank=True, related_name="+", verbose_name="réponse de"
    )
    answer = models.CharField("réponse", max_length=500, blank=True)

    class Meta:
        verbose_name = "proposition"
        ordering = ["at", "pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(state="pending", answered_at__isnull=True, answered_by__isnull=True)
                | (~Q(state="pending") & Q(answered_at__isnull=False, answered_by__isnull=False)),
                name="draft_proposal_answered_by_someone",
            ),
        ]
        indexes = [models.Index(fields=["draft", "section"], name="draft_proposal_section")]

    def __str__(self) -> str:
        return f"{self.draft_id} {self.section}"
