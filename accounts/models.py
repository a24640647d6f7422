"""People, the organisations they act for, and the roles they hold there."""

import hashlib
import secrets
from datetime import timedelta
from typing import TYPE_CHECKING, Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower
from django.utils import timezone

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser

INVITATION_LIFETIME = timedelta(days=14)


class UserManager(BaseUserManager["User"]):
    def create_user(self, email: str, password: str | None = None, **extra: Any) -> "User":
        """Create a person known by e-mail. Without a password they can only reset it."""
        user = self.model(email=self.normalize_email(email).lower(), **extra)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **extra: Any) -> "User":
        return self.create_user(email, password, is_staff=True, is_superuser=True, **extra)


class User(AbstractBaseUser, PermissionsMixin):
    """A person. What they may do comes from their CPTS teams and their memberships."""

    email = models.EmailField("adresse électronique", unique=True)
    first_name = models.CharField("prénom", max_length=100, blank=True)
    last_name = models.CharField("nom", max_length=100, blank=True)
    profession = models.CharField("profession", max_length=100, blank=True)
    # Said by the person, shown to nobody else: it finds conflicts of interest.
    rpps = models.CharField("numéro RPPS", max_length=11, blank=True)
    is_staff = models.BooleanField("accès à l’administration", default=False)
    is_active = models.BooleanField("compte actif", default=True)
    date_joined = models.DateTimeField("inscription", default=timezone.now)

    objects = UserManager()

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    # The role in which the person acts during this request: None in their own name (lead or
    # co-editor of a CPTS), else one of their memberships. Set by ActingRoleMiddleware.
    acting: "Membership | None" = None

    class Meta:
        verbose_name = "personne"
        constraints = [
            models.UniqueConstraint(
                Lower("email"),
                name="user_email_unique",
                violation_error_message="Un compte existe déjà avec cette adresse.",
            ),
            models.CheckConstraint(
                condition=Q(rpps="") | Q(rpps__regex=r"^[0-9]{11}$"),
                name="user_rpps_has_eleven_digits",
                violation_error_message="Un numéro RPPS compte 11 chiffres.",
            ),
        ]

    def __str__(self) -> str:
        return self.get_full_name() or self.email

    def get_full_name(self) -> str:
        return f"{self.first_name} {self.last_name}".strip()

    def get_short_name(self) -> str:
        return self.first_name or self.email


class OrganisationQuerySet(models.QuerySet["Organisation"]):
    def managed_by(self, user: "User | AnonymousUser") -> "OrganisationQuerySet":
        """Where the person, acting as coordinator, gives and ends roles: theirs and its branches.

        A coordinator limited to a département manages there, and in its branches only.
        """
        acting = getattr(user, "acting", None)
        if acting is None or acting.role != Membership.Role.COORDINATOR:
            return self.none()
        branches = Q(parent=acting.organisation_id)
        if acting.department_id:
            branches &= Q(department=acting.department_id)
        return self.filter(Q(pk=acting.organisation_id) | branches)


class Organisation(models.Model):
    """A body that receives, examines, advises or pays, with the perimeter it serves."""

    class Kind(models.TextChoices):
        ARS = "ars", "Agence régionale de santé"
        ARS_BRANCH = "ars_branch", "Bureau départemental de l’ARS"
        ONE_STOP_DESK = "one_stop_desk", "Guichet"
        URPS = "urps", "URPS"
        CPAM = "cpam", "CPAM"
        MSA = "msa", "MSA"
        COMMITTEE = "committee", "Comité"

    code = models.SlugField("code", max_length=60, unique=True)
    kind = models.CharField("nature", max_length=15, choices=Kind)
    name = models.CharField("nom", max_length=200)
    parent = models.ForeignKey(
        "self",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="branches",
        verbose_name="organisme de rattachement",
    )
    region = models.ForeignKey(
        "territories.Region", models.PROTECT, related_name="organisations", verbose_name="région"
    )
    department = models.ForeignKey(
        "territories.Department",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="organisations",
        verbose_name="département",
        help_text="Vide : l’organisme sert toute la région.",
    )
    service = models.CharField("service", max_length=200, blank=True)
    address = models.TextField("adresse postale", blank=True)
    email = models.EmailField("adresse électronique", blank=True)
    phone = models.CharField("téléphone", max_length=30, blank=True)
    # Generic offices, made so that a letter always finds a desk, wait for their real address.
    to_complete = models.BooleanField("à compléter", default=False)
    is_demo = models.BooleanField("donnée de démonstration", default=False)

    objects = OrganisationQuerySet.as_manager()

    class Meta:
        verbose_name = "organisme"
        ordering = ["region", "kind", "name"]
        indexes = [
            models.Index(fields=["kind", "region", "department"], name="organisation_perimeter"),
        ]

    def __str__(self) -> str:
        return self.name


class Membership(models.Model):
    """A role a person holds in an organisation, given by invitation."""

    class Role(models.TextChoices):
        AGENT = "agent", "agent instructeur"
        COORDINATOR = "coordinator", "coordinateur"
        SIGNATORY = "signatory", "signataire"
        REVIEWER = "reviewer", "relecteur"
        PRESIDENT = "president", "président"
        SECRETARY = "secretary", "secrétaire"

    user = models.ForeignKey(User, models.CASCADE, related_name="memberships")
    organisation = models.ForeignKey(Organisation, models.PROTECT, related_name="memberships")
    role = models.CharField("rôle", max_length=15, choices=Role)
    # Narrower than the organisation's perimeter: an agent in charge of one département.
    department = models.ForeignKey(
        "territories.Department",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name="limité au département",
    )
    is_active = models.BooleanField("en cours", default=True)
    created_at = models.DateTimeField("depuis le", default=timezone.now)

    class Meta:
        verbose_name = "rôle"
        ordering = ["organisation__name", "role"]
        constraints = [
            models.UniqueConstraint(
                fields=["user", "organisation", "role"], name="membership_unique"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_role_display()} · {self.organisation}"

    @property
    def keeps_signatures(self) -> bool:
        """Whether they record who may sign for their organisation: one that signs decisions."""
        kinds = Organisation.Kind
        return self.role in {self.Role.SIGNATORY, self.Role.COORDINATOR} and (
            self.organisation.kind in {kinds.ARS, kinds.ARS_BRANCH, kinds.CPAM, kinds.MSA}
        )


class AbstractInvitation(models.Model):
    """An invitation by e-mail that expires. Only the digest of its secret is stored."""

    email = models.EmailField("adresse électronique")
    token_digest = models.CharField(max_length=64, unique=True, editable=False)
    invited_by = models.ForeignKey(
        User, models.RESTRICT, related_name="+", verbose_name="invité par"
    )
    created_at = models.DateTimeField("créée le", default=timezone.now)
    expires_at = models.DateTimeField("expire le")
    accepted_at = models.DateTimeField("acceptée le", null=True, blank=True)
    accepted_by = models.ForeignKey(
        User, models.RESTRICT, null=True, blank=True, related_name="+", verbose_name="acceptée par"
    )
    revoked_at = models.DateTimeField("retirée le", null=True, blank=True)

    class Meta:
        abstract = True

    @staticmethod
    def digest(token: str) -> str:
        return hashlib.sha256(token.encode()).hexdigest()

    def issue_token(self) -> str:
        """Give this unsaved invitation its secret and its lifetime; return the secret, once."""
        token = secrets.token_urlsafe(32)
        self.token_digest = self.digest(token)
        self.expires_at = timezone.now() + INVITATION_LIFETIME
        return token

    @property
    def is_open(self) -> bool:
        return (
            self.accepted_at is None
            and self.revoked_at is None
            and self.expires_at > timezone.now()
        )


class OrganisationInvitationQuerySet(models.QuerySet["OrganisationInvitation"]):
    def waiting(self) -> "OrganisationInvitationQuerySet":
        """Neither accepted nor withdrawn; some may have expired and can be sent again."""
        return self.filter(accepted_at__isnull=True, revoked_at__isnull=True)


class OrganisationInvitation(AbstractInvitation):
    """An invitation to hold a role in an organisation."""

    organisation = models.ForeignKey(
        Organisation, models.CASCADE, related_name="invitations", verbose_name="organisme"
    )
    role = models.CharField("rôle", max_length=15, choices=Membership.Role)
    department = models.ForeignKey(
        "territories.Department",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name="limité au département",
    )

    objects = OrganisationInvitationQuerySet.as_manager()

    class Meta:
        verbose_name = "invitation à un rôle"
        verbose_name_plural = "invitations à un rôle"
        constraints = [
            models.UniqueConstraint(
                Lower("email"),
                "organisation",
                "role",
                condition=Q(accepted_at__isnull=True, revoked_at__isnull=True),
                name="organisation_invitation_one_waiting",
                violation_error_message="Une invitation à ce rôle attend déjà cette personne.",
            ),
            models.CheckConstraint(
                condition=Q(accepted_at__isnull=True, accepted_by__isnull=True)
                | Q(accepted_at__isnull=False, accepted_by__isnull=False),
                name="organisation_invitation_accepted_by_someone",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.email} · {self.organisation}"


class SecondFactor(models.Model):
    """A person's second factor: an application that gives a new code every thirty seconds.

    The key it shares with the portal is drawn from `nonce` and the portal's own key, so that the
    database alone opens nothing: see `accounts.second_factor`.
    """

    user = models.OneToOneField(
        User, models.CASCADE, related_name="second_factor", verbose_name="personne"
    )
    nonce = models.CharField(max_length=32, editable=False)
    # The last thirty seconds whose code served: a code serves once.
    last_step = models.BigIntegerField(default=0, editable=False)
    # Digests of the recovery codes that have not served.
    recovery = models.JSONField(default=list, editable=False)
    # Wrong codes in a row, and when the last one was typed.
    failures = models.PositiveSmallIntegerField(default=0, editable=False)
    failed_at = models.DateTimeField(null=True, editable=False)
    created_at = models.DateTimeField("activé le", default=timezone.now)
    used_at = models.DateTimeField("dernier usage le", null=True, editable=False)

    class Meta:
        verbose_name = "deuxième facteur"
        verbose_name_plural = "deuxièmes facteurs"

    def __str__(self) -> str:
        return str(self.user)
