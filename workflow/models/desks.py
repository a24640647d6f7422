"""What the people of an office keep about the cases on their desk, and how a desk lists them."""

from typing import TYPE_CHECKING

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVectorField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower
from django.utils import timezone

from accounts.models import Organisation, User
from workflow.models.cases import Case, CaseDesk

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser


class InboxTab(models.TextChoices):
    """Where a case stands for one desk. A case is under exactly one of these on each desk."""

    TO_TAKE = "to_take", "À prendre en charge"
    OPINIONS = "opinions", "En attente d’avis"
    LEAD = "lead", "En attente du porteur"
    TO_DECIDE = "to_decide", "À décider"
    DECIDED = "decided", "Décidés ou clos"
    CONSULTED = "consulted", "Pour avis"
    INFORMED = "informed", "Pour information"


class InboxLineQuerySet(models.QuerySet["InboxLine"]):
    def visible_to(self, user: "User | AnonymousUser") -> "InboxLineQuerySet":
        """One line per deposited case the person sees in the role they act in."""
        acting = user.acting if isinstance(user, User) else None
        if acting is None:
            return self.none()
        return self.filter(
            organisation=acting.organisation_id, department_code=acting.department_id or ""
        )


class InboxLine(models.Model):
    """A case as one desk lists it: what lists are filtered, counted and sorted by, side by side.

    There is one line for the whole desk, whose `department_code` is empty, and one for each
    département the territory touches: the perimeter of an agent limited to it. Nobody writes
    here: triggers of the database copy the case and its desks, in the same transaction,
    whoever changes them. So a page of the list is a stretch of an index, however many cases
    there are; see docs/decisions/0009-bureaux.md.
    """

    Tab = InboxTab

    organisation = models.ForeignKey(
        Organisation, models.CASCADE, related_name="+", db_index=False, verbose_name="bureau"
    )
    department_code = models.CharField("département", max_length=3, blank=True)
    case = models.ForeignKey(
        Case, models.CASCADE, related_name="inbox_lines", verbose_name="dossier"
    )
    kind = models.CharField("titre", max_length=10, choices=CaseDesk.Kind)
    case_kind = models.CharField("nature", max_length=30, choices=Case.Kind)
    tab = models.CharField("onglet", max_length=10, choices=InboxTab)
    # As the desk knows it: a decision that is proposed is known to the desk in charge only.
    state = models.CharField("état", max_length=50)
    # A decision is proposed that the organisation has not signed; a branch in charge has its
    # agency's to sign (`decision_rules.party_of`).
    to_sign = models.BooleanField("à signer", default=False)
    size_class = models.CharField("taille", max_length=2, blank=True)
    instructor = models.ForeignKey(
        User, models.RESTRICT, null=True, related_name="+", db_index=False, verbose_name="suivi par"
    )
    deposited_at = models.DateTimeField("déposé le", null=True)
    deadline_on = models.DateField("échéance", null=True)
    # What the other columns of the list sort by.
    reference = models.CharField("référence", max_length=30, default="")
    # As `SortedAsWritten` gives it.
    title_key = models.TextField("intitulé, pour le tri", default="")
    population = models.PositiveIntegerField("population", null=True)
    departments = ArrayField(
        models.CharField(max_length=3), default=list, verbose_name="départements"
    )

    objects = InboxLineQuerySet.as_manager()

    class Meta:
        verbose_name = "ligne d’une liste de dossiers"
        verbose_name_plural = "lignes des listes de dossiers"
        constraints = [
            models.UniqueConstraint(
                fields=["organisation", "department_code", "case"], name="inbox_line_unique"
            ),
            models.CheckConstraint(condition=Q(tab__in=InboxTab.values), name="inbox_line_tab"),
        ]
        indexes = [
            models.Index(
                fields=["organisation", "department_code", "deposited_at", "case"],
                name="inbox_deposited",
            ),
            models.Index(
                fields=["organisation", "department_code", "tab", "deposited_at", "case"],
                name="inbox_tab_deposited",
            ),
            models.Index(
                fields=["organisation", "department_code", "deadline_on", "case"],
                name="inbox_deadline",
                include=["case_kind"],
            ),
            models.Index(
                fields=["organisation", "department_code", "tab", "deadline_on", "case"],
                name="inbox_tab_deadline",
            ),
            models.Index(
                fields=["organisation", "department_code", "state", "deposited_at", "case"],
                name="inbox_state_deposited",
            ),
            models.Index(
                fields=["organisation", "department_code", "state", "deadline_on", "case"],
                name="inbox_state_deadline",
            ),
            models.Index(
                fields=["organisation", "department_code", "state", "reference"],
                name="inbox_state_reference",
            ),
            models.Index(
                fields=["organisation", "department_code", "tab", "state", "deposited_at", "case"],
                name="inbox_tab_state_deposited",
            ),
            models.Index(
                fields=["organisation", "department_code", "reference"], name="inbox_reference"
            ),
            models.Index(
                fields=["organisation", "department_code", "tab", "reference"],
                name="inbox_tab_reference",
            ),
            models.Index(
                fields=["organisation", "department_code", "title_key", "case"],
                name="inbox_title",
            ),
            models.Index(
                fields=["organisation", "department_code", "population", "case"],
                name="inbox_population",
            ),
            models.Index(
                fields=["organisation", "department_code", "size_class", "population", "case"],
                name="inbox_size_population",
            ),
            models.Index(
                fields=["organisation", "department_code", "departments", "case"],
                name="inbox_departments",
            ),
            # What lists are counted along, whatever narrows them: the table is not read.
            models.Index(
                fields=[
                    "organisation",
                    "department_code",
                    "tab",
                    "state",
                    "size_class",
                    "instructor",
                    "deadline_on",
                ],
                name="inbox_counted",
                include=["case_kind"],
            ),
            # One nature of case among the others.
            models.Index(
                fields=["organisation", "department_code", "case_kind", "deposited_at", "case"],
                name="inbox_kind",
                include=["tab"],
            ),
            models.Index(
                fields=["instructor", "organisation", "department_code", "deposited_at", "case"],
                name="inbox_instructor",
                include=["case_kind", "tab"],
                condition=Q(instructor__isnull=False),
            ),
            models.Index(
                fields=["organisation", "department_code", "deposited_at", "case"],
                name="inbox_to_sign",
                include=["case_kind"],
                condition=Q(to_sign=True),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.organisation_id} {self.department_code} {self.case_id}"


class FollowedCase(models.Model):
    """A case a person wants to keep an eye on, in one of their roles."""

    user = models.ForeignKey(User, models.CASCADE, related_name="+", verbose_name="personne")
    organisation = models.ForeignKey(
        Organisation, models.CASCADE, related_name="+", verbose_name="pour"
    )
    case = models.ForeignKey(Case, models.CASCADE, related_name="followers", verbose_name="dossier")
    since = models.DateTimeField("depuis le", default=timezone.now)

    class Meta:
        verbose_name = "dossier suivi"
        verbose_name_plural = "dossiers suivis"
        constraints = [
            models.UniqueConstraint(
                fields=["user", "organisation", "case"], name="followed_case_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user_id} {self.case_id}"


class OfficeLabel(models.Model):
    """A word an office sorts its cases with. Its people see it; nobody else does."""

    class Colour(models.TextChoices):
        BLUE = "blue", "Bleu"
        GREEN = "green", "Vert"
        OCHRE = "ochre", "Ocre"
        PURPLE = "purple", "Violet"
        PINK = "pink", "Rose"
        GREY = "grey", "Gris"

    organisation = models.ForeignKey(
        Organisation, models.CASCADE, related_name="labels", verbose_name="bureau"
    )
    name = models.CharField("nom", max_length=40)
    colour = models.CharField("couleur", max_length=10, choices=Colour, default=Colour.BLUE)
    created_by = models.ForeignKey(
        User, models.RESTRICT, related_name="+", verbose_name="créée par"
    )
    created_at = models.DateTimeField("créée le", default=timezone.now)

    class Meta:
        verbose_name = "étiquette"
        ordering = ["name", "pk"]
        constraints = [
            models.UniqueConstraint(
                Lower("name"),
                "organisation",
                name="office_label_unique",
                violation_error_message="Votre bureau a déjà une étiquette de ce nom.",
            ),
            models.CheckConstraint(
                condition=Q(name__regex=r"\S"),
                name="office_label_has_a_name",
                violation_error_message="Une étiquette a un nom.",
            ),
        ]

    def __str__(self) -> str:
        # The administration names what hangs from a person: an office's words stay in the office.
        return f"étiquette n° {self.pk}"


class CaseLabel(models.Model):
    """A label put on a case by the office it belongs to."""

    label = models.ForeignKey(
        OfficeLabel, models.CASCADE, related_name="uses", verbose_name="étiquette"
    )
    case = models.ForeignKey(Case, models.CASCADE, related_name="labels", verbose_name="dossier")
    put_by = models.ForeignKey(User, models.RESTRICT, related_name="+", verbose_name="posée par")
    at = models.DateTimeField("le", default=timezone.now)

    class Meta:
        verbose_name = "étiquette d’un dossier"
        verbose_name_plural = "étiquettes d’un dossier"
        constraints = [
            models.UniqueConstraint(fields=["label", "case"], name="case_label_once"),
        ]

    def __str__(self) -> str:
        return f"{self.label_id} {self.case_id}"


class PrivateNote(models.Model):
    """What a person writes for themselves about a case, in one role. Nobody else reads it."""

    user = models.ForeignKey(User, models.CASCADE, related_name="+", verbose_name="personne")
    organisation = models.ForeignKey(
        Organisation, models.CASCADE, related_name="+", verbose_name="pour"
    )
    case = models.ForeignKey(
        Case, models.CASCADE, related_name="private_notes", verbose_name="dossier"
    )
    text = models.TextField("texte")
    updated_at = models.DateTimeField("modifiée le", default=timezone.now)

    class Meta:
        verbose_name = "note personnelle"
        verbose_name_plural = "notes personnelles"
        constraints = [
            models.UniqueConstraint(
                fields=["user", "organisation", "case"], name="private_note_one_per_case"
            ),
            models.CheckConstraint(
                condition=Q(text__regex=r"\S"), name="private_note_is_not_empty"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user_id} {self.case_id}"


class SavedView(models.Model):
    """The list as a person last looked at it, in one role: tab, filters, order and columns."""

    user = models.ForeignKey(User, models.CASCADE, related_name="+", verbose_name="personne")
    organisation = models.ForeignKey(
        Organisation, models.CASCADE, related_name="+", verbose_name="pour"
    )
    # As the address says it.
    query = models.CharField("vue", max_length=1_000, blank=True)
    columns = ArrayField(
        models.CharField(max_length=20), default=list, blank=True, verbose_name="colonnes"
    )

    class Meta:
        verbose_name = "dernière vue"
        verbose_name_plural = "dernières vues"
        constraints = [
            models.UniqueConstraint(fields=["user", "organisation"], name="saved_view_one"),
        ]

    def __str__(self) -> str:
        # Never the words searched for, which the administration would show.
        return f"{self.user_id} {self.organisation_id}"


class SearchDocument(models.Model):
    """What a deposited case is found by, as its last deposit says it; see `workflow.search`."""

    case = models.OneToOneField(
        Case, models.CASCADE, primary_key=True, related_name="search", verbose_name="dossier"
    )
    # Copied by the database from the lines of the case: a search looks in no other table, and
    # finds the newest first. A list is « organisation:département », the second part empty for
    # the whole desk.
    deposited_at = models.DateTimeField("déposé le", null=True)
    case_kind = models.CharField("nature", max_length=30, blank=True, default="")
    lists = ArrayField(models.CharField(max_length=30), default=list, verbose_name="listes")
    # Weights: A the title and the reference, B the communes, C the people of the team.
    names = SearchVectorField("noms")
    texts = SearchVectorField("réponses")
    # The answers as text: what an excerpt is cut from.
    body = models.TextField("texte", blank=True)

    class Meta:
        verbose_name = "document de recherche"
        verbose_name_plural = "documents de recherche"
        indexes = [
            GinIndex(fields=["names"], name="search_names", fastupdate=False),
            GinIndex(fields=["texts"], name="search_texts", fastupdate=False),
        ]

    def __str__(self) -> str:
        return str(self.case_id)
