"""What is typed in a dialogue: texts and values, cleaned and checked."""

from decimal import Decimal
from typing import Final

from contracts.models.dialogues import MOST_VALUE
from workflow.services import ActionRefusedError

LONGEST_TEXT: Final = 4_000


def check_value(value: Decimal) -> None:
    """Raises ActionRefusedError for a value that no indicator reaches."""
    if not -MOST_VALUE <= value <= MOST_VALUE:
        raise ActionRefusedError("Cette valeur dépasse le milliard : vérifiez les chiffres.")


def clean_text(text: str) -> str:
    """The text without what cannot be stored. Raises ActionRefusedError when it is too long."""
    bare = text.replace("\0", "").strip()
    if len(bare) > LONGEST_TEXT:
        raise ActionRefusedError(f"Le texte dépasse {LONGEST_TEXT} signes : raccourcissez-le.")
    return bare
