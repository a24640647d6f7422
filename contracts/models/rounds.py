"""Rounds of signatures: a frozen document, those who sign it for each party, what they answered."""

import uuid
from typing import TYPE_CHECKING

from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from accounts.models import Organisation, User
from contracts.models.contracts import Contract
from cpts_portal.rows import WrittenOnce, is_sha256
from documents.models import Attachment
from signatures.models import PersonalLink
from workflow.models import CaseDocument, SignatureDelegation

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser


class Party(models.TextChoices):
    """Those a contract binds."""

    CPTS = "cpts", "la CPTS"
    CPAM = "cpam", "la CPAM"
    ARS = "ars", "l’ARS"


class SigningRoundQuerySet(models.QuerySet["SigningRound"]):
    def visible_to(self, user: "User | AnonymousUser") -> "SigningRoundQuerySet":
        """Those of the contracts the person sees."""
        return self.filter(contract__in=Contract.objects.visible_to(user).values("pk"))


class SigningRound(models.Model):
    """A frozen document, signed by all its signers or by none: it takes effect once.

    `purpose` and `target_id` say what was frozen: the contract, an amendment, minutes…
    """

    class State(models.TextChoices):
        OPEN = "open", "À signer"
        SIGNED = "signed", "Signé par tous"
        REFUSED = "refused", "Refusé"
        CANCELLED = "cancelled", "Annulé"

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    contract = models.ForeignKey(Contract, models.PROTECT, related_name="signing_rounds")
    purpose = models.SlugField("objet", max_length=30)
    # Primary key of what is signed, in the table its purpose names.
    target_id = models.PositiveBigIntegerField("ce qui est signé")
    title = models.CharField("intitulé", max_length=250)
    document = models.ForeignKey(CaseDocument, models.PROTECT, related_name="signing_rounds")
    document_sha256 = models.CharField("empreinte du document", max_length=64)
    in_order = models.BooleanField("dans l’ordre des parties", default=False)
    # Who gathers the signatures: see `contracts.signing.providers`.
    provider = models.SlugField("prestataire", max_length=30, default="portal")
    state = models.CharField("état", max_length=10, choices=State, default=State.OPEN)
    opened_by = models.ForeignKey(
        User, models.RESTRICT, null=True, blank=True, related_name="+", verbose_name="ouvert par"
    )
    opened_at = models.DateTimeField("ouvert le", default=timezone.now)
    ended_at = models.DateTimeField("terminé le", null=True, blank=True)
    # The day the last one signed: that of a signature on paper is the one written there.
    signed_on = models.DateField("signé le", null=True, blank=True)
    end_reason = models.TextField("motif", blank=True)

    objects = SigningRoundQuerySet.as_manager()

    class Meta:
        verbose_name = "tour de signature"
        verbose_name_plural = "tours de signature"
        ordering = ["-opened_at", "-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["contract", "purpose", "target_id"],
                condition=Q(state="open"),
                name="signing_round_one_open",
                violation_error_message="Ce document est déjà en cours de signature.",
            ),
            models.UniqueConstraint(
                fields=["contract", "purpose", "target_id"],
                condition=Q(state="signed"),
                name="signing_round_signed_once",
                violation_error_message="Ce document a déjà été signé par tous.",
            ),
            models.CheckConstraint(
                condition=is_sha256("document_sha256"),
                name="signing_round_names_its_document",
            ),
            models.CheckConstraint(
                condition=Q(state="open", ended_at__isnull=True, signed_on__isnull=True)
                | Q(state="signed", ended_at__isnull=False, signed_on__isnull=False)
                | Q(
                    state__in=("refused", "cancelled"),
                    ended_at__isnull=False,
                    signed_on__isnull=True,
                ),
                name="signing_round_state_has_its_dates",
            ),
            models.CheckConstraint(
                condition=~Q(state="refused") | ~Q(end_reason=""),
                name="signing_round_refusal_says_why",
                violation_error_message="Un refus est motivé.",
            ),
        ]
        indexes = [models.Index(fields=["contract", "-opened_at"], name="signing_round_list")]

    def __str__(self) -> str:
        return self.title

    @property
    def is_open(self) -> bool:
        return self.state == self.State.OPEN


class RoundSigner(PersonalLink):
    """Somebody who signs for a party: in what capacity, and by which act."""

    round = models.ForeignKey(SigningRound, models.CASCADE, related_name="signers")
    party = models.CharField("partie", max_length=4, choices=Party)
    # That of the party among those who sign, from 1: what an order follows.
    position = models.PositiveSmallIntegerField("rang")
    # Whom they sign for: an agency or a CPAM; None: the CPTS.
    organisation = models.ForeignKey(
        Organisation, models.PROTECT, null=True, blank=True, related_name="+"
    )
    # None: a president who has no account signs by their link.
    user = models.ForeignKey(
        User, models.RESTRICT, null=True, blank=True, related_name="contract_signatures_asked"
    )
    name = models.CharField("nom", max_length=200)
    email = models.EmailField("adresse électronique")
    capacity = models.CharField("qualité", max_length=200)
    # « Arrêté du 3 mars 2026 portant délégation de signature », « Statuts, article 12 ».
    power = models.CharField("acte qui donne le pouvoir", max_length=300)
    delegation = models.ForeignKey(
        SignatureDelegation, models.PROTECT, null=True, blank=True, related_name="+"
    )
    # Both included; None: no limit.
    valid_from = models.DateField("pouvoir à partir du", null=True, blank=True)
    valid_to = models.DateField("pouvoir jusqu’au", null=True, blank=True)

    class Meta:
        verbose_name = "signataire d’un tour"
        verbose_name_plural = "signataires d’un tour"
        ordering = ["position", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["round", "email"],
                name="round_signer_once",
                violation_error_message="Cette personne signe déjà ce document.",
            ),
            models.CheckConstraint(
                condition=Q(party="cpts", organisation__isnull=True)
                | Q(
                    party__in=("cpam", "ars"),
                    organisation__isnull=False,
                    user__isnull=False,
                ),
                name="round_signer_of_a_body_has_an_account",
            ),
            models.CheckConstraint(
                condition=Q(valid_from__isnull=True)
                | Q(valid_to__isnull=True)
                | Q(valid_to__gte=F("valid_from")),
                name="round_signer_dates_in_order",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class RoundSignature(WrittenOnce):
    """A signer signed: who, for whom, what, when, and how they were known. Never changed."""

    class Method(models.TextChoices):
        APPLICATION = "application", "Compte et code d’une application"
        RECOVERY = "recovery", "Compte et code de secours"
        EMAIL_CODE = "email_code", "Code reçu par courriel"
        PAPER = "paper", "Sur papier"
        PROVIDER = "provider", "Prestataire de signature"

    round = models.ForeignKey(SigningRound, models.PROTECT, related_name="signatures")
    signer = models.ForeignKey(RoundSigner, models.PROTECT, related_name="signatures")
    # As they were that day.
    party = models.CharField("partie", max_length=4, choices=Party)
    for_whom = models.CharField("au nom de", max_length=200)
    name = models.CharField("nom", max_length=200)
    capacity = models.CharField("qualité", max_length=200)
    power = models.CharField("acte qui donne le pouvoir", max_length=300)
    document_sha256 = models.CharField("empreinte du document", max_length=64)
    signed_at = models.DateTimeField("signé le", default=timezone.now)
    method = models.CharField("moyen", max_length=15, choices=Method)
    # Masked address, prefix of the network, family of the browser: nothing that singles out.
    evidence = models.JSONField("éléments de preuve", default=dict)

    class Meta:
        verbose_name = "signature d’un tour"
        verbose_name_plural = "signatures d’un tour"
        ordering = ["signed_at", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["signer"],
                name="round_signature_once",
                violation_error_message="Cette personne a déjà signé.",
            ),
            models.CheckConstraint(
                condition=is_sha256("document_sha256"),
                name="round_signature_names_what_it_signs",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class RoundPaper(models.Model):
    """The document signed by hand, sent by a party and checked by another."""

    class State(models.TextChoices):
        WAITING = "waiting", "À vérifier"
        ACCEPTED = "accepted", "Vérifié"
        RETURNED = "returned", "Renvoyé"

    round = models.ForeignKey(SigningRound, models.PROTECT, related_name="papers")
    file = models.ForeignKey(
        Attachment, models.PROTECT, related_name="+", verbose_name="document numérisé"
    )
    signed_on = models.DateField("signé le")
    party = models.CharField("envoyé par", max_length=4, choices=Party)
    uploaded_by = models.ForeignKey(User, models.RESTRICT, related_name="+", verbose_name="par")
    uploaded_at = models.DateTimeField("envoyé le", default=timezone.now)
    state = models.CharField("état", max_length=10, choices=State, default=State.WAITING)
    checked_party = models.CharField("vérifié par", max_length=4, choices=Party, blank=True)
    checked_by = models.ForeignKey(
        User, models.RESTRICT, null=True, blank=True, related_name="+", verbose_name="par"
    )
    checked_at = models.DateTimeField("vérifié le", null=True, blank=True)
    reason = models.CharField("motif", max_length=1000, blank=True)

    class Meta:
        verbose_name = "exemplaire signé sur papier"
        verbose_name_plural = "exemplaires signés sur papier"
        ordering = ["-uploaded_at", "-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["round"],
                condition=Q(state="waiting"),
                name="round_paper_one_waits",
                violation_error_message="Un exemplaire attend déjà d’être vérifié.",
            ),
            models.CheckConstraint(
                condition=Q(state="waiting", checked_by__isnull=True, checked_at__isnull=True)
                | Q(
                    state__in=("accepted", "returned"),
                    checked_by__isnull=False,
                    checked_at__isnull=False,
                ),
                name="round_paper_checked_by_someone",
            ),
            models.CheckConstraint(
                condition=Q(state="waiting")
                | (~Q(checked_party=F("party")) & ~Q(checked_by=F("uploaded_by"))),
                name="round_paper_checked_by_another_party",
            ),
            models.CheckConstraint(
                condition=~Q(state="returned") | ~Q(reason=""),
                name="round_paper_returned_says_why",
                violation_error_message="Un exemplaire renvoyé l’est avec un motif.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.round_id} {self.signed_on}"


class RoundLog(models.Model):
    """What was done in a round and by whom; no account and no name: the portal itself."""

    round = models.ForeignKey(SigningRound, models.CASCADE, related_name="logs")
    action = models.CharField("action", max_length=30)
    detail = models.CharField("précision", max_length=500, blank=True)
    signer = models.ForeignKey(RoundSigner, models.PROTECT, null=True, blank=True, related_name="+")
    actor = models.ForeignKey(User, models.RESTRICT, null=True, blank=True, related_name="+")
    at = models.DateTimeField("le", default=timezone.now)

    class Meta:
        verbose_name = "ligne du journal d’un tour"
        verbose_name_plural = "journal d’un tour"
        ordering = ["at", "pk"]

    def __str__(self) -> str:
        return f"{self.round_id} {self.action}"
