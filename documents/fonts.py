"""The faces documents are printed in, as the files a layout program reads.

The skin gives Marianne to browsers, as WOFF: the same tables, each compressed.
"""

import struct
import zlib
from pathlib import Path
from typing import Final

from django.contrib.staticfiles import finders

MARIANNE: Final = ("Marianne-Regular", "Marianne-Bold")
BOXES: Final = Path(__file__).resolve().parent / "typst" / "boxes.ttf"
_HEADER: Final = struct.Struct(">4sIIHHIHHIIIII")
_ENTRY: Final = struct.Struct(">4sIIII")


def write_fonts(folder: Path) -> None:
    """Write in a folder the faces of documents. Raises FileNotFoundError if the skin lacks one."""
    for name in MARIANNE:
        path = finders.find(f"dsfr/dist/fonts/{name}.woff")
        if not path:
            raise FileNotFoundError(f"The skin has no font {name}.woff")
        (folder / f"{name}.otf").write_bytes(unpacked(Path(str(path)).read_bytes()))
    (folder / BOXES.name).write_bytes(BOXES.read_bytes())


def unpacked(woff: bytes) -> bytes:
    """The OpenType font that a WOFF 1.0 file holds (W3C recommendation of December 2012).

    Raises ValueError when it is something else.
    """
    signature, flavour, _, count, *_ = _HEADER.unpack_from(woff)
    if signature != b"wOFF":
        raise ValueError("Not a WOFF 1.0 font")
    power = count.bit_length() - 1
    search = 16 * 2**power
    head = struct.pack(">IHHHH", flavour, count, search, power, 16 * count - search)
    start = len(head) + 16 * count
    entries, tables = b"", b""
    for rank in range(count):
        tag, offset, packed, size, checksum = _ENTRY.unpack_from(
            woff, _HEADER.size + rank * _ENTRY.size
        )
        table = woff[offset : offset + packed]
        if packed < size:
            table = zlib.decompress(table)
        entries += struct.pack(">4sIII", tag, checksum, start + len(tables), size)
        tables += table + bytes(-size % 4)
    return head + entries + tables
