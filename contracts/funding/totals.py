"""What a contract engages and was paid each civil year, kept beside it."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Any, Final

from django.db import connection, transaction

from contracts.models import (
    Contract,
    ContractYear,
)
from workflow.models import Case

ZERO: Final = Decimal("0.00")


def lock(contract: int) -> None:
    """Hold the contract of this number until the transaction ends."""
    Case.objects.select_for_update().get(pk=contract)


_TOTALS: Final = """
    WITH sums AS (
        SELECT date_part('year', line.due_on)::int AS year, line.amount AS engaged, 0 AS paid
          FROM contracts_scheduleline AS line
          JOIN contracts_schedule AS schedule ON schedule.id = line.schedule_id
         WHERE schedule.contract_id = %(contract)s AND schedule.is_current
        UNION ALL
        SELECT date_part('year', payment.paid_on)::int, 0, payment.amount
          FROM contracts_payment AS payment
         WHERE payment.contract_id = %(contract)s AND payment.cancelled_at IS NULL
    )
    INSERT INTO contracts_contractyear (contract_id, year, engaged, paid)
    SELECT %(contract)s, year, sum(engaged), sum(paid) FROM sums GROUP BY year
"""


def settle_totals(contract: Contract) -> None:
    """Write again what a contract engages and was paid each civil year. The caller has the lock."""
    ContractYear.objects.filter(contract=contract).delete()
    with connection.cursor() as cursor:
        cursor.execute(_TOTALS, {"contract": contract.pk})


def totals_are_right(contracts: Iterable[Contract]) -> list[Any]:
    """The civil years whose stored sums are not those of the lines and payments: none, ever."""
    wrong = []
    for contract in contracts:
        stored = list(contract.money_years.order_by("year").values_list("year", "engaged", "paid"))
        with transaction.atomic():
            settle_totals(contract)
        again = list(contract.money_years.order_by("year").values_list("year", "engaged", "paid"))
        if stored != again:
            wrong.append((contract.pk, stored, again))
    return wrong
