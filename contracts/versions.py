"""What a contract says on a day: the contract itself, then each amendment, consolidated."""

from datetime import date

from contracts.models import Contract, ContractVersion
from contracts.terms import ContractTerms


def version_on(contract: Contract, day: date) -> ContractVersion | None:
    """The version in force on a day; None before the first one takes effect.

    Of two that take effect by then, the one signed last: it was written on top of the other.
    """
    return contract.versions.filter(effective_on__lte=day).order_by("-number").first()


def terms_on(contract: Contract, day: date) -> ContractTerms | None:
    """The consolidated contract in force on a day; None before it takes effect."""
    version = version_on(contract, day)
    return version.says if version else None


def last_version(contract: Contract) -> ContractVersion | None:
    """The last one signed, even if it takes effect later: what an amendment is written from."""
    return contract.versions.order_by("-number").first()
