"""The CPTS itself: its name, its team, its territory and its legal entity, each dated."""

import uuid
from datetime import date
from typing import TYPE_CHECKING, Final

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateRangeField, RangeOperators
from django.db import models
from django.db.models import Expression, F, Func, Q, Value
from django.db.models.functions import Lower
from django.utils import timezone

from accounts.models import AbstractInvitation, User
from communities.numbers import RNA_SHAPE, SIRET_SHAPE, written_siret
from cpts_portal.composed import Composed, Given
from documents.models import Attachment
from territories.models import Region, Territory

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser


class CommunityQuerySet(models.QuerySet["Community"]):
    def visible_to(self, user: "User | AnonymousUser") -> "CommunityQuerySet":
        """The CPTS on whose team the person is, when they act in their own name."""
        if not isinstance(user, User) or user.acting is not None:
            return self.none()
        return self.filter(team_members__user=user).annotate(
            viewer_id=Value(user.pk), viewer_role=F("team_members__role")
        )


class Community(models.Model):
    """A communauté professionnelle territoriale de santé, from its first draft onwards."""

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    name = models.CharField("intitulé", max_length=200)
    region = models.ForeignKey(Region, models.PROTECT, related_name="cpts", verbose_name="région")
    created_by = models.ForeignKey(
        User, models.RESTRICT, related_name="+", verbose_name="créée par"
    )
    created_at = models.DateTimeField("créée le", default=timezone.now)

    objects = CommunityQuerySet.as_manager()

    class Meta:
        verbose_name = "CPTS"
        verbose_name_plural = "CPTS"
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    def team_role(self, user: User) -> "TeamMember.Role | None":
        """The person's role on the team, or None.

        Free when `visible_to` has just read it, or when the members are prefetched.
        """
        if getattr(self, "viewer_id", None) == user.pk:
            return TeamMember.Role(self.viewer_role)  # type: ignore[attr-defined]
        if "team_members" in getattr(self, "_prefetched_objects_cache", {}):
            members = self.team_members.all()
            found = [member.role for member in members if member.user_id == user.pk]
        else:
            found = [role for (role,) in _ROLE.rows(community=self.pk, person=user.pk)]
        return TeamMember.Role(found[0]) if found else None

    @property
    def territory(self) -> Territory:
        """The current territory. Raises DoesNotExist if there is none."""
        return Territory.objects.get(
            community_link__community=self, community_link__valid_to__isnull=True
        )


class CommunityTerritory(models.Model):
    """Which territory a CPTS had, from when to when. One has no end: the current one."""

    community = models.ForeignKey(Community, models.CASCADE, related_name="territories")
    territory = models.OneToOneField(Territory, models.PROTECT, related_name="community_link")
    valid_from = models.DateField("à partir du", default=timezone.localdate)
    valid_to = models.DateField("jusqu’au", null=True, blank=True)

    class Meta:
        verbose_name = "territoire d’une CPTS"
        verbose_name_plural = "territoires des CPTS"
        constraints = [
            models.UniqueConstraint(
                fields=["community"],
                condition=Q(valid_to__isnull=True),
                name="community_one_current_territory",
            ),
            models.CheckConstraint(
                condition=Q(valid_to__isnull=True) | Q(valid_to__gte=F("valid_from")),
                name="community_territory_dates_in_order",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.community} depuis le {self.valid_from}"


class TeamMember(models.Model):
    """A person on the team of a CPTS, and what they may do there."""

    class Role(models.TextChoices):
        OWNER = "owner", "responsable"
        EDITOR = "editor", "rédacteur"
        READER = "reader", "lecteur"

    community = models.ForeignKey(Community, models.CASCADE, related_name="team_members")
    user = models.ForeignKey(User, models.RESTRICT, related_name="team_memberships")
    role = models.CharField("rôle", max_length=10, choices=Role)
    joined_at = models.DateTimeField("depuis le", default=timezone.now)

    class Meta:
        verbose_name = "membre de l’équipe"
        verbose_name_plural = "membres de l’équipe"
        ordering = ["joined_at", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["community", "user"], name="team_member_unique"),
        ]

    def __str__(self) -> str:
        return f"{self.user} ({self.get_role_display()})"


_ROLE: Final = Composed(
    lambda: TeamMember.objects.filter(
        community_id=Given("community"), user_id=Given("person")
    ).values_list("role")
)


class TeamInvitationQuerySet(models.QuerySet["TeamInvitation"]):
    def waiting(self) -> "TeamInvitationQuerySet":
        """Neither accepted nor withdrawn; some may have expired and can be sent again."""
        return self.filter(accepted_at__isnull=True, revoked_at__isnull=True)


class TeamInvitation(AbstractInvitation):
    """An invitation to write in, or to read, the files of one CPTS."""

    community = models.ForeignKey(Community, models.CASCADE, related_name="invitations")
    role = models.CharField("rôle", max_length=10, choices=TeamMember.Role)

    objects = TeamInvitationQuerySet.as_manager()

    class Meta:
        verbose_name = "invitation dans une équipe"
        verbose_name_plural = "invitations dans une équipe"
        constraints = [
            models.UniqueConstraint(
                Lower("email"),
                "community",
                condition=Q(accepted_at__isnull=True, revoked_at__isnull=True),
                name="team_invitation_one_waiting",
                violation_error_message="Une invitation attend déjà cette personne.",
            ),
            models.CheckConstraint(
                condition=Q(accepted_at__isnull=True, accepted_by__isnull=True)
                | Q(accepted_at__isnull=False, accepted_by__isnull=False),
                name="team_invitation_accepted_by_someone",
            ),
            models.CheckConstraint(condition=~Q(role="owner"), name="team_invitation_never_owner"),
        ]

    def __str__(self) -> str:
        return f"{self.email} · {self.community}"

    @property
    def role_offered(self) -> str:
        """That of the invitation; owner where nobody is on the team yet."""
        if self.community.team_members.exists():
            return self.role
        return TeamMember.Role.OWNER


class OwnershipTransferQuerySet(models.QuerySet["OwnershipTransfer"]):
    def waiting(self) -> "OwnershipTransferQuerySet":
        return self.filter(accepted_at__isnull=True, declined_at__isnull=True)


class OwnershipTransfer(models.Model):
    """An owner offers the ownership to a team member, who accepts it or not."""

    community = models.ForeignKey(Community, models.CASCADE, related_name="ownership_transfers")
    from_user = models.ForeignKey(User, models.RESTRICT, related_name="+")
    to_user = models.ForeignKey(User, models.RESTRICT, related_name="+")
    offered_at = models.DateTimeField("proposé le", default=timezone.now)
    accepted_at = models.DateTimeField("accepté le", null=True, blank=True)
    declined_at = models.DateTimeField("refusé ou retiré le", null=True, blank=True)

    objects = OwnershipTransferQuerySet.as_manager()

    class Meta:
        verbose_name = "transfert de responsabilité"
        verbose_name_plural = "transferts de responsabilité"
        constraints = [
            models.UniqueConstraint(
                fields=["community"],
                condition=Q(accepted_at__isnull=True, declined_at__isnull=True),
                name="ownership_transfer_one_open",
                violation_error_message="Un transfert est déjà proposé pour cette CPTS.",
            ),
            models.CheckConstraint(
                condition=Q(accepted_at__isnull=True) | Q(declined_at__isnull=True),
                name="ownership_transfer_one_answer",
            ),
            models.CheckConstraint(
                condition=~Q(from_user=F("to_user")), name="ownership_transfer_two_people"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.community} : {self.from_user} → {self.to_user}"


class CommunityStageQuerySet(models.QuerySet["CommunityStage"]):
    def open(self) -> "CommunityStageQuerySet":
        return self.filter(closed_on__isnull=True)


class CommunityStage(models.Model):
    """A stage a decision has opened to a CPTS: public, but for what it carries to the next file.

    A decision withdrawn closes the stage it had opened; the line stays.
    """

    class Kind(models.TextChoices):
        HEALTH_PROJECT = "health_project", "Projet de santé"
        # Opened by the validation of the project: the CPTS is recognised.
        CONTRACT = "contract", "Contrat"

    community = models.ForeignKey(
        Community, models.PROTECT, related_name="stages", verbose_name="CPTS"
    )
    kind = models.CharField("étape", max_length=20, choices=Kind, default=Kind.HEALTH_PROJECT)
    # Said in public, as it was when it was decided.
    name = models.CharField("intitulé", max_length=200)
    act = models.CharField("acte", max_length=100)
    reference = models.CharField("numéro de l’acte", max_length=60, unique=True)
    population = models.PositiveIntegerField("population")
    commune_count = models.PositiveIntegerField("nombre de communes")
    size_class = models.CharField("taille", max_length=2, blank=True)
    opened_on = models.DateField("ouverte le", default=timezone.localdate)
    closed_on = models.DateField("refermée le", null=True, blank=True)
    # For the team only: what the file of this stage begins with.
    carried = models.JSONField("données reprises", default=dict, blank=True)

    objects = CommunityStageQuerySet.as_manager()

    class Meta:
        verbose_name = "étape d’une CPTS"
        verbose_name_plural = "étapes d’une CPTS"
        ordering = ["opened_on", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["community", "kind"],
                condition=Q(closed_on__isnull=True),
                name="community_stage_one_open",
                violation_error_message="Cette étape est déjà ouverte pour cette CPTS.",
            ),
            models.CheckConstraint(
                condition=Q(closed_on__isnull=True) | Q(closed_on__gte=F("opened_on")),
                name="community_stage_dates_in_order",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.community} : {self.get_kind_display()}"


class LegalEntityQuerySet(models.QuerySet["LegalEntity"]):
    def on(self, day: date | Expression) -> "LegalEntityQuerySet":
        """The one that carries the CPTS on a day: one at most for each CPTS."""
        return self.filter(valid_from__lte=day).filter(
            Q(valid_to__isnull=True) | Q(valid_to__gte=day)
        )


class LegalEntity(models.Model):
    """The association that carries a CPTS, from one day to another, both included.

    An ordonnance of 12 May 2021 (CSP, article L. 1434-12-1) wants an association. A first one may
    be followed by a second: each keeps its row, and never two on one day.
    """

    class Form(models.TextChoices):
        ASSOCIATION = "association", "Association loi de 1901"
        LOCAL_ASSOCIATION = (
            "local_association",
            "Association de droit local (Bas-Rhin, Haut-Rhin, Moselle)",
        )

    community = models.ForeignKey(
        Community, models.PROTECT, related_name="legal_entities", verbose_name="CPTS"
    )
    form = models.CharField("forme", max_length=20, choices=Form, default=Form.ASSOCIATION)
    name = models.CharField("nom", max_length=200)
    # Both come some weeks after the first meeting: until then, `pending_reason` says why.
    rna = models.CharField("numéro RNA", max_length=10, blank=True)
    siret = models.CharField("numéro SIRET", max_length=14, blank=True)
    pending_reason = models.CharField("pourquoi un numéro manque", max_length=300, blank=True)
    address = models.CharField("adresse du siège", max_length=200)
    postal_code = models.CharField("code postal", max_length=5)
    city = models.CharField("commune", max_length=100)
    statutes = models.OneToOneField(
        Attachment,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="statutes_of",
        verbose_name="statuts",
    )
    valid_from = models.DateField("à partir du", default=timezone.localdate)
    valid_to = models.DateField("jusqu’au", null=True, blank=True)
    # Counts its changes: a form says from which one it started.
    revision = models.PositiveIntegerField("révision", default=1)
    created_by = models.ForeignKey(
        User, models.RESTRICT, related_name="+", verbose_name="créée par"
    )
    created_at = models.DateTimeField("créée le", default=timezone.now)

    objects = LegalEntityQuerySet.as_manager()

    class Meta:
        verbose_name = "structure juridique"
        verbose_name_plural = "structures juridiques"
        ordering = ["-valid_from", "-pk"]
        constraints = [
            ExclusionConstraint(
                name="legal_entity_one_at_a_time",
                expressions=[
                    (F("community"), RangeOperators.EQUAL),
                    (
                        Func(
                            F("valid_from"),
                            F("valid_to"),
                            Value("[]"),
                            function="DATERANGE",
                            output_field=DateRangeField(),
                        ),
                        RangeOperators.OVERLAPS,
                    ),
                ],
                violation_error_message="Une autre association porte la CPTS à ces dates.",
            ),
            models.CheckConstraint(
                condition=Q(valid_to__isnull=True) | Q(valid_to__gte=F("valid_from")),
                name="legal_entity_dates_in_order",
                violation_error_message="La fin ne peut pas précéder le début.",
            ),
            models.CheckConstraint(
                condition=Q(name__regex=r"\S") & Q(address__regex=r"\S") & Q(city__regex=r"\S"),
                name="legal_entity_has_a_name_and_a_seat",
            ),
            models.CheckConstraint(
                condition=Q(postal_code__regex=r"^[0-9]{5}$"),
                name="legal_entity_postal_code_has_five_digits",
            ),
            models.CheckConstraint(
                condition=Q(rna="") | Q(form="association", rna__regex=RNA_SHAPE),
                name="legal_entity_rna_has_its_shape",
                violation_error_message="Un numéro RNA commence par W, suivi de neuf signes.",
            ),
            models.CheckConstraint(
                condition=Q(siret="") | Q(siret__regex=SIRET_SHAPE),
                name="legal_entity_siret_has_fourteen_digits",
                violation_error_message="Un numéro SIRET compte 14 chiffres.",
            ),
            models.CheckConstraint(
                condition=~Q(form="local_association")
                | Q(postal_code__startswith="57")
                | Q(postal_code__startswith="67")
                | Q(postal_code__startswith="68"),
                name="legal_entity_local_law_in_its_departements",
                violation_error_message=(
                    "Une association de droit local a son siège en Moselle, dans le Bas-Rhin ou "
                    "dans le Haut-Rhin."
                ),
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def siren(self) -> str:
        """The nine digits that name the association, whatever its establishment."""
        return self.siret[:9]

    @property
    def siret_as_written(self) -> str:
        return written_siret(self.siret)

    @property
    def seat(self) -> str:
        """« 12 rue de la Gare, 44000 Nantes »."""
        return f"{self.address}, {self.postal_code} {self.city}"


class LegalEntityChange(models.Model):
    """A line of the history of a legal entity: who wrote what, and what it was before."""

    class Action(models.TextChoices):
        ADDED = "added", "Enregistrée"
        CORRECTED = "corrected", "Corrigée"
        CLOSED = "closed", "Close"
        REOPENED = "reopened", "Rouverte"

    entity = models.ForeignKey(LegalEntity, models.CASCADE, related_name="changes")
    action = models.CharField("action", max_length=10, choices=Action)
    # Each changed field, with what it was and what it became, as they are read.
    changed = models.JSONField("changements", default=list, blank=True)
    by = models.ForeignKey(User, models.RESTRICT, related_name="+", verbose_name="par")
    at = models.DateTimeField("le", default=timezone.now)

    class Meta:
        verbose_name = "changement d’une structure juridique"
        verbose_name_plural = "changements des structures juridiques"
        ordering = ["-at", "-pk"]

    def __str__(self) -> str:
        return f"{self.entity_id} {self.action}"


class OfficerQuerySet(models.QuerySet["Officer"]):
    def on(self, day: date) -> "OfficerQuerySet":
        """Those in office on a day: one at most for each role of a CPTS."""
        return self.filter(valid_from__lte=day).filter(
            Q(valid_to__isnull=True) | Q(valid_to__gte=day)
        )


class Officer(models.Model):
    """Who presides, or coordinates, a CPTS, from one day to another, both included.

    It gives no access to the portal: the team does that.
    """

    class Role(models.TextChoices):
        PRESIDENT = "president", "Présidence"
        COORDINATOR = "coordinator", "Coordination"

    community = models.ForeignKey(
        Community, models.PROTECT, related_name="officers", verbose_name="CPTS"
    )
    role = models.CharField("fonction", max_length=20, choices=Role)
    name = models.CharField("nom", max_length=150)
    email = models.EmailField("courriel", blank=True)
    valid_from = models.DateField("à partir du", default=timezone.localdate)
    valid_to = models.DateField("jusqu’au", null=True, blank=True)
    # Counts what was written: offices are told of each once.
    revision = models.PositiveIntegerField("révision", default=1)
    written_by = models.ForeignKey(
        User, models.RESTRICT, related_name="+", verbose_name="écrit par"
    )
    written_at = models.DateTimeField("écrit le", default=timezone.now)

    objects = OfficerQuerySet.as_manager()

    class Meta:
        verbose_name = "présidence ou coordination d’une CPTS"
        verbose_name_plural = "présidences et coordinations des CPTS"
        ordering = ["-valid_from", "-pk"]
        constraints = [
            ExclusionConstraint(
                name="officer_one_at_a_time",
                expressions=[
                    (F("community"), RangeOperators.EQUAL),
                    (F("role"), RangeOperators.EQUAL),
                    (
                        Func(
                            F("valid_from"),
                            F("valid_to"),
                            Value("[]"),
                            function="DATERANGE",
                            output_field=DateRangeField(),
                        ),
                        RangeOperators.OVERLAPS,
                    ),
                ],
                violation_error_message="Une autre personne exerce cette fonction à ces dates.",
            ),
            models.CheckConstraint(
                condition=Q(valid_to__isnull=True) | Q(valid_to__gte=F("valid_from")),
                name="officer_dates_in_order",
            ),
            models.CheckConstraint(condition=Q(name__regex=r"\S"), name="officer_has_a_name"),
        ]

    def __str__(self) -> str:
        return f"{self.get_role_display()} : {self.name}"


class Renaming(models.Model):
    """A CPTS took another name on a day: what was signed under the old one keeps it."""

    community = models.ForeignKey(
        Community, models.PROTECT, related_name="renamings", verbose_name="CPTS"
    )
    before = models.CharField("ancien intitulé", max_length=200)
    after = models.CharField("nouvel intitulé", max_length=200)
    on = models.DateField("le", default=timezone.localdate)
    # Nobody when silence validated the amendment that said so.
    written_by = models.ForeignKey(
        User, models.RESTRICT, null=True, related_name="+", verbose_name="écrit par"
    )
    written_at = models.DateTimeField("écrit le", default=timezone.now)

    class Meta:
        verbose_name = "changement de nom d’une CPTS"
        verbose_name_plural = "changements de nom des CPTS"
        ordering = ["-on", "-pk"]
        constraints = [
            models.CheckConstraint(condition=~Q(before=F("after")), name="renaming_changes_a_name"),
            models.CheckConstraint(condition=Q(after__regex=r"\S"), name="renaming_has_a_name"),
        ]

    def __str__(self) -> str:
        return f"{self.before} → {self.after}"
