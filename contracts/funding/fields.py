"""Amounts of money as people type them."""

import re
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from django import forms
from django.core.exceptions import ValidationError

from cpts_portal.words import NBSP

# Above what a contract ever pays at once: 1e12 is a slip of the hand.
MOST: Final = Decimal(10_000_000)
_CENT: Final = Decimal("0.01")


def read_amount(text: str) -> Decimal:
    """« 1 250,50 € » as 1250.50. Raises ValueError, in French, for what is no possible amount.

    Above 0, at most 10 000 000 €, to the cent.
    """
    bare = re.sub(r"[\s€]", "", text.replace("\u202f", "").replace("−", "-"))
    # « 1.250,50 » and « 1,250.50 » would both be guesses: only one sign parts the cents.
    bare = bare.replace(",", ".")
    try:
        amount = Decimal(bare) if re.fullmatch(r"[-+]?\d{1,20}(\.\d+)?", bare) else None
    except InvalidOperation:
        amount = None
    if amount is None:
        raise ValueError(
            f"«{NBSP}{text.strip()[:30]}{NBSP}» n’est pas un montant{NBSP}: écrivez par exemple "
            "1250,50."
        )
    if amount <= 0:
        raise ValueError(
            "Le montant doit être supérieur à zéro. Pour reprendre un paiement saisi par erreur, "
            "annulez-le."
        )
    if amount > MOST:
        raise ValueError(
            f"Le montant dépasse 10{NBSP}000{NBSP}000{NBSP}€, plus qu’un contrat ne paie jamais en "
            "une fois : vérifiez les chiffres."
        )
    if amount != amount.quantize(_CENT):
        raise ValueError("Le montant a plus de deux décimales : arrondissez-le au centime.")
    return amount.quantize(_CENT)


class AmountField(forms.CharField):
    """An amount in euros, typed as French writes it. Its value is a Decimal."""

    def __init__(self, **kwargs: Any) -> None:
        attrs = {"inputmode": "decimal", "maxlength": "30"}
        kwargs.setdefault("widget", forms.TextInput(attrs=attrs))
        super().__init__(**kwargs)

    def to_python(self, value: Any) -> Any:
        text = super().to_python(value)
        if not text:
            return None
        try:
            return read_amount(text)
        except ValueError as wrong:
            raise ValidationError(str(wrong)) from wrong

    def prepare_value(self, value: Any) -> Any:
        return f"{value:f}".replace(".", ",") if isinstance(value, Decimal) else value
