"""What people type about payments."""

from typing import Any

from django import forms

from communities.models import Community
from contracts.funding.fields import AmountField
from contracts.funding.ratebook import mission_labels
from contracts.funding.schedule import years_of
from contracts.models import Contract, Indemnity
from cpts_portal.forms import DayField, PortalForm
from members.models import Member

_ANY = ("auto", "Ce qui est dû depuis le plus longtemps")


class PaymentForm(PortalForm):
    """A payment of one contract."""

    paid_on = DayField(
        "Date du paiement",
        missing="Écrivez la date du paiement.",
    )
    amount = AmountField(
        label="Montant en euros",
        help_text="Par exemple 1250,50.",
        error_messages={"required": "Écrivez le montant payé, en euros."},
    )
    reference = forms.CharField(
        label="Référence",
        error_messages={"required": "Écrivez la référence de votre paiement."},
        max_length=60,
        help_text="Celle de votre caisse pour ce paiement. Elle ne sert qu’une fois.",
    )
    mission = forms.ChoiceField(label="Affectation")
    year = forms.ChoiceField(label="Année du contrat")

    def __init__(self, *args: Any, contract: Contract, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        missions = [(key or "operating", label) for key, label in mission_labels().items()]
        choices: Any = self.fields["mission"]
        choices.choices = [_ANY, *missions]
        years: Any = self.fields["year"]
        years.choices = [("", "Toutes")]
        if contract.starts_on and contract.ends_on:
            years.choices += [
                (str(one.number), f"Année {one.number}, à partir du {one.starts_on:%d/%m/%Y}")
                for one in years_of(contract.starts_on, contract.ends_on)
            ]
        years.required = False

    def values(self) -> dict[str, Any]:
        """What `payments.record_payment` takes."""
        given = dict(self.cleaned_data)
        mission, year = given["mission"], given["year"]
        given["mission"] = {"auto": None, "operating": ""}.get(mission, mission)
        given["year"] = int(year) if year else None
        return given


class IndemnityForm(PortalForm):
    """What a member received."""

    member = forms.ModelChoiceField(
        label="Professionnel", queryset=Member.objects.none(), empty_label="Choisissez"
    )
    kind = forms.ChoiceField(label="Nature", choices=Indemnity.Kind.choices)
    paid_on = DayField(
        "Date du versement",
        missing="Écrivez la date du versement.",
    )
    amount = AmountField(label="Montant en euros", help_text="Par exemple 250,50.")

    def __init__(self, *args: Any, community: Community, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        member: Any = self.fields["member"]
        member.queryset = Member.objects.filter(
            community=community, kind=Member.Kind.PROFESSIONAL
        ).in_order()


class CancelForm(PortalForm):
    reason = forms.CharField(
        label="Motif",
        max_length=300,
        help_text="Il reste visible de tous ceux qui voient le contrat.",
        widget=forms.Textarea(attrs={"rows": 3}),
    )


class ImportForm(PortalForm):
    drawn_from = ()

    file = forms.FileField(
        label="Fichier à importer",
        help_text="Un classeur Excel (.xlsx) ou un CSV, 5 Mo au plus.",
        widget=forms.FileInput(attrs={"accept": ".xlsx,.csv,.txt"}),
        error_messages={
            "required": "Aucun fichier n’a été choisi : choisissez-en un sur votre ordinateur.",
            "empty": "Ce fichier est vide : choisissez-en un autre.",
        },
    )
