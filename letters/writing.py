"""What the letter tells the room where every form is written."""

from letters.models import LetterOfIntent
from letters.services import KIND
from writing.kinds import Words, WrittenKind

WORDS = Words(
    label="lettre d’intention",
    the="la lettre",
    a="une lettre",
    this="cette lettre",
    of_the="de la lettre",
    to_the="à la lettre",
    is_feminine=True,
)
LETTER = WrittenKind(
    kind=KIND,
    model=LetterOfIntent,
    namespace="letters",
    words=WORDS,
    renames=True,
    simulates=True,
)
