"""What a contract opens with, and a reason given to the other parties."""

from typing import Any

from django import forms

from accounts.models import Organisation
from contracts.drafts.forms.base import date_field
from contracts.drafts.opening import Opening
from contracts.models import Contract
from cpts_portal.forms import PortalForm


class OpenForm(PortalForm):
    """What a contract opens with."""

    form = forms.ChoiceField(
        label="Nature du contrat",
        widget=forms.RadioSelect,
        choices=[
            (Contract.Form.ACI, "Contrat tripartite (ACI) : la CPTS, l’ARS et la CPAM"),
            (Contract.Form.CPOM, "CPOM, ancien modèle : la CPTS et l’ARS"),
        ],
        initial=Contract.Form.ACI,
    )
    cpam = forms.ModelChoiceField(
        label="CPAM qui signe et qui paie",
        queryset=Organisation.objects.none(),
        empty_label="Choisissez",
        required=False,
        help_text="Parmi celles du territoire. Un CPOM n’en a pas.",
    )
    recognised_on = date_field("Jour où la CPTS a été reconnue", required=False)
    act = forms.CharField(
        label="Acte qui l’a reconnue",
        max_length=100,
        required=False,
        help_text="Par exemple : courrier de reconnaissance du 2 mars 2020.",
    )

    def __init__(self, *args: Any, opening: Opening, asks_recognition: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.asks_recognition = asks_recognition
        cpam: Any = self.fields["cpam"]
        cpam.queryset = Organisation.objects.filter(pk__in=[one.pk for one in opening.cpams])
        for one in self.fields.values():
            vars(one)["is_wanted"] = True
        if len(opening.cpams) == 1:
            cpam.initial = opening.cpams[0]
        if not asks_recognition:
            del self.fields["recognised_on"], self.fields["act"]

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        if given.get("form") == Contract.Form.ACI and not given.get("cpam"):
            self.add_error("cpam", "Choisissez la CPAM qui signe et qui paie.")
        if self.asks_recognition:
            for name, message in (
                ("recognised_on", "Écrivez le jour de la reconnaissance."),
                ("act", "Écrivez quel acte a reconnu la CPTS."),
            ):
                if not given.get(name) and name not in self.errors:
                    self.add_error(name, message)
        return given


class ReasonForm(PortalForm):
    drawn_from = ()

    reason = forms.CharField(
        label="Pourquoi",
        max_length=2_000,
        help_text="Les autres parties le liront.",
        widget=forms.Textarea(attrs={"rows": 4}),
        error_messages={"required": "Écrivez pourquoi : les autres parties le liront."},
    )
