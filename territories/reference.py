"""The reference files: their format, how they are read, and what is wrong with a bad one.

A folder (or one .zip or .tar.gz of it) holds `manifest.json` and five CSV files, each
compressed with gzip. The manifest gives the years, the source, and for each file its number
of rows and its SHA-256. `docs/administration/territoires.md` describes each column.
"""

import csv
import gzip
import hashlib
import io
import json
import re
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

FORMAT = 1
MANIFEST = "manifest.json"
COLUMNS: dict[str, tuple[str, ...]] = {
    "regions": ("code", "name", "has_ars"),
    "departments": ("code", "name", "region"),
    "intercommunalities": ("siren", "kind", "name"),
    "communes": (
        "code",
        "kind",
        "name",
        "department",
        "parent",
        "intercommunality",
        "postal_codes",
        "population",
    ),
    "former_communes": ("code", "kind", "name", "current"),
}
COMMUNE_KINDS = ("commune", "arrondissement")
FORMER_KINDS = ("deleguee", "associee", "ancienne")

# Past these sizes a file is not reference data, whatever its name.
MAX_ARCHIVE_BYTES = 20 * 1024 * 1024
MAX_FILE_BYTES = 60 * 1024 * 1024
MAX_PROBLEMS = 50
MAX_POPULATION = 15_000_000

INSEE_CODE = re.compile(r"[0-9]{5}|2[AB][0-9]{3}")
_POSTAL_CODES = re.compile(r"(?:[0-9]{5}(?: [0-9]{5})*)?")
_DEPARTMENT_CODE = re.compile(r"[0-9]{2,3}|2[AB]")
_CONTROL = re.compile(r"[\x00-\x1f\\]")

Row = tuple[str, ...]
Opener = Callable[[str], bytes]


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong: in which file, on which line (1 is the header), and why."""

    file: str
    line: int | None
    reason: str

    def __str__(self) -> str:
        where = f"{self.file}, ligne {self.line}" if self.line else self.file
        return f"{where} : {self.reason}"


class ReferenceDataError(ValueError):
    """The reference files cannot be used; `problems` says where and why. Nothing was changed."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


@dataclass(frozen=True)
class ReferenceData:
    """What the files hold, checked. Rows are tuples of text in the order of `COLUMNS`."""

    cog_year: int
    population_year: int
    source: str
    digest: str
    rows: Mapping[str, list[Row]] = field(repr=False)

    def counts(self) -> dict[str, int]:
        return {name: len(rows) for name, rows in self.rows.items()}


class Source:
    """A folder or an archive of reference files. Raises ReferenceDataError when it is neither."""

    def __init__(self, opened: Path | IO[bytes], name: str = "") -> None:
        if isinstance(opened, Path):
            self.name = name or opened.name
            if opened.is_dir():
                self._files = self._read_folder(opened)
                return
            try:
                content = opened.read_bytes()
            except OSError as error:
                raise _refused(str(opened), f"illisible ({error.strerror}).") from error
        else:
            self.name = name or "archive"
            content = opened.read(MAX_ARCHIVE_BYTES + 1)
        if len(content) > MAX_ARCHIVE_BYTES:
            raise _refused(self.name, "plus de 20 Mo : ce n’est pas un fichier de référence.")
        self._files = self._read_archive(content)

    def _read_folder(self, folder: Path) -> dict[str, bytes]:
        if not (folder / MANIFEST).is_file():
            raise _refused(
                str(folder),
                f"pas de fichier {MANIFEST} dans ce dossier. Indiquez le dossier produit par "
                "la commande build_territories.",
            )
        return {
            path.name: path.read_bytes()
            for path in folder.iterdir()
            if path.name == MANIFEST or path.name.endswith((".csv", ".csv.gz"))
        }

    def _read_archive(self, content: bytes) -> dict[str, bytes]:
        try:
            if zipfile.is_zipfile(io.BytesIO(content)):
                files = dict(_zip_members(content))
            else:
                files = dict(_tar_members(content))
        except (zipfile.BadZipFile, tarfile.TarError, EOFError, OSError, zlib.error) as error:
            raise _refused(
                self.name,
                "ce n’est ni une archive .zip ni une archive .tar.gz, ou elle est abîmée. "
                "Produisez-la avec la commande build_territories --archive.",
            ) from error
        if MANIFEST not in files:
            raise _refused(self.name, f"l’archive ne contient pas de fichier {MANIFEST}.")
        return files

    def digest(self) -> str:
        """SHA-256 of the manifest and of every file it may name: two equal loads share it."""
        total = hashlib.sha256()
        for name in sorted(self._files):
            total.update(name.encode() + b"\0" + hashlib.sha256(self._files[name]).digest())
        return total.hexdigest()

    def __contains__(self, name: str) -> bool:
        return name in self._files

    def __getitem__(self, name: str) -> bytes:
        return self._files[name]


def _refused(file: str, reason: str) -> ReferenceDataError:
    return ReferenceDataError([Problem(file, None, reason)])


def _zip_members(content: bytes) -> Iterator[tuple[str, bytes]]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        for member in archive.infolist():
            if not member.is_dir() and member.file_size <= MAX_FILE_BYTES:
                yield Path(member.filename).name, archive.read(member)


def _tar_members(content: bytes) -> Iterator[tuple[str, bytes]]:
    with tarfile.open(fileobj=io.BytesIO(content), mode="r:*") as archive:
        for member in archive:
            opened = archive.extractfile(member) if member.isfile() else None
            if opened is not None and member.size <= MAX_FILE_BYTES:
                yield Path(member.name).name, opened.read()


def read(source: Source) -> ReferenceData:
    """Read and check every file. Raises ReferenceDataError with up to fifty problems."""
    manifest = _read_manifest(source)
    problems: list[Problem] = []
    rows: dict[str, list[Row]] = {}
    lines: dict[str, list[int]] = {}
    names: dict[str, str] = {}
    for table, entry in manifest["files"].items():
        name = names[table] = entry["name"]
        found: list[Problem] = []
        rows[table], lines[table] = _read_rows(source, table, name, found)
        if not found and len(rows[table]) != entry["rows"]:
            found.append(
                Problem(
                    name,
                    None,
                    f"{len(rows[table])} lignes au lieu des {entry['rows']} annoncées par "
                    f"{MANIFEST} : le fichier n’est pas complet.",
                )
            )
        problems += found
    if not problems:
        _Checker(rows, lines, names, problems).check()
    if not problems:
        problems += [
            Problem(
                entry["name"],
                None,
                f"le contenu ne correspond pas à l’empreinte SHA-256 donnée par {MANIFEST} : "
                "le fichier a été modifié ou abîmé. Reconstruisez-le.",
            )
            for entry in manifest["files"].values()
            if hashlib.sha256(source[entry["name"]]).hexdigest() != entry["sha256"]
        ]
    if problems:
        raise ReferenceDataError(problems[:MAX_PROBLEMS])
    return ReferenceData(
        cog_year=manifest["cog_year"],
        population_year=manifest["population_year"],
        source=manifest["source"],
        digest=source.digest(),
        rows=rows,
    )


def _read_manifest(source: Source) -> dict[str, Any]:
    try:
        manifest = json.loads(source[MANIFEST])
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        line = getattr(error, "lineno", None)
        raise ReferenceDataError([Problem(MANIFEST, line, "ce n’est pas du JSON.")]) from error
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
        raise _refused(MANIFEST, f"la clé « format » doit valoir {FORMAT}.")
    problems = [
        Problem(MANIFEST, None, f"la clé « {key} » doit être une année.")
        for key in ("cog_year", "population_year")
        if not (isinstance(manifest.get(key), int) and 2000 <= manifest[key] <= 2100)
    ]
    if not (isinstance(manifest.get("source"), str) and 0 < len(manifest["source"]) <= 200):
        problems.append(
            Problem(MANIFEST, None, "la clé « source » doit être un texte de 200 signes au plus.")
        )
    problems += _file_entry_problems(source, manifest.get("files"))
    if problems:
        raise ReferenceDataError(problems)
    manifest["files"] = {table: manifest["files"][table] for table in COLUMNS}
    return manifest


def _file_entry_problems(source: Source, files: Any) -> Iterator[Problem]:
    if not isinstance(files, dict) or set(files) != set(COLUMNS):
        expected = ", ".join(COLUMNS)
        yield Problem(MANIFEST, None, f"la clé « files » doit décrire exactement : {expected}.")
        return
    for table, entry in files.items():
        if not isinstance(entry, dict) or {key: type(value) for key, value in entry.items()} != {
            "name": str,
            "rows": int,
            "sha256": str,
        }:
            yield Problem(MANIFEST, None, f"« {table} » doit donner name, rows et sha256.")
        elif entry["name"] not in source:
            yield Problem(entry["name"], None, f"fichier annoncé par {MANIFEST} mais absent.")


def _read_rows(
    source: Source, table: str, name: str, problems: list[Problem]
) -> tuple[list[Row], list[int]]:
    """The rows of one file with the line of each. A wrong row is reported and left out."""
    content = source[name]
    if name.endswith(".gz"):
        try:
            with gzip.open(io.BytesIO(content)) as opened:
                content = opened.read(MAX_FILE_BYTES + 1)
        except (EOFError, OSError, zlib.error):
            problems.append(
                Problem(
                    name, None, "fichier gzip tronqué ou abîmé. Copiez-le ou construisez-le à neuf."
                )
            )
            return [], []
    if len(content) > MAX_FILE_BYTES:
        problems.append(Problem(name, None, "plus de 60 Mo une fois décompressé."))
        return [], []
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        problems.append(Problem(name, line, "le texte n’est pas en UTF-8."))
        return [], []
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    columns = COLUMNS[table]
    rows: list[Row] = []
    lines: list[int] = []
    try:
        header = next(reader, [])
        if tuple(header) != columns:
            problems.append(Problem(name, 1, _header_reason(header, columns)))
            return [], []
        width = len(columns)
        for row in reader:
            if len(row) == width:
                rows.append(tuple(row))
                lines.append(reader.line_num)
            elif row:
                problems.append(
                    Problem(name, reader.line_num, f"{len(row)} colonnes au lieu de {width}.")
                )
    except csv.Error as error:
        problems.append(Problem(name, reader.line_num, f"ligne CSV illisible ({error})."))
    return rows, lines


def _header_reason(header: list[str], columns: tuple[str, ...]) -> str:
    missing = [column for column in columns if column not in header]
    if missing:
        return f"colonne manquante : {', '.join(missing)}. Attendu : {','.join(columns)}"
    return f"colonnes inattendues. Attendu, dans cet ordre : {','.join(columns)}"


class _Checker:
    """Checks rows against each other, table by table, in the order they depend on each other."""

    def __init__(
        self,
        rows: Mapping[str, list[Row]],
        lines: Mapping[str, list[int]],
        names: Mapping[str, str],
        problems: list[Problem],
    ) -> None:
        self.rows = rows
        self.lines = lines
        self.names = names
        self.problems = problems

    def check(self) -> None:
        self._regions()
        self._departments()
        self._intercommunalities()
        self._communes()
        self._former_communes()

    def _keys(self, table: str, reason: Callable[[str], str]) -> dict[str, int]:
        """The index of each first column, reporting wrong forms and duplicates."""
        seen: dict[str, int] = {}
        for index, row in enumerate(self.rows[table]):
            key = row[0]
            if wrong := reason(key):
                self._report(table, index, wrong)
            if key in seen:
                first = self.lines[table][seen[key]]
                self._report(table, index, f"code « {key} » déjà donné à la ligne {first}.")
            else:
                seen[key] = index
        return seen

    def _report(self, table: str, index: int, reason: str) -> None:
        self.problems.append(Problem(self.names[table], self.lines[table][index], reason))

    def _check_name(self, table: str, index: int, name: str, limit: int) -> None:
        if not name.strip() or len(name) > limit or _CONTROL.search(name):
            self._report(
                table, index, f"nom vide, de plus de {limit} signes ou avec un signe interdit."
            )

    def _regions(self) -> None:
        self._keys("regions", _region_reason)
        for index, (_, name, has_ars) in enumerate(self.rows["regions"]):
            self._check_name("regions", index, name, 100)
            if has_ars not in {"0", "1"}:
                self._report("regions", index, f"has_ars vaut 0 ou 1, pas « {has_ars} ».")

    def _departments(self) -> None:
        regions = {row[0] for row in self.rows["regions"]}
        self._keys("departments", _department_reason)
        for index, (code, name, region) in enumerate(self.rows["departments"]):
            self._check_name("departments", index, name, 100)
            if region not in regions:
                self._report(
                    "departments", index, f"région « {region} » inconnue (département {code})."
                )

    def _intercommunalities(self) -> None:
        self._keys("intercommunalities", _siren_reason)
        for index, (_, kind, name) in enumerate(self.rows["intercommunalities"]):
            self._check_name("intercommunalities", index, name, 200)
            if not kind.isalnum() or len(kind) > 10:
                self._report("intercommunalities", index, f"nature « {kind} » inattendue.")

    def _communes(self) -> None:
        table = "communes"
        departments = {row[0] for row in self.rows["departments"]}
        sirens = {row[0] for row in self.rows["intercommunalities"]} | {""}
        wholes = {row[0] for row in self.rows[table] if row[1] == "commune"}
        self._keys(table, _insee_reason)
        postal = _POSTAL_CODES.fullmatch
        control = _CONTROL.search
        for index, row in enumerate(self.rows[table]):
            code, kind, name, department, parent, siren, postal_codes, population = row
            if not name or len(name) > 100 or control(name):
                self._check_name(table, index, name, 100)
            if department not in departments:
                self._report(
                    table, index, f"département « {department} » inconnu (commune {code} {name})."
                )
            if siren not in sirens:
                self._report(table, index, f"EPCI « {siren} » inconnu (commune {code} {name}).")
            if population and not _is_count(population):
                self._report(
                    table,
                    index,
                    f"population « {population} » : il faut un nombre entier, sans espace "
                    f"(commune {code} {name}).",
                )
            if not postal(postal_codes):
                self._report(
                    table,
                    index,
                    f"codes postaux « {postal_codes} » : cinq chiffres, séparés par une espace.",
                )
            if (kind != "commune" or parent) and (wrong := _kind_reason(kind, parent, wholes)):
                self._report(table, index, wrong)

    def _former_communes(self) -> None:
        table = "former_communes"
        communes = {row[0] for row in self.rows["communes"]}
        self._keys(table, _insee_reason)
        for index, (code, kind, name, current) in enumerate(self.rows[table]):
            if name:
                self._check_name(table, index, name, 100)
            if kind not in FORMER_KINDS:
                self._report(table, index, f"nature « {kind} » : {', '.join(FORMER_KINDS)}.")
            if current not in communes:
                self._report(
                    table, index, f"commune actuelle « {current} » inconnue (ancien code {code})."
                )
            elif kind == "ancienne" and code in communes:
                self._report(table, index, f"« {code} » est encore une commune.")


def _kind_reason(kind: str, parent: str, wholes: set[str]) -> str:
    if kind == "arrondissement":
        return (
            "" if parent in wholes else f"commune entière « {parent} » inconnue (arrondissement)."
        )
    if kind == "commune":
        return "seul un arrondissement a une commune entière (parent)."
    return f"nature « {kind} » : commune ou arrondissement attendu."


def _is_count(text: str) -> bool:
    return text.isascii() and text.isdigit() and int(text) <= MAX_POPULATION


def _insee_reason(code: str) -> str:
    if INSEE_CODE.fullmatch(code):
        return ""
    return (
        f"code INSEE « {code} » : il faut cinq signes, par exemple 01001 ou 2A004. "
        "Un tableur a pu retirer les zéros du début."
    )


def _department_reason(code: str) -> str:
    return "" if _DEPARTMENT_CODE.fullmatch(code) else f"code de département « {code} » inattendu."


def _region_reason(code: str) -> str:
    if code.isascii() and code.isdigit() and len(code) in {2, 3}:
        return ""
    return f"code de région « {code} » inattendu."


def _siren_reason(siren: str) -> str:
    if siren.isascii() and siren.isdigit() and len(siren) == 9:
        return ""
    return f"SIREN « {siren} » : il faut neuf chiffres."
