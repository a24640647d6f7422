"""The money of a row: the yearly amount of a CPOM, what was paid before the portal."""

from datetime import date
from decimal import Decimal
from typing import Any

from contracts.existing.cells import CellError, read_paid
from contracts.existing.checks.listed import Listed, as_day
from contracts.existing.columns import PAID
from contracts.funding import engaging
from contracts.funding.fields import read_amount
from contracts.funding.payments import Ledger
from contracts.funding.schedule import Line, compute_schedule
from contracts.models import Contract, ExistingRow
from cpts_portal.words import NBSP, day, euros
from procedures.rates import RatesError, cpom_rates, rates_of
from workflow.services import ActionRefusedError

ZERO = Decimal("0.00")


class Money:
    """The amounts of the rows of a file, beside the schedule that each would have."""

    def __init__(self, file: Listed) -> None:
        self.file = file
        # Many contracts of a list have the same terms.
        self._schedules: dict[tuple[Any, ...], tuple[Line, ...]] = {}

    def check_cpom(self, row: ExistingRow) -> None:
        """A CPOM has a yearly amount, at most that of its source, and no size."""
        if row.values["form"] != Contract.Form.CPOM:
            return
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
            self.file.fault(row, "yearly", f"un CPOM va jusqu’à {euros(most)} par an.")
        except ValueError as wrong:
            self.file.fault(row, "yearly", str(wrong))
        else:
            row.values["yearly"] = str(amount)

    def check_paid(self, row: ExistingRow) -> None:
        """What was paid before the portal: once in all with its day, or by civil year.

        A whole year counts on its last day, the current one today. More than the schedule is a
        fault; more than what had fallen due, a remark.
        """
        found = self._by_year(row)
        if (whole := self._in_one(row)) is not None:
            if found:
                self.file.fault(
                    row,
                    "paid",
                    "les montants par année sont écrits aussi : gardez l’un ou les autres, ils "
                    "compteraient deux fois.",
                )
                return
            found = [whole]
        row.values["paid"] = [[on.isoformat(), str(amount)] for on, amount in found]
        if found and not row.faults:
            self._beside_the_schedule(row, found)

    def _by_year(self, row: ExistingRow) -> list[tuple[date, Decimal]]:
        found = []
        signed = as_day(row.values["signed_on"])
        for key in (one for one in self.file.labels if one.startswith(PAID)):
            amount = self._amount(row, key)
            if amount is None:
                continue
            year = int(key.removeprefix(PAID))
            if signed and year < signed.year:
                self.file.fault(
                    row,
                    key,
                    f"le contrat a été signé le {day(signed)} : rien n’a pu être payé avant. "
                    "Vérifiez l’année, ou la date de signature.",
                )
            found.append((min(date(year, 12, 31), self.file.today), amount))
        return found

    def _in_one(self, row: ExistingRow) -> tuple[date, Decimal] | None:
        amount = self._amount(row, "paid")
        on = as_day(self.file.day(row, "paid_on"))
        if amount is None:
            if on and not row.cells.get("paid"):
                self.file.fault(row, "paid", "la date est écrite, le montant manque.")
            return None
        signed = as_day(row.values["signed_on"])
        if on is None:
            row.notices.append(f"Date du montant déjà payé non écrite{NBSP}: aujourd’hui.")
            on = self.file.today
        elif on > self.file.today:
            self.file.fault(row, "paid_on", f"le {day(on)} est à venir : corrigez la date.")
        elif signed and on < signed:
            self.file.fault(
                row,
                "paid_on",
                f"le contrat a été signé le {day(signed)} : rien n’a pu être payé le {day(on)}.",
            )
        return on, amount

    def _amount(self, row: ExistingRow, key: str) -> Decimal | None:
        try:
            return read_paid(row.cells.get(key, ""))
        except CellError as wrong:
            self.file.fault(row, key, str(wrong))
            return None

    def _beside_the_schedule(self, row: ExistingRow, paid: list[tuple[date, Decimal]]) -> None:
        total = sum((amount for _, amount in paid), ZERO)
        said = ", ".join(f"{euros(amount)} au {day(on)}" for on, amount in paid)
        row.notices.append(f"Déjà payé avant le portail{NBSP}: {said}.")
        lines = self._schedule(row)
        if not lines:
            row.notices.append(
                "Les tarifs de ce contrat ne sont pas tous connus : ce qui est déjà payé sera "
                "affecté à ses missions quand ils le seront."
            )
            return
        ledger = Ledger([(one.year, one.mission, one.amount) for one in lines], {})
        most = sum((one.amount for one in lines), ZERO)
        try:
            ledger.share_out(total)
        except ActionRefusedError:
            self.file.fault(
                row,
                "paid" if row.cells.get("paid") else self._first_year(row),
                f"{euros(total)} en tout, plus que tout ce que le contrat prévoit jusqu’à sa fin, "
                f"{euros(most)}. Vérifiez les montants, la taille et les missions.",
            )
            return
        last = paid[-1][0]
        due = sum((one.amount for one in lines if one.due_on <= last), ZERO)
        if total > due:
            row.notices.append(
                f"C’est plus que ce que l’échéancier prévoyait au {day(last)}, {euros(due)} : "
                "vérifiez le montant."
            )

    def _first_year(self, row: ExistingRow) -> str:
        return next(key for key in self.file.labels if key.startswith(PAID) and row.cells.get(key))

    def _schedule(self, row: ExistingRow) -> tuple[Line, ...]:
        """The lines the contract would have, in the order they fall due; none without its rates."""
        values = row.values
        missions = tuple(sorted(values["missions"].items()))
        yearly = values.get("yearly", "")
        days = [values[one] for one in ("starts_on", "ends_on", "signed_on")]
        key = (values["form"], values["size"], yearly, missions, *days)
        if key not in self._schedules:
            starts_on, ends_on, signed_on = (date.fromisoformat(one) for one in days)
            rates = cpom_rates(Decimal(yearly)) if yearly else rates_of(values["form"])
            signed = engaging.Signed(
                starts_on=starts_on,
                ends_on=ends_on,
                signed_on=signed_on,
                size=values["size"],
                missions={one: date.fromisoformat(on) for one, on in missions},
                form=values["form"],
            )
            worked_out = compute_schedule(engaging.engagement_signed(signed, rates))
            lines = () if worked_out.problems else worked_out.lines
            self._schedules[key] = tuple(
                sorted(lines, key=lambda one: (one.due_on, one.is_ceiling))
            )
        return self._schedules[key]
