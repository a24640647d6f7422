"""Finding patient data in a file before it is kept: none may live on the portal.

Pure: no database. What is said of a file names what was seen and where, never the value itself.
Source of the number and of its key: décret 82-103 of 22 January 1982 (numéro d’inscription au
répertoire); no patient data, so that no hosting of health data is needed (CSP, L. 1111-8).
"""

import html
import io
import re
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from cpts_portal.spreadsheets import plain
from cpts_portal.words import NBSP

# No further: a proof is a report or a sheet, not a library.
MOST_PAGES: Final = 300
MOST_UNZIPPED: Final = 60 * 1024 * 1024
_OFFICE: Final = "application/vnd.openxmlformats-officedocument"
_OPEN: Final = "application/vnd.oasis.opendocument"
CSV: Final = "text/csv"
PDF: Final = "application/pdf"

# Sex, year, month, département, commune, rank and key, as people part them.
_SEPARATOR: Final = r"[ .\-\u00a0\u2009\u202f]?"
_NIR: Final = re.compile(
    rf"(?<![0-9A-Za-z])([1-478]){_SEPARATOR}(\d\d){_SEPARATOR}(\d\d){_SEPARATOR}"
    rf"(\d\d|2[ABab]){_SEPARATOR}(\d{{3}}){_SEPARATOR}(\d{{3}}){_SEPARATOR}(\d\d)(?![0-9A-Za-z])"
)
_BIRTH_LINE: Final = re.compile(r"\bne(?: e)? le \d", re.ASCII)
# As many lines of one file say when somebody was born: it is a list of people.
_MANY_BIRTHS: Final = 3

_NUMBER_HEADINGS: Final = frozenset(
    {
        "nir", "nir patient", "n nir", "numero nir", "nss", "n ss", "no ss", "n secu", "no secu",
        "num secu", "numero secu", "numero de secu", "n de secu", "n securite sociale",
        "n de securite sociale", "numero securite sociale", "numero de securite sociale",
        "no de securite sociale", "numero d assure", "numero assure", "n assure",
        "matricule ins", "ins", "ins nir",
    }
)  # fmt: skip
_BIRTH_HEADINGS: Final = frozenset(
    {
        "date de naissance", "date naissance", "date naiss", "datenaissance", "datenaiss", "ddn",
        "naissance", "ne le", "nee le", "ne e le", "dob", "birth date", "date of birth",
        "annee de naissance",
    }
)  # fmt: skip
_LAST_NAMES: Final = frozenset(
    {
        "nom", "noms", "nom de famille", "nom de naissance", "nom naissance", "nom usuel",
        "nom d usage", "nom de jeune fille", "last name", "lastname", "nom assure",
    }
)  # fmt: skip
_FIRST_NAMES: Final = frozenset({"prenom", "prenoms", "prenom usuel", "first name", "firstname"})
_BOTH_NAMES: Final = frozenset({"nom prenom", "nom et prenom", "prenom nom", "nom prenoms"})
_PATIENT_HEADINGS: Final = frozenset(
    {
        "patient", "patients", "patiente", "nom patient", "nom du patient", "prenom patient",
        "prenom du patient", "nom de la patiente", "identifiant patient", "id patient", "ipp",
        "nom beneficiaire", "nom du beneficiaire", "beneficiaire",
    }
)  # fmt: skip
# A longer cell is a sentence.
_LONGEST_HEADING: Final = 40
_SHORTEST_NUMBER: Final = 15
_SPEAKS_OF_BIRTH: Final = re.compile(r"naissance|\bn[ée]\(?e?\)? le\b", re.IGNORECASE)


@dataclass(frozen=True)
class Finding:
    """Something seen in a file, in words. `is_certain`: nothing but patient data looks so."""

    sentence: str
    is_certain: bool


@dataclass(frozen=True)
class Reading:
    """What was seen in a file. Not `is_read`: it is an image, or cannot be opened."""

    findings: tuple[Finding, ...] = ()
    is_read: bool = True

    @property
    def is_refused(self) -> bool:
        """Whether it may never be kept, whatever is confirmed."""
        return any(one.is_certain for one in self.findings)

    @property
    def needs_confirmation(self) -> bool:
        return bool(self.findings) and not self.is_refused


class PatientDataError(ValueError):
    """The file was not kept. `may_confirm`: the person may send it again, and answer for it."""

    def __init__(self, message: str, *, may_confirm: bool) -> None:
        super().__init__(message)
        self.message = message
        self.may_confirm = may_confirm


_CORSICA: Final = {"2A": "19", "2B": "18"}

# --- The number -----------------------------------------------------------------------------------


def nir_key(body: str) -> int:
    """The key, from 1 to 97, of the thirteen characters of a number; « 2A » and « 2B » are read.

    Raises ValueError for anything else than thirteen characters of a number.
    """
    place = body[5:7].upper()
    figures = f"{body[:5]}{_CORSICA.get(place, place)}{body[7:]}"
    if len(body) != 13 or not (figures.isascii() and figures.isdigit()):
        raise ValueError("not the thirteen characters of a number")
    return 97 - int(figures) % 97


def holds_nir(text: str) -> bool:
    """Whether a text holds a social security number: its shape, and the key that proves it."""
    for found in _NIR.finditer(text):
        *body, key = found.groups()
        month = int(body[2])
        # Months beyond December stand for a month nobody knows.
        if not (1 <= month <= 12 or 20 <= month <= 42 or month >= 50):
            continue
        if nir_key("".join(body)) == int(key):
            return True
    return False


# --- Reading a file -------------------------------------------------------------------------------


def inspect(content: bytes, content_type: str) -> Reading:
    """What a file shows of patients, from its text: lines, cells of every sheet, pages."""
    try:
        if content_type == CSV:
            return _judge(_lines_of_text(content))
        if content_type.startswith((_OFFICE, _OPEN)):
            return _judge(_pieces_of_archive(content))
        if content_type == PDF:
            pages = list(_lines_of_pdf(content))
            # A scan has pages and no text.
            return (
                _judge(pages)
                if any(text.strip() for _, text in pages)
                else Reading((), is_read=False)
            )
    except (zipfile.BadZipFile, zlib.error, KeyError, ValueError, RuntimeError, EOFError):
        return Reading((), is_read=False)
    return Reading((), is_read=False)


def check(name: str, content: bytes, content_type: str, *, is_confirmed: bool) -> Reading:
    """What a file shows, when it may be kept. `is_confirmed`: the person answers for it.

    Raises PatientDataError, whose message says what was seen and what to do.
    """
    reading = inspect(content, content_type)
    seen = " ; ".join(one.sentence for one in reading.findings)
    if reading.is_refused:
        raise PatientDataError(
            f"«{NBSP}{name}{NBSP}» n’a pas été gardé{NBSP}: il contient {seen}. Aucune donnée de "
            "patient n’est admise sur le portail. Retirez-la du fichier, ou remplacez la liste par "
            "un total, puis envoyez-le de nouveau.",
            may_confirm=False,
        )
    if reading.needs_confirmation and not is_confirmed:
        raise PatientDataError(
            f"«{NBSP}{name}{NBSP}» n’a pas été gardé{NBSP}: il contient {seen}, comme une liste de "
            "patients. Retirez ces données et envoyez-le de nouveau. S’il ne parle d’aucun patient "
            "(une liste de professionnels, une feuille d’émargement), choisissez-le de nouveau et "
            "cochez la case qui le confirme.",
            may_confirm=True,
        )
    return reading


Piece = tuple[str, str]


def _judge(pieces: Iterable[Piece]) -> Reading:
    """A table may have millions of cells: most are looked at once, and briefly."""
    short: set[str] = set()
    births = 0
    found: dict[str, bool] = {}
    for place, text in pieces:
        if len(text) >= _SHORTEST_NUMBER and holds_nir(text):
            found.setdefault(f"un numéro de sécurité sociale{place}", True)
            if len(found) > 2:
                break
        if len(text) <= _LONGEST_HEADING and not text[:1].isdigit():
            short.add(text)
        if _SPEAKS_OF_BIRTH.search(text):
            bare = plain(text)
            births += bool(_BIRTH_LINE.search(bare)) or "date de naissance" in bare
            if "naissance" in bare and {"nom", "prenom"} & set(bare.split()):
                found.setdefault("une liste de noms et de dates de naissance", False)
    if births >= _MANY_BIRTHS:
        found.setdefault("plusieurs dates de naissance", False)
    headings = {plain(cell) for one in short for cell in re.split(r"[;\t|,]", one)}
    for sentence in _headings_seen(headings):
        found.setdefault(sentence, False)
    return Reading(tuple(Finding(sentence, sure) for sentence, sure in found.items()))


def _headings_seen(headings: set[str]) -> Iterator[str]:
    if headings & _NUMBER_HEADINGS:
        yield "une colonne de numéros de sécurité sociale"
    if headings & _BIRTH_HEADINGS:
        yield "une colonne de dates de naissance"
    if headings & _PATIENT_HEADINGS:
        yield "une colonne de patients"
    names = headings & _LAST_NAMES and headings & _FIRST_NAMES
    if names or headings & _BOTH_NAMES:
        yield "une colonne de noms et une de prénoms"


def _lines_of_text(content: bytes) -> Iterator[Piece]:
    if content[:2] in (b"\xff\xfe", b"\xfe\xff"):
        text = content.decode("utf-16", "replace")
    else:
        try:
            text = content.decode("utf-8-sig")
        except UnicodeDecodeError:
            text = content.decode("cp1252", "replace")
    for number, line in enumerate(text.splitlines(), start=1):
        for cell in re.split(r"[;\t|,]", line.replace('"', "")):
            yield f", ligne {number}", cell


_PARTS: Final = re.compile(
    r"(xl/sharedStrings\.xml|xl/worksheets/[^/]+\.xml|word/document\.xml|content\.xml)"
)
# Where a cell or a paragraph begins and ends: its runs are read together. Nothing here looks
# further than the next « < »: a file made to waste time wastes none.
_EDGES: Final = re.compile(r"<(/?)(si|is|v|w:p|text:p)(?:\s[^<>]*)?>|office:value=\"([^\"<>]*)\"")
_TAG: Final = re.compile(r"<[^<>]*>")
_FLOAT: Final = re.compile(r"\d(?:\.\d+)?[eE]\+?14|\d+\.0+")


def _pieces_of_archive(content: bytes) -> Iterator[Piece]:
    left = MOST_UNZIPPED
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        for name in archive.namelist():
            if not _PARTS.fullmatch(name):
                continue
            with archive.open(name) as part:
                raw = part.read(left + 1)
            left -= len(raw)
            if left < 0:
                raise ValueError("too large once unzipped")
            place = _sheet(name)
            for text in _texts(raw.decode("utf-8", "replace")):
                yield place, _whole(html.unescape(_TAG.sub("", text)))


def _texts(content: str) -> Iterator[str]:
    """What stands in each cell or paragraph, with the marks of its runs."""
    begins, last, kind = -1, 0, ""
    for edge in _EDGES.finditer(content):
        closes, name, value = edge.groups()
        if value is not None:
            yield value
        elif not closes:
            if begins < 0:
                begins, kind = edge.end(), name
        elif begins < 0 or name == kind:
            # A paragraph may hold a frame that holds others: what follows them is its own.
            yield content[max(begins, last) : edge.start()]
            begins, last = -1, edge.end()


def _sheet(name: str) -> str:
    number = re.search(r"sheet(\d+)\.xml$", name)
    return f", feuille {number[1]}" if number else ""


def _whole(text: str) -> str:
    """A number a spreadsheet keeps as « 1.8412764510894E14 », as it shows it."""
    return str(int(float(text))) if _FLOAT.fullmatch(text) else text


def _lines_of_pdf(content: bytes) -> Iterator[Piece]:
    import pypdfium2  # noqa: PLC0415 - only for who sends a PDF

    try:
        document = pypdfium2.PdfDocument(content)
    except pypdfium2.PdfiumError as error:
        raise ValueError("the document cannot be opened") from error
    try:
        for number in range(min(len(document), MOST_PAGES)):
            page = document[number]
            words = page.get_textpage()
            text = words.get_text_range()
            words.close()
            page.close()
            for line in text.splitlines():
                yield f", page {number + 1}", line
    finally:
        document.close()
