"""The pages of the portal a step may lead to: a name in the files, an address for a CPTS."""

from typing import Final
from uuid import UUID

from cpts_portal.addresses import address

# Name → (view, words of the link). Those of a letter are about the letter, the others the CPTS.
PAGES: Final[dict[str, tuple[str, str]]] = {
    "letter": ("letters:detail", "Ouvrir la lettre d’intention"),
    "team": ("communities:team", "Ouvrir l’équipe"),
    "legal": ("communities:legal", "Ouvrir l’association"),
    "diagnosis": ("diagnosis:overview", "Ouvrir le diagnostic"),
    "mobilisation": ("mobilisation:list", "Ouvrir le questionnaire"),
    "members": ("members:list", "Ouvrir les membres"),
    "project": ("projects:detail", "Ouvrir le projet de santé"),
    "contract": ("contract-desk:contract", "Ouvrir le contrat"),
}


# The pages of one case, which may not be there yet.
OF_A_CASE: Final = frozenset({"letter", "project", "contract"})


def page_of(
    name: str,
    community: UUID,
    *,
    letter: UUID | None,
    project: UUID | None,
    contract: UUID | None,
) -> tuple[str, str] | None:
    """The words and the address of a page; None when there is none, or no such case yet."""
    if name not in PAGES:
        return None
    view, words = PAGES[name]
    case = {"letter": letter, "project": project, "contract": contract}.get(name)
    about = case if name in OF_A_CASE else community
    return (words, address(view, about)) if about else None
