"""Payments from a CPAM's file: read, checked and shown first; written when somebody confirms."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Max, Q
from django.db.models.functions import Upper
from django.utils import timezone

from accounts.models import Organisation, User
from contracts import rules
from contracts.funding import payments, totals
from contracts.funding.fields import read_amount
from contracts.funding.ratebook import mission_labels
from contracts.models import Contract, Payment, PaymentImport, PaymentPart
from cpts_portal import spreadsheets
from cpts_portal.spreadsheets import plain
from cpts_portal.words import NBSP, day, euros
from workflow.models import Case
from workflow.services import ActionRefusedError

MOST_ROWS: Final = 2_000
KEPT: Final = timedelta(days=15)
# Key → heading, in the order of an exported file.
COLUMNS: Final[dict[str, str]] = {
    "contract": "Contrat",
    "paid_on": "Date du paiement",
    "amount": "Montant",
    "reference": "Référence",
    "mission": "Mission",
    "year": "Année du contrat",
}
_NEEDED: Final = ("contract", "paid_on", "amount", "reference")
_OTHER_HEADINGS: Final = {
    "reference du contrat": "contract",
    "numero de contrat": "contract",
    "date": "paid_on",
    "date de paiement": "paid_on",
    "paye le": "paid_on",
    "montant en euros": "amount",
    "montant paye": "amount",
    "reference du paiement": "reference",
    "annee": "year",
}


@dataclass
class Row:
    """One line of the file. `status`: « ready », « wrong » (faults) or « known » (recorded)."""

    number: int
    cells: dict[str, str]
    values: dict[str, Any] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)
    status: str = "ready"

    @property
    def sentences(self) -> list[str]:
        return [f"Ligne {self.number}{NBSP}: {fault}" for fault in self.faults]

    @property
    def summary(self) -> str:
        amount = euros(Decimal(self.values["amount"]))
        return (
            f"Ligne {self.number}{NBSP}: {amount}, le {self.cells['paid_on']}, contrat "
            f"{self.cells['contract']}, référence {self.cells['reference']}"
        )


@dataclass(frozen=True)
class Applied:
    """What a confirmed import did; `refused` are sentences on rows that no longer could."""

    added: int
    total: Decimal
    refused: list[str]


# --- Reading --------------------------------------------------------------------------------------


@transaction.atomic
def read_file(organisation: Organisation, *, name: str, content: bytes, by: User) -> PaymentImport:
    """Read a file, keep what it says aside, and return it: no payment is written.

    An import that waited is given up. Raises PermissionDenied, or TableFileError when nothing of
    the file can be used.
    """
    if rules.keeps_payments_of(by) != organisation.pk:
        raise PermissionDenied
    Organisation.objects.select_for_update(no_key=True).get(pk=organisation.pk)
    rows, ignored = _read(organisation, name, content)
    give_up(organisation)
    return PaymentImport.objects.create(
        organisation=organisation,
        file_name=name[:150],
        rows=[asdict(row) for row in rows],
        ignored=ignored,
        created_by=by,
    )


def give_up(organisation: Organisation) -> None:
    """Forget the import that waits for a CPAM, if there is one."""
    PaymentImport.objects.filter(organisation=organisation, closed_at__isnull=True).update(
        closed_at=timezone.now(), rows=[]
    )


def forget_old(*, now: datetime | None = None) -> int:
    """Give up the imports that nobody confirmed for 15 days; how many."""
    limit = (now or timezone.now()) - KEPT
    return PaymentImport.objects.filter(closed_at=None, created_at__lt=limit).update(
        closed_at=timezone.now(), rows=[]
    )


def rows_of(waiting: PaymentImport) -> list[Row]:
    return [Row(**stored) for stored in waiting.rows]


def _read(organisation: Organisation, name: str, content: bytes) -> tuple[list[Row], list[str]]:
    found, ignored = spreadsheets.read_list(
        name,
        content,
        headings=_OTHER_HEADINGS | {plain(label): key for key, label in COLUMNS.items()},
        labels=COLUMNS,
        needed=_NEEDED,
        max_rows=MOST_ROWS,
    )
    rows = [Row(number, cells) for number, cells in found]
    _check(organisation, rows)
    return rows, ignored


def _check(organisation: Organisation, rows: Sequence[Row]) -> None:
    """Give each row its values, or what is wrong with it, in a constant number of queries."""
    contracts = _contracts(organisation, [row.cells.get("contract", "") for row in rows])
    references = [row.cells.get("reference", "") for row in rows]
    known = {
        one.reference.upper(): one
        for one in Payment.objects.standing()
        .filter(payer=organisation)
        .annotate(key=Upper("reference"))
        .filter(key__in=[one.upper() for one in references])
        .select_related("contract")
    }
    ledgers = payments.ledgers_of({one.pk for one in contracts.values()})
    missions = {plain(label): key for key, label in mission_labels().items()}
    missions |= {plain(key): key for key in mission_labels() if key}
    seen: dict[str, int] = {}
    for row in rows:
        contract = contracts.get(row.cells.get("contract", "").upper())
        _check_cells(row, contract, missions)
        reference = row.cells.get("reference", "").upper()
        twin = known.get(reference)
        if twin is not None:
            _judge_twin(row, twin, contract)
        elif reference and reference in seen:
            row.faults.append(
                f"la référence est déjà à la ligne {seen[reference]} : gardez-en une seule."
            )
        seen.setdefault(reference, row.number)
        if not row.faults and row.status == "ready" and contract is not None:
            try:
                ledgers[contract.pk].share_out(
                    Decimal(row.values["amount"]),
                    mission=row.values["mission"],
                    year=row.values["year"],
                )
            except ActionRefusedError as refused:
                row.faults.append(_lower(refused.message))
        if row.faults:
            row.status = "wrong"


def _judge_twin(row: Row, twin: Payment, contract: Contract | None) -> None:
    """A line sent again is known; another payment of the same reference is wrong."""
    same = contract is not None and (
        (twin.contract_id, str(twin.amount), twin.paid_on.isoformat())
        == (contract.pk, row.values.get("amount"), row.values.get("paid_on"))
    )
    if same and (not row.faults or twin.is_before_portal):
        row.status, row.faults = "known", []
    else:
        row.faults.append(_lower(payments.said_twice(twin)))


def _contracts(organisation: Organisation, texts: Iterable[str]) -> dict[str, Contract]:
    asked = {text.upper() for text in texts if text}
    found = Contract.objects.filter(
        cpam=organisation, reference__in=asked, signed_on__isnull=False
    ).annotate(
        paid_until=Max(
            "payments__paid_on",
            filter=Q(payments__is_before_portal=True, payments__cancelled_at__isnull=True),
        )
    )
    return {str(one.reference).upper(): one for one in found}


def _check_cells(row: Row, contract: Contract | None, missions: Mapping[str, str]) -> None:
    cells, values = row.cells, row.values
    typed = cells.get("contract", "")
    if contract is None:
        row.faults.append(
            f"« {typed} » n’est pas la référence d’un contrat signé que votre caisse paie."
            if typed
            else "la référence du contrat manque."
        )
    else:
        values["contract"] = contract.pk
    try:
        values["amount"] = str(read_amount(cells.get("amount", "")))
    except ValueError as wrong:
        row.faults.append(_lower(str(wrong)))
    paid_on = _day(cells.get("paid_on", ""))
    if paid_on is None:
        row.faults.append(
            f"« {cells.get('paid_on', '')} » n’est pas une date : écrivez 15/03/2027."
        )
    else:
        values["paid_on"] = paid_on.isoformat()
        cells["paid_on"] = day(paid_on)
        if contract is not None:
            until: date | None = vars(contract)["paid_until"]
            faults = payments.day_faults(contract, paid_on, known_until=until)
            row.faults += [_lower(one) for one in faults]
    if sentence := payments.reference_fault(cells.get("reference", "")):
        row.faults.append(_lower(sentence))
    mission = cells.get("mission", "")
    values["mission"] = missions.get(plain(mission)) if mission else None
    if mission and values["mission"] is None:
        row.faults.append(f"« {mission} » n’est pas une mission de l’accord : laissez vide sinon.")
    year = cells.get("year", "")
    values["year"] = int(year) if year.isascii() and year.isdigit() and len(year) < 3 else None
    if year and values["year"] is None:
        row.faults.append(f"« {year} » n’est pas une année du contrat : écrivez 1, 2, 3…")


def _day(text: str) -> date | None:
    for shape in ("%d/%m/%Y", "%Y-%m-%d", "%d/%m/%y"):
        try:
            return datetime.strptime(text, shape).date()  # noqa: DTZ007 - a day, not a moment
        except ValueError:
            continue
    return None


def _lower(sentence: str) -> str:
    return sentence[:1].lower() + sentence[1:]


# --- Applying -------------------------------------------------------------------------------------


@transaction.atomic
def apply_import(waiting: PaymentImport, *, by: User) -> Applied:
    """Write the rows that are ready, each once. What changed since they were read is checked again.

    Raises PermissionDenied, or ActionRefusedError when it was confirmed or given up meanwhile.
    """
    if rules.keeps_payments_of(by) != waiting.organisation_id:
        raise PermissionDenied
    organisation = Organisation.objects.select_for_update(no_key=True).get(
        pk=waiting.organisation_id
    )
    waiting = PaymentImport.objects.get(pk=waiting.pk)
    if waiting.closed_at:
        raise ActionRefusedError("Cet import a déjà été confirmé ou abandonné.")
    rows = [row for row in rows_of(waiting) if row.status == "ready"]
    contracts = Contract.objects.in_bulk({row.values["contract"] for row in rows})
    # In one order: two imports never wait for each other.
    list(Case.objects.select_for_update().filter(pk__in=contracts).order_by("pk").values("pk"))
    ledgers = payments.ledgers_of(contracts)
    taken = set(
        Payment.objects.standing()
        .filter(payer=organisation)
        .annotate(key=Upper("reference"))
        .filter(key__in=[row.cells["reference"].upper() for row in rows])
        .values_list("key", flat=True)
    )
    refused: list[str] = []
    made: list[Payment] = []
    parts: list[dict[tuple[int, str], Decimal]] = []
    for row in rows:
        if row.cells["reference"].upper() in taken:
            refused.append(f"Ligne {row.number}{NBSP}: la référence vient d’être enregistrée.")
            continue
        amount = Decimal(row.values["amount"])
        try:
            shared = ledgers[row.values["contract"]].share_out(
                amount, mission=row.values["mission"], year=row.values["year"]
            )
        except ActionRefusedError as error:
            refused.append(f"Ligne {row.number}{NBSP}: {_lower(error.message)}")
            continue
        parts.append(shared)
        made.append(
            Payment(
                contract_id=row.values["contract"],
                payer=organisation,
                paid_on=date.fromisoformat(row.values["paid_on"]),
                amount=amount,
                reference=row.cells["reference"],
                recorded_by=by,
            )
        )
    Payment.objects.bulk_create(made)
    PaymentPart.objects.bulk_create(
        PaymentPart(payment=payment, year=year, mission=mission, amount=part)
        for payment, shared in zip(made, parts, strict=True)
        for (year, mission), part in shared.items()
    )
    for contract in {one.contract_id for one in made}:
        totals.settle_totals(contracts[contract])
    waiting.closed_at, waiting.rows = timezone.now(), []
    waiting.save(update_fields=["closed_at", "rows"])
    return Applied(len(made), sum((one.amount for one in made), totals.ZERO), refused)


# --- Exporting ------------------------------------------------------------------------------------


def exported(recorded: Iterable[Payment]) -> list[list[str]]:
    """The lines of an export, one a payment, which can be imported back; contracts are read."""
    return [
        [
            str(one.contract.reference),
            f"{one.paid_on:%d/%m/%Y}",
            f"{one.amount:.2f}".replace(".", ","),
            one.reference,
            "",
            "",
            one.contract.title,
            _remark(one),
        ]
        for one in recorded
    ]


def _remark(one: Payment) -> str:
    if one.cancelled_at:
        return f"annulé : {one.cancelled_reason}"
    return "payé avant le portail, en tout" if one.is_before_portal else ""


EXPORT_HEADINGS: Final = (*COLUMNS.values(), "CPTS", "Remarque")
