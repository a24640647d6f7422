"""Reads a page as a browser without JavaScript does: what its form would post, what it says."""

from html.parser import HTMLParser
from typing import Any

Post = dict[str, str]


class _Page(HTMLParser):
    def __init__(self, form_id: str) -> None:
        super().__init__()
        self.form_id = form_id
        self.inside = False
        self.post: Post = {}
        self.area: str | None = None
        self.select: str | None = None
        self.words: list[str] = []
        self.ids: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if given.get("id"):
            self.ids.append(str(given["id"]))
        if tag == "form":
            self.inside = given.get("id") == self.form_id
        name = given.get("name")
        if not self.inside:
            return
        if tag == "input" and name:
            kind = given.get("type", "text")
            if kind not in {"radio", "checkbox"} or "checked" in given:
                self.post[name] = given.get("value") or ""
        elif tag == "textarea" and name:
            self.area, self.post[name] = name, ""
        elif tag == "select" and name:
            self.select, self.post[name] = name, ""
        elif tag == "option" and self.select and "selected" in given:
            self.post[self.select] = given.get("value") or ""

    def handle_endtag(self, tag: str) -> None:
        if tag == "textarea" and self.area:
            # A browser drops the line break that opens a text area.
            self.post[self.area] = self.post[self.area].removeprefix("\n")
            self.area = None
        if tag == "select":
            self.select = None
        if tag == "form":
            self.inside = False

    def handle_data(self, data: str) -> None:
        if self.area:
            self.post[self.area] += data
        self.words.append(data)


def read(response: Any, form_id: str = "etape") -> _Page:
    """The page as read; `post` is what its form would send, untouched."""
    page = _Page(form_id)
    page.feed(response.content.decode())
    return page


def text_of(response: Any) -> str:
    """Every word of the page, single-spaced."""
    return " ".join(" ".join(read(response).words).split())
