from datetime import timedelta
from typing import Any

from django import forms
from django.utils import timezone

from cpts_portal.forms import DayField, PortalForm
from members.models import Member
from signatures.campaigns import LONGEST_MESSAGE
from signatures.models import Campaign, Invitation
from signatures.signing import LONGEST_REASON
from workflow.models import Case


class PrepareForm(PortalForm):
    """Which case is signed, and until when."""

    case = forms.ModelChoiceField(
        Case.objects.none(),
        label="Ce que les membres signent",
        empty_label=None,
        error_messages={"required": "Choisissez le dossier à signer."},
    )
    closes_on = DayField(
        "Dernier jour pour signer",
        help_text="Inclus. Vous pourrez le reculer tant que la campagne est ouverte.",
    )
    message = forms.CharField(
        label="Mot de l’équipe",
        required=False,
        max_length=LONGEST_MESSAGE,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text="Il est lu dans le courriel d’invitation et sur la page de signature.",
    )

    def __init__(self, *args: Any, cases: list[Case], **kwargs: Any) -> None:
        kwargs.setdefault("initial", {"closes_on": timezone.localdate() + timedelta(days=30)})
        super().__init__(*args, **kwargs)
        field: Any = self.fields["case"]
        field.queryset = Case.objects.filter(pk__in=[case.pk for case in cases])


class ClosingForm(PortalForm):
    closes_on = DayField("Dernier jour pour signer")


class ReasonForm(PortalForm):
    reason = forms.CharField(
        label="Motif", max_length=500, widget=forms.Textarea(attrs={"rows": 3})
    )


class AddressForm(PortalForm):
    email = forms.EmailField(
        label="Nouvelle adresse électronique",
        help_text="Un nouveau lien y est envoyé. L’ancien lien ne fonctionne plus.",
        widget=forms.EmailInput(attrs={"autocomplete": "off"}),
    )


class PostponeForm(PortalForm):
    until = DayField("Ne pas relancer avant le")


class StopForm(PortalForm):
    reason = forms.CharField(label="Motif", max_length=300)


class ReplaceForm(PortalForm):
    member = forms.ModelChoiceField(
        Member.objects.none(),
        label="Membre à inviter à la place",
        empty_label="Choisissez un membre",
        error_messages={"required": "Choisissez un membre dans la liste."},
    )

    def __init__(self, *args: Any, campaign: Campaign, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        known = campaign.invitations.values("member_id")
        field: Any = self.fields["member"]
        field.queryset = campaign.community.members.current().exclude(pk__in=known).in_order()


class DelegationForm(PortalForm):
    """The act by which a legal representative lets somebody sign."""

    name = forms.CharField(label="Nom et prénom de la personne qui signera", max_length=200)
    function = forms.CharField(label="Sa fonction", max_length=100)
    email = forms.EmailField(
        label="Son adresse électronique",
        help_text="Le lien pour signer y est envoyé ; celui du représentant légal ne fonctionne "
        "plus.",
        widget=forms.EmailInput(attrs={"autocomplete": "off"}),
    )
    decided_on = DayField("Date de l’acte")
    act = forms.FileField(
        label="Acte de délégation",
        help_text="PDF, JPEG ou PNG, 10 Mo au plus.",
        widget=forms.FileInput(attrs={"accept": ".pdf,.jpg,.jpeg,.png"}),
        error_messages={"required": "Joignez l’acte : sans lui, la délégation ne vaut pas."},
    )


class AssignForm(PortalForm):
    """Whose page it is, when its code cannot be read."""

    invitation = forms.ModelChoiceField(
        Invitation.objects.none(),
        label="Cette page est celle de",
        empty_label="Choisissez un membre",
        error_messages={"required": "Choisissez un membre dans la liste."},
    )

    def __init__(self, *args: Any, campaign: Campaign, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field: Any = self.fields["invitation"]
        field.queryset = (
            campaign.invitations.filter(state__in=("waiting", "postponed"))
            .select_related("member")
            .order_by("member__sort_key", "pk")
        )
        field.label_from_instance = lambda one: f"{one.member.name} ({one.member.what})"


class CodeForm(PortalForm):
    """The code received, and the answer, given by the button pressed."""

    code = forms.CharField(
        label="Code reçu",
        max_length=20,
        help_text="Six chiffres, envoyés à votre adresse.",
        widget=forms.TextInput(
            attrs={"inputmode": "numeric", "autocomplete": "one-time-code", "autofocus": True}
        ),
        error_messages={"required": "Écrivez les six chiffres reçus par courriel."},
    )
    reason = forms.CharField(
        label="Si vous refusez, dites pourquoi",
        required=False,
        max_length=LONGEST_REASON,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="L’équipe de la CPTS le lira, et elle seule.",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # Who refuses says why: it is no option, though who signs leaves it empty.
        vars(self.fields["reason"])["is_wanted"] = True
