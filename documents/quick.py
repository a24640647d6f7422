"""WeasyPrint's most repeated functions, said again so that they cost less.

Laying out a letter calls a few small functions some hundred thousand times, to find the same
answer for each cell of a table. These replacements find it once for each style, or ask the
likeliest question first: a fifth of the time. They give the same PDF, byte for byte, which a test
checks; they are put in place for the one version of the library they were written beside, and any
other is left as it is: slower, and right.
"""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from types import SimpleNamespace
from typing import Any, Final, NamedTuple

from documents.quick_lines import LineWriter

WRITTEN_FOR: Final = "70.0"
ZERO: Final = (0, "px")


class Replacement(NamedTuple):
    """A function, and every place of the library that holds it under its name."""

    name: str
    published: Callable[..., Any]
    quick: Callable[..., Any]
    owners: list[Any]

    def put(self, function: Callable[..., Any]) -> None:
        for owner in self.owners:
            setattr(owner, self.name, function)


def make_quick() -> bool:
    """Put the replacements in place; with another version of the library, do nothing.

    Returns whether they are in place.
    """
    for replacement in _replacements():
        replacement.put(replacement.quick)
    return bool(_replacements())


@contextmanager
def as_published() -> Iterator[None]:
    """The library as its authors wrote it, for a test to compare."""
    for replacement in _replacements():
        replacement.put(replacement.published)
    try:
        yield
    finally:
        make_quick()


@cache
def _replacements() -> list[Replacement]:
    import weasyprint  # noqa: PLC0415

    if weasyprint.__version__ != WRITTEN_FOR:
        return []
    return [*_styles(), *_lengths(), *_corners(), *_flow(), *_texts(), *_lines(), *_writing()]


def _method(owner: type, name: str, quick: Callable[..., Any]) -> Replacement:
    return Replacement(name, getattr(owner, name), quick, [owner])


def _function(published: Callable[..., Any], quick: Callable[..., Any]) -> Replacement:
    """A function of a module, wherever another module imported it."""
    name = published.__name__
    owners = [
        module
        for key, module in list(sys.modules.items())
        if key.startswith(("weasyprint", "pydyf")) and vars(module).get(name) is published
    ]
    return Replacement(name, published, quick, owners)


def _styles() -> list[Replacement]:
    """Initial values put in a style at once, instead of asked for and missed one by one."""
    from weasyprint.css import AnonymousStyle, ComputedStyle  # noqa: PLC0415
    from weasyprint.css.properties import (  # noqa: PLC0415
        INHERITED,
        INITIAL_NOT_COMPUTED,
        INITIAL_VALUES,
    )

    special = {"page", "position", "float", "display", *INITIAL_NOT_COMPUTED}
    plain = [
        key
        for key in INITIAL_VALUES
        if key not in special and not key.startswith(("text_decoration_", "__"))
    ]
    inherited = INHERITED.intersection(plain)
    initial = {key: INITIAL_VALUES[key] for key in plain if key not in INHERITED}
    # Beside one of these, « margin_top » may come from « margin_block_start ».
    logical = {key for key in INITIAL_VALUES if "inline" in key or "block" in key}
    start, missing = ComputedStyle.__init__, ComputedStyle.__missing__
    start_anonymous = AnonymousStyle.__init__

    def computed_start(self: Any, parent: Any, cascaded: dict[str, Any], *others: Any) -> None:
        start(self, parent, cascaded, *others)
        if logical.isdisjoint(cascaded):
            self.update(initial)
            for key in cascaded:
                self.pop(key, None)

    def computed_missing(self: Any, key: str) -> Any:
        if key in inherited and key not in self.cascaded and self.parent_style is not None:
            value = self[key] = self.parent_style[key]
            return value
        return missing(self, key)

    def anonymous_start(self: Any, parent: Any) -> None:
        self.update(initial)
        start_anonymous(self, parent)

    return [
        _method(ComputedStyle, "__init__", computed_start),
        _method(ComputedStyle, "__missing__", computed_missing),
        _method(AnonymousStyle, "__init__", anonymous_start),
    ]


def _lengths() -> list[Replacement]:
    """Margins, paddings and sizes given in no percentage are those of the style, wherever the
    box stands: found once for the style."""
    from weasyprint.layout.percent import resolve_percentages  # noqa: PLC0415

    sides = ("left", "right", "top", "bottom")
    names = [
        *(f"{kind}_{side}" for kind in ("margin", "padding") for side in sides),
        *(f"{least}{size}" for least in ("", "min_", "max_") for size in ("width", "height")),
    ]

    def is_fixed(value: Any) -> bool:
        return value in ("auto", None) or getattr(value, "unit", "%") not in ("%", None)

    def fixed_lengths(style: Any) -> dict[str, Any] | None:
        if style["border_collapse"] == "collapse" or not all(is_fixed(style[n]) for n in names):
            return None
        box = SimpleNamespace(style=style)
        resolve_percentages(box, (0, 0))
        found = vars(box)
        del found["style"]
        return found

    def quick(box: Any, containing_block: Any) -> None:
        own = vars(box.style)
        if "fixed_lengths" not in own:
            own["fixed_lengths"] = fixed_lengths(box.style)
        if own["fixed_lengths"] is None:
            resolve_percentages(box, containing_block)
        else:
            vars(box).update(own["fixed_lengths"])

    return [_function(resolve_percentages, quick)]


def _corners() -> list[Replacement]:
    """Square corners are known from the style too."""
    from weasyprint.layout.percent import resolve_radii_percentages  # noqa: PLC0415

    names = [
        f"border_{vertical}_{side}_radius"
        for vertical in ("top", "bottom")
        for side in ("left", "right")
    ]
    square = dict.fromkeys(names, (0, 0))

    def quick(box: Any) -> None:
        own = vars(box.style)
        if "is_square" not in own:
            own["is_square"] = all(ZERO in box.style[name] for name in names)
        if own["is_square"]:
            vars(box).update(square)
        else:
            resolve_radii_percentages(box)

    return [_function(resolve_radii_percentages, quick)]


def _lines() -> list[Replacement]:
    writer = LineWriter()
    return [_function(writer.published, writer)]


def _writing() -> list[Replacement]:
    """What a page holds is nearly all bytes and text: asked about first."""
    import pydyf  # noqa: PLC0415

    published = pydyf._to_bytes

    def quick(item: Any) -> bytes:
        kind = type(item)
        if kind is bytes:
            return item
        if kind is str:
            return item.encode("ascii")
        if kind is int:
            return b"%d" % item
        return published(item)

    return [_function(published, quick)]


def _flow() -> list[Replacement]:
    """A box that neither floats nor moves is in the flow: no need of five other questions."""
    from weasyprint.formatting_structure.boxes import Box  # noqa: PLC0415

    asked = Box.is_in_normal_flow

    def quick(self: Any) -> bool:
        style = self.style
        if style["float"] == "none" and style["position"] in ("static", "relative"):
            return True
        return asked(self)

    return [_method(Box, "is_in_normal_flow", quick)]


def _texts() -> list[Replacement]:
    """A line is drawn from the layout that measured it, instead of shaped once more."""
    from weasyprint.text import line_break  # noqa: PLC0415

    layout, pango = line_break.Layout, line_break.pango
    sleep, wake, write = layout.deactivate, layout.reactivate, layout.set_text
    line_ends = frozenset("\n\r\v\f\x85\u2028\u2029")

    def deactivate(self: Any) -> None:
        if getattr(self, "was_drawn", False):
            sleep(self)

    def reactivate(self: Any, style: Any) -> None:
        self.was_drawn = True
        if self.justification_spacing or getattr(self, "style", None) is not style:
            wake(self, style)

    def set_text(self: Any, text: str, justify: bool = False) -> None:  # noqa: FBT001, FBT002
        write(self, text, justify)
        # Drawing asks for it: asked for now, the line has not to be shaped again.
        is_one = line_ends.isdisjoint(self.text)
        pango.pango_layout_set_single_paragraph_mode(self.layout, is_one)

    return [
        _method(layout, "deactivate", deactivate),
        _method(layout, "reactivate", reactivate),
        _method(layout, "set_text", set_text),
    ]
