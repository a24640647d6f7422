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
}


def page_of(name: str, community: UUID, letter: UUID | None) -> tuple[str, str] | None:
    """The words and the address of a page; None when there is none, or no letter yet."""
    if name not in PAGES:
        return None
    view, words = PAGES[name]
    if name == "letter":
        return (words, address(view, letter)) if letter else None
    return words, address(view, community)
