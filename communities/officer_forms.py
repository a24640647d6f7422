from typing import Any

from django import forms
from django.utils import timezone

from communities.models import Community, Officer
from cpts_portal.forms import DayField, PortalForm


class OfficerForm(PortalForm):
    """Who holds a role of the CPTS from now on."""

    name = forms.CharField(
        label="Prénom et nom",
        max_length=150,
        error_messages={"required": "Écrivez le prénom et le nom de la personne."},
    )
    email = forms.EmailField(
        label="Courriel",
        required=False,
        help_text="Pour que l’agence et l’assurance maladie puissent écrire à cette personne.",
        error_messages={"invalid": "Ce courriel est incomplet : écrivez nom@exemple.fr."},
    )
    on = DayField("En fonction depuis le", help_text="Au plus tard aujourd’hui.")

    def __init__(self, *args: Any, current: Officer | None = None, **kwargs: Any) -> None:
        kwargs.setdefault("initial", {"on": timezone.localdate()})
        super().__init__(*args, **kwargs)
        if current is None:
            return
        self.fields["on"].help_text = (
            f"{current.name} s’arrêtera la veille. Pour corriger une faute dans son nom ou son "
            "courriel, gardez la date où cette personne a commencé : "
            f"{current.valid_from:%d/%m/%Y}."
        )


class RenamingForm(PortalForm):
    """What the CPTS is called from now on."""

    name = forms.CharField(
        label="Nouvel intitulé",
        max_length=200,
        error_messages={"required": "Écrivez le nouvel intitulé de la CPTS."},
    )
    on = DayField(
        "À partir du", help_text="Le jour où l’association l’a décidé, au plus tard aujourd’hui."
    )

    def __init__(self, *args: Any, community: Community, **kwargs: Any) -> None:
        kwargs.setdefault("initial", {"on": timezone.localdate(), "name": community.name})
        super().__init__(*args, **kwargs)
