"""What a contract engages and was paid each civil year, kept beside it."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Any, Final

from django.db import connection, transaction

from contracts.models import Contract
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


_DEBTS: Final = """
    WITH fallen AS (
        SELECT line.due_on AS since, sum(line.amount) AS amount
          FROM contracts_scheduleline AS line
          JOIN contracts_schedule AS schedule ON schedule.id = line.schedule_id
         WHERE schedule.contract_id = %(contract)s AND schedule.is_current AND NOT line.is_ceiling
         GROUP BY line.due_on
    ), paid AS (
        SELECT coalesce(sum(payment.amount), 0) AS amount
          FROM contracts_payment AS payment
         WHERE payment.contract_id = %(contract)s AND payment.cancelled_at IS NULL
    ), owed AS (
        SELECT fallen.since, lead(fallen.since) OVER days AS until,
               sum(fallen.amount) OVER days - paid.amount AS amount
          FROM fallen CROSS JOIN paid
        WINDOW days AS (ORDER BY fallen.since)
    )
    INSERT INTO contracts_contractdebt (contract_id, since, until, amount)
    SELECT %(contract)s, since, until, amount FROM owed WHERE amount > 0
"""


def settle_totals(contract: Contract) -> None:
    """Write again what a contract engages and was paid each civil year, and what is owed on it
    from each day. The caller has the lock."""
    given = {"contract": contract.pk}
    with connection.cursor() as cursor:
        for table, statement in (("contractyear", _TOTALS), ("contractdebt", _DEBTS)):
            cursor.execute(
                f"DELETE FROM contracts_{table} WHERE contract_id = %(contract)s",  # noqa: S608 - one of two names above
                given,
            )
            cursor.execute(statement, given)


def totals_are_right(contracts: Iterable[Contract]) -> list[Any]:
    """The contracts whose stored sums are not those of the lines and payments: none, ever."""
    wrong = []
    for contract in contracts:
        stored = _stored(contract)
        with transaction.atomic():
            settle_totals(contract)
        again = _stored(contract)
        if stored != again:
            wrong.append((contract.pk, stored, again))
    return wrong


def _stored(contract: Contract) -> list[Any]:
    years = contract.money_years.order_by("year").values_list("year", "engaged", "paid")
    debts = contract.debts.order_by("since").values_list("since", "until", "amount")
    return [*years, *debts]
