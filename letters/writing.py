"""What the letter tells the room where every form is written."""

from typing import Final

from letters.models import LetterOfIntent
from letters.services import KIND
from writing.kinds import Words, WrittenKind

# Its official document.
LETTER: Final = "letter"

WRITTEN: Final = WrittenKind(
    kind=KIND,
    model=LetterOfIntent,
    namespace="letters",
    words=Words(noun="lettre", label="lettre d’intention", is_feminine=True, accepted="acceptée"),
    commitment="commits_to_missions",
    commitment_wanted="Cochez l’engagement à travailler sur les missions : sans lui, la lettre ne "
    "peut pas être déposée (instruction DGOS/DIR/CNAM/2019/218).",
    document=LETTER,
    renames=True,
    simulates=True,
)
