"""The forms of a round: the code and the answer, a copy signed on paper and its check."""

from itertools import permutations
from typing import Any, Final

from django import forms

from contracts.models import SigningRound
from contracts.signing import rounds, signers
from contracts.signing.rounds import LONGEST_REASON
from cpts_portal.forms import DayField, PortalForm
from signatures.forms import CodeForm

_REFUSING: Final = "Si vous refusez, dites pourquoi"
_FREE: Final = "libre"
_READ_BY_ALL: Final = "Toutes les parties le liront."


class LinkAnswerForm(CodeForm):
    """The code received by mail, and the answer, given by the button pressed."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["reason"].help_text = _READ_BY_ALL


class AgentAnswerForm(PortalForm):
    """The code of the application, and the answer, given by the button pressed."""

    code = forms.CharField(
        label="Code de votre application",
        max_length=20,
        help_text="Six chiffres, qui changent toutes les trente secondes ; ou l’un de vos codes de "
        "secours.",
        widget=forms.TextInput(attrs={"autocomplete": "one-time-code"}),
        error_messages={"required": "Écrivez les six chiffres affichés par votre application."},
    )
    reason = forms.CharField(
        label=_REFUSING,
        required=False,
        max_length=LONGEST_REASON,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_READ_BY_ALL,
    )

    def __init__(self, *args: Any, refuses: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        vars(self.fields["reason"])["is_wanted"] = True
        if refuses:
            self.fields["code"].required = False


class PaperForm(PortalForm):
    """The document signed by hand."""

    signed_on = DayField(
        "Date de la dernière signature",
        help_text="La dernière des dates écrites à la main sur le document.",
    )
    file = forms.FileField(
        label="Document signé, numérisé",
        help_text="Un seul fichier PDF, toutes les pages dans l’ordre, 10 Mo au plus.",
        widget=forms.FileInput(attrs={"accept": ".pdf"}),
        error_messages={"required": "Joignez le document signé, numérisé en PDF."},
    )


class CheckForm(PortalForm):
    """Accepted, or sent back with a reason, by the button pressed."""

    reason = forms.CharField(
        label="Si vous le renvoyez, dites ce qui ne va pas",
        required=False,
        max_length=1_000,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="L’autre partie le lira, et pourra envoyer un autre exemplaire.",
    )


class OrderForm(PortalForm):
    """Who signs before whom: one choice, since three parties have six orders."""

    order = forms.ChoiceField(
        label="Les parties signent", widget=forms.RadioSelect, choices=(), required=True
    )

    def __init__(self, *args: Any, signing_round: SigningRound, **kwargs: Any) -> None:
        parties = [str(one) for one in signers.parties_of(signing_round.contract)]
        now = list(
            dict.fromkeys(
                signing_round.signers.order_by("position", "pk").values_list("party", flat=True)
            )
        )
        kwargs.setdefault(
            "initial", {"order": "-".join(now) if signing_round.in_order else "libre"}
        )
        super().__init__(*args, **kwargs)
        field: Any = self.fields["order"]
        field.choices = [
            ("libre", _capital(rounds.order_in_words(()))),
            *(
                ("-".join(one), _capital(rounds.order_in_words(one)))
                for one in permutations(parties)
            ),
        ]

    def chosen(self) -> list[str]:
        """The parties in order; empty: no order."""
        order = self.cleaned_data["order"]
        return [] if order == _FREE else order.split("-")


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
