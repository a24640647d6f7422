"""The sections of the money: the account of the CPTS, the yearly aid of a CPOM."""

import re
from dataclasses import replace
from decimal import Decimal
from typing import Any, Final

from django import forms
from django.core.exceptions import ValidationError

from contracts.drafts.forms.base import SectionForm
from contracts.funding.fields import AmountField
from contracts.terms import (
    Bank,
    ContractTerms,
)
from cpts_portal.words import euros
from procedures.rates import RatesError, cpom_rates

# ISO 13616: two letters, two digits, then up to thirty signs.
_IBAN: Final = re.compile(r"^[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}$")


class BankForm(SectionForm):
    """Where the money goes. The number is checked, then only what recognises it is kept."""

    section = "bank"

    holder = forms.CharField(
        label="Titulaire du compte",
        max_length=200,
        error_messages={"required": "Écrivez au nom de qui est le compte."},
    )
    iban = forms.CharField(
        label="IBAN",
        max_length=42,
        required=False,
        help_text="Le portail ne garde que ses premiers et ses derniers signes ; le relevé complet "
        "est remis à la CPAM. Vide : le compte déjà écrit reste.",
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )

    def first(self) -> dict[str, Any]:
        return {"holder": self.terms.bank.holder}

    def clean_iban(self) -> str:
        number = re.sub(r"\s", "", self.cleaned_data["iban"]).upper()
        if not number:
            return ""
        if not _IBAN.fullmatch(number) or not _iban_checks(number):
            raise ValidationError(
                "Ce numéro n’est pas un IBAN : un signe manque ou est mal recopié. Reprenez-le "
                "depuis le relevé d’identité bancaire."
            )
        return number

    def asked(self) -> ContractTerms:
        number = self.cleaned_data["iban"]
        masked = f"{number[:4]} •••• {number[-4:]}" if number else self.terms.bank.masked_iban
        bank = Bank(holder=self.cleaned_data["holder"], masked_iban=masked)
        return replace(self.terms, bank=bank)


def _iban_checks(number: str) -> bool:
    """Whether its two digits are the key of the rest (ISO 13616: modulo 97)."""
    moved = number[4:] + number[:4]
    return int("".join(str(int(sign, 36)) for sign in moved)) % 97 == 1


class YearlyForm(SectionForm):
    """What a CPOM pays a year."""

    section = "rates"

    yearly_amount = AmountField(
        label="Aide annuelle, en euros",
        error_messages={"required": "Écrivez l’aide que l’ARS verse chaque année."},
    )

    def first(self) -> dict[str, Any]:
        return {"yearly_amount": self.terms.yearly_amount}

    def clean_yearly_amount(self) -> Decimal:
        amount: Decimal = self.cleaned_data["yearly_amount"]
        try:
            cpom_rates(amount)
        except RatesError as refused:
            raise ValidationError(
                f"Un CPOM va jusqu’à {euros(cpom_rates().rates[0].amount)} par an : écrivez un "
                "montant qui ne le dépasse pas."
            ) from refused
        return amount

    def asked(self) -> ContractTerms:
        return replace(self.terms, yearly_amount=self.cleaned_data["yearly_amount"])
