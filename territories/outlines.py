"""The shapes of communes as the portal keeps and sends them: whole numbers on one grid.

The grid has 5 000 steps to a degree, about 22 m from south to north: finer than a screen shows
of a département. A corner shared by several communes falls on one point of the grid for all of
them: neighbours have no gap between them.
"""

import gzip
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

import brotli

STEPS_PER_DEGREE: Final = 5_000

# The corners of one ring, without the last one when it repeats the first.
Ring = Sequence[tuple[int, int]]


def encode(rings: Iterable[Ring]) -> bytes:
    """Rings as bytes: each begins with its number of corners, then differences between corners.

    A number takes one byte when it lies between −64 and 63, which most differences do.
    """
    out = bytearray()
    x = y = 0
    for ring in rings:
        _write(out, len(ring))
        for corner_x, corner_y in ring:
            _write(out, _unsigned(corner_x - x))
            _write(out, _unsigned(corner_y - y))
            x, y = corner_x, corner_y
    return bytes(out)


def decode(data: bytes | memoryview) -> list[list[tuple[int, int]]]:
    """The rings that `encode` was given."""
    numbers = _read(bytes(data))
    rings = []
    x = y = at = 0
    while at < len(numbers):
        count, at = numbers[at], at + 1
        ring = []
        for _ in range(count):
            x += _signed(numbers[at])
            y += _signed(numbers[at + 1])
            at += 2
            ring.append((x, y))
        rings.append(ring)
    return rings


def _unsigned(number: int) -> int:
    return number * 2 if number >= 0 else -number * 2 - 1


def _signed(number: int) -> int:
    return number >> 1 if not number & 1 else -(number >> 1) - 1


def _write(out: bytearray, number: int) -> None:
    while number >= 0x80:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)


def _read(data: bytes) -> list[int]:
    numbers = []
    value = shift = 0
    for byte in data:
        value |= (byte & 0x7F) << shift
        if byte & 0x80:
            shift += 7
        else:
            numbers.append(value)
            value = shift = 0
    return numbers


@dataclass(frozen=True)
class Shape:
    """A commune as a browser draws it."""

    code: str
    name: str
    rings: list[list[tuple[int, int]]]
    population: int | None = None


@dataclass(frozen=True)
class Payload:
    """What is sent to a browser: JSON compressed by gzip, and the digest of the text.

    `brotli` is the same, smaller and slower to make: for what is made once; else empty.
    """

    body: bytes
    digest: str
    brotli: bytes = b""


def as_payload(shapes: Iterable[Shape]) -> Payload:
    """The shapes as compressed JSON.

    `steps` is the grid. In `communes`, by INSEE code: the name, the population, then one list
    per ring: the first corner as longitude and latitude in steps, then differences.
    """
    document = {
        "steps": STEPS_PER_DEGREE,
        "communes": {
            shape.code: [shape.name, shape.population, *map(_differences, shape.rings)]
            for shape in shapes
        },
    }
    text = json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()
    # Without a date inside, the same shapes give the same bytes.
    return Payload(
        body=gzip.compress(text, compresslevel=9, mtime=0),
        # An eighth less than gzip, for browsers on a secure address: a whole region on a phone.
        brotli=brotli.compress(text, quality=11),
        digest=sha256(text).hexdigest(),
    )


def _differences(ring: Ring) -> list[int]:
    flat: list[int] = []
    x = y = 0
    for corner_x, corner_y in ring:
        flat += (corner_x - x, corner_y - y)
        x, y = corner_x, corner_y
    return flat
