"""Campaigns of signatures: a frozen version of a case, the members invited, what each answered.

See docs/decisions/0014-signatures.md.
"""

import uuid
from typing import TYPE_CHECKING

from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from accounts.models import User
from communities.models import Community
from cpts_portal.composed import Given
from cpts_portal.rows import WrittenOnce, is_sha256
from documents.models import Attachment
from members.models import Member
from outbox.models import Mail
from workflow.models import Case, CaseDocument, Snapshot

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser


class CampaignQuerySet(models.QuerySet["Campaign"]):
    def visible_to(self, user: "User | AnonymousUser") -> "CampaignQuerySet":
        """The campaigns of the CPTS on whose team the person is; for an office, the opened ones
        of the cases on its desk. A body that is asked its opinion sees none."""
        if not isinstance(user, User):
            return self.none()
        if user.acting is None:
            return self.of_team(user)
        cases = Case.objects.visible_to(user).filter(deposited_at__isnull=False)
        cases = cases.exclude(viewer_desk="consulted")
        return self.exclude(state="draft").filter(case__in=cases.values("pk"))

    def of_team(self, person: "User | Given") -> "CampaignQuerySet":
        """The campaigns of the CPTS on whose team the person is, with their role there."""
        team = self.filter(community__team_members__user=person)
        return team.annotate(viewer_role=F("community__team_members__role"))


class Campaign(models.Model):
    """The members of a CPTS are asked to sign one version of a case, until a closing date."""

    class State(models.TextChoices):
        DRAFT = "draft", "En préparation"
        OPEN = "open", "Ouverte"
        CLOSED = "closed", "Close"
        CANCELLED = "cancelled", "Annulée"

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    case = models.ForeignKey(Case, models.PROTECT, related_name="signature_campaigns")
    # The case's own, copied: every page of a campaign asks whose it is.
    community = models.ForeignKey(
        Community, models.PROTECT, related_name="signature_campaigns", verbose_name="CPTS"
    )
    snapshot = models.ForeignKey(Snapshot, models.PROTECT, related_name="signature_campaigns")
    document = models.ForeignKey(CaseDocument, models.PROTECT, related_name="signature_campaigns")
    # The version signed before, some of whose signatures are kept.
    previous = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, related_name="followers"
    )
    title = models.CharField("intitulé", max_length=250)
    message = models.TextField("mot de l’équipe", blank=True)
    state = models.CharField("état", max_length=10, choices=State, default=State.DRAFT)
    closes_on = models.DateField("dernier jour pour signer")
    opened_at = models.DateTimeField("ouverte le", null=True, blank=True)
    ended_at = models.DateTimeField("close ou annulée le", null=True, blank=True)
    end_reason = models.CharField("motif", max_length=500, blank=True)
    created_by = models.ForeignKey(User, models.RESTRICT, related_name="+")
    created_at = models.DateTimeField("préparée le", default=timezone.now)

    objects = CampaignQuerySet.as_manager()

    class Meta:
        verbose_name = "campagne de signatures"
        verbose_name_plural = "campagnes de signatures"
        ordering = ["-created_at", "-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["case"],
                condition=Q(state="open"),
                name="campaign_one_open_per_case",
                violation_error_message="Une campagne est déjà ouverte pour ce dossier.",
            ),
            models.UniqueConstraint(
                fields=["case"],
                condition=Q(state="draft"),
                name="campaign_one_draft_per_case",
                violation_error_message="Une campagne est déjà en préparation pour ce dossier.",
            ),
            models.CheckConstraint(
                condition=Q(state__in=("draft", "open", "closed", "cancelled")),
                name="campaign_known_state",
            ),
            models.CheckConstraint(
                condition=Q(state="draft", opened_at__isnull=True, ended_at__isnull=True)
                | Q(state="open", opened_at__isnull=False, ended_at__isnull=True)
                | Q(state="closed", opened_at__isnull=False, ended_at__isnull=False)
                | Q(state="cancelled", ended_at__isnull=False),
                name="campaign_state_has_its_dates",
            ),
            models.CheckConstraint(
                condition=~Q(state="cancelled") | ~Q(end_reason=""),
                name="campaign_cancelled_says_why",
                violation_error_message="Une annulation est motivée.",
            ),
        ]
        indexes = [models.Index(fields=["community", "-created_at"], name="campaign_list")]

    def __str__(self) -> str:
        return self.title

    @property
    def is_open(self) -> bool:
        """Whether somebody may sign today: the last day is theirs until midnight."""
        return self.state == self.State.OPEN and timezone.localdate() <= self.closes_on


class PersonalLink(models.Model):
    """A link that names its holder: the one-time codes and the mails sent to their own address."""

    # The secret of the link is drawn from this and the portal's key; only its digest is stored.
    nonce = models.CharField(max_length=32, editable=False)
    # Null, not empty: several rows may have no link yet.
    token_digest = models.CharField(max_length=64, unique=True, null=True, editable=False)  # noqa: DJ001 - see above
    # The code sent last: its digest, until when, how often it was tried, how many were sent.
    code_digest = models.CharField(max_length=64, blank=True, editable=False)
    code_sent_at = models.DateTimeField(null=True, blank=True, editable=False)
    code_expires_at = models.DateTimeField(null=True, blank=True, editable=False)
    code_attempts = models.PositiveSmallIntegerField(default=0, editable=False)
    codes_on = models.DateField(null=True, blank=True, editable=False)
    codes_sent = models.PositiveSmallIntegerField(default=0, editable=False)
    told_at = models.DateTimeField("dernier courriel le", null=True, blank=True)
    told_count = models.PositiveSmallIntegerField("courriels", default=0)
    last_mail = models.ForeignKey(Mail, models.SET_NULL, null=True, blank=True, related_name="+")

    class Meta:
        abstract = True


class Invitation(PersonalLink):
    """A member asked to sign, by one personal link, and what they answered."""

    class State(models.TextChoices):
        WAITING = "waiting", "En attente"
        POSTPONED = "postponed", "Reporté"
        SIGNED = "signed", "Signé"
        KEPT = "kept", "Signature gardée"
        DECLINED = "declined", "Refusé"
        ENDED = "ended", "N’est plus invité"

    campaign = models.ForeignKey(Campaign, models.CASCADE, related_name="invitations")
    member = models.ForeignKey(Member, models.PROTECT, related_name="signature_invitations")
    # As the member was called and counted when invited: lists are sorted and counted by them.
    sort_key = models.CharField(max_length=420, editable=False)
    what = models.CharField("profession ou nature", max_length=20, editable=False)
    # The member's own, or that of the person to whom a legal representative delegated.
    email = models.EmailField("adresse électronique", blank=True)
    state = models.CharField("réponse", max_length=10, choices=State, default=State.WAITING)
    invited_at = models.DateTimeField("invité le", default=timezone.now)
    answered_at = models.DateTimeField("répondu le", null=True, blank=True)
    decline_reason = models.TextField("motif du refus", blank=True)
    postponed_until = models.DateField("reporté jusqu’au", null=True, blank=True)
    # « This is not me »: somebody else received the link.
    disowned_at = models.DateTimeField("« ce n’est pas moi » le", null=True, blank=True)
    end_reason = models.CharField("motif", max_length=300, blank=True)
    # A signature of the version before, which the changes do not concern.
    kept = models.ForeignKey(
        "Signature", models.PROTECT, null=True, blank=True, related_name="kept_by"
    )
    # Which automatic reminder was the last: see `signatures.reminders`.
    reminder_stage = models.PositiveSmallIntegerField(default=0)

    class Meta:
        verbose_name = "invitation à signer"
        verbose_name_plural = "invitations à signer"
        constraints = [
            models.UniqueConstraint(
                fields=["campaign", "member"],
                name="signature_invitation_one_per_member",
                violation_error_message="Ce membre est déjà invité à signer.",
            ),
            models.CheckConstraint(
                condition=~Q(state="declined") | ~Q(decline_reason=""),
                name="signature_invitation_refusal_says_why",
                violation_error_message="Un refus est motivé.",
            ),
            models.CheckConstraint(
                condition=Q(state="kept", kept__isnull=False)
                | Q(~Q(state="kept"), kept__isnull=True),
                name="signature_invitation_kept_names_a_signature",
            ),
            models.CheckConstraint(
                condition=Q(state__in=("signed", "declined"), answered_at__isnull=False)
                | ~Q(state__in=("signed", "declined")),
                name="signature_invitation_answer_is_dated",
            ),
        ]
        indexes = [
            models.Index(fields=["campaign", "state"], name="signature_invitation_state"),
            models.Index(fields=["campaign", "sort_key", "id"], name="signature_invitation_list"),
        ]

    def __str__(self) -> str:
        return f"{self.campaign_id} {self.member_id}"

    @property
    def is_waiting(self) -> bool:
        return self.state in {self.State.WAITING, self.State.POSTPONED}

    @property
    def has_bounced(self) -> bool:
        """Whether the last mail was refused or came back; needs `last_mail` read."""
        return bool(self.last_mail and (self.last_mail.bounced_at or self.last_mail.refused_at))


class Delegation(models.Model):
    """A legal representative lets somebody sign in their place: the act is kept."""

    invitation = models.OneToOneField(Invitation, models.PROTECT, related_name="delegation")
    name = models.CharField("nom et prénom", max_length=200)
    function = models.CharField("fonction", max_length=100)
    decided_on = models.DateField("date de l’acte")
    act = models.ForeignKey(Attachment, models.PROTECT, related_name="+", verbose_name="acte")
    recorded_by = models.ForeignKey(User, models.RESTRICT, related_name="+")
    recorded_at = models.DateTimeField("enregistrée le", default=timezone.now)

    class Meta:
        verbose_name = "délégation de signature d’un membre"
        verbose_name_plural = "délégations de signature des membres"
        constraints = [
            models.CheckConstraint(
                condition=~Q(name="") & ~Q(function=""), name="member_delegation_names_someone"
            ),
        ]

    def __str__(self) -> str:
        return self.name


class Signature(WrittenOnce):
    """A member signed: who, what, when, and how they were known. Never changed nor deleted."""

    class Method(models.TextChoices):
        EMAIL_CODE = "email_code", "Code reçu par courriel"
        PAPER = "paper", "Sur papier"

    campaign = models.ForeignKey(Campaign, models.PROTECT, related_name="signatures")
    member = models.ForeignKey(Member, models.PROTECT, related_name="signatures")
    # As they were that day.
    name = models.CharField("nom", max_length=200)
    capacity = models.CharField("qualité", max_length=250)
    structure = models.CharField("structure", max_length=200, blank=True)
    what = models.CharField("profession ou nature", max_length=100)
    # The legal representative in whose place somebody signed.
    on_behalf_of = models.CharField("par délégation de", max_length=200, blank=True)
    snapshot_sha256 = models.CharField("empreinte du contenu", max_length=64)
    document_sha256 = models.CharField("empreinte du PDF", max_length=64)
    signed_at = models.DateTimeField("signé le", default=timezone.now)
    method = models.CharField("moyen", max_length=10, choices=Method)
    # Masked address, prefix of the network, family of the browser: nothing that singles out.
    evidence = models.JSONField("éléments de preuve", default=dict)
    # For paper: who recognised the hand-written signature.
    recorded_by = models.ForeignKey(
        User, models.RESTRICT, null=True, blank=True, related_name="+", verbose_name="confirmé par"
    )

    class Meta:
        verbose_name = "signature"
        ordering = ["signed_at", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["campaign", "member"],
                name="signature_one_per_member",
                violation_error_message="Ce membre a déjà signé.",
            ),
            models.CheckConstraint(
                condition=is_sha256("snapshot_sha256") & is_sha256("document_sha256"),
                name="signature_names_what_it_signs",
            ),
            models.CheckConstraint(
                condition=Q(method="email_code", recorded_by__isnull=True)
                | Q(method="paper", recorded_by__isnull=False),
                name="signature_on_paper_is_confirmed_by_someone",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class CampaignLog(models.Model):
    """What was done in a campaign and by whom; no one: the portal itself."""

    campaign = models.ForeignKey(Campaign, models.CASCADE, related_name="logs")
    action = models.CharField("action", max_length=30)
    detail = models.CharField("précision", max_length=500, blank=True)
    member = models.ForeignKey(Member, models.PROTECT, null=True, blank=True, related_name="+")
    actor = models.ForeignKey(User, models.RESTRICT, null=True, blank=True, related_name="+")
    at = models.DateTimeField("le", default=timezone.now)

    class Meta:
        verbose_name = "ligne du journal d’une campagne"
        verbose_name_plural = "journal d’une campagne"
        ordering = ["-at", "-pk"]
        indexes = [models.Index(fields=["campaign", "-at"], name="campaign_log")]

    def __str__(self) -> str:
        return f"{self.campaign_id} {self.action}"


# --- On paper -------------------------------------------------------------------------------------


class SheetsFile(models.Model):
    """The sheets to sign by hand, all in one PDF, made by the worker."""

    campaign = models.ForeignKey(Campaign, models.CASCADE, related_name="sheets")
    signers = models.PositiveIntegerField("feuilles", default=0)
    file = models.ForeignKey(
        Attachment, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="fichier"
    )
    asked_by = models.ForeignKey(User, models.RESTRICT, related_name="+")
    asked_at = models.DateTimeField("demandé le", default=timezone.now)

    class Meta:
        verbose_name = "feuilles à signer"
        verbose_name_plural = "feuilles à signer"
        ordering = ["-asked_at", "-pk"]

    def __str__(self) -> str:
        return f"{self.campaign_id} {self.asked_at}"


class PaperPage(models.Model):
    """A scanned page: whose it is found to be, then what a person of the team decided."""

    class State(models.TextChoices):
        WAITING = "waiting", "À lire"
        RECOGNISED = "recognised", "Reconnue, à confirmer"
        UNREADABLE = "unreadable", "Illisible"
        OTHER = "other", "D’une autre campagne"
        TWICE = "twice", "Déjà reçue"
        COUNTED = "counted", "Comptée"
        DISCARDED = "discarded", "Écartée"

    campaign = models.ForeignKey(Campaign, models.CASCADE, related_name="pages")
    attachment = models.ForeignKey(Attachment, models.PROTECT, related_name="+")
    number = models.PositiveIntegerField("page")
    state = models.CharField("état", max_length=10, choices=State, default=State.WAITING)
    # What is said of it to the team.
    sentence = models.CharField("constat", max_length=500, blank=True)
    invitation = models.ForeignKey(
        Invitation, models.PROTECT, null=True, blank=True, related_name="pages"
    )
    signature = models.OneToOneField(
        Signature, models.PROTECT, null=True, blank=True, related_name="page"
    )
    uploaded_at = models.DateTimeField("reçue le", default=timezone.now)
    settled_by = models.ForeignKey(User, models.RESTRICT, null=True, blank=True, related_name="+")
    settled_at = models.DateTimeField("décidé le", null=True, blank=True)

    class Meta:
        verbose_name = "page numérisée"
        verbose_name_plural = "pages numérisées"
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(fields=["attachment", "number"], name="paper_page_once"),
            models.CheckConstraint(
                condition=Q(state="counted", signature__isnull=False, invitation__isnull=False)
                | Q(~Q(state="counted"), signature__isnull=True),
                name="paper_page_counted_has_a_signature",
            ),
            models.UniqueConstraint(
                fields=["invitation"],
                condition=Q(state="recognised"),
                name="paper_page_one_waits_per_member",
            ),
        ]
        indexes = [models.Index(fields=["campaign", "state"], name="paper_page_state")]

    def __str__(self) -> str:
        return f"{self.attachment_id} p. {self.number}"
