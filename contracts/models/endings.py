"""How contracts end: renewal, termination, and CPTS that merge, split or dissolve."""

from django.db import models
from django.db.models import Q
from django.utils import timezone

from accounts.models import User
from communities.models import Community
from contracts.models.contracts import Contract
from contracts.terms import ARS, CPAM, CPTS, PARTY_LABELS
from documents.models import OfficialDocument
from territories.models import Region

_PARTIES = [(one, PARTY_LABELS[one]) for one in (CPTS, ARS, CPAM)]


def _party() -> models.CharField:
    return models.CharField("partie", max_length=4, choices=_PARTIES)


def _by(*, null: bool = False) -> models.ForeignKey:
    return models.ForeignKey(User, models.RESTRICT, null=null, related_name="+", verbose_name="par")


class Renewal(models.Model):
    """The parties are asked, before the last day of a contract, what follows it."""

    contract = models.ForeignKey(Contract, models.PROTECT, related_name="renewals")
    # The last day it is about: an amendment may put it off, and another campaign opens.
    ends_on = models.DateField("dernier jour")
    opened_at = models.DateTimeField("ouverte le", default=timezone.now)
    # The contract that follows, once somebody has opened it.
    successor = models.OneToOneField(
        Contract, models.PROTECT, null=True, related_name="renewal_of", verbose_name="suite"
    )

    class Meta:
        verbose_name = "renouvellement"
        ordering = ["-ends_on"]
        constraints = [
            models.UniqueConstraint(
                fields=["contract", "ends_on"], name="renewal_one_for_a_last_day"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.contract_id} {self.ends_on}"


class RenewalAnswer(models.Model):
    """What a party wishes. It may change its mind: the last one counts, all stay."""

    class Wish(models.TextChoices):
        RENEW = "renew", "Renouveler"
        EXPIRE = "expire", "Laisser finir"

    renewal = models.ForeignKey(Renewal, models.CASCADE, related_name="answers")
    party = _party()
    wish = models.CharField("souhait", max_length=6, choices=Wish)
    comment = models.CharField("précision", max_length=1000, blank=True)
    by = _by()
    at = models.DateTimeField("le", default=timezone.now)

    class Meta:
        verbose_name = "réponse au renouvellement"
        verbose_name_plural = "réponses au renouvellement"
        ordering = ["at", "pk"]
        constraints = [
            models.CheckConstraint(
                condition=~Q(wish="expire") | ~Q(comment=""),
                name="renewal_expire_has_a_reason",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.renewal_id} {self.party} {self.wish}"


class Termination(models.Model):
    """A party ends the contract before its last day: notice, observations, decision."""

    class Ground(models.TextChoices):
        VOLUNTARY = "voluntary", "La CPTS renonce au contrat"
        MISSIONS = "missions", "Les missions ne sont pas mises en œuvre"
        ELIGIBILITY = "eligibility", "La CPTS ne remplit plus les conditions du contrat"
        COMMITMENTS = "commitments", "Une partie ne tient pas ses engagements"
        OTHER = "other", "Autre motif"

    class State(models.TextChoices):
        NOTIFIED = "notified", "Notifiée, observations attendues"
        CONFIRMED = "confirmed", "Décidée"
        WITHDRAWN = "withdrawn", "Abandonnée"

    contract = models.ForeignKey(Contract, models.PROTECT, related_name="terminations")
    party = _party()
    ground = models.CharField("motif", max_length=12, choices=Ground)
    reason = models.TextField("exposé du motif", max_length=4000)
    notified_on = models.DateField("notifiée le")
    observations_until = models.DateField("observations jusqu’au")
    # The last day asked for, then the one decided.
    ends_on = models.DateField("dernier jour")
    state = models.CharField("état", max_length=10, choices=State, default=State.NOTIFIED)
    opened_by = _by()
    opened_at = models.DateTimeField("le", default=timezone.now)
    decision = models.TextField("décision", max_length=4000, blank=True)
    decided_on = models.DateField("décidée le", null=True)
    decided_by = _by(null=True)
    # What the letters print, frozen: {"notice": {…}, "decision": {…}}.
    letters = models.JSONField("courriers", default=dict)

    class Meta:
        verbose_name = "résiliation"
        ordering = ["-opened_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["contract"],
                condition=Q(state="notified"),
                name="termination_one_under_way",
                violation_error_message="Une résiliation est déjà en cours pour ce contrat.",
            ),
            models.CheckConstraint(
                condition=Q(state="notified", decided_on__isnull=True, decided_by__isnull=True)
                | (
                    ~Q(state="notified")
                    & Q(decided_on__isnull=False, decided_by__isnull=False)
                    & ~Q(decision="")
                ),
                name="termination_decided_by_someone_for_a_reason",
            ),
            models.CheckConstraint(
                condition=~Q(ground="voluntary") | Q(party="cpts"),
                name="termination_only_the_cpts_gives_up",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.contract_id} {self.party} {self.ends_on}"


class Observation(models.Model):
    """What a party answers to a termination. Never rewritten."""

    termination = models.ForeignKey(Termination, models.CASCADE, related_name="observations")
    party = _party()
    text = models.TextField("observations", max_length=4000)
    by = _by()
    at = models.DateTimeField("le", default=timezone.now)

    class Meta:
        verbose_name = "observation"
        ordering = ["at", "pk"]

    def __str__(self) -> str:
        return f"{self.termination_id} {self.party}"


class TerminationLetter(models.Model):
    """A letter of a termination, as it was issued."""

    class Kind(models.TextChoices):
        NOTICE = "notice", "Notification"
        DECISION = "decision", "Décision"

    termination = models.ForeignKey(Termination, models.PROTECT, related_name="papers")
    kind = models.CharField("nature", max_length=8, choices=Kind)
    document = models.OneToOneField(
        OfficialDocument, models.PROTECT, related_name="termination_letter"
    )

    class Meta:
        verbose_name = "courrier d’une résiliation"
        verbose_name_plural = "courriers d’une résiliation"
        constraints = [
            models.UniqueConstraint(fields=["termination", "kind"], name="termination_letter_once"),
        ]

    def __str__(self) -> str:
        return f"{self.termination_id} {self.kind}"


class Reorganisation(models.Model):
    """CPTS that merge, split or dissolve: their contracts end the day before `effective_on`."""

    class Kind(models.TextChoices):
        MERGER = "merger", "Fusion"
        SPLIT = "split", "Scission"
        DISSOLUTION = "dissolution", "Dissolution"

    kind = models.CharField("nature", max_length=11, choices=Kind)
    region = models.ForeignKey(Region, models.PROTECT, related_name="+", verbose_name="région")
    effective_on = models.DateField("prend effet le")
    act = models.CharField("acte", max_length=300)
    recorded_by = _by()
    recorded_at = models.DateTimeField("enregistrée le", default=timezone.now)

    class Meta:
        verbose_name = "réorganisation"
        ordering = ["-effective_on", "-pk"]
        constraints = [
            models.CheckConstraint(condition=~Q(act=""), name="reorganisation_has_an_act"),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} du {self.effective_on:%d/%m/%Y}"


class ReorganisedCommunity(models.Model):
    """A CPTS on one side of a reorganisation, and the contract of it that ended."""

    class Side(models.TextChoices):
        BEFORE = "before", "Avant"
        AFTER = "after", "Après"

    reorganisation = models.ForeignKey(Reorganisation, models.CASCADE, related_name="communities")
    community = models.ForeignKey(Community, models.PROTECT, related_name="reorganisations")
    side = models.CharField("côté", max_length=6, choices=Side)
    contract = models.OneToOneField(
        Contract, models.PROTECT, null=True, related_name="reorganisation", verbose_name="contrat"
    )

    class Meta:
        verbose_name = "CPTS d’une réorganisation"
        verbose_name_plural = "CPTS d’une réorganisation"
        constraints = [
            models.UniqueConstraint(
                fields=["reorganisation", "community", "side"], name="reorganised_community_once"
            ),
            models.CheckConstraint(
                condition=Q(side="before") | Q(contract__isnull=True),
                name="reorganised_only_what_was_before_ends",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.reorganisation_id} {self.community_id} {self.side}"
