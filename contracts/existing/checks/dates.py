"""When a contract begins and ends, and the class it was signed for."""

from datetime import date

from contracts.existing.checks.listed import Listed, as_day
from contracts.existing.columns import MISSION
from contracts.funding.schedule import anniversary, five_years
from contracts.models import Contract, ExistingRow
from cpts_portal.words import NBSP, day, figure
from territories.population import size_class


class Dates:
    """The days of the rows of a file, beside one another and beside today."""

    def __init__(self, file: Listed) -> None:
        self.file = file

    def check(self, row: ExistingRow) -> None:
        """The days of the contract and of its missions, in their order; its class."""
        self._check_days(row)
        self._check_class(row)

    def _check_days(self, row: ExistingRow) -> None:
        values = row.values
        signed = as_day(values["signed_on"])
        if signed is None:
            if not row.cells.get("signed_on"):
                self.file.fault(
                    row,
                    "signed_on",
                    "la date manque : seul un contrat signé est repris. Une CPTS sans contrat "
                    "commence par sa lettre d’intention.",
                )
            return
        if signed > self.file.today:
            self.file.fault(row, "signed_on", f"le {day(signed)} est à venir : corrigez la date.")
        starts = as_day(values["starts_on"])
        if starts is None:
            starts = signed
            row.notices.append(f"Premier jour non écrit{NBSP}: celui de la signature est pris.")
        ends = as_day(values["ends_on"])
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
            self.file.fault(
                row, "ends_on", f"le {day(ends)} précède le premier jour, le {day(starts)}."
            )
        elif values["form"] == Contract.Form.CPOM and ends > two_years(starts):
            self.file.fault(
                row,
                "ends_on",
                f"un CPOM dure deux ans au plus : il finirait le {day(two_years(starts))}.",
            )
        elif ends < self.file.today:
            row.notices.append(f"Le contrat a pris fin le {day(ends)}.")
        order = [
            ("letter_on", "recognised_on", "la lettre d’intention"),
            ("recognised_on", "signed_on", "la reconnaissance"),
            ("letter_on", "signed_on", "la lettre d’intention"),
        ]
        for first, second, what in order:
            one, two = as_day(values[first]), as_day(values[second])
            if one and two and one > two:
                said = self.file.labels[second].lower()
                self.file.fault(
                    row,
                    first,
                    f"{what} ({day(one)}) vient après «{NBSP}{said}{NBSP}» ({day(two)}).",
                )

    def _check_missions(self, row: ExistingRow, starts: date, ends: date) -> None:
        for key, text in row.values["missions"].items():
            begins = as_day(text)
            if begins and not starts <= begins <= ends:
                self.file.fault(
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
                self.file.fault(row, "size", "la taille manque, et la population aussi.")
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


def two_years(starts_on: date) -> date:
    """The last day of a CPOM of two years, while the agreement was awaited."""
    return date.fromordinal(anniversary(starts_on, 2).toordinal() - 1)
