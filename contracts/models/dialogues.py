"""What the parties of a contract say of each of its years, until they sign the minutes."""

from decimal import Decimal

from django.db import models
from django.db.models import Q
from django.utils import timezone

from accounts.models import User
from contracts.dialogue.indicators import Measure
from contracts.models.contracts import Contract
from contracts.terms import INDICATOR_KINDS, Step
from documents.models import Attachment

# No indicator comes near.
MOST_VALUE = Decimal(1_000_000_000)
# No nature of expense of a year comes near.
MOST_SPENT = Decimal(10_000_000)


class DialogueQuerySet(models.QuerySet["YearlyDialogue"]):
    def open(self) -> "DialogueQuerySet":
        """Those that are not closed."""
        return self.exclude(state=YearlyDialogue.State.CLOSED)


class YearlyDialogue(models.Model):
    """What the parties say of a year of their contract, until they sign the minutes together.

    Only `contracts.dialogue_moves.perform` changes its state.
    """

    class State(models.TextChoices):
        DECLARING = "declaring", "Déclaration de la CPTS"
        REVIEWING = "reviewing", "Examen"
        ANSWERING = "answering", "Réponses de la CPTS"
        CONCLUDING = "concluding", "Conclusion"
        AGREEING = "agreeing", "Accord des parties"
        SIGNING = "signing", "Compte rendu à signer"
        CLOSED = "closed", "Clos"

    contract = models.ForeignKey(Contract, models.PROTECT, related_name="dialogues")
    year = models.PositiveSmallIntegerField("année du contrat")
    state = models.CharField("état", max_length=12, choices=State, default=State.DECLARING)
    opened_at = models.DateTimeField("ouvert le", default=timezone.now)
    # The last day the CPTS may answer what is contested.
    answer_by = models.DateField("réponses jusqu’au", null=True, blank=True)
    # What the CPTS says of the whole year.
    comment = models.TextField("bilan de l’année", blank=True)
    # One more for each proposal: what a party agreed to is the proposal it read.
    revision = models.PositiveSmallIntegerField("proposition", default=0)
    proposed_by = models.ForeignKey(
        User, models.RESTRICT, null=True, blank=True, related_name="+", verbose_name="proposé par"
    )
    # What the minutes say: they are printed from it alone.
    content = models.JSONField("compte rendu", null=True, blank=True)
    closed_on = models.DateField("clos le", null=True, blank=True)

    objects = DialogueQuerySet.as_manager()

    class Meta:
        verbose_name = "dialogue annuel"
        verbose_name_plural = "dialogues annuels"
        ordering = ["contract", "year"]
        constraints = [
            models.UniqueConstraint(fields=["contract", "year"], name="dialogue_once_a_year"),
            models.CheckConstraint(
                condition=Q(state="closed", closed_on__isnull=False)
                | (~Q(state="closed") & Q(closed_on__isnull=True)),
                name="dialogue_closed_is_dated",
            ),
            models.CheckConstraint(
                condition=~Q(state__in=("signing", "closed")) | Q(content__isnull=False),
                name="dialogue_signed_is_frozen",
            ),
            models.CheckConstraint(
                condition=~Q(state="answering") | Q(answer_by__isnull=False),
                name="dialogue_answers_have_a_limit",
            ),
        ]
        indexes = [models.Index(fields=["state", "answer_by"], name="dialogue_to_follow")]

    def __str__(self) -> str:
        return f"{self.contract_id} année {self.year}"

    @property
    def short(self) -> str:
        return f"Année {self.year}"

    @property
    def full(self) -> str:
        return f"Dialogue de l’année {self.year}"


class DialogueLine(models.Model):
    """An indicator of a year as the contract had it, what was declared, what was agreed."""

    dialogue = models.ForeignKey(YearlyDialogue, models.CASCADE, related_name="lines")
    rank = models.PositiveSmallIntegerField("rang")
    mission = models.SlugField("mission", max_length=30)
    key = models.CharField("clé", max_length=60)
    label = models.CharField("indicateur", max_length=300)
    kind = models.CharField("nature", max_length=10, choices=list(INDICATOR_KINDS.items()))
    unit = models.CharField("unité", max_length=60, blank=True)
    weight = models.DecimalField("poids", max_digits=9, decimal_places=4, default=1)
    lower_is_better = models.BooleanField("doit baisser", default=False)
    baseline = models.DecimalField("départ", max_digits=14, decimal_places=4, null=True, blank=True)
    target = models.DecimalField("cible", max_digits=14, decimal_places=4, null=True, blank=True)
    # A list of [threshold, rate], texts of decimals.
    steps = models.JSONField("paliers", default=list, blank=True)
    expected_proofs = models.JSONField("preuves attendues", default=list, blank=True)
    # Agreed the year before.
    last = models.DecimalField(
        "l’an dernier", max_digits=14, decimal_places=4, null=True, blank=True
    )
    # False: the contract names no indicator of the mission; this one is of the library.
    is_of_contract = models.BooleanField("au contrat", default=True)
    value = models.DecimalField(
        "valeur déclarée", max_digits=14, decimal_places=4, null=True, blank=True
    )
    comment = models.TextField("commentaire", blank=True)
    # What the CPTS says of what is contested.
    answer = models.TextField("réponse", blank=True)
    agreed_value = models.DecimalField(
        "valeur retenue", max_digits=14, decimal_places=4, null=True, blank=True
    )
    # Set by hand, with its reason, where the rule gives no rate or another was agreed.
    set_rate = models.DecimalField(
        "taux convenu", max_digits=5, decimal_places=4, null=True, blank=True
    )
    set_reason = models.TextField("raison du taux", blank=True)

    class Meta:
        verbose_name = "indicateur d’une année"
        verbose_name_plural = "indicateurs d’une année"
        ordering = ["dialogue", "rank"]
        constraints = [
            models.UniqueConstraint(
                fields=["dialogue", "mission", "key"], name="dialogue_line_once"
            ),
            models.CheckConstraint(
                condition=Q(set_rate__isnull=True) | Q(set_rate__range=(0, 1)),
                name="dialogue_line_rate_possible",
            ),
            models.CheckConstraint(
                condition=Q(set_rate__isnull=True) | ~Q(set_reason=""),
                name="dialogue_line_set_rate_has_a_reason",
            ),
            models.CheckConstraint(
                condition=Q(weight__gte=0, weight__lte=10_000), name="dialogue_line_weight_possible"
            ),
            models.CheckConstraint(
                condition=(Q(value__isnull=True) | Q(value__range=(-MOST_VALUE, MOST_VALUE)))
                & (Q(agreed_value__isnull=True) | Q(agreed_value__range=(-MOST_VALUE, MOST_VALUE))),
                name="dialogue_line_value_possible",
            ),
        ]

    def __str__(self) -> str:
        return self.label

    def measured(self, value: Decimal | None) -> Measure:
        """The indicator at a value: its rate and its differences."""
        return Measure(
            kind=self.kind,
            value=value,
            unit=self.unit,
            lower_is_better=self.lower_is_better,
            baseline=self.baseline,
            target=self.target,
            steps=[Step(threshold=Decimal(one), rate=Decimal(rate)) for one, rate in self.steps],
            last=self.last,
        )

    @property
    def agreed_rate(self) -> Decimal | None:
        """The rate set by hand, else that of the agreed value."""
        return self.measured(self.agreed_value).rate if self.set_rate is None else self.set_rate


class LineReview(models.Model):
    """What the fund or the agency says of a declared value."""

    class Position(models.TextChoices):
        ACCEPTED = "accepted", "Accepté"
        CONTESTED = "contested", "Contesté"

    line = models.ForeignKey(DialogueLine, models.CASCADE, related_name="reviews")
    party = models.CharField("partie", max_length=4)
    position = models.CharField("position", max_length=10, choices=Position)
    # What it would be instead.
    value = models.DecimalField(
        "valeur proposée", max_digits=14, decimal_places=4, null=True, blank=True
    )
    reason = models.TextField("raison", blank=True)
    by = models.ForeignKey(User, models.RESTRICT, related_name="+", verbose_name="par")
    at = models.DateTimeField("le", default=timezone.now)

    class Meta:
        verbose_name = "examen d’un indicateur"
        verbose_name_plural = "examens des indicateurs"
        ordering = ["line", "party"]
        constraints = [
            models.UniqueConstraint(fields=["line", "party"], name="line_review_once_a_party"),
            models.CheckConstraint(
                condition=Q(position="accepted") | ~Q(reason=""),
                name="line_review_contested_says_why",
            ),
            models.CheckConstraint(
                condition=Q(party__in=("ars", "cpam")), name="line_review_by_a_reviewer"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.party} {self.position}"


class DialogueProof(models.Model):
    """A file that shows a result. Taken out before it is sent, it is gone."""

    line = models.ForeignKey(DialogueLine, models.CASCADE, related_name="proofs")
    attachment = models.ForeignKey(Attachment, models.PROTECT, related_name="+")
    # What it looked like when whoever sent it confirmed that it names no patient.
    confirmed_no_patient = models.CharField("confirmé sans patient", max_length=300, blank=True)
    # False: an image, or a file that cannot be opened: nobody looked for patients in it.
    was_read = models.BooleanField("lu par le portail", default=True)
    by = models.ForeignKey(User, models.RESTRICT, related_name="+", verbose_name="par")
    at = models.DateTimeField("le", default=timezone.now)

    class Meta:
        verbose_name = "preuve"
        ordering = ["line", "pk"]

    def __str__(self) -> str:
        return str(self.attachment_id)


class Spending(models.Model):
    """What the CPTS spent in the year on a nature of expense, in euros."""

    class Nature(models.TextChoices):
        SALARIES = "salaries", "Salaires de la coordination"
        INDEMNITIES = "indemnities", "Indemnités et rémunérations des professionnels"
        SERVICES = "services", "Prestations et honoraires"
        PREMISES = "premises", "Locaux"
        TOOLS = "tools", "Matériel, logiciels, système d’information"
        TRAINING = "training", "Formation, réunions, communication"
        OTHER = "other", "Autres dépenses"

    dialogue = models.ForeignKey(YearlyDialogue, models.CASCADE, related_name="spendings")
    nature = models.CharField("nature", max_length=12, choices=Nature)
    amount = models.DecimalField("montant", max_digits=12, decimal_places=2)

    class Meta:
        verbose_name = "dépense d’une année"
        verbose_name_plural = "dépenses d’une année"
        ordering = ["dialogue", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["dialogue", "nature"], name="spending_once_a_nature"),
            models.CheckConstraint(
                condition=Q(amount__gte=0, amount__lte=MOST_SPENT), name="spending_possible"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.nature} {self.amount}"


class DialogueMark(models.Model):
    """What a party did once for all its people: finish its review, agree to a proposal."""

    class Kind(models.TextChoices):
        REVIEWED = "reviewed", "Examen terminé"
        AGREED = "agreed", "Proposition acceptée"

    dialogue = models.ForeignKey(YearlyDialogue, models.CASCADE, related_name="marks")
    kind = models.CharField("nature", max_length=10, choices=Kind)
    party = models.CharField("partie", max_length=4)
    # The proposal agreed to; 0 for a review.
    revision = models.PositiveSmallIntegerField("proposition", default=0)
    # Who will sign the minutes for the party; empty for a review.
    signer = models.ForeignKey(
        User, models.RESTRICT, null=True, blank=True, related_name="+", verbose_name="signataire"
    )
    signer_name = models.CharField("nom du signataire", max_length=150, blank=True)
    signer_email = models.EmailField("adresse du signataire", blank=True)
    signer_capacity = models.CharField("qualité du signataire", max_length=200, blank=True)
    by = models.ForeignKey(User, models.RESTRICT, related_name="+", verbose_name="par")
    at = models.DateTimeField("le", default=timezone.now)

    class Meta:
        verbose_name = "marque d’une partie"
        verbose_name_plural = "marques des parties"
        constraints = [
            models.UniqueConstraint(
                fields=["dialogue", "kind", "party", "revision"], name="dialogue_mark_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.party} {self.kind}"


class DialogueLog(models.Model):
    """A change of state of a dialogue: who, when, and what they said of it."""

    dialogue = models.ForeignKey(YearlyDialogue, models.CASCADE, related_name="logs")
    move = models.CharField("action", max_length=20)
    from_state = models.CharField("depuis", max_length=12, blank=True)
    to_state = models.CharField("vers", max_length=12)
    # None: the portal itself.
    actor = models.ForeignKey(
        User, models.RESTRICT, null=True, blank=True, related_name="+", verbose_name="par"
    )
    party = models.CharField("partie", max_length=4, blank=True)
    comment = models.TextField("motif", blank=True)
    at = models.DateTimeField("le", default=timezone.now)

    class Meta:
        verbose_name = "journal d’un dialogue"
        verbose_name_plural = "journaux des dialogues"
        ordering = ["dialogue", "pk"]

    def __str__(self) -> str:
        return self.move
