"""Walking the portal as one person: every page that links lead to, every file, every search."""

import io
import re
import zipfile
from collections import Counter
from collections.abc import Iterable
from functools import cache
from html import unescape
from typing import Any, Final
from urllib.parse import urlsplit

import pypdf
from django.test import Client

STARTS: Final = ("/", "/accueil/", "/bureau/", "/compte/", "/administration/")
# More than any reader of two letters has; a page that makes new addresses without end stops here.
MOST_PAGES: Final = 400
# Of one path: the plain page, and some of its sorts, filters or pages.
MOST_VIEWS: Final = 4
_LINKS: Final = re.compile(r'(?:href|src)="(/[^"#]*)')
# The administration of the territories has thousands of communes, and nothing of the cases.
_NOT_WALKED: Final = (
    "/static/",
    "/compte/deconnexion/",
    "/demo/",
    "/administration/territories/",
)
_TOKENS: Final = re.compile(r'name="csrfmiddlewaretoken" value="[^"]*"')


def text_of(response: Any) -> str:
    """All a response says, without spaces: pages, headers, PDF and spreadsheets alike."""
    content = b"".join(response) if response.streaming else response.content
    if content.startswith((b"%PDF", b"PK\x03\x04")):
        said = _text_of_file(content)
    else:
        said = _squeezed(unescape(content.decode("utf-8", "replace")))
    return said + _squeezed(str(dict(response.headers)))


@cache
def _text_of_file(content: bytes) -> str:
    """What a PDF or a spreadsheet says. Many people are given the same: it is read once."""
    if content.startswith(b"%PDF"):
        pages = pypdf.PdfReader(io.BytesIO(content)).pages
        return _squeezed(" ".join(page.extract_text() for page in pages))
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        files = [archive.read(name) for name in archive.namelist()]
    return _squeezed(" ".join(file.decode("utf-8", "replace") for file in files))


def _squeezed(text: str) -> str:
    return "".join(text.split()).lower()


def _shape(path: str) -> str:
    """The path; in the administration, which has one page a row, the page without its row."""
    return re.sub(r"\d+", "0", path) if path.startswith("/administration/") else path


class Walk:
    """What one person finds: the text of each address that answered them."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.texts: dict[str, str] = {}
        self.answers: Counter[int] = Counter()

    def everywhere(self) -> "Walk":
        """Follow every link from the front doors."""
        waiting = list(STARTS)
        views: Counter[str] = Counter()
        while waiting and len(self.texts) < MOST_PAGES:
            address = waiting.pop(0)
            shape = _shape(urlsplit(address).path)
            if address in self.texts or views[shape] >= MOST_VIEWS:
                continue
            views[shape] += 1
            waiting += self._links(address)
        return self

    def also(self, addresses: Iterable[str]) -> "Walk":
        """Ask for addresses that others were led to."""
        for address in addresses:
            if address not in self.texts:
                self._links(address)
        return self

    def _links(self, address: str) -> list[str]:
        response = self.client.get(address)
        self.answers[response.status_code] += 1
        assert response.status_code < 500, address
        if response.status_code in {301, 302}:
            self.texts[address] = ""
            return [response.headers["Location"]]
        raw = "" if response.streaming else response.content.decode("utf-8", "replace")
        self.texts[address] = text_of(response)
        found = (unescape(link) for link in dict.fromkeys(_LINKS.findall(raw)))
        return [link for link in found if not link.startswith(_NOT_WALKED)]

    def pages_with(self, word: str) -> list[str]:
        return [address for address, text in self.texts.items() if word in text]

    def search(self, word: str) -> str:
        """What the inbox answers to a word, without the word itself and what changes by itself."""
        page = self.client.get("/bureau/", {"q": word}).content.decode()
        return _TOKENS.sub("", page).replace(word, "")
