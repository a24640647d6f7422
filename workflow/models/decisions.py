"""What is decided of a case: proposed, approved by each body that decides, taken, withdrawn."""

from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from accounts.models import Organisation, User
from procedures.circuit import Decider
from procedures.decisions import Outcome
from territories.models import Department
from workflow.decision_states import DecisionState
from workflow.models.cases import Case
from workflow.querysets import DecisionQuerySet

_FROZEN = frozenset({"content", "sha256", "text", "text_sha256", "outcome", "ground", "taken_at"})


class Decision(models.Model):
    """One decision on a case, from its first draft; a case has one living, and those withdrawn.

    What the deciders approve is `text`, frozen when it is proposed; what was decided is
    `content`, frozen when the last of them has approved: the official document is made from it.
    """

    State = DecisionState

    class OutcomeChoice(models.TextChoices):
        ACCEPT = Outcome.ACCEPT.value, "Acceptation"
        REFUSE = Outcome.REFUSE.value, "Refus"

    case = models.ForeignKey(Case, models.PROTECT, related_name="decisions", verbose_name="dossier")
    rank = models.PositiveSmallIntegerField("rang")
    state = models.CharField(
        "état", max_length=10, choices=DecisionState, default=DecisionState.DRAFT
    )
    outcome = models.CharField("sens", max_length=10, choices=OutcomeChoice, blank=True)
    # Of a refusal, where the law counts the grounds: a key of the procedure.
    ground = models.SlugField("motif de la loi", max_length=60, blank=True)
    # Keys of `procedures/decisions.toml`, and what the instructor adds in their own words.
    law_keys = ArrayField(models.SlugField(), default=list, blank=True, verbose_name="droit")
    law_text = models.TextField("autres considérations de droit", blank=True)
    fact_keys = ArrayField(models.SlugField(), default=list, blank=True, verbose_name="fait")
    fact_text = models.TextField("considérations de fait", blank=True)
    reserves = ArrayField(models.TextField(), default=list, blank=True, verbose_name="réserves")
    # Counts the changes: a save says which one it starts from.
    revision = models.PositiveIntegerField("révision", default=1)
    text = models.JSONField("texte proposé", null=True, blank=True, encoder=DjangoJSONEncoder)
    text_sha256 = models.CharField("empreinte du texte", max_length=64, blank=True)
    written_by = models.ForeignKey(
        User, models.RESTRICT, related_name="+", verbose_name="rédigée par"
    )
    written_at = models.DateTimeField("rédigée le", default=timezone.now)
    proposed_at = models.DateTimeField("proposée le", null=True, blank=True)
    returned_at = models.DateTimeField("renvoyée le", null=True, blank=True)
    returned_by = models.ForeignKey(
        User, models.RESTRICT, null=True, blank=True, related_name="+", verbose_name="renvoyée par"
    )
    return_comment = models.TextField("motif du renvoi", blank=True)
    taken_at = models.DateTimeField("prise le", null=True, blank=True)
    content = models.JSONField("contenu", null=True, blank=True, encoder=DjangoJSONEncoder)
    sha256 = models.CharField("empreinte du contenu", max_length=64, blank=True)
    withdrawn_at = models.DateTimeField("retirée le", null=True, blank=True)
    withdrawn_by = models.ForeignKey(
        User, models.RESTRICT, null=True, blank=True, related_name="+", verbose_name="retirée par"
    )
    withdrawal_reason = models.TextField("motif du retrait", blank=True)
    withdrawal_content = models.JSONField(
        "contenu du retrait", null=True, blank=True, encoder=DjangoJSONEncoder
    )

    objects = DecisionQuerySet.as_manager()

    class Meta:
        verbose_name = "décision"
        ordering = ["case", "rank"]
        constraints = [
            models.UniqueConstraint(fields=["case", "rank"], name="decision_rank_unique"),
            models.UniqueConstraint(
                fields=["case"],
                condition=Q(state__in=["draft", "proposed", "taken"]),
                name="decision_one_living",
                violation_error_message="Ce dossier a déjà une décision en cours ou prise.",
            ),
            models.CheckConstraint(
                condition=Q(state__in=DecisionState.values), name="decision_known_state"
            ),
            models.CheckConstraint(
                condition=Q(outcome__in=["", "accept", "refuse"]), name="decision_known_outcome"
            ),
            models.CheckConstraint(
                condition=Q(ground="") | Q(outcome="refuse"),
                name="decision_ground_is_of_a_refusal",
            ),
            models.CheckConstraint(
                condition=Q(state__in=["draft", "dropped"])
                | (
                    Q(text__isnull=False, proposed_at__isnull=False)
                    & ~Q(text_sha256="")
                    & ~Q(outcome="")
                ),
                name="decision_proposed_is_dated_and_has_its_text",
            ),
            models.CheckConstraint(
                condition=(
                    Q(state__in=["taken", "withdrawn"], taken_at__isnull=False)
                    & Q(content__isnull=False)
                    & ~Q(sha256="")
                )
                | Q(
                    ~Q(state__in=["taken", "withdrawn"]),
                    taken_at__isnull=True,
                    content__isnull=True,
                ),
                name="decision_taken_is_dated_and_frozen",
            ),
            models.CheckConstraint(
                condition=Q(returned_at__isnull=True, returned_by__isnull=True, return_comment="")
                | (Q(returned_at__isnull=False, returned_by__isnull=False) & ~Q(return_comment="")),
                name="decision_returned_with_a_reason",
                violation_error_message="Une proposition est renvoyée avec un motif.",
            ),
            models.CheckConstraint(
                condition=(
                    Q(state="withdrawn", withdrawn_at__isnull=False, withdrawn_by__isnull=False)
                    & Q(withdrawal_content__isnull=False)
                    & ~Q(withdrawal_reason="")
                )
                | Q(
                    ~Q(state="withdrawn"),
                    withdrawn_at__isnull=True,
                    withdrawn_by__isnull=True,
                    withdrawal_reason="",
                ),
                name="decision_withdrawn_is_dated_signed_and_reasoned",
                violation_error_message="Un retrait a une date, un auteur et un motif.",
            ),
        ]

    def __str__(self) -> str:
        return self.number

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self._state.adding and self.taken_at is not None:
            fields = kwargs.get("update_fields")
            if fields is None or _FROZEN & set(fields):
                raise ValueError("A decision that was taken is frozen: name the other fields.")
        super().save(*args, **kwargs)

    @property
    def outcome_label(self) -> str:
        """The outcome as a noun, in the words of the kind of case."""
        from workflow.decision_text import words_of  # noqa: PLC0415 - it reads this model

        if not self.outcome:
            return ""
        words = words_of(self.case.kind)
        noun = words.refuse_noun if self.outcome == Outcome.REFUSE else words.accept_noun
        return noun[:1].upper() + noun[1:]

    @property
    def number(self) -> str:
        """« LI-76-2026-0001-D1 »."""
        return f"{self.case.reference}-D{self.rank}"

    @property
    def is_taken(self) -> bool:
        """Whether it exists in law, be it withdrawn since."""
        return self.taken_at is not None


class DecisionParty(models.Model):
    """A body that decides: each approves the same text, in any order."""

    decision = models.ForeignKey(Decision, models.CASCADE, related_name="parties")
    decider = models.CharField(
        "au titre de", max_length=10, choices=[(one.value, one.value) for one in Decider]
    )
    organisation = models.ForeignKey(
        Organisation, models.PROTECT, related_name="+", verbose_name="organisme"
    )
    position = models.PositiveSmallIntegerField("rang", default=0)

    class Meta:
        verbose_name = "décideur"
        ordering = ["position", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["decision", "decider"], name="decision_party_once"),
        ]
        indexes = [models.Index(fields=["organisation", "decision"], name="decision_party_desk")]

    def __str__(self) -> str:
        return f"{self.organisation}"


class Approval(models.Model):
    """One signature under the text proposed. A change of the text voids it; it stays on record."""

    party = models.ForeignKey(DecisionParty, models.PROTECT, related_name="approvals")
    text_sha256 = models.CharField("empreinte du texte approuvé", max_length=64)
    approved_by = models.ForeignKey(
        User, models.RESTRICT, related_name="+", verbose_name="approuvée par"
    )
    # First name, name and capacity, as the decision must bear them (CRPA, L. 212-1).
    name = models.CharField("prénom et nom", max_length=201)
    capacity = models.CharField("qualité", max_length=200)
    delegation = models.ForeignKey(
        "SignatureDelegation",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name="délégation",
    )
    approved_at = models.DateTimeField("approuvée le", default=timezone.now)
    voided_at = models.DateTimeField("caduque depuis le", null=True, blank=True)

    class Meta:
        verbose_name = "approbation"
        ordering = ["approved_at", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["party"],
                condition=Q(voided_at__isnull=True),
                name="approval_one_standing",
            ),
            models.CheckConstraint(
                condition=~Q(name="") & ~Q(capacity="") & ~Q(text_sha256=""),
                name="approval_names_its_author",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.party} : {self.name}"


class SignatureDelegation(models.Model):
    """The right to sign for an organisation, from a day to a day, there or everywhere."""

    organisation = models.ForeignKey(
        Organisation,
        models.PROTECT,
        related_name="signature_delegations",
        verbose_name="organisme",
    )
    holder = models.ForeignKey(
        User, models.RESTRICT, related_name="signature_delegations", verbose_name="délégataire"
    )
    capacity = models.CharField("qualité du délégataire", max_length=200)
    # « Arrêté du 3 mars 2026 portant délégation de signature »: the decision cites it.
    act = models.CharField("acte de délégation", max_length=300)
    department = models.ForeignKey(
        Department,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name="limitée au département",
    )
    valid_from = models.DateField("à partir du")
    valid_to = models.DateField("jusqu’au")
    given_by = models.ForeignKey(
        User, models.RESTRICT, related_name="+", verbose_name="enregistrée par"
    )
    given_at = models.DateTimeField("enregistrée le", default=timezone.now)
    revoked_at = models.DateTimeField("retirée le", null=True, blank=True)
    revoked_by = models.ForeignKey(
        User, models.RESTRICT, null=True, blank=True, related_name="+", verbose_name="retirée par"
    )

    class Meta:
        verbose_name = "délégation de signature"
        verbose_name_plural = "délégations de signature"
        ordering = ["-valid_from", "-pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(valid_to__gte=F("valid_from")),
                name="signature_delegation_dates_in_order",
                violation_error_message="La fin de la délégation précède son début.",
            ),
            models.CheckConstraint(
                condition=Q(revoked_at__isnull=True, revoked_by__isnull=True)
                | Q(revoked_at__isnull=False, revoked_by__isnull=False),
                name="signature_delegation_revoked_by_someone",
            ),
        ]
        indexes = [
            models.Index(fields=["organisation", "holder"], name="signature_delegation_holder")
        ]

    def __str__(self) -> str:
        return f"{self.holder} pour {self.organisation}"
