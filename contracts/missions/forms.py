"""What people type about the life of a contract: how its missions go, what a year gave."""

from typing import Any

from django import forms

from contracts.dialogue.proofs import ACCEPT_LABEL, EXTENSIONS
from cpts_portal.forms import DayField, PortalForm
from cpts_portal.words import NBSP

_NO_PATIENT = (
    "Aucune donnée de patient : ni nom, ni date de naissance, ni numéro de sécurité sociale. Des "
    "totaux suffisent."
)


class ProofForm(PortalForm):
    """A file, and the tick that answers for one that looks like a list of patients."""

    proof = forms.FileField(
        label="Fichier",
        help_text=f"{ACCEPT_LABEL}, 10{NBSP}Mo au plus. {_NO_PATIENT}",
        widget=forms.FileInput(attrs={"accept": EXTENSIONS}),
        error_messages={
            "required": "Aucun fichier n’a été choisi : choisissez-en un.",
            "empty": "Ce fichier est vide : choisissez-en un autre.",
        },
    )
    no_patient = forms.BooleanField(
        label="Ce fichier ne nomme aucun patient : j’en réponds.",
        help_text="À cocher seulement si le portail a pris une liste de professionnels pour une "
        "liste de patients. Votre nom et ce qui a été vu sont gardés avec le fichier.",
        required=False,
    )

    def __init__(self, *args: Any, asks_tick: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not asks_tick and "no_patient" not in (self.data or {}):
            del self.fields["no_patient"]


class CrisisForm(PortalForm):
    """A serious health crisis, as the agency recognises it."""

    on = DayField("Reconnue le")
    name = forms.CharField(
        label="Crise", max_length=200, help_text="Par exemple « Épidémie de bronchiolite »."
    )


class StepForm(ProofForm):
    """A mission that started, or is wholly in place."""

    on = DayField("Depuis le")
    evidence = forms.CharField(
        label="Ce qui le montre",
        help_text="Une phrase : ce qui a été fait, ou l’endroit où la preuve se trouve.",
        max_length=1_000,
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
    )
    field_order = ("on", "evidence", "proof", "no_patient")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["proof"].required = False
