"""Reading a table of values by commune: what each row gives, and why one gives nothing.

Nothing is written: an administrator sees the whole report first.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Final

from cpts_portal.spreadsheets import TableFileError, plain, read_lines, restore
from diagnosis.models import Addition
from territories.models import Commune, CommuneSuccession, FormerCommune

# The communes of the country, their arrondissements, and as many former codes.
MOST_ROWS: Final = 45_000
LARGEST: Final = Decimal(10) ** 12
MOST_DECIMALS: Final = 4
CODE_HEADINGS: Final = frozenset(
    {
        *("code insee", "insee", "codgeo", "code commune", "code", "com", "depcom", "code geo"),
        *("code insee commune", "code insee de la commune", "insee com", "code com", "geo"),
    }
)
VALUE_HEADINGS: Final = frozenset({"valeur", "value", "obs value", "val"})
# Marks of a value that is secret or not available, as public tables write them.
BLANKS: Final = frozenset({"", "-", "–", "…", "s", "ns", "nd", "n/d", "n/a", "na", "so", "nc"})
_SPACES: Final = re.compile(r"[\s\u00a0\u202f]")
_NUMBER: Final = re.compile(
    r"[+-]?(\d+([.,]\d+)?|\d{1,3}(\.\d{3})+,\d+)(e[+-]?\d{1,2})?%?", re.IGNORECASE
)


@dataclass(frozen=True)
class Places:
    """The communes of today by code, and what became of the codes of before."""

    cog_year: int
    # Code → its city, for an arrondissement; nothing for a commune.
    active: Mapping[str, str]
    # Former code → (nature, the commune it is in today).
    former: Mapping[str, tuple[str, str]]
    # Code of an earlier year → the communes it became.
    heirs: Mapping[str, tuple[str, ...]]
    names: Mapping[str, str]

    def named(self, code: str) -> str:
        return f"{self.names.get(code, '')} ({code})".strip()


@dataclass
class Reading:
    """What a table gives. `faults` and `notes` are (line of the file, sentence), in order."""

    values: dict[str, Decimal] = field(default_factory=dict)
    faults: list[tuple[int, str]] = field(default_factory=list)
    notes: list[tuple[int, str]] = field(default_factory=list)
    row_count: int = 0
    blank_count: int = 0

    @property
    def decimals(self) -> int:
        """How many the most precise value has."""
        found = (-int(value.normalize().as_tuple().exponent) for value in self.values.values())
        return min(MOST_DECIMALS, max(0, *found, 0)) if self.values else 0


def read_places(cog_year: int) -> Places:
    """The communes in force, as a table is read against them. `cog_year` is theirs."""
    communes = Commune.objects.filter(is_active=True).values_list("code", "parent_id", "name")
    active, names = {}, {}
    for code, parent, name in communes:
        active[code], names[code] = parent or "", name
    heirs: dict[str, list[str]] = {}
    rows = CommuneSuccession.objects.filter(before__is_active=False).order_by("pk")
    for before, before_name, after in rows.values_list("before_id", "before_name", "after_id"):
        heirs.setdefault(before, []).append(after)
        names.setdefault(before, before_name)
    former = {
        code: (kind, current)
        for code, kind, current in FormerCommune.objects.values_list("code", "kind", "current_id")
    }
    return Places(
        cog_year, active, former, {code: tuple(set(news)) for code, news in heirs.items()}, names
    )


def read_number(text: str) -> Decimal | None:
    """A number as French or English writes it; None for what is blank or secret.

    Raises ValueError for what is no number.
    """
    bare = _SPACES.sub("", text)
    if bare.casefold() in BLANKS:
        return None
    if not _NUMBER.fullmatch(bare):
        raise ValueError(text)
    bare = bare.rstrip("%")
    if "," in bare:
        bare = bare.replace(".", "").replace(",", ".")
    try:
        value = Decimal(bare)
    except InvalidOperation as error:
        raise ValueError(text) from error
    if abs(value) >= LARGEST:
        raise ValueError(text)
    return round(value, MOST_DECIMALS)


def read_table(
    name: str, content: bytes, *, column: str, addition: str, cog_year: int, places: Places
) -> Reading:
    """Read a whole file. Raises TableFileError when it holds no table by commune.

    `column` is the heading of the values, needed only where several columns could be.
    """

    def score(headings: Sequence[str]) -> int:
        return sum(plain(one) in CODE_HEADINGS for one in headings) * 10 + len(headings)

    lines = read_lines(name, content, score=score, max_rows=MOST_ROWS)
    if not lines:
        raise TableFileError("Le fichier est vide : il lui faut un titre par colonne, puis une "
                             "ligne par commune.")  # fmt: skip
    at_code, at_value = _columns(lines[0][1], column)
    rows = ((number, _cell(cells, at_code), _cell(cells, at_value)) for number, cells in lines[1:])
    return read_rows(rows, addition=addition, cog_year=cog_year, places=places)


def _cell(cells: Sequence[str], index: int) -> str:
    return restore(cells[index]).strip() if index < len(cells) else ""


def _columns(headings: Sequence[str], column: str) -> tuple[int, int]:
    said = [plain(one) for one in headings]
    codes = [index for index, one in enumerate(said) if one in CODE_HEADINGS]
    if not codes:
        raise TableFileError(
            "Aucune colonne n’est celle des codes INSEE : donnez-lui le titre « Code INSEE » ou "
            "« CODGEO », sur la première ligne."
        )
    others = [index for index, one in enumerate(said) if one and index != codes[0]]
    if column.strip():
        found = [index for index in others if said[index] == plain(column)]
    else:
        found = [index for index in others if said[index] in VALUE_HEADINGS] or others
    if len(found) == 1:
        return codes[0], found[0]
    listed = ", ".join(f"« {headings[index].strip()} »" for index in others[:12]) or "aucune"
    if column.strip():
        raise TableFileError(
            f"La colonne « {column.strip()} » n’est pas dans le fichier, ou y est deux fois. "
            f"Ses colonnes : {listed}."
        )
    raise TableFileError(
        "Plusieurs colonnes peuvent être celle des valeurs, ou aucune : écrivez le titre de la "
        f"bonne. Colonnes du fichier : {listed}."
    )


def read_rows(
    rows: Iterable[tuple[int, str, str]], *, addition: str, cog_year: int, places: Places
) -> Reading:
    """What rows (line, code, value) give, each to the commune of today."""
    reading = Reading()
    given: dict[str, tuple[int, Decimal]] = {}
    twice: set[str] = set()
    for number, written, text in rows:
        reading.row_count += 1
        code = _code(written)
        try:
            value = read_number(text)
        except ValueError:
            reading.faults.append(
                (number, f"{code or 'sans code'} : « {text[:40]} » n’est pas un nombre.")
            )
            continue
        if value is None:
            reading.blank_count += 1
            continue
        if not code:
            reading.faults.append((number, "le code INSEE manque."))
        elif code not in given:
            given[code] = (number, value)
        elif given[code][1] == value:
            reading.notes.append((number, f"{code} y est deux fois, avec la même valeur."))
        else:
            twice.add(code)
            first, other = given[code]
            why = (
                f"{places.named(code)} a deux valeurs : {_said(other)} à la ligne {first}, "
                f"{_said(value)} ici. Aucune n’est gardée."
            )
            reading.faults.append((number, why))
    _place(reading, {c: v for c, v in given.items() if c not in twice}, addition, cog_year, places)
    reading.faults.sort()
    reading.notes.sort()
    return reading


def _code(written: str) -> str:
    code = _SPACES.sub("", written).upper()
    # A spreadsheet takes « 01001 » for a number.
    return code.zfill(5) if re.fullmatch(r"\d{4}", code) else code


def _said(value: Decimal) -> str:
    return f"{value.normalize():f}".replace(".", ",")


def _place(
    reading: Reading,
    given: Mapping[str, tuple[int, Decimal]],
    addition: str,
    cog_year: int,
    places: Places,
) -> None:
    """Give each value to the commune of today, or say why it goes to none."""
    older: dict[str, list[str]] = {}
    for code, (number, value) in given.items():
        if code in places.active:
            reading.values[code] = value
            continue
        heir = _heir(code, cog_year, places)
        if heir in places.active:
            older.setdefault(heir, []).append(code)
        else:
            reading.faults.append((number, heir))
    for heir, codes in sorted(older.items()):
        alone = len(codes) == 1 and heir not in reading.values
        for code in codes:
            number, value = given[code]
            kind = places.former.get(code, ("ancienne", ""))[0]
            if addition == Addition.SUM:
                reading.values[heir] = reading.values.get(heir, Decimal(0)) + value
                said = "sa valeur y est ajoutée"
            elif alone and kind == FormerCommune.Kind.FORMER:
                reading.values[heir] = value
                said = "sa valeur lui est donnée"
            else:
                why = (
                    f"{code} est aujourd’hui dans {places.named(heir)}, et ces valeurs ne "
                    "s’additionnent pas. Donnez la valeur de la commune d’aujourd’hui."
                )
                reading.faults.append((number, why))
                continue
            reading.notes.append((number, f"{code} est aujourd’hui {places.named(heir)} : {said}."))


def _heir(code: str, cog_year: int, places: Places) -> str:
    """The commune of today that a code of before is in, else why there is none."""
    if code in places.former:
        kind, current = places.former[code]
        if cog_year >= places.cog_year and kind != FormerCommune.Kind.FORMER:
            return (
                f"{code} est une partie de {places.named(current)}, et non une commune du COG "
                f"{cog_year}. Si le fichier est plus ancien, indiquez l’année de son COG."
            )
        return current
    heirs = places.heirs.get(code, ())
    if len(heirs) == 1:
        return heirs[0]
    if heirs:
        listed = " et ".join(places.named(one) for one in sorted(heirs))
        return f"{code} est partagée entre {listed} : sa valeur ne peut pas l’être."
    return f"{code} n’est le code d’aucune commune, ni d’aujourd’hui ni d’avant."


def complete_cities(
    values: dict[str, Decimal],
    *,
    addition: str,
    places: Places,
    populations: Mapping[str, int] | None,
) -> list[str]:
    """Give Paris, Lyon and Marseille what their arrondissements add up to.

    `populations` weigh a mean; None leaves a mean alone. Returns the cities completed.
    """
    parts: dict[str, list[str]] = {}
    for code, city in places.active.items():
        if city:
            parts.setdefault(city, []).append(code)
    completed = []
    for city, codes in sorted(parts.items()):
        if city in values or not all(code in values for code in codes):
            continue
        if addition == Addition.SUM:
            values[city] = sum((values[code] for code in codes), Decimal(0))
        elif addition == Addition.MEAN and populations and all(c in populations for c in codes):
            weight = sum(populations[code] for code in codes)
            total = sum((values[code] * populations[code] for code in codes), Decimal(0))
            values[city] = round(total / weight, MOST_DECIMALS)
        else:
            continue
        completed.append(city)
    return completed
