"""The questionnaire to the professionals of a territory, what they answer, whom the lead asks.

See docs/decisions/0018-mobilisation.md.
"""

import uuid
from datetime import date
from typing import TYPE_CHECKING

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from accounts.models import Organisation, User
from communities.models import Community
from cpts_portal.rows import WrittenOnce
from outbox.models import Mail
from procedures.questionnaires import Question, QuestionModel, model_of
from territories.models import Commune

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser


class Interest(models.IntegerChoices):
    """How far somebody wishes to go, the nearest last."""

    INFORMED = 1, "Être tenu informé"
    FOLLOW = 2, "Suivre le projet"
    TAKE_PART = 3, "Prendre part au projet"
    LEAD = 4, "Porter le projet avec l’équipe"


# Those who wish to join: what the letter counts as willing.
WILLING = (Interest.TAKE_PART, Interest.LEAD)


class QuestionnaireQuerySet(models.QuerySet["Questionnaire"]):
    def visible_to(self, user: "User | AnonymousUser") -> "QuestionnaireQuerySet":
        """Those of the CPTS on whose team the person is; for the URPS that opens one with the
        lead, those it was asked about."""
        if not isinstance(user, User):
            return self.none()
        if user.acting is None:
            team = self.filter(community__team_members__user=user)
            return team.annotate(viewer_role=F("community__team_members__role"))
        return self.filter(urps=user.acting.organisation_id, submitted_at__isnull=False)


class Questionnaire(models.Model):
    """What the lead and one URPS ask together the professionals of a territory."""

    class State(models.TextChoices):
        DRAFT = "draft", "En préparation"
        SUBMITTED = "submitted", "Attend l’accord de l’URPS"
        OPEN = "open", "Ouvert"
        CLOSED = "closed", "Clos"

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    community = models.ForeignKey(
        Community, models.PROTECT, related_name="questionnaires", verbose_name="CPTS"
    )
    urps = models.ForeignKey(
        Organisation, models.PROTECT, related_name="questionnaires", verbose_name="URPS"
    )
    model_key = models.CharField("modèle", max_length=40)
    model_version = models.PositiveSmallIntegerField("version du modèle")
    message = models.TextField("mot de l’équipe", blank=True)
    # The lead's own questions, as `procedures.questionnaires.Question` says them.
    own_questions = models.JSONField("questions de l’équipe", default=list, blank=True)
    state = models.CharField("état", max_length=10, choices=State, default=State.DRAFT)
    closes_on = models.DateField("dernier jour pour répondre")
    # In the public address: nobody guesses it, everybody can type it.
    code = models.CharField("code", max_length=12, unique=True, editable=False)
    submitted_at = models.DateTimeField("soumis à l’URPS le", null=True, blank=True)
    refusal_reason = models.TextField("motif du refus de l’URPS", blank=True)
    approved_by = models.ForeignKey(
        User, models.RESTRICT, null=True, blank=True, related_name="+", verbose_name="accordé par"
    )
    opened_at = models.DateTimeField("ouvert le", null=True, blank=True)
    closed_at = models.DateTimeField("clos le", null=True, blank=True)
    # How the professionals were reached, for the letter; empty: as the portal words it.
    methodology = models.TextField("méthode", blank=True)
    # When answers and addresses were deleted; the counts that stay, as `results` says them.
    forgotten_at = models.DateTimeField("effacé le", null=True, blank=True)
    kept_counts = models.JSONField("comptes gardés", null=True, blank=True)
    created_by = models.ForeignKey(User, models.RESTRICT, related_name="+")
    created_at = models.DateTimeField("préparé le", default=timezone.now)

    objects = QuestionnaireQuerySet.as_manager()

    class Meta:
        verbose_name = "questionnaire"
        ordering = ["-created_at", "-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["community"],
                condition=~Q(state="closed"),
                name="questionnaire_one_under_way",
                violation_error_message="Un questionnaire est déjà en cours pour cette CPTS.",
            ),
            models.CheckConstraint(
                condition=Q(
                    state="draft", approved_by__isnull=True, opened_at__isnull=True,
                    closed_at__isnull=True,
                )
                | Q(
                    state="submitted", submitted_at__isnull=False, approved_by__isnull=True,
                    opened_at__isnull=True, closed_at__isnull=True,
                )
                | Q(
                    state="open", submitted_at__isnull=False, approved_by__isnull=False,
                    opened_at__isnull=False, closed_at__isnull=True,
                )
                | Q(
                    state="closed", approved_by__isnull=False, opened_at__isnull=False,
                    closed_at__isnull=False,
                ),
                name="questionnaire_opened_with_the_urps",
            ),
            models.CheckConstraint(
                condition=Q(forgotten_at__isnull=True, kept_counts__isnull=True)
                | Q(forgotten_at__isnull=False, kept_counts__isnull=False, state="closed"),
                name="questionnaire_forgotten_keeps_counts",
            ),
        ]  # fmt: skip
        indexes = [
            models.Index(fields=["community", "-created_at"], name="questionnaire_list"),
            models.Index(fields=["urps", "-submitted_at"], name="questionnaire_of_urps"),
        ]

    def __str__(self) -> str:
        return f"{self.community} ({self.code})"

    @property
    def is_open(self) -> bool:
        """Whether somebody may answer today: the last day is theirs until midnight."""
        return self.state == self.State.OPEN and timezone.localdate() <= self.closes_on

    @property
    def last_day(self) -> date:
        """The last day somebody could answer: earlier than planned when the team closed it."""
        if self.closed_at is None:
            return self.closes_on
        return min(self.closes_on, timezone.localdate(self.closed_at))

    @property
    def model(self) -> QuestionModel:
        return model_of(self.model_key, self.model_version)

    @property
    def questions(self) -> tuple[Question, ...]:
        """The region's questions, then the lead's own."""
        from mobilisation.own_questions import read_questions  # noqa: PLC0415 - reads this module

        return (*self.model.questions, *read_questions(self.own_questions))


class Reply(models.Model):
    """What one professional answered. Their own link reads, corrects, exports and deletes it."""

    questionnaire = models.ForeignKey(Questionnaire, models.CASCADE, related_name="replies")
    profession = models.CharField("profession", max_length=40)
    # None, and the words below, when the portal knows no such commune.
    commune = models.ForeignKey(
        Commune, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="commune"
    )
    place = models.CharField("autre lieu", max_length=100, blank=True)
    interest = models.PositiveSmallIntegerField("intérêt", choices=Interest)
    missions = ArrayField(models.CharField(max_length=40), default=list, blank=True)
    # By key of question: a text, the key of a choice, or a list of keys.
    answers = models.JSONField("réponses", default=dict, blank=True)
    last_name = models.CharField("nom", max_length=100, blank=True)
    first_name = models.CharField("prénom", max_length=100, blank=True)
    email = models.EmailField("adresse électronique", blank=True)
    phone = models.CharField("téléphone", max_length=30, blank=True)
    structure = models.CharField("structure", max_length=150, blank=True)
    # The team may write or call; the letter may name them. Without, nobody reads who they are.
    may_contact = models.BooleanField("accepte d’être contacté", default=False)
    may_name = models.BooleanField("accepte d’être nommé dans la lettre", default=False)
    # Only the first answer given with an address counts.
    counted = models.BooleanField("comptée", default=True)
    # The form it came by: sent twice, it is the same answer.
    form_mark = models.CharField(max_length=64, unique=True, editable=False)
    # The secret of the link is drawn from this and the portal's key; only its digest is stored.
    nonce = models.CharField(max_length=32, editable=False)
    token_digest = models.CharField(max_length=64, unique=True, editable=False)
    created_at = models.DateTimeField("donnée le", default=timezone.now)
    updated_at = models.DateTimeField("changée le", default=timezone.now)

    class Meta:
        verbose_name = "réponse"
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["questionnaire", "email"],
                condition=Q(counted=True) & ~Q(email=""),
                name="reply_one_per_address",
                violation_error_message="Une réponse a déjà été donnée avec cette adresse.",
            ),
            models.CheckConstraint(
                condition=Q(interest__in=(1, 2, 3, 4)), name="reply_known_interest"
            ),
            models.CheckConstraint(
                condition=Q(counted=True) | ~Q(email=""), name="reply_set_aside_has_an_address"
            ),
        ]
        indexes = [
            models.Index(fields=["questionnaire", "updated_at"], name="reply_freshness"),
        ]

    def __str__(self) -> str:
        return f"{self.questionnaire_id} {self.pk}"

    @property
    def person(self) -> str:
        return f"{self.first_name} {self.last_name}".strip()


class Contact(models.Model):
    """Somebody the lead asks to answer, by mail. They may say: no more."""

    questionnaire = models.ForeignKey(Questionnaire, models.CASCADE, related_name="contacts")
    email = models.EmailField("adresse électronique")
    last_name = models.CharField("nom", max_length=100, blank=True)
    first_name = models.CharField("prénom", max_length=100, blank=True)
    profession = models.CharField("profession", max_length=40, blank=True)
    nonce = models.CharField(max_length=32, editable=False)
    token_digest = models.CharField(max_length=64, unique=True, editable=False)
    told_at = models.DateTimeField("dernier courriel le", null=True, blank=True)
    told_count = models.PositiveSmallIntegerField("courriels", default=0)
    last_mail = models.ForeignKey(Mail, models.SET_NULL, null=True, blank=True, related_name="+")
    unsubscribed_at = models.DateTimeField("désinscrit le", null=True, blank=True)
    created_at = models.DateTimeField("ajouté le", default=timezone.now)

    class Meta:
        verbose_name = "personne sollicitée"
        verbose_name_plural = "personnes sollicitées"
        ordering = ["last_name", "first_name", "email", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["questionnaire", "email"],
                name="contact_one_per_address",
                violation_error_message="Cette adresse est déjà dans la liste.",
            ),
        ]

    def __str__(self) -> str:
        return str(self.pk)

    @property
    def person(self) -> str:
        return f"{self.first_name} {self.last_name}".strip()


class ContactImport(models.Model):
    """A spreadsheet that was read and waits to be confirmed: nobody of it is in the list yet.

    Its rows hold people's data: they are emptied once applied or given up.
    """

    questionnaire = models.ForeignKey(Questionnaire, models.CASCADE, related_name="contact_imports")
    file_name = models.CharField("fichier", max_length=150)
    rows = models.JSONField("lignes lues", default=list)
    ignored = models.JSONField("colonnes ignorées", default=list)
    created_by = models.ForeignKey(User, models.RESTRICT, related_name="+")
    created_at = models.DateTimeField("lu le", default=timezone.now)
    closed_at = models.DateTimeField("clos le", null=True, blank=True)

    class Meta:
        verbose_name = "import de personnes sollicitées"
        verbose_name_plural = "imports de personnes sollicitées"
        constraints = [
            models.UniqueConstraint(
                fields=["questionnaire"],
                condition=Q(closed_at__isnull=True),
                name="contact_import_one_waiting",
                violation_error_message="Un import attend déjà d’être confirmé.",
            ),
            models.CheckConstraint(
                condition=Q(closed_at__isnull=True) | Q(rows=[]),
                name="contact_import_closed_is_empty",
            ),
        ]

    def __str__(self) -> str:
        return self.file_name


class OptOut(models.Model):
    """An address that wants no more such mails, from any CPTS: a keyed digest, not the address."""

    digest = models.CharField("empreinte", max_length=64, unique=True)
    at = models.DateTimeField("le", default=timezone.now)

    class Meta:
        verbose_name = "désinscription"

    def __str__(self) -> str:
        return str(self.pk)


class ProfessionCount(models.Model):
    """How many professionals a territory has, and were reached otherwise than by mail."""

    questionnaire = models.ForeignKey(
        Questionnaire, models.CASCADE, related_name="profession_counts"
    )
    profession = models.CharField("profession", max_length=40)
    identified = models.PositiveIntegerField("identifiés", null=True, blank=True)
    # Beside those of the imported list: by telephone, by post, in a meeting.
    solicited = models.PositiveIntegerField("sollicités autrement", null=True, blank=True)
    given_by = models.ForeignKey(User, models.RESTRICT, related_name="+")
    given_for = models.ForeignKey(
        Organisation, models.PROTECT, null=True, blank=True, related_name="+"
    )
    given_at = models.DateTimeField("le", default=timezone.now)

    class Meta:
        verbose_name = "effectif d’une profession"
        verbose_name_plural = "effectifs des professions"
        constraints = [
            models.UniqueConstraint(
                fields=["questionnaire", "profession"], name="profession_count_once"
            ),
        ]

    def __str__(self) -> str:
        return self.profession


class Gathering(models.Model):
    """A meeting held to tell professionals of the project, as the letter will list it."""

    questionnaire = models.ForeignKey(Questionnaire, models.CASCADE, related_name="gatherings")
    held_on = models.DateField("date")
    place = models.CharField("lieu", max_length=200)
    invited = models.PositiveIntegerField("invitations envoyées")
    present = models.PositiveIntegerField("personnes présentes")

    class Meta:
        verbose_name = "réunion"
        ordering = ["held_on", "pk"]

    def __str__(self) -> str:
        return f"{self.held_on:%d/%m/%Y}, {self.place}"


class QuestionnaireLog(WrittenOnce):
    """What was done with a questionnaire and by whom; no one: the portal itself."""

    questionnaire = models.ForeignKey(Questionnaire, models.CASCADE, related_name="logs")
    action = models.CharField("action", max_length=30)
    detail = models.CharField("précision", max_length=500, blank=True)
    actor = models.ForeignKey(User, models.RESTRICT, null=True, blank=True, related_name="+")
    at = models.DateTimeField("le", default=timezone.now)

    class Meta:
        verbose_name = "ligne du journal d’un questionnaire"
        verbose_name_plural = "journal d’un questionnaire"
        ordering = ["-at", "-pk"]
        indexes = [models.Index(fields=["questionnaire", "-at"], name="questionnaire_log")]

    def __str__(self) -> str:
        return f"{self.questionnaire_id} {self.action}"
