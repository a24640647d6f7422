"""What is typed to deposit a project, or to give it up."""

from typing import Any

from django import forms

from cpts_portal.forms import DayField, PortalForm
from procedures.schema import Procedure


class DepositForm(PortalForm):
    """The commitment in the name of the members, and what stands for a signature."""

    commits = forms.BooleanField(
        error_messages={
            "required": "Cochez l’engagement : il dit que ce projet est celui que les membres ont "
            "lu et signé."
        }
    )
    signatory_name = forms.CharField(
        label="Nom et prénom du référent",
        max_length=150,
        error_messages={"required": "Écrivez le nom du référent : il tient lieu de signature."},
    )
    place = forms.CharField(
        label="Fait à",
        max_length=100,
        error_messages={"required": "Écrivez le lieu : il tient lieu de signature."},
    )

    def __init__(self, *args: Any, commitment: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["commits"].label = commitment


class SectionsForm(PortalForm):
    """The parts of the project that an amendment modifies."""

    sections = forms.MultipleChoiceField(
        label="Les parties du projet que l’avenant modifie",
        help_text="Vous pourrez en changer tant que l’avenant n’est pas déposé.",
        widget=forms.CheckboxSelectMultiple,
        error_messages={
            "required": "Cochez au moins une partie : le lecteur verra ce qui y change.",
            "invalid_choice": "Cette partie n’existe pas dans le projet.",
        },
    )

    def __init__(self, *args: Any, procedure: Procedure, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field: Any = self.fields["sections"]
        field.choices = [(section.key, section.title) for section in procedure.sections]


class SilenceWithdrawalForm(PortalForm):
    """Why a validation by silence is illegal, and how the CPTS was heard."""

    reason = forms.CharField(
        label="En quoi la validation est illégale",
        help_text="En droit et en fait. L’équipe lira ce texte ; l’acte de retrait le porte.",
        widget=forms.Textarea(attrs={"rows": 5}),
        error_messages={
            "required": "Dites en quoi la validation est illégale : sans cela elle ne peut pas "
            "être retirée."
        },
    )
    heard_on = DayField(
        "Observations demandées à la CPTS le",
        help_text="Au plus tard hier : elle doit avoir pu répondre.",
        missing="Écrivez le jour où la CPTS a été invitée à présenter ses observations.",
    )
    observations = forms.CharField(
        label="Ce que la CPTS a répondu",
        required=False,
        help_text="En résumé. Laissez vide si elle n’a rien répondu.",
        widget=forms.Textarea(attrs={"rows": 4}),
    )
