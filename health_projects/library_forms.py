from typing import Any

from django import forms

from cpts_portal.forms import PortalForm, dress
from health_projects.models.sheets import LONGEST_TEXT, TEXTS

_LABELS = {
    "issue": "Problématique",
    "general_objective": "Objectif général",
    "specific_objectives": "Objectifs spécifiques",
    "actions": "Actions",
    "calendar": "Calendrier",
    "evaluation": "Critères d’évaluation",
    "means": "Moyens",
}


class ModelForm(PortalForm):
    """What a model says. Its missions, themes and kinds of actors are those of the sheet."""

    title = forms.CharField(
        label="Libellé",
        max_length=200,
        error_messages={"required": "Écrivez le libellé : le modèle est retrouvé par lui."},
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in TEXTS:
            self.fields[name] = forms.CharField(
                label=_LABELS[name],
                required=False,
                max_length=LONGEST_TEXT,
                widget=forms.Textarea(attrs={"rows": 4}),
            )
            dress(self.fields[name])
