"""What the cells of a row say, one by one."""

from functools import partial
from typing import Final

from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from communities.numbers import rna_problem, siret_problem
from contracts.existing import cells
from contracts.existing.cells import CellError
from contracts.existing.checks.listed import Listed
from contracts.existing.columns import MISSION
from contracts.funding.ratebook import mission_labels
from contracts.models import ExistingRow
from cpts_portal.mojibake import has_lost_letters
from cpts_portal.spreadsheets import plain
from cpts_portal.words import NBSP
from members import finess

LONGEST_NAME: Final = 200


class Entries:
    """The cells of a file."""

    def __init__(self, file: Listed) -> None:
        self.file = file

    def read_row(self, row: ExistingRow) -> None:
        """Its values, cell by cell, and what is wrong in each."""
        given, values = row.cells, row.values
        for key, text in given.items():
            if has_lost_letters(text):
                self.file.fault(
                    row,
                    key,
                    f"«{NBSP}{text[:60]}{NBSP}» a perdu des lettres accentuées que le portail ne "
                    "peut pas deviner. Réenregistrez le fichier d’origine en UTF-8, ou corrigez "
                    "la case.",
                )
        name = given.get("name", "")
        row.name = values["name"] = name[:LONGEST_NAME]
        if not plain(name):
            self.file.fault(row, "name", "le nom de la CPTS manque.")
        elif len(name) > LONGEST_NAME:
            self.file.fault(
                row, "name", f"le nom dépasse {LONGEST_NAME} signes : raccourcissez-le."
            )
        for key in ("association", "address", "postal_code", "city", "last_name", "first_name"):
            values[key] = given.get(key, "")[:200]
        values["postal_code"] = self.file.bare(row, "postal_code", 5)
        values["file"] = given.get("file", "")[:200]
        self._numbers(row)
        self._email(row)
        for key, read in (("size", cells.read_size), ("form", cells.read_form)):
            values[key] = self.file.read(row, key, read) or ""
        for key, what, least, most in (
            ("population", "un nombre d’habitants", 1, 10_000_000),
            ("population_year", "une année", 1990, self.file.today.year),
        ):
            read_it = partial(cells.read_number, what=what, least=least, most=most)
            values[key] = self.file.read(row, key, read_it)
        for key in ("letter_on", "recognised_on", "signed_on", "starts_on", "ends_on"):
            values[key] = self.file.day(row, key)
        values["missions"] = {
            key: found
            for key in mission_labels()
            if key and (found := self.file.day(row, f"{MISSION}{key}"))
        }
        self._codes(row)

    def _numbers(self, row: ExistingRow) -> None:
        for key, length, problem in (
            ("rna", 10, rna_problem),
            ("siret", 14, siret_problem),
            ("finess", finess.LENGTH, finess.problem),
        ):
            number = self.file.bare(row, key, length)
            row.values[key] = number
            if number and (sentence := problem(number)):
                self.file.fault(row, key, sentence)

    def _email(self, row: ExistingRow) -> None:
        typed = row.cells.get("email", "").lower()
        row.values["email"] = typed
        try:
            if typed:
                validate_email(typed)
        except ValidationError:
            self.file.fault(
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
                    if (found := self.file.territories.get(plain(row.cells.get(key, ""))))
                ),
                [],
            )
            text = " ; ".join(code for _line, code in listed)
        try:
            codes, notices = cells.read_codes(text)
        except CellError as wrong:
            self.file.fault(row, "communes", str(wrong))
            codes, notices = [], []
        if not text:
            self.file.fault(
                row,
                "communes",
                "le territoire manque : écrivez les codes INSEE de ses communes, ou joignez le "
                "fichier des territoires.",
            )
        row.values["codes"] = codes
        row.notices += notices
