"""The shared draft of a contract: what it still lacks before it can be frozen."""

from contracts.models import Contract, Draft
from contracts.terms import PARTIES_OF, PARTY_LABELS


def draft_of(contract: Contract, purpose: str = Draft.Purpose.CONTRACT) -> Draft | None:
    """The draft under way for a contract; None when there is none."""
    return contract.drafts.under_way().filter(purpose=purpose).first()


def missing_to_freeze(contract: Contract) -> list[str]:
    """What keeps the draft of a contract from being frozen to sign, as sentences."""
    draft = draft_of(contract)
    if draft is None:
        return ["Ce contrat n’a pas de projet en cours : ouvrez-en un."]
    agreed = set(
        draft.agreements.filter(cleared_at=None, revision=draft.revision).values_list(
            "party", flat=True
        )
    )
    return [
        f"{PARTY_LABELS[party]} : son accord sur la version {draft.revision} n’est pas marqué."
        for party in PARTIES_OF[contract.form]
        if party not in agreed
    ]
