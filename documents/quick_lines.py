"""Writing a line of text in a page, a glyph as it was written the last time.

The library asks each glyph of a line a dozen questions. Here a line is read from Pango's memory
all at once, and what a glyph of one font, size and width writes is kept; a line that needs more
(an accent moved by hand, a picture, an ellipsis, a lacking character, Arabic or Hebrew) goes the
library's way, before anything of it is written. See `documents.quick`.
"""

import struct
from collections.abc import Iterator
from typing import Any, Final

# Pango 1.48.2: before it, the size of a font has to be asked elsewhere.
SIZES_KNOWN: Final = 14802


class LineWriter:
    """Called as the library's `draw_first_line`, kept in `published`."""

    # Number, width, shift across, shift up, and four bytes of no use here.
    glyph = struct.Struct("=Iiii4x")

    def __init__(self) -> None:
        from weasyprint.draw import text  # noqa: PLC0415
        from weasyprint.text import ffi  # noqa: PLC0415

        self.published = text.draw_first_line
        self.pango, self.ffi = ffi.pango, ffi.ffi
        self.per_unit = 1000 * ffi.FROM_UNITS
        self.from_units = ffi.FROM_UNITS
        self.can_read = (
            self.ffi.sizeof("PangoGlyphInfo") == self.glyph.size
            and self.pango.pango_version() >= SIZES_KNOWN
        )

    def __call__(
        self, stream: Any, textbox: Any, overflow: str, ellipsis: str, matrix: Any
    ) -> list[Any]:
        is_plain = (
            self.can_read
            and (overflow != "ellipsis" and ellipsis == "none")
            and textbox.style["font_size"] >= 1
            and textbox.text.strip()
        )
        runs = self._runs(stream, textbox.pango_layout) if is_plain else None
        if not runs:
            return self.published(stream, textbox, overflow, ellipsis, matrix)
        stream.set_text_matrix(*matrix.values)
        shown, last = "", None
        for pango_font, font, size, written in runs:
            if pango_font != last:
                if shown:
                    stream.show_text(shown)
                shown, last = "", pango_font
                stream.set_font_size(font.hash, size)
            shown += written
        stream.show_text(shown)
        return []

    def _runs(self, stream: Any, layout: Any) -> list[tuple[Any, Any, float, str]] | None:
        """Each run of the line: its font, that of the document, its size, what the page gets."""
        self.pango.pango_layout_set_single_paragraph_mode(layout.layout, 1)
        line, _ = layout.get_first_line()
        text = layout.text.encode()
        found = []
        for run in self._linked(line.runs[0]):
            pango_font = run.item.analysis.font
            font, size = stream.add_font(pango_font)
            written = self._written(stream, run, font, size, text)
            if written is None:
                return None
            found.append((pango_font, font, size, written))
        return found

    def _linked(self, run: Any) -> Iterator[Any]:
        while run != self.ffi.NULL:
            yield run.data
            run = run.next

    def _written(self, stream: Any, run: Any, font: Any, size: float, text: bytes) -> str | None:
        """A run as a page gets it; None when the library has more to do than write it."""
        if font.bitmap or font.svg or font.png or font.colr or run.item.analysis.level % 2:
            return None
        known: dict[tuple[float, int, int], str] = vars(font).setdefault("written", {})
        memory = self.ffi.buffer(run.glyphs.glyphs, run.glyphs.num_glyphs * self.glyph.size)
        parts = ["<"]
        for rank, (number, width, across, up) in enumerate(self.glyph.iter_unpack(memory)):
            if across or up or number >= self.pango.PANGO_GLYPH_EMPTY:
                return None
            key = (size, number, width)
            if key not in known:
                if number not in font.to_unicode:
                    font.to_unicode[number] = self._meaning(run, rank, text)
                extent = self._extent(stream, run, font, number, size)
                gap = extent + 0.0 - width * self.per_unit / size
                known[key] = f"{number:04x}" + (f">{int(gap)}<" if gap else "")
            parts.append(known[key])
        written = "".join(parts)
        return written[:-1] if written.endswith("<") else written + ">"

    def _meaning(self, run: Any, rank: int, text: bytes) -> str:
        """The characters a glyph stands for."""
        starts = [*run.glyphs.log_clusters[0 : run.glyphs.num_glyphs], run.item.length]
        offset = run.item.offset
        return text[offset + starts[rank] : offset + starts[rank + 1]].decode()

    def _extent(self, stream: Any, run: Any, font: Any, number: int, size: float) -> int:
        """The width of a glyph in its font, in thousandths of its size."""
        if number not in font.widths:
            self.pango.pango_font_get_glyph_extents(
                run.item.analysis.font, number, stream.ink_rect, stream.logical_rect
            )
            width = stream.logical_rect.width * 1000 * self.from_units / size
            font.widths[number] = round(width)
        return int(font.widths[number])
