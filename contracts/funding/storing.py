"""Rates and lines as they are kept with a contract: JSON, amounts as texts, days as ISO."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from contracts.funding.schedule import Line, Piece, Step
from contracts.models import ScheduleLine
from procedures.rates import Mission, Rate, RateTable, Share


def rates_as_data(table: RateTable) -> dict[str, Any]:
    """A table, whole: a contract keeps the rates it was signed at."""
    return {
        "key": table.key,
        "version": table.version,
        "label": table.label,
        "missions": [[one.key, one.label, one.is_optional] for one in table.missions],
        "rates": [
            {
                "share": one.share.value,
                "mission": one.mission,
                "size": one.size,
                "amount": str(one.amount),
                "valid_from": one.valid_from.isoformat(),
                "valid_to": one.valid_to.isoformat() if one.valid_to else None,
                "source": one.source,
                "is_confirmed": one.is_confirmed,
            }
            for one in table.rates
        ],
    }


def rates_from_data(data: Mapping[str, Any]) -> RateTable:
    """The table that `rates_as_data` wrote."""
    return RateTable(
        data["key"],
        data["version"],
        data["label"],
        tuple(Mission(*one) for one in data["missions"]),
        tuple(
            Rate(
                share=Share(one["share"]),
                mission=one["mission"],
                size=one["size"],
                amount=Decimal(one["amount"]),
                valid_from=date.fromisoformat(one["valid_from"]),
                valid_to=date.fromisoformat(one["valid_to"]) if one["valid_to"] else None,
                source=one["source"],
                is_confirmed=one["is_confirmed"],
            )
            for one in data["rates"]
        ),
    )


def line_from_row(row: ScheduleLine) -> Line:
    """A line as it was worked out, from the row that keeps it."""
    return Line(
        due_on=row.due_on,
        year=row.year,
        mission=row.mission,
        share=Share(row.share),
        step=Step(row.step),
        amount=row.amount,
        pieces=tuple(
            Piece(Decimal(rate), days, whole, source, sure)
            for rate, days, whole, source, sure in row.pieces
        ),
        is_ceiling=row.is_ceiling,
    )


def row_from_line(line: Line, schedule: int, rank: int) -> ScheduleLine:
    """The row, not yet written, that keeps a line of the schedule of this number."""
    return ScheduleLine(
        schedule_id=schedule,
        rank=rank,
        due_on=line.due_on,
        year=line.year,
        mission=line.mission,
        share=line.share,
        step=line.step,
        amount=line.amount,
        pieces=[
            [str(one.rate), one.days, one.days_in_year, one.source, one.is_confirmed]
            for one in line.pieces
        ],
        is_ceiling=line.is_ceiling,
    )
