"""The forms of the diagnosis: what a team asks, and what an office answers."""

from collections.abc import Sequence
from datetime import date
from typing import Any

from django import forms
from django.utils import timezone

from accounts.models import Organisation
from cpts_portal.forms import DayField, PortalForm
from diagnosis.asking import (
    ACCEPT_LABEL,
    EXTENSIONS,
    LONGEST_MESSAGE,
    MOST_FILES,
    USUAL_DELAY,
    DiagnosisError,
    check_date,
)
from diagnosis.models import Addition, Indicator, Topic, WeightKind
from workflow.opinion_forms import LongText


def coming_day(label: str, *, required: bool, help_text: str) -> DayField:
    return DayField(
        label,
        required=required,
        help_text=help_text,
        missing="Choisissez un jour : l’organisme saura quand répondre.",
    )


def _checked(day: date | None) -> date | None:
    if day is not None:
        try:
            check_date(day)
        except DiagnosisError as error:
            raise forms.ValidationError(error.message) from error
    return day


class AskForm(PortalForm):
    """Whom, what, and for when; the communes come from the territory."""

    recipient = forms.ModelChoiceField(
        Organisation.objects.none(),
        label="À qui",
        empty_label=None,
        widget=forms.RadioSelect,
        error_messages={
            "required": "Choisissez à qui la demande est envoyée.",
            "invalid_choice": "Cet organisme ne reçoit pas les demandes de ce territoire.",
        },
    )
    topics = forms.MultipleChoiceField(
        label="Ce que vous voulez savoir",
        choices=Topic.choices,
        widget=forms.CheckboxSelectMultiple,
        error_messages={
            "required": "Cochez au moins un thème : l’organisme saura quoi chercher.",
            "invalid_choice": "Choisissez un thème de la liste.",
        },
    )
    wanted_on = coming_day(
        "Réponse utile avant le",
        required=True,
        help_text="Un diagnostic demande souvent quelques semaines de travail.",
    )
    message = LongText(
        longest=LONGEST_MESSAGE,
        rows=4,
        required=False,
        label="Précisions",
        help_text="Une difficulté à éclairer, une étude déjà connue. Aucune donnée de patient.",
    )

    def __init__(self, *args: Any, recipients: Sequence[Organisation], **kwargs: Any) -> None:
        kwargs.setdefault(
            "initial",
            {
                "recipient": recipients[0].pk if recipients else None,
                "topics": Topic.values,
                "wanted_on": timezone.localdate() + USUAL_DELAY,
            },
        )
        super().__init__(*args, **kwargs)
        known = Organisation.objects.filter(pk__in=[one.pk for one in recipients])
        field = self.fields["recipient"]
        assert isinstance(field, forms.ModelChoiceField)  # noqa: S101 - said above
        field.queryset = known
        field.choices = [(one.pk, str(one)) for one in recipients]

    def clean_wanted_on(self) -> date | None:
        return _checked(self.cleaned_data["wanted_on"])


class TakeForm(PortalForm):
    """When the office will answer."""

    promised_on = coming_day(
        "Réponse annoncée pour le",
        required=False,
        help_text="L’équipe en est prévenue.",
    )

    def clean_promised_on(self) -> date | None:
        return _checked(self.cleaned_data["promised_on"])


class ManyFiles(forms.FileInput):
    allow_multiple_selected = True


class AnswerForm(PortalForm):
    """What the office sends. The files are read from the request: there may be several."""

    text = LongText(
        longest=LONGEST_MESSAGE,
        rows=6,
        required=False,
        label="Votre réponse",
        help_text="Ce que disent les documents, leurs sources, qui joindre. Aucune donnée de "
        "patient.",
    )
    documents = forms.FileField(
        label="Documents",
        required=False,
        help_text=f"{ACCEPT_LABEL}, 10 Mo au plus chacun, {MOST_FILES} au plus.",
        widget=ManyFiles(attrs={"multiple": True, "accept": ",".join(EXTENSIONS)}),
    )


class DeclineForm(PortalForm):
    """Why no diagnosis will come."""

    reason = LongText(
        longest=LONGEST_MESSAGE,
        rows=3,
        label="Pourquoi, et à qui s’adresser",
        error_messages={"required": "Dites pourquoi : l’équipe lit cette phrase."},
    )


class IndicatorForm(PortalForm):
    """A table by commune, and what is to be said of it."""

    file = forms.FileField(
        label="Le tableau",
        help_text="CSV ou Excel (.xlsx), 5 Mo au plus : une colonne de codes INSEE, une de "
        "valeurs.",
        widget=forms.FileInput(attrs={"accept": ".csv,.txt,.xlsx"}),
        error_messages={
            "required": "Choisissez un fichier.",
            "empty": "Ce fichier est vide : choisissez-en un autre.",
        },
    )
    column = forms.CharField(
        label="Titre de la colonne des valeurs",
        required=False,
        max_length=150,
        help_text="À écrire seulement si le fichier a plusieurs colonnes de valeurs.",
    )
    name = forms.CharField(
        label="Nom de l’indicateur",
        max_length=150,
        help_text="Par exemple : Médecins généralistes libéraux.",
    )
    source = forms.CharField(
        label="Source", max_length=200, help_text="Qui publie ces chiffres, et sous quel nom."
    )
    year = forms.IntegerField(label="Année des données", min_value=1990, max_value=2100)
    unit = forms.CharField(
        label="Unité", max_length=60, help_text="Par exemple : médecins, %, euros, minutes."
    )
    cog_year = forms.IntegerField(
        label="Année des codes de communes (COG)",
        min_value=2000,
        max_value=2100,
        help_text="Elle permet de suivre les communes qui ont fusionné depuis.",
    )
    addition = forms.ChoiceField(
        label="Pour plusieurs communes",
        choices=Addition.choices,
        widget=forms.RadioSelect,
        error_messages={"required": "Choisissez comment les valeurs se réunissent."},
    )
    weight_kind = forms.ChoiceField(
        label="Population qui pondère la moyenne",
        required=False,
        choices=[("", "Sans objet"), *WeightKind.choices],
        widget=forms.Select,
        help_text="Nécessaire pour une moyenne : une ville y compte plus qu’un village.",
    )
    weights = forms.ModelChoiceField(
        Indicator.objects.filter(addition=Addition.SUM),
        label="Indicateur des poids",
        required=False,
        empty_label="Aucun",
        help_text="Un effectif par commune, comme les personnes de 75 ans ou plus.",
    )
    rate_per = forms.TypedChoiceField(
        label="Comparer une somme",
        required=False,
        choices=[
            ("", "Telle quelle"),
            ("1000", "Pour 1 000 habitants"),
            ("10000", "Pour 10 000 habitants"),
            ("100000", "Pour 100 000 habitants"),
        ],
        coerce=int,
        empty_value=None,
        help_text="Un territoire et une région ne se comparent que rapportés à leurs habitants.",
    )
