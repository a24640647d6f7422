"""Where a CPTS is, and who signs with it: its région, its agency, its CPAM."""

from functools import cached_property

from accounts.models import Organisation
from contracts.existing.checks.listed import SHOWN, Listed
from contracts.existing.checks.places import Places
from contracts.models import Contract, ExistingRow
from cpts_portal.spreadsheets import plain
from cpts_portal.words import NBSP
from territories.models import Department, Region


class Parties:
    """The régions, départements and organisations of the portal beside the rows of a file."""

    def __init__(self, file: Listed, places: Places) -> None:
        self.file, self.places = file, places

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

    def check(self, row: ExistingRow) -> None:
        """Where the CPTS is, and who signs with it."""
        values, given = row.values, row.cells
        homes = [self.places.known.active[code] for code in values["codes"]]
        department = self.departments.get(plain(given.get("department", "")))
        if given.get("department") and department is None:
            self.file.fault(
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
            self.file.fault(
                row,
                "region",
                f"«{NBSP}{given['region'][:40]}{NBSP}» n’est pas une région : écrivez son nom.",
            )
        here = self.departments.get(plain(main))
        region = found[0] if found else (department or here or ("", ""))[1]
        values["region"] = region
        if homes and region and all(home[2] != region for home in homes):
            self.file.fault(
                row,
                "communes",
                "aucune de ces communes n’est dans la région de la CPTS. Vérifiez la région et "
                "les codes : un zéro perdu change de département.",
            )
        if self.file.region and region and region != self.file.region:
            self.file.fault(
                row,
                "region",
                "cette CPTS est d’une autre région que la vôtre : son ARS la reprendra.",
            )
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
            self.file.fault(
                row,
                "ars",
                "le portail ne connaît pas d’ARS pour cette région : ajoutez-la dans les "
                "organismes, puis importez de nouveau.",
            )
        elif not region and not row.faults:
            self.file.fault(row, "region", "la région manque : écrivez son nom.")

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
            self.file.fault(
                row,
                "cpam",
                f"«{NBSP}{row.cells['cpam'][:60]}{NBSP}» n’est pas une CPAM connue : écrivez son "
                "nom comme dans les organismes, ou le numéro de son département.",
            )
        elif found:
            names = ", ".join(one.name for one in found[:SHOWN])
            self.file.fault(
                row, "cpam", f"plusieurs caisses sont possibles ({names}) : écrivez l’une."
            )
        elif department:
            self.file.fault(
                row, "cpam", "aucune CPAM n’est connue pour ce département : écrivez-la."
            )
