"""What people type about the end of a contract."""

from typing import Any

from django import forms

from communities.models import Community
from contracts.endings import ending
from contracts.models import RenewalAnswer, Reorganisation, Termination
from contracts.terms import CPTS
from cpts_portal.forms import DayField, PortalForm


def _text(label: str, longest: int, help_text: str = "", rows: int = 6) -> forms.CharField:
    return forms.CharField(
        label=label,
        max_length=longest,
        help_text=help_text,
        widget=forms.Textarea(attrs={"rows": rows}),
    )


class RenewalForm(PortalForm):
    wish = forms.ChoiceField(
        label="Ce que souhaite votre partie",
        choices=RenewalAnswer.Wish.choices,
        widget=forms.RadioSelect,
        error_messages={"required": "Choisissez une des deux réponses."},
    )
    comment = _text(
        "Précision",
        ending.LONGEST_COMMENT,
        "Lue par les deux autres parties. Elle est demandée pour laisser finir le contrat.",
        3,
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["comment"].required = False


class TerminationForm(PortalForm):
    """`earliest` is said beside the date: the notice is already counted."""

    ground = forms.ChoiceField(label="Motif", widget=forms.RadioSelect)
    reason = _text(
        "Exposé du motif",
        ending.LONGEST_TEXT,
        "Les faits et les articles du contrat. N’écrivez rien sur un patient.",
    )
    ends_on = DayField("Dernier jour du contrat")

    def __init__(self, *args: Any, party: str, earliest: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        ground: Any = self.fields["ground"]
        ground.choices = [
            one
            for one in Termination.Ground.choices
            if party == CPTS or one[0] != Termination.Ground.VOLUNTARY
        ]
        self.fields["ends_on"].help_text = f"Avec le préavis, le {earliest} au plus tôt."


class ObservationForm(PortalForm):
    text = _text("Vos observations", ending.LONGEST_TEXT)


class DecisionForm(PortalForm):
    ends_on = DayField(
        "Dernier jour du contrat", help_text="Le jour notifié, ou un jour qui le suit."
    )
    decision = _text("Décision", ending.LONGEST_TEXT, "Ce qui la motive, et ce que vous répondez.")


class WithdrawForm(PortalForm):
    reason = _text("Pourquoi la résiliation est abandonnée", ending.LONGEST_TEXT, rows=3)


class ReorganisationForm(PortalForm):
    """The CPTS of the page is always one of those before."""

    kind = forms.ChoiceField(
        label="Nature", choices=Reorganisation.Kind.choices, widget=forms.RadioSelect
    )
    others = forms.ModelMultipleChoiceField(
        label="Avec quelles autres CPTS",
        queryset=Community.objects.none(),
        required=False,
        help_text="Pour une fusion : celles qui se réunissent avec elle.",
        widget=forms.CheckboxSelectMultiple,
    )
    after = forms.ModelMultipleChoiceField(
        label="Qui prend la suite",
        queryset=Community.objects.none(),
        required=False,
        help_text="Une CPTS qui continue garde son contrat. Personne pour une dissolution.",
        widget=forms.CheckboxSelectMultiple,
    )
    effective_on = DayField(
        "Prend effet le", help_text="Les contrats des CPTS qui s’arrêtent finissent la veille."
    )
    act = _text("Acte qui le décide", 300, "Sa nature, sa date, qui l’a pris.", 2)

    def __init__(self, *args: Any, community: Community, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        others: Any = self.fields["others"]
        after: Any = self.fields["after"]
        near = Community.objects.filter(region=community.region_id).order_by("name", "pk")
        others.queryset = near.exclude(pk=community.pk)
        after.queryset = near
