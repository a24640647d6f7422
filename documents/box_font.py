"""The two boxes a form ticks, as a font of two glyphs: `python -m documents.box_font`.

Each box is the ligature of the words it stands for, so that a reader's program, a search and a
copy find « case cochée : » where the eye sees a ticked box, and a document draws a box at the
price of a letter. Run it again after changing a drawing, and commit the file it writes.
"""

from io import BytesIO
from pathlib import Path
from typing import Final

from fontTools.feaLib.builder import addOpenTypeFeaturesFromString
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen
from fontTools.ttLib import TTFont
from fontTools.ttLib.tables._g_l_y_f import Glyph

TARGET: Final = Path(__file__).resolve().parent / "typst" / "boxes.ttf"
FAMILY: Final = "Cases"
WORDS: Final = {"ticked": "case cochée :", "empty": "case non cochée :"}
UNITS_PER_EM: Final = 1000
# A square that stands a little below the line, as wide as a capital is high, and what follows it.
LEFT, BOTTOM, SIDE, STROKE, ADVANCE = 0, -60, 800, 74, 930
TICK: Final = ((172, 330), (240, 398), (352, 286), (572, 506), (640, 438), (352, 150))
# The same file whenever it is made: a date would change its bytes.
MADE_AT: Final = 3_870_000_000

Points = tuple[tuple[int, int], ...]


def box_font() -> bytes:
    """The font, as TrueType."""
    letters = sorted({letter for words in WORDS.values() for letter in words})
    names = {letter: f"letter{ord(letter)}" for letter in letters}
    builder = FontBuilder(UNITS_PER_EM, isTTF=True)
    builder.setupGlyphOrder([".notdef", *names.values(), *WORDS])
    codes = {ord(letter): name for letter, name in names.items()}
    builder.setupCharacterMap(codes | {0xA0: names[" "]})
    frame = (_square(0), _square(STROKE)[::-1])
    blank = _drawn()
    builder.setupGlyf(
        dict.fromkeys([".notdef", *names.values()], blank)
        | {"empty": _drawn(*frame), "ticked": _drawn(_square(0), TICK[::-1])}
    )
    builder.setupHorizontalMetrics(
        dict.fromkeys([".notdef", *names.values()], (ADVANCE // 4, 0))
        | dict.fromkeys(WORDS, (ADVANCE, LEFT))
    )
    builder.setupHorizontalHeader(ascent=1000, descent=-250)
    builder.setupNameTable(
        {"familyName": FAMILY, "styleName": "Regular", "psName": f"{FAMILY}-Regular"}
    )
    builder.setupOS2(sTypoAscender=1000, sTypoDescender=-250, usWinAscent=1000, usWinDescent=250)
    builder.setupPost()
    substitutions = "".join(
        f"sub {' '.join(names[letter] for letter in words)} by {glyph};"
        for glyph, words in WORDS.items()
    )
    font: TTFont = builder.font
    addOpenTypeFeaturesFromString(font, f"feature liga {{ {substitutions} }} liga;")
    font["head"].created = font["head"].modified = MADE_AT
    font.recalcTimestamp = False
    written = BytesIO()
    font.save(written)
    return written.getvalue()


def _square(inset: int) -> Points:
    low, high = inset, SIDE - inset
    return tuple(
        (LEFT + x, BOTTOM + y) for x, y in ((low, low), (low, high), (high, high), (high, low))
    )


def _drawn(*contours: Points) -> Glyph:
    pen = TTGlyphPen(None)
    for contour in contours:
        pen.moveTo(contour[0])
        for point in contour[1:]:
            pen.lineTo(point)
        pen.closePath()
    return pen.glyph()


if __name__ == "__main__":
    TARGET.write_bytes(box_font())
