"""What each row of a file of existing CPTS would do: nothing is written but the rows themselves."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cached_property
from typing import Any, Final

from django.core.exceptions import PermissionDenied, ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.db.models.functions import Left
from django.utils import timezone

from accounts.models import Organisation, User
from communities.models import Community, LegalEntity
from communities.numbers import rna_problem, siret_problem
from contracts import rules
from contracts.existing import cells
from contracts.existing.cells import CellError
from contracts.existing.columns import (
    MISSION,
    NEEDED,
    TERRITORY_COLUMNS,
    TERRITORY_HEADINGS,
    columns,
    headings,
)
from contracts.funding.fields import read_amount
from contracts.funding.ratebook import mission_labels
from contracts.funding.schedule import anniversary, five_years
from contracts.models import Contract, ExistingImport, ExistingRow
from cpts_portal.mojibake import Mender, has_lost_letters
from cpts_portal.spreadsheets import plain, read_list
from cpts_portal.words import NBSP, day, euros, figure
from members import finess
from procedures.rates import RatesError, cpom_rates
from territories.models import Commune, Department, FormerCommune, Region, TerritoryPart
from territories.population import size_class
from territories.succession import Held, propose
from territories.years import steps_since
from workflow.models import TerritoryClaim
from workflow.states import CaseState

MOST_ROWS: Final = 2_000
MOST_TERRITORY_ROWS: Final = 60_000
LONGEST_NAME: Final = 200
_SHOWN: Final = 3
Status = ExistingRow.Status
# Words that two spellings of one name may differ by.
_SMALL_WORDS: Final = frozenset(
    (
        *("cpts", "communaute", "professionnelle", "territoriale", "sante"),
        *("de", "du", "des", "d", "la", "le", "les", "l", "et", "en"),
    )
)


@transaction.atomic
def read_file(
    *, name: str, content: bytes, by: User, territories: tuple[str, bytes] | None = None
) -> ExistingImport:
    """Read a file, keep aside what each row says and would do; `territories` is a second file.

    Raises PermissionDenied, or TableFileError when nothing of a file can be used.
    """
    region = rules.region_imported_by(by)
    if region is None:
        raise PermissionDenied
    mender = Mender()
    labels = columns()
    found, ignored = read_list(
        name,
        content,
        headings=headings(),
        labels=labels,
        needed=NEEDED,
        max_rows=MOST_ROWS,
        mend=mender,
    )
    rows = [ExistingRow(number=number, cells=given) for number, given in found]
    _Checker(rows, region, _read_territories(territories, mender), mender, labels).check()
    made = ExistingImport.objects.create(
        region_id=region or None, file_name=name[:150], ignored=ignored, created_by=by
    )
    for row in rows:
        row.source = made
    ExistingRow.objects.bulk_create(rows, batch_size=200)
    return made


def _read_territories(
    given: tuple[str, bytes] | None, mender: Mender
) -> dict[str, list[tuple[int, str]]]:
    """The communes of each CPTS named in the second file, with their lines."""
    if given is None:
        return {}
    rows, _ignored = read_list(
        given[0],
        given[1],
        headings=TERRITORY_HEADINGS,
        labels=TERRITORY_COLUMNS,
        needed=tuple(TERRITORY_COLUMNS),
        max_rows=MOST_TERRITORY_ROWS,
        mend=mender,
    )
    found: dict[str, list[tuple[int, str]]] = {}
    for number, one in rows:
        found.setdefault(plain(one.get("cpts", "")), []).append((number, one.get("commune", "")))
    return found


def name_key(name: str) -> str:
    """What stays of a name once the words that spellings differ by are gone."""
    kept = [word for word in plain(name).split() if word not in _SMALL_WORDS]
    return " ".join(kept) or plain(name)


@dataclass
class _Places:
    """The communes that the rows name, as they are today."""

    # Code → (name, département, région, population, parent).
    active: dict[str, tuple[str, str, str, int | None, str | None]] = field(default_factory=dict)
    # Former code → the communes that follow it.
    followed: dict[str, list[str]] = field(default_factory=dict)


class _Checker:
    """The rows of a file beside what the portal knows: read in a constant number of queries."""

    def __init__(
        self,
        rows: Sequence[ExistingRow],
        region: str,
        territories: Mapping[str, list[tuple[int, str]]],
        mender: Mender,
        labels: Mapping[str, str],
    ) -> None:
        self.rows = rows
        self.region = region
        self.territories = territories
        self.mender = mender
        self.labels = labels
        self.today = timezone.localdate()

    def check(self) -> None:
        for row in self.rows:
            row.notices += self.mender.notices(row.cells.values())
            self._read_cells(row)
        self._resolve_communes()
        for row in self.rows:
            self._place(row)
            self._check_dates(row)
            self._check_class(row)
        self._find_twins()
        self._find_known()
        for row in self.rows:
            row.status = Status.WRONG if row.faults else (row.status or Status.READY)

    def _fault(self, row: ExistingRow, key: str, sentence: str) -> None:
        row.faults.append(f"{self.labels[key]}{NBSP}: {sentence[:1].lower()}{sentence[1:]}")

    # --- Cells -----------------------------------------------------------------------------

    def _read_cells(self, row: ExistingRow) -> None:
        given, values = row.cells, row.values
        for key, text in given.items():
            if has_lost_letters(text):
                self._fault(
                    row,
                    key,
                    f"«{NBSP}{text[:60]}{NBSP}» a perdu des lettres accentuées que le portail ne "
                    "peut pas deviner. Réenregistrez le fichier d’origine en UTF-8, ou corrigez "
                    "la case.",
                )
        name = given.get("name", "")
        row.name = values["name"] = name[:LONGEST_NAME]
        if not plain(name):
            self._fault(row, "name", "le nom de la CPTS manque.")
        elif len(name) > LONGEST_NAME:
            self._fault(row, "name", f"le nom dépasse {LONGEST_NAME} signes : raccourcissez-le.")
        for key in ("association", "address", "postal_code", "city", "last_name", "first_name"):
            values[key] = given.get(key, "")[:200]
        values["postal_code"] = self._bare(row, "postal_code", 5)
        values["file"] = given.get("file", "")[:200]
        self._numbers(row)
        self._email(row)
        for key, read in (("size", cells.read_size), ("form", cells.read_form)):
            values[key] = self._read(row, key, read) or ""
        for key, what, least, most in (
            ("population", "un nombre d’habitants", 1, 10_000_000),
            ("population_year", "une année", 1990, self.today.year),
        ):
            values[key] = self._read(
                row, key, lambda text, w=what, a=least, b=most: cells.read_number(text, w, a, b)
            )
        for key in ("letter_on", "recognised_on", "signed_on", "starts_on", "ends_on"):
            values[key] = self._day(row, key)
        values["missions"] = {
            key: found
            for key in mission_labels()
            if key and (found := self._day(row, f"{MISSION}{key}"))
        }
        self._codes(row)

    def _read(self, row: ExistingRow, key: str, read: Any) -> Any:
        try:
            return read(row.cells.get(key, ""))
        except CellError as wrong:
            self._fault(row, key, str(wrong))
            return None

    def _day(self, row: ExistingRow, key: str) -> str | None:
        found = self._read(row, key, cells.read_day)
        if not found or found[0] is None:
            return None
        if found[1]:
            row.notices.append(found[1])
        return str(found[0].isoformat())

    def _bare(self, row: ExistingRow, key: str, length: int) -> str:
        found = self._read(row, key, lambda text: cells.read_bare(text, length))
        if not found:
            return ""
        if found[1]:
            row.notices.append(found[1])
        return str(found[0])

    def _numbers(self, row: ExistingRow) -> None:
        for key, length, problem in (
            ("rna", 10, rna_problem),
            ("siret", 14, siret_problem),
            ("finess", finess.LENGTH, finess.problem),
        ):
            number = self._bare(row, key, length)
            row.values[key] = number
            if number and (sentence := problem(number)):
                self._fault(row, key, sentence)

    def _email(self, row: ExistingRow) -> None:
        typed = row.cells.get("email", "").lower()
        row.values["email"] = typed
        try:
            if typed:
                validate_email(typed)
        except ValidationError:
            self._fault(
                row,
                "email",
                f"«{NBSP}{typed[:60]}{NBSP}» n’est pas une adresse électronique : corrigez-la, ou "
                "videz la case.",
            )

    def _codes(self, row: ExistingRow) -> None:
        """The codes the row writes, as they are; the second file where it writes none."""
        text = row.cells.get("communes", "")
        if not text:
            listed = next(
                (
                    found
                    for key in ("name", "rna", "siret")
                    if (found := self.territories.get(plain(row.cells.get(key, ""))))
                ),
                [],
            )
            text = " ; ".join(code for _line, code in listed)
        try:
            codes, notices = cells.read_codes(text)
        except CellError as wrong:
            self._fault(row, "communes", str(wrong))
            codes, notices = [], []
        if not text:
            self._fault(
                row,
                "communes",
                "le territoire manque : écrivez les codes INSEE de ses communes, ou joignez le "
                "fichier des territoires.",
            )
        row.values["codes"] = codes
        row.notices += notices

    # --- Communes --------------------------------------------------------------------------

    @cached_property
    def places(self) -> _Places:
        codes = {code for row in self.rows for code in row.values["codes"]}
        places = _Places()
        rows = Commune.objects.filter(code__in=codes).values_list(
            "code", "name", "department_id", "department__region_id", "population", "parent_id",
            "is_active",
        )  # fmt: skip
        for code, name, department, region, population, parent, is_active in rows:
            if is_active:
                places.active[code] = (name, department, region, population, parent)
        left = codes - places.active.keys()
        heirs = dict(FormerCommune.objects.filter(code__in=left).values_list("code", "current_id"))
        steps = steps_since(datetime.min.replace(tzinfo=timezone.get_current_timezone()))
        for code in left:
            if code in heirs:
                places.followed[code] = [heirs[code]]
                continue
            held = [Held(code)]
            for step in steps:
                held = propose(held, step)
            if held != [Held(code)]:
                places.followed[code] = [one.code for one in held]
        more = {code for codes in places.followed.values() for code in codes} - codes
        for code, name, department, region, population, parent in Commune.objects.filter(
            code__in=more, is_active=True
        ).values_list(
            "code", "name", "department_id", "department__region_id", "population", "parent_id"
        ):
            places.active[code] = (name, department, region, population, parent)
        return places

    def _resolve_communes(self) -> None:
        for row in self.rows:
            found: dict[str, None] = {}
            unknown: list[str] = []
            for code in row.values["codes"]:
                heirs = self.places.followed.get(code)
                if code in self.places.active:
                    found.setdefault(code)
                elif heirs and all(one in self.places.active for one in heirs):
                    named = ", ".join(f"{self.places.active[one][0]} ({one})" for one in heirs)
                    row.notices.append(
                        f"Le code {code} n’est plus en vigueur{NBSP}: la commune est aujourd’hui "
                        f"{named}."
                    )
                    found.update(dict.fromkeys(heirs))
                else:
                    unknown.append(code)
            if unknown:
                said = ", ".join(unknown[:5]) + ("…" if len(unknown) > 5 else "")
                many = len(unknown) > 1
                self._fault(
                    row,
                    "communes",
                    f"{said} {'ne sont les codes' if many else 'n’est le code'} INSEE d’aucune "
                    "commune, ni d’aujourd’hui ni d’une année passée. Corrigez "
                    f"{'-les' if many else '-le'}.".replace("Corrigez -", "Corrigez-"),
                )
            cities = {self.places.active[code][4] for code in found} & found.keys()
            if cities:
                names = ", ".join(
                    self.places.active[str(code)][0] for code in sorted(map(str, cities))
                )
                self._fault(
                    row,
                    "communes",
                    f"{names} est en entier et par arrondissements : ses habitants compteraient "
                    "deux fois. Gardez l’un ou les autres.",
                )
            row.values["codes"] = list(found)

    # --- Région, CPAM, ARS -----------------------------------------------------------------

    @cached_property
    def regions(self) -> dict[str, tuple[str, str]]:
        """A région by its code or its name, bare: its code and its name."""
        found: dict[str, tuple[str, str]] = {}
        for code, name in Region.objects.values_list("code", "name"):
            found[plain(name)] = found[plain(code)] = (code, name)
        return found

    @cached_property
    def departments(self) -> dict[str, tuple[str, str]]:
        """A département by its code or its name, bare: its code and that of its région."""
        found: dict[str, tuple[str, str]] = {}
        for code, name, region in Department.objects.values_list("code", "name", "region_id"):
            found[plain(name)] = found[plain(code)] = (code, region)
            if code.startswith("0"):
                found[code[1:]] = (code, region)
        return found

    @cached_property
    def organisations(self) -> list[Organisation]:
        kinds = [Organisation.Kind.ARS, Organisation.Kind.CPAM]
        return list(Organisation.objects.filter(kind__in=kinds).select_related("department"))

    @cached_property
    def _by_name(self) -> dict[tuple[str, str], list[Organisation]]:
        found: dict[tuple[str, str], list[Organisation]] = {}
        for one in self.organisations:
            names = {plain(one.name), plain(one.code)}
            if one.department:
                names |= {plain(one.department.name), plain(one.department.code)}
                names |= {f"cpam {plain(one.department.name)}", f"cpam {one.department.code}"}
            for key in names:
                found.setdefault((one.kind, key), []).append(one)
        return found

    def _place(self, row: ExistingRow) -> None:
        values, given = row.values, row.cells
        homes = [self.places.active[code] for code in values["codes"]]
        department = self.departments.get(plain(given.get("department", "")))
        if given.get("department") and department is None:
            self._fault(
                row,
                "department",
                f"«{NBSP}{given['department'][:40]}{NBSP}» n’est pas un département : écrivez son "
                "nom ou son numéro.",
            )
        by_department: dict[str, int] = {}
        for _name, code, _region, population, _parent in homes:
            by_department[code] = by_department.get(code, 0) + (population or 0) + 1
        main = max(by_department, key=lambda code: by_department[code], default="")
        values["department"] = department[0] if department else main
        found = self.regions.get(plain(given.get("region", "")))
        if given.get("region") and found is None:
            self._fault(
                row,
                "region",
                f"«{NBSP}{given['region'][:40]}{NBSP}» n’est pas une région : écrivez son nom.",
            )
        here = self.departments.get(plain(main))
        region = found[0] if found else (department or here or ("", ""))[1]
        values["region"] = region
        if homes and region and all(home[2] != region for home in homes):
            self._fault(
                row,
                "communes",
                "aucune de ces communes n’est dans la région de la CPTS. Vérifiez la région et "
                "les codes : un zéro perdu change de département.",
            )
        if self.region and region and region != self.region:
            self._fault(
                row,
                "region",
                "cette CPTS est d’une autre région que la vôtre : son ARS la reprendra.",
            )
        if values["form"] == Contract.Form.CPOM:
            self._check_cpom(row)
        self._choose_ars(row, region)
        self._choose_cpam(row, values["department"])

    def _choose_ars(self, row: ExistingRow, region: str) -> None:
        typed = plain(row.cells.get("ars", ""))
        found = self._by_name.get((Organisation.Kind.ARS, typed), []) if typed else []
        if typed and not found and (named := self.regions.get(typed.removeprefix("ars ").strip())):
            region = named[0]
        if not found:
            found = [
                one for one in self.organisations
                if one.kind == Organisation.Kind.ARS and one.region_id == region
            ]  # fmt: skip
        row.values["ars"] = found[0].pk if found else None
        if not found and region:
            self._fault(
                row,
                "ars",
                "le portail ne connaît pas d’ARS pour cette région : ajoutez-la dans les "
                "organismes, puis importez de nouveau.",
            )
        elif not region and not row.faults:
            self._fault(row, "region", "la région manque : écrivez son nom.")

    def _choose_cpam(self, row: ExistingRow, department: str) -> None:
        typed = plain(row.cells.get("cpam", ""))
        row.values["cpam"] = None
        if row.values["form"] == Contract.Form.CPOM:
            if typed:
                row.notices.append("Un CPOM lie la CPTS et l’ARS : la CPAM est laissée de côté.")
            return
        found = self._by_name.get((Organisation.Kind.CPAM, typed or plain(department)), [])
        if len(found) == 1:
            row.values["cpam"] = found[0].pk
        elif typed and not found:
            self._fault(
                row,
                "cpam",
                f"«{NBSP}{row.cells['cpam'][:60]}{NBSP}» n’est pas une CPAM connue : écrivez son "
                "nom comme dans les organismes, ou le numéro de son département.",
            )
        elif found:
            names = ", ".join(one.name for one in found[:_SHOWN])
            self._fault(row, "cpam", f"plusieurs caisses sont possibles ({names}) : écrivez l’une.")
        elif department:
            self._fault(row, "cpam", "aucune CPAM n’est connue pour ce département : écrivez-la.")

    def _check_cpom(self, row: ExistingRow) -> None:
        """A CPOM has a yearly amount, at most that of its source, and no size."""
        row.values["size"] = ""
        row.values["missions"] = {}
        typed = row.cells.get("yearly", "")
        most = cpom_rates().rates[0].amount
        if not typed:
            row.values["yearly"] = str(most)
            row.notices.append(
                f"Montant annuel non écrit{NBSP}: le plus que permet le cahier des charges, "
                f"{euros(most)}."
            )
            return
        try:
            amount = read_amount(typed)
            cpom_rates(amount)
        except RatesError:
            self._fault(row, "yearly", f"un CPOM va jusqu’à {euros(most)} par an.")
        except ValueError as wrong:
            self._fault(row, "yearly", str(wrong))
        else:
            row.values["yearly"] = str(amount)

    # --- Dates and class -------------------------------------------------------------------

    def _check_dates(self, row: ExistingRow) -> None:
        values = row.values
        signed = _as_day(values["signed_on"])
        if signed is None:
            if not row.cells.get("signed_on"):
                self._fault(
                    row,
                    "signed_on",
                    "la date manque : seul un contrat signé est repris. Une CPTS sans contrat "
                    "commence par sa lettre d’intention.",
                )
            return
        if signed > self.today:
            self._fault(row, "signed_on", f"le {day(signed)} est à venir : corrigez la date.")
        starts = _as_day(values["starts_on"])
        if starts is None:
            starts = signed
            row.notices.append(f"Premier jour non écrit{NBSP}: celui de la signature est pris.")
        ends = _as_day(values["ends_on"])
        if ends is None:
            is_cpom = values["form"] == Contract.Form.CPOM
            ends = two_years(starts) if is_cpom else five_years(starts)
            row.notices.append(
                f"Dernier jour non écrit{NBSP}: {'deux' if is_cpom else 'cinq'} ans après le "
                f"premier, le {day(ends)}."
            )
        values["starts_on"], values["ends_on"] = starts.isoformat(), ends.isoformat()
        self._check_order(row, starts, ends)
        self._check_missions(row, starts, ends)

    def _check_order(self, row: ExistingRow, starts: date, ends: date) -> None:
        values = row.values
        if ends < starts:
            self._fault(
                row, "ends_on", f"le {day(ends)} précède le premier jour, le {day(starts)}."
            )
        elif values["form"] == Contract.Form.CPOM and ends > two_years(starts):
            self._fault(
                row,
                "ends_on",
                f"un CPOM dure deux ans au plus : il finirait le {day(two_years(starts))}.",
            )
        elif ends < self.today:
            row.notices.append(f"Le contrat a pris fin le {day(ends)}.")
        order = [
            ("letter_on", "recognised_on", "la lettre d’intention"),
            ("recognised_on", "signed_on", "la reconnaissance"),
            ("letter_on", "signed_on", "la lettre d’intention"),
        ]
        for first, second, what in order:
            one, two = _as_day(values[first]), _as_day(values[second])
            if one and two and one > two:
                said = self.labels[second].lower()
                self._fault(
                    row,
                    first,
                    f"{what} ({day(one)}) vient après «{NBSP}{said}{NBSP}» ({day(two)}).",
                )

    def _check_missions(self, row: ExistingRow, starts: date, ends: date) -> None:
        for key, text in row.values["missions"].items():
            begins = _as_day(text)
            if begins and not starts <= begins <= ends:
                self._fault(
                    row,
                    f"{MISSION}{key}",
                    f"la mission commencerait le {day(begins)}, hors du contrat "
                    f"({day(starts)} – {day(ends)}).",
                )

    def _check_class(self, row: ExistingRow) -> None:
        values = row.values
        if values["form"] == Contract.Form.CPOM:
            return
        if not values["size"] and not row.cells.get("size"):
            if values["population"]:
                values["size"] = size_class(values["population"])
                row.notices.append(
                    f"Taille non écrite{NBSP}: taille {values['size'][1:]}, d’après la population."
                )
            else:
                self._fault(row, "size", "la taille manque, et la population aussi.")
        elif values["size"] and values["population"]:
            counted = size_class(values["population"])
            if counted != values["size"]:
                row.notices.append(
                    f"{figure(values['population'])}{NBSP}habitants font une taille "
                    f"{counted[1:]} ; le contrat dit taille {values['size'][1:]}, qui est gardée."
                )
        if not values["missions"]:
            row.notices.append(
                "Aucune mission n’a de date : l’échéancier n’aura que le fonctionnement."
            )
        if values["population"] and not values["population_year"]:
            row.notices.append("L’année de la population n’est pas écrite.")

    # --- Twins and acquaintances -----------------------------------------------------------

    def _find_twins(self) -> None:
        """The rows of the file that name one CPTS twice, and those that share communes."""
        seen: dict[str, int] = {}
        names: dict[str, list[ExistingRow]] = {}
        holders: dict[str, ExistingRow] = {}
        for row in self.rows:
            row.key = key_of(row.values)
            for key in ("rna", "siret", "finess"):
                number = row.values[key]
                mark = f"{key} {number[:9] if key == 'siret' else number}"
                if number and mark in seen:
                    self._fault(
                        row,
                        key,
                        f"ce numéro est déjà à la ligne {seen[mark]}. Gardez une seule des deux.",
                    )
                elif number:
                    seen[mark] = row.number
            codes = set(row.values["codes"])
            for other in names.get(name_key(row.name), []):
                shared = codes & set(other.values["codes"])
                if shared and not row.faults:
                    self._fault(
                        row,
                        "name",
                        f"la ligne {other.number} a le même nom et {len(shared)} "
                        f"commune{'s' if len(shared) > 1 else ''} en commun. Gardez une seule des "
                        "deux, ou distinguez-les.",
                    )
            names.setdefault(name_key(row.name), []).append(row)
            met: dict[int, list[str]] = {}
            for code in codes:
                if code in holders:
                    met.setdefault(holders[code].number, []).append(code)
                else:
                    holders[code] = row
            for number, shared_codes in sorted(met.items()):
                row.notices.append(
                    f"{self._named(shared_codes)} {_are(shared_codes)} aussi à la ligne {number}"
                    f"{NBSP}: les deux CPTS les gardent, à arbitrer ensuite."
                )

    def _named(self, codes: Iterable[str]) -> str:
        ordered = sorted(codes)
        said = ", ".join(f"{self.places.active[one][0]} ({one})" for one in ordered[:_SHOWN])
        return f"{said} et {len(ordered) - _SHOWN} autres" if len(ordered) > _SHOWN else said

    def _find_known(self) -> None:
        rows = [row for row in self.rows if not row.faults]
        by_number = self._known_numbers(rows)
        named = self._namesakes(rows)
        territories = _territories_of({one for found in named.values() for one, _name in found})
        people = {pk for pk, _name in by_number.values()} | set(territories)
        contracts = _contracts_of(people)
        done = dict(
            ExistingRow.objects.filter(
                status=Status.DONE, key__in=[row.key for row in rows]
            ).values_list("key", "contract__reference")
        )
        self._warn_of_claims(rows)
        for row in rows:
            values = row.values
            if row.key in done:
                row.status = Status.KNOWN
                row.notices.append(f"Déjà reprise{NBSP}: contrat {done[row.key]}.")
                continue
            marks = [values["rna"], values["siret"][:9], values["finess"]]
            found = next((by_number[one] for one in marks if one and one in by_number), None)
            if found:
                self._is_known(row, *found, contracts)
                continue
            for pk, name in named.get(name_key(row.name), []):
                shared = set(values["codes"]) & territories.get(pk, set())
                if shared and pk in contracts:
                    row.status, row.community_id = Status.KNOWN, pk
                    row.notices.append(
                        f"«{NBSP}{name}{NBSP}» est déjà sur le portail, avec le contrat "
                        f"{contracts[pk]}."
                    )
                elif shared:
                    row.status, row.community_id = Status.DOUBTFUL, pk
                    row.notices.append(
                        f"«{NBSP}{name}{NBSP}» est sur le portail, sans contrat, et a "
                        f"{len(shared)} de ces communes : dites si c’est la même CPTS."
                    )
                if row.status:
                    break

    def _is_known(self, row: ExistingRow, pk: int, name: str, contracts: Mapping[int, str]) -> None:
        row.community_id = pk
        if pk in contracts:
            row.status = Status.KNOWN
            row.notices.append(
                f"«{NBSP}{name}{NBSP}» a ce numéro et déjà le contrat {contracts[pk]}."
            )
        else:
            row.status = Status.READY
            row.notices.append(
                f"Le contrat sera rattaché à «{NBSP}{name}{NBSP}», qui a ce numéro et est déjà sur "
                "le portail. Son équipe et son territoire ne changent pas."
            )

    @staticmethod
    def _known_numbers(rows: Sequence[ExistingRow]) -> dict[str, tuple[int, str]]:
        """RNA, SIREN or FINESS → the CPTS that has it on the portal."""
        rna = {row.values["rna"] for row in rows} - {""}
        siren = {row.values["siret"][:9] for row in rows} - {""}
        numbers = {row.values["finess"] for row in rows} - {""}
        found: dict[str, tuple[int, str]] = {}
        entities = LegalEntity.objects.annotate(siren_part=Left("siret", 9)).select_related(
            "community"
        )
        for one in (
            entities.filter(rna__in=rna) | entities.filter(siren_part__in=siren)
        ).distinct():
            held = (one.community_id, one.community.name)
            found |= {mark: held for mark in (one.rna, one.siret[:9]) if mark}
        taken = ExistingRow.objects.filter(
            status=Status.DONE, values__finess__in=sorted(numbers), community__isnull=False
        )
        for number, pk, name in taken.values_list(
            "values__finess", "community_id", "community__name"
        ):
            found[number] = (pk, name)
        return found

    @staticmethod
    def _namesakes(rows: Sequence[ExistingRow]) -> dict[str, list[tuple[int, str]]]:
        regions = {row.values["region"] for row in rows}
        asked = {name_key(row.name) for row in rows}
        found: dict[str, list[tuple[int, str]]] = {}
        for pk, name in Community.objects.filter(region__in=regions).values_list("pk", "name"):
            if (key := name_key(name)) in asked:
                found.setdefault(key, []).append((pk, name))
        return found

    def _warn_of_claims(self, rows: Sequence[ExistingRow]) -> None:
        """Say which communes a CPTS of the portal holds already."""
        codes = {code for row in rows for code in row.values["codes"]}
        claims = TerritoryClaim.objects.filter(
            stage=TerritoryClaim.Stage.DECIDED, commune__in=codes, part_key=""
        )
        held = dict(claims.values_list("commune_id", "case__title"))
        for row in rows:
            met: dict[str, list[str]] = {}
            for code in row.values["codes"]:
                if code in held and name_key(held[code]) != name_key(row.name):
                    met.setdefault(held[code], []).append(code)
            for title, shared in sorted(met.items()):
                row.notices.append(
                    f"{self._named(shared)} {_are(shared)} déjà à «{NBSP}{title}{NBSP}»{NBSP}: les "
                    "deux CPTS les gardent, à arbitrer ensuite."
                )


def _are(codes: Sequence[str]) -> str:
    return "sont" if len(codes) > 1 else "est"


def _as_day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None


def two_years(starts_on: date) -> date:
    """The last day of a CPOM of two years, while the agreement was awaited."""
    return date.fromordinal(anniversary(starts_on, 2).toordinal() - 1)


def key_of(values: Mapping[str, Any]) -> str:
    """What tells the CPTS of a row from every other one."""
    if values["rna"]:
        return f"rna {values['rna']}"
    if values["siret"]:
        return f"siren {values['siret'][:9]}"
    if values["finess"]:
        return f"finess {values['finess']}"
    codes = sorted(values["codes"])
    return f"nom {name_key(values['name'])} {codes[0] if codes else ''} {len(codes)}"[:300]


def _territories_of(communities: Iterable[int]) -> dict[int, set[str]]:
    """The communes of the current territory of each of these CPTS."""
    found: dict[int, set[str]] = {pk: set() for pk in communities}
    rows = TerritoryPart.objects.filter(
        territory__community_link__community__in=list(found),
        territory__community_link__valid_to__isnull=True,
    ).values_list("territory__community_link__community_id", "commune_id")
    for pk, code in rows:
        found[pk].add(code)
    return found


def _contracts_of(communities: Iterable[int]) -> dict[int, str]:
    """The reference of the contract that each of these CPTS has in force."""
    return {
        pk: reference or ""
        for pk, reference in Contract.objects.filter(
            community__in=list(communities), state=CaseState.ACCEPTED
        ).values_list("community_id", "reference")
    }
